/* Content hash (XXH3, 128 bits, by libxxhash): names weights, datasets and encoders. Not for security. */
#ifndef TROUPE_BASE_HASH_H
#define TROUPE_BASE_HASH_H

#include <stddef.h>

enum { HASH_TEXT = 33 }; /* 32 hexadecimal digits and NUL */

typedef struct Hasher Hasher;

Hasher *hash_begin(void);
void hash_add(Hasher *hasher, const void *bytes, size_t size);
void hash_add_text(Hasher *hasher, const char *text); /* the NUL counts, so "ab","c" differs from "a","bc" */
void hash_end(Hasher *hasher, char text[HASH_TEXT]);  /* frees the hasher */

void hash_bytes(const void *bytes, size_t size, char text[HASH_TEXT]);

#endif
