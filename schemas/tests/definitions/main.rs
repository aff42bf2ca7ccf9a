//! Definitions: what is accepted, and one case for each thing that is refused.

mod acme;
mod anomalies;
mod anonymize;
mod mutation;
mod notify;
mod openslo;
mod refused;
mod request;
mod retention;
mod shipped;
mod sla;
mod spans;
mod subjects;
mod support;
mod table_report;
mod timing;
mod usage;

use std::collections::BTreeMap;

use acme::{acme, plus, with};
use schemas::{
    Class, ControlId, ControlSql, DATASET_SCHEMAS, DatasetId, DefinitionKind, IngestFormat, Interval, JobId, JobKind,
    Lake, Limit, ParamValue, Permission, ReportFormat, SecretSource, SourceFile, Status, StoreUrl, Tenants, VerifySpec,
    check, json_schema, parse_rfc3339, shipped_controls,
};

/// Kinds of job, as in YAML.
const JOB_KINDS: [&str; 11] = [
    "ingest",
    "query",
    "export",
    "compliance_report",
    "verify",
    "retention",
    "anonymize",
    "sla",
    "usage",
    "anomalies",
    "report",
];

fn checked() -> Lake {
    check(&acme()).expect("the sample lake is right")
}

#[test]
fn a_lake_is_read_whole() {
    let lake = checked();
    assert_eq!(lake.id.as_str(), "acme");
    assert_eq!(lake.store, StoreUrl::File("./data".into()));
    assert_eq!(lake.timezone, chrono_tz::Europe::Berlin);
    assert_eq!(lake.datasets.iter().map(|one| one.id.as_str()).collect::<Vec<_>>(), ["audit", "identity", "month"]);
    assert_eq!(
        lake.jobs.iter().map(|one| one.id.as_str()).collect::<Vec<_>>(),
        ["denied-daily", "ingest-app", "ingest-trail", "retention-daily", "soc2-daily", "tenant-month", "verify-daily"]
    );
    assert_eq!(lake.controls.len(), shipped_controls().len() + 2);
    assert!(lake.controls.is_sorted_by(|a, b| a.id < b.id));
    assert_eq!(lake.frameworks.len(), 8);
    assert_eq!(lake.sha256.len(), 64);
}

#[test]
fn a_dataset_takes_from_its_schema_what_it_does_not_say() {
    let lake = checked();
    let audit = lake.dataset(&DatasetId::parse("audit").expect("name")).expect("declared");
    assert_eq!((audit.location.as_str(), audit.schema.name), ("audit/", "audit.v1"));
    assert_eq!((audit.time.as_deref(), audit.tenant.as_str()), (Some("time"), "tenant_id"));
    assert_eq!(audit.subjects, ["actor_id", "subject_id"]);
    assert_eq!(audit.classes["src_ip"], Class::Personal);
    assert!(audit.is_personal("src_ip") && !audit.is_personal("source") && !audit.is_personal("event_id"));
    let identity = lake.dataset(&DatasetId::parse("identity").expect("name")).expect("declared");
    assert_eq!(identity.time, None);
    assert_eq!(identity.subjects, ["account_id"]);
}

#[test]
fn what_each_principal_sees_is_resolved() {
    let access = checked().access.expect("access.yaml is there");
    assert_eq!(access.service_principal.as_deref(), Some("runner"));
    let alice = access.principal("alice").expect("alice");
    assert_eq!((alice.kind(), alice.tenants.only()), ("user", Some("t1")));
    assert!(alice.may(Permission::SqlQuery) && !alice.may(Permission::DatasetUnmasked));
    assert_eq!((alice.limits.of(Limit::Seconds), alice.limits.of(Limit::Memory)), (120, 1 << 30));
    let audit = &alice.datasets["audit"];
    let filters: Vec<_> = audit.rows.iter().map(|rule| (rule.role.as_str(), rule.filter.as_deref())).collect();
    assert_eq!(filters, [("tenant_analyst", Some("tenant_id = principal.tenant"))]);
    assert_eq!(audit.restrict, ["severity < 4"]);
    let masks: Vec<_> =
        audit.masks.iter().map(|(column, rule)| (column.as_str(), rule.mask.as_str(), rule.role.is_some())).collect();
    // `src_ip` and `subject_id` are personal; of one of them a role says what is shown.
    assert_eq!(
        masks,
        [("actor_id", "pseudonym", true), ("src_ip", "truncate_ip", true), ("subject_id", "nothing", false)]
    );
    assert_eq!(audit.hidden.keys().collect::<Vec<_>>(), ["attributes"]);
    let runner = access.principal("runner").expect("runner");
    assert!(runner.datasets.is_empty() && runner.kind() == "service" && runner.tenants == Tenants::All);
}

