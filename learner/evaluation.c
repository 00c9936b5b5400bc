/* Evaluation: out to the actors, home, and scored. */
#include "learner/evaluation.h"

#include <stdlib.h>

#include "common/base/log.h"
#include "learner/best.h"
#include "learner/collect.h"
#include "learner/metrics.h"

void evaluation_open(Trainer *t) {
  CHECK(t->evaluating == VERSION_NONE);
  t->evaluating = t->progress.iteration;
  ledger_open(&t->ledger, WORK_EVALUATE, t->evaluating, t->evaluating, VERSION_NONE, t->data.validation,
              t->data.validation_count, t->config->actors.chunk_images);
}

/* What the actors waited for the update that ended at an evaluation stands in its results. */
static double idle_seconds(const Result *const *results, int chunks) {
  double seconds = 0;
  for (int c = 0; c < chunks; c++) seconds += results[c]->seconds[SECONDS_IDLE];
  return seconds;
}

static void score(Trainer *t, const Result *const *results, int chunks, json_t *line, bool *best) {
  EvaluationScores scores;
  double length;
  metrics_evaluation(results, chunks, &t->data.dataset, &scores, &length);
  t->evaluation_idle_s += idle_seconds(results, chunks);
  metrics_evaluation_add(line, &scores, length);
  double cider = scores.corpus[METRIC_CIDER];
  *best = best_take(&t->progress.best, &t->progress.best_iteration, cider, t->evaluating);
  log_info("iteration %lld  CIDEr %.4f on %s (%s)%s", (long long)t->evaluating, cider, t->config->data.validation,
           t->config->evaluation.beam > 1 ? "beam search" : "greedy", *best ? ", best so far" : "");
  evaluation_scores_free(&scores);
}

Status evaluation_take(Trainer *t, json_t *line, bool *best, bool *complete) {
  int64_t version = t->evaluating;
  int chunks = ledger_chunks(&t->ledger, WORK_EVALUATE, version);
  *best = false;
  TRY(collect(t->hub, &t->ledger, WORK_EVALUATE, version, chunks, t->stop, complete));
  if (*complete) {
    const Result **results = xcalloc((size_t)chunks, sizeof *results);
    ledger_take(&t->ledger, WORK_EVALUATE, version, chunks, results);
    score(t, results, chunks, line, best);
    free(results);
  }
  ledger_close(&t->ledger, WORK_EVALUATE, version);
  t->evaluating = VERSION_NONE;
  return OK;
}

Status evaluation_finish(Trainer *t, bool *complete) {
  int64_t version = t->evaluating;
  bool best;
  if (version == VERSION_NONE) return OK;
  json_t *line = json_pack("{s:I}", "iteration", (json_int_t)version);
  Status status = evaluation_take(t, line, &best, complete);
  if (status == OK && *complete) status = run_metrics(&t->run, line);
  if (status == OK && *complete && best) status = run_best(&t->run, version);
  json_decref(line);
  return status;
}
