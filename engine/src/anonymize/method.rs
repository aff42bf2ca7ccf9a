//! What a value becomes by itself: one method for one column, before or without a search.
//!
//! ```text
//! mask               keeps an end of a text            bucket, round, clamp   numbers made coarser, or kept in bounds
//! pseudonym, fpe     a key leads back, nothing else    floor, shift           instants made coarser, or moved
//! truncate_ip, grid  places made coarser               hierarchy              an ancestor at a fixed level
//! ```
//!
//! Null stays null, rows stay rows, and no fault has a value of the data. Absent: `drop`, `redact` and `constant`,
//! which need no value; what groups of rows have in common, which is the search's.

mod fpe;
mod number;
mod parts;
mod pseudonym;
mod shift;
mod text;

use arrow::array::ArrayRef;
use arrow::compute::cast;
use arrow::datatypes::DataType;
use arrow::error::ArrowError;
use schemas::{CopyMethod, FloorUnit};

use self::fpe::Fpe;
use self::number::NumberMethod;
use self::pseudonym::Pseudonyms;
use self::shift::Shift;
use self::text::masked;
use crate::anonymize::{Hierarchy, QuasiColumn, generalize};
use crate::coarsen::network;
use crate::column_values::{floors, texts};

/// Why a column cannot be treated.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MethodFault {
    /// Values that cannot stay in their form.
    #[error(
        "{} rows or more hold values that fpe cannot change: {foreign} have characters outside the alphabet, and {short} \
         have fewer than {least} characters, of which all could be tried; state another alphabet, or write pseudonym",
        foreign + short
    )]
    Fpe {
        /// Rows with other letters.
        foreign: u64,
        /// Rows with too few.
        short: u64,
        /// How many there must be.
        least: usize,
    },
    /// A hierarchy that does not do.
    #[error(transparent)]
    Hierarchy(#[from] crate::anonymize::AnonymizeError),
    /// A type that cannot be read as it must. What arrow says of it may have values in it.
    #[error("its values cannot be read as the method needs them; write redact")]
    Unreadable,
}

impl From<ArrowError> for MethodFault {
    fn from(_: ArrowError) -> Self {
        Self::Unreadable
    }
}

/// A method with what it needs.
#[derive(Debug, Clone)]
pub(crate) struct Method {
    column: String,
    kind: Kind,
}

#[derive(Debug, Clone)]
enum Kind {
    Mask { keep: usize, last: bool },
    Pseudonym(Pseudonyms),
    Fpe(Fpe),
    Floor(FloorUnit),
    Shift(Shift),
    Number(NumberMethod),
    TruncateIp { v4: u8, v6: u8 },
    Hierarchy { hierarchy: Hierarchy, level: usize },
}

impl Method {
    /// The method of a column. None where it needs no value of the column.
    ///
    /// # Errors
    /// A sentence, where it has no key or hierarchy that it needs, or is not for a column of this type.
    pub(crate) fn new(
        column: &str,
        data_type: &DataType,
        method: &CopyMethod,
        (secret, hierarchy): (Option<&[u8]>, Option<&Hierarchy>),
    ) -> Result<Option<Self>, String> {
        let secret = || secret.ok_or_else(|| "its key was not read".to_owned());
        let kind = match method {
            CopyMethod::Drop | CopyMethod::Redact | CopyMethod::Constant { .. } => return Ok(None),
            CopyMethod::Mask { keep, last } => Kind::Mask { keep: *keep as usize, last: *last },
            CopyMethod::Pseudonym { key, purpose } => Kind::Pseudonym(Pseudonyms::new(&key.id, secret()?, purpose)),
            CopyMethod::Fpe { alphabet, .. } => {
                let fpe = Fpe::new(secret()?, column, alphabet);
                Kind::Fpe(fpe.ok_or_else(|| "its alphabet is too large; state fewer characters".to_owned())?)
            }
            CopyMethod::Floor { to } => Kind::Floor(*to),
            CopyMethod::Shift { within_seconds, .. } => Kind::Shift(Shift::new(secret()?, *within_seconds)),
            CopyMethod::Bucket { width } => Kind::Number(NumberMethod::Bucket(*width)),
            CopyMethod::Round { to } => Kind::Number(NumberMethod::Round(*to)),
            CopyMethod::Clamp { min, max } => Kind::Number(NumberMethod::Clamp(*min, *max)),
            CopyMethod::Grid { decimals } => Kind::Number(NumberMethod::Grid(*decimals)),
            CopyMethod::TruncateIp { v4, v6 } => Kind::TruncateIp { v4: *v4, v6: *v6 },
            CopyMethod::Hierarchy { level, .. } => Kind::Hierarchy {
                hierarchy: hierarchy.ok_or_else(|| "its hierarchy was not read".to_owned())?.clone(),
                level: *level as usize,
            },
        };
        kind.fits(data_type, method.as_str())?;
        Ok(Some(Self { column: column.to_owned(), kind }))
    }

    /// A level of a hierarchy, as a search chose it.
    pub(crate) fn level(column: &str, hierarchy: &Hierarchy, level: usize) -> Self {
        Self { column: column.to_owned(), kind: Kind::Hierarchy { hierarchy: hierarchy.clone(), level } }
    }

    /// The type of what it gives.
    pub(crate) fn returns(&self, data_type: &DataType) -> DataType {
        match &self.kind {
            Kind::Hierarchy { .. } => DataType::Utf8,
            Kind::Pseudonym(_) if !is_text(data_type) => DataType::Utf8,
            _ => data_type.clone(),
        }
    }

