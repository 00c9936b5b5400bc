/* UTF-8: a character out of bytes and into bytes. */
#ifndef TROUPE_BASE_UTF8_H
#define TROUPE_BASE_UTF8_H

#include <stddef.h>
#include <stdint.h>

/* The character at bytes[0..size), size > 0; returns how many bytes it has. A byte that is no UTF-8 is U+FFFD by itself. */
size_t unicode_decode(const char *bytes, size_t size, uint32_t *code);
/* Writes up to 4 bytes; returns how many. */
size_t unicode_encode(uint32_t code, char *bytes);

#endif
