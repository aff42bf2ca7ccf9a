//! `jobs/*.yaml` of kind `anomalies`: metrics whose unusual buckets raise alerts, and budgets that burn too fast.

use super::anomalies_budget::budgets;
use super::checked::JobKind;
use super::duration;
use super::framework::filled;
use super::job::{controls, outputs};
use super::problem::Problems;
use super::raw::RawOutput;
use super::raw_anomalies::{RawAnomaliesJob, RawMetric};
use super::report_spec::{ReportFormat, ReportOutput};
use super::sla::dataset_into;
use super::surroundings::Surroundings;
use super::yaml::At;
use crate::anomaly::{AnomaliesSpec, DetectorKind, EmptyBucket, LimitRule, MetricSpec};
use crate::id::{DatasetId, JobId, name};
use crate::tables::ALERT;

const HISTORY_SECONDS_DEFAULT: u64 = 28 * 86_400;
pub(super) const COOL_DOWN_SECONDS_DEFAULT: u64 = 12 * 3_600;
/// Thirty days.
const WITHIN_SECONDS_DEFAULT: u64 = 30 * 86_400;
/// Thirty days.
const EXPIRE_SECONDS_DEFAULT: u64 = 30 * 86_400;
const SERIES_DEFAULT: u32 = 10_000;
const HIGH_DEFAULT: f64 = 10.0;
const CRITICAL_DEFAULT: f64 = 20.0;
/// Buckets that detectors meet before they score any.
const BUCKETS_MIN: u64 = 31;
/// Five weeks: four that a detector of hours of the week learns, and one to judge.
const WEEKS_SECONDS_MIN: u64 = 35 * 86_400;

pub(super) fn build(
    raw: RawAnomaliesJob,
    around: &mut Surroundings,
    problems: &mut Problems,
) -> Option<(JobId, JobKind)> {
    let before = problems.len();
    let id = problems.keep(raw.job.place, JobId::parse(&raw.job.value))?;
    let window_seconds = duration::given_seconds("window", raw.window, problems);
    let into = dataset_into(&raw.into, &ALERT, around, problems);
    let history_seconds = duration::given_seconds("history", raw.history, problems).unwrap_or(HISTORY_SECONDS_DEFAULT);
    let expire_seconds = duration::given_seconds("expire_after", raw.expire_after, problems);
    let budgets = raw.budgets.map(|given| budgets(given, around, problems)).unwrap_or_default();
    let rules = raw.rules.map(|given| controls(given.value, given.place, around, problems)).unwrap_or_default();
    let rule_cool_down = duration::given_seconds("rules_cool_down", raw.rules_cool_down, problems);
    let listed = match raw.metrics {
        Some(At { value, place }) if value.is_empty() => {
            problems.add(place, "metrics is empty; add for example {metric: failed_logins, from: audit, every: 15m}");
            value
        }
        Some(At { value, .. }) => value,
        None if budgets.is_empty() && rules.is_empty() && problems.len() == before => {
            let message = "metrics is required, or budgets or rules; add for example metrics: [{metric: failed_logins, from: audit, every: 15m}]";
            problems.add(raw.job.place, message);
            Vec::new()
        }
        None => Vec::new(),
    };
    let mut metrics: Vec<MetricSpec> = Vec::new();
    for raw in listed {
        let place = raw.metric.place;
        let Some(metric) = metric(raw, history_seconds, around, problems) else { continue };
        if metrics.iter().any(|other| other.metric == metric.metric) {
            problems.add(place, format!("metric \"{}\" stands here twice; rename one", metric.metric));
        }
        metrics.push(metric);
    }
    let (high, critical) = match raw.severity {
        Some(severity) => (score("high", severity.high, problems), score("critical", severity.critical, problems)),
        None => (None, None),
    };
    let outputs = raw.outputs.map(|given| pictures(&id, given, around, problems)).unwrap_or_default();
    let spec = AnomaliesSpec {
        into: into?,
        window_seconds,
        history_seconds,
        metrics,
        budgets,
        rules,
        rule_cool_down_seconds: rule_cool_down.unwrap_or(COOL_DOWN_SECONDS_DEFAULT),
        series_max: raw.series.unwrap_or(SERIES_DEFAULT),
        high: high.unwrap_or(HIGH_DEFAULT),
        critical: critical.unwrap_or(CRITICAL_DEFAULT),
        expire_seconds: expire_seconds.unwrap_or(EXPIRE_SECONDS_DEFAULT),
        outputs,
    };
    (problems.len() == before).then_some((id, JobKind::Anomalies(spec)))
}

/// Where pictures go, in formats that they have.
fn pictures(
    job: &JobId,
    given: At<Vec<RawOutput>>,
    around: &mut Surroundings,
    problems: &mut Problems,
) -> Vec<ReportOutput> {
    let place = given.place;
    let outputs = outputs(job, given, around, problems);
    for output in &outputs {
        if matches!(output.format, ReportFormat::Oscal | ReportFormat::Xlsx) {
            let format = output.format.as_str();
            problems.add(place, format!("format \"{format}\" has no pictures; formats of series are: html, json, csv"));
        }
    }
    outputs
}

