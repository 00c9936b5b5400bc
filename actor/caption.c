/* troupe caption: encodes pictures as the checkpoint's dataset was encoded, and decodes them. */
#include "actor/caption.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actor/decoding.h"
#include "actor/why.h"
#include "common/base/file.h"
#include "common/base/json.h"
#include "common/base/log.h"
#include "common/data/vocabulary.h"
#include "common/model/policy.h"
#include "common/vision/encoder.h"

static const char *const usage =
    "usage: troupe caption CHECKPOINT IMAGE... [options]\n\n"
    "Captions JPEG and PNG pictures: greedy, by beam search (in groups: a caption from each), or G samples each. How is\n"
    "said by the configuration kept in the checkpoint, and by the options over it. The encoder's weights are looked for by\n"
    "their hash in TROUPE_ENCODERS, beside the checkpoint and in encoders/.\n";

typedef struct Options {
  const char *checkpoint;
  char **image;
  int images;
  bool json;
  const char *why; /* folder, or NULL */
  Sampling sampling;
} Options;

typedef struct Captions {
  Options options;
  Config config; /* the checkpoint's, under the options */
  Checkpoint checkpoint;
  ParamTable table;
  Encoder *encoder;
  EncoderScratch *scratch;
  Decoder decoder;
  CaptionSet set;
  Look look; /* with --why */
  float *grid;
} Captions;

/* As in evaluate.c: once for the errors, once over the checkpoint's configuration. */
static Status options_parse(Options *o, Config *config, int argc, char **argv, int *first) {
  *o = (Options){.sampling = SAMPLING_NONE};
  const Argument table[] = {DECODING_ARGUMENTS(config, &o->sampling, 1),
                            {"json", 0, ARGUMENT_FLAG, &o->json, 0, 0, NULL, "captions and log-probabilities as JSON"},
                            {"why", 0, ARGUMENT_TEXT, &o->why, 0, 0, "FOLDER",
                             "writes FOLDER/IMAGE.svg: where the model looked at each word"},
                            {0}};
  TRY(arguments_parse(usage, table, argc, argv, first));
  if (!*first) return OK;
  if (argc - *first < 2) return status_set(BAD_INPUT, "CHECKPOINT IMAGE... was expected; --help tells more");
  o->checkpoint = argv[*first];
  o->image = argv + *first + 1;
  o->images = argc - *first - 1;
  return OK;
}

static Status encoder_of(Captions *c) {
  const Checkpoint *checkpoint = &c->checkpoint;
  char *weights = NULL;
  if (!encoder_exists(checkpoint->encoder))
    return status_set(BAD_INPUT,
                      "%s: was trained on imported features (encoder '%s'), which troupe cannot make of a picture; "
                      "`troupe evaluate %s --data F.h5 --out FILE` captions a dataset that has them",
                      c->options.checkpoint, checkpoint->encoder, c->options.checkpoint);
  if (encoder_needs_weights(checkpoint->encoder)) {
    char *folder = path_folder(c->options.checkpoint);
    Status status = encoder_find_weights(checkpoint->encoder, checkpoint->encoder_hash, folder, &weights);
    free(folder);
    TRY(status);
  }
  Status status = encoder_open(&c->encoder, checkpoint->encoder, weights);
  free(weights);
  TRY(status);
  if (encoder_cells(c->encoder) != c->table.shape.cells || encoder_features(c->encoder) != c->table.shape.features)
    return status_set(BAD_INPUT, "%s: reads grids of %d x %d, encoder %s makes %d x %d", c->options.checkpoint,
                      c->table.shape.cells, c->table.shape.features, checkpoint->encoder, encoder_cells(c->encoder),
                      encoder_features(c->encoder));
  return OK;
}

static Status why_open(Captions *c) {
  look_init(&c->look, &c->table, c->checkpoint.weights, c->checkpoint.kind, c->checkpoint.token,
            policy_max_length(&c->config));
  if (!c->look.side)
    return status_set(BAD_INPUT, "--why: %s reads %d cells; a square grid was expected", c->options.checkpoint,
                      c->table.shape.cells);
  return folder_create(c->options.why);
}

static Status captions_open(Captions *c, int argc, char **argv) {
  const char *path = c->options.checkpoint;
  int first;
  TRY(checkpoint_load(&c->checkpoint, &c->table, path, 1));
  config_free(&c->config);
  TRY(policy_trained_config(&c->checkpoint, path, &c->config));
  TRY(options_parse(&c->options, &c->config, argc, argv, &first));
  TRY(config_check_decoding(&c->config));
  TRY(encoder_of(c));
  policy_precision(&c->config);
  int beam = c->config.evaluation.beam, samples = c->options.sampling.samples, rows = samples > beam ? samples : beam;
  c->scratch = encoder_scratch_new(c->encoder);
  c->grid = xmalloc((size_t)c->table.shape.cells * (size_t)c->table.shape.features * sizeof(float));
  decoder_init(&c->decoder, &c->table, 1, rows, policy_max_length(&c->config));
  captions_init(&c->set, rows, policy_max_length(&c->config));
  return c->options.why ? why_open(c) : OK;
}

