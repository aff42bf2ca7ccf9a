"""Verifies the transparency log that proves a lake's evidence, by the specifications and without our own code.

Usage: verify_evidence.py STORE --keys VKEYFILE [--anchored CHECKPOINT] [--files]. Needs cryptography, and Python 3.11.
STORE is the lake's store; VKEYFILE holds the verifier keys trusted from the start, one a line; CHECKPOINT is one that
was kept elsewhere.

Checked are: batches follow one another without gap; entries are canonical JSON (RFC 8785) with the fields of their
kind, and no two have an id in common; checkpoints are signed notes with a signature by a key trusted at their size, and
have the root of the entries; consistency proofs lead from each to the next, and inclusion proofs to a sample of the
leaves (made after RFC 6962, verified after RFC 9162); tiles and entry bundles hold what C2SP tlog-tiles wants, and none
is missing to who reads log/checkpoint; the anchored checkpoint is of this log. With --files also: files, records of
runs and parts of reports are those of their entries, and each tlog-proof verifies.

Prints each problem on a line `finding: ...`, then a summary. Ends with 0, with 3 when there are findings, and with 1
when it could not look. Entries above the newest checkpoint are told as an unsigned tail, which is no finding; but the
files that only they remove still have to be there.
"""

import argparse
import base64
import collections
import contextlib
import datetime
import hashlib
import itertools
import json
import os
import random
import re
import sys
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

NUMBER = re.compile(r"0|[1-9][0-9]{0,17}")
DIGEST = "[0-9a-f]{64}"
COMMON = {
    "at": r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?(Z|\+00:00)",
    "id": "[0-9a-f]{32}",
    "kind": "file|compaction|replacement|run|report|export|approval|chain|key",
}
FIELDS = {
    "file": {"dataset": str, "sha256": DIGEST, "bytes": int, "rows": int},
    "compaction": {"dataset": str, "removes": [str]},
    "replacement": {"dataset": str, "removes": [str]},
    "run": {"record": str, "record_sha256": DIGEST},
    "report": {"parts": [{"path": str, "sha256": DIGEST, "bytes": int}]},
}
SAMPLE = 200
FOUND = []
# Keys of entries are ASCII, so that code points sort them as RFC 8785 wants; and of numbers there are only integers.
DECODE = json.JSONDecoder(parse_float=int, parse_constant=int).decode
ENCODE = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode


def finding(said):
    # Names come from whom we do not trust: none begins a line of its own.
    FOUND.append("".join(one if one.isprintable() else repr(one)[1:-1] for one in said))
    print(f"finding: {FOUND[-1]}")


@contextlib.contextmanager
def findings_of(what):
    """What cannot be read as what it should be raises ValueError; so do the decoders of the standard library."""
    try:
        yield
    except (ValueError, RecursionError) as error:
        finding(f"{what}: {error}")


def demand(holds, said):
    if not holds:
        raise ValueError(said)


def unhex(text, size):
    """The bytes that a text of hex digits spells, of this many."""
    demand(isinstance(text, str) and re.fullmatch("[0-9a-f]*", text), f"no hex digits: {text!r}")
    value = bytes.fromhex(text)
    demand(len(value) == size, f"{len(value)} bytes instead of {size}: {text!r}")
    return value


def unbase64(encoded, length=None):
    data = base64.b64decode(encoded, validate=True) if isinstance(encoded, str) else b""
    demand(base64.b64encode(data).decode() == encoded, f"not base64 in its one form: {encoded!r}")
    demand(length in (None, len(data)), f"{len(data)} bytes in base64 and not {length}")
    return data


def leaf_hash(entry):
    return hashlib.sha256(b"\0" + entry).digest()


def node_hash(left, right):
    return hashlib.sha256(b"\1" + left + right).digest()


def split(first, end):
    return first + (1 << ((end - first - 1).bit_length() - 1))


