//! The rows of an export: a dataset, cut by columns and a filter, or a statement.
//!
//! Absent: writing them.

use std::collections::BTreeSet;

use datafusion::common::ScalarValue;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::logical_expr::expr::Sort;
use datafusion::logical_expr::{Expr, LogicalPlan};
use schemas::{ColumnSource, Dataset, ExportColumn, ExportRows, Interval};

use crate::error::EngineError;
use crate::lake_session::LakeSession;
use crate::materialize::datasets_read;

/// In which order the rows come, every time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowOrder {
    /// That of the files by path, and in each of its rows.
    File,
    /// As they are sorted, by columns that leave nothing open.
    By,
    /// As the engine makes them on one thread: repeatable in practice, not promised.
    Engine,
}

impl RowOrder {
    /// Its name in a manifest.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::By => "by",
            Self::Engine => "engine",
        }
    }

    /// The order of a plan's rows in a session of one partition.
    fn of(plan: &LogicalPlan) -> Self {
        if plan.expressions().iter().any(|expr| has_subquery(expr) || expr.is_volatile()) {
            return Self::Engine;
        }
        match (plan, plan.inputs().as_slice()) {
            (LogicalPlan::TableScan(_), _) => Self::File,
            (LogicalPlan::Sort(sort), _) if sorts_by_all(&sort.expr, plan) => Self::By,
            (
                LogicalPlan::Projection(_)
                | LogicalPlan::Filter(_)
                | LogicalPlan::SubqueryAlias(_)
                | LogicalPlan::Limit(_),
                [input],
            ) => Self::of(input),
            _ => Self::Engine,
        }
    }
}

/// The rows of an export, planned.
#[derive(Debug)]
pub struct ExportPlan {
    /// Gives the rows.
    pub plan: LogicalPlan,
    /// In which order.
    pub order: RowOrder,
    /// The datasets that they come from.
    pub datasets: BTreeSet<String>,
}

/// The statement that gives the rows; of a dataset's rows that are sorted, what its key leaves open is sorted by, too.
pub fn export_sql(rows: &ExportRows, dataset: Option<&Dataset>) -> String {
    let (name, columns, filter, order_by) = match rows {
        ExportRows::Sql(sql) => return sql.clone(),
        ExportRows::Dataset { dataset, columns, filter, order_by } => (dataset, columns, filter, order_by),
    };
    // On lines of its own, so that a comment at an end hides nothing of ours.
    let select = |ExportColumn { name, from }: &ExportColumn| match from {
        ColumnSource::Column(column) => format!("{} AS {}", quoted(column), quoted(name)),
        ColumnSource::Expr(expr) => format!("(\n{expr}\n) AS {}", quoted(name)),
    };
    let columns: Vec<String> = columns.iter().map(select).collect();
    let columns = if columns.is_empty() { "*".to_owned() } else { columns.join(", ") };
    let filter = filter.as_ref().map_or_else(String::new, |filter| format!(" WHERE (\n{filter}\n)"));
    let mut keys: Vec<(&str, &str)> = order_by.iter().map(|given| direction(given)).collect();
    if !keys.is_empty() {
        for tie in dataset.map(tie_breakers).unwrap_or_default() {
            if keys.iter().all(|(key, _)| *key != tie) {
                keys.push((tie, ""));
            }
        }
    }
    let keys: Vec<String> = keys.into_iter().map(|(key, direction)| format!("{}{direction}", quoted(key))).collect();
    let order = if keys.is_empty() { String::new() } else { format!(" ORDER BY {}", keys.join(", ")) };
    format!("SELECT {columns} FROM {}{filter}{order}", quoted(name))
}

/// Plans the rows; `$start` and `$end` are the bounds of the interval, where there is one.
///
/// # Errors
/// When it is no reading statement or does not plan; when a filter or a column is more than an expression over one row.
pub async fn export_plan(
    session: &LakeSession,
    rows: &ExportRows,
    interval: Option<Interval>,
) -> Result<ExportPlan, EngineError> {
    let ExportRows::Dataset { dataset, order_by, .. } = rows else {
        let plan = session.plan(&export_sql(rows, None)).await?;
        let plan = with_interval(plan, interval)?;
        return Ok(ExportPlan { order: RowOrder::of(&plan), datasets: datasets_read(&plan), plan });
    };
    let declared = session.dataset(dataset);
    let plan = session.plan(&export_sql(rows, declared)).await?;
    let whole = session.plan(&format!("SELECT * FROM {}", quoted(dataset))).await?;
    // Below the columns that were asked for stands the dataset, and nothing beside it.
    if below(&plan) != below(&whole) {
        return Err(EngineError::NotOfOneRow { dataset: dataset.clone() });
    }
    let plan = with_interval(plan, interval)?;
    let is_total = declared.is_some_and(|dataset| !tie_breakers(dataset).is_empty());
    let order = match RowOrder::of(&plan) {
        RowOrder::Engine if is_total && !order_by.is_empty() && !is_volatile(&plan)? => RowOrder::By,
        order => order,
    };
    Ok(ExportPlan { datasets: datasets_read(&plan), plan, order })
}

