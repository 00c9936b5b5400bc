/* troupe compare: Markdown tables of several evaluations, and what differs by more than chance. */
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/arguments.h"
#include "common/base/log.h"
#include "common/score/statistics.h"
#include "common/tool/compare_read.h"
#include "common/tool/verbs.h"

static const char *const usage =
    "usage: troupe compare FOLDER [options]\n\n"
    "Prints Markdown tables of the evaluations in FOLDER, named ROW-sSEED.greedy.json, .beam5.json and .samples.json (what\n"
    "`troupe evaluate --json --per-image` prints): each metric's mean and spread (sample standard deviation) over a row's\n"
    "seeds, and with --against each row's difference of CIDEr with a paired bootstrap interval over pictures (95 %, each\n"
    "picture's CIDEr averaged over the seeds that both have). Says what is lacking.\n";

typedef struct Options {
  const char *rows, *against;
  int seeds, resamples;
} Options;

typedef struct Column {
  const char *title, *section, *key; /* section NULL: the key is at the top */
} Column;

static const Column scores[] = {
    {"BLEU-1", "corpus", "Bleu_1"}, {"BLEU-2", "corpus", "Bleu_2"}, {"BLEU-3", "corpus", "Bleu_3"},
    {"BLEU-4", "corpus", "Bleu_4"}, {"METEOR", "corpus", "METEOR"}, {"ROUGE-L", "corpus", "ROUGE_L"},
    {"CIDEr", "corpus", "CIDEr"},   {"words", NULL, "mean_length"}, {NULL, NULL, NULL}};
static const Column diversity[] = {{"distinct-1", "diversity", "distinct_1"},
                                   {"distinct-2", "diversity", "distinct_2"},
                                   {"mBLEU-4", "diversity", "mBLEU_4"},
                                   {"self-CIDEr", "diversity", "self_CIDEr"},
                                   {"mean CIDEr", "diversity", "CIDEr_mean"},
                                   {"best CIDEr", "diversity", "CIDEr_oracle"},
                                   {"words", NULL, "mean_length"},
                                   {NULL, NULL, NULL}};

/* "0.512 ± 0.004", "0.512" of one seed, "–" of none. */
static void cell_print(const CompareRow *row, CompareKind kind, const Column *column) {
  double value[COMPARE_SEEDS];
  int count = 0;
  for (int s = 0; s < row->seeds; s++) {
    const json_t *root = row->result[s][kind];
    const json_t *number =
        json_object_get(column->section ? json_object_get(root, column->section) : root, column->key);
    if (json_is_number(number)) value[count++] = json_number_value(number);
  }
  if (!count) printf(" – |");
  else if (count == 1) printf(" %.3f |", value[0]);
  else printf(" %.3f ± %.3f |", statistics_mean(value, count), statistics_spread(value, count));
}

static int seeds_with(const CompareRow *row, CompareKind kind) {
  int count = 0;
  for (int s = 0; s < row->seeds; s++) count += row->result[s][kind] != NULL;
  return count;
}

static void table_print(const CompareSet *set, CompareKind kind, const char *title, const Column *columns) {
  printf("| %s | seeds |", title);
  for (const Column *column = columns; column->title; column++) printf(" %s |", column->title);
  printf("\n|---|---|");
  for (const Column *column = columns; column->title; column++) printf("---|");
  putchar('\n');
  for (int i = 0; i < set->rows; i++) {
    printf("| %s | %d |", set->row[i].name, seeds_with(&set->row[i], kind));
    for (const Column *column = columns; column->title; column++) cell_print(&set->row[i], kind, column);
    putchar('\n');
  }
  putchar('\n');
}

