/* Images: shuffles keyed by seed and epoch. */
#include "learner/images.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/rng.h"
#include "common/base/status.h"

void images_init(ImageOrder *order, uint64_t seed, const int32_t *split, int count, int per_iteration) {
  CHECK(per_iteration > 0 && per_iteration <= count);
  *order = (ImageOrder){.seed = seed,
                        .split = split,
                        .count = count,
                        .per_iteration = per_iteration,
                        .epoch = -1,
                        .shuffled = xmalloc((size_t)count * sizeof(int32_t))};
}

void images_free(ImageOrder *order) {
  free(order->shuffled);
  *order = (ImageOrder){0};
}

int images_iterations_per_epoch(const ImageOrder *order) { return order->count / order->per_iteration; }

const int32_t *images_iteration(ImageOrder *order, int64_t iteration) {
  int per_epoch = images_iterations_per_epoch(order);
  int64_t epoch = iteration / per_epoch;
  if (epoch != order->epoch) {
    memcpy(order->shuffled, order->split, (size_t)order->count * sizeof(int32_t));
    rng_shuffle((RngKey){.seed = order->seed, .stage = RNG_ORDER, .iteration = (uint32_t)epoch}, order->shuffled,
                order->count);
    order->epoch = epoch;
  }
  return order->shuffled + (size_t)(iteration % per_epoch) * (size_t)order->per_iteration;
}

enum { FRESH = 1 << 12 }; /* above any inner epoch */

void images_fresh(ImageOrder *order, int64_t iteration, int32_t *fresh) {
  int first = (int)(images_iteration(order, iteration) - order->shuffled), each = order->per_iteration;
  int behind = order->count - first - each;
  memcpy(fresh, order->shuffled, (size_t)first * sizeof *fresh);
  memcpy(fresh + first, order->shuffled + first + each, (size_t)behind * sizeof *fresh);
  rng_shuffle((RngKey){.seed = order->seed, .stage = RNG_SHUFFLE, .iteration = (uint32_t)iteration, .sample = FRESH},
              fresh, first + behind);
}

void images_shuffle(uint64_t seed, int64_t iteration, int inner_epoch, int32_t *order, int count) {
  for (int i = 0; i < count; i++) order[i] = i;
  rng_shuffle(
      (RngKey){.seed = seed, .stage = RNG_SHUFFLE, .iteration = (uint32_t)iteration, .sample = (uint32_t)inner_epoch},
      order, count);
}
