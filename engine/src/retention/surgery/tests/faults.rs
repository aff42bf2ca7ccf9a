//! The check against outputs that are wrong in one way each, as a faulty editor or a faulty disk would make them.

use bytes::Bytes;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::file::properties::{WriterProperties, WriterPropertiesBuilder, WriterVersion};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::super::check::beside;
use super::super::check::side_by_side::Verdict;
use super::super::page;
use super::super::thrift::{Struct, Value};
use super::super::*;
use super::traps::{chunk, with_footer};
use super::{draw, make, oracle, without};

const FLAT: &str = "message m { required int64 n; optional binary t (UTF8); required binary d; optional boolean b; }";
const NESTED: &str = "message m { repeated group g { optional int32 n; repeated binary t (UTF8); } }";

fn small_pages() -> WriterPropertiesBuilder {
    WriterProperties::builder()
        .set_compression(Compression::UNCOMPRESSED)
        .set_data_page_row_count_limit(10)
        .set_write_batch_size(5)
        .set_dictionary_enabled(false)
        .set_encoding(Encoding::PLAIN)
}

/// A page: its header and what follows it.
type Page = (Struct, Vec<u8>);

/// `file` with other pages in one chunk, which then stands behind all others.
fn with_pages(file: &Bytes, (group, column): (usize, usize), edit: impl FnOnce(&mut Vec<Page>)) -> Bytes {
    let range = Source::open(file.clone()).unwrap().pages((group, column)).unwrap();
    let walked = page::walk(file, range).unwrap();
    let mut pages: Vec<Page> =
        walked.iter().map(|page| (page.header.clone(), file[page.body.clone()].to_vec())).collect();
    edit(&mut pages);
    let length = u32::from_le_bytes(file[file.len() - 8..file.len() - 4].try_into().unwrap());
    let at = file.len() - 8 - usize::try_from(length).unwrap();
    let mut grown = file[..at].to_vec();
    let (mut dictionary, mut data) = (None, None);
    for (header, body) in &mut pages {
        let place = if header.int(1) == Some(2) { &mut dictionary } else { &mut data };
        place.get_or_insert(i64::try_from(grown.len()).unwrap());
        let bytes = i32::try_from(body.len()).unwrap();
        header.set_i32(2, bytes);
        header.set_i32(3, bytes);
        header.write(&mut grown);
        grown.extend_from_slice(body);
    }
    let bytes = i64::try_from(grown.len() - at).unwrap();
    grown.extend_from_slice(&file[at..]);
    with_footer(&grown.into(), |footer| {
        let meta = chunk(footer, group, column).child_mut(3).unwrap();
        meta.set_i64(7, bytes);
        meta.set_or_remove(9, data.map(Value::I64));
        meta.set_or_remove(11, dictionary.map(Value::I64));
    })
}

/// A source, what is to leave, and the right result.
struct Case {
    source: Source,
    change: Change,
    right: Transformed,
}

impl Case {
    fn new(file: Bytes, gone: RowSet) -> Self {
        let source = Source::open(file).unwrap();
        let change = Change::Delete(gone);
        let right = transform(&source, &change, &Options::default()).unwrap();
        check(&source, &change, &right).unwrap();
        Self { source, change, right }
    }

    /// A file whose chunks have several pages each; pages of nothing but NULL are one page however many rows they have.
    fn of(schema: &str, properties: WriterPropertiesBuilder) -> Self {
        let properties = properties.build();
        let mut files = (0..1000).map(|seed| make::with(schema, seed, &[60, 60], properties.clone()));
        let gone = RowSet::from_iter([(0, 3), (0, 25), (0, 59)]);
        let has_pages = |case: &Self| {
            let out = Source::open(case.right.bytes.clone()).unwrap();
            let columns = out.columns().min(3);
            let mut chunks = (0..2).flat_map(|group| (0..columns).map(move |column| (group, column)));
            chunks.all(|at| {
                let pages = page::walk(&case.right.bytes, out.pages(at).unwrap()).unwrap();
                pages.iter().filter(|page| page.kind() != page::Kind::Dictionary).count() >= 5
            })
        };
        files.by_ref().map(|file| Self::new(file, gone.clone())).find(has_pages).expect("one of many has")
    }

    fn check(&self, bytes: Bytes) -> Result<(), SurgeryError> {
        check(&self.source, &self.change, &Transformed { bytes, ..self.right.clone() })
    }

    #[track_caller]
    fn finds(&self, at: (usize, usize), edit: impl FnOnce(&mut Vec<Page>)) -> SurgeryError {
        let wrong = with_pages(&self.right.bytes, at, edit);
        self.check(wrong).expect_err("the check must find it")
    }
}

#[test]
fn pages_that_are_only_put_elsewhere_are_right() {
    for schema in [FLAT, NESTED] {
        let case = Case::of(schema, small_pages());
        for column in 0..case.source.columns() {
            case.check(with_pages(&case.right.bytes, (0, column), |_| {})).unwrap();
        }
    }
}

