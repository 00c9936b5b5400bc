/* From caption lists to a dataset's words. */
#include "common/tool/corpus.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/hash.h"
#include "common/base/log.h"
#include "common/data/h5.h"
#include "common/data/vocabulary.h"
#include "common/model/decode.h"
#include "common/score/ngram.h"
#include "common/score/ptb.h"

_Static_assert((int)WORD_PAD == (int)TOKEN_PAD && (int)WORD_START == (int)TOKEN_START &&
                   (int)WORD_END == (int)TOKEN_END && (int)WORD_UNKNOWN == (int)TOKEN_UNKNOWN &&
                   (int)WORDS_SPECIAL == (int)TOKENS_SPECIAL,
               "the vocabulary's special tokens are those that decoding knows");

/* --- which pictures ------------------------------------------------------------------------------------------------ */

/* Notes the list's pictures in list_of (index of the list + 1). */
static Status list_apply(Corpus *corpus, const CaptionList *captions, const SplitList *lists, int index, int *list_of) {
  Names names;
  TRY(name_list_read(&names, lists[index].path));
  Status status = OK;
  for (int i = 0; i < names.count && status == OK; i++) {
    const char *name = names.text[i];
    int at = names_find(&captions->files, name, strlen(name));
    if (at < 0) names_intern(&corpus->missing, name, strlen(name));
    else if (list_of[at] && strcmp(lists[list_of[at] - 1].name, lists[index].name) != 0)
      status = status_set(BAD_INPUT, "%s: %s is in the split %s already", lists[index].path, name,
                          lists[list_of[at] - 1].name);
    else list_of[at] = index + 1;
  }
  names_free(&names);
  return status;
}

/* A picture that no list names, and where its name stands in a shuffled order. */
typedef struct Dealt {
  char hash[HASH_TEXT];
  int at;
} Dealt;

static int dealt_order(const void *a, const void *b) {
  const Dealt *one = a, *other = b;
  int order = strcmp(one->hash, other->hash);
  return order ? order : one->at - other->at;
}

/* Whole pictures for each share, at least one. The same pictures whatever their order in the file. */
static Status shares_deal(const CaptionList *captions, const SplitList *lists, int list_count, int *list_of) {
  Dealt *dealt = xcalloc((size_t)captions->files.count + 1, sizeof *dealt);
  int count = 0, taken = 0;
  double shares = 0;
  for (int l = 0; l < list_count; l++) shares += lists[l].share;
  for (int i = 0; i < captions->files.count && shares > 0; i++) {
    if (list_of[i]) continue;
    hash_bytes(captions->files.text[i], strlen(captions->files.text[i]), dealt[count].hash);
    dealt[count++].at = i;
  }
  qsort(dealt, (size_t)count, sizeof *dealt, dealt_order);
  for (int l = 0; l < list_count; l++) {
    int wanted = lists[l].share > 0 ? (int)(lists[l].share * count + 0.5) : 0;
    if (lists[l].share > 0 && !wanted) wanted = 1;
    for (; wanted && taken < count; wanted--) list_of[dealt[taken++].at] = l + 1;
  }
  free(dealt);
  return shares < 1
             ? OK
             : status_set(BAD_INPUT, "--split: shares of %g %%; less than 100 %% was expected, train has the rest",
                          100 * shares);
}

static const char *split_of(const CaptionImage *image, const SplitList *lists, int list_count, int list) {
  if (list) return lists[list - 1].name;
  for (int l = 0; l < list_count; l++)
    if (lists[l].share > 0) return "train";
  if (list_count) return NULL;
  return *image->split ? image->split : "train";
}

/* Tokenises; captions without a word are dropped. */
static void captions_take(Corpus *corpus, CorpusImage *image, const CaptionImage *source, PtbTokenizer *ptb) {
  image->text = xcalloc((size_t)source->captions + 1, sizeof *image->text);
  image->words = xcalloc((size_t)source->captions + 1, sizeof *image->words);
  for (int k = 0; k < source->captions; k++) {
    if (ptb_tokenize(ptb, source->caption[k], strlen(source->caption[k])) == 0) {
      corpus->empty_captions++;
      continue;
    }
    image->text[image->captions] = source->caption[k];
    image->words[image->captions++] = xstrdup(ptb_joined(ptb));
  }
}

