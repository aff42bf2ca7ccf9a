//! What statements give from states is what they give in full.

use arrow::array::{Decimal128Array, Float64Array};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::lake::{Lake, days, random_rows};
use crate::incremental::UseStates;

/// Statements whose every aggregate is exact.
const EXACT: &[&str] = &[
    "SELECT kind, count(*), count(n), sum(n), min(n), max(n), min(time), max(time), min(kind), max(hash) FROM events GROUP BY kind",
    "SELECT tenant_id, date_trunc('day', time) AS day, count(*), sum(small), sum(amount), avg(amount), min(amount) FROM events GROUP BY 1, 2",
    "SELECT count(*), count(x), sum(n), sum(small), sum(amount), avg(amount), min(time), max(kind), bool_and(flag), bool_or(flag) FROM events",
    "SELECT region, bool_and(flag), bool_or(flag), bit_and(n), bit_or(n), bit_xor(small), min(flag), max(region) FROM events GROUP BY region",
    "SELECT kind, count(*) FILTER (WHERE flag), sum(n) FILTER (WHERE n > 0 AND kind LIKE '%1'), max(small) FILTER (WHERE FALSE) FROM events GROUP BY kind",
    "SELECT DISTINCT kind, region, flag FROM events",
    "SELECT kind, hash FROM events GROUP BY kind, hash",
    "SELECT count(DISTINCT kind) FROM events",
    "SELECT kind, count(DISTINCT n) FROM events GROUP BY kind",
    "SELECT kind, count(DISTINCT n), count(DISTINCT hash), count(*) FROM events GROUP BY kind",
    "SELECT flag, count(DISTINCT n), count(DISTINCT kind), count(DISTINCT time) FROM events GROUP BY flag",
    "SELECT count(DISTINCT n), count(DISTINCT kind), min(n) FROM events",
    "SELECT kind, approx_distinct(n), approx_distinct(kind), approx_distinct(hash) FROM events GROUP BY kind",
    "SELECT approx_distinct(n), approx_distinct(time) FROM events",
    "SELECT kind, latency_sketch(CASE WHEN n >= 0 THEN n END), latency_sketch(abs(small)) FILTER (WHERE flag) FROM events GROUP BY kind",
    "SELECT sketch_quantile(latency_sketch(abs(small)), 95, 100), sketch_count(latency_sketch(abs(small))) FROM events",
    "SELECT kind, region, flag, count(*), sum(n), grouping(kind) FROM events GROUP BY ROLLUP (kind, region, flag)",
    "SELECT kind, region, count(*), max(time) FROM events GROUP BY GROUPING SETS ((kind), (region), (kind, region), ())",
    "SELECT kind, flag, sum(small) FROM events GROUP BY CUBE (kind, flag)",
    "SELECT kind, region, count(*), max(n) FROM events WHERE kind = 'none of them' GROUP BY ROLLUP (kind, region)",
    "SELECT kind, count(*), sum(n) FROM events WHERE time >= '2030-01-01T00:00:00Z' GROUP BY ROLLUP (kind)",
    "SELECT kind, count(*), sum(n) FROM events WHERE time < '2026-02-03T00:00:00Z' AND n > 1000000 GROUP BY CUBE (kind)",
    "SELECT kind, count(*) FROM events WHERE tenant_id = 't1' AND n BETWEEN -10 AND 10 GROUP BY kind",
    "SELECT tenant_id, kind, count(*) FROM events WHERE tenant_id = 't2' GROUP BY tenant_id, kind",
    "SELECT upper(kind) AS k, CASE WHEN n > 0 THEN 'up' WHEN n < 0 THEN 'down' END AS way, count(*) FROM events GROUP BY 1, 2",
    "SELECT k, s, rank() OVER (ORDER BY s DESC, k) FROM (SELECT kind AS k, sum(small) AS s FROM events GROUP BY kind) AS t",
    "SELECT kind, sum(small) AS s FROM events GROUP BY kind HAVING sum(small) > 0 ORDER BY s DESC, kind LIMIT 3",
    "SELECT a.kind, a.c, b.m FROM (SELECT kind, count(*) AS c FROM events GROUP BY kind) AS a JOIN (SELECT kind, max(n) AS m FROM events WHERE flag GROUP BY kind) AS b ON a.kind = b.kind",
    // The same grouping of two spans of time, whose states are the same.
    "SELECT a.kind, a.c, b.c AS d FROM (SELECT kind, count(*) AS c FROM events WHERE time < '2026-01-20T00:00:00Z' GROUP BY kind) AS a FULL JOIN (SELECT kind, count(*) AS c FROM events WHERE time >= '2026-01-20T00:00:00Z' GROUP BY kind) AS b ON a.kind = b.kind",
    "SELECT kind, count(*) FROM events WHERE time < '2026-01-20T00:00:00Z' GROUP BY kind UNION ALL SELECT kind, count(*) FROM events WHERE time >= '2026-02-01T00:00:00Z' GROUP BY kind UNION ALL SELECT kind, count(*) FROM events WHERE time < '2026-01-20T00:00:00Z' GROUP BY kind",
    // Subqueries that differ in their bounds alone, which the planner must not take for one.
    "SELECT kind, count(*) AS c, (SELECT count(*) FROM events WHERE time < '2026-02-20T00:00:00Z') - (SELECT count(*) FROM events WHERE time < '2026-01-20T00:00:00Z') AS d FROM events GROUP BY kind",
    // One grouping in two places.
    "SELECT kind, count(*), (SELECT count(*) FROM events WHERE flag) AS total FROM events GROUP BY kind HAVING count(*) * 100 > (SELECT count(*) FROM events WHERE flag)",
    "SELECT max(c), sum(c) FROM (SELECT kind, hash, count(*) AS c FROM events GROUP BY kind, hash) AS t",
    "SELECT kind, count(*) FROM events GROUP BY kind UNION ALL SELECT region, count(*) FROM events GROUP BY region",
    "SELECT kind, now() AS at, count(*) FROM events GROUP BY kind",
    "SELECT kind, count(*) FROM events GROUP BY kind HAVING count(*) > (SELECT min(small) FROM events)",
    "SELECT kind, count(*) FROM events WHERE n > (SELECT min(small) FROM events WHERE flag) GROUP BY kind",
    // Bounds of time: within a day, at its edges, on neither side, and with rows that have no time.
    "SELECT kind, count(*), max(time), min(time) FROM events WHERE time >= '2026-01-20T00:00:00Z' AND time < '2026-03-01T00:00:00Z' GROUP BY kind",
    "SELECT kind, count(*) FROM events WHERE time > '2026-01-20T00:00:00Z' AND time <= '2026-02-20T00:00:00Z' GROUP BY kind",
    "SELECT count(*), count(time) FROM events WHERE time >= '2026-02-03T11:59:00.5Z' AND time < '2026-02-03T13:00:00Z'",
    "SELECT count(*), count(time) FROM events WHERE time < '2026-02-03T11:59:00.5Z'",
    "SELECT kind, count(*) FROM events WHERE time BETWEEN '2026-01-31T23:59:59.999999Z' AND '2026-02-02T00:00:00Z' GROUP BY kind",
    "SELECT count(*) FROM events WHERE time >= '2030-01-01T00:00:00Z'",
    "SELECT kind, count(*) FROM events WHERE time >= '2030-01-01T00:00:00Z' GROUP BY kind",
    "SELECT count(*) FROM events WHERE time >= now() - INTERVAL '300 days'",
    "SELECT count(*) FROM events WHERE time IS NULL",
];

