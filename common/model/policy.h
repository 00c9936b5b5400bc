/* Policy: what a captioner starts from, and whether dataset, configuration and checkpoint fit each other. */
#ifndef TROUPE_MODEL_POLICY_H
#define TROUPE_MODEL_POLICY_H

#include <stdbool.h>

#include "common/config/config.h"
#include "common/data/dataset.h"
#include "common/model/checkpoint.h"
#include "common/model/decode.h"
#include "common/model/params.h"

/* The model that this configuration trains on this dataset. */
ModelShape policy_shape(const Config *config, const Dataset *dataset);

/* Does a checkpoint's model read this dataset? Errors: BAD_INPUT naming what differs (vocabulary, grid, encoder). */
Status policy_fits_dataset(const Checkpoint *checkpoint, const char *path, const Dataset *dataset);

/* Was it made with this very dataset (hash of the content)? What a resumed run asks. Errors: BAD_INPUT. */
Status policy_saw_dataset(const Checkpoint *checkpoint, const char *path, const Dataset *dataset);

/* Is it the model of this configuration? Errors: BAD_INPUT naming the option that differs. */
Status policy_fits_config(const Checkpoint *checkpoint, const char *path, const Config *config);

/* May a run of this stage go on from this checkpoint? All of the above, and the options it was begun with (config_resumes;
 * `tell`: what may differ and does goes to the log). */
Status policy_resumes(const Checkpoint *checkpoint, const char *path, const char *stage, const Config *config,
                      const Dataset *dataset, bool tell);

/* Does the configuration fit the dataset? `images`: pictures of the training split used at a time, by that option.
 * Errors: BAD_INPUT naming the split that is not there or is too small. */
Status policy_fits_splits(const Config *config, const Dataset *dataset, const char *option, int images);

/* Starting weights of stage 2: lays out `table` and fills `*weights` (both owned by the caller) from config's initial
 * policy or, for "random", from the seed.
 *
 * The output biases of pad, start and (sampling.forbid_unk) unknown are set to -1e4: the policy that is learned from must be
 * the distribution that is sampled from. If it kept a mass on a token that is never drawn, the expected gradient of log pi
 * over the samples would be the gradient of log(1 - mass) and not 0, and advantages of negative mean (SCST's, whose greedy
 * baseline is above the samples) would drive all mass onto that token: on Flickr8k within 200 steps. */
Status policy_initial(const Config *config, const Dataset *dataset, ParamTable *table, float **weights);

/* Fills what a checkpoint says of its origin: configuration (owned by it then), seed, vocabulary (borrowed), hashes of
 * dataset and encoder. Weights, stage and counters are the caller's. */
void policy_sign(Checkpoint *checkpoint, const Config *config, const Dataset *dataset);

/* Linear layers multiply in this configuration's precision from now on: before a Decoder or Captioner is made. */
void policy_precision(const Config *config);

/* Whether the objective reads log ref. If not (beta 0, scst), nobody computes it and no KL is logged. */
bool policy_reference(const Config *config);

/* How many versions older than the policy a rollout may be: actors.lag or actors.max_lag, of which one is 0. */
int policy_lag(const Config *config);

/* Longest generated caption in tokens. */
int policy_max_length(const Config *config);

/* How this configuration samples (temperature, truncation, rules; seed), and how it searches in evaluations. */
SampleOptions policy_sampling(const Config *config);
BeamOptions policy_search(const Config *config);

/* The configuration kept in a checkpoint, which the caller frees in any case. Errors: it cannot be read or does not fit. */
Status policy_trained_config(const Checkpoint *checkpoint, const char *path, Config *config);

#endif
