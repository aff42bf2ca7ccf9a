mod corpus;
mod faults;
mod make;
mod masks;
mod oracle;
mod patches;
mod traps;

use bytes::Bytes;
use oracle::Record;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;

/// Rows that `RowSet`s of a test are drawn from: how many of a hundred.
fn draw(random: &mut ChaCha8Rng, groups: &[u64], of_a_hundred: u32) -> RowSet {
    let mut rows = RowSet::new();
    for (group, count) in groups.iter().enumerate() {
        // Some row groups stay untouched.
        if random.random_range(0..4) > 0 {
            (0..*count)
                .filter(|_| random.random_range(0..100) < of_a_hundred)
                .for_each(|row| rows.insert(group, row..row + 1));
        }
    }
    rows
}

fn every_option() -> Vec<Options> {
    let threads = |threads| NonZeroUsize::new(threads).unwrap();
    vec![
        Options { threads: threads(1), anew: Anew::Touched },
        Options { threads: threads(3), anew: Anew::Touched },
        Options { threads: threads(1), anew: Anew::All },
        Options { threads: threads(1), anew: Anew::AllByLibrary },
    ]
}

/// What `groups` hold once `gone` left them; empty row groups are gone, too.
fn without(groups: &[Vec<Vec<Record>>], gone: &RowSet) -> Vec<Vec<Vec<Record>>> {
    let mut left = Vec::new();
    for (group, columns) in groups.iter().enumerate() {
        let stays = |row: usize| !gone.ranges(group).iter().any(|range| range.contains(&u64::try_from(row).unwrap()));
        let keep = |column: &Vec<Record>| {
            let kept = column.iter().enumerate().filter(|(row, _)| stays(*row));
            kept.map(|(_, record)| record.clone()).collect::<Vec<_>>()
        };
        let columns: Vec<Vec<Record>> = columns.iter().map(keep).collect();
        if columns.first().is_some_and(|column| !column.is_empty()) {
            left.push(columns);
        }
    }
    left
}

#[track_caller]
fn check_delete(file: &Bytes, gone: &RowSet, what: &str) {
    let before = oracle::read(file);
    let source = Source::open(file.clone()).unwrap();
    let change = Change::Delete(gone.clone());
    let mut outputs = Vec::new();
    for options in every_option() {
        let what = format!("{what}, {options:?}");
        let done = transform(&source, &change, &options).unwrap_or_else(|error| panic!("{what}: {error:?}"));
        check(&source, &change, &done).unwrap_or_else(|error| panic!("{what}: {error}"));
        let after = oracle::read(&done.bytes);
        assert_eq!(after.groups, without(&before.groups, gone), "{what}");
        assert_eq!(done.rows_before - done.rows_changed, done.rows_after, "{what}");
        let (old, new) = (before.metadata.file_metadata(), after.metadata.file_metadata());
        assert_eq!(u64::try_from(new.num_rows()).unwrap(), done.rows_after, "{what}");
        assert_eq!(old.schema(), new.schema(), "{what}");
        assert_eq!(old.key_value_metadata(), new.key_value_metadata(), "{what}");
        assert_eq!((old.created_by(), old.version()), (new.created_by(), new.version()), "{what}");
        for group in after.metadata.row_groups() {
            assert_eq!(group.sorting_columns(), before.metadata.row_group(0).sorting_columns(), "{what}");
        }
        assert_eq!(
            before.metadata.offset_index().is_some() || after.groups.is_empty(),
            after.metadata.offset_index().is_some() || after.groups.is_empty(),
            "{what}"
        );
        oracle::assert_statistics(&done.bytes, &what);
        outputs.push(done.bytes);
    }
    assert_eq!(outputs[0], outputs[1], "{what}: threads must not show");
}

#[test]
fn whatever_rows_leave_the_others_stay_as_they_are() {
    for seed in 0..200 {
        let file = make::file(seed);
        let source = Source::open(file.clone()).unwrap();
        let groups = source.group_rows();
        let mut random = ChaCha8Rng::seed_from_u64(seed ^ 0x5eed);
        let share = [1, 10, 50, 99][usize::try_from(seed % 4).unwrap()];
        let gone = draw(&mut random, &groups, share);
        check_delete(&file, &gone, &format!("seed {seed}"));
    }
}

#[test]
fn none_all_first_and_last_rows_may_leave() {
    for seed in 1000..1020 {
        let file = make::file(seed);
        let groups = Source::open(file.clone()).unwrap().group_rows();
        let first = groups.iter().enumerate().map(|(group, _)| (group, 0)).collect();
        let last = groups.iter().enumerate().map(|(group, rows)| (group, rows - 1)).collect();
        for (gone, what) in [
            (RowSet::new(), "none"),
            (RowSet::all(&groups), "all"),
            (first, "the first of each group"),
            (last, "the last of each group"),
        ] {
            check_delete(&file, &gone, &format!("seed {seed}, {what}"));
        }
    }
}
