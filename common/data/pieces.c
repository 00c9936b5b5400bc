/* Reads vocabularies of pieces. */
#include "common/data/pieces.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/file.h"
#include "common/base/utf8.h"
#include "common/data/wordpiece.h"

enum { NAMES_MOST = 2 };

/* What stands for troupe's special tokens in files; the first that is there. */
static const char *const SPECIAL[VOCABULARY_KINDS][WORDS_SPECIAL][NAMES_MOST] = {
    [VOCABULARY_WORDPIECE] =
        {[WORD_PAD] = {"[PAD]"}, [WORD_START] = {"[CLS]"}, [WORD_END] = {"[SEP]"}, [WORD_UNKNOWN] = {"[UNK]"}},
    [VOCABULARY_BPE] = {[WORD_PAD] = {"<pad>"},
                        [WORD_START] = {"<s>"},
                        [WORD_END] = {"<|endoftext|>", "</s>"},
                        [WORD_UNKNOWN] = {"<unk>"}},
};

/* --- lines -------------------------------------------------------------------------------------------------------- */

static bool is_utf8(const char *text, size_t size) {
  for (size_t at = 0, n; at < size; at += n) {
    uint32_t code;
    n = unicode_decode(text + at, size - at, &code);
    if (!text[at] || (code == 0xFFFD && n == 1)) return false;
  }
  return true;
}

typedef struct Lines {
  const char *path, *at, *end;
  long number;
} Lines;

/* The next line without its end -> *line, *size; false behind the last. A line feed at the file's end opens no line. */
static bool line_next(Lines *lines, const char **line, size_t *size) {
  if (lines->at == lines->end) return false;
  const char *feed = memchr(lines->at, '\n', (size_t)(lines->end - lines->at));
  *line = lines->at;
  *size = (size_t)((feed ? feed : lines->end) - lines->at);
  if (*size && (*line)[*size - 1] == '\r') --*size;
  lines->at = feed ? feed + 1 : lines->end;
  lines->number++;
  return true;
}

static Status line_check(const Lines *lines, const char *line, size_t size, const char *wanted) {
  if (!size) return status_set(BAD_INPUT, "%s:%ld: is empty; %s was expected", lines->path, lines->number, wanted);
  if (size > 2 * PIECE_BYTES)
    return status_set(BAD_INPUT, "%s:%ld: is longer than %d bytes; %s was expected", lines->path, lines->number,
                      2 * PIECE_BYTES, wanted);
  if (is_utf8(line, size)) return OK;
  return status_set(BAD_INPUT, "%s:%ld: is not UTF-8", lines->path, lines->number);
}

/* --- the file's pieces become the vocabulary ----------------------------------------------------------------------- */

/* The special tokens, then the pieces in their order; id_of [pieces->count]: the token that each became. */
static void vocabulary_arrange(Pieces *pieces, const Names *list, int32_t *id_of) {
  Names *tokens = &pieces->vocabulary.tokens;
  for (int id = 0; id < WORDS_SPECIAL; id++)
    names_append(tokens, WORD_SPECIAL_NAMES[id], strlen(WORD_SPECIAL_NAMES[id]));
  for (int i = 0; i < list->count; i++) id_of[i] = -1;
  for (int id = 0; id < WORDS_SPECIAL; id++)
    for (int k = 0; k < NAMES_MOST && SPECIAL[pieces->kind][id][k]; k++) {
      const char *name = SPECIAL[pieces->kind][id][k];
      int found = names_find(list, name, strlen(name));
      if (found < 0) continue;
      id_of[found] = id;
      break;
    }
  for (int i = 0; i < list->count; i++) {
    if (id_of[i] >= 0) continue;
    id_of[i] = tokens->count;
    names_append(tokens, list->text[i], strlen(list->text[i]));
  }
}

/* --- wordpiece ---------------------------------------------------------------------------------------------------- */

