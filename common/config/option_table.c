/* The option table. To add an option: a field in config.h and a row here. */
#include "common/config/options.h"

#define AT(member) offsetof(Config, member)
#define ROW(path, type, member, initial, low, high, choices, local, help) \
  { path, type, AT(member), initial, low, high, choices, local, help }
#define INT(path, member, initial, low, high, help) ROW(path, OPTION_INT, member, initial, low, high, NULL, false, help)
#define REAL(path, member, initial, low, high, help) \
  ROW(path, OPTION_REAL, member, initial, low, high, NULL, false, help)
#define BOOL(path, member, initial, help) ROW(path, OPTION_BOOL, member, initial, 0, 0, NULL, false, help)
#define CHOICE(path, member, initial, choices, help) \
  ROW(path, OPTION_CHOICE, member, initial, 0, 0, choices, false, help)
/* options that do not change the result */
#define LOCAL_TEXT(path, member, initial, help) ROW(path, OPTION_TEXT, member, initial, 0, 0, NULL, true, help)
#define LOCAL_INT(path, member, initial, low, high, help) \
  ROW(path, OPTION_INT, member, initial, low, high, NULL, true, help)
#define LOCAL_BOOL(path, member, initial, help) ROW(path, OPTION_BOOL, member, initial, 0, 0, NULL, true, help)
#define LOCAL_REAL(path, member, initial, low, high, help) \
  ROW(path, OPTION_REAL, member, initial, low, high, NULL, true, help)

#define OPTIMIZER(prefix, member, lr_, decay_)                                                                     \
  CHOICE(prefix "optimizer.name", member.name, "adam", "adam|adamw",                                               \
         "adam adds weight decay to the gradient, adamw decays the weights"),                                      \
      REAL(prefix "optimizer.lr", member.lr, lr_, 0, 10, "peak learning rate"),                                    \
      REAL(prefix "optimizer.beta1", member.beta1, "0.9", 0, 0.99999, "decay of the first moment"),                \
      REAL(prefix "optimizer.beta2", member.beta2, "0.999", 0, 0.9999999, "decay of the second moment"),           \
      REAL(prefix "optimizer.eps", member.eps, "1e-8", 1e-30, 1, "added to the root of the second moment"),        \
      REAL(prefix "optimizer.weight_decay", member.weight_decay, decay_, 0, 10, "weight decay"),                   \
      REAL(prefix "optimizer.clip_norm", member.clip_norm, "1", 0, 1e9, "largest gradient norm; 0 = no clipping"), \
      REAL(                                                                                                        \
          prefix "optimizer.head_scale", member.head_scale, "1", 0, 1000,                                          \
          "times lr: learning rate of the vocabulary head (output weight, also when tied, and bias); the rest has lr")
#define SCHEDULE(prefix, member, name_, warmup_)                                                                 \
  CHOICE(prefix "schedule.name", member.name, name_, "constant|linear|cosine", "decay of the learning rate"),    \
      REAL(prefix "schedule.warmup", member.warmup, warmup_, 0, 1, "fraction of the steps with linear warm-up"), \
      REAL(prefix "schedule.final", member.final, "0", 0, 1, "fraction of the learning rate left at the last step")

