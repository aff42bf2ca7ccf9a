"""Opens lineage pages in a browser, with script and without, and does what a reader does.

Usage: drive_lineage_page.py FOLDER_OR_FILES... [--screenshots DIR]. Of a folder every page is opened. Needs selenium,
chromium and chromedriver. What must be drawn after each step is worked out here from the data of the page. Lists what
differs, and ends with 1 if anything does.
"""

import argparse
import json
import re
import sys
import tempfile
from pathlib import Path

from selenium import webdriver
from selenium.common.exceptions import WebDriverException
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

BROWSER, DRIVER = "/usr/bin/chromium", "/usr/bin/chromedriver"
SWITCHES = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--window-size=1400,900",
]

# What a drawing may have, as the program and the script of the page say it.
NODES_MAX, LINKS_MAX, ROWS_MAX, OPTIONS_MAX, WORDS_MAX, ENDS_MAX = 400, 1_500, 400, 50, 12, 200
ZOOM_MIN = 0.15
BANNERS = [None, "datasets are drawn without theirs", "they are drawn by namespace", "the table holds it"]

DRAWN = """
const all = (within, what, make) => [...within.querySelectorAll(what)].map(make), text = (one) => one.textContent;
const titled = (one) => one.querySelector("title")?.textContent, isClear = (one) => getComputedStyle(one).opacity > 0.5;
const detail = document.getElementById("detail");
return {
  cards: all(document, "#cards > .card", (card) => [titled(card),
    all(card, ".hit", (hit) => [hit.getAttribute("class"), titled(hit)]), isClear(card),
    all(card, ".more", titled)]),
  lines: all(document, "#lines > .line", (line) => [[...line.classList].join(" "), titled(line), isClear(line)]),
  detail: detail.childElementCount ? [text(detail.querySelector("h2")), all(detail, "a", text)] : null,
};
"""
# Cards as left, top, right and bottom, lines as where they start and where they end, and whether any card is in sight.
PLACES = """
const all = (what, make) => [...document.querySelectorAll(what)].map(make), at = (point) => [point.x, point.y];
const stage = document.getElementById("stage").getBoundingClientRect();
return [document.getElementById("drawing").getAttribute("viewBox").split(" ").map(Number),
  all("#cards > .card", (card) => {
    const { e, f } = card.transform.baseVal.getItem(0).matrix, box = card.querySelector(".box").getBBox();
    return [e, f, e + box.width, f + box.height];
  }),
  all("#lines > .line", (line) => [at(line.getPointAtLength(0)), at(line.getPointAtLength(line.getTotalLength()))]),
  all("#cards .box", (box) => box.getBoundingClientRect()).some((box) => box.right > stage.left &&
    box.left < stage.right && box.bottom > stage.top && box.top < stage.bottom)];
"""
TABLE = """
return [...document.querySelectorAll("#table > tbody > tr")].map((row) =>
  [[...row.cells].map((cell) => cell.textContent), row.checkVisibility()]);
"""
TEXTS = """return [...document.querySelectorAll(arguments[0])].map((one) => one.value ?? one.textContent);"""
# Whether the chosen row is where it can be seen.
SEEN = """
const mark = document.querySelector(".hit.chosen").getBoundingClientRect();
const stage = document.getElementById("stage").getBoundingClientRect();
const [x, y] = [(mark.left + mark.right) / 2, (mark.top + mark.bottom) / 2];
return x > stage.left && x < stage.right && y > Math.max(0, stage.top) && y < Math.min(innerHeight, stage.bottom);
"""
# A point of the drawing that a drag can start at: where nothing is drawn, on the head of a card, or on a column.
POINT = """
const stage = document.getElementById("stage").getBoundingClientRect();
for (let y = Math.max(0, stage.top) + 40; y < Math.min(innerHeight, stage.bottom) - 40; y += 5)
  for (let x = stage.left + 240; x < stage.right - 40; x += 5)
    if (document.elementFromPoint(x, y).matches(arguments[0])) return [Math.round(x), Math.round(y)];
"""
GROUNDS = {"nothing": "#drawing", "a head": ".hit:not(.rule ~ .hit)", "a column": ".rule ~ .hit"}
# How far the drawing is moved, and how much further it can be.
ROOM = """
const stage = document.getElementById("stage");
return [stage.scrollLeft, stage.scrollWidth - stage.clientWidth - stage.scrollLeft];
"""


