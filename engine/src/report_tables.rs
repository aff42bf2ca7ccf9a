//! Sessions for sections of reports: a statement sees the tables it was given, under the names it gives them, and nothing else.
//!
//! For a tenant each table is a view that admits that tenant's rows, and no record of our own is there; so a statement cannot reach
//! another tenant's rows, whatever it says. Absent: what is done with the rows.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafusion::catalog::TableProvider;
use datafusion::common::TableReference;
use datafusion::datasource::empty::EmptyTable;
use datafusion::datasource::{ViewTable, provider_as_source};
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, ident, lit};
use schemas::Interval;

use crate::control::{instant, name};
use crate::error::EngineError;
use crate::export_plan::{is_volatile, with_interval};
use crate::lake_session::LakeSession;
use crate::session::over_tables;

/// What a section sees.
#[derive(Debug, Clone)]
pub struct SectionTables<'a> {
    /// The dataset behind each name.
    pub datasets: BTreeMap<&'a str, &'a str>,
    /// Records of our own, by their names in schema `auditlake`; none are seen for a tenant.
    pub records: Vec<&'a str>,
    /// The one tenant whose rows exist.
    pub tenant: Option<&'a str>,
}

/// A statement of a section, planned.
#[derive(Debug, Clone)]
pub struct SectionPlan {
    /// Gives its rows.
    pub plan: LogicalPlan,
    /// The columns of its rows.
    pub columns: SchemaRef,
}

impl LakeSession {
    /// A session that sees these tables and nothing else.
    ///
    /// # Errors
    /// When a table is not there or cannot be listed, and when a tenant's rows cannot be told apart.
    pub async fn of_section(&self, tables: &SectionTables<'_>) -> Result<Self, EngineError> {
        let mut named: Vec<(&str, Arc<dyn TableProvider>)> = Vec::new();
        for (role, dataset) in &tables.datasets {
            named.push((role, self.rows_of(dataset, tables.tenant).await?));
        }
        let records = match tables.tenant {
            None => self.records(&tables.records).await?,
            Some(_) if tables.records.is_empty() => Vec::new(),
            Some(_) => return Err(EngineError::Bug { what: "a tenant's report was given records of all".to_owned() }),
        };
        let state = over_tables(&self.state, &named, &records)?;
        Ok(Self { state, files: Arc::clone(&self.files), viewing: self.viewing.clone() })
    }

    /// A session in which these tables have columns and no rows, for what must only plan.
    ///
    /// # Errors
    /// When there is no record of our own of a name.
    pub async fn of_empty_section(&self, tables: &[(&str, SchemaRef)], records: &[&str]) -> Result<Self, EngineError> {
        let empty = |columns: &SchemaRef| Arc::new(EmptyTable::new(Arc::clone(columns))) as Arc<dyn TableProvider>;
        let named: Vec<_> = tables.iter().map(|(name, columns)| (*name, empty(columns))).collect();
        let state = over_tables(&self.state, &named, &self.records(records).await?)?;
        Ok(Self { state, files: Arc::clone(&self.files), viewing: self.viewing.clone() })
    }

    /// Plans a statement for an interval.
    ///
    /// # Errors
    /// When it does not plan, names a value other than `$start` and `$end`, or answers differently each time.
    pub async fn section_plan(&self, sql: &str, interval: Interval) -> Result<SectionPlan, EngineError> {
        let plan = with_interval(self.plan(sql).await?, Some(interval))?;
        if is_volatile(&plan)? {
            return Err(EngineError::Volatile);
        }
        let columns = Arc::new(plan.schema().as_arrow().clone());
        Ok(SectionPlan { plan, columns })
    }

    /// The rows of a dataset, of one tenant or of all.
    async fn rows_of(&self, dataset: &str, tenant: Option<&str>) -> Result<Arc<dyn TableProvider>, EngineError> {
        let Some(table) = self.table(dataset).await? else {
            return Err(EngineError::Bug { what: format!("dataset \"{dataset}\" of a report is not there") });
        };
        let Some(tenant) = tenant else { return viewed(dataset, table, None) };
        let column = self.dataset(dataset).map(|dataset| dataset.tenant.as_str()).filter(|column| !column.is_empty());
        let Some(column) = column else {
            return Err(EngineError::Bug { what: format!("rows of dataset \"{dataset}\" have no tenant") });
        };
        viewed(dataset, table, Some(ident(column).eq(lit(tenant))))
    }

    /// Records of our own, by name.
    async fn records<'a>(&self, names: &[&'a str]) -> Result<Vec<(&'a str, Arc<dyn TableProvider>)>, EngineError> {
        let failed = |source| EngineError::sql("planned", source);
        let mut found = Vec::new();
        for name in names {
            let named = TableReference::partial("auditlake", *name);
            let schema = self.state.schema_for_ref(named).map_err(failed)?;
            let Some(table) = schema.table(name).await.map_err(failed)? else {
                let known: Vec<String> = schema.table_names();
                return Err(EngineError::Mapping {
                    mapping: format!("auditlake.{name}"),
                    why: format!("there is no such record; there are: {}", known.join(", ")),
                });
            };
            found.push((*name, table));
        }
        Ok(found)
    }
}

/// A view, so that the plan below it names the dataset and not the role.
fn viewed(
    dataset: &str,
    table: Arc<dyn TableProvider>,
    condition: Option<Expr>,
) -> Result<Arc<dyn TableProvider>, EngineError> {
    let failed = |source| EngineError::sql("planned", source);
    let rows = LogicalPlanBuilder::scan(TableReference::bare(dataset), provider_as_source(table), None);
    let rows = match condition {
        Some(condition) => rows.and_then(|rows| rows.filter(condition)),
        None => rows,
    };
    let rows = rows.and_then(LogicalPlanBuilder::build).map_err(failed)?;
    Ok(Arc::new(ViewTable::new(rows, None)))
}

