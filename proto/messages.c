/* The message table, and each message's way to bytes and back. */
#include "proto/messages.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "proto/wire.h"

/* Bytes of a text of at most size - 1 characters. */
#define TEXT(size) (2 + (size)-1)

enum {
  PROCESS_MIN = 2 + 2 + 4 + 8,
  PROCESS_MAX = TEXT(HOST_TEXT) + TEXT(HASH_TEXT) + 4 + 8,
  SEGMENT_BYTES = 4 + 4 + 8 + 8,
  NAME_BYTES = 1 + 8 + 4 + 8 + 8, /* work, iteration, chunk, versions */
  ASSIGN_FIXED = WIRE_HEADER + NAME_BYTES + 2 * 4 + 4,
  RESULT_FIXED = WIRE_HEADER + NAME_BYTES + 4 * 4 + 1 + 8 * SECONDS_KINDS + 8,
};

static const MessageRow rows[MESSAGE_TYPES] = {
    [MESSAGE_HELLO] = {"HELLO", WIRE_HEADER + 3 * 2 + 8 + PROCESS_MIN + SEGMENT_BYTES,
                       WIRE_HEADER + 2 * TEXT(HASH_TEXT) + 8 + TEXT(KERNEL_TEXT) + PROCESS_MAX + SEGMENT_BYTES,
                       TO_LEARNER, false},
    [MESSAGE_WELCOME] = {"WELCOME", WIRE_HEADER + 1 + 2 + 4 + 4 + 8 + 8 + 4 + SEGMENT_BYTES + PROCESS_MIN,
                         WIRE_HEADER + 1 + TEXT(REASON_TEXT) + 4 + 4 + 8 + 8 + 4 + SEGMENT_BYTES + PROCESS_MAX,
                         TO_ACTOR, false},
    [MESSAGE_SNAPSHOT_BEGIN] = {"SNAPSHOT_BEGIN", WIRE_HEADER + 16, WIRE_HEADER + 16, TO_ACTOR, false},
    [MESSAGE_SNAPSHOT_PIECE] = {"SNAPSHOT_PIECE", 4, PIECE_BYTES, TO_ACTOR, true},
    [MESSAGE_SNAPSHOT_END] = {"SNAPSHOT_END", WIRE_HEADER + 8, WIRE_HEADER + 8, TO_ACTOR, false},
    [MESSAGE_SNAPSHOT_TAKEN] = {"SNAPSHOT_TAKEN", WIRE_HEADER + 4, WIRE_HEADER + 4, TO_LEARNER, false},
    [MESSAGE_ASSIGN] = {"ASSIGN", ASSIGN_FIXED + 4, ASSIGN_FIXED + 4 * CHUNK_IMAGES_MAX, TO_ACTOR, false},
    [MESSAGE_RESULT] = {"RESULT", RESULT_FIXED + 8, MESSAGE_BYTES_MAX, TO_LEARNER, false},
    [MESSAGE_HEARTBEAT] = {"HEARTBEAT", WIRE_HEADER + 4, WIRE_HEADER + 4, TO_LEARNER | TO_ACTOR, false},
    [MESSAGE_REJOIN] = {"REJOIN", WIRE_HEADER + 4, WIRE_HEADER + 4, TO_ACTOR, false},
    [MESSAGE_STOP] = {"STOP", WIRE_HEADER + 1 + 2, WIRE_HEADER + 1 + TEXT(REASON_TEXT), TO_ACTOR, false},
    [MESSAGE_GOODBYE] = {"GOODBYE", WIRE_HEADER + 2 + 1, WIRE_HEADER + TEXT(REASON_TEXT) + 1 + 8 * PROFILE_DOUBLES,
                         TO_LEARNER, false},
};

const MessageRow *message_row(int type) { return type >= MESSAGE_HELLO && type < MESSAGE_TYPES ? &rows[type] : NULL; }

/* --- results ------------------------------------------------------------------------------------------------------ */