class Tree:
    """Level k holds the hashes of all full subtrees of 2^k leaves. Ranges of leaves are those of RFC 6962, 2.1."""

    def __init__(self, leaves):
        self.size = len(leaves)
        self.levels = [leaves]
        while len(below := self.levels[-1]) > 1:
            self.levels.append([node_hash(below[at], below[at + 1]) for at in range(0, len(below) - 1, 2)])

    def hash(self, first, end):
        if first == end:
            return hashlib.sha256().digest()
        level = (end - first).bit_length() - 1
        if end - first == 1 << level:
            return self.levels[level][first >> level]
        half = split(first, end)
        return node_hash(self.hash(first, half), self.hash(half, end))

    def inclusion(self, index, first, end):
        if end - first == 1:
            return []
        if index < (half := split(first, end)):
            return [*self.inclusion(index, first, half), self.hash(half, end)]
        return [*self.inclusion(index, half, end), self.hash(first, half)]

    def consistency(self, size, first, end, whole=True):
        if size == end:
            return [] if whole else [self.hash(first, end)]
        if size <= (half := split(first, end)):
            return [*self.consistency(size, first, half, whole), self.hash(half, end)]
        return [*self.consistency(size, half, end, False), self.hash(first, half)]


def climb(low, high, was, now, proof):
    """The walk up the tree that RFC 9162 has in 2.1.3.2 and 2.1.4.2; `was` stays within the smaller tree."""
    for one in proof:
        if high == 0:
            return None, None
        if low & 1 or low == high:
            was, now = node_hash(one, was), node_hash(one, now)
            while low and not low & 1:
                low, high = low >> 1, high >> 1
        else:
            now = node_hash(now, one)
        low, high = low >> 1, high >> 1
    return (was, now) if high == 0 else (None, None)


def inclusion_holds(leaf, index, size, proof, root):
    return index < size and climb(index, size - 1, leaf, leaf, proof)[1] == root


def consistency_holds(old, old_root, new, new_root, proof):
    """For 0 < old < new."""
    if not proof:
        return False
    start, *others = proof if old & (old - 1) else [old_root, *proof]
    same = (old & -old).bit_length() - 1  # Levels up to the largest subtree that ends where the old tree does.
    return climb((old - 1) >> same, (new - 1) >> same, start, start, others) == (old_root, new_root)


@dataclass
class Key:
    """A verifier key, and the tree sizes from the first to the last that it may sign."""

    name: str
    id: str
    public: bytes
    first: int = 0
    last: float = float("inf")

    def signed(self, message, signature):
        with contextlib.suppress(InvalidSignature):
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, message)
            return True
        return False


def verifier_key(line, first=0):
    demand(isinstance(line, str) and line.count("+") >= 2, f"no verifier key: {line!r}")
    name, id, encoded = line.split("+", 2)
    data = unbase64(encoded, 33)
    demand(name and not re.search(r"\s", name) and data[0] == 1, f"no verifier key of Ed25519: {line!r}")
    demand(hashlib.sha256(f"{name}\n".encode() + data).hexdigest()[:8] == id, f"verifier key of another id than {id}")
    return Key(name, id, data[1:], first)


def extend_trust(keys, index, entry):
    """A key is trusted in trees that hold the entry that adds it, and once retired not again."""
    if "adds" in entry:
        added, by = verifier_key(entry["adds"], index + 1), str(entry.get("signed_by"))
        known, signer = keys.get(added.id), keys.get(by)
        demand(known is None or known.public == added.public, f"adds another key {added.id} than the trusted one")
        demand(known is None or index < known.last, f"adds {added.id} again, which was retired")
        demand(signer or known, f"adds {added.id} by the key {by}, which is not trusted")
        if signer:
            message = f"auditlake/key/v1\n{entry['adds']}\n{entry.get('retires', '')}\n".encode()
            demand(index < signer.last, f"adds {added.id} by the key {by}, which was retired")
            demand(signer.name == added.name, f"adds {added.id} of the name {added.name} and not {signer.name}")
            demand(signer.signed(message, unhex(entry.get("signature"), 64)), f"adds {added.id}, wrongly signed")
        keys.setdefault(added.id, added)
    if "retires" in entry:
        retired = keys.get(str(entry["retires"]))
        demand(retired, f"retires {entry['retires']}, which is not trusted")
        by = keys.get(str(entry.get("signed_by")))
        message = f"auditlake/key/v1\n{entry.get('adds', '')}\n{entry['retires']}\n".encode()
        signed = by and by.signed(message, unhex(entry.get("signature"), 64))
        demand(signed, f"retires {entry['retires']}, and no trusted key says so")
        retired.last = min(retired.last, index + 1)