#[test]
fn an_entry_of_a_role_stands_in_place_of_the_one_it_inherits() {
    let files = with("access.yaml", "roles: [tenant_analyst], channels", "roles: [support], channels");
    let access = check(&files).expect("is right").access.expect("access.yaml is there");
    let audit = &access.principal("alice").expect("alice").datasets["audit"];
    assert_eq!(audit.all_rows_by(), Some("support"));
    assert!(audit.hidden.is_empty() && !audit.masks.contains_key("actor_id"));
    assert_eq!(audit.masks["time"].role.as_deref(), Some("support"));
    assert_eq!(audit.masks["src_ip"].role, None, "personal, and nobody says otherwise any more");
    // Two roles side by side: rows of either, masks and hidden columns of both.
    let files = with("access.yaml", "roles: [tenant_analyst], channels", "roles: [tenant_analyst, support], channels");
    let access = check(&files).expect("is right").access.expect("access.yaml is there");
    let audit = &access.principal("alice").expect("alice").datasets["audit"];
    assert_eq!((audit.rows.len(), audit.all_rows_by()), (2, Some("support")));
    assert!(audit.hidden.contains_key("attributes") && audit.masks.contains_key("actor_id"));
}

#[test]
fn roles_inherit_eight_deep_and_no_deeper() {
    let chain = |length: usize| {
        let roles = (1..length).map(|at| format!("  r{at}: {{inherits: [r{}]}}\n", at + 1)).collect::<String>();
        with("access.yaml", "  third:", &format!("{roles}  r{length}: {{inherits: [analyst]}}\n  third:"))
    };
    assert!(check(&chain(8)).is_ok());
    let errors = check(&chain(9)).map(drop).expect_err("is refused");
    assert!(errors.iter().any(|error| error.message.contains("inherit more than 8 deep")), "{errors:?}");
}

#[test]
fn jobs_say_what_they_do() {
    let lake = checked();
    let job = |name: &str| lake.job(&JobId::parse(name).expect("name")).expect("declared");
    let JobKind::Ingest(app) = &job("ingest-app").kind else { panic!("an ingest") };
    assert_eq!((app.from.as_str(), app.format, app.max_rejected_ppm), ("drop/app/", IngestFormat::Ndjson, 20_000));
    let mapping = app.mapping.as_ref().expect("mapped");
    assert_eq!(mapping.name, "app@1");
    assert!(mapping.sql.starts_with("SELECT id AS event_id"));
    let JobKind::Ingest(trail) = &job("ingest-trail").kind else { panic!("an ingest") };
    assert_eq!((trail.format, trail.max_rejected_ppm, &trail.mapping), (IngestFormat::Cloudtrail, 10_000, &None));
    let JobKind::ComplianceReport(report) = &job("soc2-daily").kind else { panic!("a report") };
    assert_eq!(report.window_seconds, Some(30 * 86_400));
    assert_eq!(report.frameworks, ["soc2", "gdpr"]);
    assert!(report.approval_required);
    assert!(report.formats().into_iter().eq([ReportFormat::Html, ReportFormat::Csv]));
    let control = lake.control(&ControlId::parse("ACME-AUTH-001").expect("id")).expect("declared");
    assert!(report.selects(control));
    assert_eq!(report.params_of(control)["warn_ppm"], ParamValue::Int(500));
    assert_eq!(control.params["warn_ppm"], ParamValue::Int(0));
}

#[test]
fn what_can_be_left_out_of_a_job_means_all_or_nothing() {
    let kind = |files: &[SourceFile], name: &str| {
        let lake = check(files).expect("is right");
        lake.job(&JobId::parse(name).expect("name")).expect("declared").kind.clone()
    };
    let JobKind::Verify(verify) = kind(&acme(), "verify-daily") else { panic!("a verification") };
    assert_eq!(verify.datasets.iter().map(DatasetId::as_str).collect::<Vec<_>>(), ["identity", "month"]);
    let all = kind(&with("jobs/verify-daily.yaml", "datasets: [identity, month]\n", ""), "verify-daily");
    assert_eq!(all, JobKind::Verify(VerifySpec { datasets: Vec::new() }));
    assert_eq!(all.as_str(), "verify");
    let report = kind(&with("jobs/soc2-daily.yaml", "approval: required\n", ""), "soc2-daily");
    assert!(matches!(report, JobKind::ComplianceReport(report) if !report.approval_required));
}

