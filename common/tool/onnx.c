/* Onnx: the captioner, operation by operation. */
#include "common/tool/onnx.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/tool/onnx_graph.h"

typedef OnnxValue Value;

typedef struct Model {
  OnnxGraph *graph;
  const ModelShape *shape;
  Value memory, mask; /* what attention across goes over; what keeps attention to the tokens before */
} Model;

/* The name of a module's weight or of a module in a module. */
static Value part(Value module, const char *name) {
  Value value;
  snprintf(value.name, sizeof value.name, "%.40s.%s", module.name, name);
  return value;
}

static Value transpose(const Model *m, Value x, int rank, const int64_t *order) {
  Protobuf attributes = {0};
  onnx_attribute_list(&attributes, "perm", rank, order);
  return NODE(m->graph, "Transpose", &attributes, x);
}

/* x W^T + b, W [out, in]. */
static Value product(const Model *m, Value x, Value weight, Value bias) {
  Value turned = transpose(m, weight, 2, (int64_t[]){1, 0});
  return NODE(m->graph, "Add", NULL, NODE(m->graph, "MatMul", NULL, x, turned), bias);
}

static Value linear(const Model *m, Value x, Value module) {
  return product(m, x, part(module, "weight"), part(module, "bias"));
}

/* eps is the operator's default, as it is ours. */
static Value norm(const Model *m, Value x, Value module) {
  return NODE(m->graph, "LayerNormalization", NULL, x, part(module, "weight"), part(module, "bias"));
}

static void split(const Model *m, Value x, int parts, Value *result) {
  Protobuf attributes = {0};
  onnx_attribute(&attributes, "axis", -1);
  onnx_attribute(&attributes, "num_outputs", parts);
  onnx_node_of(m->graph, "Split", &attributes, &x, 1, result, parts);
}

/* [pictures, rows, D] -> [pictures, H, rows, D / H], or with the last two exchanged. */
static Value heads(const Model *m, Value x, bool turned) {
  Value apart = NODE(m->graph, "Reshape", NULL, x, onnx_named("shape.heads"));
  return transpose(m, apart, 4, turned ? (int64_t[]){0, 2, 3, 1} : (int64_t[]){0, 2, 1, 3});
}

static Value attend(const Model *m, Value q, Value k, Value v, const Value *mask) {
  Value scores = NODE(m->graph, "MatMul", NULL, heads(m, q, false), heads(m, k, true));
  scores = NODE(m->graph, "Mul", NULL, scores, onnx_named("scale"));
  if (mask) scores = NODE(m->graph, "Add", NULL, scores, *mask);
  Value seen = NODE(m->graph, "MatMul", NULL, NODE(m->graph, "Softmax", NULL, scores), heads(m, v, false));
  return NODE(m->graph, "Reshape", NULL, transpose(m, seen, 4, (int64_t[]){0, 2, 1, 3}), onnx_named("shape.width"));
}

typedef Value Block(const Model *m, Value x, Value layer);

static Value attend_self(const Model *m, Value x, Value layer, const Value *mask) {
  Value qkv[3] = {{""}};
  split(m, linear(m, x, part(layer, "self.qkv")), 3, qkv);
  return linear(m, attend(m, qkv[0], qkv[1], qkv[2], mask), part(layer, "self.out"));
}

static Value attend_all(const Model *m, Value x, Value layer) { return attend_self(m, x, layer, NULL); }

static Value attend_before(const Model *m, Value x, Value layer) { return attend_self(m, x, layer, &m->mask); }

static Value attend_across(const Model *m, Value x, Value layer) {
  Value kv[2] = {{""}};
  split(m, linear(m, m->memory, part(layer, "cross.kv")), 2, kv);
  Value seen = attend(m, linear(m, x, part(layer, "cross.q")), kv[0], kv[1], NULL);
  return linear(m, seen, part(layer, "cross.out"));
}

static Value feed_forward(const Model *m, Value x, Value layer) {
  const char *type = m->shape->activation == ACTIVATION_GELU ? "Gelu" : "Relu";
  return linear(m, NODE(m->graph, type, NULL, linear(m, x, part(layer, "ff.up"))), part(layer, "ff.down"));
}

/* The norm stands behind the sum (post) or before the block (pre). */
static Value residual(const Model *m, Value x, Value layer, const char *name, Block *block) {
  Value module = part(layer, name);
  if (m->shape->norm == NORM_PRE) return NODE(m->graph, "Add", NULL, x, block(m, norm(m, x, module), layer));
  return norm(m, NODE(m->graph, "Add", NULL, x, block(m, x, layer)), module);
}

