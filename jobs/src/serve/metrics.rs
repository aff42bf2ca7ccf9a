//! Figures for Prometheus. Names of jobs are labels; names of principals, tenants and people never are.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicU64;
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, Utc};
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;
use schemas::JobId;

use crate::error::JobError;
use crate::notify::Posted;
use crate::schedule::{Happened, Told, Watches};
use crate::world::World;

/// Upper bounds of the histogram of durations, in seconds.
const BOUNDS: [f64; 10] = [0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3_600.0, 14_400.0];

/// Names and values of labels.
type Labels = Vec<(&'static str, String)>;

/// What happened since the process began, and how far each job is.
#[derive(Debug)]
pub(super) struct Metrics {
    world: World,
    registry: Registry,
    attempts: Family<Labels, Counter>,
    missed: Family<Labels, Counter>,
    active: Family<Labels, Gauge>,
    durations: Family<Labels, Histogram>,
    requests: Family<Labels, Counter>,
    notifications: Family<Labels, Counter>,
    notifications_waiting: Family<Labels, Gauge>,
    notifications_dead: Family<Labels, Gauge>,
    lag: Family<Labels, Gauge<f64, AtomicU64>>,
    watermark: Family<Labels, Gauge<f64, AtomicU64>>,
    pending: Family<Labels, Gauge>,
    aside: Family<Labels, Gauge>,
    /// End of the newest interval of each job that is committed.
    committed_until: Mutex<BTreeMap<JobId, DateTime<Utc>>>,
}

impl Metrics {
    pub(super) fn new(world: &World) -> Self {
        let mut registry = Registry::with_prefix("auditlake");
        let attempts = Family::default();
        let missed = Family::default();
        let active = Family::default();
        let durations = Family::new_with_constructor((|| Histogram::new(BOUNDS)) as fn() -> Histogram);
        let requests = Family::default();
        let (notifications, notifications_waiting, notifications_dead) = Default::default();
        let lag = Family::default();
        let (watermark, pending, aside) = (Family::default(), Family::default(), Family::default());
        registry.register("build", "Version of the program", Info::new(vec![("version", env!("CARGO_PKG_VERSION"))]));
        registry.register("attempts", "Attempts at runs, by how they ended", Family::clone(&attempts));
        registry.register("runs_missed", "Intervals that were recorded as missed", Family::clone(&missed));
        registry.register("runs_active", "Runs at work in this process", Family::clone(&active));
        registry.register("run_duration_seconds", "How long committed attempts took", Family::clone(&durations));
        registry.register("requests", "Export requests, by what became of them", Family::clone(&requests));
        registry.register(
            "notifications",
            "Attempts at notifications, by how they ended",
            Family::clone(&notifications),
        );
        let help = "Notifications that have no end yet";
        registry.register("notifications_waiting", help, Family::clone(&notifications_waiting));
        let help = "Notifications that no further attempt is made for";
        registry.register("notifications_dead", help, Family::clone(&notifications_dead));
        let help = "Seconds since the end of the newest committed interval";
        registry.register("interval_lag_seconds", help, Family::clone(&lag));
        let help = "Seconds since the watermark of a job that runs for new files";
        registry.register("watermark_lag_seconds", help, Family::clone(&watermark));
        registry.register("files_pending", "Files that no batch read yet", Family::clone(&pending));
        registry.register("files_quarantined", "Files that were set aside", Family::clone(&aside));
        Self {
            world: world.clone(),
            registry,
            attempts,
            missed,
            active,
            durations,
            requests,
            notifications,
            notifications_waiting,
            notifications_dead,
            lag,
            watermark,
            pending,
            aside,
            committed_until: Mutex::default(),
        }
    }

    /// Takes in what became of a run.
    pub(super) fn take(&self, happened: &Happened) {
        let of = |job: &JobId| vec![("job", job.to_string())];
        let ended = |job: &JobId, status: &str| {
            let labels = vec![("job", job.to_string()), ("status", status.to_owned())];
            self.attempts.get_or_create(&labels).inc();
        };
        match happened {
            Happened::Began(run) => drop(self.active.get_or_create(&of(&run.job)).inc()),
            Happened::Elsewhere(run) => drop(self.active.get_or_create(&of(&run.job)).dec()),
            Happened::Ran(ran) => {
                self.active.get_or_create(&of(&ran.job)).dec();
                self.reaches(&ran.job, ran.interval.end);
                if !ran.before {
                    self.durations.get_or_create(&of(&ran.job)).observe(ran.seconds);
                    ended(&ran.job, "committed");
                }
            }
            Happened::Failed(failed) => {
                self.active.get_or_create(&of(&failed.job)).dec();
                ended(&failed.job, "failed");
            }
            Happened::Told(Told::Missed { job, reason, .. }) => {
                let labels = vec![("job", job.to_string()), ("reason", reason.as_str().to_owned())];
                self.missed.get_or_create(&labels).inc();
            }
            Happened::Told(Told::GivenUp { job, .. }) => ended(job, "given_up"),
            Happened::Told(Told::SetAside { .. }) => {}
        }
    }

    /// How far a job has come.
    pub(super) fn reaches(&self, job: &JobId, until: DateTime<Utc>) {
        let mut all = self.committed_until.lock().unwrap_or_else(PoisonError::into_inner);
        let known = all.entry(job.clone()).or_insert(until);
        *known = (*known).max(until);
    }

    /// Counts a request.
    pub(super) fn answered(&self, what: &'static str) {
        self.requests.get_or_create(&vec![("outcome", what.to_owned())]).inc();
    }

    /// Takes in what became of a notification.
    pub(super) fn posted(&self, posted: &Posted<'_>) {
        let ended = |channel: &str, outcome: &str| {
            let labels = vec![("channel", channel.to_owned()), ("outcome", outcome.to_owned())];
            self.notifications.get_or_create(&labels).inc();
        };
        let of = |channel: &str| vec![("channel", channel.to_owned())];
        let many = |many: usize| i64::try_from(many).unwrap_or(i64::MAX);
        match *posted {
            Posted::Delivered(channel) => ended(channel, "delivered"),
            Posted::Failed(channel) => ended(channel, "failed"),
            Posted::Dead(channel) => {
                ended(channel, "dead");
                self.notifications_dead.get_or_create(&of(channel)).inc();
            }
            Posted::Waiting(channel, waiting) => {
                self.notifications_waiting.get_or_create(&of(channel)).set(many(waiting));
            }
            Posted::GivenUp(channel, dead) => {
                self.notifications_dead.get_or_create(&of(channel)).set(many(dead));
            }
        }
    }

    /// Everything, in the format of OpenMetrics 1.0.
    ///
    /// # Errors
    /// None that anybody has met: a text takes whatever is written to it.
    pub(super) fn text(&self, watches: &Watches) -> Result<String, JobError> {
        let now = self.world.now();
        let lag = |since: DateTime<Utc>| (now - since).num_milliseconds() as f64 / 1_000.0;
        for (job, until) in &*self.committed_until.lock().unwrap_or_else(PoisonError::into_inner) {
            self.lag.get_or_create(&vec![("job", job.to_string())]).set(lag(*until));
        }
        for (job, figures) in watches.figures() {
            let labels = vec![("job", job.to_string())];
            self.pending.get_or_create(&labels).set(figures.pending as i64);
            self.aside.get_or_create(&labels).set(figures.aside as i64);
            if let Some(watermark) = figures.watermark {
                self.watermark.get_or_create(&labels).set(lag(watermark));
            }
        }
        let mut text = String::new();
        encode(&mut text, &self.registry)
            .map_err(|error| engine::EngineError::Bug { what: format!("figures cannot be written ({error})") })?;
        Ok(text)
    }
}
