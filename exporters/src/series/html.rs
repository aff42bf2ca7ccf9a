//! The series of a tenant as one self-contained page, by the rules of the report's: no script, no request, nothing that needs
//! colour; light or dark as the reader has it, and light in print.

use maud::{Markup, html};
use schemas::{EmptyBucket, MetricPictures, SeriesColumn, SeriesPicture, SeriesReport, rfc3339};

use super::axis::grouped;
use super::chart::{chart, name, told};
use crate::report::figure::{counted, number_cell, thousands};
use crate::report::html::{document, shown};
use crate::report::style::STYLE;
use crate::statement::page::{files_read, moment};

/// What the report's sheet does not have.
const OWN_STYLE: &str = ":root { --band: #d5e3ec; --judged: #f3f0e4; --paper: #fff; color-scheme: light dark; }
svg.series { width: 100%; height: auto; margin: 6px 0 8px; } .series text { font: 400 11px system-ui, sans-serif; fill: var(--soft); }
.series .grid { stroke: var(--line); } .series .band { fill: var(--band); } .series .judged { fill: var(--judged); }
.series .range { fill: var(--accent); fill-opacity: .4; } .series .values { fill: none; stroke: var(--accent); stroke-width: 1.5; stroke-linecap: round; stroke-linejoin: round; }
.series .edge { stroke: var(--soft); stroke-dasharray: 3 3; } .series text.edge { stroke: none; }
.series .alert { fill: var(--fail); stroke: var(--paper); stroke-width: 1; } .series text.number { font-weight: 700; font-size: 12px;
  fill: var(--fail); stroke: var(--paper); stroke-width: 3px; paint-order: stroke; }
