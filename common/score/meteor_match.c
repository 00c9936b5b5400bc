/* METEOR's matches. The candidate's side is prepared once: each word of the lexicon that matches some of its words leads to
 * them, so a reference's word finds all its matches by one look. */
#include "common/score/meteor_match.h"

#include <stdlib.h>
#include <string.h>

void meteor_matcher_free(MeteorMatcher *matcher) {
  free(matcher->links);
  free(matcher->link);
  free(matcher->candidate.phrases);
  free(matcher->reference.phrases);
  *matcher = (MeteorMatcher){0};
}

/* --- words ------------------------------------------------------------------------------------------------------- */

static void words_reserve(MeteorMatcher *matcher, int words) {
  if (words <= matcher->words) return;
  matcher->link = xrealloc(matcher->link, sizeof *matcher->link * (size_t)words);
  while (matcher->words < words) matcher->link[matcher->words++] = -1;
}

static void links_clear(MeteorMatcher *matcher) {
  for (int l = 0; l < matcher->links_used; l++) matcher->link[matcher->links[l].word] = -1;
  matcher->links_used = 0;
}

static void link_words(MeteorMatcher *matcher, const int32_t *words, int count, int32_t candidate,
                       MeteorModule module) {
  if (matcher->links_used + count > matcher->links_room) {
    matcher->links_room = (matcher->links_used + count) * 2;
    matcher->links = xrealloc(matcher->links, sizeof *matcher->links * (size_t)matcher->links_room);
  }
  for (int w = 0; w < count; w++) {
    int32_t *first = &matcher->link[words[w]];
    matcher->links[matcher->links_used] = (MeteorLink){words[w], candidate, module, *first};
    *first = matcher->links_used++;
  }
}

/* Each link is put before those that are there, so the last module and the last place come first. */
static void words_link(MeteorMatcher *matcher, const MeteorLexicon *lexicon, MeteorCaption candidate) {
  words_reserve(matcher, lexicon->words_used);
  links_clear(matcher);
  for (int c = candidate.count - 1; c >= 0; c--) {
    const MeteorWordList *list = &lexicon->words[candidate.words[c]].synonyms;
    link_words(matcher, list->words, list->count, c, METEOR_SYNONYM);
  }
  for (int c = candidate.count - 1; c >= 0; c--) {
    const MeteorWordList *list = &lexicon->words[candidate.words[c]].stems;
    link_words(matcher, list->words, list->count, c, METEOR_STEM);
  }
  for (int c = candidate.count - 1; c >= 0; c--) link_words(matcher, candidate.words + c, 1, c, METEOR_EXACT);
}

static void words_match(const MeteorMatcher *matcher, MeteorCaption reference, MeteorAligner *aligner) {
  for (int r = 0; r < reference.count; r++) {
    int32_t word = reference.words[r];
    for (int32_t l = word < matcher->words ? matcher->link[word] : -1; l >= 0; l = matcher->links[l].next)
      meteor_match_add(aligner, (MeteorMatch){matcher->links[l].candidate, 1, r, 1, matcher->links[l].module});
  }
}

/* --- phrases ----------------------------------------------------------------------------------------------------- */

/* The caption's phrases that the table may have: words alone, which are known, and others by their keys. The table is far larger
 * than the caches: what will be read is asked for a stage before. */
static void keys_find(const MeteorLexicon *lexicon, MeteorCaption caption, MeteorPhrases *phrases) {
  const MeteorData *data = lexicon->data;
  MeteorPhrase *out = phrases->phrases;
  int count = 0, kept = 0;
  for (int start = 0; start < caption.count; start++) {
    const MeteorWord *word = &lexicon->words[caption.words[start]];
    uint64_t key = meteor_phrase_extend(METEOR_PHRASE_PREFIX, word->hash);
    if (word->phrase >= 0) out[count++] = (MeteorPhrase){key, word->phrase, 0, 0, start, 1};
    for (int n = 2; n <= METEOR_PHRASE_WORDS && start + n <= caption.count; n++) {
      key = meteor_phrase_extend(key, lexicon->words[caption.words[start + n - 1]].hash);
      meteor_data_prefetch(data, key);
      out[count++] = (MeteorPhrase){key, -1, 0, 0, start, n};
    }
  }
  for (int k = 0; k < count; k++) {
    if (out[k].id < 0 && !meteor_data_may_have(data, out[k].key)) continue;
    if (out[k].id < 0) __builtin_prefetch(meteor_data_bucket(data, out[k].key));
    out[kept++] = out[k];
  }
  phrases->count = kept;
}

