//! Series for tests, and some whose texts would be obeyed.

use chrono::{DateTime, TimeDelta, Utc};
use schemas::{
    DetectorRule, EarlierMark, EmptyBucket, InputFile, Interval, MetricPictures, SeriesAlert, SeriesColumn,
    SeriesPicture, SeriesProvenance, SeriesReport, parse_rfc3339,
};

/// Put around every text of [`hostile`].
const HOSTILE: &str = "=cmd<script>alert(1)</script>\"'&\u{1b}[2J\0\u{85}\u{202e}\u{2028}\r\n";

fn at(hour: i64) -> DateTime<Utc> {
    parse_rfc3339("2026-03-01T00:00:00Z").expect("an instant") + TimeDelta::hours(hour)
}

/// Hours with these values, none for what is no number, and without a band.
pub(super) fn picture_of(values: &[f64]) -> SeriesPicture {
    let known = || values.iter().copied().filter(|value| !value.is_nan());
    let columns = values.iter().zip(0..).map(|(value, hour)| {
        let value = Some(*value).filter(|value| !value.is_nan());
        SeriesColumn {
            start: at(hour),
            end: at(hour + 1),
            values: u32::from(value.is_some()),
            least: value,
            mean: value,
            greatest: value,
            low: None,
            high: None,
        }
    });
    SeriesPicture {
        entity: Some("u-17".to_owned()),
        rows: 41,
        values: known().count() as u64,
        least: known().reduce(f64::min),
        greatest: known().reduce(f64::max),
        last: known().next_back(),
        columns: columns.collect(),
        alerts: Vec::new(),
        earlier: Vec::new(),
    }
}

/// Two days of logins: one alert, and something unusual on the day before.
pub(super) fn sample() -> SeriesReport {
    let mut values: Vec<f64> = (0..48).map(|hour| f64::from(hour % 5)).collect();
    (values[34], values[45]) = (12.0, 41.0);
    let mut picture = picture_of(&values);
    picture.columns[30..].iter_mut().for_each(|column| (column.low, column.high) = (Some(0.5), Some(3.5)));
    picture.earlier.push(EarlierMark { start: at(34), value: 12.0, detector: "poisson".to_owned() });
    picture.alerts.push(SeriesAlert {
        alert_id: "0b4f7d5e-54f4-5a5e-9a3c-6f3f6f0a9d10".to_owned(),
        start: at(45),
        detector: "poisson".to_owned(),
        value: 41.0,
        score: 80.25,
        severity: "critical".to_owned(),
        explanation:
            "logins, 60 minutes from 2026-03-02T21:00:00Z: expected 2 ± 1.483, saw 41; nothing above 12 in 45 values \
                      before"
                .to_owned(),
    });
    let metric = MetricPictures {
        metric: "logins".to_owned(),
        from: "audit".to_owned(),
        condition: Some("event_type = 'user.login'".to_owned()),
        value: "count(*)".to_owned(),
        by: Some("actor".to_owned()),
        every_seconds: 3_600,
        empty: EmptyBucket::Zero,
        min_rows: 0,
        log1p: false,
        detectors: vec![DetectorRule { detector: "poisson".to_owned(), threshold: 13.8 }],
        cool_down_seconds: 43_200,
        read: Interval { start: at(0), end: at(48) },
        series: 14,
        not_yet: 1,
        left_out: 3,
        alerts: 1,
        pictures: vec![picture, SeriesPicture { entity: Some("u-1".to_owned()), ..picture_of(&[1.0; 48]) }],
    };
    SeriesReport {
        lake: "acme-lake".to_owned(),
        job: "watch".to_owned(),
        tenant: "acme".to_owned(),
        timezone: "Europe/Berlin".to_owned(),
        judged: Interval { start: at(36), end: at(48) },
        alerts_in: "alert".to_owned(),
        metrics: vec![metric],
        provenance: SeriesProvenance {
            run: "watch@20260303T000000Z".to_owned(),
            at: at(48),
            version: "0.1.0".to_owned(),
            inputs: vec![InputFile {
                dataset: "audit".to_owned(),
                path: "audit/tenant=acme/part.parquet".to_owned(),
                etag: "1".to_owned(),
                bytes: 4_096,
                rows: 1_000,
                via: None,
            }],
        },
    }
}

/// The same with texts that a reader's program might obey.
pub(super) fn hostile() -> SeriesReport {
    let mut report = sample();
    let spoil = |text: &mut String| *text = format!("{HOSTILE}{text}{HOSTILE}");
    [&mut report.lake, &mut report.job, &mut report.tenant, &mut report.alerts_in].into_iter().for_each(spoil);
    report.provenance.inputs.iter_mut().for_each(|input| spoil(&mut input.path));
    for metric in &mut report.metrics {
        [&mut metric.metric, &mut metric.from, &mut metric.value].into_iter().for_each(spoil);
        metric.condition.iter_mut().chain(&mut metric.by).for_each(spoil);
        for picture in &mut metric.pictures {
            picture.entity.iter_mut().for_each(spoil);
            picture.alerts.iter_mut().for_each(|alert| spoil(&mut alert.explanation));
        }
    }
    report
}
