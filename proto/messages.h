/* Messages: what learner and actors say to each other. One enum value a type (also its MPI tag), one table row each,
 * one struct each, and the way from struct to bytes and back. PROTOCOL.md tells what they mean. No MPI here. */
#ifndef TROUPE_PROTO_MESSAGES_H
#define TROUPE_PROTO_MESSAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/hash.h"
#include "common/base/profile.h"
#include "common/base/status.h"
#include "proto/process.h"
#include "proto/segment.h"
#include "proto/shared.h"

typedef enum MessageType {
  MESSAGE_HELLO = 1,
  MESSAGE_WELCOME,
  MESSAGE_SNAPSHOT_BEGIN,
  MESSAGE_SNAPSHOT_PIECE,
  MESSAGE_SNAPSHOT_TAKEN,
  MESSAGE_ASSIGN,
  MESSAGE_RESULT,
  MESSAGE_HEARTBEAT,
  MESSAGE_REJOIN,
  MESSAGE_STOP,
  MESSAGE_GOODBYE,
  MESSAGE_SNAPSHOT_END,
  MESSAGE_TYPES
} MessageType;

typedef enum Direction { TO_LEARNER = 1, TO_ACTOR = 2 } Direction;

/* Sizes count the header. */
typedef struct MessageRow {
  const char *name;
  size_t min_bytes, max_bytes;
  unsigned directions; /* TO_LEARNER | TO_ACTOR */
  bool raw;            /* memory as it is, without a header: neither encoded nor decoded */
} MessageRow;

/* NULL for a type that does not exist. */
const MessageRow *message_row(int type);

enum {
  KERNEL_TEXT = 64,
  REASON_TEXT = 256,
  LAG_MAX = 8,
  SLOTS_MAX = 2 * LAG_MAX + 4, /* blocks of weights on a machine of actors */
  PIECE_BYTES = 1 << 20,       /* of weights in one SNAPSHOT_PIECE */
  PIECE_FLOATS = PIECE_BYTES / 4,
  CHUNK_IMAGES_MAX = 256,
  CHUNK_CAPTIONS_MAX = 1 << 14,
  COMPONENTS_MAX = 16,
  MESSAGE_BYTES_MAX = 1 << 20, /* the eager limit that `troupe train` sets */
  VERSION_NONE = -1,
};

typedef struct Hello {
  char config_hash[HASH_TEXT], dataset_hash[HASH_TEXT]; /* must equal the learner's */
  uint64_t floats;                                      /* weights in a block */
  char kernel[KERNEL_TEXT];                             /* BLAS kernel: another one than the learner's is warned of */
  ProcessName process;
  SegmentName segment; /* memory it has for weights */
} Hello;

typedef struct Welcome {
  bool accepted;
  char reason[REASON_TEXT]; /* when refused */
  uint32_t epoch, rank;     /* rank: its number among the learner's peers */
  double heartbeat_s;       /* an actor is to be heard at least this often */
  double silence_s;         /* an actor gives up a learner silent for so long */
  uint32_t slots;
  SegmentName segment; /* where they are: its own, or another actor's of its machine */
  ProcessName process;
} Welcome;

typedef struct SnapshotBegin {
  uint32_t slot;
  uint64_t floats;
  uint32_t pieces; /* all but the last have PIECE_FLOATS */
} SnapshotBegin;

/* What is sent of a block next: raw, so only the sender knows it as a message. */
typedef struct SnapshotPiece {
  const unsigned char *bytes; /* little-endian floats, in `block` */
  size_t size;
  Shared *block; /* borrowed */
} SnapshotPiece;

/* Bytes of the piece of a block of `floats` that has `before` others before it; 0 = there is none. */
static inline size_t piece_bytes(size_t floats, size_t before) {
  size_t first = before * PIECE_FLOATS, left = first < floats ? floats - first : 0;
  return sizeof(float) * (left < PIECE_FLOATS ? left : PIECE_FLOATS);
}

typedef struct SnapshotEnd {
  uint32_t slot;
  uint32_t crc; /* CRC32C of the little-endian float32 block */
} SnapshotEnd;

typedef struct SnapshotTaken {
  uint32_t slot;
} SnapshotTaken;

typedef enum Work { WORK_ROLLOUT = 1, WORK_EVALUATE = 2 } Work;

