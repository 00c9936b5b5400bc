/* Elementary functions written so that compilers turn loops over them into vector code: no branches, no tables, no
 * calls. Use inside `#pragma omp simd` loops. */
#ifndef TROUPE_TENSOR_VECMATH_H
#define TROUPE_TENSOR_VECMATH_H

#include <stdint.h>

/* a * b + c, in one rounding where the machine has it (fmaf would be a slow call elsewhere). */
#if defined(__FMA__) || defined(__FP_FAST_FMAF) || defined(__aarch64__)
#define MULADD(a, b, c) __builtin_fmaf(a, b, c)
#else
#define MULADD(a, b, c) ((a) * (b) + (c))
#endif

typedef union FloatBits {
  float f;
  int32_t i;
  uint32_t u;
} FloatBits;

/* e^x within 2 ulp for every input: 0 below -104 (-infinity too), denormal results included, +infinity above 88.73,
 * NaN for NaN. Cody-Waite reduction x = n ln 2 + r, |r| <= 0.35, a minimax polynomial for e^r, and 2^n in two
 * factors. */
static inline float vec_exp(float x) {
  x = x < -105.0f ? -105.0f : x; /* keeps NaN */
  x = x > 89.0f ? 89.0f : x;
  FloatBits round = {.f = MULADD(x, 1.44269504f, 12582912.0f)}; /* 1.5 * 2^23: the low bits become n */
  float n = round.f - 12582912.0f;
  float r = MULADD(n, -0.693145752f, x);
  r = MULADD(n, -1.42860682e-6f, r);
  float p = MULADD(0.0013950486f, r, 0.0083688879f);
  p = MULADD(p, r, 0.0416662060f);
  p = MULADD(p, r, 0.1666651815f);
  p = MULADD(p, r, 0.5f);
  p = MULADD(p, r * r, r) + 1.0f;
  int32_t exponent = round.i - 0x4B400000, half = exponent >> 1;
  FloatBits low = {.u = (uint32_t)(half + 127) << 23}, high = {.u = (uint32_t)(exponent - half + 127) << 23};
  return p * low.f * high.f;
}

/* Upper tail of the standard normal over its kernel: (1 - Phi(x)) / exp(-x^2 / 2) for 0 <= x <= 6, minimax
 * polynomial. */
static inline float vec_mills(float x) {
  float p = MULADD(1.2713351e-6f, x, -2.8995697e-5f);
  p = MULADD(p, x, 2.9516904e-4f);
  p = MULADD(p, x, -1.80142536e-3f);
  p = MULADD(p, x, 7.54189584e-3f);
  p = MULADD(p, x, -2.37629116e-2f);
  p = MULADD(p, x, 6.07017688e-2f);
  p = MULADD(p, x, -0.132305592f);
  p = MULADD(p, x, 0.249869570f);
  p = MULADD(p, x, -0.398932487f);
  return MULADD(p, x, 0.499999881f);
}

/* GELU with the exact normal distribution (erf form): x Phi(x), and its derivative Phi(x) + x phi(x); absolute error
 * below 4e-7 (1 + |x|). */
static inline float vec_gelu(float x) {
  float size = x < 0.0f ? -x : x;
  size = size > 6.0f ? 6.0f : size;
  float tail = vec_exp(-0.5f * size * size) * vec_mills(size);
  return x * (x > 0.0f ? 1.0f - tail : tail);
}

static inline float vec_gelu_slope(float x) {
  float size = x < 0.0f ? -x : x;
  size = size > 6.0f ? 6.0f : size;
  float kernel = vec_exp(-0.5f * size * size), tail = kernel * vec_mills(size);
  float slope = (x > 0.0f ? 1.0f - tail : tail) + 0.39894228f * x * kernel;
  return slope + 0.0f * x; /* NaN stays NaN */
}

#endif
