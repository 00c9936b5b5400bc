/* troupe prepare: pictures and captions -> one dataset file. */
#include <errno.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/arguments.h"
#include "common/base/file.h"
#include "common/base/log.h"
#include "common/data/vocabulary.h"
#include "common/tensor/gemm.h"
#include "common/tool/gridder.h"
#include "common/tool/mirror.h"
#include "common/tool/stop.h"
#include "common/tool/verbs.h"

enum { NAMED_MOST = 50 };

typedef struct Prepare {
  const char *images, *captions, *labels, *features, *out, *encoder, *weights;
  const char *vocabulary, *vocabulary_file, *merges_file;
  VocabularyKind kind;
  Pieces pieces; /* unless words */
  ArgumentList split_text, mirror;
  SplitList split[ARGUMENT_LIST_MAX];
  int splits;
  bool skip_broken, float32;
  int threads, min_count, max_length;
} Prepare;

static const char *const usage =
    "usage: troupe prepare --images DIR | --features F --captions FILE --out F.h5 [options]\n\n"
    "Reads pictures (JPEG, PNG), or features that another program made of them, and captions, and writes one dataset file:\n"
    "grid features, captions, and the vocabulary and document frequencies of the split train. Ctrl-C stops it; the same\n"
    "command goes on where it was stopped.\n";