/// The columns that tell a dataset's rows apart; none of files that others write, which may hold one twice.
fn tie_breakers(dataset: &Dataset) -> Vec<&'static str> {
    let schema = dataset.schema;
    if !dataset.is_ours() || schema.key.is_empty() {
        return Vec::new();
    }
    let revision = schema.column("revision").map(|column| column.name);
    std::iter::once(schema.tenant).chain(schema.key.iter().copied()).chain(revision).collect()
}

/// What stands below projections, filters and sorts over one row each.
fn below(plan: &LogicalPlan) -> &LogicalPlan {
    let mut plan = plan;
    while let (LogicalPlan::Projection(_) | LogicalPlan::Filter(_) | LogicalPlan::Sort(_), false, [input]) =
        (plan, plan.expressions().iter().any(has_subquery), plan.inputs().as_slice())
    {
        plan = input;
    }
    plan
}

/// A plan with the bounds of its interval in it.
pub(crate) fn with_interval(plan: LogicalPlan, interval: Option<Interval>) -> Result<LogicalPlan, EngineError> {
    let named = plan.get_parameter_names().map_err(|source| EngineError::sql("planned", source))?;
    let Some(first) = named.iter().min() else { return Ok(plan) };
    let Some(interval) = interval else {
        return Err(EngineError::NoValue { name: first.clone(), why: "values are for jobs, which have an interval" });
    };
    if let Some(unknown) = named.iter().filter(|name| !matches!(name.as_str(), "$start" | "$end")).min() {
        return Err(EngineError::NoValue { name: unknown.clone(), why: "values are $start and $end" });
    }
    plan.with_param_values(bounds(interval)).map_err(|source| EngineError::sql("planned", source))
}

/// `$start` and `$end`.
pub(crate) fn bounds(interval: Interval) -> Vec<(&'static str, ScalarValue)> {
    let instant = |at: chrono::DateTime<chrono::Utc>| {
        ScalarValue::TimestampMicrosecond(Some(at.timestamp_micros()), Some("UTC".into()))
    };
    vec![("start", instant(interval.start)), ("end", instant(interval.end))]
}

/// Whether a plan calls a function that answers differently each time.
pub(crate) fn is_volatile(plan: &LogicalPlan) -> Result<bool, EngineError> {
    let mut volatile = false;
    let walked = plan.apply_with_subqueries(|node| {
        node.apply_expressions(|expr| {
            volatile |= expr.is_volatile();
            Ok(TreeNodeRecursion::Continue)
        })
    });
    walked.map(|_| volatile).map_err(|source| EngineError::sql("planned", source))
}

/// Whether rows that are sorted alike are alike.
fn sorts_by_all(keys: &[Sort], plan: &LogicalPlan) -> bool {
    let is_key = |name: &str| keys.iter().any(|key| matches!(&key.expr, Expr::Column(column) if column.name == name));
    plan.schema().fields().iter().all(|field| is_key(field.name()))
}

fn has_subquery(expr: &Expr) -> bool {
    let mut found = false;
    let visited = expr.apply(|part| {
        found |=
            matches!(part, Expr::ScalarSubquery(_) | Expr::InSubquery(_) | Expr::Exists(_) | Expr::SetComparison(_));
        Ok(if found { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    });
    found || visited.is_err()
}

/// The column of `time desc`.
pub fn sort_column(given: &str) -> &str {
    direction(given).0
}

/// `time desc`: the column, and what follows it in SQL.
fn direction(given: &str) -> (&str, &'static str) {
    let given = given.trim();
    match given.rsplit_once(' ') {
        Some((column, word)) if word.eq_ignore_ascii_case("desc") => (column.trim(), " DESC"),
        Some((column, word)) if word.eq_ignore_ascii_case("asc") => (column.trim(), ""),
        _ => (given, ""),
    }
}

/// A name as SQL quotes it.
pub(crate) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_expressions_stay_what_they_are() {
        let rows = ExportRows::Dataset {
            dataset: "au\"dit".to_owned(),
            columns: vec![
                ExportColumn { name: "who".to_owned(), from: ColumnSource::Column("actor".to_owned()) },
                ExportColumn { name: "n".to_owned(), from: ColumnSource::Expr("1 -- one".to_owned()) },
            ],
            filter: Some("a = 'b' --".to_owned()),
            order_by: vec!["time DESC".to_owned(), "actor".to_owned()],
        };
        assert_eq!(
            export_sql(&rows, None),
            "SELECT \"actor\" AS \"who\", (\n1 -- one\n) AS \"n\" FROM \"au\"\"dit\" WHERE (\na = 'b' --\n) \
             ORDER BY \"time\" DESC, \"actor\""
        );
    }
}
