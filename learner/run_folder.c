/* Run folder: files of a run. */
#include "learner/run_folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/file.h"
#include "common/base/log.h"
#include "common/base/profile.h"
#include "common/base/trace.h"
#include "learner/events.h"

enum { CHECKPOINTS_MAX = 4096 };

/* Iterations of the numbered checkpoints, rising. */
static int numbered(const RunFolder *run, int64_t iterations[CHECKPOINTS_MAX]) {
  DIR *folder = opendir(run->checkpoints);
  int count = 0;
  for (struct dirent *entry; folder && count < CHECKPOINTS_MAX && (entry = readdir(folder));) {
    char *end;
    long number = strtol(entry->d_name, &end, 10);
    if (end == entry->d_name || strcmp(end, ".h5") != 0) continue;
    int at = count++;
    for (; at > 0 && iterations[at - 1] > number; at--) iterations[at] = iterations[at - 1];
    iterations[at] = number;
  }
  if (folder) closedir(folder);
  return count;
}

static char *numbered_path(const RunFolder *run, int64_t iteration) {
  return xasprintf("%s/%06lld.h5", run->checkpoints, (long long)iteration);
}

static Status run_lock(RunFolder *run) {
  char *path = path_join(run->path, "lock");
  run->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  Status status = OK;
  if (run->lock < 0) {
    status = status_set(FAILED, "%s: cannot be created: %s", path, strerror(errno));
  } else if (flock(run->lock, LOCK_EX | LOCK_NB) && errno == EWOULDBLOCK) {
    status =
        status_set(BAD_INPUT, "%s: another learner works in this run folder; another run.dir was expected", run->path);
    close(run->lock);
    run->lock = -1; /* whoever sees a lock takes the folder for its own */
  }
  free(path);
  return status;
}

/* Removes checkpoints that a killed learner had half written. Nobody else writes here: the lock is held. */
static void temporaries_remove(const RunFolder *run) {
  DIR *folder = opendir(run->checkpoints);
  for (struct dirent *entry; folder && (entry = readdir(folder));)
    if (strstr(entry->d_name, ".tmp.")) unlinkat(dirfd(folder), entry->d_name, 0);
  if (folder) closedir(folder);
}

Status run_open(RunFolder *run, const Config *config, const char *stage) {
  char *path = config_run_folder(config, stage);
  *run = (RunFolder){.path = path,
                     .checkpoints = path_join(path, "checkpoints"),
                     .events = events_path(path),
                     .keep = config->checkpoint.keep,
                     .lock = -1};
  int64_t iterations[CHECKPOINTS_MAX];
  if (strcmp(config->run.resume, "never") == 0 && numbered(run, iterations) > 0) /* not ours: without the lock */
    return status_set(BAD_INPUT,
                      "%s: holds checkpoints of an earlier run and run.resume is never; another run.dir was "
                      "expected",
                      run->path);
  TRY(folder_create(run->checkpoints));
  TRY(run_lock(run));
  temporaries_remove(run);
  return trace_open(run->path, 0, "learner");
}

Status run_configure(const RunFolder *run, const Config *config) {
  char *text = config_text(config, false), *file = path_join(run->path, "config.yaml");
  Status status = file_write_atomic(file, text, strlen(text));
  free(text);
  free(file);
  return status;
}

void run_close(RunFolder *run) {
  if (run->path && run->lock >= 0) close(run->lock);
  free(run->path);
  free(run->checkpoints);
  free(run->events);
  *run = (RunFolder){.lock = -1};
}

/* A checkpoint that does not verify keeps its bytes but not its number, or it would count among the newest that are
 * kept. */
static void set_aside(const char *path) {
  char *aside = xasprintf("%s.broken", path);
  log_warning("%s; it is now %s, and the checkpoint before it is tried", status_message(), path_name(aside));
  if (rename(path, aside)) log_warning("%s: cannot be renamed: %s", path, strerror(errno));
  free(aside);
}

/* Replaces `name` by a link to checkpoint `file`: symbolic, or hard (so that it outlives the number's removal). */
static Status point_at(const RunFolder *run, const char *name, const char *file, bool hard) {
  char *path = path_join(run->checkpoints, name), *temporary = file_temporary(path);
  unlink(temporary);
  int bad = hard ? link(file, temporary) : symlink(path_name(file), temporary);
  if (!bad) bad = rename(temporary, path);
  Status status = bad ? status_set(FAILED, "%s: cannot be linked: %s", path, strerror(errno)) : OK;
  unlink(temporary); /* also what rename leaves when both are links to one file */
  free(temporary);
  free(path);
  return status;
}

Status run_best(const RunFolder *run, int64_t iteration) {
  char *file = numbered_path(run, iteration);
  Status status = point_at(run, "best.h5", file, true);
  free(file);
  return status;
}

/* A learner killed between a checkpoint and its link left best.h5 behind the newest checkpoint, which is the best one by what
 * it says. Without a validation split each checkpoint of stage 1 is the best. */
