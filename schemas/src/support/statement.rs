//! The statement of a support agreement: what became of one tenant's tickets of a period, with everything a reader needs to
//! check it.
//!
//! It speaks of one tenant alone. Absent: people who opened tickets or worked on them, what tickets say, and money.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::report::{InputFile, Interval};
use crate::result_revision::ResultRevision;

/// A statement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SupportStatement {
    /// The lake.
    pub lake: String,
    /// The agreement.
    pub support: String,
    /// Whose it is.
    pub tenant: String,
    /// The tier of the tenant; the one that decides stands in each ticket.
    pub tier: String,
    /// Name of the period, for example `2026-09`.
    pub period: String,
    /// Its time, in which the tickets were opened.
    pub interval: Interval,
    /// The instant as of which tickets are judged.
    pub judged_at: DateTime<Utc>,
    /// The contract's zone.
    pub timezone: String,
    /// Name of the calendar in whose hours clocks run.
    pub calendar: String,
    /// Zone of the calendar.
    pub calendar_zone: String,
    /// Reasons of pauses for which clocks stand still.
    pub pause_reasons: Vec<String>,
    /// Per cent of a limit from which on an open ticket is warned of.
    pub warn_percent: String,
    /// `provisional`, `final` or `adjusted`.
    pub state: String,
    /// Revision of the result, from 1.
    pub revision: u32,
    /// What is promised, and how it was kept: response, then resolution.
    pub promises: Vec<SupportPromise>,
    /// Tickets by tier and priority, of those that have limits.
    pub groups: Vec<SupportGroup>,
    /// Every ticket of the period, by its id.
    pub tickets: Vec<SupportTicket>,
    /// Every revision of the result, the first one first.
    pub revisions: Vec<ResultRevision>,
    /// Where the figures come from.
    pub provenance: SupportProvenance,
}

/// How one promise was kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SupportPromise {
    /// `response` or `resolution`.
    pub metric: String,
    /// The promise in words, for example `at least 95 % of tickets are answered within their limit`.
    pub promise: String,
    /// Tickets within their limit.
    pub good: u64,
    /// Those of which it is decided.
    pub valid: u64,
    /// The former in per cent of the latter, cut off after four decimals; none where nothing is decided.
    pub percent: Option<String>,
    /// Tickets whose clock runs, and that are not warned of.
    pub running: u64,
    /// Tickets whose clock runs and that are near their limit.
    pub warned: u64,
    /// Tickets whose rows cannot be judged.
    pub not_judged: u64,
    /// `ok`, `missed`, `not_applicable` or `not_evaluated`.
    pub status: String,
    /// Why it was not judged.
    pub why: Option<String>,
    /// How many more may miss their limit; below zero where too many did.
    pub budget_left: Option<i64>,
}

/// Tickets of one tier and priority, for one promise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SupportGroup {
    /// The tier, as tickets have it.
    pub tier: String,
    /// 1, the highest, to 4.
    pub priority: i64,
    /// `response` or `resolution`.
    pub metric: String,
    /// The limit in business time, as hours, minutes and seconds.
    pub limit: String,
    /// The same in seconds.
    pub limit_seconds: u64,
    /// Tickets.
    pub tickets: u64,
    /// Those within the limit.
    pub kept: u64,
    /// Those over it.
    pub missed: u64,
    /// Those whose clock runs, and that are not warned of.
    pub running: u64,
    /// Those whose clock runs and that are near the limit.
    pub warned: u64,
}

/// A ticket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SupportTicket {
    /// Its id.
    pub id: String,
    /// Revision of its row, which was in force.
    pub revision: i64,
    /// Its tier.
    pub tier: String,
    /// Its priority, as the row has it.
    pub priority: i64,
    /// When it was opened.
    pub opened_at: DateTime<Utc>,
    /// Its state, as the source names it.
    pub state: String,
    /// How often it was opened again.
    pub reopened: i64,
    /// The clock until somebody answered; none without a limit.
    pub response: Option<SupportClock>,
    /// The clock until it was resolved; none without a limit.
    pub resolution: Option<SupportClock>,
    /// Its pauses, those that do not count, too.
    pub pauses: Vec<SupportPause>,
    /// Why it is not judged.
    pub not_judged: Option<String>,
}

/// A clock of a ticket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SupportClock {
    /// `kept`, `missed`, `running` or `warned`.
    pub status: String,
    /// When it ended; none while it runs.
    pub ended_at: Option<DateTime<Utc>>,
    /// Business time that counts, as hours, minutes and seconds, cut off.
    pub counted: String,
    /// The same in microseconds.
    pub counted_us: u64,
    /// The limit, as hours, minutes and seconds.
    pub limit: String,
    /// The same in seconds.
    pub limit_seconds: u64,
}

/// Time in which clocks of a ticket were to stand still.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SupportPause {
    /// Its beginning.
    pub from: Option<DateTime<Utc>>,
    /// Its end; none while it goes on.
    pub to: Option<DateTime<Utc>>,
    /// Why, as the source says it.
    pub reason: String,
    /// Why it does not count.
    pub ignored: Option<String>,
}

/// Where the figures come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SupportProvenance {
    /// The run that wrote the statement.
    pub run: String,
    /// Its instant.
    pub at: DateTime<Utc>,
    /// Version of auditlake.
    pub version: String,
    /// The agreement, and versions of its limits and calendar.
    pub defined: String,
    /// SHA-256 of the agreement's file and those of its calendar.
    pub spec_sha256: String,
    /// SHA-256 over the evidence.
    pub evidence_sha256: String,
    /// Objects with the evidence.
    pub evidence: Vec<String>,
    /// Files that were read.
    pub inputs: Vec<InputFile>,
}
