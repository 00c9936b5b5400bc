#!/usr/bin/env python3
"""common/score/unicode_table.h: what the evaluation's tokeniser does with each character of the basic plane, found by asking.

Usage: make_unicode.py > ../../../common/score/unicode_table.h, in this folder. Puts four short lines a character to
PTBTokenizer (pycocoevalcap 1.2, Java 17) and tells letters, signs and the rest apart by what comes back.
"""
import pickle
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "reference"))
import compare

CODES = [c for c in range(0x80, 0x10000) if not 0xD800 <= c <= 0xDFFF and c not in (0x85, 0x2028, 0x2029)]
PATTERNS = ["a%sb", "x %s y", "1%s2", "dog%s!"]
# what has a class of its own in ptb.l
SINGLE = {0xAD: "SOFT", 0x58A: "HYPHEN", 0x2010: "HYPHEN", 0x2011: "HYPHEN", 0x66B: "POINT", 0x66C: "POINT",
          0x2044: "SLASH", 0x2019: "APOSTROPHE", 0x92: "APOSTROPHE", 0x2018: "BACKQUOTE", 0x91: "BACKQUOTE", 0xA2: "CENT",
          0xA3: "POUND", 0xBC: "QUARTER", 0xBD: "HALF", 0xBE: "THREE_QUARTERS", 0x2153: "THIRD", 0x2154: "TWO_THIRDS",
          0x2026: "ELLIPSIS", 0x85: "SPACE", 0xA0: "NO_BREAK", 0x2028: "SPACE", 0x2029: "SPACE", 0x3000: "WIDE_SPACE",
          **{c: "DASH" for c in (0x96, 0x97, 0x2013, 0x2014, 0x2015)}, **{c: "DOLLAR" for c in (0x80, 0xA4, 0x20A0, 0x20AC)},
          **{c: "WIDE_SPACE" for c in range(0x2000, 0x200B)},
          0x2039: "LEFT_ANGLE", 0x201B: "LEFT_ANGLE", 0x203A: "RIGHT_ANGLE", 0x201A: "LOW_QUOTE", 0x201E: "LOW_QUOTE",
          **{c: "LEFT_QUOTE" for c in (0x93, 0xAB, 0x201C)}, **{c: "RIGHT_QUOTE" for c in (0x94, 0xBB, 0x201D)}}


def ask():
    cache = os.environ.get("UNICODE_CACHE")
    if cache:
        with open(cache, "rb") as file:
            return pickle.load(file)[2]
    return compare.java_words([p % chr(c) for c in CODES for p in PATTERNS])


def kind(code, rows):
    """Class by the four answers, and the character in lower case."""
    if code in SINGLE:
        return SINGLE[code], code
    joined, alone, digits, _ = rows
    words = alone.split(" ")
    if len(words) == 2:
        return "GONE", code
    assert len(words) == 3 and words[0] == "x" and words[2] == "y", (hex(code), rows)
    lower = words[1]
    if " " in joined:
        return "SIGN", (ord(lower) if len(lower) == 1 else code)
    return ("LETTER" if " " not in digits else "MARK"), (ord(lower) if len(lower) == 1 else code)


def main():
    answers = ask()
    kinds = {c: ("SPACE", c) for c in (0x85, 0x2028, 0x2029)}
    for i, code in enumerate(CODES):
        kinds[code] = kind(code, answers[i * 4:i * 4 + 4])
    classes, lowers = [], []
    for code in sorted(kinds):
        name, lower = kinds[code]
        if name != "GONE":
            if classes and classes[-1][2] == name and classes[-1][1] == code - 1:
                classes[-1][1] = code
            else:
                classes.append([code, code, name])
        if lower != code:
            last = lowers[-1] if lowers else None
            if last and last[2] == lower - code and (last[1] == code - last[3] or (last[0] == last[1] and code - last[1] == 2)):
                last[3] = code - last[1]
                last[1] = code
            else:
                lowers.append([code, code, lower - code, 1])
    print("/* Characters of the basic plane as the evaluation's tokeniser treats them; what is not here is removed. Written by\n"
          " * tests/golden/score/make_unicode.py. */")
    show("CLASSES", [f"{{{a:#x}, {b:#x}, UNICODE_{name}}}" for a, b, name in classes], "UnicodeClassRange")
    show("LOWERS", [f"{{{a:#x}, {b:#x}, {delta}, {step}}}" for a, b, delta, step in lowers], "UnicodeLowerRange")


def show(name, rows, kind_name):
    print(f"static const {kind_name} {name}[] = {{")
    text = "   "
    for row in rows:
        if len(text) + len(row) + 2 > 118:
            print(text)
            text = "   "
        text += f" {row},"
    print(text + "\n};")


if __name__ == "__main__":
    main()
