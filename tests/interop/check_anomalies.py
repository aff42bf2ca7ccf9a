"""Scores of `auditlake anomalies score`, judged as the Numenta Anomaly Benchmark judges them.

    check_anomalies.py AUDITLAKE FOLDER [--detectors surprise,three_sigma,…]

FOLDER holds the benchmark's data, labels, profiles and published results (Lavin and Ahmad, "Evaluating Real-time Anomaly
Detection Algorithms", ICMLA 2015). The scorer is checked first: it must come to the published score of every series of the
detectors whose rows lie there. Then each of ours scores every series, strictly in the order of its values, with a cool-down of
half of the first values that only teach it, and the threshold that suits it best, as the benchmark does for everybody; and the
default one also with its own threshold. Exits with 1 when a published score is missed, or the default detector falls below what
it is said to reach.
"""

import argparse
import csv
import gzip
import json
import math
import os
import subprocess
import sys
import tempfile
from pathlib import Path

PUBLISHED = ("windowedGaussian", "randomCutForest")
PROFILES = ("standard", "reward_low_FP_rate", "reward_low_FN_rate")
# What the documentation says of the default detector with the best threshold.
PROMISED = {"standard": 69.0, "reward_low_FP_rate": 57.0, "reward_low_FN_rate": 74.5}
OWN_THRESHOLD = 6.6


def sigmoid(position):
    return -1.0 if position > 3.0 else 2.0 / (1.0 + math.exp(5.0 * position)) - 1.0


def taught(count):
    """Rows that only teach a detector."""
    return min(int(0.15 * count), 750)


def rows_of(path):
    with gzip.open(path, "rt", newline="") as file:
        return list(csv.DictReader(file))


class Series:
    def __init__(self, name, path, windows):
        self.name, self.path, self.rows = name, path, rows_of(path)
        times = [row["timestamp"] for row in self.rows]
        # Windows are told in time; rows of one lie from its first to its last instant, both included.
        self.windows = []
        for start, end in windows:
            inside = [at for at, time in enumerate(times) if start.split(".")[0] <= time <= end.split(".")[0]]
            if inside:
                self.windows.append((inside[0], inside[-1]))
        self.probation = taught(len(self.rows))
        self.shares = self.weights()

    def weights(self):
        """Of each row the window it lies in, or none, and what an alert there is worth before costs."""
        shares, behind = [], None
        window_of = {at: number for number, (first, last) in enumerate(self.windows) for at in range(first, last + 1)}
        for at in range(len(self.rows)):
            number = window_of.get(at)
            if number is not None:
                first, last = self.windows[number]
                shares.append((number, sigmoid(-(last - at + 1) / (last - first + 1)) / sigmoid(-1.0)))
                behind = number
            elif behind is None:
                shares.append((None, -1.0))
            else:
                first, last = self.windows[behind]
                shares.append((None, sigmoid((at - last) / max(last - first, 1))))
        return shares

    def score(self, scores, threshold, costs):
        best = [-costs["fnWeight"]] * len(self.windows)
        false = 0.0
        for at in range(self.probation, len(scores)):
            if scores[at] < threshold:
                continue
            window, share = self.shares[at]
            if window is None:
                false += share * costs["fpWeight"]
            else:
                best[window] = max(best[window], share * costs["tpWeight"])
        return sum(best) + false


def corpus_score(series, scores, threshold, costs):
    """0 for a detector that says nothing, 100 for a perfect one."""
    raw = sum(one.score(scores[one.name], threshold, costs) for one in series)
    windows = sum(len(one.windows) for one in series)
    null = -costs["fnWeight"] * windows
    return 100.0 * (raw - null) / (costs["tpWeight"] * windows - null)


def best_threshold(series, scores, costs):
    """The threshold with the greatest score, found by lowering it from row to row."""
    events = sorted(
        ((scores[one.name][at], one, at) for one in series for at in range(one.probation, len(one.rows)) if scores[one.name][at] > 0),
        key=lambda event: -event[0],
    )
    best_of = {(one.name, number): -costs["fnWeight"] for one in series for number in range(len(one.windows))}
    raw, best, found = sum(best_of.values()), sum(best_of.values()), math.inf
    for number, (score, one, at) in enumerate(events):
        window, share = one.shares[at]
        if window is None:
            raw += share * costs["fpWeight"]
        else:
            gain = max(0.0, share * costs["tpWeight"] - best_of[one.name, window])
            best_of[one.name, window] += gain
            raw += gain
        is_last = number + 1 == len(events) or events[number + 1][0] < score
        if is_last and raw > best:
            best, found = raw, score
    return found


