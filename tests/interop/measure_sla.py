"""Measures how long judging an SLA takes.

Usage: measure_sla.py BINARY [--tenants 20]. Makes a lake in a temporary folder with a minute row of each tenant for every
minute of September 2026, judges the month, and prints seconds and seconds of CPU of the whole command, for each tenant, and the
same for a lake with one tenant.
"""

import argparse
import os
import resource
import subprocess
import tempfile
import time
from pathlib import Path

FILL = """job: fill
kind: query
window: 30d
into: request_1m
sql: |
  SELECT 't' || CAST(k AS varchar) AS tenant_id, 'api' AS service, 'eu' AS region, 'all' AS route_group,
    to_timestamp_micros(CAST($start AS bigint) + n * 60000000) AS minute, 200 AS total, 200 AS good, 0 AS err_server,
    0 AS err_client, 0 AS throttled, 0 AS timeout, 2 AS slow, 200000 AS target_us, latency,
    20000 AS latency_sum_us, 900000 AS latency_max_us, 1 AS revision
  FROM (SELECT unnest(generate_series(0, 43199)) AS n), (SELECT unnest(generate_series(0, {last})) AS k),
    (SELECT latency_sketch(v) AS latency FROM (SELECT unnest(generate_series(1000, 200000, 4000)) AS v))
"""


def seconds(binary, lake, *arguments):
    """Wall and CPU seconds of a command that must succeed."""
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    environment = os.environ | {"AUDITLAKE_LAKE": str(lake)}
    subprocess.run([binary, *arguments], env=environment, check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.monotonic() - begun, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def measured(binary, folder, tenants):
    """Seconds that judging a month of so many tenants takes."""
    lake = folder / f"lake-{tenants}"
    subprocess.run([binary, "init", str(lake)], check=True, stdout=subprocess.DEVNULL)
    (lake / "slas").mkdir()
    listed = ", ".join(f"t{number}: pro" for number in range(tenants))
    (lake / "slas" / "api.yaml").write_text(
        f"sla: api\nservice: api\nrequests: {{dataset: request_1m}}\ntimezone: UTC\ntenants: {{{listed}}}\n", "utf-8"
    )
    (lake / "jobs" / "sla.yaml").write_text("job: sla\nkind: sla\nsla: api\ninto: sla_result\n", "utf-8")
    (lake / "jobs" / "fill.yaml").write_text(FILL.replace("{last}", str(tenants - 1)), "utf-8")
    seconds(binary, lake, "--memory", "8GiB", "run", "fill", "--at", "2026-10-01T00:00:00Z")
    return seconds(binary, lake, "run", "sla", "--at", "2026-10-05T00:00:00Z")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("binary")
    parser.add_argument("--tenants", type=int, default=20)
    arguments = parser.parse_args()
    binary = str(Path(arguments.binary).resolve())
    with tempfile.TemporaryDirectory() as folder:
        for tenants in (1, arguments.tenants):
            wall, cpu = measured(binary, Path(folder), tenants)
            print(f"{tenants} tenants: {wall:.2f} s, {cpu:.2f} s of CPU; {1000 * cpu / tenants:.0f} ms of CPU a tenant's month")


if __name__ == "__main__":
    main()
