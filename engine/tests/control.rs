//! Controls over a lake in memory: the shipped fixtures, refusals, figures checked by hand, and shared
//! scans held equal to separate ones. Beside them, over the same lakes: datasets with revisions, and SQL functions.

#[path = "control/functions.rs"]
mod functions;
#[path = "control/gathered.rs"]
mod gathered;
#[path = "control/harness.rs"]
mod harness;
#[path = "control/revisions.rs"]
mod revisions;
#[path = "control/tables.rs"]
mod tables;

use std::collections::BTreeMap;

use engine::{ControlRun, Evaluated, EvaluationInput, HELD_ROWS, evaluate};
use harness::{KEY, Lake, interval, rows_control, statements_control};
use schemas::{Control, ControlSql, Interval, ParamValue, Status, StatusRule};

async fn run(lake: &Lake, controls: &[&Control], known: &[&str]) -> Vec<Evaluated> {
    run_over(interval(), lake, controls, known).await
}

async fn run_over(interval: Interval, lake: &Lake, controls: &[&Control], known: &[&str]) -> Vec<Evaluated> {
    run_held(HELD_ROWS, interval, lake, controls, known).await
}

/// One control by itself, with no row held in memory.
async fn run_alone(lake: &Lake, control: &Control, known: &[&str]) -> Evaluated {
    run_held(0, interval(), lake, &[control], known).await.remove(0)
}

async fn run_held(
    held_rows: usize,
    interval: Interval,
    lake: &Lake,
    controls: &[&Control],
    known: &[&str],
) -> Vec<Evaluated> {
    let session = lake.session();
    let input = EvaluationInput {
        controls: controls.iter().map(|control| ControlRun { control, params: control.params.clone() }).collect(),
        interval,
        known_tenants: known.iter().map(|tenant| (*tenant).to_owned()).collect(),
        timezone: "UTC".to_owned(),
        pseudonym_key: &KEY,
        held_rows,
    };
    evaluate(&session, &input).await.expect("evaluates")
}

fn statuses(evaluated: &Evaluated) -> BTreeMap<String, Status> {
    evaluated.scopes.iter().map(|scope| (scope.scope.clone(), scope.status)).collect()
}

/// What the evidence names by scope: the event, or the resource where a row is no event.
fn violations(evaluated: &Evaluated) -> BTreeMap<String, Vec<String>> {
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    if let Some(evidence) = &evaluated.evidence {
        let scopes = harness::texts(&evidence.rows, "scope");
        let resources = harness::texts(&evidence.rows, "resource");
        let events = match evidence.rows.column_by_name("event_id") {
            Some(_) => harness::texts(&evidence.rows, "event_id"),
            None => vec![String::new(); scopes.len()],
        };
        for ((scope, event_id), resource) in scopes.into_iter().zip(events).zip(resources) {
            found.entry(scope).or_default().push(if event_id.is_empty() { resource } else { event_id });
        }
    }
    found
}

/// The same, with the people that `expected` names under their own names.
fn violations_as(evaluated: &Evaluated, expected: &BTreeMap<String, Vec<String>>) -> BTreeMap<String, Vec<String>> {
    let people: BTreeMap<String, &String> =
        expected.values().flatten().map(|name| (harness::pseudonym(name), name)).collect();
    let mut found = violations(evaluated);
    for names in found.values_mut() {
        for name in names.iter_mut() {
            if let Some(person) = people.get(name) {
                name.clone_from(person);
            }
        }
        // Evidence is sorted by pseudonym, an expectation by whoever wrote it.
        names.sort();
    }
    found
}

#[tokio::test]
async fn shipped_controls_give_what_their_fixtures_expect() {
    let all: Vec<&Control> = schemas::shipped_controls().iter().collect();
    assert!(all.len() >= 15, "shipped controls load");
    for control in &all {
        let at = all.iter().position(|other| other.id == control.id).expect("listed");
        for test in &control.tests {
            let lake = harness::fixture(control, &test.given).await;
            let known: Vec<&str> = test.expect.keys().map(String::as_str).collect();
            let mut expected = test.violations.clone();
            expected.values_mut().for_each(|names| names.sort());
            let fused = run(&lake, &all, &known).await;
            let alone = run_alone(&lake, control, &known).await;
            for evaluated in [&fused[at], &alone] {
                let reasons: Vec<_> = evaluated.scopes.iter().map(|scope| (&scope.scope, &scope.reason)).collect();
                assert_eq!(statuses(evaluated), test.expect, "{} {} {reasons:?}", control.id, test.given);
                assert_eq!(violations_as(evaluated, &expected), expected, "{} {}", control.id, test.given);
            }
            assert_eq!(fused[at].plan_sha256, alone.plan_sha256, "{}", control.id);
            assert_eq!(fused[at].evidence, alone.evidence, "{}", control.id);
            reprinted(&lake, &alone).await;
        }
    }
}

