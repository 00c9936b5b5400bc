/* Every message: to bytes and back, its size in the table's bounds, and no mutation of it accepted or half read. With
 * TROUPE_CORPUS=FOLDER it writes the seeds of tests/fuzz/corpus/wire_fuzz. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/rng.h"
#include "proto/messages.h"
#include "proto/wire.h"

static uint32_t draw(uint32_t a, uint32_t b) {
  RngKey key = {11, RNG_TEST, a, b, 0, 0};
  uint32_t out[4];
  rng_words(&key, out);
  return out[0];
}

static void fill_result(Result *r, int images, int group, int length, bool reference, bool baseline) {
  result_init(r, images, images * group, images * group * length, 3, reference, baseline);
  r->work = WORK_ROLLOUT;
  r->iteration = 1ll << 40;
  r->chunk = 7;
  r->policy_version = 12;
  r->reference_version = reference ? 3 : VERSION_NONE;
  for (int i = 0; i < images; i++) {
    r->image[i] = 1000 + i;
    r->image_start[i + 1] = (i + 1) * group;
    if (baseline) r->baseline[i] = i * 0.25;
  }
  for (int c = 0; c < r->captions; c++) {
    r->caption_start[c + 1] = (c + 1) * length;
    r->finished[c] = c % 2 == 0;
    r->reward[c] = c / 3.0;
    for (int k = 0; k < 3; k++) r->component[3 * c + k] = c - k / 7.0;
  }
  for (int t = 0; t < r->tokens; t++) {
    r->token[t] = t * 17 % 9000;
    r->logp[t] = (float)-t / 11;
    if (reference) r->reference_logp[t] = (float)-t / 13;
  }
  for (int s = 0; s < SECONDS_KINDS; s++) r->seconds[s] = s + 0.5;
  r->kept_mass = 0.875;
}

/* A message of each type; a RESULT is owned by it. */
static Message example(int type) {
  Message m = {.type = (MessageType)type, .epoch = 5};
  switch (m.type) {
    case MESSAGE_HELLO:
      m.hello = (Hello){.floats = 7500000,
                        .config_hash = "0123456789abcdef0123456789abcdef",
                        .dataset_hash = "d",
                        .kernel = "SkylakeX"};
      process_self(&m.hello.process);
      strcpy(m.hello.process.host, "node");
      strcpy(m.hello.process.machine, "00112233445566778899aabbccddeeff");
      m.hello.segment = (SegmentName){7, 3, 99, 12345};
      break;
    case MESSAGE_WELCOME:
      m.welcome = (Welcome){.accepted = true,
                            .reason = "because",
                            .epoch = 6,
                            .rank = 4,
                            .heartbeat_s = 1,
                            .silence_s = 300,
                            .slots = 3,
                            .segment = {8, -1, 98, 0},
                            .process = {.host = "n", .machine = "m", .pid = 3, .started = 9}};
      break;
    case MESSAGE_SNAPSHOT_BEGIN: m.begin = (SnapshotBegin){2, 300001, 2}; break;
    case MESSAGE_SNAPSHOT_PIECE: break; /* raw */
    case MESSAGE_SNAPSHOT_END: m.end = (SnapshotEnd){2, 0xdeadbeef}; break;
    case MESSAGE_SNAPSHOT_TAKEN: m.taken = (SnapshotTaken){1}; break;
    case MESSAGE_ASSIGN:
      m.assignment = (Assignment){WORK_EVALUATE, 9, 2, 41, VERSION_NONE, 4, -1, 3, {5, 0, 2147483647}};
      break;
    case MESSAGE_RESULT: fill_result(&m.result, 2, 3, 4, true, true); break;
    case MESSAGE_HEARTBEAT: m.heartbeat.count = 77; break;
    case MESSAGE_REJOIN: m.rejoin.epoch = 4; break;
    case MESSAGE_STOP: m.stop = (Stop){true, "done"}; break;
    case MESSAGE_GOODBYE: m.goodbye = (Goodbye){.reason = "told to stop"}; break;
    case MESSAGE_TYPES: break;
  }
  return m;
}

static Direction direction_of(int type) { return message_row(type)->directions & TO_LEARNER ? TO_LEARNER : TO_ACTOR; }

