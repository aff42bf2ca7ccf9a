//! The tickets of a tenant, by statements that name the tenant: no row of another is read.
//!
//! Absent: who opened a ticket or works on it, which nothing here needs.

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{DataType, TimestampMicrosecondType};
use chrono::{DateTime, Utc};
use engine::{EngineError, LakeSession};
use schemas::{ColumnType, DatasetId, Interval, rfc3339};

use crate::error::JobError;
use crate::row_columns::{literal, numbers, texts};

/// A ticket as its row in force has it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Ticket {
    pub(super) id: String,
    pub(super) revision: i64,
    pub(super) tier: String,
    pub(super) priority: i64,
    pub(super) opened_at: DateTime<Utc>,
    pub(super) first_response_at: Option<DateTime<Utc>>,
    pub(super) resolved_at: Option<DateTime<Utc>>,
    pub(super) state: String,
    pub(super) reopened: i64,
    /// In order.
    pub(super) pauses: Vec<Pause>,
    /// Other rows of the same revision say something else.
    pub(super) is_contradicted: bool,
}

/// A pause as a row has it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Pause {
    pub(super) from: Option<DateTime<Utc>>,
    pub(super) to: Option<DateTime<Utc>>,
    pub(super) reason: Option<String>,
}

/// The tickets that a tenant opened in a time, by their ids.
pub(super) async fn read(
    session: &LakeSession,
    dataset: &DatasetId,
    (tenant, interval): (&str, Interval),
) -> Result<Vec<Ticket>, JobError> {
    let sql = format!(
        "SELECT ticket_id, revision, tier, priority, CAST(opened_at AS bigint) AS opened, CAST(first_response_at AS bigint) AS \
         answered, CAST(resolved_at AS bigint) AS resolved, state, reopened, pauses FROM \"{dataset}\" WHERE tenant_id = {} AND \
         opened_at >= TIMESTAMP '{}' AND opened_at < TIMESTAMP '{}' ORDER BY ticket_id",
        literal(tenant),
        rfc3339(interval.start),
        rfc3339(interval.end)
    );
    Ok(single(rows(&session.query(&sql).await?)?))
}

fn rows(batches: &[RecordBatch]) -> Result<Vec<Ticket>, EngineError> {
    let of = |name: &str| numbers(batches, name);
    let (revisions, priorities, reopened) = (of("revision")?, of("priority")?, of("reopened")?);
    let (opened, answered, resolved) = (of("opened")?, of("answered")?, of("resolved")?);
    let text = |name: &str| texts(batches, name);
    let (ids, tiers, states) = (text("ticket_id"), text("tier"), text("state"));
    let pauses = pauses(batches)?;
    let at = |column: &[Option<i64>], row: usize| column[row].and_then(DateTime::from_timestamp_micros);
    let rows = pauses.into_iter().enumerate().filter_map(|(row, pauses)| {
        Some(Ticket {
            id: ids[row].clone()?,
            revision: revisions[row]?,
            tier: tiers[row].clone()?,
            priority: priorities[row]?,
            opened_at: at(&opened, row)?,
            first_response_at: at(&answered, row),
            resolved_at: at(&resolved, row),
            state: states[row].clone()?,
            reopened: reopened[row].unwrap_or(0),
            pauses,
            is_contradicted: false,
        })
    });
    Ok(rows.collect())
}

/// The pauses of each row, in order.
fn pauses(batches: &[RecordBatch]) -> Result<Vec<Vec<Pause>>, EngineError> {
    let bug = || EngineError::Bug { what: "a statement of ours has no pauses".to_owned() };
    let mut all = Vec::new();
    for batch in batches {
        let column = batch.column_by_name("pauses").ok_or_else(bug)?;
        if column.data_type() == &DataType::Null {
            all.extend(std::iter::repeat_n(Vec::new(), batch.num_rows()));
            continue;
        }
        let column = arrow::compute::cast(column, &ColumnType::PAUSES.arrow()).map_err(|_| bug())?;
        for list in column.as_list::<i32>().iter() {
            let Some(list) = list else {
                all.push(Vec::new());
                continue;
            };
            let items = list.as_struct_opt().ok_or_else(bug)?;
            let instants = |name: &str| {
                let column = items.column_by_name(name)?.as_primitive_opt::<TimestampMicrosecondType>()?.clone();
                Some(move |row: usize| {
                    column.is_valid(row).then(|| column.value(row)).and_then(DateTime::from_timestamp_micros)
                })
            };
            let (from, to) = (instants("from").ok_or_else(bug)?, instants("to").ok_or_else(bug)?);
            let reasons =
                items.column_by_name("reason").and_then(|column| column.as_string_opt::<i32>()).ok_or_else(bug)?;
            let reason = |row: usize| reasons.is_valid(row).then(|| reasons.value(row).to_owned());
            let mut pauses: Vec<Pause> =
                (0..items.len()).map(|row| Pause { from: from(row), to: to(row), reason: reason(row) }).collect();
            pauses.sort();
            all.push(pauses);
        }
    }
    Ok(all)
}

/// One row of each ticket: of rows of one revision that say the same, any; of others the first, and that there are others.
fn single(mut rows: Vec<Ticket>) -> Vec<Ticket> {
    rows.sort();
    rows.dedup();
    let mut tickets: Vec<Ticket> = Vec::new();
    for row in rows {
        match tickets.last_mut() {
            Some(last) if last.id == row.id => last.is_contradicted = true,
            _ => tickets.push(row),
        }
    }
    tickets
}
