/* Which rows of features are cells, and packing them. */
#include "common/model/cells.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

static bool row_is_zero(const float *row, int features) {
  for (int i = 0; i < features; i++)
    if (row[i] != 0.0f) return false; /* NaN is not zero */
  return true;
}

void cells_count(int images, int cells, int features, const float *values, int32_t *start) {
  start[0] = 0;
  for (int i = 0; i < images; i++, values += (size_t)cells * (size_t)features) {
    int count = cells;
    while (count > 1 && row_is_zero(values + (size_t)(count - 1) * (size_t)features, features)) count--;
    start[i + 1] = start[i] + count;
  }
}

void cells_pack(int images, int cells, int width, const int32_t *start, float *rows) {
  size_t row = (size_t)width;
  if (start[images] == images * cells) return;
  for (int i = 1; i < images; i++)
    memmove(rows + (size_t)start[i] * row, rows + (size_t)i * (size_t)cells * row,
            (size_t)(start[i + 1] - start[i]) * row * sizeof *rows);
}

void cells_unpack(int images, int cells, int width, const int32_t *start, float *rows) {
  size_t row = (size_t)width;
  if (start[images] == images * cells) return;
  for (int i = images - 1; i >= 0; i--) {
    size_t count = (size_t)(start[i + 1] - start[i]), padding = (size_t)cells - count;
    float *to = rows + (size_t)i * (size_t)cells * row;
    memmove(to, rows + (size_t)start[i] * row, count * row * sizeof *rows);
    memset(to + count * row, 0, padding * row * sizeof *rows);
  }
}
