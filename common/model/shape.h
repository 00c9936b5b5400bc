/* Shape: the names by which files tell of a model's shape. */
#ifndef TROUPE_MODEL_SHAPE_H
#define TROUPE_MODEL_SHAPE_H

#include <stddef.h>

#include "common/model/params.h"

/* A number of ModelShape: its name in checkpoints, the field, and bounds. */
typedef struct ShapeRow {
  const char *name;
  size_t offset;
  int least, most;
} ShapeRow;

enum { SHAPE_COUNT = 9 };
extern const ShapeRow shape_rows[SHAPE_COUNT];

int shape_value(const ModelShape *shape, const ShapeRow *row);
/* Errors: BAD_INPUT out of bounds, naming `path` and the row. */
Status shape_set(ModelShape *shape, const ShapeRow *row, long long value, const char *path);

/* By the values of NormPlace and Activation. */
extern const char *const shape_norm_names[2];
extern const char *const shape_activation_names[2];

#endif
