//! JSON whose numbers keep their digits.

use std::borrow::Cow;

use serde_json::Value;

use super::parse_strict;

/// Digits that every 64-bit integer can hold.
const WHOLE_DIGITS: usize = 18;

/// As [`parse_strict`], but a number that is not short and whole comes out as the text of its digits.
///
/// For tables with decimals: parsed as a float, 0.1 and 0.100000000000000005 would be one number.
///
/// # Errors
/// As [`parse_strict`].
pub(crate) fn parse_exact(bytes: &[u8]) -> Result<Value, String> {
    parse_strict(&with_quoted_numbers(bytes))
}

/// The record with every number that is not short and whole as a text of its digits.
pub(crate) fn with_quoted_numbers(bytes: &[u8]) -> Cow<'_, [u8]> {
    let mut out = Vec::new();
    let mut copied = 0;
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'"' => at = behind_string(bytes, at + 1),
            b'-' | b'0'..=b'9' => {
                let in_number = |byte: &&u8| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E');
                let end = at + bytes[at..].iter().take_while(in_number).count();
                let number = &bytes[at..end];
                if is_number(number) && !is_short_and_whole(number) && !is_key(&bytes[end..]) {
                    out.extend_from_slice(&bytes[copied..at]);
                    out.push(b'"');
                    out.extend_from_slice(number);
                    out.push(b'"');
                    copied = end;
                }
                at = end;
            }
            _ => at += 1,
        }
    }
    if copied == 0 {
        return Cow::Borrowed(bytes);
    }
    out.extend_from_slice(&bytes[copied..]);
    Cow::Owned(out)
}

fn behind_string(bytes: &[u8], mut at: usize) -> usize {
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    bytes.len()
}

/// Whether what stands before `behind` is in the place of a key, where JSON has no numbers.
fn is_key(behind: &[u8]) -> bool {
    behind.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b':')
}

fn is_short_and_whole(number: &[u8]) -> bool {
    number.len() <= WHOLE_DIGITS && !number.iter().any(|byte| matches!(byte, b'.' | b'e' | b'E'))
}

/// Whether the bytes are a number as JSON writes it; what is none stays for the parser to refuse.
fn is_number(bytes: &[u8]) -> bool {
    let digits = |bytes: &[u8]| bytes.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let mut rest = bytes.strip_prefix(b"-").unwrap_or(bytes);
    let whole = digits(rest);
    if whole == 0 || (whole > 1 && rest[0] == b'0') {
        return false;
    }
    rest = &rest[whole..];
    if let Some(fraction) = rest.strip_prefix(b".") {
        let length = digits(fraction);
        if length == 0 {
            return false;
        }
        rest = &fraction[length..];
    }
    if let [b'e' | b'E', exponent @ ..] = rest {
        let exponent = match exponent {
            [b'+' | b'-', unsigned @ ..] => unsigned,
            unsigned => unsigned,
        };
        return !exponent.is_empty() && digits(exponent) == exponent.len();
    }
    rest.is_empty()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn digits_stay_as_they_were_written() {
        let text =
            br#"{"a":0.10,"b":-1E-7,"c":12,"d":[123456789012345678901,1e999],"e":"1.5 \" 2.5","f":"\\","g":3.0}"#;
        let want = json!({
            "a": "0.10", "b": "-1E-7", "c": 12, "d": ["123456789012345678901", "1e999"],
            "e": "1.5 \" 2.5", "f": "\\", "g": "3.0"
        });
        assert_eq!(parse_exact(text), Ok(want));
        assert_eq!(parse_exact(b"[1,-2,0]"), Ok(json!([1, -2, 0])));
    }

    #[test]
    fn what_is_no_json_stays_none() {
        for text in [
            "{\"a\":01.5}",
            "[1.]",
            "[.5]",
            "[1e]",
            "[1e+]",
            "[--1.5]",
            "[+1.5]",
            "[1.5.5]",
            "[1.5",
            "{1.5:1}",
            "{1.5 :1}",
        ] {
            assert!(parse_exact(text.as_bytes()).is_err(), "{text}");
        }
        assert!(parse_exact(br#"{"a":1.5,"a":1.5}"#).expect_err("refused").contains("duplicate key"));
        assert!(parse_exact(b"\"\\").is_err());
    }
}
