/* Decode, and look. */
#include "common/tool/report_look.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/base64.h"
#include "common/base/json.h"
#include "common/model/caption_split.h"
#include "common/model/decode.h"
#include "common/model/look.h"
#include "common/model/policy.h"

typedef struct Looker {
  Dataset *dataset;
  BeamOptions search;
  Decoder decoder;
  CaptionSet set;
  Look look;
  float *features; /* [N, F] */
} Looker;

static void looker_open(Looker *looker, Dataset *dataset, const ParamTable *table, const float *weights,
                        const Config *config) {
  int length = policy_max_length(config);
  *looker = (Looker){.dataset = dataset, .search = policy_search(config)};
  decoder_init(&looker->decoder, table, 1, looker->search.beam, length);
  decoder_load(&looker->decoder, weights);
  captions_init(&looker->set, looker->search.beam, length);
  look_init(&looker->look, table, weights, dataset->kind, dataset->token, length);
  if (dataset->image_cells) looker->look.side = 0; /* regions */
  looker->features = xcalloc((size_t)table->shape.cells * (size_t)table->shape.features, sizeof(float));
}

static void looker_close(Looker *looker) {
  decoder_free(&looker->decoder);
  captions_free(&looker->set);
  look_free(&looker->look);
  free(looker->features);
}

static json_t *words_json(const char *text) {
  json_t *list = json_array();
  for (const char *at = text; *at;) {
    size_t length = strcspn(at, " ");
    char *word = xasprintf("%.*s", (int)length, at);
    if (length) json_array_append_new(list, json_text(word));
    free(word);
    at += length + strspn(at + length, " ");
  }
  return list;
}

static void attention_add(const Looker *looker, json_t *json, const LookCaption *caption) {
  int side = looker->look.side;
  if (!caption->attention) return;
  char *encoded = base64_text("", caption->attention, (size_t)caption->words * (size_t)side * (size_t)side);
  json_object_set_new(json, "words", words_json(caption->text));
  json_object_set_new(json, "side", json_integer(side));
  json_object_set_new(json, "attention", json_string(encoded));
  free(encoded);
}

static Status caption_make(Looker *looker, int image, char **text, json_t **json) {
  const CaptionSet *set = &looker->set;
  LookCaption caption;
  TRY(dataset_features(looker->dataset, image, looker->features));
  decoder_search(&looker->decoder, looker->look.weights, 1, looker->features, &looker->search, &looker->set);
  look_at(&looker->look, looker->features, set->tokens, set->length[0], set->finished[0], &caption);
  *json = json_pack("{s:o}", "text", json_text(caption.text));
  attention_add(looker, *json, &caption);
  *text = xstrdup(caption.text);
  look_caption_free(&caption);
  return OK;
}

static Status scores_add(const Dataset *dataset, const int32_t *images, int count, char *const *texts,
                         json_t *captions) {
  NgramDf df;
  EvaluationScores scores;
  TRY(caption_split_frequencies(dataset, &df));
  caption_split_score_by(&df, dataset, images, count, 1, texts, &scores);
  for (int i = 0; i < count; i++)
    json_object_set_new(json_array_get(captions, (size_t)i), "cider", json_number(scores.image[i][METRIC_CIDER]));
  evaluation_scores_free(&scores);
  ngram_df_free(&df);
  return OK;
}

Status report_look(Dataset *dataset, const ParamTable *table, const float *weights, const Config *config,
                   const int32_t *images, int count, json_t **captions) {
  Looker looker;
  char **texts = xcalloc((size_t)count + 1, sizeof *texts);
  looker_open(&looker, dataset, table, weights, config);
  *captions = json_array();
  Status status = OK;
  for (int i = 0; i < count && status == OK; i++) {
    json_t *caption;
    status = caption_make(&looker, images[i], &texts[i], &caption);
    if (status == OK) json_array_append_new(*captions, caption);
  }
  if (status == OK && count) status = scores_add(dataset, images, count, texts, *captions);
  if (status != OK) json_decref(*captions);
  for (int i = 0; i < count; i++) free(texts[i]);
  free(texts);
  looker_close(&looker);
  return status;
}
