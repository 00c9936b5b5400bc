/* Runs a fuzz target once on every seed of its corpus, without libFuzzer: any compiler can, so `make check` does.
 * The corpus is tests/fuzz/corpus/NAME/ for the program NAME_replay. Speaks cmocka's TAP to tests/run.sh: one case a seed. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t *seed_read(const char *path, size_t *size) {
  FILE *file = fopen(path, "rb");
  if (file == NULL) return NULL;
  uint8_t *data = NULL;
  if (fseek(file, 0, SEEK_END) == 0 && ftell(file) >= 0) {
    *size = (size_t)ftell(file);
    rewind(file);
    /* exactly as large as the seed, so that a sanitizer sees a read past its end */
    data = malloc(*size > 0 ? *size : 1);
    if (data != NULL && fread(data, 1, *size, file) != *size) {
      free(data);
      data = NULL;
    }
  }
  fclose(file);
  return data;
}

static int is_seed(const struct dirent *entry) { return entry->d_name[0] != '.'; }

int main(int argc, char **argv) {
  const char *slash = strrchr(argv[0], '/');
  char name[256], folder[512], path[1024];
  snprintf(name, sizeof name, "%s", slash != NULL ? slash + 1 : argv[0]);
  char *suffix = strstr(name, "_replay");
  if (suffix != NULL) *suffix = '\0';
  snprintf(folder, sizeof folder, "%s", argc > 1 ? argv[1] : "");
  if (argc < 2) snprintf(folder, sizeof folder, "tests/fuzz/corpus/%s", name);

  struct dirent **seeds;
  int count = scandir(folder, &seeds, is_seed, alphasort);
  if (count <= 0) {
    fprintf(stderr, "%s: no seeds\n", folder);
    return 1;
  }
  printf("1..%d\n", count);
  int failed = 0;
  for (int i = 0; i < count; i++) {
    fflush(stdout);
    snprintf(path, sizeof path, "%s/%s", folder, seeds[i]->d_name);
    size_t size = 0;
    uint8_t *data = seed_read(path, &size);
    if (data != NULL) LLVMFuzzerTestOneInput(data, size);
    failed += data == NULL;
    printf("%s %d - %s\n", data != NULL ? "ok" : "not ok", i + 1, seeds[i]->d_name);
    free(data);
    free(seeds[i]);
  }
  free(seeds);
  return failed;
}
