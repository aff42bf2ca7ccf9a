//! Retention policies and the jobs that carry them out: what is accepted, and what takes more than one file to refuse.

use expect_test::{Expect, expect};
use schemas::{
    ApprovalRule, DatasetId, DefinitionError, Disposition, ErasureMode, ErasureRule, FloorUnit, InPlace, JobId,
    JobKind, Lake, RetentionPolicy, RetentionSpec, SourceFile, Span, Standard, WithinMinimum, check, hex,
    retention_notes, shipped_policy_templates,
};
use sha2::{Digest, Sha256};

use crate::acme::{acme, file, plus, with};

fn dataset(name: &str) -> DatasetId {
    DatasetId::parse(name).expect("a name")
}

#[track_caller]
fn lake(files: &[SourceFile]) -> Lake {
    let said = |errors: Vec<DefinitionError>| errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
    check(files).map_err(said).expect("is right")
}

/// The sample lake with other text for the policy of audit.
#[track_caller]
fn policy(text: &str) -> RetentionPolicy {
    let lake = lake(&plus("policies/audit.yaml", text.as_bytes()));
    lake.retention.into_iter().find(|policy| policy.dataset.as_str() == "audit").expect("a policy")
}

#[track_caller]
fn says(files: &[SourceFile], expected: Expect) {
    let errors = check(files).map(drop).expect_err("is refused");
    expected.assert_eq(&errors.iter().map(DefinitionError::to_string).collect::<Vec<_>>().join("\n"));
}

