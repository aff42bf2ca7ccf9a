//! BAR 5: files of many writers come out of a rewrite that changes nothing as they went in, or are refused with a reason.

use bytes::Bytes;
use parquet::bloom_filter::Sbbf;
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaDataReader};
use parquet::file::properties::WriterProperties;
use parquet::file::reader::{FileReader, SerializedFileReader};

use super::super::*;
use super::{make, oracle};

/// Files of the corpus, with their names.
fn corpus() -> Vec<(String, Bytes)> {
    let Ok(folder) = std::env::var("AUDITLAKE_REAL_DATA") else {
        eprintln!("AUDITLAKE_REAL_DATA is not set: nothing is rewritten, so this test proves nothing");
        return Vec::new();
    };
    let mut paths: Vec<_> = std::fs::read_dir(format!("{folder}/parquet_corpus"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "parquet"))
        .collect();
    paths.sort();
    assert!(paths.len() >= 50, "the corpus is not whole");
    let name = |path: &std::path::Path| path.file_name().unwrap().to_str().unwrap().to_owned();
    paths.iter().map(|path| (name(path), std::fs::read(path).unwrap().into())).collect()
}

/// What a chunk states, without places and sizes.
fn stated(chunk: &ColumnChunkMetaData, file: &Bytes) -> String {
    let filter = Sbbf::read_from_column_chunk(chunk, file).unwrap().map(|filter| {
        let mut bytes = Vec::new();
        filter.write(&mut bytes).unwrap();
        bytes
    });
    format!(
        "{:?} {:?} {:?} {:?} {} {:?} {:?} {:?} {:?} {:?}",
        chunk.column_descr(),
        chunk.compression_codec(),
        chunk.statistics(),
        chunk.geo_statistics(),
        chunk.num_values(),
        chunk.encodings_mask(),
        chunk.page_encoding_stats(),
        chunk.definition_level_histogram(),
        chunk.unencoded_byte_array_data_bytes(),
        filter,
    )
}

/// Whether the Parquet library reads every value of `file`.
fn readable(file: &Bytes) -> bool {
    let Ok(reader) = SerializedFileReader::new(file.clone()) else { return false };
    reader.get_row_iter(None).is_ok_and(|mut rows| rows.all(|row| row.is_ok()))
}

/// A file of small pages that is made here.
const OURS: &str = "pages.parquet";
/// 4 kB of Brotli that hold two GiB.
const HUGE: &str = "large_string_map.brotli.parquet";

fn rewritten(file: &Bytes, anew: Anew) -> Result<Bytes, SurgeryError> {
    let source = Source::open(file.clone())?;
    let change = Change::Delete(RowSet::new());
    let done = transform(&source, &change, &Options { anew, ..Options::default() })?;
    check(&source, &change, &done)?;
    Ok(done.bytes)
}

/// Leaves a rewrite for readers of others, where somebody asks for it.
fn keep(name: &str, bytes: &[u8]) {
    if let Ok(folder) = std::env::var("AUDITLAKE_REWRITES") {
        std::fs::write(format!("{folder}/{name}"), bytes).unwrap();
    }
}

#[test]
fn files_of_many_writers_are_copied_whole_or_refused() {
    for (name, file) in corpus() {
        let new = match rewritten(&file, Anew::Touched) {
            Ok(new) => new,
            Err(error) => {
                assert!(!readable(&file), "{name} is readable, but: {error}");
                keep(&format!("{name}.refused"), error.to_string().as_bytes());
                continue;
            }
        };
        keep(&name, &new);
        let read = |file: &Bytes| ParquetMetaDataReader::new().parse_and_finish(file).unwrap();
        let (old_meta, new_meta) = (read(&file), read(&new));
        let (a, b) = (old_meta.file_metadata(), new_meta.file_metadata());
        assert_eq!(format!("{a:?}"), format!("{b:?}"), "{name}");
        assert_eq!(old_meta.num_row_groups(), new_meta.num_row_groups(), "{name}");
        for (old_group, new_group) in old_meta.row_groups().iter().zip(new_meta.row_groups()) {
            assert_eq!(old_group.num_rows(), new_group.num_rows(), "{name}");
            assert_eq!(old_group.sorting_columns(), new_group.sorting_columns(), "{name}");
            for (old, new_chunk) in old_group.columns().iter().zip(new_group.columns()) {
                assert_eq!(stated(old, &file), stated(new_chunk, &new), "{name}");
            }
        }
        if name != HUGE {
            assert!(oracle::read(&file).groups == oracle::read(&new).groups, "{name}");
        }
    }
}

