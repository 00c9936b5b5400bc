/* Components of the reward: their order, which is that of a RESULT message, and their names, which are those of the options
 * rewards.NAME and of the metrics rewards/NAME/mean. actor/reward.c computes them. */
#ifndef TROUPE_SCORE_COMPONENT_H
#define TROUPE_SCORE_COMPONENT_H

/* Values are such that a positive weight rewards the better caption: penalties are <= 0. */
typedef enum RewardComponent {
  REWARD_CIDER_D,    /* 0..10 */
  REWARD_CIDER,      /* original CIDEr, 0..10 */
  REWARD_BLEU4,      /* sentence BLEU-4, 0..1 */
  REWARD_ROUGE_L,    /* 0..1 */
  REWARD_METEOR,     /* 0..1 */
  REWARD_LENGTH,     /* -max(0, words - length_target) */
  REWARD_REPETITION, /* -(share of the caption's n-grams, n = repetition_order, that occurred before in it) */
  REWARD_NO_EOS,     /* -1 for an unfinished caption, else 0 */
  REWARD_COMPONENTS
} RewardComponent;

/* "cider_d", "cider", "bleu4", "rouge_l", "meteor", "length", "repetition", "no_eos". */
const char *reward_component_name(RewardComponent component);

#endif