/// The printed SQL gives the figures of the report again.
async fn reprinted(lake: &Lake, evaluated: &Evaluated) {
    let judged = evaluated.scopes.iter().any(|scope| scope.population > 0);
    if !judged {
        return;
    }
    let session = lake.session();
    let counts = session.query(&evaluated.counts_sql).await.expect("counts run");
    let listed = session.query(&evaluated.violations_sql).await.expect("violations run");
    let mut figures = BTreeMap::new();
    for batch in &counts {
        let scopes = harness::texts(batch, "scope");
        let (n, v) = (harness::texts(batch, "n"), harness::texts(batch, "v"));
        for (scope, figure) in scopes.into_iter().zip(n.into_iter().zip(v)) {
            figures.insert(scope, figure);
        }
    }
    for scope in evaluated.scopes.iter().filter(|scope| scope.population > 0) {
        let expected = (scope.population.to_string(), scope.violations.to_string());
        assert_eq!(figures.get(&scope.scope), Some(&expected), "{}", evaluated.control);
    }
    let rows: usize = listed.iter().map(|batch| batch.num_rows()).sum();
    let total: u64 = evaluated.scopes.iter().map(|scope| scope.violations).sum();
    assert_eq!(rows as u64, total, "{}", evaluated.control);
}

#[tokio::test]
async fn three_numbers_are_those_counted_by_hand() {
    let lake = harness::lake(
        &[
            r#"{"event_id":"e1","time":"2026-03-01T01:00:00Z","tenant_id":"t","mfa":false,"src_country":"DE"}"#,
            r#"{"event_id":"e2","time":"2026-03-01T02:00:00Z","tenant_id":"t","mfa":true,"src_country":"DE"}"#,
            r#"{"event_id":"e3","time":"2026-03-01T03:00:00Z","tenant_id":"t","mfa":null,"src_country":"DE"}"#,
            r#"{"event_id":"e4","time":"2026-03-01T04:00:00Z","tenant_id":"t","mfa":false,"src_country":null}"#,
            r#"{"event_id":"e5","time":"2026-03-01T05:00:00Z","tenant_id":"t","mfa":null,"src_country":null}"#,
            r#"{"event_id":"e6","time":"2026-03-01T06:00:00Z","tenant_id":"t","mfa":true,"src_country":null}"#,
            r#"{"event_id":"e7","time":"2026-03-01T07:00:00Z","tenant_id":"t","mfa":false,"src_country":"US"}"#,
            r#"{"event_id":"e8","time":"2026-03-02T00:00:00Z","tenant_id":"t","mfa":false,"src_country":"DE"}"#,
        ],
        &[],
    )
    .await;
    let control = rows_control("TE-ST-001", "src_country = 'DE'", "mfa = false");
    let found = run(&lake, &[&control], &["gone"]).await;
    let gone = &found[0].scopes[0];
    assert_eq!((gone.scope.as_str(), gone.status), ("gone", Status::NotEvaluated));
    assert_eq!(gone.reason.as_deref(), Some("no rows of this tenant in the interval"));
    let t = &found[0].scopes[1];
    let figures = (t.population, t.violations, t.undecided_violation, t.undecided_population);
    assert_eq!((t.status, figures), (Status::Fail, (3, 1, 1, 2)), "{:?}", t.reason);
    let none = rows_control("TE-ST-002", "src_country = 'DE'", "mfa = false AND event_id = 'e2'");
    let undecided = &run(&lake, &[&none], &[]).await[0].scopes[0];
    assert_eq!((undecided.status, undecided.violations), (Status::Pass, 0), "an AND with false is decided");
}

#[track_caller]
fn one(found: &[Evaluated]) -> (Status, String) {
    (found[0].scopes[0].status, found[0].scopes[0].reason.clone().unwrap_or_default())
}

