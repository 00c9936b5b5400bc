/* Fuzzes the reader of METEOR's data and what is done with them: any file is refused with a message or safe to score with. The
 * check sum is made to fit, or nothing behind it would ever be reached; a second part, behind the file's own size, is the
 * captions to score. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/score/meteor.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { HEADER_BYTES = 48 };

static uint32_t adler32(const uint8_t *bytes, size_t size) {
  uint32_t a = 1, b = 0;
  for (size_t i = 0; i < size; i++) {
    a = (a + bytes[i]) % 65521;
    b = (b + a) % 65521;
  }
  return b << 16 | a;
}

/* Bytes of the file itself; what follows are captions. */
static size_t file_size(const uint8_t *data, size_t size) {
  uint64_t said = 0;
  if (size >= HEADER_BYTES) memcpy(&said, data + 16, sizeof said);
  return said >= HEADER_BYTES && said < size ? (size_t)said : size;
}

static void captions_score(const MeteorData *data, const char *candidate, const char *reference) {
  Meteor meteor;
  meteor_init(&meteor, data);
  int32_t *words = NULL;
  size_t used = 0, room = 0;
  int first = meteor_words_append(&meteor, candidate, &words, &used, &room);
  int second = meteor_words_append(&meteor, reference, &words, &used, &room);
  MeteorCaption one = {words, first}, two = {words ? words + first : NULL, second};
  MeteorStats stats = meteor_stats(&meteor, one, &two, 1);
  CHECK(meteor_score(&stats) >= 0);
  stats = meteor_stats(&meteor, two, &one, 1);
  CHECK(meteor_score(&stats) >= 0);
  free(words);
  meteor_free(&meteor);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  size_t bytes = file_size(data, size);
  int file = memfd_create("meteor", MFD_CLOEXEC);
  CHECK(file >= 0 && write(file, data, bytes) == (ssize_t)bytes);
  if (bytes >= HEADER_BYTES) {
    uint32_t sum = adler32(data + HEADER_BYTES, bytes - HEADER_BYTES);
    CHECK(pwrite(file, &sum, sizeof sum, 12) == sizeof sum);
  }
  char path[64];
  snprintf(path, sizeof path, "/proc/self/fd/%d", file);
  MeteorData meteor;
  if (meteor_data_open(&meteor, path) == OK) {
    char *captions = xcalloc(size - bytes + 2, 1); /* the second begins behind the first's NUL */
    if (size > bytes) memcpy(captions, data + bytes, size - bytes);
    captions_score(&meteor, captions, captions + strnlen(captions, size - bytes) + 1);
    free(captions);
    meteor_data_close(&meteor);
  } else {
    CHECK(status_message()[0] != '\0');
  }
  close(file);
  return 0;
}
