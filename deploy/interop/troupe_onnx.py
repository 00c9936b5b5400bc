"""A captioner of troupe in ONNX Runtime, from the file that `troupe export CHECKPOINT --onnx FILE` writes.

    captioner = Captioner("best.onnx")
    captioner.log_probs(features, captioner.ids("a dog runs"))     # features: [N, F] of one picture -> [T], the end token last
    captioner.caption(features)                                    # greedy

The graph takes pictures together, too: features [M, N, F] and tokens [M, T], the start token first, give log_probabilities
[M, T, V] of what follows each token. Needs onnxruntime and numpy. tests/reference/interop.py compares it with troupe's own.
"""
import json
import numpy
import onnxruntime

PAD, START, END, UNKNOWN = range(4)


class Captioner:
    def __init__(self, path):
        self.session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        self.token = json.loads(self.session.get_modelmeta().custom_metadata_map["troupe"])["tokens_by_id"]

    def ids(self, caption):
        """Of a caption in words (vocabulary_kind words), with the end token."""
        known = {token: id for id, token in enumerate(self.token)}
        return [known.get(word, UNKNOWN) for word in caption.split()] + [END]

    def run(self, features, tokens):
        """[N, F], token ids [T] with the start token first -> [T, V]."""
        inputs = {"features": numpy.asarray(features, numpy.float32)[None], "tokens": numpy.array([tokens], numpy.int64)}
        return self.session.run(["log_probabilities"], inputs)[0][0]

    def log_probs(self, features, ids):
        return self.run(features, [START] + ids[:-1])[numpy.arange(len(ids)), ids]

    def caption(self, features, length=20):
        ids = [START]
        while len(ids) <= length and ids[-1] != END:
            last = self.run(features, ids)[-1]
            last[[PAD, START, UNKNOWN]] = -numpy.inf
            ids.append(int(last.argmax()))
        return " ".join(self.token[i] for i in ids[1:] if i != END)
