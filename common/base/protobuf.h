/* Protobuf: a message of protocol buffers, field by field: what TensorBoard's event files and ONNX are made of. */
#ifndef TROUPE_BASE_PROTOBUF_H
#define TROUPE_BASE_PROTOBUF_H

#include <stddef.h>
#include <stdint.h>

/* Initialise with {0}. */
typedef struct Protobuf {
  unsigned char *at; /* owned */
  size_t size, room;
} Protobuf;

void protobuf_free(Protobuf *message); /* idempotent */

/* Bytes as they are, and the lower `size` bytes of a number, the lowest first: no fields. */
void protobuf_put(Protobuf *message, const void *from, size_t size);
void protobuf_put_little(Protobuf *message, uint64_t value, int size);

void protobuf_integer(Protobuf *message, int field, int64_t value);
void protobuf_float(Protobuf *message, int field, float value);
void protobuf_double(Protobuf *message, int field, double value);
void protobuf_bytes(Protobuf *message, int field, const void *from, size_t size);
void protobuf_text(Protobuf *message, int field, const char *text);
/* Takes `part`: frees it. */
void protobuf_message(Protobuf *message, int field, Protobuf *part);

#endif