static Status wordpiece_lines(Names *list, Lines *lines) {
  const char *line;
  for (size_t size; line_next(lines, &line, &size);) {
    TRY(line_check(lines, line, size, "a piece"));
    int before = names_find(list, line, size);
    if (before >= 0)
      return status_set(BAD_INPUT, "%s:%ld: '%s' is in line %d already", lines->path, lines->number, list->text[before],
                        before + 1);
    if (list->count == PIECES_MAX)
      return status_set(BAD_INPUT, "%s:%ld: more than %d pieces", lines->path, lines->number, PIECES_MAX);
    names_append(list, line, size);
  }
  if (names_find(list, "[UNK]", 5) >= 0) return OK;
  return status_set(BAD_INPUT, "%s: has no piece [UNK]; a vocab.txt of BERT's, one piece a line, was expected",
                    lines->path);
}

static Status wordpiece_parse(Pieces *pieces, const char *path, const char *bytes, size_t size) {
  Names list = {0};
  Status status = wordpiece_lines(&list, &(Lines){path, bytes, bytes + size, 0});
  if (status == OK) {
    int32_t *id_of = xmalloc((size_t)list.count * sizeof *id_of);
    vocabulary_arrange(pieces, &list, id_of);
    free(id_of);
  }
  names_free(&list);
  return status;
}

/* --- bpe ---------------------------------------------------------------------------------------------------------- */

static Status json_parse(const char *path, const char *bytes, size_t size, json_t **root) {
  json_error_t error;
  *root = json_loadb(bytes, size, JSON_REJECT_DUPLICATES, &error);
  return *root ? OK : status_set(BAD_INPUT, "%s:%d: not JSON: %s", path, error.line, error.text);
}

/* {"piece": id, ...} -> the pieces by rising id, which must be 0, 1, 2 and so on. */
static Status vocabulary_json(Names *list, const char *path, const json_t *vocabulary) {
  size_t count = json_object_size(vocabulary);
  if (!json_is_object(vocabulary))
    return status_set(BAD_INPUT, "%s: holds no vocabulary; an object of pieces and their ids was expected", path);
  if (!count || count > PIECES_MAX)
    return status_set(BAD_INPUT, "%s: its vocabulary has %zu pieces; 1 to %d were expected", path, count, PIECES_MAX);
  const char **text = xcalloc(count, sizeof *text), *piece;
  json_t *value;
  Status status = OK;
  json_object_foreach((json_t *)vocabulary, piece, value) {
    json_int_t id = json_is_integer(value) ? json_integer_value(value) : -1;
    if (id < 0 || id >= (json_int_t)count)
      status = status_set(BAD_INPUT, "%s: '%.80s': its id is not a whole number from 0 to %zu", path, piece, count - 1);
    else if (text[id])
      status = status_set(BAD_INPUT, "%s: '%.80s': its id %lld is that of '%.80s', too", path, piece, (long long)id,
                          text[id]);
    else if (!*piece || strlen(piece) > PIECE_BYTES)
      status =
          status_set(BAD_INPUT, "%s: id %lld: a piece of 1 to %d bytes was expected", path, (long long)id, PIECE_BYTES);
    if (status != OK) break;
    text[id] = piece;
  }
  for (size_t i = 0; i < count && status == OK; i++) names_append(list, text[i], strlen(text[i]));
  free(text);
  return status;
}

/* A BPE in the making. */
typedef struct Pairs {
  Pieces *pieces;
  Names list;     /* the file's pieces */
  int32_t *id_of; /* [list.count]: their tokens */
  int32_t rank;
} Pairs;

/* `where` leads the message: FILE:LINE or FILE: merges [k]. */
static Status pair_add(Pairs *pairs, const char *left, size_t left_size, const char *right, size_t right_size,
                       const char *where) {
  char joined[2 * PIECE_BYTES];
  if (!left_size || !right_size || left_size + right_size > sizeof joined)
    return status_set(BAD_INPUT, "%s: two pieces with a blank between were expected", where);
  memcpy(joined, left, left_size);
  memcpy(joined + left_size, right, right_size);
  const char *text[3] = {left, right, joined};
  size_t size[3] = {left_size, right_size, left_size + right_size};
  int32_t id[3];
  for (int k = 0; k < 3; k++) {
    int piece = names_find(&pairs->list, text[k], size[k]);
    if (piece < 0 || pairs->id_of[piece] < WORDS_SPECIAL)
      return status_set(BAD_INPUT, "%s: '%.*s' is %s", where, (int)size[k], text[k],
                        piece < 0 ? "not in the vocabulary" : "a special token");
    id[k] = pairs->id_of[piece];
  }
  if (bpe_merge_add(&pairs->pieces->bpe, id[0], id[1], pairs->rank++, id[2])) return OK;
  return status_set(BAD_INPUT, "%s: the pair '%.*s' '%.*s' is there already", where, (int)left_size, left,
                    (int)right_size, right);
}

