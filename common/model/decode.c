/* Group sampling and greedy decoding: the loop over positions.
 *
 * The batch's rows are not captions but beginnings: captions of a picture that are alike so far share a row until
 * their tokens differ. So the first step has one row a picture, and the common first words are computed once. */
#include "common/model/decode.h"

#include "common/base/rng.h"
#include "common/base/status.h"
#include "common/model/decode_step.h"
#include "common/model/draw.h"

/* Captions still being written and the rows they stand on; arrays of the decoder's state. */
typedef struct Writing {
  int live, count;
  int32_t *caption, *row;          /* [live]: place in the set, in order; row in the batch */
  int32_t *token, *slot, *picture; /* [count]: the batch of the step */
  int32_t *parent;                 /* [count]: row in the batch before */
  int32_t *left;                   /* [rows before]: their slots; ~slot once a child goes on in it */
} Writing;

/* The row that goes on from row `parent` with this token, made if there is none yet. The first child goes on in the
 * parent's slot; any other copies the cache into the slot of its caption's number. That one is free: slot c is only
 * ever taken by caption c, which stands first on its row, so it goes on in it as long as it lives. */
static int row_find(Decoder *decoder, Writing *w, int parent, int token, int picture, int caption, int positions) {
  int r = w->count - 1;
  for (; r >= 0 && w->picture[r] == picture; r--)
    if (w->parent[r] == parent && w->token[r] == token) return r;
  r = w->count++;
  w->parent[r] = parent;
  w->token[r] = token;
  w->picture[r] = picture;
  if (w->left[parent] >= 0) {
    w->slot[r] = w->left[parent];
    w->left[parent] = ~w->slot[r];
  } else {
    w->slot[r] = caption;
    decoder_fork(decoder, ~w->left[parent], caption, positions);
  }
  return r;
}

static Draw row_draw(const DecoderState *s, const float *logits, int v, const Forbidden *forbidden,
                     const SampleOptions *sample, int32_t image_id, int g, int t) {
  if (!sample) return draw_greedy(logits, v, forbidden);
  RngKey key = {.seed = sample->seed,
                .stage = RNG_SAMPLE,
                .iteration = sample->iteration,
                .image = (uint32_t)image_id,
                .sample = (uint32_t)g,
                .position = (uint32_t)t};
  return draw_sample(logits, v, forbidden, sample->temperature, sample->top_k, sample->top_p, rng_uniform53(&key),
                     s->draw);
}

/* Writes captions until all have ended; sample NULL = greedy. */
static void decode(Decoder *decoder, const float *weights, int images, const float *features, const int32_t *image_ids,
                   int group, const DecodeRules *rules, const SampleOptions *sample, CaptionSet *out) {
  DecoderState *s = decoder->state;
  int v = decoder->table->shape.vocabulary, length = decoder->max_length;
  CHECK(images > 0 && group > 0 && images * group <= decoder->max_rows && out->max_length == length);
  captions_clear(out, images * group);
  decoder_see(decoder, weights, images, features);
  Writing w = {.live = images * group,
               .count = images,
               .caption = s->caption,
               .row = s->row,
               .token = s->token,
               .slot = s->slot,
               .picture = s->picture,
               .parent = s->parent,
               .left = s->left};
  for (int c = 0; c < w.live; c++) {
    w.caption[c] = c;
    w.row[c] = c / group;
  }
  for (int i = 0; i < images; i++) {
    w.token[i] = TOKEN_START;
    w.slot[i] = i * group;
    w.picture[i] = i;
  }
  Forbidden forbidden;
  double kept = 0;
  long drawn = 0;
  for (int t = 0; t < length && w.live > 0; t++) {
    decoder_step(decoder, weights, &(StepRows){w.count, t, w.token, w.slot, w.picture, NULL});
    out->rows += w.count;
    for (int r = 0; r < w.count; r++) w.left[r] = w.slot[r];
    int live = w.live;
    w.live = w.count = 0;
    for (int i = 0; i < live; i++) {
      int c = w.caption[i], row = w.row[i], stop = sample && sample->lengths ? sample->lengths[c] : 0;
      forbidden_find(&forbidden, rules, v, out->tokens + (long)c * length, t);
      Draw draw = row_draw(s, s->logits + (long)row * v, v, &forbidden, sample, image_ids ? image_ids[c / group] : 0,
                           c % group, t);
      kept += draw.kept;
      drawn++;
      out->tokens[(long)c * length + t] = draw.token;
      out->logp[(long)c * length + t] = draw.logp;
      out->length[c] = t + 1;
      out->finished[c] = draw.token == TOKEN_END;
      if (stop ? t + 1 >= stop : out->finished[c]) continue;
      w.caption[w.live] = c;
      w.row[w.live++] = row_find(decoder, &w, row, draw.token, c / group, c, t + 1);
    }
  }
  out->kept_mass = kept / (double)drawn;
}

void decoder_sample(Decoder *decoder, const float *weights, int images, const float *features, const int32_t *image_ids,
                    int group, const SampleOptions *options, CaptionSet *out) {
  decode(decoder, weights, images, features, image_ids, group, &options->rules, options, out);
}

void decoder_greedy(Decoder *decoder, const float *weights, int images, const float *features, const DecodeRules *rules,
                    CaptionSet *out) {
  decode(decoder, weights, images, features, NULL, 1, rules, NULL, out);
}

void decoder_search(Decoder *decoder, const float *weights, int images, const float *features,
                    const BeamOptions *options, CaptionSet *out) {
  if (options->beam > 1) decoder_beam(decoder, weights, images, features, options, out);
  else decoder_greedy(decoder, weights, images, features, &options->rules, out);
}
