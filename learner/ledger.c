/* Chunks of work: pending, assigned, returned. */
#include "learner/ledger.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/status.h"

void ledger_init(Ledger *ledger, double late_s, double late_factor) {
  *ledger = (Ledger){.late_s = late_s > 0 ? late_s : 10, .late_factor = late_factor > 0 ? late_factor : 4};
}

static void iteration_free(LedgerIteration *iteration) {
  for (int c = 0; c < iteration->chunks; c++) result_free(&iteration->chunk[c].result);
  free(iteration->chunk);
}

void ledger_free(Ledger *ledger) {
  for (int i = 0; i < ledger->count; i++) iteration_free(&ledger->open[i]);
  free(ledger->open);
  *ledger = (Ledger){0};
}

static LedgerIteration *find(const Ledger *ledger, Work work, int64_t iteration) {
  for (int i = 0; i < ledger->count; i++)
    if (ledger->open[i].work == work && ledger->open[i].iteration == iteration) return &ledger->open[i];
  return NULL;
}

void ledger_open(Ledger *ledger, Work work, int64_t iteration, int64_t policy_version, int64_t reference_version,
                 const int32_t *image, int images, int chunk_images) {
  CHECK(images > 0 && chunk_images > 0 && chunk_images <= CHUNK_IMAGES_MAX && !find(ledger, work, iteration));
  LedgerIteration opened = {.work = work, .iteration = iteration, .chunks = (images + chunk_images - 1) / chunk_images};
  opened.chunk = xcalloc((size_t)opened.chunks, sizeof(Chunk));
  for (int c = 0; c < opened.chunks; c++) {
    int first = c * chunk_images, count = images - first < chunk_images ? images - first : chunk_images;
    Assignment *a = &opened.chunk[c].assignment;
    *a = (Assignment){.work = work,
                      .iteration = iteration,
                      .chunk = c,
                      .policy_version = policy_version,
                      .reference_version = reference_version,
                      .images = count};
    memcpy(a->image, image + first, sizeof(int32_t) * (size_t)count);
  }
  if (ledger->count == ledger->capacity) {
    ledger->capacity = ledger->capacity ? 2 * ledger->capacity : 4;
    ledger->open = xrealloc(ledger->open, (size_t)ledger->capacity * sizeof *ledger->open);
  }
  int at = ledger->count++;
  for (; at > 0; at--) { /* rising (iteration, work) */
    const LedgerIteration *before = &ledger->open[at - 1];
    if (before->iteration < iteration || (before->iteration == iteration && before->work < work)) break;
    ledger->open[at] = ledger->open[at - 1];
  }
  ledger->open[at] = opened;
}

static bool holds(const Chunk *chunk, int actor) {
  for (int h = 0; h < chunk->holders; h++)
    if (chunk->holder[h] == actor) return true;
  return false;
}

static void hand_out(Chunk *chunk, int actor, double now, Assignment *assignment) {
  chunk->state = CHUNK_ASSIGNED;
  chunk->holder[chunk->holders++] = actor;
  chunk->since = now;
  *assignment = chunk->assignment;
}

bool ledger_next(Ledger *ledger, int actor, double now, Assignment *assignment) {
  double limit =
      ledger->late_factor * ledger->mean_s > ledger->late_s ? ledger->late_factor * ledger->mean_s : ledger->late_s;
  Chunk *late = NULL;
  for (int i = 0; i < ledger->count; i++) {
    LedgerIteration *iteration = &ledger->open[i];
    if (iteration->returned == iteration->chunks) continue;
    for (int c = 0; c < iteration->chunks; c++) {
      Chunk *chunk = &iteration->chunk[c];
      if (chunk->state == CHUNK_PENDING) {
        hand_out(chunk, actor, now, assignment);
        return true;
      }
      if (chunk->state == CHUNK_ASSIGNED && chunk->holders < HOLDERS_MAX && now - chunk->since > limit &&
          !holds(chunk, actor) && (!late || chunk->since < late->since))
        late = chunk;
    }
  }
  if (!late) return false;
  ledger->late++;
  hand_out(late, actor, now, assignment);
  return true;
}