static void write_seed(int type, const unsigned char *bytes, size_t size) {
  const char *folder = getenv("TROUPE_CORPUS");
  char path[512];
  if (!folder) return;
  snprintf(path, sizeof path, "%s/%s", folder, message_row(type)->name);
  FILE *file = fopen(path, "wb");
  assert_non_null(file);
  fputc(type, file);
  fwrite(bytes + WIRE_HEADER, 1, size - WIRE_HEADER, file);
  fclose(file);
}

static void test_round_trip(void **state) {
  (void)state;
  for (int type = MESSAGE_HELLO; type < MESSAGE_TYPES; type++) {
    if (message_row(type)->raw) continue;
    Message message = example(type), back;
    unsigned char *bytes, *again;
    size_t size, again_size;
    assert_int_equal(message_encode(&message, &bytes, &size), OK);
    write_seed(type, bytes, size);
    assert_true(size >= message_row(type)->min_bytes && size <= message_row(type)->max_bytes);
    assert_int_equal(message_decode(bytes, size, direction_of(type), &back), OK);
    assert_int_equal(back.epoch, 5);
    assert_int_equal(message_encode(&back, &again, &again_size), OK);
    assert_int_equal(again_size, size);
    assert_memory_equal(again, bytes, size);
    message_free(&back);
    message_free(&message);
    free(bytes);
    free(again);
  }
}

static void test_result_values(void **state) {
  (void)state;
  for (int flags = 0; flags < 4; flags++) {
    Message message = {.type = MESSAGE_RESULT}, back;
    unsigned char *bytes;
    size_t size;
    Result *a = &message.result, *b = &back.result;
    fill_result(a, 8, 10, 25, flags & 1, flags & 2);
    a->logp[3] = NAN; /* a diverged model is the trainer's to judge, not the wire's */
    assert_int_equal(message_encode(&message, &bytes, &size), OK);
    assert_int_equal(size, result_bytes(8, 80, 2000, 3, flags & 1, flags & 2));
    assert_true(size < MESSAGE_BYTES_MAX / 16); /* the usual chunk: far below the eager limit */
    assert_int_equal(message_decode(bytes, size, TO_LEARNER, &back), OK);
    assert_true(b->work == a->work && b->iteration == a->iteration && b->chunk == a->chunk);
    assert_true(b->policy_version == 12 && b->reference_version == a->reference_version);
    assert_memory_equal(b->image, a->image, 4 * 8);
    assert_memory_equal(b->image_start, a->image_start, 4 * 9);
    assert_memory_equal(b->caption_start, a->caption_start, 4 * 81);
    assert_memory_equal(b->finished, a->finished, 80);
    assert_memory_equal(b->reward, a->reward, 8 * 80);
    assert_memory_equal(b->component, a->component, 8 * 240);
    assert_memory_equal(b->token, a->token, 4 * 2000);
    assert_memory_equal(b->logp, a->logp, 4 * 2000);
    assert_memory_equal(b->seconds, a->seconds, sizeof a->seconds);
    assert_true(b->kept_mass == a->kept_mass);
    assert_true((b->reference_logp != NULL) == (flags & 1) && (b->baseline != NULL) == (flags >> 1));
    if (flags & 1) assert_memory_equal(b->reference_logp, a->reference_logp, 4 * 2000);
    if (flags & 2) assert_memory_equal(b->baseline, a->baseline, 8 * 8);
    message_free(&message);
    message_free(&back);
    free(bytes);
  }
}

static void test_too_large(void **state) {
  (void)state;
  Message message = {.type = MESSAGE_RESULT};
  unsigned char *bytes;
  size_t size;
  fill_result(&message.result, 256, 16, 30, true, false);
  assert_int_equal(message_encode(&message, &bytes, &size), BAD_INPUT);
  assert_non_null(strstr(status_message(), "actors.chunk_images"));
  message_free(&message);
}

