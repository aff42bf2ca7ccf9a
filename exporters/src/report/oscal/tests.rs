use std::collections::{BTreeMap, BTreeSet};

use schemas::{FindingId, Status, parse_rfc3339};
use serde_json::Value;

use super::requirements::verdict;
use super::*;
use crate::report::sample::{empty, hostile, leaves, sample};

fn read(report: &Report) -> Value {
    let text = report_oscal(report).expect("is written");
    assert!(text.ends_with("}\n"));
    serde_json::from_str::<Value>(&text).expect("is JSON")["assessment-results"].clone()
}

fn list<'v>(value: &'v Value, name: &str) -> &'v [Value] {
    value[name].as_array().map_or(&[], Vec::as_slice)
}

fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value[name].as_str().unwrap_or_else(|| panic!("no text {name}: {value}"))
}

/// The value of a property of ours.
fn property(of: &Value, name: &str) -> Option<String> {
    let found = list(of, "props").iter().find(|property| property["name"] == name)?;
    assert_eq!(found["ns"], "urn:auditlake:oscal:1");
    Some(text(found, "value").to_owned())
}

#[test]
fn a_document_repeats() {
    for report in [sample(), hostile(), empty()] {
        assert_eq!(report_oscal(&report).expect("is written"), report_oscal(&report).expect("is written"));
    }
}

#[test]
fn each_result_is_an_observation_and_each_verdict_a_finding() {
    let report = sample();
    let result = &read(&report)["results"][0];
    let told: BTreeMap<_, _> = list(result, "observations").iter().map(|one| (text(one, "uuid"), one)).collect();
    let rows: Vec<_> = report.controls.iter().flat_map(|control| &control.results).collect();
    assert_eq!(told.len(), rows.len());
    for row in rows {
        let one = told[row.result_id.as_str()];
        assert_eq!(property(one, "status").as_deref(), Some(row.status.as_str()));
        assert_eq!(property(one, "violations"), Some(row.violations.to_string()));
        assert_eq!(property(one, "reason"), row.reason.clone());
        assert_eq!(one["methods"], serde_json::json!(["TEST"]));
        assert_eq!(one["collected"], "2026-04-01T04:00:00.000250Z");
    }
    let findings = list(result, "findings").iter().map(|one| {
        let status = &one["target"]["status"];
        (text(&one["target"], "target-id"), (text(status, "state"), text(status, "reason")))
    });
    let expected = [
        ("soc2_CC6.1", ("not-satisfied", "fail")),
        ("soc2_CC6.2", ("not-satisfied", "fail")),
        ("soc2_CC8.1", ("satisfied", "pass")),
        ("gdpr_Art._20_32.1.b", ("not-satisfied", "other")),
    ];
    assert_eq!(findings.collect::<Vec<_>>(), expected);
    assert_eq!(property(&list(result, "findings")[3], "requirement").as_deref(), Some("Art. 32(1)(b)"));
}

#[test]
fn a_status_without_a_word_in_oscal_makes_no_finding() {
    let mapped = Status::WORST_FIRST.map(|status| verdict(status).map(|verdict| (verdict.state, verdict.reason)));
    let (fail, warn) = (Some(("not-satisfied", "fail")), Some(("not-satisfied", "other")));
    assert_eq!(mapped, [fail, None, None, warn, Some(("satisfied", "pass")), None]);
    let mut report = sample();
    for card in &mut report.scorecards {
        for row in &mut card.requirements {
            row.status = row.status.map(|_| Status::Error);
        }
    }
    let document = read(&report);
    assert_eq!(document["results"][0].get("findings"), None);
    let objectives = list(&document["local-definitions"], "objectives-and-methods");
    let statuses: BTreeSet<_> = objectives.iter().filter_map(|one| property(one, "status")).collect();
    assert_eq!(statuses.into_iter().collect::<Vec<_>>(), ["error", "never_looked_at", "without_control"]);
}

