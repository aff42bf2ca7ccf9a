//! The lines of a hierarchy file and their fields.

use super::HierarchyError;

/// The fields of each line. Empty lines at the end are none.
pub(super) fn rows(text: &str) -> Result<Vec<Vec<String>>, HierarchyError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let lines = text.trim_end_matches(['\r', '\n']);
    if lines.is_empty() {
        return Err(HierarchyError::Empty);
    }
    let lines = lines.split('\n').map(|line| line.strip_suffix('\r').unwrap_or(line));
    lines.enumerate().map(|(at, line)| fields(line, at + 1)).collect()
}

fn fields(line: &str, number: usize) -> Result<Vec<String>, HierarchyError> {
    let mut fields = Vec::new();
    let mut rest = line;
    loop {
        let (field, after) = match rest.strip_prefix('"') {
            Some(quoted) => quoted_field(quoted).ok_or(HierarchyError::Quote { line: number })?,
            None => {
                let end = rest.find(';').unwrap_or(rest.len());
                (rest[..end].to_owned(), &rest[end..])
            }
        };
        fields.push(field);
        match after.strip_prefix(';') {
            Some(next) => rest = next,
            None if after.is_empty() => return Ok(fields),
            None => return Err(HierarchyError::Quote { line: number }),
        }
    }
}

/// A field up to its closing quotation mark, and what follows.
fn quoted_field(text: &str) -> Option<(String, &str)> {
    let mut field = String::new();
    let mut rest = text;
    loop {
        let end = rest.find('"')?;
        field.push_str(&rest[..end]);
        rest = &rest[end + 1..];
        match rest.strip_prefix('"') {
            Some(next) => {
                field.push('"');
                rest = next;
            }
            None => return Some((field, rest)),
        }
    }
}
