//! `auditlake anomalies`: what is unusual in a series of values.
//!
//! ```text
//! series      instants and values of a file
//! detect      what a detector is; surprise, poisson, ewma, robust, three_sigma are detectors
//! cool_down   which scores are told again
//! expected    what was to be expected, in words
//! ```
//!
//! A detector scores a value by those before it alone, so that a score says what was known then. Absent: series of a lake, and
//! alerts that are kept.

mod cool_down;
mod detect;
mod ewma;
mod expected;
mod poisson;
mod robust;
mod series;
mod surprise;
mod three_sigma;

#[cfg(test)]
mod tests;

pub use cool_down::CoolDown;
pub use detect::DetectorName;

use clap::ValueEnum;
use engine::EngineError;
use serde_json::{Value, json};

use crate::Answer;
use crate::args::{AnomaliesCommand, ScoreArgs};
use crate::error::JobError;
use crate::show::{counted, write_line};

use cool_down::Recent;
use detect::{FIRST, Point, rounded};
use expected::Expected;
use series::Series;

/// The part of the first values that only teaches a detector, and of how many values at most.
const WARM_UP_PART: f64 = 0.15;
const WARM_UP_OF: usize = 5_000;

/// Carries out the command.
///
/// # Errors
/// When the series cannot be read, or its values are none that the detector scores.
pub(crate) fn command(command: &AnomaliesCommand) -> Result<Answer, JobError> {
    let AnomaliesCommand::Score(args) = command;
    let series = Series::read(&args.file, &args.time_column, &args.value_column)?;
    let scored = score(&series, args)?;
    let mut answer = if args.alerts { alerts(&series, &scored, args) } else { scores(&series, &scored) };
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

/// What became of a record.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Scored {
    /// None of one that has no value or came too early.
    score: Option<f64>,
    is_alert: bool,
}

fn score(series: &Series, args: &ScoreArgs) -> Result<Vec<Scored>, JobError> {
    let mut detector = args.detector.begin();
    let threshold = args.threshold.unwrap_or(args.detector.threshold());
    let cool_down = args.cool_down.or(args.alerts.then_some(CoolDown::USUAL));
    let mut recent = cool_down.map(Recent::new);
    let warm_up = warm_up(series.points.len());
    let mut scored = Vec::with_capacity(series.points.len());
    for number in 0..series.points.len() {
        let Some(point) = series.point(number) else {
            scored.push(Scored::default());
            continue;
        };
        let refused = |why: String| EngineError::Input {
            path: args.file.display().to_string(),
            why: format!("record {}: {why}", number + 1),
        };
        let point = if args.log1p { logarithm(point).map_err(|why| refused(why.to_owned()))? } else { point };
        let raw = detector.score(point).map_err(|unfit| refused(unfit.to_string()))?;
        let Some(raw) = raw.map(rounded) else {
            scored.push(Scored::default());
            continue;
        };
        let is_told = recent.as_mut().is_none_or(|recent| recent.is_highest(point.at, raw));
        let is_above = number >= warm_up && raw > threshold;
        if is_above {
            detector.exceeded();
        }
        scored.push(Scored { score: Some(if is_told { raw } else { 0.0 }), is_alert: is_told && is_above });
    }
    Ok(scored)
}

/// Records that raise no alert.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a part of a number that is there")]
fn warm_up(records: usize) -> usize {
    ((WARM_UP_PART * records.min(WARM_UP_OF) as f64) as usize).max(FIRST)
}

fn logarithm(point: Point) -> Result<Point, &'static str> {
    if point.value < 0.0 {
        return Err("--log1p takes values from 0 on");
    }
    Ok(Point { value: point.value.ln_1p(), ..point })
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

fn alerts(series: &Series, scored: &[Scored], args: &ScoreArgs) -> Answer {
    let mut text = String::new();
    let mut rows: Vec<Value> = Vec::new();
    for (number, one) in scored.iter().enumerate().filter(|(_, one)| one.is_alert) {
        let (Some(score), Some(point)) = (one.score, series.point(number)) else { continue };
        let time = &series.written[number].0;
        let expected = Expected::of(series.before(number), point.value);
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

/// A field as CSV has it (RFC 4180).
fn quoted(field: &str) -> String {
    if field.contains(['"', ',', '\n', '\r']) {
        format!("\"{}\"", field.replace('"', "\"\""))
    } else {
        field.to_owned()
    }
}
