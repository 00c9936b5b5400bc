/* Memory: of this process and of this machine, as Linux counts it. */
#ifndef TROUPE_BASE_MEMORY_H
#define TROUPE_BASE_MEMORY_H

#include <stddef.h>

/* The most bytes that this process had in memory at a time. */
size_t memory_peak(void);

/* Bytes that processes could still take on this machine without swapping; 0 = not known. */
size_t memory_available(void);

#endif