static size_t aligned(size_t bytes) { return (bytes + 7) & ~(size_t)7; }

void result_init(Result *result, int images, int captions, int tokens, int components, bool has_reference,
                 bool has_baseline) {
  CHECK(images >= 0 && captions >= 0 && tokens >= 0 && components >= 0);
  size_t m = (size_t)images, c = (size_t)captions, t = (size_t)tokens, k = (size_t)components;
  size_t sizes[10] = {aligned(8 * c), aligned(8 * c * k),   has_baseline ? 8 * m : 0,
                      aligned(4 * m), aligned(4 * (m + 1)), aligned(4 * (c + 1)),
                      aligned(4 * t), aligned(4 * t),       has_reference ? aligned(4 * t) : 0,
                      aligned(c)};
  size_t total = 0;
  for (int i = 0; i < 10; i++) total += sizes[i];
  unsigned char *p = xcalloc(total ? total : 1, 1), *at[10];
  for (int i = 0; i < 10; p += sizes[i++]) at[i] = p;
  *result = (Result){.images = images,
                     .captions = captions,
                     .tokens = tokens,
                     .components = components,
                     .has_reference = has_reference,
                     .has_baseline = has_baseline,
                     .reward = (double *)(void *)at[0],
                     .component = (double *)(void *)at[1],
                     .baseline = has_baseline ? (double *)(void *)at[2] : NULL,
                     .image = (int32_t *)(void *)at[3],
                     .image_start = (int32_t *)(void *)at[4],
                     .caption_start = (int32_t *)(void *)at[5],
                     .token = (int32_t *)(void *)at[6],
                     .logp = (float *)(void *)at[7],
                     .reference_logp = has_reference ? (float *)(void *)at[8] : NULL,
                     .finished = at[9],
                     .block = at[0]};
}

void result_free(Result *result) {
  free(result->block);
  *result = (Result){0};
}

void result_name(Result *result, const Assignment *assignment) {
  CHECK(result->images == assignment->images);
  result->work = assignment->work;
  result->iteration = assignment->iteration;
  result->chunk = assignment->chunk;
  result->policy_version = assignment->policy_version;
  result->reference_version = assignment->reference_version;
  memcpy(result->image, assignment->image, sizeof(int32_t) * (size_t)assignment->images);
}

size_t result_bytes(int images, int captions, int tokens, int components, bool has_reference, bool has_baseline) {
  return RESULT_FIXED + (size_t)images * (8 + (has_baseline ? 8 : 0)) +
         (size_t)captions * (4 + 1 + 8 + 8 * (size_t)components) + (size_t)tokens * (8 + (has_reference ? 4 : 0));
}

/* --- to bytes ----------------------------------------------------------------------------------------------------- */

static void put_process(WireWriter *w, const ProcessName *process) {
  wire_put_text(w, process->host);
  wire_put_text(w, process->machine);
  wire_put_i32(w, process->pid);
  wire_put_u64(w, process->started);
}

static void put_segment(WireWriter *w, const SegmentName *segment) {
  wire_put_i32(w, segment->pid);
  wire_put_i32(w, segment->descriptor);
  wire_put_u64(w, segment->started);
  wire_put_u64(w, segment->inode);
}

static void put_name(WireWriter *w, Work work, int64_t iteration, int32_t chunk, int64_t policy, int64_t reference) {
  wire_put_u8(w, (uint8_t)work);
  wire_put_i64(w, iteration);
  wire_put_i32(w, chunk);
  wire_put_i64(w, policy);
  wire_put_i64(w, reference);
}

