//! A sample lake that checks, and ways to spoil it.

use schemas::SourceFile;

const FILES: &[(&str, &str)] = &[
    ("README.md", "not a definition"),
    ("data/audit/notes.yaml", "not: {a: definition"),
    (
        "lake.yaml",
        "# the lake
lake: acme
store: file:./data
timezone: Europe/Berlin
notify:
  security-webhook:
    url: https://hooks.acme.example/al
    secrets: [env:AL_HOOK_NEW, env:AL_HOOK_OLD]
    events: [run.failed, run.missed, \"alert.*\"]
    per_minute: 30
    body_hmac: true
    allow_addresses: [10.1.2.3/32, \"fd00::/8\"]
    ca: file:keys/ca.pem
  archive: {to: notifications/}
  lines: {to: stdout, events: [\"*\"]}
",
    ),
    (
        "datasets/audit.yaml",
        "dataset: audit
location: audit/
schema: audit.v1
time: time
tenant: tenant_id
subjects: [actor_id, subject_id]
columns:
  src_ip: {class: personal}
  subject_id: {class: personal}
  source: {class: internal}
evidence: files
class: [pii]
",
    ),
    (
        "datasets/people/identity.yaml",
        "dataset: identity\nlocation: people/identity/\nschema: identity.v1\nsubjects: [account_id]\n",
    ),
    (
        "access.yaml",
        "roles:
  tenant_analyst:
    inherits: [analyst]
    datasets:
      audit:
        rows: tenant_id = principal.tenant
        columns: {src_ip: {mask: truncate_ip}, actor_id: {mask: pseudonym, key: {id: a26, secret: env:AL_A26}}}
        hide: [attributes]
    limits: {seconds: 120, memory: 1GiB}
  support: {inherits: [tenant_analyst], datasets: {audit: {rows: all, columns: {time: {mask: floor, unit: day}}}}}
  third: {inherits: [analyst], datasets: {audit: {rows: all, columns: {src_ip: {mask: nothing}}}}}
restrict:
  - {datasets: [audit], rows: severity < 4, unless: [privacy_officer]}
principals:
  alice: {tenants: [t1], roles: [tenant_analyst], channels: [inbox], attributes: {region: emea}}
  runner: {tenants: all, roles: [operator], service: true}
service_principal: runner
",
    ),
    (
        "jobs/ingest-trail.yaml",
        "job: ingest-trail\nkind: ingest\nfrom: {location: drop/trail/, format: cloudtrail}\ninto: audit\nschedule: {cron: '@hourly'}\n",
    ),
    (
        "jobs/ingest-app.yaml",
        "job: ingest-app
kind: ingest
from: {location: drop/app/, format: ndjson}
into: audit
mapping: app@1
map: |
  SELECT id AS event_id, to_timestamp_micros(ts) AS time, org AS tenant_id, 'app' AS source
  FROM input
max_rejected_ppm: 20000
",
    ),
    (
        "jobs/denied-daily.yaml",
        "job: denied-daily
kind: export
window: 1d
dataset: audit
columns: [event_id, {name: hour, expr: \"date_trunc('hour', time)\"}]
filter: time >= $start AND time < $end AND outcome = 'denied'
order_by: [time, event_id]
format: csv
options: {guard: on, timezone: Europe/Berlin}
compression: zstd
split: {rows: 1000000, bytes: 1GiB}
to: \"exports/denied/{interval.end:%Y-%m-%d}/\"
",
    ),
    (
        "datasets/month.yaml",
        "dataset: month\nlocation: month/\ntenant: tenant_id\n",
    ),
    (
        "jobs/tenant-month.yaml",
        "job: tenant-month
kind: query
window: 30d
into: month
sql: |
  SELECT tenant_id, count(*) AS events FROM audit WHERE time >= $start AND time < $end GROUP BY tenant_id
",
    ),
    (
        "jobs/soc2-daily.yaml",
        "job: soc2-daily
kind: compliance_report
window: 30d
frameworks: [soc2, gdpr]
params:
  ACME-AUTH-001: {warn_ppm: 500}
outputs:
  - {format: html, to: \"reports/soc2/{interval.end:%Y-%m-%d}/\"}
  - {format: csv, to: \"reports/{job}/{interval.start}/{interval.end:%Y}/\"}
approval: required
",
    ),
    (
        "jobs/verify-daily.yaml",
        "job: verify-daily
kind: verify
datasets: [identity, month]
schedule:
  cron: \"30 6 * * MON-FRI\"
  timezone: America/New_York
  start: 2026-01-01
  catch_up: {all: 48}
  starting_deadline: 6h
  lateness: 15m
  jitter: 5m
  concurrency: forbid
after: [{job: ingest-trail}, {job: soc2-daily, interval: latest, wait: 4h}]
retry: {max: 5, base: 10s, factor: 3, cap: 10m}
timeout: 1h
slow_after: 20m
",
    ),
    (
        "policies/evidence.yaml",
        "evidence:
  origin: acme.example/auditlake/acme
  sign: {key: file:keys/log.key, retiring: env:AL_LOG_2025}
  trust: [file:keys/log.pub, file:/srv/auditor/log.pub]
  anchors:
    - {name: vault, to: s3://acme-anchors/auditlake, every: 15m}
    - {name: mirror, to: file:../anchors}
",
    ),
    (
        "policies/audit.yaml",
        "policy: audit
rules:
  - rule: eu-logins
    where:
      event_type: [user.login, \"session.*\"]
      tenant: acme-eu
      class: [pii, minor]
      column: {outcome: [denied, failure], mfa: false, http_status: [401, 403]}
    minimum: 6mo
    maximum: 730d
    disposition: anonymize
    anonymize:
      actor_id: {method: constant, value: anonymous}
      subject_id: {method: redact}
      src_ip: {method: truncate_ip, v4: 16}
      user_agent: {method: mask, first: 7}
      valid_until: {method: floor, to: month}
  - {rule: rest, maximum: 2555d, disposition: archive, archive: {keep: 1y, storage_class: GLACIER_IR}}
standards: [sox, pci_dss]
never_delete: [\"legal_hold.*\", audit.paused]
erasure: {mode: anonymize, within_minimum: refuse}
grace: 12h
approval: {approvers: 2, not_planner: false, valid_for: 24h, brake: 0.5%}
copies: [{what: replica acme-audit-dr, erased_by: replication}, {what: tape, erased_by: never, until: 90d}]
",
    ),
    (
        "policies/later/people.yaml",
        "policy: people\ndataset: identity\nrules: []\n",
    ),
    (
        "jobs/retention-daily.yaml",
        "job: retention-daily\nkind: retention\ndatasets: [audit]\nafter: [{job: ingest-app}]\n",
    ),
    (
        "controls/auth/ACME-AUTH-001.yaml",
        "control: ACME-AUTH-001
version: 3
title: Login of an owner without MFA
severity: critical
type: detective
owner: security
params:
  privileged: {value: [owner]}
  warn_ppm: {value: 0}
rows:
  from: audit
  population: event_type = 'user.login' AND array_has_any(actor_roles, $privileged)
  violation: mfa = false
  reason: \"'costs $5'\"
  resource: actor_id
evidence: {columns: [event_id, time, actor_id, src_ip], show: [src_ip], keep: 7y}
frameworks: {soc2: [CC6.1], pci: [8.4.1, 8.4.2], gdpr: [\"32\"]}
remediation: Enforce a second factor.
tests:
  - {given: mfa.ndjson, expect: {t1: fail, t2: pass}, violations: {t1: [e-7]}}
",
    ),
    (
        "controls/ACME-ACC-001.yaml",
        "control: ACME-ACC-001
version: 1
title: Grant without approval
severity: high
type: preventive
owner: security
sql:
  reads: [audit]
  lookback: 15m
  population: SELECT tenant_id AS scope, count(*) AS n, 0 AS u FROM audit WHERE time >= $start AND time < $end GROUP BY tenant_id
  violations: SELECT tenant_id AS scope, event_id, time, actor_id AS resource, 'x' AS reason FROM audit
status:
  - {when: v <= 3, is: pass}
  - {else: fail}
evidence: {columns: [event_id, time], keep: 400d, max_rows: 5}
frameworks: {}
remediation: Ask for approval.
",
    ),
];

/// The sample lake.
pub(crate) fn acme() -> Vec<SourceFile> {
    FILES.iter().map(|(path, text)| file(path, text.as_bytes())).collect()
}

/// A file.
pub(crate) fn file(path: &str, text: &[u8]) -> SourceFile {
    SourceFile { path: path.to_owned(), text: text.to_vec() }
}

/// The sample lake with one text replaced in one file.
#[track_caller]
pub(crate) fn with(path: &str, from: &str, to: &str) -> Vec<SourceFile> {
    let mut files = acme();
    let spoilt = files.iter_mut().find(|file| file.path == path).expect("a file of the sample");
    let text = String::from_utf8(spoilt.text.clone()).expect("text");
    assert!(text.contains(from), "{path} does not contain {from:?}");
    spoilt.text = text.replacen(from, to, 1).into_bytes();
    files
}

/// The sample lake with one more file, or one in place of another.
pub(crate) fn plus(path: &str, text: &[u8]) -> Vec<SourceFile> {
    let mut files = acme();
    files.retain(|file| file.path != path);
    files.push(file(path, text));
    files
}
