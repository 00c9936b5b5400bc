/* Fuzzes the readers of caption files (all four formats): any bytes are read or refused with a message. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/data/captions.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  char *bytes = malloc(size + 1); /* the reader wants a NUL behind */
  CHECK(bytes != NULL);
  if (size > 0) memcpy(bytes, data, size);
  bytes[size] = '\0';
  CaptionList list = {0};
  if (captions_parse(&list, "fuzz", bytes, size) != OK) CHECK(status_message()[0] != '\0');
  caption_list_free(&list);
  free(bytes);
  return 0;
}
