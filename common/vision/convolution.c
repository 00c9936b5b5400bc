/* Convolution kernels: register tiles over packed weights. */
#include "common/vision/convolution.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/status.h"
#include "common/tensor/lanes.h"

#define ALWAYS_INLINE static inline __attribute__((always_inline))

/* TILE_PIXELS x TILE_LANES accumulators fit the register file beside their operands. */
#if defined(__AVX512F__) || defined(__aarch64__)
enum { TILE_PIXELS = 7, TILE_LANES = 3 };
#elif defined(__AVX2__) && defined(__FMA__)
enum { TILE_PIXELS = 4, TILE_LANES = 3 };
#else
enum { TILE_PIXELS = 4, TILE_LANES = 2 };
#endif

static float *floats_new(size_t count) {
  size_t bytes = (count * sizeof(float) + 63) & ~(size_t)63;
  float *floats = aligned_alloc(64, bytes);
  CHECK(floats);
  memset(floats, 0, bytes);
  return floats;
}

/* --- pointwise -------------------------------------------------------------------------------------------------- */

/* Registers wide is the next panel when `left` are to do: 3, 3, ... and never a lone 1 where 2 + 2 will do. */
static int panel_lanes(int left) {
  return left == TILE_LANES + 1 && left > 2 ? left / 2 : left < TILE_LANES ? left : TILE_LANES;
}

void pointwise_init(Pointwise *layer, int in, int out, const float *weight, const float *scale, const float *bias) {
  int total = lanes_rounded(out) / LANES;
  *layer = (Pointwise){.in = in, .out = out};
  layer->panels = floats_new((size_t)in * total * LANES);
  layer->bias = floats_new((size_t)total * LANES);
  memcpy(layer->bias, bias, sizeof(float) * (size_t)out);
  float *to = layer->panels;
  for (int begin = 0, lanes; begin < total; begin += lanes) {
    lanes = panel_lanes(total - begin);
    for (int i = 0; i < in; i++) {
      for (int j = 0; j < lanes * LANES; j++, to++) {
        int o = begin * LANES + j;
        if (o < out) *to = weight[(size_t)o * in + i] * scale[o];
      }
    }
  }
}

void pointwise_free(Pointwise *layer) {
  free(layer->panels);
  free(layer->bias);
  *layer = (Pointwise){0};
}

enum { MAX_TAPS = 9 };

typedef struct Tile {
  const float *in[MAX_TAPS], *panel, *bias, *add; /* add may be NULL */
  float *out;
  int taps, in_channels, in_stride, out_stride; /* in_channels of each tap */
  Clip clip;
} Tile;

/* pixels x lanes sums in registers; both are constants wherever this is inlined. */
ALWAYS_INLINE void tile_run(const Tile *tile, const int pixels, const int lanes) {
  Lanes sum[TILE_PIXELS][TILE_LANES];
  const float *panel = tile->panel;
  const int in_stride = tile->in_stride;
  for (int j = 0; j < lanes; j++)
    for (int p = 0; p < pixels; p++) sum[p][j] = lanes_load(tile->bias + j * LANES);
  for (int t = 0; t < tile->taps; t++) {
    const float *in = tile->in[t];
    for (int i = 0; i < tile->in_channels; i++, panel += lanes * LANES) {
      Lanes weight[TILE_LANES];
      for (int j = 0; j < lanes; j++) weight[j] = lanes_load(panel + j * LANES);
      for (int p = 0; p < pixels; p++) {
        Lanes value = lanes_all(in[p * in_stride + i]);
        for (int j = 0; j < lanes; j++) sum[p][j] = lanes_fma(value, weight[j], sum[p][j]);
      }
    }
  }
  const Lanes low = lanes_all(0), high = lanes_all(tile->clip == CLIP_RELU6 ? 6 : INFINITY);
  for (int p = 0; p < pixels; p++) {
    for (int j = 0; j < lanes; j++) {
      int at = p * tile->out_stride + j * LANES;
      Lanes value = sum[p][j];
      if (tile->add) value = lanes_add(value, lanes_load(tile->add + at));
      if (tile->clip) value = lanes_clamp(value, low, high);
      lanes_store(tile->out + at, value);
    }
  }
}

