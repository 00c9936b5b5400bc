/* Short sorted lists: rarely more than the special tokens. */
#include "common/model/forbidden.h"

#include <string.h>

#include "common/base/status.h"
#include "common/model/decode.h"

static void add(Forbidden *forbidden, int32_t token) {
  int at = forbidden->count;
  for (; at > 0 && forbidden->token[at - 1] > token; at--) continue;
  if (at > 0 && forbidden->token[at - 1] == token) return;
  CHECK(forbidden->count < FORBIDDEN_MAX);
  memmove(forbidden->token + at + 1, forbidden->token + at, (size_t)(forbidden->count++ - at) * sizeof token);
  forbidden->token[at] = token;
}

/* Each token that followed the last n - 1 tokens before. */
static void add_repeats(Forbidden *forbidden, int n, const int32_t *tokens, int count) {
  const int32_t *tail = tokens + count - (n - 1);
  for (int i = 0; i + n <= count; i++)
    if (memcmp(tokens + i, tail, (size_t)(n - 1) * sizeof *tokens) == 0) add(forbidden, tokens[i + n - 1]);
}

void forbidden_find(Forbidden *forbidden, const DecodeRules *rules, int vocabulary, const int32_t *tokens, int count) {
  forbidden->count = 0;
  add(forbidden, TOKEN_PAD);
  add(forbidden, TOKEN_START);
  if (count < rules->min_length) add(forbidden, TOKEN_END);
  if (!rules->allow_unknown) add(forbidden, TOKEN_UNKNOWN);
  if (rules->no_repeat_ngram > 0 && rules->no_repeat_ngram <= count)
    add_repeats(forbidden, rules->no_repeat_ngram, tokens, count);
  if (forbidden->count < vocabulary) return;
  memmove(forbidden->token + TOKEN_END, forbidden->token + TOKEN_END + 1,
          (size_t)(--forbidden->count - TOKEN_END) * sizeof *forbidden->token);
}

bool forbidden_has(const Forbidden *forbidden, int32_t token) {
  int i = 0;
  while (i < forbidden->count && forbidden->token[i] < token) i++;
  return i < forbidden->count && forbidden->token[i] == token;
}
