//! A mask as an expression over the columns of its dataset.

use arrow::datatypes::{DataType, Field};
use datafusion::common::ScalarValue;
use datafusion::logical_expr::{Expr, ScalarUDF, ident, lit};
use schemas::{Dataset, Mask};

use super::Viewer;
use super::mask_function::{MaskFunction, Shown};

/// What is shown of a column, under the column's name.
///
/// # Errors
/// A sentence, when the mask is not for columns of this type.
pub(super) fn masked(viewer: &Viewer, dataset: &Dataset, field: &Field, mask: &Mask) -> Result<Expr, String> {
    let kind = field.data_type();
    let unfit = |wanted: &str| {
        format!("it is of type {kind}, and mask \"{}\" is for {wanted}; use nothing, or hide the column", mask.as_str())
    };
    let is_text = matches!(kind, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View);
    let of = |shown: Shown, arguments: Vec<Expr>| ScalarUDF::new_from_impl(MaskFunction::new(shown)).call(arguments);
    let column = || ident(field.name());
    let value = |scalar: Result<ScalarValue, datafusion::error::DataFusionError>| {
        scalar.map(lit).map_err(|_| unfit("simple types"))
    };
    let shown = match mask {
        Mask::Null => value(ScalarValue::try_from(kind))?,
        Mask::Constant(constant) if is_text => value(ScalarValue::from(constant.as_str()).cast_to(kind))?,
        Mask::Constant(_) => value(ScalarValue::new_default(kind))?,
        Mask::Partial { first, last } if is_text => of(Shown::Partial { first: *first, last: *last }, vec![column()]),
        Mask::TruncateIp if is_text => of(Shown::Network, vec![column()]),
        Mask::Pseudonym(key) if is_text => {
            let secret = viewer.key(&key.secret).ok_or_else(|| "its key was not read".to_owned())?;
            let shown = Shown::Pseudonym { id: key.id.clone(), secret };
            // Two tenants see two pseudonyms of one person.
            match dataset.tenant.as_str() {
                "" => of(shown, vec![column()]),
                tenant => of(shown, vec![column(), ident(tenant)]),
            }
        }
        Mask::Partial { .. } | Mask::TruncateIp | Mask::Pseudonym(_) => return Err(unfit("texts")),
        Mask::Floor(unit) if matches!(kind, DataType::Timestamp(..)) => of(Shown::Floor(*unit), vec![column()]),
        Mask::Floor(_) => return Err(unfit("timestamps")),
        Mask::Bucket(width) if matches!(kind, DataType::Int16 | DataType::Int32 | DataType::Int64) => {
            of(Shown::Bucket(*width), vec![column()])
        }
        Mask::Bucket(_) => return Err(unfit("whole numbers")),
    };
    Ok(shown.alias(field.name()))
}
