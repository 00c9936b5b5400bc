/* Configuration: YAML (libyaml) and command line over the option table; the only user of libyaml. */
#include "common/config/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "common/base/file.h"
#include "common/base/hash.h"
#include "common/config/options.h"

void config_init(Config *config) {
  memset(config, 0, sizeof *config);
  for (int i = 0; i < option_count; i++) CHECK(option_store(&option_table[i], config, option_table[i].initial) == OK);
}

void config_free(Config *config) {
  for (int i = 0; i < option_count; i++) {
    if (option_table[i].type != OPTION_TEXT && option_table[i].type != OPTION_CHOICE) continue;
    char **text = (char **)(void *)((char *)config + option_table[i].field);
    free(*text);
    *text = NULL;
  }
}

/* --- YAML ---------------------------------------------------------------------------------------------------- */

typedef struct Reading {
  Config *config;
  const char *name; /* of the file */
  yaml_document_t *document;
  bool *seen; /* [option_count] */
} Reading;

/* The first option below `path`, or NULL when that is no section. */
static const char *section_first(const char *path) {
  size_t n = strlen(path);
  for (int i = 0; i < option_count; i++)
    if (strncmp(option_table[i].path, path, n) == 0 && option_table[i].path[n] == '.') return option_table[i].path;
  return NULL;
}

static bool is_section(const char *path) { return section_first(path) != NULL; }

static Status unknown_option(const char *path) {
  const char *nearest = option_nearest(path);
  if (nearest) return status_set(BAD_INPUT, "unknown option %s; did you mean %s?", path, nearest);
  return status_set(BAD_INPUT, "unknown option %s; --print-config lists all", path);
}

static Status read_scalar(Reading *reading, const char *path, const char *value) {
  const Option *option = option_find(path);
  if (!option && is_section(path))
    return status_set(BAD_INPUT, "%s is a section; options such as %s were expected below it", path,
                      section_first(path));
  if (!option) return unknown_option(path);
  bool *seen = &reading->seen[option - option_table];
  if (*seen) return status_set(BAD_INPUT, "%s is given twice", path);
  *seen = true;
  return option_store(option, reading->config, value);
}

static Status read_mapping(Reading *reading, const yaml_node_t *mapping, const char *prefix);

/* One "key: value" below `prefix`. A failure that carries its place already sets *placed. */
static Status read_pair(Reading *reading, const char *path, const yaml_node_t *value, bool *placed) {
  if (value->type == YAML_MAPPING_NODE) {
    if (!is_section(path))
      return option_find(path) ? status_set(BAD_INPUT, "%s holds a section; a value was expected", path)
                               : unknown_option(path);
    *placed = true;
    return read_mapping(reading, value, path); /* sections end where the table ends: no endless aliases */
  }
  if (value->type != YAML_SCALAR_NODE)
    return status_set(BAD_INPUT, "%s is a list; a value or a section was expected", path);
  bool empty = value->data.scalar.length == 0 && value->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
  if (empty && is_section(path)) return OK; /* "policy:" with nothing below it */
  if (empty) return status_set(BAD_INPUT, "%s has no value", path);
  return read_scalar(reading, path, (const char *)value->data.scalar.value);
}

static Status read_mapping(Reading *reading, const yaml_node_t *mapping, const char *prefix) {
  for (yaml_node_pair_t *pair = mapping->data.mapping.pairs.start; pair < mapping->data.mapping.pairs.top; pair++) {
    const yaml_node_t *key = yaml_document_get_node(reading->document, pair->key);
    const yaml_node_t *value = yaml_document_get_node(reading->document, pair->value);
    size_t line = key->start_mark.line + 1;
    if (key->type != YAML_SCALAR_NODE)
      return status_set(BAD_INPUT, "%s:%zu: a key must be a plain name", reading->name, line);
    char path[128];
    int n = snprintf(path, sizeof path, "%s%s%s", prefix, *prefix ? "." : "", (const char *)key->data.scalar.value);
    bool placed = false;
    Status status = n < (int)sizeof path ? read_pair(reading, path, value, &placed)
                                         : status_set(BAD_INPUT, "unknown option %.40s...", path);
    if (status != OK) return placed ? status : status_prefix(status, "%s:%zu", reading->name, line);
  }
  return OK;
}

/* A second document would be read by nobody. */
static Status no_more(yaml_parser_t *parser, const char *name) {
  yaml_document_t document;
  if (!yaml_parser_load(parser, &document))
    return status_set(BAD_INPUT, "%s:%zu: not YAML: %s", name, parser->problem_mark.line + 1,
                      parser->problem ? parser->problem : "cannot be read");
  const yaml_node_t *root = yaml_document_get_root_node(&document);
  Status status = root ? status_set(BAD_INPUT, "%s:%zu: a second YAML document; one was expected", name,
                                    document.start_mark.line + 1)
                       : OK;
  yaml_document_delete(&document);
  return status;
}

