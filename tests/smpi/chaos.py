#!/usr/bin/env python3
"""Chaos at scale (make check-smpi): whole runs of the real protocol with hundreds of actors, simulated by SimGrid, in which nodes
and single actors fail and come back at instants drawn from a seed.

A run counts as right when every iteration had the captions of its pictures, each once and in order (the ledger's invariants are
checked as well), and as hung when it does not end. Prints a table, and for each run that is not right the seed that repeats it.

  chaos.py [--seeds 1-1000] [--actors 256] [--cores 16] [--lag 1] [--jobs N]
"""
import argparse
import concurrent.futures
import json
import os
import random
import shutil
import sys
import tempfile

from simulate import line_of, simulate

SHARE, ALONE = 0.3, 0.1  # of the nodes, of the other nodes' actors
LATEST_S, AWAY_S, FOR_EVER = 2.5, 2.5, 0.5  # of a run of 3 to 6 simulated seconds; of the failures
ACTOR_TOKENS_PER_S, LEARNER_TOKENS_PER_S_AND_ACTOR, FLOATS, IMAGES_AN_ACTOR, ITERATIONS = 600, 300, 1000000, 2, 6


def options():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--seeds", default="1-20", help="FIRST-LAST")
    parser.add_argument("--actors", type=int, default=256)
    parser.add_argument("--cores", type=int, default=16, help="actors on a node: they fail together")
    parser.add_argument("--lag", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--limit", type=int, default=3600, help="seconds of this machine after which a run counts as hung")
    return parser.parse_args()


def failures(seed, o):
    """Lines "name down up"; a node stays."""
    draw = random.Random(seed)
    nodes = list(range(1, 1 + -(-o.actors // o.cores)))
    stays = draw.choice(nodes)
    failing = {node for node in nodes if node != stays and draw.random() < SHARE}
    names = ["node%d" % node for node in sorted(failing)]
    names += ["rank%d" % (1 + actor) for actor in range(o.actors)
              if 1 + actor // o.cores not in failing | {stays} and draw.random() < ALONE]
    for name in names:
        down = 0.05 + LATEST_S * draw.random()
        up = float("inf") if draw.random() < FOR_EVER else down + AWAY_S * draw.random()
        yield "%s %.6f %s" % (name, down, "inf" if up == float("inf") else "%.6f" % up)


def trial(seed, o):
    with tempfile.TemporaryDirectory() as folder:
        gone = list(failures(seed, o))
        with open(folder + "/failures", "w") as file:
            file.writelines(line + "\n" for line in gone)
        arguments = (ACTOR_TOKENS_PER_S, LEARNER_TOKENS_PER_S_AND_ACTOR * o.actors, FLOATS, IMAGES_AN_ACTOR, o.actors, 1, o.lag,
                     ITERATIONS, folder + "/failures")
        output, code = simulate(folder, o.actors, 1, arguments, o.cores, o.limit)
    line = line_of(output)
    hung = code is None or "eadlock" in output
    verdict = "hung" if hung else "right" if line and code >= 0 else "lost" if "were expected" in output else "wrong"
    return seed, verdict, len(gone), json.loads(line) if line else {}, output


def main():
    o = options()
    if not shutil.which("smpirun"):
        sys.exit("check-smpi: smpirun is not there: apt install libsimgrid-dev")
    first, _, last = o.seeds.partition("-")
    seeds = range(int(first), int(last or first) + 1)
    count = {"right": 0, "lost": 0, "wrong": 0, "hung": 0}
    totals = {"failed": 0, "reassigned": 0, "late": 0, "duplicates": 0}
    with concurrent.futures.ThreadPoolExecutor(o.jobs) as pool:
        for done, (seed, verdict, failed, run, output) in enumerate(pool.map(lambda seed: trial(seed, o), seeds), 1):
            count[verdict] += 1
            totals["failed"] += failed
            for name in ("reassigned", "late", "duplicates"):
                totals[name] += run.get(name, 0)
            if verdict != "right":
                print("seed %d: %s\n%s" % (seed, verdict, output[-1500:]), file=sys.stderr)
            if sys.stderr.isatty() or done % 10 == 0:
                print("%d of %d: %s" % (done, len(seeds), count), file=sys.stderr, flush=True)
    print("| actors | lag | seeds | failures | chunks handed out again | lost | wrong | hung |\n|---|---|---|---|---|---|---|---|")
    print("| %d | %d | %s | %d | %d | %d | %d | %d |" % (
        o.actors, o.lag, o.seeds, totals["failed"], totals["reassigned"] + totals["late"], count["lost"], count["wrong"],
        count["hung"]))
    sys.exit(count["right"] != len(seeds))


main()
