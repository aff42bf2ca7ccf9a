//! OpenSLO as its users have it: documents of others load and are named, and are judged once rows are bound to them.

use crate::auditlake::{Lake, real_data};

/// Files of the specification's own examples.
const EXAMPLES: [&str; 4] = [
    "budgeting-method_occurences-slo",
    "budgeting-method_ratio-timeslices",
    "budgeting-method_timeslices-slo",
    "treat-low-traffic-as-equally-important_timeslices-slo",
];

const SLO: &str = "apiVersion: openslo/v1
kind: SLO
metadata: {name: api}
spec:
  service: api
  indicator:
    spec: {ratioMetric: {raw: {metricSource: SOURCE}}}
  timeWindow: [{duration: 1M, calendar: {startTime: 2026-09-01 00:00:00, timeZone: UTC}}]
  budgetingMethod: Timeslices
  objectives: [{target: 0.999, timeSliceTarget: 0.9, timeSliceWindow: 1m}]
";

const JOB: &str = "job: judge\nkind: sla\nsla: api\ninto: sla_result\n";

/// Two requests a minute of three tenants; in 44 minutes one of acme's fails, and in 43 one of globex's.
const FILL: &str = "job: fill
kind: query
window: 30d
into: request_1m
sql: |
  SELECT t.tenant_id, 'api' AS service, 'eu' AS region, 'all' AS route_group,
    to_timestamp_micros(CAST($start AS bigint) + n * 60000000) AS minute,
    2 AS total, 2 - failed AS good, failed AS err_server, 0 AS err_client, 0 AS throttled, 0 AS timeout,
    0 AS slow, CAST(NULL AS bigint) AS target_us, latency, 20000 AS latency_sum_us, 900000 AS latency_max_us, 1 AS revision
  FROM (SELECT *, CASE WHEN n - 10000 BETWEEN 0 AND bad - 1 THEN 1 ELSE 0 END AS failed
        FROM (VALUES ('acme', 44), ('globex', 43), ('initech', 500)) AS t(tenant_id, bad),
             (SELECT unnest(generate_series(0, 43199)) AS n)) AS t,
       (SELECT latency_sketch(v) AS latency FROM (VALUES (40000)) AS x(v))
";

const ENDED: &str = "--at=2026-10-05T06:00:00Z";

fn source(lake: &Lake, source: &str) {
    lake.write("slas/api.yaml", SLO.replace("SOURCE", source));
}

#[test]
fn an_slo_of_others_is_not_evaluated_until_rows_are_bound_to_it() {
    let lake = Lake::new();
    lake.write("jobs/fill.yaml", FILL);
    lake.run(&["run", "fill", "--at=2026-10-01T00:00:00Z"]).succeeded();
    lake.write("jobs/judge.yaml", JOB);
    source(&lake, "{type: Prometheus, spec: {query: up}}");
    let why = "no dataset is bound to it, as its metric sources are of type Prometheus; give them type: auditlake, with the \
               dataset and the tenants in spec";
    let notes = lake.json(&["check"])["notes"].to_string();
    assert!(notes.contains(&format!("slas/api.yaml:3:18: sla \\\"api\\\" is not evaluated: {why}")), "{notes}");
    let told = lake.json(&["run", "judge", ENDED]);
    assert_eq!(told["summary"]["sla"]["not_evaluated"], why, "{told}");
    assert_eq!(lake.json(&["sla", "list"])["results"][0]["not_evaluated"], why);
    lake.run(&["sla", "explain", "acme", "2026-09", "--sla", "api"]).failed(2, &[why]);
    assert_eq!(lake.figure("SELECT count(*) FROM sla_result"), 0);

    source(&lake, "{type: auditlake, spec: {requests: {dataset: request_1m}, tenants: [acme, globex]}}");
    lake.run(&["run", "judge", "--at=2026-10-06T06:00:00Z"]).succeeded();
    for (tenant, good, status) in [("acme", 43_156, "missed"), ("globex", 43_157, "ok")] {
        let told = lake.json(&["sla", "explain", tenant, "2026-09"]);
        let uptime = &told["parts"][0]["results"][0];
        assert_eq!((&uptime["good"], &uptime["status"]), (&good.into(), &status.into()), "{told}");
        assert_eq!(told["parts"][0]["tier"], "slo");
        assert!(told["credit"].is_null(), "OpenSLO promises no credits: {told}");
    }
    assert_eq!(lake.figure("SELECT count(*) FROM sla_result WHERE tenant_id = 'initech'"), 0, "who is not named");
    // What was there before the SLO began was promised to nobody.
    lake.run(&["run", "judge", "--at=2026-09-05T06:00:00Z"]).failed(2, &["in OpenSLO an earlier startTime"]);
}

