/* Clock: monotonic seconds, short sleeps and profiling scopes. */
#ifndef TROUPE_BASE_CLOCK_H
#define TROUPE_BASE_CLOCK_H

double clock_seconds(void);       /* monotonic, arbitrary origin */
void clock_sleep(double seconds); /* at least that long unless a signal comes */

/* Profiling: PROFILE_BEGIN(event) ... PROFILE_END(event, flops) around a piece of work. Off (one predicted branch)
 * unless profile_enable(true). Main thread only. */
typedef enum ProfileEvent {
  PROFILE_ENCODE,
  PROFILE_DECODE,
  PROFILE_REFERENCE,
  PROFILE_REWARD,
  PROFILE_FORWARD,
  PROFILE_BACKWARD,
  PROFILE_OPTIMIZER,
  PROFILE_SEND,
  PROFILE_RECEIVE,
  PROFILE_IDLE,
  PROFILE_CHECKPOINT,
  PROFILE_EVENTS
} ProfileEvent;

void profile_enable(int on);
double profile_begin(void); /* the time now, or 0 when off */
void profile_end(ProfileEvent event, double began, double flops);
/* One row an event: calls, seconds, share, GFLOP/s; to stderr. */
void profile_print(void);
/* Copies [PROFILE_EVENTS] totals: seconds. */
void profile_totals(double seconds[PROFILE_EVENTS]);

#endif
