/* Protobuf: a tag before each value, lengths before bytes. */
#include "common/base/protobuf.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/status.h"

typedef enum Wire { WIRE_VARINT, WIRE_64, WIRE_BYTES, WIRE_32 = 5 } Wire;

void protobuf_free(Protobuf *message) {
  free(message->at);
  *message = (Protobuf){0};
}

void protobuf_put(Protobuf *message, const void *from, size_t size) {
  if (!size) return;
  if (message->size + size > message->room) {
    message->room = 2 * (message->size + size);
    message->at = xrealloc(message->at, message->room);
  }
  memcpy(message->at + message->size, from, size);
  message->size += size;
}

void protobuf_put_little(Protobuf *message, uint64_t value, int size) {
  for (int i = 0; i < size; i++) protobuf_put(message, &(unsigned char){(unsigned char)(value >> (8 * i))}, 1);
}

static void put_varint(Protobuf *message, uint64_t value) {
  for (; value > 127; value >>= 7) protobuf_put_little(message, (value & 127) | 128, 1);
  protobuf_put_little(message, value, 1);
}

static void put_tag(Protobuf *message, int field, Wire wire) { put_varint(message, (uint64_t)field << 3 | wire); }

void protobuf_integer(Protobuf *message, int field, int64_t value) {
  put_tag(message, field, WIRE_VARINT);
  put_varint(message, (uint64_t)value);
}

void protobuf_float(Protobuf *message, int field, float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  put_tag(message, field, WIRE_32);
  protobuf_put_little(message, bits, 4);
}

void protobuf_double(Protobuf *message, int field, double value) {
  uint64_t bits;
  memcpy(&bits, &value, sizeof bits);
  put_tag(message, field, WIRE_64);
  protobuf_put_little(message, bits, 8);
}

void protobuf_bytes(Protobuf *message, int field, const void *from, size_t size) {
  put_tag(message, field, WIRE_BYTES);
  put_varint(message, size);
  protobuf_put(message, from, size);
}

void protobuf_text(Protobuf *message, int field, const char *text) {
  protobuf_bytes(message, field, text, strlen(text));
}

void protobuf_message(Protobuf *message, int field, Protobuf *part) {
  protobuf_bytes(message, field, part->at, part->size);
  protobuf_free(part);
}
