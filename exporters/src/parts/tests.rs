//! What holds of every format.

use std::io::Read;
use std::sync::Arc;

use arrow::array::{AsArray, Int64Array, StringArray, TimestampSecondArray};
use arrow::datatypes::{DataType, Field, Fields, Schema, UnionFields, UnionMode};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use sha2::{Digest, Sha256};

use super::kept::Kept;
use super::rows_of_all_kinds::{HOSTILE, rows_of_all_kinds};
use super::*;
use crate::csv::read_back;
use crate::export::EXPORTERS;
use crate::format::{Compression, Format, Split};

/// Rows of a run that is long enough for several chunks.
const ROWS: usize = 9_000;

fn run(rows: &RecordBatch, options: &ExportOptions) -> Result<(Vec<Part>, Kept), ExportError> {
    run_cut(std::slice::from_ref(rows), options, Vec::new())
}

fn run_cut(
    batches: &[RecordBatch],
    options: &ExportOptions,
    done: Vec<Part>,
) -> Result<(Vec<Part>, Kept), ExportError> {
    let mut kept = Kept::default();
    let mut rows = batches.iter().cloned().map(Ok);
    let parts = export(&batches[0].schema(), &mut rows, options, done, &mut kept, &ExportProgress::default())?;
    Ok((parts, kept))
}

/// Every format, in parts of so many rows.
fn formats(rows: u64) -> impl Iterator<Item = ExportOptions> {
    EXPORTERS.iter().map(move |exporter| {
        let split = Split { rows, ..Split::default() };
        ExportOptions { split, created: 1_774_742_400, ..ExportOptions::new(exporter.format()) }
    })
}

/// The rows in batches of random lengths, empty ones among them.
fn cut(rows: &RecordBatch, random: &mut ChaCha8Rng) -> Vec<RecordBatch> {
    let (mut batches, mut from) = (Vec::new(), 0);
    while from < rows.num_rows() {
        let length = random.random_range(0..3_000).min(rows.num_rows() - from);
        batches.push(rows.slice(from, length));
        from += length;
    }
    batches
}

#[test]
fn each_format_has_one_exporter() {
    for format in Format::ALL {
        assert_eq!(exporter(format).format(), format);
        assert_eq!(Format::parse(format.as_str()), Some(format));
    }
    assert_eq!(EXPORTERS.len(), Format::ALL.len());
}

#[test]
fn bytes_do_not_depend_on_how_rows_were_cut() {
    let (rows, mut random) = (rows_of_all_kinds(1, ROWS), ChaCha8Rng::seed_from_u64(2));
    for options in formats(u64::MAX) {
        let (_, expected) = run(&rows, &options).expect("exports");
        for _ in 0..3 {
            let (_, kept) = run_cut(&cut(&rows, &mut random), &options, Vec::new()).expect("exports");
            assert!(kept.parts() == expected.parts(), "{} differs", options.format);
        }
    }
}

#[test]
fn parts_hold_each_row_once_and_hash_what_is_kept() {
    let rows = rows_of_all_kinds(3, 1_000);
    for options in formats(300) {
        let (parts, kept) = run(&rows, &options).expect("exports");
        assert_eq!(parts.iter().map(|part| part.rows).collect::<Vec<_>>(), [300, 300, 300, 100], "{}", options.format);
        for part in &parts {
            let bytes = &kept.parts()[&part.name];
            assert_eq!((part.bytes, &part.sha256), (bytes.len() as u64, &hex(&Sha256::digest(bytes))));
            assert_eq!(part.sha256, part.content_sha256);
        }
    }
    let options =
        ExportOptions { split: Split { rows: 300, ..Split::default() }, ..ExportOptions::new(Format::Ndjson) };
    let (_, kept) = run(&rows, &options).expect("exports");
    let joined: Vec<u8> = kept.parts().into_values().flatten().collect();
    let (_, whole) = run(&rows, &ExportOptions::new(Format::Ndjson)).expect("exports");
    assert!(whole.parts()["part-00001.ndjson"] == joined);
}