#[test]
fn evidence_says_who_signs_and_where_checkpoints_are_kept_besides() {
    let evidence = checked().evidence.expect("policies/evidence.yaml is there");
    assert_eq!(evidence.origin, "acme.example/auditlake/acme");
    assert_eq!(evidence.key, SecretSource::File("keys/log.key".into()));
    assert_eq!(evidence.retiring, Some(SecretSource::Env("AL_LOG_2025".into())));
    assert_eq!(evidence.trust, ["keys/log.pub", "/srv/auditor/log.pub"]);
    let anchors: Vec<_> =
        evidence.anchors.iter().map(|one| (one.name.as_str(), one.to.to_string(), one.every_seconds)).collect();
    let bucket = ("vault", "s3://acme-anchors/auditlake".to_owned(), 900);
    assert_eq!(anchors, [bucket, ("mirror", "file:../anchors".to_owned(), 3_600)]);
    let short = b"evidence: {origin: acme, sign: {key: env:AL_LOG}}\n";
    let evidence = check(&plus("policies/evidence.yaml", short)).expect("is right").evidence.expect("is there");
    assert_eq!((evidence.retiring, evidence.trust.len(), evidence.anchors.len()), (None, 0, 0));
    let none: Vec<_> = acme().into_iter().filter(|file| file.path != "policies/evidence.yaml").collect();
    assert_eq!(check(&none).expect("is right").evidence, None);
}

#[test]
fn an_anchor_lies_outside_the_store_of_the_lake() {
    let refused = |store: &str, to: &str| {
        let mut files = with("policies/evidence.yaml", "file:../anchors", to);
        files.extend(with("lake.yaml", "file:./data", store).into_iter().filter(|file| file.path == "lake.yaml"));
        files.swap_remove(files.iter().position(|file| file.path == "lake.yaml").expect("the first"));
        let errors = check(&files).map(drop).err().unwrap_or_default();
        assert!(errors.iter().all(|error| error.message.contains("an anchor there can be rewritten")), "{errors:?}");
        !errors.is_empty()
    };
    for (store, to) in [
        ("file:./data", "file:data"),
        ("file:data/", "file:./data/anchors/"),
        ("file:data/lake", "file:data"),
        ("file:data", "file:."),
        ("file:data", "file:x/../data"),
        ("file:data", "file:.."),
        ("file:../lake", "file:.././lake/anchors"),
        ("file:/srv/lake", "file:///srv//lake/"),
        ("file:/srv/lake", "file:/"),
        ("s3://acme-lake/lake", "s3://acme-lake/anchors"),
        ("az://acme-lake", "az://acme-lake/"),
    ] {
        assert!(refused(store, to), "{to} for a lake in {store}");
    }
    for (store, to) in [
        ("file:./data", "file:./data2"),
        ("file:./data", "file:../data"),
        ("file:../lake", "file:anchors"),
        ("file:../../lake", "file:../anchors"),
        ("file:/srv/lake", "file:/srv/lakes"),
        ("file:/srv/lake", "s3://acme-lake/anchors"),
        ("s3://acme-lake/lake", "file:lake"),
        ("s3://acme-lake/lake", "gs://acme-lake/lake"),
        ("memory", "file:data"),
    ] {
        assert!(!refused(store, to), "{to} for a lake in {store}");
    }
}

#[test]
fn a_report_goes_where_its_interval_says_in_the_zone_of_the_lake() {
    let lake = checked();
    let job = lake.job(&JobId::parse("soc2-daily").expect("name")).expect("declared");
    let JobKind::ComplianceReport(report) = &job.kind else { panic!("a report") };
    let at = |text| parse_rfc3339(text).expect("instant");
    let interval = Interval { start: at("2026-02-27T23:00:00Z"), end: at("2026-03-29T22:00:00Z") };
    let paths: Vec<String> = report.outputs.iter().map(|one| one.to.render(&interval, lake.timezone)).collect();
    assert_eq!(paths, ["reports/soc2/2026-03-30/", "reports/soc2-daily/20260227T230000Z/2026/"]);
}

#[test]
fn controls_have_two_forms_and_a_default_status() {
    let lake = checked();
    let control = |id: &str| lake.control(&ControlId::parse(id).expect("id")).expect("declared");
    let first = control("ACME-AUTH-001");
    assert!(matches!(&first.sql, ControlSql::Rows { from, .. } if from == "audit"));
    let rules: Vec<_> = first.status.iter().map(|rule| (rule.when.as_deref(), rule.is)).collect();
    let warn = (Some("v * 1000000 <= $warn_ppm * n"), Status::Warn);
    assert_eq!(rules, [(Some("v = 0"), Status::Pass), warn, (None, Status::Fail)]);
    assert_eq!((first.max_undecided_ppm, first.evidence.max_rows), (0, 10_000));
    let second = control("ACME-ACC-001");
    assert!(matches!(&second.sql, ControlSql::Statements { lookback_seconds: 900, .. }));
    assert_eq!(second.status.len(), 2);
    assert_eq!(second.frameworks, BTreeMap::new());
}

