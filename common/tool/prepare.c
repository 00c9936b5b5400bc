/* troupe prepare: pictures and captions -> one dataset file. */
#include <errno.h>
#include <getopt.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/file.h"
#include "common/base/log.h"
#include "common/data/vocabulary.h"
#include "common/tensor/gemm.h"
#include "common/tool/gridder.h"
#include "common/tool/mirror.h"
#include "common/tool/options.h"
#include "common/tool/verbs.h"

enum { SPLITS_MAX = 16, NAMED_MOST = 50 };

typedef struct Prepare {
  const char *images, *captions, *out, *encoder, *weights;
  SplitList split[SPLITS_MAX];
  int splits, mirrors;
  const char *mirror[SPLITS_MAX];
  bool skip_broken, float32;
  long threads, min_count, max_length;
} Prepare;

static const char *const help =
    "usage: troupe prepare --images DIR --captions FILE --out F.h5 [options]\n\n"
    "Reads pictures (JPEG, PNG) and captions and writes one dataset file: grid features, captions, and the vocabulary and\n"
    "document frequencies of the split train.\n\n"
    "  --images DIR          the folder of the pictures\n"
    "  --captions FILE       captions.txt or .token of Flickr8k/30k, Karpathy's dataset_*.json, COCO's captions_*.json\n"
    "  --split NAME=LIST     pictures of a split, named one a line in the file LIST; once for each split. Without it: the\n"
    "                        caption file's own splits, or everything is train\n"
    "  --mirror SPLIT        adds each picture of the split mirrored, left and right exchanged in its captions: augmentation\n"
    "  --out F.h5            the dataset file; appears when it is whole; its folder is made\n"
    "  --encoder NAME        patches (default), efficientnet-lite0\n"
    "  --weights FILE        the encoder's weights (safetensors); else looked for in TROUPE_ENCODERS and encoders/\n"
    "  --skip-broken         goes on without pictures that are missing or cannot be read; they are listed all the same\n"
    "  --threads N           default: all cores\n"
    "  --min-count N         words with fewer occurrences in train are unknown (default 5)\n"
    "  --max-length N        captions are cut at N tokens, the end token counts (default 20)\n"
    "  --float32             stores features as float32, not float16\n";

