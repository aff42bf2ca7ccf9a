//! Anonymized copies as their users make them: previewed, published when they measure what they must, and followed.

use serde_json::Value;

use crate::auditlake::{Lake, Ran};

const NOW: &str = "--at=2026-11-30T00:00:00Z";
/// A value that must stand in no message.
const SECRET_NAME: &str = "zaphod.beeblebrox";

/// Rows of the lake's visits.
const ROWS: u64 = 120;

const POLICY: &str = "anonymize: study
copy: {from: visits, to: visits_study}
columns:
  patient: {method: pseudonym, key: {id: s1, secret: env:AL_STUDY_KEY}, purpose: study}
  card: {method: fpe, key: {id: f1, secret: file:keys/card.key}, alphabet: digits}
  visited_at: {method: floor, to: month}
  src_ip: {method: truncate_ip}
  age: {role: quasi, hierarchy: {width: [10, 20]}}
  postcode: {role: quasi, hierarchy: file:hierarchies/postcode.csv}
  diagnosis: {role: sensitive}
require: {k: 5, l: {distinct: 2}, t: 0.6}
search: {kind: optimal, loss: entropy, suppress: 5%}
";

const DATASET: &str = "dataset: visits
location: visits/
time: visited_at
tenant: tenant_id
subjects: [patient]
columns:
  patient: {class: personal}
  email: {class: personal}
  card: {class: personal}
  src_ip: {class: personal}
  age: {class: personal}
  postcode: {class: personal}
  diagnosis: {class: special}
";

/// Visits of sixty patients of two tenants, one a day from the beginning of 2026 on.
const VISITS: &str = "
SELECT CASE WHEN n % 2 = 0 THEN 'north' ELSE 'south' END AS tenant_id,
  CASE WHEN n = 7 THEN 'zaphod.beeblebrox' ELSE 'p-' || CAST(n % 60 AS VARCHAR) END AS patient,
  'p' || CAST(n AS VARCHAR) || '@example.org' AS email,
  CAST(4000000000000000 + n % 60 AS VARCHAR) AS card,
  to_timestamp_micros(1767225600000000 + n * 86400000000) AS visited_at,
  '192.0.2.' || CAST(n AS VARCHAR) AS src_ip,
  20 + n % 40 AS age,
  CAST(10100 + n % 30 AS VARCHAR) AS postcode,
  CASE n % 3 WHEN 0 THEN 'flu' WHEN 1 THEN 'asthma' ELSE 'burn' END AS diagnosis,
  n AS visit
FROM (SELECT unnest(generate_series(1, 120)) AS n)";

/// A lake with a dataset of visits, which nobody but an export wrote, and one for its copy.
fn filled() -> Lake {
    let key = ("AL_STUDY_KEY".to_owned(), "0123456789abcdef0123456789abcdef".to_owned());
    let lake = Lake::at("file:./data", vec![key]);
    lake.write("datasets/visits.yaml", DATASET);
    lake.write(
        "datasets/visits_study.yaml",
        "dataset: visits_study\nlocation: visits_study/\ntenant: tenant_id\ntime: visited_at\n",
    );
    lake.write("policies/study.yaml", POLICY);
    lake.write("keys/card.key", "fedcba9876543210fedcba9876543210\n");
    let codes = (0..30).map(|code| format!("{};10***;*\n", 10_100 + code));
    lake.write("hierarchies/postcode.csv", codes.collect::<String>());
    exported(&lake, VISITS, "visits/visits.parquet");
    lake
}

/// Writes the rows of a statement as an object of the store.
fn exported(lake: &Lake, sql: &str, name: &str) {
    let to = lake.data().join(name);
    std::fs::create_dir_all(to.parent().expect("a folder")).expect("a folder can be made");
    lake.run(&["export", "--sql", sql, "--format", "parquet", "--to", to.to_str().expect("a path")]).succeeded();
}

/// A command that must say nothing of anybody.
fn quiet(ran: &Ran) {
    for text in [&ran.out, &ran.err] {
        assert!(!text.contains(SECRET_NAME) && !text.contains("@example.org"), "{text}");
        assert!(!text.contains("0123456789abcdef") && !text.contains("fedcba98"), "{text}");
    }
}