async fn check(population: &str, violation: &str, status: Status, part: &str) {
    let lake = harness::lake(&[r#"{"event_id":"e1","time":"2026-03-01T01:00:00Z","tenant_id":"t"}"#], &[]).await;
    let control = rows_control("TE-ST-001", population, violation);
    let good = rows_control("TE-ST-002", "true", "event_id = 'e1'");
    let third = rows_control("TE-ST-003", "true", "event_id = 'e2'");
    let found = run(&lake, &[&control, &good, &third], &[]).await;
    let (given, reason) = one(&found);
    assert!(given == status && reason.contains(part), "{violation}: {given:?} {reason}");
    assert_eq!(found[1].scopes[0].status, Status::Fail, "{violation}: one control touched another");
    assert_eq!(found[2].scopes[0].status, Status::Pass, "{violation}: one control touched another");
}

#[tokio::test]
async fn what_stands_in_the_way_is_a_status_with_a_reason() {
    use Status::{Error, NotEvaluated};
    check("true", "mfa = false", NotEvaluated, "column \"mfa\" of dataset \"audit\" is in no file read").await;
    check("true", "nope = 1", NotEvaluated, "column \"nope\" of dataset \"audit\" is not declared").await;
    check("true", "event_id =", Error, "violation does not parse").await;
    check("true", "event_id = $x", Error, "uses $x").await;
    check("true", "time < now()", Error, "calls now()").await;
    check("true", "time < current_timestamp", Error, "calls now()").await;
    check("true", "random() > 0.5", Error, "calls random()").await;
    check("true", "event_id = uuid()", Error, "calls uuid()").await;
    check("true", "event_id IN (SELECT event_id FROM audit)", Error, "has a subquery").await;
    check("true", "CAST(event_id AS bigint) > 1", Error, "Cannot cast").await;
    check("event_id", "true", Error, "").await;
}

#[tokio::test]
async fn statements_read_only_their_tables_and_the_interval() {
    let lake = harness::lake(
        &[
            r#"{"event_id":"e0","time":"2026-02-28T23:59:00Z","tenant_id":"t"}"#,
            r#"{"event_id":"e1","time":"2026-03-01T01:00:00Z","tenant_id":"t"}"#,
        ],
        &[],
    )
    .await;
    let counted = "SELECT tenant_id AS scope, count(*) AS n, 0 AS u FROM audit WHERE time >= $start GROUP BY tenant_id";
    let listed = "SELECT tenant_id AS scope, event_id, time, actor_id AS resource, 'why' AS reason FROM audit";
    let control = statements_control("TE-ST-001", counted, listed);
    let found = run(&lake, &[&control], &[]).await;
    assert_eq!(one(&found), (Status::Fail, String::new()));
    assert_eq!(violations(&found[0]), BTreeMap::from([("t".to_owned(), vec!["e1".to_owned()])]));
    let rows = &found[0].evidence.as_ref().expect("kept").rows;
    assert_eq!(harness::texts(rows, "raw_ref"), ["fixture#2"], "joined back");
    assert!(harness::texts(rows, "resource")[0].starts_with("p_"), "a person is a pseudonym");
    for (population, part) in [
        ("SELECT tenant_id AS scope, count(*) AS n FROM audit GROUP BY tenant_id", "does not return u"),
        ("SELECT * FROM audit", "SELECT *"),
        ("SELECT tenant_id AS scope, 1 AS n, 0 AS u FROM identity", "reads table \"identity\""),
        ("SELECT tenant_id AS scope, 1 AS n, 0 AS u FROM public.audit", "reads table \"public.audit\""),
        ("SELECT 'a' AS scope, value AS n, 0 AS u FROM generate_series(1, 2)", "reads table"),
        ("DELETE FROM audit", "is not a SELECT"),
    ] {
        let control = statements_control("TE-ST-001", population, listed);
        let (status, reason) = one(&run(&lake, &[&control], &[]).await);
        assert!(status == Status::Error && reason.contains(part), "{population}: {status:?} {reason}");
    }
}

#[tokio::test]
async fn evidence_is_cut_while_the_total_stays_true_and_people_are_pseudonyms() {
    let rows: Vec<String> = (0..5)
        .map(|i| {
            format!(r#"{{"event_id":"e{i}","time":"2026-03-01T0{i}:00:00Z","tenant_id":"t","actor_id":"u-{}"}}"#, i % 2)
        })
        .collect();
    let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
    let lake = harness::lake(&rows, &[]).await;
    let mut control = rows_control("TE-ST-001", "true", "actor_id <> $who");
    control.params.insert("who".to_owned(), ParamValue::Text("nobody's \\' OR true".to_owned()));
    control.evidence.max_rows = 3;
    control.evidence.columns = vec!["event_id".into(), "actor_id".into()];
    let found = run(&lake, &[&control], &[]).await;
    assert_eq!((found[0].scopes[0].violations, found[0].scopes[0].evidence_rows), (5, 3));
    let evidence = found[0].evidence.as_ref().expect("kept");
    let people = harness::texts(&evidence.rows, "actor_id");
    assert!(people.iter().all(|value| value.starts_with("p_") && value.len() == 26), "{people:?}");
    assert!(people[0] == people[2] && people[0] != people[1], "equal values stay equal");
    assert_eq!(harness::texts(&evidence.rows, "resource"), people, "the resource is the same person");
    assert_eq!(evidence.pseudonyms, ["resource", "actor_id"]);
    control.evidence.show = vec!["actor_id".to_owned()];
    let shown = run(&lake, &[&control], &[]).await;
    assert_eq!(harness::texts(&shown[0].evidence.as_ref().expect("kept").rows, "resource"), ["u-0", "u-1", "u-0"]);
}

#[tokio::test]
async fn the_interval_is_compared_without_casting_the_column() {
    let lake = harness::lake(&[r#"{"event_id":"e1","time":"2026-03-01T01:00:00Z","tenant_id":"t"}"#], &[]).await;
    let control = rows_control("TE-ST-001", "true", "outcome = 'denied'");
    let found = run(&lake, &[&control], &[]).await;
    let session = lake.session();
    let plan = session.plan(&found[0].counts_sql).await.expect("plans");
    let shown = session.optimized(&plan).expect("optimises").display_indent().to_string();
    assert!(shown.contains("audit.time >= TimestampMicrosecond(") && !shown.contains("CAST"), "{shown}");
    assert!(!shown.contains(".parquet"), "{shown}");
}

#[tokio::test]
async fn shared_and_separate_scans_agree_on_generated_controls() {
    let mut chance = harness::Chance(7);
    for _ in 0..12 {
        let rows: Vec<String> = (0..40).map(|at| chance.row(at)).collect();
        let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
        let lake = harness::lake(&rows, &["mfa", "src_country", "row_count"]).await;
        let controls: Vec<Control> = (0..6)
            .map(|at| rows_control(&format!("TE-ST-00{at}"), &chance.predicate(2), &chance.predicate(2)))
            .collect();
        let fused = run(&lake, &controls.iter().collect::<Vec<_>>(), &[]).await;
        for (control, fused) in controls.iter().zip(&fused) {
            let alone = run_alone(&lake, control, &[]).await;
            assert_eq!(alone.scopes, fused.scopes, "{:?}", control.sql);
            assert_eq!(alone.evidence, fused.evidence, "{:?}", control.sql);
            assert!(fused.scopes.iter().all(|scope| scope.status != Status::Error), "{:?}", fused.scopes);
        }
    }
}

#[track_caller]
fn shipped(id: &str) -> &'static Control {
    schemas::shipped_controls().iter().find(|control| control.id.as_str() == id).expect("ships")
}

#[tokio::test]
async fn a_violation_that_goes_on_is_one_finding() {
    let account = r#"{"_table":"identity","tenant_id":"t","account_id":"u-1","terminated_at":"2026-01-10T00:00:00Z"}"#;
    let request = r#"{"_table":"dsr","tenant_id":"t","request_id":"r-1","received_at":"2026-01-10T00:00:00Z","extended_at":null}"#;
    let lake = harness::lake(&[account, request], &[]).await;
    let day = interval();
    let next = Interval { start: day.end, end: day.end + (day.end - day.start) };
    for control in [shipped("AL-ACC-004"), shipped("AL-DSR-001")] {
        let mut found = Vec::new();
        for interval in [day, next] {
            let evaluated = run_over(interval, &lake, &[control], &[]).await.remove(0);
            let evidence = evaluated.evidence.unwrap_or_else(|| unreachable!("{:?}", evaluated.scopes));
            found.push((harness::texts(&evidence.rows, "finding_id"), harness::texts(&evidence.rows, "time")));
        }
        assert_eq!(found[0].0, found[1].0, "{}: the same finding", control.id);
        assert_ne!(found[0].1, found[1].1, "{}: a time in each interval", control.id);
    }
}

#[tokio::test]
async fn purposes_are_open_to_the_roles_that_a_job_names() {
    let row = |id: &str, roles: &str, purpose: &str| {
        format!(
            r#"{{"event_id":"{id}","time":"2026-03-01T01:00:00Z","tenant_id":"t","event_type":"data.read","data_classes":["phi"],"actor_roles":{roles},"purpose":{purpose}}}"#
        )
    };
    let rows = [
        row("e1", r#"["nurse","clerk"]"#, r#""treatment""#),
        row("e2", r#"["clerk"]"#, r#""treatment""#),
        row("e3", r#"["clerk"]"#, r#""audit""#),
        row("e4", "[]", r#""treatment""#),
        row("e5", "[]", r#""audit""#),
        row("e6", r#"["nurse"]"#, "null"),
        row("e7", "null", r#""treatment""#),
    ];
    let lake = harness::lake(&rows.iter().map(String::as_str).collect::<Vec<_>>(), &[]).await;
    let mut control = shipped("AL-DATA-002").clone();
    let pairs = ["nurse>treatment", "*>audit"].map(str::to_owned).to_vec();
    control.params.insert("purposes".to_owned(), ParamValue::Texts(pairs));
    let found = &run(&lake, &[&control], &[]).await[0];
    assert_eq!(violations(found), BTreeMap::from([("t".to_owned(), vec!["e2".into(), "e4".into(), "e6".into()])]));
    let t = &found.scopes[0];
    assert_eq!((t.population, t.violations, t.undecided_violation), (7, 3, 1), "{:?}", t.reason);
}

#[tokio::test]
async fn rows_near_a_violation_make_a_warning_and_are_counted() {
    let lake = harness::lake(&[r#"{"event_id":"e1","time":"2026-03-01T01:00:00Z","tenant_id":"t"}"#], &[]).await;
    let counted = "SELECT tenant_id AS scope, count(*) AS n, 0 AS u, count(*) AS w FROM audit GROUP BY tenant_id";
    let listed =
        "SELECT tenant_id AS scope, event_id, time, actor_id AS resource, 'why' AS reason FROM audit WHERE false";
    let rule = |when: &str, is| StatusRule { when: Some(when.to_owned()), is };
    let mut control = statements_control("TE-ST-001", counted, listed);
    control.status.insert(0, rule("v = 0 AND w > 0", Status::Warn));
    let found = run(&lake, &[&control], &[]).await;
    assert_eq!((one(&found).0, found[0].scopes[0].warnings), (Status::Warn, Some(1)));
    let mut silent = statements_control("TE-ST-001", &counted.replace(", count(*) AS w", ""), listed);
    silent.status = control.status.clone();
    let (status, reason) = one(&run(&lake, &[&silent], &[]).await);
    assert!(status == Status::Error && reason.contains("w"), "{reason}");
    let many = statements_control("TE-ST-001", &counted.replace("count(*) AS w", "2 AS w"), listed);
    let (status, reason) = one(&run(&lake, &[&many], &[]).await);
    assert!(status == Status::Error && reason.contains("2 rows near a violation in a population of 1"), "{reason}");
}

#[tokio::test]
async fn a_table_that_nobody_filled_takes_the_verdict_away() {
    let lake = harness::lake(&[r#"{"event_id":"e1","time":"2026-03-01T01:00:00Z","tenant_id":"t"}"#], &[]).await;
    let counted = "SELECT a.tenant_id AS scope, count(*) AS n, 0 AS u FROM audit AS a LEFT JOIN identity AS i ON i.account_id = a.actor_id GROUP BY a.tenant_id";
    let listed = "SELECT a.tenant_id AS scope, event_id, time, actor_id AS resource, 'why' AS reason FROM audit AS a INNER JOIN identity AS i ON i.account_id = a.actor_id";
    let mut control = statements_control("TE-ST-001", counted, listed);
    if let ControlSql::Statements { reads, .. } = &mut control.sql {
        reads.push("identity".to_owned());
    }
    let found = run(&lake, &[&control], &[]).await;
    assert_eq!(one(&found), (Status::NotEvaluated, "dataset \"identity\" has no file to read".to_owned()));
}

#[tokio::test]
async fn a_lake_without_rows_says_so() {
    let lake = harness::lake(&[], &[]).await;
    let control = rows_control("TE-ST-001", "true", "event_id = 'x'");
    let found = run(&lake, &[&control], &[]).await;
    assert_eq!(found[0].scopes[0].scope, engine::LAKE_SCOPE);
    assert_eq!(one(&found), (Status::NotEvaluated, "no rows in the interval".to_owned()));
    let mut elsewhere = control.clone();
    if let ControlSql::Rows { from, .. } = &mut elsewhere.sql {
        *from = "sales".to_owned();
    }
    let found = run(&lake, &[&elsewhere], &["t"]).await;
    assert_eq!(one(&found), (Status::NotEvaluated, "dataset \"sales\" is not declared".to_owned()));
    let files = engine::input_files(&lake.session(), "audit", interval()).await.expect("reads");
    assert_eq!(files.len(), 0);
}