static void image_drop(CorpusImage *image) {
  for (int k = 0; k < image->captions; k++) free(image->words[k]);
  for (int k = 0; image->mirrored && k < image->captions; k++) free(image->text[k]);
  if (image->mirrored) free((char *)image->id);
  free(image->words);
  free(image->text);
}

static Status images_take(Corpus *corpus, const CaptionList *captions, const SplitList *lists, int list_count,
                          const int *list_of) {
  PtbTokenizer ptb;
  ptb_init(&ptb);
  corpus->images = xcalloc((size_t)captions->files.count + 1, sizeof *corpus->images);
  int training = 0;
  Status status = OK;
  for (int i = 0; i < captions->files.count && status == OK; i++) {
    const CaptionImage *source = &captions->images[i];
    const char *split = split_of(source, lists, list_count, list_of[i]);
    if (!split) continue;
    CorpusImage *image = &corpus->images[corpus->count];
    *image = (CorpusImage){.id = source->id, .file = captions->files.text[i]};
    captions_take(corpus, image, source, &ptb);
    if (strlen(split) >= SPLIT_NAME) {
      status = status_set(BAD_INPUT, "%s: its split '%s' is longer than %d bytes", image->file, split, SPLIT_NAME - 1);
    } else if (!image->captions) {
      corpus->silent_images++;
    } else {
      strcpy(image->split, split);
      training += strcmp(split, "train") == 0;
      corpus->count++;
      continue;
    }
    image_drop(image);
  }
  ptb_free(&ptb);
  if (status == OK && !training)
    status =
        status_set(BAD_INPUT, "no picture is in the split train, which vocabulary and document frequencies come from; "
                              "--split train=LIST, or shares of the others such as --split val=10%%, was expected");
  return status;
}

Status corpus_select(Corpus *corpus, const CaptionList *captions, const SplitList *lists, int list_count) {
  *corpus = (Corpus){0};
  int *list_of = xcalloc((size_t)captions->files.count + 1, sizeof *list_of);
  Status status = OK;
  for (int i = 0; i < list_count && status == OK; i++)
    if (lists[i].path) status = list_apply(corpus, captions, lists, i, list_of);
  if (status == OK) status = shares_deal(captions, lists, list_count, list_of);
  if (status == OK) status = images_take(corpus, captions, lists, list_count, list_of);
  free(list_of);
  if (status != OK) corpus_free(corpus);
  return status;
}

void corpus_free(Corpus *corpus) {
  for (int i = 0; i < corpus->count; i++) image_drop(&corpus->images[i]);
  free(corpus->images);
  names_free(&corpus->missing);
  *corpus = (Corpus){0};
}

/* --- the content --------------------------------------------------------------------------------------------------- */

static void images_fill(const Corpus *corpus, const bool *keep, Dataset *content) {
  int images = 0, captions = 0;
  for (int i = 0; i < corpus->count; i++) {
    if (!keep[i]) continue;
    images++;
    captions += corpus->images[i].captions;
  }
  content->images = images;
  content->captions = captions;
  content->image_id = xcalloc((size_t)images + 1, sizeof *content->image_id);
  content->image_file = xcalloc((size_t)images + 1, sizeof *content->image_file);
  content->image_split = xcalloc((size_t)images + 1, sizeof *content->image_split);
  content->image_first = xcalloc((size_t)images + 1, sizeof *content->image_first);
  content->text = xcalloc((size_t)captions + 1, sizeof *content->text);
  content->words = xcalloc((size_t)captions + 1, sizeof *content->words);
  int at = 0, caption = 0;
  for (int i = 0; i < corpus->count; i++) {
    const CorpusImage *image = &corpus->images[i];
    if (!keep[i]) continue;
    content->image_id[at] = xstrdup(image->id);
    content->image_file[at] = xstrdup(image->file);
    strcpy(content->image_split[at], image->split);
    for (int k = 0; k < image->captions; k++, caption++) {
      content->text[caption] = xstrdup(image->text[k]);
      content->words[caption] = xstrdup(image->words[k]);
    }
    content->image_first[++at] = caption;
  }
}

