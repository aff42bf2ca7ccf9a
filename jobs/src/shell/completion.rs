//! Words that Tab completes: keywords, tables, and columns of tables that have a schema or were seen.
//!
//! Absent: grammar. A word is completed from all names, wherever it stands.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use engine::LakeSession;

const KEYWORDS: &str = "\
    ALL AND AS ASC BETWEEN BY CASE CAST COUNT CROSS DESC DESCRIBE DISTINCT ELSE END EXCEPT EXISTS EXPLAIN EXTRACT \
    FALSE FILTER FROM FULL GROUP HAVING ILIKE IN INNER INTERSECT INTERVAL IS JOIN LEFT LIKE LIMIT NOT NULL NULLS \
    OFFSET ON OR ORDER OVER PARTITION RIGHT SELECT SHOW TABLES THEN TIMESTAMP TRUE UNION USING VALUES WHEN WHERE WITH";

/// Names of tables and columns, shared with whoever completes them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Names(Arc<Mutex<BTreeSet<String>>>);

impl Names {
    /// Adds every table, and the columns that schemas name. Nothing is listed for it.
    pub(crate) fn learn_tables(&self, session: &LakeSession) {
        for table in session.table_names() {
            let columns = session.dataset(&table).map(|dataset| dataset.schema.columns).unwrap_or_default();
            self.learn(columns.iter().map(|column| column.name.to_owned()));
            self.learn(table.split('.').map(str::to_owned));
        }
    }

    /// Adds names that were seen.
    pub(crate) fn learn(&self, names: impl IntoIterator<Item = String>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend(names);
    }

    /// What the word that ends at byte `cursor` of `text` can become, and the byte at which it begins.
    pub(crate) fn complete(&self, text: &str, cursor: usize) -> (usize, Vec<String>) {
        let before = text.get(..cursor).unwrap_or(text);
        let word = before.trim_end_matches(|letter: char| letter.is_alphanumeric() || letter == '_').len();
        let (before, typed) = before.split_at(word);
        let quoted = before.ends_with('"');
        let begun = typed.to_lowercase();
        let begins = |name: &str| name.to_lowercase().starts_with(&begun);
        if begun.is_empty() && !before.ends_with('.') {
            return (word, Vec::new());
        }
        let lower = typed.starts_with(char::is_lowercase);
        let keywords = KEYWORDS.split(' ').filter(|keyword| !begun.is_empty() && !quoted && begins(keyword));
        let keywords = keywords.map(|keyword| if lower { keyword.to_lowercase() } else { keyword.to_owned() });
        let names = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut found: Vec<String> = names.iter().filter(|name| begins(name)).map(|name| as_written(name)).collect();
        found.extend(keywords);
        (word - usize::from(quoted), found)
    }
}

/// The name as a statement has to write it.
fn as_written(name: &str) -> String {
    let mut letters = name.chars();
    let plain = letters.next().is_some_and(|first| first.is_ascii_lowercase() || first == '_')
        && letters.all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_');
    if plain { name.to_owned() } else { format!("\"{}\"", name.replace('"', "\"\"")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, start: usize, expected: &[&str]) {
        let names = Names::default();
        names.learn(["audit", "audit_rejected", "outcome", "BilledCost"].map(str::to_owned));
        let (cursor, text) = (text.find('|').expect("a cursor"), text.replace('|', ""));
        assert_eq!(names.complete(&text, cursor), (start, expected.iter().map(|&name| name.to_owned()).collect()));
    }

    #[test]
    fn words_are_completed_from_all_names() {
        check("SEL|", 0, &["SELECT"]);
        check("select out|", 7, &["outcome"]);
        check("SELECT * FROM au| WHERE", 14, &["audit", "audit_rejected"]);
        check("SELECT a.o|ut", 9, &["outcome", "offset", "on", "or", "order", "over"]);
        check("SELECT é.|", 10, &["\"BilledCost\"", "audit", "audit_rejected", "outcome"]);
        check("SELECT bil|", 7, &["\"BilledCost\""]);
        check("SELECT \"Bil|", 7, &["\"BilledCost\""]);
        check("SELECT |", 7, &[]);
    }
}
