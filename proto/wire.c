/* Little-endian bytes, checked. Arrays go by memcpy where the machine is little-endian. */
#include "proto/wire.h"

#include <string.h>

#include "common/base/crc32c.h"

static const unsigned char magic[4] = {'T', 'R', 'P', 'E'};

static bool little_endian(void) {
  const uint16_t one = 1;
  unsigned char first;
  memcpy(&first, &one, 1);
  return first == 1;
}

/* Room for `size` bytes, or NULL and failed. */
static unsigned char *room(WireWriter *writer, size_t size) {
  if (writer->failed || size > writer->capacity - writer->at) {
    writer->failed = true;
    return NULL;
  }
  unsigned char *p = writer->bytes + writer->at;
  writer->at += size;
  return p;
}

static void put(WireWriter *writer, uint64_t value, int size) {
  unsigned char *p = room(writer, (size_t)size);
  for (int i = 0; p && i < size; i++) p[i] = (unsigned char)(value >> 8 * i);
}

void wire_put_u8(WireWriter *writer, uint8_t value) { put(writer, value, 1); }
void wire_put_u16(WireWriter *writer, uint16_t value) { put(writer, value, 2); }
void wire_put_u32(WireWriter *writer, uint32_t value) { put(writer, value, 4); }
void wire_put_u64(WireWriter *writer, uint64_t value) { put(writer, value, 8); }
void wire_put_i32(WireWriter *writer, int32_t value) { put(writer, (uint32_t)value, 4); }
void wire_put_i64(WireWriter *writer, int64_t value) { put(writer, (uint64_t)value, 8); }

void wire_put_f64(WireWriter *writer, double value) {
  uint64_t bits;
  memcpy(&bits, &value, 8);
  put(writer, bits, 8);
}

void wire_put_bytes(WireWriter *writer, const void *bytes, size_t size) {
  unsigned char *p = room(writer, size);
  if (p && size) memcpy(p, bytes, size);
}

void wire_put_text(WireWriter *writer, const char *text) {
  size_t size = strlen(text);
  if (size > UINT16_MAX) size = UINT16_MAX;
  wire_put_u16(writer, (uint16_t)size);
  wire_put_bytes(writer, text, size);
}

/* Copies `count` values of `width` bytes between the machine's order and little-endian. */
static void copy_values(void *to, const void *from, size_t count, size_t width) {
  if (!count) return;
  if (little_endian()) {
    memcpy(to, from, count * width);
    return;
  }
  for (size_t i = 0; i < count; i++)
    for (size_t b = 0; b < width; b++)
      ((unsigned char *)to)[i * width + b] = ((const unsigned char *)from)[i * width + width - 1 - b];
}

static void put_values(WireWriter *writer, const void *values, size_t count, size_t width) {
  unsigned char *p = count > SIZE_MAX / width ? NULL : room(writer, count * width);
  if (p) copy_values(p, values, count, width);
  else writer->failed = true;
}

void wire_put_i32s(WireWriter *writer, const int32_t *values, size_t count) { put_values(writer, values, count, 4); }
void wire_put_f32s(WireWriter *writer, const float *values, size_t count) { put_values(writer, values, count, 4); }
void wire_put_f64s(WireWriter *writer, const double *values, size_t count) { put_values(writer, values, count, 8); }

size_t wire_left(const WireReader *reader) { return reader->failed ? 0 : reader->size - reader->at; }

const unsigned char *wire_get_bytes(WireReader *reader, size_t size) {
  if (reader->failed || size > reader->size - reader->at) {
    reader->failed = true;
    return NULL;
  }
  const unsigned char *p = reader->bytes + reader->at;
  reader->at += size;
  return p;
}

static uint64_t get(WireReader *reader, int size) {
  const unsigned char *p = wire_get_bytes(reader, (size_t)size);
  uint64_t value = 0;
  for (int i = 0; p && i < size; i++) value |= (uint64_t)p[i] << 8 * i;
  return value;
}

