//! `slas/*.yaml` in OpenSLO: what becomes an SLA, what is loaded and not judged, and what is refused.

use expect_test::{Expect, expect};
use schemas::{DefinitionError, Lake, Measured, PeriodLength, Share, Sla, SlaMethod};

use crate::mutation::Xorshift;
use crate::sla::{is_refused, lake};

/// An SLO with two objectives whose SLI is a document of its own, in one file.
const BOUND: &str = "apiVersion: openslo/v1
kind: SLI
metadata: {name: api-good}
spec:
  ratioMetric:
    counter: true
    good:
      metricSource:
        type: auditlake
        spec: &rows
          requests: {dataset: requests, routes: [public]}
          tenants: [acme, globex]
          exclusions: {dataset: exclusions}
    total: {metricSource: {type: auditlake, spec: *rows}}
---
apiVersion: openslo/v1
kind: SLO
metadata: {name: api, displayName: The API}
spec:
  service: api
  indicatorRef: api-good
  timeWindow:
    - duration: 1M
      isRolling: false
      calendar: {startTime: 2026-01-01 00:00:00, timeZone: America/New_York}
  budgetingMethod: Timeslices
  objectives:
    - {displayName: Our own, target: 0.995, timeSliceTarget: 0.95, timeSliceWindow: 5m}
    - {targetPercent: 99, timeSliceTarget: 0.9, timeSliceWindow: 1m}
---
# The service is described, too.
apiVersion: openslo/v1
kind: Service
metadata: {name: api, labels: {team: [blue]}}
spec: {description: what customers call}
";

/// One that others measure.
const UNBOUND: &str = "apiVersion: openslo/v1
kind: SLO
metadata: {name: search}
spec:
  service: shop
  indicator:
    metadata: {name: search-latency}
    spec: {thresholdMetric: {metricSource: {type: Prometheus, spec: {query: 'histogram(x)'}}}}
  timeWindow: [{duration: 2w, isRolling: true}]
  budgetingMethod: Occurrences
  objectives:
    - {op: lt, value: 500, target: 0.99}
  alertPolicies:
";

const JOB: &str = "job: judge\nkind: sla\nsla: search\ninto: results\n";

#[track_caller]
fn says(text: &str, expected: Expect) {
    is_refused(lake(&[("slas/api.yaml", text)]), expected);
}

#[track_caller]
fn notes(text: &str, expected: Expect) -> Lake {
    let lake = lake(&[("slas/api.yaml", text)]).expect("is right");
    expected.assert_eq(&lake.openslo_notes.join("\n"));
    lake
}

fn of<'a>(lake: &'a Lake, name: &str) -> &'a Sla {
    lake.slas.iter().find(|sla| sla.id.as_str() == name).expect("the SLA")
}

fn share(text: &str) -> Share {
    Share::of_ratio(text).expect("a share")
}

#[test]
fn each_objective_is_an_sla_with_a_tier_of_its_own() {
    let lake = notes(BOUND, expect![""]);
    assert_eq!(lake.slas.iter().map(|sla| sla.id.as_str()).collect::<Vec<_>>(), ["api-2", "api-our-own"]);
    let own = of(&lake, "api-our-own");
    assert_eq!((own.service.as_str(), own.method, own.period), ("api", SlaMethod::Timeslices, PeriodLength::Month));
    assert_eq!(own.timezone.name(), "America/New_York");
    let Measured::Requests { dataset, routes, regions } = &own.measured else { panic!("{:?}", own.measured) };
    assert_eq!((dataset.as_str(), routes.as_slice(), regions.len()), ("requests", &["public".to_owned()][..], 0));
    assert_eq!((own.slices.minutes, own.slices.min_total, own.slices.min_bad), (5, 1, 1));
    assert_eq!(own.slices.bad, share("0.05"));
    assert_eq!(
        own.tenants.iter().map(|(of, tier)| (of.as_str(), tier.as_str())).collect::<Vec<_>>(),
        [("acme", "slo"), ("globex", "slo")]
    );
    let tier = own.tiers[0].tiers["slo"];
    assert_eq!((tier.uptime, tier.errors, tier.p95_us, tier.money), (Some(share("0.995")), None, None, false));
    assert_eq!(own.tiers[0].effective.to_string(), "2026-01-01");
    assert!(own.tiers[0].credits.uptime.is_empty() && own.fees.is_none());
    assert_eq!(own.exclusions.as_ref().map(|rule| rule.dataset.as_str()), Some("exclusions"));
    let other = of(&lake, "api-2");
    assert_eq!((other.slices.minutes, other.slices.bad), (1, share("0.10")));
    assert_eq!(other.tiers[0].tiers["slo"].uptime, Share::of_percent("99").ok());
    let moved = lake_of(&format!("# what follows is of others\n\n---\n{BOUND}"));
    assert_eq!(of(&moved, "api-2").sha256, other.sha256, "a line above a document is none of it");
    let indicator = BOUND.replace("routes: [public]", "routes: [admin]");
    assert_ne!(of(&lake_of(&indicator), "api-2").sha256, other.sha256, "the SLI decides, too");
}

