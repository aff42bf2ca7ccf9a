//! Which values of a column meet one of several patterns.
//!
//! Absent: types whose values have no one text, as floats, decimals and instants; such columns are refused, never guessed at.

use std::fmt::Write;

use arrow::array::{Array, ArrayAccessor, ArrowPrimitiveType, AsArray, GenericListArray, OffsetSizeTrait};
use arrow::buffer::BooleanBuffer;
use arrow::datatypes::{
    DataType, Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use schemas::Pattern;

/// Which rows meet something.
#[derive(Debug, Clone)]
pub(super) struct Marks {
    /// Those that surely do.
    pub(super) yes: BooleanBuffer,
    /// Those that surely do, and those where NULL hides it.
    pub(super) maybe: BooleanBuffer,
}

impl Marks {
    /// Every row does.
    pub(super) fn all(rows: usize) -> Self {
        Self { yes: BooleanBuffer::new_set(rows), maybe: BooleanBuffer::new_set(rows) }
    }

    /// Nobody knows of any row.
    pub(super) fn unknown(rows: usize) -> Self {
        Self { yes: BooleanBuffer::new_unset(rows), maybe: BooleanBuffer::new_set(rows) }
    }

    /// What meets this and another.
    pub(super) fn and(&mut self, other: &Self) {
        self.yes &= &other.yes;
        self.maybe &= &other.maybe;
    }

    fn of(array: &dyn Array, met: impl FnMut(usize) -> bool) -> Self {
        let met = BooleanBuffer::collect_bool(array.len(), met);
        match array.logical_nulls() {
            None => Self { yes: met.clone(), maybe: met },
            Some(nulls) => Self { yes: &met & nulls.inner(), maybe: &met | &!nulls.inner() },
        }
    }
}

/// Patterns, one of which meets.
#[derive(Debug, Clone)]
pub(super) struct Words {
    /// All of them.
    patterns: Vec<Pattern>,
    /// Those that must be equal, sorted.
    exact: Vec<String>,
    /// Those of which the beginning counts.
    begins: Vec<Pattern>,
}

impl Words {
    pub(super) fn new(patterns: Vec<Pattern>) -> Self {
        let mut exact: Vec<String> = patterns.iter().filter_map(|pattern| pattern.exact().map(str::to_owned)).collect();
        exact.sort_unstable();
        exact.dedup();
        let begins = patterns.iter().filter(|pattern| pattern.exact().is_none()).cloned().collect();
        Self { patterns, exact, begins }
    }

    /// Texts that must be equal.
    pub(super) fn equal(texts: &[String]) -> Self {
        let mut exact = texts.to_vec();
        exact.sort_unstable();
        exact.dedup();
        Self { patterns: Vec::new(), exact, begins: Vec::new() }
    }

    /// Whether the text meets one.
    pub(super) fn meet(&self, text: &str) -> bool {
        let is_equal = match self.exact.as_slice() {
            [] => false,
            [only] => only == text,
            several => several.binary_search_by(|exact| exact.as_str().cmp(text)).is_ok(),
        };
        is_equal || self.begins.iter().any(|pattern| pattern.matches(text))
    }

    /// The first pattern that some value of a column meets.
    pub(super) fn met_by(&self, array: &dyn Array) -> Option<&Pattern> {
        let is_met = |pattern: &&Pattern| {
            Self::new(vec![(*pattern).clone()]).marks(array).is_some_and(|marks| marks.yes.has_true())
        };
        self.patterns.iter().find(is_met)
    }

    /// Whether some text between two others could meet one; of `max` only the beginning may be known.
    pub(super) fn may_lie_between(&self, min: &str, max: &str) -> bool {
        let may_be = |exact: &String| exact.as_str() >= min && (exact.as_str() <= max || exact.starts_with(max));
        self.exact.iter().any(may_be) || self.begins.iter().any(|pattern| pattern.may_lie_between(min, max))
    }

    /// Which values of a column meet one; none of a column without texts. Whole numbers count as decimal digits, booleans
    /// as `true` and `false`.
    pub(super) fn marks(&self, array: &dyn Array) -> Option<Marks> {
        Some(match array.data_type() {
            DataType::Utf8 => self.texts(array, array.as_string_opt::<i32>()?),
            DataType::LargeUtf8 => self.texts(array, array.as_string_opt::<i64>()?),
            DataType::Utf8View => self.texts(array, array.as_string_view_opt()?),
            DataType::Boolean => {
                let (if_true, if_false) = (self.meet("true"), self.meet("false"));
                let values = array.as_boolean_opt()?.values();
                Marks::of(array, |row| if values.value(row) { if_true } else { if_false })
            }
            DataType::Int8 => self.numbers::<Int8Type>(array)?,
            DataType::Int16 => self.numbers::<Int16Type>(array)?,
            DataType::Int32 => self.numbers::<Int32Type>(array)?,
            DataType::Int64 => self.numbers::<Int64Type>(array)?,
            DataType::UInt8 => self.numbers::<UInt8Type>(array)?,
            DataType::UInt16 => self.numbers::<UInt16Type>(array)?,
            DataType::UInt32 => self.numbers::<UInt32Type>(array)?,
            DataType::UInt64 => self.numbers::<UInt64Type>(array)?,
            DataType::Dictionary(..) => self.dictionary(array)?,
            DataType::Null => Marks::unknown(array.len()),
            _ => return None,
        })
    }

    fn texts<'a>(&self, array: &dyn Array, texts: impl ArrayAccessor<Item = &'a str>) -> Marks {
        Marks::of(array, |row| self.meet(texts.value(row)))
    }

    fn numbers<T: ArrowPrimitiveType<Native: std::fmt::Display>>(&self, array: &dyn Array) -> Option<Marks> {
        let values = array.as_primitive_opt::<T>()?.values();
        let mut digits = String::new();
        Some(Marks::of(array, |row| {
            digits.clear();
            write!(digits, "{}", values[row]).is_ok() && self.meet(&digits)
        }))
    }

    fn dictionary(&self, array: &dyn Array) -> Option<Marks> {
        let dictionary = array.as_any_dictionary_opt()?;
        if dictionary.values().is_empty() {
            return Some(Marks::unknown(array.len()));
        }
        let met = self.marks(dictionary.values().as_ref())?.yes;
        let keys = dictionary.normalized_keys();
        Some(Marks::of(array, |row| met.value(keys[row])))
    }

    /// Which rows have one of the words in their list; `otherwise` is what holds for rows whose list is empty or NULL, where
    /// that is known. None of a column without lists of texts.
    pub(super) fn list_marks(&self, array: &dyn Array, otherwise: Option<bool>) -> Option<Marks> {
        match array.data_type() {
            DataType::List(_) => self.lists(array.as_list_opt::<i32>()?, otherwise),
            DataType::LargeList(_) => self.lists(array.as_list_opt::<i64>()?, otherwise),
            DataType::Null => Some(Self::unlisted(array.len(), otherwise)),
            _ => None,
        }
    }

    /// What holds for rows without a list.
    pub(super) fn unlisted(rows: usize, otherwise: Option<bool>) -> Marks {
        match otherwise {
            Some(true) => Marks::all(rows),
            Some(false) => Marks { yes: BooleanBuffer::new_unset(rows), maybe: BooleanBuffer::new_unset(rows) },
            None => Marks::unknown(rows),
        }
    }

    fn lists<O: OffsetSizeTrait>(&self, lists: &GenericListArray<O>, otherwise: Option<bool>) -> Option<Marks> {
        let items = self.marks(lists.values().as_ref())?;
        let offsets = lists.value_offsets();
        let has = |row: usize, of: &BooleanBuffer, where_null: bool, where_empty: bool| {
            let mut range = offsets[row].as_usize()..offsets[row + 1].as_usize();
            match (lists.is_null(row), range.is_empty()) {
                (true, _) => where_null,
                (false, true) => where_empty,
                (false, false) => range.any(|item| of.value(item)),
            }
        };
        // An empty list says that there are none; NULL says nothing.
        let (surely, perhaps) = (otherwise.unwrap_or(false), otherwise.unwrap_or(true));
        Some(Marks {
            yes: BooleanBuffer::collect_bool(lists.len(), |row| has(row, &items.yes, surely, surely)),
            maybe: BooleanBuffer::collect_bool(lists.len(), |row| has(row, &items.maybe, perhaps, surely)),
        })
    }
}
