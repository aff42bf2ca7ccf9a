//! The last intervals side by side: what a control said, or how a framework scored, one cell an interval.
//!
//! A gap is drawn as a gap: an empty, dashed cell stands for intervals without a run, and for a run without a result. A
//! dashed upright marks a control that became another, by version or parameters: what stands left of it compares with
//! care. Signs and numbers stand in the cells, so that nothing depends on colour. Absent: lines from cell to cell.

use maud::{Markup, html};
use schemas::{ControlPoint, ControlReport, Report, ScorePoint, Scorecard, Status, Trend};

use super::figure::{badge, local, number_cell, percent, status_sign, status_word, thousands};

/// Room for what marks a turn.
const TURN: u64 = 14;
const BAR_HEIGHT: u64 = 44;

/// What stands at one place of a strip.
enum Cell<'a, P> {
    /// So many intervals have no run.
    NoRun(u64),
    /// A run that says nothing about it.
    NoResult { end: String },
    /// What was said.
    Said { point: &'a P, end: String, turn: Option<String> },
}

/// The cells of `points`; those of intervals before the first are left out. `place` finds a point's interval.
fn cells<'a, P>(
    report: &'a Report,
    points: &'a [P],
    is_at: impl Fn(&P, usize) -> bool,
    turn: impl Fn(Option<&P>, &P) -> Option<String>,
) -> Vec<Cell<'a, P>> {
    let mut cells = Vec::new();
    let mut before = None;
    for (index, one) in report.trend.intervals.iter().enumerate() {
        let point = points.iter().find(|point| is_at(point, index));
        if before.is_none() && point.is_none() {
            continue;
        }
        if before.is_some() && one.missing_before > 0 {
            cells.push(Cell::NoRun(one.missing_before));
        }
        let end = day(one.interval.end.timestamp_micros(), &report.run.timezone);
        match point {
            Some(point) => {
                cells.push(Cell::Said { point, end, turn: turn(before, point) });
                before = Some(point);
            }
            None => cells.push(Cell::NoResult { end }),
        }
    }
    cells
}

/// The day on which an interval ends, in the zone of the report; with the time where it is not midnight.
fn day(at_us: i64, zone: &str) -> String {
    let text = local(at_us, zone).or_else(|| local(at_us, "UTC")).unwrap_or_default();
    let mut words = text.split(' ');
    let (day, time) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    if time == "00:00:00" { day.to_owned() } else { format!("{day} {}", time.get(..5).unwrap_or(time)) }
}

fn control_cells<'a>(report: &'a Report, control: &'a ControlReport) -> Vec<Cell<'a, ControlPoint>> {
    let is_at = |point: &ControlPoint, index: usize| point.interval_end == report.trend.intervals[index].interval.end;
    cells(report, &control.trend, is_at, |before, point| {
        point.redefined.then(|| match before.is_some_and(|before| before.control_version == point.control_version) {
            true => "params".to_owned(),
            false => format!("v{}", point.control_version),
        })
    })
}

fn score_cells<'a>(report: &'a Report, card: &'a Scorecard) -> Vec<Cell<'a, ScorePoint>> {
    let is_at = |point: &ScorePoint, index: usize| point.interval_end == report.trend.intervals[index].interval.end;
    cells(report, &card.trend, is_at, |_, point| point.redefined.then(|| "changed".to_owned()))
}

