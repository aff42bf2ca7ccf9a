"""Measures how many notifications one `auditlake serve` delivers.

Usage: measure_notifications.py BINARY [--endpoints 30] [--minutes 5] [--per-minute 60]. Makes a lake in a temporary folder with so many
channels, each with an endpoint of its own on loopback, puts as many messages into their outboxes as may be sent in the time, and
prints deliveries an hour, seconds of CPU of the process and the most calls that any endpoint got within 60 seconds. 100,000 an hour
to 30 endpoints are 55.6 a minute each, below the 60 of a channel.
"""

import argparse
import base64
import hashlib
import json
import os
import signal
import subprocess
import tempfile
import time
from pathlib import Path

from endpoints import Endpoint, certificate


def outbox(data, channel, number):
    """A message as a run leaves it."""
    identity = "msg_" + hashlib.sha256(f"{channel} {number}".encode()).hexdigest()[:32]
    folder = data / "_auditlake" / "notifications" / channel / identity
    folder.mkdir(parents=True)
    event = {
        "specversion": "1.0",
        "id": identity,
        "source": "/lakes/measured",
        "type": "auditlake.run.succeeded",
        "subject": f"job-{number}@20260301T000000Z",
        "time": "2026-03-01T00:00:00Z",
        "datacontenttype": "application/json",
        "data": {"what": "a run was committed", "counts": {"findings": number}},
    }
    (folder / "event.json").write_text(json.dumps(event), "utf-8")
    waiting = data / "_auditlake" / "notifications" / "_waiting" / channel
    waiting.mkdir(parents=True, exist_ok=True)
    (waiting / identity).touch()


def most_within_a_minute(times):
    times.sort()
    first, most = 0, 0
    for last, at in enumerate(times):
        while at - times[first] >= 60:
            first += 1
        most = max(most, last - first + 1)
    return most


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("binary")
    parser.add_argument("--endpoints", type=int, default=30)
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--per-minute", type=int, default=60)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as top:
        folder = Path(top) / "lake"
        subprocess.run([given.binary, "init", folder], check=True, stdout=subprocess.DEVNULL)
        certificate(folder)
        (folder / "secret").write_text("whsec_" + base64.b64encode(os.urandom(32)).decode(), "utf-8")
        endpoints = [Endpoint(folder) for _ in range(given.endpoints)]
        channels = "".join(
            f"  hook-{number}: {{url: \"https://127.0.0.1:{endpoint.port}/\", secrets: [file:secret], ca: file:ca.pem, "
            f"per_minute: {given.per_minute}, allow_addresses: [127.0.0.1/32]}}\n"
            for number, endpoint in enumerate(endpoints)
        )
        with open(folder / "lake.yaml", "a", encoding="utf-8") as definition:
            definition.write(f"notify:\n{channels}")
        messages = int(given.per_minute * (given.minutes + 2))
        for channel in range(given.endpoints):
            for number in range(messages):
                outbox(folder / "data", f"hook-{channel}", number)
        times = [[] for _ in endpoints]
        for endpoint, at in zip(endpoints, times):
            endpoint.keeps = False
            endpoint.on_request = lambda at=at: at.append(time.monotonic())
        command = [given.binary, "--lake", folder, "serve", "--listen", "127.0.0.1:0"]
        child = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        begun = time.monotonic()
        time.sleep(given.minutes * 60)
        delivered, seconds = sum(endpoint.count for endpoint in endpoints), time.monotonic() - begun
        child.send_signal(signal.SIGTERM)
        _, _, usage = os.wait4(child.pid, 0)
        cpu = usage.ru_utime + usage.ru_stime
        print(f"{delivered} delivered in {seconds:.0f} s to {given.endpoints} endpoints: {delivered * 3600 / seconds:,.0f} an hour")
        print(f"{cpu:.1f} s of CPU, {usage.ru_maxrss / 1024:.0f} MiB")
        print(f"{max(map(most_within_a_minute, times))} calls within a minute to one endpoint at most")


if __name__ == "__main__":
    main()