/// A statement of a section as `auditlake sql` takes it: its tables by the names of the lake, its bounds as values.
pub fn section_sql(
    sql: &str,
    tables: &SectionTables<'_>,
    interval: Interval,
    tenant_of: &dyn Fn(&str) -> String,
) -> String {
    let mut named = Vec::new();
    // By schema and name, as a name alone may be that of another role.
    for (role, dataset) in &tables.datasets {
        let rows = format!("SELECT * FROM public.{}", name(dataset));
        match tables.tenant {
            Some(tenant) => {
                let tenant = tenant.replace('\'', "''");
                named.push(format!("{} AS ({rows} WHERE {} = '{tenant}')", name(role), name(&tenant_of(dataset))));
            }
            // What is called so already needs no other name.
            None if role == dataset => {}
            None => named.push(format!("{} AS ({rows})", name(role))),
        }
    }
    let (start, end) = (instant(interval.start), instant(interval.end));
    let sql = with_values(sql.trim_end().trim_end_matches(';'), &[("start", &start), ("end", &end)]);
    if named.is_empty() {
        return sql;
    }
    let named = named.join(",\n  ");
    let begins = after_blanks(&sql);
    match keyword(begins, "WITH") {
        Some(rest) => match keyword(after_blanks(rest), "RECURSIVE") {
            Some(rest) => format!("WITH RECURSIVE {named},\n {rest}"),
            None => format!("WITH {named},\n {rest}"),
        },
        None => format!("WITH {named}\n{sql}"),
    }
}

/// What stands behind a word that a text begins with.
fn keyword<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    let (begins, rest) = text.split_at_checked(word.len())?;
    let is_whole = rest.starts_with(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
    (begins.eq_ignore_ascii_case(word) && is_whole).then_some(rest)
}

/// A statement without blanks and comments at its beginning.
fn after_blanks(sql: &str) -> &str {
    let mut rest = sql.trim_start();
    loop {
        let behind = if rest.starts_with("--") {
            rest.split_once('\n').map_or("", |(_, rest)| rest)
        } else if rest.starts_with("/*") {
            rest.split_once("*/").map_or("", |(_, rest)| rest)
        } else {
            return rest;
        };
        rest = behind.trim_start();
    }
}

/// A statement with values in place of names after `$`, outside of texts, quoted names and comments.
fn with_values(sql: &str, values: &[(&str, &str)]) -> String {
    let (mut out, mut rest) = (String::with_capacity(sql.len()), sql);
    while let Some(at) = rest.find(['$', '\'', '"', '-', '/']) {
        let (before, tail) = rest.split_at(at);
        out.push_str(before);
        let whole = match tail.as_bytes() {
            [b'$', ..] => {
                let word = tail[1..].find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(tail.len() - 1);
                match values.iter().find(|(name, _)| *name == &tail[1..=word]) {
                    Some((_, value)) => {
                        out.push_str(value);
                        rest = &tail[1 + word..];
                        continue;
                    }
                    None => 1,
                }
            }
            [b'-', b'-', ..] => tail.find('\n').unwrap_or(tail.len()),
            [b'/', b'*', ..] => tail.find("*/").map_or(tail.len(), |at| at + 2),
            [quote @ (b'\'' | b'"'), ..] => tail[1..].find(char::from(*quote)).map_or(tail.len(), |at| at + 2),
            _ => 1,
        };
        let (kept, behind) = tail.split_at(whole);
        out.push_str(kept);
        rest = behind;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, TimeDelta};

    use super::*;

    fn shown(sql: &str, tenant: Option<&str>) -> String {
        let datasets = [("requests", "request_1m"), ("usage", "usage")].into();
        let tables = SectionTables { datasets, records: Vec::new(), tenant };
        let start = DateTime::UNIX_EPOCH;
        let interval = Interval { start, end: start + TimeDelta::days(1) };
        section_sql(sql, &tables, interval, &|_| "tenant_id".to_owned())
    }

    #[test]
    fn a_statement_is_shown_with_the_names_of_the_lake() {
        assert_eq!(
            shown("SELECT 1 FROM requests;\n", None),
            "WITH requests AS (SELECT * FROM public.request_1m)\nSELECT 1 FROM requests"
        );
        assert_eq!(
            shown("-- all\nwith a AS (SELECT 1) SELECT * FROM a", Some("O'Neil")),
            "WITH requests AS (SELECT * FROM public.request_1m WHERE tenant_id = 'O''Neil'),\n  \
             usage AS (SELECT * FROM public.usage WHERE tenant_id = 'O''Neil'),\n  a AS (SELECT 1) SELECT * FROM a"
        );
        let recursive = shown("WITH RECURSIVE a AS (SELECT 1) SELECT * FROM a", None);
        assert!(recursive.starts_with("WITH RECURSIVE requests AS "), "{recursive}");
        let word = shown("WITHOUT", None);
        assert!(word.starts_with("WITH requests AS (SELECT * FROM public.request_1m)\nWITHOUT"), "{word}");
    }

    #[test]
    fn bounds_stand_in_place_of_their_names_and_nowhere_else() {
        let start = "arrow_cast('1970-01-01T00:00:00Z', 'Timestamp(Microsecond, Some(\"UTC\"))')";
        let told = with_values(
            "a >= $start AND b = '$start it''s' -- $start\n AND \"$start\" / $starts - $start",
            &[("start", start)],
        );
        assert_eq!(told, format!("a >= {start} AND b = '$start it''s' -- $start\n AND \"$start\" / $starts - {start}"));
        assert_eq!(with_values("/* $start */ $", &[("start", start)]), "/* $start */ $");
    }
}
