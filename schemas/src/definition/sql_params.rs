//! The `$names` in a piece of SQL, found without parsing it.
//!
//! Absent: any judgement of the SQL; whether it plans is known only where tables are.

/// Names after `$` outside of strings, quoted names and comments, in order, with repeats.
pub(super) fn dollar_names(sql: &str) -> Vec<&str> {
    let mut names = Vec::new();
    let mut rest = sql;
    while let Some(at) = rest.find(['$', '\'', '"', '-']) {
        let tail = &rest[at..];
        rest = match tail.as_bytes() {
            [b'$', ..] => {
                let name = name_at(&tail[1..]);
                names.extend((!name.is_empty()).then_some(name));
                &tail[1 + name.len()..]
            }
            [b'-', b'-', ..] => after(tail, '\n'),
            [b'-', ..] => &tail[1..],
            [quote, ..] => after(&tail[1..], char::from(*quote)),
            [] => tail,
        };
    }
    names
}

fn name_at(text: &str) -> &str {
    let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(text.len());
    &text[..end]
}

fn after(text: &str, end: char) -> &str {
    text.split_once(end).map_or("", |(_, rest)| rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_strings_and_comments_are_not_parameters() {
        assert_eq!(dollar_names("a = $x AND b = '$y' -- $z\n AND \"$q\" - $x2 > 0"), ["x", "x2"]);
        assert_eq!(dollar_names("'it''s $a' || $b"), ["b"]);
        assert_eq!(dollar_names("$"), Vec::<&str>::new());
    }
}
