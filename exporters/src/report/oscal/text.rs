//! Texts of the data as OSCAL's types hold them: lines of Markdown, property values, tokens, references, UUIDs.
//!
//! What does not print is shown as an escape, such as `\u{1b}`, and what Markdown would read as markup is escaped, so
//! that a document never obeys its data. Absent: lengths; OSCAL has none.

use schemas::{FindingId, derived_id};

use crate::report::printable::{does_not_print, printable};

/// What stands where a text is empty, which OSCAL's strings cannot be.
const EMPTY: &str = "(empty)";

/// A property's value: one line, with no space around it.
pub(super) fn value(text: &str) -> String {
    one_line(text, |_, _| false)
}

/// One line of Markdown that shows the text.
pub(super) fn line(text: &str) -> String {
    one_line(text, |letter, neighbours| match letter {
        // Within a word Markdown leaves it alone, and names of columns stay readable.
        '_' => !neighbours.into_iter().all(|other| other.is_some_and(char::is_alphanumeric)),
        _ => matches!(letter, '\\' | '`' | '*' | '[' | ']' | '<' | '>' | '&' | '~' | '^' | '|' | '{' | '}'),
    })
}

/// `is_markup` is told each letter and the letters before and behind it.
fn one_line(text: &str, is_markup: impl Fn(char, [Option<char>; 2]) -> bool) -> String {
    if text.is_empty() {
        return EMPTY.to_owned();
    }
    let is_space = |letter: char| letter.is_whitespace() || letter == '\u{feff}';
    let inner_start = text.len() - text.trim_start_matches(is_space).len();
    let inner_end = text.trim_end_matches(is_space).len();
    let mut line = String::with_capacity(text.len() + 8);
    let mut before = None;
    let mut letters = text.char_indices().peekable();
    while let Some((at, letter)) = letters.next() {
        let behind = letters.peek().map(|(_, behind)| *behind);
        if does_not_print(letter) || at < inner_start || at >= inner_end {
            line.extend(letter.escape_unicode());
        } else {
            if is_markup(letter, [before, behind]) {
                line.push('\\');
            }
            line.push(letter);
        }
        before = Some(letter);
    }
    line
}

/// A statement as a block of code.
pub(super) fn sql(statement: &str) -> String {
    let shown = printable(statement);
    let longest = shown.split(|letter| letter != '`').map(str::len).max().unwrap_or_default();
    let fence = "`".repeat(3.max(longest + 1));
    format!("{fence}sql\n{shown}\n{fence}")
}

/// A requirement's id as a token: `pci` and `10.2.1.4` as `pci_10.2.1.4`, brackets as dots, anything else that a token
/// does not hold as its number.
pub(super) fn requirement_token(framework: &str, requirement: &str) -> String {
    token(&format!("{framework}_{requirement}"))
}

/// A text as a token: a letter or `_` first, then also digits, `.`, `-`.
pub(super) fn token(text: &str) -> String {
    let mut token = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '(' | '[' => token.push('.'),
            ')' | ']' => {}
            'a'..='z' | 'A'..='Z' | '0'..='9' | '.' | '-' | '_' => token.push(letter),
            _ => token.push_str(&format!("_{:x}_", u32::from(letter))),
        }
    }
    if token.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_') {
        token
    } else {
        format!("_{token}")
    }
}

/// A path in the store as a relative reference.
pub(super) fn reference(path: &str) -> String {
    let mut reference = String::with_capacity(path.len());
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' | b'=' => {
                reference.push(char::from(byte));
            }
            _ => reference.push_str(&format!("%{byte:02X}")),
        }
    }
    reference
}

/// The id itself where it is one of ours, else one that follows from it.
pub(super) fn uuid(id: &str) -> String {
    if FindingId::parse(id).is_ok() { id.to_owned() } else { derived_id(&["oscal_id", id]) }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn a_line_shows_what_the_data_says_and_obeys_none_of_it() {
        assert_eq!(line("AL-AUTH-003: 1.2 of user_id"), "AL-AUTH-003: 1.2 of user_id");
        assert_eq!(line("<b>*a* [x](y)</b>"), r"\<b\>\*a\* \[x\](y)\</b\>");
        assert_eq!(line("_a_ \\ `c` {{ insert: p }}"), r"\_a\_ \\ \`c\` \{\{ insert: p \}\}");
        assert_eq!(line("a\r\nb\u{1b}\u{202e}"), r"a\u{d}\u{a}b\u{1b}\u{202e}");
        assert_eq!([line(""), value("")], ["(empty)", "(empty)"]);
    }

    #[test]
    fn a_value_keeps_every_letter_but_no_space_around_it() {
        assert_eq!(value("=1+1 <b>"), "=1+1 <b>");
        assert_eq!(value(" a b\t"), r"\u{20}a b\u{9}");
        assert_eq!(value("\u{feff}\u{a0}"), r"\u{feff}\u{a0}");
    }

    #[test]
    fn no_statement_ends_its_own_block() {
        assert_eq!(sql("SELECT 1\nFROM t"), "```sql\nSELECT 1\nFROM t\n```");
        assert_eq!(sql("SELECT '```'\r"), "````sql\nSELECT '```'\\u{d}\n````");
    }

    #[test]
    fn every_requirement_that_ships_has_a_token_of_its_own() {
        assert_eq!(requirement_token("pci", "10.2.1.4"), "pci_10.2.1.4");
        assert_eq!(requirement_token("hipaa", "164.312(d)"), "hipaa_164.312.d");
        assert_eq!(requirement_token("hipaa", "164.308(a)(1)(ii)(A)"), "hipaa_164.308.a.1.ii.A");
        assert_eq!(token("9 lives"), "_9_20_lives");
        let mut seen = BTreeMap::new();
        for framework in schemas::shipped_frameworks() {
            for requirement in &framework.requirements {
                let token = requirement_token(&framework.key, &requirement.id);
                assert!(token.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte)), "{token}");
                let other = seen.insert(token.clone(), &requirement.id);
                assert_eq!(other, None, "{token} is {} and another", requirement.id);
            }
        }
        assert!(seen.len() > 500, "{}", seen.len());
    }

    #[test]
    fn references_and_ids_are_well_formed_whatever_they_come_from() {
        assert_eq!(reference("data/tenant=a b/ü:?#.parquet"), "data/tenant=a%20b/%C3%BC%3A%3F%23.parquet");
        let ours = derived_id(&["x"]);
        assert_eq!(uuid(&ours), ours);
        assert_ne!(uuid("one"), uuid("two"));
        assert!(FindingId::parse(&uuid("one")).is_ok());
    }
}
