//! Masks: what is shown, and that nothing undoes it.

use crate::harness::{Lake, Rows};
use crate::leaks::holds_no_mark;

#[tokio::test]
async fn each_mask_shows_what_it_should() {
    let lake = Lake::new(Rows::Marked).await;
    let sql = "SELECT DISTINCT address, note, person, amount FROM plain WHERE id = 'id-17'";
    let shown = lake.ask("ann", sql).await.expect("a row");
    assert!(shown.contains("| 10.2.2.0 | no*** |        | 100    |"), "{shown}");
    let kinds = lake.ask("ann", "SELECT count(DISTINCT actor) AS n, min(length(actor)) AS l FROM plain").await;
    assert!(kinds.expect("figures").contains("| 7 | 25 |"), "seven actors, key id and 22 letters each");
}

#[tokio::test]
async fn nothing_undoes_a_mask() {
    let lake = Lake::new(Rows::Marked).await;
    for sql in [
        "SELECT note, person, actor FROM plain",
        "SELECT concat(note, person, actor) AS c FROM plain",
        "SELECT CAST(note AS BIGINT) AS n FROM plain",
        "SELECT max(note) AS a, min(person) AS b, array_agg(actor) AS c FROM plain",
        "SELECT note, count(*) AS n FROM plain GROUP BY note ORDER BY note",
        "SELECT p.note FROM plain p JOIN plain q ON p.note = q.note WHERE q.person IS NULL",
        "SELECT * FROM (SELECT *, rank() OVER (PARTITION BY note ORDER BY actor) AS r FROM plain) AS ranked",
        "WITH x AS (SELECT * FROM plain) SELECT x.* FROM x WHERE x.note LIKE '%MARK%'",
        "SELECT person FROM plain UNION ALL SELECT note FROM plain",
        "SELECT note FROM plain EXCEPT SELECT actor FROM plain",
        "SELECT coalesce(person, note) AS c FROM plain",
        "SELECT encode(note::bytea, 'hex') AS h, md5(person) AS m FROM plain",
        "SELECT (SELECT max(q.note) FROM plain q WHERE q.id = p.id) AS c FROM plain p",
        "SELECT note FROM plain WHERE EXISTS (SELECT 1 FROM narrow n WHERE n.note = plain.note)",
    ] {
        let told = lake.ask("ann", sql).await.unwrap_or_else(|error| error);
        holds_no_mark("ann", sql, &told);
        assert!(!told.contains("note-") && !told.contains("actor-"), "{sql}\n{told}");
    }
}

#[tokio::test]
async fn a_personal_column_without_a_mask_shows_nothing_unless_a_role_may_see_it() {
    let lake = Lake::new(Rows::Marked).await;
    let sql = "SELECT count(person) AS n FROM plain";
    assert!(lake.ask("rob", sql).await.expect("a figure").contains("| 0 |"));
    assert!(lake.ask("all", sql).await.expect("a figure").contains("| 120 |"));
}

#[tokio::test]
async fn what_does_not_fit_the_dataset_is_found_by_a_check() {
    let access = "
roles:
  odd:
    inherits: [analyst]
    datasets:
      plain: {rows: \"tenent = 'x'\"}
      narrow: {rows: all, columns: {amount: {mask: truncate_ip}}, hide: [ide]}
  sub: {inherits: [analyst], datasets: {plain: {rows: \"id IN (SELECT id FROM narrow)\"}, narrow: {rows: \"amount\"}}}
  who: {inherits: [analyst], datasets: {plain: {rows: \"tenant = principal.tenant\"}, narrow: {rows: \"random() > 0.5\"}}}
  att: {inherits: [analyst], datasets: {plain: {rows: \"region = principal.attribute('land')\"}, narrow: {rows: \"max(amount) > 1\"}}}
principals:
  odd: {tenants: [ta], roles: [odd]}
  sub: {tenants: [ta], roles: [sub]}
  who: {tenants: [ta, tb], roles: [who]}
  att: {tenants: all, roles: [att]}
";
    let lake = Lake::with_access(Rows::Marked, access).await;
    let mut told = Vec::new();
    for who in ["odd", "sub", "who", "att"] {
        told.extend(lake.faults(who).await);
    }
    let told = told.join("\n");
    for part in [
        "plain: rows: tenent = 'x': ",
        "tenent",
        "narrow: it has no column \"ide\"; did you mean \"id\"?",
        "plain: rows: id IN (SELECT id FROM narrow): it must be an expression over one row, without a subquery",
        "narrow: rows: amount: it gives Int64 and must be true or false",
        "plain: rows: tenant = principal.tenant: principal.tenant is for principals of one tenant, and \"who\" has 2",
        "narrow: rows: random() > 0.5: it must give the same answer every time",
        "plain: rows: region = principal.attribute('land'): principal \"att\" has no attribute 'land'",
        "narrow: rows: max(amount) > 1: it must be an expression over one row: no aggregate",
    ] {
        assert!(told.contains(part), "{part} is not in\n{told}");
    }
    // The principal itself is told nothing of the filter.
    let said = lake.ask("who", "SELECT * FROM plain").await.expect_err("cannot be worked out");
    assert!(said.contains("access.yaml") && !said.contains("principal.tenant"), "{said}");
}
