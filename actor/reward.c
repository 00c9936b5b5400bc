/* Components of the reward and their weighted sum. */
#include "actor/reward.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/status.h"

/* One candidate, as the components see it. `words` has the end token last if it counts and the caption is finished;
 * `spoken` never has it; tokens are its ids. */
typedef struct Candidate {
  WordSpan words, spoken;
  const int32_t *tokens;
  const char *text; /* of pieces: the words, with blanks between; else NULL */
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
  BleuStats stats = bleu_stats(&reward->counted, candidate->words, &reward->repeated);
  bleu_scores(&stats, bleu);
  return bleu[3];
}

static double score_rouge_l(Reward *reward, const Candidate *candidate) {
  return rouge_l(&reward->rouge, candidate->words, reward->references, reward->pictures[reward->cooked].count);
}

/* The words with blanks between; borrowed. NULL when there are none. */
static const char *candidate_text(Reward *reward, const Candidate *candidate) {
  size_t used = 0;
  if (candidate->text) return *candidate->text ? candidate->text : NULL;
  for (int t = 0; t < candidate->spoken.count; t++) {
    const char *word = reward->token_text[candidate->tokens[t]];
    size_t size = strlen(word);
    if (used + size + 2 > reward->meteor_text_room) {
      reward->meteor_text_room = (used + size) * 2 + 256;
      reward->meteor_text = xrealloc(reward->meteor_text, reward->meteor_text_room);
    }
    memcpy(reward->meteor_text + used, word, size);
    reward->meteor_text[used + size] = ' ';
    used += size + 1;
  }
  if (!used) return NULL;
  reward->meteor_text[used] = '\0';
  return reward->meteor_text;
}

static double score_meteor(Reward *reward, const Candidate *candidate) {
  const char *text = candidate_text(reward, candidate);
  if (!text) return 0;
  size_t words = 0;
  int count =
      meteor_words_append(&reward->meteor, text, &reward->meteor_candidate, &words, &reward->meteor_candidate_room);
  MeteorStats stats = meteor_stats(&reward->meteor, (MeteorCaption){reward->meteor_candidate, count},
                                   reward->meteor_references, reward->pictures[reward->cooked].count);
  return meteor_score(&stats);
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
    [REWARD_CIDER_D] = score_cider_d,       [REWARD_CIDER] = score_cider,   [REWARD_BLEU4] = score_bleu4,
    [REWARD_ROUGE_L] = score_rouge_l,       [REWARD_METEOR] = score_meteor, [REWARD_LENGTH] = score_length,
    [REWARD_REPETITION] = score_repetition, [REWARD_NO_EOS] = score_no_eos,
};

RewardConfig reward_config_default(void) {
  return (RewardConfig){.weight[REWARD_CIDER_D] = 1, .include_eos = true, .length_target = 20, .repetition_order = 2};
}

static bool with_meteor(const Reward *reward) { return reward->config.weight[REWARD_METEOR] != 0; }

static bool with_pieces(const Reward *reward) { return reward->config.kind != VOCABULARY_WORDS; }

static void reward_meteor_init(Reward *reward) {
  const MeteorData *data = meteor_data_shared();
  CHECK(data);
  meteor_init(&reward->meteor, data);
}

static void token_text_keep(Reward *reward, const char *const *token_text) {
  reward->token_text = xmalloc(sizeof *reward->token_text * (size_t)reward->vocabulary);
  for (int v = 0; v < reward->vocabulary; v++) reward->token_text[v] = xstrdup(token_text[v]);
}

static void reward_meteor_free(Reward *reward) {
  if (with_meteor(reward)) meteor_free(&reward->meteor);
  free(reward->meteor_words);
  free(reward->meteor_references);
  free(reward->meteor_text);
  free(reward->meteor_candidate);
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
  ngram_references_init(&reward->counted);
  if (df) cider_df_set(&reward->cider, df);
  if (with_meteor(reward)) reward_meteor_init(reward);
  if (with_meteor(reward) || with_pieces(reward)) token_text_keep(reward, token_text);
  ptb_init(&reward->ptb);
}

