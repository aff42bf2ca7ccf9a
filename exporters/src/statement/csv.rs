//! The statement as CSV, one file per table; texts that look like formulas are guarded, as in reports.

use schemas::SlaStatement;

use crate::report::csv::{Cell, CsvTable, Table, instant, number};

/// Every table of the statement. Same statement, same bytes.
pub fn statement_csv(statement: &SlaStatement) -> Vec<CsvTable> {
    vec![results(statement), days(statement), slices(statement), exclusions(statement), revisions(statement)]
}

fn results(statement: &SlaStatement) -> CsvTable {
    let mut table = Table::new(
        "results",
        &[
            "sla",
            "service",
            "tenant",
            "period",
            "state",
            "revision",
            "tier",
            "from",
            "days",
            "metric",
            "method",
            "promise",
            "status",
            "percent",
            "good",
            "valid",
            "excluded",
            "unknown",
            "budget_left",
            "credit_percent",
            "band",
            "is_owed",
            "fee",
            "credit_amount",
            "currency",
            "why",
        ],
    );
    let credit = statement.credit.as_ref();
    for part in &statement.parts {
        for result in &part.results {
            table.row([
                (&statement.sla).into(),
                (&statement.service).into(),
                (&statement.tenant).into(),
                (&statement.period).into(),
                (&statement.state).into(),
                number(statement.revision),
                (&part.tier).into(),
                number(part.from),
                number(part.days),
                (&result.metric).into(),
                (&result.method).into(),
                (&result.promise).into(),
                (&result.status).into(),
                result.percent.as_ref().map_or(Cell::Null, number),
                result.good.into(),
                result.valid.into(),
                result.excluded.into(),
                result.unknown.into(),
                result.budget_left.map_or(Cell::Null, number),
                number(&result.credit_percent),
                result.band.as_ref().into(),
                number(result.is_owed),
                credit.map_or(Cell::Null, |credit| number(&credit.fee)),
                credit.map_or(Cell::Null, |credit| number(&credit.amount)),
                credit.map(|credit| &credit.currency).into(),
                result.why.as_ref().into(),
            ]);
        }
    }
    table.done()
}

fn days(statement: &SlaStatement) -> CsvTable {
    let mut table = Table::new("days", &["day", "slices", "bad", "excluded", "unknown"]);
    for day in &statement.days {
        table.row([number(day.day), day.slices.into(), day.bad.into(), day.excluded.into(), day.unknown.into()]);
    }
    table.done()
}

fn slices(statement: &SlaStatement) -> CsvTable {
    let mut table = Table::new("slices", &["what", "start_at", "end_at", "slices", "total", "failed", "exclusion_id"]);
    for run in &statement.runs {
        table.row([
            (&run.what).into(),
            instant(run.interval.start),
            instant(run.interval.end),
            run.slices.into(),
            run.total.into(),
            run.failed.into(),
            run.exclusion.as_ref().into(),
        ]);
    }
    table.done()
}

fn exclusions(statement: &SlaStatement) -> CsvTable {
    let mut table = Table::new(
        "exclusions",
        &[
            "exclusion_id",
            "kind",
            "start_at",
            "end_at",
            "announced_at",
            "approved_by",
            "ticket",
            "reason",
            "slices",
            "ignored",
        ],
    );
    for one in &statement.exclusions {
        table.row([
            (&one.id).into(),
            (&one.kind).into(),
            instant(one.interval.start),
            instant(one.interval.end),
            one.announced_at.map_or(Cell::Null, instant),
            (&one.approved_by).into(),
            one.ticket.as_ref().into(),
            (&one.reason).into(),
            one.slices.into(),
            one.ignored.as_ref().into(),
        ]);
    }
    table.done()
}

fn revisions(statement: &SlaStatement) -> CsvTable {
    let mut table =
        Table::new("revisions", &["revision", "state", "computed_at", "run", "figures", "credit_amount", "cause"]);
    for one in &statement.revisions {
        table.row([
            number(one.revision),
            (&one.state).into(),
            instant(one.at),
            (&one.run).into(),
            (&one.figures).into(),
            one.amount.as_ref().map_or(Cell::Null, number),
            one.cause.as_ref().into(),
        ]);
    }
    table.done()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statement::sample::{hostile, sample};

    #[test]
    fn tables_have_every_figure_and_guard_formulas() {
        let tables = statement_csv(&sample());
        let text = |name: &str| {
            let table = tables.iter().find(|table| table.name == name).expect("a table");
            String::from_utf8(table.bytes.clone()).expect("text")
        };
        assert_eq!(text("days").lines().count(), 1 + sample().days.len());
        assert!(text("results").contains(",99.8981,43156,43200,0,0,-1,10,"));
        assert!(text("revisions").contains("rows came late"));
        let guarded = statement_csv(&hostile());
        assert!(guarded.iter().any(|table| String::from_utf8_lossy(&table.bytes).contains("'=cmd")));
    }
}