    /// The column after it: `given` is the column, then what else it names.
    pub(crate) fn apply(&self, given: &Given<'_>) -> Result<ArrayRef, MethodFault> {
        let column = given.column;
        let made = match &self.kind {
            Kind::Mask { keep, last } => texts(column, |text| Some(masked(text, *keep, *last)))?,
            Kind::TruncateIp { v4, v6 } => texts(column, |text| network(text, *v4, *v6))?,
            Kind::Pseudonym(pseudonyms) => pseudonyms.apply(column, given.tenants)?,
            Kind::Fpe(fpe) => fpe.apply(column, given.tenants)?,
            Kind::Floor(unit) => floors(column, *unit)?,
            Kind::Shift(shift) => shift.apply(column, given.subjects.ok_or(MethodFault::Unreadable)?, given.tenants)?,
            Kind::Number(number) => number.apply(column)?,
            Kind::Hierarchy { hierarchy, level } => {
                let quasi = QuasiColumn {
                    name: self.column.clone(),
                    values: column.clone(),
                    hierarchy: Some(hierarchy.clone()),
                };
                std::sync::Arc::new(generalize(&quasi, *level)?)
            }
        };
        // What does not fit the column's type any more, as a multiple beyond its largest value, is null.
        Ok(cast(&made, &self.returns(column.data_type()))?)
    }
}

/// A column, and what a method may name beside it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Given<'a> {
    pub(crate) column: &'a ArrayRef,
    pub(crate) tenants: Option<&'a ArrayRef>,
    pub(crate) subjects: Option<&'a ArrayRef>,
}

impl Kind {
    fn fits(&self, kind: &DataType, word: &str) -> Result<(), String> {
        let unfit =
            |wanted: &str| Err(format!("it is of type {kind}, and method \"{word}\" is for {wanted}; write redact"));
        match self {
            Self::Mask { .. } | Self::Fpe(_) | Self::TruncateIp { .. } if !is_text(kind) => unfit("texts"),
            Self::Pseudonym(_) if !is_text(kind) && !kind.is_integer() => unfit("texts and whole numbers"),
            Self::Floor(_) | Self::Shift(_) if !matches!(kind, DataType::Timestamp(..)) => unfit("timestamps"),
            Self::Number(number) if kind.is_integer() => number.unfit_for_integers().map_or(Ok(()), Err),
            Self::Number(_) if !kind.is_floating() => unfit("numbers"),
            Self::Hierarchy { .. } if kind.is_nested() => unfit("simple values"),
            _ => Ok(()),
        }
    }
}

fn is_text(kind: &DataType) -> bool {
    matches!(kind, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{Array, StringViewArray, TimestampMicrosecondArray, UInt64Array};
    use arrow::datatypes::TimeUnit;
    use schemas::{MaskKey, SecretSource};

    use super::*;

    const SECRET: &[u8] = &[3; 32];

    fn method(column: &ArrayRef, method: &CopyMethod) -> Result<Option<Method>, String> {
        Method::new("c", column.data_type(), method, (Some(SECRET), None))
    }

    fn key() -> MaskKey {
        MaskKey { id: "p26".to_owned(), secret: SecretSource::Env("AL_P26".to_owned()) }
    }

    fn applied(column: &ArrayRef, of: &CopyMethod) -> ArrayRef {
        let method = method(column, of).expect("fits").expect("is of values");
        let given = Given { column, tenants: None, subjects: Some(column) };
        let made = method.apply(&given).expect("is made");
        assert_eq!((made.len(), made.data_type()), (column.len(), &method.returns(column.data_type())));
        made
    }

    #[test]
    fn every_method_leaves_null_null_and_texts_of_their_type() {
        let texts: ArrayRef = Arc::new(StringViewArray::from(vec![Some("203.0.113.77"), None, Some("")]));
        for of in [
            CopyMethod::Mask { keep: 3, last: true },
            CopyMethod::Pseudonym { key: key(), purpose: "study".to_owned() },
            CopyMethod::TruncateIp { v4: 24, v6: 48 },
        ] {
            let made = applied(&texts, &of);
            assert!(made.is_null(1) && made.is_valid(0), "{of:?}");
            assert_eq!(made.data_type(), &DataType::Utf8View, "{of:?}");
        }
        let times: ArrayRef = Arc::new(TimestampMicrosecondArray::from(vec![Some(86_400_000_001), None]));
        let day = applied(&times, &CopyMethod::Floor { to: FloorUnit::Day });
        assert_eq!(day.data_type(), &DataType::Timestamp(TimeUnit::Microsecond, None));
        assert!(day.is_null(1));
    }

    #[test]
    fn a_method_of_another_type_is_refused_with_what_to_do() {
        let texts: ArrayRef = Arc::new(StringViewArray::from(vec!["a"]));
        let numbers: ArrayRef = Arc::new(UInt64Array::from(vec![1]));
        for (column, of) in [
            (&texts, CopyMethod::Floor { to: FloorUnit::Day }),
            (&texts, CopyMethod::Round { to: 10.0 }),
            (&numbers, CopyMethod::Mask { keep: 1, last: true }),
            (&numbers, CopyMethod::Bucket { width: 0.5 }),
            (&numbers, CopyMethod::Grid { decimals: 2 }),
        ] {
            let why = method(column, &of).expect_err("is refused");
            assert!(why.contains("write"), "{why}");
        }
        assert!(
            Method::new(
                "c",
                texts.data_type(),
                &CopyMethod::Fpe { key: key(), alphabet: "ab".to_owned() },
                (None, None)
            )
            .is_err()
        );
    }

    #[test]
    fn a_method_shows_no_key() {
        let texts: ArrayRef = Arc::new(StringViewArray::from(vec!["a"]));
        let of = CopyMethod::Pseudonym { key: key(), purpose: "study".to_owned() };
        let shown = format!("{:?}", method(&texts, &of).expect("fits"));
        assert!(!shown.contains('3') || !shown.contains("3, 3"), "{shown}");
    }
}
