/* What may not come next, against the definition. */
#include "common/model/forbidden.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/rng.h"
#include "common/model/decode.h"

/* Would the caption with this token have an n-gram twice, whose second is at its end? */
static bool repeats(const int32_t *tokens, int count, int n, int32_t token) {
  int32_t longer[32];
  memcpy(longer, tokens, (size_t)count * sizeof *tokens);
  longer[count++] = token;
  for (int i = 0; i + n < count; i++)
    if (memcmp(longer + i, longer + count - n, (size_t)n * sizeof *tokens) == 0) return true;
  return false;
}

static void test_definition(void **state) {
  (void)state;
  enum { V = 9, MOST = 20 };
  int repeated = 0;
  for (uint32_t round = 0; round < 3000; round++) {
    RngKey key = {.stage = RNG_TEST, .iteration = round};
    int32_t tokens[MOST];
    int count = (int)(round % MOST);
    for (int t = 0; t < count; t++) {
      key.position = (uint32_t)t;
      tokens[t] = TOKENS_SPECIAL + (int32_t)(rng_uniform53(&key) * (V - TOKENS_SPECIAL));
    }
    DecodeRules rules = {
        .min_length = (int)(round % 11), .no_repeat_ngram = (int)(round % 5), .allow_unknown = round % 2};
    Forbidden found;
    forbidden_find(&found, &rules, V, tokens, count);
    int allowed = 0;
    bool wanted[V];
    for (int k = 0; k < V; k++) {
      bool again = rules.no_repeat_ngram && repeats(tokens, count, rules.no_repeat_ngram, k);
      wanted[k] = k == TOKEN_PAD || k == TOKEN_START || (k == TOKEN_UNKNOWN && !rules.allow_unknown) || again ||
                  (k == TOKEN_END && count < rules.min_length);
      allowed += !wanted[k];
      repeated += again;
    }
    if (!allowed) wanted[TOKEN_END] = false;
    int have = 0;
    for (int k = 0; k < V; k++) {
      assert_int_equal(forbidden_has(&found, k), wanted[k]);
      have += wanted[k];
    }
    assert_int_equal(found.count, have);
    for (int i = 1; i < found.count; i++) assert_true(found.token[i - 1] < found.token[i]);
  }
  assert_true(repeated > 1000);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_definition)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
