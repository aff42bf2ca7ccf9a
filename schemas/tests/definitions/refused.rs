//! One case for each thing that is refused. What is replaced in the sample lake, and what is then said, stands in
//! `refused.txt`; `UPDATE_EXPECT=1` refreshes what is said, and review reads it.

use expect_test::{Expect, expect, expect_file};
use schemas::{DefinitionError, Remedy, SourceFile, check, is_definition, parse_framework};

use crate::acme::{acme, file, plus, with};

#[track_caller]
fn errors(files: &[SourceFile]) -> Vec<String> {
    let errors = check(files).map(|_| ()).expect_err("is refused");
    assert!(errors.is_sorted() && errors.iter().all(|error| error.remedy() == Remedy::FixConfig));
    errors.iter().map(DefinitionError::to_string).collect()
}

#[track_caller]
fn says(files: &[SourceFile], expected: Expect) {
    expected.assert_eq(&errors(files).join("\n"));
}

/// A case is a path, `-` lines that are replaced in that file, `+` lines that replace them, `=` lines that are said.
#[test]
fn each_thing_is_refused_with_what_would_be_right() {
    let mut rendered = String::new();
    for block in include_str!("refused.txt").split_terminator("\n\n") {
        let lines =
            |mark: &str| block.lines().filter_map(|line| line.strip_prefix(mark)).collect::<Vec<_>>().join("\n");
        let kept: Vec<&str> = block.lines().filter(|line| !line.starts_with("= ")).collect();
        rendered.push_str(&kept.join("\n"));
        if !block.starts_with('#') {
            let (from, to) = (lines("- "), lines("+ "));
            let from = if block.contains("\n+ ") { from } else { from + "\n" };
            for error in errors(&with(kept[0], &from, &to)) {
                rendered.push_str(&format!("\n= {error}"));
            }
        }
        rendered.push_str("\n\n");
    }
    expect_file!["refused.txt"].assert_eq(&rendered);
}

