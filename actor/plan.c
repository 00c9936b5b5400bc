/* Plan: a chunk of rollouts and one of an evaluation. */
#include "actor/plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/json.h"
#include "common/base/log.h"
#include "common/base/memory.h"
#include "common/model/caption_split.h"
#include "common/model/policy.h"

enum { CHUNKS = 2 };

/* The first pictures of a split as a chunk. */
static Status chunk_of(const Rollout *rollout, const char *split, Work work, Assignment *assignment) {
  int32_t *images;
  int count, wanted = rollout->config->actors.chunk_images;
  TRY(caption_split_images(rollout->dataset, split, wanted, &images, &count));
  *assignment = (Assignment){.work = work, .reference_version = VERSION_NONE, .images = count};
  memcpy(assignment->image, images, (size_t)count * sizeof *images);
  free(images);
  return OK;
}

/* Seconds a chunk, and the last one's result (owned by the caller). The first one touches the memory. */
static Status measure(Rollout *rollout, const Assignment *assignment, const float *policy, const float *reference,
                      double *seconds, Result *result) {
  double began = 0;
  for (int i = 0; i <= CHUNKS; i++) {
    if (i == 1) began = clock_worked();
    result_free(result);
    TRY(rollout_run(rollout, assignment, policy, reference, result));
  }
  *seconds = (clock_worked() - began) / CHUNKS;
  return OK;
}

static Status plan_chunks(Rollout *rollout, const float *policy, json_t *found) {
  const Config *config = rollout->config;
  Assignment assignment;
  Result result = {0};
  double seconds = 0;
  TRY(chunk_of(rollout, config->data.train, WORK_ROLLOUT, &assignment));
  Status status = measure(rollout, &assignment, policy, policy_reference(config) ? policy : NULL, &seconds, &result);
  if (status == OK) {
    json_object_set_new(found, "chunk_s", json_number(seconds));
    json_object_set_new(found, "tokens_a_caption", json_number((double)result.tokens / result.captions));
    json_object_set_new(found, "decoded_a_chunk",
                        json_integer(result.captions + (result.has_baseline ? result.images : 0)));
  }
  if (status == OK && config->evaluation.every) {
    status = chunk_of(rollout, config->data.validation, WORK_EVALUATE, &assignment);
    if (status == OK) status = measure(rollout, &assignment, policy, NULL, &seconds, &result);
    json_object_set_new(found, "evaluation_chunk_s", json_number(seconds));
  }
  result_free(&result);
  return status;
}

static size_t untouched(const Arena *arena) { return arena->size - arena->peak; }

/* Blocks of weights, which the actors of a machine share: policy versions, the reference, and while it moves the next one. */
static size_t slots_bytes(const Rollout *rollout) {
  const Config *config = rollout->config;
  int slots = policy_lag(config) + 1 + policy_reference(config);
  if (policy_reference(config) && config->reference.refresh_every) slots++;
  return (size_t)slots * rollout->table->total * sizeof(float);
}

Status plan_actor(Rollout *rollout) {
  ParamTable table = {0};
  float *policy = NULL;
  json_t *found = json_object();
  size_t needed = rollout->decoder.arena.size + rollout->captioner.arena.size + slots_bytes(rollout);
  size_t available = memory_available();
  Status status = OK;
  json_object_set_new(found, "needed_bytes", json_number((double)needed));
  if (available && needed >= available)
    log_warning("an actor would need %.1f GiB and this machine has %.1f GiB: its memory and time were not measured",
                (double)needed / (1 << 30), (double)available / (1 << 30));
  else status = policy_initial(rollout->config, rollout->dataset, &table, &policy);
  if (status == OK && policy) {
    status = plan_chunks(rollout, policy, found);
    size_t slots = slots_bytes(rollout) - rollout->table->total * sizeof(float); /* one is `policy` */
    json_object_set_new(found, "memory_bytes", json_number((double)(memory_peak() + slots)));
    json_object_set_new(found, "shared_bytes", json_number((double)slots_bytes(rollout)));
    json_object_set_new(
        found, "longest_bytes",
        json_number((double)(untouched(&rollout->decoder.arena) + untouched(&rollout->captioner.arena))));
  }
  if (status == OK) {
    json_dumpf(found, stdout, JSON_COMPACT);
    putchar('\n');
  }
  json_decref(found);
  free(policy);
  params_free(&table);
  return status;
}
