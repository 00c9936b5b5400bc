/* Fuzzes the protocol: any bytes are a message or refused, and a message that was read is written as the same bytes. The first
 * byte chooses the receiver. The header's size, type and CRC are set right, so that the fuzzer gets past them to the bodies. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "proto/messages.h"
#include "proto/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size < 1) return 0;
  Direction direction = data[0] & 1 ? TO_LEARNER : TO_ACTOR;
  int as_it_is = data[0] & 2;
  int type = 1 + (data[0] >> 2) % (MESSAGE_TYPES - 1);
  size_t bytes = size - 1;
  unsigned char *copy = malloc(bytes > 0 ? bytes : 1);
  CHECK(copy != NULL);
  memcpy(copy, data + 1, bytes);
  if (!as_it_is && bytes >= WIRE_HEADER) wire_header_put(copy, bytes, (uint16_t)type, 7);
  Message message;
  if (message_decode(copy, bytes, direction, &message) == OK) {
    unsigned char *again = NULL;
    size_t again_bytes = 0;
    CHECK(message_encode(&message, &again, &again_bytes) == OK);
    CHECK(again_bytes == bytes && memcmp(again, copy, bytes) == 0);
    free(again);
    message_free(&message);
  } else {
    CHECK(status_message()[0] != '\0');
  }
  free(copy);
  return 0;
}
