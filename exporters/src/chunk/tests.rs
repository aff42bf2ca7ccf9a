use std::sync::Arc;

use arrow::array::{ArrayRef, StringArray, StringViewArray};

use super::*;

fn texts(lengths: &[usize]) -> RecordBatch {
    let texts: StringArray = lengths.iter().map(|length| Some("x".repeat(*length))).collect();
    RecordBatch::try_from_iter([("t", Arc::new(texts) as ArrayRef)]).expect("is a batch")
}

/// Rows of each chunk.
fn chunks(batches: Vec<RecordBatch>, limit: u64) -> Result<Vec<usize>, ExportError> {
    let schema = batches[0].schema();
    let mut batches = batches.into_iter().map(Ok);
    let mut chunks = Chunks::new(&schema, &mut batches);
    let mut rows = Vec::new();
    while let Some(chunk) = chunks.next(limit)? {
        rows.push(chunk.num_rows());
    }
    Ok(rows)
}

#[test]
fn chunks_end_after_8192_rows_or_at_the_limit() {
    let rows = texts(&[1; 20_000]);
    assert_eq!(chunks(vec![rows.clone()], u64::MAX).expect("cuts"), [8_192, 8_192, 3_616]);
    let pieces = (0..20).map(|piece| rows.slice(piece * 1_000, 1_000)).collect();
    assert_eq!(chunks(pieces, u64::MAX).expect("cuts"), [8_192, 8_192, 3_616]);
    assert_eq!(chunks(vec![rows.slice(0, 1_000)], 300).expect("cuts"), [300, 300, 300, 100]);
}

#[test]
fn long_values_end_a_chunk_behind_the_block_that_passes_4_mib() {
    let rows = texts(&[10_000; 2_000]);
    // 256 rows are 2.56 MB: the second block passes 4 MiB.
    let expected = [512, 512, 512, 464];
    assert_eq!(chunks(vec![rows.clone()], u64::MAX).expect("cuts"), expected);
    for length in [1, 7, 300, 511] {
        let pieces = (0..2_000).step_by(length).map(|from| rows.slice(from, length.min(2_000 - from))).collect();
        assert_eq!(chunks(pieces, u64::MAX).expect("cuts"), expected, "batches of {length}");
    }
}

#[test]
fn bytes_are_those_of_the_values_however_they_are_kept() {
    let plain = StringArray::from(vec!["a", "a text of more than twelve bytes", ""]);
    let views = StringViewArray::from(vec!["a", "a text of more than twelve bytes", ""]);
    assert_eq!(value_bytes(&plain), 33);
    assert_eq!(value_bytes(&views), 33);
    assert_eq!(value_bytes(&plain.slice(1, 1)), 32);
}

#[test]
fn a_cell_that_is_too_long_is_told_with_its_row() {
    let long = texts(&[1, 1, CELL_BYTES + 1]);
    let error = chunks(vec![texts(&[1; 10_000]), long], u64::MAX).expect_err("is refused");
    assert!(error.to_string().starts_with("column \"t\", row 10003: the value is longer than 64 MiB"), "{error}");
    assert_eq!(chunks(vec![texts(&[CELL_BYTES])], u64::MAX).expect("is not too long"), [1]);
}
