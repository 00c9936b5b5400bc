/* troupe evaluate: a checkpoint's captions of a split, their scores, and COCO's results format. */
#include "actor/evaluate.h"

#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actor/decoding.h"
#include "common/base/clock.h"
#include "common/base/json.h"
#include "common/base/log.h"
#include "common/config/config.h"
#include "common/model/caption_split.h"
#include "common/model/policy.h"
#include "common/score/scores_print.h"

static const char *const usage =
    "usage: troupe evaluate CHECKPOINT --data F.h5 [options]\n\n"
    "Captions a split (greedy, or by beam search) and prints BLEU-1..4, METEOR, ROUGE-L and CIDEr as the COCO caption\n"
    "evaluation computes them. How captions are decoded is said by the configuration kept in the checkpoint, and by the\n"
    "options over it. With --samples G: scores of G sampled captions a picture, and the diversity of such groups.\n";

typedef struct Options {
  const char *checkpoint, *data, *split, *out;
  int images, threads;
  Sampling sampling;
  bool json, per_image;
} Options;

/* Options and configuration as the command line has it; once before the checkpoint's configuration is there, for the
 * errors, and once over it. */
static Status options_parse(Options *o, Config *config, int argc, char **argv, int *first) {
  *o = (Options){.split = "test", .threads = omp_get_num_procs(), .sampling = SAMPLING_NONE};
  const Argument table[] = {
      {"data", 0, ARGUMENT_TEXT, &o->data, 0, 0, "F.h5", "the dataset"},
      {"split", 0, ARGUMENT_TEXT, &o->split, 0, 0, "NAME", "its split (default test)"},
      {"images", 0, ARGUMENT_INTEGER, &o->images, 1, 1e9, "N", "only the first N pictures"},
      DECODING_ARGUMENTS(config, &o->sampling, 2),
      {"out", 0, ARGUMENT_TEXT, &o->out, 0, 0, "FILE", "writes the captions in COCO's results format"},
      {"json", 0, ARGUMENT_FLAG, &o->json, 0, 0, NULL, "the scores as JSON"},
      {"per-image", 0, ARGUMENT_FLAG, &o->per_image, 0, 0, NULL, "with --json: each picture's caption and scores, too"},
      {"threads", 'n', ARGUMENT_INTEGER, &o->threads, 1, 1024, "N", "default: all cores"},
      {0}};
  TRY(arguments_parse(usage, table, argc, argv, first));
  if (!*first) return OK;
  if (*first + 1 != argc) return status_set(BAD_INPUT, "one CHECKPOINT was expected; --help tells more");
  o->checkpoint = argv[*first];
  if (o->per_image && !o->json) return status_set(BAD_INPUT, "--per-image: --json was expected with it");
  if (!o->data) return status_set(BAD_INPUT, "--data F.h5 was expected: the dataset whose split is captioned");
  return OK;
}

/* COCO's results: [{"image_id": ..., "caption": ...}]; a numeric id is written as a number. */
static Status results_write(const char *path, const Dataset *dataset, const int32_t *images, int count, int group,
                            char **texts) {
  json_t *root = json_array();
  for (int i = 0; i < count * group; i++) {
    const char *id = dataset->image_id[images[i / group]];
    char *end;
    long long value = strtoll(id, &end, 10);
    bool numeric = *id && !*end;
    json_array_append_new(
        root, json_pack("{s:o, s:s}", "image_id", numeric ? json_integer(value) : json_text(id), "caption", texts[i]));
  }
  Status status = json_write(path, root);
  json_decref(root);
  return status;
}

/* `per_image`: {ID: {"caption": ..., the metrics}}, or NULL. Takes it. */
static void scores_print_json(const EvaluationScores *scores, json_t *per_image, double words) {
  json_t *root = scores_corpus_json(scores);
  if (scores->image_diversity) {
    json_object_set_new(root, "candidates_per_image", json_integer(scores->group));
    json_object_set_new(root, "diversity", diversity_json(scores->diversity));
  }
  json_object_set_new(root, "mean_length", json_number(words));
  if (per_image) json_object_set_new(root, "per_image", per_image);
  json_print(root);
}

