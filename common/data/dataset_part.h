/* Dataset part: what was made of a dataset when its making was stopped, kept in PATH.part, so that the same work goes on from
 * there. HDF5: features [kept, N, F], keep [done] (1 = the picture has features, in order), attribute identity. */
#ifndef TROUPE_DATA_DATASET_PART_H
#define TROUPE_DATA_DATASET_PART_H

#include "common/data/dataset_write.h"

typedef struct DatasetPart DatasetPart;

/* Commits what `writer` has as PATH.part and frees the writer. keep [done]: of the pictures looked at so far. `identity`: of
 * the work; a part of other work is not taken up. */
Status dataset_part_write(DatasetWriter *writer, const char *identity, const bool *keep, int done);

/* Opens PATH.part; NULL when there is none or it is of no use: of other work (a warning says so), damaged. Owned. */
DatasetPart *dataset_part_open(const char *path, const char *identity, int cells, int features, bool half);
void dataset_part_close(DatasetPart *part); /* NULL is fine */

/* Pictures looked at, 0 for NULL; whether one has features. */
int dataset_part_done(const DatasetPart *part);
bool dataset_part_has(const DatasetPart *part, int picture);
/* Appends the features of the next picture that has some to the writer. */
Status dataset_part_take(DatasetPart *part, DatasetWriter *writer);

/* Removes PATH.part, if there is one. */
void dataset_part_remove(const char *path);

#endif
