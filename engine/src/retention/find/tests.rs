mod made;
mod recorded;

use bytes::Bytes;
use object_store::ObjectStoreExt;
use object_store::memory::InMemory;
use object_store::path::Path;
use parquet::basic::Encoding;
use parquet::file::properties::{BloomFilterPosition, EnabledStatistics, WriterProperties};
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::schema::types::ColumnPath;

use super::{FindError, Found, Sought, find, find_in};
use made::{Made, Row};
use recorded::Recorded;

fn sought(columns: &[&str], values: &[&str]) -> Sought {
    let columns = columns.iter().map(|column| ColumnPath::new(column.split('.').map(str::to_owned).collect()));
    Sought::new(columns, values.iter().map(|value| (*value).to_owned()))
}

/// What is found by way of a store, which must be what is found in the bytes; also the ranges that were read.
async fn found(file: &Bytes, sought: &Sought) -> (Result<Found, FindError>, Vec<Vec<std::ops::Range<u64>>>) {
    let store = Recorded::over(InMemory::new());
    let path = Path::from("object.parquet");
    store.put(&path, file.clone().into()).await.unwrap();
    let by_store = find(&store, &path, u64::try_from(file.len()).unwrap(), sought).await;
    let at_once = find_in(file, sought);
    assert_eq!(by_store.as_ref().ok(), at_once.as_ref().ok());
    (by_store, store.reads())
}

/// The rows that a person would find with a finger on the line.
fn expected(rows: &[Vec<Row>], columns: &[&str], values: &[&str]) -> super::RowSet {
    let mut expected = super::RowSet::new();
    for (group, rows) in rows.iter().enumerate() {
        for (at, row) in (0..).zip(rows) {
            let named = columns.iter().flat_map(|column| row.texts(column));
            if named.into_iter().any(|text| values.contains(&text.as_str())) {
                expected.insert(group, at..at + 1);
            }
        }
    }
    expected
}

#[tokio::test]
async fn rows_are_found_in_every_kind_of_column_however_it_is_written() {
    let uuid = made::uuid(3);
    let mut hits = 0;
    for seed in 0..120 {
        let made = Made::of(seed);
        for (columns, values) in [
            (["a"].as_slice(), ["p-3"].as_slice()),
            (&["b"], &["p-3", "p-11", "nobody"]),
            (&["a", "b", "l"], &["p-5", "p-1"]),
            (&["l"], &["p-2"]),
            (&["n"], &["7", "07", "+7", "p-7"]),
            (&["u", "n"], &[uuid.as_str(), "11"]),
            (&["a", "b", "l", "n", "u"], &["", "nobody"]),
            (&["a", "b"], &[]),
        ] {
            let what = format!("seed {seed}, {columns:?}, {values:?}");
            let (found, _) = found(&made.file, &sought(columns, values)).await;
            let found = found.unwrap_or_else(|error| panic!("{what}: {error}"));
            assert_eq!(found.rows, expected(&made.rows, columns, values), "{what}");
            let rows: Vec<u64> = made.rows.iter().map(|rows| u64::try_from(rows.len()).unwrap()).collect();
            assert_eq!((found.group_rows, found.columns_missing), (rows, vec![]), "{what}");
            hits += found.rows.len();
        }
    }
    assert!(hits > 1000, "{hits}");
}

/// Filters at the end, and a file so large that the first read does not have them.
fn filtered() -> WriterProperties {
    WriterProperties::builder()
        .set_bloom_filter_enabled(true)
        .set_bloom_filter_position(BloomFilterPosition::End)
        .set_bloom_filter_max_ndv(20_000)
        .set_bloom_filter_fpp(0.000_01)
        .set_statistics_enabled(EnabledStatistics::None)
        .set_dictionary_enabled(false)
        .build()
}

