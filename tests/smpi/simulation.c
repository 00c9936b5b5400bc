/* A training run of many ranks, simulated by SimGrid's SMPI: the real hub, couriers, links, team, ledger, rollouts and collect
 * with all their messages; what computes on floats or reads HDF5 is a stand-in that takes the time which the measured rates say.
 * Ranks 0 .. K - 1 are the learner's. Prints one line of JSON.
 *
 *   simulation K actor-rate learner-rate floats images-an-actor minibatch-a-learner inner-epochs lag iterations [FAILURES]
 *
 * Rates are tokens a second: of an actor (samples and reference), of a learner rank in one pass of the update. FAILURES is a file
 * that says when hosts are gone (tests/smpi/stand_in.h); then each iteration must bring the captions of its pictures, each once,
 * in their order, and limits are as short as a simulated run of a second needs. */
#include <math.h>
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/pulse.h"
#include "common/model/policy.h"
#include "learner/collect.h"
#include "learner/rollouts.h"
#include "proto/world.h"
#include "tests/smpi/simulation.h"
#include "tests/smpi/stand_in.h"

enum { CHUNK = 16, FAILING_CHUNK = 2, STEPS_IN_FULL = 3, COMMAND_ITERATION = 1 };
#define LEARNER_POLL_S 0.002
#define SILENCE_S      1.0

bool policy_reference(const Config *config) { return config->policy.beta != 0; }
int policy_lag(const Config *config) { return config->actors.lag; }

/* --- the learner ---------------------------------------------------------------------------------------------------- */

typedef struct Learner {
  const Simulation *s;
  Team *team;
  Hub *hub;
  Ledger ledger;
  Rollouts rollouts;
  Shared *weights;
  float *gradient; /* the same memory */
  size_t start[TEAM_RANKS_MAX + 1];
  double team_s, computed_s, step_s; /* step_s: what the ranks did together in the last step */
} Learner;

static void pulsed(void *data) {
  Learner *learner = data;
  if (learner->hub) (void)collect_once(learner->hub, &learner->ledger);
}

static void compute(Learner *learner, double seconds) {
  learner->computed_s += seconds;
  for (double step; seconds > 0; seconds -= step) {
    step = fmin(seconds, learner->s->failing ? SIMULATION_POLL_S : LEARNER_POLL_S);
    stand_in_compute(step);
    pulse();
    team_pump(learner->team);
  }
}

/* What a step tells and moves between the learner's ranks (learner/update.c). The lead decides whether the next does so too:
 * while weights are on their way, and for some steps after it. */
static Status step_together(Learner *learner, int *calm, bool *again) {
  double sums[32] = {0}, all[32 * TEAM_RANKS_MAX];
  double began = clock_seconds(), weights_s = learner->hub ? hub_counters(learner->hub).snapshot_s : 0;
  TRY(team_share(learner->team, sums, 64, all));
  TRY(team_reduce_scatter(learner->team, learner->gradient, learner->start));
  TRY(team_share(learner->team, sums, sizeof sums, all));
  TRY(team_all_gather(learner->team, learner->gradient, learner->start));
  if (learner->hub) *calm = hub_counters(learner->hub).snapshot_s > weights_s ? 0 : *calm + 1;
  *again = team_decide(learner->team, *calm < STEPS_IN_FULL);
  learner->step_s = clock_seconds() - began;
  learner->team_s += learner->step_s;
  return OK;
}

/* Steps are alike: the first ones move all their messages, the others take the time that the last of those took. */
static Status update(Learner *learner, double tokens) {
  const Simulation *s = learner->s;
  int minibatch = s->config.policy.minibatch_images, images = s->config.policy.images_per_iteration;
  int steps = s->config.policy.inner_epochs * ((images + minibatch - 1) / minibatch);
  double each = tokens * s->config.policy.inner_epochs / steps / (s->learner_rate * s->learners);
  bool full = true;
  int calm = 0;
  for (int step = 0; step < steps; step++) {
    compute(learner, each);
    if (s->learners == 1) continue;
    if (full) {
      TRY(step_together(learner, &calm, &full));
      continue;
    }
    learner->computed_s -= learner->step_s; /* it is not computing */
    learner->team_s += learner->step_s;
    compute(learner, learner->step_s);
  }
  return OK;
}

static Status follow(Learner *learner) {
  for (;;) {
    uint32_t kind;
    unsigned char *bytes;
    size_t size;
    double tokens;
    TRY(team_next(learner->team, &kind, &bytes, &size));
    if (kind == COMMAND_ITERATION) memcpy(&tokens, bytes, sizeof tokens);
    free(bytes);
    if (kind != COMMAND_ITERATION) return OK;
    TRY(update(learner, tokens));
  }
}

