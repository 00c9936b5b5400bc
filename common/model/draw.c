/* Softmax, truncation and the draw, fused over one row that stays in the nearest cache. */
#include "common/model/draw.h"

#include <math.h>
#include <stdbool.h>

#include "common/base/status.h"
#include "common/model/decode.h"
#include "common/tensor/vecmath.h"

enum { BLOCK = 64 }; /* tokens whose mass is summed together, so that the inverse scans blocks first */

static int blocks_of(int vocabulary) { return (vocabulary + BLOCK - 1) / BLOCK; }

/* [V] weights, [blocks] their sums, [V] keys. */
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

static float block_sum(const float *weight, int n, int block) {
  int end = (block + 1) * BLOCK < n ? (block + 1) * BLOCK : n;
  float sum = 0;
#pragma omp simd reduction(+ : sum)
  for (int i = block * BLOCK; i < end; i++) sum += weight[i];
  return sum;
}

static double blocks_sum(const float *weight, int n, float *sums) {
  double total = 0;
  for (int b = 0; b * BLOCK < n; b++) total += (double)(sums[b] = block_sum(weight, n, b));
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

/* Integers in the order of the floats, so that a threshold can be bisected by bits. */
static void keys_make(const float *x, int n, int32_t *key) {
#pragma omp simd
  for (int i = 0; i < n; i++) {
    int32_t bits = ((FloatBits){.f = x[i]}).i;
    key[i] = bits ^ ((bits >> 31) & INT32_MAX);
  }
}

static int keys_count(const int32_t *key, int n, int32_t least) {
  int count = 0;
#pragma omp simd reduction(+ : count)
  for (int i = 0; i < n; i++) count += key[i] >= least;
  return count;
}

static double keys_mass(const int32_t *key, const float *weight, int n, int32_t least) {
  double total = 0;
  for (int begin = 0; begin < n; begin += 1024) {
    int end = begin + 1024 < n ? begin + 1024 : n;
    float sum = 0;
#pragma omp simd reduction(+ : sum)
    for (int i = begin; i < end; i++) sum += key[i] >= least ? weight[i] : 0;
    total += (double)sum;
  }
  return total;
}

/* Zeroes all weights but those of the shortest prefix, in descending order of key, that holds `target`: so many
 * tokens, or (by_mass) so much weight. Equal keys: lower ids stay. A pass over the row for each bit is cheaper
 * than to sort or partition it. */
static void weights_cut(const int32_t *key, float *weight, int n, double target, bool by_mass) {
  int64_t low = INT32_MIN,
          high = (int64_t)INT32_MAX + 1; /* what is >= low holds the target, what is >= high does not */
  double above = 0;
  while (high - low > 1) {
    int64_t middle = low + (high - low) / 2;
    double held = by_mass ? keys_mass(key, weight, n, (int32_t)middle) : keys_count(key, n, (int32_t)middle);
    if (held >= target) {
      low = middle;
    } else {
      high = middle;
      above = held;
    }
  }
  int32_t least = (int32_t)low;
  int equal = 0;
  float unit = 0;
  for (int i = 0; i < n; i++) {
    if (key[i] < least) weight[i] = 0;
    if (key[i] == least && weight[i] > 0) equal++, unit = by_mass ? weight[i] : 1;
  }
  double wanted = ceil((target - above) / (double)unit);
  for (int i = n - 1; i >= 0 && equal > 1 && equal > wanted; i--)
    if (key[i] == least && weight[i] > 0) weight[i] = 0, equal--;
}

/* Zeroes the weights of the tokens that top-k (by logit: weights may tie by rounding), then top-p drop. */
static void weights_truncate(const float *logits, float *weight, int n, const Forbidden *forbidden, int top_k,
                             float top_p, int32_t *key) {
  if (top_k > 0 && top_k < n - forbidden->count) {
    keys_make(logits, n, key);
    for (int i = 0; i < forbidden->count; i++) key[forbidden->token[i]] = INT32_MIN;
    weights_cut(key, weight, n, top_k, false);
  }
  if (top_p < 1) {
    keys_make(weight, n, key);
    weights_cut(key, weight, n, (double)top_p * keys_mass(key, weight, n, INT32_MIN), true);
  }
}

/* Runs of allowed tokens lie between the forbidden ones. Rows that are not numbers: some allowed token. */
static int32_t argmax_allowed(const float *x, int n, const Forbidden *forbidden) {
  float best = 0;
  int from = -1, to = n;
  for (int i = 0, begin = 0; i <= forbidden->count; i++) {
    int end = i < forbidden->count ? forbidden->token[i] : n;
    float max = end > begin ? row_max(x + begin, end - begin) : 0;
    if (end > begin && (from < 0 || max > best)) best = max, from = begin, to = end;
    begin = end + 1;
  }
  for (int i = from; i < to; i++)
    if (x[i] == best) return i;
  return from;
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

Draw draw_sample(const float *logits, int vocabulary, const Forbidden *forbidden, float temperature, int top_k,
                 float top_p, double u, float *scratch) {
  CHECK(temperature > 0 && top_k >= 0 && top_p > 0);
  float *weight = scratch, *sums = scratch + vocabulary;
  float max = row_max(logits, vocabulary), scale = 1 / temperature;
  double total = blocks_exponential(logits, vocabulary, max, scale, weight, sums), mass = total;
  for (int i = 0; i < forbidden->count; i++) weight[forbidden->token[i]] = 0;
  if (top_k > 0 || top_p < 1) {
    weights_truncate(logits, weight, vocabulary, forbidden, top_k, top_p, (int32_t *)(sums + blocks_of(vocabulary)));
    mass = blocks_sum(weight, vocabulary, sums);
  } else {
    for (int i = 0, block, done = -1; i < forbidden->count; i++, done = block) {
      block = forbidden->token[i] / BLOCK;
      if (block == done) continue;
      mass -= (double)sums[block];
      sums[block] = block_sum(weight, vocabulary, block);
      mass += (double)sums[block];
    }
  }
  int32_t token = mass > 0 ? weights_invert(weight, vocabulary, sums, u * mass) : -1;
  if (token < 0) token = argmax_allowed(logits, vocabulary, forbidden); /* nothing allowed has any mass in float32 */
  return (Draw){token, (float)((double)(logits[token] - max) * (double)scale - log(total)), fmin(1, mass / total)};
}

Draw draw_greedy(const float *logits, int vocabulary, const Forbidden *forbidden) {
  int32_t token = argmax_allowed(logits, vocabulary, forbidden);
  return (Draw){token, (float)((double)logits[token] - log_sum(logits, vocabulary)), 1};
}

int draw_best(const float *logits, int vocabulary, const Forbidden *forbidden, int count, int32_t *tokens,
              float *logp) {
  int found = 0;
  for (int i = 0; i < vocabulary; i++) {
    float x = logits[i];
    if ((found == count && !(x > logp[count - 1])) || forbidden_has(forbidden, i)) continue;
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
