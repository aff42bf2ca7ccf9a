//! A period as a strip of days: one cell a day, in rows of weeks, with the bad slices of the day in it.
//!
//! Figures and signs stand in the cells, so that nothing depends on colour.

use maud::{Markup, html};
use schemas::{SlaStatement, StatementDay};

use crate::report::figure::thousands;

const CELL_WIDTH: usize = 74;
const CELL_HEIGHT: usize = 46;
const GAP: usize = 4;
const HEAD: usize = 18;
const WEEK: usize = 7;

/// The days of a statement; the first column is Monday.
pub(super) fn strip(statement: &SlaStatement) -> Markup {
    let first = statement.days.first().map_or(0, monday_is_zero);
    let rows = (first + statement.days.len()).div_ceil(WEEK);
    let width = WEEK * (CELL_WIDTH + GAP) - GAP;
    let height = HEAD + rows * (CELL_HEIGHT + GAP);
    html! {
        svg.strip viewBox=(format!("0 0 {width} {height}")) width=(width) role="img" aria-label="Days of the period" {
            @for (column, name) in ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"].into_iter().enumerate() {
                text.day x=(column * (CELL_WIDTH + GAP)) y="12" { (name) }
            }
            @for (at, day) in statement.days.iter().enumerate() {
                (cell(day, (first + at) % WEEK * (CELL_WIDTH + GAP), HEAD + (first + at) / WEEK * (CELL_HEIGHT + GAP)))
            }
        }
    }
}

/// The number of a day in its week, as `%u` has it from 1.
fn monday_is_zero(day: &StatementDay) -> usize {
    day.day.format("%u").to_string().parse::<usize>().map_or(0, |number| number.saturating_sub(1))
}

fn cell(day: &StatementDay, x: usize, y: usize) -> Markup {
    let (class, figure, sign) = look(day);
    let name = format!(
        "{}: {} of {} slices bad, {} excluded, {} unknown",
        day.day, day.bad, day.slices, day.excluded, day.unknown
    );
    html! {
        g {
            title { (name) }
            rect class=(class) x=(x) y=(y) width=(CELL_WIDTH) height=(CELL_HEIGHT) rx="3" {}
            text.(if class == "f-fail" { "on-dark" } else { "on-light" }) x=(x + 6) y=(y + 17) { (day.day.format("%-d").to_string()) }
            text.(if class == "f-fail" { "on-dark" } else { "on-light" }) x=(x + 6) y=(y + 36) { (figure) }
            @if !sign.is_empty() {
                text.(if class == "f-fail" { "on-dark" } else { "on-light" }) x=(x + CELL_WIDTH - 6) y=(y + 17) text-anchor="end" { (sign) }
            }
        }
    }
}

/// Class, figure and sign of a day: the worst of it first.
fn look(day: &StatementDay) -> (&'static str, String, &'static str) {
    if day.bad > 0 {
        ("f-fail", format!("{} bad", thousands(day.bad)), "✗")
    } else if day.unknown > 0 {
        ("f-not_evaluated", format!("{} ?", thousands(day.unknown)), "?")
    } else if day.excluded > 0 {
        ("f-not_applicable", format!("{} out", thousands(day.excluded)), "–")
    } else {
        ("f-pass-soft", String::new(), "✓")
    }
}
