/* Scores of a set: per picture by each scorer, then the corpus (means, except BLEU and METEOR, which sum statistics). */
#include "common/score/evaluate.h"

#include <stdlib.h>
#include <string.h>

#include "common/score/bleu.h"
#include "common/score/cider.h"
#include "common/score/rouge.h"

static const struct {
  const char *name;
  const char *(*absent)(void); /* NULL: never */
} METRIC_TABLE[METRICS] = {
    [METRIC_BLEU_1] = {"Bleu_1", NULL},
    [METRIC_BLEU_2] = {"Bleu_2", NULL},
    [METRIC_BLEU_3] = {"Bleu_3", NULL},
    [METRIC_BLEU_4] = {"Bleu_4", NULL},
    [METRIC_METEOR] = {"METEOR", meteor_data_absent},
    [METRIC_ROUGE_L] = {"ROUGE_L", NULL},
    [METRIC_CIDER] = {"CIDEr", NULL},
    [METRIC_CIDER_ORIGINAL] = {"CIDEr_original", NULL},
};

const char *metric_name(Metric metric) { return METRIC_TABLE[metric].name; }

const char *metric_absent(Metric metric) { return METRIC_TABLE[metric].absent ? METRIC_TABLE[metric].absent() : NULL; }

/* --- the set ----------------------------------------------------------------------------------------------------- */

void evaluation_init(Evaluation *evaluation) {
  *evaluation = (Evaluation){0};
  ptb_init(&evaluation->ptb);
}

void evaluation_free(Evaluation *evaluation) {
  ptb_free(&evaluation->ptb);
  if (evaluation->meteor) meteor_free(evaluation->meteor);
  free(evaluation->meteor);
  free(evaluation->pictures);
  pool_free(&evaluation->pool);
  free(evaluation->words);
  free(evaluation->meteor_words);
  *evaluation = (Evaluation){0};
}

static void meteor_open(Evaluation *evaluation) {
  const MeteorData *data = evaluation->skip[METRIC_METEOR] ? NULL : meteor_data_shared();
  if (!data) return;
  evaluation->meteor = xmalloc(sizeof *evaluation->meteor);
  meteor_init(evaluation->meteor, data);
}

static void *pool_copy(Pool *pool, const void *bytes, size_t size) {
  return size ? memcpy(pool_take(pool, size), bytes, size) : NULL;
}

static WordSpan span_keep(Evaluation *evaluation, int count) {
  return (WordSpan){pool_copy(&evaluation->pool, evaluation->words, sizeof *evaluation->words * (size_t)count), count};
}

static MeteorCaption meteor_keep(Evaluation *evaluation, const char *text) {
  size_t used = 0;
  int count =
      meteor_words_append(evaluation->meteor, text, &evaluation->meteor_words, &used, &evaluation->meteor_words_room);
  size_t bytes = sizeof *evaluation->meteor_words * (size_t)count;
  return (MeteorCaption){pool_copy(&evaluation->pool, evaluation->meteor_words, bytes), count};
}

/* Words of one caption, tokenised here or before. */
static EvaluationCaption caption_keep(Evaluation *evaluation, const char *text, bool tokenized) {
  if (!tokenized) {
    ptb_tokenize(&evaluation->ptb, text, strlen(text));
    text = ptb_joined(&evaluation->ptb);
  }
  EvaluationCaption caption = {0};
  size_t used = 0;
  int count = ngram_words_append(text, false, &evaluation->words, &used, &evaluation->words_room);
  caption.words = caption.tokens = span_keep(evaluation, count);
  if (evaluation->meteor) caption.meteor = meteor_keep(evaluation, text);
  if (!ngram_tokens_differ(text)) return caption;
  used = 0;
  count = ngram_tokens_append(text, &evaluation->words, &used, &evaluation->words_room);
  caption.tokens = span_keep(evaluation, count);
  return caption;
}

