"""What a whole process takes: seconds from its start, seconds of CPU, and the peak of its memory."""

import os
import subprocess
import time


def measured(command):
    """Seconds, peak MiB and what a command prints; it must succeed."""
    started = time.monotonic()
    child = subprocess.Popen(command, stdout=subprocess.PIPE)
    answer = child.stdout.read()
    _, status, usage = os.wait4(child.pid, 0)
    seconds = time.monotonic() - started
    assert os.waitstatus_to_exitcode(status) == 0, f"{command} failed"
    return seconds, usage.ru_maxrss / 1024, answer


def spent(command):
    """Seconds of CPU, of its own and of the system, and what a command prints; it must succeed."""
    child = subprocess.Popen(command, stdout=subprocess.PIPE)
    answer = child.stdout.read()
    _, status, usage = os.wait4(child.pid, 0)
    assert os.waitstatus_to_exitcode(status) == 0, f"{command} failed"
    return usage.ru_utime + usage.ru_stime, answer
