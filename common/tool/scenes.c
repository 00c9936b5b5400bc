/* troupe scenes: draws the embedded data set into a folder, in Flickr8k's layout. It is drawn beside that folder and renamed
 * when it is whole. */
#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <turbojpeg.h>
#include <unistd.h>

#include "common/base/arguments.h"
#include "common/base/file.h"
#include "common/base/log.h"
#include "common/base/progress.h"
#include "common/data/scenes.h"
#include "common/tool/verbs.h"

enum { IMAGES_DEFAULT = 1200, IMAGES_LEAST = 20, IMAGES_MOST = 1000000, QUALITY = 92 };

static const char *const usage =
    "usage: troupe scenes DIR [--images N] [--seed S]\n\n"
    "Draws the embedded data set: pictures of one or two things, with five captions each, as\n"
    "  DIR/Images/*.jpg  DIR/captions.txt  DIR/train.txt (80 %)  DIR/val.txt (10 %)  DIR/test.txt (10 %)\n"
    "Pictures of val and test have combinations (of shape and colour, shape and ground, two shapes) that train has not.\n"
    "The same N and S give the same bytes. DIR is new, empty, or was written by this command before.\n";

static const char *const known[] = {"captions.txt", "train.txt", "val.txt", "test.txt", "Images"};
enum { KNOWN = sizeof known / sizeof *known };

