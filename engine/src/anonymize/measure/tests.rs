use std::sync::Arc;

use arrow::array::{
    BooleanArray, Date32Array, Decimal128Array, DictionaryArray, Float64Array, Int8Array, Int32Array, Int64Array,
    LargeStringArray, NullArray, StringArray, StringViewArray, UInt64Array,
};
use arrow::datatypes::Int32Type;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;
use crate::anonymize::tests::{figures, groups_of, random_sensitive, rows_of};
use crate::anonymize::{Distance, Requirement};

fn texts(values: &[&str]) -> ArrayRef {
    Arc::new(StringArray::from(values.to_vec()))
}

fn sensitive(values: ArrayRef, distance: Distance) -> SensitiveColumn {
    SensitiveColumn { name: "disease".to_owned(), values, distance }
}

fn near(one: f64, other: f64) -> bool {
    (one - other).abs() < 1e-9
}

#[test]
fn a_small_table_has_the_figures_counted_by_hand() {
    let quasi = [texts(&["a", "a", "a", "b", "b"]), Arc::new(Int32Array::from(vec![1, 1, 1, 2, 2]))];
    let disease = sensitive(texts(&["flu", "flu", "gout", "gout", "flu"]), Distance::Equal);
    let measured = measure(&quasi, &[disease]).expect("one table");
    assert_eq!((measured.rows, measured.groups, measured.k), (5, 2, 2));
    let column = measured.sensitive[0];
    assert_eq!(column.distinct_l, 2);
    // Two thirds and one third.
    assert!(near(column.entropy_l, 3.0 / 2.0_f64.powf(2.0 / 3.0)), "{column:?}");
    // A half where all have three fifths.
    assert!(near(column.t, 0.1), "{column:?}");
}

#[test]
fn the_salaries_of_the_paper_on_closeness_are_as_far_as_it_says() {
    // Li, Li, Venkatasubramanian 2007, section 4: 3, 4 and 5 thousand are 0.375 away from 3 to 11; 6, 8 and 11 are
    // 0.167.
    let salary = Int64Array::from(vec![3, 4, 5, 6, 11, 8, 7, 9, 10]);
    let distance = |group: ArrayRef| {
        let salary = sensitive(Arc::new(salary.clone()), Distance::Ordered);
        measure(&[group], &[salary]).expect("one table").sensitive[0].t
    };
    assert!(near(distance(texts(&["a", "a", "a", "b", "b", "b", "c", "c", "c"])), 0.375));
    // The groups 6, 8, 11 and the rest: the rest is half as far, being twice as many.
    assert!(near(distance(texts(&["b", "b", "b", "a", "a", "a", "b", "b", "b"])), 1.0 / 6.0));
}

#[test]
fn an_empty_table_satisfies_nothing() {
    let disease = sensitive(texts(&[]), Distance::Equal);
    let measured = measure(&[texts(&[])], &[disease]).expect("one table");
    assert_eq!((measured.k, measured.sensitive[0].distinct_l), (0, 0));
    assert!(!Requirement::k(1).is_met_by(&measured));
}

#[test]
fn equal_values_are_equal_in_every_type() {
    let same: Vec<ArrayRef> = vec![
        Arc::new(StringArray::from(vec![Some("x"), None, Some("x"), None, Some("y")])),
        Arc::new(LargeStringArray::from(vec![Some("x"), None, Some("x"), None, Some("y")])),
        Arc::new(StringViewArray::from(vec![
            Some("longer than a view holds"),
            None,
            Some("longer than a view holds"),
            None,
            Some("y"),
        ])),
        Arc::new(Int8Array::from(vec![Some(-1), None, Some(-1), None, Some(1)])),
        Arc::new(Int64Array::from(vec![Some(i64::MIN), None, Some(i64::MIN), None, Some(i64::MAX)])),
        Arc::new(UInt64Array::from(vec![Some(u64::MAX), None, Some(u64::MAX), None, Some(0)])),
        Arc::new(Float64Array::from(vec![Some(0.0), None, Some(-0.0), None, Some(f64::NAN)])),
        Arc::new(BooleanArray::from(vec![Some(true), None, Some(true), None, Some(false)])),
        Arc::new(Date32Array::from(vec![Some(7), None, Some(7), None, Some(8)])),
        Arc::new(Decimal128Array::from(vec![Some(7), None, Some(7), None, Some(8)])),
        Arc::new(vec![Some("x"), None, Some("x"), None, Some("y")].into_iter().collect::<DictionaryArray<Int32Type>>()),
        // A dictionary that has a value twice, and NULL.
        Arc::new(DictionaryArray::new(
            Int32Array::from(vec![Some(0), Some(2), Some(1), None, Some(3)]),
            Arc::new(StringArray::from(vec![Some("x"), Some("x"), None, Some("y"), Some("unused")])),
        )),
    ];
    for column in same {
        let measured = measure(std::slice::from_ref(&column), &[]).expect("one table");
        assert_eq!((measured.groups, measured.k), (3, 1), "{}", column.data_type());
        let sliced = column.slice(1, 3);
        let measured = measure(&[sliced], &[]).expect("one table");
        assert_eq!((measured.groups, measured.k), (2, 1), "{}", column.data_type());
    }
    let nothing: ArrayRef = Arc::new(NullArray::new(4));
    assert_eq!(measure(&[nothing], &[]).expect("one table").k, 4);
}

