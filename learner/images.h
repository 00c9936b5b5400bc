/* Images: which pictures of the training split an iteration rolls out, and how its inner epochs shuffle them. A pure
 * function of the seed and the iteration, so a resumed run goes on with the same pictures. */
#ifndef TROUPE_LEARNER_IMAGES_H
#define TROUPE_LEARNER_IMAGES_H

#include <stdint.h>

typedef struct ImageOrder {
  uint64_t seed;
  const int32_t *split; /* [count] dataset indices of the training split, borrowed */
  int count;
  int per_iteration; /* <= count; an epoch's remainder is left out, another one each epoch */
  int32_t *shuffled; /* [count], owned: the order of `epoch` */
  int64_t epoch;     /* -1 = none yet */
} ImageOrder;

void images_init(ImageOrder *order, uint64_t seed, const int32_t *split, int count, int per_iteration);
void images_free(ImageOrder *order); /* idempotent */

/* The pictures of iteration k = 0, 1, ... [per_iteration]; borrowed until the next call. */
const int32_t *images_iteration(ImageOrder *order, int64_t iteration);

/* fresh [count - per_iteration] <- the pictures that iteration k does not have, in an order of its own. */
void images_fresh(ImageOrder *order, int64_t iteration, int32_t *fresh);

/* Iterations of one epoch (at least 1). */
int images_iterations_per_epoch(const ImageOrder *order);

/* order [count] <- a permutation of 0 .. count - 1 for one inner epoch of an iteration. */
void images_shuffle(uint64_t seed, int64_t iteration, int inner_epoch, int32_t *order, int count);

#endif
