#!/usr/bin/env python3
"""Goldens of common/score and actor/reward from pycocoevalcap (and its Java tokeniser).

Usage: make_goldens.py, in this folder. Writes ptb.json (raw captions and their words), metrics.json (sets with corpus
and per-picture scores) and reward.json (captions as token ids, scored with and without the end token).
"""
import json
import random

import numpy as np
from pycocoevalcap.bleu.bleu import Bleu
from pycocoevalcap.cider import cider_scorer
from pycocoevalcap.rouge.rouge import Rouge
from pycocoevalcap.tokenizer.ptbtokenizer import PTBTokenizer


def captions(count, references, seed):
    """Captions of made-up scenes: each picture has a scene that its captions describe in different words."""
    rng = random.Random(seed)
    who = "man,woman,boy,girl,dog,child,skier,cyclist,group of people,brown dog,young lady,red bird".split(",")
    does = "runs,is running,jumps,sits,is sitting,plays,is playing,stands,walks slowly,looks".split(",")
    where = "on the beach,in the snow,down a street,by the water,near a red car,over a fence,through tall grass"
    where = where.split(",")
    extra = ["", "", "with a ball", "in a blue shirt", "while others watch", "with a dog and a man", "at night"]
    for _ in range(count):
        scene = [rng.sample(options, 2) for options in (who, does, where, extra)]

        def say():
            subject, verb, place, rest = (rng.choice(options) for options in scene)
            words = f"{rng.choice(['a', 'a', 'the', 'one'])} {subject} {verb} {place} {rest}".split()
            if rng.random() < 0.1:
                words = words[: rng.randint(1, 4)]
            if rng.random() < 0.1:
                words += words[-3:] * rng.randint(1, 3)
            return " ".join(words)

        yield say(), [say() for _ in range(references)]


HARD = {
    "empty candidate": [("", ["a dog runs", "the dog is running"]), ("a cat", ["a cat sits", "a cat"])],
    "one word": [("dog", ["dog", "a dog"]), ("cat", ["a dog runs in the snow"]), ("a a", ["a", "the"])],
    "repeated": [("a a a a a a", ["a a dog", "a dog a dog"]),
                 ("dog a dog a dog", ["a dog a dog", "a dog and a dog and a dog"]),
                 ("the the the", ["the cat the cat the cat the cat", "one"])],
    "single picture": [("a man rides a horse", ["a man rides a horse", "a person on a horse"])],
    "identical": [("a man rides a horse", ["a man rides a horse"] * 3),
                  ("two dogs play in the snow", ["two dogs play in the snow"])],
    "nothing shared": [("x y z w v", ["a b c d e", "a b"]), ("p q r s", ["c d e f g"]), ("c d", ["c d e f"])],
    "long candidate": [(" ".join(["a dog runs in the snow"] * 12), ["a dog runs in the snow", "a dog"]),
                       ("a", ["a b c", "b c"])],
    "length ties": [("a b c d e", ["a b c d", "a b c d e f", "a b c"]), ("a b c d", ["a b c d e f", "a b"])],
    "empty reference": [("a dog", ["", "a dog runs"]), ("", ["", "a cat"]),
                        ("a cat sits here", ["a cat sits here now"])],
    "number of references": [("a dog", ["a dog"] * 7), ("a cat on a mat", ["a cat is on a mat", "cat", "on", "mat"]),
                             ("one", ["one two three"])],
}


class Cooked(list):
    """References for CiderScorer whose length is the number of documents behind the document frequencies."""

    documents = 0

    def __len__(self):
        return self.documents


def cider(pairs, corpus=None, original=False):
    """CIDEr-D (or the original: no clipping, no length penalty); df from `corpus`, lists of references."""
    cider_scorer.min = (lambda mine, theirs: mine) if original else min
    scorer = cider_scorer.CiderScorer(sigma=1e9 if original else 6.0)
    source = cider_scorer.CiderScorer()
    for references in corpus if corpus is not None else [references for _, references in pairs]:
        source += (references[0], references)
    source.compute_doc_freq()
    for candidate, references in pairs:
        scorer += (candidate, references)
    scorer.crefs = Cooked(scorer.crefs)
    scorer.crefs.documents = len(source.crefs)
    scorer.document_frequency = source.document_frequency
    return [float(score) for score in scorer.compute_cider()]


def all_scores(pairs, corpus=None):
    gts = {i: references for i, (_, references) in enumerate(pairs)}
    res = {i: [candidate] for i, (candidate, _) in enumerate(pairs)}
    corpus_bleu, bleu = Bleu(4).compute_score(gts, res, verbose=0)
    corpus_rouge, rouge = Rouge().compute_score(gts, res)
    d, original = cider(pairs, corpus), cider(pairs, corpus, original=True)
    names = ["Bleu_1", "Bleu_2", "Bleu_3", "Bleu_4", "ROUGE_L", "CIDEr", "CIDEr_original"]
    columns = [*bleu, list(rouge), d, original]
    totals = [*corpus_bleu, corpus_rouge, np.mean(d), np.mean(original)]
    if corpus is None:
        cider_scorer.min = min
        check = cider_scorer.CiderScorer()
        for candidate, references in pairs:
            check += (candidate, references)
        assert abs(check.compute_score()[0] - np.mean(d)) < 1e-12
    return ({name: float(total) for name, total in zip(names, totals)},
            [{name: float(column[i]) for name, column in zip(names, columns)} for i in range(len(pairs))])


