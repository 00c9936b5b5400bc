/* HDF5 files: opening, arrays and lists of strings. Attributes are in h5_attribute.c. */
#include "common/data/h5.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/file.h"
#include "common/base/log.h"
#include "common/base/seal.h"

enum { TEXT_BLOCK_BYTES = 1 << 20, DEFLATE_LEVEL = 4 };
/* deflate cannot shrink by more than this: what a file can hold in memory per byte on disk */
static const hsize_t DEFLATE_RATIO_MAX = 1100;
static const hsize_t CHUNK_BYTES_MAX = 1 << 28;

size_t h5_type_bytes(H5Type type) { return type == H5_HALF ? 2 : type == H5_UINT64 ? 8 : 4; }

const char *h5_type_name(H5Type type) {
  static const char *const names[] = {"float16", "float32", "int32", "uint64"};
  return names[type];
}

/* IEEE binary16 is not among HDF5 1.10's own types. */
static hid_t half_type(void) {
  hid_t type = H5Tcopy(H5T_IEEE_F32LE);
  H5Tset_fields(type, 15, 10, 5, 0, 10);
  H5Tset_size(type, 2);
  H5Tset_ebias(type, 15);
  return type;
}

hid_t h5_type(H5Type type) {
  switch (type) {
    case H5_HALF: return half_type();
    case H5_FLOAT: return H5Tcopy(H5T_IEEE_F32LE);
    case H5_INT32: return H5Tcopy(H5T_STD_I32LE);
    case H5_UINT64: return H5Tcopy(H5T_STD_U64LE);
  }
  return H5I_INVALID_HID;
}

/* Also no clean-up at exit: after a failed write HDF5 1.10 would try it again there, and crash. */
static void quiet(void) {
  H5dont_atexit();
  H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
}

Status h5_create(H5File *file, const char *path, const char *shown) {
  quiet();
  *file = (H5File){.path = xstrdup(shown)};
  hid_t creation = H5Pcreate(H5P_FILE_CREATE);
  H5Pset_obj_track_times(creation, 0);
  hid_t access = H5Pcreate(H5P_FILE_ACCESS);
  H5Pset_alignment(access, 1, 8); /* for h5_map: HDF5 itself packs arrays at any byte */
  errno = 0;
  file->id = H5Fcreate(path, H5F_ACC_TRUNC, creation, access);
  int error = errno; /* what open(2) said */
  H5Pclose(access);
  H5Pclose(creation);
  if (file->id >= 0) return OK;
  Status status =
      status_set(FAILED, "%s: cannot be created: %s", shown, error ? strerror(error) : "HDF5 does not say why");
  h5_close(file);
  return status;
}

Status h5_open(H5File *file, const char *path) {
  quiet();
  *file = (H5File){.id = H5I_INVALID_HID, .path = xstrdup(path)};
  Status status = OK;
  if (folder_exists(path)) status = status_set(BAD_INPUT, "%s: is a folder; an HDF5 file was expected", path);
  else if (!file_exists(path)) status = status_set(BAD_INPUT, "%s: no such file", path);
  else if (H5Fis_hdf5(path) <= 0)
    status = status_set(BAD_INPUT, "%s: is not an HDF5 file, which datasets and checkpoints are", path);
  else status = seal_check(path);
  if (status == OK) {
    hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    H5Pset_file_locking(access, 0, 1);
    file->id = H5Fopen(path, H5F_ACC_RDONLY, access);
    H5Pclose(access);
    if (file->id < 0) status = status_set(BAD_INPUT, "%s: is truncated or damaged: HDF5 cannot open it", path);
  }
  if (status != OK) h5_close(file);
  return status;
}

Status h5_close(H5File *file) {
  Status status = OK;
  if (file->path && file->id >= 0) {
    herr_t bad = H5Fflush(file->id, H5F_SCOPE_LOCAL);
    if (H5Fclose(file->id) < 0 || bad < 0)
      status = status_set(FAILED, "%s: cannot be written (is the disk full?)", file->path);
  }
  free(file->path);
  *file = (H5File){.id = H5I_INVALID_HID};
  return status;
}