#[test]
fn a_copy_is_published_as_it_measures_and_says_no_more_than_its_policy() {
    let lake = filled();
    let checked = lake.run(&["check"]);
    checked.said(0, &["policy \"study\" does not name columns of dataset \"visits\"", "lacks them: email"]);
    let dry = lake.run(&["anonymize", "study", "--dry-run", NOW]);
    dry.said(0, &["would write", "k ", "levels age"]);
    quiet(&dry);
    assert_eq!(lake.count("visits_study"), 0, "a preview writes nothing");

    let made = lake.run(&["anonymize", "study", NOW]);
    made.said(
        0,
        &["run study@20261130T000000Z committed", "dataset visits_study", "diagnosis: distinct l", "keys f1, s1"],
    );
    quiet(&made);
    let columns = lake.rows("SELECT * FROM visits_study LIMIT 1");
    let mut names: Vec<&String> = columns[0].as_object().expect("a row").keys().collect();
    names.sort();
    assert_eq!(
        names,
        ["age", "card", "diagnosis", "patient", "postcode", "src_ip", "tenant_id", "visit", "visited_at"]
    );
    // Measured by a statement that is none of ours.
    let least = lake.figure("SELECT min(n) FROM (SELECT count(*) AS n FROM visits_study GROUP BY age, postcode)");
    let values = lake
        .figure("SELECT min(n) FROM (SELECT count(DISTINCT diagnosis) AS n FROM visits_study GROUP BY age, postcode)");
    assert!(least >= 5 && values >= 2, "{least} {values}");
    let kept = lake.figure("SELECT count(*) FROM visits_study");
    let run = lake.json(&["runs", "show", "study@20261130T000000Z"]);
    let summary = &run["commit"]["summary"]["anonymize"];
    let number = |value: &Value| value.as_u64().expect("a number");
    assert_eq!(number(&summary["figures"]["rows"]) + number(&summary["suppressed"]), ROWS);
    assert_eq!((number(&summary["figures"]["rows"]), number(&summary["figures"]["k"])), (kept, least));
    assert!(number(&summary["suppressed"]) <= ROWS / 20);
    // What became of values.
    assert_eq!(
        lake.figure("SELECT count(*) FROM visits_study WHERE patient NOT LIKE 's1:%' OR length(patient) <> 25"),
        0
    );
    assert_eq!(
        lake.figure("SELECT count(*) FROM visits_study WHERE length(card) <> 16 OR card LIKE '400000000000%'"),
        0
    );
    assert_eq!(lake.figure("SELECT count(*) FROM visits_study WHERE src_ip <> '192.0.2.0'"), 0);
    assert_eq!(lake.figure("SELECT count(*) FROM visits_study WHERE visited_at <> date_trunc('month', visited_at)"), 0);
    let source = lake.figure("SELECT count(*) FROM (SELECT DISTINCT tenant_id, patient FROM visits)");
    let joined = lake.figure("SELECT count(DISTINCT patient) FROM visits_study");
    assert!(joined <= source && joined + 6 >= source, "{joined} of {source}");

    // Again for the same instant: reported, or made anew with the same bytes.
    lake.run(&["anonymize", "study", NOW]).said(0, &["was committed before"]);
    lake.run(&["anonymize", "study", "--again", NOW]).said(0, &["committed", "in place of 1 file"]);
    assert_eq!(lake.figure("SELECT count(*) FROM visits_study"), kept);
    let commits = lake.json(&["runs", "show", "study@20261130T000000Z"]);
    let sha = |commit: &Value| commit["outputs"][0]["sha256"].as_str().map(str::to_owned);
    assert_eq!(sha(&commits["commit"]), sha(&commits["earlier_commits"][0]));
    // All rows are in place of all rows, whenever.
    lake.run(&["anonymize", "study", "--at=2026-12-01T00:00:00Z"]).succeeded();
    assert_eq!(lake.figure("SELECT count(*) FROM visits_study"), kept);
}

