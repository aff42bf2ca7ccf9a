//! A person, as far as rows are searched for them: identifiers, in which columns they may stand, and how.
//!
//! Values are equal when they are written alike, letter by letter; how Unicode composes a letter makes no difference, and a
//! number is found by its digits. Absent: where identifiers come from, and what becomes of the rows.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use memchr::memmem;
use parquet::schema::types::ColumnPath;
use schemas::{Dataset, DatasetId, Identifier, REJECTED, kind_in};
use unicode_normalization::UnicodeNormalization;

use super::find::Sought;

/// Characters from which on a value with letters and digits is telling.
const TELLING_CHARS_MIXED: usize = 5;
/// Characters from which on a value of letters alone, or of digits alone, is telling.
const TELLING_CHARS_PLAIN: usize = 9;

/// Somebody.
#[derive(Clone)]
pub struct Person {
    identifiers: BTreeSet<Identifier>,
    /// Kind of the identifiers in columns; the usual one in one that is not here.
    kinds: BTreeMap<(DatasetId, String), String>,
}

/// Says how many identifiers, never which.
impl fmt::Debug for Person {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Person").field("identifiers", &self.identifiers.len()).finish()
    }
}

impl Person {
    /// Whoever has these identifiers.
    pub fn new(
        identifiers: impl IntoIterator<Item = Identifier>,
        kinds: &BTreeMap<(DatasetId, String), String>,
    ) -> Self {
        Self { identifiers: identifiers.into_iter().collect(), kinds: kinds.clone() }
    }

    /// The identifiers, in order.
    pub fn identifiers(&self) -> impl Iterator<Item = &Identifier> {
        self.identifiers.iter()
    }

    /// How many identifiers are too short, or too plain a number, to be told from other text in bytes.
    pub fn untelling(&self) -> usize {
        self.identifiers.iter().filter(|one| !is_telling(one.value())).count()
    }

    /// How the person may stand in a column of a dataset; of an archive, that is the one of its dataset.
    pub fn values_in(&self, dataset: &DatasetId, column: &str) -> BTreeSet<String> {
        let kind = kind_in(&self.kinds, dataset, column);
        let fitting = self.identifiers.iter().filter(|one| one.kind() == kind);
        fitting.flat_map(|one| forms(one.value())).collect()
    }

    /// What is sought in which of the columns of a dataset that name people; columns of the same values are sought together.
    pub(crate) fn sought(&self, dataset: &Dataset) -> Vec<Sought> {
        let mut by_values: BTreeMap<BTreeSet<String>, Vec<ColumnPath>> = BTreeMap::new();
        for column in &dataset.subjects {
            let values = self.values_in(&dataset.id, column);
            by_values.entry(values).or_default().push(ColumnPath::new(vec![column.clone()]));
        }
        by_values.retain(|values, _| !values.is_empty());
        by_values.into_iter().map(|(values, columns)| Sought::new(columns, values).without_bounds()).collect()
    }

    /// The columns of a dataset in whose bytes identifiers are sought: those of records that could not be read.
    pub fn scanned(dataset: &Dataset) -> &'static [&'static str] {
        if dataset.schema.name == REJECTED.name { &["raw", "detail"] } else { &[] }
    }

    /// Something that finds mentions of the person in bytes, by those identifiers that can be told from other text.
    pub fn mentions(&self) -> Mentions {
        let telling = self.identifiers.iter().filter(|one| is_telling(one.value()));
        let forms: BTreeSet<Vec<u8>> = telling.flat_map(|one| written(one.value())).collect();
        Mentions { finders: forms.iter().map(|form| memmem::Finder::new(form).into_owned()).collect() }
    }
}

/// Finds identifiers in bytes.
#[derive(Clone)]
pub struct Mentions {
    finders: Vec<memmem::Finder<'static>>,
}

/// Says how many, never which.
impl fmt::Debug for Mentions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mentions").field("forms", &self.finders.len()).finish()
    }
}

impl Mentions {
    /// Whether an identifier stands in `bytes` by itself: as part of a longer name it is another one's.
    ///
    /// ```
    /// # use engine::retention::Person;
    /// # use schemas::Identifier;
    /// let ann = Person::new([Identifier::new("user", "user-4").unwrap()], &Default::default());
    /// assert!(ann.mentions().stand_in(br#"{"actor":"user-4"}"#) && ann.mentions().stand_in(b"by user-4."));
    /// assert!(!ann.mentions().stand_in(b"user-42") && !ann.mentions().stand_in(b"super-user-4"));
    /// ```
    pub fn stand_in(&self, bytes: &[u8]) -> bool {
        self.finders.iter().any(|finder| {
            let length = finder.needle().len();
            finder.find_iter(bytes).any(|at| stands_alone(bytes, at, at + length))
        })
    }

