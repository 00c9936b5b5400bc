/* Caption files of lines: CSV with a header (RFC 4180; comma or bar between fields) and Flickr's image#n<TAB>caption. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/data/captions_list.h"

enum { FIELDS_MAX = 16 };

typedef struct Field {
  size_t start, length; /* in Record.text */
} Field;

typedef struct Reader {
  const char *path, *at, *end;
  char separator;
  int line; /* where the record began */
  int next_line;
  char *text; /* unquoted fields of the record, owned */
  size_t used, room;
  Field field[FIELDS_MAX];
  int fields;
} Reader;

static void put(Reader *reader, char byte) {
  if (reader->used == reader->room) {
    reader->room = reader->room ? reader->room * 2 : 4096;
    reader->text = xrealloc(reader->text, reader->room);
  }
  reader->text[reader->used++] = byte;
}

/* A quoted field, behind its opening quote; "" stands for a quote, and line ends are text. */
static Status quoted_field(Reader *reader) {
  for (;;) {
    if (reader->at == reader->end)
      return status_set(BAD_INPUT, "%s:%d: a quoted field has no closing quote", reader->path, reader->line);
    char byte = *reader->at++;
    if (byte == '"') {
      if (reader->at == reader->end || *reader->at != '"') return OK;
      reader->at++;
    } else if (byte == '\n') {
      reader->next_line++;
    }
    put(reader, byte);
  }
}

static bool line_ends(const Reader *reader) {
  return reader->at == reader->end || *reader->at == '\n' ||
         (*reader->at == '\r' && (reader->at + 1 == reader->end || reader->at[1] == '\n'));
}

/* Reads a record: its fields without quotes. *more is false at the end of the file. */
static Status record_read(Reader *reader, bool *more) {
  reader->line = reader->next_line;
  reader->used = 0;
  reader->fields = 0;
  *more = reader->at < reader->end;
  if (!*more) return OK;
  for (;;) {
    if (reader->fields == FIELDS_MAX)
      return status_set(BAD_INPUT, "%s:%d: more than %d fields", reader->path, reader->line, FIELDS_MAX);
    Field *field = &reader->field[reader->fields++];
    field->start = reader->used;
    if (reader->separator == '|')
      while (reader->at < reader->end && *reader->at == ' ') reader->at++;
    if (reader->at < reader->end && *reader->at == '"' && reader->separator == ',') {
      reader->at++;
      TRY(quoted_field(reader));
      if (!line_ends(reader) && *reader->at != reader->separator)
        return status_set(BAD_INPUT, "%s:%d: text behind a closing quote; a comma or the line's end was expected",
                          reader->path, reader->next_line);
    } else {
      while (!line_ends(reader) && *reader->at != reader->separator) put(reader, *reader->at++);
    }
    field->length = reader->used - field->start;
    if (line_ends(reader)) break;
    reader->at++; /* the separator */
  }
  if (reader->at < reader->end && *reader->at == '\r') reader->at++;
  if (reader->at < reader->end) reader->at++;
  reader->next_line++;
  return OK;
}

static bool field_is(const Reader *reader, int k, const char *name) {
  const Field *field = &reader->field[k];
  size_t length = field->length;
  while (length && reader->text[field->start + length - 1] == ' ') length--;
  return length == strlen(name) && strncasecmp(reader->text + field->start, name, length) == 0;
}

static Status add_row(CaptionList *list, const char *path, int line, const char *name, size_t name_length,
                      const char *caption, size_t length) {
  const char *fault = picture_name_fault(name, name_length);
  if (fault) return status_set(BAD_INPUT, "%s:%d: %s", path, line, fault);
  if (memchr(caption, 0, length)) return status_set(BAD_INPUT, "%s:%d: the caption holds a NUL byte", path, line);
  caption_list_add(list, caption_list_picture(list, name, name_length), caption, length);
  return OK;
}

static Status csv_rows(CaptionList *list, Reader *reader, int image, int caption, int fields) {
  for (;;) {
    bool more;
    TRY(record_read(reader, &more));
    if (!more) return OK;
    if (reader->fields == 1 && reader->field[0].length == 0) continue; /* a blank line */
    if (reader->fields != fields)
      return status_set(BAD_INPUT, "%s:%d: %d field%s; %d were expected (a caption that holds a comma needs quotes)",
                        reader->path, reader->line, reader->fields, reader->fields > 1 ? "s" : "", fields);
    const Field *name = &reader->field[image], *text = &reader->field[caption];
    TRY(add_row(list, reader->path, reader->line, reader->text + name->start, name->length, reader->text + text->start,
                text->length));
  }
}

/* Finds the columns by the header. OK with *found false when the first line is no such header. */
static Status csv_parse(CaptionList *list, Reader *reader, bool *found) {
  bool more;
  int image = -1, caption = -1;
  *found = false;
  if (record_read(reader, &more) != OK || !more) return OK;
  for (int k = 0; k < reader->fields; k++) {
    if (field_is(reader, k, "image") || field_is(reader, k, "image_name")) image = k;
    if (field_is(reader, k, "caption") || field_is(reader, k, "comment")) caption = k;
  }
  *found = image >= 0 && caption >= 0;
  return *found ? csv_rows(list, reader, image, caption, reader->fields) : OK;
}

static Status token_parse(CaptionList *list, const char *path, const char *bytes, size_t size) {
  int line = 0;
  for (const char *p = bytes, *end = bytes + size; p < end;) {
    const char *stop = memchr(p, '\n', (size_t)(end - p));
    if (!stop) stop = end;
    line++;
    size_t length = (size_t)(stop - p);
    if (length && p[length - 1] == '\r') length--;
    const char *tab = memchr(p, '\t', length), *hash = tab;
    while (hash && hash > p && *hash != '#') hash--;
    if (length && (!tab || *hash != '#'))
      return status_set(BAD_INPUT,
                        line == 1 ? "%s:%d: is no caption file that is known; a header image,caption, lines "
                                    "IMAGE#N<TAB>CAPTION, or Karpathy's or COCO's JSON was expected"
                                  : "%s:%d: a line IMAGE#N<TAB>CAPTION was expected",
                        path, line);
    if (length) TRY(add_row(list, path, line, p, (size_t)(hash - p), tab + 1, (size_t)(p + length - tab - 1)));
    p = stop + 1;
  }
  return OK;
}

Status captions_parse_text(CaptionList *list, const char *path, const char *bytes, size_t size) {
  for (const char *separator = ",|"; *separator; separator++) {
    Reader reader = {.path = path, .at = bytes, .end = bytes + size, .separator = *separator, .next_line = 1};
    bool found;
    Status status = csv_parse(list, &reader, &found);
    free(reader.text);
    if (found || status != OK) return status;
  }
  return token_parse(list, path, bytes, size);
}
