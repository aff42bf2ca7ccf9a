//! One page that needs nothing else: no server, no network, and no script to be read.

use std::collections::BTreeMap;
use std::io::{self, Write};

use schemas::Certainty;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::cards::{EDGES_MAX, Level, Page, gap_words};
use super::escape::html;
use super::svg::svg;
use super::{Document, kind_words};
use crate::graph::{Attribute, NodeAbout};
use crate::words::dataset_word;

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// Writes a document as one page. Above 400 nodes or 1,500 lines it draws less of each dataset, and says so.
pub fn write_html(document: &Document<'_>, out: &mut impl Write) -> io::Result<()> {
    let page = Page::new(document);
    let drawing = page.drawing();
    let heading = document.heading();
    let title = html(&heading.view);
    writeln!(out, "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">")?;
    writeln!(out, "<meta http-equiv=\"Content-Security-Policy\" content=\"{}\">", policy())?;
    writeln!(out, "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><title>{title}</title>")?;
    writeln!(out, "<style>{STYLE}</style></head><body>")?;
    writeln!(out, "<header><h1>{title}</h1><p class=\"facts\">{}</p>", facts(&page))?;
    for banner in banners(&page, drawing.level) {
        writeln!(out, "<p class=\"banner\">{}</p>", html(&banner))?;
    }
    writeln!(out, "</header>{}", include_str!("page.html"))?;
    writeln!(out, "<main><div id=\"stage\">{}</div><aside id=\"detail\"></aside></main>", svg(&page, &drawing))?;
    table(&page, out)?;
    let data = data(&page).to_string().replace('<', "\\u003c");
    writeln!(out, "<script type=\"application/json\" id=\"data\">{data}</script>")?;
    writeln!(out, "<script>{SCRIPT}</script></body></html>")
}

/// What the page may do: run its own script, wear its own style, and nothing else.
fn policy() -> String {
    let hash = |text: &str| base64(&Sha256::digest(text.as_bytes()));
    format!(
        "default-src 'none'; script-src 'sha256-{}'; style-src 'sha256-{}'; base-uri 'none'; form-action 'none'",
        hash(SCRIPT),
        hash(STYLE)
    )
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for three in bytes.chunks(3) {
        let number = (0..3).fold(0_usize, |number, at| number << 8 | usize::from(three.get(at).copied().unwrap_or(0)));
        for digit in 0..4 {
            let is_there = digit <= three.len();
            out.push(if is_there { char::from(DIGITS[number >> (18 - 6 * digit) & 63]) } else { '=' });
        }
    }
    out
}

fn facts(page: &Page<'_, '_>) -> String {
    let heading = page.document.heading();
    let columns: usize = page.datasets.iter().map(|dataset| dataset.columns.len()).sum();
    let mut facts = vec![
        format!("{} datasets, {columns} columns, {} dependencies", page.datasets.len(), page.edges.len()),
        html(&heading.filter),
        format!("certainty {}", heading.certainty.as_str()),
    ];
    facts.extend(heading.snapshot.map(|number| format!("snapshot {number}")));
    facts.join(" · ")
}

fn banners(page: &Page<'_, '_>, level: Level) -> Vec<String> {
    let heading = page.document.heading();
    let mut banners = Vec::new();
    if let Some(stop) = heading.stopped {
        let frontier = page.document.frontier().len();
        banners
            .push(format!("Stopped at the limit of {}. {frontier} nodes lead further than is shown.", stop.as_str()));
    }
    if heading.certainty == Certainty::Opaque {
        banners.push("Not complete: at a dotted line something may be missing.".to_owned());
    } else if !heading.complete && heading.stopped.is_none() {
        banners.push("Not complete.".to_owned());
    }
    if page.is_cut {
        banners
            .push(format!("This page holds the first {EDGES_MAX} dependencies. The JSON document holds all of them."));
    }
    match level {
        Level::Columns => {}
        Level::Datasets => banners.push("Too much to draw every column: datasets are drawn without theirs.".to_owned()),
        Level::Namespaces => banners.push("Too much to draw every dataset: they are drawn by namespace.".to_owned()),
        Level::Nothing => banners.push("Too much to draw: the table holds it.".to_owned()),
    }
    banners
}

fn table(page: &Page<'_, '_>, out: &mut impl Write) -> io::Result<()> {
    let nodes = page.document.graph().nodes();
    let jobs = page.document.graph().jobs();
    writeln!(
        out,
        "<section><h2>Dependencies</h2><table id=\"table\"><thead><tr><th>From<th>To<th>How<th>Leaves<th>Sure<th>Job<th>Since<th>Until</tr></thead><tbody>"
    )?;
    for edge in &page.edges {
        let attribute = page.document.attribute(*edge);
        let name = |node: u32| {
            let (head, text) = (nodes.text(nodes.dataset_of(node)), nodes.text(node));
            if nodes.is_dataset(node) {
                format!("{} <i>rows</i>", html(head))
            } else {
                format!("{}.{}", html(head), html(text))
            }
        };
        let change = page.document.changes.get(edge).map(|change| format!(" class=\"{}\"", change.as_str()));
        let until = attribute.valid_to().map(schemas::rfc3339).unwrap_or_default();
        let (change, until) = (change.unwrap_or_default(), until.as_str());
        write!(
            out,
            "<tr{change}><td>{}<td>{}<td>{}<td>{}",
            name(edge.source),
            name(edge.target),
            kind_words(attribute).join(" "),
            attribute.cap.as_str()
        )?;
        let job = html(&jobs[attribute.job as usize].0.name);
        writeln!(out, "<td>{}<td>{job}<td>{}<td>{until}", sure(attribute), schemas::rfc3339(attribute.valid_from()))?;
    }
    writeln!(out, "</tbody></table></section>")
}

/// How sure an edge is, with the gap in words.
fn sure(attribute: &Attribute) -> String {
    let gap = attribute.gap.map(|gap| format!(": {}", gap_words(gap))).unwrap_or_default();
    format!("{}{gap}", attribute.certainty.as_str())
}

/// What the script draws from. Numbers are places in these lists and small; ids are not there.
fn data(page: &Page<'_, '_>) -> Value {
    let graph = page.document.graph();
    let nodes = graph.nodes();
    let mut attributes: BTreeMap<u32, usize> = page.edges.iter().map(|edge| (edge.attribute, 0)).collect();
    for (place, at) in attributes.values_mut().enumerate() {
        *at = place;
    }
    let column = |node: &u32| {
        let (about, form) = (nodes.about(*node), page.document.forms.get(node).map(|form| form.as_str()));
        let word = match about {
            NodeAbout::Column { type_word, .. } => type_word.as_deref(),
            NodeAbout::Dataset { .. } => None,
        };
        json!([nodes.text(*node), word, about.class(), form])
    };
    let datasets = page.datasets.iter().enumerate().map(|(at, dataset)| {
        let kind = match nodes.about(dataset.node) {
            NodeAbout::Dataset { kind, .. } => dataset_word(*kind),
            NodeAbout::Column { .. } => "",
        };
        let columns: Vec<Value> = dataset.columns.iter().map(column).collect();
        json!({
            "n": nodes.text(dataset.node),
            "s": nodes.namespace(dataset.node),
            "k": kind,
            "l": page.layers.layer[at],
            "p": page.layers.place[at],
            "f": dataset.is_focus,
            "c": columns,
        })
    });
    let said = attributes.keys().map(|number| {
        let attribute = &graph.attributes()[*number as usize];
        json!([
            kind_words(attribute).join(" "),
            u8::from(attribute.may_carry()),
            attribute.cap.as_str(),
            sure(attribute),
            u8::from(attribute.gap.is_some()),
            graph.jobs()[attribute.job as usize].0.name,
        ])
    });
    let place =
        |node: u32| (page.dataset_of(node), page.row_of(node).map_or(-1, |row| i64::try_from(row).unwrap_or(-1)));
    let edges = page.edges.iter().map(|edge| {
        let (from, to) = (place(edge.source), place(edge.target));
        let change = page.document.changes.get(edge).map(|change| change.as_str());
        json!([from.0, from.1, to.0, to.1, attributes[&edge.attribute], change])
    });
    json!({
        "d": datasets.collect::<Vec<_>>(),
        "a": said.collect::<Vec<_>>(),
        "e": edges.collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_written_as_browsers_compare_them() {
        for (bytes, text) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")] {
            assert_eq!(base64(bytes.as_bytes()), text);
        }
    }

    #[test]
    fn the_script_is_short_and_asks_for_nothing() {
        assert!(SCRIPT.len() <= 30 << 10, "{} bytes", SCRIPT.len());
        for word in ["http", "fetch", "XMLHttpRequest", "import", "eval", "innerHTML", "</script"] {
            assert!(!SCRIPT.contains(word) && !STYLE.contains(word), "{word}");
        }
    }
}
