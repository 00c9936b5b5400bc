/* Pieces: vocabularies of parts of words that others trained, and captions as their pieces.
 *   wordpiece  BERT's uncased vocab.txt: the basic tokeniser, then the longest match (Devlin et al. 2018, arXiv 1810.04805)
 *   bpe        GPT-2's byte-level pairs: vocab.json and merges.txt, or one tokenizer.json (Sennrich et al. 2016, Radford et
 *              al. 2019)
 * The four special tokens have troupe's ids and names (vocabulary.h); the file's own, where it has them, are left out of its
 * pieces, whose order stays:
 *   <pad>    [PAD] | <pad>      <start>  [CLS] | <s>      <end>  [SEP] | <|endoftext|>, else </s>      <unk>  [UNK] | <unk>
 * so BERT's 30,522 pieces are 30,522 tokens, and GPT-2's 50,257 are 50,260. Special tokens are never read out of a caption. */
#ifndef TROUPE_DATA_PIECES_H
#define TROUPE_DATA_PIECES_H

#include "common/base/status.h"
#include "common/data/bpe.h"
#include "common/data/vocabulary.h"

enum { PIECES_MAX = 1 << 20, PIECE_BYTES = 1024 };

typedef struct Pieces {
  VocabularyKind kind;
  Vocabulary vocabulary; /* of a BPE the pieces are written in GPT-2's letters for bytes */
  Bpe bpe;
} Pieces; /* {0} is empty */

/* `merges`: GPT-2's merges.txt, NULL for wordpiece and for a tokenizer.json. Errors: FILE:LINE or FILE: key: what is wrong. */
Status pieces_read(Pieces *pieces, VocabularyKind kind, const char *path, const char *merges);
/* The same from memory (paths are for messages; the bytes need no NUL behind them). merges_path NULL: no merges.txt. */
Status pieces_parse(Pieces *pieces, VocabularyKind kind, const char *path, const char *bytes, size_t size,
                    const char *merges_path, const char *merges, size_t merges_size);
void pieces_free(Pieces *pieces); /* idempotent */

/* A caption as it was given (not tokenised) -> ids, as vocabulary_encode does for words: the end token last, cut at `stride`,
 * padded. Returns the length. */
int pieces_encode(const Pieces *pieces, const char *text, int32_t *ids, int stride);

#endif
