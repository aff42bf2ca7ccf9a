//! The trend of one control for one tenant: violations over earlier intervals and this one.
//!
//! A gap is drawn as a gap: the line breaks where intervals are missing and where the data could not
//! tell. It breaks, too, at a dashed upright, where the control became another by version or parameters:
//! figures on its two sides compare with care. Absent: smoothing and forecasts.

use maud::{Markup, html};
use schemas::{ControlReport, ResultRow, Status, Trend};

use super::figure::{badge, number_cell, thousands};

const WIDTH: i64 = 150;
const HEIGHT: i64 = 40;
const MARGIN: i64 = 5;

/// One interval on the chart.
struct Point {
    /// Microseconds since 1970.
    at_us: i64,
    /// No line leads here from the point before.
    gap: bool,
    /// The control became another.
    turn: bool,
    /// None where the data could not tell.
    violations: Option<u64>,
}

/// The chart, where there is an earlier interval.
pub(super) fn trend(control: &ControlReport, result: &ResultRow, trend: &Trend) -> Markup {
    let [first, .., last] = result.history.as_slice() else {
        return html! { span.soft { "–" } };
    };
    let points = points(result, trend);
    let title = format!(
        "Violations of {} for {} in {} intervals, the first ending {}, the last ending {}: {}",
        control.id,
        result.scope,
        points.len(),
        schemas::rfc3339(first.interval_end),
        schemas::rfc3339(last.interval_end),
        points.iter().map(|point| point.violations.map_or("?".to_owned(), thousands)).collect::<Vec<_>>().join(", "),
    );
    let places = places(&points);
    html! {
        svg.trend role="img" viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } aria-label=(title) {
            title { (title) }
            line.base x1="0" x2=(WIDTH) y1=(HEIGHT - MARGIN) y2=(HEIGHT - MARGIN) {}
            @for pair in points.windows(2).zip(places.windows(2)).filter(|(points, _)| points[1].turn).map(|(_, places)| places) {
                @let middle = i64::midpoint(pair[0].0, pair[1].0);
                line.turn x1=(middle) x2=(middle) y1="0" y2=(HEIGHT) {}
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
        @if control.results.iter().any(|result| result.history.len() > 1) {
            details {
                summary { "Trends of the tenants as a table" }
                div.scroll { table.narrow {
                    thead { tr { th { "Tenant" } th { "Interval end (UTC)" } th.num { "Control version" } th { "Status" } th.num { "Violations" } th { "" } } }
                    tbody {
                        @for result in &control.results { @for point in &result.history { tr {
                            td { (result.scope) }
                            td.when { (schemas::rfc3339(point.interval_end)) }
                            (number_cell(point.control_version.into()))
                            td { (badge(point.status)) }
                            (number_cell(point.violations))
                            td { @if point.redefined { "other version or parameters than before" } }
                        } } }
                    }
                } }
            }
        }
    }
}

fn points(result: &ResultRow, trend: &Trend) -> Vec<Point> {
    let mut points: Vec<Point> = Vec::new();
    let mut gap = false;
    for one in &trend.intervals {
        gap |= one.missing_before > 0;
        let Some(said) = result.history.iter().find(|point| point.interval_end == one.interval.end) else {
            gap = true;
            continue;
        };
        let violations = match said.status {
            Status::NotEvaluated | Status::Error => None,
            Status::Pass | Status::Warn | Status::Fail | Status::NotApplicable => Some(said.violations),
        };
        let at_us = said.interval_end.timestamp_micros();
        points.push(Point { at_us, gap: gap || said.redefined, turn: said.redefined, violations });
        gap = false;
    }
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
    let mut lines = vec![String::new()];
    for (point, (x, y)) in points.iter().zip(places) {
        if point.gap || y.is_none() {
            lines.push(String::new());
        }
        if let (Some(y), Some(line)) = (y, lines.last_mut()) {
            line.push_str(&format!("{x},{y} "));
        }
    }
    lines.iter().map(|line| line.trim_end().to_owned()).filter(|line| line.contains(' ')).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Day, whether there is a gap before it, and violations.
    fn check(given: &[(i64, bool, Option<u64>)], expected: &[&str]) {
        let points: Vec<_> = given
            .iter()
            .map(|(day, gap, violations)| Point {
                at_us: day * 86_400_000_000,
                gap: *gap,
                turn: false,
                violations: *violations,
            })
            .collect();
        assert_eq!(lines(&points, &places(&points)), expected);
    }

    #[test]
    fn a_gap_and_an_unknown_interval_break_the_line() {
        check(&[(0, false, Some(0)), (1, false, Some(5)), (2, false, Some(10))], &["5,35 75,20 145,5"]);
        let two = [(0, false, Some(1)), (1, false, Some(1)), (4, true, Some(1)), (5, false, Some(1))];
        check(&two, &["5,5 33,5", "117,5 145,5"]);
        let unknown =
            [(0, false, Some(1)), (1, false, Some(1)), (2, false, None), (3, false, Some(1)), (4, false, Some(1))];
        check(&unknown, &["5,5 40,5", "110,5 145,5"]);
        check(&[(0, false, Some(1)), (1, false, Some(1)), (6, true, Some(1))], &["5,5 28,5"]);
        check(&[(0, false, None), (0, false, None)], &[]);
    }
}