Status config_read_text(Config *config, const char *name, const char *text, size_t bytes) {
  yaml_parser_t parser;
  yaml_document_t document;
  CHECK(yaml_parser_initialize(&parser));
  yaml_parser_set_input_string(&parser, (const unsigned char *)text, bytes);
  if (!yaml_parser_load(&parser, &document)) {
    Status status = status_set(BAD_INPUT, "%s:%zu: not YAML: %s", name, parser.problem_mark.line + 1,
                               parser.problem ? parser.problem : "cannot be read");
    yaml_parser_delete(&parser);
    return status;
  }
  Status status = OK;
  const yaml_node_t *root = yaml_document_get_root_node(&document);
  Reading reading = {config, name, &document, xcalloc((size_t)option_count, sizeof(bool))};
  if (root && root->type == YAML_MAPPING_NODE) status = read_mapping(&reading, root, "");
  else if (root) status = status_set(BAD_INPUT, "%s:1: sections such as 'policy:' were expected", name);
  free(reading.seen);
  yaml_document_delete(&document);
  if (status == OK && root) status = no_more(&parser, name);
  yaml_parser_delete(&parser);
  return status;
}

Status config_read(Config *config, const char *path) {
  char *text;
  size_t bytes;
  TRY(file_read(path, 1 << 20, &text, &bytes));
  Status status = config_read_text(config, path, text, bytes);
  free(text);
  return status;
}

Status config_set(Config *config, const char *assignment) {
  const char *equals = strchr(assignment, '=');
  if (!equals) return status_set(BAD_INPUT, "--set %s: SECTION.NAME=VALUE was expected", assignment);
  char path[128];
  snprintf(path, sizeof path, "%.*s", (int)(equals - assignment), assignment);
  const Option *option = option_find(path);
  Status status = option ? option_store(option, config, equals + 1) : unknown_option(path);
  return status == OK ? OK : status_prefix(status, "--set %s", assignment);
}

/* --- checks and derived names -------------------------------------------------------------------------------- */

Status config_check_decoding(const Config *config) {
  int longest = config->sampling.max_length ? config->sampling.max_length : config->model.max_length;
  if (config->sampling.min_length >= longest)
    return status_set(
        BAD_INPUT, "sampling.min_length %d leaves no room for the end token: captions are cut at %d tokens (%s)",
        config->sampling.min_length, longest, config->sampling.max_length ? "sampling.max_length" : "model.max_length");
  if (config->evaluation.beam > 1 && config->evaluation.beam % config->evaluation.beam_groups)
    return status_set(BAD_INPUT, "evaluation.beam %d is not a multiple of evaluation.beam_groups %d",
                      config->evaluation.beam, config->evaluation.beam_groups);
  return OK;
}

Status config_check_ranks(const Config *config, const char *stage) {
  bool first = strcmp(stage, "pretrain") == 0;
  int images = first ? config->pretrain.batch_images : config->policy.minibatch_images;
  if (images >= config->learner.ranks) return OK;
  return status_set(BAD_INPUT, "learner.ranks %d is above %s %d: each rank takes a part of a step's images",
                    config->learner.ranks, first ? "pretrain.batch_images" : "policy.minibatch_images", images);
}