#[tokio::test]
async fn an_object_without_a_hit_takes_two_reads_and_no_page() {
    let made = Made::with(7, &[6000, 6000, 6000], filtered());
    let footer = SerializedFileReader::new(made.file.clone()).unwrap().metadata().clone();
    let chunks: Vec<_> = footer.row_groups().iter().flat_map(|group| group.columns()).collect();
    let pages_end = chunks.iter().map(|chunk| chunk.byte_range().0 + chunk.byte_range().1).max().unwrap();
    let (found, reads) = found(&made.file, &sought(&["a", "b", "l"], &["nobody", "no-one", "none"])).await;
    let found = found.unwrap();
    assert!(found.rows.is_empty() && found.chunks_decoded == 0);
    assert_eq!(reads.len(), 2, "{reads:?}");
    let read = |range: &std::ops::Range<u64>| range.end - range.start;
    assert!(reads[0].iter().map(read).sum::<u64>() <= super::FOOTER_BYTES, "{reads:?}");
    assert!(reads[1].iter().all(|range| range.start >= pages_end), "{reads:?}");
}

#[tokio::test]
async fn a_hit_costs_the_chunks_that_may_have_it_and_no_others() {
    let made = Made::with(8, &[6000, 6000, 6000], filtered());
    let one = made.rows[1][17].texts("b").pop().unwrap();
    let named = made.rows.iter().flatten().filter(|row| row.texts("b").contains(&one)).count();
    let (found, reads) = found(&made.file, &sought(&["b"], &[&one])).await;
    let found = found.unwrap();
    assert_eq!(found.rows.len(), u64::try_from(named).unwrap());
    let groups = found.rows.groups().count();
    assert_eq!((found.chunks_decoded, reads.len()), (groups, 2 + groups), "{reads:?}");
}

#[tokio::test]
async fn a_file_without_filters_is_decoded() {
    let properties = WriterProperties::builder().set_statistics_enabled(EnabledStatistics::None).build();
    let made = Made::with(9, &[500, 500], properties);
    let (found, _) = found(&made.file, &sought(&["a", "b"], &["nobody"])).await;
    let found = found.unwrap();
    assert_eq!((found.rows.len(), found.chunks_decoded), (0, 4));
}

#[tokio::test]
async fn bounds_excuse_as_filters_do() {
    let made = Made::with(9, &[500, 500], WriterProperties::builder().build());
    let (found, _) = found(&made.file, &sought(&["a", "b"], &["zzz"])).await;
    assert_eq!(found.unwrap().chunks_decoded, 0);
}

#[tokio::test]
async fn columns_that_are_not_there_are_named_and_others_searched() {
    let made = Made::of(3);
    let (found, _) = found(&made.file, &sought(&["x", "a"], &["p-3"])).await;
    let found = found.unwrap();
    assert_eq!(found.columns_missing, [ColumnPath::new(vec!["x".to_owned()])]);
    assert_eq!(found.rows, expected(&made.rows, &["a"], &["p-3"]));
}

#[tokio::test]
async fn a_column_of_no_identifiers_is_refused() {
    let made = Made::of(3);
    for column in ["t", "f"] {
        let (error, _) = found(&made.file, &sought(&[column], &["7"])).await;
        assert!(matches!(error.unwrap_err(), FindError::Column { column: named } if named == column));
    }
}

#[test]
fn a_damaged_object_is_an_error_or_searched_and_no_panic() {
    for (dictionary, encoding) in
        [(true, Encoding::PLAIN), (false, Encoding::PLAIN), (false, Encoding::DELTA_BYTE_ARRAY)]
    {
        let properties = WriterProperties::builder()
            .set_dictionary_enabled(dictionary)
            .set_column_encoding(ColumnPath::new(vec!["b".to_owned()]), encoding)
            .set_bloom_filter_enabled(true)
            .build();
        let made = Made::with(4, &[40], properties);
        let sought = sought(&["a", "b", "l", "n"], &["p-1", "7"]);
        assert!(find_in(&made.file.slice(..made.file.len() - 1), &sought).is_err());
        for at in 0..made.file.len() {
            let mut damaged = made.file.to_vec();
            damaged[at] ^= 1 << (at % 8);
            if let Ok(found) = find_in(&damaged.into(), &sought) {
                assert!(found.rows.len() <= found.group_rows.iter().sum(), "byte {at}");
            }
        }
    }
}

#[test]
fn nobody_reads_in_a_log_who_is_sought() {
    let shown = format!("{:?}", sought(&["a"], &["p-3", "p-4"]));
    assert!(shown.contains("values: 2") && !shown.contains("p-3"), "{shown}");
}
