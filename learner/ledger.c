/* Chunks of work: pending, assigned, returned, taken. */
#include "learner/ledger.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/status.h"

void ledger_init(Ledger *ledger, double late_s, double late_factor) {
  *ledger = (Ledger){.late_s = late_s > 0 ? late_s : 10,
                     .late_factor = late_factor > 0 ? late_factor : 4,
                     .policy_version = VERSION_NONE,
                     .reference_version = VERSION_NONE};
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

static void chunks_append(LedgerIteration *to, const Assignment *like, const int32_t *image, int images,
                          int chunk_images) {
  int before = to->chunks;
  to->chunks += (images + chunk_images - 1) / chunk_images;
  to->chunk = xrealloc(to->chunk, (size_t)to->chunks * sizeof(Chunk));
  for (int c = before; c < to->chunks; c++) {
    int first = (c - before) * chunk_images, count = images - first < chunk_images ? images - first : chunk_images;
    to->chunk[c] = (Chunk){.assignment = *like};
    Assignment *a = &to->chunk[c].assignment;
    a->chunk = c;
    a->images = count;
    memcpy(a->image, image + first, sizeof(int32_t) * (size_t)count);
  }
}

void ledger_open(Ledger *ledger, Work work, int64_t iteration, int64_t policy_version, int64_t reference_version,
                 const int32_t *image, int images, int chunk_images) {
  CHECK(images > 0 && chunk_images > 0 && chunk_images <= CHUNK_IMAGES_MAX && !find(ledger, work, iteration));
  LedgerIteration opened = {.work = work, .iteration = iteration, .floating = policy_version == VERSION_NONE};
  Assignment like = {
      .work = work, .iteration = iteration, .policy_version = policy_version, .reference_version = reference_version};
  chunks_append(&opened, &like, image, images, chunk_images);
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

void ledger_extend(Ledger *ledger, Work work, int64_t iteration, const int32_t *image, int images, int chunk_images) {
  LedgerIteration *found = find(ledger, work, iteration);
  CHECK(found && !found->floating && images > 0 && chunk_images > 0 && chunk_images <= CHUNK_IMAGES_MAX);
  Assignment like = found->chunk[0].assignment;
  chunks_append(found, &like, image, images, chunk_images);
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
        if (iteration->floating) {
          chunk->assignment.policy_version = ledger->policy_version;
          chunk->assignment.reference_version = ledger->reference_version;
        }
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
  bool here = chunk && (chunk->state == CHUNK_RETURNED || chunk->state == CHUNK_TAKEN);
  if (!chunk || here || result->policy_version != chunk->assignment.policy_version) {
    LedgerAnswer answer = here ? LEDGER_DUPLICATE : LEDGER_UNKNOWN;
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

/* --- versions that float ------------------------------------------------------------------------------------- */

static void chunk_drop(LedgerIteration *iteration, Chunk *chunk) {
  iteration->returned -= chunk->state == CHUNK_RETURNED;
  result_free(&chunk->result);
  chunk->result = (Result){0};
  chunk->state = CHUNK_PENDING;
  chunk->holders = 0;
  chunk->assignment.policy_version = VERSION_NONE; /* nothing answers it before it is handed out again */
}

void ledger_renew(Ledger *ledger, int64_t oldest, int64_t policy_version, int64_t reference_version) {
  ledger->policy_version = policy_version;
  ledger->reference_version = reference_version;
  for (int i = 0; i < ledger->count; i++) {
    LedgerIteration *iteration = &ledger->open[i];
    for (int c = 0; iteration->floating && c < iteration->chunks; c++) {
      Chunk *chunk = &iteration->chunk[c];
      bool out = chunk->state == CHUNK_ASSIGNED || chunk->state == CHUNK_RETURNED;
      if (!out || chunk->assignment.policy_version >= oldest) continue;
      chunk_drop(iteration, chunk);
      ledger->dropped++;
    }
  }
}

/* --- results ------------------------------------------------------------------------------------------------- */

bool ledger_complete(const Ledger *ledger, Work work, int64_t iteration) {
  const LedgerIteration *found = find(ledger, work, iteration);
  return found && found->returned == found->chunks;
}

const Result *ledger_result(const Ledger *ledger, Work work, int64_t iteration, int chunk) {
  const LedgerIteration *found = find(ledger, work, iteration);
  CHECK(found && chunk >= 0 && chunk < found->chunks);
  const Chunk *at = &found->chunk[chunk];
  return at->state == CHUNK_RETURNED || at->state == CHUNK_TAKEN ? &at->result : NULL;
}

int ledger_chunks(const Ledger *ledger, Work work, int64_t iteration) {
  const LedgerIteration *found = find(ledger, work, iteration);
  return found ? found->chunks : 0;
}

int ledger_ready(const Ledger *ledger, Work work, int64_t last) {
  int ready = 0;
  for (int i = 0; i < ledger->count; i++) {
    const LedgerIteration *iteration = &ledger->open[i];
    if (iteration->work == work && iteration->iteration <= last) ready += iteration->returned - iteration->taken;
  }
  return ready;
}

void ledger_take(Ledger *ledger, Work work, int64_t last, int count, const Result **result) {
  int took = 0;
  for (int i = 0; i < ledger->count; i++) {
    LedgerIteration *iteration = &ledger->open[i];
    if (iteration->work != work || iteration->iteration > last) continue;
    for (int c = 0; c < iteration->chunks && took < count; c++) {
      Chunk *chunk = &iteration->chunk[c];
      if (chunk->state != CHUNK_RETURNED) continue;
      chunk->state = CHUNK_TAKEN;
      iteration->taken++;
      result[took++] = &chunk->result;
    }
  }
  CHECK(took == count);
}

static void close_at(Ledger *ledger, int at) {
  LedgerIteration *closed = &ledger->open[at];
  iteration_free(closed);
  memmove(closed, closed + 1, (size_t)(--ledger->count - at) * sizeof *closed);
}

void ledger_release(Ledger *ledger, Work work) {
  for (int i = ledger->count - 1; i >= 0; i--) {
    LedgerIteration *iteration = &ledger->open[i];
    if (iteration->work != work) continue;
    for (int c = 0; c < iteration->chunks; c++)
      if (iteration->chunk[c].state == CHUNK_TAKEN) result_free(&iteration->chunk[c].result);
    if (iteration->taken == iteration->chunks) close_at(ledger, i);
  }
}

void ledger_close(Ledger *ledger, Work work, int64_t iteration) {
  LedgerIteration *found = find(ledger, work, iteration);
  CHECK(found);
  close_at(ledger, (int)(found - ledger->open));
}

void ledger_check(const Ledger *ledger) {
  for (int i = 0; i < ledger->count; i++) {
    const LedgerIteration *it = &ledger->open[i];
    if (i > 0) CHECK(it[-1].iteration < it->iteration || (it[-1].iteration == it->iteration && it[-1].work < it->work));
    int returned = 0, taken = 0;
    for (int c = 0; c < it->chunks; c++) {
      const Chunk *chunk = &it->chunk[c];
      CHECK(chunk->assignment.chunk == c && chunk->assignment.iteration == it->iteration);
      CHECK((chunk->state == CHUNK_ASSIGNED) == (chunk->holders > 0) && chunk->holders <= HOLDERS_MAX);
      for (int h = 0; h < chunk->holders; h++)
        for (int g = 0; g < h; g++) CHECK(chunk->holder[g] != chunk->holder[h]);
      CHECK(chunk->state == CHUNK_TAKEN || (chunk->state == CHUNK_RETURNED) == (chunk->result.block != NULL));
      returned += chunk->state == CHUNK_RETURNED || chunk->state == CHUNK_TAKEN;
      taken += chunk->state == CHUNK_TAKEN;
    }
    CHECK(returned == it->returned && taken == it->taken);
  }
}
