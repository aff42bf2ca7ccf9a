//! Is every dependency recorded? Statements are drawn, and columns they do not depend on are given other values: nothing
//! that comes out may change.
//!
//! `AUDITLAKE_ORACLE=10000` draws that many statements; without it there are few. A miss is told with the statement and
//! what draws it again.

mod expression;
mod perturb;
mod rows;
mod statement;

use perturb::{Lake, Recorded, Tally};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use crate::statement::Draw;

/// Statements where nobody says how many.
const FEW: usize = 60;

#[test]
fn what_is_not_recorded_changes_nothing() {
    let trials = std::env::var("AUDITLAKE_ORACLE").ok().and_then(|text| text.parse().ok()).unwrap_or(FEW);
    let from: u64 = std::env::var("AUDITLAKE_ORACLE_FROM").ok().and_then(|text| text.parse().ok()).unwrap_or(0);
    let lake = Lake::new();
    let mut tally = Tally::default();
    let mut misses = Vec::new();
    let mut seed = from;
    while tally.statements < trials {
        let sql = Draw::new(ChaCha8Rng::seed_from_u64(seed)).statement();
        match lake.recorded(&sql) {
            Some(recorded) => misses.extend(
                lake.misses(&sql, &recorded, seed, &mut tally)
                    .into_iter()
                    .map(|miss| format!("seed {seed}: {miss}\n  {sql}")),
            ),
            None => tally.refused += 1,
        }
        seed += 1;
    }
    println!("{tally}");
    assert!(misses.is_empty(), "{} misses\n{}", misses.len(), misses.join("\n"));
    assert!(tally.opaque == 0, "{} columns of statements without gaps are opaque", tally.opaque);
}

#[test]
fn an_edge_that_is_left_out_is_found() {
    let lake = Lake::new();
    let statements = [
        "SELECT a + b AS p, c AS q FROM t",
        "SELECT t.s AS p FROM t JOIN u ON t.a = u.x WHERE u.r > 'p'",
        "SELECT sum(c) FILTER (WHERE b > 0) AS p, count(*) AS n FROM t GROUP BY a",
        "SELECT (SELECT count(x) FROM u WHERE u.a = t.b) AS p FROM t",
        "SELECT s FROM t EXCEPT SELECT z FROM v",
        "SELECT max(a) OVER (PARTITION BY s ORDER BY b) AS p FROM t",
    ];
    for sql in statements {
        let whole = lake.recorded(sql).expect("the statement is planned and run");
        let mut found = 0;
        let edges = whole.edges();
        assert!(lake.misses(sql, &whole, 1, &mut Tally::default()).is_empty(), "{sql}");
        for edge in &edges {
            let less: Recorded = whole.without(edge);
            // One draw of other values may change nothing by chance; of many, one does.
            let is_found = (0..20).any(|seed| !lake.misses(sql, &less, seed, &mut Tally::default()).is_empty());
            found += usize::from(is_found);
        }
        assert_eq!(found, edges.len(), "{sql}");
    }
}
