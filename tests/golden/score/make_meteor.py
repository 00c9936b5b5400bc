#!/usr/bin/env python3
"""Goldens of METEOR: a tiny data file of words made up here, and what METEOR 1.5 (Java, of pycocoevalcap) gives with the same words.

Usage: make_meteor.py, anywhere; needs pycocoevalcap 1.2 and java. Writes meteor-tiny.bin by deploy/meteor_convert.py and
meteor.json: captions whose scores need every module, METEOR's normalisation and the choice among references.
"""
import gzip
import importlib.util
import json
import os
import random
import subprocess
import sys
import tempfile
import zipfile

HERE = os.path.dirname(os.path.abspath(__file__))
CONVERT = os.path.join(HERE, "..", "..", "..", "deploy", "meteor_convert.py")

FUNCTION = "a the of and is are in on with to his ' s .".split()
SENSES = {"dog": [3, 9], "hound": [9], "puppy": [3], "car": [4], "auto": [4], "vehicle": [4, 5], "bike": [5], "run": [11],
          "sprint": [11, 12], "dash": [12], "sit": [20], "rest": [20, 21], "mouse": [30], "rodent": [30], "child": [40],
          "kid": [40], "man": [41, 42], "person": [42], "big": [50], "large": [50], "huge": [50, 51], "close": [60],
          "shut": [60], "carry": [70], "bear": [70, 71]}
IRREGULAR = {"run": ["ran"], "sit": ["sat"], "mouse": ["mice"], "child": ["children"], "bear": ["bore", "borne"]}
PARAPHRASES = [("in front of", "before"), ("before", "in front of"), ("in front of", "ahead of"), ("looks at", "watches"),
               ("watches", "looks at"), ("watches", "is watching"), ("a lot of", "many"), ("many", "a lot of"),
               ("next to", "beside"), ("beside", "next to"), ("beside", "near"), ("the other side", "across"),
               ("red car", "car that is red"), ("dog", "animal"), ("animal", "dog"), ("on top of the hill", "uphill"),
               ("a man and a woman", "two people"), ("two people", "a couple"), ("couple", "two people")]
PREFIXES = "vs\nrev\npp #NUMERIC_ONLY#\n"  # of what METEOR has, those that the captions below use

FIXED = [
    ("", ["a dog"]), ("a", ["a"]), ("dog", ["cat"]), ("the dog", ["the dog"]), ("the of and", ["the of and"]),
    ("it 's a well-known u.s. dog", ["it's a well known us dog ."]), ("rev. Smith runs", ["rev . smith ran", "rev. smith ran ."]),
    ("see pp. 5 of", ["see pp . 5 of", "see pp. of"]), ("pp.", ["pp ."]), ("a vs. B", ["a vs . b"]), ("mr. 5", ["mr . 5"]), ("a dog... a dog", ["a dog a dog ..."]),
    ("1,000 dogs, 2 cats", ["1000 dogs , 2 cats"]), ("the 1990's car", ["the 1990 's car"]), ("dogs'", ["dogs '"]),
    ("\u201ccaf\u00e9\u201d \u2013 closed", ['" caf\u00e9 " - shut']), ("CAF\u00c9 na\u00efve", ["caf\u00e9 na\u00efve"]),
    ("a -- b", ["a - b"]), ("running runner runs", ["run runs running"]), ("a dog a dog a dog", ["a dog", "dog a dog"]),
    ("in front of before in front of", ["before in front of ahead of", "before before before"]),
    ("two people", ["a man and a woman", "a couple", "couple"]), ("the mice sat", ["a mouse is sitting", "rodents rest"]),
    ("children carried bikes", ["kids bore vehicles", "a child borne"]), ("men", ["man"]), ("bears", ["carries"]),
    (" ".join(["the dog sprints"] * 24), [" ".join(["dogs run"] * 33), "a dog"]),
    ("dog", [" ".join(["a dog and"] * 30)]), ("x y z", ["z y x"]), ("a b c d e f g h", ["h g f e d c b a", "a b c d h g f e"]),
    ("red car", ["a car that is red"]), ("the house on top of the hill", ["the house is uphill"]),
]


