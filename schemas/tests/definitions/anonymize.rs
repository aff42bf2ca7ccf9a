//! Policies of anonymized copies and the jobs that make them: what is accepted, and what is refused with what would be right.

use expect_test::{Expect, expect};
use schemas::{
    AnonymizePolicy, AnonymizeSpec, CopyColumn, CopyMethod, DatasetId, DefinitionError, Diversity, FloorUnit,
    HierarchySource, JobKind, Loss, MaskKey, Others, PolicyId, Role, SearchKind, SecretSource, SourceFile,
    anonymize_notes, check,
};

use crate::acme::{file, plus};

const POLICY: &str = "anonymize: study-copy
copy: {from: audit, to: audit_study}
columns:
  actor_id: {method: pseudonym, key: {id: p26, secret: env:AL_P26}, purpose: study}
  time: {method: floor, to: day}
  http_status: {role: quasi, hierarchy: file:hierarchies/status.csv}
  src_country: {role: quasi, hierarchy: {prefix: [1, 0]}}
  outcome: {role: sensitive}
require: {k: 5, l: {distinct: 2}, t: 0.2}
search: {kind: optimal, loss: entropy, suppress: 4%}
";

/// The sample lake with a dataset for the copy, this policy and this job.
fn lake(policy: &str, job: &str) -> Vec<SourceFile> {
    let mut files = plus("policies/study-copy.yaml", policy.as_bytes());
    files.push(file("datasets/study.yaml", b"dataset: audit_study\nlocation: study/\ntime: time\ntenant: tenant_id\n"));
    files.push(file("jobs/study.yaml", job.as_bytes()));
    files
}

const JOB: &str = "job: study-monthly\nkind: anonymize\npolicy: study-copy\nwindow: 30d\n";

#[track_caller]
fn policy(text: &str) -> AnonymizePolicy {
    let lake = check(&lake(text, "")).or_else(|_| check(&lake(text, JOB)));
    let said = |errors: Vec<DefinitionError>| errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
    lake.map_err(said).expect("is right").copies.remove(0)
}

#[track_caller]
fn says(policy: &str, job: &str, expected: Expect) {
    let errors = check(&lake(policy, job)).map(drop).expect_err("is refused");
    let about = |error: &&DefinitionError| error.file.contains("study");
    expected.assert_eq(&errors.iter().filter(about).map(ToString::to_string).collect::<Vec<_>>().join("\n"));
}

/// The policy with other columns in place of its own.
fn columns(text: &str) -> String {
    let (before, rest) = POLICY.split_once("columns:\n").expect("columns");
    let (_, after) = rest.split_once("require:").expect("require");
    format!("{before}columns:\n{text}require:{after}")
}

#[test]
fn a_policy_is_read_whole() {
    let found = policy(POLICY);
    assert_eq!(found.id, PolicyId::parse("study-copy").expect("a name"));
    assert_eq!((&found.from, &found.to), (&dataset("audit"), &dataset("audit_study")));
    let key = MaskKey { id: "p26".to_owned(), secret: SecretSource::Env("AL_P26".to_owned()) };
    assert_eq!(found.keys(), [&key]);
    assert_eq!(
        found.columns["actor_id"].method,
        Some(CopyMethod::Pseudonym { key: key.clone(), purpose: "study".to_owned() })
    );
    assert_eq!(found.columns["time"].method, Some(CopyMethod::Floor { to: FloorUnit::Day }));
    let path = "hierarchies/status.csv".to_owned();
    assert_eq!(found.columns["http_status"].ladder, Some(HierarchySource::File { path, unknown: false }));
    assert_eq!(found.columns["src_country"].ladder, Some(HierarchySource::Prefix(vec![1, 0])));
    assert_eq!(found.columns_of(Role::Quasi), ["http_status", "src_country"]);
    assert_eq!(found.columns_of(Role::Sensitive), ["outcome"]);
    assert_eq!((found.require.k, found.require.l, found.require.t), (Some(5), Some(Diversity::Distinct(2)), Some(0.2)));
    assert_eq!((found.search.kind, found.search.loss), (SearchKind::Optimal, Loss::Entropy));
    assert_eq!(found.search.suppress_ppm, 40_000);
    // Columns about a person that nobody named are not in the copy; others are.
    assert_eq!(found.dropped.iter().map(String::as_str).collect::<Vec<_>>(), ["src_ip", "subject_id"]);
    assert!(found.keeps("event_type") && found.keeps("actor_id") && !found.keeps("src_ip"));
}

