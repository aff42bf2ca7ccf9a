//! A compact form of what was traced, for comparison.

use std::fmt::Write;

use expect_test::Expect;
use lineage::{SourceColumn, Target, Traced};
use schemas::{Certainty, EdgeKinds, Form, Gap};

use crate::lake::traced;

/// Compares what is traced of a statement, a line for each column and one for the rows:
/// kinds joined by `+`, masked ones with `*`, a cap that is not raw after `@`.
#[track_caller]
pub(crate) fn check(sql: &str, expected: Expect) {
    expected.assert_eq(&printed(&traced(sql)));
}

/// The compact form.
pub(crate) fn printed(traced: &Traced) -> String {
    let mut text = String::new();
    match &traced.target {
        Some(Target::Dataset(dataset)) => writeln!(text, "into {}", dataset.name),
        Some(Target::Location(place)) => writeln!(text, "into {place}"),
        None => Ok(()),
    }
    .expect("a text takes all");
    for output in &traced.outputs {
        let mut sources: Vec<String> = Vec::new();
        for (source, dependency) in &output.columns {
            let cap = match (dependency.kinds.is_direct(), dependency.cap) {
                (true, Form::Raw) | (false, Form::None) => String::new(),
                (_, cap) => format!("@{}", cap.as_str()),
            };
            sources.push(format!("{} {}{cap}", named(source), words(dependency.kinds)));
        }
        if sources.is_empty() {
            sources.extend(output.origins.iter().map(|origin| origin.as_str().to_owned()));
        }
        let doubt = doubt(output.certainty, output.gap);
        writeln!(text, "{} <- {}{doubt}", output.name, sources.join(", ")).expect("a text takes all");
    }
    let lineage = &traced.lineage;
    if !lineage.columns.is_empty() || lineage.certainty != Certainty::Exact {
        let sources: Vec<String> =
            lineage.columns.iter().map(|(source, kinds)| format!("{} {}", named(source), words(*kinds))).collect();
        writeln!(text, "rows <- {}{}", sources.join(", "), doubt(lineage.certainty, lineage.gap))
            .expect("a text takes all");
    }
    text
}

fn named(source: &SourceColumn) -> String {
    format!("{}.{}", source.dataset.name, source.column)
}

fn words(kinds: EdgeKinds) -> String {
    let words: Vec<String> = kinds
        .iter()
        .map(|(kind, is_masked)| format!("{}{}", kind.as_str(), if is_masked { "*" } else { "" }))
        .collect();
    words.join("+")
}

fn doubt(certainty: Certainty, gap: Option<Gap>) -> String {
    match (certainty, gap) {
        (Certainty::Exact, _) => String::new(),
        (certainty, gap) => format!(" [{} {}]", certainty.as_str(), gap.map_or("", Gap::as_str)),
    }
}
