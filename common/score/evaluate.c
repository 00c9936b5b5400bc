/* Scores of a set: per picture by each scorer, then the corpus (means, except BLEU, which sums its statistics). */
#include "common/score/evaluate.h"

#include <stdlib.h>
#include <string.h>

#include "common/score/bleu.h"
#include "common/score/cider.h"
#include "common/score/rouge.h"

static const struct {
  const char *name, *absent;
} METRIC_TABLE[METRICS] = {
    [METRIC_BLEU_1] = {"Bleu_1", NULL},
    [METRIC_BLEU_2] = {"Bleu_2", NULL},
    [METRIC_BLEU_3] = {"Bleu_3", NULL},
    [METRIC_BLEU_4] = {"Bleu_4", NULL},
    [METRIC_METEOR] = {"METEOR", "not in this version"},
    [METRIC_ROUGE_L] = {"ROUGE_L", NULL},
    [METRIC_CIDER] = {"CIDEr", NULL},
    [METRIC_CIDER_ORIGINAL] = {"CIDEr_original", NULL},
};

const char *metric_name(Metric metric) { return METRIC_TABLE[metric].name; }

const char *metric_absent(Metric metric) { return METRIC_TABLE[metric].absent; }

/* --- the set ----------------------------------------------------------------------------------------------------- */

void evaluation_init(Evaluation *evaluation) {
  *evaluation = (Evaluation){0};
  ptb_init(&evaluation->ptb);
}

void evaluation_free(Evaluation *evaluation) {
  ptb_free(&evaluation->ptb);
  free(evaluation->words);
  free(evaluation->captions);
  free(evaluation->pictures);
  *evaluation = (Evaluation){0};
}

/* Words of one caption, tokenised here or before. */
static void caption_add(Evaluation *evaluation, const char *text, bool tokenized) {
  if (evaluation->captions_used == evaluation->captions_room) {
    evaluation->captions_room = evaluation->captions_room ? evaluation->captions_room * 2 : 64;
    evaluation->captions = xrealloc(evaluation->captions, sizeof *evaluation->captions * evaluation->captions_room);
  }
  WordRange *caption = &evaluation->captions[evaluation->captions_used++];
  caption->first = evaluation->words_used;
  if (!tokenized) {
    ptb_tokenize(&evaluation->ptb, text, strlen(text));
    text = ptb_joined(&evaluation->ptb);
  }
  caption->count =
      ngram_words_append(text, false, &evaluation->words, &evaluation->words_used, &evaluation->words_room);
}

static void picture_add(Evaluation *evaluation, const char *candidate, const char *const *references, int count,
                        bool tokenized) {
  CHECK(count > 0);
  if (evaluation->images == evaluation->images_room) {
    evaluation->images_room = evaluation->images_room ? evaluation->images_room * 2 : 16;
    evaluation->pictures =
        xrealloc(evaluation->pictures, sizeof *evaluation->pictures * (size_t)evaluation->images_room);
  }
  evaluation->pictures[evaluation->images++] = evaluation->captions_used;
  caption_add(evaluation, candidate, tokenized);
  for (int r = 0; r < count; r++) caption_add(evaluation, references[r], tokenized);
}

void evaluation_add(Evaluation *evaluation, const char *candidate, const char *const *references, int count) {
  picture_add(evaluation, candidate, references, count, false);
}

void evaluation_add_tokenized(Evaluation *evaluation, const char *candidate, const char *const *references, int count) {
  picture_add(evaluation, candidate, references, count, true);
}

/* --- scoring ----------------------------------------------------------------------------------------------------- */

/* Everything that scoring a picture needs, made once a set. */
typedef struct Scorer {
  NgramDf df;
  NgramCounts counts;
  Cider cider;
  CiderReferences cider_references;
  BleuReferences bleu_references;
  BleuStats bleu_sum;
  RougeScratch rouge;
  WordSpan *spans; /* candidate, references */
  int spans_room;
} Scorer;

