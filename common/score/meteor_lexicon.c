/* METEOR's lexicon: a hash table of words, and one of classes (stems, synonym sets) that tells which words meet. */
#include "common/score/meteor_lexicon.h"

#include <libstemmer.h>
#include <stdlib.h>
#include <string.h>

enum { SLOTS = 1024 };

void meteor_lexicon_init(MeteorLexicon *lexicon, const MeteorData *data) {
  *lexicon = (MeteorLexicon){.data = data, .mask = SLOTS - 1, .classes_mask = SLOTS - 1};
  lexicon->slots = xcalloc(SLOTS, sizeof *lexicon->slots);
  lexicon->classes = xcalloc(SLOTS, sizeof *lexicon->classes);
  lexicon->stemmer = sb_stemmer_new("english", "UTF_8");
  CHECK(lexicon->stemmer);
}

void meteor_lexicon_free(MeteorLexicon *lexicon) {
  sb_stemmer_delete(lexicon->stemmer);
  for (int w = 0; w < lexicon->words_used; w++) {
    free(lexicon->words[w].stems.words);
    free(lexicon->words[w].synonyms.words);
  }
  free(lexicon->words);
  free(lexicon->slots);
  free(lexicon->classes);
  free(lexicon->members);
  *lexicon = (MeteorLexicon){0};
}

/* --- classes ----------------------------------------------------------------------------------------------------- */

static MeteorClass *class_slot(const MeteorLexicon *lexicon, uint64_t key) {
  uint32_t slot = (uint32_t)(key ^ key >> 32) & lexicon->classes_mask;
  while (lexicon->classes[slot].key && lexicon->classes[slot].key != key) slot = (slot + 1) & lexicon->classes_mask;
  return &lexicon->classes[slot];
}

static void classes_grow(MeteorLexicon *lexicon) {
  MeteorClass *old = lexicon->classes;
  uint32_t slots = lexicon->classes_mask + 1;
  lexicon->classes_mask = slots * 2 - 1;
  lexicon->classes = xcalloc((size_t)slots * 2, sizeof *lexicon->classes);
  for (uint32_t c = 0; c < slots; c++)
    if (old[c].key) *class_slot(lexicon, old[c].key) = old[c];
  free(old);
}

static void list_add(MeteorWordList *list, int32_t word) {
  if (list->count == list->room) {
    list->room = list->room ? list->room * 2 : 4;
    list->words = xrealloc(list->words, sizeof *list->words * (size_t)list->room);
  }
  list->words[list->count++] = word;
}

/* Adds the last word to the class: it and those that are there match. Words may share several synonym sets. */
static void class_join(MeteorLexicon *lexicon, uint64_t key, bool stem) {
  int32_t word = lexicon->words_used - 1;
  MeteorWord *known = &lexicon->words[word];
  if ((uint32_t)lexicon->classes_used * 2 > lexicon->classes_mask) classes_grow(lexicon);
  MeteorClass *class = class_slot(lexicon, key);
  int32_t last = class->key ? class->member : -1;
  for (int32_t m = last; m >= 0; m = lexicon->members[m].next) {
    int32_t other = lexicon->members[m].word;
    MeteorWord *theirs = &lexicon->words[other];
    if (other == word || (!stem && theirs->related == word)) continue;
    if (!stem) theirs->related = word;
    list_add(stem ? &known->stems : &known->synonyms, other);
    list_add(stem ? &theirs->stems : &theirs->synonyms, word);
  }
  if (last >= 0 && lexicon->members[last].word == word) return; /* a set of the word and of its base form */
  if (lexicon->members_used == lexicon->members_room) {
    lexicon->members_room = lexicon->members_room ? lexicon->members_room * 2 : 1024;
    lexicon->members = xrealloc(lexicon->members, sizeof *lexicon->members * (size_t)lexicon->members_room);
  }
  lexicon->members[lexicon->members_used] = (MeteorMember){word, last};
  lexicon->classes_used += !class->key;
  *class = (MeteorClass){key, lexicon->members_used++};
}

/* --- stems and senses -------------------------------------------------------------------------------------------- */

static void stem_join(MeteorLexicon *lexicon, const char *word, size_t size) {
  const char *stem = (const char *)sb_stemmer_stem(lexicon->stemmer, (const sb_symbol *)word, (int)size);
  CHECK(stem); /* NULL: out of memory */
  class_join(lexicon, meteor_word_hash(stem, (size_t)sb_stemmer_length(lexicon->stemmer)) | 1, true);
}

static void senses_join(MeteorLexicon *lexicon, int64_t index) {
  const MeteorData *data = lexicon->data;
  for (uint32_t s = data->sense_first[index]; s < data->sense_first[index + 1]; s++)
    class_join(lexicon, meteor_phrase_extend(METEOR_PHRASE_PREFIX, data->sense[s]) & ~(uint64_t)1, false);
}