.series .earlier { fill: none; stroke: var(--fail); stroke-width: 1.5; } ol.alerts { margin: 4px 0 8px; padding-left: 26px; }
ol.alerts li { margin: 3px 0; max-width: 100ch; } ul.key { list-style: none; margin: 10px 0; padding: 0; }
.key li { display: flex; gap: 10px; align-items: baseline; margin: 2px 0; } .key svg.series { flex: none; width: 26px; height: 12px; margin: 0; }
@media screen and (prefers-color-scheme: dark) {
  :root { --ink: #e3e9ef; --soft: #9fadba; --line: #323c47; --panel: #1c242d; --accent: #7cbde0; --fail: #ff8f84; --warn: #e2b04a;
    --band: #27404f; --judged: #2a2820; --paper: #12181e; }
  body { background: var(--paper); }
}
@media print { details.parts { display: none; } }";
/// Rows of the table beside a picture.
const PARTS: usize = 24;

/// The series as an HTML page. Same series, same bytes.
pub fn series_html(report: &SeriesReport) -> String {
    shown(&page(report).into_string())
}

fn page(report: &SeriesReport) -> Markup {
    let title = html! { "Series: " (report.tenant) ", " (report.job) ", " (report.provenance.run) };
    let body = html! {
        (head(report))
        main {
            (summary(report))
            @for (number, metric) in report.metrics.iter().enumerate() { (section(report, metric, number)) }
            (provenance(report))
            footer {
                "auditlake " (report.provenance.version) ", run " (report.provenance.run) ". Instants in texts and tables are UTC, days beneath "
                "pictures begin in " (report.timezone) ". Characters that do not print are shown as escapes, such as \\u{1b}."
            }
        }
    };
    document(&title, &[STYLE, OWN_STYLE], &body)
}

fn head(report: &SeriesReport) -> Markup {
    let moment = |at| moment(at, &report.timezone);
    html! {
        header { div {
            p.kicker { "Series" }
            h1 { (report.tenant) }
            dl {
                dt { "Lake, job" } dd { (report.lake) ", " (report.job) }
                dt { "Judged" } dd { (moment(report.judged.start)) br; "up to, not including, " (moment(report.judged.end)) }
                dt { "Run" } dd { code { (report.provenance.run) } }
            }
        } }
    }
}

fn summary(report: &SeriesReport) -> Markup {
    html! {
        section {
            h2 id="summary" { "Summary" }
            div.scroll { table {
                thead { tr { th { "Metric" } th.num { "Alerts" } th.num { "Series judged" } th.num { "Not judged yet" }
                    th.num { "Not shown" } th.num { "Quietest, left out" } } }
                tbody { @for (number, metric) in report.metrics.iter().enumerate() { tr {
                    th { a href={ "#metric-" (number) } { (metric.metric) } }
                    (number_cell(metric.alerts)) (number_cell(metric.series)) (number_cell(metric.not_yet))
                    (number_cell(metric.not_shown())) (number_cell(metric.left_out))
                } } }
            } }
            (legend(report))
        }
    }
}

/// What lines, areas and marks of a picture are.
fn legend(report: &SeriesReport) -> Markup {
    let sign = |of: Markup| html! { svg.series viewBox="0 0 26 12" aria-hidden="true" { (of) } };
    html! {
        ul.key.small.soft {
            li { (sign(html! { path.values d="M1 9L9 3L17 8L25 4" {} })) "the value of a bucket, or the mean of neighbouring buckets" }
            li { (sign(html! { rect.range x="1" y="1" width="24" height="10" {} })) "from the least to the greatest value of neighbouring buckets, where there are too many to draw each" }
            li { (sign(html! { rect.band x="1" y="1" width="24" height="10" {} })) "expected: the median of all values before, and 1.4826 times their median absolute deviation around it" }
            li { (sign(html! { path.alert d="M13 0l6 6l-6 6l-6 -6z" {} })) "alert of this run, with its number in the text beneath; alerts are rows of dataset " (report.alerts_in) }
            li { (sign(html! { circle.earlier cx="13" cy="6" r="4" {} })) "unusual in a bucket before, which another run judged" }
        }
    }
}

fn section(report: &SeriesReport, metric: &MetricPictures, number: usize) -> Markup {
    html! {
        section {
            h2 id={ "metric-" (number) } { (metric.metric) }
            (definition(metric))
            @if metric.not_shown() > 0 {
                p.note { "Shown: " (metric.pictures.len()) " of " (thousands(metric.series + metric.not_yet)) " series, those with alerts first, then those with the most rows." }
            }
            @for (place, picture) in metric.pictures.iter().enumerate() {
                (series((report, metric), picture, &format!("s{number}-{place}")))
            }
        }
    }
}

fn definition(metric: &MetricPictures) -> Markup {
    let minutes = metric.every_seconds / 60;
    html! {
        p.small.soft {
            code { (metric.value) } " of " code { (metric.from) }
            @if let Some(condition) = &metric.condition { " where " code { (condition) } }
            @if let Some(by) = &metric.by { ", by " code { (by) } }
            ", in buckets of " (thousands(minutes)) @if minutes == 1 { " minute" } @else { " minutes" }
            " from " (rfc3339(metric.read.start)) " to " (rfc3339(metric.read.end)) "; "
            @match metric.empty { EmptyBucket::Zero => "a bucket without rows is 0", EmptyBucket::Missing => "a bucket without rows is missing" }
            @if metric.min_rows > 0 { ", and one with fewer than " (metric.min_rows) " is not judged" }
            @if metric.log1p { "; scored and drawn by the logarithm of one more than each value" }
            ". Alerts: "
            @for (at, rule) in metric.detectors.iter().enumerate() {
                @if at > 0 { ", " } (rule.detector) " above " (grouped(rule.threshold))
            }
            ", and for " (thousands(metric.cool_down_seconds / 60)) " minutes only a higher score again."
        }
    }
}

fn series((report, metric): (&SeriesReport, &MetricPictures), picture: &SeriesPicture, id: &str) -> Markup {
    let shown = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), grouped);
    html! {
        article {
            h3 id=(id) { (name(metric, picture)) }
            p.meta {
                span { (counted(picture.alerts.len() as u64, "alert")) } span { (counted(picture.values, "value")) }
                span { (counted(picture.rows, "row")) } span { "least " (shown(picture.least)) }
                span { "greatest " (shown(picture.greatest)) } span { "last " (shown(picture.last)) }
            }
            (chart((report, metric), picture, id))
            (alerts(picture))
            (parts(picture))
        }
    }
}

