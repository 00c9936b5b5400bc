/* The version of troupe; `make dist` and `troupe version` read it. */
#ifndef TROUPE_BASE_VERSION_H
#define TROUPE_BASE_VERSION_H

#define TROUPE_VERSION "0.1.0"

#endif