#[test]
fn a_copy_that_misses_what_it_must_leaves_nothing_and_says_no_value() {
    let lake = filled();
    // No hierarchy is coarse enough, and no row may be left out.
    let strict = POLICY.replace("k: 5", "k: 5000");
    lake.write("policies/study.yaml", &strict);
    let failed = lake.run(&["anonymize", "study", NOW]);
    failed.failed(1, &["k = 5000", "suppress"]);
    quiet(&failed);
    // The search does not see it, and the measuring does: nothing is generalised, and rows are few.
    let plain = strict.replace("{kind: optimal, loss: entropy, suppress: 5%}", "{kind: none}");
    let plain =
        plain.replace(", hierarchy: {width: [10, 20]}", "").replace(", hierarchy: file:hierarchies/postcode.csv", "");
    lake.write("policies/study.yaml", plain);
    let failed = lake.run(&["anonymize", "study", NOW]);
    assert_eq!(failed.code, Some(1), "{}{}", failed.out, failed.err);
    quiet(&failed);
    assert_eq!(lake.count("visits_study"), 0);
    assert_eq!(lake.figure("SELECT count(*) FROM visits_study"), 0);
    let runs = lake.run(&["runs", "list"]);
    runs.said(0, &["study@20261130T000000Z", "failed"]);
    quiet(&runs);
    // What was published before stays when a later copy misses.
    lake.write("policies/study.yaml", POLICY);
    lake.run(&["anonymize", "study", NOW]).succeeded();
    let kept = lake.figure("SELECT count(*) FROM visits_study");
    lake.write("policies/study.yaml", &strict);
    lake.run(&["anonymize", "study", "--at=2026-12-01T00:00:00Z"]).failed(1, &["study"]);
    assert_eq!(lake.figure("SELECT count(*) FROM visits_study"), kept);
    assert_eq!(lake.count("visits_study"), 1);
}

/// A type that is narrower than the source's makes equal what the search saw as different.
#[test]
fn parts_that_measure_less_than_the_search_promised_are_deleted() {
    let lake = filled();
    let scores = "SELECT 'acme' AS tenant_id, 'a' || CAST(n AS VARCHAR) AS account_id, 'gdpr' AS item_id, \
                  '1' AS item_version, 'training' AS kind, 1.2 + (n % 2) * 0.2 AS score \
                  FROM (SELECT unnest(generate_series(1, 8)) AS n)";
    exported(&lake, scores, "scores/scores.parquet");
    lake.write("datasets/scores.yaml", "dataset: scores\nlocation: scores/\ntenant: tenant_id\n");
    lake.write("datasets/scores_study.yaml", "dataset: scores_study\nlocation: scores_study/\nschema: policy_ack.v1\n");
    let policy = "anonymize: scores\ncopy: {from: scores, to: scores_study}\ncolumns:\n  kind: {role: quasi}\n  \
                  score: {role: sensitive}\nrequire: {k: 2, l: {distinct: 2}}\n";
    lake.write("policies/scores.yaml", policy);
    let missed = lake.run(&["anonymize", "scores", NOW]);
    missed.failed(1, &["was not published", "distinct l of \"score\" is 1 and must be 2", "(rows 8, groups 1; "]);
    assert_eq!(lake.count("scores_study"), 0, "its parts are gone");
    assert_eq!(lake.figure("SELECT count(*) FROM scores_study"), 0);
    lake.run(&["anonymize", "scores", "--dry-run", NOW]).said(1, &["would not be published", "distinct l"]);
    // An empty copy satisfies nothing.
    let columns = POLICY.replace("from: visits,", "from: empty,");
    lake.write("datasets/empty.yaml", "dataset: empty\nlocation: empty/\nschema: policy_ack.v1\n");
    let (head, _) = columns.split_once("columns:").expect("columns");
    let rest = "columns:\n  account_id: {method: redact}\n  kind: {role: quasi}\nrequire: {k: 2}\n";
    lake.write("datasets/visits_study.yaml", "dataset: visits_study\nlocation: visits_study/\ntenant: tenant_id\n");
    lake.write("policies/study.yaml", format!("{head}{rest}"));
    lake.run(&["anonymize", "study", NOW]).failed(1, &["it has no rows"]);
}

