#!/usr/bin/env python3
"""What more ranks bring, beside what they could bring at most (make bench-mpi).

Sampling and learning rates of N actors and K learner ranks against the bound of the one-rank rates a and l, which the same round
measures (lag 1: min(N a, K l); lag 0: 1 / (1 / (N a) + 1 / (K l))), and against that of the rates which the ranks had in that very
run, while all cores worked: at lag 1 the share of its time in which the busiest side computed. New weights to all actors against MPI_Bcast; lag 1 against
lag 0; start-up and memory. More ranks than cores are oversubscribed: shown, not judged.
"""
import argparse
import glob
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import rows

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.abspath(os.environ.get("BUILD", os.path.join(ROOT, "build")))
HERE = os.path.join(BUILD, "tests/bench")
CORES = len(os.sched_getaffinity(0))
SHAPES = [(1, 1), (2, 1), (4, 1), (8, 1), (2, 2), (4, 2), (8, 2), (4, 4), (8, 4), (12, 4)]  # actors, learner ranks
IMAGES, MINIBATCH = 32, 8  # an actor, a learner rank
OVER = "oversubscribed"

# as `troupe train` starts ranks (common/tool/mpirun.c)
MPIRUN = """mpirun --enable-recovery --bind-to none --oversubscribe --mca btl_vader_eager_limit 1048576
  --mca btl_vader_max_send_size 1048576 --mca btl_vader_segment_size 67108864 --mca btl self,vader
  --mca btl_base_warn_component_unused 0""".split()


def options():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--iterations", type=int, default=6, help="of each training; the first is not counted")
    parser.add_argument("--ranks", default=None, help="more shapes, as actors/learners, in place of those that fit the cores")
    parser.add_argument("--pictures", type=int, default=10000, help="of the data set that start-up is measured with")
    parser.add_argument("--only", default="broadcast,scaling,lag,start")
    return parser.parse_args()


def fail(text):
    sys.exit("bench-mpi: " + text)


def run(command, **more):
    environment = dict(os.environ, OMP_NUM_THREADS="1", OMP_WAIT_POLICY="passive")
    if os.geteuid() == 0:
        environment.update(OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1")
    done = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, **more)
    if done.returncode:
        fail("%s ended with %d:\n%s" % (" ".join(command), done.returncode, done.stdout[-3000:]))
    return done.stdout


def troupe(*arguments, program=None):
    return run([program or os.path.join(BUILD, "bin/troupe")] + [str(a) for a in arguments])


def sets(**options):
    return [word for name, value in options.items() for word in ("--set", "%s=%s" % (name.replace("__", "."), value))]


def metrics(folder):
    with open(os.path.join(folder, "metrics.jsonl")) as file:
        return [json.loads(line) for line in file]


# --- new weights ---------------------------------------------------------------------------------------------------------

def broadcast(o):
    rows.head("32 MiB of weights to all actors")
    for actors in 1, 2, 4, 8:
        note = OVER if actors + 1 > CORES else ""
        out = run(MPIRUN + ["-np", str(actors + 1), os.path.join(HERE, "broadcast_bench")])
        words = {line.split()[0]: line.split() for line in out.splitlines() if line.strip()}
        if not {"troupe", "mpi", "decoding", "held"} <= set(words):
            fail("broadcast_bench said:\n" + out[-3000:])
        ours, theirs = float(words["troupe"][1]), float(words["mpi"][1])
        megabytes = 32 * 1.048576 * actors
        rows.show("broadcast to %d actors" % actors, "MB/s", megabytes / ours, megabytes / theirs, theirs / ours,
                  None if note else 0.75, note)
        held = float(words["held"][1])
        rows.show("longest poll of %d decoding actors (peer: the limit)" % actors, "ms", 1e3 * held, 5, 5e-3 / held,
                  None if note else 1, note or "new weights came in %.0f ms" % (1e3 * float(words["decoding"][1])))


# --- actors and learner ranks ----------------------------------------------------------------------------------------------

