/* Resume: the options a run was begun with against those it is continued with. */
#include "common/config/resume.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/log.h"
#include "common/config/options.h"

/* Sections and options (a prefix of the path) that a stage does not read. */
static const char *const not_pretrain[] = {"policy.",    "sampling.", "reference.", "rewards.",
                                           "optimizer.", "schedule.", "actors.",    NULL};
static const char *const not_train[] = {"pretrain.", "model.dropout", "model.image_dropout", NULL};

/* What may differ: a run may be made longer, and looked at more often. */
static const struct {
  const char *path, *note;
} free_options[] = {
    {"pretrain.epochs", "the learning rate's schedule follows the new length"},
    {"policy.iterations", "the learning rate's schedule follows the new length"},
    {"policy.epochs", "the learning rate's schedule follows the new length"},
    {"learner.ranks", "from here on the weights differ in rounding"},
    {"policy.init", "only a new run starts from it"},
    {"evaluation.every", "from here on"},
    {"evaluation.beam", "it plays no part in training"},
    {"evaluation.length_penalty", "it plays no part in training"},
};
enum { FREE_OPTIONS = sizeof free_options / sizeof free_options[0] };

static bool begins_with_any(const char *path, const char *const *prefixes) {
  for (; *prefixes; prefixes++)
    if (strncmp(path, *prefixes, strlen(*prefixes)) == 0) return true;
  return false;
}

static const char *free_note(const char *path) {
  for (int i = 0; i < FREE_OPTIONS; i++)
    if (strcmp(free_options[i].path, path) == 0) return free_options[i].note;
  return NULL;
}

Status config_resumes(const Config *before, const Config *now, const char *stage, bool tell) {
  const char *const *skipped = strcmp(stage, "pretrain") == 0 ? not_pretrain : not_train;
  char list[1400] = ""; /* a status message holds 2048 bytes */
  size_t used = 0;
  int refused = 0, told = 0;
  for (int i = 0; i < option_count; i++) {
    const Option *option = &option_table[i];
    const char *note = free_note(option->path);
    if ((option->local && !note) || begins_with_any(option->path, skipped)) continue;
    char *old = option_text(option, before), *new = option_text(option, now);
    if (strcmp(old, new) != 0 && note) {
      if (tell) log_info("%s was %s and is now %s: %s", option->path, old, new, note);
    } else if (strcmp(old, new) != 0) {
      char *item = xasprintf("%s%s %s (now %s)", refused++ ? ", " : "", option->path, old, new);
      size_t length = strlen(item);
      if (used + length < sizeof list) memcpy(list + used, item, length + 1), used += length, told++;
      free(item);
    }
    free(old);
    free(new);
  }
  if (!refused) return OK;
  char more[32] = "";
  if (told < refused) snprintf(more, sizeof more, " and %d more", refused - told);
  return status_set(BAD_INPUT, "was begun with %s%s; the same options, or another run.dir, were expected", list, more);
}