static json_t *per_image_json(const EvaluationScores *scores, const Dataset *dataset, const int32_t *images,
                              char **texts) {
  json_t *root = json_object();
  for (int i = 0; i < scores->images; i++) {
    json_t *object = scores_image_json(scores, i);
    json_t *candidates = json_object_get(object, "candidates");
    if (!candidates) json_object_set_new(object, "caption", json_text(texts[i]));
    for (int g = 0; candidates && g < scores->group; g++)
      json_object_set_new(json_array_get(candidates, (size_t)g), "caption", json_text(texts[i * scores->group + g]));
    json_t *id = json_text(dataset->image_id[images[i]]);
    json_object_set_new(root, json_string_value(id), object);
    json_decref(id);
  }
  return root;
}

typedef struct Subject {
  Options options;
  Config config; /* the checkpoint's, under the options */
  Dataset dataset;
  Checkpoint checkpoint;
  ParamTable table;
  int32_t *images;
  int count;
} Subject;

static Status subject_open(Subject *subject, int argc, char **argv) {
  Options *options = &subject->options;
  int first;
  TRY(dataset_open(&subject->dataset, options->data, false));
  TRY(caption_split_images(&subject->dataset, options->split, options->images, &subject->images, &subject->count));
  TRY(checkpoint_load(&subject->checkpoint, &subject->table, options->checkpoint, 1));
  TRY(policy_fits_dataset(&subject->checkpoint, options->checkpoint, &subject->dataset));
  config_free(&subject->config);
  TRY(policy_trained_config(&subject->checkpoint, options->checkpoint, &subject->config));
  TRY(options_parse(options, &subject->config, argc, argv, &first));
  policy_precision(&subject->config);
  return config_check_decoding(&subject->config);
}

/* Captions of the split into texts [count, max(samples, 1)]. */
static Status captions_make(Subject *s, char **texts) {
  const Sampling *sampling = &s->options.sampling;
  CaptionSplitOptions options = {.max_length = policy_max_length(&s->config),
                                 .samples = sampling->samples,
                                 .search = policy_search(&s->config),
                                 .sampling = decoding_samples(sampling, &s->config),
                                 .chunk_images = sampling->samples ? 8 : 32,
                                 .progress = 1};
  return caption_split(&s->dataset, &s->table, s->checkpoint.weights, s->images, s->count, &options, texts);
}

static Status evaluate(Subject *s, int argc, char **argv) {
  Status status = subject_open(s, argc, argv);
  const Options *options = &s->options;
  omp_set_num_threads(options->threads);
  int samples = options->sampling.samples, group = samples ? samples : 1, captions = s->count * group;
  char **texts = xcalloc((size_t)captions, sizeof(char *));
  double began = clock_seconds();
  if (status == OK) status = captions_make(s, texts);
  if (status == OK) {
    double words = caption_split_words(texts, captions), seconds = clock_seconds() - began;
    char how[32];
    if (samples) snprintf(how, sizeof how, "%d samples", group);
    else snprintf(how, sizeof how, "beam %d", s->config.evaluation.beam);
    log_info("%d pictures of split %s in %.1f s (%.0f tokens/s, %s)", s->count, options->split, seconds,
             (words + 1) * captions / seconds, how);
    EvaluationScores scores;
    caption_split_score(&s->dataset, s->images, s->count, group, texts, &scores);
    if (options->out) status = results_write(options->out, &s->dataset, s->images, s->count, group, texts);
    if (status == OK && options->json)
      scores_print_json(&scores, options->per_image ? per_image_json(&scores, &s->dataset, s->images, texts) : NULL,
                        words);
    else if (status == OK) {
      scores_table(stdout, &scores);
      printf("%-14s %.2f\n", "mean length", words);
    }
    evaluation_scores_free(&scores);
    for (int i = 0; i < captions; i++) free(texts[i]);
  }
  free(texts);
  return status;
}

int actor_evaluate(int argc, char **argv) {
  Subject subject = {0};
  int first;
  log_role_set("troupe evaluate");
  config_init(&subject.config);
  Status status = options_parse(&subject.options, &subject.config, argc, argv, &first);
  if (status == OK && first) status = decoding_check(&subject.options.sampling, &subject.config);
  if (status == OK && first) status = evaluate(&subject, argc, argv);
  if (status != OK) log_error("%s", status_message());
  free(subject.images);
  checkpoint_free(&subject.checkpoint);
  params_free(&subject.table);
  dataset_close(&subject.dataset);
  config_free(&subject.config);
  return status;
}