/* Every cut, every single flipped byte, and the wrong direction are refused. */
static void test_damage(void **state) {
  (void)state;
  for (int type = MESSAGE_HELLO; type < MESSAGE_TYPES; type++) {
    if (message_row(type)->raw) continue;
    Message message = example(type), back;
    unsigned char *bytes;
    size_t size;
    assert_int_equal(message_encode(&message, &bytes, &size), OK);
    for (size_t cut = 0; cut < size; cut++) {
      unsigned char *part = memcpy(xmalloc(cut ? cut : 1), bytes, cut);
      assert_int_equal(message_decode(part, cut, direction_of(type), &back), BAD_INPUT);
      free(part);
    }
    for (size_t at = 0; at < size; at++) {
      if (at >= 8 && at < 12) continue; /* the epoch: the hub's to judge */
      bytes[at] ^= 0x40;
      assert_int_equal(message_decode(bytes, size, direction_of(type), &back), BAD_INPUT);
      bytes[at] ^= 0x40;
    }
    if (type != MESSAGE_HEARTBEAT) {
      Direction other = direction_of(type) == TO_LEARNER ? TO_ACTOR : TO_LEARNER;
      assert_int_equal(message_decode(bytes, size, other, &back), BAD_INPUT);
    }
    message_free(&message);
    free(bytes);
  }
}

/* Bodies changed at random under a right CRC: refused, or accepted and then encoded to the same bytes. */
static void test_mutations(void **state) {
  (void)state;
  int accepted = 0, refused = 0;
  for (uint32_t n = 0; n < 40000; n++) {
    int type = MESSAGE_HELLO + (int)(n % (MESSAGE_TYPES - MESSAGE_HELLO));
    if (message_row(type)->raw) continue;
    Message message = example(type), back;
    unsigned char *bytes, *again;
    size_t size, again_size;
    assert_int_equal(message_encode(&message, &bytes, &size), OK);
    for (uint32_t change = 0; change <= draw(n, 0) % 4; change++) {
      uint32_t at = draw(n, 2 * change + 1), value = draw(n, 2 * change + 2);
      bytes[WIRE_HEADER + at % (size - WIRE_HEADER)] = (unsigned char)(value % 3 ? value >> 8 : value % 2 ? 255 : 0);
    }
    wire_header_put(bytes, size, (uint16_t)type, 5);
    if (message_decode(bytes, size, direction_of(type), &back) == OK) {
      accepted++;
      assert_int_equal(message_encode(&back, &again, &again_size), OK);
      assert_int_equal(again_size, size);
      assert_memory_equal(again, bytes, size);
      free(again);
      message_free(&back);
    } else {
      refused++;
    }
    message_free(&message);
    free(bytes);
  }
  assert_true(accepted > 1000 && refused > 1000);
}

static void test_process(void **state) {
  (void)state;
  ProcessName self, other;
  process_self(&self);
  assert_false(process_gone(&self));
  if (!self.machine[0]) {
    printf("SKIP: no /proc here\n");
    skip();
  }
  other = self;
  other.started++; /* the pid was reused */
  assert_true(process_gone(&other));
  other = self;
  other.pid = 0x7ffffff0;
  assert_true(process_gone(&other));
  other.machine[0] ^= 1; /* another machine: nobody knows */
  assert_false(process_gone(&other));
  assert_false(process_gone(&(ProcessName){0}));
}

/* GOODBYE's totals arrive as they were; what no rank can have counted is refused. */
static void test_goodbye_profile(void **state) {
  (void)state;
  Message message = {.type = MESSAGE_GOODBYE, .goodbye = {.reason = "done", .has_profile = true}}, back;
  unsigned char *bytes;
  size_t size;
  message.goodbye.profile.wall_s = 3;
  message.goodbye.profile.event[PROFILE_CHECKPOINT].flops = 1e15;
  assert_int_equal(message_encode(&message, &bytes, &size), OK);
  assert_int_equal(message_decode(bytes, size, TO_LEARNER, &back), OK);
  assert_true(back.goodbye.has_profile);
  assert_memory_equal(&back.goodbye.profile, &message.goodbye.profile, sizeof back.goodbye.profile);
  free(bytes);
  const double wrong[] = {-1, NAN, INFINITY};
  for (int i = 0; i < 3; i++) {
    message.goodbye.profile.event[PROFILE_SEND].seconds = wrong[i];
    assert_int_equal(message_encode(&message, &bytes, &size), OK);
    assert_int_equal(message_decode(bytes, size, TO_LEARNER, &back), BAD_INPUT);
    free(bytes);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_round_trip),      cmocka_unit_test(test_result_values), cmocka_unit_test(test_too_large),
      cmocka_unit_test(test_damage),          cmocka_unit_test(test_mutations),     cmocka_unit_test(test_process),
      cmocka_unit_test(test_goodbye_profile),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
