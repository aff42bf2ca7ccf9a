"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const svg = document.getElementById("drawing");
  const stage = document.getElementById("stage");
  const detail = document.getElementById("detail");
  const space = svg.namespaceURI;
  const WIDTH = 236, HEAD = 42, ROW = 22, GAP = 22, BETWEEN = 120, MARGIN = 24, LANE = 6, SWEEPS = 12;
  const MOST_ROWS = 400;
  const D = data.d, A = data.a, E = data.e;
  const state = { shown: new Set(), open: new Set(), grouped: new Set(), chosen: null, direct: true, indirect: true, zoom: 1 };

  // Edges of every node. A dataset is the node with column -1.
  const id = (d, c) => d + "." + c;
  const out = new Map(), into = new Map();
  const add = (map, key, edge) => map.has(key) ? map.get(key).push(edge) : map.set(key, [edge]);
  E.forEach((e, at) => { add(out, id(e[0], e[1]), at); add(into, id(e[2], e[3]), at); });
  const nameOf = (d, c) => D[d].n + (c < 0 ? "" : "." + D[d].c[c][0]);
  const holds = (one, other) => other.startsWith(one) && (other[one.length] === "." || other.startsWith("[]", one.length));

  // Nodes whose edges are edges of this one, too.
  function kin(d, c) {
    if (c < 0) return [[d, -1], ...D[d].c.map((_, at) => [d, at])];
    const name = D[d].c[c][0];
    const near = [[d, c], [d, -1]];
    D[d].c.forEach((column, at) => { if (holds(name, column[0]) || holds(column[0], name)) near.push([d, at]); });
    return near;
  }
  const passes = (e) => (A[e[4]][1] ? state.direct : state.indirect);

  // Everything before and after a node, breadth first.
  function wayOf(d, c) {
    const edges = new Set(), nodes = new Set([id(d, c)]);
    for (const forward of [true, false]) {
      const seen = new Set([id(d, c)]), scanned = new Set(), queue = [[d, c]];
      for (let next = 0; next < queue.length; next++) {
        for (const [kd, kc] of kin(...queue[next])) {
          const row = id(kd, kc);
          if (scanned.has(row)) continue;
          scanned.add(row);
          for (const at of (forward ? out : into).get(row) || []) {
            const e = E[at];
            if (!passes(e)) continue;
            edges.add(at);
            nodes.add(row);
            const [od, oc] = forward ? [e[2], e[3]] : [e[0], e[1]];
            nodes.add(id(od, oc));
            if (!seen.has(id(od, oc))) { seen.add(id(od, oc)); queue.push([od, oc]); }
          }
        }
      }
    }
    return { edges, nodes };
  }

  // Cards to draw: a dataset, or all shown datasets of a namespace.
  function cardsNow() {
    const cards = [], of = new Map(), groups = new Map();
    D.forEach((dataset, d) => {
      if (!state.shown.has(d)) return;
      if (state.grouped.has(dataset.s)) {
        let card = groups.get(dataset.s);
        if (!card) {
          card = { title: dataset.s, under: "", rows: [], d: -1, all: [], l: dataset.l, p: dataset.p };
          groups.set(dataset.s, card);
          cards.push(card);
        }
        card.all.push(d);
        card.l = Math.min(card.l, dataset.l);
        card.focus = card.focus || dataset.f;
        of.set(d, card);
        return;
      }
      const rows = state.open.has(d) ? dataset.c.map((_, at) => at) : [];
      const card = { title: dataset.n, under: dataset.k + " · " + dataset.s, rows, d, all: [d], l: dataset.l, p: dataset.p, focus: dataset.f };
      cards.push(card);
      of.set(d, card);
    });
    for (const card of groups.values()) card.under = card.all.length + " datasets";
    return { cards, of };
  }

  function linesNow(of) {
    const lines = new Map();
    E.forEach((e, at) => {
      const from = of.get(e[0]), to = of.get(e[2]);
      if (!from || !to || !passes(e)) return;
      const fromRow = from.rows.length ? e[1] : -1, toRow = to.rows.length ? e[3] : -1;
      if (from === to && !from.rows.length) return;
      const key = from.at + "." + fromRow + ">" + to.at + "." + toRow;
      let line = lines.get(key);
      if (!line) lines.set(key, line = { from, to, fromRow, toRow, edges: [], direct: false, gap: false, change: null });
      line.edges.push(at);
      line.direct = line.direct || !!A[e[4]][1];
      line.gap = line.gap || !!A[e[4]][4];
      line.change = line.change || e[5];
    });
    return [...lines.values()];
  }

  // Layers without holes, then heights near the neighbours in the given order. A line that passes a layer has a lane
  // of its own there.
  function place(cards, lines) {
    const used = [...new Set(cards.map((card) => card.l))].sort((a, b) => a - b);
    const layers = used.map((l) => cards.filter((card) => card.l === l).sort((a, b) => a.p - b.p || a.d - b.d));
    layers.forEach((layer, at) => layer.forEach((card, nth) => {
      card.layer = at;
      card.h = HEAD + ROW * card.rows.length;
      card.rank = (nth + 0.5) / layer.length;
      card.before = new Set();
      card.after = new Set();
    }));
    const join = (from, to) => { from.after.add(to); to.before.add(from); };
    const lanes = new Map();
    for (const line of lines) {
      const { from, to } = line, steps = to.layer - from.layer, key = from.at + ">" + to.at;
      if (steps < 1) continue;
      if (!lanes.has(key)) {
        const along = [];
        for (let step = 1; step < steps; step++) {
          const rank = from.rank + (to.rank - from.rank) * step / steps;
          along.push({ layer: from.layer + step, h: LANE, rank, before: new Set(), after: new Set() });
        }
        [from, ...along, to].reduce((last, next) => (join(last, next), next));
        for (const lane of along) layers[lane.layer].push(lane);
        lanes.set(key, along);
      }
      line.lanes = lanes.get(key);
    }
    layers.forEach((layer, at) => {
      let top = 0;
      layer.sort((a, b) => a.rank - b.rank);
      for (const card of layer) {
        card.x = MARGIN + at * (WIDTH + BETWEEN);
        card.y = top;
        top += card.h + GAP;
      }
    });
    for (let sweep = 0; sweep < SWEEPS; sweep++) {
      const right = sweep % 2 === 0;
      for (const layer of right ? layers : [...layers].reverse()) settle(layer, right);
    }
    const all = layers.flat();
    const top = all.reduce((least, card) => Math.min(least, card.y), Infinity);
    for (const card of all) card.y += MARGIN - top;
    return {
      width: all.reduce((most, card) => Math.max(most, card.x + WIDTH), 0) + BETWEEN / 2,
      height: all.reduce((most, card) => Math.max(most, card.y + card.h), 0) + MARGIN,
    };
  }

  function settle(layer, right) {
    const blocks = [];
    for (const card of layer) {
      const first = right ? card.before : card.after, second = right ? card.after : card.before;
      const near = first.size ? first : second;
      let wish = card.y;
      if (near.size) {
        let sum = 0;
        for (const other of near) sum += other.y + other.h / 2;
        wish = sum / near.size - card.h / 2;
      }
      let block = { sum: wish, len: card.h + GAP, cards: [card] };
      while (blocks.length) {
        const last = blocks[blocks.length - 1];
        if (last.sum / last.cards.length + last.len <= block.sum / block.cards.length) break;
        blocks.pop();
        block = {
          sum: last.sum + block.sum - last.len * block.cards.length,
          len: last.len + block.len,
          cards: last.cards.concat(block.cards),
        };
      }
      blocks.push(block);
    }
    for (const block of blocks) {
      let top = Math.round(block.sum / block.cards.length);
      for (const card of block.cards) { card.y = top; top += card.h + GAP; }
    }
  }

  function make(name, attributes, parent, text) {
    const element = document.createElementNS(space, name);
    for (const key in attributes) element.setAttribute(key, attributes[key]);
    if (text !== undefined) element.textContent = text;
    if (parent) parent.appendChild(element);
    return element;
  }
  function el(name, text, parent, className) {
    const element = document.createElement(name);
    if (text) element.textContent = text;
    if (className) element.className = className;
    if (parent) parent.appendChild(element);
    return element;
  }
  const cut = (text, most) => [...text].length > most ? [...text].slice(0, most - 1).join("") + "…" : text;
  const visible = (text) => text.replace(/[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g, (char) => "\\u{" + char.charCodeAt(0).toString(16) + "}");

  function render() {
    const { cards, of } = cardsNow();
    cards.forEach((card, at) => { card.at = at; });
    const lines = linesNow(of);
    const size = place(cards, lines);
    const way = state.chosen && wayOf(...state.chosen);
    svg.setAttribute("viewBox", "0 0 " + size.width + " " + size.height);
    svg.setAttribute("width", Math.round(size.width * state.zoom));
    svg.setAttribute("height", Math.round(size.height * state.zoom));
    svg.classList.toggle("path", !!way);
    const lineBox = document.getElementById("lines"), cardBox = document.getElementById("cards");
    lineBox.textContent = "";
    cardBox.textContent = "";
    for (const line of lines) drawLine(line, lineBox, way);
    for (const card of cards) drawCard(card, cardBox, way, of);
    showDetail();
    return of;
  }

  function middle(card, row) {
    return card.y + (row < 0 ? HEAD / 2 : HEAD + ROW * row + ROW / 2);
  }

  function drawLine(line, parent, way) {
    const end = line.to.x - 1;
    let x = line.from.x + WIDTH, y = middle(line.from, line.fromRow), endY = middle(line.to, line.toRow);
    if (line.from === line.to && y === endY) { y -= 5; endY += 5; }
    let d = "M" + x + " " + y;
    const curve = (toX, toY) => {
      const bend = Math.max(40, Math.min(160, Math.abs(toX - x) / 2));
      d += "C" + [x + bend, y, toX - bend, toY, toX, toY].join(" ");
    };
    if (line.from === line.to) d += "C" + [x + 34, y, x + 34, endY, x + 1, endY].join(" ");
    else {
      for (const lane of line.lanes || []) {
        const laneY = lane.y + LANE / 2;
        curve(lane.x, laneY);
        [x, y] = [lane.x + WIDTH, laneY];
        d += "H" + x;
      }
      curve(end, endY);
    }
    const look = line.change || (line.gap ? "gap" : line.direct ? "" : "weak");
    const on = way && line.edges.some((at) => way.edges.has(at)) ? " on" : "";
    const path = make("path", { class: "line " + look + on, d, "marker-end": "url(#to" + (look && "-" + look) + ")" }, parent);
    const words = line.edges.slice(0, 12).map((at) => edgeWords(at));
    if (line.edges.length > 12) words.push("and " + (line.edges.length - 12) + " more");
    make("title", {}, path, words.join("\n"));
  }

  function edgeWords(at) {
    const e = E[at], a = A[e[4]];
    return visible(nameOf(e[0], e[1]) + " → " + nameOf(e[2], e[3])) + ": " + (a[0] || "unknown kind") + " by " + visible(a[5]) + ", " + a[3];
  }

  function drawCard(card, parent, way, of) {
    const isOn = !way || card.all.some((d) => way.nodes.has(id(d, -1)) || D[d].c.some((_, c) => way.nodes.has(id(d, c))));
    const group = make("g", { class: "card" + (card.focus ? " focus" : "") + (isOn ? " on" : ""), transform: "translate(" + card.x + " " + card.y + ")" }, parent);
    make("rect", { class: "box", width: WIDTH, height: card.h, rx: 8 }, group);
    const title = make("text", { class: "title", x: 12, y: 19 }, group, cut(visible(card.title), 24));
    make("title", {}, title, visible(card.title));
    make("text", { class: "under", x: 12, y: 33 }, group, cut(visible(card.under), 36));
    const head = make("rect", { class: hitClass(card.d, -1, way), width: WIDTH, height: HEAD, rx: 8 }, group);
    make("title", {}, head, card.d < 0 ? "Open this namespace" : (card.rows.length ? "Close" : "Open") + " its columns");
    head.addEventListener("click", () => toggle(card));
    card.rows.forEach((c, row) => {
      const [name, word, cls, form] = D[card.d].c[c];
      const y = HEAD + ROW * row;
      make("path", { class: "rule", d: "M0 " + y + "h" + WIDTH }, group);
      make("text", { class: "column", x: 12, y: y + 15 }, group, cut(visible(name), 20));
      const badge = [cls, form].filter(Boolean).join(" · ");
      if (badge) make("text", { class: "badge", x: WIDTH - 10, y: y + 15 }, group, cut(visible(badge), 22));
      const hit = make("rect", { class: hitClass(card.d, c, way), y, width: WIDTH, height: ROW }, group);
      make("title", {}, hit, visible(name) + (word ? " · " + visible(word) : ""));
      hit.addEventListener("click", () => choose(card.d, c));
    });
    hiddenBeside(card, of, into, 0, 0, group);
    hiddenBeside(card, of, out, 2, WIDTH, group);
  }

  function hitClass(d, c, way) {
    const chosen = state.chosen && state.chosen[0] === d && state.chosen[1] === c;
    return "hit" + (chosen ? " chosen" : way && way.nodes.has(id(d, c)) ? " on" : "");
  }

  // How many neighbours of a card are not shown, with a button that shows them.
  function hiddenBeside(card, of, map, end, x, group) {
    const hidden = new Set();
    for (const d of card.all) {
      for (const [kd, kc] of kin(d, -1)) {
        for (const at of map.get(id(kd, kc)) || []) if (!of.has(E[at][end]) && passes(E[at])) hidden.add(E[at][end]);
      }
    }
    if (!hidden.size) return;
    const more = make("g", { class: "more", transform: "translate(" + x + " " + HEAD / 2 + ")" }, group);
    make("circle", { r: 11 }, more);
    make("text", { y: 4 }, more, "+" + hidden.size);
    make("title", {}, more, "Show " + hidden.size + (end ? " that follow" : " that come before"));
    more.addEventListener("click", (event) => {
      event.stopPropagation();
      for (const d of hidden) reveal(d);
      render();
    });
  }

  function toggle(card) {
    if (card.d < 0) state.grouped.delete(D[card.all[0]].s);
    else if (state.open.has(card.d)) state.open.delete(card.d);
    else state.open.add(card.d);
    if (card.d >= 0) state.chosen = [card.d, -1];
    // What was clicked on stays where it was; of a namespace, its first dataset.
    const now = render().get(card.all[0]);
    stage.scrollLeft += (now.x - card.x) * state.zoom;
    stage.scrollTop += (now.y - card.y) * state.zoom;
  }

  function choose(d, c) {
    const same = state.chosen && state.chosen[0] === d && state.chosen[1] === c;
    state.chosen = same ? null : [d, c];
    render();
  }

  const rowsShown = () => [...state.shown].reduce((sum, d) => sum + 1 + (state.open.has(d) ? D[d].c.length : 0), 0);
  function reveal(d) {
    if (state.shown.has(d)) return;
    state.shown.add(d);
    if (rowsShown() + D[d].c.length <= MOST_ROWS) state.open.add(d);
  }

  function showDetail() {
    detail.textContent = "";
    detail.classList.toggle("open", !!state.chosen);
    if (!state.chosen) return;
    const [d, c] = state.chosen, dataset = D[d];
    el("h2", visible(nameOf(d, c)), detail);
    const facts = c < 0 ? [dataset.k, dataset.s, dataset.c.length + " columns here"] : [dataset.c[c][1], dataset.c[c][2] && "class " + dataset.c[c][2], dataset.c[c][3] && "form " + dataset.c[c][3], dataset.s];
    el("small", visible(facts.filter(Boolean).join(" · ")), detail);
    ends("Comes from", into.get(id(d, c)), 0);
    ends("Goes to", out.get(id(d, c)), 2);
    if (c >= 0) ends("Rows are decided by", into.get(id(d, -1)), 0);
    const close = el("button", "Close", detail);
    close.type = "button";
    close.addEventListener("click", () => { state.chosen = null; render(); });
  }

  function ends(title, edges, end) {
    if (!edges || !edges.length) return;
    el("h3", title, detail);
    const list = el("ul", "", detail);
    for (const at of edges.slice(0, 200)) {
      const e = E[at], a = A[e[4]], item = el("li", "", list);
      const link = el("a", visible(nameOf(e[end], e[end + 1])), item);
      link.addEventListener("click", () => go(e[end], e[end + 1]));
      el("small", (a[0] || "unknown kind") + " · leaves " + a[2] + " · " + a[3], item);
      el("small", "job " + visible(a[5]) + (e[5] ? " · " + e[5] : ""), item);
    }
    if (edges.length > 200) el("small", "and " + (edges.length - 200) + " more in the table", list);
  }

  function go(d, c) {
    state.grouped.delete(D[d].s);
    reveal(d);
    if (c >= 0) state.open.add(d);
    state.chosen = [d, c];
    // What somebody looked for is shown in a size that can be read.
    state.zoom = Math.max(state.zoom, 0.7);
    render();
    const mark = svg.querySelector(".chosen");
    if (mark) mark.scrollIntoView({ block: "center", inline: "center" });
  }

  function near() {
    state.shown.clear();
    state.open.clear();
    state.grouped.clear();
    const focus = D.map((_, d) => d).filter((d) => D[d].f);
    for (const d of focus) reveal(d);
    for (const e of E) {
      if (D[e[0]].f && state.shown.size < MOST_ROWS) reveal(e[2]);
      if (D[e[2]].f && state.shown.size < MOST_ROWS) reveal(e[0]);
    }
  }

  function showAll() {
    state.shown = new Set(D.keys());
    state.open.clear();
    state.grouped.clear();
    if (D.length > MOST_ROWS) D.forEach((dataset) => state.grouped.add(dataset.s));
    else if (D.reduce((sum, dataset) => sum + 1 + dataset.c.length, 0) <= MOST_ROWS) state.open = new Set(D.keys());
  }

  function fit() {
    const box = svg.viewBox.baseVal;
    state.zoom = Math.min(1.4, Math.max(0.15, Math.min((stage.clientWidth - 20) / box.width, (parseFloat(getComputedStyle(stage).maxHeight) - 20) / box.height)));
    render();
  }

  // What is in the middle stays there.
  function zoom(by) {
    const [x, y] = [stage.scrollLeft + stage.clientWidth / 2, stage.scrollTop + stage.clientHeight / 2];
    const before = state.zoom;
    state.zoom = Math.min(3, Math.max(0.1, before * by));
    render();
    stage.scrollLeft += x * (state.zoom / before - 1);
    stage.scrollTop += y * (state.zoom / before - 1);
  }

  // Search: names in the list lead there, and the table keeps the rows that match.
  const search = document.getElementById("search");
  const names = document.getElementById("names");
  const found = new Map();
  D.forEach((dataset, d) => {
    found.set(visible(nameOf(d, -1)), [d, -1]);
    dataset.c.forEach((_, c) => found.set(visible(nameOf(d, c)), [d, c]));
  });
  search.addEventListener("input", () => {
    const text = search.value.toLowerCase();
    names.textContent = "";
    let count = 0;
    for (const name of found.keys()) {
      if (!text || !name.toLowerCase().includes(text)) continue;
      el("option", "", names).value = name;
      if (++count === 50) break;
    }
    for (const row of document.getElementById("table").tBodies[0].rows) row.hidden = !!text && !row.textContent.toLowerCase().includes(text);
    if (found.has(search.value)) go(...found.get(search.value));
  });
  search.addEventListener("keydown", (event) => {
    const first = names.firstChild;
    if (event.key === "Enter" && first) go(...found.get(first.value));
  });

  const on = (name, act) => document.getElementById(name).addEventListener("click", act);
  on("direct", (event) => { state.direct = event.target.checked; render(); });
  on("indirect", (event) => { state.indirect = event.target.checked; render(); });
  on("all", () => { showAll(); render(); });
  on("near", () => { near(); render(); });
  on("open", () => {
    const closed = [...state.shown].filter((d) => !state.open.has(d));
    if (closed.length) closed.forEach((d) => state.open.add(d)); else state.open.clear();
    render();
  });
  on("group", () => {
    if (state.grouped.size) state.grouped.clear(); else D.forEach((dataset) => state.grouped.add(dataset.s));
    render();
  });
  on("less", () => zoom(1 / 1.25));
  on("more", () => zoom(1.25));
  on("fit", fit);

  // The drawing is moved by dragging it, and made larger with the wheel and the control key.
  let drag = null, dragged = false;
  stage.addEventListener("pointerdown", (event) => {
    dragged = false;
    if (event.button === 0) drag = { x: event.clientX + stage.scrollLeft, y: event.clientY + stage.scrollTop };
  });
  window.addEventListener("pointermove", (event) => {
    if (!drag) return;
    const [left, top] = [drag.x - event.clientX, drag.y - event.clientY];
    if (!dragged && Math.abs(left - stage.scrollLeft) + Math.abs(top - stage.scrollTop) < 4) return;
    dragged = true;
    stage.classList.add("drag");
    stage.scrollLeft = left;
    stage.scrollTop = top;
  });
  // The end of a drag is not a click on what it began at.
  stage.addEventListener("click", (event) => { if (dragged) event.stopPropagation(); }, true);
  window.addEventListener("pointerup", () => { drag = null; stage.classList.remove("drag"); });
  stage.addEventListener("wheel", (event) => {
    if (!event.ctrlKey) return;
    event.preventDefault();
    zoom(event.deltaY < 0 ? 1.1 : 1 / 1.1);
  }, { passive: false });
  window.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && state.chosen) { state.chosen = null; render(); }
    if (event.key === "/" && event.target.tagName !== "INPUT") { event.preventDefault(); search.focus(); }
  });

  document.getElementById("tools").hidden = false;
  document.getElementById("near").hidden = !D.some((dataset) => dataset.f);
  if (D.some((dataset) => dataset.f)) near(); else showAll();
  const opened = render();
  const focus = opened.get(D.findIndex((dataset) => dataset.f));
  if (focus) stage.scrollTop = focus.y + focus.h / 2 - stage.clientHeight / 2;
})();