    /// Whether the bytes of an identifier are anywhere in `bytes`, be it as part of something else.
    pub fn are_in(&self, bytes: &[u8]) -> bool {
        self.finders.iter().any(|finder| finder.find(bytes).is_some())
    }
}

/// Whether what is before and behind a part of `bytes` belongs to no longer name.
fn stands_alone(bytes: &[u8], from: usize, to: usize) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80;
    let joins = |byte: u8| matches!(byte, b'-' | b'.' | b'@' | b'+');
    let at = |place: Option<usize>| place.and_then(|place| bytes.get(place)).copied();
    // A full stop ends a sentence and joins the parts of an address.
    let goes_on = |next: Option<u8>, beyond: Option<u8>| {
        next.is_some_and(|next| is_letter(next) || joins(next) && beyond.is_some_and(is_letter))
    };
    let before = goes_on(at(from.checked_sub(1)), at(from.checked_sub(2)));
    // An escape such as \n is no letter of a name.
    let is_escaped = from >= 2 && bytes[from - 2] == b'\\' && matches!(bytes[from - 1], b'n' | b't' | b'r');
    (!before || is_escaped) && !goes_on(at(Some(to)), at(to.checked_add(1)))
}

/// Whether a value in the middle of other text is an identifier and nothing else: `7` and `ann` stand in many records.
fn is_telling(value: &str) -> bool {
    let (letters, digits) = (value.chars().any(char::is_alphabetic), value.chars().any(char::is_numeric));
    let least = match (letters, digits) {
        (true, true) => TELLING_CHARS_MIXED,
        _ => TELLING_CHARS_PLAIN,
    };
    value.chars().count() >= least
}

/// A value as Unicode may compose its letters.
fn forms(value: &str) -> BTreeSet<String> {
    [value.to_owned(), value.nfc().collect(), value.nfd().collect()].into()
}

/// A value as it may be written in text and JSON.
fn written(value: &str) -> BTreeSet<Vec<u8>> {
    let mut written = BTreeSet::new();
    for form in forms(value) {
        if let Ok(quoted) = serde_json::to_string(&form) {
            written.insert(quoted.trim_matches('"').as_bytes().to_vec());
        }
        if !form.is_ascii() {
            let units = form.encode_utf16();
            let escaped = |upper: bool| -> String {
                let unit = |unit: u16| match u8::try_from(unit).ok().filter(u8::is_ascii) {
                    Some(byte) => char::from(byte).to_string(),
                    None if upper => format!("\\u{unit:04X}"),
                    None => format!("\\u{unit:04x}"),
                };
                units.clone().map(unit).collect()
            };
            written.extend([escaped(true).into_bytes(), escaped(false).into_bytes()]);
        }
        written.insert(form.into_bytes());
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(values: &[(&str, &str)]) -> Person {
        let identifiers = values.iter().map(|(kind, value)| Identifier::new(kind, value).unwrap());
        Person::new(identifiers, &BTreeMap::new())
    }

    #[test]
    fn a_mention_is_a_whole_name() {
        let mentions = person(&[("user", "user-4"), ("email", "ann@acme.example"), ("user", "7")]).mentions();
        for text in [
            "user-4",
            "\"user-4\"",
            "x,user-4,y",
            "user-4.",
            "user-4's",
            "/users/user-4/keys",
            "from ann@acme.example, yesterday",
            "\\nuser-4",
            "=user-4&",
        ] {
            assert!(mentions.stand_in(text.as_bytes()), "{text}");
        }
        for text in [
            "user-42",
            "user-4.5",
            "{\"id\":7}",
            "xuser-4",
            "a-user-4",
            "user-4-b",
            "joann@acme.example",
            "77",
            "user_4",
            "",
        ] {
            assert!(!mentions.stand_in(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn letters_are_found_however_they_are_composed_and_escaped() {
        for given in ["José-1", "Jose\u{301}-1"] {
            let mentions = person(&[("user", given)]).mentions();
            for text in ["José-1", "Jose\u{301}-1", "Jos\\u00e9-1", "Jos\\u00E9-1", "Jose\\u0301-1"] {
                assert!(mentions.stand_in(text.as_bytes()), "{given} in {text}");
            }
            assert!(!mentions.stand_in("Jose-1".as_bytes()) && !mentions.stand_in("José-12".as_bytes()));
        }
        let quoted = person(&[("user", "a1\"b\\c")]).mentions();
        assert!(quoted.stand_in(br#"{"id":"a1\"b\\c"}"#) && quoted.stand_in(br#"a1"b\c"#));
    }

    #[test]
    fn nobody_reads_in_a_log_who_it_is() {
        let shown = format!("{:?} {:?}", person(&[("user", "user-4")]), person(&[("user", "user-4")]).mentions());
        assert!(!shown.contains("user-4"), "{shown}");
    }
}