def make_metrics():
    sets = []
    for name, pairs in [*HARD.items(), ("generated", list(captions(200, 5, 1)))]:
        corpus, images = all_scores(pairs)
        sets.append({"name": name, "corpus": corpus,
                     "images": [{"candidate": candidate, "references": references, "scores": scores}
                                for (candidate, references), scores in zip(pairs, images)]})
    return {"sets": sets}


def make_reward():
    """20 pictures, 3 captions each, about half unfinished; df from the references of metrics.json's generated set."""
    rng = random.Random(7)
    train = [references for _, references in captions(200, 5, 1)]
    pictures = [references for _, references in captions(20, 5, 2)]
    said = [[candidate for candidate, _ in captions(3, 1, 100 + i)] for i in range(18)]
    said += [[references[0], "", "a a a a a a a"] for references in pictures[18:]]
    vocabulary = ["<pad>", "<start>", "<end>", "<unk>"]
    vocabulary += sorted({w for group in said for c in group for w in c.split()})
    finished = [[rng.random() < 0.5 for _ in group] for group in said]
    finished[18] = [True, True, True]
    result = {"vocabulary": vocabulary, "pictures": []}

    def with_end(texts):
        return [f"{text} <eos>".strip() for text in texts]

    flat = [(i, c) for i in range(20) for c in range(3)]
    scored = {}
    for kind in ("eos", "plain"):
        end = kind == "eos"
        pairs = [(f"{said[i][c]} <eos>".strip() if end and finished[i][c] else said[i][c],
                  with_end(pictures[i]) if end else pictures[i]) for i, c in flat]
        scored[kind] = all_scores(pairs, [with_end(r) for r in train] if end else train)[1]
        unit = [with_end(r) for r in pictures] if end else pictures
        for row, value in zip(scored[kind], cider(pairs, unit)):
            row["CIDEr_unit"] = value
    for i in range(20):
        result["pictures"].append({"references": pictures[i], "captions": [
            {"tokens": [vocabulary.index(w) for w in said[i][c].split()] + [2] * finished[i][c],
             "finished": finished[i][c], **{kind: scored[kind][i * 3 + c] for kind in scored}} for c in range(3)]})
    return result


RAW = """A man, wearing a red T-shirt, is holding his dog's leash.
Two dogs don't like each other; they can't play together!
"Stop!" said the girl. She'd seen him, and they'll run.
It's 5 o'clock on the 3rd of July, and it isn't raining...
A 3-year-old boy (in blue) jumps over a 2.5 foot-tall fence.
The boys' team won 1,000 dollars -- or $500 -- at 10:30 a.m. today
Mr. and Mrs. Smith of St. Louis live in the U.S. now.
Rock'n'roll band plays in the '80s style & everyone's dancing
A sign says NO PARKING / NO STOPPING and/or TOWING 24/7
He cannot see; she's gonna go, they're gotta leave. Wanna come?
The cat's on the mat's edge: what's that?!
People at AT&T's shop, H&M, Q&A and R&B concerts.
A black-and-white dog catches a Frisbee mid-air
Someone wearing #23 and someone @home with 50% off
a man in [brackets] {braces} <angles> and "quotes" ``here'' 'there'
A caf\u00e9 in Z\u00fcrich sells cr\u00e8me br\u00fbl\u00e9e \u2014 it\u2019s \u201cgood\u201d\u2026
Dogs... lots of dogs....and cats .. too
The skier's jump was 1/2 mile, 12-1/2 feet, or 3/4 of it.
we've I've you'd I'm he'll couldn't won't shan't ain't
visit www.example.com or http://example.org/a?b=c. mail me@example.com
smile :) wink ;-) sad :( and -_- or ^_^
a.b.c. etc. approx. Inc. and Co., Jr. Dr. vs. e.g., i.e. fig. 3 No. 5
    spaces   and\ttabs  
-
.
'' ' ` `` . , ; : ! ? - -- ...
Ma'am, C'mon! 'Tis the O'Brien's, ol' pal, d'you know y'all?
five-year-olds' toys x-ray e-mail co-op re-enter semi-\u2013-final
under_score snake_case_name 3D 4x4 10km/h 5'10" 6ft. 7'
A & B * C + D = E ~ F ^ G | H \\ I
hello,world and foo;bar or this:that yes/no/maybe a(b)c
don't/won't he/she's man's-best-friend bird's-eye view
THE QUICK BROWN FOX DIDN'T JUMP
A dog.A cat.The end!Really?Yes
$5.00 $.50 \u20ac5 \u00a35 5\u00a2 5th 1st 2nd 100 1,000,000 3.14 .5 -5 +5
vitamin c. The end. plan b. it works
""".split("\n")[:-1]


def tokenized(lines):
    """[line, words] pairs; the words of "1 1/2" hold a no-break space."""
    # some rules of the Java program may look into the next line, which must not be another caption: a letter stands between
    spaced = {i: [{"caption": line}, {"caption": "x"}] for i, line in enumerate(lines)}
    words = PTBTokenizer().tokenize(spaced)
    return [[line, words[i][0]] for i, line in enumerate(lines)]


def make_ptb():
    rng = random.Random(3)
    parts = [part for line in RAW for part in line.split(" ") if part]
    lines = RAW + [" ".join(rng.sample(parts, 6)) for _ in range(120)]
    return {"captions": tokenized(lines)}


def write(name, value):
    with open(name, "w") as file:
        json.dump(value, file, separators=(",", ":"), ensure_ascii=True)
        file.write("\n")


if __name__ == "__main__":
    write("ptb.json", make_ptb())
    write("metrics.json", make_metrics())
    write("reward.json", make_reward())
