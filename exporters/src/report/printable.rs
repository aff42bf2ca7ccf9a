//! Which characters a reader's program might obey, or lose, rather than print.
//!
//! The page has the same rule for its own text. Absent: how they are shown instead, which is
//! [`char::escape_unicode`] everywhere.

use std::borrow::Cow;

/// Control characters, line separators, what turns the direction of a text, and what is no character.
pub(super) fn does_not_print(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        || matches!(letter, '\u{fffe}' | '\u{ffff}')
}

/// The text with each of them as an escape, such as `\u{1b}`; line ends and tabs stay.
pub(super) fn printable(text: &str) -> Cow<'_, str> {
    let is_shown = |letter: char| does_not_print(letter) && letter != '\n' && letter != '\t';
    if !text.contains(is_shown) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 8);
    for letter in text.chars() {
        if is_shown(letter) {
            shown.extend(letter.escape_unicode());
        } else {
            shown.push(letter);
        }
    }
    Cow::Owned(shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_prints_stays_and_what_does_not_is_named() {
        assert!(matches!(printable("a\tb\nü ✓ 日本 \u{1f600}"), Cow::Borrowed(_)));
        assert_eq!(printable("\u{1b}[2J\r\0\u{85}\u{202e}\u{ffff}"), r"\u{1b}[2J\u{d}\u{0}\u{85}\u{202e}\u{ffff}");
    }
}