/// The file without the first row of each row group that has another one.
fn without_first_rows(file: &Bytes) -> Result<Bytes, SurgeryError> {
    let source = Source::open(file.clone())?;
    let first = source.group_rows().into_iter().enumerate().filter(|(_, rows)| *rows > 1).map(|(group, _)| (group, 0));
    let change = Change::Delete(first.collect());
    let done = transform(&source, &change, &Options::default())?;
    check(&source, &change, &done)?;
    Ok(done.bytes)
}

#[test]
fn files_of_many_writers_lose_their_first_rows_and_nothing_else() {
    let pages = WriterProperties::builder().set_data_page_row_count_limit(20).set_write_batch_size(10);
    let texts: Vec<String> = (0..200).map(|row| format!("{}", if row == 0 { 99 } else { row % 7 })).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let ours = (OURS.to_owned(), make::texts(&texts, 200, pages.build()));
    keep(&format!("{OURS}.original"), &ours.1);
    for (name, file) in corpus().into_iter().chain([ours]) {
        if name == HUGE || !readable(&file) {
            continue;
        }
        let cut = match without_first_rows(&file) {
            Ok(cut) => cut,
            // What nothing decodes is copied, and not rewritten.
            Err(error) => {
                assert!(error.to_string().contains("checksum"), "{name}: {error}");
                continue;
            }
        };
        keep(&format!("{name}.cut"), &cut);
        let (before, after) = (oracle::read(&file).groups, oracle::read(&cut).groups);
        let stays = |column: &Vec<oracle::Record>| column[usize::from(column.len() > 1)..].to_vec();
        let expected: Vec<Vec<_>> = before.iter().map(|columns| columns.iter().map(stays).collect()).collect();
        assert!(expected == after, "{name}");
        // What old writers state of row groups and pages that are copied stays as they state it.
        if name == OURS {
            oracle::assert_statistics(&cut, &name);
        }
    }
}

#[test]
fn files_of_many_writers_hold_the_same_when_all_of_them_is_written_anew() {
    for (name, file) in corpus() {
        if name == HUGE || !readable(&file) {
            continue;
        }
        let before = oracle::read(&file);
        for anew in [Anew::All, Anew::AllByLibrary] {
            if name == "rle-dict-uncompressed-corrupt-checksum.parquet" {
                let error = rewritten(&file, anew).unwrap_err().to_string();
                assert!(error.contains("the checksum of a page is wrong"), "{error}");
                continue;
            }
            let new = rewritten(&file, anew).unwrap_or_else(|error| panic!("{name}: {error}"));
            let after = oracle::read(&new);
            assert!(before.groups == after.groups, "{name}, {anew:?}");
            for (old_group, new_group) in before.metadata.row_groups().iter().zip(after.metadata.row_groups()) {
                for (old, new) in old_group.columns().iter().zip(new_group.columns()) {
                    assert_eq!(old.compression_codec(), new.compression_codec(), "{name}");
                    assert_eq!(old.bloom_filter_offset().is_some(), new.bloom_filter_offset().is_some(), "{name}");
                }
            }
            oracle::assert_statistics(&new, &format!("{name}, {anew:?}"));
        }
    }
}
