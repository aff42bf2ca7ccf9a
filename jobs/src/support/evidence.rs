//! What proves a result: each ticket with the revision of its row, each pause, and each span of time that counts.
//!
//! Its hash is over lines in an order that follows from the rows alone, so that it does not depend on when they came.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray, UInt64Array};
use arrow::datatypes::{Field, Schema};
use chrono::{DateTime, Utc};
use engine::EngineError;
use schemas::{Interval, OpenSpan, SlaId, TicketMetric, hex, rfc3339};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::judged::{JudgedPause, JudgedTicket, JudgedTickets, TicketClock};
use super::tickets::Ticket;

/// A judged period of a tenant, with the rows that it follows from: one for each judged ticket.
#[derive(Debug, Clone, Copy)]
pub(super) struct Evidence<'a> {
    pub(super) support: &'a SlaId,
    pub(super) tenant: &'a str,
    pub(super) interval: Interval,
    /// The instant as of which it is judged.
    pub(super) at: DateTime<Utc>,
    /// Name of the calendar.
    pub(super) calendar: &'a str,
    pub(super) rows: &'a [Ticket],
    pub(super) judged: &'a JudgedTickets,
}

/// Rows of evidence that are kept.
#[derive(Debug)]
pub(super) struct EvidenceTable {
    pub(super) name: &'static str,
    pub(super) rows: RecordBatch,
}

