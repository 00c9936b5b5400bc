/* Base64 (RFC 4648): bytes within text. */
#ifndef TROUPE_BASE_BASE64_H
#define TROUPE_BASE_BASE64_H

#include <stddef.h>

/* "prefix" and the bytes behind it, with padding. Owned by the caller. */
char *base64_text(const char *prefix, const void *bytes, size_t size);

#endif
