/* Rates of the learner's work on --threads (1) cores, in valid tokens a second, on random features and captions: log-probabilities under
 * another policy (as reference and proximal policy need them), a GRPO update (log-probabilities of the reference given) and a
 * cross-entropy update, optimizer included. Caption lengths are clamp(Poisson(11), 5, 20) or those of a file, as in the PyTorch peer
 * that tests/bench/peer.py measures beside it. The share is that of this core's own rate of matrix products.
 * usage: update_bench [--images 32] [--group 5] [--vocabulary 2538] [--cells 49] [--features 1280] [--layers 1] [--reps 5]
 *                     [--lengths FILE (one a line, image-major)] [--precision float32|bf16] [--threads 1] */
#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/rng.h"
#include "common/base/status.h"
#include "common/tensor/gemm.h"
#include "learner/batch.h"
#include "learner/update.h"
#include "tests/bench/bench.h"

typedef struct Work {
  const BenchOptions *options;
  ParamTable table;
  Updater updater;
  float *reference; /* weights */
  Batch batch;
  float *log_mu, *log_ref, *logp; /* [T] */
  double *advantage;              /* [C] */
} Work;

static void fill_batch(Work *work) {
  const BenchOptions *o = work->options;
  int rows = o->images * o->group;
  int32_t *lengths = bench_lengths(o, rows);
  batch_init(&work->batch, &work->table.shape, o->images, rows, rows * BENCH_LONGEST);
  for (int i = 0; i < o->images; i++) {
    float *features = batch_add_image(&work->batch, NULL);
    for (size_t f = 0; f < work->batch.image_floats; f++)
      features[f] = rng_normal(&(RngKey){.stage = RNG_TEST,
                                         .image = (uint32_t)i,
                                         .sample = (uint32_t)(f / (size_t)o->features),
                                         .position = (uint32_t)(f % (size_t)o->features)});
    for (int g = 0; g < o->group; g++) {
      int32_t tokens[BENCH_LONGEST];
      RngKey key = {.stage = RNG_TEST, .iteration = 1, .image = (uint32_t)i, .sample = (uint32_t)g};
      for (int t = 0; t < BENCH_LONGEST; t++, key.position++)
        tokens[t] = (int32_t)rng_below(&key, (uint32_t)o->vocabulary);
      batch_add_caption(&work->batch, tokens, lengths[i * o->group + g]);
    }
  }
  free(lengths);
}

static void work_init(Work *work, const BenchOptions *options) {
  *work = (Work){.options = options};
  ModelShape shape = bench_shape(options);
  CHECK(params_init(&work->table, &shape) == OK);
  fill_batch(work);
  const CaptionBatch *batch = &work->batch.view;
  update_init(&work->updater, &work->table, &OPTIMIZER_DEFAULTS, batch->images, batch->captions, batch->tokens);
  params_initialise(&work->table, 1, work->updater.weights);
  work->reference = params_block(&work->table);
  params_initialise(&work->table, 2, work->reference);
  float **columns[] = {&work->log_mu, &work->log_ref, &work->logp};
  for (int c = 0; c < 3; c++) *columns[c] = xcalloc((size_t)batch->tokens, sizeof(float));
  update_logp(&work->updater, work->updater.weights, batch, 1, work->log_mu);
  update_logp(&work->updater, work->reference, batch, 1, work->log_ref);
  work->advantage = xcalloc((size_t)batch->captions, sizeof(double));
  for (int c = 0; c < batch->captions; c++)
    work->advantage[c] = rng_normal(&(RngKey){.stage = RNG_TEST, .iteration = 2, .image = (uint32_t)c});
}

static void work_free(Work *work) {
  update_free(&work->updater);
  batch_free(&work->batch);
  params_free(&work->table);
  free(work->reference), free(work->log_mu), free(work->log_ref), free(work->logp), free(work->advantage);
}

static void reference_logp(void *data) {
  Work *work = data;
  update_logp(&work->updater, work->reference, &work->batch.view, 1, work->logp);
}

static void grpo_update(void *data) {
  Work *work = data;
  RolloutTerms terms = {.log_mu = work->log_mu, .log_ref = work->log_ref, .advantage = work->advantage};
  ObjectiveSums sums = {0};
  double grad_norm;
  CHECK(update_policy(&work->updater, &work->batch.view, &terms, &OBJECTIVE_DEFAULTS, 1, NULL, 1, &sums, &grad_norm) ==
        OK);
}

static void xe_update(void *data) {
  Work *work = data;
  XeReport report;
  CHECK(update_xe(&work->updater, &work->batch.view, 0, NULL, 1, &report) == OK);
}

int main(int argc, char **argv) {
  BenchOptions options = bench_options(argc, argv);
  gemm_init();
  omp_set_num_threads(options.threads);
  Work work;
  work_init(&work, &options);
  const CaptionBatch *batch = &work.batch.view;
  ModelShape shape = bench_shape(&options);
  int rows = captioner_rows(&work.updater.captioner); /* of work_init's forward passes */
  double forward = captioner_flops(&shape, batch->images, batch->captions, batch->tokens, rows);
  double peak = bench_gemm_peak();
  /* the features get no gradient */
  double step = 3 * forward - 2.0 * batch->images * shape.cells * (double)shape.features * shape.width;
  const struct {
    const char *name;
    void (*run)(void *);
    double flops;
  } kinds[] = {
      {"ref_logp", reference_logp, forward}, {"grpo_update", grpo_update, step}, {"xe_update", xe_update, step}};
  for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
    double seconds = bench_median(kinds[k].run, &work, options.reps);
    bench_show(kinds[k].name, batch->tokens, seconds, kinds[k].flops / seconds / peak);
  }
  work_free(&work);
  return 0;
}
