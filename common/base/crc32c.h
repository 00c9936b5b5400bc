/* CRC-32C (Castagnoli, reflected polynomial 0x82F63B78; RFC 3720 B.4): guards messages on the wire. */
#ifndef TROUPE_BASE_CRC32C_H
#define TROUPE_BASE_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* Continues from `crc` (0 to begin): crc32c(crc32c(0, a), b) is the CRC of a followed by b. */
uint32_t crc32c(uint32_t crc, const void *bytes, size_t size);

#endif
