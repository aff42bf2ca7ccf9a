//! When a job runs, as it is written: keys that every kind of job has besides its own.

use std::borrow::Cow;
use std::marker::PhantomData;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Deserialize;
use serde_json::Value;

use super::yaml::At;
use crate::schedule::{AfterInterval, Concurrency, Dialect};

/// What every job may say.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "Timing")]
pub(super) struct RawTiming {
    /// when the job is due, for example {cron: "0 6 * * *"} or {on: {new_files: audit}}
    pub(super) schedule: Option<At<RawSchedule>>,
    /// jobs that are waited for, for example [{job: ingest-trail}]
    pub(super) after: Option<At<Vec<RawAfter>>>,
    /// how often an attempt that failed for a while is made again, for example {max: 3}
    pub(super) retry: Option<RawRetry>,
    /// how long one attempt may take, for example 1h; as long as it likes when left out
    pub(super) timeout: Option<At<String>>,
    /// how long an attempt may take until somebody is told, for example 20m; three times the usual when left out
    pub(super) slow_after: Option<At<String>>,
}

/// When a job is due.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "Schedule", deny_unknown_fields)]
pub(super) struct RawSchedule {
    /// minute hour day month weekday, or @hourly, @daily, @weekly, @monthly, @yearly, for example "0 6 * * *"
    pub(super) cron: Option<At<String>>,
    /// what it is due for in place of a time, for example {new_files: audit}
    pub(super) on: Option<At<RawOn>>,
    /// IANA zone whose clocks the pattern is about, for example Europe/Berlin; that of lake.yaml when left out
    pub(super) timezone: Option<At<String>>,
    /// posix or quartz, which begins with seconds; posix when left out
    pub(super) dialect: Option<Dialect>,
    /// where the first interval begins, for example 2026-01-01; the fire before the job was first seen when left out
    pub(super) start: Option<At<String>>,
    /// runs that nobody started in time: none, latest, all or {all: 48}, which are the newest 48; latest when left out
    pub(super) catch_up: Option<At<RawCatchUp>>,
    /// how long after its time a run may still start, for example 6h; 24h when left out
    pub(super) starting_deadline: Option<At<String>>,
    /// how long a run waits for late rows, for example 15m; with on how far the watermark stays behind; not at all when left out
    pub(super) lateness: Option<At<String>>,
    /// by how much the starts of jobs are spread at most, for example 5m; not at all when left out
    pub(super) jitter: Option<At<String>>,
    /// forbid or queue: what a run does while the one before is not done; queue when left out
    pub(super) concurrency: Option<Concurrency>,
    /// rows that come after the run of their interval: note, or {revise_within: 72h}; note when left out
    pub(super) late: Option<At<RawLate>>,
}

/// A word, or how long.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "Late")]
#[serde(untagged)]
pub(super) enum RawLate {
    /// note.
    Word(String),
    /// Computed anew.
    Revise(RawRevise),
}

/// How long.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[schemars(rename = "Revise", deny_unknown_fields)]
pub(super) struct RawRevise {
    /// how long after the end of its interval a run is computed anew, for example 72h
    pub(super) revise_within: String,
}

/// New files.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "On", deny_unknown_fields)]
pub(super) struct RawOn {
    /// a dataset that the job reads; of an ingest the location of its from
    pub(super) new_files: At<String>,
    /// how long a file must have been as it is, for example 30s, which it is when left out, or 0, which it is for a dataset that ingest writes
    pub(super) settle: Option<At<RawSettle>>,
    /// files of a batch at most; 1000 when left out
    #[schemars(range(min = 1, max = 100_000))]
    pub(super) max_files: Option<u32>,
    /// bytes of a batch at most, for example 2GiB, which it is when left out
    pub(super) max_bytes: Option<At<String>>,
    /// a batch without files is run when none was for so long, for example 1h; never when left out
    pub(super) at_least_every: Option<At<String>>,
}

/// A length of time, or none.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "Settle")]
#[serde(untagged)]
pub(super) enum RawSettle {
    /// 0.
    Number(u64),
    /// For example 30s.
    Text(String),
}

/// A word, or how many.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "CatchUp")]
#[serde(untagged)]
pub(super) enum RawCatchUp {
    /// none, latest or all.
    Word(String),
    /// The newest.
    Newest(RawNewest),
}

/// How many.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "Newest", deny_unknown_fields)]
pub(super) struct RawNewest {
    /// so many of the newest, for example 48
    #[schemars(range(min = 1))]
    pub(super) all: u32,
}

/// A job that is waited for.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "After", deny_unknown_fields)]
pub(super) struct RawAfter {
    /// name of the job that is waited for, for example ingest-trail
    pub(super) job: At<String>,
    /// covering, same or latest: which of its runs; covering when left out of a job with a schedule, else same
    pub(super) interval: Option<At<AfterInterval>>,
    /// how long at most, for example 4h; 24h when left out
    pub(super) wait: Option<At<String>>,
}

/// How often an attempt is made again.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "Retry", deny_unknown_fields)]
pub(super) struct RawRetry {
    /// attempts after the first; 3 when left out
    #[schemars(range(max = 20))]
    pub(super) max: Option<u32>,
    /// longest wait before the second attempt, for example 30s; that when left out
    pub(super) base: Option<At<String>>,
    /// by how much the longest wait grows from one to the next; 2 when left out
    #[schemars(range(min = 1, max = 10))]
    pub(super) factor: Option<u32>,
    /// no wait is longer, for example 15m; that when left out
    pub(super) cap: Option<At<String>>,
}

/// The JSON Schema of a kind of job together with what every job may say. The two are read one after the other, since
/// serde loses the places of what it flattens.
#[derive(Debug)]
pub(super) struct Timed<R>(PhantomData<R>);

impl<R: JsonSchema> JsonSchema for Timed<R> {
    fn schema_name() -> Cow<'static, str> {
        R::schema_name()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = R::json_schema(generator);
        let timing = RawTiming::json_schema(generator).to_value();
        let properties = schema.get_mut("properties").and_then(Value::as_object_mut);
        if let (Some(properties), Some(Value::Object(of_every))) = (properties, timing.get("properties")) {
            properties.extend(of_every.clone());
        }
        schema
    }
}
