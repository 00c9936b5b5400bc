#!/usr/bin/env python3
"""common/data/wordpiece_table.h and common/data/bpe_table.h: what the reference tokenisers do with each character, found by
asking tokenizers 0.23 (its BERT and GPT-2 parts) about every code point.

Usage: make_tables.py, in this folder; about a minute. Hangul syllables, which decompose by arithmetic, are left out.
"""
import os

from tokenizers import normalizers, pre_tokenizers

CODES = [c for c in range(0x110000) if not 0xD800 <= c <= 0xDFFF]
HANGUL = range(0xAC00, 0xD7A4)
OUT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..", "common", "data")


def bert():
    """class of each code point, and what it becomes where that is another text."""
    normalize = normalizers.BertNormalizer(clean_text=True, handle_chinese_chars=True, strip_accents=None, lowercase=True)
    split = pre_tokenizers.BertPreTokenizer()
    classes, maps = {}, {}
    for c in CODES:
        middle = normalize.normalize_str("a" + chr(c) + "b")[1:-1]
        text = middle.strip(" ")
        if middle == "":
            kind = "GONE"
        elif middle == " ":
            kind = "SPACE"
        elif middle[0] == " " and middle[-1] == " ":
            kind = "ALONE"
        else:
            words = len(split.pre_tokenize_str("a" + middle + "b"))
            assert words == 1 or (words == 3 and len(middle) == 1), hex(c)
            kind = "LETTER" if words == 1 else "ALONE"
        classes[c] = kind
        if text and text != chr(c) and c not in HANGUL:
            assert len(text) <= 3, hex(c)
            maps[c] = [ord(t) for t in text]
    return classes, maps


def gpt2():
    split = pre_tokenizers.ByteLevel(add_prefix_space=False)
    one = lambda text: len(split.pre_tokenize_str(text)) == 1
    return {c: "LETTER" if one("a" + chr(c)) else "DIGIT" if one("1" + chr(c)) else "OTHER" if one("!" + chr(c)) else "SPACE"
            for c in CODES}


def ranges(classes, common):
    rows = []
    for c in CODES:
        if classes[c] == common:
            continue
        if rows and rows[-1][1] == c - 1 and rows[-1][2] == classes[c]:
            rows[-1][1] = c
        else:
            rows.append([c, c, classes[c]])
    return rows


def runs(maps):
    """[first, last, delta, step]: each step-th character of the range becomes the one `delta` behind."""
    rows = []
    for c in sorted(maps):
        if len(maps[c]) > 1:
            continue
        delta = maps[c][0] - c
        last = rows[-1] if rows else None
        if last and last[2] == delta and (c - last[1] == last[3] or (last[0] == last[1] and c - last[1] <= 2)):
            last[3] = c - last[1]
            last[1] = c
        else:
            rows.append([c, c, delta, 1])
    return rows


def show(file, name, kind, rows):
    print(f"static const {kind} {name}[] = {{", file=file)
    text = "   "
    for row in rows:
        if len(text) + len(row) + 2 > 118:
            print(text, file=file)
            text = "   "
        text += f" {row},"
    print(text + "\n};", file=file)


def main():
    classes, maps = bert()
    with open(os.path.join(OUT, "wordpiece_table.h"), "w") as file:
        print("/* Characters as BERT's uncased basic tokeniser treats them; what is in no range is a letter that stays as it is.\n"
              " * Written by tests/golden/pieces/make_tables.py. */", file=file)
        show(file, "CLASSES", "PieceClassRange", [f"{{{a:#x}, {b:#x}, PIECE_{k}}}" for a, b, k in ranges(classes, "LETTER")])
        show(file, "FOLDS", "PieceFoldRange", [f"{{{a:#x}, {b:#x}, {d}, {s}}}" for a, b, d, s in runs(maps)])
        show(file, "MANY", "PieceFoldMany",
             [f"{{{c:#x}, {{{', '.join(hex(t) for t in to)}}}}}" for c, to in sorted(maps.items()) if len(to) > 1])
    with open(os.path.join(OUT, "bpe_table.h"), "w") as file:
        print("/* Letters, numbers and spaces of GPT-2's pattern. Written by tests/golden/pieces/make_tables.py. */", file=file)
        show(file, "CLASSES", "BpeClassRange", [f"{{{a:#x}, {b:#x}, BPE_{k}}}" for a, b, k in ranges(gpt2(), "OTHER")])


if __name__ == "__main__":
    main()
