//! `slas/*.yaml` in OpenSLO: what becomes an SLA, what is loaded and not judged, and what is refused.

use expect_test::{Expect, expect};
use schemas::{DefinitionError, Lake, Measured, PeriodLength, Share, Sla, SlaMethod, check};

use crate::mutation::Xorshift;
use crate::sla::with_datasets;

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

fn lake(files: &[(&str, &str)]) -> Result<Lake, Vec<DefinitionError>> {
    check(&with_datasets(files))
}

#[track_caller]
fn says(text: &str, expected: Expect) {
    let errors = lake(&[("slas/api.yaml", text)]).map(drop).expect_err("is refused");
    expected.assert_eq(&errors.iter().map(DefinitionError::to_string).collect::<Vec<_>>().join("\n"));
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
    let lake = notes(&latency, expect![[r#""#]]);
    let tier = of(&lake, "api").tiers[0].tiers["slo"];
    assert_eq!((tier.uptime, tier.p95_us), (None, Some(250_000)));
    let probes = BOUND
        .replace(
            "requests: {dataset: requests, routes: [public]}",
            "probes: {dataset: probes, tenant: platform, quorum: 2}\n          service: front",
        )
        .replace("duration: 1M", "duration: 3M");
    let lake = notes(&probes, expect![[r#""#]]);
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
    expect![[r#""#]].assert_eq(&lake.openslo_notes.join("\n"));
    // What a policy says is for whoever alerts, whether it stands there or is named.
    let inline = "  alertPolicies:\n    - {kind: AlertPolicy, metadata: {name: page}, spec: {conditions: [{kind: AlertCondition}]}}\n    - page\n";
    notes(&UNBOUND.replace("  alertPolicies:\n", inline), expect![[r#""#]]);
    notes(&UNBOUND.replace("type: Prometheus", "metricSourceRef: metrics"), expect![[r#""#]]);
}

#[test]
fn what_is_read_another_way_is_noted() {
    notes(&BOUND.replace("duration: 1M", "duration: 1m"), expect![[r#""#]]);
    let window = BOUND.find("      isRolling").expect("one")..BOUND.find("  budgetingMethod").expect("one");
    notes(&BOUND.replace(&BOUND[window], ""), expect![[r#""#]]);
    notes(&BOUND.replace("budgetingMethod: Timeslices", "budgetingMethod: RatioTimeslices"), expect![[r#""#]]);
    notes(&BOUND.replace("{targetPercent", "{op: gt, value: 1, targetPercent"), expect![[r#""#]]);
    let policy = "---\napiVersion: openslo/v1\nkind: AlertPolicy\nmetadata: {name: page}\nspec: {conditions: [{conditionRef: fast}]}\n";
    let watched = BOUND.replace("  objectives:", "  alertPolicies: [page, {alertPolicyRef: page}]\n  objectives:");
    notes(&format!("{watched}{policy}"), expect![[r#""#]]);
    let source = "---\napiVersion: openslo/v1\nkind: DataSource\nmetadata: {name: lake}\nspec: {type: auditlake, connectionDetails: {a: 1}}\n";
    let named = BOUND.replace("type: auditlake", "metricSourceRef: lake");
    assert_eq!(notes(&format!("{named}{source}"), expect![[""]]).slas.len(), 2);
    let misspelt = named.replace("metricSourceRef: lake", "metricSourceRef: lakes");
    assert!(notes(&format!("{misspelt}{source}"), expect![[r#""#]]).slas.is_empty());
}

#[test]
fn a_window_that_is_no_period_is_refused() {
    says(&BOUND.replace("isRolling: false", "isRolling: true"), expect![[r#""#]]);
    says(&BOUND.replace("duration: 1M", "duration: 28d"), expect![[r#""#]]);
    says(&BOUND.replace("2026-01-01 00:00:00", "2026-01-01 12:00:00"), expect![[r#""#]]);
    says(&BOUND.replace("2026-01-01 00:00:00", "2026-01-01T00:00:00Z"), expect![[r#""#]]);
    says(&BOUND.replace("timeZone: America/New_York", "timeZone: New_York"), expect![[r#""#]]);
    says(&BOUND.replace("budgetingMethod", "  - {duration: 1w}\n  budgetingMethod"), expect![[r#""#]]);
}

#[test]
fn what_a_bound_slo_cannot_mean_is_refused() {
    says(&BOUND.replace("target: 0.995", "target: 99.5"), expect![[r#""#]]);
    says(&BOUND.replace("target: 0.995", "target: 1.0"), expect![[r#""#]]);
    says(&BOUND.replace("target: 0.995", "target: 0.995, targetPercent: 99.5"), expect![[r#""#]]);
    says(&BOUND.replace("target: 0.995, ", ""), expect![[r#""#]]);
    says(&BOUND.replace("timeSliceTarget: 0.95, timeSliceWindow: 5m", "compositeWeight: 2"), expect![[r#""#]]);
    says(&BOUND.replace("timeSliceWindow: 5m", "timeSliceWindow: 7m"), expect![[r#""#]]);
    says(
        &BOUND.replace("timeSliceTarget: 0.95, timeSliceWindow: 5m", "timeSliceTarget: 95, timeSliceWindow: 5"),
        expect![[r#""#]],
    );
    says(&BOUND.replace("displayName: Our own", "displayName: '2'"), expect![[r#""#]]);
    says(&BOUND.replace("  objectives:", "  alertPolicies: [page]\n  objectives:"), expect![[r#""#]]);
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
    says(&latency("{op: lte, value: 500, target: 0.99}"), expect![[r#""#]]);
    says(&latency("{op: gte, value: 500, target: 0.95}"), expect![[r#""#]]);
    says(&latency("{op: lte, value: 0.5, target: 0.95}"), expect![[r#""#]]);
    says(&latency("{op: lte, value: 500, target: 0.95}").replace("Occurrences", "Timeslices"), expect![[r#""#]]);
    says(&latency("{target: 0.95}"), expect![[r#""#]]);
    let probes = latency("{op: lte, value: 500, target: 0.95}")
        .replace("requests: {dataset: requests, routes: [public]}", "probes: {dataset: probes}");
    says(&probes, expect![[r#""#]]);
}

#[test]
fn indicators_that_count_nothing_are_refused() {
    says(&BOUND.replace("indicatorRef: api-good", "indicatorRef: api-god"), expect![[r#""#]]);
    says(&BOUND.replace("  indicatorRef: api-good\n", ""), expect![[r#""#]]);
    says(&BOUND.replace("dataset: requests", "dataset: probes"), expect![[r#""#]]);
    says(&BOUND.replace("tenants: [acme, globex]", "tenants: []"), expect![[r#""#]]);
    says(&BOUND.replace("tenants: [acme, globex]", "tenants: [acme, acme]"), expect![[r#""#]]);
    says(&BOUND.replace("          tenants: [acme, globex]\n", ""), expect![[r#""#]]);
    says(&BOUND.replace("          requests: {dataset: requests, routes: [public]}\n", ""), expect![[r#""#]]);
    says(
        &BOUND.replace(
            "          tenants: [",
            "          settle: soon\n          max_unknown: all\n          service: ''\n          tenants: [",
        ),
        expect![[r#""#]],
    );
}

#[test]
fn indicators_that_say_two_things_are_refused() {
    says(&BOUND.replace(", spec: *rows", ""), expect![[r#""#]]);
    says(&BOUND.replace("spec: *rows", "spec: {requests: {dataset: requests}, tenants: [acme]}"), expect![[r#""#]]);
    says(&BOUND.replace("{type: auditlake, spec: *rows}", "{type: Datadog, spec: {query: x}}"), expect![[r#""#]]);
    says(&BOUND.replace("    total:", "    raw:"), expect![[r#""#]]);
    says(&BOUND.replace("  indicatorRef:", "  indicator: {spec: {}}\n  indicatorRef:"), expect![[r#""#]]);
    says(&BOUND.replace("          tenants: [", "          where: x\n          tenants: ["), expect![[r#""#]]);
    says(&UNBOUND.replace("{thresholdMetric:", "{ratioMetric: {}, thresholdMetric:"), expect![[r#""#]]);
    let nothing =
        UNBOUND.replace("{thresholdMetric: {metricSource: {type: Prometheus, spec: {query: 'histogram(x)'}}}}", "{}");
    says(&nothing, expect![[r#""#]]);
}

#[test]
fn what_is_wrong_with_an_sli_is_said_once() {
    let wrong = BOUND.replace("tenants: [acme, globex]", "tenants: []");
    let job = JOB.replace("sla: search", "sla: api-2");
    let errors = lake(&[("slas/api.yaml", &wrong), ("jobs/judge.yaml", &job)]).map(drop).expect_err("is refused");
    expect![[r#""#]].assert_eq(&errors.iter().map(DefinitionError::to_string).collect::<Vec<_>>().join("\n"));
}

#[test]
fn documents_that_are_none_are_refused() {
    says(&BOUND.replacen("openslo/v1", "openslo/v1alpha", 1), expect![[r#""#]]);
    says(&BOUND.replacen("apiVersion: openslo/v1\n", "", 1), expect![[r#""#]]);
    says(&BOUND.replace("kind: Service", "kind: Servce"), expect![[r#""#]]);
    says(&BOUND.replace("{description: what customers call}", "{descripton: what customers call}"), expect![[r#""#]]);
    says(&BOUND.replace("  service: api\n", ""), expect![[r#""#]]);
    says(&BOUND.replace("budgetingMethod: Timeslices", "budgetingMethod: timeslices"), expect![[r#""#]]);
    let empty = BOUND.find("    - {displayName").map(|end| BOUND[..end].replace("objectives:", "objectives: []"));
    says(&empty.expect("objectives"), expect![[r#""#]]);
    says(&format!("{BOUND}---\n{UNBOUND}---\n  a: [\n"), expect![[r#""#]]);
}

#[test]
fn a_file_holds_a_hundred_documents_and_no_more() {
    let services = |count: usize| -> String {
        let service = |number| format!("apiVersion: openslo/v1\nkind: Service\nmetadata: {{name: s{number}}}\n---\n");
        (0..count).map(service).collect()
    };
    assert!(lake_of(&services(100)).slas.is_empty(), "a mark at the end begins no document");
    says(&services(101), expect![[r#""#]]);
}

#[test]
fn names_that_two_have_are_refused() {
    says(&format!("{BOUND}---\n{}", &BOUND[..BOUND.find("---").expect("one")]), expect![[r#""#]]);
    let name = "metadata: {name: api, displayName: The API}";
    says(&BOUND.replace(name, "metadata: {name: The API}"), expect![[r#""#]]);
    says(&BOUND.replace(name, "metadata: {displayName: The API}"), expect![[r#""#]]);
    let own = "sla: search\nservice: api\nrequests: {dataset: requests}\ntenants: {acme: pro}\n";
    let both = |other: &str| {
        let errors = lake(&[("slas/a.yaml", UNBOUND), ("slas/b.yaml", other)]).map(drop).expect_err("two of one name");
        errors.iter().map(DefinitionError::to_string).collect::<Vec<_>>().join("\n")
    };
    expect![[r#""#]].assert_eq(&both(&UNBOUND.replace("2w", "1w")));
    expect![[r#""#]].assert_eq(&both(own));
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
