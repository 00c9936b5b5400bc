/* EfficientNet-Lite0, 1 and 2 (Tan and Le, arXiv 1905.11946; the Lite variant: no squeeze-and-excitation, ReLU6) up to their last
 * convolution: 224x224 RGB -> 7x7 cells of 1280 features, 240x240 -> 8x8, 260x260 -> 9x9.
 *
 * An inverted residual block (1x1 expand, k x k depthwise, 1x1 project) runs strip by strip of output rows: only the
 * expanded rows under the strip's windows exist, in a ring that stays in the second-level cache, where the whole
 * expanded activation (up to 4.8 MB) would not. Batch norm is folded into weights and biases on load. "Same" padding is
 * TensorFlow's: an odd pixel of padding lies right and below. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/tensor/lanes.h"
#include "common/vision/kind.h"

enum {
  MAX_SIZE = 260,
  STEM = 32,      /* channels */
  STEM_TAPS = 27, /* 3 x 3 x RGB */
  STAGES = 7,
  MAX_BLOCKS = 21,
  HEAD = 1280,
  MAX_KERNEL = 5,
  STRIP_BYTES = 384 << 10, /* what a strip's ring and depthwise output may take of the second-level cache */
};

static const struct {
  int kernel, stride, expand;
} stages[STAGES] = {{3, 1, 1}, {3, 2, 6}, {5, 2, 6}, {3, 2, 6}, {5, 1, 6}, {5, 2, 6}, {3, 1, 6}};

/* Depth and width of each stage, as the multipliers (1, 1), (1.1, 1) and (1.2, 1.1) round them. */
typedef struct EfficientnetPlan {
  int size, repeats[STAGES], out[STAGES];
} EfficientnetPlan;
static const EfficientnetPlan plan_lite0 = {224, {1, 2, 2, 3, 3, 4, 1}, {16, 24, 40, 80, 112, 192, 320}},
                              plan_lite1 = {240, {1, 3, 3, 4, 4, 5, 1}, {16, 24, 40, 80, 112, 192, 320}},
                              plan_lite2 = {260, {1, 3, 3, 4, 4, 5, 1}, {16, 24, 48, 88, 120, 208, 352}};

typedef struct Block {
  Pointwise expand; /* not in the first block, whose expansion is the stem */
  Depthwise depthwise;
  Pointwise project;
  int in, mid, out;         /* channels */
  int in_size, out_size;    /* pixels a side */
  int pad_before, pad_both; /* pixels of padding: left (and above), and left plus right */
  int strip, ring;          /* output rows at a time; expanded rows kept */
  bool skip;
} Block;

typedef struct Efficientnet {
  int size, grid; /* pixels a side, cells a side */
  Pointwise stem; /* over [27] gathered pixels */
  Block blocks[MAX_BLOCKS];
  int count;
  Pointwise head;
  size_t ring_floats, middle_floats, activation_floats; /* the largest any block needs */
} Efficientnet;

/* --- loading ---------------------------------------------------------------------------------------------------- */

static Status depthwise_load(Loader *loader, const char *prefix, const char *norm, const Block *block, int kernel,
                             int stride, Depthwise *layer) {
  Folded folded;
  Status status = convolution_load(loader, prefix, "conv_dw", norm, block->mid, 1, kernel, &folded);
  if (status == OK) depthwise_init(layer, block->mid, kernel, stride, folded.weight, folded.scale, folded.bias);
  folded_free(&folded);
  return status;
}

static size_t ring_row_floats(const Block *block) {
  return (size_t)(block->in_size + block->pad_both) * lanes_rounded(block->mid);
}

static size_t middle_row_floats(const Block *block) { return (size_t)block->out_size * lanes_rounded(block->mid); }

static void block_shape(Block *block, int stage, int in, int out, int in_size, int stride) {
  int kernel = stages[stage].kernel;
  block->in = in;
  block->mid = in * stages[stage].expand;
  block->out = out;
  block->in_size = in_size;
  block->out_size = (in_size + stride - 1) / stride;
  block->pad_both = (block->out_size - 1) * stride + kernel - in_size;
  block->pad_before = block->pad_both / 2;
  block->skip = stride == 1 && in == block->out;
  for (block->strip = block->out_size; block->strip > 1; block->strip--) {
    block->ring = (block->strip - 1) * stride + kernel;
    size_t floats = block->ring * ring_row_floats(block) + block->strip * middle_row_floats(block);
    if (floats * sizeof(float) <= STRIP_BYTES) break;
  }
  block->ring = (block->strip - 1) * stride + kernel;
}

static Status block_load(Loader *loader, Block *block, int stage, int index, int stride) {
  char prefix[32];
  bool expands = stages[stage].expand > 1;
  snprintf(prefix, sizeof prefix, "blocks.%d.%d.", stage, index);
  if (expands) TRY(dense_load(loader, prefix, "conv_pw", "bn1", block->in, block->mid, 1, &block->expand));
  TRY(depthwise_load(loader, prefix, expands ? "bn2" : "bn1", block, stages[stage].kernel, stride, &block->depthwise));
  return dense_load(loader, prefix, expands ? "conv_pwl" : "conv_pw", expands ? "bn3" : "bn2", block->mid, block->out,
                    1, &block->project);
}