static Status pair_split(Pairs *pairs, const char *line, size_t size, const char *where) {
  const char *blank = memchr(line, ' ', size);
  size_t left = blank ? (size_t)(blank - line) : 0;
  if (!blank || memchr(blank + 1, ' ', size - left - 1))
    return status_set(BAD_INPUT, "%s: two pieces with a blank between were expected", where);
  return pair_add(pairs, line, left, blank + 1, size - left - 1, where);
}

static Status merges_lines(Pairs *pairs, Lines *lines) {
  const char *line;
  for (size_t size; line_next(lines, &line, &size);) {
    if (lines->number == 1 && size >= 8 && memcmp(line, "#version", 8) == 0) continue;
    char *where = xasprintf("%s:%ld", lines->path, lines->number);
    Status status = line_check(lines, line, size, "two pieces with a blank between");
    if (status == OK) status = pair_split(pairs, line, size, where);
    free(where);
    TRY(status);
  }
  return OK;
}

/* "a b" or ["a", "b"] each. */
static Status merges_json(Pairs *pairs, const char *path, const json_t *merges) {
  size_t k;
  json_t *merge;
  json_array_foreach((json_t *)merges, k, merge) {
    char *where = xasprintf("%s: model.merges [%zu]", path, k);
    json_t *left = json_array_get(merge, 0), *right = json_array_get(merge, 1);
    Status status;
    if (json_is_string(merge)) status = pair_split(pairs, json_string_value(merge), json_string_length(merge), where);
    else if (json_array_size(merge) == 2 && json_is_string(left) && json_is_string(right))
      status = pair_add(pairs, json_string_value(left), json_string_length(left), json_string_value(right),
                        json_string_length(right), where);
    else status = status_set(BAD_INPUT, "%s: two pieces were expected", where);
    free(where);
    TRY(status);
  }
  return OK;
}

static bool absent(const json_t *value) {
  return !value || json_is_null(value) || json_is_false(value) || (json_is_string(value) && !json_string_length(value));
}

/* Is a tokenizer.json's way the one that bpe.c goes? */
static Status tokenizer_check(const char *path, const json_t *root, const json_t *model) {
  static const char *const others[] = {"dropout", "continuing_subword_prefix", "end_of_word_suffix", "ignore_merges"};
  const json_t *split = json_object_get(root, "pre_tokenizer"), *regex = json_object_get(split, "use_regex");
  const char *type = json_string_value(json_object_get(model, "type"));
  const char *splits = json_string_value(json_object_get(split, "type"));
  if (type && strcmp(type, "BPE") != 0)
    return status_set(BAD_INPUT, "%s: model.type is %.40s; BPE was expected", path, type);
  if (!splits || strcmp(splits, "ByteLevel") != 0 || !absent(json_object_get(split, "add_prefix_space")) ||
      json_is_false(regex))
    return status_set(BAD_INPUT, "%s: pre_tokenizer is not GPT-2's: ByteLevel without add_prefix_space was expected",
                      path);
  if (!absent(json_object_get(root, "normalizer")))
    return status_set(BAD_INPUT, "%s: normalizer: none was expected, as in GPT-2", path);
  for (size_t i = 0; i < sizeof others / sizeof *others; i++)
    if (!absent(json_object_get(model, others[i])))
      return status_set(BAD_INPUT, "%s: model.%s: none was expected, as in GPT-2", path, others[i]);
  return OK;
}

static void byte_ids(Pairs *pairs) {
  for (unsigned b = 0; b < 256; b++) {
    char letter[4];
    int piece = names_find(&pairs->list, letter, unicode_encode(bpe_letter((unsigned char)b), letter));
    if (piece >= 0 && pairs->id_of[piece] >= WORDS_SPECIAL) pairs->pieces->bpe.byte_id[b] = pairs->id_of[piece];
  }
}

