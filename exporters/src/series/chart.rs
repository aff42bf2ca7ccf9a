//! A series as inline SVG: the expected band, the values over it, and what is unusual in them.
//!
//! Where a column has several buckets the line is their mean, on an area from their least to their greatest value, so that a value of
//! a moment is seen in years. Where no value is known the line breaks. Alerts are filled diamonds with the number that the text
//! beneath has, what was unusual before is a ring: shapes and numbers, so that nothing depends on colour. Absent: scripts, and what
//! lies outside of the run.

use chrono::{DateTime, Utc};
use maud::{Markup, html};
use schemas::{MetricPictures, SeriesAlert, SeriesColumn, SeriesPicture, SeriesReport, rfc3339};

use super::axis::{ValueAxis, grouped, passed, time_ticks};
use crate::report::figure::counted;

const LEFT: f64 = 72.0;
const TOP: f64 = 26.0;
const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 150.0;
const RIGHT: f64 = 26.0;
const BOTTOM: f64 = 24.0;
/// Room that the text at the edge of what was judged takes.
const EDGE_TEXT: f64 = 110.0;
/// Numbers stand so far from other numbers and from marks.
const APART: f64 = 11.0;
/// Alerts of a series that are told beneath its picture; all of them are in the other formats.
const ALERTS_TOLD: usize = 20;

/// A place on a picture: from the left, and from the top.
type Place = (f64, f64);

/// Where things stand on one picture.
struct Frame<'a> {
    picture: &'a SeriesPicture,
    values: ValueAxis,
    start: DateTime<Utc>,
    end: DateTime<Utc>,
}

impl Frame<'_> {
    fn x(&self, at: DateTime<Utc>) -> f64 {
        LEFT + WIDTH * passed(at, self.start, self.end)
    }

    /// The middle of a column.
    fn middle(&self, column: &SeriesColumn) -> f64 {
        f64::midpoint(self.x(column.start), self.x(column.end))
    }

    /// The middle of the column that has an instant.
    fn middle_at(&self, at: DateTime<Utc>) -> f64 {
        let column = self.picture.columns.iter().find(|column| (column.start..column.end).contains(&at));
        column.map_or_else(|| self.x(at), |column| self.middle(column))
    }

    fn y(&self, value: f64) -> f64 {
        TOP + HEIGHT * (1.0 - self.values.height(value))
    }
}

/// The picture of a series; nothing of one without buckets.
pub(super) fn chart((report, metric): (&SeriesReport, &MetricPictures), picture: &SeriesPicture, id: &str) -> Markup {
    let (Some(first), Some(last)) = (picture.columns.first(), picture.columns.last()) else { return html! {} };
    let values = ValueAxis::of(picture, metric.log1p);
    let frame = Frame { picture, values, start: first.start, end: last.end };
    let (width, height) = (LEFT + WIDTH + RIGHT, TOP + HEIGHT + BOTTOM);
    let judged = frame.x(report.judged.start).min(LEFT + WIDTH - 1.0);
    html! {
        svg.series role="img" viewBox={ "0 0 " (width) " " (height) } aria-labelledby={ (id) "-t " (id) "-d" } {
            title id={ (id) "-t" } { (name(metric, picture)) }
            desc id={ (id) "-d" } { (in_words(picture, frame.start, frame.end)) }
            @if judged > frame.x(frame.start) {
                rect.judged x=(px(judged)) y=(TOP) width=(px(LEFT + WIDTH - judged)) height=(HEIGHT) {}
            }
            @for (value, text) in frame.values.ticks() {
                @let y = px(frame.y(value));
                line.grid x1=(LEFT) x2=(LEFT + WIDTH) y1=(y) y2=(y) {}
                text x=(LEFT - 8.0) y=(px(frame.y(value) + 4.0)) text-anchor="end" { (text) }
            }
            @for (at, text) in time_ticks(frame.start, frame.end, &report.timezone) {
                @let x = px(frame.x(at));
                line.grid x1=(x) x2=(x) y1=(TOP + HEIGHT) y2=(TOP + HEIGHT + 5.0) {}
                text x=(x) y=(TOP + HEIGHT + 18.0) text-anchor="middle" { (text) }
            }
            path.band d=(area(&frame, |column| column.low.zip(column.high))) {}
            @if picture.columns.iter().any(|column| column.values > 1) {
                path.range d=(area(&frame, |column| column.least.zip(column.greatest))) {}
            }
            path.values d=(line(&frame)) {}
            // Where all of it was judged, there is nothing to tell apart.
            @if judged > frame.x(frame.start) {
                line.edge x1=(px(judged)) x2=(px(judged)) y1=(TOP - 12.0) y2=(TOP + HEIGHT) {}
                @let (x, anchor) = edge_text(judged);
                text.edge x=(px(x)) y=(TOP - 8.0) text-anchor=(anchor) { "judged from here" }
            }
            (marks(&frame))
        }
    }
}

