/* Lanes: one vector register of floats and the few operations that the register-blocked kernels need, for the instruction
 * set the compiler was told of. Explicit: ISO C compilers may not fuse a * b + c on their own, and GCC, even where it may,
 * does so for some loops and not for others of the same source when it tunes for AMD's Zen (-mtune=znver*, "avoid chains
 * of fused additions"), so that one sum would have different bits in kernels of different width. */
#ifndef TROUPE_TENSOR_LANES_H
#define TROUPE_TENSOR_LANES_H

/* LANES: floats a register. */
#if defined(__AVX512F__)
#include <immintrin.h>
enum { LANES = 16 };
typedef __m512 Lanes;
static inline Lanes lanes_load(const float *at) { return _mm512_loadu_ps(at); }
static inline void lanes_store(float *at, Lanes a) { _mm512_storeu_ps(at, a); }
static inline Lanes lanes_all(float value) { return _mm512_set1_ps(value); }
static inline Lanes lanes_fma(Lanes a, Lanes b, Lanes c) { return _mm512_fmadd_ps(a, b, c); }
static inline Lanes lanes_add(Lanes a, Lanes b) { return _mm512_add_ps(a, b); }
static inline Lanes lanes_clamp(Lanes a, Lanes low, Lanes high) { return _mm512_min_ps(_mm512_max_ps(a, low), high); }

#elif defined(__AVX2__) && defined(__FMA__)
#include <immintrin.h>
enum { LANES = 8 };
typedef __m256 Lanes;
static inline Lanes lanes_load(const float *at) { return _mm256_loadu_ps(at); }
static inline void lanes_store(float *at, Lanes a) { _mm256_storeu_ps(at, a); }
static inline Lanes lanes_all(float value) { return _mm256_set1_ps(value); }
static inline Lanes lanes_fma(Lanes a, Lanes b, Lanes c) { return _mm256_fmadd_ps(a, b, c); }
static inline Lanes lanes_add(Lanes a, Lanes b) { return _mm256_add_ps(a, b); }
static inline Lanes lanes_clamp(Lanes a, Lanes low, Lanes high) { return _mm256_min_ps(_mm256_max_ps(a, low), high); }

#elif defined(__aarch64__)
#include <arm_neon.h>
enum { LANES = 4 };
typedef float32x4_t Lanes;
static inline Lanes lanes_load(const float *at) { return vld1q_f32(at); }
static inline void lanes_store(float *at, Lanes a) { vst1q_f32(at, a); }
static inline Lanes lanes_all(float value) { return vdupq_n_f32(value); }
static inline Lanes lanes_fma(Lanes a, Lanes b, Lanes c) { return vfmaq_f32(c, a, b); }
static inline Lanes lanes_add(Lanes a, Lanes b) { return vaddq_f32(a, b); }
static inline Lanes lanes_clamp(Lanes a, Lanes low, Lanes high) { return vminq_f32(vmaxq_f32(a, low), high); }

#else
#include <string.h>
enum { LANES = 4 };
typedef float Lanes __attribute__((vector_size(16)));
static inline Lanes lanes_load(const float *at) {
  Lanes a;
  memcpy(&a, at, sizeof a);
  return a;
}
static inline void lanes_store(float *at, Lanes a) { memcpy(at, &a, sizeof a); }
static inline Lanes lanes_all(float value) { return (Lanes){value, value, value, value}; }
static inline Lanes lanes_fma(Lanes a, Lanes b, Lanes c) { return a * b + c; }
static inline Lanes lanes_add(Lanes a, Lanes b) { return a + b; }
static inline Lanes lanes_clamp(Lanes a, Lanes low, Lanes high) {
  for (int i = 0; i < LANES; i++) {
    float raised = a[i] > low[i] ? a[i] : low[i];
    a[i] = raised < high[i] ? raised : high[i];
  }
  return a;
}
#endif

static inline int lanes_rounded(int channels) { return (channels + LANES - 1) / LANES * LANES; }

#endif
