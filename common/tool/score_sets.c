/* References and candidates: reading and matching. */
#include "common/tool/score_sets.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The first few of a list of ids, for a message. */
typedef struct Few {
  char text[400];
  int count;
} Few;

static void few_add(Few *few, const char *id) {
  enum { SHOWN = 5 };
  size_t used = strlen(few->text);
  if (few->count < SHOWN)
    snprintf(few->text + used, sizeof few->text - used, "%s%.60s", few->count ? ", " : "", *id ? id : "\"\"");
  else if (few->count == SHOWN) snprintf(few->text + used, sizeof few->text - used, ", ...");
  few->count++;
}

/* Which of the references' ids do the candidates use? The one that most of the candidates' ids are among. */
static int key_choose(const ScoreSets *sets) {
  int best = 0, best_found = -1;
  for (int k = 0; k < sets->references.keys; k++) {
    int found = 0;
    for (int i = 0; i < sets->candidates.list.files.count; i++) {
      const char *id = sets->candidates.list.images[i].id;
      found += names_find(&sets->references.key[k], id, strlen(id)) >= 0;
    }
    if (found > best_found) best = k, best_found = found;
  }
  return best;
}

/* wanted [references]: by --split and --images. */
static Status wanted_mark(const ScoreSets *sets, int key, bool *wanted) {
  const CaptionList *list = &sets->references.list;
  int count = list->files.count, in_split = 0;
  for (int i = 0; i < count; i++) {
    wanted[i] = !sets->split || strcmp(list->images[i].split, sets->split) == 0;
    in_split += wanted[i];
  }
  if (!in_split) return status_set(BAD_INPUT, "%s: no picture is of split %s", sets->reference_path, sets->split);
  if (!sets->images) return OK;
  Names names;
  Few unknown = {0};
  TRY(name_list_read(&names, sets->images));
  bool *listed = xcalloc((size_t)count, sizeof *listed);
  for (int n = 0; n < names.count; n++) {
    int at = -1;
    for (int k = 0; k < sets->references.keys && at < 0; k++)
      at = names_find(&sets->references.key[(key + k) % sets->references.keys], names.text[n], strlen(names.text[n]));
    if (at < 0) few_add(&unknown, names.text[n]);
    else listed[at] = true;
  }
  for (int i = 0; i < count; i++) wanted[i] = wanted[i] && listed[i];
  free(listed);
  names_free(&names);
  if (!unknown.count) return OK;
  return status_set(BAD_INPUT, "%s: %d pictures are not in %s: %s", sets->images, unknown.count, sets->reference_path,
                    unknown.text);
}

static Status candidates_count(ScoreSets *sets) {
  const CaptionList *list = &sets->candidates.list;
  Few uneven = {0};
  sets->group = list->images[sets->candidate[0]].captions;
  for (int i = 0; i < sets->count; i++)
    if (list->images[sets->candidate[i]].captions != sets->group) few_add(&uneven, list->images[sets->candidate[i]].id);
  if (!uneven.count) return OK;
  return status_set(BAD_INPUT,
                    "%s: repeated ids: %s has %d candidate%s, %d other pictures another number: %s; one each, or "
                    "as many for every picture, was expected",
                    sets->candidate_path, list->images[sets->candidate[0]].id, sets->group, sets->group > 1 ? "s" : "",
                    uneven.count, uneven.text);
}

/* Fills in the pairs. */
static Status pairs_make(ScoreSets *sets, int key, const bool *wanted) {
  const CaptionList *references = &sets->references.list, *candidates = &sets->candidates.list;
  const Names *ids = &sets->references.key[key];
  Few missing = {0}, extra = {0}, silent = {0};
  int *of = xmalloc((size_t)references->files.count * sizeof *of);
  for (int i = 0; i < references->files.count; i++) of[i] = -1;
  for (int i = 0; i < candidates->files.count; i++) {
    const char *id = candidates->images[i].id;
    int at = names_find(ids, id, strlen(id));
    if (!candidates->images[i].captions) continue;
    if (at >= 0 && wanted[at]) of[at] = i;
    else if (at < 0 || !sets->subset) few_add(&extra, id);
  }
  for (int i = 0; i < references->files.count; i++) {
    if (!wanted[i]) continue;
    if (of[i] < 0) {
      few_add(&missing, ids->text[i]);
      continue;
    }
    if (!references->images[i].captions) few_add(&silent, ids->text[i]);
    sets->reference[sets->count] = i;
    sets->candidate[sets->count++] = of[i];
  }
  free(of);
  const char *file = sets->candidate_path;
  if (extra.count)
    return status_set(BAD_INPUT, "%s: extra ids: %d of its pictures are not %s %s: %s", file, extra.count,
                      sets->split || sets->images ? "among those chosen of" : "in", sets->reference_path, extra.text);
  if (missing.count && (!sets->subset || !sets->count))
    return status_set(BAD_INPUT,
                      "%s: missing ids: %d of the pictures of %s have no candidate: %s; --split, --images or "
                      "--subset choose fewer",
                      file, missing.count, sets->reference_path, missing.text);
  if (silent.count)
    return status_set(BAD_INPUT, "%s: %d pictures have no references: %s", sets->reference_path, silent.count,
                      silent.text);
  if (!sets->count) return status_set(BAD_INPUT, "%s: no pictures are left to score", file);
  return candidates_count(sets);
}

Status score_sets_read(ScoreSets *sets) {
  TRY(captions_map_read(&sets->references, sets->reference_path));
  TRY(captions_map_read(&sets->candidates, sets->candidate_path));
  int pictures = sets->references.list.files.count, key = key_choose(sets);
  bool *wanted = xcalloc((size_t)pictures, sizeof *wanted);
  sets->reference = xmalloc((size_t)pictures * sizeof *sets->reference);
  sets->candidate = xmalloc((size_t)pictures * sizeof *sets->candidate);
  Status status = wanted_mark(sets, key, wanted);
  if (status == OK) status = pairs_make(sets, key, wanted);
  free(wanted);
  return status;
}

void score_sets_free(ScoreSets *sets) {
  captions_map_free(&sets->references);
  captions_map_free(&sets->candidates);
  free(sets->reference);
  free(sets->candidate);
  sets->reference = sets->candidate = NULL;
  sets->count = 0;
}

const char *score_sets_id(const ScoreSets *sets, int index) {
  return sets->candidates.list.images[sets->candidate[index]].id;
}

void score_sets_add(const ScoreSets *sets, Evaluation *evaluation) {
  for (int i = 0; i < sets->count; i++) {
    const CaptionImage *reference = &sets->references.list.images[sets->reference[i]];
    const CaptionImage *candidate = &sets->candidates.list.images[sets->candidate[i]];
    evaluation_add_group(evaluation, (const char *const *)candidate->caption, candidate->captions,
                         (const char *const *)reference->caption, reference->captions);
  }
}
