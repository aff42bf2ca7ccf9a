//! Statements of TPC-H, TPC-DS and ClickBench: every column is traced exactly.
//!
//! They are fetched by `tests/interop/trace_benchmarks.py`, which says where they come from. Where the columns of TPC-H come
//! from was compared with the text of each statement by hand, and lies in `tpch/`; with `AUDITLAKE_BLESS` set it is written
//! anew. Absent: rows; nothing is run.

mod statements;

use std::fmt::Write;
use std::path::{Path, PathBuf};

use lineage::{FunctionClasses, Names, SourceColumn, Traced, trace};
use schemas::{Certainty, EdgeKind, EdgeKinds};
use statements::{SUITES, planned, session, texts};

fn folder() -> Option<PathBuf> {
    let folder = std::env::var_os("AUDITLAKE_TRACE_BENCHMARKS").map(PathBuf::from);
    if folder.is_none() {
        println!("AUDITLAKE_TRACE_BENCHMARKS names no folder, so no benchmark was traced");
    }
    folder
}

#[test]
fn no_column_of_a_benchmark_is_opaque() {
    let Some(folder) = folder() else { return };
    let mut statements = 0;
    let mut wrong = Vec::new();
    for suite in SUITES {
        let context = session(&folder.join(suite));
        for (name, sql) in texts(&folder.join(suite)) {
            statements += 1;
            let plan = match planned(&context, &sql) {
                Ok(plan) => plan,
                Err(error) => {
                    wrong.push(format!("{suite} {name} is not planned: {}", error.strip_backtrace()));
                    continue;
                }
            };
            let traced = trace(&plan, &Names::new(suite), &FunctionClasses::default());
            for output in &traced.outputs {
                let is_told = !output.columns.is_empty() || !output.origins.is_empty();
                if output.certainty != Certainty::Exact || !is_told {
                    wrong.push(format!("{suite} {name}: column {} is {}", output.name, output.certainty.as_str()));
                }
            }
            if traced.outputs.is_empty() || traced.lineage.certainty != Certainty::Exact {
                wrong.push(format!("{suite} {name}: which rows there are is {}", traced.lineage.certainty.as_str()));
            }
        }
    }
    assert_eq!(statements, 22 + 99 + 43);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn columns_of_tpc_h_come_from_where_their_text_says() {
    let Some(folder) = folder() else { return };
    let folder = folder.join("tpc-h");
    let context = session(&folder);
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/benchmarks/tpch");
    let mut wrong = Vec::new();
    let statements = texts(&folder);
    for (name, sql) in &statements {
        let plan = planned(&context, sql).expect("a plan");
        let told = told(&trace(&plan, &Names::new("tpc-h"), &FunctionClasses::default()));
        let path = kept.join(format!("{name}.txt"));
        if std::env::var_os("AUDITLAKE_BLESS").is_some() {
            std::fs::write(&path, &told).expect("written");
        }
        let expected = std::fs::read_to_string(&path).unwrap_or_default();
        if told != expected {
            wrong.push(format!("{name}:\n{told}"));
        }
    }
    assert_eq!(statements.len(), 22);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A paragraph for each column, and one for which rows there are.
fn told(traced: &Traced) -> String {
    let mut text = String::new();
    let line = |text: &mut String, column: &SourceColumn, kinds: EdgeKinds, cap: &str| {
        let kinds: Vec<&str> =
            EdgeKind::ALL.into_iter().filter(|kind| kinds.has(*kind)).map(EdgeKind::as_str).collect();
        writeln!(text, "  {}.{}: {}{cap}", column.dataset.name, column.column, kinds.join(" ")).expect("text");
    };
    for output in &traced.outputs {
        let origins: Vec<&str> = output.origins.iter().map(|origin| origin.as_str()).collect();
        let origins = if origins.is_empty() { String::new() } else { format!(" ({})", origins.join(", ")) };
        writeln!(text, "{}{origins}", output.name).expect("text");
        for (column, dependency) in &output.columns {
            let is_direct = dependency.kinds.is_direct();
            let cap = if is_direct { format!(", cap {}", dependency.cap.as_str()) } else { String::new() };
            line(&mut text, column, dependency.kinds, &cap);
        }
    }
    writeln!(text, "rows").expect("text");
    traced.lineage.columns.iter().for_each(|(column, kinds)| line(&mut text, column, *kinds, ""));
    text
}
