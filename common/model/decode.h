/* Decode: captions from pictures by a policy snapshot, one token a step with cached keys and values: sampled
 * groups, greedy, beam search. The image's memory (cross-attention keys and values) is computed once for its whole
 * group; finished captions leave the batch. Equals the teacher-forced pass of captioner.h up to rounding. */
#ifndef TROUPE_MODEL_DECODE_H
#define TROUPE_MODEL_DECODE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/arena.h"
#include "common/model/forbidden.h"
#include "common/model/params.h"

/* Special tokens: the first ids of every vocabulary. */
enum { TOKEN_PAD = 0, TOKEN_START = 1, TOKEN_END = 2, TOKEN_UNKNOWN = 3, TOKENS_SPECIAL = 4 };

/* Captions at a fixed stride of max_length tokens. Arrays are owned. */
typedef struct CaptionSet {
  int count, capacity, max_length;
  int32_t *tokens; /* [count, max_length]: generated tokens without the start token; the end token is kept and counts */
  float *logp; /* [count, max_length]: log-probability of each at the temperature, before truncation by top-k/top-p */
  int32_t *length;  /* [count] */
  bool *finished;   /* [count]: ended with the end token (else it was cut at max_length) */
  long rows;        /* computed in all steps: captions of a picture that begin alike share theirs */
  double kept_mass; /* sampled: mean over tokens of the probability that truncation left to draw from */
} CaptionSet;

void captions_init(CaptionSet *set, int capacity, int max_length);
void captions_free(CaptionSet *set); /* idempotent */

typedef struct SampleOptions {
  float temperature; /* > 0 */
  int top_k;         /* 0 = whole vocabulary */
  float top_p;       /* 1 = whole vocabulary */
  DecodeRules rules;
  uint64_t seed;
  uint32_t iteration;     /* key of the random numbers, with the image's id, the sample's index and the position */
  const int32_t *lengths; /* benches only, else NULL: [images x group] stops each caption there, nowhere else */
} SampleOptions;

typedef struct Decoder {
  const ParamTable *table; /* borrowed */
  int max_images, max_rows, max_length;
  Arena arena;
  struct DecoderState *state; /* owned */
} Decoder;

/* For at most max_images pictures and max_rows = pictures x (group or beam) captions at once. max_length <=
 * positions. */
void decoder_init(Decoder *decoder, const ParamTable *table, int max_images, int max_rows, int max_length);
void decoder_free(Decoder *decoder); /* idempotent */

/* Optional, for several calls with the same weights: lays them out once, which each call does otherwise (about 6
 * ms for the default model: a tenth of a call for 8 pictures). Calls with this pointer then take its values as
 * they were here; load again when they change, NULL to forget. */
void decoder_load(Decoder *decoder, const float *weights);

/* Samples `group` captions an image, image-major, into `out` (cleared first). image_ids [images] key the random
 * numbers: the result, bit for bit, does not depend on which images share a call. What the rules, top-k and top-p
 * exclude is never sampled: its probability stays in the softmax of log mu (as the update sees it) but the draw
 * renormalises over the rest. */
void decoder_sample(Decoder *decoder, const float *weights, int images, const float *features, const int32_t *image_ids,
                    int group, const SampleOptions *options, CaptionSet *out);

/* The most probable token each step (ties: the lower id) that the rules allow; one caption an image. */
void decoder_greedy(Decoder *decoder, const float *weights, int images, const float *features, const DecodeRules *rules,
                    CaptionSet *out);

typedef struct BeamOptions {
  int beam;             /* hypotheses an image */
  int groups;           /* that search one after the other, beam / groups hypotheses each; 0 = 1 */
  float diversity;      /* what a token costs a group for each hypothesis of the groups before it that took it here */
  float length_penalty; /* score = sum of log-probabilities / length^length_penalty; 0 = sum */
  bool each_group;      /* the best caption of each group, group by group, instead of the best of all */
  DecodeRules rules;
} BeamOptions;

/* Beam search: the best hypothesis by score; one caption an image (`groups` with each_group). Groups: diverse beam
 * search with Hamming diversity (Vijayakumar et al., arXiv 1610.02424); the cost chooses tokens but is not in the sums.
 * Done hypotheses leave the batch. `out` has room for images x groups. */
void decoder_beam(Decoder *decoder, const float *weights, int images, const float *features, const BeamOptions *options,
                  CaptionSet *out);

/* Greedy when the beam is 1, else beam search. */
void decoder_search(Decoder *decoder, const float *weights, int images, const float *features,
                    const BeamOptions *options, CaptionSet *out);

#endif
