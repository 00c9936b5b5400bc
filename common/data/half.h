/* Half: IEEE 754 binary16 to and from float32, by F16C where the build has it; both ways give the same bits. */
#ifndef TROUPE_DATA_HALF_H
#define TROUPE_DATA_HALF_H

#include <stddef.h>
#include <stdint.h>

void half_to_float(const uint16_t *half, float *values, size_t count);
/* Rounds to nearest even. Values past 65504 become infinite: check before. */
void half_from_float(const float *values, uint16_t *half, size_t count);

#endif
