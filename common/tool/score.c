/* troupe score: candidate captions against references by every metric of the COCO caption evaluation. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/base/arguments.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/data/dataset.h"
#include "common/model/caption_split.h"
#include "common/score/scores_print.h"
#include "common/tool/score_sets.h"
#include "common/tool/verbs.h"

static const char *const usage =
    "usage: troupe score --references F --candidates F [options]\n\n"
    "Scores captions as the COCO caption evaluation does, tokeniser included: BLEU-1..4, METEOR, ROUGE-L, CIDEr (which is\n"
    "CIDEr-D) and CIDEr_original. Either file may be COCO's annotations or results, Karpathy's dataset_*.json, Flickr's\n"
    "captions.txt or .token, or a JSON map from id to a caption or a list of captions; its content tells. Every picture of\n"
    "the references needs a candidate. Several candidates for every picture are a group of samples: then diversity is\n"
    "printed, too.\n";

typedef struct ScoreOptions {
  ScoreSets sets;
  const char *metrics, *df;
  bool json, per_image, time;
} ScoreOptions;

static Status options_parse(ScoreOptions *o, int argc, char **argv, int *first) {
  const Argument table[] = {
      {"references", 0, ARGUMENT_TEXT, &o->sets.reference_path, 0, 0, "F", "captions that people wrote"},
      {"candidates", 0, ARGUMENT_TEXT, &o->sets.candidate_path, 0, 0, "F", "captions to score"},
      {"metrics", 0, ARGUMENT_TEXT, &o->metrics, 0, 0, "LIST",
       "some of Bleu,METEOR,ROUGE_L,CIDEr,CIDEr_original (Bleu_4 etc. alone, too); default all"},
      {"json", 0, ARGUMENT_FLAG, &o->json, 0, 0, NULL, "{\"corpus\": {\"Bleu_1\": ..., ...}, ...} on stdout"},
      {"per-image", 0, ARGUMENT_FLAG, &o->per_image, 0, 0, NULL,
       "the scores of each picture, too (\"per_image\" in the JSON)"},
      {"split", 0, ARGUMENT_TEXT, &o->sets.split, 0, 0, "NAME", "only the pictures of a split of Karpathy's file"},
      {"images", 0, ARGUMENT_TEXT, &o->sets.images, 0, 0, "LISTFILE", "only these pictures: ids, one a line"},
      {"subset", 0, ARGUMENT_FLAG, &o->sets.subset, 0, 0, NULL, "only the pictures that have candidates"},
      {"df", 0, ARGUMENT_TEXT, &o->df, 0, 0, "DATASET.h5",
       "CIDEr's document frequencies from a dataset's training split instead of the references"},
      {"time", 0, ARGUMENT_FLAG, &o->time, 0, 0, NULL, "seconds of each part, on stderr"},
      {0}};
  TRY(arguments_parse(usage, table, argc, argv, first));
  if (!*first) return OK;
  if (*first < argc)
    return status_set(BAD_INPUT, "%s: no argument was expected; see troupe score --help", argv[*first]);
  if (!o->sets.reference_path) return status_set(BAD_INPUT, "--references F was expected");
  if (!o->sets.candidate_path) return status_set(BAD_INPUT, "--candidates F was expected");
  return OK;
}

/* "bleu" names BLEU-1..4; case does not matter. */
static bool metric_matches(const char *name, const char *wanted, size_t length) {
  if (length == 4 && strncasecmp(wanted, "bleu", 4) == 0) return strncasecmp(name, "Bleu_", 5) == 0;
  return strlen(name) == length && strncasecmp(name, wanted, length) == 0;
}

static Status metrics_choose(const char *list, bool skip[METRICS]) {
  if (!list) return OK;
  for (int m = 0; m < METRICS; m++) skip[m] = true;
  for (const char *at = list; *at;) {
    size_t length = strcspn(at, ",");
    bool found = false;
    for (int m = 0; m < METRICS; m++) {
      if (!metric_matches(metric_name((Metric)m), at, length)) continue;
      skip[m] = false;
      found = true;
    }
    if (!found)
      return status_set(BAD_INPUT,
                        "--metrics: '%.*s'; some of Bleu, Bleu_1..Bleu_4, METEOR, ROUGE_L, CIDEr, CIDEr_original "
                        "were expected, with commas between",
                        (int)length, at);
    at += length;
    at += *at == ',';
  }
  return OK;
}

/* The table is the dataset's, which stays open. */
static Status df_read(const char *path, Dataset *dataset, NgramDf *df) {
  TRY(dataset_open(dataset, path, false));
  return caption_split_frequencies(dataset, df);
}

static void print_json(const ScoreOptions *options, const EvaluationScores *scores) {
  json_t *root = scores_corpus_json(scores);
  json_object_set_new(root, "candidates_per_image", json_integer(scores->group));
  if (scores->image_diversity) json_object_set_new(root, "diversity", diversity_json(scores->diversity));
  if (options->per_image) {
    json_t *images = json_object();
    for (int i = 0; i < scores->images; i++)
      json_object_set_new(images, score_sets_id(&options->sets, i), scores_image_json(scores, i));
    json_object_set_new(root, "per_image", images);
  }
  json_print(root);
}

static void print_table(const ScoreOptions *options, const EvaluationScores *scores) {
  if (options->per_image) {
    const char **ids = xmalloc((size_t)scores->images * sizeof *ids);
    for (int i = 0; i < scores->images; i++) ids[i] = score_sets_id(&options->sets, i);
    scores_image_table(stdout, scores, ids);
    putchar('\n');
    free(ids);
  }
  scores_table(stdout, scores);
  printf("%-14s %d", "images", scores->images);
  if (scores->group > 1) printf(", %d candidates each", scores->group);
  putchar('\n');
}

static Status score_run(ScoreOptions *options, Evaluation *evaluation, Dataset *dataset, NgramDf *df) {
  double start = clock_seconds();
  TRY(metrics_choose(options->metrics, evaluation->skip));
  if (options->df) {
    TRY(df_read(options->df, dataset, df));
    evaluation->df = df;
  }
  TRY(score_sets_read(&options->sets));
  double read = clock_seconds();
  score_sets_add(&options->sets, evaluation);
  double tokenized = clock_seconds();
  EvaluationScores scores;
  evaluation_compute(evaluation, &scores);
  double scored = clock_seconds();
  if (options->json) print_json(options, &scores);
  else print_table(options, &scores);
  if (options->time)
    log_info("%d pictures: reading %.3f s, tokenising %.3f s, scoring %.3f s, all %.3f s", scores.images, read - start,
             tokenized - read, scored - tokenized, clock_seconds() - start);
  evaluation_scores_free(&scores);
  return OK;
}

int verb_score(int argc, char **argv) {
  ScoreOptions options = {0};
  int first;
  Status status = options_parse(&options, argc, argv, &first);
  if (status == OK && first) {
    Evaluation evaluation;
    Dataset dataset = {0};
    NgramDf df = {0};
    evaluation_init(&evaluation);
    status = score_run(&options, &evaluation, &dataset, &df);
    evaluation_free(&evaluation);
    ngram_df_free(&df);
    dataset_close(&dataset);
    score_sets_free(&options.sets);
  }
  if (status != OK) log_error("%s", status_message());
  return (int)status;
}