#[test]
fn the_first_level_of_a_hierarchy_is_applied_too_where_it_is_coarser_than_values() {
    let lake = filled();
    let shorter = POLICY
        .replace("file:hierarchies/postcode.csv", "{prefix: [4, 0]}")
        .replace("l: {distinct: 2}, t: 0.6", "l: {distinct: 2}");
    lake.write("policies/study.yaml", shorter.replace("  age: {role: quasi, hierarchy: {width: [10, 20]}}\n", ""));
    lake.run(&["anonymize", "study", NOW]).said(0, &["committed", "levels postcode 0"]);
    let groups = lake.rows("SELECT postcode, count(*) AS n FROM visits_study GROUP BY postcode ORDER BY postcode");
    let codes: Vec<&str> = groups.iter().map(|group| group["postcode"].as_str().expect("a code")).collect();
    assert_eq!(codes, ["1010*", "1011*", "1012*"]);

    // Of a file that names some values and takes the others together, the first level changes those others.
    let some = POLICY.replace("file:hierarchies/postcode.csv", "{file: hierarchies/postcode.csv, unknown: \"*\"}");
    lake.write("hierarchies/postcode.csv", (0..10).map(|code| format!("{};*\n", 10_100 + code)).collect::<String>());
    let some = some.replace("  age: {role: quasi, hierarchy: {width: [10, 20]}}\n", "").replace("k: 5", "k: 4");
    lake.write("policies/study.yaml", some.replace("l: {distinct: 2}, t: 0.6", "t: 1"));
    lake.run(&["anonymize", "study", "--again", NOW]).said(0, &["committed", "levels postcode 0"]);
    assert_eq!(lake.figure("SELECT count(DISTINCT postcode) FROM visits_study"), 11);
}

#[test]
fn groups_have_ranges_of_their_own() {
    let lake = filled();
    let policy = POLICY.replace("kind: optimal, loss: entropy, suppress: 5%", "kind: mondrian");
    lake.write("policies/study.yaml", policy);
    let made = lake.run(&["anonymize", "study", NOW]);
    made.succeeded();
    quiet(&made);
    assert_eq!(lake.figure("SELECT count(*) FROM visits_study"), ROWS);
    let least = lake.figure("SELECT min(n) FROM (SELECT count(*) AS n FROM visits_study GROUP BY age, postcode)");
    assert!(least >= 5);
    assert!(lake.figure("SELECT count(*) FROM (SELECT DISTINCT age, postcode FROM visits_study)") > 1);
}

#[test]
fn a_job_copies_its_window() {
    let lake = filled();
    lake.write("policies/study.yaml", POLICY.replace("k: 5, l: {distinct: 2}, t: 0.6", "k: 2"));
    lake.write("jobs/study-monthly.yaml", "job: study-monthly\nkind: anonymize\npolicy: study\nwindow: 40d\n");
    lake.run(&["run", "study-monthly", "--at=2026-02-10T00:00:00Z"]).said(0, &["committed", "visits_study"]);
    let first = lake.figure("SELECT count(*) FROM visits_study");
    assert!((30..=40).contains(&first), "{first}");
    lake.run(&["run", "study-monthly", "--at=2026-03-22T00:00:00Z"]).succeeded();
    assert!(lake.figure("SELECT count(*) FROM visits_study") > first);
    lake.run(&["run", "study-monthly", "--at=2026-03-01T00:00:00Z"]).failed(1, &["overlaps"]);
}

#[test]
fn lineage_says_in_which_form_a_person_is_in_the_copy() {
    let lake = filled();
    lake.run(&["anonymize", "study", NOW]).succeeded();
    let form = |column: &str| {
        let impact = lake.json(&["lineage", "impact", column, NOW]);
        impact.to_string()
    };
    assert!(form("visits.patient").contains("pseudonymised"), "{}", form("visits.patient"));
    assert!(form("visits.card").contains("pseudonymised"));
    assert!(form("visits.src_ip").contains("masked"));
    assert!(form("visits.visited_at").contains("masked"));
    // What is not in the copy has not gone there.
    assert!(!form("visits.email").contains("visits_study"), "{}", form("visits.email"));
}