static void captions_close(Captions *c) {
  decoder_free(&c->decoder);
  captions_free(&c->set);
  look_free(&c->look);
  encoder_scratch_free(c->scratch);
  encoder_close(c->encoder);
  checkpoint_free(&c->checkpoint);
  params_free(&c->table);
  config_free(&c->config);
  free(c->grid);
}

/* Sum of the caption's log-probabilities. */
static double caption_logp(const CaptionSet *set, int row) {
  const float *logp = set->logp + (size_t)row * (size_t)set->max_length;
  double sum = 0;
  for (int t = 0; t < set->length[row]; t++) sum += (double)logp[t];
  return sum;
}

static json_t *captions_json(const Captions *c, const char *image) {
  json_t *list = json_array();
  for (int row = 0; row < c->set.count; row++) {
    char *text = vocabulary_text(c->checkpoint.kind, c->checkpoint.token, c->table.shape.vocabulary,
                                 c->set.tokens + (size_t)row * (size_t)c->set.max_length, c->set.length[row]);
    json_array_append_new(
        list, json_pack("{s:o, s:o}", "caption", json_text(text), "logp", json_number(caption_logp(&c->set, row))));
    free(text);
  }
  return json_pack("{s:o, s:o}", "image", json_text(image), "captions", list);
}

/* Pictures of one name in several folders get a number. */
static Status why_one(Captions *c, int index) {
  const Options *options = &c->options;
  const char *name = path_name(options->image[index]);
  int before = 0;
  for (int i = 0; i < index; i++) before += strcmp(path_name(options->image[i]), name) == 0;
  char *file =
      before ? xasprintf("%s/%s.%d.svg", options->why, name, before + 1) : xasprintf("%s/%s.svg", options->why, name);
  Status status = why_write(file, options->image[index], &c->look, c->grid, &c->set);
  free(file);
  return status;
}

static Status caption_one(Captions *c, int index, json_t **out) {
  const Options *options = &c->options;
  const char *image = options->image[index];
  if (folder_exists(image))
    return status_set(BAD_INPUT, "%s: is a folder; its pictures were expected: %s/*.jpg", image, image);
  TRY(encoder_encode_file(c->encoder, c->scratch, image, c->grid));
  const float *weights = c->checkpoint.weights;
  int32_t id = index;
  int samples = options->sampling.samples;
  SampleOptions sampling = decoding_samples(&options->sampling, &c->config);
  BeamOptions search = policy_search(&c->config);
  search.each_group = true;
  if (samples) decoder_sample(&c->decoder, weights, 1, c->grid, &id, samples, &sampling, &c->set);
  else decoder_search(&c->decoder, weights, 1, c->grid, &search, &c->set);
  if (options->why) TRY(why_one(c, index));
  *out = captions_json(c, image);
  return OK;
}

static void print_lines(const char *image, const json_t *picture) {
  size_t i;
  json_t *caption;
  json_array_foreach(json_object_get(picture, "captions"), i, caption)
      printf("%s\t%s\n", image, json_string_value(json_object_get(caption, "caption")));
}

/* Captions what can be captioned; a broken picture is named and the exit code tells. */
static Status captions_run(Captions *c, int argc, char **argv) {
  TRY(captions_open(c, argc, argv));
  json_t *all = json_array();
  Status worst = OK;
  int failed = 0;
  for (int i = 0; i < c->options.images; i++) {
    json_t *picture = NULL;
    Status status = caption_one(c, i, &picture);
    if (status != OK) {
      log_error("%s", status_message());
      worst = status;
      failed++;
      continue;
    }
    if (!c->options.json) print_lines(c->options.image[i], picture);
    json_array_append_new(all, picture);
  }
  if (c->options.json) {
    char *text = json_dumps(all, JSON_INDENT(2) | JSON_REAL_PRECISION(9));
    puts(text);
    free(text);
  }
  json_decref(all);
  return worst == OK
             ? OK
             : status_set(worst, "%d of %d pictures could not be captioned (named above)", failed, c->options.images);
}

int actor_caption(int argc, char **argv) {
  Captions captions = {0};
  int first;
  log_role_set("troupe caption");
  config_init(&captions.config);
  Status status = options_parse(&captions.options, &captions.config, argc, argv, &first);
  if (status == OK && first) status = decoding_check(&captions.options.sampling, &captions.config);
  if (status == OK && first) status = captions_run(&captions, argc, argv);
  if (status != OK) log_error("%s", status_message());
  captions_close(&captions);
  return status;
}