static Value stack(const Model *m, Value x, const char *name, int layers, bool decoder) {
  for (int i = 0; i < layers; i++) {
    char number[16];
    snprintf(number, sizeof number, "%d", i);
    Value layer = part(onnx_named(name), number);
    x = residual(m, x, layer, "self.norm", decoder ? attend_before : attend_all);
    if (decoder) x = residual(m, x, layer, "cross.norm", attend_across);
    x = residual(m, x, layer, "ff.norm", feed_forward);
  }
  return layers && m->shape->norm == NORM_PRE ? norm(m, x, part(onnx_named(name), "norm")) : x;
}

/* The first `length` rows of a constant; of all its dimensions when `length` has as many numbers. */
static Value first(const Model *m, const char *constant, const char *from, Value length) {
  return NODE(m->graph, "Slice", NULL, onnx_named(constant), onnx_named(from), length);
}

static Value embedding(Model *m, Value tokens) {
  Protobuf second = {0}, twice = {0};
  onnx_attribute(&second, "start", 1);
  Value length = NODE(m->graph, "Shape", &second, tokens);
  onnx_attribute(&twice, "axis", 0);
  m->mask = first(m, "mask", "from.both", NODE(m->graph, "Concat", &twice, length, length));
  Value words = NODE(m->graph, "Gather", NULL, onnx_named("embedding.token"), tokens);
  Value sum = NODE(m->graph, "Add", NULL, words, first(m, "embedding.position", "from", length));
  return norm(m, sum, onnx_named("embedding.norm"));
}

static void captioner(Model *m, Value features, Value tokens, Value result) {
  m->memory = stack(m, linear(m, features, onnx_named("image")), "encoder", m->shape->encoder_layers, false);
  Value x = stack(m, embedding(m, tokens), "decoder", m->shape->decoder_layers, true);
  Value weight = onnx_named(m->shape->tied ? "embedding.token" : "output.weight");
  Value logits = product(m, x, weight, onnx_named("output.bias"));
  onnx_node_of(m->graph, "LogSoftmax", NULL, &logits, 1, &result, 1);
}

static void constants(OnnxGraph *graph, const ParamTable *table, const float *weights) {
  const ModelShape *shape = &table->shape;
  int positions = shape->positions, head = shape->width / shape->heads;
  for (int r = 0; r < table->count; r++) {
    const Param *row = &table->rows[r];
    onnx_floats(graph, row->name, param_rank(row), (int64_t[]){row->rows, row->columns}, weights + row->offset);
  }
  onnx_floats(graph, "scale", 0, NULL, &(float){1.0f / sqrtf((float)head)});
  onnx_integers(graph, "shape.heads", 4, (int64_t[]){0, 0, shape->heads, head}); /* 0: as it is */
  onnx_integers(graph, "shape.width", 3, (int64_t[]){0, 0, shape->width});
  onnx_integers(graph, "from", 1, (int64_t[]){0});
  onnx_integers(graph, "from.both", 2, (int64_t[]){0, 0});
  float *mask = xcalloc((size_t)positions * (size_t)positions, sizeof *mask);
  for (int i = 0; i < positions; i++)
    for (int j = i + 1; j < positions; j++) mask[i * positions + j] = -INFINITY;
  onnx_floats(graph, "mask", 2, (int64_t[]){positions, positions}, mask);
  free(mask);
}

Status onnx_write(const char *path, const ParamTable *table, const float *weights, const json_t *metadata) {
  OnnxGraph graph = {0};
  Model model = {.graph = &graph, .shape = &table->shape};
  static const char features[] = "features", tokens[] = "tokens", result[] = "log_probabilities";
  onnx_port(&graph, ONNX_INPUT_FLOATS, features, 3, (const char *const[]){"pictures", "cells", NULL},
            table->shape.features);
  onnx_port(&graph, ONNX_INPUT_INTEGERS, tokens, 2, (const char *const[]){"pictures", "length"}, 0);
  onnx_port(&graph, ONNX_OUTPUT_FLOATS, result, 3, (const char *const[]){"pictures", "length", NULL},
            table->shape.vocabulary);
  constants(&graph, table, weights);
  captioner(&model, onnx_named(features), onnx_named(tokens), onnx_named(result));
  return onnx_graph_write(&graph, path, metadata);
}