/// Where the text at an edge begins or ends, so that all of it is seen.
fn edge_text(edge: f64) -> (f64, &'static str) {
    if edge < LEFT + EDGE_TEXT { (edge + 4.0, "start") } else { (edge - 4.0, "end") }
}

/// What a series is of.
pub(super) fn name(metric: &MetricPictures, picture: &SeriesPicture) -> String {
    match (&metric.by, &picture.entity) {
        (Some(by), Some(entity)) => format!("{} of {by} {entity}", metric.metric),
        _ => metric.metric.clone(),
    }
}

/// The picture for whoever does not see it.
fn in_words(picture: &SeriesPicture, start: DateTime<Utc>, end: DateTime<Utc>) -> String {
    let shown = |value: Option<f64>| value.map_or_else(|| "none".to_owned(), grouped);
    let band = picture.columns.iter().rev().find_map(|column| column.low.zip(column.high));
    let band = band.map_or_else(String::new, |(low, high)| format!(", usually {} to {}", grouped(low), grouped(high)));
    format!(
        "{} from {} to {}: least {}, greatest {}, last {}{band}; {}, and {} before",
        counted(picture.values, "value"),
        rfc3339(start),
        rfc3339(end),
        shown(picture.least),
        shown(picture.greatest),
        shown(picture.last),
        counted(picture.alerts.len() as u64, "alert"),
        counted(picture.earlier.len() as u64, "unusual value"),
    )
}

/// The alerts that are told beneath a picture, with their numbers: those with the highest scores, in the order of time.
pub(super) fn told(picture: &SeriesPicture) -> Vec<(usize, &SeriesAlert)> {
    let mut told: Vec<(usize, &SeriesAlert)> = (1..).zip(&picture.alerts).collect();
    told.sort_by(|(_, one), (_, other)| other.score.total_cmp(&one.score));
    told.truncate(ALERTS_TOLD);
    told.sort_by_key(|(number, _)| *number);
    told
}

/// Alerts with the numbers of those that are told, and rings around what was unusual before.
fn marks(frame: &Frame<'_>) -> Markup {
    let told = told(frame.picture);
    let place = |alert: &SeriesAlert| (frame.middle_at(alert.start), frame.y(alert.value));
    let diamond = |(x, y): Place| html! { path.alert d={ "M" (px(x)) " " (px(y - 6.0)) "l6 6l-6 6l-6 -6z" } {} };
    let of_told: Vec<Place> = told.iter().map(|(_, alert)| place(alert)).collect();
    // Of the others one of a column is enough.
    let mut others: Vec<Place> = frame.picture.alerts.iter().map(place).filter(|at| !of_told.contains(at)).collect();
    others.dedup_by_key(|(x, _)| *x);
    let taken: Vec<Place> = of_told.iter().chain(&others).copied().collect();
    html! {
        @for mark in &frame.picture.earlier {
            circle.earlier cx=(px(frame.middle_at(mark.start))) cy=(px(frame.y(mark.value))) r="4" {
                title { "unusual by " (mark.detector) " at " (rfc3339(mark.start)) ": " (grouped(mark.value)) }
            }
        }
        @for at in others { (diamond(at)) }
        @for ((number, alert), at) in told.iter().zip(&of_told) {
            g { title { "alert " (number) ": " (alert.explanation) } (diamond(*at)) }
        }
        @for (number, (x, y)) in numbers(&told, &of_told, taken) {
            text.number x=(px(x)) y=(px(y + 4.0)) text-anchor="middle" { (number) }
        }
    }
}

/// Where numbers stand: above their marks, or beside them where something else is above; nowhere in a crowd.
fn numbers(told: &[(usize, &SeriesAlert)], marks: &[Place], mut taken: Vec<Place>) -> Vec<(usize, Place)> {
    let mut numbers = Vec::new();
    for ((number, _), (x, y)) in told.iter().zip(marks) {
        let around = [(*x, y - 14.0), (x - 15.0, *y), (x + 15.0, *y)];
        let is_free = |(x, y): &Place| {
            let is_near = |(other_x, other_y): &Place| (x - other_x).abs() < APART && (y - other_y).abs() < APART;
            *y >= TOP - 2.0 && *x <= LEFT + WIDTH + RIGHT - 6.0 && !taken.iter().any(is_near)
        };
        if let Some(free) = around.into_iter().find(is_free) {
            taken.push(free);
            numbers.push((*number, free));
        }
    }
    numbers
}

/// Values, or means of columns, as one path that gaps break.
fn line(frame: &Frame<'_>) -> String {
    let mut path = String::new();
    for columns in frame.picture.columns.chunk_by(|one, other| one.mean.is_some() == other.mean.is_some()) {
        for (at, (column, mean)) in columns.iter().filter_map(|column| Some((column, column.mean?))).enumerate() {
            let command = if at == 0 { 'M' } else { 'L' };
            path.push_str(&format!("{command}{} {}", px(frame.middle(column)), px(frame.y(mean))));
            if columns.len() == 1 {
                // A value between two gaps is a dot.
                path.push_str("h.1");
            }
        }
    }
    path
}