uint8_t wire_get_u8(WireReader *reader) { return (uint8_t)get(reader, 1); }
uint16_t wire_get_u16(WireReader *reader) { return (uint16_t)get(reader, 2); }
uint32_t wire_get_u32(WireReader *reader) { return (uint32_t)get(reader, 4); }
uint64_t wire_get_u64(WireReader *reader) { return get(reader, 8); }
int32_t wire_get_i32(WireReader *reader) { return (int32_t)wire_get_u32(reader); }
int64_t wire_get_i64(WireReader *reader) { return (int64_t)wire_get_u64(reader); }

double wire_get_f64(WireReader *reader) {
  uint64_t bits = get(reader, 8);
  double value;
  memcpy(&value, &bits, 8);
  return value;
}

void wire_get_text(WireReader *reader, char *text, size_t size) {
  size_t length = wire_get_u16(reader);
  text[0] = 0;
  if (length >= size) reader->failed = true;
  const unsigned char *p = wire_get_bytes(reader, length);
  if (!p) return;
  for (size_t i = 0; i < length; i++)
    if (p[i] < 0x20 || p[i] == 0x7f) {
      reader->failed = true;
      return;
    }
  memcpy(text, p, length);
  text[length] = 0;
}

static void get_values(WireReader *reader, void *values, size_t count, size_t width) {
  const unsigned char *p = count > SIZE_MAX / width ? NULL : wire_get_bytes(reader, count * width);
  if (p) copy_values(values, p, count, width);
  else if (count <= SIZE_MAX / width) memset(values, 0, count * width);
}

void wire_get_i32s(WireReader *reader, int32_t *values, size_t count) { get_values(reader, values, count, 4); }
void wire_get_f32s(WireReader *reader, float *values, size_t count) { get_values(reader, values, count, 4); }
void wire_get_f64s(WireReader *reader, double *values, size_t count) { get_values(reader, values, count, 8); }

void wire_header_put(unsigned char *bytes, size_t size, uint16_t type, uint32_t epoch) {
  CHECK(size >= WIRE_HEADER && size - WIRE_HEADER <= UINT32_MAX);
  WireWriter writer = {bytes, WIRE_HEADER, 0, false};
  wire_put_bytes(&writer, magic, 4);
  wire_put_u16(&writer, WIRE_VERSION);
  wire_put_u16(&writer, type);
  wire_put_u32(&writer, epoch);
  wire_put_u32(&writer, (uint32_t)(size - WIRE_HEADER));
  wire_put_u32(&writer, crc32c(0, bytes + WIRE_HEADER, size - WIRE_HEADER));
}

Status wire_header_get(const unsigned char *bytes, size_t size, WireHeader *header) {
  if (size < WIRE_HEADER)
    return status_set(BAD_INPUT, "message of %zu bytes; expected a header of %d", size, WIRE_HEADER);
  if (memcmp(bytes, magic, 4) != 0) return status_set(BAD_INPUT, "message without the magic TRPE");
  WireReader reader = {bytes, WIRE_HEADER, 4, false};
  unsigned version = wire_get_u16(&reader);
  *header = (WireHeader){.type = wire_get_u16(&reader)};
  header->epoch = wire_get_u32(&reader);
  header->body_bytes = wire_get_u32(&reader);
  header->body_crc = wire_get_u32(&reader);
  if (version != WIRE_VERSION)
    return status_set(BAD_INPUT, "message of protocol version %u; expected %d: do all ranks run the same troupe?",
                      version, WIRE_VERSION);
  if (header->body_bytes != size - WIRE_HEADER)
    return status_set(BAD_INPUT, "message whose header says %u bytes of body; %zu came", header->body_bytes,
                      size - WIRE_HEADER);
  uint32_t crc = crc32c(0, bytes + WIRE_HEADER, size - WIRE_HEADER);
  if (crc != header->body_crc)
    return status_set(BAD_INPUT, "message with CRC32C %08x; its header says %08x", crc, header->body_crc);
  return OK;
}
