/* METEOR's matches. The candidate's side is prepared once: each word of the lexicon that matches some of its words leads to
 * them, so a reference's word finds all its matches by one look. */
#include "common/score/meteor_match.h"

#include <stdlib.h>
#include <string.h>

void meteor_matcher_free(MeteorMatcher *matcher) {
  free(matcher->links);
  free(matcher->link);
  free(matcher->captions);
  free(matcher->of);
  free(matcher->phrases);
  free(matcher->maybe);
  free(matcher->keys);
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

/* The table is far larger than the caches: each of the functions below asks for what the next will read. */

static uint64_t key_extend(const MeteorLexicon *lexicon, uint64_t key, int32_t word) {
  return meteor_phrase_extend(key, lexicon->words[word].hash);
}

/* Key of the first two words of each caption's place, 0 where no phrase begins so. */
static void twos_find(const MeteorMatcher *matcher, const MeteorLexicon *lexicon) {
  uint64_t *key = matcher->keys;
  for (int c = 0; c < matcher->captions_used; c++) {
    const int32_t *words = matcher->captions[c].words;
    for (int start = 0; start < matcher->captions[c].count; start++, key++) {
      *key = 0;
      if (start + 1 == matcher->captions[c].count || !lexicon->words[words[start]].begins) continue;
      *key = key_extend(lexicon, key_extend(lexicon, METEOR_PHRASE_PREFIX, words[start]), words[start + 1]);
      meteor_filter_prefetch(lexicon->data, *key);
    }
  }
}

/* The same of the first three, only asked for: few phrases are longer. */
static void threes_prefetch(const MeteorMatcher *matcher, const MeteorLexicon *lexicon) {
  const uint64_t *key = matcher->keys;
  for (int c = 0; c < matcher->captions_used; c++) {
    const int32_t *words = matcher->captions[c].words;
    for (int start = 0; start < matcher->captions[c].count; start++, key++)
      if (*key && start + 2 < matcher->captions[c].count &&
          meteor_filter_begins(meteor_filter_word(lexicon->data, *key), *key))
        meteor_filter_prefetch(lexicon->data, key_extend(lexicon, *key, words[start + 2]));
  }
}

/* The phrases of two words and more from `start` on that the table may have, `key` being that of two; returns their end. */
static MeteorMaybe *longer_find(const MeteorMatcher *matcher, const MeteorLexicon *lexicon, int c, int start,
                                uint64_t key, MeteorMaybe *maybe) {
  MeteorCaption caption = matcher->captions[c];
  for (int n = 2;; n++) {
    uint64_t filter = meteor_filter_word(lexicon->data, key);
    if (meteor_filter_has(filter, key)) {
      __builtin_prefetch(meteor_data_bucket(lexicon->data, key));
      *maybe++ = (MeteorMaybe){key, -1, c, start, n};
    }
    if (n == METEOR_PHRASE_WORDS || start + n == caption.count || !meteor_filter_begins(filter, key)) return maybe;
    key = key_extend(lexicon, key, caption.words[start + n]);
  }
}

/* All phrases that the table may have, and words alone that it has; returns how many. */
static int maybe_fill(const MeteorMatcher *matcher, const MeteorLexicon *lexicon) {
  const uint64_t *key = matcher->keys;
  MeteorMaybe *maybe = matcher->maybe;
  for (int c = 0; c < matcher->captions_used; c++) {
    for (int start = 0; start < matcher->captions[c].count; start++, key++) {
      int64_t word = lexicon->words[matcher->captions[c].words[start]].phrase;
      if (word >= 0) *maybe++ = (MeteorMaybe){0, word, c, start, 1};
      if (*key) maybe = longer_find(matcher, lexicon, c, start, *key, maybe);
    }
  }
  return (int)(maybe - matcher->maybe);
}

static uint32_t filter_bit(uint32_t id) { return id * 2654435761u >> 22; } /* 0..1023 */

/* Those that the table has; returns how many. */
static int phrases_fill(MeteorMatcher *matcher, const MeteorData *data, int count) {
  const MeteorMaybe *maybe = matcher->maybe;
  int used = 0;
  for (int m = 0; m < count; m++)
    if (maybe[m].id < 0) __builtin_prefetch(data->phrase + *meteor_data_bucket(data, maybe[m].key));
  for (int m = 0; m < count; m++) {
    int64_t id = maybe[m].id >= 0 ? maybe[m].id : meteor_data_phrase(data, maybe[m].key);
    if (id < 0) continue;
    __builtin_prefetch(data->paraphrase_first + id);
    MeteorPhrases *of = &matcher->of[maybe[m].caption];
    uint32_t bit = filter_bit((uint32_t)id);
    of->filter[bit >> 6] |= (uint64_t)1 << (bit & 63);
    if (!of->count++) of->first = used;
    matcher->phrases[used++] = (MeteorPhrase){.id = (uint32_t)id, .start = maybe[m].start, .length = maybe[m].length};
  }
  return used;
}

/* Every phrase of the captions that the table has. */
static void phrases_find(MeteorMatcher *matcher, const MeteorLexicon *lexicon) {
  const MeteorData *data = lexicon->data;
  memset(matcher->of, 0, sizeof *matcher->of * (size_t)matcher->captions_used);
  twos_find(matcher, lexicon);
  threes_prefetch(matcher, lexicon);
  int used = phrases_fill(matcher, data, maybe_fill(matcher, lexicon));
  for (int p = 0; p < used; p++) {
    MeteorPhrase *phrase = &matcher->phrases[p];
    phrase->paraphrase_first = data->paraphrase_first[phrase->id];
    phrase->paraphrase_end = data->paraphrase_first[phrase->id + 1];
    __builtin_prefetch(data->paraphrase + phrase->paraphrase_first);
  }
}

/* Matches by paraphrases of one caption's phrases that the other caption has. Caption 0 is the candidate. */
static void paraphrases_match(const MeteorMatcher *matcher, const MeteorData *data, int from, int to,
                              MeteorAligner *aligner) {
  const MeteorPhrases *theirs = &matcher->of[to];
  if (!matcher->of[from].count || !theirs->count) return;
  const MeteorPhrase *a = matcher->phrases + matcher->of[from].first, *end = a + matcher->of[from].count;
  for (; a < end; a++) {
    for (uint32_t p = a->paraphrase_first; p < a->paraphrase_end; p++) {
      uint32_t id = data->paraphrase[p], bit = filter_bit(id);
      if (!(theirs->filter[bit >> 6] >> (bit & 63) & 1)) continue;
      const MeteorPhrase *b = matcher->phrases + theirs->first;
      for (int j = 0; j < theirs->count; j++, b++) {
        if (b->id != id) continue;
        const MeteorPhrase *c = from ? b : a, *r = from ? a : b;
        meteor_match_add(aligner, (MeteorMatch){c->start, c->length, r->start, r->length, METEOR_PARAPHRASE});
      }
    }
  }
}

/* --- captions ---------------------------------------------------------------------------------------------------- */

static void captions_keep(MeteorMatcher *matcher, MeteorCaption candidate, const MeteorCaption *references, int count) {
  if (count + 1 > matcher->captions_room) {
    matcher->captions_room = (count + 1) * 2;
    size_t room = (size_t)matcher->captions_room;
    matcher->captions = xrealloc(matcher->captions, sizeof *matcher->captions * room);
    matcher->of = xrealloc(matcher->of, sizeof *matcher->of * room);
  }
  matcher->captions_used = 0;
  matcher->captions[matcher->captions_used++] = candidate;
  for (int r = 0; r < count; r++) matcher->captions[matcher->captions_used++] = references[r];
  int most = 0;
  for (int c = 0; c <= count; c++) most += matcher->captions[c].count * METEOR_PHRASE_WORDS;
  if (most <= matcher->phrases_room) return;
  matcher->phrases_room = most * 2;
  size_t room = (size_t)matcher->phrases_room;
  matcher->phrases = xrealloc(matcher->phrases, sizeof *matcher->phrases * room);
  matcher->maybe = xrealloc(matcher->maybe, sizeof *matcher->maybe * room);
  matcher->keys = xrealloc(matcher->keys, sizeof *matcher->keys * room);
}

void meteor_match_captions(MeteorMatcher *matcher, const MeteorLexicon *lexicon, MeteorCaption candidate,
                           const MeteorCaption *references, int count) {
  captions_keep(matcher, candidate, references, count);
  words_link(matcher, lexicon, candidate);
  phrases_find(matcher, lexicon);
}

void meteor_match_reference(const MeteorMatcher *matcher, const MeteorLexicon *lexicon, int reference,
                            MeteorAligner *aligner) {
  meteor_match_clear(aligner);
  words_match(matcher, matcher->captions[reference + 1], aligner);
  paraphrases_match(matcher, lexicon->data, reference + 1, 0, aligner);
  paraphrases_match(matcher, lexicon->data, 0, reference + 1, aligner);
}
