/* Any bytes as a message: decoding never reads past them, never keeps half of one, and what it accepts encodes to the
 * same bytes. The first byte is the message's type, the rest its body: the header (with its CRC32C) is made here, or
 * no body would ever be reached. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/status.h"
#include "proto/messages.h"
#include "proto/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_bytes(const unsigned char *bytes, size_t size) {
  for (int direction = TO_LEARNER; direction <= TO_ACTOR; direction++) {
    Message message;
    if (message_decode(bytes, size, (Direction)direction, &message) != OK) continue;
    unsigned char *again;
    size_t again_size;
    CHECK(message_encode(&message, &again, &again_size) == OK);
    CHECK(again_size == size && memcmp(again, bytes, size) == 0);
    free(again);
    message_free(&message);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  try_bytes(data, size);
  if (size < 1 || size > MESSAGE_BYTES_MAX) return 0;
  size_t whole = WIRE_HEADER + size - 1;
  unsigned char *bytes = xmalloc(whole); /* exact, so that a sanitizer sees a read past the end */
  memcpy(bytes + WIRE_HEADER, data + 1, size - 1);
  wire_header_put(bytes, whole, data[0], 3);
  try_bytes(bytes, whole);
  free(bytes);
  return 0;
}