#[test]
fn an_export_that_goes_on_gives_the_bytes_of_one_that_was_never_stopped() {
    let rows = rows_of_all_kinds(4, 1_000);
    for options in formats(300) {
        let (parts, expected) = run(&rows, &options).expect("exports");
        for done in 0..=parts.len() {
            let (all, kept) = run_cut(std::slice::from_ref(&rows), &options, parts[..done].to_vec()).expect("exports");
            assert_eq!(all, parts);
            let rest: Vec<_> = expected.parts().into_iter().skip(done).collect();
            assert!(kept.parts().into_iter().collect::<Vec<_>>() == rest, "{} from part {done}", options.format);
        }
    }
}

#[test]
fn rows_that_break_off_leave_no_part() {
    let rows = rows_of_all_kinds(5, 1_000);
    for options in formats(u64::MAX) {
        let mut kept = Kept::default();
        let mut broken = [Ok(rows.clone()), Err("the store is gone".into())].into_iter();
        let error = export(&rows.schema(), &mut broken, &options, Vec::new(), &mut kept, &ExportProgress::default());
        assert!(matches!(error, Err(ExportError::Rows(_))), "{}: {error:?}", options.format);
        assert!(kept.parts().is_empty(), "{}", options.format);
    }
}

#[test]
fn a_full_disk_leaves_no_part_and_is_the_error() {
    let rows = rows_of_all_kinds(6, ROWS);
    for options in formats(u64::MAX) {
        let mut kept = Kept::of(1_000);
        let mut all = [Ok(rows.clone())].into_iter();
        let error = export(&rows.schema(), &mut all, &options, Vec::new(), &mut kept, &ExportProgress::default());
        match error {
            Err(ExportError::Write(source)) => {
                assert_eq!(source.kind(), io::ErrorKind::StorageFull, "{}", options.format)
            }
            other => unreachable!("{}: {other:?}", options.format),
        }
        assert!(kept.parts().is_empty());
    }
}

#[test]
fn no_rows_are_one_part_that_reads_back() {
    let none = rows_of_all_kinds(7, 1).slice(0, 0);
    for options in formats(10) {
        let (parts, kept) = run(&none, &options).expect("exports");
        assert_eq!(parts.iter().map(|part| part.rows).collect::<Vec<_>>(), [0]);
        assert!(options.format == Format::Ndjson || !kept.parts()[&parts[0].name].is_empty(), "{}", options.format);
    }
    let text = |format| {
        let (parts, kept) = run(&none, &ExportOptions::new(format)).expect("exports");
        String::from_utf8(kept.parts()[&parts[0].name].clone()).expect("is utf-8")
    };
    assert_eq!(text(Format::Json), "[]\n");
    assert_eq!(text(Format::Yaml), "[]\n");
    assert!(text(Format::Csv).starts_with("id,wide,"));
    assert!(text(Format::Xml).ends_with("instance\">\n</export>\n"));
}

#[test]
fn compressed_text_is_the_text() {
    let rows = rows_of_all_kinds(8, 1_000);
    let plain = run(&rows, &ExportOptions::new(Format::Csv)).expect("exports");
    let plain = plain.1.parts()["part-00001.csv"].clone();
    for compression in [Compression::Gzip, Compression::Zstd] {
        let options = ExportOptions { compression: Some(compression), ..ExportOptions::new(Format::Csv) };
        let (parts, kept) = run(&rows, &options).expect("exports");
        let packed = kept.parts()[&parts[0].name].clone();
        let mut text = Vec::new();
        match compression {
            Compression::Gzip => flate2::read::GzDecoder::new(packed.as_slice()).read_to_end(&mut text).map(drop),
            Compression::Zstd => {
                zstd::Decoder::new(packed.as_slice()).expect("begins").read_to_end(&mut text).map(drop)
            }
        }
        .expect("reads");
        assert!(text == plain);
        assert_eq!(parts[0].content_sha256, hex(&Sha256::digest(&plain)));
        assert_eq!(parts[0].sha256, hex(&Sha256::digest(&packed)));
    }
    for format in [Format::Xlsx, Format::Parquet, Format::Arrow] {
        let options = ExportOptions { compression: Some(Compression::Gzip), ..ExportOptions::new(format) };
        assert!(matches!(run(&rows, &options), Err(ExportError::Compressed { .. })));
    }
}

