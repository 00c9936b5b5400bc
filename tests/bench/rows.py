"""Rows of a bench: a line of the table and a JSON line {name, unit, troupe, peer, ratio, target} in $TROUPE_BENCH_OUT."""
import json
import os


def show(name, unit, troupe, peer=None, ratio=None, target=None, note=""):
    """`ratio` is larger when troupe is better; without a target nothing is judged."""
    line = "%-58s %10.5g %10s %-9s" % (name, troupe, "-" if peer is None else "%.5g" % peer, unit)
    if ratio is not None:
        line += " %6.2fx" % ratio
        if target is not None:
            line += "  >= %.2fx %s" % (target, "met" if ratio >= target else "missed")
    print(line + ("  " + note if note else ""), flush=True)
    write(name, unit, troupe, peer, ratio, target, {"note": note} if note else {})


def write(name, unit, troupe, peer, ratio, target, more):
    row = {"name": name, "unit": unit, "troupe": troupe, "peer": peer, "ratio": ratio, "target": target, **more}
    if os.environ.get("TROUPE_BENCH_OUT"):
        with open(os.environ["TROUPE_BENCH_OUT"], "a") as file:
            file.write(json.dumps(row) + "\n")


def head(title):
    print("\n%-58s %10s %10s" % (title, "troupe", "peer"), flush=True)
