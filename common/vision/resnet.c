/* ResNet-50 and ResNet-101 (He et al., arXiv 1512.03385; stride 2 in the 3x3 convolutions, as torchvision and timm have them) up
 * to their last block: 224x224 RGB -> 7x7 cells of 2048 features, or 448x448 -> 14x14, the grid of self-critical.pytorch and of
 * arXiv 2503.01333. Weights under torchvision's names, which are timm's.
 *
 * Activations are [rows, columns, channels]; what a 3x3 convolution reads has a border of zeros. Batch norm is folded into
 * weights and biases on load, ReLU and the residual are applied while the sums are in registers. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/tensor/lanes.h"
#include "common/vision/kind.h"

enum {
  STAGES = 4,
  MAX_BLOCKS = 33,
  MAX_SIDE = 224, /* rows after the stem of the largest picture */
  STEM = 64,
  STEM_KERNEL = 7,
  STEM_TAPS = STEM_KERNEL * STEM_KERNEL * 3,
  STEM_BORDER = 3,
  WIDENS = 4, /* a block's outputs to its inner channels */
  FEATURES = STEM << 5,
  STRIP_BYTES = 256 << 10 /* what a strip of input rows may take of the second-level cache */
};

typedef struct ResnetPlan {
  int blocks[STAGES], size;
} ResnetPlan;

typedef struct Block {
  Pointwise reduce, spatial, widen;
  Pointwise shortcut; /* the first block of a stage */
  int in, mid, out;   /* channels */
  int in_side, out_side, stride;
} Block;

typedef struct Resnet {
  int size, count;
  Pointwise stem; /* over [147] gathered pixels */
  Block blocks[MAX_BLOCKS];
  size_t inner_floats, narrow_floats, wide_floats; /* the largest any block needs */
} Resnet;

/* --- loading ---------------------------------------------------------------------------------------------------- */

static size_t larger(size_t a, size_t b) { return a > b ? a : b; }

static Status block_load(Loader *loader, Block *block, int stage, int index) {
  char prefix[32];
  snprintf(prefix, sizeof prefix, "layer%d.%d.", stage + 1, index);
  TRY(dense_load(loader, prefix, "conv1", "bn1", block->in, block->mid, 1, &block->reduce));
  TRY(dense_load(loader, prefix, "conv2", "bn2", block->mid, block->mid, 3, &block->spatial));
  TRY(dense_load(loader, prefix, "conv3", "bn3", block->mid, block->out, 1, &block->widen));
  if (index) return OK;
  return dense_load(loader, prefix, "downsample.0", "downsample.1", block->in, block->out, 1, &block->shortcut);
}

static Status network_load(Loader *loader, const ResnetPlan *plan, Resnet *net) {
  int channels = STEM, side = plan->size / 4;
  TRY(dense_load(loader, "", "conv1", "bn1", 3, STEM, STEM_KERNEL, &net->stem));
  net->wide_floats = (size_t)side * side * STEM;
  for (int stage = 0; stage < STAGES; stage++) {
    for (int i = 0; i < plan->blocks[stage]; i++) {
      Block *block = &net->blocks[net->count++];
      *block = (Block){.in = channels, .mid = STEM << stage, .in_side = side, .stride = stage && !i ? 2 : 1};
      block->out = block->mid * WIDENS;
      block->out_side = side /= block->stride;
      TRY(block_load(loader, block, stage, i));
      channels = block->out;
      net->inner_floats = larger(net->inner_floats, (size_t)(block->in_side + 2) * (block->in_side + 2) * block->mid);
      net->narrow_floats = larger(net->narrow_floats, (size_t)side * side * block->mid);
      net->wide_floats = larger(net->wide_floats, (size_t)side * side * block->out);
    }
  }
  return OK;
}

static void resnet_unload(void *model) {
  Resnet *net = model;
  if (!net) return;
  pointwise_free(&net->stem);
  for (int i = 0; i < net->count; i++) {
    Pointwise *layers[] = {&net->blocks[i].reduce, &net->blocks[i].spatial, &net->blocks[i].widen,
                           &net->blocks[i].shortcut};
    for (int k = 0; k < 4; k++) pointwise_free(layers[k]);
  }
  free(net);
}

static Status resnet_load(void **model, const EncoderKind *kind, Loader *loader) {
  const ResnetPlan *plan = kind->plan;
  Resnet *net = *model = xcalloc(1, sizeof *net);
  net->size = plan->size;
  return network_load(loader, plan, net);
}

