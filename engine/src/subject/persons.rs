//! Persons of whom only references are known, and the rows that name them.
//!
//! Every value of a column is hashed as an identifier of the column's kind is, and compared. Where a key is gone, or a column
//! holds what no identifier is written as, nobody can tell, and whoever asks decides what that means. Absent: what becomes of
//! the rows.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringArray};
use arrow::buffer::BooleanBuffer;
use arrow::compute::cast;
use arrow::datatypes::DataType;
use schemas::{Dataset, DatasetId, REJECTED, kind_in};
use uuid::Uuid;

use super::reference::{SubjectKey, SubjectKeys};

/// Keys of references, and of which kind identifiers in columns are.
#[derive(Debug, Clone)]
pub struct PersonKeys {
    /// The keys.
    pub keys: SubjectKeys,
    /// Kinds; the usual one in a column that is not here.
    pub kinds: BTreeMap<(DatasetId, String), String>,
}

/// Some persons, by the references of their identifiers.
#[derive(Clone)]
pub struct Persons {
    references: BTreeSet<String>,
    /// The keys that the references were made with; none where one of them is not known any more.
    keys: Option<Vec<SubjectKey>>,
    kinds: BTreeMap<(DatasetId, String), String>,
}

/// Says how many references there are, and names nobody.
impl fmt::Debug for Persons {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Persons").field("references", &self.references.len()).finish_non_exhaustive()
    }
}

/// They are the same persons when they have the same references.
impl PartialEq for Persons {
    fn eq(&self, other: &Self) -> bool {
        self.references == other.references
    }
}

impl Eq for Persons {}

/// Which rows of a column name one of some persons.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// Those that do.
    pub yes: BooleanBuffer,
    /// Those that may; where nobody can tell, every row with a value.
    pub maybe: BooleanBuffer,
}

/// Where a dataset names people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Naming<'a> {
    /// In these columns.
    Columns(&'a [String]),
    /// In no column.
    Nowhere,
    /// In records that could not be read: anybody may be in them.
    Untold,
}

impl<'a> Naming<'a> {
    /// Of a dataset.
    pub fn of(dataset: &'a Dataset) -> Self {
        match dataset.subjects.as_slice() {
            [] if dataset.schema.name == REJECTED.name => Self::Untold,
            [] => Self::Nowhere,
            columns => Self::Columns(columns),
        }
    }
}

impl Persons {
    /// Whoever has these references. Without keys, nobody can tell who that is.
    pub fn new<'r>(references: impl IntoIterator<Item = &'r String>, known: Option<&PersonKeys>) -> Self {
        let references: BTreeSet<String> = references.into_iter().cloned().collect();
        let ids: BTreeSet<&str> = references.iter().filter_map(|one| Some(one.split_once(':')?.0)).collect();
        let keys = known.and_then(|known| ids.iter().map(|id| known.keys.of(id).cloned()).collect());
        Self { keys, references, kinds: known.map(|known| known.kinds.clone()).unwrap_or_default() }
    }

    /// Whether there is nobody among them.
    pub fn is_empty(&self) -> bool {
        self.references.is_empty()
    }

    /// The references, in order.
    pub fn references(&self) -> impl Iterator<Item = &str> {
        self.references.iter().map(String::as_str)
    }

    /// The id of a key without which nobody can tell who they are; none where every key is known.
    pub fn key_missing(&self) -> Option<&str> {
        let first = self.references.first().filter(|_| self.keys.is_none())?;
        Some(first.split_once(':').map_or(first.as_str(), |(id, _)| id))
    }

    /// Which values of a column of a dataset name one of them.
    pub fn named(&self, dataset: &DatasetId, column: &str, values: &ArrayRef) -> Named {
        let none = BooleanBuffer::new_unset(values.len());
        if self.references.is_empty() {
            return Named { yes: none.clone(), maybe: none };
        }
        match self.rows(dataset, column, values) {
            Some(rows) => Named { yes: rows.clone(), maybe: rows },
            None => {
                let there = values.logical_nulls().map(|nulls| nulls.inner().clone());
                Named { yes: none, maybe: there.unwrap_or_else(|| BooleanBuffer::new_set(values.len())) }
            }
        }
    }

    /// The rows that name one of them; none where nobody can tell.
    fn rows(&self, dataset: &DatasetId, column: &str, values: &ArrayRef) -> Option<BooleanBuffer> {
        let keys = self.keys.as_deref()?;
        let texts = written(values)?;
        let kind = kind_in(&self.kinds, dataset, column);
        let is_named = |value: &str| keys.iter().any(|key| self.references.contains(&key.reference_of(kind, value)));
        // Most values come again and again.
        let mut known: HashMap<&str, bool> = HashMap::new();
        let mut named = BooleanBuffer::new_unset(values.len());
        for texts in &texts {
            let texts = texts.as_string::<i32>();
            let is_theirs = |row: usize| {
                texts.is_valid(row) && {
                    let value = texts.value(row);
                    *known.entry(value).or_insert_with(|| is_named(value))
                }
            };
            named = &named | &BooleanBuffer::collect_bool(texts.len(), is_theirs);
        }
        Some(named)
    }
}

