//! The drawing of a page that needs no script.

use std::fmt::Write as _;

use super::cards::{Card, Drawing, End, HEAD, Level, Line, Page, ROW, WIDTH};
use super::escape::html;
use crate::graph::{Change, NodeAbout};
use crate::words::dataset_word;

/// The drawing as SVG inside a page.
pub(super) fn svg(page: &Page<'_, '_>, drawing: &Drawing) -> String {
    let mut out = String::new();
    let (width, height) = (drawing.width.max(1), drawing.height.max(1));
    put(
        &mut out,
        format_args!("<svg id=\"drawing\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\""),
    );
    out.push_str(" role=\"img\" aria-label=\"Lineage\"><defs>");
    for (id, class) in
        [("to", ""), ("to-gap", " gap"), ("to-weak", " weak"), ("to-added", " added"), ("to-removed", " removed")]
    {
        put(
            &mut out,
            format_args!(
                "<marker id=\"{id}\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" markerWidth=\"7\" markerHeight=\"7\" orient=\"auto\"><path class=\"tip{class}\" d=\"M0 .8 7.4 4 0 7.2z\"/></marker>"
            ),
        );
    }
    out.push_str("</defs><g id=\"lines\">");
    for ((from, to), line) in &drawing.lines {
        let (class, marker) = look(line);
        let path = path(drawing, *from, *to);
        put(&mut out, format_args!("<path class=\"line{class}\" marker-end=\"url(#{marker})\" d=\"{path}\"/>"));
    }
    out.push_str("</g><g id=\"cards\">");
    for card in &drawing.cards {
        card_into(&mut out, page, drawing.level, card);
    }
    out.push_str("</g></svg>");
    out
}

/// The class and the tip of a line.
fn look(line: &Line) -> (&'static str, &'static str) {
    match line {
        Line { change: Some(Change::Added), .. } => (" added", "to-added"),
        Line { change: Some(Change::Removed), .. } => (" removed", "to-removed"),
        Line { has_gap: true, .. } => (" gap", "to-gap"),
        Line { is_direct: false, .. } => (" weak", "to-weak"),
        Line { .. } => ("", "to"),
    }
}

/// A curve from the right side of one row to the left side of another, by the lanes that are kept for it. One inside a
/// card stays on its right.
fn path(drawing: &Drawing, from: End, to: End) -> String {
    let cards = &drawing.cards;
    let middle = |end: End| {
        let row = end.row.and_then(|row| i64::try_from(row).ok());
        cards[end.card].top + row.map_or(HEAD / 2, |row| HEAD + ROW * row + ROW / 2)
    };
    let (mut x, end) = (cards[from.card].left + WIDTH, cards[to.card].left);
    let (mut y, mut end_y) = (middle(from), middle(to));
    if from.card == to.card {
        if y == end_y {
            (y, end_y) = (y - 5, end_y + 5);
        }
        let out = x + 34;
        return format!("M{x} {y}C{out} {y} {out} {end_y} {} {end_y}", x + 1);
    }
    let mut path = format!("M{x} {y}");
    for (lane, lane_y) in drawing.lanes.get(&(from.card, to.card)).into_iter().flatten() {
        path.push_str(&curve((x, y), (*lane, *lane_y)));
        (x, y) = (lane + WIDTH, *lane_y);
        path.push_str(&format!("H{x}"));
    }
    path + &curve((x, y), (end - 1, end_y))
}

fn curve((x, y): (i64, i64), (end, end_y): (i64, i64)) -> String {
    let bend = ((end - x).abs() / 2).clamp(40, 160);
    format!("C{} {y} {} {end_y} {end} {end_y}", x + bend, end - bend)
}

fn card_into(out: &mut String, page: &Page<'_, '_>, level: Level, card: &Card) {
    let nodes = page.document.graph().nodes();
    let Some(first) = card.datasets.first().map(|place| &page.datasets[*place]) else { return };
    let namespace = nodes.namespace(first.node);
    let (title, under) = match (level, nodes.about(first.node)) {
        (Level::Namespaces, _) => (namespace, format!("{} datasets", card.datasets.len())),
        (_, NodeAbout::Dataset { kind, .. }) => {
            (nodes.text(first.node), format!("{} · {namespace}", dataset_word(*kind)))
        }
        (_, NodeAbout::Column { .. }) => (nodes.text(first.node), namespace.to_owned()),
    };
    let focus = if card.datasets.iter().any(|place| page.datasets[*place].is_focus) { " focus" } else { "" };
    let height = HEAD + ROW * i64::try_from(card.rows.len()).unwrap_or_default();
    let Card { left, top, .. } = card;
    put(out, format_args!("<g class=\"card{focus}\" transform=\"translate({left} {top})\">"));
    put(out, format_args!("<rect class=\"box\" width=\"{WIDTH}\" height=\"{height}\" rx=\"8\"/>"));
    put(
        out,
        format_args!("<text class=\"title\" x=\"12\" y=\"19\">{}<title>{}</title></text>", cut(title, 24), html(title)),
    );
    put(out, format_args!("<text class=\"under\" x=\"12\" y=\"33\">{}</text>", cut(&under, 36)));
    for (row, column) in card.rows.iter().enumerate() {
        let y = HEAD + ROW * i64::try_from(row).unwrap_or_default();
        let text = nodes.text(*column);
        put(out, format_args!("<path class=\"rule\" d=\"M0 {y}h{WIDTH}\"/>"));
        put(
            out,
            format_args!(
                "<text class=\"column\" x=\"12\" y=\"{}\">{}<title>{}</title></text>",
                y + 15,
                cut(text, 20),
                html(text)
            ),
        );
        let form = page.document.forms.get(column).map(|form| form.as_str());
        let badge = [nodes.about(*column).class(), form].into_iter().flatten().collect::<Vec<_>>().join(" · ");
        if !badge.is_empty() {
            put(
                out,
                format_args!("<text class=\"badge\" x=\"{}\" y=\"{}\">{}</text>", WIDTH - 10, y + 15, cut(&badge, 22)),
            );
        }
    }
    out.push_str("</g>");
}

/// As much of a text as a card has room for.
fn cut(text: &str, chars: usize) -> String {
    if text.chars().count() <= chars {
        return html(text);
    }
    html(&text.chars().take(chars - 1).chain(['…']).collect::<String>())
}

fn put(out: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a string does not fail.
    out.write_fmt(text).unwrap_or_default();
}