fn lake_of(text: &str) -> Lake {
    lake(&[("slas/api.yaml", text)]).expect("is right")
}

#[test]
fn a_threshold_is_latency_and_probes_are_checks() {
    let latency = BOUND
        .replace("ratioMetric:\n    counter: true\n    good:\n      metric", "thresholdMetric:\n      metric")
        .replace("    total: {metricSource: {type: auditlake, spec: *rows}}\n", "")
        .replace("budgetingMethod: Timeslices", "budgetingMethod: Occurrences")
        .replace(
            "{displayName: Our own, target: 0.995, timeSliceTarget: 0.95, timeSliceWindow: 5m}",
            "{op: lt, value: 250, target: 0.95}",
        )
        .replace("    - {targetPercent: 99, timeSliceTarget: 0.9, timeSliceWindow: 1m}\n", "");
    let lake = notes(
        &latency,
        expect!["slas/api.yaml:25:12: op lt is read as lte: a request that takes exactly the value is within it"],
    );
    let tier = of(&lake, "api").tiers[0].tiers["slo"];
    assert_eq!((tier.uptime, tier.p95_us), (None, Some(250_000)));
    let probes = BOUND
        .replace(
            "requests: {dataset: requests, routes: [public]}",
            "probes: {dataset: probes, tenant: platform, quorum: 2}\n          service: front",
        )
        .replace("duration: 1M", "duration: 3M");
    let lake = notes(
        &probes,
        expect![[r#"
        slas/api.yaml:29:62: timeSliceTarget is not read: a slice of checks is bad where a quorum of locations fails
        slas/api.yaml:30:44: timeSliceTarget is not read: a slice of checks is bad where a quorum of locations fails"#]],
    );
    let sla = of(&lake, "api-2");
    assert!(matches!(&sla.measured, Measured::Probes { quorum: Some(2), .. }));
    assert_eq!((sla.service.as_str(), sla.period), ("front", PeriodLength::Quarter));
}

#[test]
fn what_others_measure_is_loaded_and_named() {
    let files = [("slas/a.yaml", UNBOUND), ("jobs/judge.yaml", JOB)];
    let lake = lake(&files).expect("is right");
    assert!(lake.slas.is_empty());
    assert_eq!((lake.unbound[0].id.as_str(), lake.unbound[0].service.as_str()), ("search", "shop"));
    expect![[r#"
        slas/a.yaml:3:18: sla "search" is not evaluated: no dataset is bound to it, as its metric sources are of type Prometheus; give them type: auditlake, with the dataset and the tenants in spec
        slas/a.yaml:9:42: isRolling: true is not judged, as a promise is kept or missed for a time that ends; write isRolling: false, and 1w, 1M or 3M as duration
        slas/a.yaml:12:7: a threshold is judged for 95 of 100 requests; write target: 0.95 and budgetingMethod: Occurrences, or a ratioMetric
        slas/a.yaml:12:12: op lt is read as lte: a request that takes exactly the value is within it"#]].assert_eq(&lake.openslo_notes.join("\n"));
    // What a policy says is for whoever alerts, whether it stands there or is named.
    let inline = "  alertPolicies:\n    - {kind: AlertPolicy, metadata: {name: page}, spec: {conditions: [{kind: AlertCondition}]}}\n    - page\n";
    notes(
        &UNBOUND.replace("  alertPolicies:\n", inline),
        expect![[r#"
        slas/api.yaml:3:18: sla "search" is not evaluated: no dataset is bound to it, as its metric sources are of type Prometheus; give them type: auditlake, with the dataset and the tenants in spec
        slas/api.yaml:9:42: isRolling: true is not judged, as a promise is kept or missed for a time that ends; write isRolling: false, and 1w, 1M or 3M as duration
        slas/api.yaml:12:7: a threshold is judged for 95 of 100 requests; write target: 0.95 and budgetingMethod: Occurrences, or a ratioMetric
        slas/api.yaml:12:12: op lt is read as lte: a request that takes exactly the value is within it
        slas/api.yaml:14:5: alert policies are not watched in this version; a job of kind anomalies raises alerts
        slas/api.yaml:15:7: AlertPolicy "page" does not exist; describe it in slas/, or leave it out"#]],
    );
    notes(
        &UNBOUND.replace("type: Prometheus", "metricSourceRef: metrics"),
        expect![[r#"
        slas/api.yaml:3:18: sla "search" is not evaluated: no dataset is bound to it, as its metric sources are of type unnamed; give them type: auditlake, with the dataset and the tenants in spec
        slas/api.yaml:8:62: DataSource "metrics" does not exist; write type beside it
        slas/api.yaml:9:42: isRolling: true is not judged, as a promise is kept or missed for a time that ends; write isRolling: false, and 1w, 1M or 3M as duration
        slas/api.yaml:12:7: a threshold is judged for 95 of 100 requests; write target: 0.95 and budgetingMethod: Occurrences, or a ratioMetric
        slas/api.yaml:12:12: op lt is read as lte: a request that takes exactly the value is within it"#]],
    );
}

#[test]
fn what_is_read_another_way_is_noted() {
    notes(
        &BOUND.replace("duration: 1M", "duration: 1m"),
        expect![
            "slas/api.yaml:23:17: duration 1m is a minute in OpenSLO; it is read as one month, as it goes by the calendar: write 1M"
        ],
    );
    let window = BOUND.find("      isRolling").expect("one")..BOUND.find("  budgetingMethod").expect("one");
    notes(
        &BOUND.replace(&BOUND[window], ""),
        expect![
            "slas/api.yaml:23:17: neither isRolling nor calendar says when it begins; it is read as one that goes by the calendar"
        ],
    );
    notes(
        &BOUND.replace("budgetingMethod: Timeslices", "budgetingMethod: RatioTimeslices"),
        expect![[r#"
        slas/api.yaml:28:62: timeSliceTarget decides Timeslices alone, and is not read
        slas/api.yaml:29:44: timeSliceTarget decides Timeslices alone, and is not read"#]],
    );
    notes(
        &BOUND.replace("{targetPercent", "{op: gt, value: 1, targetPercent"),
        expect![[r#"
        slas/api.yaml:29:12: op says nothing of a ratioMetric, and is not read
        slas/api.yaml:29:23: value says nothing of a ratioMetric, and is not read"#]],
    );
    let policy = "---\napiVersion: openslo/v1\nkind: AlertPolicy\nmetadata: {name: page}\nspec: {conditions: [{conditionRef: fast}]}\n";
    let watched = BOUND.replace("  objectives:", "  alertPolicies: [page, {alertPolicyRef: page}]\n  objectives:");
    notes(
        &format!("{watched}{policy}"),
        expect![
            "slas/api.yaml:27:18: alert policies are not watched in this version; a job of kind anomalies raises alerts"
        ],
    );
    let source = "---\napiVersion: openslo/v1\nkind: DataSource\nmetadata: {name: lake}\nspec: {type: auditlake, connectionDetails: {a: 1}}\n";
    let named = BOUND.replace("type: auditlake", "metricSourceRef: lake");
    assert_eq!(notes(&format!("{named}{source}"), expect![[""]]).slas.len(), 2);
    let misspelt = named.replace("metricSourceRef: lake", "metricSourceRef: lakes");
    assert!(notes(&format!("{misspelt}{source}"), expect![[r#"
        slas/api.yaml:9:26: DataSource "lakes" does not exist; did you mean "lake"?
        slas/api.yaml:14:45: DataSource "lakes" does not exist; did you mean "lake"?
        slas/api.yaml:28:7: sla "api-our-own" is not evaluated: no dataset is bound to it, as its metric sources are of type unnamed; give them type: auditlake, with the dataset and the tenants in spec
        slas/api.yaml:29:7: sla "api-2" is not evaluated: no dataset is bound to it, as its metric sources are of type unnamed; give them type: auditlake, with the dataset and the tenants in spec"#]]).slas.is_empty());
}

#[test]
fn a_window_that_is_no_period_is_refused() {
    says(
        &BOUND.replace("isRolling: false", "isRolling: true"),
        expect![
            "slas/api.yaml:24:18: isRolling: true is not judged, as a promise is kept or missed for a time that ends; write isRolling: false, and 1w, 1M or 3M as duration"
        ],
    );
    says(
        &BOUND.replace("duration: 1M", "duration: 28d"),
        expect![[
            r#"slas/api.yaml:23:17: duration "28d" is no period that ends with the calendar; write 1w, 1M or 3M"#
        ]],
    );
    says(
        &BOUND.replace("2026-01-01 00:00:00", "2026-01-01 12:00:00"),
        expect![[
            r#"slas/api.yaml:25:29: startTime "2026-01-01 12:00:00" lies within a month, and a month is judged from midnight of its first day; write 2026-01-01 00:00:00 or 2026-02-01 00:00:00"#
        ]],
    );
    says(
        &BOUND.replace("2026-01-01 00:00:00", "2026-01-01T00:00:00Z"),
        expect![[
            r#"slas/api.yaml:25:29: startTime "2026-01-01T00:00:00Z" is no time without a zone; write for example 2026-01-01 00:00:00, and timeZone"#
        ]],
    );
    says(
        &BOUND.replace("timeZone: America/New_York", "timeZone: New_York"),
        expect![[
            r#"slas/api.yaml:25:60: timezone "New_York" is not an IANA zone; the nearest are America/New_York, America/North_Dakota/New_Salem, Pacific/Norfolk"#
        ]],
    );
    says(
        &BOUND.replace("budgetingMethod", "  - {duration: 1w}\n  budgetingMethod"),
        expect!["slas/api.yaml:23:5: timeWindow has 2 entries, and an SLO is judged for one; keep one"],
    );
}

#[test]
fn what_a_bound_slo_cannot_mean_is_refused() {
    says(
        &BOUND.replace("target: 0.995", "target: 99.5"),
        expect![[
            r#"slas/api.yaml:28:38: target "99.5" is not a part of one; write 0 to 1 with at most 8 decimals, for example 0.999"#
        ]],
    );
    says(
        &BOUND.replace("target: 0.995", "target: 1.0"),
        expect![[
            r#"slas/api.yaml:28:38: target "1.0" leaves no room for a failure, and OpenSLO wants less than all; write for example 0.9999"#
        ]],
    );
    says(
        &BOUND.replace("target: 0.995", "target: 0.995, targetPercent: 99.5"),
        expect!["slas/api.yaml:28:60: target and targetPercent say the same; keep one of the two"],
    );
    says(
        &BOUND.replace("target: 0.995, ", ""),
        expect!["slas/api.yaml:28:7: target is required: part that is good at least, for example 0.999"],
    );
    says(
        &BOUND.replace("timeSliceTarget: 0.95, timeSliceWindow: 5m", "compositeWeight: 2"),
        expect![[r#"
        slas/api.yaml:28:7: timeSliceTarget is required of Timeslices; write for example 0.95
        slas/api.yaml:28:7: timeSliceWindow is required where time is counted in slices; write for example 1m
        slas/api.yaml:28:62: compositeWeight is not judged: each objective is an SLA of its own; write an SLO for each"#]],
    );
    says(
        &BOUND.replace("timeSliceWindow: 5m", "timeSliceWindow: 7m"),
        expect![[
            r#"slas/api.yaml:28:85: timeSliceWindow "7m" does not divide a day into whole minutes; write for example 5m"#
        ]],
    );
    says(
        &BOUND.replace("timeSliceTarget: 0.95, timeSliceWindow: 5m", "timeSliceTarget: 95, timeSliceWindow: 5"),
        expect![[r#"
            slas/api.yaml:28:62: timeSliceTarget "95" is not a part of one; write 0 to 1 with at most 8 decimals, for example 0.999
            slas/api.yaml:28:83: timeSliceWindow "5" is not a length of time; write for example 30d, 24h or 15m"#]],
    );
    says(
        &BOUND.replace("displayName: Our own", "displayName: '2'"),
        expect![[r#"slas/api.yaml:29:7: sla "api-2" is already described in slas/api.yaml; rename one of them"#]],
    );
    says(
        &BOUND.replace("  objectives:", "  alertPolicies: [page]\n  objectives:"),
        expect![[r#"slas/api.yaml:27:19: AlertPolicy "page" does not exist; describe it in slas/, or leave it out"#]],
    );
}

#[test]
fn a_threshold_that_is_no_latency_is_refused() {
    let latency = |objective: &str| {
        let (indicator, rest) = BOUND.split_once("---").expect("two documents");
        let indicator = indicator
            .replace("ratioMetric:\n    counter: true\n    good:", "thresholdMetric:")
            .replace("    total: {metricSource: {type: auditlake, spec: *rows}}\n", "");
        let slo = rest.replace("budgetingMethod: Timeslices", "budgetingMethod: Occurrences");
        let slo = &slo[..slo.find("    - {displayName").expect("one")];
        format!("{indicator}---{slo}    - {objective}\n")
    };
    says(
        &latency("{op: lte, value: 500, target: 0.99}"),
        expect![
            "slas/api.yaml:25:7: a threshold is judged for 95 of 100 requests; write target: 0.95 and budgetingMethod: Occurrences, or a ratioMetric"
        ],
    );
    says(
        &latency("{op: gte, value: 500, target: 0.95}"),
        expect!["slas/api.yaml:25:12: slow requests are those above a value; write op: lte"],
    );
    says(
        &latency("{op: lte, value: 0.5, target: 0.95}"),
        expect![[r#"slas/api.yaml:25:24: value "0.5" is no whole number of milliseconds; write for example 500"#]],
    );
    says(
        &latency("{op: lte, value: 500, target: 0.95}").replace("Occurrences", "Timeslices"),
        expect![[r#"
        slas/api.yaml:25:7: a threshold is judged for 95 of 100 requests; write target: 0.95 and budgetingMethod: Occurrences, or a ratioMetric
        slas/api.yaml:25:7: timeSliceTarget is required of Timeslices; write for example 0.95
        slas/api.yaml:25:7: timeSliceWindow is required where time is counted in slices; write for example 1m"#]],
    );
    says(
        &latency("{target: 0.95}"),
        expect![[r#"
        slas/api.yaml:25:7: op is required of a thresholdMetric; write op: lte
        slas/api.yaml:25:7: value is required of a thresholdMetric: milliseconds, for example 500"#]],
    );
    let probes = latency("{op: lte, value: 500, target: 0.95}")
        .replace("requests: {dataset: requests, routes: [public]}", "probes: {dataset: probes}");
    says(
        &probes,
        expect![
            "slas/api.yaml:25:7: checks from outside do not tell how long requests of tenants took; write requests"
        ],
    );
}

#[test]
fn indicators_that_count_nothing_are_refused() {
    says(
        &BOUND.replace("indicatorRef: api-good", "indicatorRef: api-god"),
        expect![[r#"slas/api.yaml:21:17: SLI "api-god" does not exist; did you mean "api-good"?"#]],
    );
    says(
        &BOUND.replace("  indicatorRef: api-good\n", ""),
        expect!["slas/api.yaml:27:7: the SLO has no indicator; add indicator, or indicatorRef with the name of an SLI"],
    );
    says(
        &BOUND.replace("dataset: requests", "dataset: probes"),
        expect![[
            r#"slas/api.yaml:14:51: requests names dataset "probes" of schema probe.v1; name one of schema request_1m.v1"#
        ]],
    );
    says(
        &BOUND.replace("tenants: [acme, globex]", "tenants: []"),
        expect!["slas/api.yaml:14:51: tenants is empty; name whose rows are judged, for example [acme]"],
    );
    says(
        &BOUND.replace("tenants: [acme, globex]", "tenants: [acme, acme]"),
        expect![[r#"slas/api.yaml:14:51: tenants "acme" stands here twice; keep one"#]],
    );
    says(
        &BOUND.replace("          tenants: [acme, globex]\n", ""),
        expect![[r#"
        slas/api.yaml:11:11: tenants is required: tenants who are judged, for example [acme]
        slas/api.yaml:13:51: tenants is required: tenants who are judged, for example [acme]"#]],
    );
    says(
        &BOUND.replace("          requests: {dataset: requests, routes: [public]}\n", ""),
        expect!["slas/api.yaml:13:51: requests is required, or probes; add for example requests: {dataset: requests}"],
    );
    says(
        &BOUND.replace(
            "          tenants: [",
            "          settle: soon\n          max_unknown: all\n          service: ''\n          tenants: [",
        ),
        expect![[r#"
            slas/api.yaml:17:51: max_unknown "all" is not a percentage; write 0 to 100 with at most 6 decimals, for example 99.9
            slas/api.yaml:17:51: service is empty; write something
            slas/api.yaml:17:51: settle "soon" is not a length of time; write for example 30d, 24h or 15m"#]],
    );
}

#[test]
fn indicators_that_say_two_things_are_refused() {
    says(
        &BOUND.replace(", spec: *rows", ""),
        expect![
            "slas/api.yaml:14:27: spec is required of a metric source of type auditlake; write for example {requests: {dataset: requests}, tenants: [acme]}"
        ],
    );
    says(
        &BOUND.replace("spec: *rows", "spec: {requests: {dataset: requests}, tenants: [acme]}"),
        expect![
            "slas/api.yaml:14:51: spec differs from that of the other metric; auditlake counts good requests and all of them in the same rows, so write the same one in both, for example by an alias"
        ],
    );
    says(
        &BOUND.replace("{type: auditlake, spec: *rows}", "{type: Datadog, spec: {query: x}}"),
        expect![
            "slas/api.yaml:14:27: metric sources of type auditlake and of type Datadog stand in one document; write type: auditlake in each"
        ],
    );
    says(
        &BOUND.replace("    total:", "    raw:"),
        expect!["slas/api.yaml:6:5: ratioMetric is a part of a whole; write total with good or with bad, or raw alone"],
    );
    says(
        &BOUND.replace("  indicatorRef:", "  indicator: {spec: {}}\n  indicatorRef:"),
        expect!["slas/api.yaml:22:17: an indicator stands here and an SLI is named; keep one of the two"],
    );
    says(
        &BOUND.replace("          tenants: [", "          where: x\n          tenants: ["),
        expect![[r#"
        slas/api.yaml:12:11: unknown key "where"; keys are: service, requests, probes, tenants, min_total, max_unknown, exclusions, settle
        slas/api.yaml:15:51: unknown key "where"; keys are: service, requests, probes, tenants, min_total, max_unknown, exclusions, settle"#]],
    );
    says(
        &UNBOUND.replace("{thresholdMetric:", "{ratioMetric: {}, thresholdMetric:"),
        expect!["slas/api.yaml:8:25: an SLI is a threshold or a ratio; keep one of thresholdMetric and ratioMetric"],
    );
    let nothing =
        UNBOUND.replace("{thresholdMetric: {metricSource: {type: Prometheus, spec: {query: 'histogram(x)'}}}}", "{}");
    says(&nothing, expect!["slas/api.yaml:7:5: the indicator measures nothing; add ratioMetric, or thresholdMetric"]);
}

#[test]
fn what_is_wrong_with_an_sli_is_said_once() {
    let wrong = BOUND.replace("tenants: [acme, globex]", "tenants: []");
    let job = JOB.replace("sla: search", "sla: api-2");
    let errors = lake(&[("slas/api.yaml", &wrong), ("jobs/judge.yaml", &job)]).map(drop).expect_err("is refused");
    expect!["slas/api.yaml:14:51: tenants is empty; name whose rows are judged, for example [acme]"]
        .assert_eq(&errors.iter().map(DefinitionError::to_string).collect::<Vec<_>>().join("\n"));
}

#[test]
fn documents_that_are_none_are_refused() {
    says(
        &BOUND.replacen("openslo/v1", "openslo/v1alpha", 1),
        expect![[r#"
        slas/api.yaml:1:13: apiVersion "openslo/v1alpha" is not read; write openslo/v1
        slas/api.yaml:21:17: SLI "api-good" does not exist; describe it in slas/"#]],
    );
    says(
        &BOUND.replacen("apiVersion: openslo/v1\n", "", 1),
        expect![[r#"
        slas/api.yaml:1:1: apiVersion is required of each document here; write openslo/v1
        slas/api.yaml:20:17: SLI "api-good" does not exist; describe it in slas/"#]],
    );
    says(
        &BOUND.replace("kind: Service", "kind: Servce"),
        expect![[
            r#"slas/api.yaml:33:7: kind "Servce" does not exist in openslo/v1; did you mean "Service"? kinds are: SLO, SLI, Service, DataSource, AlertPolicy, AlertCondition, AlertNotificationTarget"#
        ]],
    );
    says(
        &BOUND.replace("{description: what customers call}", "{descripton: what customers call}"),
        expect![[r#"slas/api.yaml:35:8: unknown key "descripton"; did you mean "description"? keys are: description"#]],
    );
    says(
        &BOUND.replace("  service: api\n", ""),
        expect!["slas/api.yaml:20:3: service is required: the service, for example api"],
    );
    says(
        &BOUND.replace("budgetingMethod: Timeslices", "budgetingMethod: timeslices"),
        expect![[
            r#"slas/api.yaml:26:20: budgetingMethod "timeslices" does not exist; did you mean "Timeslices"? choices are: Occurrences, Timeslices, RatioTimeslices"#
        ]],
    );
    let empty = BOUND.find("    - {displayName").map(|end| BOUND[..end].replace("objectives:", "objectives: []"));
    says(
        &empty.expect("objectives"),
        expect!["slas/api.yaml:27:15: objectives is empty; add for example {target: 0.999}"],
    );
    says(
        &format!("{BOUND}---\n{UNBOUND}---\n  a: [\n"),
        expect!["slas/api.yaml:51:6: file is not readable as YAML: unclosed bracket '['"],
    );
}

#[test]
fn a_file_holds_a_hundred_documents_and_no_more() {
    let services = |count: usize| -> String {
        let service = |number| format!("apiVersion: openslo/v1\nkind: Service\nmetadata: {{name: s{number}}}\n---\n");
        (0..count).map(service).collect()
    };
    assert!(lake_of(&services(100)).slas.is_empty(), "a mark at the end begins no document");
    says(&services(101), expect!["slas/api.yaml:401:1: file holds more than 100 documents; split it"]);
}

#[test]
fn names_that_two_have_are_refused() {
    says(
        &format!("{BOUND}---\n{}", &BOUND[..BOUND.find("---").expect("one")]),
        expect![[r#"slas/api.yaml:39:18: SLI "api-good" is already described in slas/api.yaml; rename one of them"#]],
    );
    let name = "metadata: {name: api, displayName: The API}";
    says(
        &BOUND.replace(name, "metadata: {name: The API}"),
        expect![[r#"
        slas/api.yaml:28:7: sla "The API-our-own" is not a name; use 1 to 64 of a-z, 0-9, _ and -, a letter first
        slas/api.yaml:29:7: sla "The API-2" is not a name; use 1 to 64 of a-z, 0-9, _ and -, a letter first"#]],
    );
    says(
        &BOUND.replace(name, "metadata: {displayName: The API}"),
        expect!["slas/api.yaml:18:11: name is required: its name, for example api-availability"],
    );
    let own = "sla: search\nservice: api\nrequests: {dataset: requests}\ntenants: {acme: pro}\n";
    let both = |other: &str| {
        let errors = lake(&[("slas/a.yaml", UNBOUND), ("slas/b.yaml", other)]).map(drop).expect_err("two of one name");
        errors.iter().map(DefinitionError::to_string).collect::<Vec<_>>().join("\n")
    };
    expect![[r#"slas/b.yaml:3:18: SLO "search" is already described in slas/a.yaml; rename one of them"#]]
        .assert_eq(&both(&UNBOUND.replace("2w", "1w")));
    expect![[r#"slas/a.yaml:3:18: sla "search" is already described in slas/b.yaml; rename one of them"#]]
        .assert_eq(&both(own));
}

#[test]
fn spoilt_documents_end_the_check_with_a_place_in_the_file() {
    let mut chance = Xorshift(7);
    let pieces = ["---\n", "{", "]", ": ", "\n", "*rows", "null", "- ", "0", "'", "...\n", "\u{0}"];
    for text in [BOUND, UNBOUND] {
        for _ in 0..400 {
            let mut bytes = text.as_bytes().to_vec();
            let at = chance.below(bytes.len());
            match chance.below(2) {
                0 => drop(bytes.drain(at..(at + 1 + chance.below(20)).min(bytes.len()))),
                _ => drop(bytes.splice(at..at, pieces[chance.below(pieces.len())].bytes()).count()),
            }
            let Ok(spoilt) = String::from_utf8(bytes) else { continue };
            let lines = spoilt.lines().count() as u32 + 1;
            for error in lake(&[("slas/api.yaml", &spoilt)]).map(drop).err().unwrap_or_default() {
                assert!(error.file == "slas/api.yaml" && (1..=lines).contains(&error.line), "{error}\n{spoilt}");
            }
        }
    }
}