def check_scorer(folder, series, profiles):
    """The published score of each series, from the published rows."""
    by_name = {one.name: one for one in series}
    checked, worst, scored = 0, 0.0, {}
    for detector in PUBLISHED:
        scored[detector] = {}
        for one in series:
            group, file = one.name.split("/")
            rows = rows_of(folder / "results" / detector / group / f"{detector}_{file}.gz")
            scored[detector][one.name] = [float(row["anomaly_score"]) for row in rows]
        for profile in PROFILES:
            with open(folder / "results" / detector / f"{detector}_{profile}_scores.csv", newline="") as file:
                for row in csv.DictReader(file):
                    name = row["File"].lstrip("/")
                    if name not in by_name:
                        continue
                    told = by_name[name].score(scored[detector][name], float(row["Threshold"]), profiles[profile])
                    worst = max(worst, abs(told - float(row["Score"])))
                    checked += 1
    print(f"scorer: {checked} published scores of series, none further off than {worst:.1e}")
    return worst < 1e-6 and checked > 0, scored


def ours(program, series, detector):
    """The scores that the program prints, of each series."""
    scores = {}
    with tempfile.TemporaryDirectory() as top:
        plain = os.path.join(top, "series.csv")
        for one in series:
            with open(plain, "wb") as file:
                file.write(gzip.open(one.path).read())
            command = [program, "anomalies", "score", plain, "--detector", detector, "--cool-down", str(one.probation // 2)]
            told = subprocess.run(command, capture_output=True, text=True)
            if told.returncode != 0:
                raise SystemExit(f"{one.name}, {detector}: {told.stderr}")
            rows = list(csv.DictReader(told.stdout.splitlines()))
            assert [row["timestamp"] for row in rows] == [row["timestamp"] for row in one.rows], one.name
            scores[one.name] = [float(row["anomaly_score"] or 0) for row in rows]
    return scores


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--detectors", default="surprise,robust_z,ewma,cusum,three_sigma")
    args = parser.parse_args()
    windows = json.loads((args.folder / "labels/combined_windows.json").read_text())
    profiles = {name: of["CostMatrix"] for name, of in json.loads((args.folder / "config/profiles.json").read_text()).items()}
    paths = sorted((args.folder / "data").glob("*/*.csv.gz"))
    series = [Series(f"{p.parent.name}/{p.name[:-3]}", p, windows[f"{p.parent.name}/{p.name[:-3]}"]) for p in paths]
    print(f"{len(series)} series, {sum(len(one.rows) for one in series)} values, {sum(len(one.windows) for one in series)} windows")
    holds, published = check_scorer(args.folder, series, profiles)
    reached = {}
    candidates = [(name, published[name]) for name in PUBLISHED]
    candidates += [(name, ours(args.program, series, name)) for name in args.detectors.split(",")]
    for name, scores in candidates:
        of = {}
        for profile in PROFILES:
            threshold = best_threshold(series, scores, profiles[profile])
            of[profile] = corpus_score(series, scores, threshold, profiles[profile])
        reached[name] = of
        print(f"{name}: " + ", ".join(f"{profile} {score:.1f}" for profile, score in of.items()))
        if name == "surprise":
            own = [f"{profile} {corpus_score(series, scores, OWN_THRESHOLD + 1e-9, profiles[profile]):.1f}" for profile in PROFILES]
            print(f"{name} with its own threshold of {OWN_THRESHOLD}: " + ", ".join(own))
    if "surprise" in reached:
        low = {profile: score for profile, score in reached["surprise"].items() if score < PROMISED[profile]}
        beaten = [name for name in PUBLISHED if any(reached[name][p] >= reached["surprise"][p] for p in PROFILES)]
        if low or beaten:
            print(f"the default detector falls short: {low}, not better than {beaten}")
            holds = False
    sys.exit(0 if holds else 1)


if __name__ == "__main__":
    main()
