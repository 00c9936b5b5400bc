/* Speed of the captioner's forward pass and of forward + backward on random features, against what sgemm makes on
 * the same core: 32 images x 5 captions of clamp(Poisson(11), 5, 20) tokens by default, as the PyTorch peer draws
 * them.
 *
 * usage: captioner_bench [--vocab 2538] [--grid 49] [--fdim 1280] [--reps 7] [--dropout 0] [--gelu]
 *                        [--peer-forward TOK/S] [--peer-update TOK/S] [--json FILE]       (threads: OMP_NUM_THREADS) */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/json.h"
#include "common/base/rng.h"
#include "common/model/captioner.h"
#include "common/tensor/gemm.h"

enum { IMAGES = 32, GROUP = 5, CAPTIONS = IMAGES * GROUP, SHORTEST = 5, LONGEST = 20 };

typedef struct Options {
  int vocab, grid, fdim, reps, gelu;
  double dropout, peer_forward, peer_update;
  const char *json;
} Options;

static Options options_read(int argc, char **argv) {
  Options o = {.vocab = 2538, .grid = 49, .fdim = 1280, .reps = 7};
  for (int i = 1; i < argc; i++) {
    const char *name = argv[i], *value = i + 1 < argc ? argv[i + 1] : "";
    if (strcmp(name, "--gelu") == 0) {
      o.gelu = 1;
      continue;
    }
    i++;
    if (strcmp(name, "--vocab") == 0) o.vocab = atoi(value);
    else if (strcmp(name, "--grid") == 0) o.grid = atoi(value);
    else if (strcmp(name, "--fdim") == 0) o.fdim = atoi(value);
    else if (strcmp(name, "--reps") == 0) o.reps = atoi(value);
    else if (strcmp(name, "--dropout") == 0) o.dropout = atof(value);
    else if (strcmp(name, "--peer-forward") == 0) o.peer_forward = atof(value);
    else if (strcmp(name, "--peer-update") == 0) o.peer_update = atof(value);
    else if (strcmp(name, "--json") == 0) o.json = value;
    else fprintf(stderr, "captioner_bench: unknown option %s\n", name), exit(2);
  }
  return o;
}

static RngKey draw(int stream, int i) {
  return (RngKey){.seed = 1, .stage = RNG_TEST, .iteration = (uint32_t)stream, .image = (uint32_t)i};
}

/* Poisson(11) by Knuth's product of uniforms. */
static int length_draw(int caption) {
  double product = 1, limit = exp(-11);
  int count = -1;
  for (RngKey key = draw(0, caption); product > limit; key.position++, count++) product *= rng_uniform53(&key);
  return count < SHORTEST ? SHORTEST : count > LONGEST ? LONGEST : count;
}

static int compare(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return x < y ? -1 : x > y;
}

static double median(double *seconds, int n) {
  qsort(seconds, (size_t)n, sizeof *seconds, compare);
  return seconds[n / 2];
}

/* GFLOP/s of square products of 1024, the best of some. */
static double sgemm_peak(void) {
  enum { N = 1024 };
  float *a = xcalloc(3 * N * N, sizeof(float));
  for (int i = 0; i < 2 * N * N; i++) a[i] = (float)(i % 7) - 3;
  double best = 0;
  for (int i = 0; i < 8; i++) {
    double began = clock_seconds();
    gemm(false, true, N, N, N, 1, a, N, a + N * N, N, 0, a + 2 * N * N, N);
    best = fmax(best, 2e-9 * N * N * N / (clock_seconds() - began));
  }
  free(a);
  return best;
}

static void report(const Options *o, const char *name, double tokens_per_s, double peer, double share) {
  printf("%-24s %10.0f tokens/s", name, tokens_per_s);
  if (peer > 0) printf("   peer %8.0f   ratio %.2f", peer, tokens_per_s / peer);
  printf("   %3.0f %% of sgemm\n", 100 * share);
  if (!o->json) return;
  json_t *line = json_pack("{s:s, s:s, s:f, s:o, s:o, s:f}", "name", name, "unit", "tokens/s", "troupe", tokens_per_s,
                           "peer", json_number(peer > 0 ? peer : NAN), "ratio",
                           json_number(peer > 0 ? tokens_per_s / peer : NAN), "of_sgemm", share);
  if (json_append(o->json, line) != OK) fprintf(stderr, "captioner_bench: %s\n", status_message());
  json_decref(line);
}

