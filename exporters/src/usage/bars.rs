//! Usage against a quota as a bar, and day by day as columns under the line of the limit.
//!
//! Signs stand beside colours, and every shape has its figures in words.

use maud::{Markup, html};
use schemas::{UsageDay, UsageQuota};

const BAR_WIDTH: u64 = 260;
const BAR_HEIGHT: u64 = 16;
/// Where a bar reaches its limit.
const BAR_LIMIT: u64 = 200;
const COLUMN_WIDTH: u64 = 24;
const COLUMN_GAP: u64 = 4;
const COLUMNS_HEIGHT: u64 = 90;
/// Height of the limit's line: days may go over it.
const COLUMNS_LIMIT: u64 = 66;
const HEAD: u64 = 14;
const FOOT: u64 = 16;
const WHOLE: u64 = 1_000;

/// How much of a limit is used; none where nothing limits it, or it cannot be told.
pub(super) fn bar(quota: &UsageQuota) -> Markup {
    let (Some(used), Some(limit), Some(permille)) = (&quota.used, &quota.limit, permille(quota)) else {
        return html! { span.soft { @if quota.status == "unlimited" { "no limit" } @else { "–" } } };
    };
    let reach = reach(permille, BAR_LIMIT, BAR_WIDTH);
    let (class, _) = look(&quota.status);
    html! {
        svg.usage viewBox=(format!("0 0 {BAR_WIDTH} {BAR_HEIGHT}")) width=(BAR_WIDTH) role="img"
            aria-label=(format!("{used} of {limit}")) {
            rect.track x="0" y="2" width=(BAR_LIMIT) height=(BAR_HEIGHT - 4) rx="2" {}
            rect class=(class) x="0" y="2" width=(reach) height=(BAR_HEIGHT - 4) rx="2" {}
            line.limit x1=(BAR_LIMIT) y1="0" x2=(BAR_LIMIT) y2=(BAR_HEIGHT) {}
            @if reach == BAR_WIDTH { text.on-dark x=(BAR_WIDTH - 4) y="12" text-anchor="end" { "»" } }
        }
    }
}

/// Each day as a column; none without days.
pub(super) fn columns(quota: &UsageQuota) -> Markup {
    let days = &quota.days;
    if days.is_empty() || days.iter().any(|day| day.permille.is_none()) {
        return html! {};
    }
    let width = (COLUMN_WIDTH + COLUMN_GAP) * days.iter().map(|_| 1).sum::<u64>();
    let (base, line) = (HEAD + COLUMNS_HEIGHT, HEAD + COLUMNS_HEIGHT - COLUMNS_LIMIT);
    html! {
        svg.strip viewBox=(format!("0 0 {width} {}", base + FOOT)) width=(width) role="img" aria-label="Day by day" {
            @for (day, x) in days.iter().zip((0..width).step_by((COLUMN_WIDTH + COLUMN_GAP) as usize)) {
                (column(day, x, base, quota.limit.as_deref().unwrap_or_default()))
            }
            line.limit x1="0" y1=(line) x2=(width) y2=(line) {}
        }
    }
}

fn column(day: &UsageDay, x: u64, base: u64, limit: &str) -> Markup {
    let (class, sign) = look(&day.status);
    let height = reach(day.permille.unwrap_or_default(), COLUMNS_LIMIT, COLUMNS_HEIGHT);
    let middle = x + COLUMN_WIDTH / 2;
    html! {
        g {
            title { (day.day) ": " (day.used) " of " (limit) }
            rect.track x=(x) y=(base - COLUMNS_LIMIT) width=(COLUMN_WIDTH) height=(COLUMNS_LIMIT) {}
            rect class=(class) x=(x) y=(base - height) width=(COLUMN_WIDTH) height=(height) {}
            @if !sign.is_empty() { text.sign x=(middle) y=(base - height - 2) text-anchor="middle" { (sign) } }
            text.day x=(middle) y=(base + 12) text-anchor="middle" { (day.day.format("%-d").to_string()) }
        }
    }
}

/// So much of a length that stands for the whole, and no more than there is room for.
fn reach(permille: u64, whole: u64, most: u64) -> u64 {
    permille.saturating_mul(whole).div_ceil(WHOLE).min(most)
}

/// Of a text such as `83.27`.
fn permille(quota: &UsageQuota) -> Option<u64> {
    let (whole, rest) = quota.percent.as_deref()?.split_once('.')?;
    let tenth = rest.get(..1)?;
    format!("{whole}{tenth}").parse().ok()
}

/// Colour and sign of a status.
fn look(status: &str) -> (&'static str, &'static str) {
    match status {
        "over" => ("f-fail", "✗"),
        "warn" => ("f-warn", "!"),
        _ => ("f-pass", ""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::usage::sample::sample;

    #[test]
    fn a_bar_goes_no_further_than_its_room() {
        assert_eq!([0, 1, 500, 1_000, 1_001, u64::MAX].map(|share| reach(share, 200, 260)), [0, 1, 100, 200, 201, 260]);
        let mut quota = sample().parts.remove(0).quotas.remove(0);
        assert_eq!(permille(&quota), Some(1_200));
        assert!(!bar(&quota).into_string().contains('»'), "1.2 of the limit is 240 of 260");
        quota.percent = Some("500.00".to_owned());
        assert!(bar(&quota).into_string().contains('»'), "there is more than is drawn");
    }
}
