//! What a mask makes of one value, whatever its column is made of.
//!
//! Values are the bytes that plain encoding gives them, without the length before a byte array. A mask is applied once: what
//! it makes of its own result must be that result, or a second run would change the file again. Absent: which rows.

use std::fmt;
use std::sync::Arc;

use parquet::basic::{ConvertedType, LogicalType, Repetition, Type};
use parquet::schema::types::ColumnDescriptor;

use super::SurgeryError;

/// What takes the place of a text or binary value; `None` is NULL, where the column is optional, or else the empty value.
pub type TextMask = Arc<dyn Fn(&[u8]) -> Option<Vec<u8>> + Send + Sync>;
/// What takes the place of a whole number; `None` is NULL, where the column is optional, or else 0.
pub type IntMask = Arc<dyn Fn(i64) -> Option<i64> + Send + Sync>;

/// What happens to the values of a column in the masked rows. A NULL stays NULL under every mask.
#[derive(Clone)]
pub enum Mask {
    /// NULL where the column is optional, else 0, false or the empty value.
    Null,
    /// One value for all.
    Constant(Constant),
    /// A function of byte arrays, of fixed length or not. It must be idempotent.
    Text(TextMask),
    /// A function of 64-bit or 32-bit whole numbers. It must be idempotent.
    Int64(IntMask),
}

/// A value of one physical type.
#[derive(Debug, Clone, PartialEq)]
pub enum Constant {
    /// A boolean.
    Bool(bool),
    /// A 32-bit whole number.
    Int32(i32),
    /// A 64-bit whole number.
    Int64(i64),
    /// A 32-bit floating point number.
    Float(f32),
    /// A 64-bit floating point number.
    Double(f64),
    /// Text or bytes; of the column's length where it has one.
    Bytes(Vec<u8>),
}

impl fmt::Debug for Mask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("Null"),
            Self::Constant(constant) => f.debug_tuple("Constant").field(constant).finish(),
            Self::Text(_) => f.write_str("Text(_)"),
            Self::Int64(_) => f.write_str("Int64(_)"),
        }
    }
}

/// What becomes of a value.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Masked {
    Same,
    Null,
    Value(Vec<u8>),
}

/// A mask made to fit one column.
#[derive(Debug)]
pub(super) struct Masker {
    mask: Mask,
    path: String,
    physical: Type,
    nullable: bool,
    utf8: bool,
    /// What stands for NULL in a required column.
    zero: Vec<u8>,
    constant: Vec<u8>,
}

impl Masker {
    /// The mask for column `column`.
    ///
    /// # Errors
    /// When the mask is for values of another type.
    pub(super) fn new(mask: &Mask, column: &ColumnDescriptor) -> Result<Self, SurgeryError> {
        let physical = column.physical_type();
        let length = usize::try_from(column.type_length()).unwrap_or(0);
        let zero = match physical {
            Type::BOOLEAN => vec![0],
            Type::INT32 | Type::FLOAT => vec![0; 4],
            Type::INT64 | Type::DOUBLE => vec![0; 8],
            Type::INT96 => vec![0; 12],
            Type::BYTE_ARRAY => Vec::new(),
            Type::FIXED_LEN_BYTE_ARRAY => vec![0; length],
        };
        let wrong = |why| SurgeryError::Mask { column: column.path().string(), why };
        let constant = match (mask, physical) {
            (Mask::Constant(constant), _) => match (constant, physical) {
                (Constant::Bool(value), Type::BOOLEAN) => vec![u8::from(*value)],
                (Constant::Int32(value), Type::INT32) => value.to_le_bytes().to_vec(),
                (Constant::Int64(value), Type::INT64) => value.to_le_bytes().to_vec(),
                (Constant::Float(value), Type::FLOAT) => value.to_le_bytes().to_vec(),
                (Constant::Double(value), Type::DOUBLE) => value.to_le_bytes().to_vec(),
                (Constant::Bytes(value), Type::BYTE_ARRAY) => value.clone(),
                (Constant::Bytes(value), Type::FIXED_LEN_BYTE_ARRAY) if value.len() == length => value.clone(),
                _ => return Err(wrong("the constant is of another type; give one of the column's type")),
            },
            (Mask::Text(_), Type::BYTE_ARRAY | Type::FIXED_LEN_BYTE_ARRAY) | (Mask::Null, _) => Vec::new(),
            (Mask::Int64(_), Type::INT32 | Type::INT64) => Vec::new(),
            _ => return Err(wrong("its values are not of the type the mask takes; use NULL or a constant")),
        };
        let text =
            matches!(column.logical_type_ref(), Some(LogicalType::String | LogicalType::Enum | LogicalType::Json));
        let utf8 =
            text || matches!(column.converted_type(), ConvertedType::UTF8 | ConvertedType::ENUM | ConvertedType::JSON);
        let masker = Self {
            mask: mask.clone(),
            path: column.path().string(),
            physical,
            nullable: column.self_type().get_basic_info().repetition() == Repetition::OPTIONAL,
            utf8,
            zero,
            constant,
        };
        if matches!(mask, Mask::Constant(_)) {
            masker.fits(&masker.constant)?;
        }
        Ok(masker)
    }

    /// What becomes of `value`.
    ///
    /// # Errors
    /// When the mask makes something of it that the column cannot hold.
    pub(super) fn apply(&self, value: &[u8]) -> Result<Masked, SurgeryError> {
        let new = match &self.mask {
            Mask::Null => None,
            Mask::Constant(_) => Some(self.constant.clone()),
            Mask::Text(function) => function(value),
            Mask::Int64(function) => match self.number(value).and_then(|number| function(number)) {
                Some(number) if self.physical == Type::INT32 => match i32::try_from(number) {
                    Ok(number) => Some(number.to_le_bytes().to_vec()),
                    Err(_) => return Err(self.unfit("the mask makes a number of more than 32 bits")),
                },
                number => number.map(|number| number.to_le_bytes().to_vec()),
            },
        };
        let new = match new {
            None if self.nullable => return Ok(Masked::Null),
            None => self.zero.clone(),
            Some(new) => new,
        };
        self.fits(&new)?;
        Ok(if new == value { Masked::Same } else { Masked::Value(new) })
    }

    fn number(&self, value: &[u8]) -> Option<i64> {
        match self.physical {
            Type::INT32 => value.try_into().ok().map(|bytes| i64::from(i32::from_le_bytes(bytes))),
            _ => value.try_into().ok().map(i64::from_le_bytes),
        }
    }

    fn fits(&self, new: &[u8]) -> Result<(), SurgeryError> {
        if self.physical == Type::FIXED_LEN_BYTE_ARRAY && new.len() != self.zero.len() {
            return Err(self.unfit("the mask makes a value of another length than the column has"));
        }
        if self.utf8 && std::str::from_utf8(new).is_err() {
            return Err(self.unfit("the mask makes bytes that are not UTF-8 of a text"));
        }
        Ok(())
    }

    fn unfit(&self, why: &'static str) -> SurgeryError {
        SurgeryError::Mask { column: self.path.clone(), why }
    }
}
