use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Int32Array};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;
use crate::anonymize::tests::{admits, groups_of, random_quasi, random_sensitive, rows_of};
use crate::anonymize::{Distance, Hierarchy};

fn numbers(values: &[Option<i32>]) -> QuasiColumn {
    let values = Arc::new(Int32Array::from(values.to_vec()));
    QuasiColumn { name: "age".to_owned(), values, hierarchy: None }
}

fn letters(values: &[Option<&str>]) -> QuasiColumn {
    let hierarchy = Some(Hierarchy::from_csv("a;ab;all\nc;cd;all\nb;ab;all\nd;cd;all\n", None).expect("a tree"));
    QuasiColumn { name: "letter".to_owned(), values: Arc::new(StringArray::from(values.to_vec())), hierarchy }
}

#[track_caller]
fn check(quasi: &[QuasiColumn], k: u64, expected: &[&[&str]]) {
    let found = mondrian(quasi, &[], &Requirement::k(k)).expect("there are enough rows");
    let text = |text: Option<&str>| text.unwrap_or("NULL").to_owned();
    let columns: Vec<Vec<String>> = found.columns.iter().map(|column| column.iter().map(text).collect()).collect();
    assert_eq!(columns, expected);
}

#[test]
fn a_part_is_cut_at_its_median() {
    check(&[numbers(&[1, 2, 3, 4].map(Some))], 2, &[&["[1-2]", "[1-2]", "[3-4]", "[3-4]"]]);
    check(&[numbers(&[1, 2, 3, 4].map(Some))], 3, &[&["[1-4]"; 4]]);
    // One value is never on both sides, and the more even cut is the one before it.
    check(&[numbers(&[1, 2, 2, 2, 2].map(Some))], 1, &[&["1", "2", "2", "2", "2"]]);
    check(&[numbers(&[1, 2, 2, 2, 2].map(Some))], 2, &[&["[1-2]"; 5]]);
}

#[test]
fn nulls_are_a_value_before_all() {
    check(&[numbers(&[None, None, Some(1), Some(2)])], 2, &[&["NULL", "NULL", "[1-2]", "[1-2]"]]);
    check(&[numbers(&[None, Some(1), Some(2)])], 3, &[&["*"; 3]]);
    check(&[letters(&[None, Some("a"), None])], 3, &[&["all"; 3]]);
    check(&[letters(&[None, None, Some("a")])], 1, &[&["NULL", "NULL", "a"]]);
}

#[test]
fn categories_have_their_lowest_common_ancestor() {
    check(&[letters(&["a", "c", "b", "d"].map(Some))], 2, &[&["ab", "cd", "ab", "cd"]]);
    check(&[letters(&["a", "c", "b", "d"].map(Some))], 3, &[&["all"; 4]]);
    let forest = Some(Hierarchy::from_prefixes(&[2, 1]).expect("shorter"));
    let forest = QuasiColumn { hierarchy: forest, ..letters(&["a1", "b1"].map(Some)) };
    check(&[forest], 2, &[&["*"; 2]]);
}

#[test]
fn a_cut_that_breaks_diversity_is_not_made() {
    let age = [numbers(&[1, 2, 3, 4].map(Some))];
    let disease = |values: [&str; 4]| SensitiveColumn {
        name: "disease".to_owned(),
        values: Arc::new(StringArray::from(values.to_vec())),
        distance: Distance::Equal,
    };
    let groups = |values, requirement| mondrian(&age, &[disease(values)], &requirement).expect("is met").groups;
    let two = Requirement { distinct_l: Some(2), ..Requirement::k(2) };
    assert_eq!(groups(["flu", "gout", "flu", "gout"], two.clone()), 2);
    assert_eq!(groups(["flu", "flu", "gout", "gout"], two), 1);
}

#[test]
fn what_cannot_be_is_told_without_values() {
    let error = mondrian(&[numbers(&[Some(1)])], &[], &Requirement::k(2)).expect_err("one row").to_string();
    assert_eq!(
        error,
        "no generalisation satisfies k = 2: at the best levels (all rows in one group), 1 of 1 groups with 1 of 1 rows do \
         not, and 0 rows may be suppressed; ask for less, allow more suppression, or add coarser levels to the hierarchies"
    );
    let plain = QuasiColumn { hierarchy: None, ..letters(&[Some("a")]) };
    let error = mondrian(&[plain], &[], &Requirement::k(1)).expect_err("no hierarchy").to_string();
    assert_eq!(error, "column \"letter\" has no hierarchy; give it one, or another method than a quasi identifier's");
    assert!(matches!(mondrian(&[], &[], &Requirement::k(1)), Err(AnonymizeError::NoQuasi)));
    let empty = mondrian(&[numbers(&[])], &[], &Requirement::k(1));
    assert!(matches!(empty, Err(AnonymizeError::NotMet(_))));
    assert!(matches!(mondrian(&[numbers(&[None])], &[], &Requirement::k(0)), Err(AnonymizeError::OutOfRange { .. })));
}

