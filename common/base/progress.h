/* Progress: a bar with rate and ETA on a TTY; off a TTY one plain line every 10 % at most. Main thread only. */
#ifndef TROUPE_BASE_PROGRESS_H
#define TROUPE_BASE_PROGRESS_H

typedef struct Progress {
  const char *what, *unit; /* borrowed */
  long total, shown_tenth;
  double began, drawn;
  long first; /* units done before this start (resume): not counted in the rate */
  int tty;
} Progress;

void progress_begin(Progress *progress, const char *what, const char *unit, long total, long done);
/* `note` (or NULL) is appended, such as "loss 2.31". */
void progress_update(Progress *progress, long done, const char *note);
void progress_end(Progress *progress, long done);

#endif
