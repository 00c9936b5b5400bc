/* The protocol under real MPI, without a model: rank 0 is a learner, the others are actors. "Rollouts" are computed
 * from the snapshots, the iteration and the images, "updates" from the rollouts, so the final digest is right only if
 * every chunk was made with the right weights and folded in order. Faults are asked for by options; `protocol.sh` runs
 * the cases and compares digests.
 *
 *   --lag L              iterations k .. k + L are open at once
 *   --distant            weights go by messages, as to another machine
 *   --RANK:FAULT[=N]     that rank's fault before its N-th chunk (N-th iteration for rank 0): die, bug, memory, stop, slow,
 *                        silent, garbage, tag, oversize, flip, foreign, nan, infinite, group; before it joins: early, second, late,
 *                        mismatch, kernel; of rank 0: dismiss; before the N-th piece of weights it takes in: fill (dies), pause
 *                        (stops); alone: cannot share memory */
#include <math.h>
#include <mpi.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "actor/snapshot.h"
#include "common/base/clock.h"
#include "common/base/hash.h"
#include "common/base/log.h"
#include "common/base/rng.h"
#include "learner/ledger.h"
#include "proto/hub.h"
#include "proto/link.h"
#include "proto/world.h"

enum { FLOATS = 300001, ITERATIONS = 8, IMAGES = 60, CHUNK = 8, GROUP = 4, LENGTH = 12, VOCABULARY = 1000 };

static const double heartbeat_s = 0.1, silence_s = 2.5, late_s = 1.5;

static int lag;
static bool distant;
static char fault[32];
static int fault_at, rank_guess;

/* A pid that sends SIGCONT to its parent some seconds after it is told to: forked before MPI starts. */
static int waker = -1;

static void waker_start(double seconds) {
  int ends[2];
  if (pipe(ends) != 0) exit(4);
  if (fork() == 0) {
    char go;
    close(ends[1]);
    if (read(ends[0], &go, 1) == 1) {
      clock_sleep(seconds);
      kill(getppid(), SIGCONT);
    }
    _exit(0);
  }
  close(ends[0]);
  waker = ends[1];
}

static void sleep_stopped(void) {
  if (write(waker, "g", 1) != 1) exit(4);
  raise(SIGSTOP);
}

/* --- the pretended model ------------------------------------------------------------------------------------------ */

static uint32_t words(uint32_t iteration, uint32_t image, uint32_t sample, uint32_t position) {
  RngKey key = {7, RNG_TEST, iteration, image, sample, position};
  uint32_t out[4];
  rng_words(&key, out);
  return out[0];
}

/* What an actor makes of work; `poll` is called between steps and says whether to go on. */
static bool make_result(Result *result, const Assignment *a, const float *policy, const float *reference,
                        bool (*poll)(void *), void *context, double step_s) {
  uint32_t iteration = (uint32_t)a->iteration + (a->work == WORK_EVALUATE ? 1000u : 0u);
  int group = a->work == WORK_EVALUATE ? 1 : GROUP, tokens = 0;
  int length[CHUNK * GROUP] = {0};
  for (int i = 0; i < a->images; i++)
    for (int g = 0; g < group; g++)
      tokens += length[i * group + g] = 1 + (int)(words(iteration, (uint32_t)a->image[i], (uint32_t)g, 0) % LENGTH);
  result_init(result, a->images, a->images * group, tokens, 2, reference != NULL, a->work == WORK_ROLLOUT);
  result_name(result, a);
  int t = 0;
  for (int i = 0; i < a->images; i++) {
    uint32_t image = (uint32_t)a->image[i];
    result->image_start[i + 1] = (i + 1) * group;
    for (int g = 0; g < group; g++) {
      int c = i * group + g;
      double sum = 0;
      for (int p = 0; p < length[c]; p++, t++) {
        uint32_t word = words(iteration, image, (uint32_t)g, (uint32_t)p + 1);
        result->token[t] = (int32_t)(word % VOCABULARY);
        result->logp[t] = policy[word % FLOATS];
        if (reference) result->reference_logp[t] = reference[(word >> 8) % FLOATS];
        sum += result->logp[t];
      }
      result->caption_start[c + 1] = t;
      result->finished[c] = (uint8_t)(length[c] < LENGTH);
      result->reward[c] = sum;
      result->component[2 * c] = sum * 2;
      result->component[2 * c + 1] = (double)image;
    }
    if (result->has_baseline) result->baseline[i] = policy[image % FLOATS];
    clock_sleep(step_s);
    if (poll && !poll(context)) return false;
  }
  return true;
}