static void put_result(WireWriter *w, const Result *r) {
  put_name(w, r->work, r->iteration, r->chunk, r->policy_version, r->reference_version);
  wire_put_i32(w, r->images);
  wire_put_i32(w, r->captions);
  wire_put_i32(w, r->tokens);
  wire_put_i32(w, r->components);
  wire_put_u8(w, (uint8_t)((r->has_reference ? 1 : 0) | (r->has_baseline ? 2 : 0)));
  wire_put_f64s(w, r->seconds, SECONDS_KINDS);
  wire_put_f64(w, r->kept_mass);
  wire_put_i32s(w, r->image, (size_t)r->images);
  for (int i = 0; i < r->images; i++) wire_put_i32(w, r->image_start[i + 1] - r->image_start[i]);
  for (int c = 0; c < r->captions; c++) wire_put_i32(w, r->caption_start[c + 1] - r->caption_start[c]);
  wire_put_bytes(w, r->finished, (size_t)r->captions);
  wire_put_f64s(w, r->reward, (size_t)r->captions);
  wire_put_f64s(w, r->component, (size_t)r->captions * (size_t)r->components);
  if (r->has_baseline) wire_put_f64s(w, r->baseline, (size_t)r->images);
  wire_put_i32s(w, r->token, (size_t)r->tokens);
  wire_put_f32s(w, r->logp, (size_t)r->tokens);
  if (r->has_reference) wire_put_f32s(w, r->reference_logp, (size_t)r->tokens);
}

static void put_body(WireWriter *w, const Message *m) {
  switch (m->type) {
    case MESSAGE_HELLO:
      wire_put_text(w, m->hello.config_hash);
      wire_put_text(w, m->hello.dataset_hash);
      wire_put_u64(w, m->hello.floats);
      wire_put_text(w, m->hello.kernel);
      put_process(w, &m->hello.process);
      put_segment(w, &m->hello.segment);
      break;
    case MESSAGE_WELCOME:
      wire_put_u8(w, m->welcome.accepted);
      wire_put_text(w, m->welcome.reason);
      wire_put_u32(w, m->welcome.epoch);
      wire_put_u32(w, m->welcome.rank);
      wire_put_f64(w, m->welcome.heartbeat_s);
      wire_put_f64(w, m->welcome.silence_s);
      wire_put_u32(w, m->welcome.slots);
      put_segment(w, &m->welcome.segment);
      put_process(w, &m->welcome.process);
      break;
    case MESSAGE_SNAPSHOT_BEGIN:
      wire_put_u32(w, m->begin.slot);
      wire_put_u64(w, m->begin.floats);
      wire_put_u32(w, m->begin.pieces);
      break;
    case MESSAGE_SNAPSHOT_END:
      wire_put_u32(w, m->end.slot);
      wire_put_u32(w, m->end.crc);
      break;
    case MESSAGE_SNAPSHOT_TAKEN: wire_put_u32(w, m->taken.slot); break;
    case MESSAGE_ASSIGN: {
      const Assignment *a = &m->assignment;
      put_name(w, a->work, a->iteration, a->chunk, a->policy_version, a->reference_version);
      wire_put_i32(w, a->policy_slot);
      wire_put_i32(w, a->reference_slot);
      wire_put_i32(w, a->images);
      wire_put_i32s(w, a->image, (size_t)a->images);
      break;
    }
    case MESSAGE_RESULT: put_result(w, &m->result); break;
    case MESSAGE_HEARTBEAT: wire_put_u32(w, m->heartbeat.count); break;
    case MESSAGE_REJOIN: wire_put_u32(w, m->rejoin.epoch); break;
    case MESSAGE_STOP:
      wire_put_u8(w, m->stop.finalize);
      wire_put_text(w, m->stop.reason);
      break;
    case MESSAGE_GOODBYE:
      wire_put_text(w, m->goodbye.reason);
      wire_put_u8(w, m->goodbye.has_profile);
      if (m->goodbye.has_profile) wire_put_f64s(w, &m->goodbye.profile.wall_s, PROFILE_DOUBLES);
      break;
    case MESSAGE_SNAPSHOT_PIECE:
    case MESSAGE_TYPES: break;
  }
}

