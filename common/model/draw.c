/* Softmax, truncation and the draw, fused over one row that stays in the nearest cache. */
#include "common/model/draw.h"

#include <math.h>
#include <stdbool.h>

#include "common/base/status.h"
#include "common/model/decode.h"
#include "common/tensor/vecmath.h"

enum { BLOCK = 64 }; /* tokens whose mass is summed together, so that the inverse scans blocks first */

static bool is_allowed(int token) { return token == TOKEN_END || token >= TOKENS_SPECIAL; }

static int blocks_of(int vocabulary) { return (vocabulary + BLOCK - 1) / BLOCK; }

/* [V] weights, [V] for the selection, [blocks] sums. */
size_t draw_scratch(int vocabulary) { return 2 * (size_t)vocabulary + (size_t)blocks_of(vocabulary); }

static float row_max(const float *x, int n) {
  float lane[16], max = x[0];
  int i = 0;
  for (int l = 0; l < 16; l++) lane[l] = max;
  for (; i + 16 <= n; i += 16)
    for (int l = 0; l < 16; l++) lane[l] = x[i + l] > lane[l] ? x[i + l] : lane[l];
  for (; i < n; i++) max = x[i] > max ? x[i] : max;
  for (int l = 0; l < 16; l++) max = lane[l] > max ? lane[l] : max;
  return max;
}

static double blocks_sum(const float *weight, int n, float *sums) {
  double total = 0;
  for (int b = 0; b * BLOCK < n; b++) {
    int end = (b + 1) * BLOCK < n ? (b + 1) * BLOCK : n;
    float sum = 0;
#pragma omp simd reduction(+ : sum)
    for (int i = b * BLOCK; i < end; i++) sum += weight[i];
    sums[b] = sum;
    total += (double)sum;
  }
  return total;
}

/* weight[i] = exp((x[i] - max) * scale), block sums; returns the total. */
static double blocks_exponential(const float *x, int n, float max, float scale, float *weight, float *sums) {
  double total = 0;
  for (int b = 0; b * BLOCK < n; b++) {
    int end = (b + 1) * BLOCK < n ? (b + 1) * BLOCK : n;
    float sum = 0;
#pragma omp simd reduction(+ : sum)
    for (int i = b * BLOCK; i < end; i++) {
      float e = vec_exp((x[i] - max) * scale);
      weight[i] = e;
      sum += e;
    }
    sums[b] = sum;
    total += (double)sum;
  }
  return total;
}

/* log sum exp(x), whole vocabulary. */
static double log_sum(const float *x, int n) {
  float max = row_max(x, n);
  double total = 0;
  for (int b = 0; b < n; b += BLOCK) {
    int end = b + BLOCK < n ? b + BLOCK : n;
    float sum = 0;
#pragma omp simd reduction(+ : sum)
    for (int i = b; i < end; i++) sum += vec_exp(x[i] - max);
    total += (double)sum;
  }
  return (double)max + log(total);
}

/* Where a descending order of weights is cut: everything above `value` stays, and the first `ties` that equal it. */
typedef struct Cut {
  float value;
  int ties;
} Cut;

/* The shortest prefix of the descending order that holds `target`: so many items, or (by_mass) so much weight. Quickselect with a
 * three-way partition; `v` is reordered. */
static Cut cut_find(float *v, int n, double target, bool by_mass) {
  int low = 0, high = n; /* the cut lies in v[low .. high) */
  double above = 0;      /* weight of what is known to stay */
  for (;;) {
    float a = v[low], b = v[low + (high - low) / 2], c = v[high - 1];
    float pivot = a < b ? (b < c ? b : (a < c ? c : a)) : (a < c ? a : (b < c ? c : b));
    int greater = low, i = low, less = high; /* v[low, greater) > pivot, v[greater, i) == pivot, v[less, high) < pivot */
    double mass = 0;
    while (i < less) {
      float x = v[i];
      if (x > pivot) {
        mass += by_mass ? (double)x : 1;
        v[i++] = v[greater];
        v[greater++] = x;
      } else if (x < pivot) {
        v[i] = v[--less];
        v[less] = x;
      } else {
        i++;
      }
    }
    double unit = by_mass ? (double)pivot : 1;
    int equal = less - greater;
    if (greater > low && above + mass >= target) {
      high = greater;
    } else if (above + mass + equal * unit >= target || less == high) {
      int ties = unit > 0 ? (int)fmin(ceil((target - above - mass) / unit), equal) : equal;
      return (Cut){pivot, ties < 1 ? 1 : ties};
    } else {
      above += mass + equal * unit;
      low = less;
    }
  }
}

