/* troupe: the front door. `troupe VERB` runs a built-in verb, or executes troupe-VERB from where it stands or PATH. */
#include <stdio.h>
#include <string.h>

#include "common/base/log.h"
#include "common/base/nearest.h"
#include "common/tool/launch.h"
#include "common/tool/verbs.h"

static const struct Verb {
  const char *name;
  int (*run)(int argc, char **argv);
  const char *help;
} verbs[] = {
    {"scenes", verb_scenes, "draw the embedded data set: pictures and captions"},
    {"prepare", verb_prepare, "pictures and captions -> one dataset file"},
    {"pretrain", verb_pretrain, "stage 1: cross-entropy"},
    {"train", verb_train, "stage 2: group-relative policy optimisation, with actors under MPI"},
    {"join", verb_join, "more actors for a run that goes on"},
    {"submit", verb_submit, "train or pretrain as a Slurm job"},
    {"evaluate", verb_evaluate, "caption a split with a checkpoint and score it"},
    {"caption", verb_caption, "caption pictures"},
    {"score", verb_score, "score captions: BLEU, METEOR, ROUGE-L, CIDEr, diversity"},
    {"compare", verb_compare,
     "tables of several evaluations: mean and spread over seeds, differences with an interval"},
    {"inspect", verb_inspect, "say what a dataset, checkpoint or run folder holds"},
    {"report", verb_report, "one HTML page of runs: curves, differences, timeline, pictures with captions"},
    {"watch", verb_watch, "a run in the terminal until it ends: progress, sparklines, ranks"},
    {"export", verb_export, "a checkpoint as safetensors or as a graph of ONNX"},
    {"import", verb_import, "a checkpoint of a safetensors file"},
    {"version", verb_version, "versions of troupe and its libraries"},
};

static void usage(FILE *out) {
  fputs("usage: troupe VERB [options]\n\n", out);
  for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++)
    fprintf(out, "  %-10s %s\n", verbs[i].name, verbs[i].help);
  fputs("\n`troupe VERB --help` tells of each.\n", out);
}

static const char *verb_nearest(const char *name) {
  Nearest nearest = nearest_begin(name);
  for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++) nearest_try(&nearest, verbs[i].name);
  return nearest.found;
}

int main(int argc, char **argv) {
  if (argc < 2) {
    usage(stderr);
    return 2;
  }
  static char help[] = "--help";
  if (strcmp(argv[1], "help") == 0 && argc == 3) { /* `help VERB` is `VERB --help` */
    argv[1] = argv[2];
    argv[2] = help;
  }
  const char *name = argv[1];
  if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0) {
    usage(stdout);
    return 0;
  }
  if (strcmp(name, "--version") == 0) name = "version";
  for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++) {
    if (strcmp(name, verbs[i].name) != 0) continue;
    log_role_set("troupe %s", name);
    return verbs[i].run(argc - 1, argv + 1);
  }
  return launch_external(name, verb_nearest(name), argc - 1, argv + 1);
}
