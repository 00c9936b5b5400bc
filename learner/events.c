/* TensorBoard's event files, written record by record. */
#include "learner/events.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/crc32c.h"
#include "common/base/file.h"
#include "common/base/protobuf.h"

static void put_masked_crc(Protobuf *bytes, const void *of, size_t size) {
  uint32_t crc = crc32c(0, of, size);
  protobuf_put_little(bytes, (uint32_t)((crc >> 15 | crc << 17) + 0xa282ead8u), 4);
}

static void put_record(Protobuf *file, const Protobuf *event) {
  size_t at = file->size;
  protobuf_put_little(file, event->size, 8);
  unsigned char length[8];
  memcpy(length, file->at + at, sizeof length);
  put_masked_crc(file, length, sizeof length);
  protobuf_put(file, event->at, event->size);
  put_masked_crc(file, event->at, event->size);
}

static void put_beginning(Protobuf *file, int64_t step) {
  enum { START = 1 };
  Protobuf event = {0}, session = {0};
  protobuf_double(&event, 1, clock_wall());
  protobuf_text(&event, 3, "brain.Event:2");
  put_record(file, &event);
  event.size = 0;
  protobuf_integer(&session, 1, START);
  protobuf_double(&event, 1, clock_wall());
  protobuf_integer(&event, 2, step);
  protobuf_message(&event, 7, &session);
  put_record(file, &event);
  protobuf_free(&event);
}

static void put_scalars(Protobuf *file, int64_t step, const json_t *line) {
  Protobuf event = {0}, summary = {0};
  const char *name;
  json_t *number;
  json_object_foreach((json_t *)line, name, number) {
    if (!json_is_number(number) || strcmp(name, "iteration") == 0) continue;
    Protobuf value = {0};
    protobuf_text(&value, 1, name);
    protobuf_float(&value, 2, (float)json_number_value(number));
    protobuf_message(&summary, 1, &value);
  }
  protobuf_double(&event, 1, clock_wall());
  protobuf_integer(&event, 2, step);
  protobuf_message(&event, 5, &summary);
  put_record(file, &event);
  protobuf_free(&event);
}

char *events_path(const char *folder) {
  char host[256] = "host", name[400];
  gethostname(host, sizeof host - 1);
  snprintf(name, sizeof name, "events.out.tfevents.%lld.%s.%d", (long long)clock_wall(), host, (int)getpid());
  return path_join(folder, name);
}

Status events_append(const char *path, const json_t *line) {
  int64_t step = json_integer_value(json_object_get(line, "iteration"));
  Protobuf file = {0};
  if (!file_exists(path)) put_beginning(&file, step);
  put_scalars(&file, step, line);
  Status status = file_append(path, file.at, file.size);
  protobuf_free(&file);
  return status;
}
