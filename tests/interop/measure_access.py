"""Measures what views cost: the same statements by whoever runs the program, and by principals.

Usage: measure_access.py BINARY PEERS EVENTS [--runs N]. PEERS is a Python file that holds the statements as `Q`; EVENTS is the
folder of Parquet files. Principals see every row (`rows`), every row with masks on two columns (`masks`), and every row by a
filter that the folders do not imply, behind the barrier (`barrier`). Whole processes, in turn; prints medians and ratios, and
ends with 1 when the first two cost more than the bar. Run it on a quiet machine.
"""

import statistics
import sys
import tempfile
from pathlib import Path

from measure_queries import asked, lake
from measuring import measured

BAR = 1.15
ACCESS = """\
roles:
  rows: {inherits: [analyst], datasets: {events: {rows: all}}, limits: {memory: 2GiB}}
  masks:
    inherits: [analyst]
    limits: {memory: 2GiB}
    datasets:
      events: {rows: all, columns: {actor_email: {mask: partial, last: 4}, metadata: {mask: nothing}}}
  barrier: {inherits: [analyst], datasets: {events: {rows: "outcome <> 'nothing is so'"}}, limits: {memory: 2GiB}}
principals:
  rows: {tenants: all, roles: [rows]}
  masks: {tenants: all, roles: [masks]}
  barrier: {tenants: all, roles: [barrier]}
  runner: {tenants: all, roles: [operator], service: true}
service_principal: runner
"""


def main():
    args, statements = asked()
    missed = []
    with tempfile.TemporaryDirectory() as scratch:
        ours = lake(args.binary.absolute(), Path(scratch) / "lake", args.events.absolute())
        (ours / "access.yaml").write_text(ACCESS, encoding="utf-8")
        for task, statement in statements.items():
            command = [args.binary.absolute(), "--lake", ours, "sql", statement, "--format", "csv"]
            commands = {"own": command} | {who: [*command, "--as", who] for who in ("rows", "masks", "barrier")}
            taken, answers = {name: [] for name in commands}, {}
            for _ in range(args.runs):
                for name, one in commands.items():
                    seconds, mib, answers[name] = measured(one)
                    taken[name].append((seconds, mib))
            median = {name: [statistics.median(column) for column in zip(*runs)] for name, runs in taken.items()}
            own = median.pop("own")[0]
            costs = {name: seconds / own for name, (seconds, _) in median.items()}
            print(f"{task}: {own:.2f} s; " + ", ".join(f"{name} {cost:.2f} x" for name, cost in costs.items()), flush=True)
            missed += [f"{task} {name}: {costs[name]:.2f}" for name in ("rows", "masks") if costs[name] > BAR]
    if missed:
        sys.exit("missed: " + "; ".join(missed))


if __name__ == "__main__":
    main()
