//! Tables for the tests of the modules beside this one, and what a table of the real world gives.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int32Array, StringArray};
use arrow::compute::{filter, not};
use flate2::read::GzDecoder;
use rand::Rng;
use rand_chacha::ChaCha8Rng;

use super::*;

/// Rows as texts, NULL as none.
pub(super) type Rows = Vec<Vec<Option<String>>>;

/// The folder of real data, or a loud word that a test proves nothing without it.
fn real_data(test: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("AUDITLAKE_REAL_DATA").map(PathBuf::from);
    if folder.is_none() {
        writeln!(std::io::stderr(), "SKIPPED {test}: set AUDITLAKE_REAL_DATA to the folder of real data")
            .expect("stderr");
    }
    folder
}

/// The columns of a compressed file by their names, in its order.
fn read(path: &Path, separator: char) -> Vec<(String, Vec<String>)> {
    let mut text = String::new();
    GzDecoder::new(fs::File::open(path).expect("is there")).read_to_string(&mut text).expect("is text");
    let mut lines = text.lines().map(|line| line.split(separator));
    let mut columns: Vec<_> = lines.next().expect("a header").map(|name| (name.to_owned(), Vec::new())).collect();
    for line in lines {
        line.zip(&mut columns).for_each(|(value, column)| column.1.push(value.to_owned()));
    }
    columns
}

fn texts(values: &[String]) -> ArrayRef {
    Arc::new(StringArray::from_iter_values(values))
}

fn adult(folder: &Path) -> Vec<QuasiColumn> {
    let folder = folder.join("pii/arx_adult");
    let column = |(name, values): (String, Vec<String>)| {
        let file = fs::read_to_string(folder.join(format!("adult_hierarchy_{name}.csv"))).expect("is there");
        let hierarchy = Some(Hierarchy::from_csv(&file, None).expect("is a tree"));
        let numbers =
            || Int32Array::from_iter_values(values.iter().map(|value| value.parse::<i32>().expect("a number")));
        let values = if name == "age" { Arc::new(numbers()) } else { texts(&values) };
        QuasiColumn { name, values, hierarchy }
    };
    read(&folder.join("adult.csv.gz"), ';').into_iter().map(column).collect()
}

#[test]
fn adult_is_generalised_as_arx_does_it() {
    let Some(folder) = real_data("adult_is_generalised_as_arx_does_it") else { return };
    let quasi = adult(&folder);
    // The figures of ARX's own test of k-anonymity with its monotonic non-uniform entropy.
    let cases: [(u64, f64, [usize; 9], f64); 4] = [
        (5, 0.04, [1, 0, 1, 1, 3, 2, 2, 0, 1], 255559.85455731067),
        (100, 0.04, [1, 1, 1, 1, 3, 2, 2, 1, 1], 379417.3460570988),
        (5, 0.0, [1, 2, 1, 1, 3, 2, 2, 1, 1], 407289.5388925293),
        (100, 0.0, [0, 4, 1, 1, 3, 2, 2, 1, 1], 453196.8932458743),
    ];
    for (k, suppress, levels, loss) in cases {
        let search = Search { requirement: Requirement::k(k), loss: Loss::Entropy, suppress };
        let found = optimal(&quasi, &[], &search).expect("there is one");
        assert_eq!((found.levels.as_slice(), found.loss), (levels.as_slice(), loss), "k = {k}, {suppress}");
        let measured = measure(&kept(&quasi, &found), &[]).expect("columns of one table");
        assert!(measured.k >= k, "k = {k}: {measured:?}");
        assert_eq!((measured.groups, measured.rows + found.suppressed_rows), (found.groups, 30_162));
    }
}