#[test]
fn files_as_a_whole() {
    says(
        &acme().into_iter().filter(|file| file.path != "lake.yaml").collect::<Vec<_>>(),
        expect!["lake.yaml:1:1: lake.yaml is missing; write it with lake, store and timezone, or run `auditlake init`"],
    );
    says(
        &[],
        expect!["lake.yaml:1:1: lake.yaml is missing; write it with lake, store and timezone, or run `auditlake init`"],
    );
    says(&plus("lake.yaml", b""), expect!["lake.yaml:1:1: file is empty; write a definition or remove the file"]);
    says(
        &plus("lake.yaml", b"# nothing yet\n"),
        expect!["lake.yaml:1:1: file is empty; write a definition or remove the file"],
    );
    says(&plus("lake.yaml", b"---\n"), expect!["lake.yaml:1:4: lake has no value; give it one or leave the key out"]);
    says(
        &plus("lake.yaml", b"- lake\n"),
        expect!["lake.yaml:1:1: lake must be a mapping of keys to values; found a list"],
    );
    says(
        &plus("lake.yaml", b"lake: acme\nstore: file:./d\xe4ta\n"),
        expect!["lake.yaml:2:16: file is not UTF-8 from here on; save it as UTF-8"],
    );
    says(&plus("jobs/late.yml", b"x"), expect!["jobs/late.yml:1:1: the file is not read; rename it to late.yaml"]);
    says(&plus("job/late.yaml", b"x"), expect!["job/late.yaml:1:1: the folder job/ is not read; it is called jobs/"]);
    says(
        &plus("datasets.yaml", b"x"),
        expect!["datasets.yaml:1:1: the file is not read; write one file for each in datasets/"],
    );
    says(
        &plus("slas/api.yaml", b"x"),
        expect![[r#"slas/api.yaml:1:1: sla must be a mapping of keys to values; found "x""#]],
    );
    says(
        &plus("access.yaml", b"x"),
        expect![[r#"access.yaml:1:1: access must be a mapping of keys to values; found "x""#]],
    );
}

#[test]
fn files_of_policies_as_a_whole() {
    says(
        &plus("policies/more.yaml", b"x"),
        expect![[r#"policies/more.yaml:1:1: policy must be a mapping of keys to values; found "x""#]],
    );
    says(
        &plus("policies/persons.yaml", b"subjects: {key: {id: s26, secret: env:AL_SUBJECT_KEY}}\n"),
        expect!["policies/persons.yaml:1:11: subjects is not read from this file; move it to policies/subjects.yaml"],
    );
    says(
        &plus("policies/log.yaml", b"evidence: {origin: acme.example/acme, sign: {key: file:keys/log.key}}\n"),
        expect!["policies/log.yaml:1:11: evidence is not read from this file; move it to policies/evidence.yaml"],
    );
    says(
        &plus("policies/users.yml", b"policy: users\n"),
        expect!["policies/users.yml:1:1: the file is not read; rename it to users.yaml"],
    );
    says(
        &plus("policies.yaml", b"policy: users\n"),
        expect!["policies.yaml:1:1: the file is not read; write one file for each in policies/"],
    );
    says(
        &plus("policy/users.yaml", b"policy: users\n"),
        expect!["policy/users.yaml:1:1: the folder policy/ is not read; it is called policies/"],
    );
    says(
        &plus("policies/more/evidence.yaml", b"x"),
        expect!["policies/more/evidence.yaml:1:1: the file is not read; move it to policies/evidence.yaml"],
    );
    says(
        &plus("policies/evidence.yml", b"x"),
        expect!["policies/evidence.yml:1:1: the file is not read; rename it to evidence.yaml"],
    );
    says(
        &plus("evidence.yaml", b"x"),
        expect!["evidence.yaml:1:1: the file is not read; move it to policies/evidence.yaml"],
    );
    says(
        &plus("policies/evidence.yaml", b"origin: acme.example/acme\n"),
        expect![[r#"
            policies/evidence.yaml:1:1: evidence is required: who signs the log, for example {origin: acme.example/auditlake/acme, sign: {key: file:keys/log.key}}
            policies/evidence.yaml:1:1: unknown key "origin"; keys are: evidence"#]],
    );
}

#[test]
fn frameworks() {
    let text = "framework: soc2
name: ''
requirements:
  - {id: CC1.1, title: Integrity, looked_at: never}
  - {id: CC1.1, title: Integrity and ethical values which is far too long a title to be our own words, why: talk}
  - {id: CC1.2, title: Board, looked_at: sometimes}
";
    let said = |text: &str| {
        let errors = parse_framework(&file("frameworks/soc2.yaml", text.as_bytes())).expect_err("is refused");
        errors.iter().map(DefinitionError::to_string).collect::<Vec<_>>().join("\n")
    };
    expect![[r#"
        frameworks/soc2.yaml:1:1: edition is required: edition the ids are of
        frameworks/soc2.yaml:6:42: looked_at "sometimes" does not exist; choices are: never"#]]
    .assert_eq(&said(text));
    let shaped = text.replace("sometimes", "never, why: board work").replace("name:", "edition: '2017'\nname:");
    expect![[r#"
        frameworks/soc2.yaml:3:7: name is empty; write something
        frameworks/soc2.yaml:5:10: looked_at: never needs a why: say what keeps audit events from showing it
        frameworks/soc2.yaml:6:10: requirement "CC1.1" stands here a second time; keep one
        frameworks/soc2.yaml:6:24: title has 78 characters; write at most 60
        frameworks/soc2.yaml:6:109: why is given without looked_at: never; add it or leave why out"#]]
    .assert_eq(&said(&shaped));
    expect!["frameworks/soc2.yaml:4:15: requirements is empty; list every requirement of the framework"]
        .assert_eq(&said("framework: soc2\nname: SOC 2\nedition: '2017'\nrequirements: []\n"));
}

#[test]
fn yaml_bombs_and_towers() {
    let mut laughs = "a: &a [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for (this, before) in "bcdefghi".chars().zip("abcdefgh".chars()) {
        laughs.push_str(&format!("{this}: &{this} [{}]\n", vec![format!("*{before}"); 9].join(", ")));
    }
    says(
        &plus("lake.yaml", laughs.as_bytes()),
        expect![
            "lake.yaml:1:17: file is too large or too deeply nested; a definition has at most 50000 values, aliases followed, and 24 levels"
        ],
    );
    says(
        &plus("lake.yaml", format!("lake: {}", "[".repeat(100_000)).as_bytes()),
        expect![
            "lake.yaml:1:55: file is too large or too deeply nested; a definition has at most 50000 values, aliases followed, and 24 levels"
        ],
    );
    let tower: String = (0..2_000).map(|level| format!("{}a:\n", " ".repeat(level))).collect();
    says(
        &plus("lake.yaml", &tower.as_bytes()[..1_000_000]),
        expect![
            "lake.yaml:25:25: file is too large or too deeply nested; a definition has at most 50000 values, aliases followed, and 24 levels"
        ],
    );
    says(
        &plus("lake.yaml", "- x\n".repeat(60_000).as_bytes()),
        expect![
            "lake.yaml:50000:3: file is too large or too deeply nested; a definition has at most 50000 values, aliases followed, and 24 levels"
        ],
    );
    says(
        &plus("lake.yaml", "# long\n".repeat(200_000).as_bytes()),
        expect!["lake.yaml:1:1: file has 1400000 bytes; a definition has at most 1048576"],
    );
}

#[test]
fn everything_that_is_wrong_is_said_at_once() {
    let mut files = with("lake.yaml", "timezone: Europe/Berlin", "timezone: Mars\ncolour: red");
    files.push(file("datasets/audit2.yaml", b"dataset: audit\nlocation: [audit]\nscheme: audit.v1\n"));
    files.push(file(
        "jobs/again.yaml",
        b"job: soc2-daily\nkind: compliance_report\nwindow: 0d\nframework: [soc2]\noutputs: []\n",
    ));
    says(
        &files,
        expect![[r#"
            datasets/audit2.yaml:1:10: dataset "audit" is already described in datasets/audit.yaml; rename one of them
            datasets/audit2.yaml:2:11: location must be a text; found a list
            datasets/audit2.yaml:3:1: unknown key "scheme"; did you mean "schema"? keys are: dataset, location, schema, map, time, tenant, subjects, class, columns, evidence
            jobs/again.yaml:1:6: report has neither frameworks nor controls; add for example frameworks: [soc2]
            jobs/again.yaml:3:9: window "0d" is empty; it must be longer than 0
            jobs/again.yaml:4:1: unknown key "framework"; did you mean "frameworks"? keys are: job, kind, window, frameworks, controls, params, outputs, approval, schedule, after, retry, timeout, slow_after
            jobs/again.yaml:5:10: outputs is empty; add for example {format: html, to: "reports/{interval.end:%Y-%m-%d}/"}
            jobs/soc2-daily.yaml:1:6: job "soc2-daily" is already described in jobs/again.yaml; rename one of them
            lake.yaml:4:11: timezone "Mars" is not an IANA zone; the nearest are Europe/Paris, Indian/Mahe, Africa/Asmara
            lake.yaml:5:1: unknown key "colour"; keys are: lake, store, timezone, access_events, notify"#]],
    );
}

#[test]
fn an_error_in_one_file_makes_none_in_another() {
    says(
        &with("datasets/audit.yaml", "time: time", "time: 2026"),
        expect![[r#"datasets/audit.yaml:4:7: column "2026" is not in schema audit.v1; name one of its columns"#]],
    );
    says(
        &with("datasets/audit.yaml", "dataset: audit", "dataset: {audit"),
        expect![
            "datasets/audit.yaml:3:7: file is not readable as YAML: while parsing a flow mapping, did not find expected ',' or '}'"
        ],
    );
    says(
        &with("controls/auth/ACME-AUTH-001.yaml", "version: 3", "version: three"),
        expect![[r#"controls/auth/ACME-AUTH-001.yaml:2:10: version must be a whole number; found "three""#]],
    );
    says(
        &with("controls/auth/ACME-AUTH-001.yaml", "version: 3", "version: [3"),
        expect![
            "controls/auth/ACME-AUTH-001.yaml:3:6: file is not readable as YAML: illegal placement of ':' indicator"
        ],
    );
}

#[test]
fn what_is_no_definition_is_passed_over() {
    for path in [
        "lake.yaml",
        "jobs/x.yaml",
        "controls/auth/x.yaml",
        "datasets/a/b/c.yaml",
        "slas/x.yaml",
        "access.yaml",
        "policies/evidence.yaml",
        "policies/x.yaml",
        "policies/eu/x.yaml",
        "policy/x.yaml",
        "jobs/x.yml",
    ] {
        assert!(is_definition(path), "{path}");
    }
    for path in [
        "README.md",
        "data/x.yaml",
        "compose.yaml",
        "jobs/.x.yaml",
        "controls/x.ndjson",
        ".github/jobs/x.yaml",
        "",
        "/",
    ] {
        assert!(!is_definition(path), "{path}");
    }
}