/// Statements with sums of floating-point numbers.
const INEXACT: &[&str] = &[
    "SELECT kind, sum(x), avg(x), avg(small), min(x), max(y) FROM events GROUP BY kind",
    "SELECT sum(x), avg(y), min(x), max(x) FROM events",
    "SELECT kind, stddev(x), stddev_pop(y), var_pop(x), var_samp(y) FROM events GROUP BY kind",
    "SELECT kind, corr(x, y), covar_samp(x, y), covar_pop(x, y), regr_slope(x, y), regr_count(x, y), regr_r2(y, x) FROM events GROUP BY kind",
    "SELECT flag, kind, sum(x * y), avg(x) FILTER (WHERE flag) FROM events GROUP BY ROLLUP (flag, kind)",
];

async fn lake(seed: u64) -> Lake {
    let lake = Lake::new();
    let mut chance = ChaCha8Rng::seed_from_u64(seed);
    let days =
        [days("2025-11-28", "2025-12-09"), days("2026-01-15", "2026-02-06"), days("2026-03-01", "2026-03-02")].concat();
    lake.fill(&days.iter().map(String::as_str).collect::<Vec<_>>(), 120, &mut chance).await;
    lake
}

/// The same up to the rounding of floating-point numbers.
fn is_close(one: &[String], other: &[String]) -> bool {
    let near = |a: &str, b: &str| match (a.parse::<f64>(), b.parse::<f64>()) {
        (Ok(a), Ok(b)) => a == b || (a.is_nan() && b.is_nan()) || (a - b).abs() <= 1e-9 * a.abs().max(b.abs()).max(1.0),
        _ => a == b,
    };
    let cells = |line: &'_ String| line.split(" | ").map(str::to_owned).collect::<Vec<_>>();
    one.len() == other.len()
        && one.iter().zip(other).all(|(one, other)| {
            let (one, other) = (cells(one), cells(other));
            one.len() == other.len() && one.iter().zip(&other).all(|(a, b)| near(a, b))
        })
}

