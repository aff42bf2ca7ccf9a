//! What is not plainly allowed is refused, with a reason.

use super::lake::Lake;
use crate::incremental::eligible::Rule;
use crate::incremental::eligible::moved;

#[track_caller]
fn check(sql: &str, why: &str) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let refused = runtime.block_on(Lake::new().judged(sql)).expect_err(sql);
    assert!(refused.why.contains(why), "{sql}: {refused:?}");
}

#[test]
fn what_states_cannot_hold_or_merge_is_refused() {
    check("SELECT kind FROM events", "groups no rows");
    check("SELECT median(n) FROM events", "all of its values");
    check("SELECT kind, array_agg(n) FROM events GROUP BY kind", "all of its values");
    check("SELECT kind, string_agg(kind, ',') FROM events GROUP BY kind", "all of its values");
    check("SELECT approx_percentile_cont(0.5) WITHIN GROUP (ORDER BY x) FROM events", "changes the answer");
    check("SELECT approx_median(x) FROM events", "changes the answer");
    check("SELECT first_value(n) FROM events", "read first");
    check("SELECT kind, last_value(n ORDER BY time) FROM events GROUP BY kind", "read first");
    check(
        "SELECT kind, sum(DISTINCT n), count(DISTINCT n), sum(DISTINCT small) FROM events GROUP BY kind",
        "distinct values",
    );
    check("SELECT x, count(*) FROM events GROUP BY x", "grouped by Float64");
    check(
        "SELECT kind, count(DISTINCT x), count(DISTINCT n) FROM events GROUP BY kind",
        "distinct values of this type",
    );
    check("SELECT kind, random() AS r, count(*) FROM events GROUP BY 1, 2", "grouped by Float64");
    check(
        "SELECT array_position(['read, write'], kind) AS p, count(*) FROM events GROUP BY 1",
        "of which no state is kept",
    );
}

#[test]
fn what_is_more_than_filters_and_columns_below_is_refused() {
    check("SELECT a.kind, count(*) FROM events AS a JOIN events AS b ON a.n = b.n GROUP BY a.kind", "joined");
    check(
        "SELECT kind, count(*) FROM (SELECT * FROM events UNION ALL SELECT * FROM events) AS t GROUP BY kind",
        "several tables",
    );
    check("SELECT kind, count(*) FROM (SELECT * FROM events LIMIT 3) AS t GROUP BY kind", "LIMIT");
    check(
        "SELECT kind, count(*) FROM (SELECT kind, row_number() OVER (ORDER BY n) AS r FROM events) AS t WHERE r < 5 GROUP BY kind",
        "window",
    );
    check("SELECT count(*) FROM events WHERE n IN (SELECT small FROM events)", "joined");
    check("SELECT v, count(*) FROM generate_series(1, 3) AS t(v) GROUP BY v", "no dataset");
}

#[tokio::test]
async fn floats_are_said_to_be_inexact_and_the_rest_exact() {
    let rules = async |sql: &str| {
        let found = Lake::new().judged(sql).await.expect("eligible");
        found[0].judged.iter().map(|judged| judged.rule).collect::<Vec<_>>()
    };
    assert_eq!(rules("SELECT sum(n), avg(amount), count(*), max(kind) FROM events").await, [Rule::Exact; 4]);
    assert_eq!(rules("SELECT sum(x), avg(n), stddev(x), max(x) FROM events").await, [Rule::Inexact; 4]);
}

#[tokio::test]
async fn bounds_of_time_move_and_share_states_and_other_literals_do_not() {
    let lake = Lake::new();
    let of = async |rest: &str| {
        lake.judged(&format!("SELECT kind, count(*) FROM events {rest} GROUP BY kind")).await.expect("eligible")
    };
    let bounded = of("WHERE flag AND time >= '2026-01-01T00:00:00Z' AND time < '2026-02-01T00:00:00Z'").await;
    let later = of("WHERE flag AND time >= '2026-03-01T00:00:00Z' AND time < '2026-04-01T00:00:00Z'").await;
    assert_eq!(moved(&bounded, &later), None);
    // Without bounds rows that have no time count, too.
    assert!(moved(&bounded, &of("WHERE flag").await).is_some());
    for other in [
        "WHERE flag AND n > 1 AND time < '2026-02-01T00:00:00Z'",
        "WHERE NOT flag AND time < '2026-02-01T00:00:00Z'",
        "WHERE flag AND date_trunc('day', time) = '2026-02-01T00:00:00Z'",
        "WHERE flag AND (time < '2026-02-01T00:00:00Z' OR n = 1)",
    ] {
        let why = moved(&bounded, &of(other).await);
        assert!(why.is_some(), "{other}");
    }
    let texts = ["1", "'1'"].map(|literal| format!("SELECT kind, count(*), max({literal}) FROM events GROUP BY kind"));
    let [one, other] =
        [lake.judged(&texts[0]).await.expect("eligible"), lake.judged(&texts[1]).await.expect("eligible")];
    assert!(moved(&one, &other).is_some(), "types of literals count");
}

#[tokio::test]
async fn a_fingerprint_is_the_same_in_every_session() {
    let sql = "SELECT upper(kind), count(DISTINCT n), sum(x) FROM events WHERE kind LIKE 'a%' GROUP BY ROLLUP (kind, upper(kind))";
    let of = async || Lake::new().judged(sql).await.expect("eligible")[0].fingerprint.clone();
    assert_eq!(of().await, of().await);
}