def checkpoint(raw, keys, tree):
    """Tree size and root hash of a checkpoint that a trusted key signed, and that is of this log."""
    note = raw.decode()
    demand(not re.search(r"[\0-\x09\x0b-\x1f]", note), "note has control characters")
    signed, blank, signatures = note.rpartition("\n\n")
    demand(blank and signatures.endswith("\n"), "no signed note")
    lines = signed.split("\n")
    demand(len(lines) >= 3 and all(lines) and NUMBER.fullmatch(lines[1]), "note is no checkpoint")
    origin, size, root, signers = lines[0], int(lines[1]), unbase64(lines[2], 32), []
    for line in signatures[:-1].split("\n"):
        demand(re.fullmatch("— [^ +]+ [^ ]+", line), f"no signature line: {line!r}")
        _, name, encoded = line.split(" ")
        signature = unbase64(encoded)
        key = keys.get(signature[:4].hex())
        if key and key.name == name:
            demand(key.signed(f"{signed}\n".encode(), signature[4:]), f"signature by {key.id} is wrong")
            demand(name == origin, f"origin is {origin!r} and not the key's name {name}")
            signers.append(key)
    demand(signers, "no signature by a trusted key")
    trusted = any(key.first <= size <= key.last for key in signers)
    demand(trusted, f"only signed by {signers[0].id}, which is not trusted at size {size}")
    demand(size <= tree.size, f"tree size {size} is more than the {tree.size} entries of the log")
    demand(tree.hash(0, size) == root, f"root at size {size} is not that of the entries")
    return size, root


def fits(value, shape):
    """A shape is a type, the pattern of a string, or a list or an object of shapes."""
    if isinstance(shape, list):
        return isinstance(value, list) and all(fits(one, shape[0]) for one in value)
    if isinstance(shape, dict):
        return isinstance(value, dict) and all(fits(value.get(name), one) for name, one in shape.items())
    if shape is int:
        return type(value) is int and value >= 0
    return isinstance(value, str) and (shape is str or re.fullmatch(shape, value) is not None)


def entry_of(raw):
    entry = DECODE(raw.decode())
    demand(isinstance(entry, dict) and ENCODE(entry).encode() == raw, "no object in canonical JSON")
    for name, shape in COMMON.items():
        demand(fits(entry.get(name), shape), f"{name} is {entry.get(name)!r}")
    datetime.datetime.fromisoformat(entry["at"][:19])
    for name, shape in FIELDS.get(entry["kind"], {}).items():
        demand(fits(entry.get(name), shape), f"{name} of a {entry['kind']} is {entry.get(name)!r}")
    paths = [entry[name] for name in ("path", "path_hmac") if name in entry]
    demand(entry["kind"] != "file" or (len(paths) == 1 and fits(paths, [str])), f"paths of a file are {paths!r}")
    return entry


def framed(data):
    """Entries of a batch or an entry bundle, each behind its length."""
    at = 0
    while at < len(data):
        end = at + 2 + int.from_bytes(data[at : at + 2], "big")
        demand(at + 2 <= len(data) and end <= len(data), "ends within an entry")
        yield data[at + 2 : end]
        at = end


def numbered(folder):
    """Objects whose names are 20 digits, in order."""
    for file in sorted(folder.iterdir()) if folder.is_dir() else ():
        if re.fullmatch("[0-9]{20}", file.name):
            yield int(file.name), file
        else:
            finding(f"{folder.name}/{file.name}: does not belong there")


def read_log(folder, keys, with_files):
    """The tree, and of the entries what is looked at afterwards. The keys learn what the entries say of them."""
    leaves, ids, kept = [], set(), collections.defaultdict(list)
    for first, file in numbered(folder):
        if first != len(leaves):
            finding(f"batch {file.name}: begins at {first} and not at {len(leaves)}; it and the rest are left out")
            break
        with findings_of(f"batch {file.name}"):
            for raw in framed(file.read_bytes()):
                leaves.append(leaf_hash(raw))
                with findings_of(f"entry {len(leaves) - 1}"):
                    read_entry(len(leaves) - 1, entry_of(raw), keys, ids, kept if with_files else None)
            demand(len(leaves) > first, "has no entries")
    return Tree(leaves), kept


def read_entry(index, entry, keys, ids, kept):
    id, kind = bytes.fromhex(entry["id"]), entry["kind"]
    demand(id not in ids, f"id {entry['id']} is that of an earlier entry")
    ids.add(id)
    if kind == "key":
        extend_trust(keys, index, entry)
    elif kept is not None and kind == "file":
        named = sys.intern(entry["dataset"]), entry.get("path", entry.get("path_hmac"))
        kept[kind].append((index, named, "path" in entry, entry["sha256"], entry["bytes"]))
    elif kept is not None and kind in FIELDS:
        kept["removal" if "removes" in FIELDS[kind] else kind].append((index, entry))