#[test]
fn only_what_is_named_is_in_a_copy_that_drops_the_others() {
    let columns = "columns:\n  tenant_id: {method: keep}\n  time: {method: keep}\nothers: drop\n";
    let found = policy(&format!("anonymize: study-copy\ncopy: {{from: audit, to: audit_study}}\n{columns}"));
    assert_eq!((&found.columns["time"], found.others), (&CopyColumn::default(), Others::Drop));
    let kept: Vec<&str> = ["tenant_id", "time", "event_type", "actor_id", "raw_ref"]
        .into_iter()
        .filter(|name| found.keeps(name))
        .collect();
    assert_eq!(kept, ["tenant_id", "time"]);
}

fn dataset(name: &str) -> DatasetId {
    DatasetId::parse(name).expect("a name")
}

#[test]
fn a_job_names_a_policy_and_may_have_a_window() {
    let of = |job: &str| {
        let lake = check(&lake(POLICY, job)).expect("is right");
        let job = lake.jobs.into_iter().find(|job| matches!(job.kind, JobKind::Anonymize(_))).expect("the job");
        job.kind
    };
    let spec = |window_seconds| {
        JobKind::Anonymize(AnonymizeSpec {
            policy: PolicyId::parse("study-copy").expect("a name"),
            window_seconds,
            purpose: None,
        })
    };
    assert_eq!(of(JOB), spec(Some(30 * 86_400)));
    assert_eq!(of("job: study-all\nkind: anonymize\npolicy: study-copy\n"), spec(None));
    says(
        POLICY,
        "job: study-all\nkind: anonymize\npolicy: study-cop\n",
        expect![[
            r#"jobs/study.yaml:3:9: policy "study-cop" of an anonymized copy does not exist; did you mean "study-copy"?"#
        ]],
    );
    says(
        &format!("{POLICY}enabled: false\n"),
        JOB,
        expect![[
            r#"jobs/study.yaml:3:9: policy "study-copy" in policies/study-copy.yaml is not enabled; look through it, and write enabled: true"#
        ]],
    );
}