def visible(text):
    hidden = r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]"
    return re.sub(hidden, lambda found: f"\\u{{{ord(found[0]):x}}}", text)


class Model:
    """What the drawing must hold after each step."""

    def __init__(self, data):
        self.datasets, self.said, self.edges = data["d"], data["a"], data["e"]
        self.shown, self.open, self.grouped, self.chosen = set(), set(), set(), None
        self.values = self.decisions = True
        # Edges by the node where they start, and by the node where they end. A dataset is its column -1.
        self.ends = {0: {}, 2: {}}
        for at, edge in enumerate(self.edges):
            for end, by_node in self.ends.items():
                by_node.setdefault((edge[end], edge[end + 1]), []).append(at)
        self.has_focus = any(dataset["f"] for dataset in self.datasets)
        (self.near if self.has_focus else self.show_all)()

    def name(self, dataset, column):
        name = self.datasets[dataset]["n"]
        return visible(name if column < 0 else f"{name}.{self.datasets[dataset]['c'][column][0]}")

    def by_name(self):
        nodes = [(at, column) for at, one in enumerate(self.datasets) for column in range(-1, len(one["c"]))]
        return {self.name(*node): node for node in nodes}

    def rows(self):
        return sum(1 + len(self.datasets[at]["c"]) * (at in self.open) for at in self.shown)

    def reveal(self, dataset):
        if dataset not in self.shown:
            self.shown.add(dataset)
            if self.rows() + len(self.datasets[dataset]["c"]) <= ROWS_MAX:
                self.open.add(dataset)

    def near(self):
        self.shown, self.open = set(), set()
        is_focus = [dataset["f"] for dataset in self.datasets]
        for dataset in range(len(self.datasets)):
            if is_focus[dataset]:
                self.reveal(dataset)
        for source, _, target, *_ in self.edges:
            for one, other in ((source, target), (target, source)):
                if is_focus[one] and len(self.shown) < ROWS_MAX:
                    self.reveal(other)

    def show_all(self):
        everything = set(range(len(self.datasets)))
        self.shown, self.open, self.grouped = everything, set(), set()
        if len(everything) > ROWS_MAX:
            self.group()
        elif sum(1 + len(dataset["c"]) for dataset in self.datasets) <= ROWS_MAX:
            self.open = set(everything)

    def group(self):
        self.grouped = set() if self.grouped else {dataset["s"] for dataset in self.datasets}

    def columns(self):
        self.open = set() if self.shown <= self.open else self.open | self.shown

    def toggle(self, datasets):
        namespace = self.datasets[datasets[0]]["s"]
        if namespace in self.grouped:
            self.grouped.remove(namespace)
        else:
            self.open ^= {datasets[0]}
            self.chosen = (datasets[0], -1)

    def go(self, dataset, column):
        self.grouped.discard(self.datasets[dataset]["s"])
        self.reveal(dataset)
        if column >= 0:
            self.open.add(dataset)
        self.chosen = (dataset, column)

    def passes(self, at):
        return self.values if self.said[self.edges[at][4]][1] else self.decisions

    def kin(self, dataset, column):
        """Nodes whose edges are edges of this one: fields of a struct, and the rows of a dataset."""
        paths = [path for path, *_ in self.datasets[dataset]["c"]]
        for at, path in enumerate(paths):
            parts = column < 0 or path == paths[column]
            if parts or any(one.startswith((f"{other}.", f"{other}[]"))
                            for one, other in ((path, paths[column]), (paths[column], path))):
                yield dataset, at
        yield dataset, -1

    def way(self, chosen):
        """Nodes and edges before and after a node."""
        nodes, edges = {chosen}, set()
        for near, far in ((0, 2), (2, 0)):
            queue, seen = [chosen], {chosen}
            for node in queue:
                for row in self.kin(*node):
                    for at in filter(self.passes, self.ends[near].get(row, [])):
                        other = tuple(self.edges[at][far:far + 2])
                        nodes |= {row, other}
                        edges.add(at)
                        if other not in seen:
                            seen.add(other)
                            queue.append(other)
        return nodes, edges

    def neighbours(self, dataset, column):
        """The other ends of the edges that are told of a node, as they are listed."""
        lists = [(2, 0, column), (0, 2, column)] + ([(2, 0, -1)] if column >= 0 else [])
        return [tuple(self.edges[at][far:far + 2]) for near, far, row in lists
                for at in self.ends[near].get((dataset, row), [])[:ENDS_MAX]]

    def groups(self):
        """The datasets of every card, in the order of the drawing."""
        groups = {}
        for at in sorted(self.shown):
            namespace = self.datasets[at]["s"]
            groups.setdefault(namespace if namespace in self.grouped else at, []).append(at)
        return list(groups.values())

    def has_rows(self, datasets):
        first = self.datasets[datasets[0]]
        return bool(first["c"]) and datasets[0] in self.open and first["s"] not in self.grouped

    def lines(self):
        """Edges by the cards and rows that they are drawn between."""
        groups = self.groups()
        card_of = {dataset: card for card, group in enumerate(groups) for dataset in group}
        lines = {}
        for at, (source, column, target, target_column, *_) in enumerate(self.edges):
            if source in card_of and target in card_of and self.passes(at):
                ends = card_of[source], card_of[target]
                rows = [self.has_rows(groups[card]) for card in ends]
                if ends[0] != ends[1] or rows[0]:
                    key = ends[0], column if rows[0] else -1, ends[1], target_column if rows[1] else -1
                    lines.setdefault(key, []).append(at)
        return lines

    def hidden(self, datasets, near, far):
        others = {self.edges[at][far] for one in datasets for row in self.kin(one, -1)
                  for at in filter(self.passes, self.ends[near].get(row, []))}
        return others - self.shown

    def drawn(self):
        nodes, edges = self.way(self.chosen) if self.chosen else (set(), set())
        return {
            "cards": [self.card(group, nodes) for group in self.groups()],
            "lines": [self.line(line, edges) for line in self.lines().values()],
            "detail": [self.name(*self.chosen), [self.name(*node) for node in self.neighbours(*self.chosen)]]
            if self.chosen else None,
        }

    def card(self, group, nodes):
        first, has_rows = self.datasets[group[0]], self.has_rows(group)
        is_group = first["s"] in self.grouped
        head = "Open this namespace" if is_group else f"{'Close' if has_rows else 'Open'} its columns"
        hits = [[self.look((-1 if is_group else group[0], -1), nodes), head]]
        for at, (path, word, *_) in enumerate(first["c"] if has_rows else []):
            hits.append([self.look((group[0], at), nodes), visible(f"{path} · {word}" if word else path)])
        is_clear = not self.chosen or any(dataset in group for dataset, _ in nodes)
        before, after = self.hidden(group, 2, 0), self.hidden(group, 0, 2)
        more = [f"Show {len(before)} that come before"] if before else []
        more += [f"Show {len(after)} that follow"] if after else []
        return [visible(first["s"] if is_group else first["n"]), hits, is_clear, more]

    def look(self, node, nodes):
        return "hit chosen" if node == self.chosen else "hit on" if node in nodes else "hit"

    def line(self, line, edges):
        said = [self.said[self.edges[at][4]] for at in line]
        change = next((self.edges[at][5] for at in line if self.edges[at][5]), "")
        is_gap, is_direct = any(one[4] for one in said), any(one[1] for one in said)
        is_on = bool(edges & {*line})
        words = ["line", change or ("gap" if is_gap else "" if is_direct else "weak"), "on" if is_on else ""]
        told = [f"{self.ends_of(at)}: {one[0] or 'unknown kind'} by {visible(one[5])}, {one[3]}"
                for at, one in zip(line, said)]
        rest = [f"and {len(line) - WORDS_MAX} more"] if len(line) > WORDS_MAX else []
        return [" ".join(filter(None, words)), "\n".join(told[:WORDS_MAX] + rest), is_on or not self.chosen]

    def ends_of(self, at):
        source, column, target, target_column, *_ = self.edges[at]
        return f"{self.name(source, column)} → {self.name(target, target_column)}"


