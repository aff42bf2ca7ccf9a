"""Commands over the ledger of years: many jobs of every hour, each run committed.

    measure_ledger.py AUDITLAKE [--jobs 50] [--years 3]

Makes the records of the runs as files (four million for three years; some GB of folders), and prints how long `run --due`,
`runs list`, `runs show`, `job list` and `schedule next` take, each three times.
"""

import argparse
import datetime
import json
import os
import shutil
import subprocess
import tempfile
import time

# A file system lets a file have so many names at least; records that nobody reads are names of the same file.
LINKS = 30_000
HOUR = datetime.timedelta(hours=1)


def job(name, start):
    return f"""job: {name}
kind: query
into: hours
schedule: {{cron: '@hourly', start: '{start}', catch_up: latest}}
sql: SELECT tenant_id, $end AS until, count(*) AS events FROM audit WHERE time >= $start AND time < $end GROUP BY tenant_id
"""


def compact(at):
    return at.strftime("%Y%m%dT%H%M%SZ")


def rfc3339(at):
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def records(name, at, template):
    """The three records of a run, as one of the program's own has them."""
    run = f"{name}@{compact(at)}"
    interval = {"start": rfc3339(at - HOUR), "end": rfc3339(at)}
    for file, record in template.items():
        record = dict(record, run=run)
        for key in ("interval", "scheduled"):
            if key in record:
                record[key] = interval
        yield file, json.dumps(record)


def timed(program, lake, *args):
    began = time.monotonic()
    told = subprocess.run([program, "--lake", lake, *args], capture_output=True, text=True)
    seconds = time.monotonic() - began
    if told.returncode != 0:
        raise SystemExit(f"{args}: {told.stderr}")
    return seconds, told.stdout


def made(program, lake, names, start, now):
    """Every run from the first hour to the last but one; the hour that is due is left. How many."""
    subprocess.run([program, "init", lake], check=True, capture_output=True)
    for other in os.listdir(os.path.join(lake, "jobs")):
        os.remove(os.path.join(lake, "jobs", other))
    with open(os.path.join(lake, "datasets", "hours.yaml"), "w") as file:
        file.write("dataset: hours\nlocation: hours/\ntenant: tenant_id\ntime: until\n")
    for name in names:
        with open(os.path.join(lake, "jobs", f"{name}.yaml"), "w") as file:
            file.write(job(name, rfc3339(start)))
    # One run of the program's own shows what records look like.
    first = start + HOUR
    subprocess.run([program, "--lake", lake, "run", names[0], "--at", rfc3339(first)], check=True, capture_output=True)
    runs = os.path.join(lake, "data", "_auditlake", "runs")
    folder = os.path.join(runs, names[0], compact(first))
    template = {name: json.load(open(os.path.join(folder, name))) for name in os.listdir(folder)}
    shutil.rmtree(os.path.join(runs, names[0]))
    count = 0
    for name in names:
        at, links, shared = first, LINKS, {}
        while at < now - HOUR:
            folder = os.path.join(runs, name, compact(at))
            os.makedirs(folder)
            is_old = at < now - datetime.timedelta(days=4)
            if is_old and links < LINKS:
                for file, path in shared.items():
                    os.link(path, os.path.join(folder, file))
                links += 1
            else:
                for file, text in records(name, at, template):
                    path = os.path.join(folder, file)
                    with open(path, "w") as out:
                        out.write(text)
                    shared[file] = path
                links = 1
            count += 1
            at += HOUR
    return count


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("program")
    arguments.add_argument("--jobs", type=int, default=50)
    arguments.add_argument("--years", type=float, default=3)
    given = arguments.parse_args()
    now = datetime.datetime.now(datetime.timezone.utc).replace(minute=0, second=0, microsecond=0)
    start = now - datetime.timedelta(days=round(365 * given.years))
    names = [f"hourly-{number:02}" for number in range(given.jobs)]
    with tempfile.TemporaryDirectory() as top:
        lake = os.path.join(top, "lake")
        count = made(given.program, lake, names, start, now)
        print(f"{given.jobs} jobs, {count} runs")
        # The first look notes how far everything is at an end, as runners do on their way.
        at = ["--at", rfc3339(now + datetime.timedelta(minutes=1))]
        print(f"the first run --due: {timed(given.program, lake, 'run', '--due', *at)[0]:.2f} s")
        for args in (
            ["run", "--due", *at],
            ["runs", "list"],
            ["runs", "list", names[0]],
            ["runs", "show", f"{names[0]}@{compact(start + 5 * HOUR)}"],
            ["job", "list"],
            ["schedule", "next"],
        ):
            seconds = sorted(timed(given.program, lake, *args)[0] for _ in range(3))
            print(f"{' '.join(args)}: {seconds[0]:.2f}, {seconds[1]:.2f}, {seconds[2]:.2f} s")


if __name__ == "__main__":
    main()
