/* Mirror: `troupe prepare --mirror SPLIT`, augmentation of a split by its pictures flipped left to right, with the words
 * left and right exchanged in their captions. Nothing else in a caption is understood: "has left" becomes "has right". */
#ifndef TROUPE_TOOL_MIRROR_H
#define TROUPE_TOOL_MIRROR_H

#include "common/tool/corpus.h"

/* Behind each picture of the split its mirrored one: the same file, id "ID#mirror". Errors: no picture is in the split,
 * or it is mirrored already. */
Status corpus_mirror(Corpus *corpus, const char *split);

#endif
