/* Resume: may a run go on under a configuration that is not the one it was begun with? */
#ifndef TROUPE_CONFIG_RESUME_H
#define TROUPE_CONFIG_RESUME_H

#include <stdbool.h>

#include "common/config/config.h"

/* Options that decide the result of `stage` ("pretrain" | "train") must be the same; those of the other stage and of
 * folders, timeouts, threads need not. The length of the run and its evaluations may differ: with `tell` a line in the
 * log says so. Errors: BAD_INPUT naming each option that differs, its old and its new value. */
Status config_resumes(const Config *before, const Config *now, const char *stage, bool tell);

#endif
