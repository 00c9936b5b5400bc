/* H5: the little of HDF5 that datasets and checkpoints need: arrays, fixed-length UTF-8 strings and attributes, each by a
 * path inside the file ("caption/tokens"). Errors are Status with the file's name; HDF5 itself stays quiet. Nothing is
 * allocated from a file's word alone: shapes are checked against the bytes that are really stored.
 *
 * Bytes depend on content only: no time stamps. Files are opened for reading without locks (Lustre and NFS often refuse
 * them). HDF5 is not thread-safe: one thread at a time. */
#ifndef TROUPE_DATA_H5_H
#define TROUPE_DATA_H5_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <hdf5.h>

#include "common/base/status.h"

typedef enum H5Type { H5_HALF, H5_FLOAT, H5_INT32, H5_UINT64 } H5Type;

typedef struct H5File {
  hid_t id;   /* < 0 when closed */
  char *path; /* owned: the name in messages */
} H5File;

size_t h5_type_bytes(H5Type type);
hid_t h5_type(H5Type type); /* a type of its own, to be closed by H5Tclose */
const char *h5_type_name(H5Type type);

/* Creates (truncates) `path`; messages call it `shown`, its final name. */
Status h5_create(H5File *file, const char *path, const char *shown);
/* Opens for reading. Errors: missing, a folder, not HDF5, truncated, a seal (common/base/seal.h) that does not fit. */
Status h5_open(H5File *file, const char *path);
/* Flushes and closes; idempotent. */
Status h5_close(H5File *file);
/* Closes what a writer could not finish, keeping the message of its failure. The file is emptied first: HDF5 may fail to let
 * go of it, and then its space on the disk must not stay taken. */
void h5_abandon(H5File *file);

bool h5_has(const H5File *file, const char *name);

/* Writes an array [shape[0], ..., shape[rank - 1]], rank 1 to 3; groups on the way are made. */
Status h5_write(const H5File *file, const char *name, H5Type type, int rank, const size_t *shape, const void *values);
Status h5_write_texts(const H5File *file, const char *name, char *const *texts, size_t count);

/* The shape of an array of that type and rank that is there in full. */
Status h5_shape(const H5File *file, const char *name, H5Type type, int rank, size_t *shape);
/* Reads an array of exactly that shape. */
Status h5_read(const H5File *file, const char *name, H5Type type, int rank, const size_t *shape, void *values);
/* An array [count] that is only read: the file's own pages, which all processes of a node share, where the file has it in one
 * piece and as it is in memory; else a copy. */
typedef struct H5Map {
  void *values, *pages; /* pages: NULL for a copy */
  size_t bytes;
} H5Map;
Status h5_map(const H5File *file, const char *name, H5Type type, size_t *count, H5Map *map);
/* Gives its pages back until they are read again. */
void h5_map_rest(const H5Map *map);
void h5_map_free(H5Map *map); /* idempotent */
/* Reads all strings of a list; `*texts` and each text are owned by the caller (texts_free). */
Status h5_read_texts(const H5File *file, const char *name, char ***texts, size_t *count);
void texts_free(char **texts, size_t count);

/* Arrays of any number type and rank up to H5_RANK that other programs wrote; h5_any_integers clamps to 32 bits. `count`: the
 * product of the shape. */
enum { H5_RANK = 4 };
Status h5_any_shape(const H5File *file, const char *name, bool whole, int *rank, size_t shape[H5_RANK]);
Status h5_any_floats(const H5File *file, const char *name, size_t count, float *values);
Status h5_any_integers(const H5File *file, const char *name, size_t count, int32_t *values);
/* Whether the file has as many bytes as an array [dims] of `element` bytes a value needs, and HDF5 can read it without taking more
 * than 256 MiB for a chunk. */
bool h5_stored(hid_t id, int rank, const hsize_t *dims, size_t element);

/* Attributes of an object ("/" = the file). */
Status h5_write_text(const H5File *file, const char *object, const char *name, const char *text);
Status h5_write_integer(const H5File *file, const char *object, const char *name, int64_t value);
Status h5_write_real(const H5File *file, const char *object, const char *name, double value);
bool h5_has_attribute(const H5File *file, const char *object, const char *name);
/* Errors: missing, of another kind, longer than size - 1 bytes. */
Status h5_read_text(const H5File *file, const char *object, const char *name, char *text, size_t size);
Status h5_read_integer(const H5File *file, const char *object, const char *name, int64_t *value);
Status h5_read_real(const H5File *file, const char *object, const char *name, double *value);

/* No format will come so far: a greater format_version is damage. */
enum { H5_VERSION_MAX = 999 };
/* Checks the attributes format and format_version of an open file. Errors: BAD_INPUT not `format`, or newer than `version`
 * (named); FAILED no version at all. */
Status h5_check_format(const H5File *file, const char *format, int version);

/* Version of the HDF5 library in use, such as "1.10.8". Borrowed. */
const char *h5_version(void);

#endif