def train_rates(o, work, data, actors, learners, lag):
    """Tokens a second of the run, of an actor while it computes, of the learner while it does."""
    folder = tempfile.mkdtemp(dir=work)
    config = os.path.join(work, "scaling.yaml")
    with open(config, "w") as file:
        file.write("data: {file: %s}\npolicy: {init: random, inner_epochs: 2}\nevaluation: {every: 0}\n"
                   "checkpoint: {every: 1000000}\nsamples: {groups: 0}\n" % data)
    troupe("train", config, "-n", actors, *sets(
        run__dir=folder, policy__iterations=o.iterations, policy__images_per_iteration=IMAGES * actors,
        policy__minibatch_images=MINIBATCH * learners, actors__lag=lag, learner__ranks=learners, learner__threads=1))
    lines = [line for line in metrics(folder) if "step_time" in line]
    shutil.rmtree(folder)
    tokens = [after["num_tokens"] - before["num_tokens"] for before, after in zip(lines, lines[1:])]
    counted = lines[1:]
    total = sum(tokens)
    busy = sum(line["actors/decode_s"] + line["actors/reward_s"] + line["actors/reference_s"] for line in counted)
    return (total / sum(line["step_time"] for line in counted), total / busy,
            total / sum(line["learner/update_s"] for line in counted))


def bound(lag, sampling, learning):
    return min(sampling, learning) if lag else 1 / (1 / sampling + 1 / learning)


def scaling(o, work, data):
    shapes = SHAPES
    if o.ranks:
        shapes = [tuple(int(n) for n in shape.split("/")) for shape in o.ranks.split(",")]
    else:
        shapes = [(n, k) for n, k in shapes if n + k <= CORES] or [(1, 1)]
    shares, rates, bounds, busy, ones = {}, {}, {}, {}, []
    for _ in range(o.rounds):
        _, a, l = train_rates(o, work, data, 1, 1, 0)
        ones.append((a, l))
        for n, k in shapes:
            for lag in 1, 0:
                rate, sampling, learning = train_rates(o, work, data, n, k, lag)
                limit = bound(lag, n * a, k * l)
                busy.setdefault((n, k, lag), []).append(rate / bound(lag, n * sampling, k * learning))
                rates.setdefault((n, k, lag), []).append(rate)
                bounds.setdefault((n, k, lag), []).append(limit)
                shares.setdefault((n, k, lag), []).append(rate / limit)
    rows.head("valid tokens a second, %d images an actor, minibatch of %d a learner (peer: the bound)" % (IMAGES, MINIBATCH))
    rows.show("a: one actor, samples and reference", "tokens/s", statistics.median(a for a, _ in ones))
    rows.show("l: one learner rank, two inner epochs", "tokens/s", statistics.median(l for _, l in ones))
    for key in rates:
        n, k, lag = key
        note = OVER if n + k > CORES else ""
        rows.show("%d actors, %d learner ranks, lag %d" % key, "tokens/s", statistics.median(rates[key]),
                  statistics.median(bounds[key]), statistics.median(shares[key]), None if note else 0.95,
                  note or "%.2f to %.2f; of its own rates' bound %.2f" % (
                      min(shares[key]), max(shares[key]), statistics.median(busy[key])))


# --- lag 0 and lag 1 -------------------------------------------------------------------------------------------------------

def scenes(work):
    """The drawn data set and a stage-1 policy of it."""
    pictures, data, config = (os.path.join(work, name) for name in ("scenes", "scenes.h5", "scenes.yaml"))
    troupe("scenes", pictures, "--images", 600, "--seed", 3)
    splits = [word for name in ("train", "val", "test") for word in ("--split", "%s=%s/%s.txt" % (name, pictures, name))]
    troupe("prepare", "--images", pictures + "/Images", "--captions", pictures + "/captions.txt", *splits, "--encoder", "patches",
           "--out", data)
    with open(config, "w") as file:
        file.write("data: {file: %s}\nmodel: {d_model: 128, heads: 4, d_ff: 512}\npretrain: {epochs: 6}\n"
                   "policy: {images_per_iteration: 64, minibatch_images: 16, iterations: 40}\noptimizer: {lr: 1e-4}\n"
                   "evaluation: {every: 40}\nactors: {chunk_images: 8}\n" % data)
    troupe("pretrain", config, *sets(run__dir=os.path.join(work, "xe")))
    return config


