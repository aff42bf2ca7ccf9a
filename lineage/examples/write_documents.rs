//! Writes one lake's lineage in every format into a folder, for readers that are not ours.
//!
//! Usage: `write_documents FOLDER`. `lake` is made to be looked at, `hostile` has names that break what does not
//! escape them, `large` is more than a page draws. Absent: anything that is read from a real lake.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use lineage::{
    ColumnFact, DatasetKind, DatasetName, Direction, Document, EdgeFact, Facts, Filter, Graph, JobName, Limits, Node,
    Walker, When, write_dot, write_graphml, write_html, write_json,
};
use schemas::{Certainty, EdgeKind, EdgeKinds, Form, Gap};

fn main() -> io::Result<()> {
    let folder = std::env::args().nth(1).map(PathBuf::from).unwrap_or_else(|| PathBuf::from("."));
    std::fs::create_dir_all(&folder)?;
    for (name, facts) in [("lake", lake()), ("hostile", hostile()), ("large", large())] {
        let graph = Graph::of(&facts).map_err(io::Error::other)?;
        let filter = Filter { when: When::Ever, ..Filter::default() };
        let mask = graph.compile(&filter);
        let document = Document::of_view(graph.view(&mask), &filter, &format!("the {name} sample"), Some(17));
        write(&folder, name, &document)?;
    }
    let graph = Graph::of(&lake()).map_err(io::Error::other)?;
    let filter = Filter::default();
    let mask = graph.compile(&filter);
    let view = graph.view(&mask);
    let focus: Vec<u32> = graph.find(&Node::Dataset(dataset("usage_daily"))).into_iter().collect();
    let limits = Limits { depth: Some(2), ..Limits::default() };
    let reach = Walker::default().reach(view, &focus, Direction::Incoming, &limits, || false);
    let document = Document::of_reach(view, &filter, "trace usage_daily, depth 2", Some(17), &reach, &focus);
    write(&folder, "trace", &document)
}

fn write(folder: &Path, name: &str, document: &Document<'_>) -> io::Result<()> {
    let file = |ending: &str| File::create(folder.join(format!("{name}.{ending}"))).map(BufWriter::new);
    let (mut json, mut graphml, mut dot, mut html) = (file("json")?, file("graphml")?, file("dot")?, file("html")?);
    write_json(document, &mut json)?;
    write_graphml(document, &mut graphml)?;
    write_dot(document, &mut dot)?;
    write_html(document, &mut html)?;
    json.flush()?;
    graphml.flush()?;
    dot.flush()?;
    html.flush()
}

fn dataset(name: &str) -> DatasetName {
    DatasetName { namespace: "auditlake://acme".to_owned(), name: name.to_owned() }
}

fn day(day: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_790_000_000 + day * 86_400, 0).unwrap_or_default()
}

/// Takes edges as `dataset.column`, a dataset alone for all its rows.
struct Edges(Facts);

impl Edges {
    fn node(&mut self, name: &str) -> Node {
        match name.split_once('.') {
            None => Node::Dataset(dataset(name)),
            Some((name, path)) => {
                let columns = &mut self.0.datasets.entry(dataset(name)).or_default().columns;
                let word = if path.ends_with("time") { "Timestamp" } else { "Utf8" };
                let fact = ColumnFact { type_word: Some(word.to_owned()), ..ColumnFact::default() };
                columns.entry(path.to_owned()).or_insert(fact);
                Node::Column(dataset(name), path.to_owned())
            }
        }
    }

    fn add(&mut self, job: &str, source: &str, target: &str, kinds: &[EdgeKind], cap: Form) {
        let (source, target) = (self.node(source), self.node(target));
        let job = JobName { namespace: "auditlake://acme".to_owned(), name: job.to_owned() };
        self.0.jobs.entry(job.clone()).or_default();
        let kinds = kinds.iter().map(|kind| (*kind, cap == Form::Pseudonymised)).collect::<EdgeKinds>();
        let (certainty, gap) = match kinds.is_empty() {
            true => (Certainty::Opaque, Some(Gap::JobLevel)),
            false => (Certainty::Exact, None),
        };
        let valid_to = job.name.starts_with("old").then(|| day(30));
        self.0.edges.insert(EdgeFact { source, target, job, valid_from: day(1), valid_to, kinds, cap, certainty, gap });
    }

    fn class(&mut self, name: &str, path: &str) {
        let columns = &mut self.0.datasets.entry(dataset(name)).or_default().columns;
        columns.entry(path.to_owned()).or_default().class = Some("personal".to_owned());
    }
}

