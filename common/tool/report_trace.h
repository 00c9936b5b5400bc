/* Report trace: the ranks' timelines of a run with --trace. */
#ifndef TROUPE_TOOL_REPORT_TRACE_H
#define TROUPE_TOOL_REPORT_TRACE_H

#include <jansson.h>

/* From RUN/trace/rank-*.jsonl: {span_s, names: [{name, kind}], ranks: [{name, shares: [busy, waiting, transfer] in seconds, events:
 * [[at, took, name], ...] in microseconds}]}; kind: busy, waiting, transfer, or frame (an iteration, a rollout: what holds
 * others). Null without a trace. Very many events are thinned, those of a rank to about `limit`; the shares count all. */
json_t *report_trace(const char *run_folder, int limit);

#endif
