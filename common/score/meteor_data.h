/* METEOR's English data: WordNet's synonym sets and irregular forms, function words, abbreviations and the paraphrase table
 * that METEOR 1.5 ships, as one file made by deploy/fetch-meteor.sh. Words and phrases are 64-bit hashes, so the file
 * holds no text. It is mapped read-only: processes of one node share its memory, and any number of threads may read it.
 *
 * * The file, little-endian: "TRPMETEO", u32 version, u32 Adler-32 of everything behind the header, u64 size of the file,
 *   then six u32: words, senses, stems, bucket bits, phrases, paraphrases. Behind it, each padded to 8 bytes:
 *   u64 word[words] rising; u32 flags[words]; u32 sense_first[words + 1]; u32 sense[senses]; u32 stem_first[words + 1];
 *   u32 stem[stems] (indices of words); u64 filter[2^bits] (by a key's upper bits; meteor_filter_word); u32 bucket[2^bits + 1]
 *   (the first phrase whose key's upper bits are at least that); u64 phrase[phrases] rising; u32 paraphrase_first[phrases +
 *   1]; u32 paraphrase[paraphrases] (indices of phrases, in the order of METEOR's table, which decides between alignments
 *   that are equally good).
 * * A word's hash is 64-bit FNV-1a of its UTF-8 bytes; the key of the phrase w_1 .. w_n is s_n, s_0 =
 *   METEOR_PHRASE_PREFIX, s_j = meteor_phrase_extend(s_{j-1}, hash(w_j)). */
#ifndef TROUPE_SCORE_METEOR_DATA_H
#define TROUPE_SCORE_METEOR_DATA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/status.h"

/* Flags of a word. */
enum {
  METEOR_FUNCTION = 1,             /* weighs 1 - delta instead of delta */
  METEOR_ABBREVIATION = 2,         /* its period does not end a sentence */
  METEOR_ABBREVIATION_NUMERIC = 4, /* nor does this one's before a digit */
  METEOR_IRREGULAR = 8,            /* its base forms are those listed, and no others */
};

enum { METEOR_PHRASE_WORDS = 7 }; /* the longest phrase of the table */

typedef struct MeteorData {
  const unsigned char *map; /* owned: mapped */
  size_t size;
  uint32_t words, phrases, bucket_shift;
  const uint64_t *word, *phrase, *filter;
  const uint32_t *flags, *sense_first, *sense, *stem_first, *stem, *bucket, *paraphrase_first, *paraphrase;
} MeteorData;

/* Maps and verifies the whole file. Errors: missing, another version, cut short, damaged. */
Status meteor_data_open(MeteorData *data, const char *path);
void meteor_data_close(MeteorData *data); /* idempotent */

/* The data of this process, opened at the first call and kept: the file named by TROUPE_METEOR, else meteor/meteor-en.bin
 * in the working folder, else share/troupe/meteor-en.bin of the installation. NULL when there is none or it is not right:
 * meteor_data_absent then says why and what to do. Thread-safe. */
const MeteorData *meteor_data_shared(void);
const char *meteor_data_absent(void);

uint64_t meteor_word_hash(const char *bytes, size_t size);

#define METEOR_PHRASE_PREFIX 0x9E3779B97F4A7C15u
static inline uint64_t meteor_phrase_extend(uint64_t prefix, uint64_t word) {
  uint64_t m = (prefix ^ word) * 0xD6E8FEB86659FD93u;
  return m ^ m >> 32;
}

/* Index of the word or phrase, or -1. */
int64_t meteor_data_word(const MeteorData *data, uint64_t hash);
int64_t meteor_data_phrase(const MeteorData *data, uint64_t key);

/* The filter's word for a key: two of its bits tell whether there is such a phrase, two others whether a longer phrase begins so. A
 * "no" is certain; a "yes" is wrong for one in twenty that are not there. */
static inline uint64_t meteor_filter_word(const MeteorData *data, uint64_t key) {
  return data->filter[key >> data->bucket_shift];
}
static inline bool meteor_filter_has(uint64_t word, uint64_t key) {
  return word >> (key & 63) & word >> (key >> 6 & 63) & 1;
}
static inline bool meteor_filter_begins(uint64_t word, uint64_t key) {
  return word >> (key >> 12 & 63) & word >> (key >> 18 & 63) & 1;
}
/* Asks for the memory that meteor_filter_word reads. */
static inline void meteor_filter_prefetch(const MeteorData *data, uint64_t key) {
  __builtin_prefetch(data->filter + (key >> data->bucket_shift));
}
/* Where among the phrases to look for the key: [0] to [1]. */
static inline const uint32_t *meteor_data_bucket(const MeteorData *data, uint64_t key) {
  return data->bucket + (key >> data->bucket_shift);
}

#endif