static Status split_parse(Prepare *prepare, const char *text) {
  const char *equals = strchr(text, '=');
  size_t n = equals ? (size_t)(equals - text) : 0;
  if (!n || n >= SPLIT_NAME || !equals[1])
    return status_set(BAD_INPUT, "--split: '%s'; NAME=LISTFILE or NAME=10%% was expected, NAME of at most %d bytes",
                      text, SPLIT_NAME - 1);
  if (strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.") < n)
    return status_set(BAD_INPUT, "--split: '%s'; a name of letters, digits, '_', '-' and '.' was expected", text);
  SplitList *split = &prepare->split[prepare->splits++];
  memcpy(split->name, text, n);
  split->name[n] = 0;
  char *end;
  double share = strtod(equals + 1, &end);
  if (strcmp(end, "%") != 0) split->path = xstrdup(equals + 1);
  else split->share = share / 100;
  return split->path || (split->share > 0 && split->share < 1)
             ? OK
             : status_set(BAD_INPUT, "--split: '%s'; a share above 0 %% and below 100 %% was expected", text);
}

/* --features stands in place of all that makes features of pictures. */
static Status features_options(Prepare *p) {
  if (p->images || p->weights || p->mirror.count)
    return status_set(BAD_INPUT, "--features excludes --%s: nothing is done to pictures",
                      p->images    ? "images"
                      : p->weights ? "weights"
                                   : "mirror");
  if (!p->encoder) p->encoder = "imported";
  if (encoder_exists(p->encoder))
    return status_set(BAD_INPUT,
                      "--encoder %s: is one of troupe's own; another name for features from elsewhere was expected",
                      p->encoder);
  if (strlen(p->encoder) >= sizeof((Dataset *)0)->encoder)
    return status_set(BAD_INPUT, "--encoder %s: a name of at most %zu bytes was expected", p->encoder,
                      sizeof((Dataset *)0)->encoder - 1);
  return OK;
}

/* Which files a kind of vocabulary wants. */
static Status vocabulary_options(Prepare *p) {
  if (!vocabulary_kind_find(p->vocabulary, &p->kind))
    return status_set(BAD_INPUT, "--vocabulary: '%s'; words, wordpiece or bpe was expected", p->vocabulary);
  if (p->kind != VOCABULARY_WORDS && !p->vocabulary_file)
    return status_set(BAD_INPUT, "--vocabulary %s: --vocabulary-file %s is missing", p->vocabulary,
                      p->kind == VOCABULARY_BPE ? "vocab.json with --merges-file merges.txt, or tokenizer.json,"
                                                : "vocab.txt");
  if (p->kind == VOCABULARY_WORDS && p->vocabulary_file)
    return status_set(BAD_INPUT, "--vocabulary-file: --vocabulary wordpiece or bpe was expected with it");
  if (p->kind != VOCABULARY_BPE && p->merges_file)
    return status_set(BAD_INPUT, "--merges-file: --vocabulary bpe was expected with it");
  return OK;
}

static Status options_parse(Prepare *p, int argc, char **argv, int *first) {
  const Argument table[] = {
      {"images", 0, ARGUMENT_TEXT, &p->images, 0, 0, "DIR", "the folder of the pictures"},
      {"features", 0, ARGUMENT_TEXT, &p->features, 0, 0, "F",
       "in place of pictures, features that are ready, [F], [N, F] or [rows, columns, F] each: a\n"
       "folder of ID.npz (array feat) or ID.npy, or an HDF5 file with arrays ID or ID_features.\n"
       "ID: the picture's id (COCO's number), or its file's name. N may differ between pictures"},
      {"captions", 0, ARGUMENT_TEXT, &p->captions, 0, 0, "FILE",
       "captions.txt or .token of Flickr8k/30k, Karpathy's dataset_*.json, COCO's captions_*.json,\n"
       "self-critical.pytorch's cocotalk.json (with --labels)"},
      {"labels", 0, ARGUMENT_TEXT, &p->labels, 0, 0, "FILE",
       "cocotalk_label.h5, which holds the captions of a cocotalk.json"},
      {"split", 0, ARGUMENT_LIST, &p->split_text, 0, 0, "NAME=LIST",
       "pictures of a split, named one a line in the file LIST, or a share such as 10% drawn by\n"
       "their names, the rest being train; once for each split. Without it: the caption file's\n"
       "own splits, or everything is train"},
      {"mirror", 0, ARGUMENT_LIST, &p->mirror, 0, 0, "SPLIT",
       "adds each picture of the split mirrored, left and right exchanged in its captions:\naugmentation"},
      {"out", 0, ARGUMENT_TEXT, &p->out, 0, 0, "F.h5",
       "the dataset file; appears when it is whole; its folder is made"},
      {"encoder", 0, ARGUMENT_TEXT, &p->encoder, 0, 0, "NAME",
       "patches (default), efficientnet-lite0, -lite1, -lite2, resnet50, resnet101 (7x7 cells),\n"
       "resnet50-448, resnet101-448 (14x14); with --features what to call them (imported)"},
      {"weights", 0, ARGUMENT_TEXT, &p->weights, 0, 0, "FILE",
       "the encoder's weights (safetensors); else looked for in TROUPE_ENCODERS and encoders/"},
      {"skip-broken", 0, ARGUMENT_FLAG, &p->skip_broken, 0, 0, NULL,
       "goes on without pictures that are missing or cannot be read; they are listed all the same"},
      {"threads", 'n', ARGUMENT_INTEGER, &p->threads, 1, 1024, "N", "default: all cores"},
      {"vocabulary", 0, ARGUMENT_TEXT, &p->vocabulary, 0, 0, "KIND",
       "what tokens are: words (default), wordpiece (BERT uncased), bpe (GPT-2's byte-level)"},
      {"vocabulary-file", 0, ARGUMENT_TEXT, &p->vocabulary_file, 0, 0, "FILE",
       "the pieces: BERT's vocab.txt; GPT-2's vocab.json (or a tokenizer.json of its kind)"},
      {"merges-file", 0, ARGUMENT_TEXT, &p->merges_file, 0, 0, "FILE", "GPT-2's merges.txt, with a vocab.json"},
      {"min-count", 0, ARGUMENT_INTEGER, &p->min_count, 1, 1000000, "N",
       "words with fewer occurrences in train are unknown (default 5); not for pieces"},
      {"max-length", 0, ARGUMENT_INTEGER, &p->max_length, 2, 4096, "N",
       "captions are cut at N tokens, the end token counts (default 20)"},
      {"float32", 0, ARGUMENT_FLAG, &p->float32, 0, 0, NULL, "stores features as float32, not float16"},
      {0}};
  TRY(arguments_parse(usage, table, argc, argv, first));
  if (!*first) return OK;
  for (int i = 0; i < p->split_text.count; i++) TRY(split_parse(p, p->split_text.text[i]));
  if (*first < argc) return status_set(BAD_INPUT, "'%s' is not an option; see troupe prepare --help", argv[*first]);
  if (!p->images && !p->features)
    return status_set(BAD_INPUT, "--images DIR or --features F is missing; see troupe prepare --help");
  if (!p->captions) return status_set(BAD_INPUT, "--captions FILE is missing; see troupe prepare --help");
  if (!p->out) return status_set(BAD_INPUT, "--out F.h5 is missing; see troupe prepare --help");
  TRY(vocabulary_options(p));
  if (p->features) return features_options(p);
  if (!p->encoder) p->encoder = "patches";
  if (!folder_exists(p->images)) return status_set(BAD_INPUT, "%s: no such folder of pictures", p->images);
  return OK;
}

/* The output's folder is made before hours of work go into it. */
static Status out_folder(const char *out) {
  if (folder_exists(out)) return status_set(BAD_INPUT, "%s: is a folder; a file was expected", out);
  char *folder = path_folder(out);
  Status status = folder_create(folder);
  if (status == OK && access(folder, W_OK))
    status = status_set(FAILED, "%s: its folder cannot be written: %s", out, strerror(errno));
  free(folder);
  return status;
}

static Status encoder_choose(const Prepare *prepare, Encoder **encoder) {
  if (prepare->weights || !encoder_needs_weights(prepare->encoder))
    return encoder_open(encoder, prepare->encoder, prepare->weights);
  char *found;
  Status status = encoder_find_weights(prepare->encoder, "", NULL, &found);
  if (status != OK) return status_prefix(status, "--weights is not given");
  status = encoder_open(encoder, prepare->encoder, found);
  free(found);
  return status;
}

/* Names what the lists or the captions name and is not there or cannot be read. */
static Status faults_report(const Prepare *prepare, const Corpus *corpus, const Gridder *gridder) {
  int shown = 0, faults = corpus->missing.count + gridder->broken;
  for (int i = 0; i < corpus->missing.count && shown < NAMED_MOST; i++, shown++)
    log_warning("%s: is in a list but has no captions in %s", corpus->missing.text[i], prepare->captions);
  for (int i = 0; i < corpus->count && shown < NAMED_MOST; i++) {
    if (!gridder->fault[i]) continue;
    log_warning("%s", gridder->fault[i]);
    shown++;
  }
  if (faults > shown) log_warning("and %d more", faults - shown);
  if (!faults || prepare->skip_broken) return OK;
  if (gridder->broken == corpus->count && prepare->images)
    return status_set(BAD_INPUT,
                      "all %d pictures are missing or unreadable (named above): nothing was written; is %s the "
                      "folder in which %s names them?",
                      corpus->count, prepare->images, prepare->captions);
  return status_set(BAD_INPUT,
                    "%d picture%s missing or unreadable (named above): nothing was written; --skip-broken goes on "
                    "without",
                    faults, faults > 1 ? "s are" : " is");
}

static void summary_print(const Prepare *prepare, const Dataset *content, const Corpus *corpus, const Gridder *gridder,
                          const char *hash) {
  long words = 0, unknown = 0, cut = 0;
  for (int c = 0; c < content->captions; c++) {
    const int32_t *ids = content->tokens + (size_t)c * (size_t)content->token_stride;
    int length = content->length[c];
    bool whole = ids[length - 1] == WORD_END;
    cut += !whole;
    words += length - whole;
    for (int t = 0; t < length; t++) unknown += ids[t] == WORD_UNKNOWN;
  }
  struct stat info;
  double megabytes = stat(prepare->out, &info) ? 0 : (double)info.st_size / 1e6;
  printf(
      "%s: %d pictures, %d captions, vocabulary %d (%.2f %% of words unknown, %.2f %% of captions cut at %d tokens)\n",
      prepare->out, content->images, content->captions, content->vocabulary,
      words ? 100.0 * (double)unknown / (double)words : 0,
      100.0 * (double)cut / (double)(content->captions ? content->captions : 1), content->token_stride);
  printf("grids %s%d x %d by %s, %s; %zu n-grams of %d documents; %.1f MB; content %s\n",
         content->image_cells ? "of up to " : "", content->cells, content->features, content->encoder,
         prepare->float32 ? "float32" : "float16", content->ngrams, content->ngram_documents, megabytes, hash);
  printf("%.1f s for the pictures, %.1f/s on %d thread%s\n", gridder->seconds,
         (double)corpus->count / (gridder->seconds > 0 ? gridder->seconds : 1), gridder->threads,
         gridder->threads > 1 ? "s" : "");
}

/* Where the features come from. */
static void origin_fill(const Prepare *prepare, const Gridder *gridder, Dataset *content) {
  const Encoder *encoder = gridder->encoder;
  snprintf(content->encoder, sizeof content->encoder, "%s", gridder->name);
  if (encoder) {
    snprintf(content->encoder_hash, sizeof content->encoder_hash, "%s", encoder_weights_hash(encoder));
    snprintf(content->preprocessing, sizeof content->preprocessing, "%s", encoder_preprocessing(encoder));
  } else {
    snprintf(content->preprocessing, sizeof content->preprocessing, "features made elsewhere: %.200s",
             path_name(prepare->features));
  }
}

/* image/cells, where some picture that is kept has fewer than N. */
static void cells_fill(const Corpus *corpus, const Gridder *gridder, Dataset *content) {
  bool fewer = false;
  int at = 0;
  if (!gridder->cells_of) return;
  content->image_cells = xmalloc(((size_t)content->images + 1) * sizeof *content->image_cells);
  for (int i = 0; i < corpus->count; i++) {
    if (!gridder->keep[i]) continue;
    content->image_cells[at++] = gridder->cells_of[i];
    fewer |= gridder->cells_of[i] < gridder->cells;
  }
  if (fewer) return;
  free(content->image_cells);
  content->image_cells = NULL;
}

/* What the features of the pictures depend on, so that only the same work is taken up again. */
static void work_identify(const Prepare *prepare, const Corpus *corpus, const Gridder *gridder, char text[HASH_TEXT]) {
  const Encoder *encoder = gridder->encoder;
  Hasher *hasher = hash_begin();
  hash_add_text(hasher, gridder->name);
  hash_add_text(hasher, encoder ? encoder_weights_hash(encoder) : prepare->features);
  hash_add_text(hasher, encoder ? encoder_preprocessing(encoder) : "");
  hash_add_text(hasher, encoder ? prepare->images : "");
  for (int i = 0; i < corpus->count; i++) {
    hash_add_text(hasher, corpus->images[i].id);
    hash_add_text(hasher, corpus->images[i].file);
    hash_add(hasher, &corpus->images[i].mirrored, sizeof corpus->images[i].mirrored);
  }
  hash_end(hasher, text);
}

/* After a signal: what is done is kept. Frees the writer. */
static Status work_stop(const Prepare *prepare, const Corpus *corpus, const Gridder *gridder, const char *identity,
                        DatasetWriter *writer) {
  int before = dataset_part_done(gridder->part), done = gridder->done > before ? gridder->done : before;
  if (gridder->done > before) TRY(dataset_part_write(writer, identity, gridder->keep, gridder->done));
  else dataset_write_abandon(writer);
  if (!done) return status_set(FAILED, "stopped; nothing was written");
  return status_set(FAILED, "stopped after %d of %d pictures, which %s.part keeps: the same command goes on from there",
                    done, corpus->count, prepare->out);
}

/* Features and all else into `writer`, which is freed. */
static Status dataset_fill(const Prepare *prepare, const Corpus *corpus, Gridder *gridder, const char *identity,
                           DatasetWriter *writer) {
  Dataset content = {0};
  Status status = gridder_run(gridder, corpus, writer);
  if (status == OK && gridder->stopped) return work_stop(prepare, corpus, gridder, identity, writer);
  if (status == OK) status = faults_report(prepare, corpus, gridder);
  const Pieces *pieces = prepare->kind == VOCABULARY_WORDS ? NULL : &prepare->pieces;
  CorpusTokens tokens = {pieces, prepare->min_count, prepare->max_length};
  if (status == OK) status = corpus_content(corpus, gridder->keep, &tokens, &content);
  if (status != OK) {
    dataset_write_abandon(writer);
  } else {
    origin_fill(prepare, gridder, &content);
    cells_fill(corpus, gridder, &content);
    status = dataset_write_finish(writer, &content);
  }
  if (status == OK) summary_print(prepare, &content, corpus, gridder, content.content_hash);
  dataset_close(&content);
  return status;
}

static Status dataset_make(const Prepare *prepare, const Corpus *corpus, Gridder *gridder) {
  DatasetWriter *writer;
  char identity[HASH_TEXT];
  bool half = !prepare->float32;
  TRY(gridder_survey(gridder, corpus));
  work_identify(prepare, corpus, gridder, identity);
  gridder->part = dataset_part_open(prepare->out, identity, gridder->cells, gridder->features, half);
  if (gridder->part)
    log_info("goes on after %d of %d pictures, from %s.part", dataset_part_done(gridder->part), corpus->count,
             prepare->out);
  stop_watch();
  Status status = dataset_write_begin(&writer, prepare->out, gridder->cells, gridder->features, half);
  if (status == OK) status = dataset_fill(prepare, corpus, gridder, identity, writer);
  stop_forget();
  dataset_part_close(gridder->part);
  gridder->part = NULL;
  if (status == OK) dataset_part_remove(prepare->out);
  return status;
}

static Status prepare_run(const Prepare *prepare) {
  CaptionList captions;
  Corpus corpus = {0};
  Encoder *encoder = NULL;
  FeatureSource *source = NULL;
  TRY(prepare->labels ? captions_read_labelled(&captions, prepare->captions, prepare->labels)
                      : captions_read_file(&captions, prepare->captions));
  Status status = corpus_select(&corpus, &captions, prepare->split, prepare->splits);
  for (int i = 0; i < prepare->mirror.count && status == OK; i++)
    status = corpus_mirror(&corpus, prepare->mirror.text[i]);
  if (status == OK)
    status = prepare->features ? features_open(&source, prepare->features) : encoder_choose(prepare, &encoder);
  if (status == OK) status = out_folder(prepare->out);
  if (status == OK) {
    if (corpus.empty_captions) log_warning("%d captions without a word are left out", corpus.empty_captions);
    if (corpus.silent_images) log_warning("%d pictures without captions are left out", corpus.silent_images);
    Gridder gridder = {.encoder = encoder,
                       .folder = prepare->images,
                       .source = source,
                       .name = prepare->encoder,
                       .threads = prepare->threads};
    status = dataset_make(prepare, &corpus, &gridder);
    gridder_free(&gridder, &corpus);
  }
  encoder_close(encoder);
  features_close(source);
  corpus_free(&corpus);
  caption_list_free(&captions);
  return status;
}

int verb_prepare(int argc, char **argv) {
  Prepare prepare = {.vocabulary = "words", .threads = omp_get_num_procs(), .min_count = 5, .max_length = 20};
  int first;
  Status status = options_parse(&prepare, argc, argv, &first);
  gemm_init();
  if (status == OK && first && prepare.kind != VOCABULARY_WORDS)
    status = pieces_read(&prepare.pieces, prepare.kind, prepare.vocabulary_file, prepare.merges_file);
  if (status == OK && first) status = prepare_run(&prepare);
  pieces_free(&prepare.pieces);
  for (int i = 0; i < prepare.splits; i++) free(prepare.split[i].path);
  if (status != OK) log_error("%s", status_message());
  return (int)status;
}
