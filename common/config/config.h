/* Configuration: one table (option_table.c) with a row an option - path, type, field, default, bounds, help - drives
 * reading YAML, --set a.b=c, --print-config and the copy kept in each checkpoint. */
#ifndef TROUPE_CONFIG_CONFIG_H
#define TROUPE_CONFIG_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "common/base/status.h"

typedef struct OptimizerConfig {
  char *name; /* adam | adamw */
  double lr, beta1, beta2, eps, weight_decay, clip_norm, head_scale;
} OptimizerConfig;

typedef struct ScheduleConfig {
  char *name;           /* constant | linear | cosine */
  double warmup, final; /* fractions: of the steps, of the learning rate */
} ScheduleConfig;

/* Every field is filled by a row of the table; strings are owned. */
typedef struct Config {
  struct {
    char *name, *dir, *resume;
    uint64_t seed;
  } run;
  struct {
    char *file, *train, *validation;
  } data;
  struct {
    int width, heads, feed_forward, encoder_layers, decoder_layers, max_length, positions;
    double dropout, image_dropout;
    char *norm, *activation;
    bool tied;
  } model;
  struct {
    char *precision; /* float32 | bf16 */
  } compute;
  struct {
    int epochs, batch_images, captions_per_image;
    double label_smoothing;
    OptimizerConfig optimizer;
    ScheduleConfig schedule;
  } pretrain;
  struct {
    char *init, *advantage, *level, *aggregation, *kl, *off_policy;
    int group, inner_epochs, minibatch_images, images_per_iteration, iterations;
    double epochs, eps_low, eps_high, beta, min_std, advantage_eps, entropy, dropout, image_dropout;
    double importance_cap, xe;
    bool dynamic_sampling;
    int refills;
  } policy;
  struct {
    double temperature, top_p;
    int top_k, max_length, min_length, no_repeat_ngram;
    bool forbid_unk;
  } sampling;
  struct {
    int refresh_every;
    double mix;
  } reference;
  struct {
    double cider_d, cider, bleu4, rouge_l, meteor, length, repetition, no_eos;
    int length_target, repetition_n;
    char *df;
    bool include_eos;
  } rewards;
  OptimizerConfig optimizer;
  ScheduleConfig schedule;
  struct {
    int lag, max_lag, chunk_images;
    double heartbeat_s, timeout_s, start_timeout_s;
    bool joinable;
  } actors;
  struct {
    int ranks, threads;
  } learner;
  struct {
    int every, keep;
  } checkpoint;
  struct {
    int every, beam, beam_groups, images;
    double length_penalty, diversity;
  } evaluation;
  struct {
    int groups;
  } samples;
  struct {
    double kl, entropy, length;
  } guard;
} Config;

/* Defaults alone. */
void config_init(Config *config);
void config_free(Config *config); /* idempotent */

/* Reads YAML over what is there. Errors (BAD_INPUT): FILE:LINE, the key, what was expected, the nearest name. */
Status config_read(Config *config, const char *path);
Status config_read_text(Config *config, const char *name, const char *text, size_t bytes);

/* One "a.b=value" of the command line. */
Status config_set(Config *config, const char *assignment);

/* What no single row can check: fields that must fit each other. */
Status config_check(const Config *config);

/* The part of that which decoding needs. */
Status config_check_decoding(const Config *config);

/* Has each learner rank images of every step of this stage ("pretrain" | "train")? */
Status config_check_ranks(const Config *config, const char *stage);

/* In the run folder of a run with actors.joinable: port, while the learner runs; server: the address of its ompi-server. */
#define RUN_DOOR   "door"
#define RUN_SERVER RUN_DOOR "/server"

/* The run's folder for a stage ("pretrain" | "train"): run.dir, or runs/<run.name>/<stage>. Owned by the caller. */
char *config_run_folder(const Config *config, const char *stage);

/* The checkpoint that stage 2 starts from: policy.init, or best.h5 of this name's pretrain folder. Owned by the
 * caller. */
char *config_initial_policy(const Config *config);

/* YAML of all values; with `comments` each option's help, bounds and default. Owned by the caller. */
char *config_text(const Config *config, bool comments);
/* A line an option: its path, a tab, its value, a tab, and what the comments say. */
void config_list(const Config *config, FILE *out);

/* Hash over the options that decide the result (not names, folders, timeouts, threads): what ranks must agree on. */
void config_hash(const Config *config, char text[33]);

/* Such as "0.2.5". Borrowed. */
const char *config_yaml_version(void);

#endif
