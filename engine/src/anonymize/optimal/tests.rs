use std::sync::Arc;

use arrow::array::{Int32Array, StringArray};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;
use crate::anonymize::tests::{Rows, admits, groups_of, kept, random_quasi, random_sensitive, rows_of};
use crate::anonymize::{Distance, Hierarchy, generalize, measure};

fn column(name: &str, values: &[&str], hierarchy: &str) -> QuasiColumn {
    let hierarchy = Some(Hierarchy::from_csv(hierarchy, None).expect("a tree"));
    QuasiColumn { name: name.to_owned(), values: Arc::new(StringArray::from(values.to_vec())), hierarchy }
}

fn search(requirement: Requirement, loss: Loss, suppress: f64) -> Search {
    Search { requirement, loss, suppress }
}

fn sensitive(values: &[&str]) -> SensitiveColumn {
    let values = Arc::new(StringArray::from(values.to_vec()));
    SensitiveColumn { name: "disease".to_owned(), values, distance: Distance::Equal }
}

const LETTERS: &str = "a;ab;*\nb;ab;*\nc;cd;*\nd;cd;*\n";

#[test]
fn a_small_table_is_generalised_no_more_than_it_takes() {
    let quasi = [column("letter", &["a", "b", "c", "d", "d"], LETTERS)];
    let found = optimal(&quasi, &[], &search(Requirement::k(2), Loss::Entropy, 0.0)).expect("there is one");
    assert_eq!((found.levels.as_slice(), found.groups, found.suppressed_rows), ([1].as_slice(), 2, 0));
    // Two rows of which each was one of two, and three of which one was one and two were the other.
    let bits = 2.0 + 3.0_f64.log2() + 2.0 * 1.5_f64.log2();
    assert!((found.loss - bits).abs() < 1e-9, "{}", found.loss);
    // Three fifths may go: everything but both rows of d.
    let found = optimal(&quasi, &[], &search(Requirement::k(2), Loss::Entropy, 0.6)).expect("there is one");
    assert_eq!((found.levels.as_slice(), found.suppressed_rows, found.loss), ([0].as_slice(), 3, 0.0));
    assert_eq!(found.suppressed.iter().collect::<Vec<_>>(), [true, true, true, false, false].map(Some));
    let found = optimal(&quasi, &[], &search(Requirement::k(2), Loss::Discernibility, 0.0)).expect("there is one");
    assert_eq!((found.levels.as_slice(), found.loss), ([1].as_slice(), 13.0));
}

#[test]
fn of_equal_ones_it_is_the_lower_then_that_of_the_first_column() {
    let values = ["a", "b", "c", "d"];
    let quasi = [column("one", &values, LETTERS), column("other", &values, LETTERS)];
    let found = optimal(&quasi, &[], &search(Requirement::k(2), Loss::Height, 0.0)).expect("there is one");
    assert_eq!(found.levels, [1, 1]);
    let other = ["a", "a", "a", "a"];
    let quasi = [column("one", &other, LETTERS), column("other", &other, LETTERS)];
    let found = optimal(&quasi, &[], &search(Requirement::k(4), Loss::Entropy, 0.0)).expect("there is one");
    assert_eq!((found.levels, found.loss), (vec![0, 0], 0.0));
}

#[test]
fn diversity_is_required_of_each_group() {
    let quasi = [column("letter", &["a", "a", "b", "b", "c", "c", "d", "d"], LETTERS)];
    let disease = [sensitive(&["flu", "flu", "gout", "gout", "flu", "gout", "flu", "gout"])];
    let levels = |requirement| {
        optimal(&quasi, &disease, &search(requirement, Loss::Entropy, 0.0)).map(|found| found.levels[0]).ok()
    };
    let k = Requirement::k(2);
    assert_eq!(levels(k.clone()), Some(0));
    assert_eq!(levels(Requirement { distinct_l: Some(2), ..k.clone() }), Some(1));
    assert_eq!(levels(Requirement { entropy_l: Some(2.0), ..k.clone() }), Some(1));
    assert_eq!(levels(Requirement { t: Some(0.0), ..k.clone() }), Some(1));
    assert_eq!(levels(Requirement { distinct_l: Some(3), ..k }), None);
}

