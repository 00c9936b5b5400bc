/* Plan: what `--dry-run` shows of a run: ranks, data, memory a rank, disk, time. The roles measure a few steps and a chunk
 * of themselves on this machine (learner/plan.h, actor/plan.h); the rest is arithmetic. */
#ifndef TROUPE_TOOL_PLAN_H
#define TROUPE_TOOL_PLAN_H

#include "common/config/command.h"

/* The plan of a stage ("pretrain" | "train") on stdout. Returns the exit code; errors are in the log. */
int plan_show(const Command *command, const Config *config, const char *stage);

#endif
