/* troupe submit: one batch script for a configuration, deploy/slurm's with what this job needs put in, handed to sbatch. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/arguments.h"
#include "common/base/file.h"
#include "common/base/log.h"
#include "common/config/command.h"
#include "common/model/policy.h"
#include "common/tool/launch.h"
#include "common/tool/verbs.h"

#define SCRIPT(name)                                                                                                   \
  __asm__(".section .rodata\n.global script_" #name "\nscript_" #name ":\n.incbin \"deploy/slurm/" #name ".sbatch\"\n" \
          ".byte 0\n.previous\n");                                                                                     \
  extern const char script_##name[]

SCRIPT(train);
SCRIPT(pretrain);

static const char *const usage =
    "usage: troupe submit CONFIG [options]\n\n"
    "Writes RUN/submit.sbatch, RUN being the run folder, and gives it to sbatch. The job saves before its time limit and when\n"
    "it is preempted, queues again and goes on. Without -n it takes whole nodes, one by default. With --seeds the run of each\n"
    "seed is RUN/sSEED, and stage 2 starts from the same seed's stage 1, if there is one and policy.init is not set.\n";

typedef struct Submit {
  const char *stage, *config_file, *time, *partition, *seeds;
  ArgumentList sets, sbatch;
  int actors, nodes; /* 0: not given */
  bool dry_run;
  Config config;
  char *folder; /* owned: the run's */
} Submit;

/* --- what is wrong with it ------------------------------------------------------------------------------------ */

static Status only(const char *option, const char *text, const char *characters, const char *expected) {
  if (!text || (*text && strspn(text, characters) == strlen(text))) return OK;
  return status_set(BAD_INPUT, "%s %s: %s was expected", option, text, expected);
}

/* A line's end would begin another line of the script. */
static Status one_line(const char *text) {
  return text && strchr(text, '\n') ? status_set(BAD_INPUT, "'%s': one line was expected", text) : OK;
}

static Status submit_check(const Submit *submit) {
  bool pretrain = strcmp(submit->stage, "pretrain") == 0;
  if (!pretrain && strcmp(submit->stage, "train") != 0)
    return status_set(BAD_INPUT, "--stage %s: train or pretrain was expected", submit->stage);
  if (pretrain && submit->actors) return status_set(BAD_INPUT, "-n: stage 1 has no actors");
  TRY(only("--seeds", submit->seeds, "0123456789,-%", "a list such as 1-3 or 1,2,5"));
  TRY(only("--time", submit->time, "0123456789:-", "Slurm's minutes, H:MM:SS or D-HH:MM"));
  TRY(one_line(submit->config_file));
  TRY(one_line(submit->partition));
  for (int i = 0; i < submit->sets.count; i++) TRY(one_line(submit->sets.text[i]));
  for (int i = 0; i < submit->sbatch.count; i++) TRY(one_line(submit->sbatch.text[i]));
  return OK;
}

static Status submit_config(Submit *submit) {
  config_init(&submit->config);
  TRY(config_read(&submit->config, submit->config_file));
  for (int i = 0; i < submit->sets.count; i++) TRY(config_set(&submit->config, submit->sets.text[i]));
  TRY(config_check(&submit->config));
  TRY(config_check_ranks(&submit->config, submit->stage));
  if (!file_exists(submit->config.data.file))
    log_warning("data.file: %s is not there; the job wants it when it begins", submit->config.data.file);
  submit->folder = config_run_folder(&submit->config, submit->stage);
  return one_line(submit->folder);
}

/* --- the script ----------------------------------------------------------------------------------------------- */

static void quoted(FILE *out, const char *text) {
  putc('\'', out);
  for (; *text; text++)
    if (*text == '\'') fputs("'\\''", out);
    else putc(*text, out);
  putc('\'', out);
}

static void put_size(FILE *out, const Submit *submit) {
  int learners = submit->config.learner.ranks, threads = submit->config.learner.threads;
  bool overlapped = policy_lag(&submit->config) > 0;
  bool whole = !submit->actors, pretrain = strcmp(submit->stage, "pretrain") == 0;
  if (pretrain && threads) {
    fprintf(out, "#SBATCH --ntasks=%d --cpus-per-task=%d\n", learners, threads);
    whole = false;
  }
  if (submit->actors)
    fprintf(out, "#SBATCH --ntasks=%d\n", submit->actors + learners * (overlapped && threads ? threads : 1));
  if (whole) fprintf(out, "#SBATCH --nodes=%d --exclusive\n", submit->nodes ? submit->nodes : pretrain ? learners : 1);
  else if (submit->nodes) fprintf(out, "#SBATCH --nodes=%d\n", submit->nodes);
}

static void put_options(FILE *out, const Submit *submit) {
  char here[PATH_MAX];
  fprintf(out, "#SBATCH --job-name=\"%s-%s\"\n", submit->config.run.name, submit->stage);
  fprintf(out, "#SBATCH --output=\"%s/slurm-%s.log\"\n", submit->folder, submit->seeds ? "%A_%a" : "%j");
  if (getcwd(here, sizeof here)) fprintf(out, "#SBATCH --chdir=\"%s\"\n", here);
  put_size(out, submit);
  if (submit->time) fprintf(out, "#SBATCH --time=%s\n", submit->time);
  if (submit->partition) fprintf(out, "#SBATCH --partition=%s\n", submit->partition);
  if (submit->seeds) fprintf(out, "#SBATCH --array=%s\n", submit->seeds);
  for (int i = 0; i < submit->sbatch.count; i++) fprintf(out, "#SBATCH %s\n", submit->sbatch.text[i]);
}