static void picture_add(Evaluation *evaluation, const char *const *candidates, int group, bool candidates_tokenized,
                        const char *const *references, int count, bool references_tokenized) {
  CHECK(count > 0 && group > 0 && (!evaluation->images || group == evaluation->group));
  if (!evaluation->images) meteor_open(evaluation);
  evaluation->group = group;
  if (evaluation->images == evaluation->images_room) {
    evaluation->images_room = evaluation->images_room ? evaluation->images_room * 2 : 16;
    evaluation->pictures =
        xrealloc(evaluation->pictures, sizeof *evaluation->pictures * (size_t)evaluation->images_room);
  }
  EvaluationCaption *captions = pool_take(&evaluation->pool, sizeof *captions * ((size_t)group + (size_t)count));
  for (int g = 0; g < group; g++) captions[g] = caption_keep(evaluation, candidates[g], candidates_tokenized);
  for (int r = 0; r < count; r++) captions[group + r] = caption_keep(evaluation, references[r], references_tokenized);
  evaluation->pictures[evaluation->images++] = (EvaluationPicture){captions, count};
}

void evaluation_add(Evaluation *evaluation, const char *candidate, const char *const *references, int count) {
  picture_add(evaluation, &candidate, 1, false, references, count, false);
}

void evaluation_add_tokenized(Evaluation *evaluation, const char *candidate, const char *const *references, int count) {
  picture_add(evaluation, &candidate, 1, true, references, count, true);
}

void evaluation_add_group(Evaluation *evaluation, const char *const *candidates, int group,
                          const char *const *references, int count) {
  picture_add(evaluation, candidates, group, false, references, count, false);
}

void evaluation_add_group_tokenized(Evaluation *evaluation, const char *const *candidates, int group,
                                    bool candidates_tokenized, const char *const *references, int count) {
  picture_add(evaluation, candidates, group, candidates_tokenized, references, count, true);
}

/* --- scoring ----------------------------------------------------------------------------------------------------- */

/* Frequencies of n-grams in the set itself. Each picture's n-grams are looked up in the large table once, when they are added
 * to it; their numbers lead to what had come together when all were there. */
typedef struct SetFrequencies {
  uint32_t *of;       /* owned: by number in the table */
  uint32_t **numbers; /* owned: [images] in the pool: of a picture's n-grams in the order of their first appearance */
  Pool pool;
  uint32_t *some; /* owned: frequencies of one picture's n-grams */
  int some_room;
} SetFrequencies;

/* Everything that scoring a picture needs, made once a set. */
typedef struct Scorer {
  NgramDf df;
  NgramCounts counts;
  SetFrequencies frequencies;
  Cider cider;
  NgramReferences counted;
  CiderReferences cider_references;
  BleuStats bleu_sum;
  RougeScratch rouge;
  Meteor *meteor; /* borrowed */
  MeteorStats meteor_sum;
  WordSpan *spans;                /* the candidate to score, the references, then all candidates of the picture */
  WordSpan *tokens;               /* the same for ROUGE-L */
  MeteorCaption *meteor_captions; /* the same for METEOR, if it is there */
  int spans_room;
} Scorer;

static void scorer_init(Scorer *scorer, const Evaluation *evaluation) {
  *scorer = (Scorer){.meteor = evaluation->meteor};
  ngram_df_init(&scorer->df);
  ngram_counts_init(&scorer->counts);
  cider_init(&scorer->cider);
  ngram_references_init(&scorer->counted);
}

static void scorer_free(Scorer *scorer) {
  ngram_df_free(&scorer->df);
  ngram_counts_free(&scorer->counts);
  cider_free(&scorer->cider);
  cider_references_free(&scorer->cider_references);
  ngram_references_free(&scorer->counted);
  free(scorer->frequencies.of);
  free(scorer->frequencies.numbers);
  pool_free(&scorer->frequencies.pool);
  free(scorer->frequencies.some);
  rouge_scratch_free(&scorer->rouge);
  free(scorer->spans);
  free(scorer->tokens);
  free(scorer->meteor_captions);
}

/* The candidate `g` of the picture is the one to score. */
static void candidate_choose(Scorer *scorer, int references, int g) {
  scorer->spans[0] = scorer->spans[1 + references + g];
  scorer->tokens[0] = scorer->tokens[1 + references + g];
  scorer->meteor_captions[0] = scorer->meteor_captions[1 + references + g];
}

