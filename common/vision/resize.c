/* Bicubic resize with a support that grows with the reduction: first along rows, then along columns, 8 bits between the
 * two, fixed-point weights of 22 fractional bits: the arithmetic that Pillow's users get. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/status.h"
#include "common/vision/image.h"

enum { FRACTION_BITS = 22 };

/* The weights of one axis: output i = sum over t < count[i] of weight[i * taps + t] * input[first[i] + t]. */
typedef struct Axis {
  int in, out, taps;
  int *first, *count;
  int32_t *weight;
} Axis;

struct ResizeWork {
  Axis across, down;
  uint8_t *rows; /* [height, out width, 3] */
  size_t rows_bytes;
};

ResizeWork *resize_work_new(void) { return xcalloc(1, sizeof(ResizeWork)); }

static void axis_free(Axis *axis) {
  free(axis->first);
  free(axis->count);
  free(axis->weight);
  *axis = (Axis){0};
}

void resize_work_free(ResizeWork *work) {
  if (!work) return;
  axis_free(&work->across);
  axis_free(&work->down);
  free(work->rows);
  free(work);
}

/* Keys' cubic with a = -1/2 (IEEE TASSP 29(6), 1981). */
static double cubic(double x) {
  const double a = -0.5;
  x = fabs(x);
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  if (x < 2) return (((x - 5) * x + 8) * x - 4) * a;
  return 0;
}

static void axis_set(Axis *axis, int in, int out) {
  if (axis->in == in && axis->out == out) return; /* most pictures of a set are of few sizes */
  axis_free(axis);
  double scale = (double)in / out, spread = scale > 1 ? scale : 1, support = 2 * spread;
  int taps = (int)ceil(support) * 2 + 1;
  *axis = (Axis){.in = in, .out = out, .taps = taps};
  axis->first = xmalloc(sizeof(int) * (size_t)out);
  axis->count = xmalloc(sizeof(int) * (size_t)out);
  axis->weight = xcalloc((size_t)out * taps, sizeof(int32_t));
  double *weight = xmalloc(sizeof(double) * (size_t)taps);
  for (int i = 0; i < out; i++) {
    double centre = (i + 0.5) * scale, sum = 0;
    int first = (int)(centre - support + 0.5), last = (int)(centre + support + 0.5);
    if (first < 0) first = 0;
    if (last > in) last = in;
    for (int t = 0; t < last - first; t++) sum += weight[t] = cubic((t + first - centre + 0.5) * (1 / spread));
    for (int t = 0; t < last - first; t++) {
      double fixed = weight[t] * (1 / sum) * (1 << FRACTION_BITS);
      axis->weight[(size_t)i * taps + t] = (int32_t)(fixed < 0 ? fixed - 0.5 : fixed + 0.5);
    }
    axis->first[i] = first;
    axis->count[i] = last - first;
  }
  free(weight);
}

static inline uint8_t clamp_byte(int32_t fixed) {
  int32_t value = fixed >> FRACTION_BITS;
  return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
}

typedef int32_t Pixel __attribute__((vector_size(16)));
typedef uint8_t PackedPixel __attribute__((vector_size(4)));

static inline Pixel pixel_load(const uint8_t *rgb) {
  PackedPixel packed;
  memcpy(&packed, rgb, 4); /* the fourth byte is the next pixel's (or slack): it is ignored */
  return __builtin_convertvector(packed, Pixel);
}

/* One row [in, 3] -> [out, 3]; reads up to one byte past the row. */
static void resize_across(const Axis *axis, const uint8_t *row, uint8_t *out) {
  const int32_t half = 1 << (FRACTION_BITS - 1);
  for (int i = 0; i < axis->out; i++) {
    const int32_t *weight = axis->weight + (size_t)i * axis->taps;
    const uint8_t *from = row + 3 * (size_t)axis->first[i];
    Pixel sum = {half, half, half, half};
    for (int t = 0; t < axis->count[i]; t++) sum += pixel_load(from + 3 * t) * weight[t];
    for (int c = 0; c < 3; c++) out[3 * i + c] = clamp_byte(sum[c]);
  }
}

/* Output row i of [out, bytes] from rows [in, bytes], in pieces whose sums stay in registers or L1. */
static void resize_down(const Axis *axis, const uint8_t *rows, int bytes, int i, uint8_t *out) {
  enum { PIECE = 256 };
  const int32_t *weight = axis->weight + (size_t)i * axis->taps;
  for (int begin = 0; begin < bytes; begin += PIECE) {
    int count = bytes - begin < PIECE ? bytes - begin : PIECE;
    int32_t sum[PIECE];
    for (int j = 0; j < count; j++) sum[j] = 1 << (FRACTION_BITS - 1);
    for (int t = 0; t < axis->count[i]; t++) {
      const uint8_t *from = rows + (size_t)(axis->first[i] + t) * bytes + begin;
      for (int j = 0; j < count; j++) sum[j] += from[j] * weight[t];
    }
    for (int j = 0; j < count; j++) out[begin + j] = clamp_byte(sum[j]);
  }
}

void image_resize(const Image *image, int width, int height, uint8_t *out, ResizeWork *work) {
  const uint8_t *rows = image->rgb;
  size_t row_bytes = 3 * (size_t)width;
  if (image->width != width) {
    size_t needed = row_bytes * image->height;
    if (work->rows_bytes < needed) {
      free(work->rows);
      work->rows = xmalloc(needed);
      work->rows_bytes = needed;
    }
    axis_set(&work->across, image->width, width);
    for (int y = 0; y < image->height; y++)
      resize_across(&work->across, rows + 3 * (size_t)y * image->width, work->rows + row_bytes * y);
    rows = work->rows;
  }
  if (image->height == height) {
    memcpy(out, rows, row_bytes * height);
    return;
  }
  axis_set(&work->down, image->height, height);
  for (int y = 0; y < height; y++) resize_down(&work->down, rows, (int)row_bytes, y, out + row_bytes * y);
}