const Option option_table[] = {
    LOCAL_TEXT("run.name", run.name, "run", "name of the run: its folder is runs/NAME/STAGE unless run.dir is given"),
    LOCAL_TEXT("run.dir", run.dir, "", "run folder"),
    ROW("run.resume", OPTION_CHOICE, run.resume, "auto", 0, 0, "auto|never", true,
        "auto: a run folder that holds checkpoints is continued; never: it is refused"),
    ROW("run.seed", OPTION_SEED, run.seed, "1", 0, 0, NULL, false, "seed of every random number of the run"),

    LOCAL_TEXT("data.file", data.file, "", "dataset made by troupe prepare"),
    CHOICE("data.train", data.train, "train", NULL, "split that is trained on"),
    CHOICE("data.validation", data.validation, "val", NULL, "split of the evaluations during training"),

    INT("model.d_model", model.width, "512", 8, 8192, "width D"),
    INT("model.heads", model.heads, "8", 1, 128, "attention heads H; divides d_model"),
    INT("model.d_ff", model.feed_forward, "2048", 8, 65536, "width of the feed-forward layers"),
    INT("model.enc_layers", model.encoder_layers, "0", 0, 12, "transformer encoder layers over the grid"),
    INT("model.dec_layers", model.decoder_layers, "1", 1, 12, "transformer decoder layers"),
    REAL("model.dropout", model.dropout, "0.1", 0, 0.95, "dropout in stage 1"),
    REAL("model.image_dropout", model.image_dropout, "0", 0, 0.95, "dropout of the projected grid in stage 1"),
    CHOICE("model.norm", model.norm, "post", "post|pre", "place of the layer norms"),
    CHOICE("model.activation", model.activation, "relu", "relu|gelu", "of the feed-forward layers"),
    BOOL("model.tied", model.tied, "false", "output weight = token embedding"),
    INT("model.max_length", model.max_length, "20", 2, 256, "longest caption in tokens; the end token counts"),
    INT("model.positions", model.positions, "25", 2, 512, "learned positions; at least max_length"),

    CHOICE("compute.precision", compute.precision, "float32", "float32|bf16",
           "bf16: linear layers multiply operands rounded to bfloat16; sums, attention, softmax, weights, moments and "
           "losses stay float32"),

    INT("pretrain.epochs", pretrain.epochs, "10", 1, 10000, "epochs of stage 1 (cross-entropy)"),
    INT("pretrain.batch_images", pretrain.batch_images, "32", 1, 4096, "images a step"),
    INT("pretrain.captions_per_image", pretrain.captions_per_image, "5", 1, 64, "captions of each image in a step"),
    REAL("pretrain.label_smoothing", pretrain.label_smoothing, "0", 0, 0.9, "target mass spread over the vocabulary"),
    OPTIMIZER("pretrain.", pretrain.optimizer, "4e-4", "1e-4"),
    SCHEDULE("pretrain.", pretrain.schedule, "cosine", "0.1"),

    LOCAL_TEXT("policy.init", policy.init, "",
               "checkpoint that stage 2 starts from, or random (for tests); "
               "when empty runs/NAME/pretrain/checkpoints/best.h5"),
    INT("policy.group", policy.group, "5", 1, 256, "captions G sampled for each image"),
    CHOICE("policy.advantage", policy.advantage, "grpo", "grpo|dr_grpo|rloo|scst",
           "advantage within the group; scst: sample - greedy"),
    CHOICE("policy.level", policy.level, "token", "token|sequence", "of the probability ratio; sequence = GSPO"),
    CHOICE("policy.aggregation", policy.aggregation, "token_mean", "token_mean|sequence_mean|constant",
           "of the loss over a minibatch"),
    REAL("policy.eps_low", policy.eps_low, "0.2", 0, 1, "clipping of the ratio below 1"),
    REAL("policy.eps_high", policy.eps_high, "0.2", 0, 1e9, "clipping of the ratio above 1"),
    REAL("policy.beta", policy.beta, "0.04", 0, 1e6, "weight of the KL penalty against the reference"),
    CHOICE("policy.kl", policy.kl, "k3", "k1|k2|k3", "estimator of the KL"),
    CHOICE(
        "policy.off_policy", policy.off_policy, "decoupled", "decoupled|clip_only|none",
        "captions of an earlier version (actors.lag): weighted by prox / mu and clipped against prox, the policy when "
        "the update began; clipped against mu; taken for prox's own"),
    REAL("policy.importance_cap", policy.importance_cap, "2", 1, 1e6, "decoupled: largest weight prox / mu of a token"),
    REAL("policy.min_std", policy.min_std, "1e-4", 0, 1e6, "a group whose rewards vary less gets advantage 0"),
    REAL("policy.advantage_eps", policy.advantage_eps, "1e-5", 0, 1, "added to the standard deviation"),
    REAL("policy.entropy", policy.entropy, "0", -10, 10, "weight of an entropy bonus"),
    REAL("policy.xe", policy.xe, "0", 0, 1000,
         "weight of a cross-entropy term on the people's captions of the minibatch's images"),
    BOOL("policy.dynamic_sampling", policy.dynamic_sampling, "false",
         "groups whose rewards do not differ are left out and replaced by fresh images (DAPO)"),
    INT("policy.refills", policy.refills, "3", 1, 100,
        "dynamic_sampling: at most so many rounds of fresh images an iteration; then it makes do with fewer"),
    REAL("policy.dropout", policy.dropout, "0", 0, 0.95, "dropout in stage 2"),
    REAL("policy.image_dropout", policy.image_dropout, "0", 0, 0.95, "dropout of the projected grid in stage 2"),
    INT("policy.inner_epochs", policy.inner_epochs, "1", 1, 64, "passes over an iteration's rollouts"),
    INT("policy.minibatch_images", policy.minibatch_images, "16", 1, 4096, "images an optimiser step"),
    INT("policy.images_per_iteration", policy.images_per_iteration, "320", 1, 1000000,
        "images rolled out by one policy version"),
    INT("policy.iterations", policy.iterations, "0", 0, 100000000, "iterations; 0 = by policy.epochs"),
    REAL("policy.epochs", policy.epochs, "5", 0, 1e6, "epochs over the training split when iterations is 0"),

    REAL("sampling.temperature", sampling.temperature, "1", 0.01, 100,
         "divides the logits of policy and reference alike"),
    INT("sampling.top_k", sampling.top_k, "0", 0, 10000000, "sample among the k most probable tokens; 0 = all"),
    REAL("sampling.top_p", sampling.top_p, "1", 1e-6, 1, "sample among the most probable tokens of this mass"),
    INT("sampling.min_length", sampling.min_length, "0", 0, 511,
        "tokens before the end token may come; like the next two for samples, greedy decoding and beam search"),
    INT("sampling.no_repeat_ngram", sampling.no_repeat_ngram, "0", 0, 64,
        "no n tokens in a row stand twice in a caption; 0 = they may"),
    BOOL("sampling.forbid_unk", sampling.forbid_unk, "true", "<unk> is never written"),
    INT("sampling.max_length", sampling.max_length, "0", 0, 512, "longest generated caption; 0 = model.max_length"),

    INT("reference.refresh_every", reference.refresh_every, "0", 0, 100000000,
        "iterations between refreshes of the reference policy; 0 = never"),
    REAL("reference.mix", reference.mix, "1", 0, 1, "refresh: reference <- mix policy + (1 - mix) reference"),

    REAL("rewards.cider_d.weight", rewards.cider_d, "1", -1e6, 1e6, "CIDEr-D, on its scale of 0 to 10"),
    CHOICE("rewards.cider_d.df", rewards.df, "train", "train|batch",
           "document frequencies: of the training split, or of each 32 images"),
    REAL("rewards.cider.weight", rewards.cider, "0", -1e6, 1e6, "original CIDEr"),
    REAL("rewards.bleu4.weight", rewards.bleu4, "0", -1e6, 1e6, "sentence BLEU-4"),
    REAL("rewards.rouge_l.weight", rewards.rouge_l, "0", -1e6, 1e6, "ROUGE-L"),
    REAL("rewards.meteor.weight", rewards.meteor, "0", -1e6, 1e6, "METEOR; needs deploy/fetch-meteor.sh's data"),
    REAL("rewards.length.weight", rewards.length, "0", -1e6, 1e6, "minus the tokens beyond rewards.length.target"),
    INT("rewards.length.target", rewards.length_target, "16", 0, 512, "tokens that cost nothing"),
    REAL("rewards.repetition.weight", rewards.repetition, "0", -1e6, 1e6, "minus the share of repeated n-grams"),
    INT("rewards.repetition.n", rewards.repetition_n, "2", 1, 4, "length of those n-grams"),
    REAL("rewards.no_eos.weight", rewards.no_eos, "0", -1e6, 1e6, "-1 for a caption without end token"),
    BOOL("rewards.include_eos", rewards.include_eos, "true",
         "the end token is an n-gram token of captions and references"),

    OPTIMIZER("", optimizer, "1e-5", "0"),
    SCHEDULE("", schedule, "constant", "0"),

    INT("actors.lag", actors.lag, "0", 0, 8,
        "iteration k is rolled out by policy version k - lag, while the learner works on those before; "
        "results do not depend on the number of actors"),
    INT("actors.max_lag", actors.max_lag, "0", 0, 8,
        "in place of lag: rollouts are learned from as they come, none by a version older than k - max_lag; "
        "results depend on timing"),
    INT("actors.chunk_images", actors.chunk_images, "16", 1, 256, "images a work unit; part of the arithmetic"),
    LOCAL_REAL("actors.heartbeat_s", actors.heartbeat_s, "1", 0.05, 3600, "seconds between signs of life"),
    LOCAL_REAL("actors.timeout_s", actors.timeout_s, "30", 0.2, 86400, "silence after which a rank counts as lost"),
    LOCAL_REAL("actors.start_timeout_s", actors.start_timeout_s, "120", 0.2, 86400, "wait for the first actors"),
    LOCAL_BOOL("actors.joinable", actors.joinable, "false",
               "actors may join while it runs: troupe join RUN (Open MPI 4.1)"),
    LOCAL_INT(
        "learner.ranks", learner.ranks, "1", 1, 64,
        "learner ranks K: each takes a part of every minibatch and the moments of a part of the weights; which K changes "
        "the weights in rounding only"),
    LOCAL_INT("learner.threads", learner.threads, "0", 0, 1024,
              "OpenMP threads of the learner; 0 = all cores of its node at lag 0, else those that the actors leave"),
    LOCAL_INT("checkpoint.every", checkpoint.every, "10", 1, 100000000,
              "iterations between checkpoints (stage 1: an epoch)"),
    LOCAL_INT("checkpoint.keep", checkpoint.keep, "2", 1, 1000, "newest checkpoints kept besides best.h5"),
    INT("evaluation.every", evaluation.every, "10", 0, 100000000,
        "iterations between evaluations on data.validation (stage 1: after each epoch); 0 = never"),
    INT("evaluation.images", evaluation.images, "0", 0, 100000000, "evaluate on the first so many images; 0 = all"),
    INT("evaluation.beam", evaluation.beam, "1", 1, 64,
        "beam width of evaluations during training, and of troupe evaluate and caption without --beam; 1 = greedy"),
    REAL("evaluation.length_penalty", evaluation.length_penalty, "0", 0, 4,
         "beam score = log-probability / length^penalty"),
    INT("evaluation.beam_groups", evaluation.beam_groups, "1", 1, 64,
        "diverse beam search: the beam in so many groups; divides evaluation.beam"),
    REAL("evaluation.diversity", evaluation.diversity, "0.5", 0, 1e6,
         "what a token costs a group for each hypothesis of an earlier group with it at this position"),
    LOCAL_INT("samples.groups", samples.groups, "2", 0, 1000, "groups an iteration written to samples.jsonl"),
    LOCAL_REAL("guard.kl", guard.kl, "1", 0, 1e9,
               "the log warns of a collapse: KL divergence from the reference above this, nats a token; 0 = off"),
    LOCAL_REAL("guard.entropy", guard.entropy, "0.25", 0, 1, "entropy below this fraction of the first iteration's"),
    LOCAL_REAL("guard.length", guard.length, "0.3", 0, 1e9,
               "mean length changed by more than this fraction since the first iteration"),
};

const int option_count = (int)(sizeof option_table / sizeof option_table[0]);
