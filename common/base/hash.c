/* Content hash over libxxhash. */
#include "common/base/hash.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "common/base/status.h"

struct Hasher {
  XXH3_state_t *state;
};

static void text_of(XXH128_hash_t hash, char text[HASH_TEXT]) {
  snprintf(text, HASH_TEXT, "%016llx%016llx", (unsigned long long)hash.high64, (unsigned long long)hash.low64);
}

Hasher *hash_begin(void) {
  Hasher *hasher = xmalloc(sizeof *hasher);
  hasher->state = XXH3_createState();
  CHECK(hasher->state && XXH3_128bits_reset(hasher->state) == XXH_OK);
  return hasher;
}

void hash_add(Hasher *hasher, const void *bytes, size_t size) {
  CHECK(XXH3_128bits_update(hasher->state, bytes, size) == XXH_OK);
}

void hash_add_text(Hasher *hasher, const char *text) { hash_add(hasher, text, strlen(text) + 1); }

void hash_end(Hasher *hasher, char text[HASH_TEXT]) {
  text_of(XXH3_128bits_digest(hasher->state), text);
  XXH3_freeState(hasher->state);
  free(hasher);
}

void hash_bytes(const void *bytes, size_t size, char text[HASH_TEXT]) { text_of(XXH3_128bits(bytes, size), text); }
