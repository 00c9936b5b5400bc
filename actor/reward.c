/* Components of the reward and their weighted sum. */
#include "actor/reward.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/status.h"

/* One candidate, as the components see it. `words` has the end token last if it counts and the caption is finished;
 * `spoken` never has it. */
typedef struct Candidate {
  WordSpan words, spoken;
  bool finished;
} Candidate;

static double score_cider_d(Reward *reward, const Candidate *candidate) {
  return cider_score(&reward->cider, &reward->cider_references, candidate->words).d;
}

static double score_cider(Reward *reward, const Candidate *candidate) {
  return cider_score(&reward->cider, &reward->cider_references, candidate->words).original;
}

static double score_bleu4(Reward *reward, const Candidate *candidate) {
  double bleu[NGRAM_MAX];
  BleuStats stats = bleu_stats(&reward->bleu_references, candidate->words);
  bleu_scores(&stats, bleu);
  return bleu[3];
}

static double score_rouge_l(Reward *reward, const Candidate *candidate) {
  return rouge_l(&reward->rouge, candidate->words, reward->references, reward->pictures[reward->cooked].count);
}

static double score_length(Reward *reward, const Candidate *candidate) {
  int beyond = candidate->spoken.count - reward->config.length_target;
  return beyond > 0 ? -beyond : 0;
}

static double score_repetition(Reward *reward, const Candidate *candidate) {
  int order = reward->config.repetition_order, ngrams = candidate->spoken.count - order + 1;
  if (ngrams < 1) return 0;
  ngram_counts_clear(&reward->repeated);
  for (int i = 0; i < ngrams; i++)
    ngram_counts_entry(&reward->repeated, ngram_key(candidate->spoken.words + i, order), order);
  return -(double)(ngrams - reward->repeated.used) / ngrams;
}

static double score_no_eos(Reward *reward, const Candidate *candidate) {
  (void)reward;
  return candidate->finished ? 0 : -1;
}

static double (*const score[REWARD_COMPONENTS])(Reward *, const Candidate *) = {
    [REWARD_CIDER_D] = score_cider_d, [REWARD_CIDER] = score_cider,   [REWARD_BLEU4] = score_bleu4,
    [REWARD_ROUGE_L] = score_rouge_l, [REWARD_LENGTH] = score_length, [REWARD_REPETITION] = score_repetition,
    [REWARD_NO_EOS] = score_no_eos,
};

RewardConfig reward_config_default(void) {
  return (RewardConfig){.weight[REWARD_CIDER_D] = 1, .include_eos = true, .length_target = 20, .repetition_order = 2};
}

void reward_init(Reward *reward, const RewardConfig *config, int vocabulary, const char *const *token_text,
                 const NgramDf *df) {
  CHECK(config->repetition_order >= 1 && config->repetition_order <= NGRAM_MAX);
  *reward = (Reward){.config = *config, .vocabulary = vocabulary, .cooked = -1};
  reward->token_word = xmalloc(sizeof *reward->token_word * (size_t)vocabulary);
  for (int v = 0; v < vocabulary; v++) reward->token_word[v] = ngram_word(token_text[v], strlen(token_text[v]));
  ngram_df_init(&reward->unit_df);
  ngram_counts_init(&reward->repeated);
  cider_init(&reward->cider);
  cider_references_init(&reward->cider_references);
  bleu_references_init(&reward->bleu_references);
  if (df) cider_df_set(&reward->cider, df);
}

void reward_free(Reward *reward) {
  free(reward->token_word);
  free(reward->words);
  free(reward->pictures);
  free(reward->spans);
  free(reward->references);
  free(reward->candidate);
  ngram_df_free(&reward->unit_df);
  ngram_counts_free(&reward->repeated);
  cider_free(&reward->cider);
  cider_references_free(&reward->cider_references);
  bleu_references_free(&reward->bleu_references);
  rouge_scratch_free(&reward->rouge);
  *reward = (Reward){.cooked = -1};
}

/* --- references -------------------------------------------------------------------------------------------------- */

static void pictures_reserve(Reward *reward, int images) {
  if (images <= reward->images) return;
  int room = images > reward->images * 2 ? images : reward->images * 2;
  reward->pictures = xrealloc(reward->pictures, sizeof *reward->pictures * (size_t)room);
  memset(reward->pictures + reward->images, 0, sizeof *reward->pictures * (size_t)(room - reward->images));
  reward->images = room;
}

