/* Patches: a picture's pixels on a 7x7 grid, for data sets simple enough that no trained network has to look at them.
 * A captioner reads a cell by one linear map, and its attention knows no order of cells; so a cell holds, beside its
 * pixels, what is not linear in them (how much of it is of which colour, where its edges run) and where it lies. */
#include <math.h>
#include <string.h>

#include "common/vision/kind.h"

enum {
  GRID = 7,
  CELL = 8, /* pixels along a side */
  SIZE = GRID * CELL,
  PIXELS = CELL * CELL * 3,
  LEVELS = 3, /* of each channel in the colour histogram */
  COLOURS = LEVELS * LEVELS * LEVELS,
  DIRECTIONS = 8,
  FEATURES = PIXELS + COLOURS + DIRECTIONS + 2 * GRID,
};

static float luma(const uint8_t *pixel) { return 0.299f * pixel[0] + 0.587f * pixel[1] + 0.114f * pixel[2]; }

/* Brightness gradient at (x, y) by central differences, 0 at the picture's border; in units of full contrast. */
static void gradient(const uint8_t *rgb, int x, int y, float *dx, float *dy) {
  *dx = *dy = 0;
  if (x == 0 || y == 0 || x == SIZE - 1 || y == SIZE - 1) return;
  const uint8_t *at = rgb + 3 * (y * SIZE + x);
  *dx = (luma(at + 3) - luma(at - 3)) / 255;
  *dy = (luma(at + 3 * SIZE) - luma(at - 3 * SIZE)) / 255;
}

static void cell_describe(const uint8_t *rgb, int column, int row, float *out) {
  float *colours = out + PIXELS, *edges = colours + COLOURS, *position = edges + DIRECTIONS;
  memset(out, 0, sizeof(float) * FEATURES);
  for (int i = 0; i < CELL; i++) {
    for (int j = 0; j < CELL; j++) {
      int x = column * CELL + j, y = row * CELL + i, bin = 0;
      const uint8_t *pixel = rgb + 3 * (y * SIZE + x);
      for (int c = 0; c < 3; c++) {
        out[(i * CELL + j) * 3 + c] = ((float)pixel[c] - 127.5f) / 127.5f;
        bin = bin * LEVELS + pixel[c] * LEVELS / 256;
      }
      colours[bin] += 1.0f / (CELL * CELL);
      float dx, dy;
      gradient(rgb, x, y, &dx, &dy);
      float angle = atan2f(dy, dx) * (float)(DIRECTIONS / (2 * 3.14159265358979323846));
      edges[((int)floorf(angle + 0.5f) + DIRECTIONS) % DIRECTIONS] += sqrtf(dx * dx + dy * dy) / CELL;
    }
  }
  position[column] = position[GRID + row] = 1;
}

static void patches_encode(const void *model, float *scratch, const uint8_t *rgb, float *grid) {
  (void)model, (void)scratch;
  for (int cell = 0; cell < GRID * GRID; cell++)
    cell_describe(rgb, cell % GRID, cell / GRID, grid + (size_t)cell * FEATURES);
}

const EncoderKind encoder_patches = {
    .name = "patches",
    .cells = GRID * GRID,
    .features = FEATURES,
    .size = SIZE,
    .preprocessing = "RGB 56x56 bicubic; 7x7 cells: 8x8x3 pixels (v-127.5)/127.5, 27 colour shares, 8 edge directions, "
                     "column and row one-hot",
    .encode = patches_encode,
};
