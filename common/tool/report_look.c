/* Decode, then the same captions again by teacher forcing: that pass keeps its attention. */
#include "common/tool/report_look.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/base64.h"
#include "common/base/json.h"
#include "common/model/caption_split.h"
#include "common/model/captioner.h"
#include "common/model/decode.h"
#include "common/model/policy.h"

typedef struct Look {
  Dataset *dataset;
  const ParamTable *table;
  const float *weights;
  BeamOptions search;
  int side; /* of the grid; 0: not square */
  Decoder decoder;
  Captioner captioner;
  CaptionSet set;
  int32_t *input;
  float *features, *logp, *attention; /* [N, F], [length], [length, N] */
} Look;

static void look_open(Look *look, Dataset *dataset, const ParamTable *table, const float *weights,
                      const Config *config) {
  int length = policy_max_length(config), cells = table->shape.cells, side = 1;
  while (side * side < cells) side++;
  *look = (Look){.dataset = dataset, .table = table, .weights = weights, .search = policy_search(config)};
  look->side = side * side == cells && !dataset->image_cells && table->shape.decoder_layers ? side : 0;
  decoder_init(&look->decoder, table, 1, look->search.beam, length);
  decoder_load(&look->decoder, weights);
  captioner_init(&look->captioner, table, 1, 1, length, 1);
  captions_init(&look->set, look->search.beam, length);
  look->input = xcalloc((size_t)length, sizeof *look->input);
  look->features = xcalloc((size_t)cells * (size_t)table->shape.features, sizeof(float));
  look->logp = xcalloc((size_t)length, sizeof(float));
  look->attention = xcalloc((size_t)length * (size_t)cells, sizeof(float));
}

static void look_close(Look *look) {
  decoder_free(&look->decoder);
  captioner_free(&look->captioner);
  captions_free(&look->set);
  free(look->input), free(look->features), free(look->logp), free(look->attention);
}

static char *text_of(const Look *look, int tokens) {
  const Dataset *dataset = look->dataset;
  return vocabulary_text(dataset->kind, dataset->token, dataset->vocabulary, look->set.tokens, tokens);
}

static int words_in(const char *text) {
  int words = 0;
  for (const char *at = text; *at; at++) words += *at != ' ' && (at == text || at[-1] == ' ');
  return words;
}

/* Which word each token is a part of: the last of the text so far. */
static void words_of(const Look *look, int words, int *word) {
  for (int t = 0; t < look->set.length[0]; t++) {
    char *text = text_of(look, t + 1);
    int so_far = words_in(text);
    free(text);
    word[t] = so_far > words ? words - 1 : so_far - 1;
    if (t && word[t] < word[t - 1]) word[t] = word[t - 1];
  }
}

static void attention_compute(Look *look) {
  int length = look->set.length[0];
  const int32_t images[] = {0, 1}, captions[] = {0, length};
  look->input[0] = TOKEN_START;
  for (int t = 1; t < length; t++) look->input[t] = look->set.tokens[t - 1];
  CaptionBatch batch = {.images = 1,
                        .captions = 1,
                        .tokens = length,
                        .features = look->features,
                        .image_start = images,
                        .caption_start = captions,
                        .input = look->input,
                        .target = look->set.tokens};
  captioner_forward(&look->captioner, look->weights, &batch, 1, NULL, &(TokenOutputs){.logp = look->logp});
  captioner_attention(&look->captioner, look->attention);
}

/* Bytes [words, N]: the sum over a word's tokens, its largest 255. The end token is no word. */
static unsigned char *attention_bytes(const Look *look, int words) {
  int cells = look->table->shape.cells, length = look->set.length[0] - look->set.finished[0];
  float *sums = xcalloc((size_t)words * (size_t)cells, sizeof *sums);
  int *word = xcalloc((size_t)look->set.max_length, sizeof *word);
  words_of(look, words, word);
  for (int t = 0; t < length; t++)
    for (int k = 0; k < cells && word[t] >= 0; k++) sums[word[t] * cells + k] += look->attention[t * cells + k];
  unsigned char *bytes = xcalloc((size_t)words, (size_t)cells);
  for (int w = 0; w < words; w++) {
    float most = 0;
    for (int k = 0; k < cells; k++) most = sums[w * cells + k] > most ? sums[w * cells + k] : most;
    for (int k = 0; k < cells && most > 0; k++)
      bytes[w * cells + k] = (unsigned char)(255 * sums[w * cells + k] / most);
  }
  free(sums), free(word);
  return bytes;
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

static void attention_add(Look *look, json_t *caption, const char *text) {
  int words = words_in(text), cells = look->table->shape.cells;
  if (!look->side || !words) return;
  attention_compute(look);
  unsigned char *bytes = attention_bytes(look, words);
  char *encoded = base64_text("", bytes, (size_t)words * (size_t)cells);
  json_object_set_new(caption, "words", words_json(text));
  json_object_set_new(caption, "side", json_integer(look->side));
  json_object_set_new(caption, "attention", json_string(encoded));
  free(encoded);
  free(bytes);
}

static Status look_at(Look *look, int image, char **text, json_t **caption) {
  TRY(dataset_features(look->dataset, image, look->features));
  decoder_search(&look->decoder, look->weights, 1, look->features, &look->search, &look->set);
  *text = text_of(look, look->set.length[0]);
  *caption = json_pack("{s:o}", "text", json_text(*text));
  attention_add(look, *caption, *text);
  return OK;
}

static void scores_add(const Dataset *dataset, const int32_t *images, int count, char *const *texts, json_t *captions) {
  EvaluationScores scores;
  caption_split_score(dataset, images, count, 1, texts, &scores);
  for (int i = 0; i < count; i++)
    json_object_set_new(json_array_get(captions, (size_t)i), "cider", json_number(scores.image[i][METRIC_CIDER]));
  evaluation_scores_free(&scores);
}

Status report_look(Dataset *dataset, const ParamTable *table, const float *weights, const Config *config,
                   const int32_t *images, int count, json_t **captions) {
  Look look;
  char **texts = xcalloc((size_t)count + 1, sizeof *texts);
  look_open(&look, dataset, table, weights, config);
  *captions = json_array();
  Status status = OK;
  for (int i = 0; i < count && status == OK; i++) {
    json_t *caption;
    status = look_at(&look, images[i], &texts[i], &caption);
    if (status == OK) json_array_append_new(*captions, caption);
  }
  if (status == OK && count) scores_add(dataset, images, count, texts, *captions);
  if (status != OK) json_decref(*captions);
  for (int i = 0; i < count; i++) free(texts[i]);
  free(texts);
  look_close(&look);
  return status;
}