Status message_encode(const Message *message, unsigned char **bytes, size_t *size) {
  const MessageRow *row = message_row((int)message->type);
  CHECK(row && !row->raw);
  size_t capacity = row->max_bytes;
  if (message->type == MESSAGE_RESULT) {
    const Result *r = &message->result;
    capacity = result_bytes(r->images, r->captions, r->tokens, r->components, r->has_reference, r->has_baseline);
    if (capacity > row->max_bytes || r->images > CHUNK_IMAGES_MAX || r->captions > CHUNK_CAPTIONS_MAX ||
        r->components > COMPONENTS_MAX)
      return status_set(BAD_INPUT,
                        "result of %d images, %d captions, %d tokens, %d rewards has %zu bytes; expected at most %d, "
                        "%d images, %d captions, %d rewards: lower actors.chunk_images",
                        r->images, r->captions, r->tokens, r->components, capacity, MESSAGE_BYTES_MAX, CHUNK_IMAGES_MAX,
                        CHUNK_CAPTIONS_MAX, COMPONENTS_MAX);
  }
  unsigned char *buffer = xmalloc(capacity);
  WireWriter writer = {buffer, capacity, WIRE_HEADER, false};
  put_body(&writer, message);
  CHECK(!writer.failed); /* capacity comes from the same sizes */
  wire_header_put(buffer, writer.at, (uint16_t)message->type, message->epoch);
  *bytes = buffer;
  *size = writer.at;
  return OK;
}

/* --- from bytes --------------------------------------------------------------------------------------------------- */

static void get_process(WireReader *r, ProcessName *process) {
  wire_get_text(r, process->host, sizeof process->host);
  wire_get_text(r, process->machine, sizeof process->machine);
  process->pid = wire_get_i32(r);
  process->started = wire_get_u64(r);
}

static void get_segment(WireReader *r, SegmentName *segment) {
  segment->pid = wire_get_i32(r);
  segment->descriptor = wire_get_i32(r);
  segment->started = wire_get_u64(r);
  segment->inode = wire_get_u64(r);
  if (segment->descriptor < -1) r->failed = true;
}

static bool get_flag(WireReader *r) {
  uint8_t value = wire_get_u8(r);
  if (value > 1) r->failed = true;
  return value == 1;
}

/* A number of seconds that makes sense; not NaN. */
static double get_seconds(WireReader *r) {
  double value = wire_get_f64(r);
  if (!(value >= 0 && value <= 1e9)) r->failed = true;
  return value;
}

static int64_t get_version(WireReader *r) {
  int64_t version = wire_get_i64(r);
  if (version < VERSION_NONE) r->failed = true;
  return version;
}

static Work get_work(WireReader *r) {
  uint8_t work = wire_get_u8(r);
  if (work != WORK_ROLLOUT && work != WORK_EVALUATE) r->failed = true;
  return (Work)work;
}

static int32_t get_count(WireReader *r, int32_t low, int32_t high) {
  int32_t count = wire_get_i32(r);
  if (count >= low && count <= high) return count;
  r->failed = true;
  return 0;
}

static int64_t get_iteration(WireReader *r) {
  int64_t iteration = wire_get_i64(r);
  if (iteration < 0) r->failed = true;
  return iteration;
}

static void get_images(WireReader *r, int32_t *image, int images) {
  wire_get_i32s(r, image, (size_t)images);
  for (int i = 0; i < images; i++)
    if (image[i] < 0) r->failed = true;
}

/* Reads `count` lengths of at least `least` that must add up to `total`, into start[count + 1]. */
static void get_starts(WireReader *r, int32_t *start, int count, int32_t least, int32_t total) {
  int64_t at = 0;
  start[0] = 0;
  for (int i = 0; i < count; i++) {
    int32_t length = wire_get_i32(r);
    if (length < least || at + length > total) r->failed = true;
    if (r->failed) return;
    at += length;
    start[i + 1] = (int32_t)at;
  }
  if (at != total) r->failed = true;
}

