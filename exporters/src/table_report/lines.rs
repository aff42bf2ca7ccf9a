//! Rows of a section as points in time, joined: a line for each value of a column, or for each column that is drawn.
//!
//! Lines differ by their dashes and by a number at their end, so that nothing depends on colour. A value that is null breaks its line.
//! Absent: rows that are not shown, and values between points.

use chrono::{DateTime, TimeDelta, Utc};
use maud::{Markup, html};
use schemas::{FilledSection, SectionChart, parse_day, parse_rfc3339};

use super::{drawn, headed, place, value};
use crate::report::figure::{counted, grouped};
use crate::series::axis::{ValueAxis, passed, time_ticks};

/// Most lines of a picture: so many can be told apart.
const LINES_MAX: usize = 6;
const LEFT: f64 = 84.0;
const TOP: f64 = 12.0;
const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 190.0;
const RIGHT: f64 = 34.0;
const BOTTOM: f64 = 26.0;

/// A value in time, with its digits.
struct Point<'a> {
    at: DateTime<Utc>,
    value: Option<f64>,
    digits: &'a str,
}

/// A line and what it is of.
struct Line<'a> {
    of: String,
    points: Vec<Point<'a>>,
}

/// The picture of a section; nothing of one without points.
pub(super) fn lines(section: &FilledSection, chart: &SectionChart, id: &str) -> Markup {
    let all = all_lines(section, chart);
    let shown = &all[..all.len().min(LINES_MAX)];
    let points = || shown.iter().flat_map(|line| &line.points);
    let Some(axis) = axis(points().filter_map(|point| point.value)) else { return html! {} };
    let (Some(start), Some(last)) = (points().map(|point| point.at).min(), points().map(|point| point.at).max()) else {
        return html! {};
    };
    // A single instant has no length.
    let end = if last > start { last } else { start + TimeDelta::days(1) };
    let x = |at: DateTime<Utc>| px(LEFT + WIDTH * passed(at, start, end));
    let y = |value: f64| px(TOP + HEIGHT * (1.0 - axis.height(value)));
    html! {
        svg.lines role="img" viewBox=(format!("0 0 {} {}", LEFT + WIDTH + RIGHT, TOP + HEIGHT + BOTTOM))
            aria-label=(format!("{}, as in the table", section.title)) {
            @for (at, text) in axis.ticks() {
                line.grid x1=(LEFT) x2=(LEFT + WIDTH) y1=(y(at)) y2=(y(at)) {}
                text x=(LEFT - 8.0) y=(y(at) + 4.0) text-anchor="end" { (text) }
            }
            // One more, so that the last point may have a name, too.
            @for (at, text) in time_ticks(start, end + TimeDelta::microseconds(1), "UTC") {
                line.grid x1=(x(at)) x2=(x(at)) y1=(TOP + HEIGHT) y2=(TOP + HEIGHT + 5.0) {}
                text x=(x(at)) y=(TOP + HEIGHT + 19.0) text-anchor="middle" { (text) }
            }
            @for (number, line) in shown.iter().enumerate() {
                path class=(format!("l{number}")) d=(path(line, &x, &y)) {}
                @for point in &line.points {
                    @if let Some(value) = point.value {
                        circle class=(format!("p{number}")) cx=(x(point.at)) cy=(y(value)) r="2.4" {
                            title { (line.of) ", " (schemas::rfc3339(point.at)) ": " (grouped(point.digits)) }
                        }
                    }
                }
                @if let Some((at, value)) = line.points.iter().rev().find_map(|point| Some((point.at, point.value?))) {
                    text.end x=(x(at) + 8.0) y=(y(value) + 4.0) { (number + 1) }
                }
            }
        }
        ul.key id=(format!("{id}-key")) { @for (number, line) in shown.iter().enumerate() {
            li { svg.lines viewBox="0 0 40 12" { path class=(format!("l{number}")) d="M0 6H40" {} } (number + 1) " " (line.of) }
        } }
        @if shown.len() < all.len() {
            p.soft.small { "Drawn are the first " (shown.len()) " of " (counted(all.len() as u64, "line")) "; the table has all that is shown." }
        }
    }
}

/// Every line of the rows that are shown.
fn all_lines<'a>(section: &'a FilledSection, chart: &SectionChart) -> Vec<Line<'a>> {
    let x = place(section, &chart.x);
    let by = chart.by.as_ref().map(|by| place(section, by));
    let mut all: Vec<Line<'a>> = Vec::new();
    for column in chart.y.iter().filter_map(|y| place(section, y)) {
        for row in &section.rows {
            let Some(at) = value(row, x).and_then(instant) else { continue };
            let title = section.columns.get(column).map_or_else(String::new, headed);
            let of = by.map_or(title, |by| value(row, by).unwrap_or("–").to_owned());
            let digits = value(row, Some(column)).unwrap_or_default();
            let point = Point { at, value: drawn(row, Some(column)), digits };
            match all.iter_mut().find(|line| line.of == of) {
                Some(line) => line.points.push(point),
                None => all.push(Line { of, points: vec![point] }),
            }
        }
    }
    all.iter_mut().for_each(|line| line.points.sort_by_key(|point| point.at));
    all
}

/// The heights of all values, from nought where none is below it; none without values.
fn axis(values: impl Iterator<Item = f64>) -> Option<ValueAxis> {
    let (least, greatest) =
        values.fold((f64::INFINITY, f64::NEG_INFINITY), |(least, most), one| (least.min(one), most.max(one)));
    (least <= greatest).then(|| ValueAxis::between(least.min(0.0), greatest.max(0.0)))
}

fn instant(text: &str) -> Option<DateTime<Utc>> {
    parse_rfc3339(text).ok().or_else(|| Some(parse_day(text).ok()?.and_hms_opt(0, 0, 0)?.and_utc()))
}

fn path(line: &Line<'_>, x: &dyn Fn(DateTime<Utc>) -> f64, y: &dyn Fn(f64) -> f64) -> String {
    let (mut path, mut is_begun) = (String::new(), false);
    for point in &line.points {
        match point.value {
            Some(value) => {
                let command = if is_begun { 'L' } else { 'M' };
                path.push_str(&format!("{command}{} {}", x(point.at), y(value)));
                is_begun = true;
            }
            None => is_begun = false,
        }
    }
    path
}

/// A place in tenths of a pixel.
fn px(place: f64) -> f64 {
    (place * 10.0).round() / 10.0 + 0.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table_report::sample::sample;

    #[test]
    fn each_service_has_a_line_that_nulls_break() {
        let report = sample();
        let section = &report.sections[0];
        let drawn = lines(section, section.chart.as_ref().expect("a chart"), "s").into_string();
        // Two lines and their two samples in the key.
        assert_eq!(drawn.matches("<path").count(), 4, "{drawn}");
        assert_eq!(drawn.matches("<circle").count(), 5, "{drawn}");
        assert!(drawn.contains("1 api") && drawn.contains("2 web"), "{drawn}");
        let web = &all_lines(section, section.chart.as_ref().expect("a chart"))[1];
        let path = path(web, &|at| (at - web.points[0].at).num_days() as f64, &|value| value);
        assert_eq!(path, "M0 7M2 9");
        assert!(!drawn.contains("NaN") && !drawn.contains("inf"), "{drawn}");
    }

    #[test]
    fn nothing_is_drawn_of_nothing() {
        let mut section = sample().sections.remove(0);
        section.rows.clear();
        assert_eq!(lines(&section, &section.chart.clone().expect("a chart"), "s").into_string(), "");
    }
}
