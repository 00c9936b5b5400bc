/* Cells: pictures may have fewer regions than the model's N (bottom-up features: 10 to 100). Their features are padded with
 * rows of zeros at the end, as Meshed-Memory Transformer pads them (arXiv 1912.08226), and such rows are no cells: nothing
 * attends to them. Inside the model the cells of all pictures lie packed, one picture after the other. */
#ifndef TROUPE_MODEL_CELLS_H
#define TROUPE_MODEL_CELLS_H

#include <stdint.h>

/* start [images + 1]: the packed cells of picture i are start[i] .. start[i + 1] - 1. A picture's cells are its rows of
 * features [images, N, F] up to the last that is not zero, at least one. */
void cells_count(int images, int cells, int features, const float *values, int32_t *start);

/* rows [images * N, D] lose the padding, in place: start[images] rows are left. */
void cells_pack(int images, int cells, int width, const int32_t *start, float *rows);
/* The other way round; the padding becomes zero. */
void cells_unpack(int images, int cells, int width, const int32_t *start, float *rows);

#endif