def check_checkpoints(folder, keys, tree, anchored):
    """How far the log is signed, and what the summary says of that."""
    right = []
    for named, file in numbered(folder):
        with findings_of(f"checkpoint {file.name}"):
            size, root = checkpoint(file.read_bytes(), keys, tree)
            demand(size == named, f"is of tree size {size}")
            right.append((size, root))
    for (old, old_root), (new, new_root) in itertools.pairwise(right):
        if old and not consistency_holds(old, old_root, new, new_root, tree.consistency(old, 0, new)):
            finding(f"checkpoints {old} and {new}: the consistency proof does not hold")
    if not right:
        finding("log: has no checkpoint that is right")
    said = f"{many(len(right), 'checkpoint')}, not anchored"
    if anchored is not None:
        with findings_of("anchored checkpoint"):
            right.append(checkpoint(anchored, keys, tree))
            said = said.replace("not anchored", f"anchored at {right[-1][0]}")
    signed = max((size for size, _ in right), default=0)
    for index in {*random.sample(range(signed), min(SAMPLE, signed)), *range(signed)[-1:]}:
        size, root = random.choice([one for one in right if one[0] > index])
        if not inclusion_holds(tree.levels[0][index], index, size, tree.inclusion(index, 0, size), root):
            finding(f"entry {index}: the inclusion proof at size {size} does not hold")
    return signed, said


def tile_path(level, number, width=256):
    groups = [f"{number % 1000:03}"]
    while number := number // 1000:
        groups.insert(0, f"x{number % 1000:03}")
    return f"{level}/{'/'.join(groups)}" + (f".p/{width}" if width < 256 else "")


def check_tile(name, data, tree):
    match = re.fullmatch(r"(entries|0|[1-9][0-9]?)/([x0-9/]+)(?:\.p/([0-9]{1,3}))?", name)
    demand(match, "does not belong there")
    level, number, width = match[1], int(re.sub("[x/]", "", match[2]) or 0), int(match[3] or 256)
    demand(width > 0 and tile_path(level, number, width) == name, "does not belong there")
    height = 0 if level == "entries" else 8 * int(level)
    hashes = tree.levels[height] if height < len(tree.levels) else []
    wanted = hashes[256 * number : 256 * number + width]
    demand(len(wanted) == width, "reaches beyond the log")
    # An entry bundle holds what it has to if its entries hash to the leaves.
    same = list(map(leaf_hash, framed(data))) == wanted if level == "entries" else data == b"".join(wanted)
    demand(same, "does not hold what the entries give")