#[test]
fn every_method_is_read() {
    let found = policy(&columns(
        "  actor_id: {method: fpe, key: {id: f26, secret: file:keys/f26.key}, alphabet: digits}
  subject_id: {method: mask, last: 4}
  time: {method: shift, key: {id: s26, secret: env:AL_S26}, within: 30d}
  src_ip: {method: truncate_ip}
  severity: {method: clamp, max: 3}
  http_status: {method: bucket, width: 100, role: quasi}
  source: {method: constant, value: somewhere}
  reason: {method: redact}
  attributes: {method: drop}
  resource_id: {method: hierarchy, hierarchy: {prefix: [3]}, level: 1}
  outcome: {role: sensitive}
  src_country: {role: quasi, hierarchy: {file: c.csv, unknown: \"*\"}}
",
    ));
    let words: Vec<&str> = found.columns.values().filter_map(|column| Some(column.method.as_ref()?.as_str())).collect();
    assert_eq!(
        words,
        ["fpe", "drop", "bucket", "redact", "hierarchy", "clamp", "constant", "truncate_ip", "mask", "shift"]
    );
    let CopyMethod::Shift { by, within_seconds, .. } = found.columns["time"].method.as_ref().expect("a method") else {
        panic!("shifts")
    };
    assert_eq!((by.as_str(), *within_seconds), ("actor_id", 30 * 86_400));
}

#[test]
fn what_is_wrong_with_columns_is_said_at_once() {
    says(
        &columns(
            "  actor_id: {method: pseudonym}
  subject_id: {method: pseudonym, key: {id: p-26, secret: AL_P26}}
  src_ip: {method: seal}
  time: {method: floor, to: week}
  severity: {method: clamp, min: 3, max: 1}
  http_status: {method: mask, last: 4}
  source: {method: constant}
  outcome: {method: reduct}
  reason: {last: 4}
  resource_id: {method: fpe, key: {id: f26, secret: env:AL_F26}, alphabet: aab}
  attributes: {role: quasi}
  session_ids: {method: drop}
  mfa: {method: constant, value: maybe}
  src_country: {role: quasi, hierarchy: {prefix: [0, 1]}}
  event_type: {hierarchy: {prefix: [3]}}
  user_agent: {method: keep, first: 3}
",
        ),
        JOB,
        expect![[r#"
            policies/study-copy.yaml:4:22: method "pseudonym" needs key; add for example key: {id: p26, secret: env:AL_P26}
            policies/study-copy.yaml:5:24: key id "p-26" is not one; use 1 to 16 letters and digits, for example a26
            policies/study-copy.yaml:6:20: method "seal" is not in this version; write pseudonym, or fpe, which the key turns back (methods are: keep, drop, redact, constant, mask, pseudonym, fpe, floor, shift, bucket, round, clamp, truncate_ip, grid, hierarchy)
            policies/study-copy.yaml:7:18: to "week" is no unit; write hour, day, month or year
            policies/study-copy.yaml:8:22: min 3 is above max 1; write the smaller one as min
            policies/study-copy.yaml:9:16: column "http_status" is of type i32, and method "mask" is for str; write {method: redact}
            policies/study-copy.yaml:10:20: method "constant" needs value; add for example value: anonymous
            policies/study-copy.yaml:11:21: method "reduct" does not exist; did you mean "redact"? methods are: keep, drop, redact, constant, mask, pseudonym, fpe, floor, shift, bucket, round, clamp, truncate_ip, grid, hierarchy
            policies/study-copy.yaml:12:11: last is of method mask; add method:, or leave it out
            policies/study-copy.yaml:12:11: nothing is said of the column; give it a method, for example {method: redact}, or a role
            policies/study-copy.yaml:13:25: alphabet "aab" is neither a name nor two or more characters, each once; names are: digits, hex, lower, upper, letters, alphanumeric
            policies/study-copy.yaml:14:15: column "attributes" is of type map<str,str>, and a role is for str, bool, i16, i32, i64, f64 and ts; drop it, or redact it
            policies/study-copy.yaml:15:16: column "session_ids" is not in schema audit.v1; did you mean "session_id"?
            policies/study-copy.yaml:16:8: value "maybe" is none of column "mfa", which is of type bool
            policies/study-copy.yaml:17:41: prefix lists lengths, each shorter than the one before; write for example [5, 3, 2, 0]
            policies/study-copy.yaml:18:15: a hierarchy is for a quasi identifier; add role: quasi, or write method: hierarchy with a level
            policies/study-copy.yaml:18:15: nothing is said of the column; give it a method, for example {method: redact}, or a role
            policies/study-copy.yaml:19:15: method "keep" has no use for first; leave it out
            policies/study-copy.yaml:20:10: l and t are about sensitive columns, and no column is one; give one role: sensitive
            policies/study-copy.yaml:21:9: search: optimal chooses levels of hierarchies, and no quasi column has one; add hierarchy: to one, or write kind: mondrian"#]],
    );
}

#[test]
fn what_is_wrong_with_the_whole_is_said() {
    let replaced = |from: &str, to: &str| POLICY.replace(from, to);
    for (text, expected) in [
        (
            replaced("from: audit,", "from: adit,"),
            expect![[
                r#"policies/study-copy.yaml:2:14: from names dataset "adit", which does not exist; did you mean "audit"?"#
            ]],
        ),
        (
            replaced("to: audit_study", "to: audit"),
            expect![[
                r#"policies/study-copy.yaml:2:25: the copy of dataset "audit" would go into itself; name another dataset, with a folder of its own"#
            ]],
        ),
        (
            replaced("require: {k: 5, l: {distinct: 2}, t: 0.2}\n", ""),
            expect![[r#"
            policies/study-copy.yaml:4:3: columns have roles, and nothing is required of them; add for example require: {k: 5}
            policies/study-copy.yaml:9:9: search goes for what is required, and nothing is; add for example require: {k: 5}, or leave it out"#]],
        ),
        (
            replaced("k: 5, l: {distinct: 2}, t: 0.2", "k: 1, t: 2"),
            expect!["policies/study-copy.yaml:9:14: k must be at least 2; found 1"],
        ),
        (
            replaced("l: {distinct: 2}", "l: {recursive: [2, 3]}"),
            expect![[r#"
            policies/study-copy.yaml:9:20: l is distinct or entropy; write one of them, for example {distinct: 2}
            policies/study-copy.yaml:9:21: key "recursive" is not in this version; write distinct or entropy"#]],
        ),
    ] {
        says(&text, JOB, expected);
    }
}

#[test]
fn what_is_wrong_with_the_search_and_the_rest_is_said() {
    let replaced = |from: &str, to: &str| POLICY.replace(from, to);
    for (text, expected) in [
        (
            replaced("kind: optimal", "kind: none"),
            expect![
                "policies/study-copy.yaml:10:9: columns have hierarchies, and search: none chooses no level; write kind: optimal, or method: hierarchy with a level"
            ],
        ),
        (
            replaced("kind: optimal, loss: entropy", "kind: mondrian"),
            expect![["policies/study-copy.yaml:10:9: search: mondrian leaves no row out; leave suppress out"]],
        ),
        (
            replaced("suppress: 4%", "suppress: 4"),
            expect![[
                r#"policies/study-copy.yaml:10:50: suppress "4" is no share; write a number and %, for example 20%"#
            ]],
        ),
        (
            replaced("time: {method: floor, to: day}", "time: {method: drop}"),
            expect![[
                r#"policies/study-copy.yaml:2:25: dataset "audit_study" needs columns that the copy lacks: time; give them a method other than drop, or leave schema, time and tenant out of the dataset"#
            ]],
        ),
        (
            format!("{POLICY}noise: {{epsilon: 1/2}}\n"),
            expect![[
                r#"policies/study-copy.yaml:11:1: key "noise" is not in this version; counts and sums with noise are not drawn; leave it out"#
            ]],
        ),
        (
            format!("{POLICY}others: some\n"),
            expect![[r#"policies/study-copy.yaml:11:9: others "some" does not exist; choices are: keep, drop"#]],
        ),
        (
            format!("{POLICY}others: drop\n"),
            expect![[
                r#"policies/study-copy.yaml:2:25: dataset "audit_study" needs columns that the copy lacks: tenant_id; give them a method other than drop, or leave schema, time and tenant out of the dataset"#
            ]],
        ),
        (
            replaced(
                "purpose: study}",
                "purpose: study}\n  reason: {method: pseudonym, key: {id: p26, secret: env:OTHER}}",
            ),
            expect![[
                r#"policies/study-copy.yaml:5:11: key id "p26" stands for two secrets; give each an id of its own, or values of both look alike"#
            ]],
        ),
    ] {
        says(&text, JOB, expected);
    }
}

#[test]
fn a_template_waits_for_its_datasets() {
    let text = format!("{POLICY}enabled: false\n").replace("to: audit_study", "to: nowhere");
    let lake = check(&plus("policies/study-copy.yaml", text.as_bytes())).expect("is right");
    assert!(lake.copies.is_empty());
}

#[test]
fn a_check_tells_what_the_copy_lacks_and_what_is_as_it_was() {
    let notes = |policy: &str| {
        let lake = check(&lake(policy, JOB)).expect("is right");
        anonymize_notes(&lake).join("\n")
    };
    expect![[r#"
        policy "study-copy" does not name columns of dataset "audit" that are about a person, so the copy lacks them: src_ip
        policy "study-copy" copies values about a person as they are: subject_id; give them a method if that is not meant"#]].assert_eq(&notes(&POLICY.replace("outcome: {role", "subject_id: {role: sensitive}\n  outcome: {role")));
}