/* Captions of a picture -> scorer->spans and the others; returns the number of references. */
static int picture_spans(const Evaluation *evaluation, int image, Scorer *scorer) {
  const EvaluationCaption *captions = evaluation->pictures[image].captions;
  int group = evaluation->group, references = evaluation->pictures[image].references;
  if (1 + references + group > scorer->spans_room) {
    scorer->spans_room = 1 + references + group;
    scorer->spans = xrealloc(scorer->spans, sizeof *scorer->spans * (size_t)scorer->spans_room);
    scorer->tokens = xrealloc(scorer->tokens, sizeof *scorer->tokens * (size_t)scorer->spans_room);
    scorer->meteor_captions =
        xrealloc(scorer->meteor_captions, sizeof *scorer->meteor_captions * (size_t)scorer->spans_room);
  }
  for (int i = 0; i < group + references; i++) {
    int at = i < group ? 1 + references + i : 1 + i - group;
    scorer->spans[at] = captions[i].words;
    scorer->tokens[at] = captions[i].tokens;
    scorer->meteor_captions[at] = captions[i].meteor;
  }
  candidate_choose(scorer, references, 0);
  return references;
}

static void score_bleu(Scorer *scorer, int references, double scores[METRICS]) {
  (void)references;
  BleuStats stats = bleu_stats(&scorer->counted, scorer->spans[0], &scorer->counts);
  bleu_stats_add(&scorer->bleu_sum, &stats);
  bleu_scores(&stats, scores + METRIC_BLEU_1);
}

static void score_meteor(Scorer *scorer, int references, double scores[METRICS]) {
  if (!scorer->meteor) return;
  MeteorStats stats = meteor_stats(scorer->meteor, scorer->meteor_captions[0], scorer->meteor_captions + 1, references);
  meteor_stats_add(&scorer->meteor_sum, &stats);
  scores[METRIC_METEOR] = meteor_score(&stats);
}

static void score_rouge(Scorer *scorer, int references, double scores[METRICS]) {
  scores[METRIC_ROUGE_L] = rouge_l(&scorer->rouge, scorer->tokens[0], scorer->tokens + 1, references);
}

static void score_cider(Scorer *scorer, int references, double scores[METRICS]) {
  (void)references;
  CiderScores cider = cider_score(&scorer->cider, &scorer->cider_references, scorer->spans[0]);
  scores[METRIC_CIDER] = cider.d;
  scores[METRIC_CIDER_ORIGINAL] = cider.original;
}

static const struct {
  Metric first, last; /* what it fills in */
  void (*score)(Scorer *, int references, double *scores);
} SCORERS[] = {
    {METRIC_BLEU_1, METRIC_BLEU_4, score_bleu},
    {METRIC_METEOR, METRIC_METEOR, score_meteor},
    {METRIC_ROUGE_L, METRIC_ROUGE_L, score_rouge},
    {METRIC_CIDER, METRIC_CIDER_ORIGINAL, score_cider},
};

static bool is_wanted(const Evaluation *evaluation, Metric first, Metric last) {
  for (Metric m = first; m <= last; m++)
    if (!evaluation->skip[m]) return true;
  return false;
}

static uint32_t *numbers_keep(SetFrequencies *set, const NgramCounts *ngrams) {
  uint32_t *numbers = pool_take(&set->pool, sizeof *numbers * (size_t)ngrams->used);
  for (int i = 0; i < ngrams->used; i++) numbers[i] = (uint32_t)ngrams->entries[i].count;
  return numbers;
}

static void df_open(const Evaluation *evaluation, Scorer *scorer) {
  if (evaluation->df) {
    cider_df_set(&scorer->cider, evaluation->df);
    return;
  }
  SetFrequencies *set = &scorer->frequencies;
  set->numbers = xmalloc(sizeof *set->numbers * (size_t)evaluation->images);
  for (int i = 0; i < evaluation->images; i++) {
    int references = picture_spans(evaluation, i, scorer);
    ngram_df_add(&scorer->df, scorer->spans + 1, references, &scorer->counts);
    set->numbers[i] = numbers_keep(set, &scorer->counts);
  }
  set->of = xmalloc(sizeof *set->of * (scorer->df.used + 1));
  ngram_df_by_number(&scorer->df, set->of);
  cider_df_set(&scorer->cider, &scorer->df);
}