/// Alerts in words, each under the number that it has in the picture.
fn alerts(picture: &SeriesPicture) -> Markup {
    let told = told(picture);
    html! {
        @if picture.alerts.is_empty() { p.small.soft { "No alert in the buckets that were judged." } }
        @else {
            ol.alerts { @for (number, alert) in &told {
                li value=(number) {
                    b { (alert.severity) } ", by " (alert.detector) " with score " (grouped(alert.score)) ": " (alert.explanation) ". "
                    span.hash.small { (alert.alert_id) }
                }
            } }
        }
        @if picture.alerts.len() > told.len() {
            p.small.soft { "These are the " (told.len()) " with the highest scores of " (picture.alerts.len()) "; JSON and CSV have all of them." }
        }
    }
}

/// The picture as a table, in so many parts.
fn parts(picture: &SeriesPicture) -> Markup {
    let many = picture.columns.len().div_ceil(PARTS).max(1);
    let range = |low: Option<f64>, high: Option<f64>| {
        low.zip(high).map_or_else(|| "–".to_owned(), |(low, high)| format!("{} to {}", grouped(low), grouped(high)))
    };
    html! {
        details.parts {
            summary { "The picture as a table" }
            div.scroll { table.narrow {
                thead { tr { th { "From" } th { "Up to" } th.num { "Values" } th.num { "Least to greatest" } th.num { "Expected" }
                    th.num { "Alerts" } th.num { "Unusual before" } } }
                tbody { @for columns in picture.columns.chunks(many) {
                    @if let (Some(first), Some(last)) = (columns.first(), columns.last()) {
                        @let extreme = |of: &dyn Fn(&SeriesColumn) -> Option<f64>, pick: fn(f64, f64) -> f64| columns.iter().filter_map(of).reduce(pick);
                        @let inside = |at: chrono::DateTime<chrono::Utc>| (first.start..last.end).contains(&at);
                        tr {
                            td.when { (rfc3339(first.start)) } td.when { (rfc3339(last.end)) }
                            (number_cell(columns.iter().map(|column| u64::from(column.values)).sum()))
                            td.num { (range(extreme(&|column| column.least, f64::min), extreme(&|column| column.greatest, f64::max))) }
                            td.num { (range(extreme(&|column| column.low, f64::min), extreme(&|column| column.high, f64::max))) }
                            (number_cell(picture.alerts.iter().filter(|alert| inside(alert.start)).count() as u64))
                            (number_cell(picture.earlier.iter().filter(|mark| inside(mark.start)).count() as u64))
                        }
                    }
                } }
            } }
        }
    }
}

fn provenance(report: &SeriesReport) -> Markup {
    html! {
        section {
            h2 id="provenance" { "Files that were read" }
            (files_read(&report.provenance.inputs))
        }
    }
}

#[cfg(test)]
mod tests {
    use schemas::SeriesAlert;

    use super::*;
    use crate::series::sample::{hostile, sample};

    #[test]
    fn a_page_shows_every_series_and_alert_and_obeys_no_text() {
        let page = series_html(&sample());
        for part in [
            "logins of actor u-17",
            "logins of actor u-1<",
            "expected 2 ± 1.483, saw 41; nothing above 12 in 45 values before",
            "0b4f7d5e-54f4-5a5e-9a3c-6f3f6f0a9d10",
            "<b>critical</b>, by poisson with score 80.25",
            "Shown: 2 of 15 series, those with alerts first",
            "No alert in the buckets that were judged.",
            "prefers-color-scheme: dark",
        ] {
            assert!(page.contains(part), "{part}");
        }
        assert_eq!(page, series_html(&sample()));
        let page = series_html(&hostile());
        assert!(!page.contains("<script>") && page.contains("&lt;script&gt;"));
        assert!(!page.contains('\u{1b}') && !page.contains('\u{202e}'));
    }

    #[test]
    fn of_many_alerts_the_highest_are_told_under_their_numbers() {
        let mut report = sample();
        let picture = &mut report.metrics[0].pictures[0];
        let alert = picture.alerts[0].clone();
        picture.alerts = (0..50).map(|at| SeriesAlert { score: f64::from(at), ..alert.clone() }).collect();
        let page = series_html(&report);
        assert!(page.contains("<li value=\"50\">") && page.contains("<li value=\"31\">"));
        assert!(!page.contains("<li value=\"30\">"));
        assert!(page.contains("These are the 20 with the highest scores of 50"));
    }
}
