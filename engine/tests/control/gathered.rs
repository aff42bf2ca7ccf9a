//! Statements of several controls that share rows, held equal to each of them by itself.

use schemas::{Control, Status};

use crate::harness::{self, Chance, statements_control};
use crate::{run, run_alone};

const TYPES: [&str; 4] = ["user.login", "user.locked", "role.assigned", "data.read"];

/// A condition on events that names some types, or none.
fn condition(chance: &mut Chance) -> String {
    let (one, other) = (chance.pick(&TYPES), chance.pick(&TYPES));
    let types = chance.pick(&["one", "either", "list", "not", "none"]);
    let types = match types {
        "one" => format!("event_type = '{one}'"),
        "either" => format!("(event_type = '{one}' OR (event_type = '{other}' AND mfa))"),
        "list" => format!("event_type IN ('{one}', '{other}')"),
        "not" => format!("event_type <> '{one}'"),
        _ => "true".to_owned(),
    };
    let time = chance.pick(&["time >= $start", "time >= $start - INTERVAL '30 minutes'", "true", "time < $end"]);
    format!("{types} AND {time} AND ({})", chance.predicate(1))
}

fn control(chance: &mut Chance, at: usize) -> Control {
    let population = format!(
        "SELECT scope, sum(n) AS n, sum(u) AS u
         FROM (
           SELECT tenant_id AS scope, count(*) AS n, count(*) FILTER (WHERE mfa IS NULL) AS u
           FROM audit
           WHERE {}
           GROUP BY tenant_id
           UNION ALL
           SELECT tenant_id AS scope, 1 AS n, 0 AS u FROM audit GROUP BY tenant_id
         ) AS parts
         GROUP BY scope",
        condition(chance)
    );
    let violations = format!(
        "SELECT found.tenant_id AS scope, found.event_id, found.time, found.event_type AS resource, 'because' AS reason
         FROM audit AS found
         WHERE EXISTS (SELECT 1 FROM audit WHERE audit.tenant_id = found.tenant_id AND audit.time > found.time AND {})
           AND found.event_id IN (SELECT event_id FROM audit WHERE {})",
        condition(chance),
        condition(chance)
    );
    statements_control(&format!("TE-ST-00{at}"), &population, &violations)
}

#[tokio::test]
async fn statements_that_share_rows_find_what_each_finds_alone() {
    let mut chance = Chance(11);
    let mut violations = 0;
    for _ in 0..10 {
        let rows: Vec<String> = (0..60).map(|at| chance.row_of(at, &TYPES)).collect();
        let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
        let lake = harness::lake(&rows, &["mfa", "src_country", "row_count"]).await;
        let controls: Vec<Control> = (0..4).map(|at| control(&mut chance, at)).collect();
        let together = run(&lake, &controls.iter().collect::<Vec<_>>(), &[]).await;
        for (control, together) in controls.iter().zip(&together) {
            let alone = run_alone(&lake, control, &[]).await;
            assert_eq!(alone.scopes, together.scopes, "{:?}", control.sql);
            assert_eq!(alone.evidence, together.evidence, "{:?}", control.sql);
            assert!(together.scopes.iter().all(|scope| scope.status != Status::Error), "{:?}", together.scopes);
            violations += together.scopes.iter().map(|scope| scope.violations).sum::<u64>();
        }
    }
    assert!(violations > 50, "only {violations} violations were compared");
}
