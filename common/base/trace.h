/* Trace: when each rank did what, as Chrome's trace events (chrome://tracing, ui.perfetto.dev). A rank writes its events as
 * JSON lines, RUN/trace/rank-N.jsonl; trace_merge makes one file of them all. Times are of the wall clock, so ranks of other nodes
 * fit as well as the nodes' clocks do. Off unless trace_enable(true). Main thread only. */
#ifndef TROUPE_BASE_TRACE_H
#define TROUPE_BASE_TRACE_H

#include <stdbool.h>

#include "common/base/status.h"

void trace_enable(bool on);

/* Begins `run_folder`/trace/rank-`rank`.jsonl anew, rank 0 (the first to begin) without an earlier run's others; `role` names
 * the rank's row. Off: does nothing. */
Status trace_open(const char *run_folder, int rank, const char *role);

/* What took place (a name as by printf) from one clock_seconds() to another. Events within others are drawn below them; those of less than 20
 * microseconds are left out (looks for messages are many). */
void trace_add(double began_s, double ended_s, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Idempotent. A rank that is killed leaves the events that were written so far. */
void trace_close(void);

/* `run_folder`/trace.json from the files of all ranks, at least one. Lines that were cut off are left out. */
Status trace_merge(const char *run_folder);

#endif