/* Frequencies of a picture's n-grams. */
static const uint32_t *frequencies_of(SetFrequencies *set, int image, int ngrams) {
  if (!set->of) return NULL;
  if (ngrams > set->some_room) {
    set->some_room = ngrams * 2;
    set->some = xrealloc(set->some, sizeof *set->some * (size_t)set->some_room);
  }
  for (int i = 0; i < ngrams; i++) set->some[i] = set->of[set->numbers[image][i]];
  return set->some;
}

/* What all candidates of the picture share. */
static void picture_cook(const Evaluation *evaluation, int image, Scorer *scorer, int references) {
  bool cider = is_wanted(evaluation, METRIC_CIDER, METRIC_CIDER_ORIGINAL);
  if (!cider && !is_wanted(evaluation, METRIC_BLEU_1, METRIC_BLEU_4)) return;
  ngram_references_count(&scorer->counted, scorer->spans + 1, references);
  if (!cider) return;
  const uint32_t *df = frequencies_of(&scorer->frequencies, image, scorer->counted.ngrams.used);
  cider_cook(&scorer->cider, &scorer->cider_references, &scorer->counted, df);
}

/* Scores [G, METRICS] of one picture. */
static void picture_score(const Evaluation *evaluation, int image, Scorer *scorer, double (*scores)[METRICS]) {
  int references = picture_spans(evaluation, image, scorer);
  picture_cook(evaluation, image, scorer, references);
  for (int g = 0; g < evaluation->group; g++) {
    candidate_choose(scorer, references, g);
    for (size_t s = 0; s < sizeof SCORERS / sizeof *SCORERS; s++)
      if (is_wanted(evaluation, SCORERS[s].first, SCORERS[s].last)) SCORERS[s].score(scorer, references, scores[g]);
  }
}

static void score_diversity(const Evaluation *evaluation, Scorer *scorer, EvaluationScores *scores) {
  Diversity diversity;
  diversity_init(&diversity, evaluation->group);
  scores->image_diversity = xcalloc((size_t)evaluation->images, sizeof *scores->image_diversity);
  for (int i = 0; i < evaluation->images; i++) {
    int references = picture_spans(evaluation, i, scorer);
    double *values = scores->image_diversity[i];
    diversity_add(&diversity, &scorer->cider, scorer->spans + 1 + references,
                  &scores->image[i * evaluation->group][METRIC_CIDER], METRICS, values);
    for (int m = 0; m < DIVERSITIES; m++) scores->diversity[m] += values[m] / evaluation->images;
  }
  scores->diversity[DIVERSITY_MBLEU_4] = diversity_mbleu(&diversity);
  diversity_free(&diversity);
}

void evaluation_compute(const Evaluation *evaluation, EvaluationScores *scores) {
  int captions = evaluation->images * evaluation->group;
  *scores = (EvaluationScores){.images = evaluation->images, .group = evaluation->group};
  scores->image = xcalloc((size_t)captions + 1, sizeof *scores->image);
  for (int m = 0; m < METRICS; m++) {
    scores->absent[m] = !evaluation->skip[m] && metric_absent((Metric)m);
    scores->present[m] = !evaluation->skip[m] && !scores->absent[m];
  }
  if (!captions) return;

  Scorer scorer;
  scorer_init(&scorer, evaluation);
  if (is_wanted(evaluation, METRIC_CIDER, METRIC_CIDER_ORIGINAL)) df_open(evaluation, &scorer);
  for (int i = 0; i < evaluation->images; i++)
    picture_score(evaluation, i, &scorer, scores->image + (size_t)i * (size_t)evaluation->group);
  for (int c = 0; c < captions; c++)
    for (int m = 0; m < METRICS; m++) scores->corpus[m] += scores->image[c][m] / captions;
  bleu_scores(&scorer.bleu_sum, scores->corpus + METRIC_BLEU_1);
  scores->corpus[METRIC_METEOR] = meteor_score(&scorer.meteor_sum);
  if (evaluation->group > 1 && !evaluation->skip[METRIC_CIDER]) score_diversity(evaluation, &scorer, scores);
  scorer_free(&scorer);
}

void evaluation_scores_free(EvaluationScores *scores) {
  free(scores->image);
  free(scores->image_diversity);
  *scores = (EvaluationScores){0};
}
