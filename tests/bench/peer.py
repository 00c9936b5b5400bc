"""troupe against a PyTorch peer on one core, in turn: group sampling, reference log-probabilities, updates, encoder.

The rows "2 threads" compare troupe with itself on one thread. A round runs the peer, then troupe's benchmarks, on the same core with the same list of caption lengths; the table gives
the medians over the rounds, the median of the rounds' ratios and their spread, the targets, and the share of what this core makes of
square matrix products. Without torch (pip install torch==2.13.0) or the peer's folder it gives troupe's rates alone.

With --base the other program is troupe itself as built elsewhere, and there are no targets: `make bench-compare BASE=COMMIT`.

usage: peer.py [--rounds 7] [--reps 3] [--core 0] [--only small,paper,encoder,threads] [--precision float32,bf16]
               [--peer FOLDER (default $TROUPE_PEER or ../shared/bench) | --base BUILD]
Run by `make bench`, with BUILD and TROUPE_BENCH_OUT (JSON lines of the table).
"""
import argparse
import functools
import json
import math
import os
import random
import re
import statistics
import subprocess
import sys
import tempfile

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
BUILD = os.environ.get("BUILD", os.path.join(ROOT, "build"))
ENVIRONMENT = dict(os.environ, OMP_NUM_THREADS="1", MKL_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")
PYTHON = os.environ.get("PEER_PYTHON", sys.executable)

# name of the shape -> options of troupe's benchmarks and of the peer
SHAPES = {
    "small": dict(vocabulary=2538, cells=49, features=1280),  # words, EfficientNet-Lite0
    "paper": dict(vocabulary=30522, cells=196, features=2048),  # WordPiece, ResNet-101 at 448 pixels
}
# line of both programs -> (what it is, name of its JSON line, precision -> the ratio and the share of matrix products aimed at)
KINDS = {
    "sample": ("group sampling", "sampling", {"float32": (2.8, 0.70), "bf16": (3.5, 0.55)}),
    "sample_paper": ("paper-style sampler", "sampling paper-style", {"float32": (35, None)}),
    "ref_logp": ("reference log-probabilities", "reference", {"float32": (2.0, None), "bf16": (1.8, None)}),
    "grpo_update": ("GRPO update", "grpo update", {"float32": (2.0, 0.80), "bf16": (2.0, 0.70)}),
    "xe_update": ("cross-entropy update", "xe update", {"float32": (1.9, 0.80), "bf16": (1.9, 0.70)}),
    "encode": ("encoder, JPEG file -> grid", "encoder", {"float32": (5, None)}),
}
ONE_PRECISION = "sample_paper", "encode"  # their names say no precision
# two threads over one of the same program
THREADS = {"grpo_update": 1.85, "xe_update": 1.85, "encode": 1.9}


def options():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--reps", type=int, default=3, help="timed calls of each kind in a round; their median is taken")
    parser.add_argument("--core", type=int, default=0)
    parser.add_argument("--peer", default=os.environ.get("TROUPE_PEER", os.path.join(ROOT, "..", "shared", "bench")))
    parser.add_argument("--base", help="build folder of another troupe")
    parser.add_argument("--precision", default="float32,bf16")
    parser.add_argument("--only", default="small,paper,encoder,threads")
    return parser.parse_args()


def lengths_write(path, rows):
    """clamp(Poisson(11), 5, 20), by Knuth's product of uniforms."""
    draw = random.Random(0)
    with open(path, "w") as file:
        for _ in range(rows):
            product, count = draw.random(), 0
            while product > math.exp(-11):
                product, count = product * draw.random(), count + 1
            file.write("%d\n" % min(max(count, 5), 20))


def begin(cores, command, threads=1):
    environment = dict(ENVIRONMENT, OMP_NUM_THREADS=str(threads))
    return subprocess.Popen(["taskset", "-c", str(cores)] + command, env=environment, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True)


def rates_of(process):
    """name -> (rate, share or None), of lines such as 'sample  valid tok/s 123  (...) share 0.5'."""
    output, errors = process.communicate()
    if process.returncode:
        sys.exit("peer.py: %s: exit code %d\n%s" % (" ".join(process.args), process.returncode, errors[-2000:]))
    rates = {}
    for line in output.splitlines():
        found = re.match(r"(\w+) +(?:valid tok|images)/s +([\d.]+)", line)
        share = re.search(r"share ([\d.]+)", line)
        if found:
            rates[found[1]] = float(found[2]), float(share[1]) if share else None
    return rates


def run(cores, command, threads=1):
    return rates_of(begin(cores, command, threads))


def words(**named):
    return [word for name, value in named.items() for word in ("--" + name, str(value))]


def troupe_rates(o, build, lengths, shape, precision):
    rates = {}
    for program in "decode_bench", "update_bench":
        options = words(lengths=lengths, reps=o.reps, precision=precision, **shape)
        rates.update(run(o.core, [os.path.join(build, "tests/bench", program)] + options))
    return rates


def encoder_rates(o, build, folder):
    return run(o.core, [os.path.join(build, "tests/bench/encoder_bench"), folder, "--images", "320"])


def captioner_round(o, peer, lengths, shape, precision, first):
    theirs = {}
    if o.base:
        theirs = troupe_rates(o, o.base, lengths, shape, precision)
    elif peer:
        names = words(vocab=shape["vocabulary"], grid=shape["cells"], fdim=shape["features"], reps=o.reps, lengths=lengths)
        once = ["--paper"] if first and shape is SHAPES["small"] and precision == "float32" else []
        once += ["--bf16"] if precision == "bf16" else []
        theirs = run(o.core, [PYTHON, os.path.join(peer, "peer_torch.py")] + names + once)
        theirs["sample"] = theirs.pop("sample_kv")
    return theirs, troupe_rates(o, BUILD, lengths, shape, precision)


def encoder_round(o, peer, folder):
    theirs = {}
    if o.base:
        theirs = encoder_rates(o, o.base, folder)
    elif peer:
        theirs = run(o.core, [PYTHON, os.path.join(peer, "encoder_torch.py"), folder, "--images", "64"])
    return theirs, encoder_rates(o, BUILD, folder)


def threads_round(o, pictures):
    """One thread as the peer, two threads as ours; in place of a share: what two runs of one thread bring side by side, each on
    its core, which is what this machine's cores have for two."""
    pair = [o.core, (o.core + 1) % os.cpu_count()]
    commands = [[os.path.join(BUILD, "tests/bench/update_bench")] + words(reps=o.reps, **SHAPES["small"])]
    if pictures:
        commands.append([os.path.join(BUILD, "tests/bench/encoder_bench"), pictures, "--images", "320"])
    one, two = {}, {}
    for command in commands:
        alone = run(pair[0], command + words(threads=1))
        both = run("%d,%d" % tuple(pair), command + words(threads=2), 2)
        beside = [rates_of(process) for process in [begin(core, command + words(threads=1)) for core in pair]]
        for name in THREADS.keys() & alone.keys():
            one[name] = alone[name]
            two[name] = both[name][0], sum(rates[name][0] for rates in beside) / alone[name][0]
    return one, two


def json_name(name, shape, precision):
    words = [KINDS[name][1]]
    words += [precision] if name not in ONE_PRECISION else []
    words += ["paper shape"] if shape == "paper" else ["2 threads"] if shape == "threads" else []
    return " ".join(words)


def show(o, shape, precision, name, theirs, ours):
    what = KINDS[name][0]
    target, share_target = (None, None) if o.base else KINDS[name][2][precision]
    if shape == "threads":
        what, target, share_target = what + ", 2 threads / 1", THREADS[name], None
    rate = statistics.median(value for value, _ in ours)
    row = {"name": json_name(name, shape, precision), "unit": "pictures/s" if name == "encode" else "valid tokens/s", "troupe": rate}
    line = "%-8s %-8s %-37s %9.0f" % (shape, precision, what, rate)
    if theirs:
        known = statistics.median(theirs)
        # what the peer ran once is compared with every round
        ratios = [ours[r][0] / (theirs[r] if len(theirs) == len(ours) else known) for r in range(len(ours))]
        row.update(peer=known, ratio=statistics.median(ratios), target=target, lowest=min(ratios), highest=max(ratios))
        line += " %9.0f %7.2fx %-15s" % (known, row["ratio"], "(%.2f to %.2f)" % (row["lowest"], row["highest"]))
        if target:
            line += " %5.2fx %-6s" % (target, "met" if row["ratio"] >= target else "missed")
    if ours[0][1] is not None and shape == "threads":
        row["side_by_side"] = statistics.median(both for _, both in ours)
        line += "  two runs side by side: %.2fx" % row["side_by_side"]
    elif ours[0][1] is not None:
        row["share"] = statistics.median(share for _, share in ours)
        line += "  %3.0f %%" % (100 * row["share"])
        if share_target:
            line += " (aim %.0f %%)" % (100 * share_target)
    print(line, flush=True)
    if os.environ.get("TROUPE_BENCH_OUT"):
        with open(os.environ["TROUPE_BENCH_OUT"], "a") as file:
            file.write(json.dumps(row) + "\n")


def measure(o, label, precision, one_round):
    rounds = [one_round(r == 0) for r in range(o.rounds)]
    for name in KINDS:
        theirs = [t[name][0] for t, _ in rounds if name in t]
        same = "sample" if name == "sample_paper" else name  # troupe has one sampler
        ours = [u[same] for _, u in rounds if same in u] if theirs or same == name else []
        if ours:
            show(o, label, precision, name, theirs, ours)


def main():
    o = options()
    peer = o.peer if os.path.isfile(os.path.join(o.peer, "peer_torch.py")) else None
    if peer and subprocess.run([PYTHON, "-c", "import torch"], capture_output=True).returncode:
        peer = None
    if not peer and not o.base:
        print("bench: NO PEER (torch or %s is not there): troupe's rates alone" % o.peer)
    print("%-8s %-8s %-37s %9s %9s %8s %-15s %6s %-8s %s" % (
        "shape", "products", "rate a second, one core", "troupe", "base" if o.base else "peer", "ratio", "(spread)", "target", "",
        "of matrix products"))
    with tempfile.TemporaryDirectory() as folder:
        lengths = os.path.join(folder, "lengths")
        lengths_write(lengths, 160)
        for name, shape in SHAPES.items():
            for precision in o.precision.split(",") if name in o.only.split(",") else []:
                measure(o, name, precision, functools.partial(captioner_round, o, peer, lengths, shape, precision))
    pictures = os.path.join(os.environ.get("TROUPE_DATA", os.path.join(ROOT, "..", "shared", "data")), "flickr8k", "Images")
    if not os.path.isdir(pictures):
        print("bench: NO PICTURES at %s: the encoder is not measured" % pictures)
        pictures = None
    if "encoder" in o.only.split(",") and pictures:
        measure(o, "encoder", "float32", lambda first: encoder_round(o, peer, pictures))
    if "threads" in o.only.split(",") and not o.base and os.cpu_count() > 1:
        measure(o, "threads", "float32", lambda first: threads_round(o, pictures))


if __name__ == "__main__":
    main()