static uint32_t filter_bit(uint32_t id) { return id * 2654435761u >> 22; } /* 0..1023 */

/* Looks the keys up; those that the table has are kept. */
static void ids_find(const MeteorData *data, MeteorPhrases *phrases) {
  MeteorPhrase *out = phrases->phrases;
  int kept = 0;
  for (int k = 0; k < phrases->count; k++)
    if (out[k].id < 0) __builtin_prefetch(data->phrase + *meteor_data_bucket(data, out[k].key));
  memset(phrases->filter, 0, sizeof phrases->filter);
  for (int k = 0; k < phrases->count; k++) {
    int64_t id = out[k].id >= 0 ? out[k].id : meteor_data_phrase(data, out[k].key);
    if (id < 0) continue;
    __builtin_prefetch(data->paraphrase_first + id);
    uint32_t bit = filter_bit((uint32_t)id);
    phrases->filter[bit >> 6] |= (uint64_t)1 << (bit & 63);
    out[kept] = out[k];
    out[kept++].id = id;
  }
  phrases->count = kept;
}

/* Every phrase of the caption that the table has. */
static void phrases_find(const MeteorLexicon *lexicon, MeteorCaption caption, MeteorPhrases *phrases) {
  const MeteorData *data = lexicon->data;
  int most = caption.count * METEOR_PHRASE_WORDS;
  if (most > phrases->room) {
    phrases->room = most * 2;
    phrases->phrases = xrealloc(phrases->phrases, sizeof *phrases->phrases * (size_t)phrases->room);
  }
  keys_find(lexicon, caption, phrases);
  ids_find(data, phrases);
  for (int p = 0; p < phrases->count; p++) {
    MeteorPhrase *phrase = &phrases->phrases[p];
    phrase->paraphrase_first = data->paraphrase_first[phrase->id];
    phrase->paraphrase_end = data->paraphrase_first[phrase->id + 1];
    __builtin_prefetch(data->paraphrase + phrase->paraphrase_first);
  }
}

/* Matches by paraphrases of one caption's phrases that the other caption has. */
static void paraphrases_match(const MeteorData *data, const MeteorPhrases *from, const MeteorPhrases *to,
                              bool from_candidate, MeteorAligner *aligner) {
  for (int i = 0; i < from->count; i++) {
    const MeteorPhrase *a = &from->phrases[i];
    for (uint32_t p = a->paraphrase_first; p < a->paraphrase_end; p++) {
      uint32_t id = data->paraphrase[p], bit = filter_bit(id);
      if (!(to->filter[bit >> 6] >> (bit & 63) & 1)) continue;
      for (int j = 0; j < to->count; j++) {
        const MeteorPhrase *b = &to->phrases[j];
        if (b->id != id) continue;
        const MeteorPhrase *c = from_candidate ? a : b, *r = from_candidate ? b : a;
        meteor_match_add(aligner, (MeteorMatch){c->start, c->length, r->start, r->length, METEOR_PARAPHRASE});
      }
    }
  }
}

/* --- captions ---------------------------------------------------------------------------------------------------- */

void meteor_match_candidate(MeteorMatcher *matcher, const MeteorLexicon *lexicon, MeteorCaption candidate) {
  words_link(matcher, lexicon, candidate);
  phrases_find(lexicon, candidate, &matcher->candidate);
}

void meteor_match_reference(MeteorMatcher *matcher, const MeteorLexicon *lexicon, MeteorCaption reference,
                            MeteorAligner *aligner) {
  meteor_match_clear(aligner);
  words_match(matcher, reference, aligner);
  phrases_find(lexicon, reference, &matcher->reference);
  paraphrases_match(lexicon->data, &matcher->reference, &matcher->candidate, false, aligner);
  paraphrases_match(lexicon->data, &matcher->candidate, &matcher->reference, true, aligner);
}