/// From the low to the high of columns: an area for each run of those that have one, never thinner than a line.
fn area(frame: &Frame<'_>, of: impl Fn(&SeriesColumn) -> Option<(f64, f64)>) -> String {
    let mut path = String::new();
    for columns in frame.picture.columns.chunk_by(|one, other| of(one).is_some() == of(other).is_some()) {
        let edges: Vec<(f64, f64, f64, f64)> = columns
            .iter()
            .filter_map(|column| {
                let (low, high) = of(column)?;
                let low = frame.y(low);
                Some((frame.x(column.start), frame.x(column.end), low, frame.y(high).min(low - 1.0)))
            })
            .collect();
        for (at, (start, end, _, high)) in edges.iter().enumerate() {
            let from = if at == 0 { 'M' } else { 'L' };
            path.push_str(&format!("{from}{} {}H{}", px(*start), px(*high), px(*end)));
        }
        for (start, end, low, _) in edges.iter().rev() {
            path.push_str(&format!("L{} {}H{}", px(*end), px(*low), px(*start)));
        }
        if !edges.is_empty() {
            path.push('z');
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
    use crate::series::sample::{picture_of, sample};

    fn framed<T>(picture: &SeriesPicture, then: impl Fn(&Frame<'_>) -> T) -> T {
        let (first, last) = (picture.columns.first().expect("a column"), picture.columns.last().expect("a column"));
        let values = ValueAxis::of(picture, false);
        then(&Frame { picture, values, start: first.start, end: last.end })
    }

    #[test]
    fn a_gap_breaks_the_line_and_a_single_value_is_a_dot() {
        let nan = f64::NAN;
        let path = framed(&picture_of(&[0.0, 10.0, nan, 5.0, nan, 1.0, 1.0]), line);
        assert_eq!(path.matches('M').count(), 3, "{path}");
        assert_eq!(path.matches("h.1").count(), 1, "{path}");
    }

    #[test]
    fn of_several_buckets_the_mean_is_a_line_on_an_area_from_the_least_to_the_greatest() {
        let mut picture = picture_of(&[0.0, 10.0, 10.0]);
        (picture.columns[1].least, picture.columns[1].mean, picture.columns[1].values) = (Some(0.0), Some(5.0), 2);
        assert_eq!(framed(&picture, line), "M192 176L432 103.9L672 31.8");
        let range = framed(&picture, |frame| area(frame, |column| column.least.zip(column.greatest)));
        assert_eq!(range, "M72 175H312L312 31.8H552L552 30.8H792L792 31.8H552L552 176H312L312 176H72z");
        let report = sample();
        let svg = |picture| chart((&report, &report.metrics[0]), picture, "s1").into_string();
        assert!(svg(&picture).contains("class=\"range\"") && !svg(&picture_of(&[1.0])).contains("class=\"range\""));
    }

    #[test]
    fn a_band_is_an_area_around_what_is_expected_and_never_below_the_picture() {
        let mut picture = picture_of(&[2.0, 2.0, 2.0]);
        for (column, low) in [(1, -100.0), (2, 1.0)] {
            (picture.columns[column].low, picture.columns[column].high) = (Some(low), Some(3.0));
        }
        let path = framed(&picture, |frame| area(frame, |column| column.low.zip(column.high)));
        assert_eq!(path.matches('z').count(), 1, "{path}");
        assert!(path.starts_with("M312 ") && path.contains("L552 176"), "{path}");
    }

    #[test]
    fn numbers_stand_above_their_marks_or_beside_them_and_not_upon_one_another() {
        let alert = &sample().metrics[0].pictures[0].alerts[0];
        let (told, marks): (Vec<_>, Vec<_>) = (1..=4).map(|number| ((number, alert), (100.0, 100.0))).unzip();
        let placed = numbers(&told, &marks, marks.clone());
        assert_eq!(placed, [(1, (100.0, 86.0)), (2, (85.0, 100.0)), (3, (115.0, 100.0))]);
    }

    #[test]
    fn the_text_at_an_edge_stays_in_the_picture() {
        assert_eq!(edge_text(LEFT + 10.0), (LEFT + 14.0, "start"));
        assert_eq!(edge_text(LEFT + 400.0), (LEFT + 396.0, "end"));
    }

    #[test]
    fn a_picture_says_in_words_what_it_shows() {
        let report = sample();
        let metric = &report.metrics[0];
        let svg = chart((&report, metric), &metric.pictures[0], "s1").into_string();
        for part in [
            "role=\"img\"",
            "aria-labelledby=\"s1-t s1-d\"",
            "logins of actor u-17",
            "1 alert, and 1 unusual value before",
            "class=\"alert\"",
            "class=\"earlier\"",
            "judged from here",
        ] {
            assert!(svg.contains(part), "{part} in {svg}");
        }
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
    }
}
