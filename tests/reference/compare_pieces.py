#!/usr/bin/env python3
"""Vocabularies of pieces against the reference tokenisers (PyPI: tokenizers, transformers): ids and decoded text.

Usage: compare_pieces.py [--wordpiece vocab.txt] [--bpe vocab.json merges.txt] [--captions FILE] [--random N]
Encodes the captions (a text a line, or Flickr's captions.txt) and N random strings of all of Unicode by both, and names what
differs. BUILD names the build folder (build).
"""
import argparse
import csv
import json
import os
import random
import subprocess
import sys

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
BUILD = os.environ.get("BUILD", os.path.join(ROOT, "build"))
WORDS = ("a A the dog dog's DON'T we'll I've they're it'd i'm café naïve Ångström e\u0301 İstanbul ΣΊΣΥΦΟΣ ß ﬁ Ⅻ ½ 10,000 3.5 #1 "
         "@home t-shirt x-ray -- ... … “q” ‘q’ «q» 犬 子犬です 고양이 ไทย हिन्दी עברית العربية \U0001f436 \U0001f468\u200d\U0001f469\u200d\U0001f467 \u00ad "
         "a\u00adb \u200b \ufeff \u00a0 \u2009 \u3000 \t \x01 \x7f \u0085 \ufffd [UNK] [SEP] <|endoftext|> <pad> ##ing 豈 \U0001d400 \U0010fffd").split(" ")


def wordpiece(path):
    """Tokenizer without special tokens in the text, ids as troupe numbers them, text as troupe cleans it up."""
    with open(path, encoding="utf-8") as file:
        pieces = file.read().split("\n")
    if not pieces[-1]:
        pieces.pop()
    tokenizer = Tokenizer(models.WordPiece({p: i for i, p in enumerate(pieces)}, unk_token="[UNK]", max_input_chars_per_word=100))
    tokenizer.normalizer = normalizers.BertNormalizer(clean_text=True, handle_chinese_chars=True, strip_accents=None, lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    special = {"[PAD]": 0, "[CLS]": 1, "[SEP]": 2, "[UNK]": 3}
    return tokenizer, number(pieces, special), wordpiece_text


def wordpiece_text(tokens):
    """As transformers' BertTokenizer: convert_tokens_to_string, then clean_up_tokenization; then troupe's hyphens."""
    text = " ".join("<unk>" if t == "[UNK]" else t for t in tokens).replace(" ##", "")
    for before, after in ((" .", "."), (" ?", "?"), (" !", "!"), (" ,", ","), (" ' ", "'"), (" n't", "n't"), (" 'm", "'m"),
                          (" 's", "'s"), (" 've", "'ve"), (" 're", "'re"), (" - ", "-")):
        text = text.replace(before, after)
    return text


def bpe(vocab, merges):
    tokenizer = Tokenizer(models.BPE.from_file(vocab, merges))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    decoder = decoders.ByteLevel()
    with open(vocab, encoding="utf-8") as file:
        ids = json.load(file)
    pieces = sorted(ids, key=ids.get)

    def text(tokens):
        plain = "".join(" " if ord(c) < 32 or ord(c) == 127 else c for c in decoder.decode(tokens))
        return plain.strip(" ")

    return tokenizer, number(pieces, {"<|endoftext|>": 2}), text


def number(pieces, special):
    """piece -> troupe's id: the special tokens first, the others in the file's order."""
    ids, at = {}, 4
    for piece in pieces:
        if piece in special:
            ids[piece] = special[piece]
        else:
            ids[piece] = at
            at += 1
    return ids


def reference(kind, text):
    tokenizer, ids, decode = kind
    tokens = tokenizer.encode(text, add_special_tokens=False).tokens
    return [ids[t] for t in tokens] + [2], decode(tokens)


def random_strings(count, seed=1):
    """Ordinary words and odd ones, and characters from everywhere."""
    rng = random.Random(seed)
    planes = [(0x20, 0x7F), (0xA0, 0x250), (0x300, 0x370), (0x370, 0x600), (0x600, 0x1100), (0x1E00, 0x2000), (0x2000, 0x2070), (0x2070, 0x3000),
              (0x3000, 0x3400), (0x4E00, 0x9FFF), (0xA000, 0xAC00), (0xAC00, 0xD7A4), (0xF900, 0x10000), (0x10000, 0x20000), (0x20000, 0x110000)]

    def strange():
        low, high = rng.choice(planes)
        return "".join(chr(rng.randrange(low, high)) for _ in range(rng.choice((1, 1, 2, 5))))

    out = []
    for _ in range(count):
        parts = [rng.choice(WORDS) if rng.random() < 0.6 else strange() for _ in range(rng.randrange(1, 12))]
        if rng.random() < 0.02:
            parts.append("x" * rng.choice((99, 100, 101, 150)))
        out.append("".join(p + rng.choice((" ", " ", "", "  ", "'", "-", ".")) for p in parts))
    return [t.replace("\n", " ").replace("\r", " ").replace("\0", " ") for t in out]


def captions(path):
    with open(path, encoding="utf-8", newline="") as file:
        lines = file.read().split("\n")
    if lines[0].startswith("image,caption"):
        return [row[1] for row in csv.reader(lines[1:]) if row]
    return [line for line in lines if line]


def compare(name, kind, files, texts):
    out = subprocess.run([os.path.join(BUILD, "tests/reference/encode_lines"), name, *files], check=True,
                         input="\n".join(texts) + "\n", capture_output=True, encoding="utf-8").stdout.split("\n")
    assert out.pop() == "" and len(out) == len(texts), (len(out), len(texts))
    wrong = 0
    for text, line in zip(texts, out):
        ids, decoded = line.split("\t", 1)
        wanted, wanted_text = reference(kind, text)
        if [int(i) for i in ids.split()] != wanted or decoded != wanted_text:
            wrong += 1
            if wrong <= 5:
                print(f"{name}: {text!r}\n  {ids}\n  {wanted}\n  {decoded!r}\n  {wanted_text!r}")
    return wrong


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--wordpiece")
    parser.add_argument("--bpe", nargs=2)
    parser.add_argument("--captions")
    parser.add_argument("--random", type=int, default=20000)
    options = parser.parse_args()
    sets = {"random strings": random_strings(options.random)}
    if options.captions:
        sets["captions"] = captions(options.captions)
    failed = 0
    for name, files, make in (("wordpiece", options.wordpiece and [options.wordpiece], wordpiece), ("bpe", options.bpe, bpe)):
        if not files:
            continue
        kind = make(*files)
        for what, texts in sets.items():
            wrong = compare(name, kind, files, texts)
            print(f"{name}: {len(texts)} {what}, {wrong} differ")
            failed += wrong
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
