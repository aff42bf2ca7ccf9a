"""Compares loading a graph and following its first node with rustworkx, in one run, alternating.

Usage: measure_lineage.py MEASURE_GRAPH [--edges N] [--runs N]. MEASURE_GRAPH is the example of that name, built in
release. Needs rustworkx. Prints seconds of each run and the ratio of the medians; the graph of both has four random
sources for each node among the two thousand before it.
"""

import argparse
import random
import re
import statistics
import subprocess
import sys
import time

import rustworkx


def ours(program, edges):
    told = subprocess.run([program, "peer", str(edges)], capture_output=True, text=True, check=True).stdout
    load, walk, reached = re.fullmatch(r"load ([\d.]+)s traverse ([\d.]+)s reached (\d+)\n", told).groups()
    return float(load), float(walk), int(reached)


def theirs(pairs, nodes):
    begun = time.perf_counter()
    graph = rustworkx.PyDiGraph()
    graph.add_nodes_from(range(nodes))
    graph.add_edges_from_no_data(pairs)
    loaded = time.perf_counter()
    reached = len(rustworkx.descendants(graph, 0))
    return loaded - begun, time.perf_counter() - loaded, reached


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("program")
    parser.add_argument("--edges", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=5)
    given = parser.parse_args()
    chance, nodes = random.Random(7), given.edges // 4
    pairs = [(chance.randrange(max(0, node - 2000), node), node) for node in range(1, nodes) for _ in range(4)]
    runs = [(ours(given.program, given.edges), theirs(pairs, nodes)) for _ in range(given.runs)]
    for mine, other in runs:
        print(f"auditlake {mine[0]:.4f} + {mine[1]:.4f} s, rustworkx {other[0]:.4f} + {other[1]:.4f} s")
    for part, what in enumerate(("load", "all descendants")):
        medians = [statistics.median(run[side][part] for run in runs) for side in (0, 1)]
        print(f"{what}: {medians[0] / medians[1]:.3f} x rustworkx")
    if any(mine[2] != nodes - 1 or other[2] != nodes - 1 for mine, other in runs):
        print("not every node was reached", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