LedgerAnswer ledger_return(Ledger *ledger, int actor, double now, Result *result) {
  LedgerIteration *iteration = find(ledger, result->work, result->iteration);
  Chunk *chunk =
      iteration && result->chunk >= 0 && result->chunk < iteration->chunks ? &iteration->chunk[result->chunk] : NULL;
  if (!chunk || chunk->state == CHUNK_RETURNED || result->policy_version != chunk->assignment.policy_version) {
    LedgerAnswer answer = chunk && chunk->state == CHUNK_RETURNED ? LEDGER_DUPLICATE : LEDGER_UNKNOWN;
    ledger->duplicates += answer == LEDGER_DUPLICATE;
    result_free(result);
    return answer;
  }
  /* a second holder's `since` says nothing about how long the first one took */
  if (chunk->holders == 1 && chunk->holder[0] == actor) {
    double took = now - chunk->since;
    ledger->mean_s = ledger->mean_s > 0 ? 0.9 * ledger->mean_s + 0.1 * took : took;
  }
  chunk->state = CHUNK_RETURNED;
  chunk->holders = 0;
  chunk->result = *result;
  *result = (Result){0};
  iteration->returned++;
  return LEDGER_ACCEPTED;
}

int ledger_lost(Ledger *ledger, int actor) {
  int back = 0;
  for (int i = 0; i < ledger->count; i++)
    for (int c = 0; c < ledger->open[i].chunks; c++) {
      Chunk *chunk = &ledger->open[i].chunk[c];
      for (int h = 0; h < chunk->holders; h++)
        if (chunk->holder[h] == actor) chunk->holder[h--] = chunk->holder[--chunk->holders];
      if (chunk->state != CHUNK_ASSIGNED || chunk->holders) continue;
      chunk->state = CHUNK_PENDING;
      back++;
    }
  ledger->reassigned += back;
  return back;
}

bool ledger_complete(const Ledger *ledger, Work work, int64_t iteration) {
  const LedgerIteration *found = find(ledger, work, iteration);
  return found && found->returned == found->chunks;
}

int ledger_chunks(const Ledger *ledger, Work work, int64_t iteration) {
  const LedgerIteration *found = find(ledger, work, iteration);
  return found ? found->chunks : 0;
}

int ledger_returned(const Ledger *ledger, Work work, int64_t iteration) {
  const LedgerIteration *found = find(ledger, work, iteration);
  return found ? found->returned : 0;
}

const Result *ledger_result(const Ledger *ledger, Work work, int64_t iteration, int chunk) {
  const LedgerIteration *found = find(ledger, work, iteration);
  CHECK(found && chunk >= 0 && chunk < found->chunks);
  return found->chunk[chunk].state == CHUNK_RETURNED ? &found->chunk[chunk].result : NULL;
}

void ledger_close(Ledger *ledger, Work work, int64_t iteration) {
  LedgerIteration *found = find(ledger, work, iteration);
  CHECK(found);
  iteration_free(found);
  int at = (int)(found - ledger->open);
  memmove(found, found + 1, (size_t)(--ledger->count - at) * sizeof *found);
}

void ledger_check(const Ledger *ledger) {
  for (int i = 0; i < ledger->count; i++) {
    const LedgerIteration *it = &ledger->open[i];
    if (i > 0) CHECK(it[-1].iteration < it->iteration || (it[-1].iteration == it->iteration && it[-1].work < it->work));
    int returned = 0;
    for (int c = 0; c < it->chunks; c++) {
      const Chunk *chunk = &it->chunk[c];
      CHECK(chunk->assignment.chunk == c && chunk->assignment.iteration == it->iteration);
      CHECK((chunk->state == CHUNK_ASSIGNED) == (chunk->holders > 0) && chunk->holders <= HOLDERS_MAX);
      for (int h = 0; h < chunk->holders; h++)
        for (int g = 0; g < h; g++) CHECK(chunk->holder[g] != chunk->holder[h]);
      CHECK((chunk->state == CHUNK_RETURNED) == (chunk->result.block != NULL));
      returned += chunk->state == CHUNK_RETURNED;
    }
    CHECK(returned == it->returned);
  }
}
