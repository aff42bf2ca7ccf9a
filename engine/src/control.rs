//! Controls over an interval: figures, statuses, and the rows that prove violations.
//!
//! What is not known is a status with a reason, never a pass, and one control's failure touches no other.
//! Absent: writing results, and scores, which `schemas` computes.

mod bind;
mod bound;
mod columns;
mod evaluate;
mod evidence;
mod fused;
mod gathered;
mod held;
mod judge;
mod prepare;
mod rows;
mod sources;
mod statements;
mod tally;

use std::collections::{BTreeMap, BTreeSet};

use schemas::{Control, ControlId, Interval, ParamValue, Status};

pub(crate) use bind::{instant, name};
pub(crate) use columns::{all_input_files, footers};
pub use columns::{files_within, input_files};
pub use evaluate::evaluate;
pub use evidence::{EvidenceRows, pseudonym};

/// The scope of a result that no tenant could be named for.
pub const LAKE_SCOPE: &str = "_lake";

/// Violations held in memory: as many as a report can list, and a small part of what an evaluation takes.
pub const HELD_ROWS: usize = 100_000;

/// What is evaluated, and over what.
#[derive(Debug)]
pub struct EvaluationInput<'a> {
    /// The controls, each once.
    pub controls: Vec<ControlRun<'a>>,
    /// The time looked at.
    pub interval: Interval,
    /// Tenants of earlier results: a tenant that falls silent stays visible.
    pub known_tenants: BTreeSet<String>,
    /// Name of the lake's zone, `$timezone` in SQL.
    pub timezone: String,
    /// Key of the pseudonyms that stand for people in evidence.
    pub pseudonym_key: &'a [u8; 32],
    /// Violations of all controls together that are held in memory, for example [`HELD_ROWS`]; lists that find no room
    /// there are read from files once more. With 0 nothing is held, and each statement reads files by itself.
    pub held_rows: usize,
}

/// A control with the values of its parameters.
#[derive(Debug)]
pub struct ControlRun<'a> {
    /// The control.
    pub control: &'a Control,
    /// Its parameters, those replaced by the job included.
    pub params: BTreeMap<String, ParamValue>,
}

/// What one control found.
#[derive(Debug, Clone)]
pub struct Evaluated {
    /// The control.
    pub control: ControlId,
    /// The SQL that gives n, v and u by tenant, runnable as it stands; empty when it could not be bound.
    pub counts_sql: String,
    /// The SQL that lists every violation, runnable as it stands; empty when it could not be bound.
    pub violations_sql: String,
    /// SHA-256 of both optimised plans with the planner's versions; none when they do not plan.
    pub plan_sha256: Option<[u8; 32]>,
    /// One per tenant, by name; [`LAKE_SCOPE`] alone when no tenant is known.
    pub scopes: Vec<ScopeResult>,
    /// The rows kept; none without violations.
    pub evidence: Option<EvidenceRows>,
}

/// What one control found for one tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScopeResult {
    /// The tenant.
    pub scope: String,
    /// Its status.
    pub status: Status,
    /// n: rows the control is about.
    pub population: u64,
    /// v: those of them that violate.
    pub violations: u64,
    /// Rows of the population of which it is not known whether they violate.
    pub undecided_violation: u64,
    /// Rows of which it is not known whether they belong to the population.
    pub undecided_population: u64,
    /// w: rows of the population near a violation; none when the control does not count them.
    pub warnings: Option<u64>,
    /// Why there is no answer.
    pub reason: Option<String>,
    /// Evidence rows kept.
    pub evidence_rows: u64,
}
