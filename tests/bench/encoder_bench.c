/* Pictures a second of one encoder:
 *   encoder_bench [FOLDER] [--encoder NAME] [--weights FILE] [--images N] [--threads 1]
 * "encode" goes from JPEG files on, each thread a picture of its own (as `troupe prepare`), "pixels" is the network alone on one
 * thread. FOLDER defaults to Flickr8k's in
 * TROUPE_DATA. tests/bench/peer.py measures another program beside it. */
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/file.h"
#include "common/base/status.h"
#include "common/vision/encoder.h"

typedef struct Options {
  const char *folder, *encoder, *weights;
  int images, threads;
} Options;

static Options options_read(int argc, char **argv) {
  Options options = {.encoder = "efficientnet-lite0", .images = 320, .threads = 1};
  for (int i = 1; i < argc; i++) {
    const char *value = i + 1 < argc ? argv[i + 1] : "";
    if (strcmp(argv[i], "--encoder") == 0) options.encoder = value, i++;
    else if (strcmp(argv[i], "--weights") == 0) options.weights = value, i++;
    else if (strcmp(argv[i], "--images") == 0) options.images = atoi(value), i++;
    else if (strcmp(argv[i], "--threads") == 0) options.threads = atoi(value), i++;
    else options.folder = argv[i];
  }
  return options;
}

static Status files_bench(const Encoder *encoder, const Options *options) {
  char pattern[4096];
  glob_t found;
  snprintf(pattern, sizeof pattern, "%s/*.jpg", options->folder);
  if (glob(pattern, 0, NULL, &found) != 0) return status_set(BAD_INPUT, "%s: no .jpg pictures", options->folder);
  int images = (int)found.gl_pathc < options->images ? (int)found.gl_pathc : options->images;
  double began = 0;
  bool broken = false;
#pragma omp parallel num_threads(options->threads)
  {
    EncoderScratch *scratch = encoder_scratch_new(encoder);
    float *grid = xmalloc(sizeof(float) * encoder_cells(encoder) * encoder_features(encoder));
    if (encoder_encode_file(encoder, scratch, found.gl_pathv[0], grid) != OK) broken = true; /* warm */
#pragma omp barrier
#pragma omp single
    began = clock_seconds();
#pragma omp for schedule(dynamic, 1)
    for (int i = 0; i < images; i++)
      if (encoder_encode_file(encoder, scratch, found.gl_pathv[i], grid) != OK) broken = true;
    free(grid);
    encoder_scratch_free(scratch);
  }
  printf("encode       images/s %.1f (%d)\n", images / (clock_seconds() - began), images);
  globfree(&found);
  return broken ? status_set(BAD_INPUT, "%s: a picture cannot be read", options->folder) : OK;
}

static void pixels_bench(const Encoder *encoder, int images) {
  EncoderScratch *scratch = encoder_scratch_new(encoder);
  float *grid = xmalloc(sizeof(float) * encoder_cells(encoder) * encoder_features(encoder));
  size_t bytes = (size_t)encoder_size(encoder) * encoder_size(encoder) * 3;
  uint8_t *rgb = xmalloc(bytes);
  for (size_t i = 0; i < bytes; i++) rgb[i] = (uint8_t)(i * 7 % 251);
  encoder_encode_rgb(encoder, scratch, rgb, grid); /* warm */
  double began = clock_seconds();
  for (int i = 0; i < images; i++) encoder_encode_rgb(encoder, scratch, rgb, grid);
  printf("pixels       images/s %.1f (%d)\n", images / (clock_seconds() - began), images);
  free(rgb), free(grid);
  encoder_scratch_free(scratch);
}

static Status encoder_time(const Encoder *encoder, const Options *options) {
  printf("encoder %s, %d thread%s\n", encoder_name(encoder), options->threads, options->threads == 1 ? "" : "s");
  pixels_bench(encoder, options->images);
  return options->folder ? files_bench(encoder, options) : OK;
}

int main(int argc, char **argv) {
  Options options = options_read(argc, argv);
  const char *data = getenv("TROUPE_DATA");
  char *flickr = path_join(data && *data ? data : "../shared/data", "flickr8k/Images"), *found = NULL;
  Encoder *encoder = NULL;
  if (!options.folder && folder_exists(flickr)) options.folder = flickr;
  if (!options.weights && encoder_needs_weights(options.encoder)) {
    if (encoder_find_weights(options.encoder, "", NULL, &found) != OK) {
      printf("encoder: skipped: %s\n", status_message());
      free(flickr);
      return 0;
    }
    options.weights = found;
  }
  Status status = encoder_open(&encoder, options.encoder, options.weights);
  if (status == OK) status = encoder_time(encoder, &options);
  encoder_close(encoder);
  free(found);
  free(flickr);
  if (status != OK) fprintf(stderr, "encoder_bench: %s\n", status_message());
  return (int)status;
}
