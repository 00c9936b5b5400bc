#!/usr/bin/env python3
"""Goldens of common/score/diversity: plain numpy and pycocoevalcap's BLEU on already tokenised captions.

Usage: make_diversity.py, in this folder. Writes diversity.json: groups of captions with their pictures' references, the
values of each group and of the set. Made with numpy 2 and pycocoevalcap 1.2.
"""
import json
import random
from collections import Counter

import numpy as np
from pycocoevalcap.bleu.bleu import Bleu
from pycocoevalcap.cider.cider import Cider

import make_goldens


def ngrams(caption, n):
    words = caption.split()
    return [tuple(words[i:i + n]) for i in range(len(words) - n + 1)]


def distinct(group, n):
    words = sum(len(c.split()) for c in group)
    return len({g for c in group for g in ngrams(c, n)}) / words if words else 0.0


def mbleu(groups):
    """Corpus BLEU-4 of the g-th captions against the others, mean over g; and each group's mean."""
    size, corpus, each = len(groups[0]), [], np.zeros(len(groups))
    for g in range(size):
        res = {i: [group[g]] for i, group in enumerate(groups)}
        gts = {i: group[:g] + group[g + 1:] for i, group in enumerate(groups)}
        total, per = Bleu(4).compute_score(gts, res, verbose=0)
        corpus.append(total[3])
        each += np.array(per[3]) / size
    return float(np.mean(corpus)), each


def self_cider(group, frequency, documents):
    """-log_G of the share of the largest square root of an eigenvalue of the kernel of CIDEr."""
    kernel = np.zeros((len(group), len(group)))
    for n in range(1, 5):
        counts = [Counter(ngrams(c, n)) for c in group]
        axis = sorted({g for c in counts for g in c})
        idf = np.array([np.log(documents) - np.log(max(1, frequency[g])) for g in axis])
        vectors = np.array([[c[g] for g in axis] for c in counts]).reshape(len(group), len(axis)) * idf
        norms = np.linalg.norm(vectors, axis=1)
        vectors = vectors / np.where(norms > 0, norms, 1)[:, None]
        kernel += vectors @ vectors.T / 4
    roots = np.sqrt(np.clip(np.linalg.eigvalsh(kernel), 0, None))
    # rounding leaves eigenvalues of 1e-17 where there should be 0
    roots[roots < 1e-7] = 0
    return float(0 - np.log(roots.max() / roots.sum()) / np.log(len(group))) if roots.max() > 0 else 0.0


def make():
    rng = random.Random(5)
    pictures = [references for _, references in make_goldens.captions(40, 8, 11)]
    references, groups = [p[5:] for p in pictures], [p[:5] for p in pictures]
    groups[1] = [groups[1][0]] * 5
    groups[2] = ["", "a dog", "", "dog", "a man on a red horse"]
    groups[3] = [""] * 5
    groups[4] = ["a b c d e", "f g h i j", "k l m n o", "p q r s t", "u v w x y"]
    groups[5][2] = " ".join(rng.sample(groups[5][2].split() * 3, 12))
    frequency = Counter()
    for picture in references:
        frequency.update({g for c in picture for n in range(1, 5) for g in ngrams(c, n)})
    d = np.array([Cider().compute_score(dict(enumerate(references)), {i: [group[k]] for i, group in enumerate(groups)})[1]
                  for k in range(5)])
    corpus_mbleu, each_mbleu = mbleu(groups)
    rows = [{"distinct_1": distinct(group, 1), "distinct_2": distinct(group, 2), "mBLEU_4": float(each_mbleu[i]),
             "self_CIDEr": self_cider(group, frequency, len(references)), "CIDEr_oracle": float(d[:, i].max()),
             "CIDEr_mean": float(d[:, i].mean())} for i, group in enumerate(groups)]
    total = {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}
    total["mBLEU_4"] = corpus_mbleu
    return {"corpus": total, "images": [{"candidates": group, "references": picture, "diversity": row}
                                        for group, picture, row in zip(groups, references, rows)]}


if __name__ == "__main__":
    make_goldens.write("diversity.json", make())
