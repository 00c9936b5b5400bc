#!/usr/bin/env python3
"""troupe's tokeniser and metrics against pycocoevalcap (with its Java programs), on real captions and on hard strings.

Usage: compare.py [--hard N] [--no-meteor]; started by `make check-reference`. Prints a table and exits 1 if anything differs:
words at all, BLEU, ROUGE-L and CIDEr by more than 1e-6 relative, METEOR by more than 1e-4 in more than 0.1 % of captions.
BUILD, TROUPE_DATA as for the tests; TROUPE_CANDIDATES=F adds a model's captions of Flickr8k's dev split (COCO results).
"""
import argparse
import csv
import importlib.util
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.join(ROOT, os.environ.get("BUILD", "build"))
DATA = os.path.join(ROOT, os.environ.get("TROUPE_DATA", "../shared/data"), "flickr8k")
PUNCTUATION = {"''", "'", "``", "`", "-LRB-", "-RRB-", "-LCB-", "-RCB-", ".", "?", "!", ",", ":", "-", "--", "...", ";"}
TOLERANCE = 1e-6

sys.path.insert(0, os.path.join(ROOT, "tests", "golden", "score"))


def requirements():
    missing = [name for name in ("pycocoevalcap",) if importlib.util.find_spec(name) is None]
    if missing:
        sys.exit(f"check-reference: Python's {', '.join(missing)} is missing: pip install {' '.join(missing)}")
    if not shutil.which("java"):
        sys.exit("check-reference: java is missing: apt install default-jre-headless")


def java_words(lines):
    """What PTBTokenizer of pycocoevalcap gives for each line. A few of its rules look into the next line ("plan b." before
    a line that begins with "The "), so another line stands between two: a caption's words are its own."""
    import pycocoevalcap
    folder = os.path.join(list(pycocoevalcap.__path__)[0], "tokenizer")
    with tempfile.NamedTemporaryFile() as file:
        file.write("\nx\n".join(lines).encode())
        file.flush()
        out = subprocess.run(["java", "-Dfile.encoding=UTF-8", "-cp", "stanford-corenlp-3.4.1.jar",
                              "edu.stanford.nlp.process.PTBTokenizer", "-preserveLines", "-lowerCase", file.name],
                             cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True).stdout.decode()
    rows = out.split("\n")[:2 * len(lines):2]
    return [" ".join(w for w in row.rstrip().split(" ") if w not in PUNCTUATION) for row in rows]


def our_words(lines):
    out = subprocess.run([os.path.join(BUILD, "tests/reference/tokenize_lines")], input=("\n".join(lines) + "\n").encode(),
                         stdout=subprocess.PIPE, check=True).stdout.decode()
    return out.split("\n")[:len(lines)]


class Table:
    failed = False

    def row(self, what, count, measure, value, bad):
        print(f"{what:34} {count:>7}  {measure:16} {value:>12}{'  DIFFERS' if bad else ''}", flush=True)
        self.failed = self.failed or bad


def compare_words(table, name, lines):
    theirs, ours = java_words(lines), our_words(lines)
    different = [i for i, (a, b) in enumerate(zip(theirs, ours)) if a != b]
    table.row(name, len(lines), "words", str(len(different)), bool(different))
    for i in different[:5]:
        print(f"    {lines[i]!r}\n      theirs {theirs[i]!r}\n      ours   {ours[i]!r}")


def reference_scores(references, candidates, meteor):
    from pycocoevalcap.bleu.bleu import Bleu
    from pycocoevalcap.cider.cider import Cider
    from pycocoevalcap.meteor.meteor import Meteor
    from pycocoevalcap.rouge.rouge import Rouge
    ids = list(references)
    counts = [len(references[i]) for i in ids]
    words = iter(java_words([c for i in ids for c in references[i]] + [candidates[i] for i in ids]))
    gts = {i: [next(words) for _ in range(n)] for i, n in zip(ids, counts)}
    res = {i: [next(words)] for i in ids}
    corpus, each = {}, {}
    total, per = Bleu(4).compute_score(gts, res, verbose=0)
    for n in range(4):
        corpus[f"Bleu_{n + 1}"], each[f"Bleu_{n + 1}"] = total[n], per[n]
    for name, scorer in [("ROUGE_L", Rouge), ("CIDEr", Cider)] + ([("METEOR", Meteor)] if meteor else []):
        corpus[name], each[name] = scorer().compute_score(gts, res)
    return corpus, {name: dict(zip(ids, map(float, values))) for name, values in each.items()}


