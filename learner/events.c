/* TensorBoard's event files, written record by record. */
#include "learner/events.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/crc32c.h"
#include "common/base/file.h"

typedef struct Bytes {
  unsigned char *at; /* owned */
  size_t size, capacity;
} Bytes;

static void put(Bytes *bytes, const void *from, size_t size) {
  if (bytes->size + size > bytes->capacity) {
    bytes->capacity = 2 * (bytes->size + size);
    bytes->at = xrealloc(bytes->at, bytes->capacity);
  }
  memcpy(bytes->at + bytes->size, from, size);
  bytes->size += size;
}

static void put_little(Bytes *bytes, uint64_t value, int size) {
  for (int i = 0; i < size; i++) put(bytes, &(unsigned char){(unsigned char)(value >> (8 * i))}, 1);
}

/* --- protocol buffers ---------------------------------------------------------------------------------------------- */

typedef enum Wire { WIRE_VARINT, WIRE_64, WIRE_BYTES, WIRE_32 = 5 } Wire;

static void put_varint(Bytes *bytes, uint64_t value) {
  for (; value > 127; value >>= 7) put_little(bytes, (value & 127) | 128, 1);
  put_little(bytes, value, 1);
}

static void put_tag(Bytes *bytes, int field, Wire wire) { put_varint(bytes, (uint64_t)field << 3 | wire); }

static void put_integer(Bytes *bytes, int field, int64_t value) {
  put_tag(bytes, field, WIRE_VARINT);
  put_varint(bytes, (uint64_t)value);
}

static void put_double(Bytes *bytes, int field, double value) {
  uint64_t bits;
  memcpy(&bits, &value, sizeof bits);
  put_tag(bytes, field, WIRE_64);
  put_little(bytes, bits, 8);
}

static void put_float(Bytes *bytes, int field, float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  put_tag(bytes, field, WIRE_32);
  put_little(bytes, bits, 4);
}

static void put_bytes(Bytes *bytes, int field, const void *from, size_t size) {
  put_tag(bytes, field, WIRE_BYTES);
  put_varint(bytes, size);
  put(bytes, from, size);
}

/* --- records ------------------------------------------------------------------------------------------------------- */

static void put_masked_crc(Bytes *bytes, const void *of, size_t size) {
  uint32_t crc = crc32c(0, of, size);
  put_little(bytes, (uint32_t)((crc >> 15 | crc << 17) + 0xa282ead8u), 4);
}

static void put_record(Bytes *file, const Bytes *event) {
  size_t at = file->size;
  put_little(file, event->size, 8);
  unsigned char length[8];
  memcpy(length, file->at + at, sizeof length);
  put_masked_crc(file, length, sizeof length);
  put(file, event->at, event->size);
  put_masked_crc(file, event->at, event->size);
}

static void put_beginning(Bytes *file, int64_t step) {
  static const char version[] = "brain.Event:2";
  enum { START = 1 };
  Bytes event = {0}, session = {0};
  put_double(&event, 1, clock_wall());
  put_bytes(&event, 3, version, sizeof version - 1);
  put_record(file, &event);
  event.size = 0;
  put_integer(&session, 1, START);
  put_double(&event, 1, clock_wall());
  put_integer(&event, 2, step);
  put_bytes(&event, 7, session.at, session.size);
  put_record(file, &event);
  free(event.at), free(session.at);
}

static void put_scalars(Bytes *file, int64_t step, const json_t *line) {
  Bytes event = {0}, summary = {0}, value = {0};
  const char *name;
  json_t *number;
  json_object_foreach((json_t *)line, name, number) {
    if (!json_is_number(number) || strcmp(name, "iteration") == 0) continue;
    value.size = 0;
    put_bytes(&value, 1, name, strlen(name));
    put_float(&value, 2, (float)json_number_value(number));
    put_bytes(&summary, 1, value.at, value.size);
  }
  put_double(&event, 1, clock_wall());
  put_integer(&event, 2, step);
  put_bytes(&event, 5, summary.at, summary.size);
  put_record(file, &event);
  free(event.at), free(summary.at), free(value.at);
}

char *events_path(const char *folder) {
  char host[256] = "host", name[400];
  gethostname(host, sizeof host - 1);
  snprintf(name, sizeof name, "events.out.tfevents.%lld.%s.%d", (long long)clock_wall(), host, (int)getpid());
  return path_join(folder, name);
}

Status events_append(const char *path, const json_t *line) {
  int64_t step = json_integer_value(json_object_get(line, "iteration"));
  Bytes file = {0};
  if (!file_exists(path)) put_beginning(&file, step);
  put_scalars(&file, step, line);
  Status status = file_append(path, file.at, file.size);
  free(file.at);
  return status;
}
