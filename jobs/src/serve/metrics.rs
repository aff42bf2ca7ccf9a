//! Figures in the text format of Prometheus. Names of jobs are labels; names of principals, tenants and people never are.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use schemas::JobId;

use crate::schedule::{Happened, MissedReason, Told};
use crate::world::World;

/// Upper bounds of the histogram of durations, in seconds.
const BOUNDS: [f64; 10] = [0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3_600.0, 14_400.0];

/// What happened since the process began, and how far each job is.
#[derive(Debug)]
pub(super) struct Metrics {
    world: World,
    counted: Mutex<Counted>,
}

#[derive(Debug, Default)]
struct Counted {
    /// By job and status.
    attempts: BTreeMap<(JobId, &'static str), u64>,
    missed: BTreeMap<(JobId, MissedReason), u64>,
    durations: BTreeMap<JobId, Durations>,
    /// End of the newest interval that is committed.
    committed_until: BTreeMap<JobId, DateTime<Utc>>,
    active: BTreeMap<JobId, u64>,
    /// Requests by what became of them.
    requests: BTreeMap<&'static str, u64>,
}

#[derive(Debug, Default, Clone)]
struct Durations {
    below: [u64; BOUNDS.len()],
    count: u64,
    sum: f64,
}

impl Metrics {
    pub(super) fn new(world: &World) -> Self {
        Self { world: world.clone(), counted: Mutex::default() }
    }

    fn counted(&self) -> MutexGuard<'_, Counted> {
        self.counted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes in what became of a run.
    pub(super) fn take(&self, happened: &Happened) {
        let mut counted = self.counted();
        let ended = match happened {
            Happened::Began(run) => {
                *counted.active.entry(run.job.clone()).or_default() += 1;
                return;
            }
            Happened::Ran(ran) => {
                counted.reaches(&ran.job, ran.interval.end);
                if !ran.before {
                    counted.lasted(&ran.job, ran.seconds);
                    *counted.attempts.entry((ran.job.clone(), "committed")).or_default() += 1;
                }
                &ran.job
            }
            Happened::Elsewhere(run) => &run.job,
            Happened::Failed(failed) => {
                *counted.attempts.entry((failed.job.clone(), "failed")).or_default() += 1;
                &failed.job
            }
            Happened::Told(Told::Missed { job, reason, .. }) => {
                *counted.missed.entry((job.clone(), *reason)).or_default() += 1;
                return;
            }
            Happened::Told(Told::GivenUp { job, .. }) => {
                *counted.attempts.entry((job.clone(), "given_up")).or_default() += 1;
                return;
            }
        };
        let active = counted.active.entry(ended.clone()).or_default();
        *active = active.saturating_sub(1);
    }

    /// How far a job has come, as the ledger says.
    pub(super) fn reaches(&self, job: &JobId, until: DateTime<Utc>) {
        self.counted().reaches(job, until);
    }

    /// Counts a request.
    pub(super) fn answered(&self, what: &'static str) {
        *self.counted().requests.entry(what).or_default() += 1;
    }

    /// Everything, as the format has it: <https://prometheus.io/docs/instrumenting/exposition_formats/>.
    pub(super) fn text(&self) -> String {
        let (counted, now) = (self.counted(), self.world.now());
        let mut text = Text::default();
        text.family("auditlake_build_info", "gauge", "Version of the program.");
        text.sample("auditlake_build_info", &[("version", env!("CARGO_PKG_VERSION"))], 1);
        text.family("auditlake_attempts_total", "counter", "Attempts at runs, by how they ended.");
        for ((job, status), many) in &counted.attempts {
            text.sample("auditlake_attempts_total", &[("job", job.as_str()), ("status", status)], many);
        }
        text.family("auditlake_runs_missed_total", "counter", "Intervals that were recorded as missed.");
        for ((job, reason), many) in &counted.missed {
            text.sample("auditlake_runs_missed_total", &[("job", job.as_str()), ("reason", reason.as_str())], many);
        }
        text.family("auditlake_runs_active", "gauge", "Runs at work in this process.");
        for (job, many) in &counted.active {
            text.sample("auditlake_runs_active", &[("job", job.as_str())], many);
        }
        text.family(
            "auditlake_interval_lag_seconds",
            "gauge",
            "Seconds since the end of the newest committed interval.",
        );
        for (job, until) in &counted.committed_until {
            let lag = (now - *until).num_milliseconds() as f64 / 1_000.0;
            text.sample("auditlake_interval_lag_seconds", &[("job", job.as_str())], lag);
        }
        text.family("auditlake_run_duration_seconds", "histogram", "How long committed attempts took.");
        for (job, durations) in &counted.durations {
            text.histogram("auditlake_run_duration_seconds", job, durations);
        }
        text.family("auditlake_requests_total", "counter", "Export requests, by what became of them.");
        for (what, many) in &counted.requests {
            text.sample("auditlake_requests_total", &[("outcome", what)], many);
        }
        text.0
    }
}

impl Counted {
    fn reaches(&mut self, job: &JobId, until: DateTime<Utc>) {
        let known = self.committed_until.entry(job.clone()).or_insert(until);
        *known = (*known).max(until);
    }

    fn lasted(&mut self, job: &JobId, seconds: f64) {
        let durations = self.durations.entry(job.clone()).or_default();
        for (bound, below) in BOUNDS.iter().zip(&mut durations.below) {
            *below += u64::from(seconds <= *bound);
        }
        durations.count += 1;
        durations.sum += seconds;
    }
}

/// Text that grows; a `String` takes any.
#[derive(Debug, Default)]
struct Text(String);

impl Text {
    fn line(&mut self, line: std::fmt::Arguments<'_>) {
        let written = writeln!(self.0, "{line}");
        debug_assert!(written.is_ok(), "a String takes any text");
    }

    fn family(&mut self, name: &str, kind: &str, help: &str) {
        self.line(format_args!("# HELP {name} {help}\n# TYPE {name} {kind}"));
    }

    /// Values of labels are names of jobs and words of ours: none needs escaping.
    fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: impl std::fmt::Display) {
        let labels: Vec<String> = labels.iter().map(|(name, value)| format!("{name}=\"{value}\"")).collect();
        self.line(format_args!("{name}{{{}}} {value}", labels.join(",")));
    }

    fn histogram(&mut self, name: &str, job: &JobId, durations: &Durations) {
        let bucket = format!("{name}_bucket");
        for (bound, below) in BOUNDS.iter().zip(durations.below) {
            self.sample(&bucket, &[("job", job.as_str()), ("le", &bound.to_string())], below);
        }
        self.sample(&bucket, &[("job", job.as_str()), ("le", "+Inf")], durations.count);
        self.sample(&format!("{name}_sum"), &[("job", job.as_str())], durations.sum);
        self.sample(&format!("{name}_count"), &[("job", job.as_str())], durations.count);
    }
}
