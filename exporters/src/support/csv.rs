//! The statement as CSV, one file per table; texts that look like formulas are guarded, as in reports.

use schemas::{SupportClock, SupportStatement};

use crate::report::csv::{Cell, CsvTable, Table, instant, number};
use crate::statement::revisions;

/// Every table of the statement. Same statement, same bytes.
pub fn support_csv(statement: &SupportStatement) -> Vec<CsvTable> {
    vec![
        promises(statement),
        priorities(statement),
        tickets(statement),
        pauses(statement),
        revisions::table(&statement.revisions),
    ]
}

fn promises(statement: &SupportStatement) -> CsvTable {
    let mut table = Table::new(
        "promises",
        &[
            "support",
            "tenant",
            "period",
            "state",
            "revision",
            "judged_at",
            "tier",
            "metric",
            "promise",
            "status",
            "percent",
            "good",
            "valid",
            "running",
            "warned",
            "not_judged",
            "budget_left",
            "why",
        ],
    );
    for one in &statement.promises {
        table.row([
            (&statement.support).into(),
            (&statement.tenant).into(),
            (&statement.period).into(),
            (&statement.state).into(),
            number(statement.revision),
            instant(statement.judged_at),
            (&statement.tier).into(),
            (&one.metric).into(),
            (&one.promise).into(),
            (&one.status).into(),
            one.percent.as_ref().map_or(Cell::Null, number),
            one.good.into(),
            one.valid.into(),
            one.running.into(),
            one.warned.into(),
            one.not_judged.into(),
            one.budget_left.map_or(Cell::Null, number),
            one.why.as_ref().into(),
        ]);
    }
    table.done()
}

fn priorities(statement: &SupportStatement) -> CsvTable {
    let mut table = Table::new(
        "priorities",
        &["tier", "priority", "metric", "limit_s", "tickets", "kept", "missed", "running", "warned"],
    );
    for one in &statement.groups {
        table.row([
            (&one.tier).into(),
            number(one.priority),
            (&one.metric).into(),
            one.limit_seconds.into(),
            one.tickets.into(),
            one.kept.into(),
            one.missed.into(),
            one.running.into(),
            one.warned.into(),
        ]);
    }
    table.done()
}

fn tickets(statement: &SupportStatement) -> CsvTable {
    let mut table = Table::new(
        "tickets",
        &[
            "ticket_id",
            "revision",
            "tier",
            "priority",
            "opened_at",
            "state",
            "reopened",
            "response",
            "response_ended_at",
            "response_us",
            "response_limit_s",
            "resolution",
            "resolution_ended_at",
            "resolution_us",
            "resolution_limit_s",
            "not_judged",
        ],
    );
    for one in &statement.tickets {
        let [response, response_ended, response_us, response_limit] = clock(one.response.as_ref());
        let [resolution, resolution_ended, resolution_us, resolution_limit] = clock(one.resolution.as_ref());
        table.row([
            (&one.id).into(),
            number(one.revision),
            (&one.tier).into(),
            number(one.priority),
            instant(one.opened_at),
            (&one.state).into(),
            number(one.reopened),
            response,
            response_ended,
            response_us,
            response_limit,
            resolution,
            resolution_ended,
            resolution_us,
            resolution_limit,
            one.not_judged.as_ref().into(),
        ]);
    }
    table.done()
}

/// Status, end, microseconds and limit.
fn clock(clock: Option<&SupportClock>) -> [Cell; 4] {
    [
        clock.map(|clock| &clock.status).into(),
        clock.and_then(|clock| clock.ended_at).map_or(Cell::Null, instant),
        clock.map(|clock| clock.counted_us).into(),
        clock.map(|clock| clock.limit_seconds).into(),
    ]
}

fn pauses(statement: &SupportStatement) -> CsvTable {
    let mut table = Table::new("pauses", &["ticket_id", "from", "to", "reason", "ignored"]);
    for ticket in &statement.tickets {
        for pause in &ticket.pauses {
            table.row([
                (&ticket.id).into(),
                pause.from.map_or(Cell::Null, instant),
                pause.to.map_or(Cell::Null, instant),
                (&pause.reason).into(),
                pause.ignored.as_ref().into(),
            ]);
        }
    }
    table.done()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::sample::{hostile, sample};

    #[test]
    fn tables_have_every_ticket_and_guard_formulas() {
        let tables = support_csv(&sample());
        let text = |name: &str| {
            let table = tables.iter().find(|table| table.name == name).expect("a table");
            String::from_utf8(table.bytes.clone()).expect("text")
        };
        assert_eq!(text("tickets").lines().count(), 1 + sample().tickets.len());
        assert!(text("tickets").contains("missed,2026-09-03T10:00:00Z,34200000000,28800"), "{}", text("tickets"));
        assert!(text("promises").contains(",66.6666,2,3,0,1,1,"), "{}", text("promises"));
        assert!(text("pauses").contains("only pauses for waiting_customer count"));
        let guarded = support_csv(&hostile());
        assert!(guarded.iter().any(|table| String::from_utf8_lossy(&table.bytes).contains("'=cmd")));
    }
}