/* One line: row - against, of the pictures that both have, which must be the same. */
static Status difference_print(const CompareRow *row, const CompareRow *against, CompareKind kind, int resamples) {
  const char **ids, **other_ids;
  double *cider, *other, low, high;
  int count, other_count, seeds;
  TRY(compare_images(row, against, kind, &ids, &cider, &count, &seeds));
  Status status = compare_images(against, row, kind, &other_ids, &other, &other_count, &seeds);
  if (status == OK && count && other_count) {
    bool same = count == other_count;
    for (int i = 0; i < count && same; i++) same = strcmp(ids[i], other_ids[i]) == 0;
    if (!same) {
      status = status_set(BAD_INPUT, "%s and %s (%s) are of other pictures; the same ones were expected", row->name,
                          against->name, compare_kind_name(kind));
    } else {
      double base = statistics_mean(other, count);
      for (int i = 0; i < count; i++) cider[i] -= other[i];
      double mean = statistics_mean(cider, count);
      statistics_bootstrap(cider, count, resamples, 0.95, 1, &low, &high);
      printf("| %s − %s | %s | %+.3f | %+.3f to %+.3f | %+.1f %% | %d | %d |\n", row->name, against->name,
             compare_kind_name(kind), mean, low, high, base != 0 ? 100 * mean / base : 0, count, seeds);
    }
  }
  free(ids), free(cider);
  if (status == OK) free(other_ids), free(other);
  return status;
}

static Status differences_print(CompareSet *set, const Options *options) {
  const CompareRow *against = compare_row(set, options->against);
  if (!against)
    return status_set(BAD_INPUT, "--against: no row '%s'; one of the table's was expected", options->against);
  printf(
      "| difference of CIDEr | captions | mean | 95 %% interval | relative | pictures | seeds |\n|---|---|---|---|---|---|---|\n");
  for (int i = 0; i < set->rows; i++)
    for (int k = 0; k < COMPARE_SAMPLES && &set->row[i] != against; k++)
      TRY(difference_print(&set->row[i], against, (CompareKind)k, options->resamples));
  putchar('\n');
  return OK;
}

static void lacks_print(const CompareSet *set, int seeds) {
  for (int i = 0; i < set->rows; i++) {
    const CompareRow *row = &set->row[i];
    if (row->seeds < seeds) printf("Lacks: %s has %d of %d seeds.\n", row->name, row->seeds, seeds);
    for (int s = 0; s < row->seeds; s++)
      for (int k = 0; k < COMPARE_KINDS; k++)
        if (!row->result[s][k])
          printf("Lacks: %s-s%s.%s.json.\n", row->name, row->seed[s], compare_kind_name((CompareKind)k));
  }
}

static Status compare_run(CompareSet *set, const char *folder, const Options *options) {
  TRY(compare_read(set, folder, options->rows));
  if (!set->rows)
    return status_set(BAD_INPUT,
                      "%s: holds no results; files ROW-sSEED.greedy.json, .beam5.json or .samples.json were expected",
                      folder);
  table_print(set, COMPARE_GREEDY, "greedy", scores);
  table_print(set, COMPARE_BEAM5, "beam 5", scores);
  table_print(set, COMPARE_SAMPLES, "samples", diversity);
  if (options->against) TRY(differences_print(set, options));
  lacks_print(set, options->seeds);
  return OK;
}

int verb_compare(int argc, char **argv) {
  Options options = {.seeds = 1, .resamples = 10000};
  int first;
  const Argument table[] = {
      {"rows", 0, ARGUMENT_TEXT, &options.rows, 0, 0, "A,B,...", "only these rows, in this order (default: all)"},
      {"against", 0, ARGUMENT_TEXT, &options.against, 0, 0, "ROW", "differences of CIDEr from this row"},
      {"seeds", 0, ARGUMENT_INTEGER, &options.seeds, 1, COMPARE_SEEDS, "N", "seeds that a row should have (default 1)"},
      {"resamples", 0, ARGUMENT_INTEGER, &options.resamples, 100, 1e6, "N", "of the bootstrap (default 10000)"},
      {0}};
  Status status = arguments_parse(usage, table, argc, argv, &first);
  if (status == OK && first && first + 1 != argc)
    status = status_set(BAD_INPUT, "one folder of results was expected; see troupe compare --help");
  if (status == OK && first) {
    CompareSet *set = xcalloc(1, sizeof *set);
    status = compare_run(set, argv[first], &options);
    compare_free(set);
    free(set);
  }
  if (status != OK) log_error("%s", status_message());
  return (int)status;
}