/// A lake of a small company.
fn lake() -> Facts {
    use EdgeKind::{Aggregation, Conditional, Filter, GroupBy, Identity, Join, Transformation};
    let mut edges = Edges(Facts::default());
    for column in ["event_id", "time", "actor.id", "actor.email", "src_ip", "action", "outcome", "tenant_id"] {
        edges.add("ingest-audit", &format!("landing.{column}"), &format!("audit.{column}"), &[Identity], Form::Raw);
    }
    for column in ["user_id", "email", "country", "deleted_time"] {
        edges.add(
            "ingest-identity",
            &format!("hr_export.{column}"),
            &format!("identity.{column}"),
            &[Identity],
            Form::Raw,
        );
    }
    edges.add("audit-daily", "audit.tenant_id", "usage_daily.tenant_id", &[Identity], Form::Raw);
    edges.add("audit-daily", "audit.time", "usage_daily.day", &[Transformation], Form::Raw);
    edges.add("audit-daily", "audit.event_id", "usage_daily.events", &[Aggregation], Form::Aggregated);
    edges.add("audit-daily", "audit.actor.id", "usage_daily.actors", &[Aggregation], Form::Aggregated);
    edges.add("audit-daily", "identity.country", "usage_daily.country", &[Identity, Conditional], Form::Raw);
    edges.add("audit-daily", "audit.outcome", "usage_daily", &[Filter], Form::None);
    edges.add("audit-daily", "audit.tenant_id", "usage_daily", &[GroupBy], Form::None);
    edges.add("audit-daily", "audit.actor.id", "usage_daily", &[Join], Form::None);
    edges.add("audit-daily", "identity.user_id", "usage_daily", &[Join], Form::None);
    edges.add("anonymize-audit", "audit.actor.id", "audit_anonymous.actor", &[Transformation], Form::Pseudonymised);
    edges.add("anonymize-audit", "audit.src_ip", "audit_anonymous.network", &[Transformation], Form::Masked);
    edges.add("anonymize-audit", "audit.action", "audit_anonymous.action", &[Identity], Form::Raw);
    edges.add("anonymize-audit", "audit.time", "audit_anonymous.time", &[Identity], Form::Raw);
    edges.add("train-churn", "audit_anonymous", "churn_model", &[], Form::Raw);
    edges.add("score", "churn_model", "scores.risk", &[], Form::Raw);
    edges.add("score", "identity.user_id", "scores.user_id", &[Identity], Form::Raw);
    edges.add("soc2-report", "usage_daily.events", "soc2_report.events", &[Aggregation], Form::Aggregated);
    edges.add("soc2-report", "usage_daily.day", "soc2_report.month", &[Transformation], Form::Raw);
    edges.add("soc2-report", "usage_daily.country", "soc2_report.country", &[Identity], Form::Raw);
    edges.add("soc2-report", "usage_daily.day", "soc2_report", &[GroupBy], Form::None);
    edges.add("old-export", "audit.actor.email", "partner_export.email", &[Identity], Form::Raw);
    edges.add("retention", "audit.event_id", "audit.event_id", &[Identity], Form::Raw);
    edges.add("retention", "audit.time", "audit", &[Filter], Form::None);
    for (name, path) in [("audit", "actor.id"), ("audit", "actor.email"), ("audit", "src_ip"), ("identity", "email")] {
        edges.class(name, path);
    }
    let kinds =
        [("landing", DatasetKind::File), ("churn_model", DatasetKind::Model), ("soc2_report", DatasetKind::File)];
    for (name, kind) in kinds {
        edges.0.datasets.entry(dataset(name)).or_default().kind = kind;
    }
    edges.0
}

/// Names that break what does not escape them.
fn hostile() -> Facts {
    let names = [
        "</script><script>alert(1)</script>",
        "\"><img src=x onerror=alert(1)>",
        "a{b}|c<d>\\N",
        "line\nend\r\u{7}\u{1b}",
        "&lt;é]]>&amp;",
        "-->\u{202e}'`",
    ];
    let mut edges = Edges(Facts::default());
    for pair in names.windows(2) {
        let (from, to) = (format!("{}.{}", pair[0], pair[1]), format!("{}.{}", pair[1], pair[0]));
        edges.add(pair[0], &from, &to, &[EdgeKind::Identity], Form::Raw);
        edges.add(pair[1], pair[0], pair[1], &[], Form::Raw);
        edges.class(pair[0], pair[1]);
    }
    edges.0
}

/// Five thousand columns.
fn large() -> Facts {
    let mut edges = Edges(Facts::default());
    for at in 1..500_usize {
        for column in 0..10 {
            let (from, to) = (format!("d{}.c{column}", at / 3), format!("d{at}.c{column}"));
            edges.add(&format!("job-{at}"), &from, &to, &[EdgeKind::Identity], Form::Raw);
        }
    }
    edges.0
}