/* --- encoding --------------------------------------------------------------------------------------------------- */

/* One thread's memory, cut from its scratch. */
typedef struct Work {
  float *pixels;           /* [7, size + 6, 3]: normalised rows with their border */
  float *gathered;         /* [size / 2, 147] */
  float *stem;             /* [size / 2, size / 2, 64] */
  float *inner;            /* [side + 2, side + 2, mid]: with a border of zeros */
  float *narrow;           /* [side, side, mid] */
  float *wide[2], *beside; /* [side, side, channels]: a block's input, its output; the shortcut */
} Work;

static size_t work_cut(const Resnet *net, float *scratch, Work *work) {
  size_t half = (size_t)net->size / 2, pixel_row = ((size_t)net->size + 2 * STEM_BORDER) * 3;
  const ScratchPart parts[] = {{&work->pixels, STEM_KERNEL * pixel_row}, {&work->gathered, half * STEM_TAPS},
                               {&work->stem, half * half * STEM},        {&work->inner, net->inner_floats},
                               {&work->narrow, net->narrow_floats},      {&work->wide[0], net->wide_floats},
                               {&work->wide[1], net->wide_floats},       {&work->beside, net->wide_floats}};
  return scratch_cut(scratch, parts, sizeof parts / sizeof *parts);
}

static size_t resnet_scratch(const void *model) {
  Work work;
  return work_cut(model, NULL, &work);
}

/* A dense convolution of `side` x `side` outputs, by strips of rows. in: rows of `in_row` floats, pixels of `channels`; out:
 * rows of out_row floats; add like out, with rows of side * layer->out floats, or NULL. */
static void dense_run(const Pointwise *layer, int kernel, int stride, int side, const float *in, size_t in_row,
                      int channels, float *out, size_t out_row, const float *add, Clip clip) {
  const float *in_rows[2 * MAX_SIDE + 2], *add_rows[MAX_SIDE];
  float *out_rows[MAX_SIDE];
  size_t bytes = in_row * (size_t)stride * sizeof(float);
  int strip = bytes > STRIP_BYTES ? 1 : (int)(STRIP_BYTES / bytes);
  for (int from = 0; from < side; from += strip) {
    int rows = side - from < strip ? side - from : strip;
    for (int r = 0; r < (rows - 1) * stride + kernel; r++)
      in_rows[r] = in + ((size_t)from * (size_t)stride + (size_t)r) * in_row;
    for (int r = 0; r < rows; r++) {
      out_rows[r] = out + (size_t)(from + r) * out_row;
      if (add) add_rows[r] = add + (size_t)(from + r) * (size_t)side * (size_t)layer->out;
    }
    dense_rows(layer, kernel, stride, rows, side, in_rows, channels, out_rows, add ? add_rows : NULL, clip);
  }
}

static void block_run(const Block *block, const Work *work, const float *in, float *out) {
  size_t in_side = (size_t)block->in_side, side = (size_t)block->out_side, mid = (size_t)block->mid;
  size_t inner_row = (in_side + 2) * mid, in_row = in_side * (size_t)block->in;
  float *inner = work->inner;
  memset(inner, 0, inner_row * sizeof *inner);
  memset(inner + (in_side + 1) * inner_row, 0, inner_row * sizeof *inner);
  for (size_t y = 1; y <= in_side; y++) {
    memset(inner + y * inner_row, 0, mid * sizeof *inner);
    memset(inner + (y + 1) * inner_row - mid, 0, mid * sizeof *inner);
  }
  dense_run(&block->reduce, 1, 1, block->in_side, in, in_row, block->in, inner + inner_row + mid, inner_row, NULL,
            CLIP_RELU);
  dense_run(&block->spatial, 3, block->stride, block->out_side, inner, inner_row, block->mid, work->narrow, side * mid,
            NULL, CLIP_RELU);
  const float *add = in;
  if (block->shortcut.panels) {
    dense_run(&block->shortcut, 1, block->stride, block->out_side, in, in_row, block->in, work->beside,
              side * (size_t)block->out, NULL, CLIP_NONE);
    add = work->beside;
  }
  dense_run(&block->widen, 1, 1, block->out_side, work->narrow, side * mid, block->mid, out, side * (size_t)block->out,
            add, CLIP_RELU);
}