#[test]
fn k_and_l_of_tables_that_others_anonymized_are_theirs() {
    let Some(folder) = real_data("k_and_l_of_tables_that_others_anonymized_are_theirs") else { return };
    let facts: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(folder.join("FACTS.json")).expect("is there")).expect("is JSON");
    let tables = facts["pii/pycanon_adult"].as_object().expect("facts of tables");
    assert_eq!(tables.len(), 3);
    for (name, facts) in tables {
        let columns: HashMap<_, _> = read(&folder.join("pii/pycanon_adult").join(name), ',').into_iter().collect();
        let quasi = facts["quasi_identifiers"].as_array().expect("a list");
        let quasi: Vec<_> = quasi.iter().map(|name| texts(&columns[name.as_str().expect("a name")])).collect();
        let values = texts(&columns[facts["sensitive"].as_str().expect("a name")]);
        let sensitive = SensitiveColumn { name: "sensitive".to_owned(), values, distance: Distance::Equal };
        let measured = measure(&quasi, &[sensitive]).expect("columns of one table");
        let theirs = ["rows", "equivalence_classes", "k", "l"].map(|figure| facts[figure].as_u64().expect("a figure"));
        assert_eq!([measured.rows, measured.groups, measured.k, measured.sensitive[0].distinct_l], theirs, "{name}");
    }
}

#[test]
fn adult_in_ranges_is_k_anonymous() {
    let Some(folder) = real_data("adult_in_ranges_is_k_anonymous") else { return };
    let quasi = adult(&folder);
    let found = mondrian(&quasi, &[], &Requirement::k(5)).expect("all rows are more than five");
    let columns: Vec<ArrayRef> = found.columns.iter().map(|column| Arc::new(column.clone()) as ArrayRef).collect();
    let measured = measure(&columns, &[]).expect("columns of one table");
    assert!(measured.k >= 5 && measured.rows == 30_162 && found.groups > 3000, "{measured:?} of {}", found.groups);
}

/// Leaves what came out of both searches for a reader that we did not write.
#[test]
fn outcomes_are_left_for_a_reader_of_others() {
    let Some(outcomes) = std::env::var_os("AUDITLAKE_ANONYMITY").map(PathBuf::from) else { return };
    let Some(folder) = real_data("outcomes_are_left_for_a_reader_of_others") else { return };
    let mut quasi = adult(&folder);
    let salary = quasi.pop().expect("the last column");
    let age = quasi.remove(1);
    let sensitive = [
        SensitiveColumn { name: salary.name, values: salary.values, distance: Distance::Equal },
        SensitiveColumn { name: age.name, values: age.values, distance: Distance::Ordered },
    ];
    let requirement = |t| Requirement { k: 5, distinct_l: Some(2), entropy_l: Some(1.3), t };
    let requirement_of_levels = requirement(Some(0.4));
    let search = Search { requirement: requirement_of_levels.clone(), loss: Loss::Entropy, suppress: 0.04 };
    let found = optimal(&quasi, &sensitive, &search).expect("there is one");
    leave(&outcomes, "optimal", &requirement_of_levels, &quasi, &sensitive, &kept(&quasi, &found), &found.suppressed);
    let requirement_of_ranges = requirement(Some(0.5));
    let found = mondrian(&quasi, &sensitive, &requirement_of_ranges).expect("all rows satisfy it");
    let columns: Vec<ArrayRef> = found.columns.iter().map(|column| Arc::new(column.clone()) as ArrayRef).collect();
    let none = vec![false; columns[0].len()].into();
    leave(&outcomes, "mondrian", &requirement_of_ranges, &quasi, &sensitive, &columns, &none);
}

