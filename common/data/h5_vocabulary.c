/* The vocabulary as datasets and checkpoints keep it. */
#include "common/data/h5_vocabulary.h"

static const char *const NAME = "vocabulary/token";

Status h5_write_vocabulary(const H5File *file, VocabularyKind kind, char *const *token, size_t count) {
  TRY(h5_write_texts(file, NAME, token, count));
  return h5_write_text(file, NAME, "kind", vocabulary_kind_name(kind));
}

Status h5_read_vocabulary(const H5File *file, VocabularyKind *kind, char ***token, size_t *count) {
  char name[32] = "words"; /* files from before there were others */
  if (!h5_has(file, NAME)) return status_set(BAD_INPUT, "%s: has no array %s", file->path, NAME);
  if (h5_has_attribute(file, NAME, "kind")) TRY(h5_read_text(file, NAME, "kind", name, sizeof name));
  if (!vocabulary_kind_find(name, kind))
    return status_set(BAD_INPUT, "%s: its vocabulary is of kind '%s': a newer troupe wrote it", file->path, name);
  return h5_read_texts(file, NAME, token, count);
}

void hash_add_vocabulary(Hasher *hasher, VocabularyKind kind, char *const *token, int count) {
  if (kind != VOCABULARY_WORDS) hash_add_text(hasher, vocabulary_kind_name(kind));
  for (int i = 0; i < count; i++) hash_add_text(hasher, token[i]);
}
