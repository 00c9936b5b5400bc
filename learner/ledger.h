/* Ledger: who does which work. Work belongs to the ledger, not to an actor: an iteration (of rollouts or of an
 * evaluation) is cut into chunks of a fixed number of images; a chunk is PENDING, ASSIGNED to one or more actors,
 * RETURNED, or TAKEN by the learner. Several iterations may be open at once. No MPI here.
 *
 * An iteration is opened for a fixed policy version, or floating: then each chunk is given the newest version when it is
 * handed out, and one whose version has become too old before it was taken is dropped and PENDING again.
 *
 * Invariants: ASSIGNED has 1..HOLDERS_MAX distinct holders, the others none; a TAKEN chunk never changes, nor does a
 * RETURNED one that is not floating; pending chunks are handed out in rising (iteration, work, chunk); results are
 * kept in chunk order, whoever made them and whenever they came. */
#ifndef TROUPE_LEARNER_LEDGER_H
#define TROUPE_LEARNER_LEDGER_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/messages.h"

enum { HOLDERS_MAX = 3 };

typedef enum ChunkState { CHUNK_PENDING, CHUNK_ASSIGNED, CHUNK_RETURNED, CHUNK_TAKEN } ChunkState;

typedef struct Chunk {
  Assignment assignment;
  ChunkState state;
  int holders, holder[HOLDERS_MAX]; /* actors' ranks */
  double since;                     /* time of the last hand-out */
  Result result;                    /* owned, when RETURNED or TAKEN */
} Chunk;

typedef struct LedgerIteration {
  Work work;
  int64_t iteration;
  bool floating;
  int chunks, returned, taken; /* taken ones count as returned */
  Chunk *chunk;                /* [chunks], owned */
} LedgerIteration;

typedef struct Ledger {
  LedgerIteration *open; /* [count], owned, rising (iteration, work) */
  int count, capacity;
  double late_s, late_factor; /* a chunk is late after max(late_s, late_factor * mean_s): it goes to a second actor */
  double mean_s;              /* moving mean of the time from hand-out to return, 0 = none yet */
  long reassigned, late, duplicates, dropped; /* counted for the metrics */
  int64_t policy_version, reference_version;  /* the newest, for floating iterations: ledger_renew */
} Ledger;

/* late_s 0 = 10 s, late_factor 0 = 4. */
void ledger_init(Ledger *ledger, double late_s, double late_factor);
void ledger_free(Ledger *ledger); /* idempotent */

/* Opens an iteration that is not open: cuts `image` [images] (copied, in this order) into chunks of chunk_images (the
 * last may be smaller). policy_version VERSION_NONE = floating (reference_version is not used then). */
void ledger_open(Ledger *ledger, Work work, int64_t iteration, int64_t policy_version, int64_t reference_version,
                 const int32_t *image, int images, int chunk_images);

/* Adds chunks behind those of an open iteration that does not float, of the same versions. Results
 * taken before move: ask ledger_result for them again. */
void ledger_extend(Ledger *ledger, Work work, int64_t iteration, const int32_t *image, int images, int chunk_images);

/* The next chunk for this actor: the first pending one, else the longest-held late one that it does not hold. False:
 * nothing to do. `now` in any clock that does not go back (hub_clock). */
bool ledger_next(Ledger *ledger, int actor, double now, Assignment *assignment);

typedef enum LedgerAnswer { LEDGER_ACCEPTED, LEDGER_DUPLICATE, LEDGER_UNKNOWN } LedgerAnswer;

/* Hands in a result. Always takes its arrays (*result is emptied): kept when ACCEPTED, freed when it is a DUPLICATE or
 * of an iteration not open (UNKNOWN). Accepted from any actor: what a chunk gives does not depend on who made it. */
LedgerAnswer ledger_return(Ledger *ledger, int actor, double now, Result *result);

/* The actor is gone: its chunks without another holder are pending again. Returns how many. */
int ledger_lost(Ledger *ledger, int actor);

/* Floating iterations are handed out by these versions from now on; chunks of a version below `oldest` that nobody
 * has taken are dropped, which is counted, and PENDING again. */
void ledger_renew(Ledger *ledger, int64_t oldest, int64_t policy_version, int64_t reference_version);

bool ledger_complete(const Ledger *ledger, Work work, int64_t iteration);
/* Borrowed until ledger_release or ledger_close; NULL when not returned yet. */
const Result *ledger_result(const Ledger *ledger, Work work, int64_t iteration, int chunk);
/* Chunks of an open iteration (0 if not open). */
int ledger_chunks(const Ledger *ledger, Work work, int64_t iteration);
/* Returned and not taken, over the open iterations up to `last`. */
int ledger_ready(const Ledger *ledger, Work work, int64_t last);
/* Takes the first `count` of them in rising (iteration, chunk): result [count], borrowed until ledger_release. CHECKs
 * that there are as many. */
void ledger_take(Ledger *ledger, Work work, int64_t last, int count, const Result **result);
/* Frees what was taken, and forgets iterations of which every chunk was. */
void ledger_release(Ledger *ledger, Work work);
/* Forgets the iteration, returned or not: results still out become UNKNOWN. */
void ledger_close(Ledger *ledger, Work work, int64_t iteration);

/* CHECKs the invariants. */
void ledger_check(const Ledger *ledger);

#endif
