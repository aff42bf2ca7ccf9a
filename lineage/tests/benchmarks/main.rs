//! Statements of TPC-H, TPC-DS and ClickBench: every column is traced exactly.
//!
//! They are fetched by `tests/interop/trace_benchmarks.py`, which says where they come from. Absent: rows; nothing is run.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use datafusion::arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use datafusion::common::DataFusionError;
use datafusion::datasource::MemTable;
use datafusion::logical_expr::LogicalPlan;
use datafusion::prelude::{SessionConfig, SessionContext};
use lineage::{FunctionClasses, Names, trace};
use schemas::Certainty;

#[test]
fn no_column_of_a_benchmark_is_opaque() {
    let Some(folder) = std::env::var_os("AUDITLAKE_TRACE_BENCHMARKS").map(PathBuf::from) else {
        println!("AUDITLAKE_TRACE_BENCHMARKS names no folder, so no benchmark was traced");
        return;
    };
    let mut statements = 0;
    let mut wrong = Vec::new();
    for suite in ["tpc-h", "tpc-ds", "clickbench"] {
        let context = session(&folder.join(suite));
        let mut taken = Vec::new();
        for (name, sql) in texts(&folder.join(suite)) {
            statements += 1;
            let plan = match planned(&context, &sql) {
                Ok(plan) => plan,
                Err(error) => {
                    wrong.push(format!("{suite} {name} is not planned: {}", error.strip_backtrace()));
                    continue;
                }
            };
            let (traced, took) = timed(|| trace(&plan, &Names::new(suite), &FunctionClasses::default()));
            taken.push((took, name.clone()));
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
        taken.sort();
        let at = |share: usize| taken.get((taken.len() * share / 100).min(taken.len() - 1));
        println!("{suite}: {} statements, p50 {:?}, p99 {:?}", taken.len(), at(50), at(99));
    }
    assert_eq!(statements, 22 + 99 + 43);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The least time of five, for other programs share the machine.
#[expect(clippy::disallowed_methods, reason = "a measurement for people; nothing depends on it")]
fn timed<T>(mut work: impl FnMut() -> T) -> (T, Duration) {
    let mut least = Duration::MAX;
    for _ in 0..4 {
        let started = Instant::now();
        work();
        least = least.min(started.elapsed());
    }
    (work(), least)
}

/// The statements of a folder, by name.
fn texts(folder: &Path) -> Vec<(String, String)> {
    let mut texts = Vec::new();
    for entry in std::fs::read_dir(folder).expect("the folder of a suite") {
        let path = entry.expect("an entry").path();
        if path.extension().is_some_and(|ending| ending == "sql") {
            let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
            texts.push((name, std::fs::read_to_string(&path).expect("a text")));
        }
    }
    texts.sort();
    texts
}

#[expect(clippy::disallowed_methods, reason = "plans are made here, and the engine is a sibling of this crate")]
fn session(folder: &Path) -> SessionContext {
    let schema = std::fs::read_to_string(folder.join("schema.tsv")).expect("the table of columns");
    let mut tables: BTreeMap<&str, Vec<Field>> = BTreeMap::new();
    for line in schema.lines() {
        let words: Vec<&str> = line.split('\t').collect();
        let (table, column, word) = (words[0], words[1], words[2]);
        let data_type = match word {
            "int" => DataType::Int64,
            "decimal" => DataType::Decimal128(15, 2),
            "date" => DataType::Date32,
            "timestamp" => DataType::Timestamp(TimeUnit::Microsecond, None),
            _ => DataType::Utf8,
        };
        tables.entry(table).or_default().push(Field::new(column, data_type, true));
    }
    let mut config = SessionConfig::new();
    // Columns of ClickBench have capitals.
    config.options_mut().sql_parser.enable_ident_normalization = !tables.contains_key("hits");
    let context = SessionContext::new_with_config(config);
    for (name, fields) in tables {
        let table = MemTable::try_new(Arc::new(Schema::new(fields)), vec![vec![]]).expect("a table without rows");
        context.register_table(name, Arc::new(table)).expect("a name that is free");
    }
    context
}

fn planned(context: &SessionContext, sql: &str) -> Result<LogicalPlan, DataFusionError> {
    let state = context.state();
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let plan = runtime.block_on(state.create_logical_plan(sql))?;
    state.analyzer().execute_and_check(plan, state.config_options(), |_, _| {})
}