def lag(o, work):
    config, actors = scenes(work), max(1, CORES - 1)
    results = {}
    for _ in range(o.rounds):
        for lag in 0, 1:
            folder = tempfile.mkdtemp(dir=work)
            began = time.time()
            troupe("train", config, "-n", actors, *sets(run__dir=folder, actors__lag=lag, learner__threads=1,
                                                        policy__init=os.path.join(work, "xe/checkpoints/best.h5")))
            seconds = time.time() - began
            lines = metrics(folder)
            steps = sum(line["step_time"] for line in lines if "step_time" in line)
            scores = [line["eval/CIDEr"] for line in lines if "eval/CIDEr" in line]
            results.setdefault(lag, []).append((steps, scores[-1], scores[0], seconds))
            shutil.rmtree(folder)
    median = {lag: [statistics.median(column) for column in zip(*results[lag])] for lag in results}
    rows.head("lag 1 (troupe) and lag 0 (peer) at equal samples: drawn pictures, 40 iterations, %d actors" % actors)
    note = "CIDEr after stage 1: %.4f" % median[0][2]
    rows.show("seconds of the iterations", "s", median[1][0], median[0][0], median[0][0] / median[1][0])
    rows.show("CIDEr on val after it", "", median[1][1], median[0][1], median[1][1] / median[0][1], None, note)


# --- start-up and memory -----------------------------------------------------------------------------------------------------

def watched(work):
    """A `troupe` whose ranks are watched: beside it lie programs that start the real ones."""
    folder = os.path.join(work, "watched")
    os.mkdir(folder)
    shutil.copy(os.path.join(BUILD, "bin/troupe"), folder)
    for role in "learner", "actor":
        path = os.path.join(folder, "troupe-" + role)
        with open(path, "w") as file:
            file.write('#!/bin/sh\nexec "%s" "%s" "%s" %s "%s" "$@"\n' % (
                sys.executable, os.path.join(ROOT, "tests/bench/watch.py"), folder, role,
                os.path.join(BUILD, "bin/troupe-" + role)))
        os.chmod(path, 0o755)
    return folder


def first_rollout(trace):
    """When a rank began its first chunk, by the clock on the wall."""
    with open(trace) as file:
        begins = [event["ts"] for event in map(json.loads, file) if event["name"].startswith("rollout ")]
    return min(begins) * 1e-6 if begins else None


def start(o, work):
    data = os.path.join(work, "start.h5")
    run([os.path.join(HERE, "make_dataset"), data, "--images", str(o.pictures)])
    config, actors = os.path.join(work, "start.yaml"), 1
    with open(config, "w") as file:
        file.write("data: {file: %s}\npolicy: {init: random, iterations: 2}\nevaluation: {every: 0}\n" % data)
    seconds, peaks = [], {"learner": [], "actor": []}
    for round in range(o.rounds):
        folder, run_folder = watched(work), os.path.join(work, "start-%d" % round)
        troupe("train", config, "-n", actors, "--trace", *sets(run__dir=run_folder),
               program=os.path.join(folder, "troupe"))
        for path in glob.glob(os.path.join(folder, "*.json")):
            with open(path) as file:
                rank = json.load(file)
            peaks[rank["name"]].append(rank["own_kib" if rank["name"] == "learner" else "beyond_kib"] / 1024)
            if rank["name"] == "actor":
                seconds.append(first_rollout(os.path.join(run_folder, "trace/rank-1.jsonl")) - rank["started"])
        shutil.rmtree(folder)
        shutil.rmtree(run_folder)
    rows.head("%d pictures of 49 x 1280, default model (peer: the limit)" % o.pictures)
    second = statistics.median(seconds)
    rows.show("an actor's start to its first rollout", "s", second, 1, 1 / second, 1, "%.2f to %.2f" % (min(seconds), max(seconds)))
    for name, what, limit in (("learner", "learner beyond its actors' weights", 400), ("actor", "actor beyond the mapped data set", 200)):
        peak = max(peaks[name])
        rows.show("peak memory: " + what, "MiB", peak, limit, limit / peak, 1)


def main():
    o = options()
    only = o.only.split(",")
    print("bench-mpi: %d cores; %d rounds" % (CORES, o.rounds))
    with tempfile.TemporaryDirectory() as work:
        if "broadcast" in only:
            broadcast(o)
        if "scaling" in only:
            data = os.path.join(work, "scaling.h5")
            run([os.path.join(HERE, "make_dataset"), data, "--images", "1000"])
            scaling(o, work, data)
        if "lag" in only:
            lag(o, work)
        if "start" in only:
            start(o, work)


if __name__ == "__main__":
    main()