def difference(theirs, expected):
    """The first thing in which two lists differ, however deep in them."""
    if not isinstance(theirs, list) or not isinstance(expected, list):
        return f": {theirs!r} and not {expected!r}"
    if len(theirs) != len(expected):
        return f": {len(theirs)} and not {len(expected)}"
    at = [one == other for one, other in zip(theirs, expected)].index(False)
    return f", number {at + 1}{difference(theirs[at], expected[at])}"


class Page:
    """A page in the browser, and what must be seen of it."""

    def __init__(self, browser, path, screenshots):
        self.browser, self.name, self.url, self.compared = browser, path.stem, path.resolve().as_uri(), 0
        self.screenshots = screenshots

    def faults_of(self, step, has_script):
        """Opens the page and takes a step. Returns what is wrong."""
        found = []
        try:
            self.browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": not has_script})
            self.browser.get(self.url)
            self.model = Model(json.loads(self.one("#data").get_attribute("textContent")))
            step(self)
        except (AssertionError, ValueError, WebDriverException) as error:
            found.append(str(getattr(error, "msg", None) or error).splitlines()[0])
        return [f"{self.name}, {step.__name__}: {fault}" for fault in found + self.outside()]

    def shot(self, ending):
        if self.screenshots:
            self.browser.save_screenshot(str(self.screenshots / f"{self.name}{ending}.png"))

    def one(self, selector):
        return self.browser.find_element(By.CSS_SELECTOR, selector)

    def ask(self, script, *given):
        return self.browser.execute_script(script, *given)

    def same(self, what, theirs, expected):
        self.compared += len(expected) if isinstance(expected, list) else 1
        assert theirs == expected, f"{what}{difference(theirs, expected)}"

    def agrees(self, after):
        """Compares everything that is drawn, and that nothing lies on something else."""
        drawn, expected = self.ask(DRAWN), self.model.drawn()
        for part, theirs in drawn.items():
            self.same(f"{part} after {after}", theirs, expected[part])
        self.is_in_order(after, [(key[0], key[2]) for key in self.model.lines()])
        return len(drawn["cards"]), sum(len(card[1]) for card in drawn["cards"]), len(drawn["lines"])

    def is_in_order(self, after, links=None):
        (_, _, width, height), cards, lines, is_in_sight = self.ask(PLACES)
        assert is_in_sight or not cards, f"nothing is in sight after {after}"
        for at, (left, top, right, bottom) in enumerate(cards):
            assert 0 <= left < right <= width and 0 <= top < bottom <= height, f"card {at} is cut off after {after}"
            for other in cards[:at]:
                apart = right <= other[0] or other[2] <= left or bottom <= other[1] or other[3] <= top
                assert apart, f"card {at} lies on another after {after}"
        if links is None:
            return
        for (start, end), (source, target) in zip(lines, links):
            sides = cards[source][2], cards[target][2 if source == target else 0]
            for (x, y), side, (_, top, _, bottom) in zip((start, end), sides, (cards[source], cards[target])):
                assert abs(x - side) <= 1.5 and top <= y <= bottom, f"a line does not end at its card after {after}"

    def hit(self, card, row):
        """Clicks on a row of a card; its head is row -1."""
        self.one(f"#cards > .card:nth-child({card + 1})").find_elements(By.CLASS_NAME, "hit")[row + 1].click()

    def toggle(self, card):
        datasets = self.model.groups()[card]
        self.hit(card, -1)
        self.model.toggle(datasets)

    def press(self, *keys):
        ActionChains(self.browser).send_keys(*keys).perform()

    def type(self, text):
        """Types into the search. Whenever it holds the name of something, it leads there."""
        self.one("#search").send_keys(text)
        names = self.model.by_name()
        for end in range(1, len(text) + 1):
            if text[:end] in names:
                self.model.go(*names[text[:end]])

    def drag(self, at, distance):
        moves = ActionChains(self.browser, duration=0)
        pointer = moves.w3c_actions.pointer_action
        pointer.move_to_location(*at)
        pointer.pointer_down()
        pointer.move_to_location(at[0] - distance, at[1])
        pointer.pointer_up()
        moves.perform()

    def open_columns(self):
        """Clicks until cards show columns. Returns their places."""
        for _ in range(3):
            groups = self.model.groups()
            drawn = [at for at, group in enumerate(groups) if self.model.has_rows(group)]
            if drawn:
                return drawn
            has_columns = [any(self.model.datasets[at]["c"] for at in group) for group in groups]
            assert any(has_columns), "there are no columns"
            self.toggle(has_columns.index(True))
            self.agrees("a click on a closed card")
        raise AssertionError("no click opens columns")

    def outside(self):
        """What the browser was asked for besides the page, and what it complained of."""
        found = []
        for entry in self.browser.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] in ("Network.requestWillBeSent", "Network.webSocketCreated"):
                asked = message["params"].get("request", message["params"])["url"]
                if asked != self.url:
                    found.append(f"asks for {asked}")
        return found + [entry["message"] for entry in self.browser.get_log("browser")]


