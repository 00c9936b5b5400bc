/* The scores' speed:
 *   score_bench [--images N[,N...]] [--rounds R] [--references N]
 * - `troupe score` whole (BLEU, METEOR, ROUGE-L, CIDEr, tokenising, reading, starting; one thread) against the COCO caption
 *   evaluation in Python and Java, turn about on the same files: N pictures x 5 references made of Flickr8k's captions, the
 *   candidate of a picture being another person's caption. Both as processes: wall clock and processor time; the ratio that counts is
 *   the smaller of the two. They must print the same corpus scores.
 * - CIDEr-D as the reward of captions of token ids, in this process, on one thread.
 * - The memory of `troupe score` for at least that many references (COCO has 616,000).
 * Needs Flickr8k's captions (TROUPE_DATA) and METEOR's data; the peer is TROUPE_SCORE_PEER, by default
 * ../shared/bench/score_pycocoevalcap.py. With TROUPE_BENCH_OUT JSON lines are appended there. */
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "actor/reward.h"
#include "common/base/clock.h"
#include "common/base/file.h"
#include "common/base/json.h"
#include "common/data/captions.h"
#include "common/score/meteor_data.h"
#include "common/score/ptb.h"

enum { REFERENCES = 5, ROUNDS_MAX = 16 };

typedef struct Cost {
  double wall, processor, peak_gib;
} Cost;

static void refuse(const char *message) {
  fprintf(stderr, "score_bench: %s\n", message);
  exit(1);
}

static void line_append(const char *name, const char *unit, double troupe, double peer, double target) {
  const char *out = getenv("TROUPE_BENCH_OUT");
  if (!out) return;
  double ratio = peer > 0 ? troupe / peer : NAN;
  json_t *line = json_pack("{s:s, s:s, s:f, s:o, s:o, s:f}", "name", name, "unit", unit, "troupe", troupe, "peer",
                           json_number(peer > 0 ? peer : NAN), "ratio", json_number(ratio), "target", target);
  if (json_append(out, line) != OK) refuse(status_message());
  json_decref(line);
}

/* --- inputs ------------------------------------------------------------------------------------------------------ */

/* Picture i of any number: references are four captions of one of Flickr8k's pictures and one of its neighbour's, the candidate
 * is the fifth. Later turns through the pictures leave another one out. */
static const char *caption_of(const CaptionList *list, int i, int k) {
  int picture = i % list->files.count, left_out = i / list->files.count % REFERENCES;
  if (k == REFERENCES) return list->images[picture].caption[left_out];
  if (k == left_out) picture = (picture + 1) % list->files.count;
  return list->images[picture].caption[k];
}

static void input_write(const CaptionList *list, int images, bool candidates, const char *path) {
  json_t *root = json_object();
  for (int i = 0; i < images; i++) {
    char id[16];
    json_t *captions = json_array();
    snprintf(id, sizeof id, "%d", i);
    for (int k = candidates ? REFERENCES : 0; k < REFERENCES + candidates; k++)
      json_array_append_new(captions, json_string(caption_of(list, i, k)));
    json_object_set_new(root, id, captions);
  }
  if (json_write(path, root) != OK) refuse(status_message());
  json_decref(root);
}

static void captions_open(CaptionList *list) {
  const char *data = getenv("TROUPE_DATA");
  char *path = path_join(data ? data : "../shared/data", "flickr8k/captions.txt");
  if (captions_read_file(list, path) != OK) refuse(status_message());
  for (int i = 0; i < list->files.count; i++)
    if (list->images[i].captions != REFERENCES) refuse("Flickr8k's captions: five a picture were expected");
  free(path);
}

/* --- whole programs ---------------------------------------------------------------------------------------------- */

