//! The statement as CSV, one file per table; texts that look like formulas are guarded, as in reports.

use schemas::{UsagePart, UsageQuota, UsageStatement};

use crate::report::csv::{Cell, CsvTable, Table, instant, number};
use crate::statement::revisions;

/// Every table of the statement. Same statement, same bytes.
pub fn usage_csv(statement: &UsageStatement) -> Vec<CsvTable> {
    vec![quotas(statement), days(statement), charges(statement), revisions::table(&statement.revisions)]
}

fn each(statement: &UsageStatement) -> impl Iterator<Item = (&UsagePart, &UsageQuota)> {
    statement.parts.iter().flat_map(|part| part.quotas.iter().map(move |quota| (part, quota)))
}

fn quotas(statement: &UsageStatement) -> CsvTable {
    let columns = [
        "usage",
        "tenant",
        "period",
        "until",
        "state",
        "revision",
        "tier",
        "from",
        "days",
        "quota",
        "meter",
        "measure",
        "is_daily",
        "unit",
        "used",
        "limit",
        "percent",
        "status",
        "days_over",
        "peak_at",
        "rows",
        "note",
    ];
    let mut table = Table::new("quotas", &columns);
    for (part, quota) in each(statement) {
        table.row([
            (&statement.usage).into(),
            (&statement.tenant).into(),
            (&statement.period).into(),
            instant(statement.until),
            (&statement.state).into(),
            number(statement.revision),
            (&part.tier).into(),
            number(part.from),
            number(part.days),
            (&quota.quota).into(),
            (&quota.meter).into(),
            (&quota.measure).into(),
            number(quota.is_daily),
            quota.unit.as_ref().into(),
            quota.used.as_ref().map_or(Cell::Null, number),
            quota.limit.as_ref().map_or(Cell::Null, number),
            quota.percent.as_ref().map_or(Cell::Null, number),
            (&quota.status).into(),
            number(quota.days_over),
            quota.peak_at.as_ref().map_or(Cell::Null, number),
            quota.rows.into(),
            quota.note.as_ref().into(),
        ]);
    }
    table.done()
}

fn days(statement: &UsageStatement) -> CsvTable {
    let mut table = Table::new("days", &["quota", "tier", "day", "used", "limit", "status"]);
    for (part, quota) in each(statement) {
        for day in &quota.days {
            table.row([
                (&quota.quota).into(),
                (&part.tier).into(),
                number(day.day),
                number(&day.used),
                quota.limit.as_ref().map_or(Cell::Null, number),
                (&day.status).into(),
            ]);
        }
    }
    table.done()
}

fn charges(statement: &UsageStatement) -> CsvTable {
    let mut table = Table::new("charges", &["category", "class", "service", "currency", "rows", "billed_cost"]);
    for one in &statement.charges {
        table.row([
            (&one.category).into(),
            one.class.as_ref().into(),
            (&one.service).into(),
            (&one.currency).into(),
            one.rows.into(),
            number(&one.billed_cost),
        ]);
    }
    table.done()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::usage::sample::{hostile, sample};

    #[test]
    fn tables_have_every_figure_and_guard_formulas() {
        let tables = usage_csv(&sample());
        let text = |name: &str| {
            let table = tables.iter().find(|table| table.name == name).expect("a table");
            String::from_utf8(table.bytes.clone()).expect("text")
        };
        assert!(text("quotas").contains(",60000,50000,120.00,over,1,2026-09-12,"));
        assert!(text("days").contains(",2026-09-12,60000,50000,over"));
        assert!(text("charges").contains(",-0.000000000001"), "an amount is no formula");
        let guarded = usage_csv(&hostile());
        assert!(guarded.iter().any(|table| String::from_utf8_lossy(&table.bytes).contains("'=cmd")));
    }
}
