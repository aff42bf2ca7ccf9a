//! Charts as inline SVG: whole-number coordinates, a title each, no script.
//!
//! Absent: axes and legends. The table beside each chart carries the same numbers.

use maud::{Markup, html};
use schemas::{Status, StatusCounts};

use super::figure::{by_status, status_sign, status_word, thousands};

const BAR_WIDTH: u64 = 1_000;
/// Narrower segments have no room for sign and number, which the table has.
const LABELLED_WIDTH: u64 = 44;

/// Controls by status, worst at the left.
pub(super) fn status_bar(counts: &StatusCounts) -> Markup {
    let parts = by_status(counts);
    let total = parts.iter().fold(0_u64, |sum, (_, count)| sum.saturating_add(*count));
    let words: Vec<_> =
        parts.iter().map(|(status, count)| format!("{} {}", thousands(*count), status_word(*status))).collect();
    let title = format!("Controls by status: {}", words.join(", "));
    let mut before = 0_u64;
    let segments = parts.map(|(status, count)| {
        let left = share(before, total, BAR_WIDTH);
        before = before.saturating_add(count);
        (status, count, left, share(before, total, BAR_WIDTH) - left)
    });
    html! {
        svg.bar role="img" viewBox="0 0 1000 40" aria-label=(title) {
            title { (title) }
            rect.track x="0" y="0" width=(BAR_WIDTH) height="40" {}
            @for (status, count, left, width) in segments {
                @if width > 0 { (segment(status, count, left, width)) }
            }
        }
    }
}

fn segment(status: Status, count: u64, left: u64, width: u64) -> Markup {
    let ink = if matches!(status, Status::Warn | Status::NotApplicable | Status::NotEvaluated) {
        "on-light"
    } else {
        "on-dark"
    };
    html! {
        rect class={ "f-" (status.as_str()) } x=(left) y="0" width=(width.saturating_sub(2).max(1)) height="40" {}
        @if width >= LABELLED_WIDTH {
            text class=(ink) x=(left + width / 2) y="25" text-anchor="middle" { (status_sign(status)) " " (thousands(count)) }
        }
    }
}

/// How much of a framework could be judged.
pub(super) fn coverage_bar(covered: u64, total: u64) -> Markup {
    let title = format!("{} of {} requirements could be judged", thousands(covered), thousands(total));
    html! {
        svg.bar role="img" viewBox="0 0 200 8" aria-label=(title) {
            title { (title) }
            rect.track x="0" y="0" width="200" height="8" rx="2" {}
            rect.reach x="0" y="0" width=(share(covered, total, 200)) height="8" rx="2" {}
        }
    }
}

/// `part` of `whole` on a length, rounded down; nothing of nothing is nothing.
fn share(part: u64, whole: u64, length: u64) -> u64 {
    let scaled = u128::from(part.min(whole)) * u128::from(length);
    scaled.checked_div(u128::from(whole)).and_then(|share| u64::try_from(share).ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_fill_the_length_and_never_overflow() {
        assert_eq!(share(1, 3, 1_000), 333);
        assert_eq!(share(u64::MAX, u64::MAX, 1_000), 1_000);
        assert_eq!([share(0, 0, 10), share(5, 0, 10), share(9, 3, 10)], [0, 0, 10]);
    }

    #[test]
    fn a_bar_names_every_count_in_its_title() {
        let counts = StatusCounts { pass: 1_200, fail: 3, ..StatusCounts::default() };
        let svg = status_bar(&counts).into_string();
        assert!(svg.contains("3 fail, 0 error, 0 not evaluated, 0 warn, 1,200 pass, 0 not applicable"), "{svg}");
    }
}
