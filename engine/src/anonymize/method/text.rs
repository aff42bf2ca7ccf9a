//! Texts of which a part stays.

use unicode_segmentation::UnicodeSegmentation;

/// What stands for a hidden character.
const HIDDEN: &str = "*";

/// The first or last grapheme clusters, and every other hidden; all of them where nothing would be hidden.
/// What a reader takes for one character is hidden or shown whole: half of one, as a letter without its accent, would say
/// more than it seems, or nothing that can be read.
pub(super) fn masked(text: &str, keep: usize, last: bool) -> String {
    let count = text.graphemes(true).count();
    let is_shown = |at: usize| count > keep && if last { at >= count - keep } else { at < keep };
    let letters = text.graphemes(true).enumerate();
    letters.map(|(at, letter)| if is_shown(at) { letter } else { HIDDEN }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, keep: usize, expected: [&str; 2]) {
        assert_eq!([masked(text, keep, false), masked(text, keep, true)], expected, "{text}");
    }

    #[test]
    fn the_rest_is_hidden_and_what_is_short_whole() {
        check("4111111111111111", 4, ["4111************", "************1111"]);
        check("alice", 2, ["al***", "***ce"]);
        check("al", 2, ["**", "**"]);
        check("a", 2, ["*", "*"]);
        check("", 2, ["", ""]);
    }

    #[test]
    fn what_is_read_as_one_character_is_one() {
        // A letter with an accent of its own, a flag, a family, a syllable, a line end.
        check("e\u{301}tude", 1, ["e\u{301}****", "****e"]);
        check("\u{1f1e9}\u{1f1ea}ab", 1, ["\u{1f1e9}\u{1f1ea}**", "**b"]);
        check(
            "a\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467}",
            1,
            ["a*", "*\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467}"],
        );
        check("한국어", 1, ["한**", "**어"]);
        check("ab\r\n", 1, ["a**", "**\r\n"]);
    }
}