#define TILE_FUNCTION(P, J) \
  static void tile_##P##_##J(const Tile *tile) { tile_run(tile, P, J); }
#define TILE_FUNCTIONS(J) TILE_FUNCTION(1, J) TILE_FUNCTION(2, J) TILE_FUNCTION(3, J) TILE_FUNCTION(4, J)
#define TILE_NAMES(J)     tile_1_##J, tile_2_##J, tile_3_##J, tile_4_##J
TILE_FUNCTIONS(1)
TILE_FUNCTIONS(2)
#if defined(__AVX512F__) || defined(__aarch64__)
TILE_FUNCTIONS(3)
#define TILE_FUNCTIONS_WIDE(J) TILE_FUNCTION(5, J) TILE_FUNCTION(6, J) TILE_FUNCTION(7, J)
TILE_FUNCTIONS_WIDE(1)
TILE_FUNCTIONS_WIDE(2)
TILE_FUNCTIONS_WIDE(3)
static void (*const tile_functions[TILE_LANES][TILE_PIXELS])(const Tile *) = {
    {TILE_NAMES(1), tile_5_1, tile_6_1, tile_7_1},
    {TILE_NAMES(2), tile_5_2, tile_6_2, tile_7_2},
    {TILE_NAMES(3), tile_5_3, tile_6_3, tile_7_3}};
#elif defined(__AVX2__) && defined(__FMA__)
TILE_FUNCTIONS(3)
static void (*const tile_functions[TILE_LANES][TILE_PIXELS])(const Tile *) = {
    {TILE_NAMES(1)}, {TILE_NAMES(2)}, {TILE_NAMES(3)}};
#else
static void (*const tile_functions[TILE_LANES][TILE_PIXELS])(const Tile *) = {{TILE_NAMES(1)}, {TILE_NAMES(2)}};
#endif

/* A tap's pixel of output pixel x of row r is in[r * stride + tap / kernel] + (x * stride + tap % kernel) * pixel. */
static void rows_run(const Pointwise *layer, int kernel, int stride, int rows, int width, const float *const *in,
                     int pixel, float *const *out, const float *const *add, Clip clip) {
  int total = lanes_rounded(layer->out) / LANES, out_stride = total * LANES;
  const float *panel = layer->panels;
  for (int begin = 0, lanes; begin < total; begin += lanes) {
    lanes = panel_lanes(total - begin);
    for (int r = 0; r < rows; r++) {
      for (int x = 0, pixels; x < width; x += pixels) {
        pixels = width - x < TILE_PIXELS ? width - x : TILE_PIXELS;
        long at = (long)x * out_stride + begin * LANES;
        Tile tile = {.panel = panel,
                     .bias = layer->bias + begin * LANES,
                     .add = add ? add[r] + at : NULL,
                     .out = out[r] + at,
                     .taps = kernel * kernel,
                     .in_channels = layer->in / (kernel * kernel),
                     .in_stride = pixel * stride,
                     .out_stride = out_stride,
                     .clip = clip};
        for (int t = 0; t < tile.taps; t++)
          tile.in[t] = in[r * stride + t / kernel] + ((long)x * stride + t % kernel) * pixel;
        tile_functions[lanes - 1][pixels - 1](&tile);
      }
    }
    panel += (size_t)layer->in * lanes * LANES;
  }
}

void pointwise_rows(const Pointwise *layer, int rows, int width, const float *const *in, int in_stride,
                    float *const *out, const float *const *add, Clip clip) {
  rows_run(layer, 1, 1, rows, width, in, in_stride, out, add, clip);
}

void dense_rows(const Pointwise *layer, int kernel, int stride, int rows, int width, const float *const *in,
                int channels, float *const *out, const float *const *add, Clip clip) {
  CHECK(kernel * kernel <= MAX_TAPS && layer->in == kernel * kernel * channels && channels % LANES == 0);
  rows_run(layer, kernel, stride, rows, width, in, channels, out, add, clip);
}