fn score(key: &str, given: Option<At<String>>, problems: &mut Problems) -> Option<f64> {
    let given = given?;
    match given.value.parse::<f64>() {
        Ok(score) if score.is_finite() && score > 0.0 => Some(score),
        _ => {
            problems.add(given.place, format!("{key} {:?} is no score above 0; write for example \"10\"", given.value));
            None
        }
    }
}

fn metric(raw: RawMetric, history_seconds: u64, around: &Surroundings, problems: &mut Problems) -> Option<MetricSpec> {
    let written = problems.written(raw.metric.place);
    // Rows name metrics, so they follow the rule of names.
    problems.keep(raw.metric.place, name("metric", &raw.metric.value));
    let from = problems.keep(raw.from.place, source(&raw.from.value, around));
    let value = raw.value.map_or_else(|| "count(*)".to_owned(), |given| filled("value", given, problems));
    let value = if value == "count" { "count(*)".to_owned() } else { value };
    let is_count = value.to_ascii_lowercase().starts_with("count(");
    let is_sum = value.to_ascii_lowercase().starts_with("sum(");
    let every_place = raw.every.place;
    let every = problems.keep(every_place, duration::seconds("every", &raw.every.value));
    if every.is_some_and(|every| history_seconds / every < BUCKETS_MIN) {
        let message = format!(
            "every {:?} has fewer than {BUCKETS_MIN} buckets in the history, and none would be judged; write a longer history",
            raw.every.value
        );
        problems.add(every_place, message);
    }
    let log1p = raw.scale.is_some();
    let usual = if is_count && !log1p { DetectorKind::Poisson } else { DetectorKind::Surprise };
    let detectors = match raw.detect {
        Some(given) if given.value.is_empty() && raw.limit.is_some() => Vec::new(),
        Some(given) => detectors(given, (log1p || !(is_count || is_sum), history_seconds), problems),
        None => vec![usual],
    };
    let cool_down = duration::given_seconds("cool_down", raw.cool_down, problems);
    let limit = limit((raw.limit, raw.within), problems);
    Some(MetricSpec {
        metric: raw.metric.value,
        from: from?,
        condition: raw.condition.map(|given| filled("where", given, problems)),
        value,
        by: raw.by.map(|given| filled("by", given, problems)),
        every_seconds: every?,
        detectors,
        log1p,
        threshold: score("threshold", raw.threshold, problems),
        cool_down_seconds: cool_down.unwrap_or(COOL_DOWN_SECONDS_DEFAULT),
        limit,
        min_rows: u64::from(raw.min_n.unwrap_or(0)),
        empty: raw.empty.unwrap_or(if is_count || is_sum { EmptyBucket::Zero } else { EmptyBucket::Missing }),
        written,
    })
}

/// A limit, and how soon it must be reached.
fn limit((given, within): (Option<At<String>>, Option<At<String>>), problems: &mut Problems) -> Option<LimitRule> {
    let within_place = within.as_ref().map(|within| within.place);
    let within = duration::given_seconds("within", within, problems);
    let Some(given) = given else {
        if let Some(place) = within_place {
            problems.add(
                place,
                "within says how soon a limit is reached, and there is none; add for example limit: \"1000\"",
            );
        }
        return None;
    };
    match given.value.parse::<f64>() {
        Ok(at) if at.is_finite() => Some(LimitRule { at, within_seconds: within.unwrap_or(WITHIN_SECONDS_DEFAULT) }),
        _ => {
            problems.add(given.place, format!("limit {:?} is not a number; write for example \"1000\"", given.value));
            None
        }
    }
}

/// Each once; what counts events takes no logarithms, and what knows weeks takes some.
fn detectors(
    given: At<Vec<At<DetectorKind>>>,
    (is_no_count, history_seconds): (bool, u64),
    problems: &mut Problems,
) -> Vec<DetectorKind> {
    if given.value.is_empty() {
        problems.add(given.place, "detect is empty; name a detector, for example [surprise]");
    }
    let mut kept: Vec<DetectorKind> = Vec::new();
    for one in given.value {
        if kept.contains(&one.value) {
            problems.add(one.place, format!("detector {} stands here twice; keep one", one.value.as_str()));
        }
        if one.value == DetectorKind::Poisson && is_no_count {
            let message = "poisson scores counts of events; write surprise for other values, and for logarithms";
            problems.add(one.place, message);
        }
        if one.value == DetectorKind::HourOfWeek && history_seconds < WEEKS_SECONDS_MIN {
            let message = "hour_of_week learns for four weeks before it judges, and the history is shorter than five; write for \
                           example history: 84d";
            problems.add(one.place, message);
        }
        kept.push(one.value);
    }
    kept
}

/// A dataset whose rows have a tenant and a time.
fn source(given: &str, around: &Surroundings) -> Result<DatasetId, String> {
    if let Some(sentence) = around.dataset_names.lacks(given) {
        return Err(format!("from names dataset {given:?}, which does not exist; {sentence}"));
    }
    match around.dataset(given) {
        Some(found) if found.time.is_none() || found.tenant.is_empty() => Err(format!(
            "from names dataset {given:?}, whose rows have no {}; say in its file which column that is",
            if found.time.is_none() { "time" } else { "tenant" }
        )),
        _ => DatasetId::parse(given).map_err(|error| error.to_string()),
    }
}
