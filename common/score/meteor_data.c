/* Reads the file of METEOR's data. Nothing in it is trusted: sizes, order and every index are verified before use. */
#include "common/score/meteor_data.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/file.h"

#define MAGIC    "TRPMETEO"
#define EXPECTED "the file that deploy/fetch-meteor.sh makes was expected"
#define AGAIN    "remove it and run deploy/fetch-meteor.sh"
enum { VERSION = 2, HEADER_BYTES = 48, BUCKET_BITS_MAX = 30 };

uint64_t meteor_word_hash(const char *bytes, size_t size) {
  uint64_t value = 0xCBF29CE484222325u;
  for (size_t i = 0; i < size; i++) value = (value ^ (unsigned char)bytes[i]) * 0x100000001B3u;
  return value;
}

/* RFC 1950, in lanes: sums[j] is of every LANES-th byte, lags[j] of the values that it had. All stay below 2^32 for a block. */
static uint32_t adler32(const unsigned char *bytes, size_t size) {
  enum { LANES = 32, BLOCK = 4096 / LANES };
  uint64_t a = 1, b = 0;
  for (; size >= LANES; a %= 65521, b %= 65521) {
    uint32_t sums[LANES] = {0}, lags[LANES] = {0};
    size_t rows = size / LANES < BLOCK ? size / LANES : BLOCK;
    for (size_t i = 0; i < rows; i++, bytes += LANES)
      for (int j = 0; j < LANES; j++) lags[j] += sums[j] += bytes[j];
    b += rows * LANES * a;
    for (int j = 0; j < LANES; j++) {
      a += sums[j];
      b += (uint64_t)LANES * lags[j] - (uint64_t)j * sums[j];
    }
    size -= rows * LANES;
  }
  for (; size; size--) b += a += *bytes++;
  return (uint32_t)(b % 65521 << 16 | a % 65521);
}

/* --- verification ------------------------------------------------------------------------------------------------ */

/* Without an end on the first fault, for the compiler to use vectors. */

static bool is_rising(const uint64_t *values, size_t count) {
  uint64_t falls = 0;
  for (size_t i = 1; i < count; i++) falls |= values[i] <= values[i - 1];
  return !falls;
}

/* first[count + 1] cuts an array of `values` elements into pieces. */
static bool are_pieces(const uint32_t *first, size_t count, size_t values) {
  uint32_t falls = 0;
  for (size_t i = 0; i < count; i++) falls |= first[i] > first[i + 1];
  return !falls && first[0] == 0 && first[count] == values;
}

static bool are_below(const uint32_t *values, size_t count, uint32_t limit) {
  uint32_t largest = 0;
  for (size_t i = 0; i < count; i++) largest = values[i] > largest ? values[i] : largest;
  return !count || largest < limit;
}

static Status content_verify(const MeteorData *data, const uint32_t counts[6], const char *path) {
  bool right =
      is_rising(data->word, counts[0]) && is_rising(data->phrase, counts[4]) &&
      are_pieces(data->sense_first, counts[0], counts[1]) && are_pieces(data->stem_first, counts[0], counts[2]) &&
      are_below(data->stem, counts[2], counts[0]) && are_pieces(data->bucket, (size_t)1 << counts[3], counts[4]) &&
      are_pieces(data->paraphrase_first, counts[4], counts[5]) && are_below(data->paraphrase, counts[5], counts[4]);
  return right ? OK : status_set(BAD_INPUT, "%s: is damaged (its parts do not fit together): " AGAIN, path);
}

static uint64_t padded(uint64_t bytes) { return (bytes + 7) & ~(uint64_t)7; }

/* Header and sizes; then the sections' places, which lie within the file. */
static Status sections_find(MeteorData *data, const char *path) {
  uint32_t version, adler, counts[6];
  uint64_t size;
  if (data->size < HEADER_BYTES || memcmp(data->map, MAGIC, 8) != 0)
    return status_set(BAD_INPUT, "%s: is not METEOR data; " EXPECTED, path);
  memcpy(&version, data->map + 8, 4);
  memcpy(&adler, data->map + 12, 4);
  memcpy(&size, data->map + 16, 8);
  memcpy(counts, data->map + 24, sizeof counts);
  if (version != VERSION)
    return status_set(BAD_INPUT, "%s: version %u; version %d was expected: " AGAIN, path, version, VERSION);
  if (counts[3] < 1 || counts[3] > BUCKET_BITS_MAX)
    return status_set(BAD_INPUT, "%s: is damaged (its parts do not fit together): " AGAIN, path);
  const struct {
    const void **place;
    uint64_t count, item;
  } sections[] = {
      {(const void **)&data->word, counts[0], 8},
      {(const void **)&data->flags, counts[0], 4},
      {(const void **)&data->sense_first, (uint64_t)counts[0] + 1, 4},
      {(const void **)&data->sense, counts[1], 4},
      {(const void **)&data->stem_first, (uint64_t)counts[0] + 1, 4},
      {(const void **)&data->stem, counts[2], 4},
      {(const void **)&data->filter, (uint64_t)1 << counts[3], 8},
      {(const void **)&data->bucket, ((uint64_t)1 << counts[3]) + 1, 4},
      {(const void **)&data->phrase, counts[4], 8},
      {(const void **)&data->paraphrase_first, (uint64_t)counts[4] + 1, 4},
      {(const void **)&data->paraphrase, counts[5], 4},
  };
  uint64_t at = HEADER_BYTES;
  for (size_t i = 0; i < sizeof sections / sizeof *sections; i++) {
    *sections[i].place = data->map + (at < data->size ? at : 0);
    at += padded(sections[i].count * sections[i].item); /* cannot overflow: counts are below 2^32 */
  }
  if (at != data->size || size != data->size)
    return status_set(BAD_INPUT, "%s: %zu bytes, which is not what its header says: cut short or damaged: " AGAIN, path,
                      data->size);
  if (adler32(data->map + HEADER_BYTES, data->size - HEADER_BYTES) != adler)
    return status_set(BAD_INPUT, "%s: is damaged (its check sum differs): " AGAIN, path);
  data->words = counts[0];
  data->bucket_shift = 64 - counts[3];
  data->phrases = counts[4];
  return content_verify(data, counts, path);
}

