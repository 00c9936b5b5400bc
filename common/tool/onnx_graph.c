/* Onnx graph: numbers of fields and of types are those of onnx.proto. */
#include "common/tool/onnx_graph.h"

#include <stdio.h>

#include "common/base/file.h"

enum { IR_VERSION = 9, OPERATORS = 20 };
enum { MODEL_IR = 1, MODEL_PRODUCER, MODEL_GRAPH = 7, MODEL_OPERATORS, MODEL_METADATA = 14 };
enum { GRAPH_NODE = 1, GRAPH_NAME, GRAPH_INITIALIZER = 5, GRAPH_INPUT = 11, GRAPH_OUTPUT };
enum { NODE_INPUT = 1, NODE_OUTPUT, NODE_TYPE = 4, NODE_ATTRIBUTE };
enum { ATTRIBUTE_NAME = 1, ATTRIBUTE_INT = 3, ATTRIBUTE_INTS = 8, ATTRIBUTE_TYPE = 20 };
enum { IS_INT = 2, IS_INTS = 7 }; /* of an attribute */
enum { TENSOR_SIDE = 1, TENSOR_TYPE, TENSOR_NAME = 8, TENSOR_DATA };
enum { OF_FLOATS = 1, OF_INTEGERS = 7 }; /* of a tensor */

OnnxValue onnx_named(const char *name) {
  OnnxValue value;
  snprintf(value.name, sizeof value.name, "%s", name);
  return value;
}

static void tensor(OnnxGraph *graph, const char *name, int type, int rank, const int64_t *shape, const void *values) {
  Protobuf tensor = {0};
  size_t size = type == OF_FLOATS ? sizeof(float) : sizeof(int64_t);
  for (int i = 0; i < rank; i++) {
    protobuf_integer(&tensor, TENSOR_SIDE, shape[i]);
    size *= (size_t)shape[i];
  }
  protobuf_integer(&tensor, TENSOR_TYPE, type);
  protobuf_text(&tensor, TENSOR_NAME, name);
  protobuf_bytes(&tensor, TENSOR_DATA, values, size);
  protobuf_message(&graph->message, GRAPH_INITIALIZER, &tensor);
}

void onnx_floats(OnnxGraph *graph, const char *name, int rank, const int64_t *shape, const float *values) {
  tensor(graph, name, OF_FLOATS, rank, shape, values);
}

void onnx_integers(OnnxGraph *graph, const char *name, int count, const int64_t *values) {
  tensor(graph, name, OF_INTEGERS, 1, (int64_t[]){count}, values);
}

void onnx_port(OnnxGraph *graph, OnnxPort port, const char *name, int rank, const char *const *sides, int fixed) {
  Protobuf info = {0}, type = {0}, elements = {0}, shape = {0};
  for (int i = 0; i < rank; i++) {
    Protobuf side = {0};
    if (sides[i]) protobuf_text(&side, 2, sides[i]);
    else protobuf_integer(&side, 1, fixed);
    protobuf_message(&shape, 1, &side);
  }
  protobuf_integer(&elements, 1, port == ONNX_INPUT_INTEGERS ? OF_INTEGERS : OF_FLOATS);
  protobuf_message(&elements, 2, &shape);
  protobuf_message(&type, 1, &elements);
  protobuf_text(&info, 1, name);
  protobuf_message(&info, 2, &type);
  protobuf_message(&graph->message, port == ONNX_OUTPUT_FLOATS ? GRAPH_OUTPUT : GRAPH_INPUT, &info);
}

static void attribute_end(Protobuf *attributes, Protobuf *attribute, const char *name, int type) {
  protobuf_text(attribute, ATTRIBUTE_NAME, name);
  protobuf_integer(attribute, ATTRIBUTE_TYPE, type);
  protobuf_message(attributes, NODE_ATTRIBUTE, attribute);
}

void onnx_attribute(Protobuf *attributes, const char *name, int64_t value) {
  Protobuf attribute = {0};
  protobuf_integer(&attribute, ATTRIBUTE_INT, value);
  attribute_end(attributes, &attribute, name, IS_INT);
}

void onnx_attribute_list(Protobuf *attributes, const char *name, int count, const int64_t *values) {
  Protobuf attribute = {0};
  for (int i = 0; i < count; i++) protobuf_integer(&attribute, ATTRIBUTE_INTS, values[i]);
  attribute_end(attributes, &attribute, name, IS_INTS);
}

void onnx_node_of(OnnxGraph *graph, const char *type, Protobuf *attributes, const OnnxValue *inputs, int count,
                  OnnxValue *result, int results) {
  Protobuf node = {0};
  for (int i = 0; i < count; i++) protobuf_text(&node, NODE_INPUT, inputs[i].name);
  for (int i = 0; i < results; i++) {
    if (!*result[i].name) snprintf(result[i].name, sizeof result[i].name, "%d", graph->results++);
    protobuf_text(&node, NODE_OUTPUT, result[i].name);
  }
  protobuf_text(&node, NODE_TYPE, type);
  if (attributes) protobuf_put(&node, attributes->at, attributes->size);
  if (attributes) protobuf_free(attributes);
  protobuf_message(&graph->message, GRAPH_NODE, &node);
}

OnnxValue onnx_node(OnnxGraph *graph, const char *type, Protobuf *attributes, const OnnxValue *inputs, int count) {
  OnnxValue result = {""};
  onnx_node_of(graph, type, attributes, inputs, count, &result, 1);
  return result;
}

Status onnx_graph_write(OnnxGraph *graph, const char *path, const json_t *metadata) {
  Protobuf model = {0}, operators = {0};
  const char *key;
  json_t *text;
  protobuf_integer(&model, MODEL_IR, IR_VERSION);
  protobuf_text(&model, MODEL_PRODUCER, "troupe");
  protobuf_integer(&operators, 2, OPERATORS);
  protobuf_message(&model, MODEL_OPERATORS, &operators);
  json_object_foreach((json_t *)metadata, key, text) {
    Protobuf entry = {0};
    protobuf_text(&entry, 1, key);
    protobuf_text(&entry, 2, json_string_value(text));
    protobuf_message(&model, MODEL_METADATA, &entry);
  }
  protobuf_text(&graph->message, GRAPH_NAME, "captioner");
  protobuf_message(&model, MODEL_GRAPH, &graph->message);
  Status status = model.size > INT32_MAX
                      ? status_set(BAD_INPUT, "%s: would have %zu bytes; an ONNX file holds 2 GiB", path, model.size)
                      : file_write_atomic(path, model.at, model.size);
  protobuf_free(&model);
  return status;
}
