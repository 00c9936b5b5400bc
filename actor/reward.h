/* Reward: a caption given as token ids -> one number, the weighted sum of components, each also returned alone for the
 * log. Knows neither datasets nor messages. A new component is one row of the table in reward.c and one name in
 * common/score/component.h. */
#ifndef TROUPE_ACTOR_REWARD_H
#define TROUPE_ACTOR_REWARD_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/status.h"
#include "common/data/vocabulary.h"
#include "common/score/bleu.h"
#include "common/score/cider.h"
#include "common/score/component.h"
#include "common/score/meteor.h"
#include "common/score/ngram.h"
#include "common/score/ptb.h"
#include "common/score/rouge.h"

typedef struct RewardConfig {
  double weight[REWARD_COMPONENTS]; /* a component of weight 0 is not computed; its value is 0 */
  bool include_eos;  /* the end token is a word of the references and of finished candidates (cider*, bleu4, rouge_l) */
  int length_target; /* words */
  int repetition_order; /* 1..4 */
  VocabularyKind kind;  /* of the tokens: pieces are detokenised, and the words of that text are scored */
} RewardConfig;

/* cider_d 1, all else 0; include_eos, target 20 words, repetition of bigrams. */
RewardConfig reward_config_default(void);

typedef struct Reward {
  RewardConfig config;
  uint64_t *token_word; /* owned: [vocabulary] */
  int vocabulary;
  const char **texts; /* owned: references of all pictures behind each other; the strings are borrowed */
  size_t texts_used, texts_room;
  WordRange *pictures; /* owned: [images] references in `texts`; a picture that was never added has count 0 */
  int images;
  NgramDf unit_df; /* of reward_unit_set */
  int cooked;      /* the picture that cider, bleu and references hold, or -1 */
  Cider cider;
  NgramReferences counted; /* the references of the picture that is cooked */
  CiderReferences cider_references;
  RougeScratch rouge;
  WordSpan *references; /* owned: [references_room], in `words` */
  int references_room;
  uint64_t *words; /* owned: of one picture's references */
  size_t words_room;
  uint64_t *candidate; /* owned */
  int candidate_room;
  NgramCounts repeated;
  char **token_text; /* owned: [vocabulary]; NULL unless pieces or METEOR need it */
  PtbTokenizer ptb;  /* of pieces */
  /* METEOR sees text, whose words depend on their neighbours; all of this only where it has a weight */
  Meteor meteor;
  int32_t *meteor_words; /* owned: of one picture's references */
  size_t meteor_words_room;
  MeteorCaption *meteor_references; /* owned: [references_room] */
  char *meteor_text;                /* owned: a candidate */
  int32_t *meteor_candidate;        /* owned */
  size_t meteor_text_room, meteor_candidate_room;
} Reward;

/* token_text [vocabulary]: the word or piece of each id (borrowed during the call). df: document frequencies of the training
 * split, borrowed for the reward's life; NULL when reward_unit_set gives them (cider_d.df: batch). A weight for METEOR
 * needs meteor_data_shared(). */
void reward_init(Reward *reward, const RewardConfig *config, int vocabulary, const char *const *token_text,
                 const NgramDf *df);
void reward_free(Reward *reward); /* idempotent */

/* Gives picture `image` (0..images-1 of the dataset) its references: tokenised text, words separated by spaces (words
 * outside the vocabulary stay distinct). Once a picture, count > 0. The strings are borrowed for the reward's life. */
void reward_add_image(Reward *reward, int image, const char *const *references, int count);

/* cider_d.df: batch. From here on the document frequencies are those of these pictures' references, as in the paper's
 * code, which takes them from each batch of 32. */
void reward_unit_set(Reward *reward, const int32_t *images, int count);

/* Scores `captions` captions of one picture. tokens[c][0..lengths[c]): generated ids without the start token; a
 * finished caption's last token is the end token, which lengths counts. Writes rewards [captions] and, unless NULL,
 * components [captions, REWARD_COMPONENTS], unweighted. */
void reward_score(Reward *reward, int image, int captions, const int32_t *const *tokens, const int32_t *lengths,
                  const bool *finished, double *rewards, double *components);

/* Do the references fit the vocabulary and the document frequencies? What does not is the usual cause of rewards near zero.
 * Looks at up to 256 of the pictures: most of the references' words must be tokens (where tokens are words); with a given df (cider_d.df: train) most
 * must be known to it, too, and each picture's first reference must score against the others as a person's caption does,
 * whose mean CIDEr-D is about 0.8. Errors: BAD_INPUT with the figures. */
Status reward_check(Reward *reward);

#endif