int main(int argc, char **argv) {
  Options o = options_read(argc, argv);
  gemm_init();
  ModelShape shape = {.vocabulary = o.vocab,
                      .width = 512,
                      .heads = 8,
                      .feed_forward = 2048,
                      .decoder_layers = 1,
                      .cells = o.grid,
                      .features = o.fdim,
                      .positions = 25,
                      .activation = o.gelu ? ACTIVATION_GELU : ACTIVATION_RELU};
  ParamTable table;
  if (params_init(&table, &shape) != OK) return fprintf(stderr, "captioner_bench: %s\n", status_message()), 2;
  float *weights = params_block(&table), *gradients = params_block(&table);
  params_initialise(&table, 1, weights);

  int32_t image_start[IMAGES + 1], caption_start[CAPTIONS + 1] = {0};
  static int32_t input[CAPTIONS * LONGEST], target[CAPTIONS * LONGEST];
  static float logp[CAPTIONS * LONGEST], pull[CAPTIONS * LONGEST];
  for (int i = 0; i <= IMAGES; i++) image_start[i] = i * GROUP;
  for (int c = 0; c < CAPTIONS; c++) caption_start[c + 1] = caption_start[c] + length_draw(c);
  int tokens = caption_start[CAPTIONS];
  for (int t = 0; t < tokens; t++) {
    RngKey a = draw(1, t), b = draw(2, t);
    input[t] = (int32_t)rng_below(&a, (uint32_t)o.vocab), target[t] = (int32_t)rng_below(&b, (uint32_t)o.vocab);
    pull[t] = -1.0f / (float)tokens;
  }
  size_t floats = (size_t)IMAGES * (size_t)o.grid * (size_t)o.fdim;
  float *features = xmalloc(floats * sizeof *features);
  for (size_t i = 0; i < floats; i++) {
    RngKey key = draw(3, (int)i);
    features[i] = rng_normal(&key);
  }
  CaptionBatch batch = {.images = IMAGES,
                        .captions = CAPTIONS,
                        .tokens = tokens,
                        .features = features,
                        .image_start = image_start,
                        .caption_start = caption_start,
                        .input = input,
                        .target = target};
  Captioner lean, full;
  captioner_init(&lean, &table, IMAGES, CAPTIONS, tokens, 0);
  captioner_init(&full, &table, IMAGES, CAPTIONS, tokens, 1);
  Dropout dropout = {.rate = (float)o.dropout, .seed = 1};
  TokenOutputs outputs = {.logp = logp};
  TokenGradients pulls = {.logp = pull};

  double *forward = xmalloc((size_t)o.reps * sizeof *forward), *update = xmalloc((size_t)o.reps * sizeof *update);
  for (int i = -1; i < o.reps; i++) { /* the first round warms up */
    double began = clock_seconds();
    captioner_forward(&lean, weights, &batch, 1, NULL, &outputs);
    double middle = clock_seconds();
    captioner_forward(&full, weights, &batch, 1, &dropout, &outputs);
    captioner_backward(&full, weights, &batch, &pulls, gradients);
    if (i >= 0) forward[i] = middle - began, update[i] = clock_seconds() - middle;
  }
  double peak = sgemm_peak(), flops = captioner_flops(&shape, IMAGES, CAPTIONS, tokens) * 1e-9;
  double image_gradient = 2e-9 * IMAGES * o.grid * (double)o.fdim * shape.width; /* features get none */
  double f = median(forward, o.reps), u = median(update, o.reps);
  printf("%s, sgemm %.1f GFLOP/s; %d tokens; forward %.1f ms (best %.1f), forward + backward %.1f ms (best %.1f); "
         "arenas %.1f and %.1f MiB\n",
         gemm_name(), peak, tokens, 1e3 * f, 1e3 * forward[0], 1e3 * u, 1e3 * update[0],
         (double)lean.arena.size / 0x1p20, (double)full.arena.size / 0x1p20);
  report(&o, "forward float32", tokens / f, o.peer_forward, flops / f / peak);
  report(&o, "forward backward float32", tokens / u, o.peer_update, (3 * flops - image_gradient) / u / peak);
  captioner_free(&lean), captioner_free(&full);
  params_free(&table);
  free(weights), free(gradients), free(features), free(forward), free(update);
  return 0;
}
