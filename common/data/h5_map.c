/* Arrays of a file as memory. */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/data/h5.h"

/* Where the array's bytes lie in the file, or 0 if they do not lie there as they are in memory. */
static off_t plain_offset(const H5File *file, const char *name, H5Type type) {
  hid_t id = H5Dopen2(file->id, name, H5P_DEFAULT);
  if (id < 0) return 0;
  hid_t stored = H5Dget_type(id), wanted = h5_type(type);
  haddr_t offset = H5Tequal(stored, wanted) > 0 ? H5Dget_offset(id) : HADDR_UNDEF; /* undefined where it is in chunks */
  H5Tclose(wanted);
  H5Tclose(stored);
  H5Dclose(id);
  return offset == HADDR_UNDEF || offset % h5_type_bytes(type) ? 0 : (off_t)offset;
}

static bool pages_map(const char *path, off_t offset, size_t bytes, H5Map *map) {
  int file = open(path, O_RDONLY | O_CLOEXEC);
  struct stat about;
  size_t ahead = (size_t)(offset % sysconf(_SC_PAGESIZE));
  void *pages = MAP_FAILED;
  if (file >= 0 && fstat(file, &about) == 0 && offset + (off_t)bytes <= about.st_size)
    pages = mmap(NULL, bytes + ahead, PROT_READ, MAP_SHARED, file, offset - (off_t)ahead);
  if (file >= 0) close(file);
  if (pages == MAP_FAILED) return false;
  *map = (H5Map){.values = (char *)pages + ahead, .pages = pages, .bytes = bytes + ahead};
  return true;
}

Status h5_map(const H5File *file, const char *name, H5Type type, size_t *count, H5Map *map) {
  *map = (H5Map){0};
  TRY(h5_shape(file, name, type, 1, count));
  off_t offset = *count ? plain_offset(file, name, type) : 0;
  if (offset && pages_map(file->path, offset, *count * h5_type_bytes(type), map)) return OK;
  map->values = xmalloc(*count * h5_type_bytes(type) + 1);
  Status status = h5_read(file, name, type, 1, count, map->values);
  if (status != OK) h5_map_free(map);
  return status;
}

void h5_map_rest(const H5Map *map) {
  if (map->pages) (void)madvise(map->pages, map->bytes, MADV_DONTNEED); /* of a file: nothing is lost */
}

void h5_map_free(H5Map *map) {
  if (map->pages) munmap(map->pages, map->bytes);
  else free(map->values);
  *map = (H5Map){0};
}
