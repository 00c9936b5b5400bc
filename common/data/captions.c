/* Caption lists: which format a file has, and the list that the readers fill. */
#include "common/data/captions.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/file.h"
#include "common/data/captions_list.h"

static const size_t CAPTION_FILE_MAX = (size_t)4 << 30;

const char *picture_name_fault(const char *name, size_t length) {
  if (!length) return "the picture's name is empty";
  if (length > 1024) return "the picture's name is longer than 1024 bytes";
  if (name[0] == '/') return "the picture's name is an absolute path; one inside the folder of pictures was expected";
  for (size_t i = 0; i < length; i++) {
    if ((unsigned char)name[i] < 32) return "the picture's name has a control character";
    bool starts = i == 0 || name[i - 1] == '/';
    if (starts && i + 1 < length && name[i] == '.' && name[i + 1] == '.' && (i + 2 == length || name[i + 2] == '/'))
      return "the picture's name has '..'; a path inside the folder of pictures was expected";
  }
  return NULL;
}

int caption_list_picture(CaptionList *list, const char *file, size_t length) {
  int known = list->files.count, at = names_intern(&list->files, file, length);
  if (at < known) return at;
  if (at == list->room) {
    list->room = list->room ? list->room * 2 : 256;
    list->images = xrealloc(list->images, (size_t)list->room * sizeof *list->images);
  }
  list->images[at] = (CaptionImage){.id = xstrdup(list->files.text[at]), .split = xstrdup("")};
  return at;
}

void caption_list_add(CaptionList *list, int picture, const char *caption, size_t length) {
  CaptionImage *image = &list->images[picture];
  while (length && strchr(" \t\r\n", caption[length - 1])) length--;
  while (length && strchr(" \t\r\n", caption[0])) caption++, length--;
  if (image->captions == image->room) {
    image->room = image->room ? image->room * 2 : 5;
    image->caption = xrealloc(image->caption, (size_t)image->room * sizeof *image->caption);
  }
  char *copy = pool_take(&list->texts, length + 1);
  memcpy(copy, caption, length);
  copy[length] = 0;
  image->caption[image->captions++] = copy;
}

void caption_list_free(CaptionList *list) {
  for (int i = 0; i < list->files.count; i++) {
    CaptionImage *image = &list->images[i];
    free(image->caption);
    free(image->id);
    free(image->split);
  }
  free(list->images);
  pool_free(&list->texts);
  names_free(&list->files);
  *list = (CaptionList){0};
}

static size_t mark_bytes(const char *bytes, size_t size) { /* UTF-8's byte order mark */
  return size >= 3 && memcmp(bytes, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
}

/* Bytes of the UTF-8 character at `p`; 0: it is none. */
static size_t character_bytes(const unsigned char *p, size_t left) {
  size_t n = p[0] < 0x80 ? 1 : p[0] < 0xC2 ? 0 : p[0] < 0xE0 ? 2 : p[0] < 0xF0 ? 3 : p[0] < 0xF5 ? 4 : 0;
  if (n > left) return 0;
  for (size_t i = 1; i < n; i++)
    if ((p[i] & 0xC0) != 0x80) return 0;
  bool bad = (p[0] == 0xE0 && p[1] < 0xA0) || (p[0] == 0xED && p[1] > 0x9F) || (p[0] == 0xF0 && p[1] < 0x90) ||
             (p[0] == 0xF4 && p[1] > 0x8F); /* too long a form, a surrogate, beyond U+10FFFF */
  return bad ? 0 : n;
}

static Status encoding_check(const char *path, const char *bytes, size_t size) {
  int line = 1;
  for (size_t at = 0, n; at < size; at += n) {
    n = character_bytes((const unsigned char *)bytes + at, size - at);
    if (!n) return status_set(BAD_INPUT, "%s:%d: is not UTF-8", path, line);
    line += bytes[at] == '\n';
  }
  return OK;
}

Status captions_parse(CaptionList *list, const char *path, const char *bytes, size_t size) {
  *list = (CaptionList){0};
  size_t skip = mark_bytes(bytes, size);
  bytes += skip;
  size -= skip;
  size_t blank = strspn(bytes, " \t\r\n");
  Status status;
  if (blank < size && (bytes[blank] == '{' || bytes[blank] == '[')) {
    status = captions_parse_json(list, path, bytes, size);
  } else {
    status = encoding_check(path, bytes, size);
    if (status == OK) status = captions_parse_text(list, path, bytes, size);
  }
  if (status == OK && list->files.count == 0) status = status_set(BAD_INPUT, "%s: has no captions", path);
  if (status != OK) caption_list_free(list);
  return status;
}

Status captions_read_file(CaptionList *list, const char *path) {
  char *bytes;
  size_t size;
  *list = (CaptionList){0};
  TRY(file_read(path, CAPTION_FILE_MAX, &bytes, &size));
  Status status = captions_parse(list, path, bytes, size);
  free(bytes);
  return status;
}

Status name_list_read(Names *names, const char *path) {
  char *bytes;
  size_t size;
  *names = (Names){0};
  TRY(file_read(path, 0, &bytes, &size));
  Status status = OK;
  int line = 0;
  for (const char *p = bytes + mark_bytes(bytes, size); p < bytes + size && status == OK;) {
    const char *end = memchr(p, '\n', (size_t)(bytes + size - p));
    if (!end) end = bytes + size;
    const char *first = p, *last = end;
    line++;
    while (first < last && (*first == ' ' || *first == '\t')) first++;
    while (last > first && (last[-1] == ' ' || last[-1] == '\t' || last[-1] == '\r')) last--;
    const char *fault = first < last ? picture_name_fault(first, (size_t)(last - first)) : NULL;
    if (fault) status = status_set(BAD_INPUT, "%s:%d: %s", path, line, fault);
    else if (first < last) names_intern(names, first, (size_t)(last - first));
    p = end + 1;
  }
  free(bytes);
  if (status == OK && names->count == 0)
    status = status_set(BAD_INPUT, "%s: names no pictures; one name a line was expected", path);
  if (status != OK) names_free(names);
  return status;
}
