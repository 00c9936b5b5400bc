/* A pool for jansson: a large file has a million small nodes. Between open and close what jansson allocates comes out of the
 * pool, and what it frees stays until close.
 * For one thread: jansson's functions for memory are the process's, so nothing else may use it meanwhile. Nodes made before
 * must not be freed meanwhile, and none made meanwhile may outlive close. */
#ifndef TROUPE_BASE_JSON_POOL_H
#define TROUPE_BASE_JSON_POOL_H

void json_pool_open(void);
void json_pool_close(void);

#endif