static Status bpe_arrange(Pairs *pairs, const char *path, const json_t *vocabulary, size_t merges) {
  if (merges > PIECES_MAX) return status_set(BAD_INPUT, "%s: more than %d merges", path, PIECES_MAX);
  TRY(vocabulary_json(&pairs->list, path, vocabulary));
  pairs->id_of = xmalloc((size_t)pairs->list.count * sizeof *pairs->id_of);
  vocabulary_arrange(pairs->pieces, &pairs->list, pairs->id_of);
  bpe_init(&pairs->pieces->bpe, merges);
  byte_ids(pairs);
  return OK;
}

static Status bpe_root(Pairs *pairs, const char *path, const json_t *root, Lines *lines) {
  const json_t *model = json_object_get(root, "model"), *merges = json_object_get(model, "merges");
  bool whole = json_is_object(model);
  if (whole && lines) return status_set(BAD_INPUT, "%s: is a tokenizer.json, which holds its merges itself", path);
  if (!whole && !lines)
    return status_set(BAD_INPUT, "%s: is no tokenizer.json; with a vocab.json its merges.txt was expected, too", path);
  if (!whole) {
    size_t most = 1;
    for (const char *at = lines->at; at < lines->end; at++) most += *at == '\n';
    TRY(bpe_arrange(pairs, path, root, most));
    return merges_lines(pairs, lines);
  }
  TRY(tokenizer_check(path, root, model));
  TRY(bpe_arrange(pairs, path, json_object_get(model, "vocab"), json_array_size(merges)));
  return merges_json(pairs, path, merges);
}

static Status bpe_parse(Pieces *pieces, const char *path, const char *bytes, size_t size, Lines *lines) {
  json_t *root;
  TRY(json_parse(path, bytes, size, &root));
  Pairs pairs = {.pieces = pieces};
  Status status = bpe_root(&pairs, path, root, lines);
  names_free(&pairs.list);
  free(pairs.id_of);
  json_decref(root);
  return status;
}

/* --- both --------------------------------------------------------------------------------------------------------- */

Status pieces_parse(Pieces *pieces, VocabularyKind kind, const char *path, const char *bytes, size_t size,
                    const char *merges_path, const char *merges, size_t merges_size) {
  CHECK(kind == VOCABULARY_WORDPIECE || kind == VOCABULARY_BPE);
  *pieces = (Pieces){.kind = kind};
  Lines lines = {merges_path, merges, merges + merges_size, 0};
  Status status = kind == VOCABULARY_BPE ? bpe_parse(pieces, path, bytes, size, merges_path ? &lines : NULL)
                                         : wordpiece_parse(pieces, path, bytes, size);
  if (status != OK) pieces_free(pieces);
  return status;
}

Status pieces_read(Pieces *pieces, VocabularyKind kind, const char *path, const char *merges) {
  char *bytes, *pairs = NULL;
  size_t size, pairs_size = 0;
  *pieces = (Pieces){0};
  TRY(file_read(path, (size_t)64 << 20, &bytes, &size));
  Status status = merges ? file_read(merges, (size_t)64 << 20, &pairs, &pairs_size) : OK;
  if (status == OK) {
    status = pieces_parse(pieces, kind, path, bytes, size, merges, pairs, pairs_size);
    free(pairs);
  }
  free(bytes);
  return status;
}

void pieces_free(Pieces *pieces) {
  vocabulary_free(&pieces->vocabulary);
  bpe_free(&pieces->bpe);
  *pieces = (Pieces){0};
}

int pieces_encode(const Pieces *pieces, const char *text, int32_t *ids, int stride) {
  PieceList list = {ids, 0, stride};
  if (pieces->kind == VOCABULARY_BPE) bpe_encode(&pieces->bpe, text, &list);
  else wordpiece_encode(&pieces->vocabulary, text, &list);
  piece_add(&list, WORD_END);
  for (int i = list.count; i < stride; i++) ids[i] = WORD_PAD;
  return list.count;
}
