/* Group sampling and greedy decoding: the loop over positions; rows leave the batch as they finish. */
#include "common/model/decode.h"

#include <string.h>

#include "common/base/rng.h"
#include "common/base/status.h"
#include "common/model/decode_step.h"
#include "common/model/draw.h"

/* Writes captions until all have ended; sample NULL = greedy. */
static void decode(Decoder *decoder, const float *weights, int images, const float *features, const int32_t *image_ids,
                   int group, const SampleOptions *sample, CaptionSet *out) {
  DecoderState *s = decoder->state;
  int live = images * group, v = decoder->table->shape.vocabulary, length = decoder->max_length;
  CHECK(images > 0 && group > 0 && live <= decoder->max_rows && out->max_length == length);
  captions_clear(out, live);
  decoder_see(decoder, weights, images, features);
  for (int r = 0; r < live; r++) {
    s->row[r] = r;
    s->picture[r] = r / group;
    s->token[r] = TOKEN_START;
  }
  double kept = 0;
  long drawn = 0;
  for (int t = 0; t < length && live > 0; t++) {
    StepRows rows = {.count = live, .position = t, .token = s->token, .slot = s->row, .image = s->picture};
    decoder_step(decoder, weights, &rows);
    int left = 0;
    for (int i = 0; i < live; i++) {
      int row = s->row[i], stop = sample && sample->lengths ? sample->lengths[row] : 0;
      const float *logits = s->logits + (long)i * v;
      Draw draw;
      if (sample) {
        RngKey key = {.seed = sample->seed, .stage = RNG_SAMPLE, .iteration = sample->iteration,
                      .image = (uint32_t)image_ids[row / group], .sample = (uint32_t)(row % group), .position = (uint32_t)t};
        draw = draw_sample(logits, v, sample->temperature, sample->top_k, sample->top_p, rng_uniform53(&key), s->draw);
      } else {
        draw = draw_greedy(logits, v);
      }
      kept += draw.kept;
      drawn++;
      out->tokens[(long)row * length + t] = draw.token;
      out->logp[(long)row * length + t] = draw.logp;
      out->length[row] = t + 1;
      out->finished[row] = draw.token == TOKEN_END;
      if (stop ? t + 1 >= stop : out->finished[row]) continue;
      s->row[left] = row;
      s->picture[left] = row / group;
      s->token[left++] = draw.token;
    }
    live = left;
  }
  out->kept_mass = kept / (double)drawn;
}

void decoder_sample(Decoder *decoder, const float *weights, int images, const float *features,
                    const int32_t *image_ids, int group, const SampleOptions *options, CaptionSet *out) {
  decode(decoder, weights, images, features, image_ids, group, options, out);
}

void decoder_greedy(Decoder *decoder, const float *weights, int images, const float *features, CaptionSet *out) {
  decode(decoder, weights, images, features, NULL, 1, NULL, out);
}