/* Row `y` of the picture (outside: zeros), normalised, into its place. */
static void pixels_row(const Resnet *net, const uint8_t *rgb, int y, float *row) {
  static const float mean[3] = {0.485f, 0.456f, 0.406f}, deviation[3] = {0.229f, 0.224f, 0.225f};
  memset(row, 0, sizeof(float) * 3 * (size_t)(net->size + 2 * STEM_BORDER));
  if (y < 0 || y >= net->size) return;
  const uint8_t *from = rgb + (size_t)y * (size_t)net->size * 3;
  row += 3 * STEM_BORDER;
  for (int x = 0; x < net->size; x++)
    for (int c = 0; c < 3; c++, from++) *row++ = ((float)*from * (1.0f / 255) - mean[c]) / deviation[c];
}

/* The 7x7 convolution with stride 2: [size / 2, size / 2, 64]. */
static void stem_run(const Resnet *net, const Work *work, const uint8_t *rgb) {
  int half = net->size / 2, row = (net->size + 2 * STEM_BORDER) * 3;
  for (int y = 0; y < half; y++) {
    for (int k = 0; k < STEM_KERNEL; k++) {
      int line = 2 * y + k - STEM_BORDER;
      float *kept = work->pixels + (size_t)((line + STEM_KERNEL) % STEM_KERNEL) * (size_t)row;
      if (y == 0 || k >= STEM_KERNEL - 2) pixels_row(net, rgb, line, kept);
      for (int x = 0; x < half; x++)
        memcpy(work->gathered + (size_t)x * STEM_TAPS + k * STEM_KERNEL * 3, kept + 6 * x,
               STEM_KERNEL * 3 * sizeof *kept);
    }
    const float *in = work->gathered;
    float *out = work->stem + (size_t)y * (size_t)half * STEM;
    pointwise_rows(&net->stem, 1, half, &in, STEM_TAPS, &out, NULL, CLIP_RELU);
  }
}

/* 3x3 maximum with stride 2; all inputs are at least 0, so what lies outside cannot win. */
static void pool_run(const float *in, int in_side, float *out) {
  int side = in_side / 2;
  for (int y = 0; y < side; y++) {
    for (int x = 0; x < side; x++, out += STEM) {
      memset(out, 0, STEM * sizeof *out);
      for (int v = y ? 2 * y - 1 : 0; v <= 2 * y + 1; v++)
        for (int u = x ? 2 * x - 1 : 0; u <= 2 * x + 1; u++) {
          const float *from = in + ((size_t)v * (size_t)in_side + (size_t)u) * STEM;
          for (int c = 0; c < STEM; c++) out[c] = from[c] > out[c] ? from[c] : out[c];
        }
    }
  }
}

static void resnet_encode(const void *model, float *scratch, const uint8_t *rgb, float *grid) {
  const Resnet *net = model;
  Work work;
  work_cut(net, scratch, &work);
  stem_run(net, &work, rgb);
  pool_run(work.stem, net->size / 2, work.wide[0]);
  for (int i = 0; i < net->count; i++)
    block_run(&net->blocks[i], &work, work.wide[i % 2], i + 1 < net->count ? work.wide[(i + 1) % 2] : grid);
}

_Static_assert(STEM % LANES == 0, "channels fill whole registers");

#define RESNET(IDENTIFIER, NAME, WEIGHTS, THIRD, SIDE)                                        \
  static const ResnetPlan plan_##IDENTIFIER = {{3, 4, THIRD, 3}, SIDE};                       \
  const EncoderKind encoder_##IDENTIFIER = {                                                  \
      .name = NAME,                                                                           \
      .weights = WEIGHTS,                                                                     \
      .source = "torchvision's or timm's state dict, saved as safetensors",                   \
      .cells = (SIDE / 32) * (SIDE / 32),                                                     \
      .features = FEATURES,                                                                   \
      .size = SIDE,                                                                           \
      .preprocessing = "RGB " #SIDE "x" #SIDE " bicubic, (v/255-mean)/deviation of ImageNet", \
      .plan = &plan_##IDENTIFIER,                                                             \
      .epsilon = 1e-5f,                                                                       \
      .load = resnet_load,                                                                    \
      .unload = resnet_unload,                                                                \
      .scratch_floats = resnet_scratch,                                                       \
      .encode = resnet_encode,                                                                \
  }

RESNET(resnet50, "resnet50", "resnet50", 6, 224);
RESNET(resnet50_448, "resnet50-448", "resnet50", 6, 448);
RESNET(resnet101, "resnet101", "resnet101", 23, 224);
RESNET(resnet101_448, "resnet101-448", "resnet101", 23, 448);
