//! One spelling for a JSON value: RFC 8785.

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{Event, Indirect};

/// The value as RFC 8785 (JCS) writes it: keys by UTF-16 code units, numbers as ECMAScript prints a double, nothing
/// escaped that need not be.
///
/// ```
/// let value = serde_json::json!({"b": [1.0, 1e21, "\u{20ac}\n"], "a": null});
/// assert_eq!(lineage::canonical_json(&value), r#"{"a":null,"b":[1,1e+21,"€\n"]}"#);
/// ```
pub fn canonical_json(value: &Value) -> String {
    let mut out = String::new();
    write(value, &mut out);
    out
}

impl Event {
    /// Its id: SHA-256 over the canonical form of what is kept of it, so that nothing left out can be confirmed by a guess.
    pub fn id(&self) -> [u8; 32] {
        Sha256::digest(canonical_json(&self.to_value(Indirect::Dataset))).into()
    }
}

/// Recursion is as deep as the value, and readers limit that.
fn write(value: &Value, out: &mut String) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(true) => out.push_str("true"),
        Value::Bool(false) => out.push_str("false"),
        Value::Number(number) => out.push_str(&ecma(number.as_f64().unwrap_or_default())),
        Value::String(text) => write_text(text, out),
        Value::Array(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                write(item, out);
            }
            out.push(']');
        }
        Value::Object(entries) => {
            let mut entries: Vec<_> = entries.iter().collect();
            entries.sort_by(|(a, _), (b, _)| a.encode_utf16().cmp(b.encode_utf16()));
            out.push('{');
            for (at, (key, value)) in entries.into_iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                write_text(key, out);
                out.push(':');
                write(value, out);
            }
            out.push('}');
        }
    }
}

fn write_text(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{8}' => out.push_str("\\b"),
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\u{c}' => out.push_str("\\f"),
            '\r' => out.push_str("\\r"),
            c if c < ' ' => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
}

/// A double as `Number.prototype.toString` prints it.
fn ecma(number: f64) -> String {
    if number == 0.0 {
        return "0".to_owned();
    }
    let scientific = shortest(number.abs());
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let digits = mantissa.replace('.', "");
    let count = digits.len() as i32;
    // The decimal point stands after this many digits.
    let point = exponent.parse::<i32>().unwrap_or_default() + 1;
    let zeros = |count: i32| "0".repeat(usize::try_from(count).unwrap_or_default());
    let body = match point {
        1..=21 if count <= point => format!("{digits}{}", zeros(point - count)),
        1..=21 => {
            let (whole, fraction) = digits.split_at(usize::try_from(point).unwrap_or_default());
            format!("{whole}.{fraction}")
        }
        -5..=0 => format!("0.{}{digits}", zeros(-point)),
        _ => {
            let sign = if point > 0 { '+' } else { '-' };
            let (first, rest) = digits.split_at(1);
            let fraction = if rest.is_empty() { String::new() } else { format!(".{rest}") };
            format!("{first}{fraction}e{sign}{}", (point - 1).abs())
        }
    };
    if number < 0.0 { format!("-{body}") } else { body }
}

/// The fewest digits that read back as `number`. Of two that are as near, Rust may take the odd one; rounding to as
/// many digits takes the even one.
fn shortest(number: f64) -> String {
    let short = format!("{number:e}");
    let digits = short.bytes().take_while(|byte| *byte != b'e').filter(u8::is_ascii_digit).count();
    let rounded = format!("{number:.*e}", digits.saturating_sub(1));
    if rounded.parse() == Ok(number) { rounded } else { short }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The table of appendix B: bits of a double, and how it is written.
    const NUMBERS: [(u64, &str); 23] = [
        (0x0000_0000_0000_0000, "0"),
        (0x8000_0000_0000_0000, "0"),
        (0x0000_0000_0000_0001, "5e-324"),
        (0x8000_0000_0000_0001, "-5e-324"),
        (0x7fef_ffff_ffff_ffff, "1.7976931348623157e+308"),
        (0xffef_ffff_ffff_ffff, "-1.7976931348623157e+308"),
        (0x4340_0000_0000_0000, "9007199254740992"),
        (0xc340_0000_0000_0000, "-9007199254740992"),
        (0x4430_0000_0000_0000, "295147905179352830000"),
        (0x44b5_2d02_c7e1_4af5, "9.999999999999997e+22"),
        (0x44b5_2d02_c7e1_4af6, "1e+23"),
        (0x44b5_2d02_c7e1_4af7, "1.0000000000000001e+23"),
        (0x444b_1ae4_d6e2_ef4e, "999999999999999700000"),
        (0x444b_1ae4_d6e2_ef4f, "999999999999999900000"),
        (0x444b_1ae4_d6e2_ef50, "1e+21"),
        (0x3eb0_c6f7_a0b5_ed8c, "9.999999999999997e-7"),
        (0x3eb0_c6f7_a0b5_ed8d, "0.000001"),
        (0x41b3_de43_5555_5553, "333333333.3333332"),
        (0x41b3_de43_5555_5554, "333333333.33333325"),
        (0x41b3_de43_5555_5555, "333333333.3333333"),
        (0x41b3_de43_5555_5556, "333333333.3333334"),
        (0x41b3_de43_5555_5557, "333333333.33333343"),
        (0xbecb_f647_612f_3696, "-0.0000033333333333333333"),
    ];

    #[test]
    fn numbers_are_written_as_the_standard_says() {
        for (bits, text) in NUMBERS {
            assert_eq!(ecma(f64::from_bits(bits)), text);
        }
        assert_eq!(ecma(f64::from_bits(0x4314_3ff3_c1cb_0959)), "1424953923781206.2");
    }

    #[test]
    fn the_published_examples_come_out_byte_by_byte() {
        // The numbers are Rust's: how a text reads as a double is up to whoever reads it.
        let numbers = ["333333333.33333329", "1E30", "4.50", "2e-3", "0.000000000000000000000000001"]
            .map(str::parse::<f64>)
            .map(Result::unwrap);
        let given = r#"{"string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/", "literals": [null, true, false]}"#;
        let mut given: Value = serde_json::from_str(given).expect("JSON");
        given["numbers"] = numbers.as_slice().into();
        let want = "{\"literals\":[null,true,false],\"numbers\":[333333333.3333333,1e+30,4.5,0.002,1e-27],\
            \"string\":\"\u{20ac}$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"}";
        assert_eq!(canonical_json(&given), want);

        let given = r#"{"\u20ac": "Euro Sign", "\r": "Carriage Return", "\ufb33": "Hebrew Letter Dalet With Dagesh",
            "1": "One", "\ud83d\ude00": "Emoji: Grinning Face", "\u0080": "Control",
            "\u00f6": "Latin Small Letter O With Diaeresis"}"#;
        let sorted: Value = serde_json::from_str(given).expect("JSON");
        let text = canonical_json(&sorted);
        let order = ["Carriage", "One", "Control", "Latin", "Euro", "Emoji", "Hebrew"].map(|word| text.find(word));
        assert!(order.is_sorted() && order[0].is_some(), "{text}");
    }
}
