/* troupe version: its own version and those of the libraries it runs on. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "common/base/log.h"
#include "common/base/status.h"
#include "common/base/version.h"
#include "common/config/config.h"
#include "common/data/h5.h"
#include "common/tensor/gemm.h"
#include "common/tool/verbs.h"

/* First line of a command's output, or "not found". */
static void first_line(const char *command, char *line, int size) {
  FILE *pipe = popen(command, "r");
  if (!pipe || !fgets(line, size, pipe)) snprintf(line, (size_t)size, "not found");
  if (pipe) pclose(pipe);
  line[strcspn(line, "\n")] = 0;
}

int verb_version(int argc, char **argv) {
  char mpi[256];
  if (argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
    puts("usage: troupe version\n\n"
         "Prints the versions of troupe, MPI, BLAS (and the kernel in use), HDF5, libyaml and jansson.");
    return OK;
  }
  if (argc > 1) {
    log_error("%s: no such option; see troupe version --help", argv[1]);
    return BAD_INPUT;
  }
  first_line("mpirun --version 2>/dev/null", mpi, sizeof mpi);
  printf("troupe   %s\n", TROUPE_VERSION);
  printf("mpi      %s\n", mpi);
  printf("blas     %s\n", gemm_name());
  printf("hdf5     %s\n", h5_version());
  printf("libyaml  %s\n", config_yaml_version());
  printf("jansson  %s\n", jansson_version_str());
  return 0;
}
