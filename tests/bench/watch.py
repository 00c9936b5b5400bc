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
    """All pages, and those of data files: their mappings are read-only and not of programs."""
    kib, data, mapped = 0, 0, False
    with open("/proc/%d/smaps" % pid) as maps:
        for line in maps:
            head = re.match(r"[0-9a-f]+-[0-9a-f]+ (\S+) \S+ \S+ \d+\s*(.*)", line)
            if head:
                mapped = head.group(2).endswith(".h5")
            elif line.startswith("Rss:"):
                pages = int(line.split()[1])
                kib += pages
                data += pages if mapped else 0
    return kib, data


def main():
    folder, name, command = sys.argv[1], sys.argv[2], sys.argv[3:]
    started = time.time()
    child = subprocess.Popen(command)
    for number in signal.SIGUSR1, signal.SIGTERM, signal.SIGINT:
        signal.signal(number, lambda n, frame: child.send_signal(n))
    peak = beyond = 0
    while child.poll() is None:
        try:
            kib, data = resident_kib(child.pid)
            peak, beyond = max(peak, kib), max(beyond, kib - data)
        except (OSError, ValueError):
            pass
        time.sleep(EVERY_S)
    with open(os.path.join(folder, "%s-%d.json" % (name, child.pid)), "w") as file:
        json.dump({"name": name, "started": started, "peak_kib": peak, "beyond_kib": beyond}, file)
    sys.exit(child.returncode if child.returncode >= 0 else 1)


main()
