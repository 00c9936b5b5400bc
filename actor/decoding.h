/* Decoding: options that `troupe evaluate` and `troupe caption` share. They stand over the checkpoint's configuration:
 * those of every caption are read into it, those of samples are kept apart, to be refused without samples. */
#ifndef TROUPE_ACTOR_DECODING_H
#define TROUPE_ACTOR_DECODING_H

#include "common/base/arguments.h"
#include "common/config/config.h"
#include "common/model/decode.h"

/* What the command line says of samples. */
typedef struct Sampling {
  int samples;               /* G; 0: greedy or beam search */
  double temperature, top_p; /* 0: not given */
  int top_k;                 /* -1: not given */
  long seed;                 /* -1: not given */
} Sampling;

#define SAMPLING_NONE \
  { .top_k = -1, .seed = -1 }

/* clang-format off */
#define DECODING_ARGUMENTS(config, given, fewest) \
  {"beam", 0, ARGUMENT_INTEGER, &(config)->evaluation.beam, 1, 64, "K", "beam width; 1 = greedy (evaluation.beam)"}, \
  {"length-penalty", 0, ARGUMENT_NUMBER, &(config)->evaluation.length_penalty, 0, 4, "P", \
   "beam score = log-probability / length^P"}, \
  {"beam-groups", 0, ARGUMENT_INTEGER, &(config)->evaluation.beam_groups, 1, 64, "N", \
   "diverse beam search: the beam in N groups"}, \
  {"diversity", 0, ARGUMENT_NUMBER, &(config)->evaluation.diversity, 0, 1e6, "D", \
   "what a token costs a group that an earlier group has at this place"}, \
  {"min-length", 0, ARGUMENT_INTEGER, &(config)->sampling.min_length, 0, 511, "N", \
   "tokens before the end token may come (sampling.min_length)"}, \
  {"no-repeat-ngram", 0, ARGUMENT_INTEGER, &(config)->sampling.no_repeat_ngram, 0, 64, "N", \
   "no N tokens in a row stand twice in a caption"}, \
  {"samples", 0, ARGUMENT_INTEGER, &(given)->samples, fewest, 256, "G", "samples G captions of each picture"}, \
  {"temperature", 0, ARGUMENT_NUMBER, &(given)->temperature, 0.01, 100, "T", \
   "of samples: divides the logits (sampling.temperature)"}, \
  {"top-k", 0, ARGUMENT_INTEGER, &(given)->top_k, 0, 10000000, "K", \
   "samples among the K most probable tokens; 0 = all"}, \
  {"top-p", 0, ARGUMENT_NUMBER, &(given)->top_p, 1e-6, 1, "P", \
   "samples among the most probable tokens of mass P"}, \
  {"seed", 0, ARGUMENT_LONG, &(given)->seed, 0, 1e18, "S", "seed of the samples (default 1)"}
/* clang-format on */

/* Errors: options of samples without --samples; samples and a beam. `config`: the defaults under the command line. */
Status decoding_check(const Sampling *given, const Config *config);

/* The configuration's sampling under what was given. */
SampleOptions decoding_samples(const Sampling *given, const Config *config);

#endif
