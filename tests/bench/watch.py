#!/usr/bin/env python3
"""Runs a program and writes down when it started and how much memory it had at most beyond files that it maps.

    watch.py FOLDER NAME PROGRAM [ARGUMENT...]    writes FOLDER/NAME-PID.json
"""
import json
import os
import re
import signal
import subprocess
import sys
import time

EVERY_S = 0.05


def resident_kib(pid):
    """All pages, those of data files, and those of weights in memory that ranks of a machine share."""
    kib, of, kind = 0, {"data": 0, "weights": 0}, None
    with open("/proc/%d/smaps" % pid) as maps:
        for line in maps:
            head = re.match(r"[0-9a-f]+-[0-9a-f]+ (\S+) \S+ \S+ \d+\s*(.*)", line)
            if head:
                kind = "data" if head.group(2).endswith(".h5") else "weights" if "memfd:troupe weights" in head.group(2) else None
            elif line.startswith("Rss:"):
                pages = int(line.split()[1])
                kib += pages
                if kind:
                    of[kind] += pages
    return kib, of


def main():
    folder, name, command = sys.argv[1], sys.argv[2], sys.argv[3:]
    started = time.time()
    child = subprocess.Popen(command)
    for number in signal.SIGUSR1, signal.SIGTERM, signal.SIGINT:
        signal.signal(number, lambda n, frame: child.send_signal(n))
    peak = beyond = own = 0
    while child.poll() is None:
        try:
            kib, of = resident_kib(child.pid)
            peak, beyond, own = max(peak, kib), max(beyond, kib - of["data"]), max(own, kib - of["weights"])
        except (OSError, ValueError):
            pass
        time.sleep(EVERY_S)
    with open(os.path.join(folder, "%s-%d.json" % (name, child.pid)), "w") as file:
        json.dump({"name": name, "started": started, "peak_kib": peak, "beyond_kib": beyond, "own_kib": own}, file)
    sys.exit(child.returncode if child.returncode >= 0 else 1)


main()