static bool ends_with(const char *word, size_t size, const char *ending) {
  size_t length = strlen(ending);
  return size >= length && memcmp(word + size - length, ending, length) == 0;
}

/* Index of the word with `by` in place of its ending, if it has senses; else -1. */
static int64_t base_form(const MeteorData *data, const char *word, size_t size, const char *ending, const char *by) {
  char form[128];
  if (!ends_with(word, size, ending) || size >= sizeof form) return -1;
  size -= strlen(ending);
  memcpy(form, word, size);
  memcpy(form + size, by, strlen(by));
  int64_t index = meteor_data_word(data, meteor_word_hash(form, size + strlen(by)));
  return index >= 0 && data->sense_first[index] < data->sense_first[index + 1] ? index : -1;
}

/* WordNet's detachment rules in METEOR's order: the first base form that there is, or -1. */
static int64_t regular_base(const MeteorData *data, const char *word, size_t size) {
  static const struct {
    const char *ending, *by;
  } RULES[] = {{"s", ""},   {"ies", "y"}, {"es", ""},  {"ed", "e"}, {"ed", ""},   {"ing", "e"},
               {"ing", ""}, {"er", ""},   {"er", "e"}, {"est", ""}, {"est", "e"}, {"men", "man"}};
  if (size < 3 || ends_with(word, size, "ss")) return -1;
  for (size_t i = 0; i < sizeof RULES / sizeof *RULES; i++) {
    int64_t index = base_form(data, word, size, RULES[i].ending, RULES[i].by);
    if (index >= 0) return index;
  }
  return -1;
}

/* Synonym sets of the word and of its base forms. `index`: its place in the data, or -1. */
static void synonyms_join(MeteorLexicon *lexicon, int64_t index, const char *word, size_t size) {
  const MeteorData *data = lexicon->data;
  if (index >= 0) senses_join(lexicon, index);
  if (index >= 0 && (data->flags[index] & METEOR_IRREGULAR)) {
    for (uint32_t s = data->stem_first[index]; s < data->stem_first[index + 1]; s++)
      senses_join(lexicon, data->stem[s]);
  } else {
    int64_t base = regular_base(data, word, size);
    if (base >= 0) senses_join(lexicon, base);
  }
}

/* --- words ------------------------------------------------------------------------------------------------------- */

static uint32_t slot_of(const MeteorLexicon *lexicon, uint64_t hash) {
  uint32_t slot = (uint32_t)(hash ^ hash >> 32) & lexicon->mask;
  while (lexicon->slots[slot] && lexicon->words[lexicon->slots[slot] - 1].hash != hash)
    slot = (slot + 1) & lexicon->mask;
  return slot;
}

static void slots_grow(MeteorLexicon *lexicon) {
  lexicon->mask = lexicon->mask * 2 + 1;
  free(lexicon->slots);
  lexicon->slots = xcalloc((size_t)lexicon->mask + 1, sizeof *lexicon->slots);
  for (int w = 0; w < lexicon->words_used; w++) lexicon->slots[slot_of(lexicon, lexicon->words[w].hash)] = w + 1;
}

static int32_t word_add(MeteorLexicon *lexicon, uint64_t hash, const char *word, size_t size) {
  const MeteorData *data = lexicon->data;
  if (lexicon->words_used == lexicon->words_room) {
    lexicon->words_room = lexicon->words_room ? lexicon->words_room * 2 : 512;
    lexicon->words = xrealloc(lexicon->words, sizeof *lexicon->words * (size_t)lexicon->words_room);
  }
  int64_t index = meteor_data_word(data, hash);
  uint64_t key = meteor_phrase_extend(METEOR_PHRASE_PREFIX, hash);
  lexicon->words[lexicon->words_used++] = (MeteorWord){
      .hash = hash,
      .related = -1,
      .phrase = meteor_data_phrase(data, key),
      .begins = meteor_filter_begins(meteor_filter_word(data, key), key),
      .function = index >= 0 && data->flags[index] & METEOR_FUNCTION,
  };
  stem_join(lexicon, word, size);
  synonyms_join(lexicon, index, word, size);
  return lexicon->words_used - 1;
}

int32_t meteor_lexicon_word(MeteorLexicon *lexicon, const char *word, size_t size) {
  uint64_t hash = meteor_word_hash(word, size);
  uint32_t slot = slot_of(lexicon, hash);
  if (lexicon->slots[slot]) return lexicon->slots[slot] - 1;
  int32_t added = word_add(lexicon, hash, word, size);
  lexicon->slots[slot] = added + 1;
  if ((uint32_t)lexicon->words_used * 2 > lexicon->mask) slots_grow(lexicon);
  return added;
}