static void get_result(WireReader *r, Result *result) {
  Result name = {.work = get_work(r), .iteration = get_iteration(r)};
  name.chunk = get_count(r, 0, INT32_MAX);
  name.policy_version = get_version(r);
  name.reference_version = get_version(r);
  int images = get_count(r, 1, CHUNK_IMAGES_MAX), captions = get_count(r, 0, CHUNK_CAPTIONS_MAX);
  int tokens = get_count(r, 0, MESSAGE_BYTES_MAX / 8), components = get_count(r, 0, COMPONENTS_MAX);
  uint8_t flags = wire_get_u8(r);
  for (int i = 0; i < SECONDS_KINDS; i++) name.seconds[i] = get_seconds(r);
  name.kept_mass = wire_get_f64(r);
  if (!(name.kept_mass >= 0 && name.kept_mass <= 1)) r->failed = true;
  if (flags > 3) r->failed = true;
  bool has_reference = flags & 1, has_baseline = flags & 2;
  size_t expected = result_bytes(images, captions, tokens, components, has_reference, has_baseline);
  if (r->failed || expected - RESULT_FIXED != wire_left(r)) {
    r->failed = true;
    return;
  }
  result_init(result, images, captions, tokens, components, has_reference, has_baseline);
  result->work = name.work;
  result->iteration = name.iteration;
  result->chunk = name.chunk;
  result->policy_version = name.policy_version;
  result->reference_version = name.reference_version;
  result->kept_mass = name.kept_mass;
  memcpy(result->seconds, name.seconds, sizeof name.seconds);
  get_images(r, result->image, images);
  get_starts(r, result->image_start, images, 0, captions);
  get_starts(r, result->caption_start, captions, 0, tokens);
  const unsigned char *finished = wire_get_bytes(r, (size_t)captions);
  for (int c = 0; finished && c < captions; c++) {
    result->finished[c] = finished[c];
    if (finished[c] > 1) r->failed = true;
  }
  wire_get_f64s(r, result->reward, (size_t)captions);
  wire_get_f64s(r, result->component, (size_t)captions * (size_t)components);
  if (has_baseline) wire_get_f64s(r, result->baseline, (size_t)images);
  wire_get_i32s(r, result->token, (size_t)tokens);
  for (int t = 0; t < tokens; t++)
    if (result->token[t] < 0) r->failed = true;
  wire_get_f32s(r, result->logp, (size_t)tokens);
  if (has_reference) wire_get_f32s(r, result->reference_logp, (size_t)tokens);
}

static void get_assignment(WireReader *r, Assignment *a) {
  a->work = get_work(r);
  a->iteration = get_iteration(r);
  a->chunk = get_count(r, 0, INT32_MAX);
  a->policy_version = get_version(r);
  a->reference_version = get_version(r);
  a->policy_slot = get_count(r, 0, SLOTS_MAX - 1);
  a->reference_slot = get_count(r, -1, SLOTS_MAX - 1);
  a->images = get_count(r, 1, CHUNK_IMAGES_MAX);
  if (a->policy_version == VERSION_NONE || (a->reference_version == VERSION_NONE) != (a->reference_slot == -1))
    r->failed = true;
  if (!r->failed) get_images(r, a->image, a->images);
}

static void get_begin(WireReader *r, SnapshotBegin *begin) {
  begin->slot = wire_get_u32(r);
  begin->floats = wire_get_u64(r);
  begin->pieces = wire_get_u32(r);
  if (begin->slot >= SLOTS_MAX || begin->floats == 0 || begin->floats > (uint64_t)UINT32_MAX * PIECE_FLOATS ||
      begin->pieces != (begin->floats + PIECE_FLOATS - 1) / PIECE_FLOATS)
    r->failed = true;
}

static void get_profile(WireReader *r, ProfileTotals *profile) {
  double *values = &profile->wall_s;
  wire_get_f64s(r, values, PROFILE_DOUBLES);
  for (int i = 0; i < PROFILE_DOUBLES; i++)
    if (!(values[i] >= 0 && isfinite(values[i]))) r->failed = true;
}