def is_drawn(page):
    """All of it is there once the page is opened."""
    page.agrees("opening")
    page.shot("")
    assert page.one("#search").is_displayed() and page.one("#direct").is_selected(), "the tools are not shown"
    page.same("the button of the focus", page.one("#near").is_displayed(), page.model.has_focus)
    has_table(page)


def has_table(page):
    """The table has a row for every edge, and hides none."""
    expected = []
    for edge in page.model.edges:
        how, _, cap, sure, _, job = page.model.said[edge[4]]
        ends = [page.model.name(*node) + (" rows" if node[1] < 0 else "") for node in (edge[:2], edge[2:4])]
        expected.append([8, *ends, how, cap, sure, visible(job), True])
    rows = [[len(cells), *cells[:6], is_visible] for cells, is_visible in page.ask(TABLE)]
    page.same("rows of the table", rows, expected)


def is_searched(page):
    """Part of a name keeps the rows of the table that have it, a whole one leads there, and no text brings all back."""
    model, texts = page.model, ["".join(cells).lower() for cells, _ in page.ask(TABLE)]
    names = list(model.by_name())
    parts = [name[at:at + 3].lower() for name in reversed(names) for at in range(len(name) - 2)]
    part = next((part for part in parts if 0 < sum(part in text for text in texts) < len(texts)), parts[0])
    # What stands furthest to the right may be out of sight.
    last = max(model.by_name().items(), key=lambda named: model.datasets[named[1][0]]["l"])[0]
    for typed in (part.upper(), "no such name", last):
        page.type(typed)
        rows = [typed.lower() in text for text in texts]
        page.same(f"rows of the table for {typed!r}", [is_visible for _, is_visible in page.ask(TABLE)], rows)
        options = [name for name in names if typed.lower() in name.lower()][:OPTIONS_MAX]
        page.same(f"names for {typed!r}", page.ask(TEXTS, "#names > option"), options)
        page.agrees(f"typing {typed!r}")
        if typed in names:
            assert page.ask(SEEN), f"{typed!r} is not led to"
        page.one("#search").send_keys(Keys.CONTROL, "a", Keys.NULL, Keys.BACKSPACE)
        has_table(page)
        page.same("names for no text", page.ask(TEXTS, "#names > option"), [])
        page.agrees("removing the text")
    page.type(part)
    page.one("#search").send_keys(Keys.ENTER)
    model.go(*model.by_name()[next(name for name in names if part in name.lower())])
    page.agrees(f"{part!r} and enter")
    assert page.ask(SEEN), "what enter chose is not led to"
    page.one("#search").send_keys(Keys.ESCAPE)
    model.chosen = None
    page.agrees("escape")
    page.one("h1").click()
    page.press("/")
    page.same("where / leads", page.browser.switch_to.active_element.get_attribute("id"), "search")


