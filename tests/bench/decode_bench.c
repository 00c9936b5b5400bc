/* Rate of group sampling in valid tokens a second on one core: random weights, captions stopped at lengths drawn
 * from clamp(Poisson(11), 5, 20), as in the PyTorch peer that is measured beside it. Prints one line; the rate is
 * by processor time, which a busy machine disturbs less than the clock on the wall. With TROUPE_BENCH_OUT it is
 * appended to that file as JSON.
 * usage: decode_bench [--images 32] [--group 5] [--vocabulary 2538] [--cells 49] [--features 1280] [--layers 1]
 *                     [--top-k 0] [--top-p 1] [--beam 0] [--reps 7] [--load 1: weights are laid out once]
 *                     [--peer TOKENS/S] [--lengths FILE (one a line, image-major)] */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/base/json.h"
#include "common/base/rng.h"
#include "common/base/status.h"
#include "common/model/decode.h"
#include "common/tensor/gemm.h"

typedef struct Bench {
  int images, group, vocabulary, cells, features, layers, top_k, beam, reps, load;
  double top_p, peer;
  const char *lengths;
} Bench;

enum { MAX_LENGTH = 20 };

static void options_read(Bench *bench, int argc, char **argv) {
  *bench = (Bench){32, 5, 2538, 49, 1280, 1, 0, 0, 7, 1, 1, 0, NULL};
  const struct {
    const char *name;
    int *value;
  } numbers[] = {{"--images", &bench->images}, {"--group", &bench->group},       {"--vocabulary", &bench->vocabulary},
                 {"--cells", &bench->cells},   {"--features", &bench->features}, {"--layers", &bench->layers},
                 {"--top-k", &bench->top_k},   {"--beam", &bench->beam},         {"--reps", &bench->reps},
                 {"--load", &bench->load}};
  for (int i = 1; i + 1 < argc; i += 2) {
    for (unsigned n = 0; n < sizeof numbers / sizeof numbers[0]; n++)
      if (!strcmp(argv[i], numbers[n].name)) *numbers[n].value = atoi(argv[i + 1]);
    if (!strcmp(argv[i], "--top-p")) bench->top_p = atof(argv[i + 1]);
    if (!strcmp(argv[i], "--peer")) bench->peer = atof(argv[i + 1]);
    if (!strcmp(argv[i], "--lengths")) bench->lengths = argv[i + 1];
  }
}

static int poisson(RngKey key, double mean) {
  double product = 1, limit = exp(-mean);
  int k = 0;
  for (;; k++) {
    key.position = (uint32_t)k;
    product *= rng_uniform53(&key);
    if (product <= limit) return k;
  }
}

static void lengths_fill(const Bench *bench, int rows, int32_t *lengths) {
  FILE *file = bench->lengths ? fopen(bench->lengths, "r") : NULL;
  for (int r = 0; r < rows; r++) {
    int length = poisson((RngKey){.stage = RNG_TEST, .image = (uint32_t)r}, 11);
    if (file && fscanf(file, "%d", &length) != 1) CHECK(!"too few lengths in the file");
    lengths[r] = length < 5 ? 5 : length > MAX_LENGTH ? MAX_LENGTH : length;
  }
  if (file) fclose(file);
}

static double processor_seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static int compare(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static void rate_append(const Bench *bench, double rate) {
  const char *path = getenv("TROUPE_BENCH_OUT");
  if (!path) return;
  double peer = bench->peer > 0 ? bench->peer : NAN;
  json_t *line =
      json_pack("{s:s, s:s, s:f, s:o, s:o}", "name", bench->beam ? "beam float32" : "sampling float32", "unit",
                "tokens/s", "troupe", rate, "peer", json_number(peer), "ratio", json_number(rate / peer));
  if (json_append(path, line) != OK) fprintf(stderr, "decode_bench: %s\n", status_message());
  json_decref(line);
}

int main(int argc, char **argv) {
  gemm_init();
  Bench bench;
  options_read(&bench, argc, argv);
  ModelShape shape = {.vocabulary = bench.vocabulary,
                      .width = 512,
                      .heads = 8,
                      .feed_forward = 2048,
                      .decoder_layers = bench.layers,
                      .cells = bench.cells,
                      .features = bench.features,
                      .positions = 25};
  int rows = bench.images * (bench.beam > bench.group ? bench.beam : bench.group);
  ParamTable table;
  CHECK(params_init(&table, &shape) == OK);
  float *weights = params_block(&table);
  params_initialise(&table, 1, weights);
  size_t count = (size_t)bench.images * (size_t)bench.cells * (size_t)bench.features;
  float *features = xmalloc(count * sizeof *features);
  for (size_t i = 0; i < count; i++) features[i] = rng_normal(&(RngKey){.stage = RNG_TEST, .image = (uint32_t)i});
  int32_t *ids = xcalloc((unsigned long)bench.images, 4), *lengths = xcalloc((unsigned long)rows, 4);
  for (int i = 0; i < bench.images; i++) ids[i] = i;
  lengths_fill(&bench, bench.images * bench.group, lengths);
  Decoder decoder;
  decoder_init(&decoder, &table, bench.images, rows, MAX_LENGTH);
  CaptionSet out;
  captions_init(&out, rows, MAX_LENGTH);
  SampleOptions options = {.temperature = 1, .top_k = bench.top_k, .top_p = (float)bench.top_p, .lengths = lengths};
  BeamOptions search = {.beam = bench.beam};
  if (bench.load) decoder_load(&decoder, weights);
  double *times = xcalloc((unsigned long)bench.reps, sizeof *times);
  long tokens = 0;
  for (int rep = -1; rep < bench.reps; rep++) { /* the first warms up */
    double began = processor_seconds();
    options.iteration = (uint32_t)(rep + 1);
    if (bench.beam) decoder_beam(&decoder, weights, bench.images, features, &search, &out);
    else decoder_sample(&decoder, weights, bench.images, features, ids, bench.group, &options, &out);
    if (rep >= 0) times[rep] = processor_seconds() - began;
    tokens = 0;
    for (int r = 0; r < out.count; r++) tokens += out.length[r];
  }
  qsort(times, (size_t)bench.reps, sizeof *times, compare);
  double median = times[bench.reps / 2];
  printf("%s: %d images x %d, V %d: %ld valid tokens in %.4f s (best %.4f): %.0f tokens/s\n",
         bench.beam ? "beam" : "sample", bench.images, bench.beam ? bench.beam : bench.group, bench.vocabulary, tokens,
         median, times[0], (double)tokens / median);
  rate_append(&bench, (double)tokens / median);
  captions_free(&out);
  decoder_free(&decoder);
  params_free(&table);
  free(weights);
  free(features);
  free(ids);
  free(lengths);
  free(times);
  return 0;
}