fn leave(
    folder: &Path,
    name: &str,
    requirement: &Requirement,
    quasi: &[QuasiColumn],
    sensitive: &[SensitiveColumn],
    columns: &[ArrayRef],
    suppressed: &arrow::array::BooleanArray,
) {
    let stays = not(suppressed).expect("booleans");
    let left: Vec<SensitiveColumn> = sensitive
        .iter()
        .map(|column| SensitiveColumn {
            values: filter(&column.values, &stays).expect("of one table"),
            ..column.clone()
        })
        .collect();
    let measured = measure(columns, &left).expect("columns of one table");
    assert!(requirement.is_met_by(&measured), "{name}: {measured:?}");
    let names = quasi.iter().map(|column| &column.name).chain(sensitive.iter().map(|column| &column.name));
    let mut csv = names.map(String::as_str).collect::<Vec<_>>().join(";") + "\n";
    let all: Vec<ArrayRef> = columns.iter().cloned().chain(left.iter().map(|column| column.values.clone())).collect();
    for row in rows_of(&all) {
        csv += &(row.into_iter().map(Option::unwrap_or_default).collect::<Vec<_>>().join(";") + "\n");
    }
    fs::write(folder.join(format!("{name}.csv")), csv).expect("the folder takes files");
    let of_sensitive = |(column, of): (&SensitiveColumn, &Diversity)| {
        let (distinct_l, entropy_l, t) = (of.distinct_l, of.entropy_l, of.t);
        serde_json::json!({"column": column.name, "distinct_l": distinct_l, "entropy_l": entropy_l, "t": t})
    };
    let told = serde_json::json!({
        "quasi_identifiers": quasi.iter().map(|column| &column.name).collect::<Vec<_>>(),
        "rows": measured.rows, "groups": measured.groups, "k": measured.k,
        "sensitive": left.iter().zip(&measured.sensitive).map(of_sensitive).collect::<Vec<_>>(),
        "required": {"k": requirement.k, "distinct_l": requirement.distinct_l, "t": requirement.t},
    });
    fs::write(folder.join(format!("{name}.json")), told.to_string()).expect("the folder takes files");
}

/// The columns at the levels that were found, without the rows that go.
pub(super) fn kept(quasi: &[QuasiColumn], found: &Generalized) -> Vec<ArrayRef> {
    let stays = not(&found.suppressed).expect("booleans");
    let column = |(column, level): (&QuasiColumn, &usize)| {
        filter(&generalize(column, *level).expect("a level"), &stays).expect("of one table")
    };
    quasi.iter().zip(&found.levels).map(column).collect()
}

/// The values of columns as texts, row by row.
pub(super) fn rows_of(columns: &[ArrayRef]) -> Rows {
    let rows = columns.first().map_or(0, |column| column.len());
    let text = |column: &ArrayRef| arrow::compute::cast(column, &arrow::datatypes::DataType::Utf8).expect("has a text");
    let columns: Vec<ArrayRef> = columns.iter().map(text).collect();
    let cell = |column: &ArrayRef, row| (!column.is_null(row)).then(|| column.as_string::<i32>().value(row).to_owned());
    (0..rows).map(|row| columns.iter().map(|column| cell(column, row)).collect()).collect()
}

/// The rows of each group of equal rows.
pub(super) fn groups_of(rows: &Rows) -> BTreeMap<Vec<Option<String>>, Vec<usize>> {
    let mut groups: BTreeMap<_, Vec<usize>> = BTreeMap::new();
    for (at, row) in rows.iter().enumerate() {
        groups.entry(row.clone()).or_default().push(at);
    }
    groups
}