static size_t larger(size_t a, size_t b) { return a > b ? a : b; }

static Status network_load(Loader *loader, const EfficientnetPlan *plan, Efficientnet *net) {
  int channels = STEM, size = plan->size / 2;
  TRY(dense_load(loader, "", "conv_stem", "bn1", 3, STEM, 3, &net->stem));
  for (int stage = 0; stage < STAGES; stage++) {
    for (int i = 0; i < plan->repeats[stage]; i++) {
      int stride = i == 0 ? stages[stage].stride : 1;
      Block *block = &net->blocks[net->count++];
      block_shape(block, stage, channels, plan->out[stage], size, stride);
      TRY(block_load(loader, block, stage, i, stride));
      net->ring_floats = larger(net->ring_floats, block->ring * ring_row_floats(block));
      net->middle_floats = larger(net->middle_floats, block->strip * middle_row_floats(block));
      size = block->out_size;
      channels = block->out;
      net->activation_floats = larger(net->activation_floats, (size_t)size * size * lanes_rounded(channels));
    }
  }
  CHECK(net->count <= MAX_BLOCKS && HEAD % LANES == 0);
  net->grid = size;
  return dense_load(loader, "", "conv_head", "bn2", channels, HEAD, 1, &net->head);
}

static void efficientnet_unload(void *model) {
  Efficientnet *net = model;
  if (!net) return;
  pointwise_free(&net->stem);
  for (int i = 0; i < net->count; i++) {
    pointwise_free(&net->blocks[i].expand);
    depthwise_free(&net->blocks[i].depthwise);
    pointwise_free(&net->blocks[i].project);
  }
  pointwise_free(&net->head);
  free(net);
}

static Status efficientnet_load(void **model, const EncoderKind *kind, Loader *loader) {
  const EfficientnetPlan *plan = kind->plan;
  Efficientnet *net = *model = xcalloc(1, sizeof *net);
  net->size = plan->size;
  return network_load(loader, plan, net);
}

/* --- encoding --------------------------------------------------------------------------------------------------- */

static size_t pixel_row_floats(const Efficientnet *net) { return ((size_t)net->size + 1) * 3; }

/* One thread's memory, cut from its scratch. */
typedef struct Work {
  float *ring, *middle, *activations[2];
  float *zeros;    /* an expanded row of nothing: what lies above and below the picture */
  float *pixels;   /* [3, size + 1, 3]: normalised rows */
  float *gathered; /* [size / 2, 27] */
} Work;

static size_t longest_ring_row(const Efficientnet *net) {
  size_t longest = 0;
  for (int i = 0; i < net->count; i++) longest = larger(longest, ring_row_floats(&net->blocks[i]));
  return longest;
}

static size_t work_cut(const Efficientnet *net, float *scratch, Work *work) {
  const ScratchPart parts[] = {{&work->ring, net->ring_floats},
                               {&work->middle, net->middle_floats},
                               {&work->activations[0], net->activation_floats},
                               {&work->activations[1], net->activation_floats},
                               {&work->zeros, longest_ring_row(net)},
                               {&work->pixels, 3 * pixel_row_floats(net)},
                               {&work->gathered, (size_t)net->size / 2 * STEM_TAPS}};
  return scratch_cut(scratch, parts, sizeof parts / sizeof *parts);
}

static size_t efficientnet_scratch(const void *model) {
  Work work;
  return work_cut(model, NULL, &work);
}

/* Row y of the stem's output, [size / 2, 32]. The pixel of padding lies right and below. */
static void stem_row(const Efficientnet *net, Work *work, const uint8_t *rgb, int y, float *out) {
  int size = net->size, half = size / 2;
  size_t row_floats = pixel_row_floats(net);
  for (int ky = 0; ky < 3; ky++) {
    float *row = work->pixels + (size_t)ky * row_floats;
    const uint8_t *from = rgb + (size_t)(2 * y + ky) * (size_t)size * 3;
    if (2 * y + ky >= size) {
      memset(row, 0, sizeof(float) * row_floats);
      continue;
    }
    for (int i = 0; i < size * 3; i++) row[i] = ((float)from[i] - 127) * (1.0f / 128);
    for (int i = size * 3; i < (int)row_floats; i++) row[i] = 0;
  }
  for (int x = 0; x < half; x++)
    for (size_t ky = 0; ky < 3; ky++)
      memcpy(work->gathered + x * STEM_TAPS + ky * 9, work->pixels + ky * row_floats + 6 * x, 9 * sizeof(float));
  const float *gathered = work->gathered;
  pointwise_rows(&net->stem, 1, half, &gathered, STEM_TAPS, &out, NULL, CLIP_RELU6);
}