static void get_body(WireReader *r, Message *m) {
  switch (m->type) {
    case MESSAGE_HELLO:
      wire_get_text(r, m->hello.config_hash, sizeof m->hello.config_hash);
      wire_get_text(r, m->hello.dataset_hash, sizeof m->hello.dataset_hash);
      m->hello.floats = wire_get_u64(r);
      wire_get_text(r, m->hello.kernel, sizeof m->hello.kernel);
      get_process(r, &m->hello.process);
      get_segment(r, &m->hello.segment);
      break;
    case MESSAGE_WELCOME:
      m->welcome.accepted = get_flag(r);
      wire_get_text(r, m->welcome.reason, sizeof m->welcome.reason);
      m->welcome.epoch = wire_get_u32(r);
      m->welcome.rank = wire_get_u32(r);
      if (m->welcome.rank > INT32_MAX) r->failed = true;
      m->welcome.heartbeat_s = get_seconds(r);
      m->welcome.silence_s = get_seconds(r);
      m->welcome.slots = wire_get_u32(r);
      if (m->welcome.slots > SLOTS_MAX) r->failed = true;
      get_segment(r, &m->welcome.segment);
      get_process(r, &m->welcome.process);
      break;
    case MESSAGE_SNAPSHOT_BEGIN: get_begin(r, &m->begin); break;
    case MESSAGE_SNAPSHOT_END:
      m->end.slot = wire_get_u32(r);
      m->end.crc = wire_get_u32(r);
      if (m->end.slot >= SLOTS_MAX) r->failed = true;
      break;
    case MESSAGE_SNAPSHOT_TAKEN:
      m->taken.slot = wire_get_u32(r);
      if (m->taken.slot >= SLOTS_MAX) r->failed = true;
      break;
    case MESSAGE_ASSIGN: get_assignment(r, &m->assignment); break;
    case MESSAGE_RESULT: get_result(r, &m->result); break;
    case MESSAGE_HEARTBEAT: m->heartbeat.count = wire_get_u32(r); break;
    case MESSAGE_REJOIN: m->rejoin.epoch = wire_get_u32(r); break;
    case MESSAGE_STOP:
      m->stop.finalize = get_flag(r);
      wire_get_text(r, m->stop.reason, sizeof m->stop.reason);
      break;
    case MESSAGE_GOODBYE:
      wire_get_text(r, m->goodbye.reason, sizeof m->goodbye.reason);
      m->goodbye.has_profile = get_flag(r);
      if (m->goodbye.has_profile) get_profile(r, &m->goodbye.profile);
      break;
    case MESSAGE_SNAPSHOT_PIECE:
    case MESSAGE_TYPES: r->failed = true; break;
  }
}

Status message_decode(const unsigned char *bytes, size_t size, Direction direction, Message *message) {
  WireHeader header;
  TRY(wire_header_get(bytes, size, &header));
  const MessageRow *row = message_row(header.type);
  if (!row || row->raw) return status_set(BAD_INPUT, "message of type %u, which does not exist", header.type);
  if (!(row->directions & (unsigned)direction))
    return status_set(BAD_INPUT, "message %s, which %s does not receive", row->name,
                      direction == TO_LEARNER ? "a learner" : "an actor");
  if (size < row->min_bytes || size > row->max_bytes)
    return status_set(BAD_INPUT, "message %s of %zu bytes; expected %zu to %zu", row->name, size, row->min_bytes,
                      row->max_bytes);
  memset(message, 0, sizeof *message);
  message->type = (MessageType)header.type;
  message->epoch = header.epoch;
  WireReader reader = {bytes, size, WIRE_HEADER, false};
  get_body(&reader, message);
  if (!reader.failed && reader.at == size) return OK;
  message_free(message);
  return status_set(BAD_INPUT, "message %s with a field out of bounds or a length that does not fit", row->name);
}

void message_free(Message *message) {
  if (message->type == MESSAGE_RESULT) result_free(&message->result);
  message->type = MESSAGE_TYPES;
}
