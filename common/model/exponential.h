/* exp(x) in float32 that compilers vectorise in plain loops: x = n ln 2 + r, |r| <= ln 2 / 2, Taylor polynomial in r,
 * 2^n by exponent bits. Relative error below 2e-7 for x in [-87, 88]; smaller x give exp(-87), about 1e-38. */
#ifndef TROUPE_MODEL_EXPONENTIAL_H
#define TROUPE_MODEL_EXPONENTIAL_H

#include <stdint.h>
#include <string.h>

static inline float exponential(float x) {
  x = x < -87.0f ? -87.0f : x;
  x = x > 88.0f ? 88.0f : x;
  float shifted = x * 1.44269504f + 12582912.0f; /* 1.5 * 2^23: the low bits are round(x / ln 2) */
  float n = shifted - 12582912.0f;
  float r = x - n * 0.693359375f; /* ln 2 in two parts, the first exact times n */
  r = r + n * 2.12194440e-4f;
  float y = 1.0f / 5040.0f;
  y = y * r + 1.0f / 720.0f;
  y = y * r + 1.0f / 120.0f;
  y = y * r + 1.0f / 24.0f;
  y = y * r + 1.0f / 6.0f;
  y = y * r + 0.5f;
  y = y * r + 1.0f;
  y = y * r + 1.0f;
  int32_t bits;
  memcpy(&bits, &shifted, sizeof bits);
  bits = (int32_t)(((uint32_t)bits << 23) + 0x3F800000u);
  float power;
  memcpy(&power, &bits, sizeof power);
  return y * power;
}

#endif