/* --- learner ------------------------------------------------------------------------------------------------------ */

static int lost, duplicates;

/* One event: into the ledger. */
static void take(Hub *hub, Ledger *ledger, Event *event) {
  if (event->kind == EVENT_RESULT) {
    if (ledger_return(ledger, event->actor, hub_clock(hub), &event->result) != LEDGER_ACCEPTED) duplicates++;
  } else if (event->kind == EVENT_LOST) {
    lost++;
    log_info("lost %d (%s): %d chunks back", event->actor, event->reason, ledger_lost(ledger, event->actor));
  } else {
    log_info("joined %d: %s", event->actor, event->reason);
  }
}

/* Hands out and takes in until the iteration is complete. False: nobody is left for too long. */
static bool gather(Hub *hub, Ledger *ledger, Work work, int64_t iteration) {
  double alone = hub_clock(hub);
  while (!ledger_complete(ledger, work, iteration)) {
    Event event;
    Assignment assignment;
    bool busy = hub_poll(hub, &event);
    if (busy) take(hub, ledger, &event);
    for (int actor; (actor = hub_ready(hub, 2)) > 0 && ledger_next(ledger, actor, hub_clock(hub), &assignment);) {
      hub_assign(hub, actor, &assignment);
      busy = true;
    }
    if (hub_live(hub)) alone = hub_clock(hub);
    if (hub_clock(hub) - alone > 10) return false;
    if (!busy) hub_idle(hub);
  }
  ledger_check(ledger);
  return true;
}

static void fold(Hasher *hasher, const Ledger *ledger, Work work, int64_t iteration, float *weights) {
  for (int c = 0; c < ledger_chunks(ledger, work, iteration); c++) {
    const Result *r = ledger_result(ledger, work, iteration, c);
    hash_add(hasher, r->image, sizeof(int32_t) * (size_t)r->images);
    hash_add(hasher, r->image_start, sizeof(int32_t) * (size_t)(r->images + 1));
    hash_add(hasher, r->caption_start, sizeof(int32_t) * (size_t)(r->captions + 1));
    hash_add(hasher, r->token, sizeof(int32_t) * (size_t)r->tokens);
    hash_add(hasher, r->logp, sizeof(float) * (size_t)r->tokens);
    if (r->has_reference) hash_add(hasher, r->reference_logp, sizeof(float) * (size_t)r->tokens);
    hash_add(hasher, r->finished, (size_t)r->captions);
    hash_add(hasher, r->reward, sizeof(double) * (size_t)r->captions);
    hash_add(hasher, r->component, sizeof(double) * (size_t)r->captions * 2);
    if (r->has_baseline) hash_add(hasher, r->baseline, sizeof(double) * (size_t)r->images);
    if (work != WORK_ROLLOUT) continue;
    for (int t = 0; t < r->tokens; t++)
      weights[r->token[t] * 293 % FLOATS] += 0.5f * r->logp[t] - 0.25f * r->reference_logp[t];
  }
}

static void open_iteration(Ledger *ledger, Work work, int64_t iteration, int64_t policy, int64_t reference) {
  int32_t image[IMAGES];
  for (int i = 0; i < IMAGES; i++) image[i] = (int32_t)(iteration * IMAGES + (i * 7) % IMAGES);
  ledger_open(ledger, work, iteration, policy, reference, image, IMAGES, CHUNK);
}

