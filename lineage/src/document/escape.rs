//! How each format writes text that would mean something else as it is.

use crate::graph::Key;

/// Appends an id in hex.
pub(super) fn hex_into(out: &mut String, key: &Key) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for byte in key {
        out.push(char::from(DIGITS[usize::from(byte >> 4)]));
        out.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
}

/// Appends a number.
pub(super) fn number_into(out: &mut String, number: u32) {
    let mut digits = [0_u8; 10];
    let (mut at, mut left) = (digits.len(), number);
    loop {
        at -= 1;
        digits[at] = b'0' + u8::try_from(left % 10).unwrap_or_default();
        left /= 10;
        if left == 0 {
            break;
        }
    }
    out.extend(digits[at..].iter().map(|digit| char::from(*digit)));
}

/// Text as a JSON string, with its quotes.
pub(super) fn json(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// How a character is written that would be taken for markup.
fn entity(char: char) -> Option<&'static str> {
    match char {
        '&' => Some("&amp;"),
        '<' => Some("&lt;"),
        '>' => Some("&gt;"),
        '"' => Some("&quot;"),
        _ => None,
    }
}

/// Whether XML 1.0 can hold a character.
fn is_xml(char: char) -> bool {
    matches!(char, '\t' | '\n' | '\r' | '\u{20}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

/// Text for XML, and whether characters were written as `\u{7}`. Where any was, so is every backslash, so that what
/// was there can be told from what was not.
pub(super) fn xml(text: &str) -> (String, bool) {
    let is_escaped = !text.chars().all(is_xml);
    let mut out = String::with_capacity(text.len() + 8);
    for char in text.chars() {
        match char {
            char if let Some(entity) = entity(char) => out.push_str(entity),
            // Readers make a line end of it as it is.
            '\r' => out.push_str("&#13;"),
            char if !is_xml(char) || (is_escaped && char == '\\') => out.extend(char.escape_unicode()),
            char => out.push(char),
        }
    }
    (out, is_escaped)
}

/// Text for a quoted string of DOT that is shown as it is. Graphviz reads entities and knows no control characters.
pub(super) fn dot(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for char in text.chars() {
        match char {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            char if let Some(entity) = entity(char) => out.push_str(entity),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            char if is_hidden(char) => {
                out.push('\\');
                out.extend(char.escape_unicode());
            }
            char => out.push(char),
        }
    }
    out
}

/// Whether a character is not seen but changes what is: it ends a line, or turns the text that follows around.
fn is_hidden(char: char) -> bool {
    let turns = matches!(char, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    turns || char.is_control() || !is_xml(char)
}

/// Text for a page, inside an element or a quoted attribute. What no page can hold is spelt out.
pub(super) fn html(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for char in text.chars() {
        match char {
            char if let Some(entity) = entity(char) => out.push_str(entity),
            '\'' => out.push_str("&#39;"),
            char if is_hidden(char) => out.extend(char.escape_unicode()),
            char => out.push(char),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_xml_cannot_hold_is_spelt_out() {
        assert_eq!(xml("a<b>&\"\r"), ("a&lt;b&gt;&amp;&quot;&#13;".to_owned(), false));
        assert_eq!(xml("a\\b"), ("a\\b".to_owned(), false));
        assert_eq!(xml("\u{7}\\"), ("\\u{7}\\u{5c}".to_owned(), true));
        assert_eq!(xml("\u{fffe}"), ("\\u{fffe}".to_owned(), true));
    }

    #[test]
    fn quotes_backslashes_and_line_ends_do_not_end_a_string_of_dot() {
        assert_eq!(dot("a\"b\\N\n&lt;\u{7}"), "a\\\"b\\\\N\\n&amp;lt;\\\\u{7}");
    }

    #[test]
    fn a_name_cannot_turn_the_text_of_a_page_around() {
        assert_eq!(html("a\u{202e}<b>\n'"), "a\\u{202e}&lt;b&gt;\\u{a}&#39;");
    }

    #[test]
    fn numbers_are_written_in_full() {
        for number in [0, 9, 10, 4_294_967_295] {
            let mut out = String::new();
            number_into(&mut out, number);
            assert_eq!(out, number.to_string());
        }
    }
}