#[test]
fn taking_one_mark_away_restores_every_guarded_text() {
    let rows = rows_of_all_kinds(9, 500);
    let options = ExportOptions { guard: true, ..ExportOptions::new(Format::Csv) };
    let (parts, kept) = run(&rows, &options).expect("exports");
    let records = read_back(&kept.parts()["part-00001.csv"]);
    let (note, texts) =
        (rows.schema().index_of("note").expect("is there"), rows.column_by_name("note").expect("is there"));
    let mut guarded = 0;
    for (record, text) in records[1..].iter().zip(texts.as_string::<i32>()) {
        let formula = text.is_some_and(|text| crate::csv::guard(text) != text);
        let cell = record[note].as_deref();
        assert_eq!(if formula { cell.and_then(|cell| cell.strip_prefix('\'')) } else { cell }, text);
        guarded += u64::from(formula);
    }
    assert!(guarded > 0);
    assert_eq!(parts[0].cells["guarded"]["note"], guarded);
    assert_eq!(
        parts[0].cells["guarded"].keys().collect::<Vec<_>>(),
        ["kind", "note", "view"],
        "numbers are never guarded"
    );
}

#[test]
fn a_strict_export_refuses_a_cell_that_is_lost_for_good() {
    let long = "x".repeat(40_000);
    let rows =
        RecordBatch::try_from_iter([("t", Arc::new(StringArray::from(vec!["a", &long])) as _)]).expect("is a batch");
    let mut options = ExportOptions::new(Format::Xlsx);
    let (parts, _) = run(&rows, &options).expect("exports");
    assert_eq!(parts[0].cells["cut"]["t"], 1);
    assert_eq!((parts[0].cut[0].row, parts[0].cut[0].units), (2, 40_000));
    options.strict = true;
    let error = run(&rows, &options).expect_err("is refused");
    assert!(error.to_string().contains("column \"t\" has cells that are cut"), "{error}");
    options.format = Format::Json;
    run(&rows, &options).expect("loses nothing");
}

/// What a format says of a column of this type and name, before the first row.
fn refusal(format: Format, name: &str, data_type: DataType) -> Option<ExportError> {
    let schema: SchemaRef = Arc::new(Schema::new(vec![Field::new(name, data_type, true)]));
    check(&schema, &ExportOptions::new(format)).err()
}

#[test]
fn what_no_format_holds_is_refused_by_each_before_the_first_row() {
    let union = UnionFields::try_new([0], [Field::new("a", DataType::Int32, true)]).expect("is a union");
    let union = DataType::Union(union, UnionMode::Sparse);
    let twice = Fields::from(vec![Field::new("a", DataType::Int32, true), Field::new("a", DataType::Int32, true)]);
    for format in Format::ALL {
        let said =
            |data_type: &DataType, name: &str| refusal(format, name, data_type.clone()).map(|error| error.to_string());
        let of_union = said(&union, "u").expect("is refused");
        assert!(of_union.contains("select union_extract(\"u\", 'a') AS \"u\""), "{format}: {of_union}");
        let inside = said(&DataType::List(Arc::new(Field::new("item", union.clone(), true))), "u").expect("is refused");
        assert!(inside.contains("select the parts of \"u\" that are no union"), "{format}: {inside}");
        let of_struct = said(&DataType::Struct(twice.clone()), "s").expect("is refused");
        assert!(of_struct.contains("two fields \"a\"; rename one"), "{format}: {of_struct}");
        let unnamed = said(&DataType::Int32, "").expect("is refused");
        assert!(unnamed.contains("has no name; add AS"), "{format}: {unnamed}");
        assert_eq!(said(&DataType::Int32, "n"), None, "{format}");
    }
}