/// Deletes a random half of the states and damages some of the others.
async fn damage(lake: &Lake, chance: &mut ChaCha8Rng) {
    for path in lake.states().await {
        let path = object_store::path::Path::from(path);
        match chance.random_range(0..4) {
            0 | 1 => lake.front.remove(&path).await.expect("removed"),
            2 => lake.front.replace(&path, bytes::Bytes::from_static(b"PAR1 no state")).await.expect("damaged"),
            _ => {}
        }
    }
}

#[tokio::test]
async fn what_is_exact_equals_the_plain_statement_whatever_is_kept() {
    for seed in 0..3 {
        let lake = lake(seed).await;
        let mut chance = ChaCha8Rng::seed_from_u64(seed + 100);
        for sql in EXACT {
            let plain = lake.plain(sql).await;
            assert_eq!(lake.folded(sql, UseStates::Anew).await.0, plain, "anew: {sql}");
            let (first, used) = lake.folded(sql, UseStates::Kept).await;
            assert_eq!(first, plain, "first: {sql}");
            let (second, again) = lake.folded(sql, UseStates::Kept).await;
            assert_eq!(second, plain, "from states: {sql}");
            assert_eq!((again.states_computed, again.border_files), (0, used.border_files), "{sql}");
            damage(&lake, &mut chance).await;
            assert_eq!(lake.folded(sql, UseStates::Kept).await.0, plain, "from some states: {sql}");
        }
    }
}

#[tokio::test]
async fn sums_of_floats_have_the_same_bits_whatever_is_kept() {
    for seed in 3..6 {
        let lake = lake(seed).await;
        let mut chance = ChaCha8Rng::seed_from_u64(seed + 100);
        for sql in INEXACT {
            let anew = lake.folded(sql, UseStates::Anew).await.0;
            let plain = lake.plain(sql).await;
            assert!(is_close(&anew, &plain), "{sql}: {anew:#?} {plain:#?}");
            assert_eq!(lake.folded(sql, UseStates::Kept).await.0, anew, "first: {sql}");
            assert_eq!(lake.folded(sql, UseStates::Kept).await.0, anew, "from states: {sql}");
            damage(&lake, &mut chance).await;
            assert_eq!(lake.folded(sql, UseStates::Kept).await.0, anew, "from some states: {sql}");
        }
    }
}

#[tokio::test]
async fn numbers_that_are_none_and_zeros_of_both_signs_have_the_same_bits_whatever_is_kept() {
    let lake = Lake::new();
    let mut chance = ChaCha8Rng::seed_from_u64(12);
    let special = [f64::NAN, -f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 0.0, -0.0, f64::MIN_POSITIVE, f64::MAX, 1.5];
    for day in days("2026-01-01", "2026-02-12") {
        let rows = random_rows("t1", &day, 12, &mut chance);
        let at = rows.schema().index_of("x").expect("a column");
        // Files of few kinds of values each, so that some have zeros or none alone.
        let kinds = &special[chance.random_range(0..special.len())..];
        let values: Float64Array = (0..12).map(|_| Some(kinds[chance.random_range(0..kinds.len().min(2))])).collect();
        let mut columns = rows.columns().to_vec();
        columns[at] = std::sync::Arc::new(values);
        let rows = arrow::record_batch::RecordBatch::try_new(rows.schema(), columns).expect("one length");
        lake.put(&format!("events/tenant=t1/date={day}/part.parquet"), &rows).await;
    }
    for sql in INEXACT {
        let anew = lake.folded(sql, UseStates::Anew).await.0;
        assert_eq!(lake.folded(sql, UseStates::Kept).await.0, anew, "first: {sql}");
        assert_eq!(lake.folded(sql, UseStates::Kept).await.0, anew, "from states: {sql}");
        damage(&lake, &mut chance).await;
        assert_eq!(lake.folded(sql, UseStates::Kept).await.0, anew, "from some states: {sql}");
    }
}

