/* NumPy's array files: .npy, and .npz (a zip archive of them, stored or deflated). Reading, with every bound checked, for files
 * come from elsewhere. Format: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html. */
#ifndef TROUPE_DATA_NPY_H
#define TROUPE_DATA_NPY_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/status.h"

enum { NPY_RANK = 4, NPY_HEADER = 1024 /* bytes that hold any header that is read here */ };

typedef struct NpyHeader {
  int rank;
  size_t shape[NPY_RANK];
  size_t count, element; /* values, bytes each (2, 4 or 8: little-endian IEEE) */
  size_t data;           /* bytes before the values */
  bool fortran;          /* the first index is the fastest */
} NpyHeader;

/* Reads the header from the first bytes of an array of `total` bytes. `name` is what messages call it. Errors (BAD_INPUT):
 * not an array, not of floats, more than NPY_RANK dimensions, fewer bytes than its shape needs. */
Status npy_header(NpyHeader *header, const char *name, const char *bytes, size_t size, size_t total);
/* The values behind the header, the last index fastest, into out [header->count]. bytes: the whole array. */
void npy_floats(const NpyHeader *header, const char *bytes, float *out);

/* An array in a file: a .npy, or the array called `key` of a .npz (or its only one). */
typedef struct NpyFile {
  NpyHeader header;
  char *bytes; /* owned: the whole array, NULL when only the header was asked for */
} NpyFile;

/* Errors (BAD_INPUT): missing, no zip archive, no such array (those that are there are named), damaged, as npy_header. */
Status npy_read(NpyFile *file, const char *path, const char *key, bool header_only);
/* The same of a zip archive in memory (borrowed). */
Status npz_parse(NpyFile *file, const char *name, const void *bytes, size_t size, const char *key, bool header_only);
void npy_free(NpyFile *file); /* idempotent */

#endif
