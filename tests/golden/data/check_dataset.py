"""Checks a dataset file with h5py alone: python3 check_dataset.py F.h5

Shapes and types, the vocabulary and the token ids made again from caption/words, and the document frequencies by the number
of training pictures. Prints a summary; stops on a difference."""
import collections
import sys

import h5py
import numpy as np


def texts(array):
    return [t.decode() for t in array[()]]


def ngram_documents(captions):
    """n-grams of the pictures' references with the end token behind each -> number of pictures that have it."""
    df = collections.Counter()
    for references in captions:
        seen = set()
        for words in references:
            words = words.split() + ["<eos>"]
            seen.update(tuple(words[i:i + n]) for n in range(1, 5) for i in range(len(words) - n + 1))
        df.update(seen)
    return df


def main(path):
    f = h5py.File(path, "r")
    assert f.attrs["format"] in ("troupe-dataset", b"troupe-dataset"), f.attrs["format"]
    features = f["features"]
    images = features.shape[0]
    assert features.dtype in (np.float16, np.float32) and features.chunks == (1,) + features.shape[1:]
    split = texts(f["image/split"])
    assert len(split) == len(texts(f["image/id"])) == len(texts(f["image/file"])) == images
    owner, words, tokens = f["caption/image"][()], texts(f["caption/words"]), f["caption/tokens"][()]
    length, vocabulary = f["caption/length"][()], texts(f["vocabulary/token"])
    assert (np.diff(owner) >= 0).all() and len(words) == len(owner) == len(tokens)
    assert vocabulary[:4] == ["<pad>", "<start>", "<end>", "<unk>"]

    counts = collections.Counter(w for i, c in zip(owner, words) if split[i] == "train" for w in c.split())
    least = min(counts[w] for w in vocabulary[4:])
    expected = sorted((w for w in counts if counts[w] >= least), key=lambda w: (-counts[w], w.encode()))
    assert vocabulary[4:] == expected, "vocabulary"
    ids = {w: i for i, w in enumerate(vocabulary)}
    stride = tokens.shape[1]
    for c, caption in enumerate(words):
        row = ([ids.get(w, 3) for w in caption.split()] + [2])[:stride]
        assert length[c] == len(row) and list(tokens[c]) == row + [0] * (stride - len(row)), ("tokens", c)

    references = collections.defaultdict(list)
    for i, c in zip(owner, words):
        if split[i] == "train":
            references[i].append(c)
    df = ngram_documents(references.values())
    stored = np.sort(f["ngram/df"][()])
    assert f["ngram"].attrs["documents"] == len(references) == split.count("train")
    assert len(stored) == len(df) and (stored == np.sort(np.array(list(df.values()), np.float32))).all(), "ngram/df"
    keys = f["ngram/key"][()]
    assert (keys[1:] > keys[:-1]).all(), "ngram/key"
    values = features[np.sort(np.random.default_rng(0).choice(images, min(images, 64), False))].astype(np.float32)
    assert np.isfinite(values).all()
    print(f"{path}: {images} images {dict(collections.Counter(split))}, {len(words)} captions, vocabulary {len(vocabulary)}, "
          f"least count {least}, {len(df)} n-grams, features {features.shape} {features.dtype} mean {values.mean():.4f} "
          f"std {values.std():.4f} max {values.max():.3f}")


if len(sys.argv) != 2:
    sys.exit(__doc__)
main(sys.argv[1])
