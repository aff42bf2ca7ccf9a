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
    /// What a shared scan needs; none for form 2.
    pub(crate) predicates: Option<Predicates>,
}

/// A control of form 1, bound.
#[derive(Debug, Clone)]
pub(crate) struct Predicates {
    /// The dataset.
    pub(crate) table: String,
    /// Its tenant column, as it stands in SQL.
    pub(crate) tenant: String,
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

    /// The list cut at `max_rows` a scope: numbered in SQL, so that what is dropped is never held.
    pub(crate) fn collect(&self, max_rows: u64) -> String {
        let columns: Vec<String> = self.columns.iter().map(|column| name(column)).collect();
        let columns = columns.join(", ");
        format!(
            "SELECT {columns}\nFROM (\nSELECT {columns}, row_number() OVER (PARTITION BY scope ORDER BY {order}) AS auditlake_row\n\
             FROM (\n{body}\n) AS found\n) AS numbered\nWHERE auditlake_row <= {max_rows}\nORDER BY {order}",
            order = self.order,
            body = self.violations,
        )
    }
}

/// Scope, time, event id where there are such, then what makes the order total enough to repeat.
pub(crate) fn order_by(columns: &[String]) -> String {
    let wanted = ["scope", "time", "event_id", "resource", "reason"];
    let there: Vec<&str> = wanted.into_iter().filter(|name| columns.iter().any(|column| column == name)).collect();
    there.join(", ")
}
