//! Controls as rules that raise alerts while things happen: one of each burst, reached by what persons ask for.

use std::fmt::Write;

use crate::auditlake::Lake;

const WATCH: &str = "job: watch
kind: anomalies
window: 1h
into: alert
rules: [AL-AUTH-001]
";

/// Failed logins of an account of a tenant, one a minute from an instant on.
fn failures(tenant: &str, actor: &str, (hour, minutes): (&str, u32)) -> String {
    let mut rows = String::new();
    for minute in 0..minutes {
        let at = format!("2026-03-01T{hour}:{minute:02}:00Z");
        let row = serde_json::json!({"event_id": format!("{tenant}-{actor}-{at}"), "time": at, "tenant_id": tenant,
            "source": "test", "actor_type": "user", "event_type": "user.login", "outcome": "failure", "actor_id": actor, "src_ip": "192.0.2.1"});
        writeln!(rows, "{row}").expect("a line");
    }
    rows
}

fn filled(rows: &str) -> Lake {
    let lake = Lake::new();
    lake.write("jobs/watch.yaml", WATCH);
    let file = lake.write("logins.ndjson", rows).display().to_string();
    lake.run(&["ingest", "ndjson", &file, "--into", "audit"]).succeeded();
    lake
}

#[test]
fn a_burst_raises_one_alert_of_the_account_and_tenant_whose_it_is() {
    let rows = [
        failures("acme", "u-1", ("09", 10)),
        failures("O'Neil/%", "u-1", ("09", 6)),
        failures("globex", "u-1", ("09", 4)),
        failures("acme", "u-1", ("11", 6)),
    ];
    let lake = filled(&rows.concat());
    let run = |at: &str| lake.run(&["run", "watch", &format!("--at=2026-03-01T{at}:00:00Z")]);
    run("09").said(0, &["0 alerts: 0 high", "rule AL-AUTH-001: 0 alerts of 0 violations"]);
    run("10").said(0, &["2 alerts: 2 high or critical", "rule AL-AUTH-001: 2 alerts of 2 violations"]);
    let sql = "SELECT tenant_id, metric, entity_id, detector, severity, CAST(bucket_start AS varchar) AS at, explanation FROM alert \
               ORDER BY tenant_id";
    let expected = |tenant: &str| {
        serde_json::json!({"tenant_id": tenant, "metric": "AL-AUTH-001", "entity_id": "u-1", "detector": "rule", "severity": 4,
            "at": "2026-03-01T09:04:00Z",
            "explanation": "Failed-login burst per user, 2026-03-01T09:04:00Z: 5 failed logins of one account within 15 minutes"})
    };
    assert_eq!(lake.rows(sql), [expected("O'Neil/%"), expected("acme")]);
    // A second burst within the cool-down is a violation, and no alert.
    run("12").said(0, &["0 alerts: 0 high", "rule AL-AUTH-001: 0 alerts of 1 violation"]);
    let id =
        lake.rows("SELECT alert_id FROM alert ORDER BY tenant_id")[1]["alert_id"].as_str().expect("an id").to_owned();
    lake.run(&["anomalies", "explain", &id]).said(0, &["of         resource u-1 of tenant acme", "high"]);
    for (name, bytes) in lake.objects().into_iter().filter(|(name, _)| name.starts_with("_auditlake/alerts/")) {
        assert!(!String::from_utf8_lossy(&bytes).contains("u-1"), "{name} has who it is about");
    }
    lake.run(&["lineage", "trace", "alert"]).said(0, &["audit"]);
}

#[test]
fn a_cool_down_of_its_own_tells_each_burst() {
    let rows =
        [failures("acme", "u-1", ("09", 10)), failures("acme", "u-1", ("11", 6)), failures("acme", "u-2", ("09", 10))];
    let lake = filled(&rows.concat());
    lake.write("jobs/watch.yaml", WATCH.replace("1h", "1d").replace("rules:", "rules_cool_down: 1h\nrules:"));
    lake.run(&["run", "watch", "--at=2026-03-02T00:00:00Z"]).said(0, &["3 alerts: 3 high", "3 alerts of 3 violations"]);
    let told = lake.rows("SELECT entity_id, count(*) AS n FROM alert GROUP BY entity_id ORDER BY entity_id");
    assert_eq!(
        told,
        [serde_json::json!({"entity_id": "u-1", "n": 2}), serde_json::json!({"entity_id": "u-2", "n": 1})]
    );
}

#[test]
fn what_cannot_be_judged_is_said() {
    let rows = failures("acme", "unknown", ("09", 10));
    let lake = filled(&rows);
    let ran = lake.run(&["run", "watch", "--at=2026-03-01T10:00:00Z"]);
    ran.said(0, &["rule AL-AUTH-001: 0 alerts of 0 violations, 1 tenant not judged: "]);
    lake.write("jobs/watch.yaml", WATCH.replace("AL-AUTH-001", "AL-AUTH-999"));
    lake.run(&["check"]).failed(2, &["control \"AL-AUTH-999\" does not exist"]);
}
