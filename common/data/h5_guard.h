/* Guard: HDF5 dies of some damaged files (1.10.8: a signal, in H5Fopen as in H5Dread). Under guard that is an error like any other: it
 * names the file, and the exit code is 2. */
#ifndef TROUPE_DATA_H5_GUARD_H
#define TROUPE_DATA_H5_GUARD_H

/* From here on the process reads `path` (borrowed) and does little else. Within another guard: of no effect. */
void h5_guard_begin(const char *path);
/* At the outermost one: signals are again as they were. */
void h5_guard_end(void);

#endif