static Cost program_run(char *const arguments[], const char *out) {
  double began = clock_seconds();
  pid_t child = fork();
  CHECK(child >= 0);
  if (child == 0) {
    int file = open(out, O_WRONLY | O_CREAT | O_TRUNC, 0600), nothing = open("/dev/null", O_WRONLY);
    setenv("OMP_NUM_THREADS", "1", 1);
    if (file >= 0 && dup2(file, STDOUT_FILENO) >= 0 && dup2(nothing, STDERR_FILENO) >= 0)
      execvp(arguments[0], arguments);
    _exit(127);
  }
  int code;
  struct rusage used;
  if (wait4(child, &code, 0, &used) != child || code != 0) {
    fprintf(stderr, "score_bench: %s failed, code %d\n", arguments[0], code);
    exit(1);
  }
  return (Cost){clock_seconds() - began,
                (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
                    1e-6 * (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec),
                (double)used.ru_maxrss / (1 << 20)};
}

static Cost troupe_run(const char *references, const char *candidates, const char *out) {
  const char *build = getenv("BUILD");
  char *program = path_join(build ? build : "build", "bin/troupe");
  char *const arguments[] = {program,
                             "score",
                             "--json",
                             "--metrics",
                             "Bleu,METEOR,ROUGE_L,CIDEr",
                             "--references",
                             (char *)references,
                             "--candidates",
                             (char *)candidates,
                             NULL};
  Cost cost = program_run(arguments, out);
  free(program);
  return cost;
}

/* "NAME a b c d 1.2s" of the peer's lines against the JSON. */
static void scores_compare(const char *ours_path, const char *theirs_path) {
  static const char *const NAMES[] = {"METEOR", "ROUGE_L", "CIDEr"};
  json_t *ours;
  char *theirs;
  size_t size;
  if (json_read(ours_path, &ours) != OK || file_read(theirs_path, 0, &theirs, &size) != OK) refuse(status_message());
  for (int n = 0; n < 3; n++) {
    char key[16];
    snprintf(key, sizeof key, "\n%s ", NAMES[n]);
    const char *line = strstr(theirs, key);
    double expected = line ? atof(line + strlen(key)) : NAN;
    double got = json_number_value(json_object_get(json_object_get(ours, "corpus"), NAMES[n]));
    if (!(fabs(got - expected) <= (n ? 2e-6 : 1e-4))) {
      fprintf(stderr, "score_bench: %s is %.6f here and %.6f there\n", NAMES[n], got, expected);
      exit(1);
    }
  }
  json_decref(ours);
  free(theirs);
}

static int cost_compare(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static Cost median(const Cost *costs, int count) {
  double wall[ROUNDS_MAX], processor[ROUNDS_MAX];
  for (int i = 0; i < count; i++) {
    wall[i] = costs[i].wall;
    processor[i] = costs[i].processor;
  }
  qsort(wall, (size_t)count, sizeof *wall, cost_compare);
  qsort(processor, (size_t)count, sizeof *processor, cost_compare);
  return (Cost){wall[count / 2], processor[count / 2], costs[0].peak_gib};
}

static void row_print(const char *name, const char *who, Cost cost) {
  printf("%-22s %-14s %9.2f s %9.2f s %7.2f GiB\n", name, who, cost.wall, cost.processor, cost.peak_gib);
  fflush(stdout);
}

static void whole_bench(const CaptionList *list, int images, int rounds, const char *peer, const char *folder) {
  char *references = path_join(folder, "references.json"), *candidates = path_join(folder, "candidates.json");
  char *ours = path_join(folder, "ours"), *theirs = path_join(folder, "theirs"), name[64];
  input_write(list, images, false, references);
  input_write(list, images, true, candidates);
  snprintf(name, sizeof name, "score whole %dx%d", images, REFERENCES);
  Cost us[ROUNDS_MAX], them[ROUNDS_MAX];
  for (int r = 0; r < rounds; r++) {
    us[r] = troupe_run(references, candidates, ours);
    if (!peer) continue;
    them[r] = program_run((char *const[]){"python3", (char *)peer, references, candidates, NULL}, theirs);
    scores_compare(ours, theirs);
  }
  Cost here = median(us, rounds), there = peer ? median(them, rounds) : (Cost){0};
  row_print(name, "troupe", here);
  double wall = there.wall / here.wall, processor = there.processor / here.processor;
  bool by_wall = wall < processor;
  if (peer) {
    row_print("", "pycocoevalcap", there);
    printf("%-22s %-14s %9.0f x %9.0f x\n", "", "ratio", wall, processor);
  }
  double rate = images / (by_wall ? here.wall : here.processor);
  line_append(name, "images/s", rate, peer ? images / (by_wall ? there.wall : there.processor) : 0, 50);
  free(references);
  free(candidates);
  free(ours);
  free(theirs);
}

static void memory_bench(const CaptionList *list, int count, const char *folder) {
  int images = (count + REFERENCES - 1) / REFERENCES;
  char *references = path_join(folder, "references.json"), *candidates = path_join(folder, "candidates.json");
  char *ours = path_join(folder, "ours"), name[64];
  input_write(list, images, false, references);
  input_write(list, images, true, candidates);
  snprintf(name, sizeof name, "score memory %dx%d", images, REFERENCES);
  Cost cost = troupe_run(references, candidates, ours);
  row_print(name, "troupe", cost);
  line_append(name, "GiB", cost.peak_gib, 0, 1.5);
  free(references);
  free(candidates);
  free(ours);
}

/* --- the reward -------------------------------------------------------------------------------------------------- */

enum { PICTURES = 2000, GROUP = 5, TOKENS = 64, TURNS = 40 };

typedef struct RewardBench {
  Names words; /* the vocabulary */
  NgramDf df;
  Reward reward;
  int32_t (*tokens)[TOKENS], *lengths; /* [PICTURES] a candidate each */
  char *references[PICTURES][REFERENCES];
} RewardBench;

static const char *tokenized(PtbTokenizer *ptb, const char *caption) {
  ptb_tokenize(ptb, caption, strlen(caption));
  return ptb_joined(ptb);
}

/* Token ids of a tokenised caption; new words join the vocabulary. Returns how many. */
static int tokens_of(Names *vocabulary, const char *caption, int32_t *tokens) {
  int count = 0;
  while (*caption && count < TOKENS - 1) {
    size_t size = strcspn(caption, " ");
    tokens[count++] = names_intern(vocabulary, caption, size);
    caption += size + (caption[size] == ' ');
  }
  tokens[count++] = 0; /* the end */
  return count;
}

static void reward_bench_open(RewardBench *bench, const CaptionList *list) {
  PtbTokenizer ptb;
  NgramCounts scratch;
  ptb_init(&ptb);
  ngram_counts_init(&scratch);
  ngram_df_init(&bench->df);
  names_append(&bench->words, "<end>", 5);
  bench->tokens = xcalloc(PICTURES, sizeof *bench->tokens);
  bench->lengths = xcalloc(PICTURES, sizeof *bench->lengths);
  for (int i = 0; i < PICTURES; i++)
    bench->lengths[i] = tokens_of(&bench->words, tokenized(&ptb, caption_of(list, i, REFERENCES)), bench->tokens[i]);
  RewardConfig config = reward_config_default();
  reward_init(&bench->reward, &config, bench->words.count, (const char *const *)bench->words.text, NULL);
  for (int i = 0; i < PICTURES; i++) {
    char **captions = bench->references[i];
    for (int k = 0; k < REFERENCES; k++) captions[k] = xstrdup(tokenized(&ptb, caption_of(list, i, k)));
    reward_add_image(&bench->reward, i, (const char *const *)captions, REFERENCES);
  }
  int32_t all[PICTURES];
  for (int i = 0; i < PICTURES; i++) all[i] = i;
  reward_unit_set(&bench->reward, all, PICTURES);
  ngram_counts_free(&scratch);
  ptb_free(&ptb);
}

/* Captions a second; each picture's group is its own candidate and those of four others, scored `turns` times. */
static double reward_rate(RewardBench *bench, int turns) {
  enum { REPS = 9 };
  double rates[REPS], rewards[GROUP];
  for (int rep = 0; rep < REPS; rep++) {
    struct timespec from, to;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);
    for (int i = 0; i < PICTURES; i++) {
      const int32_t *rows[GROUP];
      int32_t lengths[GROUP];
      bool finished[GROUP];
      for (int g = 0; g < GROUP; g++) {
        int at = (i + g * 37) % PICTURES;
        rows[g] = bench->tokens[at];
        lengths[g] = bench->lengths[at];
        finished[g] = true;
      }
      for (int t = 0; t < turns; t++) reward_score(&bench->reward, i, GROUP, rows, lengths, finished, rewards, NULL);
    }
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to);
    double seconds = (double)(to.tv_sec - from.tv_sec) + 1e-9 * (double)(to.tv_nsec - from.tv_nsec);
    rates[rep] = (double)PICTURES * GROUP * turns / seconds;
  }
  qsort(rates, REPS, sizeof *rates, cost_compare);
  return rates[REPS / 2];
}

