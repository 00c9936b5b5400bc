/* Params: one table {name, shape} that describes every weight of the captioner. Weights, gradients and moments are one
 * flat float32 block each, laid out by the table; it drives allocation, initial values, HDF5 names, broadcast, the
 * optimiser and the gradient tests. */
#ifndef TROUPE_MODEL_PARAMS_H
#define TROUPE_MODEL_PARAMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/status.h"

typedef enum NormPlace { NORM_POST, NORM_PRE } NormPlace;
typedef enum Activation { ACTIVATION_RELU, ACTIVATION_GELU } Activation;

/* Shapes of the captioner. One letter a dimension: V vocabulary, D width, H heads, F feature width, N grid cells. */
typedef struct ModelShape {
  int vocabulary;     /* V */
  int width;          /* D, a multiple of heads */
  int heads;          /* H */
  int feed_forward;   /* width of the feed-forward layer */
  int encoder_layers; /* over the grid; 0 = the linear map alone */
  int decoder_layers;
  int cells;     /* N */
  int features;  /* F */
  int positions; /* learned positions = longest input, the start token counts */
  NormPlace norm;
  Activation activation;
  bool tied; /* output weight = token embedding */
} ModelShape;

enum { PARAM_NAME = 48, LAYERS_MAX = 12 };

typedef struct Param {
  char name[PARAM_NAME]; /* "decoder.0.self.qkv.weight" */
  int rows, columns;     /* [rows, columns]; a vector has columns = 1 */
  size_t offset;         /* floats from the start of the block */
  size_t count;
  bool decayed; /* matrices take weight decay under AdamW; biases and norms do not */
} Param;

/* How many dimensions files give it: 1 for a vector. */
static inline int param_rank(const Param *row) { return row->columns == 1 ? 1 : 2; }

/* Offsets (floats) into a block. A linear layer y = x W^T + b has weight [out, in] and bias [out], as in PyTorch. */
typedef struct Linear {
  size_t weight, bias;
} Linear;
typedef struct Norm {
  size_t weight, bias;
} Norm; /* LayerNorm, eps 1e-5 */

typedef struct LayerParams {
  Linear self_qkv, self_out;           /* [3D, D] rows q, k, v; [D, D] */
  Linear cross_q, cross_kv, cross_out; /* decoder only: [D, D], [2D, D] rows k, v, [D, D] */
  Linear up, down;                     /* [feed_forward, D], [D, feed_forward] */
  Norm norm_self, norm_cross, norm_ff; /* norm_cross: decoder only */
} LayerParams;

typedef struct ParamTable {
  Param *rows; /* owned */
  int count;
  size_t total; /* floats in a block, each parameter 16-float aligned; the gaps stay zero */
  ModelShape shape;
  Linear image; /* [D, F]: grid features -> memory */
  LayerParams encoder[LAYERS_MAX], decoder[LAYERS_MAX];
  size_t token_embedding, position_embedding; /* [V, D], [positions, D] */
  Norm norm_embedding;
  Norm norm_encoder, norm_final; /* pre-norm only: after the last encoder layer, after the last decoder layer */
  Linear output;                 /* [V, D] (= token_embedding when tied), bias [V] */
} ParamTable;

/* Checks the shape (positive, D % H == 0, layers <= LAYERS_MAX) and lays out the table. Errors: BAD_INPUT naming the
 * option. */
Status params_init(ParamTable *table, const ModelShape *shape);
void params_free(ParamTable *table); /* idempotent */

/* A zeroed block of table->total floats, 64-byte aligned, owned by the caller (free). */
float *params_block(const ParamTable *table);

/* Initial weights: linear layers Xavier uniform (Glorot and Bengio 2010), embeddings N(0, 1/D), biases 0, norms 1, 0.
 * Keyed by seed and by the parameter's row, so the values depend on nothing else. */
void params_initialise(const ParamTable *table, uint64_t seed, float *weights);

/* The row of that name, or -1. */
int params_find(const ParamTable *table, const char *name);

#endif
