/* Wire: little-endian values to and from a caller's buffer, with bounds checks, and the fixed header before each
 * message. A writer or reader that runs out of bytes sets `failed` and stays failed: check once at the end. No
 * allocation here. */
#ifndef TROUPE_PROTO_WIRE_H
#define TROUPE_PROTO_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/status.h"

enum { WIRE_VERSION = 4, WIRE_HEADER = 20 };

typedef struct WireWriter {
  unsigned char *bytes; /* borrowed */
  size_t capacity, at;
  bool failed;
} WireWriter;

typedef struct WireReader {
  const unsigned char *bytes; /* borrowed */
  size_t size, at;
  bool failed;
} WireReader;

void wire_put_u8(WireWriter *writer, uint8_t value);
void wire_put_u16(WireWriter *writer, uint16_t value);
void wire_put_u32(WireWriter *writer, uint32_t value);
void wire_put_u64(WireWriter *writer, uint64_t value);
void wire_put_i32(WireWriter *writer, int32_t value);
void wire_put_i64(WireWriter *writer, int64_t value);
void wire_put_f64(WireWriter *writer, double value);
void wire_put_text(WireWriter *writer, const char *text); /* u16 length, bytes; cut at 65535 */
void wire_put_bytes(WireWriter *writer, const void *bytes, size_t size);
void wire_put_i32s(WireWriter *writer, const int32_t *values, size_t count);
void wire_put_f32s(WireWriter *writer, const float *values, size_t count);
void wire_put_f64s(WireWriter *writer, const double *values, size_t count);

/* A failed read gives 0 (arrays: zeros). */
uint8_t wire_get_u8(WireReader *reader);
uint16_t wire_get_u16(WireReader *reader);
uint32_t wire_get_u32(WireReader *reader);
uint64_t wire_get_u64(WireReader *reader);
int32_t wire_get_i32(WireReader *reader);
int64_t wire_get_i64(WireReader *reader);
double wire_get_f64(WireReader *reader);
/* Fails when the text with its NUL does not fit `size`, or has a control character (it is going to be logged). */
void wire_get_text(WireReader *reader, char *text, size_t size);
/* Borrowed from the reader's bytes; NULL when fewer are left. */
const unsigned char *wire_get_bytes(WireReader *reader, size_t size);
void wire_get_i32s(WireReader *reader, int32_t *values, size_t count);
void wire_get_f32s(WireReader *reader, float *values, size_t count);
void wire_get_f64s(WireReader *reader, double *values, size_t count);
size_t wire_left(const WireReader *reader);

typedef struct WireHeader {
  uint16_t type;
  uint32_t epoch, body_bytes, body_crc;
} WireHeader;

/* Fills the first WIRE_HEADER bytes of a message of `size` bytes whose body is already there. */
void wire_header_put(unsigned char *bytes, size_t size, uint16_t type, uint32_t epoch);
/* BAD_INPUT: too short, magic, version, size, CRC. */
Status wire_header_get(const unsigned char *bytes, size_t size, WireHeader *header);

#endif
