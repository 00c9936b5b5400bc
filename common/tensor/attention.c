/* Attention over blocks of packed rows by small matrix products. */
#include "common/tensor/attention.h"

#include <math.h>
#include <string.h>

#include "common/base/status.h"
#include "common/tensor/gemm.h"
#include "common/tensor/softmax.h"
#include "common/tensor/vecmath.h"

size_t attention_probs(int query_rows, int heads, int max_keys) {
  return (size_t)query_rows * (size_t)heads * (size_t)max_keys;
}

/* Where a (block, head) lies. */
typedef struct Place {
  int queries, keys;
  size_t query, key; /* first rows */
  size_t probs;      /* of its [queries, keys] probabilities */
  int column;        /* of the head */
} Place;

static Place place_of(const AttentionBlocks *a, int block, int head) {
  Place p;
  p.query = (size_t)a->query_start[block], p.key = (size_t)a->key_start[block];
  p.queries = a->query_start[block + 1] - a->query_start[block];
  p.keys = a->key_start[block + 1] - a->key_start[block];
  CHECK(p.keys <= a->max_keys && (!a->causal || p.keys == p.queries));
  p.probs = attention_probs((int)p.query, a->heads, a->max_keys) + (size_t)head * (size_t)p.queries * (size_t)p.keys;
  p.column = head * a->width;
  return p;
}

void attention_forward(const AttentionBlocks *a, const float *q, int ldq, const float *k, int ldk, const float *v,
                       int ldv, float *out, int ldo, float *probs) {
  float scale = 1.0f / sqrtf((float)a->width);
#pragma omp parallel for collapse(2) schedule(dynamic, 8)
  for (int b = 0; b < a->blocks; b++) {
    for (int h = 0; h < a->heads; h++) {
      Place at = place_of(a, b, h);
      if (!at.queries) continue;
      float *p = probs + at.probs;
      gemm(false, true, at.queries, at.keys, a->width, 1.0f, q + at.query * ldq + at.column, ldq,
           k + at.key * ldk + at.column, ldk, 0.0f, p, at.keys);
      for (int i = 0; i < at.queries; i++) {
        int seen = a->causal ? i + 1 : at.keys;
        softmax_row(seen, scale, p + (size_t)i * at.keys);
        memset(p + (size_t)i * at.keys + seen, 0, (size_t)(at.keys - seen) * sizeof *p);
      }
      gemm(false, false, at.queries, a->width, at.keys, 1.0f, p, at.keys, v + at.key * ldv + at.column, ldv, 0.0f,
           out + at.query * ldo + at.column, ldo);
    }
  }
}

/* d_p becomes the gradient of the scores before scaling: p (d_p - sum p d_p) scale. */
static void softmax_row_backward(int n, float scale, const float *p, float *d_p) {
  float dot = 0.0f;
#pragma omp simd reduction(+ : dot)
  for (int i = 0; i < n; i++) dot += p[i] * d_p[i];
#pragma omp simd
  for (int i = 0; i < n; i++) d_p[i] = p[i] * (d_p[i] - dot) * scale;
}

void attention_backward(const AttentionBlocks *a, const float *q, int ldq, const float *k, int ldk, const float *v,
                        int ldv, const float *probs, const float *d_out, int ldo, float *d_q, float *d_k, float *d_v,
                        float *scratch) {
  float scale = 1.0f / sqrtf((float)a->width);
#pragma omp parallel for collapse(2) schedule(dynamic, 8)
  for (int b = 0; b < a->blocks; b++) {
    for (int h = 0; h < a->heads; h++) {
      Place at = place_of(a, b, h);
      const float *p = probs + at.probs, *d_o = d_out + at.query * ldo + at.column;
      float *d_p = scratch + at.probs;
      size_t k_at = at.key * ldk + at.column, v_at = at.key * ldv + at.column, q_at = at.query * ldq + at.column;
      if (!at.queries) { /* an image without captions */
        for (int j = 0; j < at.keys; j++) {
          memset(d_k + k_at + (size_t)j * ldk, 0, (size_t)a->width * sizeof *d_k);
          memset(d_v + v_at + (size_t)j * ldv, 0, (size_t)a->width * sizeof *d_v);
        }
        continue;
      }
      gemm(false, true, at.queries, at.keys, a->width, 1.0f, d_o, ldo, v + v_at, ldv, 0.0f, d_p, at.keys);
      gemm(true, false, at.keys, a->width, at.queries, 1.0f, p, at.keys, d_o, ldo, 0.0f, d_v + v_at, ldv);
      for (int i = 0; i < at.queries; i++) /* p = 0 hides what the mask hid */
        softmax_row_backward(at.keys, scale, p + (size_t)i * at.keys, d_p + (size_t)i * at.keys);
      gemm(false, false, at.queries, a->width, at.keys, 1.0f, d_p, at.keys, k + k_at, ldk, 0.0f, d_q + q_at, ldq);
      gemm(true, false, at.keys, a->width, at.queries, 1.0f, d_p, at.keys, q + q_at, ldq, 0.0f, d_k + k_at, ldk);
    }
  }
}

void attention_row(int heads, int width, int keys, const float *q, const float *k, int ldk, const float *v, int ldv,
                   float *out, float *scores) {
  float scale = 1.0f / sqrtf((float)width);
  for (int h = 0; h < heads; h++) {
    const float *query = q + h * width;
    for (int j = 0; j < keys; j++) {
      const float *key = k + (size_t)j * ldk + h * width;
      float dot = 0.0f;
#pragma omp simd reduction(+ : dot)
      for (int c = 0; c < width; c++) dot += query[c] * key[c];
      scores[j] = dot;
    }
    softmax_row(keys, scale, scores);
    float *to = out + h * width;
    memset(to, 0, (size_t)width * sizeof *to);
    for (int j = 0; j < keys; j++) {
      const float *value = v + (size_t)j * ldv + h * width;
      float p = scores[j];
#pragma omp simd
      for (int c = 0; c < width; c++) to[c] = MULADD(p, value[c], to[c]);
    }
  }
}