#[test]
fn evidence_is_named_by_its_hash_and_expires_with_it() {
    let document = read(&sample());
    let resources = list(&document["back-matter"], "resources");
    let observations = list(&document["results"][0], "observations");
    let evidence = |one: &Value| one["relevant-evidence"][0]["href"].as_str().map(str::to_owned);
    assert_eq!(resources.len(), 3, "the plan and two objects");
    for one in observations {
        let expires = evidence(one).map(|_| Value::from("2033-04-01T04:00:00.000250Z"));
        assert_eq!(one.get("expires"), expires.as_ref());
        assert_eq!(evidence(one).is_some(), property(one, "evidence-rows").is_some_and(|rows| rows != "0"));
    }
    let link = &resources[1]["rlinks"][0];
    assert_eq!(link["href"], "_auditlake/evidence/ac-mfa/2026-03/part-0.parquet");
    assert_eq!(link["hashes"][0], serde_json::json!({"algorithm": "SHA-256", "value": sample().evidence[0].sha256}));
    // An object that no observation rests on is not written.
    let mut report = sample();
    report.controls.iter_mut().flat_map(|control| &mut control.results).for_each(|row| row.evidence_rows = 0);
    assert_eq!(list(&read(&report)["back-matter"], "resources").len(), 1);
}

/// Every id, by what defines it.
fn ids(value: &Value, defined: &mut Vec<String>, used: &mut BTreeSet<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| ids(item, defined, used)),
        Value::Object(fields) => {
            for (key, field) in fields {
                match field.as_str() {
                    Some(id) if key == "uuid" => defined.push(id.to_owned()),
                    Some(id) if key.ends_with("-uuid") => drop(used.insert(id.to_owned())),
                    Some(id) if key == "href" && id.starts_with('#') => drop(used.insert(id[1..].to_owned())),
                    _ => ids(field, defined, used),
                }
            }
        }
        _ => {}
    }
}

#[test]
fn every_id_is_defined_once_and_every_reference_leads_to_one() {
    for report in [sample(), hostile(), empty()] {
        let (mut defined, mut used) = (Vec::new(), BTreeSet::new());
        ids(&read(&report), &mut defined, &mut used);
        let once: BTreeSet<String> = defined.iter().cloned().collect();
        assert_eq!(once.len(), defined.len(), "an id stands twice");
        assert!(used.is_subset(&once), "{:?}", used.difference(&once).collect::<Vec<_>>());
        assert!(once.iter().all(|id| FindingId::parse(id).is_ok() && id.as_bytes()[14] == b'5'));
    }
}

#[test]
fn ids_stay_over_runs_and_follow_lake_job_and_interval() {
    let of = |change: &dyn Fn(&mut Report)| {
        let mut report = sample();
        change(&mut report);
        let document = read(&report);
        let finding = text(&list(&document["results"][0], "findings")[0], "uuid").to_owned();
        [text(&document, "uuid").to_owned(), text(&document["results"][0], "uuid").to_owned(), finding]
    };
    let first = of(&|_| {});
    let later = of(&|report| {
        report.run.instant = parse_rfc3339("2026-04-02T04:00:00Z").expect("is an instant");
        report.run.id = "soc2-monthly@20260402T040000Z".into();
        report.scorecards[0].requirements[1].status = Some(Status::Pass);
    });
    assert_eq!(first, later);
    let others = [
        of(&|report| report.lake = "other".into()),
        of(&|report| report.run.job = "other".into()),
        of(&|report| report.interval.start = parse_rfc3339("2026-01-31T23:00:00Z").expect("is an instant")),
        of(&|report| report.interval.end = parse_rfc3339("2026-03-30T22:00:00Z").expect("is an instant")),
    ];
    let all: BTreeSet<_> = others.iter().chain([&first]).flatten().collect();
    assert_eq!(all.len(), 15, "each differs from each");
}

