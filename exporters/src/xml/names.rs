//! Names of elements, by the escapes of SQL/XML (ISO/IEC 9075-14, 9.1): `a b` is `a_x0020_b`, and a literal `_x` begins
//! with `_x005F_`, so that each name is the name of one column only.

/// The name of the element of a column.
pub(super) fn element_name(column: &str) -> String {
    let mut name = String::with_capacity(column.len());
    let mut rest = column.chars();
    let mut first = true;
    while let Some(letter) = rest.next() {
        let begins_escape = letter == '_' && rest.as_str().starts_with('x');
        // Names that begin with these three letters are kept for XML itself.
        let begins_xml = first && column.get(..3).is_some_and(|start| start.eq_ignore_ascii_case("xml"));
        let stands = if first { may_begin(letter) } else { may_follow(letter) };
        if stands && !begins_escape && !begins_xml {
            name.push(letter);
        } else {
            name.push_str(&format!("_x{:04X}_", u32::from(letter)));
        }
        first = false;
    }
    name
}

/// Letters of the languages that columns are named in. They begin a name in every edition of XML 1.0: those before the fifth
/// had a list of letters, by which some readers still go, and knew no emoji.
fn may_begin(letter: char) -> bool {
    matches!(letter,
        'A'..='Z' | '_' | 'a'..='z' | '\u{c0}'..='\u{d6}' | '\u{d8}'..='\u{f6}' | '\u{f8}'..='\u{131}'
        | '\u{134}'..='\u{13e}' | '\u{141}'..='\u{148}' | '\u{14a}'..='\u{17e}' | '\u{391}'..='\u{3a1}'
        | '\u{3a3}'..='\u{3ce}' | '\u{401}'..='\u{40c}' | '\u{40e}'..='\u{44f}' | '\u{451}'..='\u{45c}'
        | '\u{5d0}'..='\u{5ea}' | '\u{621}'..='\u{63a}' | '\u{641}'..='\u{64a}' | '\u{3041}'..='\u{3094}'
        | '\u{30a1}'..='\u{30fa}' | '\u{4e00}'..='\u{9fa5}' | '\u{ac00}'..='\u{d7a3}')
}

fn may_follow(letter: char) -> bool {
    may_begin(letter) || matches!(letter, '-' | '.' | '0'..='9')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_column_has_a_name_of_its_own() {
        let pairs = [
            ("actor_id", "actor_id"),
            ("a b", "a_x0020_b"),
            ("a_x0020_b", "a_x005F_x0020_b"),
            ("1st", "_x0031_st"),
            ("a:b", "a_x003A_b"),
            ("Xml", "_x0058_ml"),
            ("ü", "ü"),
            ("\0", "_x0000_"),
            ("😀", "_x1F600_"),
            ("東京", "東京"),
            ("\u{feff}a", "_xFEFF_a"),
            ("-a", "_x002D_a"),
        ];
        for (column, name) in pairs {
            assert_eq!(element_name(column), name);
        }
    }
}