Status config_check(const Config *config) {
  if (!config->data.file[0])
    return status_set(BAD_INPUT, "data.file is not set; a dataset made by troupe prepare was expected");
  if (config->model.width % config->model.heads)
    return status_set(BAD_INPUT, "model.d_model %d is not a multiple of model.heads %d", config->model.width,
                      config->model.heads);
  if (config->model.positions < config->model.max_length)
    return status_set(BAD_INPUT, "model.positions %d is below model.max_length %d", config->model.positions,
                      config->model.max_length);
  if (config->sampling.max_length > config->model.positions)
    return status_set(BAD_INPUT, "sampling.max_length %d is above model.positions %d", config->sampling.max_length,
                      config->model.positions);
  TRY(config_check_decoding(config));
  if (config->actors.lag && config->actors.max_lag)
    return status_set(BAD_INPUT, "actors.lag %d and actors.max_lag %d: one of them was expected", config->actors.lag,
                      config->actors.max_lag);
  if (config->actors.max_lag && config->policy.images_per_iteration % config->actors.chunk_images)
    return status_set(BAD_INPUT,
                      "policy.images_per_iteration %d is not a multiple of actors.chunk_images %d, as actors.max_lag "
                      "needs",
                      config->policy.images_per_iteration, config->actors.chunk_images);
  if (config->policy.minibatch_images > config->policy.images_per_iteration)
    return status_set(BAD_INPUT, "policy.minibatch_images %d is above policy.images_per_iteration %d",
                      config->policy.minibatch_images, config->policy.images_per_iteration);
  if (config->policy.inner_epochs > 1 && strcmp(config->policy.advantage, "scst") == 0)
    return status_set(BAD_INPUT,
                      "policy.inner_epochs %d: scst has no ratio that would correct a second pass; 1 was "
                      "expected",
                      config->policy.inner_epochs);
  if (config->policy.group < 2 && strcmp(config->policy.advantage, "scst") != 0)
    return status_set(BAD_INPUT, "policy.group 1 gives no group to compare with; at least 2 was expected for %s",
                      config->policy.advantage);
  if (strcmp(config->rewards.df, "batch") == 0 && config->actors.chunk_images != 32)
    return status_set(BAD_INPUT, "rewards.cider_d.df batch counts over units of 32 images; actors.chunk_images is %d",
                      config->actors.chunk_images);
  if (strcmp(config->rewards.df, "batch") == 0 && config->policy.images_per_iteration % 32)
    return status_set(BAD_INPUT,
                      "rewards.cider_d.df batch counts over units of 32 images; policy.images_per_iteration "
                      "%d is not a multiple of 32",
                      config->policy.images_per_iteration);
  if (config->policy.dynamic_sampling && (config->actors.max_lag || strcmp(config->rewards.df, "batch") == 0))
    return status_set(BAD_INPUT, "policy.dynamic_sampling goes with %s",
                      config->actors.max_lag ? "actors.lag, not with actors.max_lag" : "rewards.cider_d.df train");
  const double weights[] = {config->rewards.cider_d,    config->rewards.cider,  config->rewards.bleu4,
                            config->rewards.rouge_l,    config->rewards.meteor, config->rewards.length,
                            config->rewards.repetition, config->rewards.no_eos};
  bool rewarded = false;
  for (size_t i = 0; i < sizeof weights / sizeof weights[0]; i++) rewarded |= weights[i] != 0;
  if (!rewarded) return status_set(BAD_INPUT, "rewards: every weight is 0; at least one other was expected");
  if (config->actors.timeout_s < 3 * config->actors.heartbeat_s)
    return status_set(BAD_INPUT, "actors.timeout_s %g is below three times actors.heartbeat_s %g",
                      config->actors.timeout_s, config->actors.heartbeat_s);
  return OK;
}

char *config_run_folder(const Config *config, const char *stage) {
  if (config->run.dir[0]) return xstrdup(config->run.dir);
  return xasprintf("runs/%s/%s", config->run.name, stage);
}

char *config_initial_policy(const Config *config) {
  if (config->policy.init[0]) return xstrdup(config->policy.init);
  return xasprintf("runs/%s/pretrain/checkpoints/best.h5", config->run.name);
}

/* --- printing ------------------------------------------------------------------------------------------------ */

static void meaning_print(FILE *out, const Option *option) {
  fputs(option->help, out);
  if (option->choices) fprintf(out, " (%s)", option->choices);
  if (option->type == OPTION_INT || option->type == OPTION_REAL)
    fprintf(out, " (%.9g to %.9g)", option->low, option->high);
  if (option->initial[0]) fprintf(out, "; default %s", option->initial);
  fputc('\n', out);
}

char *config_text(const Config *config, bool comments) {
  char *text = NULL;
  size_t size;
  FILE *out = open_memstream(&text, &size);
  CHECK(out);
  const char *before = "";
  for (int i = 0; i < option_count; i++) {
    const Option *option = &option_table[i];
    const char *name = option->path;
    int depth = 0;
    for (const char *dot = strchr(name, '.'); dot; name = dot + 1, dot = strchr(name, '.'), depth++) {
      size_t n = (size_t)(dot - option->path) + 1; /* a section that the option before did not stand in */
      if (strncmp(before, option->path, n) != 0) fprintf(out, "%*s%.*s:\n", 2 * depth, "", (int)(dot - name), name);
    }
    if (comments) {
      fprintf(out, "%*s# ", 2 * depth, "");
      meaning_print(out, option);
    }
    char *value = option_text(option, config);
    fprintf(out, "%*s%s: %s\n", 2 * depth, "", name, value);
    free(value);
    before = option->path;
  }
  fclose(out);
  return text;
}

void config_list(const Config *config, FILE *out) {
  for (int i = 0; i < option_count; i++) {
    char *value = option_text(&option_table[i], config);
    fprintf(out, "%s\t%s\t", option_table[i].path, value);
    free(value);
    meaning_print(out, &option_table[i]);
  }
}

void config_hash(const Config *config, char text[33]) {
  Hasher *hasher = hash_begin();
  for (int i = 0; i < option_count; i++) {
    if (option_table[i].local) continue;
    char *value = option_text(&option_table[i], config);
    hash_add_text(hasher, option_table[i].path);
    hash_add_text(hasher, value);
    free(value);
  }
  hash_end(hasher, text);
}

const char *config_yaml_version(void) { return yaml_get_version_string(); }