def is_chosen(page):
    """A click on a column shows its way, a second one no longer does, and its neighbours lead on."""
    model, cards = page.model, page.open_columns()
    page.press(Keys.ESCAPE)
    model.chosen = None
    page.agrees("escape")
    groups = model.groups()
    ways = {}
    for card in cards:
        dataset = groups[card][0]
        for row in range(len(model.datasets[dataset]["c"])):
            if model.neighbours(dataset, row):
                ways[card, row] = len(model.way((dataset, row))[1])
    for card, row in sorted({min(ways, key=ways.get), max(ways, key=ways.get)}, key=ways.get):
        column = groups[card][0], row
        for chosen in (column, None, column):
            page.hit(card, row)
            model.chosen = chosen
            page.agrees(f"a click on {model.name(*column)}")
    page.shot("-path")
    page.one("#detail a").click()
    model.go(*model.neighbours(*column)[0])
    page.agrees("a click on a neighbour")
    assert page.ask(SEEN), "the neighbour is not led to"
    page.one("#detail button").click()
    model.chosen = None
    page.agrees("closing what is told of it")


def is_folded(page):
    """A click on the head of a card hides its columns and brings them back, and so does the button for all."""
    card = page.open_columns()[0]
    before = page.agrees("opening columns")
    page.toggle(card)
    folded = page.agrees("a click on a head")
    assert folded[0] == before[0] and folded[1] < before[1], f"{folded} cards, rows and lines after {before}"
    page.toggle(card)
    page.same("cards, rows and lines", page.agrees("a second click on it"), before)
    page.press(Keys.ESCAPE)
    page.model.chosen = None
    for _ in range(2):
        page.one("#open").click()
        page.model.columns()
        page.agrees("the button for columns")


