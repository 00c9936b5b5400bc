/* Caption: `troupe caption`, captions pictures that the model was never given before. No learner, no messages. */
#ifndef TROUPE_ACTOR_CAPTION_H
#define TROUPE_ACTOR_CAPTION_H

/* argv[0] = "caption". Returns the exit code. */
int actor_caption(int argc, char **argv);

#endif
