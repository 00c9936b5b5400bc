/* Decoding: options that `troupe evaluate` and `troupe caption` share. They stand over the checkpoint's configuration, so
 * their rows point into it. */
#ifndef TROUPE_ACTOR_DECODING_H
#define TROUPE_ACTOR_DECODING_H

#include "common/base/arguments.h"
#include "common/config/config.h"

#define DECODING_ARGUMENTS(config)                                                                                   \
  {"beam", 0, ARGUMENT_INTEGER, &(config)->evaluation.beam, 1, 64, "K", "beam width; 1 = greedy (evaluation.beam)"}, \
      {"length-penalty",                                                                                             \
       0,                                                                                                            \
       ARGUMENT_NUMBER,                                                                                              \
       &(config)->evaluation.length_penalty,                                                                         \
       0,                                                                                                            \
       4,                                                                                                            \
       "P",                                                                                                          \
       "beam score = log-probability / length^P"},                                                                   \
      {"beam-groups",                                                                                                \
       0,                                                                                                            \
       ARGUMENT_INTEGER,                                                                                             \
       &(config)->evaluation.beam_groups,                                                                            \
       1,                                                                                                            \
       64,                                                                                                           \
       "N",                                                                                                          \
       "diverse beam search: the beam in N groups"},                                                                 \
      {"diversity",                                                                                                  \
       0,                                                                                                            \
       ARGUMENT_NUMBER,                                                                                              \
       &(config)->evaluation.diversity,                                                                              \
       0,                                                                                                            \
       1e6,                                                                                                          \
       "D",                                                                                                          \
       "what a token costs a group that an earlier group has at this place"},                                        \
      {"min-length",                                                                                                 \
       0,                                                                                                            \
       ARGUMENT_INTEGER,                                                                                             \
       &(config)->sampling.min_length,                                                                               \
       0,                                                                                                            \
       511,                                                                                                          \
       "N",                                                                                                          \
       "tokens before the end token may come (sampling.min_length)"},                                                \
  {                                                                                                                  \
    "no-repeat-ngram", 0, ARGUMENT_INTEGER, &(config)->sampling.no_repeat_ngram, 0, 64, "N",                         \
        "no N tokens in a row stand twice in a caption"                                                              \
  }

#endif