static void best_repair(const RunFolder *run, const Checkpoint *newest) {
  bool each = isnan(newest->best) && strcmp(newest->stage, "pretrain") == 0;
  if (!each && newest->best_iteration != newest->iteration) return;
  char *path = path_join(run->checkpoints, "best.h5");
  Checkpoint best = {0};
  ParamTable table = {0};
  bool whole = checkpoint_load(&best, &table, path, 1) == OK;
  if (!whole || best.iteration < newest->iteration) {
    log_info("%s: is now %06lld.h5", path, (long long)newest->iteration);
    if (run_best(run, newest->iteration) != OK) log_warning("%s", status_message());
  }
  checkpoint_free(&best);
  params_free(&table);
  free(path);
}

Status run_resume(const RunFolder *run, Checkpoint *checkpoint, ParamTable *table, bool *found) {
  int64_t iterations[CHECKPOINTS_MAX];
  int count = numbered(run, iterations);
  *found = false;
  Status status = OK;
  for (int i = count - 1; i >= 0 && !*found; i--) {
    char *path = numbered_path(run, iterations[i]);
    status = checkpoint_load(checkpoint, table, path, 0);
    if (status == OK) {
      *found = true;
      log_info("resuming from %s", path);
      best_repair(run, checkpoint);
    } else if (checkpoint_is_newer(path)) { /* whole, but not for this program: nothing here may be written over it */
      free(path);
      return BAD_INPUT;
    } else if (i > 0) {
      set_aside(path);
    }
    free(path);
  }
  return count && !*found ? status : OK;
}

/* An evaluation alone: the iteration's own line has its epoch. */
static bool stays(const json_t *line, int64_t iteration) {
  const json_t *number = json_object_get(line, "iteration");
  if (!json_is_integer(number)) return false;
  return json_integer_value(number) < iteration ||
         (json_integer_value(number) == iteration &&
          (json_object_get(line, "epoch") || !json_object_get(line, "eval/CIDEr")));
}

/* Keeps the lines of one .jsonl file up to `iteration`. A last line that a crash cut short goes too. */
static Status rewind_file(const RunFolder *run, const char *name, int64_t iteration) {
  char *path = path_join(run->path, name), *text = NULL;
  size_t size, kept = 0;
  Status status = OK;
  if (!file_exists(path)) goto done;
  TRY_OR(done, status, file_read(path, (size_t)4 << 30, &text, &size));
  for (char *line = text, *end; (end = strchr(line, '\n')); line = end + 1) {
    json_t *root = json_loadb(line, (size_t)(end - line), 0, NULL);
    bool keep = stays(root, iteration);
    json_decref(root);
    if (!keep) continue;
    memmove(text + kept, line, (size_t)(end + 1 - line));
    kept += (size_t)(end + 1 - line);
  }
  status = file_write_atomic(path, text, kept);
done:
  free(text);
  free(path);
  return status;
}

Status run_rewind(const RunFolder *run, int64_t iteration) {
  TRY(rewind_file(run, "metrics.jsonl", iteration));
  return rewind_file(run, "samples.jsonl", iteration);
}

Status run_checkpoint(const RunFolder *run, Checkpoint *checkpoint, const ParamTable *table, bool best) {
  ProfileBegin began = profile_begin();
  char *path = numbered_path(run, checkpoint->iteration);
  Status status = checkpoint_save(checkpoint, table, path);
  if (status == OK) status = point_at(run, "latest", path, false);
  if (status == OK && best) status = run_best(run, checkpoint->iteration);
  free(path);
  TRY(status);
  int64_t iterations[CHECKPOINTS_MAX];
  int count = numbered(run, iterations);
  for (int i = 0; i < count - run->keep; i++) {
    char *old = numbered_path(run, iterations[i]);
    unlink(old);
    free(old);
  }
  profile_end(PROFILE_CHECKPOINT, began, 0);
  return OK;
}

Status run_append(const RunFolder *run, const char *file, const json_t *line) {
  char *path = path_join(run->path, file);
  Status status = json_append(path, line);
  free(path);
  return status;
}

Status run_metrics(const RunFolder *run, const json_t *line) {
  TRY(run_append(run, "metrics.jsonl", line));
  return events_append(run->events, line);
}

Status run_status(const RunFolder *run, const RunStatus *status) {
  json_t *root = json_object(), *ranks = json_object();
  json_object_set_new(ranks, "alive", json_integer(status->alive));
  json_object_set_new(ranks, "lost", json_integer(status->lost));
  json_object_set_new(root, "phase", json_string(status->phase));
  json_object_set_new(root, "iteration", json_integer(status->iteration));
  json_object_set_new(root, "iterations", json_integer(status->iterations));
  json_object_set_new(root, "exit", status->exit < 0 ? json_null() : json_integer(status->exit));
  json_object_set_new(root, "ranks", ranks);
  json_object_set_new(root, "message", status->message ? json_text(status->message) : json_null());
  json_object_set_new(root, "weights_hash", status->weights_hash ? json_string(status->weights_hash) : json_null());
  json_object_set_new(root, "pid", json_integer(getpid()));
  json_object_set_new(root, "time", json_real(clock_wall()));
  char *path = path_join(run->path, "status.json");
  Status written = json_write(path, root);
  free(path);
  json_decref(root);
  return written;
}