#[test]
fn what_one_format_cannot_hold_is_refused_by_it_alone() {
    let long = "n".repeat(1_025);
    let empty = DataType::Struct(Fields::empty());
    for format in Format::ALL {
        let of_name = refusal(format, &long, DataType::Int32).map(|error| error.to_string());
        assert_eq!(of_name.is_some(), format == Format::Yaml);
        assert!(
            of_name.is_none_or(|said| said.contains("more than 1024 characters") && said.ends_with("add AS \"name\""))
        );
        let of_struct = refusal(format, "s", empty.clone()).map(|error| error.to_string());
        assert_eq!(of_struct.is_some(), format == Format::Parquet);
        assert!(of_struct.is_none_or(|said| said.ends_with("leave the column out")));
        let many = (0..16_385).map(|number| Field::new(format!("c{number}"), DataType::Int32, true));
        let many: SchemaRef = Arc::new(Schema::new(many.collect::<Vec<_>>()));
        let of_many = check(&many, &ExportOptions::new(format)).err().map(|error| error.to_string());
        assert_eq!(of_many.is_some(), format == Format::Xlsx);
        assert!(
            of_many.is_none_or(|said| said.contains("16385 columns") && said.ends_with("select fewer, or take csv"))
        );
    }
}

#[test]
fn a_value_that_parquet_cannot_hold_is_told_with_its_column_and_no_part_is_made() {
    let far = TimestampSecondArray::from(vec![0, i64::MAX]);
    let rows = RecordBatch::try_from_iter([("at", Arc::new(far) as _)]).expect("is a batch");
    let mut kept = Kept::default();
    let mut all = [Ok(rows.clone())].into_iter();
    let options = ExportOptions::new(Format::Parquet);
    let error = export(&rows.schema(), &mut all, &options, Vec::new(), &mut kept, &ExportProgress::default());
    let said = error.expect_err("is refused").to_string();
    assert!(said.starts_with("column \"at\", from row 1 on: "), "{said}");
    assert!(said.ends_with("select arrow_cast(\"at\", 'Utf8') AS \"at\""), "{said}");
    assert!(kept.parts().is_empty());
}

#[test]
fn parts_end_behind_the_chunk_that_passes_the_bytes() {
    let numbers = Int64Array::from_iter_values(0..50_000);
    let rows = RecordBatch::try_from_iter([("n", Arc::new(numbers) as _)]).expect("is a batch");
    let options = ExportOptions { split: Split { bytes: 1, ..Split::default() }, ..ExportOptions::new(Format::Csv) };
    let (parts, _) = run(&rows, &options).expect("exports");
    let rows: Vec<u64> = parts.iter().map(|part| part.rows).collect();
    assert_eq!(rows, [8_192, 8_192, 8_192, 8_192, 8_192, 8_192, 848]);
}

#[test]
fn hostile_texts_are_one_cell_each() {
    let rows =
        RecordBatch::try_from_iter([("t", Arc::new(StringArray::from(HOSTILE.to_vec())) as _)]).expect("is a batch");
    let (_, kept) = run(&rows, &ExportOptions::new(Format::Csv)).expect("exports");
    let cells: Vec<_> = read_back(&kept.parts()["part-00001.csv"]).into_iter().skip(1).flatten().flatten().collect();
    assert_eq!(cells, HOSTILE);
    let (_, kept) = run(&rows, &ExportOptions::new(Format::Json)).expect("exports");
    let read: Vec<std::collections::BTreeMap<String, String>> =
        serde_json::from_slice(&kept.parts()["part-00001.json"]).expect("reads");
    assert_eq!(read.iter().map(|row| row["t"].as_str()).collect::<Vec<_>>(), HOSTILE);
}
