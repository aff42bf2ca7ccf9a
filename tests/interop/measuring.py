"""What a whole process takes: seconds from its start, seconds of CPU, and the peak of its memory."""

import os
import subprocess
import time


def measured(command):
    """Seconds, peak MiB and what a command prints; it must succeed."""
    started = time.monotonic()
    usage, answer = _ended(command)
    return time.monotonic() - started, usage.ru_maxrss / 1024, answer


def spent(command):
    """Seconds of CPU, of its own and of the system, and what a command prints; it must succeed."""
    usage, answer = _ended(command)
    return usage.ru_utime + usage.ru_stime, answer


def in_turns(commands, runs):
    """What `measured` gives of each command by its name, as often as it runs, one after the other in turn."""
    taken = {name: [] for name in commands}
    for _ in range(runs):
        for name, command in commands.items():
            taken[name].append(measured(command))
    return taken


def _ended(command):
    child = subprocess.Popen(command, stdout=subprocess.PIPE)
    answer = child.stdout.read()
    _, status, usage = os.wait4(child.pid, 0)
    assert os.waitstatus_to_exitcode(status) == 0, f"{command} failed"
    return usage, answer
