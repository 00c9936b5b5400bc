/* weights_near A.h5 B.h5 LIMIT: prints the largest difference between the weights (and the optimizer's moments) of two
 * checkpoints, and which weight has it; exit 1 when one of the weights is above LIMIT. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/model/checkpoint.h"

static double largest(const ParamTable *table, const float *a, const float *b, const char **name) {
  double most = 0;
  *name = "";
  for (int r = 0; r < table->count; r++)
    for (size_t i = 0; i < table->rows[r].count; i++) {
      double difference = fabs((double)a[table->rows[r].offset + i] - (double)b[table->rows[r].offset + i]);
      if (difference <= most) continue;
      most = difference; /* also NaN */
      *name = table->rows[r].name;
    }
  return most;
}

int main(int argc, char **argv) {
  Checkpoint a = {0}, b = {0};
  ParamTable table = {0}, other = {0};
  const char *name;
  if (argc != 4) return 2;
  if (checkpoint_load(&a, &table, argv[1], 0) != OK || checkpoint_load(&b, &other, argv[2], 0) != OK ||
      table.total != other.total || !a.moment1 || !b.moment1 || !a.moment2 || !b.moment2) {
    fprintf(stderr, "%s\n", status_message());
    return 2;
  }
  double difference = largest(&table, a.weights, b.weights, &name);
  printf("weights %g (%s)", difference, name);
  printf(", moments %g", largest(&table, a.moment1, b.moment1, &name));
  printf(" %g, steps %lld %lld\n", largest(&table, a.moment2, b.moment2, &name), (long long)a.step, (long long)b.step);
  bool near = difference <= atof(argv[3]) && a.step == b.step;
  checkpoint_free(&a);
  checkpoint_free(&b);
  params_free(&table);
  params_free(&other);
  return !near;
}