void h5_abandon(H5File *file) {
  int *descriptor;
  if (file->path && file->id >= 0 && H5Fget_vfd_handle(file->id, H5P_DEFAULT, (void **)&descriptor) >= 0 &&
      ftruncate(*descriptor, 0))
    log_debug("%s: the unfinished file cannot be truncated", file->path);
  char *kept = xstrdup(status_message());
  if (h5_close(file) != OK) status_set(FAILED, "%s", kept);
  free(kept);
}

bool h5_has(const H5File *file, const char *name) {
  char part[256];
  for (const char *p = name; *p; p++) { /* each group on the way must be there for H5Lexists to answer */
    if ((*p != '/' && p[1] != 0) || p == name) continue;
    size_t n = (size_t)(p - name) + (*p != '/');
    if (n >= sizeof part) return false;
    memcpy(part, name, n);
    part[n] = 0;
    if (H5Lexists(file->id, part, H5P_DEFAULT) <= 0) return false;
  }
  return H5Oexists_by_name(file->id, name, H5P_DEFAULT) > 0;
}

static hid_t links_made(void) {
  hid_t links = H5Pcreate(H5P_LINK_CREATE);
  H5Pset_create_intermediate_group(links, 1);
  return links;
}

static hid_t create_array(const H5File *file, const char *name, hid_t type, int rank, const hsize_t *dims,
                          const hsize_t *chunk) {
  hid_t space = H5Screate_simple(rank, dims, NULL), links = links_made(), creation = H5Pcreate(H5P_DATASET_CREATE);
  H5Pset_obj_track_times(creation, 0);
  if (chunk) {
    H5Pset_chunk(creation, rank, chunk);
    H5Pset_deflate(creation, DEFLATE_LEVEL);
  }
  hid_t id = H5Dcreate2(file->id, name, type, space, links, creation, H5P_DEFAULT);
  H5Pclose(creation);
  H5Pclose(links);
  H5Sclose(space);
  return id;
}

Status h5_write(const H5File *file, const char *name, H5Type type, int rank, const size_t *shape, const void *values) {
  CHECK(rank >= 1 && rank <= 3);
  hsize_t dims[3];
  size_t count = 1;
  for (int i = 0; i < rank; i++) dims[i] = shape[i], count *= shape[i];
  hid_t kind = h5_type(type), id = create_array(file, name, kind, rank, dims, NULL);
  herr_t bad = id < 0 || (count && H5Dwrite(id, kind, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) < 0);
  if (id >= 0 && H5Dclose(id) < 0) bad = 1;
  H5Tclose(kind);
  return bad ? status_set(FAILED, "%s: %s cannot be written (is the disk full?)", file->path, name) : OK;
}

static hid_t text_type(size_t bytes) {
  hid_t type = H5Tcopy(H5T_C_S1);
  H5Tset_size(type, bytes);
  H5Tset_strpad(type, H5T_STR_NULLPAD);
  H5Tset_cset(type, H5T_CSET_UTF8);
  return type;
}

/* Runs over the rows of a list of strings in blocks of about a mebibyte. */
static hsize_t block_rows(size_t width, hsize_t count) {
  hsize_t rows = TEXT_BLOCK_BYTES / width;
  if (rows < 1) rows = 1;
  return rows > count ? count : rows;
}

Status h5_write_texts(const H5File *file, const char *name, char *const *texts, size_t count) {
  size_t width = 1;
  for (size_t i = 0; i < count; i++) {
    size_t n = strlen(texts[i]);
    if (n > width) width = n;
  }
  hsize_t dims = count, rows = count ? block_rows(width, count) : 1;
  hid_t type = text_type(width), id = create_array(file, name, type, 1, &dims, count ? &rows : NULL);
  bool bad = id < 0;
  char *block = xmalloc(rows * width);
  for (hsize_t first = 0; first < count && !bad; first += rows) {
    hsize_t n = count - first < rows ? count - first : rows;
    memset(block, 0, n * width);
    for (hsize_t i = 0; i < n; i++) memcpy(block + i * width, texts[first + i], strlen(texts[first + i]));
    hid_t in_file = H5Dget_space(id), in_memory = H5Screate_simple(1, &n, NULL);
    H5Sselect_hyperslab(in_file, H5S_SELECT_SET, &first, NULL, &n, NULL);
    bad = H5Dwrite(id, type, in_memory, in_file, H5P_DEFAULT, block) < 0;
    H5Sclose(in_memory);
    H5Sclose(in_file);
  }
  free(block);
  if (id >= 0 && H5Dclose(id) < 0) bad = true;
  H5Tclose(type);
  return bad ? status_set(FAILED, "%s: %s cannot be written (is the disk full?)", file->path, name) : OK;
}

