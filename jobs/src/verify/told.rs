//! The answer for people: what was looked at, what is wrong, what nobody looked at, and the verdict.

use serde_json::json;

use super::finding::Verified;
use crate::Answer;
use crate::show::write_line;

/// How wide the words on the left are.
const WORDS: usize = 11;

pub(crate) fn answer(verified: &Verified) -> Answer {
    let mut text = String::new();
    for (word, sentence) in &verified.checked {
        write_line(&mut text, &format!("{word:<WORDS$}{sentence}"));
    }
    if !verified.findings.is_empty() {
        write_line(&mut text, &format!("\nWRONG ({}), worst first", verified.findings.len()));
        for finding in &verified.findings {
            write_line(&mut text, &format!("  {}: {}", finding.kind.as_str(), finding.message));
        }
    }
    if !verified.not_checked.is_empty() {
        write_line(&mut text, "\nNOT CHECKED");
        for what in &verified.not_checked {
            write_line(&mut text, &format!("  {what}"));
        }
    }
    let verdict = match verified.findings.len() as u64 {
        0 => "nothing is wrong with what was checked".to_owned(),
        1 => "1 thing is wrong".to_owned(),
        wrong => format!("{wrong} things are wrong"),
    };
    write_line(&mut text, &format!("\n{verdict}"));
    let checked: Vec<_> =
        verified.checked.iter().map(|(word, sentence)| json!({ "what": word, "result": sentence })).collect();
    let json = json!({
        "good": verified.findings.is_empty(),
        "findings": verified.findings,
        "not_checked": verified.not_checked,
        "checked": checked,
    });
    Answer { text, json, code: if verified.findings.is_empty() { 0 } else { 3 } }
}
