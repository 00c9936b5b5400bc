/* Onnx: a captioner as a graph that ONNX Runtime and others run. Inputs: features [pictures, cells, F] float32 and tokens
 * [pictures, length] int64, the start token first; output: log_probabilities [pictures, length, V] of what follows each token.
 * The arithmetic is common/model/captioner.h's; weights have their own names, metadata is that of a safetensors file. A picture of
 * fewer cells than others has no rows for the rest: the graph looks at all it is given. */
#ifndef TROUPE_TOOL_ONNX_H
#define TROUPE_TOOL_ONNX_H

#include <jansson.h>

#include "common/model/params.h"

/* `metadata`: an object of texts. Errors: FAILED the file cannot be written, BAD_INPUT more than the format's 2 GiB. */
Status onnx_write(const char *path, const ParamTable *table, const float *weights, const json_t *metadata);

#endif
