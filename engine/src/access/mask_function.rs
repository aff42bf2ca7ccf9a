//! The functions behind masks: they never fail, and what they give has the type of the column.

use std::collections::HashMap;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringArray};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use datafusion::error::Result;
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility};
use schemas::FloorUnit;
use sha2::{Digest, Sha256};

use crate::coarsen::network;
use crate::column_values::{bucket, floors, integers, texts};
use crate::keyed::Keyed;

/// Bits of an IPv4 address that a mask shows.
const NETWORK_BITS_V4: u8 = 24;
/// Bits of an IPv6 address that a mask shows.
const NETWORK_BITS_V6: u8 = 48;
/// Stands for the letters that a partial mask hides, however many there are.
const HIDDEN: &str = "***";
/// What the pseudonyms of views are for.
const PURPOSE: &str = "access";

/// What is shown.
#[derive(Clone)]
pub(super) enum Shown {
    Partial { first: u32, last: u32 },
    Network,
    Floor(FloorUnit),
    Bucket(u64),
    Pseudonym { id: String, secret: Arc<[u8]> },
}

/// A key is not to be seen: not in a plan, not in a log.
impl fmt::Debug for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Partial { first, last } => write!(f, "partial({first}, {last})"),
            Self::Network => f.write_str("truncate_ip"),
            Self::Floor(unit) => write!(f, "floor({})", unit.as_str()),
            Self::Bucket(width) => write!(f, "bucket({width})"),
            Self::Pseudonym { id, .. } => write!(f, "pseudonym({id})"),
        }
    }
}

/// One mask of one column.
#[derive(Debug, Clone)]
pub(super) struct MaskFunction {
    shown: Shown,
    /// The mask, and of its key a digest.
    identity: String,
    signature: Signature,
}

impl MaskFunction {
    pub(super) fn new(shown: Shown) -> Self {
        let key = match &shown {
            Shown::Pseudonym { secret, .. } => schemas::hex(&Sha256::digest(secret)),
            _ => String::new(),
        };
        let identity = format!("{shown:?} {key}");
        Self { shown, identity, signature: Signature::variadic_any(Volatility::Immutable) }
    }
}

impl PartialEq for MaskFunction {
    fn eq(&self, other: &Self) -> bool {
        self.identity == other.identity
    }
}

impl Eq for MaskFunction {}

impl Hash for MaskFunction {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.identity.hash(state);
    }
}

impl ScalarUDFImpl for MaskFunction {
    fn name(&self) -> &'static str {
        "masked"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, given: &[DataType]) -> Result<DataType> {
        Ok(given.first().cloned().unwrap_or(DataType::Null))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let columns: Vec<ArrayRef> =
            args.args.iter().map(|value| value.to_array(args.number_rows)).collect::<Result<_>>()?;
        let Some(column) = columns.first() else { return datafusion::common::plan_err!("a mask is of a column") };
        let shown: ArrayRef = match &self.shown {
            Shown::Floor(unit) => floors(column, *unit)?,
            Shown::Bucket(width) => {
                let width = i64::try_from(*width).unwrap_or(i64::MAX);
                integers(column, |number| Some(bucket(number, width)))?
            }
            Shown::Partial { first, last } => {
                texts(column, |text| Some(partial(text, *first as usize, *last as usize)))?
            }
            Shown::Network => texts(column, |text| network(text, NETWORK_BITS_V4, NETWORK_BITS_V6))?,
            Shown::Pseudonym { id, secret } => pseudonyms(column, columns.get(1), id, secret)?,
        };
        // What does not fit the column's type any more, as a floor below its smallest value, is null.
        Ok(ColumnarValue::Array(cast(&shown, column.data_type())?))
    }
}

/// The letters at both ends; nothing of a text that they would show whole.
fn partial(text: &str, first: usize, last: usize) -> String {
    let letters = text.chars().count();
    if letters <= first + last {
        return HIDDEN.to_owned();
    }
    let begin: String = text.chars().take(first).collect();
    let end: String = text.chars().skip(letters - last).collect();
    format!("{begin}{HIDDEN}{end}")
}

fn pseudonyms(column: &ArrayRef, tenants: Option<&ArrayRef>, id: &str, secret: &[u8]) -> Result<ArrayRef> {
    let column = cast(column, &DataType::Utf8)?;
    let tenants = tenants.map(|tenants| cast(tenants, &DataType::Utf8)).transpose()?;
    let tenants = tenants.as_ref().map(|tenants| tenants.as_string::<i32>());
    let texts = column.as_string::<i32>();
    // Of a batch's rows most are of few people.
    let mut known: HashMap<(&str, &str), String> = HashMap::new();
    let rows = (0..texts.len()).map(|row| {
        let text = texts.is_valid(row).then(|| texts.value(row))?;
        let tenant = tenants.filter(|tenants| tenants.is_valid(row)).map_or("", |tenants| tenants.value(row));
        Some(known.entry((tenant, text)).or_insert_with(|| pseudonym(id, secret, tenant, text)).clone())
    });
    Ok(Arc::new(rows.collect::<StringArray>()))
}

fn pseudonym(id: &str, secret: &[u8], tenant: &str, text: &str) -> String {
    let mut pseudonym = String::new();
    Keyed::new(secret, PURPOSE).with(tenant).pseudonym(id, text, &mut pseudonym);
    pseudonym
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_a_text_says_nothing_of_its_length() {
        assert_eq!(partial("alice@example.org", 1, 4), "a***.org");
        assert_eq!(partial("abc", 1, 4), "***");
        assert_eq!(partial("", 2, 0), "***");
        assert_eq!(partial("äöüß", 0, 2), "***üß");
    }

    #[test]
    fn a_pseudonym_is_of_its_key_tenant_and_value() {
        let of = |secret: &[u8], tenant, text| pseudonym("a26", secret, tenant, text);
        let alice = of(b"key", "t1", "alice");
        assert_eq!(alice.len(), "a26:".len() + 22);
        assert_eq!(alice, of(b"key", "t1", "alice"));
        let others = [of(b"key", "t2", "alice"), of(b"other", "t1", "alice"), of(b"key", "t1a", "lice")];
        assert!(others.iter().all(|other| *other != alice));
        let shown = Shown::Pseudonym { id: "a26".to_owned(), secret: Arc::from(&b"very secret"[..]) };
        assert!(!format!("{:?}", MaskFunction::new(shown)).contains("secret"));
    }
}