/* Expanded rows [from, to) of the block's input go to their places in the ring (row y at y mod ring). */
static void rows_expand(const Efficientnet *net, const Block *block, Work *work, const uint8_t *rgb, const float *in,
                        int from, int to) {
  const float *in_rows[MAX_SIZE];
  float *out_rows[MAX_SIZE];
  int in_stride = lanes_rounded(block->in);
  size_t row = ring_row_floats(block), left = (size_t)block->pad_before * lanes_rounded(block->mid);
  for (int y = from; y < to; y++) {
    out_rows[y - from] = work->ring + (size_t)(y % block->ring) * row + left;
    if (block == net->blocks) stem_row(net, work, rgb, y, out_rows[y - from]);
    else in_rows[y - from] = in + (size_t)y * block->in_size * in_stride;
  }
  if (block != net->blocks && to > from)
    pointwise_rows(&block->expand, to - from, block->in_size, in_rows, in_stride, out_rows, NULL, CLIP_RELU6);
}

static void strip_depthwise(const Block *block, const Work *work, int from, int to) {
  int kernel = block->depthwise.kernel, stride = block->depthwise.stride;
  for (int y = from; y < to; y++) {
    const float *window[MAX_KERNEL];
    for (int k = 0; k < kernel; k++) {
      int under = y * stride - block->pad_before + k;
      bool inside = under >= 0 && under < block->in_size;
      window[k] = inside ? work->ring + (size_t)(under % block->ring) * ring_row_floats(block) : work->zeros;
    }
    depthwise_row(&block->depthwise, block->out_size, window,
                  work->middle + (size_t)(y - from) * middle_row_floats(block));
  }
}

static void strip_project(const Block *block, const Work *work, const float *in, float *out, int from, int to) {
  const float *in_rows[MAX_SIZE], *skip_rows[MAX_SIZE];
  float *out_rows[MAX_SIZE];
  size_t row = (size_t)block->out_size * lanes_rounded(block->out);
  for (int y = from; y < to; y++) {
    in_rows[y - from] = work->middle + (size_t)(y - from) * middle_row_floats(block);
    skip_rows[y - from] = in + (size_t)y * row; /* same shape as out where it is used */
    out_rows[y - from] = out + (size_t)y * row;
  }
  pointwise_rows(&block->project, to - from, block->out_size, in_rows, lanes_rounded(block->mid), out_rows,
                 block->skip ? skip_rows : NULL, CLIP_NONE);
}

/* The ring's rows keep zeros left and right of the pixels. */
static void ring_pad(const Block *block, Work *work) {
  size_t channels = (size_t)lanes_rounded(block->mid), row = ring_row_floats(block);
  size_t left = channels * block->pad_before, right = channels * (block->pad_both - block->pad_before);
  for (int i = 0; i < block->ring; i++) {
    memset(work->ring + i * row, 0, sizeof(float) * left);
    memset(work->ring + (i + 1) * row - right, 0, sizeof(float) * right);
  }
}

static void block_run(const Efficientnet *net, const Block *block, Work *work, const uint8_t *rgb, const float *in,
                      float *out) {
  int expanded = 0; /* rows so far */
  ring_pad(block, work);
  for (int from = 0; from < block->out_size; from += block->strip) {
    int to = from + block->strip < block->out_size ? from + block->strip : block->out_size;
    int needed = (to - 1) * block->depthwise.stride - block->pad_before + block->depthwise.kernel;
    if (needed > block->in_size) needed = block->in_size;
    rows_expand(net, block, work, rgb, in, expanded, needed);
    expanded = needed;
    strip_depthwise(block, work, from, to);
    strip_project(block, work, in, out, from, to);
  }
}

static void efficientnet_encode(const void *model, float *scratch, const uint8_t *rgb, float *grid) {
  const Efficientnet *net = model;
  Work work;
  work_cut(net, scratch, &work);
  memset(work.zeros, 0, sizeof(float) * longest_ring_row(net));
  float *in = work.activations[0], *out = work.activations[1];
  for (int i = 0; i < net->count; i++) {
    block_run(net, &net->blocks[i], &work, rgb, in, out);
    float *swap = in;
    in = out;
    out = swap;
  }
  const float *row = in;
  pointwise_rows(&net->head, 1, net->grid * net->grid, &row, lanes_rounded(net->head.in), &grid, NULL, CLIP_RELU6);
}

#define LITE(NUMBER, SIDE, GRID)                                       \
  const EncoderKind encoder_efficientnet_lite##NUMBER = {              \
      .name = "efficientnet-lite" #NUMBER,                             \
      .source = "deploy/fetch-encoder.sh efficientnet-lite" #NUMBER,   \
      .cells = GRID * GRID,                                            \
      .features = HEAD,                                                \
      .size = SIDE,                                                    \
      .preprocessing = "RGB " #SIDE "x" #SIDE " bicubic, (v-127)/128", \
      .plan = &plan_lite##NUMBER,                                      \
      .epsilon = 1e-3f,                                                \
      .load = efficientnet_load,                                       \
      .unload = efficientnet_unload,                                   \
      .scratch_floats = efficientnet_scratch,                          \
      .encode = efficientnet_encode,                                   \
  }

LITE(0, 224, 7);
LITE(1, 240, 8);
LITE(2, 260, 9);