#[test]
fn a_value_that_changed_is_found_in_cut_and_in_copied_groups() {
    for group in [0, 1] {
        let case = Case::of(FLAT, small_pages());
        for column in 0..3 {
            case.finds((group, column), |pages| *pages[2].1.last_mut().unwrap() ^= 1);
        }
    }
}

#[test]
fn pages_in_another_order_or_of_other_rows_are_found() {
    for group in [0, 1] {
        for version in [WriterVersion::PARQUET_1_0, WriterVersion::PARQUET_2_0] {
            let case = Case::of(FLAT, small_pages().set_writer_version(version));
            for column in 0..3 {
                case.finds((group, column), |pages| pages.swap(1, 4));
                case.finds((group, column), |pages| pages[1] = pages[4].clone());
                case.finds((group, column), |pages| drop(pages.remove(1)));
                case.finds((group, column), |pages| pages.push(pages[1].clone()));
            }
            // The rows of the source, none of which left.
            let all = transform(
                &case.source,
                &Change::Delete(RowSet::from_iter([(0, 4), (0, 26), (0, 58)])),
                &Options::default(),
            );
            case.check(all.unwrap().bytes).expect_err("other rows left");
        }
    }
}

#[test]
fn another_dictionary_under_the_same_indices_is_found() {
    let texts = ["aaaa", "bbbb", "cccc", "dddd", "eeee"];
    let file = make::texts(&texts, 100, small_pages().set_dictionary_enabled(true).build());
    // `cccc` leaves, so that the dictionary shrinks and all indices change.
    let case = Case::new(file, (0..100).filter(|row| row % 5 == 2).map(|row| (0, row)).collect());
    let error = |edit: fn(&mut Vec<Page>)| case.finds((0, 0), edit);
    error(|pages| pages[0].1[5] ^= 1);
    // Two values change places.
    error(|pages| {
        let (a, b) = pages[0].1.split_at_mut(8);
        a.swap_with_slice(&mut b[..8]);
    });
    // The value of the rows that left is still there, though nothing refers to it.
    let kept = error(|pages| {
        pages[0].1.extend_from_slice(b"\x04\0\0\0cccc");
        pages[0].0.child_mut(7).unwrap().set_i32(1, 5);
    });
    let SurgeryError::Check { mismatch: Mismatch::Counts { what, .. } } = kept else { panic!("{kept}") };
    assert_eq!(what, "dictionary values");
    // An index beyond the dictionary.
    error(|pages| pages[0].1.truncate(24));
}

#[test]
fn other_levels_are_found() {
    // One NULL and one value change places, so that all counts stay.
    let file = make::with(
        "message m { optional int32 n; }",
        5,
        &[40],
        small_pages().set_data_page_row_count_limit(40).build(),
    );
    let nulls = oracle::read(&file).groups[0][0].iter().filter(|row| row[0].2.is_none()).count();
    assert!(nulls > 3 && nulls < 37, "the seed makes a column with both");
    let case = Case::new(file, RowSet::from_iter([(0, 3)]));
    let mut found = 0;
    for byte in 5..10 {
        for (a, b) in [(0, 1), (1, 2), (3, 4), (6, 7)] {
            let mut moved = false;
            let wrong = with_pages(&case.right.bytes, (0, 0), |pages| {
                let levels = &mut pages[0].1[byte];
                moved = (*levels >> a & 1) != (*levels >> b & 1);
                *levels ^= if moved { 1 << a | 1 << b } else { 0 };
            });
            // A bit behind the last level stands for nothing.
            if moved && case.check(wrong.clone()).is_err() {
                found += 1;
            } else {
                assert!(oracle::read(&wrong).groups == oracle::read(&case.right.bytes).groups, "byte {byte}");
            }
        }
    }
    assert!(found > 3, "{found}");
    // Where a record begins, and where it goes on.
    let case = Case::of(NESTED, small_pages());
    for column in 0..2 {
        case.finds((0, column), |pages| pages[1].1[6] ^= 2);
    }
}

#[test]
fn headers_that_state_other_numbers_are_found() {
    for (version, inner, fields) in
        [(WriterVersion::PARQUET_1_0, 5, [1].as_slice()), (WriterVersion::PARQUET_2_0, 8, &[1, 2, 3])]
    {
        for schema in [FLAT, NESTED] {
            let case = Case::of(schema, small_pages().set_writer_version(version));
            for column in 0..case.source.columns().min(3) {
                for (field, more) in fields.iter().flat_map(|field| [(*field, 1), (*field, -1)]) {
                    case.finds((0, column), |pages| {
                        let header = pages[1].0.child_mut(inner).unwrap();
                        let stated = i32::try_from(header.int(field).unwrap()).unwrap();
                        header.set_i32(field, if stated == 0 { 1 } else { stated + more });
                    });
                }
            }
        }
    }
}