#[test]
fn hostile_texts_fit_the_types_of_oscal_and_are_no_markup() {
    let document = read(&hostile());
    let mut found = Vec::new();
    leaves(&document, "", &mut found);
    assert!(found.len() > 500);
    // An escaped mark is none.
    let is_markup = |text: &str| text.replace("\\<", "").contains("<script");
    for (key, leaf) in found {
        let text = leaf.as_str().expect("everything is text");
        assert!(
            !text.is_empty() && text.chars().all(|letter| !letter.is_control() || letter == '\n'),
            "{key} {text:?}"
        );
        match key {
            "value" => assert!(!text.contains('\n') && text.trim() == text, "{key} {text:?}"),
            "title" | "prose" => assert!(!text.contains('\n') && !is_markup(text), "{key} {text:?}"),
            "target-id" | "control-id" | "id" | "group" => {
                let fits = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '.' | '-' | '_');
                assert!(text.chars().all(fits) && !text.starts_with(|first: char| first.is_ascii_digit()), "{text}");
            }
            "description" | "remarks" if !text.contains("```") => assert!(!is_markup(text), "{text:?}"),
            _ => {}
        }
    }
}

#[test]
fn a_report_without_anything_leaves_out_what_would_be_empty() {
    let document = read(&empty());
    fn check(value: &Value) {
        match value {
            Value::Array(items) => {
                assert!(!items.is_empty(), "an empty list");
                items.iter().for_each(check);
            }
            Value::Object(fields) => fields.values().for_each(check),
            _ => {}
        }
    }
    check(&document);
    assert_eq!(document.get("local-definitions"), None);
    let reviewed = &document["results"][0]["reviewed-controls"]["control-selections"][0];
    assert_eq!(reviewed["include-controls"][0]["control-id"], "none");
}

/// Texts and figures of what the document is about, as properties hold them.
#[test]
fn every_text_and_figure_that_oscal_has_a_place_for_is_there() {
    for report in [sample(), hostile()] {
        let mut model = serde_json::to_value(&report).expect("encodes");
        for (part, absent) in [
            ("", &["change", "trend"][..]),
            ("/provenance", &["inputs"]),
            ("/controls", &["rows", "decided_rows", "columns", "trend"]),
            ("/scorecards", &["trend"]),
        ] {
            let part = model.pointer_mut(part).expect("is there");
            let objects = match part {
                Value::Array(items) => items.iter_mut().collect(),
                object => vec![object],
            };
            for object in objects.into_iter().filter_map(Value::as_object_mut) {
                absent.iter().for_each(|key| drop(object.remove(*key)));
            }
        }
        let results = model["controls"].as_array_mut().expect("controls").iter_mut();
        let rows = results.filter_map(|control| control["results"].as_array_mut()).flatten();
        rows.filter_map(Value::as_object_mut).for_each(|row| drop(row.remove("history")));
        let (document, mut given, mut found) = (read(&report), Vec::new(), Vec::new());
        leaves(&model, "", &mut given);
        leaves(&document, "", &mut found);
        let found: Vec<&str> = found.into_iter().filter_map(|(_, leaf)| leaf.as_str()).collect();
        for (key, leaf) in given {
            let wanted = match leaf {
                Value::Number(number) => [number.to_string(), String::new(), String::new()],
                Value::String(given) if given.is_empty() => continue,
                Value::String(given) if key == "result_id" => [text::uuid(given), String::new(), String::new()],
                Value::String(given) => [text::value(given), text::line(given), text::sql(given)],
                _ => continue,
            };
            let there = |one: &&str| wanted.iter().any(|wanted| !wanted.is_empty() && one.contains(wanted.as_str()));
            assert!(found.iter().any(there), "{key} {leaf} is not there");
        }
    }
}

/// For other readers: `AUDITLAKE_SAMPLE_OSCAL=/tmp cargo test -p exporters sample_documents`.
#[test]
fn sample_documents_are_written_where_the_environment_says() {
    if let Ok(folder) = std::env::var("AUDITLAKE_SAMPLE_OSCAL") {
        for (name, report) in [("sample", sample()), ("hostile", hostile()), ("empty", empty())] {
            let text = report_oscal(&report).expect("is written");
            std::fs::write(format!("{folder}/{name}.oscal.json"), text).expect("writes");
        }
    }
}
