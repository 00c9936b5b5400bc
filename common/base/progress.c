/* A one-line progress bar on stderr. */
#include "common/base/progress.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/log.h"

static void eta_text(char *text, size_t size, double seconds) {
  long s = seconds < 0 ? 0 : (long)(seconds + 0.5);
  if (s >= 3600) snprintf(text, size, "%ld:%02ld:%02ld", s / 3600, s / 60 % 60, s % 60);
  else snprintf(text, size, "%ld:%02ld", s / 60, s % 60);
}

static int columns(void) {
  struct winsize size;
  return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 20 ? size.ws_col : 80;
}

void progress_begin(Progress *progress, const char *what, const char *unit, long total, long done) {
  *progress = (Progress){.what = what,
                         .unit = unit,
                         .total = total,
                         .first = done,
                         .began = clock_seconds(),
                         .tty = isatty(STDERR_FILENO),
                         .shown_tenth = total > 0 ? done * 10 / total : 0};
}

static void draw(Progress *progress, long done, const char *note, double now) {
  double elapsed = now - progress->began;
  double rate = elapsed > 0 ? (double)(done - progress->first) / elapsed : 0;
  char eta[32] = "-", line[512];
  if (rate > 0) eta_text(eta, sizeof eta, (double)(progress->total - done) / rate);
  if (!progress->tty) {
    log_info("%s %ld/%ld %s, %.1f/s, ETA %s%s%s", progress->what, done, progress->total, progress->unit, rate, eta,
             note ? ", " : "", note ? note : "");
    return;
  }
  enum { CELLS = 24 };
  char bar[CELLS + 1];
  int full = progress->total > 0 ? (int)(done * CELLS / progress->total) : 0;
  for (int i = 0; i < CELLS; i++) bar[i] = i < full ? '#' : '.';
  bar[CELLS] = 0;
  snprintf(line, sizeof line, "%s [%s] %ld/%ld %s  %.1f/s  ETA %s  %s", progress->what, bar, done, progress->total,
           progress->unit, rate, eta, note ? note : "");
  fprintf(stderr, "\r\033[K%.*s", columns() - 1, line);
  fflush(stderr);
}

void progress_update(Progress *progress, long done, const char *note) {
  double now = clock_seconds();
  if (progress->tty) {
    if (now - progress->drawn < 0.1 && done < progress->total) return;
    progress->drawn = now;
    draw(progress, done, note, now);
    return;
  }
  long tenth = progress->total > 0 ? done * 10 / progress->total : 0;
  if (tenth == progress->shown_tenth) return;
  progress->shown_tenth = tenth;
  draw(progress, done, note, now);
}

void progress_end(Progress *progress, long done) {
  if (!progress->tty) return;
  draw(progress, done, NULL, clock_seconds());
  fputc('\n', stderr);
}