/* A learner that answers the HELLO of rank 1 by STOP: an actor without an epoch is to say GOODBYE too. */
static int dismiss_at_once(void) {
  static unsigned char heard[1 << 16];
  unsigned char *bytes;
  size_t size;
  Message stop = {.type = MESSAGE_STOP, .stop = {.finalize = true}};
  MPI_Recv(heard, sizeof heard, MPI_BYTE, 1, MESSAGE_HELLO, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
  if (message_encode(&stop, &bytes, &size) != OK) exit(4);
  MPI_Send(bytes, (int)size, MPI_BYTE, 1, MESSAGE_STOP, MPI_COMM_WORLD);
  int there = 0;
  for (double limit = clock_seconds() + 5; !there && clock_seconds() < limit; clock_sleep(1e-3))
    MPI_Iprobe(1, MESSAGE_GOODBYE, MPI_COMM_WORLD, &there, MPI_STATUS_IGNORE);
  printf("goodbye %s\n", there ? "heard" : "missing");
  fflush(NULL);
  if (!there) _exit(1);
  MPI_Recv(heard, sizeof heard, MPI_BYTE, 1, MESSAGE_GOODBYE, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
  MPI_Finalize();
  return 0;
}

/* A copy: these weights go on changing in their place. */
static void publish(Hub *hub, SnapshotKind kind, int64_t version, const float *weights) {
  Shared *block = shared_new(FLOATS * sizeof(float));
  memcpy(block->bytes, weights, FLOATS * sizeof(float));
  hub_publish(hub, kind, version, block);
  shared_drop(block);
}

static int learner(void) {
  log_role_set("learner");
  if (!strcmp(fault, "dismiss")) return dismiss_at_once();
  float *weights = xcalloc(FLOATS, sizeof(float)), *mixed = xcalloc(FLOATS, sizeof(float));
  for (uint32_t i = 0; i < FLOATS; i++) weights[i] = (float)(words(9999, i, 0, 0) % 1000) * 1e-3f;
  Hub *hub = NULL;
  HubOptions options = {.config_hash = "c",
                        .dataset_hash = "d",
                        .floats = FLOATS,
                        .answers = {VOCABULARY, GROUP, LENGTH, true},
                        .lag = lag,
                        .distant = distant,
                        .kernel = "test",
                        .heartbeat_s = heartbeat_s,
                        .silence_s = silence_s,
                        .join_s = 1.5,
                        .goodbye_s = 4};
  Status status = hub_open(&hub, &options);
  if (status != OK) {
    log_error("%s", status_message());
    bool finalized = hub_close(hub, "start failed", (int)status);
    if (finalized) return (int)status;
    fflush(NULL);
    _exit((int)status);
  }
  Ledger ledger;
  ledger_init(&ledger, late_s, 4);
  Hasher *hasher = hash_begin();
  int64_t reference = 0;
  publish(hub, SNAPSHOT_POLICY, 0, weights);
  hub_adopt_reference(hub, 0, 0);
  for (int k = 0; k <= lag && k < ITERATIONS; k++) open_iteration(&ledger, WORK_ROLLOUT, k, 0, 0);
  int code = 0;
  for (int k = 0; k < ITERATIONS && !code; k++) {
    if (k == fault_at && !strcmp(fault, "die")) raise(SIGKILL);
    if (k == fault_at && !strcmp(fault, "stop")) sleep_stopped();
    if (k == fault_at && !strcmp(fault, "bug")) check_failed("no bug", __FILE__, __LINE__);
    if (k == fault_at && !strcmp(fault, "memory")) free(xmalloc(1ul << 62));
    if (!gather(hub, &ledger, WORK_ROLLOUT, k)) code = 3;
    if (code) break;
    fold(hasher, &ledger, WORK_ROLLOUT, k, weights);
    for (int i = 0; i < 5; i++) {
      clock_sleep(2e-3);
      hub_pump(hub);
    }
    ledger_close(&ledger, WORK_ROLLOUT, k);
    publish(hub, SNAPSHOT_POLICY, k + 1, weights);
    if (k % 3 == 1) hub_adopt_reference(hub, k + 1, ++reference);
    if (k % 3 == 2) {
      for (int i = 0; i < FLOATS; i++) mixed[i] = 0.5f * (mixed[i] + weights[i]);
      publish(hub, SNAPSHOT_REFERENCE, ++reference, mixed);
    }
    if (k % 4 == 1) {
      open_iteration(&ledger, WORK_EVALUATE, k, k + 1, VERSION_NONE);
      if (!gather(hub, &ledger, WORK_EVALUATE, k)) code = 3;
      else fold(hasher, &ledger, WORK_EVALUATE, k, weights);
      ledger_close(&ledger, WORK_EVALUATE, k);
    }
    if (k + 1 + lag < ITERATIONS) open_iteration(&ledger, WORK_ROLLOUT, k + 1 + lag, k + 1, reference);
  }
  char digest[HASH_TEXT];
  hash_add(hasher, weights, sizeof(float) * FLOATS);
  hash_end(hasher, digest);
  printf("digest %s code %d lost %d reassigned %ld late %ld duplicates %d live %d\n", digest, code, lost,
         ledger.reassigned, ledger.late, duplicates, hub_live(hub));
  fflush(NULL);
  ledger_free(&ledger);
  free(weights);
  free(mixed);
  if (!hub_close(hub, "done", code)) {
    printf("not finalized\n");
    fflush(NULL);
    _exit(code);
  }
  printf("finalized\n");
  return code;
}

/* --- actor -------------------------------------------------------------------------------------------------------- */

static bool go_on(void *link) { return link_poll(link) == LINK_WORK; }

/* Sends bytes behind the link's back. */
static void send_raw(const void *bytes, int size, int tag) {
  MPI_Request *request = xmalloc(sizeof *request);
  void *copy = memcpy(xmalloc((unsigned long)size), bytes, (size_t)size);
  MPI_Isend(copy, size, MPI_BYTE, 0, tag, MPI_COMM_WORLD, request);
}

/* Breaks the protocol, or the process. */
static void misbehave(const Result *good) {
  static unsigned char junk[3 << 20];
  unsigned char *bytes;
  size_t size;
  Message message = {.type = MESSAGE_RESULT, .epoch = 1, .result = *good};
  for (size_t i = 0; i < sizeof junk; i++) junk[i] = (unsigned char)(words(1, (uint32_t)i, 2, 3) >> 5);
  if (!strcmp(fault, "die")) raise(SIGKILL);
  if (!strcmp(fault, "stop")) sleep_stopped();
  if (!strcmp(fault, "bug")) check_failed("no bug", __FILE__, __LINE__);
  if (!strcmp(fault, "memory")) free(xmalloc(1ul << 62));
  if (!strcmp(fault, "slow")) clock_sleep(0.01);
  if (!strcmp(fault, "silent")) clock_sleep(2 * silence_s);
  if (!strcmp(fault, "garbage")) send_raw(junk, 5000, MESSAGE_RESULT);
  if (!strcmp(fault, "tag")) send_raw(junk, 100, 77);
  if (!strcmp(fault, "oversize")) send_raw(junk, sizeof junk, MESSAGE_RESULT);
  Result *r = &message.result;
  Result kept = {.iteration = r->iteration, .reward = (double[]){r->reward[0]}, .logp = (float[]){r->logp[0]}};
  int32_t second = r->image_start[1];
  bool lies = true;
  if (!strcmp(fault, "foreign")) r->iteration += 100;
  else if (!strcmp(fault, "nan")) r->reward[0] = NAN;
  else if (!strcmp(fault, "infinite")) r->logp[0] = -INFINITY;
  else if (!strcmp(fault, "group")) r->image_start[1]--; /* one caption moves to the next image */
  else lies = false;
  if (lies && message_encode(&message, &bytes, &size) == OK) send_raw(bytes, (int)size, MESSAGE_RESULT);
  r->iteration = kept.iteration, r->reward[0] = kept.reward[0], r->logp[0] = kept.logp[0], r->image_start[1] = second;
  if (!strcmp(fault, "flip") && message_encode(&message, &bytes, &size) == OK) {
    bytes[size / 2] ^= 16;
    send_raw(bytes, (int)size, MESSAGE_RESULT);
  }
}

static int leave(Link *link, const char *reason, int code) {
  if (link_close(link, reason, code)) return code;
  fflush(NULL);
  _exit(code);
}

static LinkSink sound;

static unsigned char *faulty_place(void *store, size_t size) {
  static int pieces;
  if (pieces++ == fault_at) {
    if (!strcmp(fault, "fill")) raise(SIGKILL);
    if (!strcmp(fault, "pause")) sleep_stopped();
  }
  return sound.place(store, size);
}

static bool faulty_share(void *store, const SegmentName *name, int slots) {
  SegmentName nobody = {.pid = 1 << 30, .descriptor = 3};
  bool own = name->pid == (int32_t)getpid();
  return sound.share(store, !own && !strcmp(fault, "alone") ? &nobody : name, slots);
}

static LinkSink faulty_sink(Snapshots *snapshots) {
  LinkSink sink = sound = snapshots_sink(snapshots);
  sink.place = faulty_place;
  sink.share = faulty_share;
  return sink;
}

static int actor(int rank) {
  log_role_set("actor %d", rank);
  if (!strcmp(fault, "second") || !strcmp(fault, "alone")) clock_sleep(0.5);
  if (!strcmp(fault, "late")) clock_sleep(1.9);
  if (!strcmp(fault, "early")) send_raw("hello?", 6, MESSAGE_HEARTBEAT);
  Snapshots snapshots;
  snapshots_init(&snapshots, FLOATS);
  Link *link = NULL;
  LinkOptions options = {.config_hash = strcmp(fault, "mismatch") ? "c" : "other",
                         .dataset_hash = "d",
                         .kernel = strcmp(fault, "kernel") ? "test" : "other",
                         .floats = FLOATS,
                         .join_s = 10,
                         .sink = faulty_sink(&snapshots)};
  Status status = link_open(&link, &options);
  if (status != OK) {
    log_error("%s", status_message());
    return leave(link, "start failed", (int)status);
  }
  LinkState state;
  Assignment assignment;
  for (int n = 0; (state = link_next(link, &assignment)) == LINK_WORK; n++) {
    const float *policy, *reference;
    Result result;
    snapshots_use(&snapshots, assignment.policy_slot, assignment.reference_slot, &policy, &reference);
    bool slow = !strcmp(fault, "slow") && n == fault_at, whole = true;
    whole = make_result(&result, &assignment, policy, reference, go_on, link, slow ? 0.5 : 1e-3);
    if (n == fault_at && fault[0]) misbehave(&result);
    result.seconds[SECONDS_IDLE] = link_idle_seconds(link);
    snapshots_release(&snapshots);
    if (whole && (status = link_send_result(link, &result)) != OK) log_error("%s", status_message());
    result_free(&result);
  }
  if (state == LINK_LOST) log_error("%s", status_message());
  snapshots_free(&snapshots);
  return leave(link, "told to stop", state == LINK_STOP ? 0 : 1);
}

int main(int argc, char **argv) {
  const char *text = getenv("OMPI_COMM_WORLD_RANK");
  if (!text) text = getenv("PMI_RANK");
  rank_guess = text ? atoi(text) : 0;
  for (int a = 1; a < argc; a++) {
    int rank, at = 0;
    char name[32];
    if (!strcmp(argv[a], "--distant")) distant = true;
    else if (!strcmp(argv[a], "--lag") && a + 1 < argc) lag = atoi(argv[++a]);
    else if (sscanf(argv[a], "--%d:%31[a-z]=%d", &rank, name, &at) >= 2) {
      if (rank != rank_guess) continue;
      strcpy(fault, name);
      fault_at = at;
    } else {
      fprintf(stderr, "protocol_test: unknown option %s\n", argv[a]);
      return 2;
    }
  }
  if (!strcmp(fault, "stop") || !strcmp(fault, "pause")) waker_start(4);
  fatal_handler_set(world_abort); /* as both mains do */
  int provided, rank;
  MPI_Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &provided);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  return rank == 0 ? learner() : actor(rank);
}