def check_published(log, keys, tree):
    """Every tile, and that those are there that log/checkpoint, if there is one, leads to."""
    tiles = [file for file in sorted((log / "tile").rglob("*")) if not file.is_dir()]
    there = {file.relative_to(log / "tile").as_posix(): file for file in tiles}
    for name, file in there.items():
        with findings_of(f"tile {name}"):
            check_tile(name, file.read_bytes(), tree)
    published = 0
    with findings_of("log/checkpoint"):
        if os.path.lexists(log / "checkpoint"):
            raw = (log / "checkpoint").read_bytes()
            published, _ = checkpoint(raw, keys, tree)
            stored = log / "checkpoints" / f"{published:020}"
            demand(stored.is_file() and stored.read_bytes() == raw, "is none of the checkpoints")
    for level in ("entries", *range(published.bit_length() // 8 + 1)):
        full, width = divmod(published >> (0 if level == "entries" else 8 * level), 256)
        wanted = [{tile_path(level, number)} for number in range(full)]
        wanted += [{tile_path(level, full), tile_path(level, full, width)}] if width else []
        for names in wanted:
            if not names & there.keys():
                finding(f"tile {max(names)}: is missing at the published size {published}")


def check_file(store, what, path, sha256, size=None):
    with findings_of(f"{what} {path}"):
        pure, file = PurePosixPath(path), store / path
        demand(not pure.is_absolute() and ".." not in pure.parts, "leads out of the store")
        demand(os.path.isfile(file), "is missing")
        demand(size in (None, file.stat().st_size), f"has {file.stat().st_size} bytes and not {size}")
        demand(file_digest(file) == sha256, "has another SHA-256 than in its entry")


def file_digest(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check_proof(file, keys, tree):
    head, _, note = file.read_bytes().partition(b"\n\n")
    lines = head.decode().split("\n")
    demand(lines[0] == "c2sp.org/tlog-proof@v1" and len(lines) >= 3, "no tlog-proof")
    demand(lines[1].startswith("extra ") and re.fullmatch(f"index ({NUMBER.pattern})", lines[2]), "no entry or index")
    raw, index, proof = unbase64(lines[1][6:]), int(lines[2][6:]), [unbase64(line, 32) for line in lines[3:]]
    size, root = checkpoint(note, keys, tree)
    demand(inclusion_holds(leaf_hash(raw), index, size, proof, root), "the inclusion proof does not hold")
    entry, part = entry_of(raw), file.with_name(file.name.removesuffix(".tlog-proof"))
    demand(entry["kind"] in ("report", "export"), f"its entry is a {entry['kind']}")
    demand(os.path.isfile(part), "the part beside it is missing")
    own = [one["sha256"] for one in entry["parts"]] if entry["kind"] == "report" else [entry["manifest_sha256"]]
    demand(file_digest(part) in own, "the part beside it is not of its entry")


def check_files(store, keys, tree, kept, signed):
    """What the summary says of what was looked at."""
    removed, live = {}, {True: 0, False: 0}
    for index, entry in kept["removal"]:
        if index < signed:
            removed.update({(entry["dataset"], path): index for path in entry["removes"]})
    for index, named, has_path, sha256, size in kept["file"]:
        if removed.get(named, -1) < index:
            live[has_path] += 1
            if has_path:
                check_file(store, f"entry {index}: file", named[1], sha256, size)
    for index, entry in kept["run"]:
        check_file(store, f"entry {index}: record", entry["record"], entry["record_sha256"])
    for index, entry in kept["report"]:
        for part in entry["parts"]:
            check_file(store, f"entry {index}: part", part["path"], part["sha256"], part["bytes"])
    proofs = sorted(store.rglob("*.tlog-proof"))
    for file in proofs:
        with findings_of(str(file.relative_to(store))):
            check_proof(file, keys, tree)
    unnamed = f" ({live[False]} more without a path)" if live[False] else ""
    counts = {"run": len(kept["run"]), "report": len(kept["report"]), "proof": len(proofs)}
    return f"; {many(live[True], 'file')}{unnamed}, " + ", ".join(many(number, what) for what, number in counts.items())


def many(number, what):
    return f"{number} {what}{'' if number == 1 else 's'}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("store", type=Path)
    parser.add_argument("--keys", type=Path, required=True)
    parser.add_argument("--anchored", type=Path)
    parser.add_argument("--files", action="store_true")
    options = parser.parse_args()
    log = options.store / "_auditlake" / "evidence" / "_proof" / "log"
    try:
        lines = map(str.strip, options.keys.read_text(encoding="utf-8").split("\n"))
        keys = {key.id: key for key in map(verifier_key, filter(None, lines))}
        demand(keys, f"{options.keys}: no verifier key")
        anchored = options.anchored.read_bytes() if options.anchored else None
        demand(log.is_dir(), f"{log}: no log")
    except ValueError as error:
        sys.exit(f"could not look: {error}")

    tree, kept = read_log(log / "entries", keys, options.files)
    signed, said = check_checkpoints(log / "checkpoints", keys, tree, anchored)
    check_published(log, keys, tree)
    for file in sorted((log.parent / "keys").glob("*")):
        with findings_of(f"keys/{file.name}"):
            key = verifier_key(file.read_bytes().decode().removesuffix("\n"))
            demand(key.id == file.name, f"is the key {key.id}")
    looked = check_files(options.store, keys, tree, kept, signed) if options.files else ""
    if signed < tree.size:
        print(f"unsigned tail: entries {signed} to {tree.size - 1} are in no checkpoint")
        said = f"{tree.size - signed} of them unsigned, {said}"
    verdict = many(len(FOUND), "finding") if FOUND else "all good"
    print(f"log {tree.size} entries, {said}{looked}: {verdict}")
    sys.exit(3 if FOUND else 0)


try:
    main()
except OSError as error:
    sys.exit(f"could not look: {error}")
