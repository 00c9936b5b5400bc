/* The version of troupe that is being made: deploy/version.sh puts commits since then behind it, common/tool/version.c tells it. */
#ifndef TROUPE_BASE_VERSION_H
#define TROUPE_BASE_VERSION_H

#define TROUPE_VERSION "0.1.0"

#endif
