/* Rate of group sampling (or of beam search) in valid tokens a second on one core: random weights, captions stopped at given
 * lengths, as in the PyTorch peer that tests/bench/peer.py measures beside it. Each run lays out the weights, once for every
 * 20 batches, as an actor does for a new version.
 * usage: decode_bench [--images 32] [--group 5] [--vocabulary 2538] [--cells 49] [--features 1280] [--layers 1]
 *                     [--top-k 0] [--top-p 1] [--beam 0] [--reps 5] [--lengths FILE (one a line, image-major)] [--precision float32|bf16] */
#include <stdio.h>
#include <stdlib.h>

#include "common/base/rng.h"
#include "common/base/status.h"
#include "common/model/captioner.h"
#include "common/model/decode.h"
#include "common/tensor/gemm.h"
#include "tests/bench/bench.h"

typedef struct Work {
  const BenchOptions *options;
  ParamTable table;
  float *weights, *features;
  int32_t *ids, *lengths;
  Decoder decoder;
  CaptionSet out;
  uint32_t iteration;
} Work;

static void work_init(Work *work, const BenchOptions *o) {
  *work = (Work){.options = o};
  ModelShape shape = bench_shape(o);
  int rows = o->images * (o->beam > o->group ? o->beam : o->group);
  CHECK(params_init(&work->table, &shape) == OK);
  work->weights = params_block(&work->table);
  params_initialise(&work->table, 1, work->weights);
  size_t count = (size_t)o->images * (size_t)o->cells * (size_t)o->features;
  work->features = xmalloc(count * sizeof(float));
  for (size_t i = 0; i < count; i++) work->features[i] = rng_normal(&(RngKey){.stage = RNG_TEST, .image = (uint32_t)i});
  work->ids = xcalloc((size_t)o->images, sizeof(int32_t));
  for (int i = 0; i < o->images; i++) work->ids[i] = i;
  work->lengths = bench_lengths(o, o->images * o->group);
  decoder_init(&work->decoder, &work->table, o->images, rows, BENCH_LONGEST);
  captions_init(&work->out, rows, BENCH_LONGEST);
}

static void work_free(Work *work) {
  captions_free(&work->out);
  decoder_free(&work->decoder);
  params_free(&work->table);
  free(work->weights), free(work->features), free(work->ids), free(work->lengths);
}

static void decode(void *data) {
  Work *work = data;
  const BenchOptions *o = work->options;
  SampleOptions sampling = {.temperature = 1,
                            .top_k = o->top_k,
                            .top_p = (float)o->top_p,
                            .lengths = work->lengths,
                            .iteration = work->iteration};
  BeamOptions search = {.beam = o->beam};
  if (work->iteration++ % 20 == 0) decoder_load(&work->decoder, work->weights);
  if (o->beam) decoder_beam(&work->decoder, work->weights, o->images, work->features, &search, &work->out);
  else
    decoder_sample(&work->decoder, work->weights, o->images, work->features, work->ids, o->group, &sampling,
                   &work->out);
}

int main(int argc, char **argv) {
  BenchOptions options = bench_options(argc, argv);
  gemm_init();
  Work work;
  work_init(&work, &options);
  double seconds = bench_median(decode, &work, options.reps), peak = bench_gemm_peak();
  long tokens = 0;
  for (int r = 0; r < work.out.count; r++) tokens += work.out.length[r];
  ModelShape shape = bench_shape(&options);
  double flops =
      captioner_flops(&shape, options.images, options.images * options.group, (int)tokens, (int)work.out.rows);
  bench_show(options.beam ? "beam" : "sample", tokens, seconds, flops / seconds / peak);
  work_free(&work);
  return 0;
}