static Status split_parse(Prepare *prepare, const char *text) {
  const char *equals = strchr(text, '=');
  size_t n = equals ? (size_t)(equals - text) : 0;
  if (!n || n >= SPLIT_NAME || !equals[1])
    return status_set(BAD_INPUT, "--split: '%s'; NAME=LISTFILE was expected, NAME of at most %d bytes", text,
                      SPLIT_NAME - 1);
  if (strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.") < n)
    return status_set(BAD_INPUT, "--split: '%s'; a name of letters, digits, '_', '-' and '.' was expected", text);
  if (prepare->splits == SPLITS_MAX) return status_set(BAD_INPUT, "--split: more than %d", SPLITS_MAX);
  SplitList *split = &prepare->split[prepare->splits++];
  memcpy(split->name, text, n);
  split->name[n] = 0;
  split->path = xstrdup(equals + 1);
  return OK;
}

static Status options_parse(Prepare *prepare, int argc, char **argv, bool *wants_help) {
  static const struct option options[] = {{"images", required_argument, NULL, 'i'},
                                          {"captions", required_argument, NULL, 'c'},
                                          {"split", required_argument, NULL, 's'},
                                          {"mirror", required_argument, NULL, 'r'},
                                          {"out", required_argument, NULL, 'o'},
                                          {"encoder", required_argument, NULL, 'e'},
                                          {"weights", required_argument, NULL, 'w'},
                                          {"skip-broken", no_argument, NULL, 'b'},
                                          {"threads", required_argument, NULL, 't'},
                                          {"min-count", required_argument, NULL, 'm'},
                                          {"max-length", required_argument, NULL, 'l'},
                                          {"float32", no_argument, NULL, 'f'},
                                          {"help", no_argument, NULL, 'h'},
                                          {NULL, 0, NULL, 0}};
  opterr = 0;
  for (int c; (c = getopt_long(argc, argv, ":h", options, NULL)) != -1;) {
    switch (c) {
      case 'i': prepare->images = optarg; break;
      case 'c': prepare->captions = optarg; break;
      case 's': TRY(split_parse(prepare, optarg)); break;
      case 'r':
        if (prepare->mirrors == SPLITS_MAX) return status_set(BAD_INPUT, "--mirror: more than %d", SPLITS_MAX);
        prepare->mirror[prepare->mirrors++] = optarg;
        break;
      case 'o': prepare->out = optarg; break;
      case 'e': prepare->encoder = optarg; break;
      case 'w': prepare->weights = optarg; break;
      case 'b': prepare->skip_broken = true; break;
      case 't': TRY(option_integer("--threads", optarg, 1, 1024, &prepare->threads)); break;
      case 'm': TRY(option_integer("--min-count", optarg, 1, 1000000, &prepare->min_count)); break;
      case 'l': TRY(option_integer("--max-length", optarg, 2, 4096, &prepare->max_length)); break;
      case 'f': prepare->float32 = true; break;
      case 'h': *wants_help = true; return OK;
      default: return option_fault(argv, c);
    }
  }
  if (optind < argc) return status_set(BAD_INPUT, "'%s' is not an option; see troupe prepare --help", argv[optind]);
  if (!prepare->images) return status_set(BAD_INPUT, "--images DIR is missing; see troupe prepare --help");
  if (!prepare->captions) return status_set(BAD_INPUT, "--captions FILE is missing; see troupe prepare --help");
  if (!prepare->out) return status_set(BAD_INPUT, "--out F.h5 is missing; see troupe prepare --help");
  if (!folder_exists(prepare->images)) return status_set(BAD_INPUT, "%s: no such folder of pictures", prepare->images);
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
  TRY(encoder_find_weights(prepare->encoder, "", NULL, &found));
  Status status = encoder_open(encoder, prepare->encoder, found);
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
  printf("grids %d x %d by %s, %s; %zu n-grams of %d documents; %.1f MB; content %s\n", content->cells,
         content->features, content->encoder, prepare->float32 ? "float32" : "float16", content->ngrams,
         content->ngram_documents, megabytes, hash);
  printf("%.1f s for the pictures, %.1f/s on %d thread%s\n", gridder->seconds,
         (double)corpus->count / (gridder->seconds > 0 ? gridder->seconds : 1), gridder->threads,
         gridder->threads > 1 ? "s" : "");
}

static Status dataset_make(const Prepare *prepare, const Corpus *corpus, const Encoder *encoder, Gridder *gridder) {
  DatasetWriter *writer;
  Dataset content = {0};
  TRY(dataset_write_begin(&writer, prepare->out, encoder_cells(encoder), encoder_features(encoder), !prepare->float32));
  Status status = gridder_run(gridder, corpus, writer);
  if (status == OK) status = faults_report(prepare, corpus, gridder);
  if (status == OK)
    status = corpus_content(corpus, gridder->keep, prepare->min_count, (int)prepare->max_length, &content);
  if (status != OK) {
    dataset_write_abandon(writer);
  } else {
    snprintf(content.encoder, sizeof content.encoder, "%s", encoder_name(encoder));
    snprintf(content.encoder_hash, sizeof content.encoder_hash, "%s", encoder_weights_hash(encoder));
    snprintf(content.preprocessing, sizeof content.preprocessing, "%s", encoder_preprocessing(encoder));
    status = dataset_write_finish(writer, &content);
  }
  if (status == OK) summary_print(prepare, &content, corpus, gridder, content.content_hash);
  dataset_close(&content);
  return status;
}

static Status prepare_run(const Prepare *prepare) {
  CaptionList captions;
  Corpus corpus = {0};
  Encoder *encoder = NULL;
  TRY(captions_read_file(&captions, prepare->captions));
  Status status = corpus_select(&corpus, &captions, prepare->split, prepare->splits);
  for (int i = 0; i < prepare->mirrors && status == OK; i++) status = corpus_mirror(&corpus, prepare->mirror[i]);
  if (status == OK) status = encoder_choose(prepare, &encoder);
  if (status == OK) status = out_folder(prepare->out);
  if (status == OK) {
    if (corpus.empty_captions) log_warning("%d captions without a word are left out", corpus.empty_captions);
    if (corpus.silent_images) log_warning("%d pictures without captions are left out", corpus.silent_images);
    Gridder gridder = {.encoder = encoder, .folder = prepare->images, .threads = (int)prepare->threads};
    status = dataset_make(prepare, &corpus, encoder, &gridder);
    gridder_free(&gridder, &corpus);
  }
  encoder_close(encoder);
  corpus_free(&corpus);
  caption_list_free(&captions);
  return status;
}

int verb_prepare(int argc, char **argv) {
  Prepare prepare = {.encoder = "patches", .threads = omp_get_num_procs(), .min_count = 5, .max_length = 20};
  bool wants_help = false;
  Status status = options_parse(&prepare, argc, argv, &wants_help);
  if (wants_help) fputs(help, stdout);
  gemm_init();
  if (status == OK && !wants_help) status = prepare_run(&prepare);
  for (int i = 0; i < prepare.splits; i++) free(prepare.split[i].path);
  return status == OK ? 0 : verb_fail(argv[0], status);
}
