#!/usr/bin/env python3
"""Simulates training runs of many ranks (make bench-smpi): tests/smpi/simulation.c on a fat tree of 100 Gb/s.

Rates of one core come from decode_bench and update_bench, unless they are given; a learner's threads bring 1.85 for each doubling,
which is what two threads bring at least. Prints the table of deploy/slurm/README.md, and JSON lines to $TROUPE_BENCH_OUT.
"""
import argparse
import json
import math
import os
import re
import shutil
import subprocess
import sys
import tempfile

from simulate import BUILD, ROOT, line_of, simulate

sys.path.insert(0, os.path.join(ROOT, "tests/bench"))
import rows  # noqa: E402

A_DOUBLING = 1.85


def options():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--actors", default="8,32,128,512,1024")
    parser.add_argument("--learners", default="1,4,16,64")
    parser.add_argument("--lag", default="1,0")
    parser.add_argument("--sampling", type=float, help="tokens a second of one core")
    parser.add_argument("--reference", type=float)
    parser.add_argument("--update", type=float, help="of one core, in one pass")
    parser.add_argument("--threads", type=int, default=16, help="of a learner rank")
    parser.add_argument("--floats", type=int, default=7800000, help="weights")
    parser.add_argument("--images", type=int, default=32, help="an actor and iteration")
    parser.add_argument("--minibatch", type=int, default=32, help="images a learner rank and step")
    parser.add_argument("--inner-epochs", type=int, default=2)
    parser.add_argument("--iterations", type=int, default=3)
    return parser.parse_args()


def measured(program):
    out = subprocess.run([os.path.join(BUILD, "tests/bench", program)], stdout=subprocess.PIPE, text=True, check=True).stdout
    return {m.group(1): float(m.group(2)) for m in re.finditer(r"(\w+)\s+valid tok/s (\d+)", out)}


def rates(o):
    if not (o.sampling and o.reference):
        found = measured("decode_bench")
        o.sampling, o.reference = found["sample"], found["ref_logp"]
    if not o.update:
        o.update = measured("update_bench")["grpo_update"]
    o.a = 1 / (1 / o.sampling + 1 / o.reference)
    o.l = o.update * A_DOUBLING ** math.log2(o.threads)


def run_of(o, actors, learners, lag, folder):
    arguments = (o.a, o.l, o.floats, o.images, o.minibatch, o.inner_epochs, lag, o.iterations + lag)
    output, _ = simulate(folder, actors, learners, arguments)
    line = line_of(output)
    if not line:
        sys.exit("bench-smpi: %d actors, %d learner ranks, lag %d:\n%s" % (actors, learners, lag, output[-2000:]))
    return json.loads(line)


def limit_of(run, limit, o):
    """What a run of more ranks would have to have more of."""
    if run["tokens_per_s"] >= 0.9 * limit:
        return "both, in turn" if not run["lag"] else "actors" if run["actors"] * o.a < run["learners"] * o.l / o.inner_epochs else "learners"
    shares = {"the lead's link (weights)": run["weights"], "links between learners": run["together"], "learners": run["learning"]}
    return max(shares, key=shares.get)


def main():
    o = options()
    if not shutil.which("smpirun"):
        sys.exit("bench-smpi: smpirun is not there: apt install libsimgrid-dev")
    rates(o)
    print("an actor: %.0f tokens/s (samples %.0f, reference %.0f); a learner of %d threads: %.0f in one pass (one core %.0f)" % (
        o.a, o.sampling, o.reference, o.threads, o.l, o.update))
    print("| actors | learners | lag | tokens/s | of the bound | weights to all, s | learners busy | together | actors busy | limited by |")
    print("|---|---|---|---|---|---|---|---|---|---|", flush=True)
    numbers = [[int(n) for n in text.split(",")] for text in (o.lag, o.actors, o.learners)]
    with tempfile.TemporaryDirectory() as folder:
        for lag, n, k in ((lag, n, k) for lag in numbers[0] for n in numbers[1] for k in numbers[2]):
            run = run_of(o, n, k, lag, folder)
            sampling, learning = n * o.a, k * o.l / o.inner_epochs
            limit = min(sampling, learning) if lag else 1 / (1 / sampling + 1 / learning)
            print("| %d | %d | %d | %.0f | %.0f %% | %.3f | %.0f %% | %.0f %% | %.0f %% | %s |" % (
                n, k, lag, run["tokens_per_s"], 100 * run["tokens_per_s"] / limit, run["broadcast_s"], 100 * run["learning"],
                100 * run["together"], 100 * run["sampling"], limit_of(run, limit, o)), flush=True)
            rows.write("simulated: %d actors, %d learner ranks of %d threads, lag %d" % (n, k, o.threads, lag), "tokens/s",
                       run["tokens_per_s"], limit, run["tokens_per_s"] / limit, 0.95, run)


if __name__ == "__main__":
    main()
