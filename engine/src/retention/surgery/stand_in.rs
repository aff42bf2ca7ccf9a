//! What stands in a dictionary in the place of a value that left, so that the numbers of the others stay.
//!
//! Nobody refers to it. It is of the column's type and no value that the dictionary had: twice the same value would not do,
//! because some readers number what they load themselves, and count a value once. Absent: types whose values would have to
//! be made up, such as decimals of any length, JSON or floats; their pages are written anew.

use parquet::basic::{ConvertedType, LogicalType, Type};
use parquet::schema::types::ColumnDescriptor;

use super::dictionary::Dictionary;
use super::order::{Extent, Order};

/// Values that are replaced in one dictionary; where more left, its pages are written anew, without any.
const REPLACED_MAX: usize = 64;
/// Values whose successor is tried before nothing is found.
const TRIED_MAX: usize = 64;
/// What a text says that stands for one that left; a number follows.
const TEXT: &str = "removed-";

/// For each value that is not `used` its number and what takes its place; none where nothing can.
pub(super) fn find(
    column: &ColumnDescriptor,
    order: Order,
    dictionary: &Dictionary,
    used: &[bool],
) -> Option<Vec<(usize, Vec<u8>)>> {
    let places: Vec<usize> = used.iter().enumerate().filter(|(_, used)| !**used).map(|(number, _)| number).collect();
    if places.len() > REPLACED_MAX || places.len() == used.len() {
        return None;
    }
    let (logical, converted) = (column.logical_type_ref(), column.converted_type());
    let values = match column.physical_type() {
        Type::BYTE_ARRAY => {
            let is_text = match logical {
                None => matches!(converted, ConvertedType::NONE | ConvertedType::UTF8 | ConvertedType::ENUM),
                Some(logical) => matches!(logical, LogicalType::String | LogicalType::Enum),
            };
            is_text.then(|| texts(dictionary, places.len()))?
        }
        Type::INT32 | Type::INT64 => successors(order, dictionary, used, places.len())?,
        Type::FIXED_LEN_BYTE_ARRAY => {
            let is_any = match logical {
                None => converted == ConvertedType::NONE,
                Some(logical) => matches!(logical, LogicalType::Uuid),
            };
            is_any.then(|| successors(Order::Bytes, dictionary, used, places.len()))??
        }
        _ => return None,
    };
    Some(places.into_iter().zip(values).collect())
}

/// The first texts of their kind that the dictionary has not.
fn texts(dictionary: &Dictionary, count: usize) -> Vec<Vec<u8>> {
    let there: Vec<&[u8]> = dictionary.values().filter(|value| value.starts_with(TEXT.as_bytes())).collect();
    let all = (1..).map(|number: u64| format!("{TEXT}{number}").into_bytes());
    all.filter(|text| !there.contains(&text.as_slice())).take(count).collect()
}

/// Values that follow one that stays, are not in the dictionary and stay below its largest one, so that whatever holds for
/// the values of the column holds for them.
fn successors(order: Order, dictionary: &Dictionary, used: &[bool], count: usize) -> Option<Vec<Vec<u8>>> {
    let mut extent = Extent::new(order);
    let stay = || dictionary.values().zip(used).filter(|(_, used)| **used).map(|(value, _)| value);
    stay().for_each(|value| extent.see(value));
    let (_, largest) = extent.bounds()?;
    let mut found: Vec<Vec<u8>> = Vec::with_capacity(count);
    for value in stay().take(TRIED_MAX) {
        if found.len() == count {
            break;
        }
        let mut next = value.to_vec();
        add_one(order, &mut next);
        let is_between = order.compare(value, &next).is_lt() && order.compare(&next, &largest).is_lt();
        if is_between && !found.contains(&next) && dictionary.values().all(|known| known != next.as_slice()) {
            found.push(next);
        }
    }
    (found.len() == count).then_some(found)
}

/// Adds one to a number: little-endian, or, of bytes that have no other order, as a reader compares them.
fn add_one(order: Order, value: &mut [u8]) {
    let carry = |byte: &mut u8| {
        *byte = byte.wrapping_add(1);
        *byte == 0
    };
    if order == Order::Bytes {
        value.iter_mut().rev().all(carry);
    } else {
        value.iter_mut().all(carry);
    }
}
