/* Caption maps: what `troupe score` reads: picture ids with their captions, be they references or candidates. Every format
 * of captions.h, told by the content, and besides
 *   COCO annotations whose images have no file_name
 *   COCO results       [{image_id, caption}, ...]
 *   a map              {ID: caption, ...}, {ID: [caption, ...], ...} or {ID: [{"caption": caption}, ...], ...}
 * Ids are compared as text: 42 and "42" are one. A picture of Karpathy's file has several: cocoid, filename,
 * filepath/filename, imgid. Errors read FILE:LINE: or FILE: key: and so on. */
#ifndef TROUPE_DATA_CAPTIONS_MAP_H
#define TROUPE_DATA_CAPTIONS_MAP_H

#include "common/data/captions.h"

enum { CAPTION_KEYS = 4 };

typedef struct CaptionMap {
  CaptionList list;        /* images[i].id is the picture's first id; pictures without captions are there */
  Names key[CAPTION_KEYS]; /* key[k].text[i]: an id of picture i; "" where it has none of that kind */
  const char *key_name[CAPTION_KEYS];
  int keys;
} CaptionMap;

Status captions_map_read(CaptionMap *map, const char *path);
/* The same from memory: bytes[size] must be a NUL. `path` is for messages. */
Status captions_map_parse(CaptionMap *map, const char *path, const char *bytes, size_t size);
void captions_map_free(CaptionMap *map); /* idempotent */

#endif
