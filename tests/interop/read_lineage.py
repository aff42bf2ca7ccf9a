"""Reads lineage documents with readers that we did not write.

Usage: read_lineage.py FOLDER, a folder that `cargo run -p lineage --example write_documents FOLDER` wrote. Needs
networkx; validates with jsonschema and renders with graphviz where those are installed. Fails with the first thing
that differs.
"""

import json
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import networkx as nx

FOLDER = Path(sys.argv[1])
SCHEMA = Path(__file__).parents[2] / "lineage/src/document/lineage-graph.schema.json"


def unescaped(text):
    return re.sub(r"\\u\{([0-9a-f]+)\}", lambda found: chr(int(found[1], 16)), text)


def plain(attributes):
    """Attributes as both formats can hold them: without what is absent, lists as text."""
    escaped = attributes.get("escaped", False)
    out = {}
    for name, value in attributes.items():
        if isinstance(value, list):
            value = (" " if name == "kinds" else "\n").join(value)
        if name != "escaped" and value is not None and value != "":
            out[name] = unescaped(value) if escaped and isinstance(value, str) else value
    return out


def same(what, theirs, expected):
    assert theirs == expected, f"{what}: {theirs} and not {expected}"


def formats_agree(name):
    text = (FOLDER / f"{name}.json").read_text()
    document = json.loads(text)
    one = nx.node_link_graph(document, edges="edges")
    other = nx.read_graphml(FOLDER / f"{name}.graphml", force_multigraph=True)
    assert one.is_directed() and one.is_multigraph() and other.is_directed()
    same(f"{name}: nodes", set(other), set(one))
    for node, attributes in one.nodes(data=True):
        same(f"{name}: {node}", plain(other.nodes[node]), plain(attributes))
    edges = {(source, target, key): plain(data) for source, target, key, data in one.edges(keys=True, data=True)}
    theirs = {(source, target, key): plain(data) for source, target, key, data in other.edges(keys=True, data=True)}
    same(f"{name}: edges", theirs, edges)
    same(f"{name}: edges in the text", len(document["edges"]), len(edges))
    print(f"{name}: networkx reads {len(one)} nodes and {len(edges)} edges from JSON and from GraphML")
    return document


def validates(name, document):
    try:
        import jsonschema
    except ImportError:
        print(f"{name}: not validated, jsonschema is not installed")
        return
    jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text())).validate(document)
    print(f"{name}: valid")


def renders(name):
    if not shutil.which("dot"):
        print(f"{name}: not rendered, graphviz is not installed")
        return
    command = ["dot", "-Tplain", FOLDER / f"{name}.dot"]
    done = subprocess.run(command, check=True, capture_output=True, text=True, errors="replace")
    assert not done.stderr, done.stderr
    rendered = done.stdout.splitlines()
    document = json.loads((FOLDER / f"{name}.json").read_text())
    same(f"{name}: edges rendered", sum(line.startswith("edge ") for line in rendered), len(document["edges"]))
    columns = [node for node in document["nodes"] if node["kind"] == "column"]
    assert sum(line.startswith("node ") for line in rendered) >= len(columns), f"{name}: columns are missing"
    print(f"{name}: graphviz renders {len(document['edges'])} edges")


class Page(HTMLParser):
    """What a browser would make of a page."""

    def __init__(self):
        super().__init__()
        self.tags, self.attributes, self.text, self.scripts, self.within = [], [], [], [], None

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes += [(tag, name, value) for name, value in attributes]
        if tag == "script":
            self.within = dict(attributes).get("type", "script")

    def handle_endtag(self, tag):
        if tag == "script":
            self.within = None

    def handle_data(self, data):
        (self.scripts if self.within else self.text).append(data)


def page_is_closed(name, document):
    text = (FOLDER / f"{name}.html").read_text()
    assert not re.search(r"https?:", text), f"{name}: the page names something on the network"
    page = Page()
    page.feed(text)
    same(f"{name}: scripts", page.tags.count("script"), 2)
    for tag in ("img", "iframe", "link", "object", "embed", "form", "base"):
        assert tag not in page.tags, f"{name}: <{tag}>"
    for tag, attribute, value in page.attributes:
        assert not attribute.startswith("on") and attribute not in ("src", "href", "style"), f"{name}: {tag} {attribute}"
    data = json.loads(page.scripts[0])
    datasets = {dataset["n"] for dataset in data["d"]}
    expected = {node["dataset"] for node in document["nodes"]}
    assert datasets == expected, f"{name}: datasets {datasets ^ expected}"
    print(f"{name}: the page holds {len(datasets)} datasets and nothing from elsewhere, {len(text)} characters")


for sample in ("lake", "trace", "hostile", "large"):
    read = formats_agree(sample)
    validates(sample, read)
    page_is_closed(sample, read)
    if sample != "large":
        renders(sample)
