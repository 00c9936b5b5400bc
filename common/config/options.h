/* The option table: what a row is. Private to common/config. */
#ifndef TROUPE_CONFIG_OPTIONS_H
#define TROUPE_CONFIG_OPTIONS_H

#include <stddef.h>

#include "common/config/config.h"

typedef enum OptionType { OPTION_INT, OPTION_SEED, OPTION_REAL, OPTION_BOOL, OPTION_TEXT, OPTION_CHOICE } OptionType;

typedef struct Option {
  const char *path;
  OptionType type;
  size_t field;        /* offset in Config */
  const char *initial; /* default, as written in YAML */
  double low, high;    /* bounds of numbers, inclusive */
  const char *choices; /* "a|b|c" of OPTION_CHOICE; NULL: any text */
  bool local;          /* does not change the result: left out of config_hash */
  const char *help;
} Option;

extern const Option option_table[];
extern const int option_count;

/* The row of that path, or NULL. A path such as "rewards.cider_d" stands for "rewards.cider_d.weight". */
const Option *option_find(const char *path);

/* The path nearest to a mistyped one (edit distance), or NULL when none is near. */
const char *option_nearest(const char *path);

/* Parses and stores. Errors: BAD_INPUT with what was expected (the caller puts the place before it). */
Status option_store(const Option *option, Config *config, const char *value);

/* The value as YAML text, owned by the caller. */
char *option_text(const Option *option, const Config *config);

#endif