/* --- depthwise -------------------------------------------------------------------------------------------------- */

void depthwise_init(Depthwise *layer, int channels, int kernel, int stride, const float *weight, const float *scale,
                    const float *bias) {
  int padded = lanes_rounded(channels), taps = kernel * kernel;
  CHECK((kernel == 3 || kernel == 5) && (stride == 1 || stride == 2));
  *layer = (Depthwise){.channels = channels, .kernel = kernel, .stride = stride};
  layer->weight = floats_new((size_t)taps * padded);
  layer->bias = floats_new((size_t)padded);
  memcpy(layer->bias, bias, sizeof(float) * (size_t)channels);
  for (int c = 0; c < channels; c++)
    for (int t = 0; t < taps; t++) layer->weight[(size_t)t * padded + c] = weight[(size_t)c * taps + t] * scale[c];
}

void depthwise_free(Depthwise *layer) {
  free(layer->weight);
  free(layer->bias);
  *layer = (Depthwise){0};
}

/* `pixels` neighbouring outputs of one register of channels: an input is loaded once for all windows that it is in. */
ALWAYS_INLINE void depthwise_tile(const float *const *in, long first, const float *weight, int padded, Lanes bias,
                                  float *out, const int kernel, const int stride, const int pixels) {
  enum { MAX_KERNEL = 5, MAX_PIXELS = 7 };
  Lanes sum[MAX_PIXELS];
  for (int p = 0; p < pixels; p++) sum[p] = bias;
  for (int ky = 0; ky < kernel; ky++) {
    Lanes tap[MAX_KERNEL];
    const float *row = in[ky] + first;
    for (int kx = 0; kx < kernel; kx++) tap[kx] = lanes_load(weight + (long)(ky * kernel + kx) * padded);
    for (int x = 0; x < (pixels - 1) * stride + kernel; x++) {
      Lanes value = lanes_load(row + (long)x * padded);
      for (int p = 0; p < pixels; p++) {
        int kx = x - p * stride;
        if (kx >= 0 && kx < kernel) sum[p] = lanes_fma(value, tap[kx], sum[p]);
      }
    }
  }
  const Lanes low = lanes_all(0), high = lanes_all(6);
  for (int p = 0; p < pixels; p++) lanes_store(out + (long)p * padded, lanes_clamp(sum[p], low, high));
}

ALWAYS_INLINE void depthwise_row_of(const Depthwise *layer, int width, const float *const *in, float *out,
                                    const int kernel, const int stride) {
  int padded = lanes_rounded(layer->channels);
  for (int c = 0; c < padded; c += LANES) {
    const float *weight = layer->weight + c;
    Lanes bias = lanes_load(layer->bias + c);
    int x = 0;
    for (; x + 7 <= width; x += 7)
      depthwise_tile(in, (long)x * stride * padded + c, weight, padded, bias, out + (long)x * padded + c, kernel,
                     stride, 7);
    for (; x < width; x++)
      depthwise_tile(in, (long)x * stride * padded + c, weight, padded, bias, out + (long)x * padded + c, kernel,
                     stride, 1);
  }
}

static void depthwise_row_31(const Depthwise *layer, int width, const float *const *in, float *out) {
  depthwise_row_of(layer, width, in, out, 3, 1);
}
static void depthwise_row_32(const Depthwise *layer, int width, const float *const *in, float *out) {
  depthwise_row_of(layer, width, in, out, 3, 2);
}
static void depthwise_row_51(const Depthwise *layer, int width, const float *const *in, float *out) {
  depthwise_row_of(layer, width, in, out, 5, 1);
}
static void depthwise_row_52(const Depthwise *layer, int width, const float *const *in, float *out) {
  depthwise_row_of(layer, width, in, out, 5, 2);
}

void depthwise_row(const Depthwise *layer, int width, const float *const *in, float *out) {
  if (layer->kernel == 3) (layer->stride == 1 ? depthwise_row_31 : depthwise_row_32)(layer, width, in, out);
  else (layer->stride == 1 ? depthwise_row_51 : depthwise_row_52)(layer, width, in, out);
}
