/* What the programs of this folder share: the shape that is measured, lengths of captions, medians, lines that peer.py reads. */
#ifndef TROUPE_TESTS_BENCH_H
#define TROUPE_TESTS_BENCH_H

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/base/rng.h"
#include "common/base/status.h"
#include "common/model/params.h"
#include "common/tensor/gemm.h"

enum { BENCH_SHORTEST = 5, BENCH_LONGEST = 20 };

typedef struct BenchOptions {
  int images, group, vocabulary, cells, features, layers, top_k, beam, reps, threads;
  double top_p;
  Precision precision;
  const char *lengths; /* file, one a line, image-major; NULL: drawn */
} BenchOptions;

static inline BenchOptions bench_options(int argc, char **argv) {
  BenchOptions o = {.images = 32,
                    .group = 5,
                    .vocabulary = 2538,
                    .cells = 49,
                    .features = 1280,
                    .layers = 1,
                    .reps = 5,
                    .threads = 1,
                    .top_p = 1};
  const struct {
    const char *name;
    int *value;
  } numbers[] = {{"--images", &o.images},  {"--group", &o.group},       {"--vocabulary", &o.vocabulary},
                 {"--cells", &o.cells},    {"--features", &o.features}, {"--layers", &o.layers},
                 {"--top-k", &o.top_k},    {"--beam", &o.beam},         {"--reps", &o.reps},
                 {"--threads", &o.threads}};
  for (int i = 1; i < argc; i += 2) {
    const char *value = i + 1 < argc ? argv[i + 1] : "";
    bool known = false;
    for (size_t n = 0; n < sizeof numbers / sizeof numbers[0]; n++)
      if (!strcmp(argv[i], numbers[n].name)) *numbers[n].value = atoi(value), known = true;
    if (!strcmp(argv[i], "--top-p")) o.top_p = atof(value), known = true;
    if (!strcmp(argv[i], "--precision") && (!strcmp(value, "bf16") || !strcmp(value, "float32")))
      o.precision = *value == 'b' ? PRECISION_BF16 : PRECISION_FLOAT32, known = true;
    if (!strcmp(argv[i], "--lengths")) o.lengths = value, known = true;
    if (!known) fprintf(stderr, "%s: unknown option %s %s\n", argv[0], argv[i], value), exit(2);
  }
  gemm_precision_set(o.precision);
  return o;
}

static inline ModelShape bench_shape(const BenchOptions *o) {
  return (ModelShape){.vocabulary = o->vocabulary,
                      .width = 512,
                      .heads = 8,
                      .feed_forward = 2048,
                      .decoder_layers = o->layers,
                      .cells = o->cells,
                      .features = o->features,
                      .positions = 25};
}

/* Poisson(11) by Knuth's product of uniforms. */
static inline int bench_poisson(int row) {
  RngKey key = {.stage = RNG_TEST, .image = (uint32_t)row};
  double product = rng_uniform53(&key), limit = exp(-11);
  int count = 0;
  for (key.position = 1; product > limit; key.position++, count++) product *= rng_uniform53(&key);
  return count;
}

/* Tokens of each of `rows` captions, the end token included; owned by the caller. */
static inline int32_t *bench_lengths(const BenchOptions *o, int rows) {
  int32_t *lengths = xcalloc((size_t)rows, sizeof *lengths);
  FILE *file = o->lengths ? fopen(o->lengths, "r") : NULL;
  CHECK(file || !o->lengths);
  for (int r = 0; r < rows; r++) {
    int length = bench_poisson(r);
    CHECK(!file || fscanf(file, "%d", &length) == 1);
    lengths[r] = length < BENCH_SHORTEST ? BENCH_SHORTEST : length > BENCH_LONGEST ? BENCH_LONGEST : length;
  }
  if (file) fclose(file);
  return lengths;
}

/* By the clock on the wall, as the peer measures. */
static inline double bench_seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static inline int bench_compare(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/* Median seconds of `reps` calls after one that warms up. */
static inline double bench_median(void (*run)(void *), void *data, int reps) {
  double *seconds = xcalloc((size_t)reps, sizeof *seconds);
  for (int rep = -1; rep < reps; rep++) {
    double began = bench_seconds();
    run(data);
    if (rep >= 0) seconds[rep] = bench_seconds() - began;
  }
  qsort(seconds, (size_t)reps, sizeof *seconds, bench_compare);
  double median = seconds[reps / 2];
  free(seconds);
  return median;
}

/* FLOP/s of square products of 1024 in the precision that is set, the best of some by our own kernels, and in float32 by
 * BLAS. */
static inline double bench_gemm_peak(void) {
  enum { N = 1024 };
  float *a = xcalloc(3 * N * N, sizeof(float)), best = 0;
  const ProductKernel *kernel = gemm_kernel();
  Word *packed = xcalloc(product_words(kernel, N, N), sizeof *packed);
  for (int i = 0; i < 2 * N * N; i++) a[i] = (float)(i % 7) - 3;
  product_pack(kernel, true, N, N, a + N * N, N, packed);
  for (int i = 0; i < 16; i++) {
    double began = bench_seconds();
    if (i % 2 || gemm_precision() == PRECISION_BF16) product_packed(kernel, N, N, N, a, N, packed, a + 2 * N * N, N);
    else gemm(false, true, N, N, N, 1, a, N, a + N * N, N, 0, a + 2 * N * N, N);
    best = fmaxf(best, (float)(2.0 * N * N * N / (bench_seconds() - began)));
  }
  free(a), free(packed);
  return best;
}

/* `share` of the rate of matrix products. */
static inline void bench_show(const char *name, long tokens, double seconds, double share) {
  printf("%-12s valid tok/s %.0f  (%.3fs, %ld valid) share %.3f\n", name, (double)tokens / seconds, seconds, tokens,
         share);
}

#endif
