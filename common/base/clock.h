/* Clock: monotonic seconds and short sleeps. */
#ifndef TROUPE_BASE_CLOCK_H
#define TROUPE_BASE_CLOCK_H

double clock_seconds(void);       /* monotonic, arbitrary origin */
void clock_sleep(double seconds); /* at least that long unless a signal comes */

#endif
