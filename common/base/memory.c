/* getrusage and /proc/meminfo. */
#include "common/base/memory.h"

#include <stdio.h>
#include <sys/resource.h>

size_t memory_peak(void) {
  struct rusage usage;
  return getrusage(RUSAGE_SELF, &usage) == 0 ? (size_t)usage.ru_maxrss * 1024 : 0;
}

size_t memory_available(void) {
  FILE *file = fopen("/proc/meminfo", "r");
  char line[128];
  unsigned long kib = 0;
  while (file && !kib && fgets(line, sizeof line, file)) (void)sscanf(line, "MemAvailable: %lu kB", &kib);
  if (file) fclose(file);
  return (size_t)kib * 1024;
}
