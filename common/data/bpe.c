/* GPT-2's pattern and its merges. */
#include "common/data/bpe.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/status.h"
#include "common/base/utf8.h"
#include "common/data/vocabulary.h"

typedef enum BpeClass { BPE_OTHER, BPE_LETTER, BPE_DIGIT, BPE_SPACE } BpeClass;

typedef struct BpeClassRange {
  uint32_t first, last;
  uint8_t class;
} BpeClassRange;

#include "common/data/bpe_table.h"

/* --- bytes and letters -------------------------------------------------------------------------------------------- */

/* Bytes that GPT-2 writes as themselves. */
static bool byte_is_plain(unsigned byte) { return (byte >= '!' && byte <= '~') || (byte >= 0xA1 && byte != 0xAD); }

uint32_t bpe_letter(unsigned char byte) {
  if (byte_is_plain(byte)) return byte;
  uint32_t letter = 0x100;
  for (unsigned b = 0; b < byte; b++) letter += !byte_is_plain(b);
  return letter;
}

int bpe_byte(uint32_t letter) {
  if (letter < 0x100) return byte_is_plain(letter) ? (int)letter : -1;
  uint32_t at = 0x100;
  for (unsigned b = 0; b < 0x100; b++)
    if (!byte_is_plain(b) && at++ == letter) return (int)b;
  return -1;
}

/* --- merges ------------------------------------------------------------------------------------------------------- */

void bpe_init(Bpe *bpe, size_t merges) {
  for (int b = 0; b < 256; b++) bpe->byte_id[b] = WORD_UNKNOWN;
  for (bpe->slots = 64; bpe->slots < merges * 2;) bpe->slots *= 2;
  bpe->slot = xmalloc(bpe->slots * sizeof *bpe->slot);
  for (size_t i = 0; i < bpe->slots; i++) bpe->slot[i].left = -1;
}

void bpe_free(Bpe *bpe) {
  free(bpe->slot);
  *bpe = (Bpe){0};
}

/* The pair's slot, or the free one where it belongs. */
static BpeMerge *slot_of(const Bpe *bpe, int32_t left, int32_t right) {
  uint64_t hash = ((uint64_t)(uint32_t)left << 32 | (uint32_t)right) * 0x9E3779B97F4A7C15u;
  size_t at = (size_t)(hash >> 32) & (bpe->slots - 1);
  while (bpe->slot[at].left >= 0 && (bpe->slot[at].left != left || bpe->slot[at].right != right))
    at = (at + 1) & (bpe->slots - 1);
  return &bpe->slot[at];
}

bool bpe_merge_add(Bpe *bpe, int32_t left, int32_t right, int32_t rank, int32_t merged) {
  BpeMerge *slot = slot_of(bpe, left, right);
  if (slot->left >= 0) return false;
  *slot = (BpeMerge){left, right, rank, merged};
  return true;
}

/* Joins within ids[count]; returns how many are left. All places of a pair are joined at once, from the left. */
static int merge_all(const Bpe *bpe, int32_t *ids, int count) {
  for (;;) {
    const BpeMerge *best = NULL;
    for (int i = 0; i + 1 < count; i++) {
      const BpeMerge *merge = slot_of(bpe, ids[i], ids[i + 1]);
      if (merge->left >= 0 && (!best || merge->rank < best->rank)) best = merge;
    }
    if (!best) return count;
    int kept = 0;
    for (int i = 0; i < count; i++) {
      bool here = ids[i] == best->left && i + 1 < count && ids[i + 1] == best->right;
      ids[kept++] = here ? best->merged : ids[i];
      i += here;
    }
    count = kept;
  }
}

/* --- the pattern -------------------------------------------------------------------------------------------------- */

static BpeClass class_of(uint32_t code) {
  for (size_t low = 0, high = sizeof CLASSES / sizeof *CLASSES; low < high;) {
    size_t middle = (low + high) / 2;
    if (code < CLASSES[middle].first) high = middle;
    else if (code > CLASSES[middle].last) low = middle + 1;
    else return (BpeClass)CLASSES[middle].class;
  }
  return BPE_OTHER;
}

static BpeClass class_at(const char *at, size_t left, size_t *size) {
  uint32_t code;
  *size = unicode_decode(at, left, &code);
  return class_of(code);
}

/* Bytes of characters of one class at `at`. */
static size_t run_of(const char *at, size_t left, BpeClass class) {
  size_t run = 0, size;
  while (run < left && class_at(at + run, left - run, &size) == class) run += size;
  return run;
}

/* Bytes of white space: all of it at the text's end, else without its last character, which goes to what follows or stands
 * alone. */
static size_t space_run(const char *at, size_t left) {
  size_t run = 0, last = 0, size;
  while (run < left && class_at(at + run, left - run, &size) == BPE_SPACE) last = size, run += size;
  return run < left && run > last ? run - last : run;
}

static size_t part_size(const char *at, size_t left) {
  static const char *const endings[] = {"'s", "'t", "'re", "'ve", "'m", "'ll", "'d"};
  for (size_t i = 0; at[0] == '\'' && i < sizeof endings / sizeof *endings; i++) {
    size_t n = strlen(endings[i]);
    if (n <= left && memcmp(at, endings[i], n) == 0) return n;
  }
  size_t blank = at[0] == ' ' && left > 1, size;
  BpeClass class = class_at(at + blank, left - blank, &size);
  return class == BPE_SPACE ? space_run(at, left) : blank + run_of(at + blank, left - blank, class);
}

void bpe_encode(const Bpe *bpe, const char *text, PieceList *list) {
  size_t left = strlen(text);
  int32_t *ids = xmalloc((left + 1) * sizeof *ids);
  for (size_t n; left && list->count < list->room; text += n, left -= n) {
    n = part_size(text, left);
    for (size_t i = 0; i < n; i++) ids[i] = bpe->byte_id[(unsigned char)text[i]];
    int count = merge_all(bpe, ids, (int)n);
    for (int i = 0; i < count; i++) piece_add(list, ids[i]);
  }
  free(ids);
}
