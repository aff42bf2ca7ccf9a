//! States of files hold what rows are grouped by, and go with the rows.

use super::{ANN, NOW, erase, filled, having};
use crate::auditlake::Lake;

/// Who acted stands in its states, and not in its rows.
const ACTORS: &str = "job: actors
kind: query
window: 60d
into: actors
incremental: true
sql: |
  SELECT tenant_id, $end AS until, count(DISTINCT actor_id) AS actors, count(*) AS events
  FROM audit WHERE time >= $start AND time < $end GROUP BY tenant_id
";
const NEXT: &str = "--at=2027-02-01T00:00:00Z";

fn states(lake: &Lake, text: &str) -> Vec<String> {
    having(lake, text).into_iter().filter(|name| name.starts_with("_auditlake/states/")).collect()
}

#[test]
fn no_state_outlives_the_rows_of_a_person() {
    let lake = filled(Lake::new());
    lake.write("datasets/actors.yaml", "dataset: actors\nlocation: actors/\ntenant: tenant_id\ntime: until\n");
    lake.write("jobs/actors.yaml", ACTORS);
    lake.write(
        "jobs/names.yaml",
        ACTORS.replace("job: actors", "job: names").replace("actor_id", "coalesce(actor_id, 'x')"),
    );
    lake.run(&["run", "actors", NOW]).said(0, &["0 files from states, 40 computed"]);
    // Another statement, so another fingerprint, that nobody runs again.
    lake.run(&["run", "names", "--at=2026-09-30T00:00:00Z"]).succeeded();
    lake.run(&["run", "actors", NOW, "--again"]).said(0, &["40 files from states, 0 computed"]);
    assert!(states(&lake, ANN).len() >= 20, "{:?}", states(&lake, ANN));

    erase(&lake).said(0, &["is fulfilled"]);
    assert_eq!(having(&lake, ANN), [] as [&str; 0]);
    lake.run(&["verify", NOW]).succeeded();
    let receipts = lake.json(&["retention", "receipts", NOW]);
    let deleted: u64 =
        receipts["receipts"].as_array().into_iter().flatten().filter_map(|one| one["states_deleted"].as_u64()).sum();
    assert!(deleted >= 20, "{receipts}");
    lake.run(&["retention", "reconcile", NOW]).said(0, &["nothing was left half done"]);

    // What is left is computed again, file by file, and is what the files say.
    lake.run(&["run", "actors", NOW, "--again"]).succeeded();
    let folded = lake.rows("SELECT * FROM actors ORDER BY tenant_id");
    lake.run(&["run", "actors", NOW, "--again", "--no-states"]).said(0, &["0 files from states"]);
    assert_eq!(lake.rows("SELECT * FROM actors ORDER BY tenant_id"), folded);
    lake.run(&["run", "actors", NEXT]).succeeded();
    assert_eq!(having(&lake, ANN), [] as [&str; 0]);
}

#[test]
fn what_states_cannot_hold_is_an_error_where_it_must_and_a_reason_where_it_may() {
    let lake = filled(Lake::new());
    lake.write("datasets/actors.yaml", "dataset: actors\nlocation: actors/\ntenant: tenant_id\ntime: until\n");
    let median = ACTORS.replace("count(DISTINCT actor_id) AS actors", "median(length(actor_id)) AS actors");
    lake.write("jobs/actors.yaml", &median);
    let said = ["jobs/actors.yaml:7:3: not_incremental: median(", "its state is all of its values"];
    lake.run(&["check", NOW]).failed(2, &said);
    lake.run(&["run", "actors", NOW]).failed(2, &["not_incremental: job \"actors\"", "its state is all of its values"]);
    lake.write("jobs/actors.yaml", median.replace("incremental: true", "incremental: auto"));
    lake.run(&["check", NOW]).said(0, &["job \"actors\" is computed in full each time: median("]);
    lake.run(&["run", "actors", NOW]).said(0, &["2 rows in dataset actors", "computed in full: median("]);
    let run = "SELECT full_reason FROM auditlake.runs WHERE job = 'actors' AND state = 'committed'";
    assert!(lake.rows(run)[0]["full_reason"].as_str().is_some_and(|reason| reason.starts_with("median(")));
    assert_eq!(states(&lake, "audit"), [] as [&str; 0]);

    // A literal that is another one each day.
    let moving = ACTORS.replace("time >= $start AND time < $end", "date_trunc('day', time) = $start");
    lake.write("jobs/actors.yaml", &moving);
    lake.run(&["check", NOW]).failed(2, &["another one at each instant", "compare the time column itself"]);
    lake.write("jobs/actors.yaml", ACTORS.replace("incremental: true", "incremental: often"));
    lake.run(&["check", NOW]).failed(2, &["incremental", "false, auto or true"]);
    lake.write("jobs/actors.yaml", ACTORS.replace("incremental: true", "incremental: true\npurpose: marketing"));
    lake.run(&["check", NOW]).failed(2, &["incremental: true and a purpose do not go together"]);
}
