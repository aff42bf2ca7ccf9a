use std::collections::{BTreeMap, BTreeSet};

use petgraph::Direction;
use quick_xml::Reader;
use quick_xml::events::Event;
use schemas::{EdgeKind, Form};
use serde_json::Value;

use super::*;
use crate::facts::{Facts, Node};
use crate::graph::samples::{column, dataset, day, edge, facts, facts_of};
use crate::graph::{Limits, Walker, When};

/// Writes everything that ever held in one format.
fn whole(facts: &Facts, write: fn(&Document<'_>, &mut Vec<u8>) -> std::io::Result<()>) -> String {
    let graph = Graph::of(facts).unwrap();
    let filter = Filter { when: When::Ever, ..Filter::default() };
    let mask = graph.compile(&filter);
    let document = Document::of_view(graph.view(&mask), &filter, "everything <\u{7}>", Some(17));
    let mut out = Vec::new();
    write(&document, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

/// Elements as maps from the names of their fields to text, without what is null.
type Rows = Vec<BTreeMap<String, String>>;

fn json_rows(list: &Value) -> Rows {
    let text = |value: &Value| match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        Value::Array(texts) => Some(texts.iter().map(|text| text.as_str().unwrap()).collect::<Vec<_>>().join("\n")),
        other => Some(other.to_string()),
    };
    let row = |row: &Value| {
        let fields = row.as_object().unwrap().iter().filter_map(|(name, value)| Some((name.clone(), text(value)?)));
        fields.filter(|(name, value)| name != "key" && !value.is_empty()).collect()
    };
    list.as_array().unwrap().iter().map(row).collect()
}

/// Nodes and edges of GraphML, with what was spelt out put back.
fn graphml_rows(text: &str) -> (Rows, Rows) {
    let mut reader = Reader::from_str(text);
    let (mut names, mut nodes, mut edges) = (BTreeMap::new(), Rows::new(), Rows::new());
    let mut row: Option<BTreeMap<String, String>> = None;
    let mut key = String::new();
    loop {
        match reader.read_event().unwrap() {
            Event::Eof => break,
            Event::Start(tag) | Event::Empty(tag) => {
                let attribute = |name: &str| {
                    let found = tag.try_get_attribute(name).unwrap()?;
                    Some(found.unescape_value().unwrap().into_owned())
                };
                match tag.name().as_ref() {
                    b"key" => drop(names.insert(attribute("id").unwrap(), attribute("attr.name").unwrap())),
                    b"node" => row = Some(BTreeMap::from([("id".to_owned(), attribute("id").unwrap())])),
                    b"edge" => {
                        row = Some(["source", "target"].map(|end| (end.to_owned(), attribute(end).unwrap())).into())
                    }
                    b"data" => key = attribute("key").unwrap(),
                    _ => {}
                }
            }
            Event::Text(text) => {
                if let (Some(row), Some(name)) = (&mut row, names.get(&key)) {
                    row.entry(name.clone()).or_default().push_str(&text.decode().unwrap());
                }
            }
            Event::GeneralRef(reference) => {
                let char = match reference.resolve_char_ref().unwrap() {
                    Some(char) => char,
                    None => match reference.decode().unwrap().as_ref() {
                        "lt" => '<',
                        "gt" => '>',
                        "amp" => '&',
                        _ => '"',
                    },
                };
                if let Some(row) = &mut row {
                    row.entry(names[&key].clone()).or_default().push(char);
                }
            }
            Event::End(tag) => match tag.name().as_ref() {
                b"data" => key.clear(),
                b"node" => nodes.extend(row.take().map(unescaped)),
                b"edge" => edges.extend(row.take().map(unescaped)),
                _ => {}
            },
            _ => {}
        }
    }
    (nodes, edges)
}

fn unescaped(mut row: BTreeMap<String, String>) -> BTreeMap<String, String> {
    row.retain(|_, value| !value.is_empty());
    if row.remove("escaped").is_some() {
        for value in row.values_mut() {
            let mut parts = value.split("\\u{");
            let mut text = parts.next().unwrap().to_owned();
            for part in parts {
                let (code, rest) = part.split_once('}').unwrap();
                text.push(char::from_u32(u32::from_str_radix(code, 16).unwrap()).unwrap());
                text.push_str(rest);
            }
            *value = text;
        }
    }
    row
}

#[test]
fn json_and_graphml_read_back_as_the_same_graph() {
    for seed in 0..80 {
        let facts = facts(seed);
        let json: Value = serde_json::from_str(&whole(&facts, write_json)).unwrap();
        let (nodes, edges) = graphml_rows(&whole(&facts, write_graphml));
        let mut expected = json_rows(&json["edges"]);
        for row in &mut expected {
            // Words of kinds hold no spaces and are parted by them.
            if let Some(kinds) = row.get_mut("kinds") {
                *kinds = kinds.replace('\n', " ");
            }
        }
        assert_eq!(nodes, json_rows(&json["nodes"]), "seed {seed}");
        assert_eq!(edges, expected, "seed {seed}");
        assert_eq!(edges.len(), facts.edges.len(), "seed {seed}");
    }
}

#[test]
fn json_names_every_node_and_edge_of_the_facts() {
    for seed in 0..80 {
        let facts = facts(seed);
        let json: Value = serde_json::from_str(&whole(&facts, write_json)).unwrap();
        let names: BTreeMap<&str, Node> = json["nodes"]
            .as_array()
            .unwrap()
            .iter()
            .map(|node| {
                let name = crate::DatasetName {
                    namespace: node["namespace"].as_str().unwrap().to_owned(),
                    name: node["dataset"].as_str().unwrap().to_owned(),
                };
                let named = match node["path"].as_str() {
                    Some(path) => Node::Column(name, path.to_owned()),
                    None => Node::Dataset(name),
                };
                (node["id"].as_str().unwrap(), named)
            })
            .collect();
        let edges: BTreeSet<(Node, Node, String, String)> = json["edges"]
            .as_array()
            .unwrap()
            .iter()
            .map(|edge| {
                let end = |end: &str| names[edge[end].as_str().unwrap()].clone();
                (
                    end("source"),
                    end("target"),
                    edge["job"].as_str().unwrap().to_owned(),
                    edge["valid_from"].as_str().unwrap().to_owned(),
                )
            })
            .collect();
        let expected: BTreeSet<_> = facts
            .edges
            .iter()
            .map(|edge| {
                (edge.source.clone(), edge.target.clone(), edge.job.name.clone(), schemas::rfc3339(edge.valid_from))
            })
            .collect();
        assert_eq!(edges, expected, "seed {seed}");
        assert_eq!(json["graph"]["snapshot"], 17);
    }
}

#[test]
fn the_schema_names_every_field() {
    let schema: Value = serde_json::from_str(GRAPH_SCHEMA).unwrap();
    let json: Value = serde_json::from_str(&whole(&facts(2), write_json)).unwrap();
    for (part, value) in [("heading", &json["graph"]), ("node", &json["nodes"][0]), ("edge", &json["edges"][0])] {
        let fields: BTreeSet<&str> = value.as_object().unwrap().keys().map(String::as_str).collect();
        let of = &schema["$defs"][part];
        let required: BTreeSet<&str> =
            of["required"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
        let known: BTreeSet<&str> = of["properties"].as_object().unwrap().keys().map(String::as_str).collect();
        assert!(fields == required && fields == known, "{part}");
    }
}

#[test]
fn a_document_is_the_same_bytes_each_time() {
    for seed in 0..20 {
        let facts = facts(seed);
        for write in [write_json, write_graphml, write_dot, write_html] {
            assert_eq!(whole(&facts, write), whole(&facts, write));
        }
    }
}

#[test]
fn names_do_not_break_out_of_a_page() {
    for seed in 0..40 {
        let page = whole(&facts(seed), write_html);
        assert!(!page.contains("<img") && !page.contains("\u{7}"), "seed {seed}");
        // The data and the script of the page itself, and no end that a name brought.
        assert_eq!(page.matches("</script").count(), 2, "seed {seed}");
        assert!(!page.contains("http:") && !page.contains("https:"), "seed {seed}");
    }
}

#[test]
fn dot_has_no_line_that_a_name_began() {
    for seed in 0..40 {
        for line in whole(&facts(seed), write_dot).lines() {
            let begins = ["digraph", "graph", "node", "edge", "label", "subgraph", "n", "}"];
            assert!(begins.iter().any(|begin| line.starts_with(begin)), "seed {seed}: {line}");
            let quotes = line.replace("\\\\", "").replace("\\\"", "").matches('"').count();
            assert!(quotes % 2 == 0, "seed {seed}: {line}");
        }
    }
}

#[test]
fn an_answer_that_stopped_says_so_in_every_format() {
    let graph = Graph::of(&facts_of([
        edge(column("audit", "ip"), column("usage", "ip"), EdgeKind::Identity, Form::Raw, "daily"),
        edge(column("usage", "ip"), Node::Dataset(dataset("report")), EdgeKind::Filter, Form::None, "report"),
    ]));
    let graph = graph.unwrap();
    let filter = Filter::default();
    let mask = graph.compile(&filter);
    let start = graph.find(&column("audit", "ip")).unwrap();
    let limits = Limits { depth: Some(1), ..Limits::default() };
    let reach = Walker::default().reach(graph.view(&mask), &[start], Direction::Outgoing, &limits, || false);
    let document = Document::of_reach(graph.view(&mask), &filter, "impact audit.ip", None, &reach, &[start]);
    let text = |write: fn(&Document<'_>, &mut Vec<u8>) -> std::io::Result<()>| {
        let mut out = Vec::new();
        write(&document, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    };
    let json: Value = serde_json::from_str(&text(write_json)).unwrap();
    assert_eq!((&json["graph"]["complete"], &json["graph"]["stopped"]), (&Value::from(false), &Value::from("depth")));
    assert_eq!(json["graph"]["frontier"].as_array().unwrap().len(), 1);
    assert_eq!(json["nodes"].as_array().unwrap().len(), 2);
    assert!(text(write_graphml).contains("<data key=\"g3\">false</data><data key=\"g4\">depth</data>"));
    assert!(text(write_dot).contains("not complete, stopped: depth"));
    assert!(text(write_html).contains("Stopped at the limit of depth. 1 nodes lead further than is shown."));
}

#[test]
fn a_page_shows_what_changed_and_what_is_left_of_a_person() {
    let mut old = edge(column("audit", "ip"), column("usage", "ip"), EdgeKind::Identity, Form::Raw, "daily");
    old.valid_to = Some(day(5));
    let mut new =
        edge(column("audit", "ip"), column("usage", "network"), EdgeKind::Transformation, Form::Masked, "daily");
    new.valid_from = day(5);
    let graph = Graph::of(&facts_of([old, new])).unwrap();
    let filter = Filter { when: When::Ever, ..Filter::default() };
    let at = |at| graph.compile(&Filter { when: When::At(day(at)), ..Filter::default() });
    let (mask, before, after) = (graph.compile(&filter), at(2), at(7));
    let changes = graph.view(&before).diff(graph.view(&after));
    let network = graph.find(&column("usage", "network")).unwrap();
    let document = Document::of_view(graph.view(&mask), &filter, "diff", None);
    let document = document.with_changes(&changes).with_forms([(network, Form::Masked)]);
    let mut page = Vec::new();
    write_html(&document, &mut page).unwrap();
    let page = String::from_utf8(page).unwrap();
    for part in ["<path class=\"line added\"", "<path class=\"line removed\"", "<tr class=\"added\">", ">masked</text>"]
    {
        assert_eq!(page.matches(part).count(), 1, "{part}");
    }
}

#[test]
fn what_is_too_much_to_look_at_is_drawn_with_less_of_it() {
    let wide = |datasets: usize, columns: usize| {
        let edges = (1..datasets).flat_map(|at| {
            let (from, to) = (format!("d{}", at / 2), format!("d{at}"));
            (0..columns).map(move |c| {
                edge(column(&from, &format!("c{c}")), column(&to, &format!("c{c}")), EdgeKind::Identity, Form::Raw, "j")
            })
        });
        whole(&facts_of(edges), write_html)
    };
    let (small, large, huge) = (wide(20, 10), wide(100, 10), wide(2_500, 2));
    assert!(!small.contains("Too much"));
    assert!(large.contains("datasets are drawn without theirs"));
    assert!(huge.contains("drawn by namespace"));
    assert!(small.len() < 600 << 10, "{} bytes", small.len());
}