impl Evidence<'_> {
    /// SHA-256 over all of it, and over the rows that were read.
    pub(super) fn hashes(&self) -> (String, String) {
        let (mut all, mut read) = (Sha256::new(), Sha256::new());
        let times = [self.interval.start, self.interval.end, self.at].map(rfc3339);
        line(&mut all, &json!(["support", self.support, self.tenant, self.calendar, times]));
        for one in &self.judged.promises {
            let target = [one.target.num(), one.target.den()];
            line(&mut all, &json!(["promise", one.metric, one.valid, one.good, one.not_judged, target]));
        }
        for (row, ticket) in self.rows.iter().zip(&self.judged.tickets) {
            let times = [Some(row.opened_at), row.first_response_at, row.resolved_at].map(|at| at.map(rfc3339));
            let of_row =
                json!(["ticket", row.id, row.revision, row.tier, row.priority, times, row.state, row.reopened]);
            line(&mut all, &of_row);
            line(&mut read, &of_row);
            for pause in &ticket.pauses {
                let times = [pause.from, pause.to].map(|at| at.map(rfc3339));
                line(&mut read, &json!(["pause", times, pause.reason]));
                line(&mut all, &json!(["pause", times, pause.reason, pause.ignored]));
            }
            line(&mut all, &json!(["not judged", ticket.not_judged]));
            for (metric, clock) in &ticket.clocks {
                let ended = clock.ended_at.map(rfc3339);
                line(&mut all, &json!(["clock", metric, clock.status, clock.counted_us, clock.limit_seconds, ended]));
                for span in &clock.counted {
                    let times = [span.interval.start, span.interval.end].map(rfc3339);
                    line(&mut all, &json!(["counted", times, span.version]));
                }
            }
        }
        (hex(&all.finalize()), hex(&read.finalize()))
    }

    /// The evidence as tables: tickets, pauses and intervals.
    pub(super) fn tables(&self) -> Result<Vec<EvidenceTable>, EngineError> {
        let tables = [("tickets", self.tickets()), ("pauses", self.pauses()), ("intervals", self.intervals())];
        let table = |(name, columns)| Ok(EvidenceTable { name, rows: self.batch(columns)? });
        tables.into_iter().map(table).collect()
    }

    fn tickets(&self) -> Columns {
        let (rows, judged) = (self.rows, &self.judged.tickets);
        let mut columns: Columns = vec![
            ("ticket_id", text(rows.iter().map(|row| Some(row.id.as_str())))),
            ("revision", numbers(rows.iter().map(|row| row.revision))),
            ("tier", text(rows.iter().map(|row| Some(row.tier.as_str())))),
            ("priority", numbers(rows.iter().map(|row| row.priority))),
            ("state", text(rows.iter().map(|row| Some(row.state.as_str())))),
            ("reopened", numbers(rows.iter().map(|row| row.reopened))),
            ("opened_at", instants(rows.iter().map(|row| Some(row.opened_at)))),
            ("first_response_at", instants(rows.iter().map(|row| row.first_response_at))),
            ("resolved_at", instants(rows.iter().map(|row| row.resolved_at))),
            ("judged_at", instants(rows.iter().map(|_| Some(self.at)))),
            ("not_judged", text(judged.iter().map(|one| one.not_judged.as_deref()))),
        ];
        const NAMES: [[&str; 4]; 2] = [
            ["response", "response_ended_at", "response_us", "response_limit_s"],
            ["resolution", "resolution_ended_at", "resolution_us", "resolution_limit_s"],
        ];
        for (metric, [status, ended_at, counted, limit]) in TicketMetric::ALL.into_iter().zip(NAMES) {
            let clock = |one: &'_ JudgedTicket| one.clocks.get(&metric).cloned();
            let clocks: Vec<Option<TicketClock>> = judged.iter().map(clock).collect();
            let of = || clocks.iter().map(Option::as_ref);
            columns.push((status, text(of().map(|clock| Some(clock?.status.as_str())))));
            columns.push((ended_at, instants(of().map(|clock| clock?.ended_at))));
            columns.push((counted, counts(of().map(|clock| Some(clock?.counted_us)))));
            columns.push((limit, counts(of().map(|clock| Some(clock?.limit_seconds)))));
        }
        columns
    }

    fn pauses(&self) -> Columns {
        let all: Vec<(&str, &JudgedPause)> = self
            .judged
            .tickets
            .iter()
            .flat_map(|one| one.pauses.iter().map(|pause| (one.id.as_str(), pause)))
            .collect();
        vec![
            ("ticket_id", text(all.iter().map(|(id, _)| Some(*id)))),
            ("from", instants(all.iter().map(|(_, pause)| pause.from))),
            ("to", instants(all.iter().map(|(_, pause)| pause.to))),
            ("reason", text(all.iter().map(|(_, pause)| pause.reason.as_deref()))),
            ("ignored", text(all.iter().map(|(_, pause)| pause.ignored.as_deref()))),
        ]
    }

    fn intervals(&self) -> Columns {
        let mut all: Vec<(&str, TicketMetric, &OpenSpan)> = Vec::new();
        for ticket in &self.judged.tickets {
            for (metric, clock) in &ticket.clocks {
                all.extend(clock.counted.iter().map(|span| (ticket.id.as_str(), *metric, span)));
            }
        }
        vec![
            ("ticket_id", text(all.iter().map(|(id, ..)| Some(*id)))),
            ("metric", text(all.iter().map(|(_, metric, _)| Some(metric.as_str())))),
            ("start", instants(all.iter().map(|(.., span)| Some(span.interval.start)))),
            ("end", instants(all.iter().map(|(.., span)| Some(span.interval.end)))),
            ("calendar", text(all.iter().map(|_| Some(self.calendar)))),
            ("calendar_version", numbers(all.iter().map(|(.., span)| i64::from(span.version)))),
        ]
    }

    /// Columns behind that of the tenant.
    fn batch(&self, columns: Columns) -> Result<RecordBatch, EngineError> {
        let rows = columns.first().map_or(0, |(_, column)| column.len());
        let tenant = ("tenant_id", text(std::iter::repeat_n(Some(self.tenant), rows)));
        let columns: Columns = std::iter::once(tenant).chain(columns).collect();
        let fields = columns.iter().map(|(name, column)| Field::new(*name, column.data_type().clone(), true));
        let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        let failed = |error| EngineError::Bug { what: format!("evidence of tickets is no table ({error})") };
        RecordBatch::try_new(schema, columns.into_iter().map(|(_, column)| column).collect()).map_err(failed)
    }
}

type Columns = Vec<(&'static str, ArrayRef)>;

fn line(hash: &mut Sha256, value: &Value) {
    hash.update(value.to_string());
    hash.update("\n");
}

fn text<'a>(values: impl Iterator<Item = Option<&'a str>>) -> ArrayRef {
    Arc::new(values.collect::<StringArray>())
}

fn numbers(values: impl Iterator<Item = i64>) -> ArrayRef {
    Arc::new(Int64Array::from_iter_values(values))
}

fn counts(values: impl Iterator<Item = Option<u64>>) -> ArrayRef {
    Arc::new(values.collect::<UInt64Array>())
}

fn instants(values: impl Iterator<Item = Option<DateTime<Utc>>>) -> ArrayRef {
    let micros: TimestampMicrosecondArray = values.map(|at| at.map(|at| at.timestamp_micros())).collect();
    Arc::new(micros.with_timezone("UTC"))
}
