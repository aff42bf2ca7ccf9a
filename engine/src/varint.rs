//! Whole numbers as bytes of seven bits each, the lowest first (LEB128): short where the number is small.

/// Appends a number.
pub(crate) fn write(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    out.push(value.to_le_bytes()[0]);
}

/// Takes a number from the front; none where the bytes end early or there are more than ten. What does not fit 64 bits
/// is cut off, and zeros above the number are passed over.
pub(crate) fn read(rest: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (byte, behind) = rest.split_first()?;
        *rest = behind;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_comes_back_and_takes_a_byte_for_seven_bits() {
        for (value, length) in [(0, 1), (0x7f, 1), (0x80, 2), (0x3fff, 2), (0x4000, 3), (u64::MAX, 10)] {
            let mut bytes = Vec::new();
            write(&mut bytes, value);
            assert_eq!(bytes.len(), length, "{value}");
            bytes.push(7);
            let mut rest = bytes.as_slice();
            assert_eq!((read(&mut rest), rest), (Some(value), &[7_u8][..]));
        }
    }

    #[test]
    fn bytes_that_end_early_or_never_are_no_number() {
        assert_eq!(read(&mut &[][..]), None);
        assert_eq!(read(&mut &[0x80, 0x80][..]), None);
        assert_eq!(read(&mut &[0x80; 11][..]), None);
    }
}
