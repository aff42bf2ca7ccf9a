//! One case for each thing that is refused: a text in the sample lake is replaced, and this is said.

use expect_test::{Expect, expect};
use schemas::{DefinitionError, Remedy, SourceFile, check, is_definition};

use crate::acme::{acme, file, plus, with};

#[track_caller]
fn says(files: &[SourceFile], expected: Expect) {
    let errors = check(files).map(|_| ()).expect_err("is refused");
    assert!(errors.is_sorted() && errors.iter().all(|error| error.remedy() == Remedy::FixConfig));
    expected.assert_eq(&errors.iter().map(DefinitionError::to_string).collect::<Vec<_>>().join("\n"));
}

#[track_caller]
fn refuses(path: &str, from: &str, to: &str, expected: Expect) {
    says(&with(path, from, to), expected);
}

#[test]
fn the_lake_file() {
    refuses("lake.yaml", "lake: acme", "lake: Acme Corp", expect![[r#"lake.yaml:2:7: lake "Acme Corp" is not a name; use 1 to 64 of a-z, 0-9, _ and -, a letter first"#]]);
    refuses("lake.yaml", "lake: acme\n", "", expect!["lake.yaml:2:1: lake is required: name of the lake, for example acme"]);
    refuses("lake.yaml", "lake: acme", "lake:", expect!["lake.yaml:2:5: lake has no value; give it one or leave the key out"]);
    refuses("lake.yaml", "lake: acme", "lake: [acme]", expect!["lake.yaml:2:7: lake must be a text; found a list"]);
    refuses("lake.yaml", "store: file:./data", "store: s3://acme/lake", expect![[r#"lake.yaml:3:8: store "s3://acme/lake": s3:// is not in this version; write a folder, for example file:./data"#]]);
    refuses("lake.yaml", "store: file:./data", "store: ./data", expect![[r#"lake.yaml:3:8: store "./data" is not a store; write a folder, for example file:./data"#]]);
    refuses("lake.yaml", "store: file:./data", "store: file://host/data", expect![[r#"lake.yaml:3:8: store "file://host/data" names a host; write file:./data or file:/srv/data"#]]);
    refuses("lake.yaml", "timezone: Europe/Berlin", "timezone: Europe/Berln", expect![[r#"lake.yaml:4:11: timezone "Europe/Berln" is not an IANA zone; the nearest are Europe/Berlin, Europe/Dublin, Europe/Jersey"#]]);
    refuses("lake.yaml", "timezone: Europe/Berlin", "timezone: Berlin", expect![[r#"lake.yaml:4:11: timezone "Berlin" is not an IANA zone; the nearest are Europe/Berlin, America/Belem, America/Belize"#]]);
    refuses("lake.yaml", "timezone: Europe/Berlin", "time_zone: Europe/Berlin", expect![[r#"lake.yaml:4:1: unknown key "time_zone"; did you mean "timezone"? keys are: lake, store, timezone"#]]);
    refuses("lake.yaml", "timezone: Europe/Berlin", "lineage: {keep: 7y}", expect![[r#"lake.yaml:4:1: key "lineage" is not in this version; leave it out"#]]);
}

#[test]
fn yaml_itself() {
    refuses("lake.yaml", "timezone: Europe/Berlin", "store: file:./other", expect![[r#"lake.yaml:4:1: key "store" stands here a second time; keep one"#]]);
    refuses("lake.yaml", "timezone: Europe/Berlin", "---\nlake: second", expect!["lake.yaml:5:1: file holds a second document; one file describes one thing, so split it"]);
    refuses("lake.yaml", "timezone: Europe/Berlin", "timezone: 'Europe", expect!["lake.yaml:5:1: file is not readable as YAML: invalid indentation in multiline quoted scalar"]);
    refuses("lake.yaml", "timezone: Europe/Berlin", "timezone: *zone", expect!["lake.yaml:4:11: file is not readable as YAML: alias references unknown anchor"]);
    refuses("lake.yaml", "timezone: Europe/Berlin", "<<: {timezone: UTC}", expect!["lake.yaml:4:1: merge keys (<<) are not read; write the keys out"]);
    refuses("lake.yaml", "timezone: Europe/Berlin", "timezone: !zone UTC", expect!["lake.yaml:4:17: tags (!…) are not read; write the plain value"]);
    refuses("lake.yaml", "timezone: Europe/Berlin", "timezone: &z [*z]", expect!["lake.yaml:4:15: alias stands inside its own anchor; write it out"]);
    refuses("lake.yaml", "timezone: Europe/Berlin", "\ttimezone: UTC", expect!["lake.yaml:3:8: file is not readable as YAML: while scanning a plain scalar, found a tab"]);
    refuses("lake.yaml", "timezone: Europe/Berlin", "[timezone]: UTC", expect!["lake.yaml:4:1: a key of lake must be a text; found a list"]);
}

#[test]
fn datasets() {
    refuses("datasets/audit.yaml", "location: audit/", "ocation: audit/", expect![[r#"
        datasets/audit.yaml:1:1: location is required: folder in the store, for example audit/
        datasets/audit.yaml:2:1: unknown key "ocation"; did you mean "location"? keys are: dataset, location, schema, time, tenant, subjects, columns"#]]);
    refuses("datasets/audit.yaml", "schema: audit.v1\n", "", expect!["datasets/audit.yaml:1:1: schema is required; schemas are: audit.v1, identity.v1"]);
    refuses("datasets/audit.yaml", "schema: audit.v1", "schema: audit.v2", expect![[r#"datasets/audit.yaml:3:9: schema "audit.v2" does not exist in this version; schemas are: audit.v1, identity.v1"#]]);
    refuses("datasets/audit.yaml", "dataset: audit", "dataset: audit log", expect![[r#"
        datasets/audit.yaml:1:10: dataset "audit log" is not a name; use 1 to 64 of a-z, 0-9, _ and -, a letter first
        jobs/ingest-app.yaml:4:7: into names dataset "audit", which does not exist; there are: audit log, identity
        jobs/ingest-trail.yaml:4:7: into names dataset "audit", which does not exist; there are: audit log, identity"#]]);
    refuses("datasets/audit.yaml", "dataset: audit", "dataset: audit_rejected", expect![[r#"
        datasets/audit.yaml:1:10: dataset "audit_rejected" ends with _rejected, which is kept for rejected records; rename it
        jobs/ingest-app.yaml:4:7: into names dataset "audit", which does not exist; there are: audit_rejected, identity
        jobs/ingest-trail.yaml:4:7: into names dataset "audit", which does not exist; there are: audit_rejected, identity"#]]);
    refuses("datasets/audit.yaml", "dataset: audit", "dataset: identity", expect![[r#"
        datasets/people/identity.yaml:1:10: dataset "identity" is already described in datasets/audit.yaml; rename one of them
        jobs/ingest-app.yaml:4:7: into names dataset "audit", which does not exist; there are: identity
        jobs/ingest-trail.yaml:4:7: into names dataset "audit", which does not exist; there are: identity"#]]);
    refuses("datasets/audit.yaml", "location: audit/", "location: /audit/", expect![[r#"datasets/audit.yaml:2:11: location "/audit/" begins with /; write it relative to the store"#]]);
    refuses("datasets/audit.yaml", "location: audit/", "location: audit", expect![[r#"datasets/audit.yaml:2:11: location "audit" is a folder and must end with /"#]]);
    refuses("datasets/audit.yaml", "location: audit/", "location: ../audit/", expect![[r#"datasets/audit.yaml:2:11: location "../audit/" has a . or .. in it; write the folder itself"#]]);
    refuses("datasets/audit.yaml", "location: audit/", "location: audit//x/", expect![[r#"datasets/audit.yaml:2:11: location "audit//x/" has an empty folder name in it; write one /"#]]);
    refuses("datasets/audit.yaml", "location: audit/", "location: \"\"", expect![[r#"datasets/audit.yaml:2:11: location "" is empty; write a folder in the store, for example audit/"#]]);
    refuses("datasets/audit.yaml", "location: audit/", "location: _auditlake/runs/", expect![[r#"datasets/audit.yaml:2:11: location "_auditlake/runs/" lies in _auditlake/, which holds auditlake's own records; choose another folder"#]]);
    refuses("datasets/audit.yaml", "location: audit/", "location: people/", expect![[r#"datasets/people/identity.yaml:2:11: location "people/identity/" overlaps "people/", the location of dataset "audit" in datasets/audit.yaml; choose folders apart"#]]);
    refuses("datasets/audit.yaml", "location: audit/", "location: a b/", expect![[r#"datasets/audit.yaml:2:11: location "a b/" contains ' '; use letters, digits and - _ . = + @"#]]);
    refuses("datasets/audit.yaml", "time: time", "time: timee", expect![[r#"datasets/audit.yaml:4:7: column "timee" is not in schema audit.v1; did you mean "time"?"#]]);
    refuses("datasets/audit.yaml", "time: time", "time: source", expect![[r#"datasets/audit.yaml:4:7: time column "source" is of type str; name one of type ts"#]]);
    refuses("datasets/audit.yaml", "tenant: tenant_id", "tenant: actor_tenant_id", expect![[r#"datasets/audit.yaml:5:9: tenant column "actor_tenant_id" may be null or is no text; name a text column that is always there"#]]);
    refuses("datasets/audit.yaml", "[actor_id, subject_id]", "[actor_id, subject]", expect![[r#"datasets/audit.yaml:6:22: column "subject" is not in schema audit.v1; name one of its columns"#]]);
    refuses("datasets/audit.yaml", "[actor_id, subject_id]", "[actor_id, actor_id]", expect![[r#"datasets/audit.yaml:6:22: subject column "actor_id" stands here twice; keep one"#]]);
    refuses("datasets/audit.yaml", "[actor_id, subject_id]", "[mfa]", expect![[r#"datasets/audit.yaml:6:12: subject column "mfa" is of type bool; name a text column"#]]);
    refuses("datasets/audit.yaml", "[actor_id, subject_id]", "actor_id", expect![[r#"datasets/audit.yaml:6:11: subjects must be a list; found "actor_id""#]]);
    refuses("datasets/audit.yaml", "src_ip: {class: personal}", "ip: {class: personal}", expect![[r#"datasets/audit.yaml:8:15: column "ip" is not in schema audit.v1; name one of its columns"#]]);
    refuses("datasets/audit.yaml", "src_ip: {class: personal}", "src_ip: {class: private}", expect![[r#"datasets/audit.yaml:8:19: class "private" does not exist; choices are: public, internal, personal, special, secret"#]]);
    refuses("datasets/audit.yaml", "src_ip: {class: personal}", "src_ip: {clas: personal}", expect![[r#"
        datasets/audit.yaml:8:11: class is required: public, internal, personal, special or secret
        datasets/audit.yaml:8:12: unknown key "clas"; did you mean "class"? keys are: class"#]]);
    refuses("datasets/audit.yaml", "src_ip: {class: personal}", "src_ip: personal", expect![[r#"datasets/audit.yaml:8:11: src_ip must be a mapping of keys to values; found "personal""#]]);
}

#[test]
fn jobs_of_any_kind() {
    refuses("jobs/soc2-daily.yaml", "kind: compliance_report", "kind: sla", expect![[r#"jobs/soc2-daily.yaml:2:7: kind "sla" does not exist in this version; kinds are: ingest, compliance_report"#]]);
    refuses("jobs/soc2-daily.yaml", "kind: compliance_report", "kind: complience_report", expect![[r#"jobs/soc2-daily.yaml:2:7: kind "complience_report" does not exist in this version; did you mean "compliance_report"? kinds are: ingest, compliance_report"#]]);
    refuses("jobs/soc2-daily.yaml", "kind: compliance_report\n", "", expect!["jobs/soc2-daily.yaml:1:1: kind is required, as a word; kinds are: ingest, compliance_report"]);
    refuses("jobs/soc2-daily.yaml", "kind: compliance_report", "kind: [ingest]", expect!["jobs/soc2-daily.yaml:2:7: kind is required, as a word; kinds are: ingest, compliance_report"]);
    refuses("jobs/soc2-daily.yaml", "job: soc2-daily", "job: ingest-app", expect![[r#"jobs/soc2-daily.yaml:1:6: job "ingest-app" is already described in jobs/ingest-app.yaml; rename one of them"#]]);
    refuses("jobs/soc2-daily.yaml", "job: soc2-daily", "job: SOC2", expect![[r#"jobs/soc2-daily.yaml:1:6: job "SOC2" is not a name; use 1 to 64 of a-z, 0-9, _ and -, a letter first"#]]);
    refuses("jobs/soc2-daily.yaml", "window: 30d", "window: 30d\nschedule: {cron: \"0 6 * * *\"}\nnotify: [ops]\nprincipal: runner\nretry: {max: 3}\nafter: []\ntimeout: 1h", expect![[r#"
        jobs/soc2-daily.yaml:4:1: key "schedule" is not in this version; run the job with `auditlake run JOB --at INSTANT`, for example from cron
        jobs/soc2-daily.yaml:5:1: key "notify" is not in this version; act on the exit code of `auditlake run`
        jobs/soc2-daily.yaml:6:1: key "principal" is not in this version; leave it out; the job sees what the process may read
        jobs/soc2-daily.yaml:7:1: key "retry" is not in this version; run the job again
        jobs/soc2-daily.yaml:8:1: key "after" is not in this version; run the jobs one after the other
        jobs/soc2-daily.yaml:9:1: key "timeout" is not in this version; end the process from outside"#]]);
}

#[test]
fn ingests() {
    refuses("jobs/ingest-app.yaml", "format: ndjson", "format: ocsf", expect![[r#"jobs/ingest-app.yaml:3:37: format "ocsf" does not exist in this version; formats are: cloudtrail, ndjson"#]]);
    refuses("jobs/ingest-app.yaml", "format: ndjson", "format: ndjsn", expect![[r#"jobs/ingest-app.yaml:3:37: format "ndjsn" does not exist; did you mean "ndjson"? choices are: cloudtrail, ndjson"#]]);
    refuses("jobs/ingest-app.yaml", "location: drop/app/", "location: s3://drop/app/", expect![[r#"jobs/ingest-app.yaml:3:18: location "s3://drop/app/": s3:// is not in this version; name a folder"#]]);
    refuses("jobs/ingest-app.yaml", "location: drop/app/", "location: file:drop/app/", expect!["jobs/ingest-app.yaml:3:18: location is a folder, not a URL; leave file: out"]);
    refuses("jobs/ingest-app.yaml", "location: drop/app/", "location: ''", expect!["jobs/ingest-app.yaml:3:18: location is empty; write something"]);
    refuses("jobs/ingest-app.yaml", "into: audit", "into: audits", expect![[r#"jobs/ingest-app.yaml:4:7: into names dataset "audits", which does not exist; did you mean "audit"?"#]]);
    refuses("jobs/ingest-trail.yaml", "into: audit", "into: identity", expect![[r#"jobs/ingest-trail.yaml:4:7: cloudtrail makes rows of audit.v1, but dataset "identity" has schema identity.v1; name a dataset of audit.v1"#]]);
    refuses("jobs/ingest-trail.yaml", "into: audit", "into: audit\nmapping: trail@1\nmap: SELECT 1", expect![[r#"
        jobs/ingest-trail.yaml:5:10: mapping is not for cloudtrail, whose mapping is built in; leave it out
        jobs/ingest-trail.yaml:6:6: map is not for cloudtrail, whose mapping is built in; leave it out"#]]);
    refuses("jobs/ingest-app.yaml", "mapping: app@1\n", "", expect!["jobs/ingest-app.yaml:6:3: map has no name; add mapping: with a name and version, for example app@1"]);
    refuses("jobs/ingest-app.yaml", "mapping: app@1", "mapping: app", expect![[r#"jobs/ingest-app.yaml:5:10: mapping "app" is not a name with a version; write for example app@1"#]]);
    refuses("jobs/ingest-app.yaml", "mapping: app@1", "mapping: app@01", expect![[r#"jobs/ingest-app.yaml:5:10: mapping "app@01" is not a name with a version; write for example app@1"#]]);
    refuses("jobs/ingest-trail.yaml", "format: cloudtrail}\ninto: audit", "format: ndjson}\ninto: audit\nmapping: trail@1", expect!["jobs/ingest-trail.yaml:5:10: mapping is named without its SQL; add map: SELECT … FROM input"]);
    refuses("jobs/ingest-app.yaml", "max_rejected_ppm: 20000", "max_rejected_ppm: 2000000", expect!["jobs/ingest-app.yaml:9:19: max_rejected_ppm must be from 0 to 1000000; found 2000000"]);
    refuses("jobs/ingest-app.yaml", "max_rejected_ppm: 20000", "max_rejected_ppm: -1", expect!["jobs/ingest-app.yaml:9:19: max_rejected_ppm must be from 0 to 1000000; found -1"]);
    refuses("jobs/ingest-app.yaml", "max_rejected_ppm: 20000", "max_rejected_ppm: 1 %", expect![[r#"jobs/ingest-app.yaml:9:19: max_rejected_ppm must be a whole number; found "1 %""#]]);
    refuses("jobs/ingest-app.yaml", "max_rejected_ppm: 20000", "max_rejected: 1 %", expect![[r#"jobs/ingest-app.yaml:9:1: key "max_rejected" is not in this version; write max_rejected_ppm: records per million, so 10000 is 1 %"#]]);
}

#[test]
fn reports() {
    refuses("jobs/soc2-daily.yaml", "window: 30d", "window: 0d", expect![[r#"jobs/soc2-daily.yaml:3:9: window "0d" is empty; it must be longer than 0"#]]);
    refuses("jobs/soc2-daily.yaml", "window: 30d", "window: 30", expect![[r#"jobs/soc2-daily.yaml:3:9: window "30" is not a length of time; write for example 30d, 24h or 15m"#]]);
    refuses("jobs/soc2-daily.yaml", "window: 30d", "window: monthly", expect![[r#"jobs/soc2-daily.yaml:3:9: window "monthly" is not a length of time; write for example 30d, 24h or 15m"#]]);
    refuses("jobs/soc2-daily.yaml", "window: 30d", "window: 9999999999999999999w", expect![[r#"jobs/soc2-daily.yaml:3:9: window "9999999999999999999w" is longer than ten years; write at most 3660d"#]]);
    refuses("jobs/soc2-daily.yaml", "window: 30d", "window: 9999999999999999w", expect![[r#"jobs/soc2-daily.yaml:3:9: window "9999999999999999w" is longer than ten years; write at most 3660d"#]]);
    refuses("jobs/soc2-daily.yaml", "[soc2, gdpr]", "[soc2, iso27001]", expect![[r#"jobs/soc2-daily.yaml:4:20: framework "iso27001" does not exist; frameworks are: aiact, ccpa, gdpr, hipaa, iso, pci, soc2, sox"#]]);
    refuses("jobs/soc2-daily.yaml", "[soc2, gdpr]", "[soc2, soc2]", expect![[r#"jobs/soc2-daily.yaml:4:20: framework "soc2" stands here twice; keep one"#]]);
    refuses("jobs/soc2-daily.yaml", "frameworks: [soc2, gdpr]\nparams:\n  ACME-AUTH-001: {warn_ppm: 500}\n", "", expect!["jobs/soc2-daily.yaml:1:6: report has neither frameworks nor controls; add for example frameworks: [soc2]"]);
    refuses("jobs/soc2-daily.yaml", "window: 30d", "window: 30d\ncontrols: [ACME-AUTH-001, ACME-AUTH-002, auth, ACME-AUTH-001]", expect![[r#"
        jobs/soc2-daily.yaml:4:27: control "ACME-AUTH-002" does not exist; did you mean "ACME-AUTH-001"?
        jobs/soc2-daily.yaml:4:42: control "auth" is not an id of the form PREFIX-FAMILY-001
        jobs/soc2-daily.yaml:4:48: control "ACME-AUTH-001" stands here twice; keep one"#]]);
    refuses("jobs/soc2-daily.yaml", "window: 30d", "window: 30d\ncontrols: []", expect![[r#"
        jobs/soc2-daily.yaml:1:6: controls is empty; list controls, or leave it out for all of the frameworks
        jobs/soc2-daily.yaml:7:29: params name control "ACME-AUTH-001", which is not part of this report; remove them"#]]);
    refuses("jobs/soc2-daily.yaml", "ACME-AUTH-001: {warn_ppm: 500}", "ACME-AUTH-009: {warn_ppm: 500}", expect![[r#"jobs/soc2-daily.yaml:6:29: control "ACME-AUTH-009" does not exist; did you mean "ACME-AUTH-001"?"#]]);
    refuses("jobs/soc2-daily.yaml", "ACME-AUTH-001: {warn_ppm: 500}", "ACME-AUTH-001: {warn_ppn: 500}", expect![[r#"jobs/soc2-daily.yaml:6:29: control "ACME-AUTH-001" has no parameter "warn_ppn"; it has: privileged, warn_ppm"#]]);
    refuses("jobs/soc2-daily.yaml", "ACME-AUTH-001: {warn_ppm: 500}", "ACME-AUTH-001: {warn_ppm: \"500\"}", expect![[r#"jobs/soc2-daily.yaml:6:29: parameter "warn_ppm" of control "ACME-AUTH-001" must be a whole number, as its default 0 is; found a text"#]]);
    refuses("jobs/soc2-daily.yaml", "ACME-AUTH-001: {warn_ppm: 500}", "ACME-AUTH-001: {warn_ppm: 0.5}", expect!["jobs/soc2-daily.yaml:6:29: warn_ppm must be true or false, a whole number, a text, or a list of texts in quotes where they look like numbers; found 0.5"]);
    refuses("jobs/soc2-daily.yaml", "ACME-AUTH-001: {warn_ppm: 500}", "ACME-ACC-001: {x: 1}", expect![[r#"
        jobs/soc2-daily.yaml:6:21: control "ACME-ACC-001" has no parameter "x"; it has none
        jobs/soc2-daily.yaml:6:21: params name control "ACME-ACC-001", which is not part of this report; remove them"#]]);
    refuses("jobs/soc2-daily.yaml", "format: html", "format: xlsx", expect![[r#"jobs/soc2-daily.yaml:8:14: format "xlsx" does not exist in this version; formats are: html, json, csv"#]]);
    refuses("jobs/soc2-daily.yaml", "format: html", "format: htm", expect![[r#"jobs/soc2-daily.yaml:8:14: format "htm" does not exist; did you mean "html"? choices are: html, json, csv"#]]);
    refuses("jobs/soc2-daily.yaml", "reports/soc2/{interval.end:%Y-%m-%d}/", "reports/soc2/", expect![[r#"jobs/soc2-daily.yaml:8:24: path "reports/soc2/" is the same for every interval; add for example {interval.end:%Y-%m-%d}/"#]]);
    refuses("jobs/soc2-daily.yaml", "reports/soc2/{interval.end:%Y-%m-%d}/", "reports/soc2/{interval.end:%Y-%m-%d}", expect![[r#"jobs/soc2-daily.yaml:8:24: path "reports/soc2/{interval.end:%Y-%m-%d}" is a folder and must end with /"#]]);
    refuses("jobs/soc2-daily.yaml", "reports/soc2/{interval.end:%Y-%m-%d}/", "reports/soc2/{interval.end:%Q}/", expect![[r#"jobs/soc2-daily.yaml:8:24: path "reports/soc2/{interval.end:%Q}/" has the date format "%Q", which does not exist; write for example %Y-%m-%d"#]]);
    refuses("jobs/soc2-daily.yaml", "reports/soc2/{interval.end:%Y-%m-%d}/", "reports/soc2/{interval.end:%#z}/", expect![[r#"jobs/soc2-daily.yaml:8:24: path "reports/soc2/{interval.end:%#z}/" has the date format "%#z", which does not exist; write for example %Y-%m-%d"#]]);
    refuses("jobs/soc2-daily.yaml", "reports/soc2/{interval.end:%Y-%m-%d}/", "reports/soc2/{interval.end:%H:%M}/", expect![[r#"jobs/soc2-daily.yaml:8:24: path "reports/soc2/{interval.end:%H:%M}/" contains ':'; use letters, digits and - _ . = + @"#]]);
    refuses("jobs/soc2-daily.yaml", "reports/soc2/{interval.end:%Y-%m-%d}/", "reports/soc2/{end}/", expect![[r#"jobs/soc2-daily.yaml:8:24: path "reports/soc2/{end}/" has the placeholder {end}; placeholders are {interval.start}, {interval.end}, {job}, and a date format as in {interval.end:%Y-%m-%d}"#]]);
    refuses("jobs/soc2-daily.yaml", "reports/soc2/{interval.end:%Y-%m-%d}/", "reports/{job:%Y}/{interval.end}/", expect![[r#"jobs/soc2-daily.yaml:8:24: path "reports/{job:%Y}/{interval.end}/" gives {job} a date format; write {job}"#]]);
    refuses("jobs/soc2-daily.yaml", "reports/soc2/{interval.end:%Y-%m-%d}/", "reports/{interval.end/", expect![[r#"jobs/soc2-daily.yaml:8:24: path "reports/{interval.end/" has a brace without its partner; placeholders are {interval.start}, {interval.end}, {job}, and a date format as in {interval.end:%Y-%m-%d}"#]]);
    refuses("jobs/soc2-daily.yaml", "reports/soc2/{interval.end:%Y-%m-%d}/", "reports/interval.end}/", expect![[r#"jobs/soc2-daily.yaml:8:24: path "reports/interval.end}/" has a brace without its partner; placeholders are {interval.start}, {interval.end}, {job}, and a date format as in {interval.end:%Y-%m-%d}"#]]);
    refuses("jobs/soc2-daily.yaml", "reports/soc2/{interval.end:%Y-%m-%d}/", "/reports/{interval.end}/", expect![[r#"jobs/soc2-daily.yaml:8:24: path "/reports/{interval.end}/" begins with /; write it relative to the store"#]]);
    refuses("jobs/soc2-daily.yaml", "reports/soc2/{interval.end:%Y-%m-%d}/", "../{interval.end}/", expect![[r#"jobs/soc2-daily.yaml:8:24: path "../{interval.end}/" has a . or .. in it; write the folder itself"#]]);
    refuses("jobs/soc2-daily.yaml", "reports/soc2/{interval.end:%Y-%m-%d}/", "_auditlake/{interval.end}/", expect![[r#"jobs/soc2-daily.yaml:8:24: path "_auditlake/{interval.end}/" lies in _auditlake/, which holds auditlake's own records; choose another folder"#]]);
    refuses("jobs/soc2-daily.yaml", "reports/soc2/{interval.end:%Y-%m-%d}/", "audit/{interval.end}/", expect![[r#"jobs/soc2-daily.yaml:8:24: path "audit/{interval.end}/" lies in "audit/", the location of dataset "audit" in datasets/audit.yaml; choose another folder"#]]);
    refuses("jobs/soc2-daily.yaml", "{format: csv, to: \"reports/{job}/{interval.start}/{interval.end:%Y}/\"}", "{format: html, to: \"reports/soc2/{interval.end:%Y-%m-%d}/\"}", expect![[r#"jobs/soc2-daily.yaml:9:24: job "soc2-daily" writes html to "reports/soc2/{interval.end:%Y-%m-%d}/", too; choose another folder"#]]);
    refuses("jobs/soc2-daily.yaml", "  - {format: html, to: \"reports/soc2/{interval.end:%Y-%m-%d}/\"}\n  - {format: csv, to: \"reports/{job}/{interval.start}/{interval.end:%Y}/\"}\n", "  []\n", expect![[r#"jobs/soc2-daily.yaml:8:3: outputs is empty; add for example {format: html, to: "reports/{interval.end:%Y-%m-%d}/"}"#]]);
}

#[test]
fn controls() {
    refuses("controls/ACME-ACC-001.yaml", "control: ACME-ACC-001", "control: ACME-ACC-1", expect![[r#"controls/ACME-ACC-001.yaml:1:10: control "ACME-ACC-1" is not an id of the form PREFIX-FAMILY-001"#]]);
    refuses("controls/ACME-ACC-001.yaml", "control: ACME-ACC-001", "control: AL-ACC-001", expect![[r#"controls/ACME-ACC-001.yaml:1:10: control "AL-ACC-001": the prefix AL- is kept for controls that ship; give it your own, for example "ACME-ACC-001", and leave the shipped one out with controls: in the job"#]]);
    refuses("controls/ACME-ACC-001.yaml", "control: ACME-ACC-001", "control: ACME-AUTH-001", expect![[r#"
        controls/auth/ACME-AUTH-001.yaml:1:10: control "ACME-AUTH-001" is already described in controls/ACME-ACC-001.yaml; rename one of them
        jobs/soc2-daily.yaml:6:29: control "ACME-AUTH-001" has no parameter "warn_ppm"; it has none
        jobs/soc2-daily.yaml:6:29: params name control "ACME-AUTH-001", which is not part of this report; remove them"#]]);
    refuses("controls/ACME-ACC-001.yaml", "version: 1", "version: 0", expect!["controls/ACME-ACC-001.yaml:2:10: version must be from 1 to 4294967295; found 0"]);
    refuses("controls/ACME-ACC-001.yaml", "version: 1", "version: one", expect![[r#"controls/ACME-ACC-001.yaml:2:10: version must be a whole number; found "one""#]]);
    refuses("controls/ACME-ACC-001.yaml", "title: Grant without approval", "title: Grant without approval Grant without approval Grant without approval ", expect!["controls/ACME-ACC-001.yaml:3:8: title has 68 characters; write at most 60"]);
    refuses("controls/ACME-ACC-001.yaml", "title: Grant without approval", "title: ' '", expect!["controls/ACME-ACC-001.yaml:3:8: title is empty; write something"]);
    refuses("controls/ACME-ACC-001.yaml", "severity: high", "severity: hihg", expect![[r#"controls/ACME-ACC-001.yaml:4:11: severity "hihg" does not exist; did you mean "high"? choices are: info, low, medium, high, critical"#]]);
    refuses("controls/ACME-ACC-001.yaml", "severity: high", "severity: 4", expect!["controls/ACME-ACC-001.yaml:4:11: severity must be one of info, low, medium, high, critical; found 4"]);
    refuses("controls/ACME-ACC-001.yaml", "type: preventive", "type: prevention", expect![[r#"controls/ACME-ACC-001.yaml:5:7: type "prevention" does not exist; did you mean "preventive"? choices are: preventive, detective, corrective"#]]);
    refuses("controls/auth/ACME-AUTH-001.yaml", "privileged: {value: [owner]}", "Privileged: {value: [owner]}", expect![[r#"
        controls/auth/ACME-AUTH-001.yaml:1:10: parameter "Privileged" is used by no SQL of the control; use $Privileged or remove it
        controls/auth/ACME-AUTH-001.yaml:8:23: parameter "Privileged" is not a name; use a-z, 0-9 and _, a letter first
        controls/auth/ACME-AUTH-001.yaml:12:15: population uses $privileged, which is no parameter; did you mean $Privileged?"#]]);
    refuses("controls/auth/ACME-AUTH-001.yaml", "privileged: {value: [owner]}", "privileged: {value: [404]}", expect!["controls/auth/ACME-AUTH-001.yaml:8:23: value must be true or false, a whole number, a text, or a list of texts in quotes where they look like numbers; found a list"]);
    refuses("controls/auth/ACME-AUTH-001.yaml", "privileged: {value: [owner]}", "privileged: {value: [owner]}\n  start: {value: 1}\n  spare: {value: true}", expect![[r#"
        controls/auth/ACME-AUTH-001.yaml:1:10: parameter "spare" is used by no SQL of the control; use $spare or remove it
        controls/auth/ACME-AUTH-001.yaml:1:10: parameter "start" is used by no SQL of the control; use $start or remove it
        controls/auth/ACME-AUTH-001.yaml:9:18: parameter "start" is given by the run; choose another name"#]]);
    refuses("controls/auth/ACME-AUTH-001.yaml", "$privileged", "$privilegd", expect![[r#"
        controls/auth/ACME-AUTH-001.yaml:1:10: parameter "privileged" is used by no SQL of the control; use $privileged or remove it
        controls/auth/ACME-AUTH-001.yaml:12:15: population uses $privilegd, which is no parameter; did you mean $privileged?"#]]);
    refuses("controls/auth/ACME-AUTH-001.yaml", "violation: mfa = false", "violation: ''", expect!["controls/auth/ACME-AUTH-001.yaml:13:14: violation is empty; write something"]);
    refuses("controls/auth/ACME-AUTH-001.yaml", "rows:\n  from: audit", "rows:\n  table: audit", expect![[r#"
        controls/auth/ACME-AUTH-001.yaml:11:3: from is required: the table, for example audit
        controls/auth/ACME-AUTH-001.yaml:11:3: unknown key "table"; keys are: from, population, violation, reason, resource"#]]);
    refuses("controls/auth/ACME-AUTH-001.yaml", "evidence: {", "sql: {reads: [audit], population: SELECT 1, violations: SELECT 1}\nevidence: {", expect!["controls/auth/ACME-AUTH-001.yaml:16:6: control has both rows: and sql:; keep one of them"]);
    refuses("controls/ACME-ACC-001.yaml", "sql:\n", "rows:\n", expect![[r#"
        controls/ACME-ACC-001.yaml:8:3: from is required: the table, for example audit
        controls/ACME-ACC-001.yaml:8:3: reason is required: SQL: why, as a text
        controls/ACME-ACC-001.yaml:8:3: resource is required: SQL: what violates, as a text
        controls/ACME-ACC-001.yaml:8:3: unknown key "reads"; keys are: from, population, violation, reason, resource
        controls/ACME-ACC-001.yaml:8:3: violation is required: SQL: which of them violate
        controls/ACME-ACC-001.yaml:9:3: unknown key "lookback"; keys are: from, population, violation, reason, resource
        controls/ACME-ACC-001.yaml:11:3: unknown key "violations"; did you mean "violation"? keys are: from, population, violation, reason, resource"#]]);
    refuses("controls/ACME-ACC-001.yaml", "reads: [audit]", "reads: []", expect!["controls/ACME-ACC-001.yaml:10:15: reads is empty; list the tables that the statements read"]);
    refuses("controls/ACME-ACC-001.yaml", "lookback: 15m", "lookback: all", expect![[r#"controls/ACME-ACC-001.yaml:9:13: lookback "all" is not a length of time; write for example 30d, 24h or 15m"#]]);
    refuses("controls/ACME-ACC-001.yaml", "  - {else: fail}\n", "", expect!["controls/ACME-ACC-001.yaml:13:5: status must end in a rule without when, for example {else: fail}"]);
    refuses("controls/ACME-ACC-001.yaml", "  - {when: v <= 3, is: pass}\n  - {else: fail}", "  []", expect!["controls/ACME-ACC-001.yaml:13:3: status is empty; write rules that end in {else: fail}, or leave status out"]);
    refuses("controls/ACME-ACC-001.yaml", "  - {when: v <= 3, is: pass}\n", "  - {else: pass}\n", expect!["controls/ACME-ACC-001.yaml:13:5: only the last status rule has an else; write {when: SQL, is: STATUS} here"]);
    refuses("controls/ACME-ACC-001.yaml", "  - {when: v <= 3, is: pass}\n", "  - {when: v <= 3}\n", expect![[r#"controls/ACME-ACC-001.yaml:13:5: a status rule needs when: and is:, for example {when: "v = 0", is: pass}"#]]);
    refuses("controls/ACME-ACC-001.yaml", "{when: v <= 3, is: pass}", "{when: v <= $limit, is: not_applicable}", expect![[r#"
        controls/ACME-ACC-001.yaml:13:5: a status rule cannot give not_applicable; choices are: pass, warn, fail
        controls/ACME-ACC-001.yaml:13:12: when uses $limit, which is no parameter; add it under params: as limit: {value: …}"#]]);
    refuses("controls/ACME-ACC-001.yaml", "columns: [event_id, time]", "columns: []", expect!["controls/ACME-ACC-001.yaml:15:21: columns is empty; name what is kept of a violation, for example [event_id, time]"]);
    refuses("controls/ACME-ACC-001.yaml", "columns: [event_id, time]", "columns: [event_id, time, time]", expect![[r#"controls/ACME-ACC-001.yaml:15:38: column "time" stands here twice; keep one"#]]);
    refuses("controls/auth/ACME-AUTH-001.yaml", "show: [src_ip]", "show: [src_pi]", expect![[r#"controls/auth/ACME-AUTH-001.yaml:16:64: show names "src_pi", which is not among columns; did you mean "src_ip"?"#]]);
    refuses("controls/auth/ACME-AUTH-001.yaml", "keep: 7y", "keep: 7", expect![[r#"controls/auth/ACME-AUTH-001.yaml:16:79: keep "7" is not a time to keep; write years or days, for example 7y or 400d"#]]);
    refuses("controls/auth/ACME-AUTH-001.yaml", "keep: 7y", "keep: 0y", expect![[r#"controls/auth/ACME-AUTH-001.yaml:16:79: keep "0y" is out of range; write 1d to 36525d or 1y to 100y"#]]);
    refuses("controls/ACME-ACC-001.yaml", "max_rows: 5", "max_rows: 0", expect!["controls/ACME-ACC-001.yaml:15:61: max_rows must be from 1 to 9223372036854775807; found 0"]);
    refuses("controls/auth/ACME-AUTH-001.yaml", "soc2: [CC6.1]", "soc2: [CC6.1, CC66.1], sox2: [404]", expect![[r#"
        controls/auth/ACME-AUTH-001.yaml:17:28: framework "soc2" has no requirement "CC66.1"; did you mean "CC6.1"?
        controls/auth/ACME-AUTH-001.yaml:17:44: framework "sox2" does not exist; frameworks are: aiact, ccpa, gdpr, hipaa, iso, pci, soc2, sox"#]]);
    refuses("controls/auth/ACME-AUTH-001.yaml", "given: mfa.ndjson", "given: ../mfa.ndjson", expect![[r#"controls/auth/ACME-AUTH-001.yaml:20:13: given "../mfa.ndjson" is not the name of an NDJSON file beside the control"#]]);
    refuses("controls/auth/ACME-AUTH-001.yaml", "t2: pass}, violations: {t1: [e-7]}", "t2: green}, violations: {t1: [e-7]}", expect![[r#"controls/auth/ACME-AUTH-001.yaml:20:48: t2 "green" does not exist; choices are: pass, warn, fail, not_applicable, not_evaluated, error"#]]);
    refuses("controls/auth/ACME-AUTH-001.yaml", "violations: {t1: [e-7]}", "violations: {t3: [e-7]}", expect![[r#"controls/auth/ACME-AUTH-001.yaml:20:13: violations name tenant "t3", of which expect says nothing; add its status to expect"#]]);
    refuses("controls/ACME-ACC-001.yaml", "max_rows: 5}", "max_rows: 5}\nmax_undecided_ppm: 1000001", expect!["controls/ACME-ACC-001.yaml:16:20: max_undecided_ppm must be from 0 to 1000000; found 1000001"]);
}

#[test]
fn files_as_a_whole() {
    says(&acme().into_iter().filter(|file| file.path != "lake.yaml").collect::<Vec<_>>(), expect!["lake.yaml:1:1: lake.yaml is missing; write it with lake, store and timezone, or run `auditlake init`"]);
    says(&[], expect!["lake.yaml:1:1: lake.yaml is missing; write it with lake, store and timezone, or run `auditlake init`"]);
    says(&plus("lake.yaml", b""), expect![[""]]);
    says(&plus("lake.yaml", b"# nothing yet\n"), expect![[""]]);
    says(&plus("lake.yaml", b"---\n"), expect![[""]]);
    says(&plus("lake.yaml", b"- lake\n"), expect![[""]]);
    says(&plus("lake.yaml", b"lake: acme\nstore: file:./d\xe4ta\n"), expect![[""]]);
    says(&plus("jobs/late.yml", b"x"), expect!["jobs/late.yml:1:1: the file is not read; rename it to late.yaml"]);
    says(&plus("job/late.yaml", b"x"), expect!["job/late.yaml:1:1: the folder job/ is not read; it is called jobs/"]);
    says(&plus("datasets.yaml", b"x"), expect!["datasets.yaml:1:1: the file is not read; write one file for each in datasets/"]);
    says(&plus("policies/audit.yaml", b"x"), expect!["policies/audit.yaml:1:1: retention is not part of this version; keep the folder elsewhere until it is"]);
    says(&plus("slas/api.yaml", b"x"), expect!["slas/api.yaml:1:1: SLAs are not part of this version; keep the folder elsewhere until they are"]);
    says(&plus("access.yaml", b"x"), expect!["access.yaml:1:1: principals and permissions are not part of this version; whoever reads the store sees all of it"]);
}

#[test]
fn yaml_bombs_and_towers() {
    let mut laughs = "a: &a [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for (this, before) in "bcdefghi".chars().zip("abcdefgh".chars()) {
        laughs.push_str(&format!("{this}: &{this} [{}]\n", vec![format!("*{before}"); 9].join(", ")));
    }
    says(&plus("lake.yaml", laughs.as_bytes()), expect!["lake.yaml:1:17: file is too large or too deeply nested; a definition has at most 50000 values, aliases followed, and 24 levels"]);
    says(&plus("lake.yaml", format!("lake: {}", "[".repeat(100_000)).as_bytes()), expect!["lake.yaml:1:31: file is not readable as YAML: recursion limit exceeded"]);
    let tower: String = (0..2_000).map(|level| format!("{}a:\n", " ".repeat(level))).collect();
    says(&plus("lake.yaml", &tower.as_bytes()[..1_000_000]), expect!["lake.yaml:25:25: file is too large or too deeply nested; a definition has at most 50000 values, aliases followed, and 24 levels"]);
    says(&plus("lake.yaml", "- x\n".repeat(60_000).as_bytes()), expect!["lake.yaml:50000:3: file is too large or too deeply nested; a definition has at most 50000 values, aliases followed, and 24 levels"]);
    says(&plus("lake.yaml", "# long\n".repeat(200_000).as_bytes()), expect!["lake.yaml:1:1: file has 1400000 bytes; a definition has at most 1048576"]);
}

#[test]
fn everything_that_is_wrong_is_said_at_once() {
    let mut files = with("lake.yaml", "timezone: Europe/Berlin", "timezone: Mars\ncolour: red");
    files.push(file("datasets/audit2.yaml", b"dataset: audit\nlocation: [audit]\nscheme: audit.v1\n"));
    files.push(file("jobs/again.yaml", b"job: soc2-daily\nkind: compliance_report\nwindow: 0d\nframework: [soc2]\noutputs: []\n"));
    says(&files, expect![[""]]);
}

#[test]
fn an_error_in_one_file_makes_none_in_another() {
    says(&with("datasets/audit.yaml", "time: time", "time: 2026"), expect![[r#"datasets/audit.yaml:4:7: column "2026" is not in schema audit.v1; name one of its columns"#]]);
    says(&with("datasets/audit.yaml", "dataset: audit", "dataset: {audit"), expect!["datasets/audit.yaml:3:7: file is not readable as YAML: while parsing a flow mapping, did not find expected ',' or '}'"]);
    says(&with("controls/auth/ACME-AUTH-001.yaml", "version: 3", "version: three"), expect![[r#"controls/auth/ACME-AUTH-001.yaml:2:10: version must be a whole number; found "three""#]]);
    says(&with("controls/auth/ACME-AUTH-001.yaml", "version: 3", "version: [3"), expect!["controls/auth/ACME-AUTH-001.yaml:3:6: file is not readable as YAML: illegal placement of ':' indicator"]);
}

#[test]
fn what_is_no_definition_is_passed_over() {
    for path in ["lake.yaml", "jobs/x.yaml", "controls/auth/x.yaml", "datasets/a/b/c.yaml", "slas/x.yaml", "access.yaml", "jobs/x.yml"] {
        assert!(is_definition(path), "{path}");
    }
    for path in ["README.md", "data/x.yaml", "compose.yaml", "jobs/.x.yaml", "controls/x.ndjson", ".github/jobs/x.yaml", "", "/"] {
        assert!(!is_definition(path), "{path}");
    }
}