void reward_free(Reward *reward) {
  reward_meteor_free(reward);
  for (int v = 0; reward->token_text && v < reward->vocabulary; v++) free(reward->token_text[v]);
  free(reward->token_text);
  ptb_free(&reward->ptb);
  free(reward->token_word);
  free(reward->words);
  free(reward->pictures);
  free(reward->texts);
  free(reward->references);
  free(reward->candidate);
  ngram_df_free(&reward->unit_df);
  ngram_counts_free(&reward->repeated);
  cider_free(&reward->cider);
  cider_references_free(&reward->cider_references);
  ngram_references_free(&reward->counted);
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
  reward->pictures[image] = (WordRange){.first = reward->texts_used, .count = count};
  if (reward->texts_used + (size_t)count > reward->texts_room) {
    reward->texts_room = (reward->texts_used + (size_t)count) * 2;
    reward->texts = xrealloc(reward->texts, sizeof *reward->texts * reward->texts_room);
  }
  for (int r = 0; r < count; r++) reward->texts[reward->texts_used++] = references[r];
  if (count > reward->references_room) {
    reward->references_room = count;
    reward->references = xrealloc(reward->references, sizeof *reward->references * (size_t)count);
    reward->meteor_references = xrealloc(reward->meteor_references, sizeof *reward->meteor_references * (size_t)count);
  }
}

/* The picture's references -> reward->references; returns how many. */
static int references_of(Reward *reward, int image) {
  CHECK(image >= 0 && image < reward->images && reward->pictures[image].count > 0);
  const WordRange *picture = &reward->pictures[image];
  size_t used = 0;
  for (int r = 0; r < picture->count; r++)
    reward->references[r].count =
        ngram_words_append(reward->texts[picture->first + (size_t)r], reward->config.include_eos, &reward->words, &used,
                           &reward->words_room);
  const uint64_t *words = reward->words; /* which moves no more */
  for (int r = 0; r < picture->count; words += reward->references[r++].count) reward->references[r].words = words;
  return picture->count;
}

/* The same for METEOR. */
static void meteor_references_of(Reward *reward, int image) {
  const WordRange *picture = &reward->pictures[image];
  size_t used = 0;
  for (int r = 0; r < picture->count; r++)
    reward->meteor_references[r].count = meteor_words_append(&reward->meteor, reward->texts[picture->first + (size_t)r],
                                                             &reward->meteor_words, &used, &reward->meteor_words_room);
  const int32_t *words = reward->meteor_words;
  for (int r = 0; r < picture->count; words += reward->meteor_references[r++].count)
    reward->meteor_references[r].words = words;
}

void reward_unit_set(Reward *reward, const int32_t *images, int count) {
  ngram_df_clear(&reward->unit_df);
  for (int i = 0; i < count; i++)
    ngram_df_add(&reward->unit_df, reward->references, references_of(reward, images[i]), &reward->repeated);
  cider_df_set(&reward->cider, &reward->unit_df);
  reward->cooked = -1;
}

/* Cooking a picture's references from their text costs about as much as scoring one group, so they are cooked anew for each
 * group instead of kept: a picture comes back only an epoch later, and the cooked references of a large split would fill
 * the memory of a node's every actor. Texts and document frequencies are the dataset's, which those actors share. */
static void references_cook(Reward *reward, int image) {
  if (reward->cooked == image) return;
  int count = references_of(reward, image);
  reward->cooked = image;
  const double *weight = reward->config.weight;
  bool with_cider = weight[REWARD_CIDER_D] != 0 || weight[REWARD_CIDER] != 0;
  if (with_cider || weight[REWARD_BLEU4] != 0) ngram_references_count(&reward->counted, reward->references, count);
  if (with_cider) cider_cook(&reward->cider, &reward->cider_references, &reward->counted, NULL);
  if (with_meteor(reward)) meteor_references_of(reward, image);
}

/* --- do they fit? ------------------------------------------------------------------------------------------------ */

typedef struct Fit {
  int64_t words, spoken, known; /* of the references; in the vocabulary; in the document frequencies */
  double cider_d;               /* sum over `scored` pictures */
  int pictures, scored;
} Fit;

static void picture_fit(Reward *reward, const NgramCounts *tokens, int image, Fit *fit) {
  int count = references_of(reward, image);
  for (int r = 0; r < count; r++) {
    WordSpan reference = reward->references[r];
    for (int w = 0; w < reference.count; w++) {
      if (reference.words[w] == ngram_end_word()) continue;
      fit->words++;
      fit->spoken += with_pieces(reward) || ngram_counts_find(tokens, reference.words[w]) >= 0;
      if (reward->cider.df) fit->known += ngram_df_find(reward->cider.df, ngram_key(reference.words + w, 1)) > 0;
    }
  }
  fit->pictures++;
  if (count < 2 || !reward->cider.df) return;
  ngram_references_count(&reward->counted, reward->references + 1, count - 1);
  cider_cook(&reward->cider, &reward->cider_references, &reward->counted, NULL);
  fit->cider_d += cider_score(&reward->cider, &reward->cider_references, reward->references[0]).d;
  fit->scored++;
}