/// What a strip says, in words.
fn title<P>(what: &str, cells: &[Cell<'_, P>], said: impl Fn(&P) -> String) -> String {
    let words = cells.iter().map(|cell| match cell {
        Cell::NoRun(count) => no_run(*count),
        Cell::NoResult { end } => format!("{end} no result"),
        Cell::Said { point, end, turn } => {
            let turn = turn.as_ref().map(|turn| format!("({turn}) ")).unwrap_or_default();
            format!("{turn}{end} {}", said(point))
        }
    });
    format!("{what}, by the day on which the interval ends: {}", words.collect::<Vec<_>>().join("; "))
}

/// Room for a cell with the day below it, and its time where it has one.
fn pitch<P>(cells: &[Cell<'_, P>]) -> u64 {
    let timed = cells.iter().any(|cell| match cell {
        Cell::NoRun(_) => false,
        Cell::NoResult { end } | Cell::Said { end, .. } => end.contains(' '),
    });
    if timed { 104 } else { 72 }
}

/// Few letters for a hole in a strip.
fn no_run_sign(count: u64) -> String {
    if count == 1 { "no run".to_owned() } else { format!("no run ×{}", thousands(count)) }
}

fn no_run(count: u64) -> String {
    if count == 1 { "no run for one interval".to_owned() } else { format!("no run for {} intervals", thousands(count)) }
}

/// Left edges of cells of a width, with room before each turn; and the whole width.
fn places<P>(cells: &[Cell<'_, P>], width: u64) -> (Vec<u64>, u64) {
    let mut left = 0;
    let mut places = Vec::new();
    for cell in cells {
        if matches!(cell, Cell::Said { turn: Some(_), .. }) {
            left += TURN;
        }
        places.push(left);
        left += width;
    }
    (places, left)
}

/// The trend of a control in a line of a table: a sign for each interval.
pub(super) fn small(report: &Report, control: &ControlReport) -> Markup {
    const SIDE: u64 = 13;
    let cells = control_cells(report, control);
    let (places, width) = places(&cells, SIDE + 1);
    let title = title(&control.id, &cells, said);
    html! {
        svg.strip role="img" width=(width) height=(SIDE + 1) viewBox={ "0 0 " (width) " " (SIDE + 1) } aria-label=(title) {
            title { (title) }
            @for (cell, left) in cells.iter().zip(places) {
                @match cell {
                    Cell::Said { point, turn, .. } => {
                        @if turn.is_some() { line.turn x1=(left - TURN / 2) x2=(left - TURN / 2) y1="0" y2=(SIDE + 1) {} }
                        rect class={ "f-" (point.status.as_str()) } x=(left) y="0" width=(SIDE) height=(SIDE) {}
                        text class={ "sign " (ink(point.status)) } x=(left + SIDE / 2) y="10" text-anchor="middle" { (status_sign(point.status)) }
                    }
                    Cell::NoRun(_) | Cell::NoResult { .. } => {
                        rect.gap x={ (left) ".5" } y="0.5" width=(SIDE - 1) height=(SIDE - 1) {}
                    }
                }
            }
        }
    }
}

/// The trend of a control with its numbers: sign and violations, the day below, and the same as a table.
pub(super) fn control(report: &Report, control: &ControlReport) -> Markup {
    let cells = control_cells(report, control);
    if cells.len() < 2 {
        return html! {};
    }
    let longest = control.trend.iter().map(|point| thousands(point.violations).len()).max().unwrap_or_default();
    let pitch = pitch(&cells).max(24 + 9 * longest as u64);
    let title = title(&format!("Worst status and violations of {}", control.id), &cells, said);
    html! {
        h4 { "Trend: worst status and violations over all tenants" }
        (drawn(&cells, pitch, &Frame { top: 14, cell: 26, height: 56 }, &title, |point, left, middle| html! {
            rect class={ "f-" (point.status.as_str()) } x=(left) y="14" width=(pitch - 4) height="26" {}
            text class=(ink(point.status)) x=(middle) y="32" text-anchor="middle" {
                (status_sign(point.status)) " " (thousands(point.violations))
            }
        }))
        details {
            summary { "The trend as a table" }
            div.scroll { table.narrow {
                thead { tr { th { "Interval end (UTC)" } th { "Status" } th.num { "Violations" } th.num { "Control version" } th { "" } } }
                tbody { @for cell in &cells { @match cell {
                    Cell::Said { point, turn, .. } => tr {
                        td.when { (schemas::rfc3339(point.interval_end)) } td { (badge(point.status)) }
                        (number_cell(point.violations)) (number_cell(point.control_version.into()))
                        td { @match turn.as_deref() { None => {}, Some("params") => "other parameters than before", Some(_) => "another version than before" } }
                    },
                    Cell::NoRun(count) => tr { td colspan="5" { span.null { (no_run(*count)) } } },
                    Cell::NoResult { end } => tr { td { (end) } td colspan="4" { span.null { "the control was not part of the report" } } },
                } } }
            } }
        }
    }
}

/// The trend of a framework: a column for each score, with the coverage it stands on below it, and the same as a table.
pub(super) fn scores(report: &Report, card: &Scorecard) -> Markup {
    const BASE: u64 = 76;
    let cells = score_cells(report, card);
    if cells.len() < 2 {
        return html! {};
    }
    let pitch = pitch(&cells);
    let title = title(&format!("Score of {} and requirements it stands on", card.name), &cells, scored);
    html! {
        h4 { "Trend of the score, with the requirements it stands on" }
        (drawn(&cells, pitch, &Frame { top: BASE - BAR_HEIGHT, cell: BAR_HEIGHT, height: 106 }, &title, |point, left, middle| {
            let height = point.score_permille.unwrap_or_default().min(1_000) * BAR_HEIGHT / 1_000;
            html! {
                rect.track x=(left + 14) y=(BASE - BAR_HEIGHT) width=(pitch - 32) height=(BAR_HEIGHT) {}
                rect.reach.partial[point.covered * 2 < point.requirements_total] x=(left + 14) y=(BASE - height) width=(pitch - 32) height=(height) {}
                text.figure x=(middle) y=(BASE - BAR_HEIGHT - 4) text-anchor="middle" { (score_words(point)) }
                text.day x=(middle) y=(BASE + 13) text-anchor="middle" { (thousands(point.covered)) " of " (thousands(point.requirements_total)) }
            }
        }))
        details {
            summary { "The trend as a table" }
            div.scroll { table.narrow {
                thead { tr { th { "Interval end (UTC)" } th.num { "Score" } th.num { "Judged" } th.num { "Requirements" } th { "" } } }
                tbody { @for cell in &cells { @match cell {
                    Cell::Said { point, turn, .. } => tr {
                        td.when { (schemas::rfc3339(point.interval_end)) } td.num { (score_words(point)) }
                        (number_cell(point.covered)) (number_cell(point.requirements_total))
                        td { @if turn.is_some() { "other controls, versions or parameters than before" } }
                    },
                    Cell::NoRun(count) => tr { td colspan="5" { span.null { (no_run(*count)) } } },
                    Cell::NoResult { end } => tr { td { (end) } td colspan="4" { span.null { "no control of the framework was part of the report" } } },
                } } }
            } }
        }
    }
}

/// What the signs of a strip mean, where there is a strip.
pub(super) fn legend(trend: &Trend) -> Markup {
    html! {
        @if trend.intervals.len() > 1 {
            p.small.soft {
                "Trends show the last " (trend.intervals.len()) " intervals of the job, this one last: "
                @for (index, status) in Status::WORST_FIRST.into_iter().enumerate() {
                    @if index > 0 { ", " } b { (status_sign(status)) } " " (status_word(status))
                }
                "; a dashed cell is a gap, where no run looked. At a dashed upright the control became another, by version or parameters: what stands left of it compares with care."
            }
        }
    }
}

fn said(point: &ControlPoint) -> String {
    format!("{} {}", status_word(point.status), thousands(point.violations))
}

fn score_words(point: &ScorePoint) -> String {
    point.score_permille.map_or("no score".to_owned(), percent)
}

fn scored(point: &ScorePoint) -> String {
    format!("{} on {} of {}", score_words(point), thousands(point.covered), thousands(point.requirements_total))
}

fn ink(status: Status) -> &'static str {
    match status {
        Status::Warn | Status::NotApplicable | Status::NotEvaluated => "on-light",
        Status::Pass | Status::Fail | Status::Error => "on-dark",
    }
}

/// Where the cells of a strip with words stand, from above.
struct Frame {
    top: u64,
    cell: u64,
    height: u64,
}

/// A strip with the days below it; `said` draws what was said into a cell, given its left edge and its middle.
fn drawn<P>(
    cells: &[Cell<'_, P>],
    pitch: u64,
    frame: &Frame,
    title: &str,
    said: impl Fn(&P, u64, u64) -> Markup,
) -> Markup {
    let (places, width) = places(cells, pitch);
    let hole = |left, words: &str, end| hole((left, frame.top), (pitch - 4, frame.cell), words, end);
    html! {
        svg.strip role="img" width=(width) height=(frame.height) viewBox={ "0 0 " (width) " " (frame.height) } aria-label=(title) {
            title { (title) }
            @for (cell, left) in cells.iter().zip(places) {
                @match cell {
                    Cell::Said { point, end, turn } => {
                        @let middle = left + (pitch - 4) / 2;
                        (turned(turn.as_deref(), left, frame.height))
                        (said(point, left, middle))
                        text.day x=(middle) y=(frame.height - 3) text-anchor="middle" { (end) }
                    }
                    Cell::NoRun(count) => (hole(left, &no_run_sign(*count), None)),
                    Cell::NoResult { end } => (hole(left, "no result", Some(end))),
                }
            }
        }
    }
}

fn turned(turn: Option<&str>, left: u64, height: u64) -> Markup {
    html! {
        @if let Some(turn) = turn {
            line.turn x1=(left - TURN / 2) x2=(left - TURN / 2) y1="0" y2=(height) {}
            text.day x=(left - TURN / 2 + 4) y="10" { (turn) }
        }
    }
}

fn hole((left, top): (u64, u64), (width, height): (u64, u64), words: &str, end: Option<&String>) -> Markup {
    html! {
        rect.gap x={ (left) ".5" } y={ (top) ".5" } width=(width - 1) height=(height - 1) {}
        text.day x=(left + width / 2) y=(top + height / 2 + 4) text-anchor="middle" { (words) }
        @if let Some(end) = end { text.day x=(left + width / 2) y=(top + height + 13) text-anchor="middle" { (end) } }
    }
}
