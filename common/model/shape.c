/* Names of a model's shape. */
#include "common/model/shape.h"

enum { SIDE_MAX = 1 << 24 };

const ShapeRow shape_rows[SHAPE_COUNT] = {
    {"vocabulary", offsetof(ModelShape, vocabulary), 4, SIDE_MAX},
    {"d_model", offsetof(ModelShape, width), 1, 1 << 16},
    {"heads", offsetof(ModelShape, heads), 1, 1 << 16},
    {"d_ff", offsetof(ModelShape, feed_forward), 1, SIDE_MAX},
    {"enc_layers", offsetof(ModelShape, encoder_layers), 0, LAYERS_MAX},
    {"dec_layers", offsetof(ModelShape, decoder_layers), 1, LAYERS_MAX},
    {"cells", offsetof(ModelShape, cells), 1, SIDE_MAX},
    {"features", offsetof(ModelShape, features), 1, SIDE_MAX},
    {"positions", offsetof(ModelShape, positions), 2, SIDE_MAX},
};

const char *const shape_norm_names[2] = {[NORM_POST] = "post", [NORM_PRE] = "pre"};
const char *const shape_activation_names[2] = {[ACTIVATION_RELU] = "relu", [ACTIVATION_GELU] = "gelu"};

int shape_value(const ModelShape *shape, const ShapeRow *row) {
  return *(const int *)(const void *)((const char *)shape + row->offset);
}

Status shape_set(ModelShape *shape, const ShapeRow *row, long long value, const char *path) {
  if (value < row->least || value > row->most)
    return status_set(BAD_INPUT, "%s: %s is %lld; %d to %d was expected", path, row->name, value, row->least,
                      row->most);
  *(int *)(void *)((char *)shape + row->offset) = (int)value;
  return OK;
}
