/* Half-precision conversion. */
#include "common/data/half.h"

#include <string.h>

#ifdef __F16C__
#include <immintrin.h>
#endif

static float widen(uint16_t half) {
  uint32_t sign = (uint32_t)(half & 0x8000u) << 16, exponent = half >> 10 & 31u, fraction = half & 1023u, bits;
  if (exponent == 31) {
    bits = sign | 0x7F800000u | fraction << 13 | (fraction ? 0x400000u : 0);
  } else if (exponent) {
    bits = sign | (exponent + 112) << 23 | fraction << 13;
  } else if (fraction) { /* subnormal: fraction x 2^-24 */
    float value = (float)fraction * 0x1p-24f;
    memcpy(&bits, &value, sizeof bits);
    bits |= sign;
  } else {
    bits = sign;
  }
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

static uint16_t narrow(float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  uint32_t sign = bits >> 16 & 0x8000u, magnitude = bits & 0x7FFFFFFFu;
  if (magnitude > 0x7F800000u) return (uint16_t)(sign | 0x7E00u | (magnitude >> 13 & 0x3FFu)); /* NaN stays NaN */
  if (magnitude >= 0x477FF000u) return (uint16_t)(sign | 0x7C00u);                             /* rounds past 65504 */
  uint32_t kept, rest, middle;
  if (magnitude >= 0x38800000u) { /* normal: drop 13 bits */
    kept = (magnitude - 0x38000000u) >> 13;
    rest = magnitude & 0x1FFFu;
    middle = 0x1000u;
  } else if (magnitude >= 0x33000000u) { /* subnormal */
    uint32_t shift = 126u - (magnitude >> 23), fraction = (magnitude & 0x7FFFFFu) | 0x800000u;
    kept = fraction >> shift;
    rest = fraction & ((1u << shift) - 1);
    middle = 1u << (shift - 1);
  } else {
    return (uint16_t)sign;
  }
  if (rest > middle || (rest == middle && (kept & 1))) kept++;
  return (uint16_t)(sign | kept);
}

void half_to_float(const uint16_t *half, float *values, size_t count) {
  size_t i = 0;
#ifdef __F16C__
  for (; i + 8 <= count; i += 8) {
    __m128i packed;
    memcpy(&packed, half + i, sizeof packed);
    _mm256_storeu_ps(values + i, _mm256_cvtph_ps(packed));
  }
#endif
  for (; i < count; i++) values[i] = widen(half[i]);
}

void half_from_float(const float *values, uint16_t *half, size_t count) {
  size_t i = 0;
#ifdef __F16C__
  for (; i + 8 <= count; i += 8) {
    __m128i packed = _mm256_cvtps_ph(_mm256_loadu_ps(values + i), _MM_FROUND_TO_NEAREST_INT);
    memcpy(half + i, &packed, sizeof packed);
  }
#endif
  for (; i < count; i++) half[i] = narrow(values[i]);
}