typedef struct Totals {
  double seconds, tokens, busy_s, idle_s, snapshot_s, computed_s, team_s;
} Totals;

/* The rollouts of iteration k are all there, and nothing else is. */
static Status check_rollouts(Learner *learner, int64_t k) {
  const int32_t *image = images_iteration(&learner->rollouts.order, k);
  int at = 0, wanted = learner->s->config.policy.images_per_iteration;
  ledger_check(&learner->ledger);
  for (int c = 0; c < learner->rollouts.results; c++) {
    const Result *r = learner->rollouts.result[c];
    for (int i = 0; i < r->images; i++, at++)
      if (at >= wanted || r->image[i] != image[at])
        return status_set(FAILED, "iteration %lld: picture %d of its rollouts is another one", (long long)k, at);
    for (int i = 0; i < r->captions; i++)
      if (r->caption_start[i + 1] - r->caption_start[i] !=
          simulation_length(r->image[i / SIMULATION_GROUP], i % SIMULATION_GROUP))
        return status_set(FAILED, "iteration %lld: chunk %d has captions of another picture", (long long)k, c);
  }
  if (at != wanted)
    return status_set(FAILED, "iteration %lld: rollouts of %d pictures; %d were expected", (long long)k, at, wanted);
  return OK;
}

static Status iterate(Learner *learner, int64_t k, Totals *totals) {
  const Simulation *s = learner->s;
  bool complete;
  double began = clock_seconds(), tokens = 0, computed = learner->computed_s, team_s = learner->team_s;
  HubCounters before = hub_counters(learner->hub);
  rollouts_open(&learner->rollouts, &learner->ledger, k, 0, 0);
  TRY(rollouts_collect(&learner->rollouts, learner->hub, &learner->ledger, k, &(const volatile int){0}, &complete));
  TRY(check_rollouts(learner, k));
  size_t bytes = sizeof tokens;
  for (int c = 0; c < learner->rollouts.results; c++) {
    const Result *r = learner->rollouts.result[c];
    tokens += r->tokens;
    bytes += sizeof(uint64_t) + result_bytes(r->images, r->captions, r->tokens, r->components, true, false);
    totals->busy_s += k ? r->seconds[SECONDS_DECODE] : 0;
    totals->idle_s += k ? r->seconds[SECONDS_IDLE] : 0;
  }
  unsigned char *command = xcalloc(1, bytes); /* as long as the results that learner/follow.c tells the others */
  memcpy(command, &tokens, sizeof tokens);
  TRY(team_command(learner->team, COMMAND_ITERATION, command, bytes));
  free(command);
  TRY(update(learner, tokens));
  ledger_release(&learner->ledger, WORK_ROLLOUT);
  hub_publish(learner->hub, SNAPSHOT_POLICY, k + 1, learner->weights);
  if (k < 1 + s->config.actors.lag) return OK; /* until overlapping is steady */
  totals->seconds += clock_seconds() - began;
  totals->tokens += tokens;
  totals->snapshot_s += hub_counters(learner->hub).snapshot_s - before.snapshot_s;
  totals->computed_s += learner->computed_s - computed;
  totals->team_s += learner->team_s - team_s;
  return OK;
}

static void pump_for(Learner *learner, double seconds) {
  for (double began = clock_seconds(); clock_seconds() - began < seconds;) {
    hub_pump(learner->hub);
    hub_idle(learner->hub);
  }
}

/* One block to all machines of actors while nobody computes. */
static double broadcast_seconds(Learner *learner) {
  pump_for(learner, 4); /* the last one of the run is out */
  double before = hub_counters(learner->hub).snapshot_s;
  hub_publish(learner->hub, SNAPSHOT_POLICY, learner->s->iterations + 1, learner->weights);
  pump_for(learner, 4);
  return hub_counters(learner->hub).snapshot_s - before;
}

static void report_failures(const Learner *learner) {
  const Ledger *ledger = &learner->ledger;
  printf(
      "{\"actors\": %d, \"alive\": %d, \"reassigned\": %ld, \"late\": %ld, \"duplicates\": %ld, \"seconds\": %.3f}\n",
      learner->s->actors, hub_live(learner->hub), ledger->reassigned, ledger->late, ledger->duplicates,
      clock_seconds());
}