/* Opens an array and checks that `bytes` an element fit what is stored. The caller closes *id when OK. */
static Status open_array(const H5File *file, const char *name, int rank, hid_t *id, hsize_t *dims) {
  *id = h5_has(file, name) ? H5Dopen2(file->id, name, H5P_DEFAULT) : H5I_INVALID_HID;
  if (*id < 0) return status_set(BAD_INPUT, "%s: has no array %s", file->path, name);
  hid_t space = H5Dget_space(*id);
  int found = H5Sis_simple(space) > 0 ? H5Sget_simple_extent_ndims(space) : 0;
  bool fits = found == rank && H5Sget_simple_extent_dims(space, dims, NULL) == rank;
  H5Sclose(space);
  if (fits) return OK;
  H5Dclose(*id);
  return status_set(BAD_INPUT, "%s: %s has %d dimensions; %d %s expected", file->path, name, found, rank,
                    rank > 1 ? "were" : "was");
}

/* HDF5 holds a chunk whole, however little of it is read. */
static bool chunks_fit(hid_t creation, size_t element) {
  hsize_t chunk[H5S_MAX_RANK], bytes = element;
  if (H5Pget_layout(creation) != H5D_CHUNKED) return true;
  int rank = H5Pget_chunk(creation, H5S_MAX_RANK, chunk);
  for (int i = 0; i < rank && bytes <= CHUNK_BYTES_MAX; i++) bytes *= chunk[i]; /* each below 2^32 */
  return rank > 0 && bytes <= CHUNK_BYTES_MAX;
}

/* Bytes that the file has for it; 0 when its headers tell of more than there are. */
static hsize_t stored_bytes(hid_t id) {
  hsize_t stored = H5Dget_storage_size(id), whole = 0;
  hid_t file = H5Iget_file_id(id);
  if (H5Fget_filesize(file, &whole) < 0) whole = 0;
  H5Fclose(file);
  return stored <= whole ? stored : 0;
}

bool h5_stored(hid_t id, int rank, const hsize_t *dims, size_t element) {
  hsize_t room = stored_bytes(id), need = element;
  hid_t creation = H5Dget_create_plist(id);
  bool packed = H5Pget_nfilters(creation) > 0, fit = chunks_fit(creation, element);
  H5Pclose(creation);
  if (!fit || !element) return false;
  if (packed) room = room > ((hsize_t)1 << 50) ? 0 : room * DEFLATE_RATIO_MAX;
  for (int i = 0; i < rank; i++) {
    if (dims[i] == 0) return true;
    if (need > ((hsize_t)1 << 50) / dims[i]) return false;
    need *= dims[i];
  }
  return need <= room;
}

static Status check_array(const H5File *file, const char *name, hid_t id, H5Type type, int rank, const hsize_t *dims) {
  hid_t kind = H5Dget_type(id), wanted = h5_type(type);
  bool same = H5Tequal(kind, wanted) > 0;
  H5Tclose(kind);
  H5Tclose(wanted);
  if (!same) return status_set(BAD_INPUT, "%s: %s does not hold %s values", file->path, name, h5_type_name(type));
  if (!h5_stored(id, rank, dims, h5_type_bytes(type)))
    return status_set(BAD_INPUT, "%s: %s is shorter than its shape says: truncated or damaged", file->path, name);
  return OK;
}

Status h5_shape(const H5File *file, const char *name, H5Type type, int rank, size_t *shape) {
  CHECK(rank >= 1 && rank <= 3);
  hid_t id;
  hsize_t dims[3];
  TRY(open_array(file, name, rank, &id, dims));
  Status status = check_array(file, name, id, type, rank, dims);
  for (int i = 0; i < rank; i++) shape[i] = (size_t)dims[i];
  H5Dclose(id);
  return status;
}

