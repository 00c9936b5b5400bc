"""Makes optimizer.json and schedule.json: several steps of torch.optim with clip_grad_norm_, and torch's schedulers.

Run in this folder: python3 make_optimizer_golden.py
"""
import json
import math

import torch

ROWS = [("a.weight", 5, 7, True), ("a.bias", 7, 1, False), ("long.weight", 33001, 1, True),
        ("norm.weight", 3, 1, False)]
STEPS = 6
STRIDE = 1499  # of the elements of a row that are kept


def values(seed, count):
    """Multiples of 1/1024 that both sides compute in integers."""
    i = torch.arange(count, dtype=torch.int64)
    return (((i * 7919 + seed * 104729) % 2003 - 1001).double() / 1024).float()


def run(kind, decay, clip, rate, betas, head=1.0):
    """The first row is the head."""
    weights = [torch.nn.Parameter(values(r, rows * columns)) for r, (_, rows, columns, _) in enumerate(ROWS)]
    if kind == "adam":
        optimizer = torch.optim.Adam([{"params": weights[:1]}, {"params": weights[1:]}], lr=rate, betas=betas,
                                     weight_decay=decay)
    else:
        groups = [{"params": weights[:1], "weight_decay": decay},
                  {"params": [w for w, row in zip(weights[1:], ROWS[1:]) if row[3]], "weight_decay": decay},
                  {"params": [w for w, row in zip(weights, ROWS) if not row[3]], "weight_decay": 0.0}]
        optimizer = torch.optim.AdamW(groups, lr=rate, betas=betas)
    norms = []
    for step in range(STEPS):
        for g, group in enumerate(optimizer.param_groups):
            group["lr"] = rate * (1 - step / 8) * (head if g == 0 else 1)
        for r, w in enumerate(weights):
            w.grad = values(100 * (step + 1) + r, w.numel()) / 2 ** (step % 3)
        norms.append(float(torch.nn.utils.clip_grad_norm_(weights, clip or math.inf)))
        optimizer.step()
    kept = lambda x: [float("%.9g" % v) for v in x.detach()[::1 if x.numel() < 100 else STRIDE]]
    return {"kind": kind, "weight_decay": decay, "max_grad_norm": clip, "head_scale": head, "learning_rate": rate, "beta1": betas[0],
            "beta2": betas[1], "grad_norm": [float("%.9g" % n) for n in norms], "weights": [kept(w) for w in weights],
            "moment1": [kept(optimizer.state[w]["exp_avg"]) for w in weights],
            "moment2": [kept(optimizer.state[w]["exp_avg_sq"]) for w in weights]}


cases = [run("adam", 0.0, 0.0, 2 ** -7, (0.9, 0.999)), run("adam", 1 / 64, 1.0, 2 ** -7, (0.9, 0.999)),
         run("adamw", 1 / 64, 1.0, 2 ** -7, (0.9, 0.98)), run("adamw", 0.25, 1e6, 2 ** -6, (0.9, 0.999)),
         run("adam", 1 / 64, 1.0, 2 ** -7, (0.9, 0.999), head=0.25),
         run("adamw", 0.25, 1.0, 2 ** -7, (0.9, 0.98), head=4.0)]
with open("optimizer.json", "w") as file:
    rows = [{"name": n, "rows": r, "columns": c, "decayed": d} for n, r, c, d in ROWS]
    file.write('{"steps": %d, "stride": %d, "rows": %s,\n"cases": [\n%s\n]}\n' % (
        STEPS, STRIDE, json.dumps(rows), ",\n".join(map(json.dumps, cases))))


def multipliers(kind, steps, warmup, final):
    """torch.optim.lr_scheduler over a parameter with learning rate 1."""
    from torch.optim import lr_scheduler as s
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1, dtype=torch.float64))], lr=1.0)
    w = math.ceil(warmup * steps)
    rest = max(1, steps - w)
    body = {"cosine": lambda: s.CosineAnnealingLR(optimizer, T_max=rest, eta_min=final),
            "linear": lambda: s.LinearLR(optimizer, 1.0, max(final, 1e-300), total_iters=rest),
            "constant": lambda: s.LambdaLR(optimizer, lambda k: 1.0)}[kind]
    if w == 0:
        schedule = body()
    else:
        warm = s.LinearLR(optimizer, 1 / w, 1.0, total_iters=w - 1) if w > 1 else s.LambdaLR(optimizer, lambda k: 1.0)
        schedule = s.SequentialLR(optimizer, [warm, body()], milestones=[w])
    out = []
    for _ in range(steps):
        out.append(float("%.12g" % optimizer.param_groups[0]["lr"]))
        optimizer.step()
        schedule.step()
    return {"kind": kind, "steps": steps, "warmup": warmup, "final": final, "multipliers": out}


cases = [multipliers(kind, steps, warmup, final) for kind in ["cosine", "linear", "constant"]
         for steps, warmup, final in [(12, 0.0, 0.0), (17, 0.25, 0.0), (20, 0.125, 0.125), (9, 0.05, 0.25)]]
with open("schedule.json", "w") as file:
    file.write('{"cases": [\n%s\n]}\n' % ",\n".join(map(json.dumps, cases)))
