/* Frames of `troupe watch`. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/status.h"
#include "common/tool/watch.h"

enum { NAME = 10, VALUE = 9, RANGE = 22, SILENT_S = 30 };

static const json_t *column_of(const json_t *run, const char *name) {
  return json_object_get(json_object_get(run, "metrics"), name);
}

static double number_of(const json_t *value) { return json_is_number(value) ? json_number_value(value) : NAN; }

/* The last number of a column, NaN without one. */
static double last_of(const json_t *run, const char *name) {
  const json_t *values = column_of(run, name);
  for (size_t i = json_array_size(values); i > 0; i--)
    if (json_is_number(json_array_get(values, i - 1))) return json_number_value(json_array_get(values, i - 1));
  return NAN;
}

static double status_number(const json_t *run, const char *name) {
  return number_of(json_object_get(json_object_get(run, "status"), name));
}

const char *watch_phase(const json_t *run) {
  const char *phase = json_string_value(json_object_get(json_object_get(run, "status"), "phase"));
  return phase ? phase : "";
}

bool watch_ended(const json_t *run) {
  const char *phase = watch_phase(run);
  return strcmp(phase, "finished") == 0 || strcmp(phase, "stopped") == 0 || strcmp(phase, "failed") == 0;
}

/* The state is written less often than the metrics. */
static double iteration_of(const json_t *run) {
  return fmax(status_number(run, "iteration"), last_of(run, "iteration"));
}

double watch_done(const json_t *run) {
  double done = iteration_of(run) / status_number(run, "iterations");
  return done > 0 ? fmin(done, 1) : 0; /* NaN is 0, too */
}

char *watch_sparkline(const json_t *values, int width, bool unicode) {
  static const char *const bars[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  static const char *const marks[] = {"_", ".", ":", "-", "=", "+", "*", "#"};
  int count = 0, size = (int)json_array_size(values);
  double *number = xcalloc((size_t)size + 1, sizeof *number), low = INFINITY, high = -INFINITY;
  for (int i = 0; i < size; i++)
    if (json_is_number(json_array_get(values, (size_t)i)))
      number[count++] = json_number_value(json_array_get(values, (size_t)i));
  int cells = count < width ? count : width;
  for (int c = 0; c < cells; c++) { /* in place: cell c is not behind the values it is made of */
    int from = (int)((long)c * count / cells), to = (int)((long)(c + 1) * count / cells);
    double sum = 0;
    for (int i = from; i < to; i++) sum += number[i];
    number[c] = sum / (to - from);
    low = fmin(low, number[c]), high = fmax(high, number[c]);
  }
  char *line = xcalloc((size_t)(width > 0 ? width : 0) * 4 + 1, 1);
  for (int c = 0; c < cells; c++) {
    int level = high > low ? (int)(7.999 * (number[c] - low) / (high - low)) : 0;
    strcat(line, unicode ? bars[level] : marks[level]);
  }
  free(number);
  return line;
}

/* "1:02:03" or "2:03". */
static void duration_text(char *text, size_t size, double seconds) {
  long s = isfinite(seconds) && seconds > 0 ? (long)(seconds + 0.5) : 0;
  if (s >= 3600) snprintf(text, size, "%ld:%02ld:%02ld", s / 3600, s / 60 % 60, s % 60);
  else snprintf(text, size, "%ld:%02ld", s / 60, s % 60);
}

/* What is left by the mean of the last iterations; NaN when nothing is known. */
static double seconds_left(const json_t *run) {
  enum { RECENT = 10 };
  const json_t *steps = column_of(run, "step_time");
  size_t size = json_array_size(steps), from = size > RECENT ? size - RECENT : 0;
  double sum = 0;
  int count = 0;
  for (size_t i = from; i < size; i++) {
    double step = number_of(json_array_get(steps, i));
    if (isfinite(step)) sum += step, count++;
  }
  return count ? (status_number(run, "iterations") - iteration_of(run)) * sum / count : NAN;
}

char *watch_line(const json_t *run) {
  char *text = NULL, left[32];
  size_t size;
  FILE *out = open_memstream(&text, &size);
  CHECK(out);
  static const struct {
    const char *name, *shown;
  } parts[] = {{"reward", "reward %.4f"}, {"kl", "kl %.4f"}, {"loss", "loss %.4f"}, {"eval/CIDEr", "CIDEr %.4f"}};
  const char *phase = watch_phase(run);
  double iteration = iteration_of(run), iterations = status_number(run, "iterations"), eta = seconds_left(run);
  fprintf(out, "%s", *phase ? phase : "not begun");
  if (isfinite(iteration)) fprintf(out, "  iteration %.0f", iteration);
  if (isfinite(iteration) && isfinite(iterations)) fprintf(out, "/%.0f", iterations);
  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
    double value = last_of(run, parts[i].name);
    if (!isfinite(value)) continue;
    fputs("  ", out);
    fprintf(out, parts[i].shown, value);
  }
  duration_text(left, sizeof left, eta);
  if (isfinite(eta) && !watch_ended(run)) fprintf(out, "  ETA %s", left);
  const char *message = json_string_value(json_object_get(json_object_get(run, "status"), "message"));
  if (message) fprintf(out, "  (%s)", message);
  fclose(out);
  return text;
}

/* --- a frame ------------------------------------------------------------------------------------------------------ */

typedef struct Frame {
  FILE *out;
  const json_t *run;
  const WatchStyle *style;
} Frame;

static const char *paint(const Frame *frame, const char *code) { return frame->style->color ? code : ""; }

