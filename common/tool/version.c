/* troupe version: its own version and those of the libraries it runs on; --verbose: all that a bug report wants. */
#include <gnu/libc-version.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "common/base/arguments.h"
#include "common/base/log.h"
#include "common/base/memory.h"
#include "common/base/status.h"
#include "common/base/version.h"
#include "common/config/config.h"
#include "common/data/h5.h"
#include "common/tensor/bf16.h"
#include "common/tensor/gemm.h"
#include "common/tool/launch.h"
#include "common/tool/verbs.h"

/* The Makefile says more: deploy/version.sh's word, and the compiler's options. */
#ifndef TROUPE_DESCRIBED
#define TROUPE_DESCRIBED TROUPE_VERSION
#endif
#ifndef TROUPE_FLAGS
#define TROUPE_FLAGS "not known"
#endif

const char *version_text(void) { return TROUPE_DESCRIBED; }

static const char *const usage =
    "usage: troupe version [--verbose]\n\n"
    "Prints the versions of troupe, MPI, BLAS (and the kernel in use), HDF5, libyaml and jansson.\n";

/* First line of a command's output, or "not found". */
static void first_line(const char *command, char *line, int size) {
  FILE *pipe = popen(command, "r");
  if (!pipe || !fgets(line, size, pipe)) snprintf(line, (size_t)size, "not found");
  if (pipe) pclose(pipe);
  line[strcspn(line, "\n")] = 0;
}

static void print_versions(void) {
  char mpi[256];
  first_line("mpirun --version 2>/dev/null", mpi, sizeof mpi);
  printf("troupe   %s\n", version_text());
  printf("mpi      %s\n", mpi);
  printf("blas     %s\n", gemm_name());
  printf("hdf5     %s\n", h5_version());
  printf("libyaml  %s\n", config_yaml_version());
  printf("jansson  %s\n", jansson_version_str());
}

/* --- for bug reports ---------------------------------------------------------------------------------------------- */

/* What the roles are linked with; mpirun may be another's. */
static void print_mpi_library(void) {
  char *program = launch_program("troupe-learner"), *text = NULL;
  char *argv[] = {program, (char[]){"--version"}, NULL};
  if (launch_output(argv, &text) != OK) printf("library  %s cannot say\n", program);
  else printf("library  %.*s\n", (int)strcspn(text, "\n"), text);
  free(text);
  free(program);
}

/* The first line of /proc/cpuinfo that begins with one of the names: owned by the caller, NULL without. */
static char *cpu_line(const char *name, const char *other) {
  FILE *file = fopen("/proc/cpuinfo", "r");
  char *line = NULL, *found = NULL;
  size_t room = 0;
  while (file && !found && getline(&line, &room, file) > 0) {
    const char *colon = strchr(line, ':');
    if (colon && (strncmp(line, name, strlen(name)) == 0 || strncmp(line, other, strlen(other)) == 0))
      found = xstrdup(colon + 1 + (colon[1] == ' '));
  }
  if (file) fclose(file);
  free(line);
  if (found) found[strcspn(found, "\n")] = 0;
  return found;
}

/* Those that decide which kernels run. */
static void print_features(void) {
  static const char *const names[] = {"sse4_2",      "avx",      "avx2",     "fma",   "f16c", "avx512f", "avx512bw",
                                      "avx512_bf16", "avx_vnni", "amx_bf16", "asimd", "sve",  "bf16",    NULL};
  char *flags = cpu_line("flags", "Features"), *rest = flags;
  printf("features");
  for (char *word; (word = strsep(&rest, " "));)
    for (int i = 0; names[i]; i++)
      if (strcmp(word, names[i]) == 0) printf(" %s", word);
  putchar('\n');
  free(flags);
}

static void print_machine(void) {
  struct utsname system;
  char name[256];
  first_line("sed -n 's/^PRETTY_NAME=\"\\(.*\\)\"/\\1/p' /etc/os-release 2>/dev/null", name, sizeof name);
  if (uname(&system) == 0)
    printf("system   %s, %s %s, %s, glibc %s\n", name, system.sysname, system.release, system.machine,
           gnu_get_libc_version());
  char *cpu = cpu_line("model name", "CPU part");
  printf("cpu      %s, %d for this process; %.1f GiB of memory free\n", cpu ? cpu : "not known", launch_cores(),
         (double)memory_available() / (1 << 30));
  free(cpu);
  print_features();
}

static void print_environment(void) {
  static const char *const names[] = {"OMP_NUM_THREADS",      "OMP_WAIT_POLICY",         "OPENBLAS_CORETYPE",
                                      "OPENBLAS_NUM_THREADS", "TROUPE_LEARNER_THREADS",  "TROUPE_LOG",
                                      "TROUPE_ENCODERS",      "TROUPE_METEOR",           "SLURM_JOB_ID",
                                      "SLURM_JOB_NUM_NODES",  "SLURM_JOB_CPUS_PER_NODE", NULL};
  for (int i = 0; names[i]; i++)
    if (getenv(names[i])) printf("         %s=%s\n", names[i], getenv(names[i]));
}

static void print_more(void) {
  print_mpi_library();
  printf("kernels  float32 %s; bf16 %s\n", gemm_name(), bf16_kernel()->name);
#ifdef __clang__
  printf("compiler %s, OpenMP %d\n", __VERSION__, _OPENMP);
#else
  printf("compiler gcc %s, OpenMP %d\n", __VERSION__, _OPENMP);
#endif
  printf("flags    %s\n", TROUPE_FLAGS);
  print_machine();
  print_environment();
}

int verb_version(int argc, char **argv) {
  bool verbose = false;
  const Argument options[] = {
      {"verbose", 0, ARGUMENT_FLAG, &verbose, 0, 0, NULL,
       "and MPI's library, kernels, compiler, options, system, processor, environment: for bug reports"},
      {0}};
  int first;
  Status status = arguments_parse(usage, options, argc, argv, &first);
  if (status == OK && first == 0) return OK;
  if (status == OK && first < argc) status = status_set(BAD_INPUT, "'%s': no argument was expected", argv[first]);
  if (status != OK) {
    log_error("%s", status_message());
    return status;
  }
  print_versions();
  if (verbose) print_more();
  return OK;
}
