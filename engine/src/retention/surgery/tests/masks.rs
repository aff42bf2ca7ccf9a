//! Masks against an oracle that knows nothing of pages: records before, a function, records after.

use std::sync::Arc;

use bytes::Bytes;
use parquet::basic::{Repetition, Type};
use parquet::schema::types::{ColumnDescriptor, ColumnPath};
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::super::*;
use super::oracle::{self, Record};
use super::{draw, every_option, make};

/// A mask for `column`, and what it makes of a value: other bytes, or NULL.
type Judged = (Mask, Box<dyn Fn(&[u8]) -> Option<Vec<u8>>>);

fn zero(column: &ColumnDescriptor) -> Vec<u8> {
    match column.physical_type() {
        Type::BOOLEAN => vec![0],
        Type::INT32 | Type::FLOAT => vec![0; 4],
        Type::INT64 | Type::DOUBLE => vec![0; 8],
        Type::INT96 => vec![0; 12],
        Type::BYTE_ARRAY => Vec::new(),
        Type::FIXED_LEN_BYTE_ARRAY => vec![0; usize::try_from(column.type_length()).unwrap()],
    }
}

fn mask(random: &mut ChaCha8Rng, column: &ColumnDescriptor) -> Judged {
    let null = |column: &ColumnDescriptor| {
        let zero = (column.self_type().get_basic_info().repetition() != Repetition::OPTIONAL).then(|| zero(column));
        move |_: &[u8]| zero.clone()
    };
    let constant = |constant, bytes: Vec<u8>| -> Judged {
        (Mask::Constant(constant), Box::new(move |_: &[u8]| Some(bytes.clone())))
    };
    match (random.random_range(0..3), column.physical_type()) {
        (0, Type::BOOLEAN) => constant(Constant::Bool(true), vec![1]),
        (0, Type::INT32) => constant(Constant::Int32(-7), (-7i32).to_le_bytes().to_vec()),
        (0, Type::INT64) => constant(Constant::Int64(1 << 40), (1i64 << 40).to_le_bytes().to_vec()),
        (0, Type::FLOAT) => constant(Constant::Float(1.5), 1.5f32.to_le_bytes().to_vec()),
        (0, Type::DOUBLE) => constant(Constant::Double(-2.5), (-2.5f64).to_le_bytes().to_vec()),
        (0, Type::BYTE_ARRAY) => constant(Constant::Bytes(b"erased".to_vec()), b"erased".to_vec()),
        (0, Type::FIXED_LEN_BYTE_ARRAY) => constant(Constant::Bytes(zero(column)), zero(column)),
        (1, Type::INT32 | Type::INT64) => {
            let wide = column.physical_type() == Type::INT64;
            let round = |value: i64| value - value.rem_euclid(1 << 20);
            let mask = Mask::Int64(Arc::new(move |value| Some(round(value))));
            (
                mask,
                Box::new(move |bytes| {
                    Some(if wide {
                        round(i64::from_le_bytes(bytes.try_into().unwrap())).to_le_bytes().to_vec()
                    } else {
                        i32::try_from(round(i32::from_le_bytes(bytes.try_into().unwrap()).into()))
                            .unwrap()
                            .to_le_bytes()
                            .to_vec()
                    })
                }),
            )
        }
        (1, Type::BYTE_ARRAY) => {
            // What is short stays, what is long becomes its length, what is in between is nobody's business.
            let shorten = |value: &[u8]| match value.len() {
                0..4 => Some(value.to_vec()),
                4..8 => None,
                length => Some(length.to_string().into_bytes()),
            };
            let null = null(column);
            (Mask::Text(Arc::new(shorten)), Box::new(move |bytes| shorten(bytes).or_else(|| null(bytes))))
        }
        _ => (Mask::Null, Box::new(null(column))),
    }
}

/// Masks the records of `rows`; returns how many changed.
fn apply(records: &mut [Record], rows: &RowSet, group: usize, judge: &dyn Fn(&[u8]) -> Option<Vec<u8>>) -> Vec<u64> {
    let mut changed = Vec::new();
    for row in rows.ranges(group).iter().cloned().flatten() {
        let record = &mut records[usize::try_from(row).unwrap()];
        let before = record.clone();
        for (_, def, value) in record.iter_mut() {
            let Some(bytes) = value else { continue };
            *value = judge(bytes);
            *def -= i16::from(value.is_none());
        }
        if *record != before {
            changed.push(row);
        }
    }
    changed
}