#[test]
fn a_column_is_written_at_a_level() {
    let letter = column("letter", &["a", "c"], LETTERS);
    let texts = |column: &QuasiColumn, level| {
        let texts = generalize(column, level).expect("a level");
        texts.iter().map(|text| text.map(str::to_owned)).collect::<Vec<_>>()
    };
    assert_eq!(texts(&letter, 1), [Some("ab".to_owned()), Some("cd".to_owned())]);
    let values = Arc::new(StringArray::from(vec![Some("a"), None]));
    let letter = QuasiColumn { values, ..letter };
    assert_eq!(texts(&letter, 1), [Some("ab".to_owned()), None]);
    assert_eq!(texts(&letter, 2), [Some("*".to_owned()), Some("*".to_owned())]);
    let error = generalize(&letter, 3).expect_err("no such level").to_string();
    assert_eq!(error, "the hierarchy of column \"letter\" has 3 levels and none with number 3; they begin with 0");
}

#[track_caller]
fn refuses(quasi: &[QuasiColumn], disease: &[SensitiveColumn], search: &Search, expected: &str) {
    let error = optimal(quasi, disease, search).expect_err("is refused").to_string();
    assert_eq!(error, expected);
    assert!(!error.contains("Moriarty"), "{error}");
}

#[test]
fn what_cannot_be_is_told_without_values() {
    let letter = column("letter", &["a", "b", "c", "d", "d"], LETTERS);
    let entropy = |requirement| search(requirement, Loss::Entropy, 0.0);
    let one = std::slice::from_ref(&letter);
    refuses(
        one,
        &[],
        &search(Requirement::k(6), Loss::Entropy, 0.2),
        "no generalisation satisfies k = 6: at the best levels letter=2, 1 of 1 groups with 5 of 5 rows do not, and 1 rows \
         may be suppressed; ask for less, allow more suppression, or add coarser levels to the hierarchies",
    );
    let disease = sensitive(&["flu", "flu", "gout", "gout", "Moriarty"]);
    refuses(
        one,
        &[disease],
        &entropy(Requirement { t: Some(0.1), ..Requirement::k(6) }),
        "no generalisation satisfies k = 6, t = 0.1: at the best levels letter=0, 4 of 4 groups with 5 of 5 rows do not, and \
         0 rows may be suppressed; ask for less, allow more suppression, or add coarser levels to the hierarchies",
    );
    let person = column("letter", &["a", "Moriarty", "Moriarty"], LETTERS);
    refuses(
        &[person],
        &[],
        &entropy(Requirement::k(2)),
        "column \"letter\" has 1 distinct values in 2 rows that are not in its hierarchy; add them to it, or give the \
         hierarchy unknown: \"*\"",
    );
    let plain = QuasiColumn { hierarchy: None, ..letter.clone() };
    refuses(
        &[plain],
        &[],
        &entropy(Requirement::k(2)),
        "column \"letter\" has no hierarchy; give it one, or another method than a quasi identifier's",
    );
    refuses(one, &[], &entropy(Requirement::k(0)), "k cannot be 0; it must be 1 or more");
    refuses(
        one,
        &[],
        &search(Requirement::k(1), Loss::Height, 1.1),
        "the fraction of rows to suppress cannot be 1.1; it must be from 0 to 1",
    );
    refuses(
        one,
        &[],
        &search(Requirement::k(1), Loss::Height, f64::NAN),
        "the fraction of rows to suppress cannot be NaN; it must be from 0 to 1",
    );
    let of = |distinct_l, entropy_l, t| entropy(Requirement { k: 1, distinct_l, entropy_l, t });
    refuses(one, &[], &of(Some(0), None, None), "distinct l cannot be 0; it must be 1 or more");
    refuses(one, &[], &of(None, Some(0.5), None), "entropy l cannot be 0.5; it must be 1 or more");
    refuses(one, &[], &of(None, None, Some(1.5)), "t cannot be 1.5; it must be from 0 to 1");
    refuses(
        one,
        &[],
        &of(Some(2), None, None),
        "l and t are asked of sensitive columns, and there is none; name one or leave them out",
    );
    refuses(
        &[],
        &[],
        &of(None, None, None),
        "there is no quasi identifier; name the columns that help to tell who a row is about",
    );
    let longer = column("longer", &["a"], LETTERS);
    refuses(
        &[letter.clone(), longer],
        &[],
        &of(None, None, None),
        "column \"longer\" has 1 rows and another column 5; give columns of the same rows",
    );
}

