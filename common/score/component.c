/* Names of the reward's components. */
#include "common/score/component.h"

static const char *const names[REWARD_COMPONENTS] = {
    [REWARD_CIDER_D] = "cider_d",       [REWARD_CIDER] = "cider",   [REWARD_BLEU4] = "bleu4",
    [REWARD_ROUGE_L] = "rouge_l",       [REWARD_METEOR] = "meteor", [REWARD_LENGTH] = "length",
    [REWARD_REPETITION] = "repetition", [REWARD_NO_EOS] = "no_eos",
};

const char *reward_component_name(RewardComponent component) { return names[component]; }