#[test]
fn what_is_missing_or_wrong_is_told_before_anything_is_written() {
    let lake = filled();
    let unset = lake.run_without("AL_STUDY_KEY", &["anonymize", "study", NOW]);
    unset.failed(2, &["AL_STUDY_KEY is not set"]);
    lake.write("keys/card.key", "short");
    lake.run(&["anonymize", "study", NOW]).failed(2, &["keys/card.key", "has 5 bytes", "32 or more"]);
    std::fs::remove_file(lake.folder().join("keys/card.key")).expect("removed");
    lake.run(&["anonymize", "study", NOW]).failed(1, &["cannot read the secret"]);
    lake.write("keys/card.key", "fedcba9876543210fedcba9876543210");
    lake.write("hierarchies/postcode.csv", "10100;10***;*\n10101;10***;+\n");
    let wrong = ["hierarchies/postcode.csv", "is not a tree", "column \"postcode\""];
    lake.run(&["check"]).failed(2, &wrong);
    lake.run(&["anonymize", "study", NOW]).failed(2, &wrong);
    // A value that is not in the hierarchy is counted, and not said.
    lake.write("hierarchies/postcode.csv", "10100;10***;*\n");
    let outside = lake.run(&["anonymize", "study", NOW]);
    outside.failed(1, &["29 distinct values", "not in its hierarchy"]);
    assert!(!outside.err.contains("10101"), "{}", outside.err);
    // Values that fpe cannot change are counted, too.
    let policy = POLICY
        .replace("alphabet: digits", "alphabet: lower")
        .replace("file:hierarchies/postcode.csv", "{prefix: [2, 0]}");
    lake.write("policies/study.yaml", policy);
    let foreign = lake.run(&["anonymize", "study", NOW]);
    foreign.failed(1, &["column \"card\"", "outside the alphabet"]);
    assert!(!foreign.err.contains("40000000"), "{}", foreign.err);
    assert_eq!(lake.count("visits_study"), 0);
    lake.run(&["anonymize", "nobody", NOW]).failed(2, &["there are: study"]);
    lake.write("policies/study.yaml", format!("{POLICY}enabled: false\n"));
    lake.run(&["anonymize", "study", NOW]).failed(2, &["not enabled"]);
}

#[test]
fn a_file_is_measured_without_a_lake() {
    let lake = Lake::new();
    lake.write("t.csv", "age,zip,disease\n30,1,flu\n30,1,cold\n40,2,flu\n40,2,flu\n40,2,\n");
    let check = ["anonymize", "check", "t.csv", "--quasi", "age,zip", "--sensitive", "disease"];
    lake.run(&check).said(0, &["5 rows", "k 2 in 2 groups", "disease: distinct l 2"]);
    let figures = lake.json(&check);
    assert_eq!((&figures["figures"]["k"], &figures["figures"]["rows"]), (&2.into(), &5.into()));
    let fails: Vec<&str> = check.iter().copied().chain(["--fail-on", "k=3,l=2"]).collect();
    lake.run(&fails).said(3, &["missed: k is 2 and must be 3"]);
    lake.run(&["anonymize", "check", "t.csv", "--quasi", "ages"]).failed(1, &["did you mean \"age\"?"]);
    lake.run(&["anonymize", "check", "t.csv", "--quasi", "age", "--fail-on", "m=3"]).failed(2, &["no figure"]);
    let sql = "SELECT n % 5 AS a, n % 2 AS b FROM (SELECT unnest(generate_series(1, 50)) AS n)";
    lake.run(&["export", "--sql", sql, "--format", "parquet", "--to", "t.parquet"]).succeeded();
    lake.run(&["anonymize", "check", "t.parquet", "--quasi", "a,b"]).said(0, &["50 rows", "k 5 in 10 groups"]);
}