#[test]
fn an_empty_table_and_an_empty_rest_satisfy_nothing() {
    let none = column("letter", &[], LETTERS);
    let error = optimal(&[none], &[], &search(Requirement::k(1), Loss::Entropy, 0.0)).expect_err("no rows");
    assert!(matches!(error, AnonymizeError::NotMet(_)), "{error}");
    let few = column("letter", &["a", "b"], LETTERS);
    let error = optimal(&[few], &[], &search(Requirement::k(3), Loss::Entropy, 1.0)).expect_err("nothing is left");
    assert!(matches!(error, AnonymizeError::NotMet(_)), "{error}");
}

#[test]
fn more_nodes_than_a_search_goes_through_are_refused() {
    let values: Vec<QuasiColumn> = (0..12).map(|at| column(&format!("c{at}"), &["a", "b"], LETTERS)).collect();
    let disease = [sensitive(&["flu", "gout"])];
    let closeness = Requirement { t: Some(0.5), ..Requirement::k(2) };
    let error = optimal(&values, &disease, &search(closeness, Loss::Entropy, 0.0)).expect_err("3^12 nodes").to_string();
    assert!(error.contains("531441 combinations of levels, and a search goes through 100000"), "{error}");
    // Those that others rule out need not be gone through.
    let found = optimal(&values, &[], &search(Requirement::k(2), Loss::Entropy, 0.0)).expect("there is one");
    assert_eq!(found.levels, [1; 12]);
}

/// What a column says at a level, by its hierarchy alone.
fn texts_at(column: &QuasiColumn, level: usize) -> Vec<Option<String>> {
    let hierarchy = column.hierarchy.as_ref().expect("has one");
    let last = level + 1 == hierarchy.levels();
    let text = |row: Vec<Option<String>>| match row[0].as_deref() {
        Some(value) => hierarchy.texts_of(value).map(|texts| texts[level].clone()),
        None => last.then(|| "*".to_owned()),
    };
    rows_of(std::slice::from_ref(&column.values)).into_iter().map(text).collect()
}

/// The rows that have to go, to the fixed point: what goes takes its values with it.
fn goes(rows: &Rows, sensitive: &[SensitiveColumn], requirement: &Requirement) -> Vec<bool> {
    let (groups, mut gone) = (groups_of(rows), vec![false; rows.len()]);
    let plain = Requirement { t: None, ..requirement.clone() };
    for asked in [&plain, requirement] {
        loop {
            let among: Vec<usize> = (0..rows.len()).filter(|row| !gone[*row]).collect();
            let missed = |rows: &&Vec<usize>| !gone[rows[0]] && !admits(asked, sensitive, rows, &among);
            let more: Vec<usize> = groups.values().filter(missed).flatten().copied().collect();
            if more.is_empty() {
                break;
            }
            more.into_iter().for_each(|row| gone[row] = true);
        }
    }
    gone
}

fn cost(loss: Loss, quasi: &[QuasiColumn], levels: &[usize], rows: &Rows, gone: &[bool]) -> f64 {
    let count = |column: usize, text: &Option<String>, among: &dyn Fn(usize) -> bool| {
        (0..rows.len()).filter(|row| among(*row) && rows[*row][column] == *text).count() as f64
    };
    let suppressed = gone.iter().filter(|gone| **gone).count() as f64;
    let mut cost = 0.0;
    for (at, column) in quasi.iter().enumerate() {
        let values = rows_of(std::slice::from_ref(&column.values));
        for (row, value) in values.iter().enumerate() {
            let same = values.iter().filter(|other| *other == value).count() as f64;
            cost += (count(at, &rows[row][at], &|_| true) / same).log2();
            if gone[row] && loss == Loss::EntropyAndSuppression {
                cost += (suppressed / count(at, &rows[row][at], &|row| gone[row])).log2();
            }
        }
    }
    match loss {
        Loss::Entropy | Loss::EntropyAndSuppression => cost,
        Loss::Height => levels.iter().sum::<usize>() as f64,
        Loss::Discernibility => {
            let of_group =
                |group: &Vec<usize>| if gone[group[0]] { rows.len() * group.len() } else { group.len() * group.len() };
            groups_of(rows).values().map(of_group).sum::<usize>() as f64
        }
    }
}

