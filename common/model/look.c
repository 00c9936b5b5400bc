/* The caption again by teacher forcing: that pass keeps its attention. */
#include "common/model/look.h"

#include <stdlib.h>

#include "common/base/status.h"
#include "common/model/decode.h"

void look_init(Look *look, const ParamTable *table, const float *weights, VocabularyKind kind, char *const *token,
               int max_length) {
  int cells = table->shape.cells, side = 1;
  while (side * side < cells) side++;
  *look = (Look){.table = table, .weights = weights, .kind = kind, .token = token};
  look->side = side * side == cells && table->shape.decoder_layers ? side : 0;
  captioner_init(&look->captioner, table, 1, 1, max_length, 1);
  look->input = xcalloc((size_t)max_length, sizeof *look->input);
  look->logp = xcalloc((size_t)max_length, sizeof(float));
  look->attention = xcalloc((size_t)max_length * (size_t)cells, sizeof(float));
}

void look_free(Look *look) {
  captioner_free(&look->captioner);
  free(look->input), free(look->logp), free(look->attention);
  *look = (Look){0};
}

static char *text_of(const Look *look, const int32_t *tokens, int length) {
  return vocabulary_text(look->kind, look->token, look->table->shape.vocabulary, tokens, length);
}

static int words_in(const char *text) {
  int words = 0;
  for (const char *at = text; *at; at++) words += *at != ' ' && (at == text || at[-1] == ' ');
  return words;
}

/* Which word each token is a part of: the last of the text so far. */
static void words_of(const Look *look, const int32_t *tokens, int length, int words, int *word) {
  for (int t = 0; t < length; t++) {
    char *text = text_of(look, tokens, t + 1);
    int so_far = words_in(text);
    free(text);
    word[t] = so_far > words ? words - 1 : so_far - 1;
    if (t && word[t] < word[t - 1]) word[t] = word[t - 1];
  }
}

static void attention_compute(Look *look, const float *features, const int32_t *tokens, int length) {
  const int32_t images[] = {0, 1}, captions[] = {0, length};
  look->input[0] = TOKEN_START;
  for (int t = 1; t < length; t++) look->input[t] = tokens[t - 1];
  CaptionBatch batch = {.images = 1,
                        .captions = 1,
                        .tokens = length,
                        .features = features,
                        .image_start = images,
                        .caption_start = captions,
                        .input = look->input,
                        .target = tokens};
  captioner_forward(&look->captioner, look->weights, &batch, 1, NULL, &(TokenOutputs){.logp = look->logp});
  captioner_attention(&look->captioner, look->attention);
}

/* The sum over a word's tokens. The end token is no word. */
static unsigned char *attention_bytes(const Look *look, const int32_t *tokens, int length, int words) {
  int cells = look->table->shape.cells;
  float *sums = xcalloc((size_t)words * (size_t)cells, sizeof *sums);
  int *word = xcalloc((size_t)length, sizeof *word);
  words_of(look, tokens, length, words, word);
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

void look_at(Look *look, const float *features, const int32_t *tokens, int length, bool finished,
             LookCaption *caption) {
  *caption = (LookCaption){.text = text_of(look, tokens, length)};
  caption->words = words_in(caption->text);
  if (!look->side || !caption->words) return;
  attention_compute(look, features, tokens, length);
  caption->attention = attention_bytes(look, tokens, length - finished, caption->words);
}

void look_caption_free(LookCaption *caption) {
  free(caption->text), free(caption->attention);
  *caption = (LookCaption){0};
}
