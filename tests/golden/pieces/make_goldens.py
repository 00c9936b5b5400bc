#!/usr/bin/env python3
"""Small vocabularies of pieces and what the reference tokenisers make of 600 texts with them.

Usage: make_goldens.py, in this folder (PyPI: tokenizers). Writes vocab.txt (WordPiece), vocab.json, merges.txt and tokenizer.json
(byte-level BPE), trained on sentences made here, and pieces.json: [text, ids, decoded text] for each.
"""
import json
import os
import random
import sys

from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "reference"))
import compare_pieces as compare

WHO = ["A dog", "Two dogs", "A man's dog", "The girl", "A woman in a red T-shirt", "Three children", "An older man", "A black-and-white cat", "Someone"]
DOES = ["is running", "jumps", "isn't jumping", "was sitting", "rides a bicycle", "plays soccer", "climbs", "catches a Frisbee", "they're swimming"]
WHERE = ["on the beach", "in the snow", "through a field of grass", "near the water's edge", "at 10:30", "over a fence", "", "in front of a crowd"]
END = [".", " .", "!", "", ", looking at the camera."]


def sentences(count, seed):
    rng = random.Random(seed)
    return [" ".join(p for p in (rng.choice(WHO), rng.choice(DOES), rng.choice(WHERE)) if p) + rng.choice(END) for _ in range(count)]


def alphabet(texts):
    """The characters of the texts as BERT sees them, so that most are pieces and not unknown."""
    normalize = normalizers.BertNormalizer(clean_text=True, handle_chinese_chars=True, strip_accents=None, lowercase=True)
    return sorted({c for t in texts for c in normalize.normalize_str(t) if not c.isspace()})


def train_wordpiece(texts, strange):
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]", max_input_chars_per_word=100))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.train_from_iterator(texts, trainers.WordPieceTrainer(vocab_size=300, show_progress=False,
                                                                   special_tokens=["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]))
    pieces = sorted(tokenizer.get_vocab(), key=tokenizer.get_vocab().get)
    for c in alphabet(strange):
        pieces += [p for p in (c, "##" + c) if p not in pieces and ord(c) % 5]  # a fifth stays unknown
    with open(os.path.join(HERE, "vocab.txt"), "w", encoding="utf-8") as file:
        file.write("\n".join(pieces) + "\n")


def train_bpe(texts):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.train_from_iterator(texts, trainers.BpeTrainer(vocab_size=450, show_progress=False, special_tokens=["<|endoftext|>"],
                                                             initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
    tokenizer.model.save(HERE)
    tokenizer.save(os.path.join(HERE, "tokenizer.json"), pretty=False)


def main():
    strange = compare.random_strings(350, 5)
    texts = sentences(250, 3) + strange
    train_wordpiece(sentences(4000, 1), strange)
    train_bpe(sentences(4000, 1) + strange[:20])
    wordpiece = compare.wordpiece(os.path.join(HERE, "vocab.txt"))
    bpe = compare.bpe(os.path.join(HERE, "vocab.json"), os.path.join(HERE, "merges.txt"))
    with open(os.path.join(HERE, "pieces.json"), "w", encoding="utf-8") as file:
        json.dump({name: [[t, *compare.reference(kind, t)] for t in texts] for name, kind in (("wordpiece", wordpiece), ("bpe", bpe))},
                  file, ensure_ascii=True, separators=(",", ":"))


if __name__ == "__main__":
    main()
