/* Bpe: GPT-2's byte-level byte pair encoding. Text is split by GPT-2's pattern
 *   's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
 * and within each part neighbours are joined, the pair of the lowest rank first. In files each byte is written as one letter:
 * itself where it can be printed, else U+0100 and up. */
#ifndef TROUPE_DATA_BPE_H
#define TROUPE_DATA_BPE_H

#include <stdbool.h>
#include <stddef.h>

#include "common/data/piece_list.h"

typedef struct BpeMerge {
  int32_t left, right; /* ids; left -1 = a free slot */
  int32_t rank, merged;
} BpeMerge;

typedef struct Bpe {
  int32_t byte_id[256]; /* id of a byte alone; WORD_UNKNOWN where there is none */
  BpeMerge *slot;       /* open addressing; slots is a power of two, at least twice the merges; owned */
  size_t slots;
} Bpe;

void bpe_init(Bpe *bpe, size_t merges); /* room for that many; no byte has an id */
void bpe_free(Bpe *bpe);                /* idempotent */
/* false when the pair is there already. */
bool bpe_merge_add(Bpe *bpe, int32_t left, int32_t right, int32_t rank, int32_t merged);

void bpe_encode(const Bpe *bpe, const char *text, PieceList *list);

/* The letter that stands for a byte. */
uint32_t bpe_letter(unsigned char byte);
/* The byte that a letter stands for, or -1. */
int bpe_byte(uint32_t letter);

#endif
