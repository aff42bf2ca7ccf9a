//! The statements of benchmarks as plans.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use datafusion::common::DataFusionError;
use datafusion::datasource::MemTable;
use datafusion::logical_expr::LogicalPlan;
use datafusion::prelude::{SessionConfig, SessionContext};

/// A folder each.
pub(crate) const SUITES: [&str; 3] = ["tpc-h", "tpc-ds", "clickbench"];

/// The statements of a folder, by name.
pub(crate) fn texts(folder: &Path) -> Vec<(String, String)> {
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
pub(crate) fn session(folder: &Path) -> SessionContext {
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

pub(crate) fn planned(context: &SessionContext, sql: &str) -> Result<LogicalPlan, DataFusionError> {
    let state = context.state();
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let plan = runtime.block_on(state.create_logical_plan(sql))?;
    state.analyzer().execute_and_check(plan, state.config_options(), |_, _| {})
}
