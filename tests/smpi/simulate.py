"""Starts tests/smpi/simulation.c under SimGrid's smpirun."""
import os
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.abspath(os.environ.get("BUILD", os.path.join(ROOT, "build")))

# time passes where ranks compute or sleep, never by how fast this machine simulates them; a message costs each side 1 us; blocks
# of weights, of which nothing but the size matters, are one piece of memory for all ranks
SMPI = """--cfg=smpi/simulate-computation:no --cfg=smpi/iprobe:0 --cfg=smpi/test:0 --cfg=smpi/wtime:0 --cfg=smpi/os:0:1e-6:0
  --cfg=smpi/or:0:1e-6:0 --cfg=smpi/auto-shared-malloc-thresh:20000000 --cfg=contexts/factory:raw --log=root.thres:warning""".split()


def simulate(folder, actors, learners, arguments, cores=64, limit_s=None):
    """What it said, and its exit status (None: it was still running after limit_s). `arguments` follow the number of learners."""
    subprocess.run([sys.executable, os.path.join(ROOT, "tests/smpi/platform.py"), folder, str(actors), str(learners), str(cores)],
                   check=True)
    command = ["smpirun", "-platform", folder + "/platform.xml", "-hostfile", folder + "/hosts", "-np", str(actors + learners)]
    command += SMPI + [os.path.join(BUILD, "smpi/simulation"), str(learners)] + [str(a) for a in arguments]
    if limit_s:
        command = ["timeout", "-k", "5", str(limit_s)] + command
    still = dict(os.environ, LD_PRELOAD=os.path.join(BUILD, "smpi/still_clock.so"))
    done = subprocess.run(command, env=still, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return done.stdout, None if limit_s and done.returncode in (124, 137) else done.returncode


def line_of(output):
    """The line of JSON in it, or None."""
    return next((line for line in output.splitlines() if line.startswith('{"actors"')), None)
