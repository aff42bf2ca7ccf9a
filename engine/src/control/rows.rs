//! Form 1 as SQL: predicates over the rows of one table become a count and a list.
//!
//! Absent: running them, and sharing a scan between controls, which is `fused.rs`.

use schemas::{Control, Dataset, Interval};

use super::bind::{Binder, Refused, instant, name};
use super::bound::{BoundSql, Parts, Predicates, order_by};

/// The four texts of a control of form 1.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RowsText<'a> {
    pub(crate) population: &'a str,
    pub(crate) violation: &'a str,
    pub(crate) reason: &'a str,
    pub(crate) resource: &'a str,
}

/// Binds a control of form 1 over `dataset`.
pub(crate) fn bind(
    binder: &Binder<'_>,
    control: &Control,
    dataset: &Dataset,
    interval: Interval,
    given: RowsText<'_>,
) -> Result<BoundSql, Refused> {
    let predicates = Predicates {
        table: dataset.id.to_string(),
        tenant: name(&dataset.tenant),
        time: dataset.time.clone(),
        within: within(dataset.time.as_deref(), interval),
        population: binder.expression("population", given.population)?,
        violation: binder.expression("violation", given.violation)?,
    };
    let reason = binder.expression("reason", given.reason)?;
    let resource = binder.expression("resource", given.resource)?;
    let keys = keys(dataset);
    let mut listed: Vec<String> = keys.iter().map(|key| name(key)).collect();
    let mut columns: Vec<String> = std::iter::once("scope".to_owned()).chain(keys.iter().cloned()).collect();
    listed.push(format!("{resource} AS resource"));
    listed.push(format!("{reason} AS reason"));
    columns.extend(["resource".to_owned(), "reason".to_owned()]);
    let origin = ["raw_ref", "raw_hash"].into_iter().filter(|column| dataset.schema.column(column).is_some());
    for column in control.evidence.columns.iter().map(String::as_str).chain(origin) {
        if keys.iter().any(|key| key == column) || columns.iter().skip(3 + keys.len()).any(|known| known == column) {
            continue;
        }
        // Our own columns keep their names; a table column of the same name says that it is one.
        if columns.iter().any(|known| known == column) {
            listed.push(format!("{} AS {}", name(column), name(&format!("column_{column}"))));
            columns.push(format!("column_{column}"));
        } else {
            listed.push(name(column));
            columns.push(column.to_owned());
        }
    }
    let violations = format!(
        "SELECT {} AS scope,\n       {}\nFROM {}\nWHERE ({})\n  AND ({}){}",
        predicates.tenant,
        listed.join(",\n       "),
        name(&predicates.table),
        predicates.population,
        predicates.violation,
        predicates.within.as_deref().map(|within| format!("\n  AND {within}")).unwrap_or_default(),
    );
    let order = order_by(&columns);
    Ok(BoundSql { counts: counts(&predicates), violations, order, columns, parts: Parts::Rows(predicates) })
}

/// The condition that a row's time lies in `interval`; none for a table without a time.
pub(crate) fn within(time: Option<&str>, interval: Interval) -> Option<String> {
    Some(between(&name(time?), interval))
}

/// The condition that `column`, as it stands in SQL, lies in `interval`.
pub(crate) fn between(column: &str, interval: Interval) -> String {
    format!("{column} >= {} AND {column} < {}", instant(interval.start), instant(interval.end))
}

/// The aggregates of one control: n, v and the two kinds of undecided.
fn aggregates(predicates: &Predicates) -> [String; 4] {
    let (p, v) = (&predicates.population, &predicates.violation);
    [
        format!("count(*) FILTER (WHERE ({p}))"),
        format!("count(*) FILTER (WHERE ({p}) AND ({v}))"),
        format!("count(*) FILTER (WHERE ({p}) AND ({v}) IS NULL)"),
        format!("count(*) FILTER (WHERE ({p}) IS NULL AND ({v}) IS NOT FALSE)"),
    ]
}

fn counts(predicates: &Predicates) -> String {
    let [n, v, u_violation, u_population] = aggregates(predicates);
    let counted = [
        format!("{n} AS n"),
        format!("{v} AS v"),
        format!("{u_violation} AS u_violation"),
        format!("{u_population} AS u_population"),
    ];
    per_tenant(predicates, &counted)
}

/// `SELECT` of aggregates by tenant over the rows of the interval.
fn per_tenant(predicates: &Predicates, aggregates: &[String]) -> String {
    let tenant = &predicates.tenant;
    format!(
        "SELECT {tenant} AS scope,\n       {}\nFROM {}{}\nGROUP BY {tenant}\nORDER BY scope",
        aggregates.join(",\n       "),
        name(&predicates.table),
        predicates.within.as_deref().map(|within| format!("\nWHERE {within}")).unwrap_or_default(),
    )
}

/// Columns that place a row: event id and time, where the table has them.
fn keys(dataset: &Dataset) -> Vec<String> {
    let event_id = dataset.schema.column("event_id").map(|column| column.name.to_owned());
    let time = dataset.time.clone().filter(|time| time == "time");
    event_id.into_iter().chain(time).collect()
}
