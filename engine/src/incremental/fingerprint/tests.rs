use datafusion::common::ScalarValue;
use datafusion::logical_expr::{col, lit};

use super::*;

fn of(expressions: &[Expr]) -> String {
    let text = node("filter", expressions).expect("told");
    Fingerprint::of(vec![text]).as_str().to_owned()
}

#[test]
fn whatever_differs_has_another_fingerprint() {
    let all = [
        col("a").eq(lit(1_i64)),
        col("a").eq(lit(1_i32)),
        col("a").eq(lit("1")),
        col("a").eq(lit(ScalarValue::Utf8View(Some("1".to_owned())))),
        col("b").eq(lit(1_i64)),
        col("t.a").eq(lit(1_i64)),
        col("a").not_eq(lit(1_i64)),
        col("a").eq(lit(1_i64)).is_null(),
        col("a").like(lit("1")),
        col("a").ilike(lit("1")),
        col("a").not_like(lit("1")),
        col("a").between(lit(1_i64), lit(2_i64)),
        col("a").not_between(lit(1_i64), lit(2_i64)),
        col("a").in_list(vec![lit(1_i64)], false),
        col("a").in_list(vec![lit(1_i64)], true),
        col("a").in_list(vec![lit(1_i64), lit(2_i64)], false),
        col("a").alias("b"),
        col("a").alias("c"),
        lit("a) (literal 4:Utf8 1:b"),
        lit("a"),
        -col("a"),
        !col("a"),
    ];
    let hashes: std::collections::BTreeSet<String> = all.iter().map(|one| of(std::slice::from_ref(one))).collect();
    assert_eq!(hashes.len(), all.len());
    assert_ne!(of(&[col("a"), col("b")]), of(&[col("b"), col("a")]), "order counts");
}

#[test]
fn parts_are_told_apart_by_their_lengths() {
    let parts = |parts: &[&str]| Fingerprint::of(parts.iter().map(|part| (*part).to_owned()).collect());
    let one = parts(&["ab", "c"]);
    for other in [parts(&["a", "bc"]), parts(&["abc"]), parts(&["ab", "c", ""])] {
        assert_ne!(one.as_str(), other.as_str());
    }
    assert_eq!(one.first_difference(&parts(&["ab", "d"])), Some(("c", "d")));
    assert_eq!(one.first_difference(&parts(&["ab"])), Some(("c", "")));
    assert_eq!(one.first_difference(&one.clone()), None);
}

#[test]
fn options_count_but_for_how_wide_a_session_is() {
    let of = |key: &str, value: &str| surroundings([(key.to_owned(), Some(value.to_owned()))].into_iter());
    assert_eq!(of(WIDTHS[0], "1"), of(WIDTHS[0], "2"));
    assert_ne!(of("datafusion.execution.time_zone", "UTC"), of("datafusion.execution.time_zone", "CET"));
}

#[test]
fn the_hash_of_parts_is_what_it_is_in_every_process() {
    // SHA-256 of 2, 1, "a", 1, "b", numbers as eight bytes.
    let made = Fingerprint::of(vec!["a".to_owned(), "b".to_owned()]);
    assert_eq!(made.as_str(), "b4ca2c4342080939b36442216158f97b");
}
