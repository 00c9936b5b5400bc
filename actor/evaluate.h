/* Evaluate: `troupe evaluate`, captions a split with a checkpoint and scores it. No learner, no messages. */
#ifndef TROUPE_ACTOR_EVALUATE_H
#define TROUPE_ACTOR_EVALUATE_H

/* argv[0] = "evaluate". Returns the exit code. */
int actor_evaluate(int argc, char **argv);

#endif