static void scorer_init(Scorer *scorer) {
  *scorer = (Scorer){0};
  ngram_df_init(&scorer->df);
  ngram_counts_init(&scorer->counts);
  cider_init(&scorer->cider);
  cider_references_init(&scorer->cider_references);
  bleu_references_init(&scorer->bleu_references);
}

static void scorer_free(Scorer *scorer) {
  ngram_df_free(&scorer->df);
  ngram_counts_free(&scorer->counts);
  cider_free(&scorer->cider);
  cider_references_free(&scorer->cider_references);
  bleu_references_free(&scorer->bleu_references);
  rouge_scratch_free(&scorer->rouge);
  free(scorer->spans);
}

/* Candidate and references of a picture -> scorer->spans; returns the number of references. */
static int picture_spans(const Evaluation *evaluation, int image, Scorer *scorer) {
  size_t first = evaluation->pictures[image];
  size_t end = image + 1 < evaluation->images ? evaluation->pictures[image + 1] : evaluation->captions_used;
  int count = (int)(end - first);
  if (count > scorer->spans_room) {
    scorer->spans_room = count;
    scorer->spans = xrealloc(scorer->spans, sizeof *scorer->spans * (size_t)count);
  }
  for (int i = 0; i < count; i++) {
    const WordRange *caption = &evaluation->captions[first + (size_t)i];
    scorer->spans[i] = (WordSpan){caption->count ? evaluation->words + caption->first : NULL, caption->count};
  }
  return count - 1;
}

static void score_bleu(Scorer *scorer, int references, double scores[METRICS]) {
  bleu_cook(&scorer->bleu_references, scorer->spans + 1, references);
  BleuStats stats = bleu_stats(&scorer->bleu_references, scorer->spans[0]);
  bleu_stats_add(&scorer->bleu_sum, &stats);
  bleu_scores(&stats, scores + METRIC_BLEU_1);
}

static void score_rouge(Scorer *scorer, int references, double scores[METRICS]) {
  scores[METRIC_ROUGE_L] = rouge_l(&scorer->rouge, scorer->spans[0], scorer->spans + 1, references);
}

static void score_cider(Scorer *scorer, int references, double scores[METRICS]) {
  cider_cook(&scorer->cider, &scorer->cider_references, scorer->spans + 1, references);
  CiderScores cider = cider_score(&scorer->cider, &scorer->cider_references, scorer->spans[0]);
  scores[METRIC_CIDER] = cider.d;
  scores[METRIC_CIDER_ORIGINAL] = cider.original;
}

static void (*const SCORERS[])(Scorer *, int, double *) = {score_bleu, score_rouge, score_cider};

void evaluation_compute(const Evaluation *evaluation, EvaluationScores *scores) {
  *scores = (EvaluationScores){.images = evaluation->images};
  scores->image = xcalloc((size_t)evaluation->images + 1, sizeof *scores->image);
  for (int m = 0; m < METRICS; m++) scores->present[m] = !metric_absent(m);
  if (!evaluation->images) return;

  Scorer scorer;
  scorer_init(&scorer);
  for (int i = 0; i < evaluation->images; i++) {
    int references = picture_spans(evaluation, i, &scorer);
    ngram_df_add(&scorer.df, scorer.spans + 1, references, &scorer.counts);
  }
  cider_df_set(&scorer.cider, &scorer.df);
  for (int i = 0; i < evaluation->images; i++) {
    int references = picture_spans(evaluation, i, &scorer);
    for (size_t s = 0; s < sizeof SCORERS / sizeof *SCORERS; s++) SCORERS[s](&scorer, references, scores->image[i]);
    for (int m = 0; m < METRICS; m++) scores->corpus[m] += scores->image[i][m] / evaluation->images;
  }
  bleu_scores(&scorer.bleu_sum, scores->corpus + METRIC_BLEU_1);
  scorer_free(&scorer);
}

void evaluation_scores_free(EvaluationScores *scores) {
  free(scores->image);
  *scores = (EvaluationScores){0};
}