def captions(rng):
    who = "a dog,the hound,his puppy,two mice,a big car,huge vehicles,the children,a man and a woman,a couple,two people,men".split(",")
    does = "runs,is running,sprints,ran,sat,rests,is sitting,looks at,watches,is watching,carries,bears,closed".split(",")
    where = "in front of,before,ahead of,next to,beside,near,on,with".split(",")
    end = [" .", "", " and a lot of kids", " , many cars", " on top of the hill", " that is red", "'s bike", "!"]

    def say():
        words = (f"{rng.choice(who)} {rng.choice(does)} {rng.choice(where)} {rng.choice(who)}{rng.choice(end)}").split(" ")
        if rng.random() < .3:
            rng.shuffle(words)
        return " ".join(words * (2 if rng.random() < .1 else 1))
    return say


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as file:
        file.write(text)


def sources(box):
    """The words as METEOR 1.5 reads them; returns its options."""
    write(box + "/function.words", "".join(w + "\n" for w in FUNCTION))
    write(box + "/synonym/english.synsets", "".join("%s\n%s\n" % (w, " ".join(map(str, s))) for w, s in SENSES.items()))
    write(box + "/synonym/english.exceptions", "".join("%s\n%s\n" % (w, " ".join(f)) for w, f in IRREGULAR.items()))
    write(box + "/synonym/english.relations", "")
    with gzip.open(box + "/paraphrase-en.gz", "wt") as file:
        for a, b in PARAPHRASES:
            file.write("0.5\n%s\n%s\n" % (a, b))
    with zipfile.ZipFile(box + "/meteor-1.5.jar", "w") as jar:
        for name in ("synonym/english.synsets", "synonym/english.exceptions"):
            jar.write(os.path.join(box, name), name)
        jar.write(box + "/function.words", "function/english.words")
        jar.writestr("nonbreaking/english.prefixes", PREFIXES)
    return ["-s", box + "/function.words", "-d", box + "/synonym", "-a", box + "/paraphrase-en.gz"]


class Java:
    def __init__(self, options):
        jar = os.path.join(list(importlib.util.find_spec("pycocoevalcap").submodule_search_locations)[0], "meteor",
                           "meteor-1.5.jar")
        self.process = subprocess.Popen(["java", "-Dfile.encoding=UTF-8", "-Xmx1G", "-jar", jar, "-", "-", "-stdio", "-l", "en",
                                         "-norm"] + options, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        env=dict(os.environ, LC_ALL="C.UTF-8"), encoding="utf-8")

    def ask(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()

    def scores(self, pairs):
        """Of each pair, and of all together."""
        stats = [self.ask("SCORE ||| " + " ||| ".join(references) + " ||| " + candidate) for candidate, references in pairs]
        first = self.ask("EVAL ||| " + " ||| ".join(stats))
        each = [float(first)] + [float(self.process.stdout.readline()) for _ in pairs[1:]]
        return each, float(self.process.stdout.readline())


def main():
    rng = random.Random(15)
    say = captions(rng)
    pairs = FIXED + [(say(), [say() for _ in range(rng.randint(1, 5))]) for _ in range(170)]
    with tempfile.TemporaryDirectory() as box:
        java = Java(sources(box))
        subprocess.run([sys.executable, CONVERT, box, os.path.join(HERE, "meteor-tiny.bin")], check=True)
        each, corpus = java.scores(pairs)
        java.process.kill()
    with open(os.path.join(HERE, "meteor.json"), "w") as file:
        rows = [{"candidate": c, "references": r, "score": s} for (c, r), s in zip(pairs, each)]
        json.dump({"corpus": corpus, "pairs": rows}, file, ensure_ascii=False, separators=(",", ":"))
        file.write("\n")
    print("corpus %.6f, %d of %d pairs between 0 and 1" % (corpus, sum(0 < s < 1 for s in each), len(each)))


if __name__ == "__main__":
    main()