#[test]
fn what_is_no_table_is_refused() {
    let error = measure(&[], &[]).expect_err("no column").to_string();
    assert_eq!(error, "there is no quasi identifier; name the columns that help to tell who a row is about");
    let error = measure(&[texts(&["a"]), texts(&["a", "b"])], &[]).expect_err("two lengths").to_string();
    assert_eq!(error, "column \"quasi identifier 2\" has 2 rows and another column 1; give columns of the same rows");
    let disease = sensitive(texts(&["flu", "gout"]), Distance::Equal);
    let error = measure(&[texts(&["a"])], &[disease]).expect_err("two lengths").to_string();
    assert_eq!(error, "column \"disease\" has 2 rows and another column 1; give columns of the same rows");
}

#[test]
fn many_columns_of_many_values_do_not_run_over() {
    // The product of the distinct values of ten such columns has no place in 64 bits.
    let columns: Vec<ArrayRef> = (0..10_i64)
        .map(|by| Arc::new((0..2000).map(|row| row * (by + 1)).collect::<Int64Array>()) as ArrayRef)
        .collect();
    let measured = measure(&columns, &[]).expect("one table");
    assert_eq!((measured.groups, measured.k), (2000, 1));
    let twice: Vec<ArrayRef> = columns
        .iter()
        .map(|column| arrow::compute::concat(&[column.as_ref(), column.as_ref()]).expect("one type"))
        .collect();
    let measured = measure(&twice, &[]).expect("one table");
    assert_eq!((measured.groups, measured.k), (2000, 2));
}

#[test]
fn random_tables_have_the_figures_of_the_papers() {
    for seed in 0..200 {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let rows = rng.random_range(1..60);
        let columns = rng.random_range(1..4);
        let quasi: Vec<ArrayRef> = (0..columns)
            .map(|_| {
                Arc::new(
                    (0..rows).map(|_| rng.random_bool(0.9).then(|| rng.random_range(0..3))).collect::<Int32Array>(),
                ) as ArrayRef
            })
            .collect();
        let sensitive = [random_sensitive(&mut rng, rows), random_sensitive(&mut rng, rows)];
        let measured = measure(&quasi, &sensitive).expect("one table");
        let groups = groups_of(&rows_of(&quasi));
        assert_eq!(measured.groups, groups.len() as u64, "seed {seed}");
        assert_eq!(measured.k, groups.values().map(Vec::len).min().expect("a group") as u64, "seed {seed}");
        let among: Vec<usize> = (0..rows).collect();
        for (column, measured) in sensitive.iter().zip(&measured.sensitive) {
            let figures: Vec<Diversity> = groups.values().map(|rows| figures(column, rows, &among)).collect();
            let least = |figure: fn(&Diversity) -> f64| figures.iter().map(figure).fold(f64::INFINITY, f64::min);
            assert_eq!(measured.distinct_l as f64, least(|of| of.distinct_l as f64), "seed {seed}");
            assert!(near(measured.entropy_l, least(|of| of.entropy_l)), "seed {seed}");
            assert!(near(measured.t, -least(|of| -of.t)), "seed {seed}: {measured:?}");
        }
    }
}
