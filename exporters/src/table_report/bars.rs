//! Rows of a section as bars: one for each column that is drawn, from nought to its value, with the value beside it.
//!
//! Bars of different units never share a picture: where a section says so, each value of a column, such as a currency, has one of its
//! own. Absent: rows that are not shown, and numbers that the table does not have.

use maud::{Markup, html};
use schemas::{FilledSection, SectionChart};

use super::{cut, drawn, place, value};
use crate::report::figure::{counted, grouped};

/// Most bars of a picture.
const BARS_MAX: usize = 32;
/// Most pictures of a section.
const PICTURES_MAX: usize = 8;
const LABEL: f64 = 230.0;
const WIDTH: f64 = 470.0;
/// Room for values.
const VALUE: f64 = 200.0;
const BAR: f64 = 14.0;
const STEP: f64 = 18.0;
const GAP: f64 = 8.0;
/// Letters of a label.
const LETTERS: usize = 34;

/// The rows of a section of one picture.
struct Panel<'a> {
    of: Option<&'a str>,
    rows: Vec<&'a [Option<String>]>,
}

/// The pictures of a section.
pub(super) fn bars(section: &FilledSection, chart: &SectionChart) -> Markup {
    let by = chart.by.as_ref().and_then(|by| place(section, by));
    let mut panels: Vec<Panel<'_>> = Vec::new();
    for row in &section.rows {
        let of = value(row, by);
        match panels.iter_mut().find(|panel| panel.of == of) {
            Some(panel) => panel.rows.push(row),
            None => panels.push(Panel { of, rows: vec![row] }),
        }
    }
    let left_out = panels.len().saturating_sub(PICTURES_MAX) as u64;
    html! {
        @for panel in panels.iter().take(PICTURES_MAX) { (picture((section, chart), panel)) }
        @if left_out > 0 { p.soft.small { (counted(left_out, "picture")) " more is not drawn; the table has the rows." } }
    }
}

fn picture((section, chart): (&FilledSection, &SectionChart), panel: &Panel<'_>) -> Markup {
    let x = place(section, &chart.x);
    let of_row = chart.y.len().max(1);
    let rows = &panel.rows[..panel.rows.len().min((BARS_MAX / of_row).max(1))];
    let columns: Vec<Option<usize>> = chart.y.iter().map(|y| place(section, y)).collect();
    let values = rows.iter().flat_map(|row| columns.iter().filter_map(|column| drawn(row, *column)));
    let (least, greatest) = values.fold((0.0, 0.0), |(least, most): (f64, f64), one| (least.min(one), most.max(one)));
    let span = if greatest > least { greatest - least } else { 1.0 };
    let at = |value: f64| LABEL + WIDTH * (value - least) / span;
    let of_one = STEP * of_row as f64 + GAP;
    let height = of_one * rows.len() as f64 + GAP;
    let titles: Vec<&str> = columns.iter().map(|column| title(section, *column)).collect();
    html! {
        @if let Some(of) = panel.of { h4 { (of) } }
        svg.bars role="img" viewBox=(format!("0 0 {} {}", LABEL + WIDTH + VALUE, px(height)))
            aria-label=(format!("{} by {}", titles.join(", "), title(section, x))) {
            @for (number, row) in rows.iter().enumerate() {
                @let top = GAP + of_one * number as f64;
                @let label = value(row, x).unwrap_or("–");
                text x=(LABEL - 8.0) y=(px(top + of_one / 2.0)) text-anchor="end" {
                    title { (label) }
                    (cut(label, LETTERS))
                }
                @for (index, column) in columns.iter().enumerate() {
                    (bar((row, *column), (top + STEP * index as f64, index), &at, told(section, *column, of_row)))
                }
            }
            line.nought x1=(px(at(0.0))) x2=(px(at(0.0))) y1="0" y2=(px(height)) {}
        }
        @if rows.len() < panel.rows.len() {
            p.soft.small { "Drawn are the first " (rows.len()) " of " (counted(panel.rows.len() as u64, "row")) " of the table." }
        }
    }
}

/// What stands behind values of a column: its unit, and its title where there are others.
fn told(section: &FilledSection, column: Option<usize>, of_row: usize) -> String {
    let column = column.and_then(|column| section.columns.get(column));
    let unit = column.and_then(|column| column.unit.as_ref()).map_or_else(String::new, |unit| format!(" {unit}"));
    let title =
        column.filter(|_| of_row > 1).map_or_else(String::new, |column| format!(" {}", column.title.to_lowercase()));
    format!("{unit}{title}")
}

fn title(section: &FilledSection, column: Option<usize>) -> &str {
    column.and_then(|column| section.columns.get(column)).map_or("", |column| column.title.as_str())
}

fn bar(
    (row, column): (&[Option<String>], Option<usize>),
    (top, index): (f64, usize),
    at: &dyn Fn(f64) -> f64,
    told: String,
) -> Markup {
    let shown = value(row, column);
    let Some(length) = drawn(row, column) else {
        return html! { text.soft x=(px(at(0.0) + 6.0)) y=(px(top + BAR - 3.0)) { "–" } };
    };
    let (from, to) = (at(length.min(0.0)), at(length.max(0.0)));
    html! {
        rect class=(format!("b{index}")) x=(px(from)) y=(px(top)) width=(px((to - from).max(0.5))) height=(BAR) {}
        text x=(px(to + 6.0)) y=(px(top + BAR - 3.0)) { (grouped(shown.unwrap_or_default())) (told) }
    }
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
    fn each_currency_has_a_picture_and_what_is_owed_goes_to_the_left() {
        let report = sample();
        let section = &report.sections[1];
        let drawn = bars(section, section.chart.as_ref().expect("a chart")).into_string();
        assert_eq!(drawn.matches("<svg").count(), 2, "{drawn}");
        assert!(drawn.contains("<h4>EUR</h4>") && drawn.contains("<h4>USD</h4>"));
        // The greatest value takes all the room, and a value below nought ends where others begin.
        assert!(drawn.contains("1,499.50 revenue") && drawn.contains("-100.25 margin"), "{drawn}");
        let nought = LABEL + WIDTH * 100.25 / 1_599.75;
        assert!(drawn.contains(&format!("x1=\"{}\"", px(nought))), "{nought} in {drawn}");
    }

    #[test]
    fn more_rows_than_there_is_room_for_are_told() {
        let mut section = sample().sections.remove(1);
        let row = section.rows[0].clone();
        section.rows = vec![row; 40];
        let chart = SectionChart { y: vec!["revenue".to_owned()], ..section.chart.clone().expect("a chart") };
        let drawn = bars(&section, &chart).into_string();
        assert_eq!(drawn.matches("<rect").count(), BARS_MAX);
        assert!(drawn.contains("the first 32 of 40 rows"), "{drawn}");
    }
}
