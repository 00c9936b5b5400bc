/* Random numbers by counter: Philox4x32-10 (Salmon, Moraes, Dror, Shaw: "Parallel Random Numbers: As Easy as
 * 1, 2, 3", SC 2011). A draw is a pure function of (seed, stage, iteration, image, sample, position), so it does not
 * depend on which rank or thread makes it, nor on how many there are. */
#ifndef TROUPE_BASE_RNG_H
#define TROUPE_BASE_RNG_H

#include <stdint.h>

/* What the numbers are for. Each stage is a stream of its own under the same seed; values are part of the file
 * format of a run (same seed, same bits), so only append. */
typedef enum RngStage {
  RNG_INIT = 1,    /* initial weights */
  RNG_ORDER = 2,   /* order of images in an epoch */
  RNG_DROPOUT = 3, /* dropout masks */
  RNG_SAMPLE = 4,  /* sampled tokens */
  RNG_SHUFFLE = 5, /* minibatches of the inner epochs */
  RNG_SCENES = 6,  /* the embedded data set */
  RNG_TEST = 7,
  RNG_BOOTSTRAP = 8, /* pictures drawn anew for an interval */
} RngStage;

/* The raw generator: out = philox(counter, key). */
void philox4x32(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]);

/* Where a draw is made. Unused fields are 0. `iteration` and `image` use their low 32 bits; `sample` and `position` 16
 * bits each (CHECKed). */
typedef struct RngKey {
  uint64_t seed;
  RngStage stage;
  uint32_t iteration, image, sample, position;
} RngKey;

/* Four independent 32-bit words at this key. */
void rng_words(const RngKey *key, uint32_t out[4]);

/* Uniform in [0, 1) with 24 bits (float) or 53 bits (double). */
float rng_uniform(const RngKey *key);
double rng_uniform53(const RngKey *key);

/* Standard normal by Box-Muller. */
float rng_normal(const RngKey *key);

/* Uniform integer in [0, bound), bound > 0, without visible modulo bias (< 2^-32). */
uint32_t rng_below(const RngKey *key, uint32_t bound);

/* Fisher-Yates shuffle of `count` items; key.image is overwritten, one value a draw. */
void rng_shuffle(RngKey key, int32_t *items, int count);

#endif
