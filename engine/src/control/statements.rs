//! Form 2 as SQL: two statements over tables that show the interval and the history before it.
//!
//! A table of the control is a named subquery over the dataset, cut to `[start - lookback, end)`; what
//! the violations statement returns from before the interval is history and is dropped. Absent: running
//! them, which is `found.rs`, and sharing scans: a window wants its own sort.

use schemas::{Control, Dataset, Interval};

use super::bind::{Binder, Refused, name};
use super::bound::{BoundSql, FOUND, Origin, Parts, Statements, order_by};
use super::rows::{between, within};
use crate::error::EngineError;
use crate::lake_session::LakeSession;

/// The two statements and how far they look back.
#[derive(Debug, Clone, Copy)]
pub(crate) struct StatementsText<'a> {
    pub(crate) lookback_seconds: u64,
    pub(crate) population: &'a str,
    pub(crate) violations: &'a str,
}

/// Why two statements do not become a control.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unbound {
    /// The SQL is not taken.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// A column that the statement must return.
    #[error("{what} does not return {column}; it returns {returned}")]
    Lacks { what: &'static str, column: String, returned: String },
    /// It does not plan.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

/// Binds a control of form 2 over `datasets`.
pub(crate) async fn bind(
    session: &LakeSession,
    binder: &Binder<'_>,
    control: &Control,
    datasets: &[&Dataset],
    interval: Interval,
    given: StatementsText<'_>,
) -> Result<BoundSql, Unbound> {
    let seen = tables(datasets, widened(interval, given.lookback_seconds));
    let is_dataset = |name: &str| session.dataset(name).is_some();
    let population = binder.query("the population statement", given.population, &is_dataset)?;
    let violations = binder.query("the violations statement", given.violations, &is_dataset)?;
    let returned = outputs(session, &seen, &population).await?;
    require(&returned, "the population statement", &["scope", "n", "u"])?;
    let warns = returned.iter().any(|name| name == "w");
    let warnings = if warns { ",\n       coalesce(counted.w, 0) AS w" } else { "" };
    let returned = outputs(session, &seen, &violations).await?;
    require(&returned, "the violations statement", &["scope", "event_id", "time", "resource", "reason"])?;
    let evidence: Vec<&str> = control.evidence.columns.iter().map(String::as_str).collect();
    require(&returned, "the violations statement", &evidence)?;

    let mut columns: Vec<String> = ["scope", "event_id", "time", "resource", "reason"].map(str::to_owned).to_vec();
    columns.extend(
        control.evidence.columns.iter().filter(|column| !columns.contains(column)).cloned().collect::<Vec<_>>(),
    );
    let mut listed: Vec<String> = columns.iter().map(|column| format!("found.{}", name(column))).collect();
    let mut origin = None;
    let places = ["raw_ref", "raw_hash"].map(str::to_owned);
    if places.iter().all(|column| returned.contains(column)) {
        for column in places.iter().filter(|column| !columns.contains(column)).cloned().collect::<Vec<_>>() {
            listed.push(format!("found.{column}"));
            columns.push(column);
        }
    } else if let Some(dataset) = datasets.iter().find(|dataset| has_origin(dataset)) {
        columns.retain(|column| !places.contains(column));
        listed.retain(|column| !places.iter().any(|name| *column == format!("found.{name}")));
        origin = Some(Origin { table: dataset.id.to_string(), tenant: dataset.tenant.clone() });
    }
    let inside = between("found.time", interval);
    let own = listed.join(", ");
    if origin.is_some() {
        listed.extend(places.iter().map(|column| format!("origin.{column}")));
        columns.extend(places);
    }
    let listed = listed.join(", ");
    let join = origin.as_ref().map(join_origin).unwrap_or_default();
    let from = format!("FROM (\n{violations}\n) AS found");
    let counts = format!(
        "{seen}SELECT coalesce(counted.scope, listed.scope) AS scope,\n       coalesce(counted.n, 0) AS n,\n       \
         coalesce(listed.v, 0) AS v,\n       coalesce(counted.u, 0) AS u_violation,\n       0 AS u_population{warnings}\n\
         FROM (\n{population}\n) AS counted\nFULL JOIN (\nSELECT found.scope AS scope, count(*) AS v\n{from}\n\
         WHERE {inside}\nGROUP BY found.scope\n) AS listed ON counted.scope = listed.scope\nORDER BY scope",
    );
    let statements = Statements {
        population: format!(
            "{seen}SELECT counted.scope AS scope, coalesce(counted.n, 0) AS n, 0 AS v, coalesce(counted.u, 0) AS u_violation, \
             0 AS u_population{warnings}\nFROM (\n{population}\n) AS counted"
        ),
        warns,
        found: format!("{seen}SELECT {own}\n{from}\nWHERE {inside}"),
        list: format!("SELECT {listed}\nFROM {FOUND} AS found{join}"),
        origin,
    };
    let violations = format!("{seen}SELECT {listed}\n{from}{join}\nWHERE {inside}");
    let order = order_by(&columns);
    Ok(BoundSql { counts, violations, order, columns, parts: Parts::Statements(statements) })
}

/// The interval with the history before it.
pub(crate) fn widened(interval: Interval, lookback_seconds: u64) -> Interval {
    let lookback = i64::try_from(lookback_seconds).ok().and_then(chrono::TimeDelta::try_seconds);
    let start = lookback.and_then(|lookback| interval.start.checked_sub_signed(lookback));
    Interval { start: start.unwrap_or(chrono::DateTime::UNIX_EPOCH.min(interval.start)), end: interval.end }
}

fn has_origin(dataset: &Dataset) -> bool {
    let needed = ["event_id", "time", "raw_ref", "raw_hash"];
    needed.iter().all(|column| dataset.schema.column(column).is_some())
}

/// `WITH audit AS (…)` for every table that has a time; the others are seen whole.
fn tables(datasets: &[&Dataset], seen: Interval) -> String {
    let cut = datasets.iter().filter_map(|dataset| {
        let within = within(dataset.time.as_deref(), seen)?;
        let table = name(dataset.id.as_str());
        Some(format!("{table} AS (\nSELECT * FROM public.{table} WHERE {within}\n)"))
    });
    let cut: Vec<String> = cut.collect();
    if cut.is_empty() { String::new() } else { format!("WITH {}\n", cut.join(",\n")) }
}

fn join_origin(origin: &Origin) -> String {
    let tenant = name(&origin.tenant);
    format!(
        "\nLEFT JOIN (\nSELECT {tenant} AS scope, event_id, time,\n       \
         first_value(raw_ref ORDER BY raw_ref) AS raw_ref,\n       \
         first_value(raw_hash ORDER BY raw_ref) AS raw_hash\nFROM {}\nGROUP BY {tenant}, event_id, time\n\
         ) AS origin ON origin.scope = found.scope AND origin.event_id = found.event_id AND origin.time = found.time",
        name(&origin.table),
    )
}

/// Names of what a bound statement returns.
async fn outputs(session: &LakeSession, seen: &str, query: &str) -> Result<Vec<String>, EngineError> {
    let plan = session.plan(&format!("{seen}SELECT found.* FROM (\n{query}\n) AS found")).await?;
    Ok(plan.schema().fields().iter().map(|field| field.name().clone()).collect())
}

fn require(returned: &[String], what: &'static str, columns: &[&str]) -> Result<(), Unbound> {
    match columns.iter().find(|column| !returned.iter().any(|name| name == *column)) {
        Some(column) => Err(Unbound::Lacks { what, column: (*column).to_owned(), returned: returned.join(", ") }),
        None => Ok(()),
    }
}
