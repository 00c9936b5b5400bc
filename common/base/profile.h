/* Profile: what a rank's main thread spends its time on. Off (one branch a call) unless profile_enable(true). An event within
 * another one counts for itself alone, so that shares add up. Each also goes to the trace, if one is open. Main thread only. */
#ifndef TROUPE_BASE_PROFILE_H
#define TROUPE_BASE_PROFILE_H

typedef enum ProfileEvent {
  PROFILE_DECODE,
  PROFILE_REFERENCE,
  PROFILE_REWARD, /* and the scoring of evaluations */
  PROFILE_FORWARD,
  PROFILE_BACKWARD,
  PROFILE_OPTIMIZER,
  PROFILE_SEND, /* calls: looks at a message under way, as for receive */
  PROFILE_RECEIVE,
  PROFILE_IDLE,
  PROFILE_CHECKPOINT,
  PROFILE_EVENTS
} ProfileEvent;

/* Of one rank. Doubles throughout: GOODBYE carries it as it is. */
typedef struct ProfileTotals {
  double wall_s; /* since profile_enable */
  struct {
    double calls, seconds, flops;
  } event[PROFILE_EVENTS];
} ProfileTotals;
enum { PROFILE_DOUBLES = sizeof(ProfileTotals) / sizeof(double) };

void profile_enable(int on); /* begins at zero */
int profile_enabled(void);
typedef struct ProfileBegin {
  double at_s, attributed_s;
} ProfileBegin;
ProfileBegin profile_begin(void); /* for profile_end */
/* `flops`: multiply and add count as two; 0 = not counted. */
void profile_end(ProfileEvent event, ProfileBegin began, double flops);

/* This rank's. */
void profile_totals(ProfileTotals *totals);
/* Those of another rank; the last counts. */
typedef enum ProfileGroup { PROFILE_LEARNERS, PROFILE_ACTORS, PROFILE_GROUPS } ProfileGroup;
void profile_hear(ProfileGroup group, int rank, const ProfileTotals *totals);

/* Tables on stderr, a row an event: calls, seconds, share of the wall time, GFLOP/s; of this rank, then of each group
 * that was heard of, together (mean seconds a rank), with the slowest and the fastest. */
void profile_print(void);
void profile_free(void);

#endif