#[track_caller]
fn check_mask(file: &Bytes, rows: &RowSet, masked: &[(usize, Judged)], what: &str) {
    let before = oracle::read(file);
    let source = Source::open(file.clone()).unwrap();
    let schema = before.metadata.file_metadata().schema_descr_ptr();
    let columns = masked.iter().map(|(at, (mask, _))| (schema.column(*at).path().clone(), mask.clone())).collect();
    let change = Change::Mask { rows: rows.clone(), columns };
    let (mut expected, mut changed) = (before.groups.clone(), RowSet::new());
    for (group, columns) in expected.iter_mut().enumerate() {
        for (at, (_, judge)) in masked {
            for row in apply(&mut columns[*at], rows, group, judge) {
                changed.insert(group, row..row + 1);
            }
        }
    }
    for options in every_option() {
        let what = format!("{what}, {options:?}, {:?}", change);
        let done = transform(&source, &change, &options).unwrap_or_else(|error| panic!("{what}: {error:?}"));
        check(&source, &change, &done).unwrap_or_else(|error| panic!("{what}: {error}"));
        assert!(oracle::read(&done.bytes).groups == expected, "{what}");
        assert_eq!((done.rows_changed, done.rows_after), (changed.len(), done.rows_before), "{what}");
        oracle::assert_statistics(&done.bytes, &what);
        if options.anew == Anew::Touched {
            let again = Source::open(done.bytes.clone()).unwrap();
            let twice = transform(&again, &change, &options).unwrap();
            assert_eq!((twice.rows_changed, twice.groups_rewritten), (0, 0), "{what}: masked again");
            assert_eq!(twice.bytes, done.bytes, "{what}: masked again");
        }
    }
}

#[test]
fn masked_values_change_and_no_other() {
    for seed in 2000..2150 {
        let file = make::file(seed);
        let source = Source::open(file.clone()).unwrap();
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let rows = draw(&mut random, &source.group_rows(), [1, 20, 100][usize::try_from(seed % 3).unwrap()]);
        let columns: Vec<usize> = (0..source.columns()).collect();
        let chosen = columns.choose_multiple(&mut random, 2).copied().collect::<Vec<_>>();
        let masked: Vec<_> = chosen.into_iter().map(|at| (at, mask(&mut random, source.descriptor(at)))).collect();
        check_mask(&file, &rows, &masked, &format!("seed {seed}"));
    }
}

#[test]
fn a_path_of_a_group_masks_all_columns_below_it() {
    let schema =
        "message m { optional group who { required binary name (UTF8); optional int64 age; } required int64 n; }";
    let file = make::of(schema, 3, &[50, 50]);
    let source = Source::open(file).unwrap();
    let rows = RowSet::from_iter([(1, 7)]);
    let change = Change::Mask { rows, columns: vec![(ColumnPath::new(vec!["who".to_owned()]), Mask::Null)] };
    let done = transform(&source, &change, &Options::default()).unwrap();
    check(&source, &change, &done).unwrap();
    let after = oracle::read(&done.bytes);
    let (name, age) = (&after.groups[1][0][7][0], &after.groups[1][1][7][0]);
    assert!(name.2.as_ref().is_none_or(Vec::is_empty), "a required text is empty, or its group is not there: {name:?}");
    assert_eq!(age.2, None);
    assert_eq!((done.groups_copied, done.groups_rewritten), (1, 1));
}

#[test]
fn a_mask_that_does_not_fit_is_refused() {
    let file = make::of("message m { required int32 n; required binary t (UTF8); required binary b; }", 5, &[10]);
    let source = Source::open(file).unwrap();
    let refused = |column: &str, mask: Mask| {
        let columns = vec![(ColumnPath::new(vec![column.to_owned()]), mask)];
        let change = Change::Mask { rows: RowSet::from_iter([(0, 1)]), columns };
        transform(&source, &change, &Options::default()).unwrap_err().to_string()
    };
    let text = |bytes: &'static [u8]| Mask::Text(Arc::new(move |_| Some(bytes.to_vec())));
    assert!(refused("n", text(b"x")).contains("not of the type"));
    assert!(refused("n", Mask::Constant(Constant::Int64(1))).contains("another type"));
    assert!(refused("n", Mask::Int64(Arc::new(|_| Some(1 << 40)))).contains("more than 32 bits"));
    assert!(refused("t", text(b"\xff")).contains("not UTF-8"));
    assert!(refused("x", Mask::Null).contains("no such column"));
    let columns = vec![(ColumnPath::new(vec!["b".to_owned()]), text(b"\xff"))];
    let change = Change::Mask { rows: RowSet::from_iter([(0, 1)]), columns };
    assert!(transform(&source, &change, &Options::default()).is_ok(), "bytes need not be text");
}