/// The values of some rows in the order of the column, each with its rows.
fn in_order(column: &QuasiColumn, rows: &[usize]) -> Vec<Vec<usize>> {
    let values = rows_of(std::slice::from_ref(&column.values));
    let mut rows = rows.to_vec();
    let numeric = Distance::of(column.values.data_type()) == Distance::Ordered;
    rows.sort_by(|one, other| match (&values[*one][0], &values[*other][0]) {
        (Some(one), Some(other)) if numeric => one.parse::<i64>().ok().cmp(&other.parse::<i64>().ok()),
        (Some(one), Some(other)) => column.hierarchy.as_ref().expect("has one").compare(one, other),
        (one, other) => one.is_some().cmp(&other.is_some()),
    });
    rows.chunk_by(|one, other| values[*one] == values[*other]).map(<[usize]>::to_vec).collect()
}

/// Whether a part may be cut beside the median of a column.
fn can_be_cut(
    quasi: &[QuasiColumn],
    sensitive: &[SensitiveColumn],
    requirement: &Requirement,
    part: &[usize],
    among: &[usize],
) -> bool {
    quasi.iter().any(|column| {
        let values = in_order(column, part);
        let mut passed = 0;
        let median = values.iter().position(|rows| {
            passed += rows.len();
            passed > (part.len() - 1) / 2
        });
        let median = median.expect("a part has rows");
        [median, median + 1].into_iter().any(|at| {
            let (lower, upper) = (values[..at].concat(), values[at..].concat());
            !lower.is_empty()
                && !upper.is_empty()
                && admits(requirement, sensitive, &lower, among)
                && admits(requirement, sensitive, &upper, among)
        })
    })
}

/// Whether a text is true of a value.
fn covers(column: &QuasiColumn, value: Option<&str>, text: Option<&str>) -> bool {
    match (value, text) {
        (_, Some("*")) => true,
        (Some(value), Some(text)) if Distance::of(column.values.data_type()) == Distance::Ordered => {
            let number = |text: &str| text.parse::<i64>().expect("a number");
            let bare = text.trim_matches(['[', ']']);
            let (first, last) = bare.split_once('-').unwrap_or((bare, bare));
            (number(first)..=number(last)).contains(&number(value))
        }
        (Some(value), Some(text)) => {
            let texts = column.hierarchy.as_ref().expect("has one").texts_of(value);
            texts.expect("is in it").iter().any(|other| other == text)
        }
        (value, text) => value.is_none() && text.is_none(),
    }
}

#[test]
fn random_tables_are_cut_until_no_cut_is_allowed() {
    for seed in 0..200 {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let rows = rng.random_range(4..80);
        let quasi: Vec<QuasiColumn> = (0..rng.random_range(1..4)).map(|at| random_quasi(&mut rng, rows, at)).collect();
        let sensitive = [random_sensitive(&mut rng, rows)];
        let requirement = Requirement {
            k: rng.random_range(1..6),
            distinct_l: rng.random_bool(0.3).then_some(2),
            entropy_l: rng.random_bool(0.2).then_some(1.3),
            t: rng.random_bool(0.2).then_some(0.4),
        };
        let among: Vec<usize> = (0..rows).collect();
        let found = match mondrian(&quasi, &sensitive, &requirement) {
            Ok(found) => found,
            Err(error) => {
                assert!(!admits(&requirement, &sensitive, &among, &among), "seed {seed}: {error}");
                continue;
            }
        };
        let mut parts = vec![Vec::new(); found.groups as usize];
        found.group_of_row.iter().enumerate().for_each(|(row, group)| parts[*group as usize].push(row));
        for part in &parts {
            assert!(admits(&requirement, &sensitive, part, &among), "seed {seed}: {part:?}");
            assert!(!can_be_cut(&quasi, &sensitive, &requirement, part, &among), "seed {seed}: {part:?}");
        }
        let values = rows_of(&quasi.iter().map(|column| column.values.clone()).collect::<Vec<_>>());
        let texts =
            rows_of(&found.columns.iter().map(|column| Arc::new(column.clone()) as ArrayRef).collect::<Vec<_>>());
        for row in 0..rows {
            for (at, column) in quasi.iter().enumerate() {
                let (value, text) = (values[row][at].as_deref(), texts[row][at].as_deref());
                assert!(covers(column, value, text), "seed {seed}: {value:?} is not {text:?}");
            }
        }
        // Rows that are equal are in one group, and rows of one group have the same texts.
        for same in groups_of(&values).values() {
            assert!(same.iter().all(|row| found.group_of_row[*row] == found.group_of_row[same[0]]), "seed {seed}");
        }
        for part in &parts {
            assert!(part.iter().all(|row| texts[*row] == texts[part[0]]), "seed {seed}");
        }
    }
}
