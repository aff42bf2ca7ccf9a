//! Prefixes in the store: what is a fit name, and which overlap.

/// Prefix of our own records.
pub(crate) const OWN_PREFIX: &str = "_auditlake/";

/// Prefix of what retention archives.
pub(crate) const ARCHIVE_PREFIX: &str = "archive/";

/// What is wrong with a prefix in the store, as the end of a sentence; none when it is fit.
pub(crate) fn location_fault(location: &str) -> Option<String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '=' | '+' | '@' | '/');
    if location.is_empty() {
        Some("is empty; write a folder in the store, for example audit/".to_owned())
    } else if location.starts_with('/') {
        Some("begins with /; write it relative to the store".to_owned())
    } else if !location.ends_with('/') {
        Some("is a folder and must end with /".to_owned())
    } else if location.split('/').any(|part| part == ".." || part == ".") {
        Some("has a . or .. in it; write the folder itself".to_owned())
    } else if location.contains("//") {
        Some("has an empty folder name in it; write one /".to_owned())
    } else if overlaps(location, OWN_PREFIX) {
        Some(format!("lies in {OWN_PREFIX}, which holds auditlake's own records; choose another folder"))
    } else if overlaps(location, ARCHIVE_PREFIX) {
        Some(format!("lies in {ARCHIVE_PREFIX}, which holds what retention archives; choose another folder"))
    } else {
        let other = location.chars().find(|c| !fits(*c))?;
        Some(format!("contains {other:?}; use letters, digits and - _ . = + @"))
    }
}

/// Whether one prefix lies in the other, or they are equal.
pub(crate) fn overlaps(a: &str, b: &str) -> bool {
    a.starts_with(b) || b.starts_with(a)
}