/// Every node, one after the other, each from the rows.
fn oracle(
    quasi: &[QuasiColumn],
    sensitive: &[SensitiveColumn],
    search: &Search,
) -> Option<(f64, Vec<usize>, Vec<bool>)> {
    let sizes: Vec<usize> = quasi.iter().map(|column| column.hierarchy.as_ref().expect("has one").levels()).collect();
    let nodes: usize = sizes.iter().product();
    let mut best: Option<(f64, Vec<usize>, Vec<bool>)> = None;
    for node in 0..nodes {
        let mut rest = node;
        let mut levels: Vec<usize> = sizes.iter().rev().map(|size| (rest % size, rest /= size).0).collect();
        levels.reverse();
        let columns: Vec<_> = quasi.iter().zip(&levels).map(|(column, level)| texts_at(column, *level)).collect();
        let rows: Rows =
            (0..columns[0].len()).map(|row| columns.iter().map(|column| column[row].clone()).collect()).collect();
        let gone = goes(&rows, sensitive, &search.requirement);
        let suppressed = gone.iter().filter(|gone| **gone).count();
        if suppressed as f64 > search.suppress * rows.len() as f64 + 1e-9 || suppressed == rows.len() {
            continue;
        }
        let loss = cost(search.loss, quasi, &levels, &rows, &gone);
        let height = |levels: &[usize]| levels.iter().sum::<usize>();
        let better = best.as_ref().is_none_or(|(least, best, _)| {
            loss < least - 1e-7 || (loss < least + 1e-7 && (height(&levels), &levels) < (height(best), best))
        });
        if better {
            best = Some((loss, levels, gone));
        }
    }
    best
}

#[test]
fn random_tables_are_generalised_as_going_through_every_node_says() {
    let mut met = 0;
    for seed in 0..240 {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let rows = rng.random_range(1..40);
        let quasi: Vec<QuasiColumn> = (0..rng.random_range(1..4)).map(|at| random_quasi(&mut rng, rows, at)).collect();
        let sensitive = [random_sensitive(&mut rng, rows)];
        let l = rng.random_range(1..4);
        let requirement = Requirement {
            k: rng.random_range(1..5),
            distinct_l: rng.random_bool(0.4).then_some(l),
            entropy_l: rng.random_bool(0.2).then_some(1.5),
            t: rng.random_bool(0.2).then(|| rng.random_range(0.1..0.6)),
        };
        let loss = [Loss::Entropy, Loss::EntropyAndSuppression, Loss::Discernibility, Loss::Height][seed as usize % 4];
        let suppress = [0.0, 0.1, 0.3, 1.0][rng.random_range(0..4)];
        let search = search(requirement, loss, suppress);
        let expected = oracle(&quasi, &sensitive, &search);
        match (optimal(&quasi, &sensitive, &search), expected) {
            (Ok(found), Some((loss, levels, gone))) => {
                met += 1;
                assert_eq!(found.levels, levels, "seed {seed}: {search:?}, {} and {loss}", found.loss);
                assert!((found.loss - loss).abs() < 1e-7, "seed {seed}: {} and {loss}", found.loss);
                let suppressed: Vec<bool> = found.suppressed.iter().flatten().collect();
                assert_eq!(suppressed, gone, "seed {seed}");
                publishes(&quasi, &sensitive, &search, &found);
            }
            (Err(AnonymizeError::NotMet(_)), None) => {}
            (found, expected) => panic!("seed {seed}: {found:?} and not {expected:?}"),
        }
    }
    assert!(met > 100, "{met}");
}

/// What stays satisfies what was asked for when it is measured as anybody would.
fn publishes(quasi: &[QuasiColumn], sensitive: &[SensitiveColumn], search: &Search, found: &Generalized) {
    let stays = arrow::compute::not(&found.suppressed).expect("booleans");
    let left = |column: &SensitiveColumn| {
        let values = arrow::compute::filter(&column.values, &stays).expect("of one table");
        SensitiveColumn { values, ..column.clone() }
    };
    let measured = measure(&kept(quasi, found), &sensitive.iter().map(left).collect::<Vec<_>>()).expect("one table");
    assert!(search.requirement.is_met_by(&measured), "{search:?}: {measured:?}");
    assert_eq!(measured.groups, found.groups);
}

#[test]
fn numbers_find_their_texts_in_a_file() {
    let values = Arc::new(Int32Array::from(vec![1, 2, 3, 4]));
    let hierarchy = Hierarchy::from_csv("1;1-2;*\n2;1-2;*\n3;3-4;*\n4;3-4;*\n", None).expect("a tree");
    let quasi = [QuasiColumn { name: "age".to_owned(), values, hierarchy: Some(hierarchy) }];
    let found = optimal(&quasi, &[], &search(Requirement::k(2), Loss::Entropy, 0.0)).expect("there is one");
    assert_eq!(found.levels, [1]);
    assert_eq!(generalize(&quasi[0], 1).expect("a level").value(2), "3-4");
    assert_eq!(found.suppressed.len(), 4);
}