/// The figures of a column in some rows, computed as the papers write them; `among` are the rows that are compared to.
pub(super) fn figures(column: &SensitiveColumn, rows: &[usize], among: &[usize]) -> Diversity {
    let all = rows_of(std::slice::from_ref(&column.values));
    let value = |row: &usize| all[*row][0].clone();
    let mut values: Vec<Option<String>> = among.iter().map(value).collect();
    values.sort_by_key(|value| match column.distance {
        Distance::Ordered => (value.as_ref().map(|value| value.parse::<i64>().expect("a number")), None),
        Distance::Equal => (None, value.clone()),
    });
    values.dedup();
    let share = |rows: &[usize], wanted: &Option<String>| {
        rows.iter().filter(|row| value(row) == *wanted).count() as f64 / rows.len() as f64
    };
    let shares: Vec<(f64, f64)> = values.iter().map(|value| (share(rows, value), share(among, value))).collect();
    let distinct_l = shares.iter().filter(|(here, _)| *here > 0.0).count() as u64;
    let entropy: f64 = shares.iter().filter(|(here, _)| *here > 0.0).map(|(here, _)| -here * here.ln()).sum();
    let t = match column.distance {
        Distance::Equal => shares.iter().map(|(here, all)| (here - all).abs()).sum::<f64>() / 2.0,
        Distance::Ordered => {
            let moved = |moved: &mut f64, (here, all): &(f64, f64)| {
                *moved += here - all;
                Some(moved.abs())
            };
            shares.iter().scan(0.0, moved).sum::<f64>() / (shares.len().max(2) - 1) as f64
        }
    };
    Diversity { distinct_l, entropy_l: entropy.exp(), t }
}

/// Whether some rows may be a group, as the papers write it.
pub(super) fn admits(
    requirement: &Requirement,
    sensitive: &[SensitiveColumn],
    rows: &[usize],
    among: &[usize],
) -> bool {
    rows.len() as u64 >= requirement.k
        && sensitive.iter().all(|column| {
            let figures = figures(column, rows, among);
            requirement.distinct_l.is_none_or(|l| figures.distinct_l >= l)
                && requirement.entropy_l.is_none_or(|l| figures.entropy_l >= l - 1e-9)
                && requirement.t.is_none_or(|t| figures.t <= t + 1e-9)
        })
}

/// A column of few values, some of them NULL, with a hierarchy of its own.
pub(super) fn random_quasi(rng: &mut ChaCha8Rng, rows: usize, name: usize) -> QuasiColumn {
    let name = format!("q{name}");
    match rng.random_range(0..4) {
        0 => {
            let values = (0..rows).map(|_| rng.random_bool(0.9).then(|| rng.random_range(0..12)));
            let values = Arc::new(values.collect::<Int32Array>());
            QuasiColumn { name, values, hierarchy: Some(Hierarchy::from_intervals(&[3, 6]).expect("nested")) }
        }
        1 => {
            let values = (0..rows).map(|_| rng.random_bool(0.9).then(|| format!("{}", rng.random_range(100..130))));
            let values = Arc::new(values.collect::<StringArray>());
            QuasiColumn { name, values, hierarchy: Some(Hierarchy::from_prefixes(&[3, 2, 0]).expect("shorter")) }
        }
        _ => {
            let count = rng.random_range(2..7);
            let parents: Vec<u32> = (0..count).map(|_| rng.random_range(0..3)).collect();
            let line = |(value, parent): (usize, &u32)| format!("v{value};p{parent};g{};*\n", parent / 2);
            let file: String = parents.iter().enumerate().map(line).collect();
            let hierarchy = Some(Hierarchy::from_csv(&file, None).expect("is a tree"));
            let values = (0..rows).map(|_| rng.random_bool(0.95).then(|| format!("v{}", rng.random_range(0..count))));
            QuasiColumn { name, values: Arc::new(values.collect::<StringArray>()), hierarchy }
        }
    }
}

/// A column of few values, some of them NULL.
pub(super) fn random_sensitive(rng: &mut ChaCha8Rng, rows: usize) -> SensitiveColumn {
    let bound = rng.random_range(1..6);
    let values: Vec<Option<i32>> =
        (0..rows).map(|_| rng.random_bool(0.95).then(|| rng.random_range(0..bound) * rng.random_range(1..3))).collect();
    let (values, distance): (ArrayRef, _) = if rng.random_bool(0.5) {
        (Arc::new(Int32Array::from(values)), Distance::Ordered)
    } else {
        let text = |value: Option<i32>| value.map(|value| format!("s{value}"));
        (Arc::new(values.into_iter().map(text).collect::<StringArray>()), Distance::Equal)
    };
    SensitiveColumn { name: "s".to_owned(), values, distance }
}