#[test]
fn footers_that_state_other_numbers_are_found() {
    let case = Case::of(FLAT, small_pages());
    for column in 0..4 {
        let wrong = with_footer(&case.right.bytes, |footer| {
            let meta = chunk(footer, 0, column).child_mut(3).unwrap();
            meta.set_i64(5, meta.int(5).unwrap() + 1);
        });
        case.check(wrong).expect_err("a number of values");
        let wrong = with_footer(&case.right.bytes, |footer| {
            let statistics = chunk(footer, 0, column).child_mut(3).unwrap().child_mut(12).unwrap();
            statistics.set_i64(3, statistics.int(3).unwrap() + 1);
        });
        case.check(wrong).expect_err("a number of NULLs");
    }
    let wrong = with_footer(&case.right.bytes, |footer| {
        let Some(Value::List(groups)) = footer.get_mut(4) else { panic!("no row groups") };
        let group = groups.items[0].as_struct_mut().unwrap();
        group.set_i64(3, group.int(3).unwrap() + 1);
    });
    case.check(wrong).expect_err("a number of rows");
}

#[test]
fn a_changed_byte_is_found_or_changes_no_value() {
    let zstd = Compression::ZSTD(ZstdLevel::default());
    let (mut found, mut harmless) = (0, 0);
    for schema in [FLAT, NESTED] {
        for (compression, version, dictionary) in [
            (Compression::UNCOMPRESSED, WriterVersion::PARQUET_1_0, true),
            (Compression::UNCOMPRESSED, WriterVersion::PARQUET_2_0, false),
            (zstd, WriterVersion::PARQUET_1_0, false),
            (zstd, WriterVersion::PARQUET_2_0, true),
        ] {
            let properties = small_pages().set_compression(compression).set_writer_version(version);
            let case = Case::of(schema, properties.set_dictionary_enabled(dictionary));
            let expected = oracle::read(&case.right.bytes).groups;
            for column in 0..case.source.columns() {
                let range = Source::open(case.right.bytes.clone()).unwrap().pages((0, column)).unwrap();
                for at in range {
                    let mut bytes = case.right.bytes.to_vec();
                    bytes[at] ^= 1 << (at % 8);
                    let bytes = Bytes::from(bytes);
                    if case.check(bytes.clone()).is_err() {
                        found += 1;
                        continue;
                    }
                    harmless += 1;
                    assert!(oracle::read(&bytes).groups == expected, "byte {at} of column {column}");
                }
            }
        }
    }
    assert!(found > 10 * harmless, "{found} found, {harmless} harmless");
}

/// Whether the page editor writes a chunk, and no delta encoding is in it.
fn is_edited(source: &Source, (group, column): (usize, usize)) -> bool {
    let chunk = source.metadata().row_group(group).column(column);
    let delta = chunk.encodings().any(|encoding| encoding.to_string().contains("DELTA"));
    let codec = chunk.compression_codec().to_string();
    !delta && ["UNCOMPRESSED", "SNAPPY", "GZIP", "ZSTD"].iter().any(|known| codec.starts_with(known))
}

#[test]
fn what_is_proved_is_so_and_nearly_all_is_proved() {
    let (mut proved, mut open) = (0, 0);
    for seed in 4000..4150 {
        let file = make::file(seed);
        let source = Source::open(file.clone()).unwrap();
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let gone = draw(&mut random, &source.group_rows(), 10);
        let others = if random.random() { draw(&mut random, &source.group_rows(), 10) } else { gone.clone() };
        let done = transform(&source, &Change::Delete(gone.clone()), &Options::default()).unwrap();
        let out = Source::open(done.bytes.clone()).unwrap();
        let (expected, after) = (without(&oracle::read(&file).groups, &others), oracle::read(&done.bytes).groups);
        let rows = source.group_rows();
        let kept: Vec<usize> = (0..rows.len()).filter(|group| rows[*group] > gone.len_in(*group)).collect();
        for (new, old) in kept.into_iter().enumerate() {
            for column in 0..source.columns() {
                let edit = Some(Edit::Delete(others.ranges(old)));
                let same = expected.get(new).is_some_and(|group| group[column] == after[new][column]);
                match beside((&source, (old, column)), (&out, (new, column)), edit).unwrap() {
                    Verdict::Same(counted) => {
                        proved += 1;
                        assert!(gone.len() != others.len() || same, "seed {seed}, group {old}, column {column}");
                        let levels = after[new][column].iter().map(Vec::len).sum::<usize>();
                        assert_eq!(counted.levels, levels, "seed {seed}");
                    }
                    _ if gone == others && is_edited(&source, (old, column)) => open += 1,
                    _ => {}
                }
            }
        }
    }
    assert!(proved > 20 * open, "{proved} proved, {open} open");
}