static bool is_known(const char *name) {
  for (int i = 0; i < KNOWN; i++)
    if (strcmp(name, known[i]) == 0) return true;
  return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* Errors: DIR holds anything but scenes. */
static Status folder_check(const char *path) {
  DIR *folder = opendir(path);
  if (!folder)
    return errno == ENOENT ? OK : status_set(BAD_INPUT, "%s: %s; a new folder was expected", path, strerror(errno));
  Status status = OK;
  for (struct dirent *entry; status == OK && (entry = readdir(folder));)
    if (!is_known(entry->d_name))
      status =
          status_set(BAD_INPUT, "%s: holds %s; a new or empty folder, or one that troupe scenes wrote, was expected",
                     path, entry->d_name);
  closedir(folder);
  return status;
}

/* Removes a folder of scenes; what is not of them stays. */
static void folder_remove(const char *path) {
  char *images = path_join(path, "Images");
  DIR *folder = opendir(images);
  for (struct dirent *entry; folder && (entry = readdir(folder));) {
    size_t n = strlen(entry->d_name);
    if (n < 4 || strcmp(entry->d_name + n - 4, ".jpg") != 0) continue;
    char *name = path_join(images, entry->d_name);
    unlink(name);
    free(name);
  }
  if (folder) closedir(folder);
  free(images);
  for (int i = 0; i < KNOWN; i++) {
    char *name = path_join(path, known[i]);
    if (remove(name) && errno != ENOENT) log_debug("%s: %s", name, strerror(errno));
    free(name);
  }
  rmdir(path);
}

static Status bytes_write(const char *path, const void *bytes, size_t size) {
  FILE *file = fopen(path, "wb");
  bool bad = !file || fwrite(bytes, 1, size, file) != size;
  if (file && fclose(file)) bad = true;
  return bad ? status_set(FAILED, "%s: cannot be written: %s", path, strerror(errno)) : OK;
}

typedef struct Album {
  const char *folder; /* the temporary one */
  long images;
  uint64_t seed;
  FILE *captions, *split[3];
  tjhandle jpeg;
  uint8_t rgb[SCENE_SIDE * SCENE_SIDE * 3];
} Album;

/* 0 train, 1 val, 2 test */
static int split_of(const Album *album, long number) {
  long tenth = album->images / 10;
  return number < album->images - 2 * tenth ? 0 : number < album->images - tenth ? 1 : 2;
}

static Status picture_write(Album *album, const Scene *scene, const char *name) {
  unsigned char *bytes = NULL;
  unsigned long size = 0;
  scene_draw(scene, album->rgb);
  if (tjCompress2(album->jpeg, album->rgb, SCENE_SIDE, 0, SCENE_SIDE, TJPF_RGB, &bytes, &size, TJSAMP_444, QUALITY,
                  TJFLAG_ACCURATEDCT))
    return status_set(FAILED, "%s: cannot be compressed: %s", name, tjGetErrorStr2(album->jpeg));
  char *path = xasprintf("%s/Images/%s", album->folder, name);
  Status status = bytes_write(path, bytes, size);
  free(path);
  tjFree(bytes);
  return status;
}

static Status album_draw(Album *album) {
  Progress progress;
  progress_begin(&progress, "scenes", "pictures", album->images, 0);
  fputs("image,caption\n", album->captions);
  for (long i = 0; i < album->images; i++) {
    int split = split_of(album, i);
    Scene scene;
    scene_make(&scene, album->seed, (uint32_t)i, split > 0);
    char name[32], text[SCENE_TEXT];
    snprintf(name, sizeof name, "scene%06ld.jpg", i);
    TRY(picture_write(album, &scene, name));
    fprintf(album->split[split], "%s\n", name);
    for (int person = 0; person < SCENE_CAPTIONS; person++) {
      scene_describe(&scene, person, text);
      fprintf(album->captions, "%s,%s\n", name, text);
    }
    progress_update(&progress, i + 1, NULL);
  }
  progress_end(&progress, album->images);
  return OK;
}

static FILE *list_open(const char *folder, const char *name) {
  char *path = path_join(folder, name);
  FILE *file = fopen(path, "w");
  free(path);
  return file;
}

static Status album_write(Album *album) {
  char *images = path_join(album->folder, "Images");
  Status status = folder_create(images);
  free(images);
  TRY(status);
  FILE **lists[] = {&album->captions, &album->split[0], &album->split[1], &album->split[2]};
  for (int i = 0; i < 4 && status == OK; i++)
    if (!(*lists[i] = list_open(album->folder, known[i])))
      status = status_set(FAILED, "%s/%s: cannot be written: %s", album->folder, known[i], strerror(errno));
  if (status == OK && !(album->jpeg = tjInitCompress()))
    status = status_set(FAILED, "%s: the JPEG encoder cannot start: %s", album->folder, tjGetErrorStr2(NULL));
  if (status == OK) status = album_draw(album);
  for (int i = 0; i < 4; i++) {
    bool bad = *lists[i] && ferror(*lists[i]);
    if (*lists[i] && fclose(*lists[i])) bad = true;
    if (bad && status == OK)
      status = status_set(FAILED, "%s/%s: cannot be written (is the disk full?)", album->folder, known[i]);
  }
  if (album->jpeg) tjDestroy(album->jpeg);
  return status;
}

/* Puts the finished folder under its name; one that was there is moved away first and then removed. */
static Status folder_replace(const char *finished, const char *path) {
  if (rename(finished, path) == 0) return OK; /* new, or empty */
  char *old = xasprintf("%s.old.%ld", path, (long)getpid());
  Status status = OK;
  if (rename(path, old) || rename(finished, path))
    status = status_set(FAILED, "%s: cannot be renamed from %s: %s", path, finished, strerror(errno));
  else folder_remove(old);
  free(old);
  return status;
}

static Status scenes_write(const char *path, long images, uint64_t seed) {
  TRY(folder_check(path));
  char *temporary = file_temporary(path);
  folder_remove(temporary);
  Album album = {.folder = temporary, .images = images, .seed = seed};
  Status status = album_write(&album);
  if (status == OK) status = folder_replace(temporary, path);
  if (status != OK) folder_remove(temporary);
  free(temporary);
  return status;
}

int verb_scenes(int argc, char **argv) {
  long images = IMAGES_DEFAULT, seed = 1;
  int first;
  const Argument table[] = {
      {"images", 0, ARGUMENT_LONG, &images, IMAGES_LEAST, IMAGES_MOST, "N", "pictures (default 1200)"},
      {"seed", 0, ARGUMENT_LONG, &seed, 0, 1e18, "S", "seed of every random number (default 1)"},
      {0}};
  Status status = arguments_parse(usage, table, argc, argv, &first);
  if (status == OK && first && first + 1 != argc)
    status = status_set(BAD_INPUT, "one folder was expected; see troupe scenes --help");
  if (status == OK && first) {
    char *path = xstrdup(argv[first]);
    for (size_t n = strlen(path); n > 1 && path[n - 1] == '/'; n--) path[n - 1] = 0;
    status = scenes_write(path, images, (uint64_t)seed);
    free(path);
  }
  if (status != OK) log_error("%s", status_message());
  return (int)status;
}
