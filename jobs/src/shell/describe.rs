//! `\d`: the tables a statement can name, and their columns with what they mean.

use std::io::{BufWriter, Write};
use std::sync::Arc;

use arrow::array::{RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use engine::{EngineError, LakeSession};
use exporters::{RowFormat, row_writer};
use schemas::{CONTROL_RESULT, ColumnType, FINDING, HISTORY_ENDING, TableSchema};

use crate::error::JobError;
use crate::records;

/// Types without parts, to be told by the names that the guide uses.
const NAMED: &[ColumnType] = &[
    ColumnType::Str,
    ColumnType::Bool,
    ColumnType::I16,
    ColumnType::I32,
    ColumnType::I64,
    ColumnType::F64,
    ColumnType::Ts,
    ColumnType::Hash,
    ColumnType::Binary,
    ColumnType::StrList,
    ColumnType::StrMap,
];

/// Every table with what a row of it is.
pub(crate) fn tables(session: &LakeSession) -> Result<RecordBatch, JobError> {
    let names = session.table_names();
    let meanings = names.iter().map(|name| meaning(session, name)).collect();
    rows(vec![("table", names), ("meaning", meanings)])
}

fn meaning(session: &LakeSession, table: &str) -> String {
    if let Some(doc) = records::doc(table) {
        return doc.to_owned();
    }
    match (of_history(session, table), documented(session, table)) {
        (Some(dataset), _) => format!("Every revision of {dataset}."),
        (None, Some(schema)) => schema.doc.to_owned(),
        (None, None) => String::new(),
    }
}

/// The names of a table's columns, and rows that describe them.
///
/// # Errors
/// When there is no such table, or its files cannot be listed.
pub(crate) async fn columns(session: &LakeSession, table: &str) -> Result<(Vec<String>, RecordBatch), JobError> {
    let found = session.columns(table).await?;
    let columns = found.ok_or_else(|| JobError::Unknown {
        what: "table",
        name: table.to_owned(),
        remedy: "list them with \\d".to_owned(),
    })?;
    let schema = documented(session, &table.to_lowercase());
    let described = |name: &str| schema.and_then(|schema| schema.column(name));
    let of = |told: fn(&Field) -> String| columns.fields().iter().map(|field| told(field)).collect::<Vec<_>>();
    let names = of(|field| field.name().clone());
    let types = columns.fields().iter().map(|field| match described(field.name()) {
        Some(column) => column.kind.name().into_owned(),
        None => type_name(field.data_type()),
    });
    let meanings = names.iter().map(|name| described(name).map(|column| column.doc.to_owned()).unwrap_or_default());
    let rows = rows(vec![
        ("column", names.clone()),
        ("type", types.collect()),
        ("null", of(|field| if field.is_nullable() { "yes" } else { "no" }.to_owned())),
        ("meaning", meanings.collect()),
    ])?;
    Ok((names, rows))
}

/// Writes a description; its meanings are sentences, so it is never cut into records.
pub(crate) fn write(rows: &RecordBatch, format: RowFormat, out: &mut dyn Write) -> Result<(), JobError> {
    let mut out = BufWriter::new(out);
    let mut writer = row_writer(format, &rows.schema(), &mut out)?;
    writer.write(rows)?;
    writer.finish()?;
    Ok(())
}

/// The schema that says what the columns of a table mean.
fn documented(session: &LakeSession, table: &str) -> Option<&'static TableSchema> {
    match table {
        "auditlake.control_results" => Some(&CONTROL_RESULT),
        "auditlake.findings" => Some(&FINDING),
        _ => {
            let table = table.strip_prefix("public.").unwrap_or(table);
            let dataset = session.dataset(table).or_else(|| session.dataset(of_history(session, table)?));
            dataset.map(|dataset| dataset.schema)
        }
    }
}

fn of_history<'a>(session: &LakeSession, table: &'a str) -> Option<&'a str> {
    let dataset = table.strip_suffix(HISTORY_ENDING)?;
    session.dataset(table).is_none().then_some(dataset)
}

fn type_name(kind: &DataType) -> String {
    let plain = match kind {
        DataType::Utf8View => &DataType::Utf8,
        DataType::BinaryView => &DataType::Binary,
        kind => kind,
    };
    if let DataType::Decimal128(precision, scale) = *plain {
        return ColumnType::Dec { precision, scale }.name().into_owned();
    }
    let named = NAMED.iter().find(|named| named.arrow() == *plain);
    named.map_or_else(|| plain.to_string(), |named| named.name().into_owned())
}

fn rows(columns: Vec<(&str, Vec<String>)>) -> Result<RecordBatch, JobError> {
    let fields: Vec<_> = columns.iter().map(|(name, _)| Field::new(*name, DataType::Utf8, false)).collect();
    let columns = columns.into_iter().map(|(_, values)| Arc::new(StringArray::from(values)) as _);
    let made = RecordBatch::try_new(Arc::new(Schema::new(fields)), columns.collect());
    let bug = |error| EngineError::Bug { what: format!("a description has odd columns ({error})") };
    Ok(made.map_err(bug)?)
}
