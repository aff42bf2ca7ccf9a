//! Which runs are listed, and that old ones are not read for it.

use bytes::Bytes;
use engine::Lakefront;
use serde_json::json;

use super::*;

fn at(text: &str) -> DateTime<Utc> {
    schemas::parse_rfc3339(text).expect("an instant")
}

/// A run of a job that was missed at an instant.
async fn missed(front: &Lakefront, job: &str, instant: DateTime<Utc>) {
    let record = json!({
        "run": format!("{job}@{}", compact(instant)), "interval": {"start": instant, "end": instant}, "reason": "overlap",
        "recorded_at": instant, "definitions_sha256": "",
    });
    put(front, job, instant, &record.to_string()).await;
}

async fn put(front: &Lakefront, job: &str, instant: DateTime<Utc>, record: &str) {
    let path = format!("{RUNS}/{job}/{}/missed.json", compact(instant));
    front.create(&Path::from(path), Bytes::from(record.to_owned())).await.expect("written");
}

/// Two jobs, one of every hour of a day and one of each month of two years, the oldest of which are no records.
async fn lake() -> Ledger {
    let front = Lakefront::memory();
    for hour in 0..24 {
        missed(&front, "hourly", at("2026-03-01T00:00:00Z") + TimeDelta::hours(hour)).await;
    }
    for year in [2024, 2025, 2026] {
        for month in 1..=12 {
            missed(&front, "monthly", at(&format!("{year}-{month:02}-01T00:00:00Z"))).await;
        }
    }
    put(&front, "monthly", at("2020-01-01T00:00:00Z"), "no record").await;
    Ledger::new(front)
}

async fn listed(ledger: &Ledger, now: &str, (limit, since): (usize, Option<&str>)) -> (Vec<String>, bool) {
    let wanted = Newest { job: None, limit, since: since.map(at) };
    let newest = ledger.newest(at(now), wanted).await.expect("readable");
    (newest.runs.into_iter().map(|run| run.run).collect(), newest.has_more)
}

#[tokio::test]
async fn the_newest_runs_of_all_jobs_are_listed_and_older_ones_are_not_read() {
    let ledger = lake().await;
    let (runs, has_more) = listed(&ledger, "2026-03-02T00:00:00Z", (3, None)).await;
    assert_eq!(runs, ["monthly@20261001T000000Z", "monthly@20261101T000000Z", "monthly@20261201T000000Z"]);
    assert!(has_more, "those of the day and of the years before");
    let (runs, has_more) = listed(&ledger, "2027-02-10T00:00:00Z", (30, None)).await;
    assert_eq!((runs.len(), has_more), (30, true));
    assert_eq!((runs[0].as_str(), runs[20].as_str()), ("hourly@20260301T030000Z", "hourly@20260301T230000Z"));
    assert_eq!((runs[21].as_str(), runs[29].as_str()), ("monthly@20260401T000000Z", "monthly@20261201T000000Z"));
    let since = listed(&ledger, "2027-02-10T00:00:00Z", (30, Some("2026-11-01T00:00:00Z"))).await;
    assert_eq!(since, (vec!["monthly@20261101T000000Z".to_owned(), "monthly@20261201T000000Z".to_owned()], false));
}

#[tokio::test]
async fn a_list_of_one_job_has_no_other_and_says_whether_it_is_all() {
    let ledger = lake().await;
    let hourly = JobId::parse("hourly").expect("a name");
    for (limit, expected) in [(24, (24, false)), (23, (23, true)), (25, (24, false))] {
        let wanted = Newest { job: Some(&hourly), limit, since: None };
        let newest = ledger.newest(at("2026-03-02T00:00:00Z"), wanted).await.expect("readable");
        assert_eq!((newest.runs.len(), newest.has_more), expected, "limit {limit}");
        assert!(newest.runs.iter().all(|run| run.job == "hourly"));
    }
}

#[tokio::test]
async fn a_damaged_record_that_is_asked_for_is_named() {
    let ledger = lake().await;
    let wanted = Newest { job: None, limit: 1_000, since: None };
    let error = ledger.newest(at("2026-03-02T00:00:00Z"), wanted).await.expect_err("one is no record");
    assert!(error.to_string().contains("monthly/20200101T000000Z/missed.json"), "{error}");
}
