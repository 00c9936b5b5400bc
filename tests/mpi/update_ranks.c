/* update_ranks RANKS: steps on parts of a minibatch in several learner ranks against the same steps of one rank, which each rank
 * makes by itself: reports to 1e-9, weights to 1e-6. A value that is not finite in one rank's part leaves the step out in all,
 * and changes nothing. `team.sh` runs it. */
#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/rng.h"
#include "common/tensor/gemm.h"
#include "learner/batch.h"
#include "learner/shard.h"
#include "learner/update.h"
#include "proto/world.h"

enum { IMAGES = 7, GROUP = 3, LENGTH = 9, VOCABULARY = 60, STEPS = 4 };

static Team *team;
static ParamTable table;

static void expect(bool true_, const char *what) {
  if (true_) return;
  printf("FAILED rank %d: %s (%s)\n", team_rank(team), what, status_message());
  fflush(stdout);
  world_abort();
}

static float noise(uint32_t image, uint32_t position) {
  RngKey key = {.seed = 1, .stage = RNG_TEST, .image = image, .position = position};
  uint32_t words[4];
  rng_words(&key, words);
  return (float)(words[0] >> 8) / (1 << 24) - 0.5f;
}

static void fill(Batch *batch, int first, int end) {
  batch_clear(batch);
  for (int i = first; i < end; i++) {
    float *slot = batch_add_image(batch, NULL);
    for (size_t f = 0; f < batch->image_floats; f++) slot[f] = noise((uint32_t)i, (uint32_t)f);
    if (i % 2) memset(slot + batch->image_floats / 2, 0, batch->image_floats / 2 * sizeof *slot); /* fewer cells */
    for (int g = 0; g < GROUP; g++) {
      int32_t word[LENGTH];
      for (int t = 0; t < LENGTH; t++)
        word[t] = (int32_t)((noise((uint32_t)(100 + i * GROUP + g), (uint32_t)t) + 0.5f) * (VOCABULARY - 1));
      batch_add_caption(batch, word, 1 + (i * GROUP + g) * 5 % LENGTH);
    }
  }
}

static void init(Updater *updater, Batch *batch) {
  OptimizerOptions options = OPTIMIZER_DEFAULTS;
  options.learning_rate = 1e-3, options.eps = 1e-6, options.max_grad_norm = 0.1;
  update_init(updater, &table, &options, IMAGES, IMAGES * GROUP, IMAGES * GROUP * LENGTH);
  params_initialise(&table, 5, updater->weights);
  batch_init(batch, &table.shape, IMAGES, IMAGES * GROUP, IMAGES * GROUP * LENGTH);
}

/* A step of each kind in turn, with every kind of dropout. */
static Status step(Updater *updater, Batch *batch, int first, uint32_t number, double *loss, double *norm) {
  Dropout dropout = {.rate = 0.2f, .image_rate = 0.2f, .seed = 9, .step = number};
  double advantage[IMAGES * GROUP];
  for (int c = 0; c < batch->view.captions; c++) advantage[c] = (double)noise(77, (uint32_t)(first * GROUP + c));
  if (number % 2) {
    XeReport report;
    Status status = update_xe(updater, &batch->view, 0.1, &dropout, 1, &report);
    *loss = report.loss, *norm = report.grad_norm;
    return status;
  }
  RolloutTerms terms = {.advantage = advantage, .truth = &batch->view, .xe = 0.3};
  ObjectiveOptions options = OBJECTIVE_DEFAULTS;
  options.beta = 0, options.entropy_bonus = 0.01;
  ObjectiveSums sums = {0};
  Status status = update_policy(updater, &batch->view, &terms, &options, 0.9f, &dropout, 1, &sums, norm);
  *loss = sums.loss + sums.xe + sums.entropy + sums.tokens + sums.steps;
  return status;
}

static void compare(void) {
  Updater whole, part;
  Batch all, mine;
  int first = shard_first(IMAGES, team_rank(team), team_ranks(team));
  int end = shard_first(IMAGES, team_rank(team) + 1, team_ranks(team));
  bool last = first < end && end == IMAGES;
  init(&whole, &all);
  init(&part, &mine);
  update_join(&part, team);
  fill(&all, 0, IMAGES);
  fill(&mine, first, end);
  float *before = params_block(&table);
  for (uint32_t s = 0; s < STEPS; s++) {
    double loss[2], norm[2];
    if (last) mine.features[0] = NAN;
    memcpy(before, part.weights, table.total * sizeof(float));
    expect(step(&part, &mine, first, s, &loss[1], &norm[1]) == FAILED && !team_lost(team), "a NaN is no failure");
    expect(memcmp(before, part.weights, table.total * sizeof(float)) == 0 && part.optimizer.step == s,
           "a NaN changes weights");
    if (last) mine.features[0] = noise((uint32_t)first, 0);
    expect(step(&whole, &all, 0, s, &loss[0], &norm[0]) == OK, "one rank's step");
    expect(step(&part, &mine, first, s, &loss[1], &norm[1]) == OK, "several ranks' step");
    expect(fabs(loss[1] - loss[0]) <= 1e-5 && fabs(norm[1] - norm[0]) <= 1e-5, "another loss or norm");
    for (size_t i = 0; i < table.total; i++)
      expect(fabsf(part.weights[i] - whole.weights[i]) <= 2e-6f, "other weights");
  }
  free(before);
  update_free(&whole), update_free(&part);
  batch_free(&all), batch_free(&mine);
}

int main(int argc, char **argv) {
  gemm_init();
  omp_set_num_threads(1);
  if (team_open(&team, argc > 1 ? atoi(argv[1]) : 1, false, false, 30) != OK) _exit(2);
  ModelShape shape = {.vocabulary = VOCABULARY,
                      .width = 32,
                      .heads = 2,
                      .feed_forward = 64,
                      .encoder_layers = 1,
                      .decoder_layers = 2,
                      .cells = 6,
                      .features = 10,
                      .positions = LENGTH};
  expect(params_init(&table, &shape) == OK, "params_init");
  expect(team_meet(team, &(TeamMember){.floats = table.total}) == OK, "team_meet");
  compare();
  params_free(&table);
  bool lead = !team_rank(team);
  if (!team_close(team, true)) _exit(1);
  world_finalize(10, 0);
  if (lead) puts("finalized");
  return 0;
}
