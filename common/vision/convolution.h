/* Convolutions of an inference-only network, one picture at a time, one row of pixels at a time: activations are
 * [pixels, channels] with channels padded to whole registers (lanes_rounded; the padding is zero), weights are packed
 * on load, bias, ReLU6 and the skip connection are applied while the sums are still in registers. */
#ifndef TROUPE_VISION_CONVOLUTION_H
#define TROUPE_VISION_CONVOLUTION_H

/* What ends a convolution: nothing, [0, inf) or [0, 6]. */
typedef enum Clip { CLIP_NONE, CLIP_RELU, CLIP_RELU6 } Clip;

/* 1x1 convolution: out[p, o] = bias[o] + sum_i in[p, i] weight[i, o]. */
typedef struct Pointwise {
  int in, out;   /* channels */
  float *panels; /* owned: weights, panels of columns one after another, each [in, columns] */
  float *bias;   /* owned: [lanes_rounded(out)] */
} Pointwise;

/* weight [out, in] row-major, scale and bias [out]: the weights are multiplied by scale[o]. */
void pointwise_init(Pointwise *layer, int in, int out, const float *weight, const float *scale, const float *bias);
void pointwise_free(Pointwise *layer);

/* `rows` rows of `width` pixels: in[r] [width, in_stride] -> out[r] [width, lanes_rounded(out)]. `add` (or NULL): rows
 * like out that are added, before `clip`. */
void pointwise_rows(const Pointwise *layer, int rows, int width, const float *const *in, int in_stride,
                    float *const *out, const float *const *add, Clip clip);

/* Dense k x k convolution (k up to 3) of the layer, whose inputs are [k * k * channels] (y, x, channel): output row r reads
 * the rows in[r * stride .. r * stride + k - 1], which begin at the first pixel under the window of output pixel 0 (so they
 * carry their padding). channels: a multiple of LANES. */
void dense_rows(const Pointwise *layer, int kernel, int stride, int rows, int width, const float *const *in,
                int channels, float *const *out, const float *const *add, Clip clip);

/* Depthwise k x k convolution, k 3 or 5, stride 1 or 2, with ReLU6. */
typedef struct Depthwise {
  int channels, kernel, stride;
  float *weight; /* owned: [k * k, lanes_rounded(channels)] */
  float *bias;   /* owned: [lanes_rounded(channels)] */
} Depthwise;

/* weight [channels, k, k], scale and bias [channels]. */
void depthwise_init(Depthwise *layer, int channels, int kernel, int stride, const float *weight, const float *scale,
                    const float *bias);
void depthwise_free(Depthwise *layer);

/* One output row of `width` pixels from the `kernel` rows in[0 .. k-1], which begin at the first pixel under the window
 * of output pixel 0 (so they carry their padding). */
void depthwise_row(const Depthwise *layer, int width, const float *const *in, float *out);

#endif