Status reward_check(Reward *reward) {
  enum { PICTURES = 256, SCORED_MIN = 20 };
  static const double SHARE_MIN = 0.5, CIDER_D_MIN = 0.005;
  NgramCounts tokens;
  ngram_counts_init(&tokens);
  for (int v = 0; v < reward->vocabulary; v++) ngram_counts_entry(&tokens, reward->token_word[v], 1);
  Fit fit = {0};
  int step = reward->images / PICTURES + 1;
  for (int i = 0; i < reward->images; i += step) {
    int image = i; /* the next that has references */
    while (image < i + step && image < reward->images && !reward->pictures[image].count) image++;
    if (image < i + step && image < reward->images) picture_fit(reward, &tokens, image, &fit);
  }
  ngram_counts_free(&tokens);
  reward->cooked = -1;
  double words = (double)fit.words;
  if (fit.words && (double)fit.spoken < SHARE_MIN * words)
    return status_set(BAD_INPUT,
                      "only %.0f %% of the words of the references (of %d pictures) are in the vocabulary; rewards "
                      "would be near zero: was the vocabulary made from other captions or by another tokeniser?",
                      100 * (double)fit.spoken / words, fit.pictures);
  const double *weight = reward->config.weight;
  if (!reward->cider.df || (weight[REWARD_CIDER_D] == 0 && weight[REWARD_CIDER] == 0)) return OK;
  if (fit.words && (double)fit.known < SHARE_MIN * words)
    return status_set(BAD_INPUT,
                      "only %.0f %% of the words of the references (of %d pictures) have a document frequency; "
                      "CIDEr-D would be near zero: are the frequencies of other captions?",
                      100 * (double)fit.known / words, fit.pictures);
  if (fit.scored >= SCORED_MIN && reward->cider.df->documents >= SCORED_MIN &&
      !(fit.cider_d / fit.scored >= CIDER_D_MIN))
    return status_set(
        BAD_INPUT,
        "the references of a picture have a mean CIDEr-D of %.4f with each other (%d pictures); at least "
        "%.3f, and about 0.8 for captions by people, was expected: do captions stand with the wrong pictures?",
        fit.cider_d / fit.scored, fit.scored, CIDER_D_MIN);
  return OK;
}

/* --- scores ------------------------------------------------------------------------------------------------------ */

static void candidate_reserve(Reward *reward, int words) {
  if (words <= reward->candidate_room) return;
  reward->candidate_room = words + 64;
  reward->candidate = xrealloc(reward->candidate, sizeof *reward->candidate * (size_t)reward->candidate_room);
}

/* Pieces -> text -> the words that it has for the metrics -> reward->candidate; returns how many. */
static int pieces_words(Reward *reward, const int32_t *tokens, int spoken) {
  char *text = vocabulary_text(reward->config.kind, reward->token_text, reward->vocabulary, tokens, spoken);
  int words = ptb_tokenize(&reward->ptb, text, strlen(text));
  free(text);
  candidate_reserve(reward, words + 1);
  size_t used = 0, room = (size_t)reward->candidate_room;
  ngram_words_append(ptb_joined(&reward->ptb), false, &reward->candidate, &used, &room);
  reward->candidate_room = (int)room;
  return (int)used;
}

static Candidate candidate_of(Reward *reward, const int32_t *tokens, int length, bool finished) {
  CHECK(length >= (finished ? 1 : 0));
  int spoken = length - (finished ? 1 : 0);
  const char *text = NULL;
  if (with_pieces(reward)) {
    spoken = pieces_words(reward, tokens, spoken);
    text = ptb_joined(&reward->ptb);
  }
  candidate_reserve(reward, spoken + 1);
  for (int t = 0; t < spoken && !text; t++) {
    CHECK(tokens[t] >= 0 && tokens[t] < reward->vocabulary);
    reward->candidate[t] = reward->token_word[tokens[t]];
  }
  int words = spoken;
  if (finished && reward->config.include_eos) reward->candidate[words++] = ngram_end_word();
  return (Candidate){{reward->candidate, words}, {reward->candidate, spoken}, tokens, text, finished};
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
