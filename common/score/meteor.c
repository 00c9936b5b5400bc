/* METEOR: what is known of words, the matches of each module, and the score. */
#include "common/score/meteor.h"

#include <libstemmer.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define ALPHA 0.85
#define BETA  0.2
#define GAMMA 0.6
#define DELTA 0.75
static const double WEIGHT[METEOR_MODULES] = {1, 0.6, 0.8, 0.6};

void meteor_init(Meteor *meteor, const MeteorData *data) {
  *meteor = (Meteor){.data = data, .mask = 1023};
  meteor->slots = xcalloc(1024, sizeof *meteor->slots);
  meteor->pairs = xcalloc(METEOR_PAIRS, sizeof *meteor->pairs);
  meteor->stemmer = sb_stemmer_new("english", "UTF_8");
  CHECK(meteor->stemmer);
}

void meteor_free(Meteor *meteor) {
  sb_stemmer_delete(meteor->stemmer);
  meteor_text_free(&meteor->text);
  free(meteor->words);
  free(meteor->slots);
  free(meteor->senses);
  free(meteor->pairs);
  free(meteor->keys);
  free(meteor->candidate_words);
  free(meteor->reference_words);
  meteor_aligner_free(&meteor->aligner);
  free(meteor->candidate_phrases.phrases);
  free(meteor->reference_phrases.phrases);
  *meteor = (Meteor){0};
}

/* --- words ------------------------------------------------------------------------------------------------------- */

static void sense_add(Meteor *meteor, int32_t first, uint32_t sense) {
  int at = meteor->senses_used;
  while (at > first && meteor->senses[at - 1] > sense) at--;
  if (at > first && meteor->senses[at - 1] == sense) return;
  if (meteor->senses_used == meteor->senses_room) {
    meteor->senses_room = meteor->senses_room ? meteor->senses_room * 2 : 1024;
    meteor->senses = xrealloc(meteor->senses, sizeof *meteor->senses * (size_t)meteor->senses_room);
  }
  memmove(meteor->senses + at + 1, meteor->senses + at, sizeof *meteor->senses * (size_t)(meteor->senses_used - at));
  meteor->senses[at] = sense;
  meteor->senses_used++;
}