static Status lead(Learner *learner) {
  const Simulation *s = learner->s;
  HubOptions options = {.team = learner->team,
                        .floats = s->floats,
                        .kernel = "",
                        .lag = s->config.actors.lag,
                        .silence_s = s->failing ? SILENCE_S : 1e6,
                        .heartbeat_s = s->failing ? SILENCE_S / 10 : 0,
                        .learner_silence_s = s->failing ? 10 * SILENCE_S : 0,
                        .goodbye_s = s->failing ? SILENCE_S : 0,
                        .join_s = 600};
  TRY(hub_open(&learner->hub, &options));
  pulse_set(pulsed, learner, LEARNER_POLL_S);
  hub_publish(learner->hub, SNAPSHOT_POLICY, 0, learner->weights);
  hub_adopt_reference(learner->hub, 0, 0);
  Totals t = {0};
  for (int64_t k = 0; k < s->iterations; k++) TRY(iterate(learner, k, &t));
  if (s->failing) return report_failures(learner), OK;
  double broadcast = broadcast_seconds(learner);
  printf(
      "{\"actors\": %d, \"learners\": %d, \"lag\": %d, \"tokens_per_s\": %.1f, \"broadcast_s\": %.4f, \"learning\": %.3f, "
      "\"together\": %.3f, \"weights\": %.3f, \"sampling\": %.3f, \"iteration_s\": %.3f}\n",
      s->actors, s->learners, s->config.actors.lag, t.tokens / t.seconds, broadcast, t.computed_s / t.seconds,
      t.team_s / t.seconds, t.snapshot_s / t.seconds, t.busy_s / (t.busy_s + t.idle_s),
      t.seconds / (s->iterations - 1 - s->config.actors.lag));
  return OK;
}

static Status learner(const Simulation *s) {
  Learner learner = {.s = s, .weights = shared_of(xcalloc(s->floats, sizeof(float)))};
  learner.gradient = shared_floats(learner.weights);
  int images = s->config.policy.images_per_iteration;
  for (int r = 0; r <= s->learners; r++) learner.start[r] = s->floats * (size_t)r / (size_t)s->learners;
  if (s->learners > 1) TRY(team_open(&learner.team, s->learners, true, false, 600));
  TRY(team_meet(learner.team, &(TeamMember){.floats = s->floats}));
  if (team_rank(learner.team)) return follow(&learner);
  int count = images * 2;
  int32_t *split = xcalloc((size_t)count, sizeof *split);
  for (int i = 0; i < count; i++) split[i] = i;
  rollouts_init(&learner.rollouts, &s->config, split, count);
  ledger_init(&learner.ledger, s->failing ? SILENCE_S : 1e6, 0);
  Status status = lead(&learner);
  pulse_set(NULL, NULL, 0);
  (void)hub_close(learner.hub, "simulated", OK);
  if (s->failing)
    stand_in_compute(1e3 * SILENCE_S); /* hosts that come back later find nobody, and not the end of MPI */
  return status;
}

static int number(char **argv, int i) { return atoi(argv[i]); }

int main(int argc, char **argv) {
  MPI_Init(&argc, &argv);
  if (argc != 10 && argc != 11) return fputs("simulation: nine or ten arguments were expected\n", stderr), 2;
  if (argc == 11 && !stand_in_failures(argv[10])) return perror(argv[10]), 2;
  Simulation s = {.failing = argc == 11,
                  .learners = number(argv, 1),
                  .actor_rate = atof(argv[2]),
                  .learner_rate = atof(argv[3]),
                  .floats = (size_t)number(argv, 4),
                  .iterations = number(argv, 9)};
  s.actors = world_size() - s.learners;
  s.config.run.seed = 1;
  s.config.policy.beta = 0.04;
  s.config.policy.group = SIMULATION_GROUP;
  s.config.policy.images_per_iteration = number(argv, 5) * s.actors;
  s.config.policy.minibatch_images = number(argv, 6) * s.learners;
  s.config.policy.inner_epochs = number(argv, 7);
  s.config.policy.iterations = s.iterations;
  s.config.actors.lag = number(argv, 8);
  s.config.actors.chunk_images = s.failing ? FAILING_CHUNK : CHUNK;
  log_role_set("rank %d", world_rank());
  if (s.failing) stand_in_sleeps(2, 0.05);
  else if (world_rank() > 0) stand_in_sleeps(1.1, 50e-6 * world_size()); /* a wait is at most a tenth too long */
  Status status = world_rank() < s.learners ? learner(&s) : simulation_actor(&s);
  if (status != OK) log_error("%s", status_message());
  int finalized; /* hub and link do it when all have said GOODBYE */
  MPI_Finalized(&finalized);
  if (!finalized &&
      world_rank() == 0) { /* SimGrid does not survive a process that ends while a message of it is on its way */
    fflush(stdout);
    _exit(status);
  }
  if (!finalized) MPI_Finalize();
  return status;
}
