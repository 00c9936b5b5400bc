/* A folder of evaluations, for `troupe compare`: what `troupe evaluate --json --per-image` printed, by name
 *   ROW-sSEED.greedy.json  ROW-sSEED.beam5.json  ROW-sSEED.samples.json
 * A row is a method with its seeds. */
#ifndef TROUPE_TOOL_COMPARE_READ_H
#define TROUPE_TOOL_COMPARE_READ_H

#include "common/base/json.h"

typedef enum CompareKind { COMPARE_GREEDY, COMPARE_BEAM5, COMPARE_SAMPLES, COMPARE_KINDS } CompareKind;

/* "greedy", "beam5", "samples". */
const char *compare_kind_name(CompareKind kind);

enum { COMPARE_SEEDS = 32, COMPARE_ROWS = 128 };

typedef struct CompareRow {
  char *name;                                   /* owned */
  char *seed[COMPARE_SEEDS];                    /* owned, in order */
  json_t *result[COMPARE_SEEDS][COMPARE_KINDS]; /* owned; NULL: not there */
  int seeds;
} CompareRow;

typedef struct CompareSet {
  CompareRow row[COMPARE_ROWS];
  int rows;
} CompareSet;

/* With `rows` (names with commas between) only those, in that order, and also those that have no file; else all, by name.
 * Errors: no such folder, a file that is not of `troupe evaluate`, too many. */
Status compare_read(CompareSet *set, const char *folder, const char *rows);
void compare_free(CompareSet *set); /* idempotent */

CompareRow *compare_row(CompareSet *set, const char *name); /* NULL: none */

/* CIDEr of each picture, the mean over the seeds that both `row` and `with` have of `kind`, so that a seed's luck is not taken
 * for a difference. *ids [*count]: borrowed names; both blocks owned. *seeds = 0, *count = 0: they have none in common. Errors:
 * seeds that have other pictures. */
Status compare_images(const CompareRow *row, const CompareRow *with, CompareKind kind, const char ***ids,
                      double **cider, int *count, int *seeds);

#endif