/* Zeroes the weights whose key the cut drops. A weight of 0 is out already and is no tie. */
static void cut_apply(const float *key, float *weight, int n, Cut cut) {
  int ties = cut.ties;
  for (int i = 0; i < n; i++)
    if (!(key[i] > cut.value) && !(key[i] == cut.value && weight[i] > 0 && ties-- > 0)) weight[i] = 0;
}

/* Zeroes the weights of the tokens that top-k (by logit: weights may tie by rounding), then top-p drop. */
static void truncate_weights(const float *logits, float *weight, int n, int top_k, float top_p, float *work) {
  for (int by_mass = 0; by_mass < 2; by_mass++) {
    if (by_mass ? top_p >= 1 : top_k == 0) continue;
    const float *key = by_mass ? weight : logits;
    int count = 0;
    double mass = 0;
    for (int i = 0; i < n; i++) {
      work[count] = key[i];
      count += weight[i] > 0;
      mass += (double)weight[i];
    }
    if (count == 0 || (!by_mass && top_k >= count)) continue;
    cut_apply(key, weight, n, cut_find(work, count, by_mass ? (double)top_p * mass : (double)top_k, by_mass));
  }
}

static int32_t argmax_allowed(const float *x, int n) {
  float best = x[TOKEN_END];
  float max = row_max(x + TOKENS_SPECIAL, n - TOKENS_SPECIAL);
  if (!(max > best)) return TOKEN_END; /* lower than all ordinary ids: it wins ties */
  int i = TOKENS_SPECIAL;
  while (i < n - 1 && x[i] != max) i++;
  return i;
}

/* The token whose stretch of the cumulated weights holds `point`. */
static int32_t weights_invert(const float *weight, int n, const float *sums, double point) {
  int block = 0, last = blocks_of(n) - 1;
  while (block < last && (sums[block] <= 0 || point >= (double)sums[block])) point -= (double)sums[block++];
  while (block > 0 && !(sums[block] > 0)) block--; /* rounding ran past the last mass */
  int end = (block + 1) * BLOCK < n ? (block + 1) * BLOCK : n;
  int token = -1;
  for (int i = block * BLOCK; i < end; i++) {
    if (!(weight[i] > 0)) continue;
    token = i;
    if (point < (double)weight[i]) break;
    point -= (double)weight[i];
  }
  return token;
}

Draw draw_sample(const float *logits, int vocabulary, float temperature, int top_k, float top_p, double u,
                 float *scratch) {
  CHECK(temperature > 0 && top_k >= 0 && top_p > 0);
  float *weight = scratch, *work = scratch + vocabulary, *sums = work + vocabulary;
  float max = row_max(logits, vocabulary), scale = 1 / temperature;
  double total = blocks_exponential(logits, vocabulary, max, scale, weight, sums), kept = 1;
  weight[TOKEN_PAD] = weight[TOKEN_START] = weight[TOKEN_UNKNOWN] = 0;
  double mass = total;
  if (top_k > 0 || top_p < 1) {
    double allowed = blocks_sum(weight, vocabulary, sums);
    truncate_weights(logits, weight, vocabulary, top_k, top_p, work);
    mass = blocks_sum(weight, vocabulary, sums);
    kept = mass / allowed;
  } else { /* the special tokens are in the first block */
    int end = BLOCK < vocabulary ? BLOCK : vocabulary;
    double before = (double)sums[0];
    sums[0] = 0;
    for (int i = 0; i < end; i++) sums[0] += weight[i];
    mass += (double)sums[0] - before;
  }
  int32_t token = mass > 0 ? weights_invert(weight, vocabulary, sums, u * mass) : -1;
  if (token < 0) token = argmax_allowed(logits, vocabulary); /* nothing allowed has any mass in float32 */
  return (Draw){token, (float)((double)(logits[token] - max) * (double)scale - log(total)), kept};
}

Draw draw_greedy(const float *logits, int vocabulary) {
  int32_t token = argmax_allowed(logits, vocabulary);
  return (Draw){token, (float)((double)logits[token] - log_sum(logits, vocabulary)), 1};
}

int draw_best(const float *logits, int vocabulary, int count, int32_t *tokens, float *logp) {
  int found = 0;
  for (int i = TOKEN_END; i < vocabulary; i++) {
    float x = logits[i];
    if ((found == count && !(x > logp[count - 1])) || !is_allowed(i)) continue;
    int place = found < count ? found++ : count - 1;
    for (; place > 0 && x > logp[place - 1]; place--) {
      tokens[place] = tokens[place - 1];
      logp[place] = logp[place - 1];
    }
    tokens[place] = i;
    logp[place] = x;
  }
  double normaliser = log_sum(logits, vocabulary);
  for (int i = 0; i < found; i++) logp[i] = (float)((double)logp[i] - normaliser);
  return found;
}