static void shape_text(char *text, size_t size, int rank, const size_t *shape) {
  size_t used = 0;
  for (int i = 0; i < rank && used < size; i++)
    used += (size_t)snprintf(text + used, size - used, "%s%zu", i ? " x " : "", shape[i]);
}

Status h5_read(const H5File *file, const char *name, H5Type type, int rank, const size_t *shape, void *values) {
  size_t found[3], count = 1;
  TRY(h5_shape(file, name, type, rank, found));
  if (memcmp(found, shape, (size_t)rank * sizeof *found) != 0) {
    char is[80], wanted[80];
    shape_text(is, sizeof is, rank, found);
    shape_text(wanted, sizeof wanted, rank, shape);
    return status_set(BAD_INPUT, "%s: %s has shape %s; %s was expected", file->path, name, is, wanted);
  }
  for (int i = 0; i < rank; i++) count *= shape[i];
  if (!count) return OK;
  hid_t id = H5Dopen2(file->id, name, H5P_DEFAULT), kind = h5_type(type);
  bool bad = id < 0 || H5Dread(id, kind, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) < 0;
  if (id >= 0) H5Dclose(id);
  H5Tclose(kind);
  return bad ? status_set(BAD_INPUT, "%s: %s cannot be read: truncated or damaged", file->path, name) : OK;
}

static Status read_rows(const H5File *file, const char *name, hid_t id, size_t width, hsize_t count, char **texts) {
  hid_t type = text_type(width);
  hsize_t rows = block_rows(width, count);
  char *block = xmalloc(rows * width);
  bool bad = false;
  for (hsize_t first = 0; first < count && !bad; first += rows) {
    hsize_t n = count - first < rows ? count - first : rows;
    hid_t in_file = H5Dget_space(id), in_memory = H5Screate_simple(1, &n, NULL);
    H5Sselect_hyperslab(in_file, H5S_SELECT_SET, &first, NULL, &n, NULL);
    bad = H5Dread(id, type, in_memory, in_file, H5P_DEFAULT, block) < 0;
    H5Sclose(in_memory);
    H5Sclose(in_file);
    for (hsize_t i = 0; i < n && !bad; i++) {
      size_t length = strnlen(block + i * width, width);
      texts[first + i] = memcpy(xcalloc(1, length + 1), block + i * width, length);
    }
  }
  free(block);
  H5Tclose(type);
  return bad ? status_set(BAD_INPUT, "%s: %s cannot be read: truncated or damaged", file->path, name) : OK;
}

Status h5_read_texts(const H5File *file, const char *name, char ***texts, size_t *count) {
  hid_t id;
  hsize_t dims;
  *texts = NULL;
  *count = 0;
  TRY(open_array(file, name, 1, &id, &dims));
  hid_t type = H5Dget_type(id);
  bool text = H5Tget_class(type) == H5T_STRING && H5Tis_variable_str(type) == 0;
  size_t width = H5Tget_size(type);
  H5Tclose(type);
  Status status = OK;
  if (!text) {
    status = status_set(BAD_INPUT, "%s: %s does not hold strings of a fixed length, as troupe writes them", file->path,
                        name);
  } else if (!h5_stored(id, 1, &dims, width)) {
    status = status_set(BAD_INPUT, "%s: %s is shorter than its shape says: truncated or damaged", file->path, name);
  } else {
    *texts = xcalloc(dims ? dims : 1, sizeof **texts);
    *count = (size_t)dims;
    if (dims) status = read_rows(file, name, id, width, dims, *texts);
  }
  H5Dclose(id);
  if (status != OK) {
    texts_free(*texts, *count);
    *texts = NULL;
    *count = 0;
  }
  return status;
}

void texts_free(char **texts, size_t count) {
  for (size_t i = 0; texts && i < count; i++) free(texts[i]);
  free(texts);
}

const char *h5_version(void) {
  static char text[32];
  unsigned major = 0, minor = 0, release = 0;
  H5get_libversion(&major, &minor, &release);
  snprintf(text, sizeof text, "%u.%u.%u", major, minor, release);
  return text;
}