#[tokio::test]
async fn a_lake_without_files_gives_what_no_rows_give() {
    let lake = Lake::new();
    for sql in EXACT.iter().chain(INEXACT) {
        let plain = lake.plain(sql).await;
        assert_eq!(lake.folded(sql, UseStates::Kept).await.0, plain, "{sql}");
    }
}

#[tokio::test]
async fn each_file_is_read_as_if_it_were_alone_in_whichever_order() {
    // A bound that a plan learned from one file would hide rows of the next.
    let sql = "SELECT min(n), max(n), min(small), max(time) FROM events";
    for reversed in [false, true] {
        let lake = Lake::new();
        let mut chance = ChaCha8Rng::seed_from_u64(9);
        let mut days = days("2026-01-01", "2026-01-20");
        if reversed {
            days.reverse();
        }
        lake.fill(&days.iter().map(String::as_str).collect::<Vec<_>>(), 50, &mut chance).await;
        assert_eq!(lake.folded(sql, UseStates::Kept).await.0, lake.plain(sql).await);
    }
}

#[tokio::test]
async fn a_history_of_adding_replacing_and_erasing_gives_at_each_step_what_the_plain_statement_gives() {
    let sql = "SELECT kind, count(*), sum(n), max(time), sum(amount) FROM events WHERE time < '2026-01-28T00:00:00Z' GROUP BY kind";
    let histories = std::env::var("AUDITLAKE_HISTORIES").map_or(25, |count| count.parse().expect("a number"));
    for seed in 0..histories {
        let lake = Lake::new();
        let mut chance = ChaCha8Rng::seed_from_u64(seed);
        let all = days("2025-12-01", "2026-01-31");
        for step in 0..8 {
            for _ in 0..chance.random_range(1..6) {
                let day = all[chance.random_range(0..all.len())].as_str();
                match chance.random_range(0..4) {
                    0 => {
                        let listed = lake.front.list(&object_store::path::Path::from("events")).await.expect("listed");
                        if let Some(gone) = listed.first() {
                            lake.front.remove(&gone.location).await.expect("removed");
                        }
                    }
                    // The same names again: a file that is there is replaced.
                    _ => lake.fill(&[day], 30, &mut chance).await,
                }
            }
            let plain = lake.plain(sql).await;
            assert_eq!(lake.folded(sql, UseStates::Kept).await.0, plain, "seed {seed}, step {step}");
        }
    }
}

#[tokio::test]
async fn sums_that_leave_the_range_of_their_type_do_so_alike() {
    let lake = Lake::new();
    let mut chance = ChaCha8Rng::seed_from_u64(4);
    for day in days("2026-01-01", "2026-02-09") {
        let mut rows = random_rows("t1", &day, 3, &mut chance);
        let at = rows.schema().index_of("amount").expect("a column");
        let largest =
            Decimal128Array::from(vec![9 * 10_i128.pow(37); 3]).with_precision_and_scale(38, 2).expect("fits");
        let mut columns = rows.columns().to_vec();
        columns[at] = std::sync::Arc::new(largest);
        rows = arrow::record_batch::RecordBatch::try_new(rows.schema(), columns).expect("one length");
        lake.put(&format!("events/tenant=t1/date={day}/part.parquet"), &rows).await;
    }
    for sql in ["SELECT sum(amount), max(amount) FROM events", "SELECT kind, sum(amount) FROM events GROUP BY kind"] {
        for using in [UseStates::Anew, UseStates::Kept, UseStates::Kept] {
            assert_eq!(lake.folded(sql, using).await.0, lake.plain(sql).await, "{sql}");
        }
    }
}
