//! The trend of one control for one tenant: violations over earlier intervals and this one.
//!
//! A gap is drawn as a gap: the line breaks where intervals are missing and where the data could not
//! tell. A dashed upright marks a new version of the control, whose figures compare with care. Absent:
//! smoothing and forecasts.

use maud::{Markup, html};
use schemas::{ControlReport, Interval, ResultRow, Status};

use super::figure::{badge, number_cell, thousands};

const WIDTH: i64 = 150;
const HEIGHT: i64 = 40;
const MARGIN: i64 = 5;

/// One interval on the chart.
struct Point {
    /// Microseconds since 1970.
    at_us: i64,
    version: u32,
    /// None where the data could not tell.
    violations: Option<u64>,
}

/// The chart, where there are two earlier intervals or more.
pub(super) fn trend(control: &ControlReport, result: &ResultRow, interval: &Interval) -> Markup {
    let [first, .., _] = result.history.as_slice() else {
        return html! { span.soft { "–" } };
    };
    let points = points(control, result, interval);
    let title = format!(
        "Violations of {} for {} in {} intervals, the first ending {}, the last ending {}: {}",
        control.id,
        result.scope,
        points.len(),
        schemas::rfc3339(first.interval_end),
        schemas::rfc3339(interval.end),
        points.iter().map(|point| point.violations.map_or("?".to_owned(), thousands)).collect::<Vec<_>>().join(", "),
    );
    let places = places(&points);
    html! {
        svg.trend role="img" viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } aria-label=(title) {
            title { (title) }
            line.base x1="0" x2=(WIDTH) y1=(HEIGHT - MARGIN) y2=(HEIGHT - MARGIN) {}
            @for (pair, place) in points.windows(2).zip(places.iter().skip(1)) {
                @if pair[0].version != pair[1].version {
                    line.turn x1=(place.0) x2=(place.0) y1="0" y2=(HEIGHT) {}
                }
            }
            @for line in lines(&points, &places) { polyline.line points=(line) {} }
            @for (index, place) in places.iter().enumerate() {
                @match place.1 {
                    Some(y) => { circle class=(if index + 1 == places.len() { "dot last" } else { "dot" }) cx=(place.0) cy=(y) r="2" {} }
                    None => { path.hole d={ "M" (place.0 - 2) " " (HEIGHT - MARGIN - 2) "l4 4m0 -4l-4 4" } {} }
                }
            }
        }
    }
}

/// The same numbers as a table, over all tenants of a control.
pub(super) fn history_table(control: &ControlReport) -> Markup {
    html! {
        @if control.results.iter().any(|result| !result.history.is_empty()) {
            details {
                summary { "Earlier intervals as a table" }
                div.scroll { table.narrow {
                    thead { tr { th { "Tenant" } th { "Interval end (UTC)" } th.num { "Control version" } th { "Status" } th.num { "Violations" } } }
                    tbody {
                        @for result in &control.results { @for point in &result.history { tr {
                            td { (result.scope) }
                            td.when { (schemas::rfc3339(point.interval_end)) }
                            (number_cell(point.control_version.into()))
                            td { (badge(point.status)) }
                            (number_cell(point.violations))
                        } } }
                    }
                } }
            }
        }
    }
}

fn points(control: &ControlReport, result: &ResultRow, interval: &Interval) -> Vec<Point> {
    let known = |status: Status, violations: u64| match status {
        Status::NotEvaluated | Status::Error => None,
        Status::Pass | Status::Warn | Status::Fail | Status::NotApplicable => Some(violations),
    };
    let mut points: Vec<_> = result
        .history
        .iter()
        .map(|point| Point {
            at_us: point.interval_end.timestamp_micros(),
            version: point.control_version,
            violations: known(point.status, point.violations),
        })
        .collect();
    points.push(Point {
        at_us: interval.end.timestamp_micros(),
        version: control.version,
        violations: known(result.status, result.violations),
    });
    points
}

/// Where the points stand; no height where the violations are not known.
fn places(points: &[Point]) -> Vec<(i64, Option<i64>)> {
    let start = points.iter().map(|point| point.at_us).min().unwrap_or_default();
    let end = points.iter().map(|point| point.at_us).max().unwrap_or_default();
    let most = points.iter().filter_map(|point| point.violations).max().unwrap_or_default();
    points
        .iter()
        .map(|point| {
            let x = MARGIN + scaled(i128::from(point.at_us - start), i128::from(end - start), WIDTH - 2 * MARGIN);
            let y =
                point.violations.map(|count| HEIGHT - MARGIN - scaled(count.into(), most.into(), HEIGHT - 2 * MARGIN));
            (x, y)
        })
        .collect()
}

fn scaled(part: i128, whole: i128, length: i64) -> i64 {
    (part * i128::from(length)).checked_div(whole).and_then(|place| i64::try_from(place).ok()).unwrap_or_default()
}

/// Runs of neighbouring intervals with known violations, as `x,y x,y`.
fn lines(points: &[Point], places: &[(i64, Option<i64>)]) -> Vec<String> {
    let mut steps: Vec<_> = points.windows(2).map(|pair| pair[1].at_us - pair[0].at_us).collect();
    steps.sort_unstable();
    // One and a half of the usual step: months differ by a tenth, a missing interval by the whole.
    let usual = steps.get(steps.len().saturating_sub(1) / 2).copied().unwrap_or_default();
    let longest = usual.saturating_add(usual / 2);
    let mut lines = vec![String::new()];
    let mut previous = None;
    for (point, (x, y)) in points.iter().zip(places) {
        let broken = previous.is_some_and(|previous| point.at_us - previous > longest);
        if broken || y.is_none() {
            lines.push(String::new());
        }
        if let (Some(y), Some(line)) = (y, lines.last_mut()) {
            line.push_str(&format!("{x},{y} "));
        }
        previous = Some(point.at_us);
    }
    lines.iter().map(|line| line.trim_end().to_owned()).filter(|line| line.contains(' ')).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(days_and_violations: &[(i64, Option<u64>)], expected: &[&str]) {
        let points: Vec<_> = days_and_violations
            .iter()
            .map(|(day, violations)| Point { at_us: day * 86_400_000_000, version: 1, violations: *violations })
            .collect();
        assert_eq!(lines(&points, &places(&points)), expected);
    }

    #[test]
    fn a_missing_interval_and_an_unknown_one_break_the_line() {
        check(&[(0, Some(0)), (1, Some(5)), (2, Some(10))], &["5,35 75,20 145,5"]);
        check(&[(0, Some(1)), (1, Some(1)), (4, Some(1)), (5, Some(1))], &["5,5 33,5", "117,5 145,5"]);
        check(&[(0, Some(1)), (1, Some(1)), (2, None), (3, Some(1)), (4, Some(1))], &["5,5 40,5", "110,5 145,5"]);
        check(&[(0, Some(1)), (1, Some(1)), (6, Some(1))], &["5,5 28,5"]);
        check(&[(0, None), (0, None)], &[]);
    }
}