static void reward_bench(const CaptionList *list) {
  static RewardBench bench;
  reward_bench_open(&bench, list);
  double cooked = reward_rate(&bench, TURNS), cooking = reward_rate(&bench, 1);
  printf("%-22s %.0f captions/s a core; %.0f with a picture's references cooked anew for each group of %d\n",
         "cider_d reward", cooked, cooking, GROUP);
  line_append("cider_d reward", "captions/s", cooked, 0, 200000);
  reward_free(&bench.reward);
  ngram_df_free(&bench.df);
  names_free(&bench.words);
  for (int i = 0; i < PICTURES; i++)
    for (int k = 0; k < REFERENCES; k++) free(bench.references[i][k]);
  free(bench.tokens);
  free(bench.lengths);
}

int main(int argc, char **argv) {
  const char *sizes = "1000", *peer = getenv("TROUPE_SCORE_PEER");
  int rounds = 3, references = 0;
  for (int i = 1; i + 1 < argc; i += 2) {
    if (!strcmp(argv[i], "--images")) sizes = argv[i + 1];
    else if (!strcmp(argv[i], "--rounds")) rounds = atoi(argv[i + 1]);
    else if (!strcmp(argv[i], "--references")) references = atoi(argv[i + 1]);
    else refuse("--images N[,N...], --rounds R or --references N were expected");
  }
  if (rounds < 1 || rounds > ROUNDS_MAX) refuse("--rounds: 1 to 16 were expected");
  CaptionList list = {0};
  captions_open(&list);
  if (meteor_data_absent()) refuse(meteor_data_absent());
  if (!peer) peer = "../shared/bench/score_pycocoevalcap.py";
  if (!file_exists(peer)) {
    fprintf(stderr, "score_bench: NO PEER: %s is not there (TROUPE_SCORE_PEER names it): no ratios\n", peer);
    peer = NULL;
  }
  char folder[] = "/tmp/troupe-score-bench-XXXXXX";
  if (!mkdtemp(folder)) refuse("no folder in /tmp");
  reward_bench(&list);
  printf("%-22s %-14s %11s %11s %11s\n", "", "", "wall clock", "processor", "peak memory");
  for (const char *at = sizes; *at; at += strcspn(at, ","), at += *at == ',')
    whole_bench(&list, atoi(at), atoi(at) > 5000 ? 1 : rounds, peer, folder);
  if (references) memory_bench(&list, references, folder);
  static const char *const LEFT[] = {"references.json", "candidates.json", "ours", "theirs"};
  for (int i = 0; i < 4; i++) {
    char *path = path_join(folder, LEFT[i]);
    unlink(path);
    free(path);
  }
  rmdir(folder);
  caption_list_free(&list);
  return 0;
}
