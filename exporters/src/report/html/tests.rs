use maud::html;
use serde_json::Value;

use super::*;
use crate::report::figure::{percent, thousands};
use crate::report::sample::{hostile, leaves, sample};

/// What the page shows for a leaf.
fn expected(key: &str, leaf: &Value) -> Option<String> {
    match leaf {
        Value::Null | Value::Bool(_) => None,
        Value::Number(number) if key == "score_permille" => number.as_u64().map(percent),
        Value::Number(number) => number.as_u64().map(thousands),
        Value::String(text) if text.is_empty() => None,
        Value::String(_) if key == "change" => None,
        Value::String(text) if matches!(key, "status" | "state" | "before" | "after") => Some(text.replace('_', " ")),
        Value::String(text) => Some(shown(&html! { (text) }.into_string()).trim_end_matches('\n').to_owned()),
        Value::Array(_) | Value::Object(_) => None,
    }
}

#[test]
fn every_figure_of_the_model_is_on_the_page() {
    for report in [sample(), hostile()] {
        let page = report_html(&report);
        let model = serde_json::to_value(&report).expect("encodes");
        let mut found = Vec::new();
        leaves(&model, "", &mut found);
        assert!(found.len() > 300);
        for (key, leaf) in found {
            if let Some(text) = expected(key, leaf) {
                assert!(page.contains(&text), "{key} {text:?} is not on the page");
            }
        }
    }
}

#[test]
fn hostile_text_stays_text() {
    let page = report_html(&hostile());
    assert!(!page.contains("<script") && !page.contains("onerror=\""));
    assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;"));
    assert!(page.chars().all(|letter| !letter.is_control() || letter == '\n' || letter == '\t'));
    assert!(!page.contains('\u{202e}'));
    // Evidence values that were empty no longer are, so a note of two tags each is gone; nothing else may differ.
    let tags = |page: &str| page.matches('<').count();
    assert_eq!(tags(&page), tags(&report_html(&sample())) - 26);
}

#[test]
fn the_page_asks_nobody_for_anything_and_repeats() {
    let page = report_html(&sample());
    assert_eq!(page, report_html(&sample()));
    assert!(page.contains("default-src 'none'") && page.contains("<html lang=\"en\">"));
    for word in ["http://", "https://", "url(", "@import", "<script", "<link", "<img", " src=", " style="] {
        assert!(!page.contains(word), "{word} is on the page");
    }
    for href in page.split("href=\"").skip(1) {
        let target = href.split('"').next().expect("is closed").strip_prefix('#').expect("stays on the page");
        assert!(page.contains(&format!("id=\"{target}\"")), "nothing is called {target}");
    }
    assert_eq!(page.matches("<svg").count(), page.matches("<title>").count() - 1, "every chart has a title");
}

#[test]
fn decisions_are_shown_apart_and_what_ran_out_is_open_again() {
    let page = report_html(&sample());
    let (open, decided) = page.split_once("Decided findings: 3 of 3 shown").expect("both are there");
    assert!(open.contains("<b>open again</b>: was accepted until") && !decided.contains("open again"));
    for word in ["<b>accepted</b> until", "<b>false positive</b> until", "<b>remediated</b> without an end"] {
        assert!(decided.contains(word), "{word}");
    }
    assert!(page.contains("<b>3</b> of them accepted, remediated or called false positives"));
    assert!(page.contains("<b>1 decision</b> has run out"));
}

#[test]
fn score_and_coverage_stand_together_with_the_disclaimer() {
    let page = report_html(&sample());
    assert!(page.contains("<b>91.4 %</b> <span>on 31 of 64 requirements</span>"));
    assert!(page.contains("10 of 48,208 shown"));
    assert!(page.contains("This report is evidence. It makes nobody compliant."));
    assert!(page.contains("not reviewed"));
}

/// For eyes: `AUDITLAKE_SAMPLE_PAGE=/tmp/page.html cargo test -p exporters sample_page`.
#[test]
fn sample_page_is_written_where_the_environment_says() {
    if let Ok(path) = std::env::var("AUDITLAKE_SAMPLE_PAGE") {
        std::fs::write(path, report_html(&sample())).expect("writes");
    }
}
