#!/usr/bin/env python3
"""troupe's METEOR against pycocoevalcap's (METEOR 1.5 in Java), from the text on: both tokenise by themselves.

Usage: compare_meteor.py [--images N] [--hard N]. Prints a table and exits 1 unless at least 99.9 % of each set's captions
agree to 1e-4 and each corpus does. Needs what deploy/fetch-meteor.sh fetches, pycocoevalcap and java.
BUILD, TROUPE_DATA, TROUPE_METEOR as for the tests.
"""
import argparse
import json
import os
import random
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
sys.path[:0] = [os.path.join(ROOT, "tests", "reference"), os.path.dirname(os.path.abspath(__file__))]
os.environ.setdefault("LC_ALL", "C.UTF-8")  # Java reads its standard input by the locale
TOLERANCE, SHARE = 1e-4, 1e-3

import compare  # noqa: E402
import make_hard_strings  # noqa: E402


def sets(images, hard):
    """name -> [(candidate, references)]"""
    if os.path.isdir(compare.DATA):
        captions, dev = compare.flickr()
        dev = dev[:images]
        yield "Flickr8k dev, each left out", [(captions[i][k], captions[i][:k] + captions[i][k + 1:])
                                              for i in dev for k in range(5)]
        other = random.Random(1).sample(dev, len(dev))
        yield "Flickr8k dev, others' captions", [(captions[j][0], captions[i]) for i, j in zip(dev, other)]
        rng, pool = random.Random(2), [c for i in dev for c in captions[i]]
        yield "long: two to five together", [(" ".join(rng.sample(pool, rng.randint(2, 5))),
                                              [" ".join(rng.sample(pool, rng.randint(2, 5)))]) for _ in range(len(dev) // 2)]
    else:
        print(f"Flickr8k is not at {compare.DATA}: set TROUPE_DATA")
    lines = make_hard_strings.lines(hard)
    yield "hard strings", [(lines[i], lines[i + 1:i + 4]) for i in range(0, hard - 3, 4)]
    rng = random.Random(3)
    same = [(" ".join(w for w in line.split() if rng.random() < .8), [line]) for line in lines if len(line.split()) > 2]
    yield "hard strings, words left out", same[:hard // 4]


def ours(pairs):
    with tempfile.TemporaryDirectory() as box:
        paths = [os.path.join(box, "r.json"), os.path.join(box, "c.json")]
        for path, side in zip(paths, (1, 0)):
            with open(path, "w") as file:
                json.dump({str(i): pair[side] for i, pair in enumerate(pairs)}, file)
        out = subprocess.run([os.path.join(compare.BUILD, "bin/troupe"), "score", "--references", paths[0], "--candidates",
                              paths[1], "--metrics", "METEOR", "--json", "--per-image"], stdout=subprocess.PIPE, check=True)
    scores = json.loads(out.stdout)
    if "METEOR" not in scores["corpus"]:
        sys.exit("no METEOR data: run deploy/fetch-meteor.sh")
    return scores["corpus"]["METEOR"], [scores["per_image"][str(i)]["METEOR"] for i in range(len(pairs))]


def theirs(pairs):
    from pycocoevalcap.meteor.meteor import Meteor
    words = iter(compare.java_words([line for candidate, references in pairs for line in [candidate] + references]))
    res, gts = {}, {}
    for i, (_, references) in enumerate(pairs):
        res[i] = [next(words)]
        gts[i] = [next(words) for _ in references]
    return Meteor().compute_score(gts, res)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--images", type=int, default=1000)
    parser.add_argument("--hard", type=int, default=8000)
    options = parser.parse_args()
    compare.requirements()
    failed = False
    print(f"{'captions':32} {'count':>6} {'troupe':>10} {'METEOR 1.5':>10}  largest difference, captions beyond {TOLERANCE}")
    for name, pairs in sets(options.images, options.hard):
        (corpus, each), (expected, expected_each) = ours(pairs), theirs(pairs)
        differences = [abs(a - b) for a, b in zip(each, expected_each)]
        beyond = [i for i, d in enumerate(differences) if not d <= TOLERANCE]
        bad = not abs(corpus - expected) <= TOLERANCE or len(beyond) > SHARE * len(pairs)
        print(f"{name:32} {len(pairs):6} {corpus:10.6f} {expected:10.6f}  {max(differences):.2g}, {len(beyond)}"
              f"{'  DIFFERS' if bad else ''}", flush=True)
        for i in beyond[:3]:
            print(f"    {each[i]:.6f} {expected_each[i]:.6f} {pairs[i]!r}")
        failed = failed or bad
    sys.exit(failed)


if __name__ == "__main__":
    main()
