/* WordPiece as in BERT base uncased. Basic tokeniser: control characters go, CJK characters stand alone, accents go (NFD), lower
 * case, words end at white space and punctuation; then each word of at most 100 characters is cut into the longest pieces
 * from the left ("##" continues a word), or is unknown as a whole. What a character does is looked up in a table made by the
 * reference; only the order of two spacing marks behind each other (musical notation, tone marks) is not made canonical. */
#ifndef TROUPE_DATA_WORDPIECE_H
#define TROUPE_DATA_WORDPIECE_H

#include "common/data/piece_list.h"
#include "common/data/vocabulary.h"

enum { WORDPIECE_LONGEST = 100 };

void wordpiece_encode(const Vocabulary *vocabulary, const char *text, PieceList *list);

#endif