def is_grouped(page):
    """Namespaces take the place of their datasets, and a click on one brings them back."""
    model = page.model
    if not model.grouped:
        page.one("#group").click()
        model.group()
    grouped = page.agrees("the button for namespaces")[0]
    while model.grouped:
        page.toggle([model.datasets[group[0]]["s"] in model.grouped for group in model.groups()].index(True))
        opened = page.agrees("a click on a namespace")[0]
        assert opened > grouped or len(model.shown) == 1, f"{opened} cards and {grouped} before"
    page.same("cards", opened, len(model.shown))


def is_filtered(page):
    """Lines of values and of decisions can be left out."""
    for values, decisions in ((False, True), (False, False), (True, False), (True, True)):
        for key, wanted in (("direct", values), ("indirect", decisions)):
            if page.one(f"#{key}").is_selected() != wanted:
                page.one(f"#{key}").click()
        page.model.values, page.model.decisions = values, decisions
        page.agrees(f"values {values}, decisions {decisions}")


def is_revealed(page):
    """What is not shown around the focus can be, a side of a card at a time or all of it."""
    model = page.model
    for near, far in ((2, 0), (0, 2)):
        groups = model.groups()
        card = next((at for at, group in enumerate(groups) if model.hidden(group, near, far)), None)
        if card is not None:
            hidden = model.hidden(groups[card], near, far)
            buttons = page.one(f"#cards > .card:nth-child({card + 1})").find_elements(By.CLASS_NAME, "more")
            buttons[-1 if near == 0 else 0].click()
            for dataset in hidden:
                model.reveal(dataset)
            page.agrees(f"a click on +{len(hidden)}")
    page.one("#all").click()
    model.show_all()
    page.agrees("the button for all")
    if model.has_focus:
        page.one("#near").click()
        model.near()
        page.agrees("the button of the focus")


