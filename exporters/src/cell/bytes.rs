//! Bytes as text: base64 with padding, or lower-case hex where every value has the same length.

use arrow::array::{Array, AsArray};
use arrow::datatypes::{DataType, Field};

use super::CellKind;

const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const HEX: &[u8; 16] = b"0123456789abcdef";

/// Appends a cell of a binary column.
pub(super) fn push_bytes(out: &mut String, field: &Field, array: &dyn Array, row: usize) -> CellKind {
    match array.data_type() {
        DataType::FixedSizeBinary(16) if field.extension_type_name() == Some("arrow.uuid") => {
            push_uuid(out, array.as_fixed_size_binary().value(row));
        }
        DataType::FixedSizeBinary(_) => push_hex(out, array.as_fixed_size_binary().value(row)),
        DataType::LargeBinary => push_base64(out, array.as_binary::<i64>().value(row)),
        DataType::BinaryView => push_base64(out, array.as_binary_view().value(row)),
        _ => push_base64(out, array.as_binary::<i32>().value(row)),
    }
    CellKind::Text
}

fn push_hex(out: &mut String, bytes: &[u8]) {
    for byte in bytes {
        out.push(char::from(HEX[usize::from(byte >> 4)]));
        out.push(char::from(HEX[usize::from(byte & 15)]));
    }
}

fn push_uuid(out: &mut String, bytes: &[u8]) {
    for (index, byte) in bytes.iter().enumerate() {
        if matches!(index, 4 | 6 | 8 | 10) {
            out.push('-');
        }
        push_hex(out, &[*byte]);
    }
}

/// Appends base64 with padding (RFC 4648, section 4).
pub(crate) fn push_base64(out: &mut String, bytes: &[u8]) {
    for chunk in bytes.chunks(3) {
        let word =
            chunk.iter().enumerate().fold(0_u32, |word, (index, byte)| word | u32::from(*byte) << (16 - 8 * index));
        for index in 0..4 {
            if index <= chunk.len() {
                let sextet = (word >> (18 - 6 * index)) & 63;
                out.push(char::from(BASE64[sextet as usize]));
            } else {
                out.push('=');
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_that_of_rfc_4648() {
        let pairs = [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")];
        for (plain, coded) in pairs {
            let mut out = String::new();
            push_base64(&mut out, plain.as_bytes());
            assert_eq!(out, coded);
        }
        let mut out = String::new();
        push_base64(&mut out, &[0xfb, 0xff, 0xfe]);
        assert_eq!(out, "+//+");
    }
}