static void senses_of(Meteor *meteor, int32_t first, int64_t index) {
  const MeteorData *data = meteor->data;
  for (uint32_t s = data->sense_first[index]; s < data->sense_first[index + 1]; s++)
    sense_add(meteor, first, data->sense[s]);
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

/* Senses of a word and of its base forms. */
static void senses_find(Meteor *meteor, MeteorWord *known, const char *word, size_t size) {
  const MeteorData *data = meteor->data;
  int64_t index = meteor_data_word(data, known->hash);
  int32_t first = known->sense_first = meteor->senses_used;
  uint32_t flags = index < 0 ? 0 : data->flags[index];
  if (index >= 0) senses_of(meteor, first, index);
  if (flags & METEOR_IRREGULAR) {
    for (uint32_t s = data->stem_first[index]; s < data->stem_first[index + 1]; s++)
      senses_of(meteor, first, data->stem[s]);
  } else {
    int64_t base = regular_base(data, word, size);
    if (base >= 0) senses_of(meteor, first, base);
  }
  known->sense_count = meteor->senses_used - first;
  for (int32_t s = first; s < meteor->senses_used; s++) {
    uint32_t bit = meteor->senses[s] * 2654435761u >> 24;
    known->sense_filter[bit >> 6] |= (uint64_t)1 << (bit & 63);
  }
  known->function = flags & METEOR_FUNCTION;
}

static uint64_t stem_hash(Meteor *meteor, const char *word, size_t size) {
  const char *stem = (const char *)sb_stemmer_stem(meteor->stemmer, (const sb_symbol *)word, (int)size);
  CHECK(stem); /* NULL: out of memory */
  return meteor_word_hash(stem, (size_t)sb_stemmer_length(meteor->stemmer));
}

static uint32_t slot_of(const Meteor *meteor, uint64_t hash) {
  uint32_t slot = (uint32_t)(hash ^ hash >> 32) & meteor->mask;
  while (meteor->slots[slot] && meteor->words[meteor->slots[slot] - 1].hash != hash) slot = (slot + 1) & meteor->mask;
  return slot;
}

static void slots_grow(Meteor *meteor) {
  meteor->mask = meteor->mask * 2 + 1;
  free(meteor->slots);
  meteor->slots = xcalloc((size_t)meteor->mask + 1, sizeof *meteor->slots);
  for (int w = 0; w < meteor->words_used; w++) meteor->slots[slot_of(meteor, meteor->words[w].hash)] = w + 1;
}

static int32_t word_find(Meteor *meteor, const char *word, size_t size) {
  uint64_t hash = meteor_word_hash(word, size);
  uint32_t slot = slot_of(meteor, hash);
  if (meteor->slots[slot]) return meteor->slots[slot] - 1;
  if (meteor->words_used == meteor->words_room) {
    meteor->words_room = meteor->words_room ? meteor->words_room * 2 : 512;
    meteor->words = xrealloc(meteor->words, sizeof *meteor->words * (size_t)meteor->words_room);
  }
  MeteorWord *known = &meteor->words[meteor->words_used++];
  *known = (MeteorWord){.hash = hash, .stem = stem_hash(meteor, word, size)};
  senses_find(meteor, known, word, size);
  meteor->slots[slot] = meteor->words_used;
  if ((uint32_t)meteor->words_used * 2 > meteor->mask) slots_grow(meteor);
  return meteor->words_used - 1;
}

int meteor_words_append(Meteor *meteor, const char *caption, int32_t **words, size_t *used, size_t *room) {
  int count = meteor_normalize(&meteor->text, meteor->data, caption, strlen(caption));
  if (*used + (size_t)count > *room) {
    *room = (*used + (size_t)count) * 2 + 64;
    *words = xrealloc(*words, sizeof **words * *room);
  }
  for (int w = 0; w < count; w++) {
    size_t size;
    const char *word = meteor_text_word(&meteor->text, w, &size);
    (*words)[(*used)++] = word_find(meteor, word, size);
  }
  return count;
}

/* --- matches ----------------------------------------------------------------------------------------------------- */

static bool senses_meet(const Meteor *meteor, const MeteorWord *a, const MeteorWord *b) {
  const uint32_t *x = meteor->senses + a->sense_first, *y = meteor->senses + b->sense_first;
  for (int i = 0, j = 0; i < a->sense_count && j < b->sense_count;) {
    if (x[i] == y[j]) return true;
    if (x[i] < y[j]) i++;
    else j++;
  }
  return false;
}

/* Verbs have dozens of senses, and captions the same verbs. */
static bool have_common_sense(Meteor *meteor, const MeteorWord *a, const MeteorWord *b) {
  const uint64_t *f = a->sense_filter, *g = b->sense_filter;
  if (!((f[0] & g[0]) | (f[1] & g[1]) | (f[2] & g[2]) | (f[3] & g[3]))) return false;
  uint64_t both = (a->hash * 0xD6E8FEB86659FD93u + b->hash) | 1;
  uint64_t *known = &meteor->pairs[(both >> 32) % METEOR_PAIRS];
  if ((*known | 1) != both) *known = both - !senses_meet(meteor, a, b);
  return *known & 1;
}

/* Copies, so that the loops of words_match run through memory. */
static void words_copy(const Meteor *meteor, MeteorCaption caption, MeteorWord **words, int *room) {
  if (caption.count > *room) {
    *room = caption.count * 2;
    *words = xrealloc(*words, sizeof **words * (size_t)*room);
  }
  for (int w = 0; w < caption.count; w++) (*words)[w] = meteor->words[caption.words[w]];
}

static void words_match(Meteor *meteor, MeteorCaption candidate, MeteorCaption reference) {
  MeteorAligner *aligner = &meteor->aligner;
  const MeteorWord *x = meteor->candidate_words, *y = meteor->reference_words;
  for (int c = 0; c < candidate.count; c++)
    for (int r = 0; r < reference.count; r++)
      if (x[c].hash == y[r].hash) meteor_match_add(aligner, (MeteorMatch){c, 1, r, 1, METEOR_EXACT});
  for (int c = 0; c < candidate.count; c++)
    for (int r = 0; r < reference.count; r++)
      if (x[c].stem == y[r].stem && x[c].hash != y[r].hash)
        meteor_match_add(aligner, (MeteorMatch){c, 1, r, 1, METEOR_STEM});
  for (int c = 0; c < candidate.count; c++)
    for (int r = 0; r < reference.count; r++)
      if (x[c].hash != y[r].hash && have_common_sense(meteor, &x[c], &y[r]))
        meteor_match_add(aligner, (MeteorMatch){c, 1, r, 1, METEOR_SYNONYM});
}

static uint32_t filter_bit(uint32_t id) { return id * 2654435761u >> 22; } /* 0..1023 */

/* Keys of all phrases of the caption that meteor_data_phrase would look for, in meteor->keys; returns how many. */
static int keys_find(Meteor *meteor, MeteorCaption caption) {
  const MeteorData *data = meteor->data;
  MeteorKey *keys = meteor->keys;
  int count = 0, kept = 0;
  for (int start = 0; start < caption.count; start++) {
    uint64_t key = METEOR_PHRASE_PREFIX;
    for (int n = 1; n <= METEOR_PHRASE_WORDS && start + n <= caption.count; n++) {
      key = meteor_phrase_extend(key, meteor->words[caption.words[start + n - 1]].hash);
      meteor_data_prefetch(data, key);
      keys[count++] = (MeteorKey){key, start, n};
    }
  }
  for (int k = 0; k < count; k++) {
    if (!meteor_data_may_have(data, keys[k].key)) continue;
    __builtin_prefetch(meteor_data_bucket(data, keys[k].key));
    keys[kept++] = keys[k];
  }
  return kept;
}

/* Every phrase of the caption that the table has. The table is far larger than the caches: what will be read is asked for a
 * stage before. */
static void phrases_find(Meteor *meteor, MeteorCaption caption, MeteorPhrases *phrases) {
  const MeteorData *data = meteor->data;
  int wanted = caption.count * METEOR_PHRASE_WORDS;
  if (wanted > meteor->keys_room) {
    meteor->keys_room = wanted * 2;
    meteor->keys = xrealloc(meteor->keys, sizeof *meteor->keys * (size_t)meteor->keys_room);
  }
  int count = keys_find(meteor, caption);
  if (count > phrases->room) {
    phrases->room = count * 2;
    phrases->phrases = xrealloc(phrases->phrases, sizeof *phrases->phrases * (size_t)phrases->room);
  }
  for (int k = 0; k < count; k++) __builtin_prefetch(data->phrase + *meteor_data_bucket(data, meteor->keys[k].key));
  phrases->count = 0;
  memset(phrases->filter, 0, sizeof phrases->filter);
  for (int k = 0; k < count; k++) {
    int64_t id = meteor_data_phrase(data, meteor->keys[k].key);
    if (id < 0) continue;
    __builtin_prefetch(data->paraphrase_first + id);
    phrases->phrases[phrases->count++] =
        (MeteorPhrase){.id = (uint32_t)id, .start = meteor->keys[k].start, .length = meteor->keys[k].length};
    uint32_t bit = filter_bit((uint32_t)id);
    phrases->filter[bit >> 6] |= (uint64_t)1 << (bit & 63);
  }
  for (int p = 0; p < phrases->count; p++) {
    MeteorPhrase *phrase = &phrases->phrases[p];
    phrase->paraphrase_first = data->paraphrase_first[phrase->id];
    phrase->paraphrase_end = data->paraphrase_first[phrase->id + 1];
    __builtin_prefetch(data->paraphrase + phrase->paraphrase_first);
  }
}

/* Matches by paraphrases of one caption's phrases that the other caption has. */
static void paraphrases_match(Meteor *meteor, const MeteorPhrases *from, const MeteorPhrases *to, bool from_candidate) {
  const MeteorData *data = meteor->data;
  for (int i = 0; i < from->count; i++) {
    MeteorPhrase a = from->phrases[i];
    for (uint32_t p = a.paraphrase_first; p < a.paraphrase_end; p++) {
      uint32_t id = data->paraphrase[p], bit = filter_bit(id);
      if (!(to->filter[bit >> 6] >> (bit & 63) & 1)) continue;
      for (int j = 0; j < to->count; j++) {
        MeteorPhrase b = to->phrases[j];
        if (b.id != id) continue;
        MeteorPhrase c = from_candidate ? a : b, r = from_candidate ? b : a;
        meteor_match_add(&meteor->aligner, (MeteorMatch){c.start, c.length, r.start, r.length, METEOR_PARAPHRASE});
      }
    }
  }
}

/* --- scores ------------------------------------------------------------------------------------------------------ */

static void side_count(const Meteor *meteor, MeteorStats *stats, int side, MeteorCaption caption) {
  stats->words[side] = caption.count;
  for (int w = 0; w < caption.count; w++) stats->function_words[side] += meteor->words[caption.words[w]].function;
}

static void match_count(const Meteor *meteor, MeteorStats *stats, int side, MeteorModule module, const int32_t *words,
                        int count) {
  for (int w = 0; w < count; w++) {
    double *matched = meteor->words[words[w]].function ? stats->function[module] : stats->content[module];
    matched[side]++;
    stats->matched[side]++;
  }
}

static MeteorStats pair_stats(Meteor *meteor, MeteorCaption candidate, MeteorCaption reference) {
  MeteorAligner *aligner = &meteor->aligner;
  meteor_match_clear(aligner);
  words_copy(meteor, reference, &meteor->reference_words, &meteor->reference_room);
  words_match(meteor, candidate, reference);
  phrases_find(meteor, reference, &meteor->reference_phrases);
  paraphrases_match(meteor, &meteor->reference_phrases, &meteor->candidate_phrases, false);
  paraphrases_match(meteor, &meteor->candidate_phrases, &meteor->reference_phrases, true);
  MeteorStats stats = {.chunks = meteor_align(aligner, candidate.count, reference.count)};
  side_count(meteor, &stats, 0, candidate);
  side_count(meteor, &stats, 1, reference);
  for (int i = 0; i < aligner->chosen_count; i++) {
    const MeteorMatch *match = &aligner->matches[aligner->chosen[i]];
    match_count(meteor, &stats, 0, match->module, candidate.words + match->candidate, match->candidate_length);
    match_count(meteor, &stats, 1, match->module, reference.words + match->reference, match->reference_length);
  }
  return stats;
}

MeteorStats meteor_stats(Meteor *meteor, MeteorCaption candidate, const MeteorCaption *references, int count) {
  MeteorStats best = {0};
  double best_score = -1;
  phrases_find(meteor, candidate, &meteor->candidate_phrases);
  words_copy(meteor, candidate, &meteor->candidate_words, &meteor->candidate_room);
  for (int r = 0; r < count; r++) {
    MeteorStats stats = pair_stats(meteor, candidate, references[r]);
    double score = meteor_score(&stats);
    if (score > best_score) {
      best = stats;
      best_score = score;
    }
  }
  return best;
}

/* Everything matched in one chunk: not fragmented at all. */
static bool is_whole(const MeteorStats *stats) {
  return stats->chunks == 1 && stats->matched[0] == stats->words[0] && stats->matched[1] == stats->words[1];
}

void meteor_stats_add(MeteorStats *sum, const MeteorStats *one) {
  for (int side = 0; side < 2; side++) {
    sum->words[side] += one->words[side];
    sum->function_words[side] += one->function_words[side];
    sum->matched[side] += one->matched[side];
    for (int m = 0; m < METEOR_MODULES; m++) {
      sum->content[m][side] += one->content[m][side];
      sum->function[m][side] += one->function[m][side];
    }
  }
  if (!is_whole(one)) sum->chunks += one->chunks;
}

/* Share of a side's words that are matched, weighted. */
static double share(const MeteorStats *stats, int side) {
  double matched = 0;
  for (int m = 0; m < METEOR_MODULES; m++)
    matched += WEIGHT[m] * (DELTA * stats->content[m][side] + (1 - DELTA) * stats->function[m][side]);
  double all = DELTA * (stats->words[side] - stats->function_words[side]) + (1 - DELTA) * stats->function_words[side];
  return all > 0 ? matched / all : 0;
}

double meteor_score(const MeteorStats *stats) {
  double precision = share(stats, 0), recall = share(stats, 1);
  if (!(precision > 0 && recall > 0)) return 0;
  double mean = 1 / ((1 - ALPHA) / precision + ALPHA / recall);
  double fragmentation = is_whole(stats) ? 0 : stats->chunks / ((stats->matched[0] + stats->matched[1]) / 2);
  return mean * (1 - GAMMA * pow(fragmentation, BETA));
}