#[test]
fn examples_of_the_specification_load() {
    let Some(data) = real_data("examples_of_the_specification_load") else { return };
    let notes: Vec<String> = EXAMPLES
        .iter()
        .map(|name| {
            let text = std::fs::read_to_string(data.join(format!("uptime/openslo/{name}.yaml"))).expect("an example");
            let lake = Lake::new();
            lake.write("slas/example.yaml", text);
            let told = lake.json(&["check"]);
            assert_eq!(told["errors"].as_array().map(Vec::len), Some(0), "{told}");
            let unbound = lake.json(&["sla", "list"]);
            let unbound = unbound["results"].as_array().expect("results").clone();
            assert!(unbound.iter().all(|one| one["not_evaluated"].is_string()), "{unbound:?}");
            let names: Vec<&str> = unbound.iter().filter_map(|one| one["sla"].as_str()).collect();
            let notes = told["notes"].as_array().expect("notes").iter().filter_map(|note| note.as_str());
            let notes = notes.filter(|note| note.starts_with("slas/")).collect::<Vec<_>>().join("\n");
            format!("{}\n{notes}", names.join(" "))
        })
        .collect();
    expect_test::expect![[r#"
        search-slo
        slas/example.yaml:5:9: sla "search-slo" is not evaluated: no dataset is bound to it, as its metric sources are of type Any; give them type: auditlake, with the dataset and the tenants in spec
        slas/example.yaml:22:18: isRolling: true is not judged, as a promise is kept or missed for a time that ends; write isRolling: false, and 1w, 1M or 3M as duration
        slas/example.yaml:25:7: a threshold is judged for 95 of 100 requests; write target: 0.95 and budgetingMethod: Occurrences, or a ratioMetric
        slas/example.yaml:26:11: op lt is read as lte: a request that takes exactly the value is within it

        main-page
        slas/example.yaml:5:9: sla "main-page" is not evaluated: no dataset is bound to it, as its metric sources are of type Any; give them type: auditlake, with the dataset and the tenants in spec
        slas/example.yaml:28:17: isRolling: true is not judged, as a promise is kept or missed for a time that ends; write isRolling: false, and 1w, 1M or 3M as duration
        slas/example.yaml:32:11: op says nothing of a ratioMetric, and is not read

        service-availability-internal-objective service-availability-sla
        slas/example.yaml:27:17: duration 1m is a minute in OpenSLO; it is read as one month, as it goes by the calendar: write 1M
        slas/example.yaml:30:20: startTime "2022-01-01 12:00:00" lies within a month, and a month is judged from midnight of its first day; write 2022-01-01 00:00:00 or 2022-02-01 00:00:00
        slas/example.yaml:34:7: sla "service-availability-internal-objective" is not evaluated: no dataset is bound to it, as its metric sources are of type Any; give them type: auditlake, with the dataset and the tenants in spec
        slas/example.yaml:35:11: op says nothing of a ratioMetric, and is not read
        slas/example.yaml:39:7: sla "service-availability-sla" is not evaluated: no dataset is bound to it, as its metric sources are of type Any; give them type: auditlake, with the dataset and the tenants in spec

        service-availability
        slas/example.yaml:4:9: sla "service-availability" is not evaluated: no dataset is bound to it, as its metric sources are of type Any; give them type: auditlake, with the dataset and the tenants in spec
        slas/example.yaml:28:20: startTime "2022-01-01 12:00:00" lies within a week, and a week is judged from midnight of its first day; write 2021-12-27 00:00:00 or 2022-01-03 00:00:00
        slas/example.yaml:33:11: op says nothing of a ratioMetric, and is not read"#]].assert_eq(&notes.join("\n\n"));
}
