//! The job kind `anomalies`, and `auditlake anomalies`: what is unusual in series of values.
//!
//! ```text
//! series      instants and values of a file          measure   metrics of a lake, as series
//! detect      what a detector is; surprise, poisson, ewma, robust, hour_of_week, three_sigma are detectors
//! cool_down   which scores are told again            watch     a series, scored value by value
//! expected    what was to be expected, in words      raised    alerts of series; job   the run; alerts, expiry   what becomes of them
//! trend       how a series goes on      growth   alerts about those that reach a limit
//! budgets     error budgets of SLAs that burn too fast          rules   violations of controls
//! picture     a series as it is drawn                pictures  which ones are, and the pages of each tenant
//! ```
//!
//! A detector scores a value by those before it alone, so that a score says what was known then. Absent: state between runs.

mod alerts;
mod budgets;
mod cool_down;
mod detect;
mod ewma;
mod expected;
mod expiry;
mod growth;
mod hour_of_week;
mod job;
mod measure;
mod picture;
mod pictures;
mod poisson;
mod raised;
mod robust;
mod rules;
mod series;
mod surprise;
mod three_sigma;
mod told;
mod trend;
mod watch;

#[cfg(test)]
mod tests;

pub use budgets::BudgetSummary;
pub use cool_down::CoolDown;
pub use detect::DetectorName;
pub use job::AnomaliesSummary;
pub(crate) use job::execute;
pub use raised::MetricSummary;
pub use rules::RuleSummary;
pub(crate) use told::raised;

use chrono::DateTime;
use clap::ValueEnum;
use engine::EngineError;
use serde_json::{Value, json};

use crate::Answer;
use crate::args::{AlertStateArg, AnomaliesCommand, Cli, ScoreArgs, TrendArgs};
use crate::error::JobError;
use crate::show::{counted, write_line};
use crate::world::World;

use detect::{FIRST, Unfit};
use expected::Expected;
use hour_of_week::HourOfWeek;
use series::Series;
use trend::{Trend, reaches};
use watch::{Scored, Watch, WatchRule};

/// Carries out the command.
///
/// # Errors
/// When the series cannot be read, or its values are none that the detector scores.
pub(crate) async fn command(cli: &Cli, world: &World, command: &AnomaliesCommand) -> Result<Answer, JobError> {
    match command {
        AnomaliesCommand::Score(args) => scored(args),
        AnomaliesCommand::Trend(args) => trend_of(args),
        AnomaliesCommand::List { state, tenant } => {
            alerts::list(&cli.open()?, world, (*state, tenant.as_deref())).await
        }
        AnomaliesCommand::Explain { alert } => alerts::explain(&cli.open()?, world, alert).await,
        AnomaliesCommand::Acknowledge(args) => {
            alerts::step(&cli.open()?, world, (AlertStateArg::Acknowledged, args)).await
        }
        AnomaliesCommand::Resolve(args) => alerts::step(&cli.open()?, world, (AlertStateArg::Resolved, args)).await,
    }
}

/// Scores a series at hand.
fn scored(args: &ScoreArgs) -> Result<Answer, JobError> {
    let series = Series::read(&args.file, &args.time_column, &args.value_column)?;
    let scored = score(&series, args)?;
    let mut answer = if args.alerts { told(&series, &scored, args) } else { scores(&series, &scored) };
    if let Some(document) = answer.json.as_object_mut() {
        document.insert("detector".to_owned(), json!(name(args.detector)));
        document.insert("values".to_owned(), json!(series.points.len() - series.missing));
        document.insert("missing".to_owned(), json!(series.missing));
        document.insert("not_later".to_owned(), json!(series.not_later));
    }
    if series.missing > 0 {
        tracing::warn!("{} without a value; they are not scored", counted(series.missing as u64, "record"));
    }
    if series.not_later > 0 {
        tracing::warn!(
            "{} not later than the one before; they are scored as they stand",
            counted(series.not_later as u64, "record")
        );
    }
    if series.points.len() - series.missing <= FIRST {
        tracing::warn!("a series is judged from its 31st value on; this one has too few");
    }
    Ok(answer)
}

