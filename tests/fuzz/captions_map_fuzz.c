/* Fuzzes what `troupe score` reads (COCO annotations and results, Karpathy's file, captions.txt, .token, maps from id to
 * captions): any bytes are read or refused with a message, and what was read is whole. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/data/captions_map.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  char *bytes = malloc(size + 1); /* the reader wants a NUL behind */
  CHECK(bytes != NULL);
  if (size > 0) memcpy(bytes, data, size);
  bytes[size] = '\0';
  CaptionMap map;
  if (captions_map_parse(&map, "fuzz", bytes, size) == OK) {
    CHECK(map.keys >= 1 && map.keys <= CAPTION_KEYS);
    for (int i = 0; i < map.list.files.count; i++) {
      for (int k = 0; k < map.keys; k++) CHECK(map.key[k].count == map.list.files.count && map.key[k].text[i]);
      for (int c = 0; c < map.list.images[i].captions; c++) CHECK(map.list.images[i].caption[c]);
      const char *id = map.list.images[i].id;
      CHECK(names_find(&map.key[0], id, strlen(id)) >= 0);
    }
  } else {
    CHECK(status_message()[0] != '\0');
  }
  captions_map_free(&map);
  free(bytes);
  return 0;
}
