//! `sketch_quantile` and `sketch_count`: what a sketch tells.

use datafusion::common::{exec_datafusion_err, exec_err};
use datafusion::error::Result;

use super::row_function::{Kind, Of, Row, RowFunction};

/// `sketch_quantile(sketch, part, whole)`.
///
/// The value of nearest rank `⌈n · part / whole⌉` of the `n` that were counted, at most a hundredth off; null of a sketch
/// without values.
pub(super) fn sketch_quantile() -> RowFunction {
    RowFunction::new(
        "sketch_quantile",
        &[("sketch", Kind::Sketch), ("part", Kind::Whole), ("whole", Kind::Whole)],
        Of::Whole(quantile),
    )
}

/// `sketch_count(sketch)`: how many values were counted.
pub(super) fn sketch_count() -> RowFunction {
    RowFunction::new("sketch_count", &[("sketch", Kind::Sketch)], Of::Whole(count))
}

fn quantile(row: &Row<'_>) -> Result<Option<i64>> {
    let (Some(sketch), Some(part), Some(whole)) = (row.sketch(0)?, row.whole(1), row.whole(2)) else { return Ok(None) };
    sketch.quantile(part, whole).map_err(|error| exec_datafusion_err!("sketch_quantile: {error}"))
}

fn count(row: &Row<'_>) -> Result<Option<i64>> {
    let Some(sketch) = row.sketch(0)? else { return Ok(None) };
    match sketch.values().map(i64::try_from) {
        Ok(Ok(values)) => Ok(Some(values)),
        Ok(Err(_)) | Err(_) => exec_err!("sketch_count: there are more values than 64 bits with a sign count"),
    }
}
