/* Stop: the first SIGINT, SIGTERM or SIGHUP only asks work to stop at its next safe point; a second one has its usual effect. */
#ifndef TROUPE_TOOL_STOP_H
#define TROUPE_TOOL_STOP_H

#include <stdbool.h>

/* From here on signals are noted; one that is ignored (nohup) stays so. */
void stop_watch(void);
bool stop_wanted(void);
/* As it was before. */
void stop_forget(void);

#endif