static void put_arguments(FILE *out, const Submit *submit) {
  char *program = launch_program("troupe");
  fputs("TROUPE=", out);
  quoted(out, program);
  fputs("\nset -- ", out);
  quoted(out, submit->config_file);
  if (submit->actors) fprintf(out, " -n %d", submit->actors);
  for (int i = 0; i < submit->sets.count; i++) {
    fputs(" --set ", out);
    quoted(out, submit->sets.text[i]);
  }
  if (submit->seeds) {
    fputs(" --set run.seed=\"$SLURM_ARRAY_TASK_ID\" --set run.dir=", out);
    quoted(out, submit->folder);
    fputs("/s\"$SLURM_ARRAY_TASK_ID\"", out);
  }
  putc('\n', out);
  free(program);
}

/* Stage 2 of a seed from the same seed's stage 1. */
static void put_initial(FILE *out, const Submit *submit) {
  if (!submit->seeds || strcmp(submit->stage, "train") != 0 || submit->config.policy.init[0]) return;
  fputs("initial=", out);
  char *pretrained = xasprintf("runs/%s/pretrain", submit->config.run.name);
  quoted(out, pretrained);
  fputs(
      "/s$SLURM_ARRAY_TASK_ID/checkpoints/best.h5\n[ ! -e \"$initial\" ] || set -- \"$@\" --set policy.init=\"$initial\"\n",
      out);
  free(pretrained);
}

/* deploy/slurm's script, with more options behind its own (the later of two counts) and its arguments. Owned by the caller. */
static char *script_make(const Submit *submit) {
  const char *script = strcmp(submit->stage, "train") == 0 ? script_train : script_pretrain;
  const char *options = strstr(script, "#SBATCH"), *rest = options;
  char *text;
  size_t size;
  while (*rest == '#') rest = strchr(rest, '\n') + 1;
  FILE *out = open_memstream(&text, &size);
  CHECK(out);
  fprintf(out,
          "#!/bin/bash\n# Written by troupe submit: deploy/slurm/%s.sbatch with this job's options and arguments.\n",
          submit->stage);
  fwrite(options, 1, (size_t)(rest - options), out);
  put_options(out, submit);
  put_arguments(out, submit);
  put_initial(out, submit);
  fputs(rest, out);
  fclose(out);
  return text;
}

/* --- sbatch --------------------------------------------------------------------------------------------------- */

static Status hand_over(const Submit *submit, const char *file) {
  char *command, job[64] = "";
  size_t size;
  FILE *words = open_memstream(&command, &size);
  CHECK(words);
  fputs("sbatch --parsable ", words);
  quoted(words, file);
  fclose(words);
  FILE *pipe = popen(command, "r");
  free(command);
  if (!pipe || !fgets(job, sizeof job, pipe)) job[0] = 0;
  int code = pipe ? pclose(pipe) : -1;
  job[strcspn(job, ";\n")] = 0; /* ";CLUSTER" may follow */
  if (WIFEXITED(code) && WEXITSTATUS(code) == 127)
    return status_set(BAD_INPUT, "sbatch is not on PATH: %s is written, and a host that submits to Slurm was expected",
                      file);
  if (code != 0 || !job[0]) return status_set(FAILED, "sbatch did not take %s; it says why above", file);
  printf("job %s: %s; log %s/slurm-%s%s.log\n", job, file, submit->folder, job, submit->seeds ? "_SEED" : "");
  return OK;
}

static Status submit_run(Submit *submit) {
  TRY(submit_check(submit));
  TRY(submit_config(submit));
  char *script = script_make(submit), *file = path_join(submit->folder, "submit.sbatch");
  Status status = OK;
  if (submit->dry_run) {
    fputs(script, stdout);
  } else {
    status = folder_create(submit->folder);
    if (status == OK) status = file_write_atomic(file, script, strlen(script));
    if (status == OK) status = hand_over(submit, file);
  }
  free(script);
  free(file);
  return status;
}

int verb_submit(int argc, char **argv) {
  Submit submit = {.stage = "train"};
  int first;
  const Argument table[] = {
      {"stage", 0, ARGUMENT_TEXT, &submit.stage, 0, 0, "train|pretrain", "which stage (default train)"},
      {"actors", 'n', ARGUMENT_INTEGER, &submit.actors, 1, 100000, "N",
       "actors, and a core for each (default: all of the nodes)"},
      {"nodes", 0, ARGUMENT_INTEGER, &submit.nodes, 1, 100000, "N", "nodes (default 1, or with -n as Slurm likes)"},
      {"time", 0, ARGUMENT_TEXT, &submit.time, 0, 0, "T",
       "time limit; the job queues again before it (default: the partition's)"},
      {"partition", 0, ARGUMENT_TEXT, &submit.partition, 0, 0, "P", "partition (default: Slurm's)"},
      {"seeds", 0, ARGUMENT_TEXT, &submit.seeds, 0, 0, "LIST", "a job array: 1-3, 1,2,5, or 1-8%2 for two at a time"},
      {"set", 0, ARGUMENT_LIST, &submit.sets, 0, 0, "a.b=c", "sets an option over CONFIG's; as often as wanted"},
      {"sbatch", 0, ARGUMENT_LIST, &submit.sbatch, 0, 0, "OPTION",
       "any other option of sbatch, such as --sbatch=--account=NAME"},
      {"dry-run", 0, ARGUMENT_FLAG, &submit.dry_run, 0, 0, NULL, "prints the script, writes and submits nothing"},
      {0}};
  Status status = arguments_parse(usage, table, argc, argv, &first);
  if (status == OK && first && first + 1 != argc)
    status = status_set(BAD_INPUT, "one CONFIG was expected; see troupe submit --help");
  if (status == OK && first) {
    submit.config_file = argv[first];
    status = submit_run(&submit);
  }
  if (status != OK) log_error("%s", status_message());
  config_free(&submit.config);
  free(submit.folder);
  return (int)status;
}
