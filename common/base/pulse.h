/* Pulse: one call that long computations on the main thread make room for, every few milliseconds: between matrix
 * products of an update and between positions of decoding. The learner and its actors let their messages move on in it
 * (proto/PROTOCOL.md); nothing is called unless it was set. */
#ifndef TROUPE_BASE_PULSE_H
#define TROUPE_BASE_PULSE_H

/* call(context) at most every `every_s` seconds. It may not compute anything that pulses. NULL = none. */
void pulse_set(void (*call)(void *), void *context, double every_s);

/* By whoever computes, on the main thread only. Costs a look at the clock. */
void pulse(void);

#endif