def compare_scores(table, name, references, candidates, meteor):
    with tempfile.TemporaryDirectory() as box:
        paths = [os.path.join(box, "r.json"), os.path.join(box, "c.json")]
        for path, value in zip(paths, (references, candidates)):
            with open(path, "w") as file:
                json.dump(value, file)
        out = subprocess.run([os.path.join(BUILD, "bin/troupe"), "score", "--references", paths[0], "--candidates", paths[1],
                              "--json", "--per-image"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True).stdout
    ours = json.loads(out)
    corpus, each = reference_scores(references, candidates, meteor and "METEOR" in ours["corpus"])
    for metric, expected in corpus.items():
        differences = [abs(ours["per_image"][i][metric] - v) for i, v in each[metric].items()]
        total = abs(ours["corpus"][metric] - expected)
        if metric == "METEOR":
            beyond = sum(not d <= 1e-4 for d in differences)
            bad = not total <= 1e-4 or beyond > 0.001 * len(differences)
        else:
            bad = not total <= TOLERANCE * abs(expected) + 1e-12 or any(
                not d <= TOLERANCE * abs(v) + 1e-12 for d, v in zip(differences, each[metric].values()))
        table.row(name, len(references), metric, f"{max(differences + [total]):.2g}", bad)


def flickr():
    captions = {}
    with open(os.path.join(DATA, "captions.txt"), newline="") as file:
        for row in list(csv.reader(file))[1:]:
            captions.setdefault(row[0], []).append(row[1])
    with open(os.path.join(DATA, "Flickr_8k.devImages.txt")) as file:
        dev = [line.strip() for line in file if line.strip()]
    return captions, dev


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--hard", type=int, default=20000)
    parser.add_argument("--no-meteor", action="store_true")
    options = parser.parse_args()
    requirements()
    import make_hard_strings
    table, meteor = Table(), not options.no_meteor
    print(f"{'captions':34} {'count':>7}  {'what':16} {'largest difference (words: captions)':>12}")
    hard = make_hard_strings.lines(options.hard)
    compare_words(table, "hard strings", hard)
    if os.path.isdir(DATA):
        captions, dev = flickr()
        compare_words(table, "Flickr8k", [c for group in captions.values() for c in group])
        for k in range(5):
            compare_scores(table, f"Flickr8k dev, human caption {k + 1}", {i: captions[i][:k] + captions[i][k + 1:] for i in dev},
                           {i: captions[i][k] for i in dev}, meteor)
        other = random.Random(1).sample(dev, len(dev))
        compare_scores(table, "Flickr8k dev, others' captions", {i: captions[i] for i in dev},
                       {i: captions[j][0] for i, j in zip(dev, other)}, meteor)
        if os.environ.get("TROUPE_CANDIDATES"):
            with open(os.environ["TROUPE_CANDIDATES"]) as file:
                model = {entry["image_id"]: entry["caption"] for entry in json.load(file)}
            compare_scores(table, "a model's captions", {i: captions[i] for i in model}, model, meteor)
    else:
        print(f"Flickr8k is not at {DATA}: set TROUPE_DATA")
    compare_scores(table, "hard strings", {str(i): hard[i * 6:i * 6 + 5] for i in range(len(hard) // 6)},
                   {str(i): hard[i * 6 + 5] for i in range(len(hard) // 6)}, False)
    sys.exit(table.failed)


if __name__ == "__main__":
    main()
