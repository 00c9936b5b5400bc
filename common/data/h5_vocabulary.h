/* The vocabulary as datasets and checkpoints keep it: vocabulary/token, with its kind as an attribute (none: words). */
#ifndef TROUPE_DATA_H5_VOCABULARY_H
#define TROUPE_DATA_H5_VOCABULARY_H

#include "common/base/hash.h"
#include "common/data/h5.h"
#include "common/data/vocabulary.h"

Status h5_write_vocabulary(const H5File *file, VocabularyKind kind, char *const *token, size_t count);
/* `*token` and each text are owned by the caller (texts_free). */
Status h5_read_vocabulary(const H5File *file, VocabularyKind *kind, char ***token, size_t *count);
/* Words alone hash as they did before there were pieces. */
void hash_add_vocabulary(Hasher *hasher, VocabularyKind kind, char *const *token, int count);

#endif
