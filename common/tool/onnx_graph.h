/* Onnx graph: tensors, nodes and ports of a graph of ONNX (operators of version 20, ONNX 1.15), and its file. */
#ifndef TROUPE_TOOL_ONNX_GRAPH_H
#define TROUPE_TOOL_ONNX_GRAPH_H

#include <jansson.h>
#include <stdint.h>

#include "common/base/protobuf.h"
#include "common/base/status.h"

/* A tensor of the graph, by its name. */
typedef struct OnnxValue {
  char name[64];
} OnnxValue;

/* Initialise with {0}. */
typedef struct OnnxGraph {
  Protobuf message; /* owned */
  int results;      /* of nodes, numbered */
} OnnxGraph;

OnnxValue onnx_named(const char *name);

/* Constants [shape]: floats, or a list of whole numbers. */
void onnx_floats(OnnxGraph *graph, const char *name, int rank, const int64_t *shape, const float *values);
void onnx_integers(OnnxGraph *graph, const char *name, int count, const int64_t *values);

/* An input or output of the graph. `sides`: the names of sides that any number may be; one that is NULL is `fixed`. */
typedef enum OnnxPort { ONNX_INPUT_FLOATS, ONNX_INPUT_INTEGERS, ONNX_OUTPUT_FLOATS } OnnxPort;
void onnx_port(OnnxGraph *graph, OnnxPort port, const char *name, int rank, const char *const *sides, int fixed);

/* Attributes of a node. */
void onnx_attribute(Protobuf *attributes, const char *name, int64_t value);
void onnx_attribute_list(Protobuf *attributes, const char *name, int count, const int64_t *values);

/* A node. `result` [results]: names of its outputs; an empty one gets a number. Takes `attributes` (NULL: none). */
void onnx_node_of(OnnxGraph *graph, const char *type, Protobuf *attributes, const OnnxValue *inputs, int count,
                  OnnxValue *result, int results);
OnnxValue onnx_node(OnnxGraph *graph, const char *type, Protobuf *attributes, const OnnxValue *inputs, int count);
/* NODE(graph, "Add", NULL, x, y): the output of a node of these inputs. */
#define NODE(graph, type, attributes, ...)                       \
  onnx_node(graph, type, attributes, (OnnxValue[]){__VA_ARGS__}, \
            (int)(sizeof((OnnxValue[]){__VA_ARGS__}) / sizeof(OnnxValue)))

/* Writes the model of this graph, which it takes. `metadata`: an object of texts. Errors: FAILED the file cannot be written,
 * BAD_INPUT more than the format's 2 GiB. */
Status onnx_graph_write(OnnxGraph *graph, const char *path, const json_t *metadata);

#endif
