#!/usr/bin/env python3
"""A cluster for SimGrid: nodes on a fat tree of 100 Gb/s with full bisection, and which rank runs where.

    platform.py FOLDER ACTORS LEARNERS [cores]    writes FOLDER/platform.xml and FOLDER/hosts

A learner rank has a node for itself, actors share nodes of 64 cores, or so many.
"""
import os
import sys

NODES_A_SWITCH = 16


def main():
    folder, actors, learners = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    cores = int(sys.argv[4]) if len(sys.argv) > 4 else 64
    nodes = learners + -(-actors // cores)
    switches = max(2, -(-nodes // NODES_A_SWITCH))
    with open(os.path.join(folder, "platform.xml"), "w") as file:
        file.write("""<?xml version='1.0'?>
<!DOCTYPE platform SYSTEM "https://simgrid.org/simgrid.dtd">
<platform version="4.1">
  <cluster id="cluster" prefix="node" suffix="" radical="0-%d" speed="1Gf" core="%d" bw="12.5GBps" lat="1us"
           loopback_bw="8GBps" loopback_lat="0.5us" topology="FAT_TREE" topo_parameters="2;%d,%d;1,%d;1,1"/>
</platform>
""" % (switches * NODES_A_SWITCH - 1, cores, NODES_A_SWITCH, switches, NODES_A_SWITCH))
    with open(os.path.join(folder, "hosts"), "w") as file:
        for rank in range(learners):
            file.write("node%d\n" % rank)
        for actor in range(actors):
            file.write("node%d\n" % (learners + actor // cores))


main()