def is_moved(page):
    """The drawing is made larger and smaller, fits, and is moved by dragging."""
    def width():
        return int(page.one("#drawing").get_attribute("width"))

    first, fitted = width(), []
    for key, is_changed in (("#less", int.__lt__), ("#more", int.__gt__)):
        for _ in range(3):
            before = width()
            page.one(key).click()
            assert is_changed(width(), before), f"{key} leaves it {width()} px wide"
        page.one("#fit").click()
        room = page.ask(ROOM)[1]
        assert not room or width() == round(first * ZOOM_MIN), f"it does not fit, {room} px are out of sight"
        fitted.append(width())
    # A scrollbar that is there before takes some of the room.
    assert abs(fitted[0] - fitted[1]) <= 20, f"it fits {fitted[0]} px wide after #less and {fitted[1]} px after #more"
    before = 0
    while width() > before:
        before = width()
        page.one("#more").click()
    for what, selector in GROUNDS.items():
        (left, room), at = page.ask(ROOM), page.ask(POINT, selector)
        if at:
            page.drag(at, 200)
            page.same("how far it is moved", page.ask(ROOM)[0] - left, min(200, room))
            page.agrees(f"dragging where there is {what}")


def is_there_without_script(page):
    """The drawing and the table need no script. Of what is too much to look at, less is drawn."""
    data, edges = page.model.datasets, page.model.edges
    names = [visible(dataset["n"]) for dataset in data]
    columns = [visible(path) for dataset in data for path, *_ in dataset["c"]]
    spaces = [visible(dataset["s"]) for dataset in data]

    def between(card_of):
        return {(card_of[edge[0]], card_of[edge[2]]) for edge in edges if card_of[edge[0]] != card_of[edge[2]]}

    levels = [
        (names, columns, {tuple(edge[:4]) for edge in edges}),
        (names, [], between(range(len(data)))),
        (list(set(spaces)), [], between(spaces)),
        ([], [], set()),
    ]
    fits = [len(cards) + len(rows) <= NODES_MAX and len(lines) <= LINKS_MAX for cards, rows, lines in levels]
    level = fits.index(True)
    cards, rows, lines = levels[level]
    page.same("cards", sorted(page.ask(TEXTS, "#cards > .card > .title > title")), sorted(cards))
    page.same("columns", sorted(page.ask(TEXTS, "#cards > .card > .column > title")), sorted(rows))
    page.same("lines", len(page.ask(TEXTS, "#lines > .line")), len(lines))
    for banner in filter(None, BANNERS):
        page.same(f"whether it says {banner!r}", banner in page.one("header").text, banner == BANNERS[level])
    page.is_in_order("opening")
    page.shot("-without-script")
    has_table(page)
    assert page.one("#drawing").is_displayed() == bool(cards), "the drawing is not shown"
    for tool in ("#tools", "#detail"):
        assert not page.one(tool).is_displayed(), f"{tool} is shown and does nothing"


STEPS = [is_drawn, is_searched, is_chosen, is_folded, is_grouped, is_filtered, is_revealed, is_moved,
         is_there_without_script]


def start(profile):
    options = webdriver.ChromeOptions()
    options.binary_location = BROWSER
    for switch in [*SWITCHES, f"--user-data-dir={profile}"]:
        options.add_argument(switch)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    return webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pages", nargs="+", type=Path)
    parser.add_argument("--screenshots", type=Path)
    given = parser.parse_args()
    if given.screenshots:
        given.screenshots.mkdir(parents=True, exist_ok=True)
    opened = [page for path in given.pages for page in (sorted(path.glob("*.html")) if path.is_dir() else [path])]
    if not opened:
        parser.error("there are no pages")
    faults, compared = [], 0
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        browser = start(profile)
        try:
            # The page that the browser starts with asks for things of its own.
            browser.get("about:blank")
            browser.get_log("performance")
            for path in opened:
                page = Page(browser, path, given.screenshots)
                for step in STEPS:
                    faults += page.faults_of(step, has_script=step is not is_there_without_script)
                compared += page.compared
                print(f"{page.name}: {len(STEPS)} steps, {page.compared} things compared", flush=True)
        finally:
            browser.quit()
    for fault in faults:
        print(f"fault: {fault}", file=sys.stderr)
    print(f"{len(opened)} pages, {len(opened) * len(STEPS)} steps, {compared} things compared, {len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
