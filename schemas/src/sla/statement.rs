//! The statement of an SLA: what one tenant's period came to, with everything a reader needs to check it.
//!
//! It speaks of one tenant alone. Absent: other tenants, and what requests were.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

use crate::report::{InputFile, Interval};

/// A statement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlaStatement {
    /// The lake.
    pub lake: String,
    /// The SLA.
    pub sla: String,
    /// The service.
    pub service: String,
    /// Whose it is.
    pub tenant: String,
    /// Name of the period, for example `2026-09`.
    pub period: String,
    /// Its time.
    pub interval: Interval,
    /// The contract's zone.
    pub timezone: String,
    /// `provisional`, `final` or `adjusted`.
    pub state: String,
    /// Revision of the result, from 1.
    pub revision: u32,
    /// What slices are measured by: `requests` or `probes`.
    pub measured_by: String,
    /// Minutes of a slice.
    pub slice_minutes: u32,
    /// Slices of the period.
    pub slices: u64,
    /// Days under one tier each.
    pub parts: Vec<StatementPart>,
    /// What is paid; none where that cannot be told.
    pub credit: Option<StatementCredit>,
    /// Why it cannot.
    pub no_credit: Option<String>,
    /// Days of the period, in the contract's zone.
    pub days: Vec<StatementDay>,
    /// Bad, excluded and unknown slices, in runs.
    pub runs: Vec<StatementRun>,
    /// Windows that were to be excluded, and what became of them.
    pub exclusions: Vec<StatementExclusion>,
    /// Every revision of the result, the first one first.
    pub revisions: Vec<StatementRevision>,
    /// Where the figures come from.
    pub provenance: StatementProvenance,
}

/// Days under one tier.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatementPart {
    /// The tier.
    pub tier: String,
    /// Its first day.
    pub from: NaiveDate,
    /// How many.
    pub days: u32,
    /// Requests or checks that count.
    pub total: u64,
    /// Of those, which failed.
    pub failed: u64,
    /// What is promised, and how it was kept.
    pub results: Vec<StatementResult>,
    /// Median of latency, microseconds; percentiles are estimates within one per cent and decide nothing.
    pub p50_us: Option<i64>,
    /// 95th percentile.
    pub p95_us: Option<i64>,
    /// 99th percentile.
    pub p99_us: Option<i64>,
}

/// How one promise was kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatementResult {
    /// `uptime`, `errors` or `latency`.
    pub metric: String,
    /// The promise in words, for example `at least 99.9 % of slices are good`.
    pub promise: String,
    /// `timeslices`, `occurrences` or `ratio_timeslices`.
    pub method: String,
    /// Good ones, of those that are judged.
    pub good: u64,
    /// Those that are judged.
    pub valid: u64,
    /// Good ones in per cent, cut off after four decimals; none where nothing was judged.
    pub percent: Option<String>,
    /// Slices that do not count.
    pub excluded: u64,
    /// Slices of which nothing is known.
    pub unknown: u64,
    /// `ok`, `missed`, `not_applicable` or `not_evaluated`.
    pub status: String,
    /// Why it was not judged.
    pub why: Option<String>,
    /// How many more may be bad; below zero where too many were.
    pub budget_left: Option<i64>,
    /// Per cent of the fee by the ladder.
    pub credit_percent: String,
    /// The step of the ladder.
    pub band: Option<String>,
    /// Whether its credit is the one that counts.
    pub is_owed: bool,
}

/// What is paid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatementCredit {
    /// The fee.
    pub fee: String,
    /// ISO 4217.
    pub currency: String,
    /// The amount.
    pub amount: String,
    /// How it comes about, with numbers filled in: a line for each part.
    pub formula: Vec<String>,
    /// Why less is paid than the ladder says.
    pub note: Option<String>,
}

/// A day, by its slices.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatementDay {
    /// Which one.
    pub day: NaiveDate,
    /// Its slices.
    pub slices: u64,
    /// Bad ones.
    pub bad: u64,
    /// Those that do not count.
    pub excluded: u64,
    /// Those of which nothing is known.
    pub unknown: u64,
}

/// Slices in a row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatementRun {
    /// `bad`, `excluded` or `unknown`.
    pub what: String,
    /// Their time.
    pub interval: Interval,
    /// How many.
    pub slices: u64,
    /// Requests or checks in them.
    pub total: u64,
    /// Those that failed.
    pub failed: u64,
    /// The window, of excluded ones.
    pub exclusion: Option<String>,
}

/// A window.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatementExclusion {
    /// Its id.
    pub id: String,
    /// `maintenance`, `customer_fault`, `force_majeure` or `correction`.
    pub kind: String,
    /// Its time.
    pub interval: Interval,
    /// When it was announced.
    pub announced_at: Option<DateTime<Utc>>,
    /// Who approved it.
    pub approved_by: String,
    /// The ticket.
    pub ticket: Option<String>,
    /// Why.
    pub reason: String,
    /// Slices that do not count because of it.
    pub slices: u64,
    /// By which rule it does not count, or not whole.
    pub ignored: Option<String>,
}

/// A revision of the result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatementRevision {
    /// From 1.
    pub revision: u32,
    /// `provisional`, `final` or `adjusted`.
    pub state: String,
    /// Instant of the run.
    pub at: DateTime<Utc>,
    /// The run.
    pub run: String,
    /// What it says, in a line.
    pub figures: String,
    /// What is paid by it.
    pub amount: Option<String>,
    /// Why a result that was final changed.
    pub cause: Option<String>,
}

/// Where the figures come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatementProvenance {
    /// The run that wrote the statement.
    pub run: String,
    /// Its instant.
    pub at: DateTime<Utc>,
    /// Version of auditlake.
    pub version: String,
    /// Name and version of the tiers.
    pub tiers: String,
    /// SHA-256 of the SLA's file and that of its tiers.
    pub spec_sha256: String,
    /// SHA-256 over the evidence.
    pub evidence_sha256: String,
    /// Objects with the evidence.
    pub evidence: Vec<String>,
    /// Files that were read.
    pub inputs: Vec<InputFile>,
}
