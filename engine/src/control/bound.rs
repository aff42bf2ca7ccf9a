//! The SQL of a control with every value in place.

use super::bind::name;

/// Counts and list of one control, ready to run.
#[derive(Debug, Clone)]
pub(crate) struct BoundSql {
    /// Returns scope, n, v, u_violation, u_population, and w where the control counts it.
    pub(crate) counts: String,
    /// Returns `columns`, one row for each violation, in no order.
    pub(crate) violations: String,
    /// The order of violations.
    pub(crate) order: String,
    /// What `violations` returns, in order.
    pub(crate) columns: Vec<String>,
    /// What its scans share with others, or need not do twice.
    pub(crate) parts: Parts,
}

/// A control in the pieces that are run.
#[derive(Debug, Clone)]
pub(crate) enum Parts {
    /// Form 1.
    Rows(Predicates),
    /// Form 2.
    Statements(Statements),
}

/// A control of form 2, bound.
#[derive(Debug, Clone)]
pub(crate) struct Statements {
    /// Returns what the counts return, without any violation.
    pub(crate) population: String,
    /// Whether w is counted.
    pub(crate) warns: bool,
    /// Returns the violations of the interval, without their origin where that stands elsewhere.
    pub(crate) found: String,
    /// The list of violations over the table [`FOUND`], which has the rows of `found`.
    pub(crate) list: String,
    /// The dataset that says where violations come from, where their statement does not.
    pub(crate) origin: Option<Origin>,
}

/// Name of the table that holds violations.
pub(crate) const FOUND: &str = "auditlake_found";

/// Where the origin of violations stands.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Origin {
    /// The dataset.
    pub(crate) table: String,
    /// Its tenant column.
    pub(crate) tenant: String,
}

/// A control of form 1, bound.
#[derive(Debug, Clone)]
pub(crate) struct Predicates {
    /// The dataset.
    pub(crate) table: String,
    /// Its tenant column, as it stands in SQL.
    pub(crate) tenant: String,
    /// Its time column, by its name.
    pub(crate) time: Option<String>,
    /// The interval as a condition.
    pub(crate) within: Option<String>,
    /// Which rows the control is about.
    pub(crate) population: String,
    /// Which of them violate.
    pub(crate) violation: String,
}

impl BoundSql {
    /// The list of violations as reports print it.
    pub(crate) fn printed_violations(&self) -> String {
        format!("{}\nORDER BY {}", self.violations, self.order)
    }

    /// The list `body` cut at `max_rows` a scope: numbered in SQL, so that what is dropped is never held.
    pub(crate) fn collect(&self, body: &str, max_rows: u64) -> String {
        let columns: Vec<String> = self.columns.iter().map(|column| name(column)).collect();
        let columns = columns.join(", ");
        format!(
            "SELECT {columns}\nFROM (\nSELECT {columns}, row_number() OVER (PARTITION BY scope ORDER BY {order}) AS auditlake_row\n\
             FROM (\n{body}\n) AS found\n) AS numbered\nWHERE auditlake_row <= {max_rows}\nORDER BY {order}",
            order = self.order,
        )
    }
}

/// Scope, time, event id where there are such, then what makes the order total enough to repeat.
pub(crate) fn order_by(columns: &[String]) -> String {
    let wanted = ["scope", "time", "event_id", "resource", "reason"];
    let there: Vec<&str> = wanted.into_iter().filter(|name| columns.iter().any(|column| column == name)).collect();
    there.join(", ")
}