/// How a series at hand goes on.
fn trend_of(args: &TrendArgs) -> Result<Answer, JobError> {
    let series = Series::read(&args.file, &args.time_column, &args.value_column)?;
    let points: Vec<(i64, f64)> = series.points.iter().filter_map(|(at, value)| Some((*at, (*value)?))).collect();
    let last = points.iter().map(|(at, _)| *at).max().and_then(DateTime::from_timestamp_micros);
    let (Some(trend), Some(last)) = (Trend::of(&points), last) else {
        let path = args.file.display().to_string();
        let why = format!(
            "a trend takes at least {} values, not all at one instant, and there are {}",
            FIRST + 1,
            points.len()
        );
        return Err(EngineError::Input { path, why }.into());
    };
    let mut text = String::new();
    write_line(&mut text, &format!("{trend} in {}", counted(points.len() as u64, "value")));
    let left = args.limit.map(|limit| (limit, trend.days_until(limit)));
    match left {
        Some((limit, Some(left))) => write_line(&mut text, &reaches(limit, left, last)),
        Some((limit, None)) => {
            write_line(&mut text, &format!("does not grow towards {}", schemas::short_number(limit)))
        }
        None => {}
    }
    let left = left.and_then(|(_, left)| left);
    let document = json!({"trend": trend, "is_certain": trend.is_certain(), "values": points.len(), "days_left": left});
    Ok(Answer::done(text, document))
}

fn score(series: &Series, args: &ScoreArgs) -> Result<Vec<Scored>, JobError> {
    let rule = WatchRule {
        detector: args.detector,
        threshold: args.threshold.unwrap_or(args.detector.threshold()),
        cool_down: args.cool_down.or(args.alerts.then_some(CoolDown::USUAL)),
        log1p: args.log1p,
        zone: args.timezone,
    };
    let mut watch = Watch::begin(rule, series.points.len());
    let each = series.points.iter().enumerate().map(|(number, (at, value))| {
        let refused = |unfit: Unfit| EngineError::Input {
            path: args.file.display().to_string(),
            why: format!("record {}: {unfit}", number + 1),
        };
        Ok(watch.next(*at, *value).map_err(refused)?)
    });
    each.collect()
}

fn name(detector: DetectorName) -> String {
    detector.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
}

fn scores(series: &Series, scored: &[Scored]) -> Answer {
    let mut text = String::from("timestamp,value,anomaly_score\n");
    let mut rows = Vec::new();
    for ((time, value), Scored { score, .. }) in series.written.iter().zip(scored) {
        let told = score.map(|score| score.to_string()).unwrap_or_default();
        write_line(&mut text, &format!("{},{},{told}", quoted(time), quoted(value)));
        rows.push(json!({"timestamp": time, "value": value, "anomaly_score": score}));
    }
    Answer::done(text, json!({"scores": rows}))
}

fn told(series: &Series, scored: &[Scored], args: &ScoreArgs) -> Answer {
    let mut text = String::new();
    let mut rows: Vec<Value> = Vec::new();
    for (number, one) in scored.iter().enumerate().filter(|(_, one)| one.is_alert) {
        let (Some(score), Some(point)) = (one.score, series.point(number)) else { continue };
        let time = &series.written[number].0;
        let expected = expected(series, number, args);
        write_line(&mut text, &format!("{time}  score {score}: {}", expected.sentence(point.value)));
        rows.push(json!({
            "timestamp": time,
            "value": point.value,
            "anomaly_score": score,
            "expected": expected,
            "explanation": expected.sentence(point.value),
        }));
    }
    let of = series.points.len() - series.missing;
    let summary = format!(
        "{} in {}, by {}",
        counted(rows.len() as u64, "alert"),
        counted(of as u64, "value"),
        name(args.detector)
    );
    write_line(&mut text, &summary);
    Answer::done(text, json!({"alerts": rows}))
}

/// What was to be expected of a record that has a value.
fn expected(series: &Series, number: usize, args: &ScoreArgs) -> Expected {
    let (at, value) = series.points[number];
    let value = value.unwrap_or_default();
    match HourOfWeek::of(args.timezone, at).filter(|_| args.detector == DetectorName::HourOfWeek) {
        Some(hour) => {
            let before = series.points[..number].iter();
            let alike = before.filter(|(at, _)| HourOfWeek::of(args.timezone, *at) == Some(hour));
            Expected::of(alike.filter_map(|(_, value)| *value).collect(), value).when(hour.in_words(args.timezone))
        }
        None => Expected::of(series.before(number), value),
    }
}

/// A field as CSV has it (RFC 4180).
fn quoted(field: &str) -> String {
    if field.contains(['"', ',', '\n', '\r']) {
        format!("\"{}\"", field.replace('"', "\"\""))
    } else {
        field.to_owned()
    }
}