/* A chunk of work, named by (work, iteration, chunk). */
typedef struct Assignment {
  Work work;
  int64_t iteration;
  int32_t chunk;
  int64_t policy_version;
  int64_t reference_version;           /* VERSION_NONE when the work needs none (evaluate) */
  int32_t policy_slot, reference_slot; /* where they are at the actor (the courier says so); -1 = none */
  int32_t images;
  int32_t image[CHUNK_IMAGES_MAX]; /* dataset indices */
} Assignment;

typedef enum ResultSeconds {
  SECONDS_DECODE,
  SECONDS_REFERENCE,
  SECONDS_REWARD,
  SECONDS_IDLE,
  SECONDS_KINDS
} ResultSeconds;

/* What an actor made of a chunk. Captions of one image stand together, packed as in CaptionBatch. M images, C
 * captions, T tokens, K reward components. Arrays live in one block owned by the Result. */
typedef struct Result {
  Work work;
  int64_t iteration;
  int32_t chunk;
  int64_t policy_version, reference_version;
  int32_t images, captions, tokens, components; /* M, C, T, K */
  bool has_reference, has_baseline;             /* else reference_logp, baseline are NULL */
  int32_t *image;                               /* [M] dataset indices, as assigned */
  int32_t *image_start;          /* [M + 1]: captions of image i are image_start[i] .. image_start[i + 1] - 1 */
  int32_t *caption_start;        /* [C + 1]: tokens of caption c are caption_start[c] .. caption_start[c + 1] - 1 */
  uint8_t *finished;             /* [C]: ended with the end token */
  double *reward;                /* [C]: weighted sum */
  double *component;             /* [C, K]: unweighted, in the order of the configuration */
  double *baseline;              /* [M]: reward of the greedy caption (scst) */
  int32_t *token;                /* [T]: without the start token; the end token counts */
  float *logp;                   /* [T]: log mu */
  float *reference_logp;         /* [T]: log ref */
  double seconds[SECONDS_KINDS]; /* of the actor, for this chunk */
  double kept_mass;              /* mean over tokens of the probability that truncation left to sample from */
  void *block;                   /* owned: all arrays */
} Result;

/* Allocates zeroed arrays; names, `seconds` and `kept_mass` are left at zero. */
void result_init(Result *result, int images, int captions, int tokens, int components, bool has_reference,
                 bool has_baseline);
void result_free(Result *result); /* idempotent */
/* Copies work, iteration, chunk, versions and images. `assignment->images` equals result->images. */
void result_name(Result *result, const Assignment *assignment);
/* Bytes of its message with header: at most MESSAGE_BYTES_MAX can be sent. */
size_t result_bytes(int images, int captions, int tokens, int components, bool has_reference, bool has_baseline);

typedef struct Heartbeat {
  uint32_t count;
} Heartbeat;
typedef struct Rejoin {
  uint32_t epoch;
} Rejoin; /* the one that is over */
typedef struct Stop {
  bool finalize; /* every rank is known alive: call MPI_Finalize */
  char reason[REASON_TEXT];
} Stop;
typedef struct Goodbye {
  char reason[REASON_TEXT];
  bool has_profile;
  ProfileTotals profile;
} Goodbye;

typedef struct Message {
  MessageType type;
  uint32_t epoch;
  union {
    Hello hello;
    Welcome welcome;
    SnapshotBegin begin;
    SnapshotPiece piece;
    SnapshotEnd end;
    SnapshotTaken taken;
    Assignment assignment;
    Result result;
    Heartbeat heartbeat;
    Rejoin rejoin;
    Stop stop;
    Goodbye goodbye;
  };
} Message;

/* `*bytes` is owned by the caller (free). Borrows the message. Errors: BAD_INPUT for a RESULT above MESSAGE_BYTES_MAX.
 */
Status message_encode(const Message *message, unsigned char **bytes, size_t *size);

/* Decodes and validates a message that goes in `direction`. On OK the caller calls message_free (a RESULT owns its
 * arrays). On BAD_INPUT nothing is owned and the status says what is wrong. */
Status message_decode(const unsigned char *bytes, size_t size, Direction direction, Message *message);
void message_free(Message *message); /* idempotent */

#endif