/// The values of a column as identifiers may be written in a file of them; none of a column that holds nothing of the sort.
fn written(values: &ArrayRef) -> Option<Vec<ArrayRef>> {
    let texts = || cast(values, &DataType::Utf8).ok();
    match values.data_type() {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Null => Some(vec![texts()?]),
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView => Some(vec![texts()?]),
        kind if kind.is_integer() => Some(vec![texts()?]),
        DataType::Dictionary(_, kind) => written(&cast(values, kind).ok()?),
        // Either 16 letters, or a UUID in digits of either case.
        DataType::FixedSizeBinary(16) => {
            let bytes = values.as_fixed_size_binary_opt()?;
            let lower = |value: &[u8]| Some(Uuid::from_slice(value).ok()?.hyphenated().to_string());
            let letters = bytes.iter().map(|value| std::str::from_utf8(value?).ok().map(str::to_owned));
            let small = bytes.iter().map(|value| lower(value?));
            let large = bytes.iter().map(|value| Some(lower(value?)?.to_uppercase()));
            let all: [StringArray; 3] = [letters.collect(), small.collect(), large.collect()];
            Some(all.into_iter().map(|texts| Arc::new(texts) as ArrayRef).collect())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{BinaryArray, DictionaryArray, FixedSizeBinaryArray, Float64Array, Int64Array};
    use arrow::datatypes::Int32Type;
    use schemas::Identifier;

    use super::*;

    fn known() -> PersonKeys {
        let key = |id: &str, byte| SubjectKey::new(id, &[byte; 32]).unwrap();
        let keys = SubjectKeys { current: key("s2", 2), retired: vec![key("s1", 1)] };
        let audit = DatasetId::parse("audit").unwrap();
        PersonKeys { keys, kinds: BTreeMap::from([((audit, "mail".to_owned()), "email".to_owned())]) }
    }

    fn references(key: &SubjectKey, identifiers: &[(&str, &str)]) -> Vec<String> {
        identifiers.iter().map(|(kind, value)| key.reference(&Identifier::new(kind, value).unwrap())).collect()
    }

    /// Rows of a column that name whoever has the references; none where nobody can tell, but for those without a value.
    fn rows(persons: &Persons, column: &str, values: impl Array + 'static) -> Option<Vec<usize>> {
        let audit = DatasetId::parse("audit").unwrap();
        let values: ArrayRef = Arc::new(values);
        let named = persons.named(&audit, column, &values);
        if named.yes != named.maybe {
            assert!(!named.yes.has_true());
            assert!((0..values.len()).all(|row| named.maybe.value(row) == values.is_valid(row)));
            return None;
        }
        Some(named.yes.set_indices().collect())
    }

    #[test]
    fn values_are_compared_however_a_column_holds_them() {
        let known = known();
        let uuid = "67e55044-10b1-426f-9247-bb680e5fe0c8";
        let given = [("user", "42"), ("user", "José"), ("user", uuid)];
        let persons = Persons::new(&references(&known.keys.current, &given), Some(&known));
        let texts = [Some("42"), Some("042"), None, Some("Jose\u{301}"), Some("423")];
        assert_eq!(rows(&persons, "id", StringArray::from(texts.to_vec())), Some(vec![0, 3]));
        let dictionary: DictionaryArray<Int32Type> = texts.into_iter().collect();
        assert_eq!(rows(&persons, "id", dictionary), Some(vec![0, 3]));
        assert_eq!(rows(&persons, "id", Int64Array::from(vec![Some(4), Some(42), None])), Some(vec![1]));
        assert_eq!(rows(&persons, "id", BinaryArray::from(vec![b"42".as_slice(), b"\xff"])), Some(vec![0]));
        let bytes = [Uuid::nil().into_bytes(), Uuid::parse_str(uuid).unwrap().into_bytes()];
        let fixed = FixedSizeBinaryArray::try_from_iter(bytes.iter()).unwrap();
        assert_eq!(rows(&persons, "id", fixed), Some(vec![1]));
    }

    #[test]
    fn kinds_are_told_apart_and_keys_of_before_are_known() {
        let known = known();
        let old = references(&known.keys.retired[0], &[("email", "ann@acme.example")]);
        let persons = Persons::new(&old, Some(&known));
        let values = || StringArray::from(vec!["bob@acme.example", "ann@acme.example"]);
        assert_eq!(rows(&persons, "mail", values()), Some(vec![1]));
        assert_eq!(rows(&persons, "id", values()), Some(vec![]));
    }

    #[test]
    fn nobody_can_tell_without_the_key_or_of_values_that_name_nobody() {
        let known = known();
        let of = references(&SubjectKey::new("s0", &[9; 32]).unwrap(), &[("user", "42")]);
        for keys in [None, Some(&known)] {
            let persons = Persons::new(&of, keys);
            assert_eq!(rows(&persons, "id", StringArray::from(vec!["42"])), None);
            assert_eq!(persons.key_missing(), Some("s0"));
        }
        let persons = Persons::new(&references(&known.keys.current, &[("user", "42")]), Some(&known));
        assert_eq!(rows(&persons, "id", Float64Array::from(vec![Some(42.0), None])), None);
        assert_eq!(persons.key_missing(), None);
        let nobody = Persons::new(&[], None);
        assert_eq!(rows(&nobody, "id", Float64Array::from(vec![42.0])), Some(vec![]));
    }
}