/* Mirrored pictures do not count: the vocabulary and the reward's frequencies are those of the captions as they came. */
static bool is_training(const Dataset *content, int image) {
  const char *id = content->image_id[image];
  size_t length = strlen(id), tail = strlen(MIRROR_SUFFIX);
  bool mirrored = length >= tail && strcmp(id + length - tail, MIRROR_SUFFIX) == 0;
  return !mirrored && strcmp(content->image_split[image], "train") == 0;
}

static void vocabulary_count(const Dataset *content, long min_count, Vocabulary *vocabulary) {
  WordCounts counts = {0};
  for (int i = 0; i < content->images; i++)
    for (int c = content->image_first[i]; is_training(content, i) && c < content->image_first[i + 1]; c++)
      word_counts_add(&counts, content->words[c], 1);
  vocabulary_build(vocabulary, &counts, min_count);
  word_counts_free(&counts);
}

static void tokens_fill(Dataset *content, const CorpusTokens *options) {
  const Pieces *pieces = options->pieces;
  int stride = options->max_length;
  Vocabulary words = {0};
  if (!pieces) vocabulary_count(content, options->min_count, &words);
  const Names *tokens = pieces ? &pieces->vocabulary.tokens : &words.tokens;
  content->kind = pieces ? pieces->kind : VOCABULARY_WORDS;
  content->vocabulary = tokens->count;
  content->token = xcalloc((size_t)content->vocabulary, sizeof *content->token);
  for (int i = 0; i < content->vocabulary; i++) content->token[i] = xstrdup(tokens->text[i]);
  content->token_stride = stride;
  content->tokens = xcalloc((size_t)content->captions + 1, (size_t)stride * sizeof *content->tokens);
  content->length = xcalloc((size_t)content->captions + 1, sizeof *content->length);
  for (int c = 0; c < content->captions; c++) {
    int32_t *ids = content->tokens + (size_t)c * (size_t)stride;
    content->length[c] = pieces ? pieces_encode(pieces, content->text[c], ids, stride)
                                : vocabulary_encode(&words, content->words[c], ids, stride);
  }
  vocabulary_free(&words);
}

/* One document a training picture: its references, each with the end token behind it. */
static void frequencies_fill(Dataset *content) {
  NgramDf df;
  NgramCounts scratch;
  ngram_df_init(&df);
  ngram_counts_init(&scratch);
  uint64_t *words = NULL;
  size_t room = 0;
  int most = 1;
  for (int i = 0; i < content->images; i++) {
    int n = content->image_first[i + 1] - content->image_first[i];
    if (n > most) most = n;
  }
  WordSpan *spans = xcalloc((size_t)most, sizeof *spans);
  for (int i = 0; i < content->images; i++) {
    if (!is_training(content, i)) continue;
    int first = content->image_first[i], count = content->image_first[i + 1] - first;
    size_t used = 0;
    for (int k = 0; k < count; k++)
      spans[k].count = ngram_words_append(content->words[first + k], true, &words, &used, &room);
    const uint64_t *at = words; /* only now: appending moves the block */
    for (int k = 0; k < count; at += spans[k++].count) spans[k].words = at;
    ngram_df_add(&df, spans, count, &scratch);
  }
  content->ngrams = df.used;
  content->ngram_documents = (int)df.documents;
  content->ngram_key = xcalloc(df.used + 1, sizeof *content->ngram_key);
  content->ngram_df = xcalloc(df.used + 1, sizeof *content->ngram_df);
  ngram_df_export(&df, content->ngram_key, content->ngram_df);
  free(spans);
  free(words);
  ngram_counts_free(&scratch);
  ngram_df_free(&df);
}

Status corpus_content(const Corpus *corpus, const bool *keep, const CorpusTokens *options, Dataset *content) {
  *content = (Dataset){0};
  images_fill(corpus, keep, content);
  bool training = false;
  for (int i = 0; i < content->images; i++) training |= is_training(content, i);
  if (!training) return status_set(BAD_INPUT, "no picture of the split train could be read; at least one was expected");
  tokens_fill(content, options);
  if (content->vocabulary == WORDS_SPECIAL)
    return status_set(BAD_INPUT,
                      "--min-count %ld: no word is that often in the captions of train; a smaller number was expected",
                      options->min_count);
  frequencies_fill(content);
  return OK;
}