#[test]
fn the_hash_follows_every_byte_and_no_order() {
    let lake = checked();
    let mut turned = acme();
    turned.reverse();
    assert_eq!(check(&turned).expect("right").sha256, lake.sha256);
    let spaced = with("lake.yaml", "lake: acme", "lake:  acme");
    assert_ne!(check(&spaced).expect("right").sha256, lake.sha256);
    let id = JobId::parse("soc2-daily").expect("name");
    let changed = check(&with("jobs/soc2-daily.yaml", "window: 30d", "window: 31d")).expect("right");
    assert_ne!(changed.job(&id).map(|job| &job.sha256), lake.job(&id).map(|job| &job.sha256));
}

#[test]
fn json_schemas_know_every_key_and_say_what_it_is_for() {
    let documents = [
        (DefinitionKind::Lake, vec!["lake", "store", "timezone"]),
        (
            DefinitionKind::Dataset,
            vec!["dataset", "location", "schema", "time", "tenant", "subjects", "class", "columns"],
        ),
        (DefinitionKind::Control, vec!["control", "version", "rows", "sql", "status", "evidence", "max_undecided_ppm"]),
        (DefinitionKind::Evidence, vec!["evidence"]),
        (
            DefinitionKind::Retention,
            vec!["policy", "dataset", "rules", "standards", "never_delete", "grace", "approval"],
        ),
        (DefinitionKind::Anonymize, vec!["anonymize", "enabled", "copy", "columns", "require", "search"]),
        (DefinitionKind::Sla, vec!["sla", "service", "requests", "probes", "slices", "tenants", "exclusions", "fees"]),
        (
            DefinitionKind::Support,
            vec![
                "support",
                "dataset",
                "calendar",
                "calendars",
                "limits",
                "share",
                "warn",
                "pauses",
                "tenants",
                "settle",
            ],
        ),
        (DefinitionKind::Calendar, vec!["calendar", "version", "effective", "timezone", "hours", "holidays"]),
        (DefinitionKind::Usage, vec!["usage", "dataset", "quotas", "meters", "warn", "timezones", "tenants", "settle"]),
        (DefinitionKind::Quotas, vec!["quotas", "version", "effective", "currency", "meters", "tier"]),
        (DefinitionKind::Report, vec!["report", "title", "about", "datasets", "sections"]),
        (DefinitionKind::Tiers, vec!["tiers", "version", "effective", "tier", "credits", "cap"]),
    ];
    for (kind, keys) in documents {
        let schema = json_schema(kind);
        assert_eq!(schema["additionalProperties"], false, "{schema}");
        for key in keys {
            assert!(schema["properties"][key]["description"].is_string(), "{key} of {schema}");
        }
    }
    let job = json_schema(DefinitionKind::Job);
    for one in job["oneOf"].as_array().expect("kinds") {
        let path = one["$ref"].as_str().and_then(|path| path.strip_prefix('#')).expect("a reference");
        let kind = &job.pointer(path).expect("defined")["properties"]["kind"]["const"];
        assert!(JOB_KINDS.map(Into::into).contains(kind), "{kind}");
        for key in ["schedule", "after", "retry", "timeout"] {
            let of_key = &job.pointer(path).expect("defined")["properties"][key];
            assert!(of_key["description"].is_string(), "{key} of {kind}: {of_key}");
        }
    }
    assert!(!job.to_string().contains("Raw"), "names of our types are not for editors");
}

#[test]
fn json_schemas_deny_unknown_keys_at_every_depth() {
    fn walk(schema: &serde_json::Value, seen: &mut usize) {
        if schema.get("properties").is_some() {
            assert_eq!(schema["additionalProperties"], false, "{schema}");
            *seen += 1;
        }
        let inner = schema.as_object().into_iter().flat_map(|object| object.values());
        inner.chain(schema.as_array().into_iter().flatten()).for_each(|one| walk(one, seen));
    }
    let mut seen = 0;
    DefinitionKind::ALL.into_iter().for_each(|kind| walk(&json_schema(kind), &mut seen));
    assert!(seen >= 12, "{seen} mappings were walked");
}

#[test]
fn every_schema_can_be_declared() {
    for schema in DATASET_SCHEMAS {
        let files =
            with("datasets/audit.yaml", "schema: audit.v1\ntime: time\n", &format!("schema: {}\n", schema.name));
        let errors = check(&files).map(|_| ()).err().unwrap_or_default();
        assert!(errors.iter().all(|error| !error.message.starts_with("schema ")), "{errors:?}");
    }
}
