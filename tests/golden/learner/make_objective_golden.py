"""Makes objective.json: advantages, losses, gradients and metrics by PyTorch autograd in float64.

Written from the papers' equations, not from learner/*.c. Inputs are multiples of 1/1024, so that both sides read the
same floats. Run in this folder: python3 make_objective_golden.py
"""
import itertools
import json

import torch

torch.set_default_dtype(torch.float64)
generator = torch.Generator().manual_seed(20250301)
CLAMP = 20.0


def grid(values):
    return torch.round(values * 1024) / 1024


def make_data(lengths, group, rewards, greedy, spread, prox=False):
    tokens = sum(lengths)
    draw = lambda: torch.randn(tokens, generator=generator)
    logp = grid(-0.1 - 2 * draw().abs())
    data = {
        "group": group, "lengths": lengths, "rewards": rewards, "greedy": greedy,
        "logp": logp, "log_mu": grid(logp + spread * draw()), "log_ref": grid(logp + 0.3 * draw()),
        "entropy": grid(draw().abs()),
    }
    if prox:
        data["log_prox"] = grid(data["log_mu"] + spread * draw())
    return data


def advantages(kind, data, eps=1e-5, min_std=1e-4):
    out, group = [], data["group"]
    for i in range(0, len(data["rewards"]), group):
        r = torch.tensor(data["rewards"][i:i + group])
        if kind == "scst":
            a = r - data["greedy"][i // group]
            dead = a.square().mean().sqrt() < min_std
        else:
            dead = r.std(unbiased=False) < min_std
            if kind == "grpo":
                a = (r - r.mean()) / (r.std(unbiased=False) + eps)
            elif kind == "dr_grpo":
                a = r - r.mean()
            else:
                others = [torch.cat([r[:j], r[j + 1:]]).mean() for j in range(group)]
                a = r - torch.stack(others)
        out += [torch.zeros(group) if dead else a]
    return torch.cat(out)


def exp_clamped(x):
    """Value of exp(clamp(x)), and that value as its derivative."""
    e = x.detach().clamp(-CLAMP, CLAMP).exp()
    return e + e * (x - x.detach())


def evaluate(data, a, o):
    lengths = torch.tensor(data["lengths"])
    captions = len(data["lengths"])
    owner = torch.repeat_interleave(torch.arange(captions), lengths)
    logp = data["logp"].clone().requires_grad_()
    entropy = data["entropy"].clone().requires_grad_()
    at = a[owner]

    def per_caption_mean(x):
        mean = torch.zeros(captions).index_add(0, owner, x) / lengths
        return mean[owner]

    delta = logp - data["log_ref"]
    kl = {"k1": delta, "k2": delta ** 2 / 2, "k3": exp_clamped(-delta) + delta - 1}[o["kl"]]
    metrics = {"kl": kl.mean().item(), "entropy": data["entropy"].mean().item()}
    if o["form"] == "reinforce":
        objective = at * logp
        ratio = torch.ones_like(logp)
        metrics["clip_low"] = metrics["clip_high"] = 0.0
    else:
        old = data.get("log_prox", data["log_mu"])
        log_ratio, log_weight = logp - old, old - data["log_mu"]
        if o["level"] == "sequence":
            log_ratio, log_weight = per_caption_mean(log_ratio), per_caption_mean(log_weight)
        ratio = exp_clamped(log_ratio)
        weight = log_weight.exp().clamp(max=o["importance_cap"])
        low, high = 1 - o["eps_low"], 1 + o["eps_high"]
        objective = weight * torch.minimum(ratio * at, ratio.clamp(low, high) * at) - o["beta"] * kl
        metrics["clip_low"] = ((ratio < low) & (at < 0)).double().mean().item()
        metrics["clip_high"] = ((ratio > high) & (at > 0)).double().mean().item()
    metrics["ratio_mean"], metrics["ratio_max"] = ratio.mean().item(), ratio.max().item()
    objective = objective + o["entropy_bonus"] * entropy
    if o["aggregation"] == "token_mean":
        loss = -objective.mean()
    elif o["aggregation"] == "sequence_mean":
        loss = -torch.stack([objective[owner == c].mean() for c in range(captions)]).mean()
    else:
        loss = -objective.sum() / (captions * o["max_length"])
    loss.backward()
    grad_entropy = entropy.grad if entropy.grad is not None else torch.zeros_like(entropy)
    return loss.item(), logp.grad, grad_entropy, metrics


def rounded(x):
    if isinstance(x, torch.Tensor):
        return [rounded(v) for v in x.tolist()]
    return float("%.10g" % x)


DEFAULT = dict(form="clipped", level="token", aggregation="token_mean", kl="k3", beta=0.04, eps_low=0.2, eps_high=0.2,
               entropy_bonus=0.0, max_length=20, importance_cap=2.0)
RATIONAL = [0.25, 0.5, 1.0, 0.125, 0.75, 0.75, 0.75, 0.75, 0.0, 0.03125, 0.5, 0.0]  # the second group says nothing
main = make_data([3, 1, 6, 2, 4, 4, 1, 2, 5, 1, 3, 4], 4, RATIONAL, [0.5, 0.25, 0.0625], 0.4)
huge = make_data([2, 1, 3, 2], 2, [1.0, 0.0, 0.25, 0.5], [0.5, 0.25], 0.4)
huge["log_mu"][[0, 2, 3, 5]] = huge["logp"][[0, 2, 3, 5]] + torch.tensor([-50.0, -60.0, 70.0, 40.0])
huge["log_ref"][[1, 4]] = huge["logp"][[1, 4]] + torch.tensor([45.0, -35.0])
decoupled = make_data([3, 2, 1, 4], 2, [1.0, 0.0, 0.25, 0.5], [0.5, 0.25], 0.6, prox=True)
single = make_data([1], 1, [0.75], [0.25], 0.1)
# five captions a group, as the presets have: one token to the length limit of 20; the second group says nothing
limit = make_data([20, 1, 20, 7, 11, 20, 20, 20, 20, 1], 5, [0.5, 0.0, 1.25, 0.25, 0.75] + [0.5] * 5, [0.5, 0.5], 0.4)
datasets = [main, huge, decoupled, single, limit]

runs = []
for kind, level, aggregation, kl in itertools.product(
        ["grpo", "dr_grpo", "rloo"], ["token", "sequence"], ["token_mean", "sequence_mean", "constant"],
        ["k1", "k2", "k3"]):
    runs.append((0, kind, dict(level=level, aggregation=aggregation, kl=kl)))
for aggregation in ["token_mean", "sequence_mean", "constant"]:
    for d in [0, 1, 3]:
        runs.append((d, "scst", dict(form="reinforce", aggregation=aggregation)))
    for level in ["token", "sequence"]:
        runs.append((2, "grpo", dict(level=level, aggregation=aggregation)))
        runs.append((1, "grpo", dict(level=level, aggregation=aggregation)))
runs.append((0, "grpo", dict(level="sequence", aggregation="sequence_mean", beta=0.0, eps_low=3 / 8192,
                             eps_high=4 / 8192)))
runs.append((0, "grpo", dict(eps_high=0.28125, beta=0.0, entropy_bonus=0.0625)))
runs.append((0, "scst", dict(form="reinforce", entropy_bonus=0.0625)))
runs.append((3, "rloo", dict(beta=0.5)))
for level in ["token", "sequence"]:
    for kind, kl in [("grpo", "k1"), ("dr_grpo", "k2"), ("rloo", "k3")]:
        runs.append((2, kind, dict(level=level, kl=kl, importance_cap=1.125, eps_high=0.28125)))
for d in [0, 1, 2, 4]:  # the presets: paper (beta .04), flickr8k and coco (.2), scst
    runs.append((d, "grpo", dict(beta=0.04)))
    runs.append((d, "grpo", dict(beta=0.2)))
    if d != 2:
        runs.append((d, "scst", dict(form="reinforce")))

cases = []
for d, kind, changes in runs:
    options = {**DEFAULT, **changes}
    a = advantages(kind, datasets[d])
    loss, d_logp, d_entropy, metrics = evaluate(datasets[d], a, options)
    case = {"data": d, "advantage": kind, **changes, "loss": rounded(loss), "d_logp": rounded(d_logp),
            "metrics": {k: rounded(v) for k, v in metrics.items()}}
    if options["entropy_bonus"]:
        case["d_entropy"] = rounded(d_entropy)
    cases.append(case)

columns = [{k: (v.tolist() if isinstance(v, torch.Tensor) else v) for k, v in data.items()} for data in datasets]
expected = [{kind: rounded(advantages(kind, data)) for kind in ["grpo", "dr_grpo", "rloo", "scst"]
             if data["group"] > 1 or kind == "scst"} for data in datasets]
with open("objective.json", "w") as file:
    file.write('{"defaults": %s,\n"data": [\n%s\n],\n"advantages": [\n%s\n],\n"cases": [\n%s\n]}\n' % (
        json.dumps(DEFAULT), ",\n".join(map(json.dumps, columns)), ",\n".join(map(json.dumps, expected)),
        ",\n".join(map(json.dumps, cases))))
