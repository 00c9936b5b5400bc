"""Makes update.json: a tiny captioner trained by PyTorch in float64: three cross-entropy steps (label smoothing, Adam),
then three steps of the policy objective (AdamW) on rollouts, then three more of its decoupled form (off-policy: prox is
the policy when they began), then three on-policy ones with an entropy bonus and a cross-entropy term mixed in, with the
weights after each stage.

The model is the one of tests/golden/model. Adam's eps is large here, since it divides rounding noise by rounding noise
where a gradient is zero by symmetry (the bias of attention's keys). Run in this folder: python3 make_update_golden.py
"""
import json

import torch

with open("../model/make_captioner_golden.py") as file:
    exec(file.read().split("\nprint(")[0])  # its Model and noise, without its output

SHAPE = dict(vocabulary=13, d_model=8, heads=2, d_ff=12, enc_layers=0, dec_layers=1, cells=5, features=6, positions=7,
             norm="post", activation="relu", tied=False)
GROUP, LENGTHS = [0, 0, 1, 1, 2, 2], [4, 1, 7, 3, 2, 5]
REWARDS = [0.5, 1.25, 0.25, 0.75, 0.5, 0.5]  # the third group says nothing
STEPS, EPS, RATE = 3, 1e-3, 2.0 ** -6
model = Model(SHAPE)
captions, total, longest = len(LENGTHS), sum(LENGTHS), max(LENGTHS)
words = ((noise(900, total) + 0.5) * (SHAPE["vocabulary"] - 3)).astype(int) + 3
features = torch.tensor(noise(901, 3 * SHAPE["cells"] * SHAPE["features"]) * 4)
features = features.reshape(3, SHAPE["cells"], SHAPE["features"])
inputs, targets, at = torch.zeros(captions, longest, dtype=int), torch.zeros(captions, longest, dtype=int), 0
for c, n in enumerate(LENGTHS):
    caption = [int(w) for w in words[at:at + n - 1]] + [2]  # closes with the end token
    at += n
    targets[c, :n] = torch.tensor(caption)
    inputs[c, :n] = torch.tensor([1] + caption[:-1])
valid = torch.arange(longest)[None] < torch.tensor(LENGTHS)[:, None]
owner = torch.repeat_interleave(torch.arange(captions), torch.tensor(LENGTHS))


def logits():
    return model.forward(features, GROUP, inputs)[valid]


def logp(temperature=1.0):
    return (logits() / temperature).log_softmax(-1).gather(1, targets[valid][:, None])[:, 0]


def number(x):
    return [float("%.9g" % v) for v in x.detach().reshape(-1)]


def snapshot():
    return {name: number(w) for name, w in model.leaf.items()}


def step(optimizer, loss, s):
    for group in optimizer.param_groups:
        group["lr"] = RATE * (1 - s / 4)
    optimizer.zero_grad()
    loss.backward()
    norm = torch.nn.utils.clip_grad_norm_(list(model.leaf.values()), 1.0)
    optimizer.step()
    return {"loss": float("%.9g" % loss.item()), "grad_norm": float("%.9g" % norm.item())}


adam = torch.optim.Adam(list(model.leaf.values()), lr=RATE, eps=EPS, weight_decay=0.03125)
xe = [step(adam, nn.functional.cross_entropy(logits(), targets[valid], label_smoothing=0.125), s) for s in range(STEPS)]
after_xe = snapshot()

TEMPERATURE, BETA, LOW, HIGH, CAP = 0.75, 0.0625, 0.2, 0.28125, 1.25
grid = lambda x: torch.round(x * 1024) / 1024
log_mu = grid(logp(TEMPERATURE).detach() + torch.tensor(noise(930, total)) * 0.8)
log_ref = grid(logp(TEMPERATURE).detach() + torch.tensor(noise(931, total)))
rewards = torch.tensor(REWARDS).reshape(3, 2)
std = rewards.std(1, unbiased=False, keepdim=True)
advantage = torch.where(std < 1e-4, 0.0, (rewards - rewards.mean(1, keepdim=True)) / (std + 1e-5)).reshape(-1)[owner]
matrices = [w for w in model.leaf.values() if w.dim() == 2]
vectors = [w for w in model.leaf.values() if w.dim() == 1]
adamw = torch.optim.AdamW([{"params": matrices, "weight_decay": 0.03125}, {"params": vectors, "weight_decay": 0.0}],
                          lr=RATE, eps=EPS)

XE, BONUS = 0.25, 0.0625


def policy_step(s, old, weight, mixed=False):
    lp = logp(TEMPERATURE)
    ratio, delta = (lp - old).exp(), log_ref - lp
    kl = delta.exp() - delta - 1
    surrogate = torch.minimum(ratio * advantage, ratio.clamp(1 - LOW, 1 + HIGH) * advantage)
    loss, seen = -(weight * surrogate - BETA * kl).mean(), {"kl": kl.mean().item()}
    if mixed:
        log_all = (logits() / TEMPERATURE).log_softmax(-1)
        entropy = -(log_all.exp() * log_all).sum(-1).mean()
        truth = nn.functional.cross_entropy(logits(), targets[valid])
        loss = loss + XE * truth - BONUS * entropy
        seen.update(xe=truth.item(), entropy=entropy.item())
    return {**step(adamw, loss, s), **seen}


policy = [policy_step(s, log_mu, 1.0) for s in range(STEPS)]
after_policy = snapshot()
log_prox = logp(TEMPERATURE).detach()
weight = (log_prox - log_mu).exp().clamp(max=CAP)
assert (weight == CAP).any() and (weight < CAP).any()
decoupled = [policy_step(s, log_prox, weight) for s in range(STEPS)]
after_decoupled = snapshot()
mixed = [policy_step(s, log_mu, 1.0, mixed=True) for s in range(STEPS)]
out = {"shape": SHAPE, "group": GROUP, "lengths": LENGTHS, "rewards": REWARDS, "inputs": inputs[valid].tolist(),
       "targets": targets[valid].tolist(), "learning_rate": RATE, "eps": EPS, "temperature": TEMPERATURE,
       "log_mu": number(log_mu), "log_ref": number(log_ref), "xe": xe, "policy": policy,
       "decoupled": decoupled, "mixed": mixed}
with open("update.json", "w") as file:
    file.write("{%s,\n" % json.dumps(out)[1:-1])
    file.write('"after_xe": %s,\n"after_policy": %s,\n' % (json.dumps(after_xe), json.dumps(after_policy)))
    file.write('"after_decoupled": %s,\n"after_mixed": %s}\n' % (
        json.dumps(after_decoupled), json.dumps(snapshot())))
