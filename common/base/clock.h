/* Clock: monotonic seconds, the time of day, and short sleeps. */
#ifndef TROUPE_BASE_CLOCK_H
#define TROUPE_BASE_CLOCK_H

double clock_seconds(void); /* monotonic, arbitrary origin */
double clock_wall(void);    /* since 1970, UTC; may jump */
/* Processor time of the calling thread. With threads that sleep while they wait, what the time of work shared among them
 * would be were the machine idle. */
double clock_worked(void);
void clock_sleep(double seconds); /* at least that long unless a signal comes */

#endif
