/* Watch: a run in the terminal, as text made of what report_run reads. */
#ifndef TROUPE_TOOL_WATCH_H
#define TROUPE_TOOL_WATCH_H

#include <jansson.h>
#include <stdbool.h>

typedef struct WatchStyle {
  bool color, unicode;
  int columns;    /* of the terminal */
  double silence; /* seconds since the run last wrote; shown when long */
} WatchStyle;

/* Several lines, each at most as wide as the terminal: progress, a line a metric with its sparkline, ranks. Owned by the caller. */
char *watch_frame(const json_t *run, const WatchStyle *style);

/* One line without its end: where the run is. Owned by the caller. */
char *watch_line(const json_t *run);

/* `values` (numbers or null) as `width` characters from lowest to highest, each the mean of its part; fewer values take a
 * character each. Owned by the caller. */
char *watch_sparkline(const json_t *values, int width, bool unicode);

/* The run's phase, "" before it has one; whether it has ended; the share of its iterations that is done. */
const char *watch_phase(const json_t *run);
bool watch_ended(const json_t *run);
double watch_done(const json_t *run);

#endif
