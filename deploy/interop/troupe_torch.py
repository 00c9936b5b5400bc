"""A captioner of troupe in PyTorch, from the safetensors file that `troupe export CHECKPOINT --safetensors FILE` writes.

    captioner = Captioner("best.safetensors")
    captioner.log_probs(features, captioner.ids("a dog runs"))     # features: [N, F] of one picture -> [T], the end token last
    captioner.caption(features)                                    # greedy

The arithmetic is common/model/captioner.h's: linear map of the grid, transformer encoder (or none) and decoder layers of PyTorch's own
kind. Needs torch and safetensors. tests/reference/interop.py compares its log-probabilities with troupe's.
"""
import json
import torch
import torch.nn.functional as F
from safetensors import safe_open

PAD, START, END, UNKNOWN = range(4)


class Captioner:
    def __init__(self, path):
        with safe_open(path, "pt") as file:
            self.about = json.loads(file.metadata()["troupe"])
            self.w = {name: file.get_tensor(name) for name in file.keys()}
        self.token = self.about["tokens_by_id"]

    def ids(self, caption):
        """Of a caption in words (vocabulary_kind words), with the end token."""
        known = {token: id for id, token in enumerate(self.token)}
        return [known.get(word, UNKNOWN) for word in caption.split()] + [END]

    def linear(self, x, name):
        return F.linear(x, self.w[name + ".weight"], self.w[name + ".bias"])

    def norm(self, x, name):
        return F.layer_norm(x, x.shape[-1:], self.w[name + ".weight"], self.w[name + ".bias"])

    def attend(self, q, k, v, causal=False):
        split = lambda x: x.unflatten(-1, (self.about["heads"], -1)).transpose(0, 1)
        return F.scaled_dot_product_attention(split(q), split(k), split(v), is_causal=causal).transpose(0, 1).flatten(1)

    def residual(self, x, name, block):
        """Norm behind the sum (post) or before the block (pre)."""
        if self.about["norm"] == "pre":
            return x + block(self.norm(x, name))
        return self.norm(x + block(x), name)

    def layer(self, x, name, memory=None):
        act = F.gelu if self.about["activation"] == "gelu" else F.relu
        own = lambda x: self.linear(self.attend(*self.linear(x, name + ".self.qkv").chunk(3, -1), memory is not None), name + ".self.out")
        x = self.residual(x, name + ".self.norm", own)
        if memory is not None:
            cross = lambda x: self.linear(self.attend(self.linear(x, name + ".cross.q"), *self.linear(memory, name + ".cross.kv").chunk(2, -1)),
                                          name + ".cross.out")
            x = self.residual(x, name + ".cross.norm", cross)
        return self.residual(x, name + ".ff.norm", lambda x: self.linear(act(self.linear(x, name + ".ff.up")), name + ".ff.down"))

    def logits(self, features, inputs):
        """[N, F], token ids [T] with the start token first -> [T, V]."""
        memory = self.linear(features, "image")
        for i in range(self.about["enc_layers"]):
            memory = self.layer(memory, "encoder.%d" % i)
        if "encoder.norm.weight" in self.w:
            memory = self.norm(memory, "encoder.norm")
        x = self.norm(self.w["embedding.token"][inputs] + self.w["embedding.position"][:len(inputs)], "embedding.norm")
        for i in range(self.about["dec_layers"]):
            x = self.layer(x, "decoder.%d" % i, memory)
        if "decoder.norm.weight" in self.w:
            x = self.norm(x, "decoder.norm")
        return F.linear(x, self.w["embedding.token" if self.about["tied"] else "output.weight"], self.w["output.bias"])

    def log_probs(self, features, ids):
        logits = self.logits(features, [START] + ids[:-1])
        return logits.log_softmax(-1).gather(1, torch.tensor(ids)[:, None])[:, 0]

    def caption(self, features, length=20):
        ids = [START]
        while len(ids) <= length and ids[-1] != END:
            logits = self.logits(features, ids)[-1]
            logits[[PAD, START, UNKNOWN]] = float("-inf")
            ids.append(int(logits.argmax()))
        return " ".join(self.token[i] for i in ids[1:] if i != END)