void reward_add_image(Reward *reward, int image, const char *const *references, int count) {
  CHECK(image >= 0 && count > 0);
  pictures_reserve(reward, image + 1);
  CHECK(!reward->pictures[image].count);
  reward->cooked = -1; /* its spans may move */
  reward->pictures[image] = (WordRange){.first = reward->spans_used, .count = count};
  for (int r = 0; r < count; r++) {
    if (reward->spans_used == reward->spans_room) {
      reward->spans_room = reward->spans_room ? reward->spans_room * 2 : 64;
      reward->spans = xrealloc(reward->spans, sizeof *reward->spans * reward->spans_room);
    }
    WordRange *span = &reward->spans[reward->spans_used++];
    span->first = reward->words_used;
    span->count = ngram_words_append(references[r], true, &reward->words, &reward->words_used, &reward->words_room);
  }
  if (count > reward->references_room) {
    reward->references_room = count;
    reward->references = xrealloc(reward->references, sizeof *reward->references * (size_t)count);
  }
}

/* The picture's references -> reward->references; returns how many. */
static int references_of(Reward *reward, int image) {
  CHECK(image >= 0 && image < reward->images && reward->pictures[image].count > 0);
  const WordRange *picture = &reward->pictures[image];
  for (int r = 0; r < picture->count; r++) {
    const WordRange *span = &reward->spans[picture->first + (size_t)r];
    reward->references[r] = (WordSpan){reward->words + span->first, span->count - !reward->config.include_eos};
  }
  return picture->count;
}

void reward_unit_set(Reward *reward, const int32_t *images, int count) {
  ngram_df_clear(&reward->unit_df);
  for (int i = 0; i < count; i++)
    ngram_df_add(&reward->unit_df, reward->references, references_of(reward, images[i]), &reward->repeated);
  cider_df_set(&reward->cider, &reward->unit_df);
  reward->cooked = -1;
}

/* Cooking costs about as much as scoring one group, so references are cooked anew for each group instead of kept: a
 * picture comes back only an epoch later, and the cooked references of a large split would fill the memory. */
static void references_cook(Reward *reward, int image) {
  if (reward->cooked == image) return;
  int count = references_of(reward, image);
  reward->cooked = image;
  const double *weight = reward->config.weight;
  if (weight[REWARD_CIDER_D] != 0 || weight[REWARD_CIDER] != 0)
    cider_cook(&reward->cider, &reward->cider_references, reward->references, count);
  if (weight[REWARD_BLEU4] != 0) bleu_cook(&reward->bleu_references, reward->references, count);
}

/* --- scores ------------------------------------------------------------------------------------------------------ */

static Candidate candidate_of(Reward *reward, const int32_t *tokens, int length, bool finished) {
  CHECK(length >= (finished ? 1 : 0));
  if (length + 1 > reward->candidate_room) {
    reward->candidate_room = length + 64;
    reward->candidate = xrealloc(reward->candidate, sizeof *reward->candidate * (size_t)reward->candidate_room);
  }
  int spoken = length - (finished ? 1 : 0), words = spoken;
  for (int t = 0; t < spoken; t++) {
    CHECK(tokens[t] >= 0 && tokens[t] < reward->vocabulary);
    reward->candidate[t] = reward->token_word[tokens[t]];
  }
  if (finished && reward->config.include_eos) reward->candidate[words++] = ngram_end_word();
  return (Candidate){{reward->candidate, words}, {reward->candidate, spoken}, finished};
}

void reward_score(Reward *reward, int image, int captions, const int32_t *const *tokens, const int32_t *lengths,
                  const bool *finished, double *rewards, double *components) {
  references_cook(reward, image);
  for (int c = 0; c < captions; c++) {
    Candidate candidate = candidate_of(reward, tokens[c], lengths[c], finished[c]);
    rewards[c] = 0;
    for (int k = 0; k < REWARD_COMPONENTS; k++) {
      double weight = reward->config.weight[k];
      double value = weight != 0 ? score[k](reward, &candidate) : 0;
      rewards[c] += weight * value;
      if (components) components[c * REWARD_COMPONENTS + k] = value;
    }
  }
}
