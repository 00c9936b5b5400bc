/* Features: grids or regions of pictures that another program made -> [N, F] of each picture.
 *   a folder of ID.npz (array `feat`, or the only one) or ID.npy      self-critical.pytorch's cocobu_att/, cocobu_fc/
 *   an HDF5 file with an array a picture, called ID                   its HDF5 variants
 *   an HDF5 file with arrays ID_features                              bottom-up features as Meshed-Memory Transformer has them
 * ID is the picture's id, or its file's name without folder and ending, or the whole name. An array is [F] (N = 1), [N, F] or
 * [rows, columns, F], of float16, 32 or 64. Ids are relative paths that stay inside: absolute ones and ".." are refused. */
#ifndef TROUPE_DATA_FEATURES_H
#define TROUPE_DATA_FEATURES_H

#include <stdbool.h>

#include "common/base/status.h"

typedef struct FeatureSource FeatureSource;

/* Errors (BAD_INPUT): neither a folder nor an HDF5 file. `*source` is owned by the caller; NULL is fine for close. */
Status features_open(FeatureSource **source, const char *path);
void features_close(FeatureSource *source);
/* Whether several threads may read at once (a folder; HDF5 is not thread-safe). */
bool features_parallel(const FeatureSource *source);

/* N and F of a picture. Errors (BAD_INPUT), which name the picture: none of its names is there, not an array of floats. */
Status features_shape(FeatureSource *source, const char *id, const char *file, int *cells, int *features);
/* Its values -> grid [cells, features]; a picture of fewer cells is padded with zeros. Errors: as above, more cells or other
 * features than that, values that are not finite. */
Status features_read(FeatureSource *source, const char *id, const char *file, int cells, int features, float *grid);

#endif