static void bar_put(const Frame *frame, double share, int width, const char *code) {
  int full = (int)(share * width + 0.5);
  fputs(paint(frame, code), frame->out);
  for (int i = 0; i < full; i++) fputs(frame->style->unicode ? "█" : "#", frame->out);
  fputs(paint(frame, "\033[0m"), frame->out);
  for (int i = full; i < width; i++) fputs(frame->style->unicode ? "░" : ".", frame->out);
}

static void head_put(const Frame *frame) {
  char left[32];
  double iteration = iteration_of(frame->run), iterations = status_number(frame->run, "iterations"),
         eta = seconds_left(frame->run);
  const char *name = json_string_value(json_object_get(frame->run, "name")), *phase = watch_phase(frame->run);
  const char *code = strcmp(phase, "failed") == 0    ? "\033[31m"
                     : strcmp(phase, "running") == 0 ? "\033[32m"
                                                     : "\033[33m";
  fprintf(frame->out, "%s%.40s%s  %s%s%s", paint(frame, "\033[1m"), name ? name : "", paint(frame, "\033[0m"),
          paint(frame, code), *phase ? phase : "not begun", paint(frame, "\033[0m"));
  if (frame->style->silence > SILENT_S && !watch_ended(frame->run)) {
    duration_text(left, sizeof left, frame->style->silence);
    fprintf(frame->out, "  silent for %s", left);
  }
  fputc('\n', frame->out);
  int width = frame->style->columns - 40;
  bar_put(frame, watch_done(frame->run), width < 10 ? 10 : width > 60 ? 60 : width, "\033[36m");
  if (isfinite(iteration)) fprintf(frame->out, "  %.0f", iteration);
  if (isfinite(iterations)) fprintf(frame->out, "/%.0f  %.0f %%", iterations, 100 * watch_done(frame->run));
  duration_text(left, sizeof left, eta);
  if (isfinite(eta) && !watch_ended(frame->run)) fprintf(frame->out, "  ETA %s", left);
  fputs("\n\n", frame->out);
}

/* name, last value, sparkline, range */
static void metric_put(const Frame *frame, const char *label, const char *name) {
  const json_t *values = column_of(frame->run, name), *value;
  double low = INFINITY, high = -INFINITY;
  size_t i;
  json_array_foreach((json_t *)values, i, value) if (json_is_number(value)) {
    low = fmin(low, json_number_value(value)), high = fmax(high, json_number_value(value));
  }
  if (high < low) return;
  int width = frame->style->columns - NAME - VALUE - RANGE - 4;
  char *line = watch_sparkline(values, width < 8 ? 8 : width, frame->style->unicode);
  fprintf(frame->out, "%-*s%*.5g  %s%s%s  %s%.4g to %.4g%s\n", NAME, label, VALUE, last_of(frame->run, name),
          paint(frame, "\033[36m"), line, paint(frame, "\033[0m"), paint(frame, "\033[2m"), low, high,
          paint(frame, "\033[0m"));
  free(line);
}

static double fraction(double value) { return value > 0 ? fmin(value, 1) : 0; }

/* How a role spent its last iteration. */
static void role_put(const Frame *frame, const char *label, double waiting, double transfer) {
  enum { WIDTH = 20 };
  if (!isfinite(waiting)) return;
  waiting = fraction(waiting), transfer = fmin(fraction(transfer), 1 - waiting);
  fprintf(frame->out, "%-*s", NAME + 1, label);
  bar_put(frame, 1 - waiting - transfer, WIDTH, "\033[32m");
  fprintf(frame->out, "  busy %.0f %%, waiting %.0f %%", 100 * (1 - waiting - transfer), 100 * waiting);
  if (transfer > 0) fprintf(frame->out, ", transfer %.0f %%", 100 * transfer);
  fputc('\n', frame->out);
}

static void ranks_put(const Frame *frame) {
  const json_t *ranks = json_object_get(json_object_get(frame->run, "status"), "ranks");
  double alive = number_of(json_object_get(ranks, "alive")), lost = number_of(json_object_get(ranks, "lost"));
  if (isfinite(alive) && (alive > 0 || lost > 0)) {
    fprintf(frame->out, "\n%-*s%.0f alive", NAME + 1, "actors", alive);
    if (lost > 0) fprintf(frame->out, ", %s%.0f lost%s", paint(frame, "\033[31m"), lost, paint(frame, "\033[0m"));
    fputc('\n', frame->out);
  }
  double transfer = last_of(frame->run, "broadcast/seconds") / last_of(frame->run, "step_time");
  role_put(frame, "learner", last_of(frame->run, "learner/idle_frac"), transfer);
  role_put(frame, "an actor", last_of(frame->run, "actors/idle_frac"), 0);
}

char *watch_frame(const json_t *run, const WatchStyle *style) {
  static const char *const rows[][2] = {{"reward", "reward"},
                                        {"CIDEr", "eval/CIDEr"},
                                        {"KL", "kl"},
                                        {"entropy", "entropy"},
                                        {"length", "completions/mean_length"},
                                        {"loss", "loss"},
                                        {"tokens/s", "tokens_per_s"}};
  char *text = NULL;
  size_t size;
  Frame frame = {.out = open_memstream(&text, &size), .run = run, .style = style};
  CHECK(frame.out);
  head_put(&frame);
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) metric_put(&frame, rows[i][0], rows[i][1]);
  ranks_put(&frame);
  fclose(frame.out);
  return text;
}