#[test]
fn a_policy_is_read_whole() {
    let lake = lake(&acme());
    assert_eq!(lake.retention.iter().map(|one| one.id.as_str()).collect::<Vec<_>>(), ["audit", "people"]);
    let policy = lake.policy_of(&dataset("audit")).expect("enabled");
    let text = acme().into_iter().find(|file| file.path == "policies/audit.yaml").expect("there").text;
    assert_eq!(policy.sha256, hex(&Sha256::digest(&text)));
    let [logins, rest] = policy.rules.as_slice() else { panic!("two rules") };
    let columns: Vec<_> = logins
        .rows
        .columns
        .iter()
        .map(|one| (one.column.as_str(), one.values.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")))
        .collect();
    let expected = [
        ("event_type", "user.login session.*"),
        ("tenant_id", "acme-eu"),
        ("http_status", "401 403"),
        ("mfa", "false"),
        ("outcome", "denied failure"),
    ];
    assert_eq!(columns, expected.map(|(column, values)| (column, values.to_owned())));
    assert_eq!(logins.rows.classes, ["pii", "minor"]);
    assert_eq!(logins.minimum, Some(Span::Months(6)));
    let due = logins.maximum.as_ref().expect("a maximum");
    assert_eq!(due.after, Span::Hours(730 * 24));
    let Disposition::Anonymize(columns) = &due.disposition else { panic!("anonymizes") };
    let expected = [
        ("actor_id", InPlace::Constant { value: "anonymous".to_owned() }),
        ("src_ip", InPlace::TruncateIp { v4: 16, v6: 48 }),
        ("subject_id", InPlace::Redact),
        ("user_agent", InPlace::Mask { keep: 7, last: false }),
        ("valid_until", InPlace::Floor { to: FloorUnit::Month }),
    ];
    assert!(columns.iter().map(|(name, method)| (name.as_str(), method.clone())).eq(expected));
    let archive = Disposition::Archive { keep: Some(Span::Months(12)), storage_class: Some("GLACIER_IR".to_owned()) };
    assert_eq!(rest.maximum.as_ref().map(|due| &due.disposition), Some(&archive));
    assert!(rest.rows.columns.is_empty() && rest.rows.classes.is_empty() && rest.minimum.is_none());
    assert_eq!(policy.standards, [Standard::PciDss, Standard::Sox]);
    assert_eq!(
        policy.never_delete.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["legal_hold.*", "audit.paused"]
    );
    assert_eq!(policy.erasure, ErasureRule { mode: ErasureMode::Anonymize, within_minimum: WithinMinimum::Refuse });
    let approval = ApprovalRule { approvers: 2, not_planner: false, valid_for_seconds: 86_400, brake_ppm: 5_000 };
    assert_eq!((policy.grace_seconds, policy.approval), (43_200, approval));
    let copies: Vec<_> =
        policy.copies.iter().map(|one| (one.what.as_str(), one.erased_by.as_str(), one.until)).collect();
    let tape = ("tape", "never", Some(Span::Hours(90 * 24)));
    assert_eq!(copies, [("replica acme-audit-dr", "replication", None), tape]);
}

#[test]
fn what_a_policy_leaves_out_is_the_careful_choice() {
    let policy = policy("policy: audit\nrules: [{rule: all, maximum: 1y, disposition: archive}]\n");
    assert!(policy.enabled && policy.standards.is_empty() && policy.copies.is_empty());
    let kept: Vec<String> = policy.never_delete.iter().map(ToString::to_string).collect();
    assert_eq!(
        kept,
        [
            "legal_hold.*",
            "retention.*",
            "dsr.erasure_completed",
            "audit.paused",
            "audit.resumed",
            "audit.config_changed"
        ]
    );
    assert_eq!(policy.erasure, ErasureRule { mode: ErasureMode::Delete, within_minimum: WithinMinimum::Anonymize });
    let approval = ApprovalRule { approvers: 1, not_planner: true, valid_for_seconds: 604_800, brake_ppm: 200_000 };
    assert_eq!((policy.grace_seconds, policy.approval), (86_400, approval));
    let archive = Disposition::Archive { keep: None, storage_class: None };
    assert_eq!(policy.rules[0].maximum.as_ref().map(|due| &due.disposition), Some(&archive));
}

#[test]
fn values_are_what_stands_in_the_file_and_not_what_yaml_makes_of_it() {
    let text = "policy: audit\nrules:\n  - rule: all\n    where: {tenant: [007, 1e3, true, 0x1F, 1.10], column: {mfa: [true, false]}}\n    minimum: 1y\n";
    let policy = policy(text);
    let values = |column: usize| policy.rules[0].rows.columns[column].values.iter().map(ToString::to_string);
    assert!(values(0).eq(["007", "1e3", "true", "0x1F", "1.10"]));
    assert!(values(1).eq(["true", "false"]));
}

#[test]
fn a_rule_whose_minimum_is_later_on_some_rows_only_is_no_error() {
    for (minimum, maximum) in [("1y", "365d"), ("1mo", "28d"), ("7y", "2556d"), ("12mo", "1y"), ("365d", "365d")] {
        let rule = format!("{{rule: all, minimum: {minimum}, maximum: {maximum}, disposition: delete}}");
        assert_eq!(policy(&format!("policy: audit\nrules: [{rule}]\n")).rules.len(), 1, "{minimum} against {maximum}");
    }
}

#[test]
fn a_policy_may_be_about_what_ingests_refused() {
    let text = b"policy: refused\ndataset: audit_rejected\nrules: [{rule: all, maximum: 90d, disposition: delete}]\n";
    let lake = lake(&plus("policies/refused.yaml", text));
    let rejected = lake.dataset_or_rejected(&dataset("audit_rejected")).expect("is there");
    assert_eq!(
        (rejected.location.as_str(), rejected.data_classes.as_slice()),
        ("audit_rejected/", ["pii".to_owned()].as_slice())
    );
    let policy = lake.policy_of(&rejected.id).expect("enabled");
    assert!(policy.never_delete.is_empty(), "its rows have no type");
    assert!(lake.dataset_or_rejected(&dataset("audit")).is_some() && lake.dataset_or_rejected(&dataset("x")).is_none());
    says(
        &plus(
            "policies/refused.yaml",
            b"policy: refused\ndataset: audit_rejected\nrules: [{rule: all, maximum: 90d, disposition: anonymize, anonymize: {detail: {method: redact}}}]\nnever_delete: [audit.paused]\n",
        ),
        expect![[r#"
            policies/refused.yaml:3:70: rule "all": anonymize leaves columns as they are that name or describe persons: raw; give each a method, for example {method: redact}
            policies/refused.yaml:4:15: never_delete names types of events, and schema rejected.v1 has no column event_type; leave it out"#]],
    );
}

#[test]
fn one_enabled_policy_is_about_a_dataset() {
    let second = "policy: second\ndataset: audit\nrules: [{rule: all, maximum: 90d, disposition: delete}]\n";
    says(
        &plus("policies/second.yaml", second.as_bytes()),
        expect![[
            r#"policies/second.yaml:2:10: dataset "audit" has an enabled policy already, "audit" in policies/audit.yaml; put the rules into one of them, or write enabled: false in the other"#
        ]],
    );
    let disabled = format!("{second}enabled: false\n");
    let lake = lake(&plus("policies/second.yaml", disabled.as_bytes()));
    assert_eq!(lake.retention.len(), 3);
    assert_eq!(lake.policy_of(&dataset("audit")).map(|policy| policy.id.as_str()), Some("audit"));
    let again = disabled.replace("policy: second", "policy: audit");
    says(
        &plus("policies/second.yaml", again.as_bytes()),
        expect![[
            r#"policies/second.yaml:1:9: policy "audit" is already described in policies/audit.yaml; rename one of them"#
        ]],
    );
}

#[test]
fn a_policy_that_is_not_enabled_is_checked_but_for_a_dataset_that_is_not_there() {
    let text = "policy: users\nenabled: false\nrules:\n  - {rule: all, where: {tenant: t1, column: {anything: x}}, maximum: 1y, disposition: delete}\n";
    assert_eq!(lake(&plus("policies/users.yaml", text.as_bytes())).retention.len(), 3);
    says(
        &plus("policies/users.yaml", text.replace("1y", "1").as_bytes()),
        expect![[
            r#"policies/users.yaml:4:70: rule "all": maximum "1" has no unit; write for example 1d for days or 1y for years"#
        ]],
    );
    says(
        &plus("policies/users.yaml", text.replace("users", "audit_copy").replace("enabled: false\n", "").as_bytes()),
        expect![[
            r#"policies/users.yaml:1:9: policy "audit_copy" has the name of no dataset; add dataset: with the one that it is about; there are: audit, identity, month"#
        ]],
    );
    let wrong = text.replace("policy: users", "policy: users\ndataset: audit");
    says(
        &plus("policies/users.yaml", wrong.as_bytes()),
        expect![[
            r#"policies/users.yaml:5:56: rule "all": column "anything" is not in schema audit.v1; name one of its columns"#
        ]],
    );
}

#[test]
fn columns_of_files_are_not_known_before_they_are_read() {
    let text = b"policy: month\nrules: [{rule: all, where: {tenant: [t1], class: [pii], column: {x: [y]}}, maximum: 1y, disposition: anonymize, anonymize: {z: {method: redact}}}]\n";
    let mut files = plus("policies/month.yaml", text);
    says(
        &files,
        expect![[
            r#"policies/month.yaml:2:8: rules and standards go by the age of rows, and dataset "month" names no column of time; add time: with the name of one to datasets/month.yaml"#
        ]],
    );
    files.retain(|file| file.path != "datasets/month.yaml");
    files.push(file("datasets/month.yaml", b"dataset: month\nlocation: month/\ntime: ended_at\n"));
    says(
        &files,
        expect![[
            r#"policies/month.yaml:2:37: rule "all": tenant needs a column that says whose row it is, and dataset "month" names none; add tenant: with its name to the file of the dataset"#
        ]],
    );
    files.retain(|file| file.path != "datasets/month.yaml");
    files.push(file("datasets/month.yaml", b"dataset: month\nlocation: month/\ntime: ended_at\ntenant: tenant_id\n"));
    assert_eq!(lake(&files).policy_of(&dataset("month")).map(|policy| policy.rules.len()), Some(1));
    files.retain(|file| file.path != "datasets/month.yaml");
    files.push(file(
        "datasets/month.yaml",
        b"dataset: month\nlocation: month/\ntime: ended_at\ntenant: tenant_id\nsubjects: [person]\n",
    ));
    says(
        &files,
        expect![[
            r#"policies/month.yaml:2:124: rule "all": anonymize leaves columns as they are that name or describe persons: person; give each a method, for example {method: redact}"#
        ]],
    );
}

#[test]
fn a_class_is_met_by_rows_that_have_one_or_by_all_of_their_dataset() {
    let usage = |class: &str| {
        let mut files = plus(
            "datasets/usage.yaml",
            format!("dataset: usage\nlocation: usage/\nschema: usage.v1\n{class}").as_bytes(),
        );
        files.push(file("policies/usage.yaml", b"policy: usage\nrules: [{rule: all, where: {class: confidential, event_type: x}, minimum: 1y}]\nnever_delete: [x]\n"));
        files
    };
    says(
        &usage(""),
        expect![[r#"
        policies/usage.yaml:2:36: rule "all": class is met by no row: schema usage.v1 has no column data_classes, and dataset "usage" states no class; add for example class: [pii] to its file
        policies/usage.yaml:2:62: rule "all": column "event_type" is not in schema usage.v1; name one of its columns
        policies/usage.yaml:3:15: never_delete names types of events, and schema usage.v1 has no column event_type; leave it out"#]],
    );
    says(
        &usage("class: confidential\n"),
        expect![[r#"
        policies/usage.yaml:2:62: rule "all": column "event_type" is not in schema usage.v1; name one of its columns
        policies/usage.yaml:3:15: never_delete names types of events, and schema usage.v1 has no column event_type; leave it out"#]],
    );
}

#[test]
fn persons_who_place_rows_cannot_be_taken_out_in_place() {
    let mut files = plus("datasets/metric.yaml", b"dataset: metric\nlocation: metric/\nschema: metric.v1\ncolumns: {entity_id: {class: personal}, value: {class: personal}}\n");
    files.push(file("policies/metric.yaml", b"policy: metric\nrules: [{rule: all, maximum: 1y, disposition: anonymize, anonymize: {value: {method: redact}}}]\n"));
    says(
        &files,
        expect![[
            r#"policies/metric.yaml:2:69: rule "all": columns that name or describe persons place the rows of dataset "metric" and cannot be changed in place: entity_id; write disposition: delete"#
        ]],
    );
}

#[test]
fn a_job_carries_out_the_policies_of_its_datasets() {
    let kind = |files: &[SourceFile]| {
        lake(files).job(&JobId::parse("retention-daily").expect("name")).expect("declared").kind.clone()
    };
    assert_eq!(kind(&acme()), JobKind::Retention(RetentionSpec { datasets: vec![dataset("audit")] }));
    let all = kind(&with("jobs/retention-daily.yaml", "datasets: [audit]\n", ""));
    assert_eq!(all, JobKind::Retention(RetentionSpec { datasets: Vec::new() }));
    assert_eq!(all.as_str(), "retention");
    // What is wrong with a policy is said once, and not again by the job.
    says(
        &with("policies/audit.yaml", "grace: 12h", "grace: 1y"),
        expect![[r#"policies/audit.yaml:22:8: grace "1y" is not a length of time; write for example 30d, 24h or 15m"#]],
    );
}

#[test]
fn check_remarks_on_what_nobody_may_have_meant() {
    let mut files = with("policies/audit.yaml", "user.login, ", "user.logn, ");
    files.retain(|file| file.path != "access.yaml");
    files.push(file("access.yaml", b"principals:\n  root: {tenants: all, roles: [operator, privacy_officer]}\n  runner: {tenants: all, roles: [operator]}\n"));
    expect![[r#"
        policy "audit": rule "eu-logins" anonymizes after 730d, and standard sox keeps every row 7y, so it waits for that
        policy "audit": rule "rest" archives after 2555d, and standard sox keeps every row 7y, so it waits for that
        policy "audit" names type of event "user.logn"; did you mean "user.login"?
        policy "audit" lets events go that show what was held, removed or switched off: add to never_delete retention.*, dsr.erasure_completed, audit.resumed, audit.config_changed
        kept for ever, as no enabled policy is about it: rows of month
        kept for ever, as no enabled policy is about it: what ingests refused, personal data too, in audit_rejected
        principal "root" may both approve and apply plans of retention; give one of the two to another"#]].assert_eq(&retention_notes(&lake(&files)).join("\n"));
    files.retain(|file| !file.path.starts_with("policies/"));
    files.retain(|file| file.path != "jobs/retention-daily.yaml");
    expect![[r#"
        kept for ever, as no enabled policy is about it: rows of audit, identity, month
        kept for ever, as no enabled policy is about it: what ingests refused, personal data too, in audit_rejected
        principal "root" may both approve and apply plans of retention; give one of the two to another"#]]
    .assert_eq(&retention_notes(&lake(&files)).join("\n"));
}

#[test]
fn templates_check_as_they_are_and_once_they_are_enabled() {
    let datasets = [
        file("datasets/users.yaml", b"dataset: users\nlocation: users/\ntime: created_at\n"),
        file("datasets/analytics.yaml", b"dataset: analytics\nlocation: analytics/\ntime: seen_at\n"),
        file(
            "datasets/predictions.yaml",
            b"dataset: predictions\nlocation: predictions/\nschema: audit.v1\ncolumns: {src_ip: {class: personal}, session_id: {class: personal}}\n",
        ),
    ];
    let templates = shipped_policy_templates();
    assert!(templates.is_sorted() && templates.len() == 4);
    let as_they_are = |edit: &dyn Fn(&str) -> String| {
        let mut files: Vec<SourceFile> = acme()
            .into_iter()
            .filter(|file| !file.path.contains("retention") && !file.path.starts_with("policies/"))
            .collect();
        files
            .extend(templates.iter().map(|(name, text)| file(&format!("policies/{name}.yaml"), edit(text).as_bytes())));
        files
    };
    let read = lake(&as_they_are(&|text| text.to_owned()));
    assert!(read.retention.iter().all(|policy| !policy.enabled), "nothing goes before somebody has looked");
    assert_eq!(
        read.retention.iter().map(|policy| policy.id.as_str()).collect::<Vec<_>>(),
        templates.iter().map(|(name, _)| *name).collect::<Vec<_>>()
    );
    let mut files = as_they_are(&|text| {
        text.replace("enabled: false", "enabled: true")
            .replace("# standards", "standards")
            .replace("# copies", "copies")
            .replace("# archive", "archive")
    });
    files.extend(datasets);
    let read = lake(&files);
    let terms: Vec<String> = read
        .retention
        .iter()
        .map(|policy| {
            assert!(policy.enabled);
            let rule = &policy.rules[0];
            let due = rule.maximum.as_ref().expect("a maximum");
            let minimum = rule.minimum.map(|minimum| minimum.to_string()).unwrap_or_default();
            format!("{} {} {} {} {minimum}", policy.id, policy.dataset, due.after, due.disposition.as_str())
        })
        .collect();
    expect![[r#"
        analytics analytics 90d delete 
        audit audit 2555d archive 
        prediction-logs predictions 365d anonymize 6mo
        user-data users 730d delete "#]]
    .assert_eq(&terms.join("\n"));
}