/* --- opening ----------------------------------------------------------------------------------------------------- */

static Status file_map(MeteorData *data, const char *path) {
  int file = open(path, O_RDONLY | O_CLOEXEC);
  struct stat about;
  if (file < 0 || fstat(file, &about) != 0) {
    int error = errno;
    if (file >= 0) close(file);
    return status_set(BAD_INPUT, "%s: %s; " EXPECTED, path, strerror(error));
  }
  size_t size = S_ISREG(about.st_mode) ? (size_t)about.st_size : 0;
  void *map = size ? mmap(NULL, size, PROT_READ, MAP_SHARED, file, 0) : MAP_FAILED;
  int error = errno;
  close(file);
  if (!size) return status_set(BAD_INPUT, "%s: is empty, or no file; " EXPECTED, path);
  if (map == MAP_FAILED) return status_set(BAD_INPUT, "%s: cannot be mapped: %s", path, strerror(error));
  data->map = map;
  data->size = size;
  return OK;
}

Status meteor_data_open(MeteorData *data, const char *path) {
  *data = (MeteorData){0};
  if (__BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__)
    return status_set(FAILED, "%s: METEOR's data need a little-endian machine", path);
  TRY(file_map(data, path));
  Status status = sections_find(data, path);
  if (status != OK) meteor_data_close(data);
  return status;
}

void meteor_data_close(MeteorData *data) {
  if (data->map) munmap((void *)(uintptr_t)data->map, data->size);
  *data = (MeteorData){0};
}

/* --- the process's data ------------------------------------------------------------------------------------------ */

static struct {
  pthread_once_t once;
  MeteorData data;
  bool present;
  char absent[512];
} shared = {.once = PTHREAD_ONCE_INIT};

/* Where the file lies, owned by the caller, or NULL. */
static char *shared_path(void) {
  const char *named = getenv("TROUPE_METEOR");
  if (named && *named) return xstrdup(named);
  if (file_exists("meteor/meteor-en.bin")) return xstrdup("meteor/meteor-en.bin");
  char program[4096];
  ssize_t size = readlink("/proc/self/exe", program, sizeof program - 1);
  if (size <= 0) return NULL;
  program[size] = '\0';
  char *bin = path_folder(program);
  char *path = path_join(bin, "../share/troupe/meteor-en.bin");
  free(bin);
  if (file_exists(path)) return path;
  free(path);
  return NULL;
}

static void shared_open(void) {
  char *path = shared_path();
  if (!path) {
    snprintf(shared.absent, sizeof shared.absent, "no METEOR data: run deploy/fetch-meteor.sh");
  } else if (meteor_data_open(&shared.data, path) == OK) {
    shared.present = true;
  } else {
    snprintf(shared.absent, sizeof shared.absent, "%s", status_message());
  }
  free(path);
}

const MeteorData *meteor_data_shared(void) {
  pthread_once(&shared.once, shared_open);
  return shared.present ? &shared.data : NULL;
}

const char *meteor_data_absent(void) { return meteor_data_shared() ? NULL : shared.absent; }

/* --- looking up -------------------------------------------------------------------------------------------------- */

/* Place of `value` within rising values [low, high), or -1. */
static int64_t find(const uint64_t *values, size_t low, size_t high, uint64_t value) {
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (values[middle] == value) return (int64_t)middle;
    if (values[middle] < value) low = middle + 1;
    else high = middle;
  }
  return -1;
}

int64_t meteor_data_word(const MeteorData *data, uint64_t hash) { return find(data->word, 0, data->words, hash); }

int64_t meteor_data_phrase(const MeteorData *data, uint64_t key) {
  const uint32_t *bucket = meteor_data_bucket(data, key);
  return find(data->phrase, bucket[0], bucket[1], key);
}
