//! Text of a definition file into a tree whose every node knows its place, within strict limits.
//!
//! The tree exists so that *all* keys of a file can be judged at once (`shape.rs`); the typed reading of the same text
//! stops at its first error and therefore runs only on a tree without one. Several documents are read one by one, where
//! a file may hold them. Absent: merge keys and own tags, which are refused, and YAML 1.1's `yes` and `no`, which are text.

use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::{DeserializeOwned, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, de};
use serde_saphyr::options::{DuplicateKeyPolicy, MergeKeyPolicy, NonFiniteFloatPolicy};
use serde_saphyr::{DefaultMessageFormatter, Error, Location, MessageFormatter, Spanned};

use super::problem::Place;

/// How much one file may hold.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    /// What the file is, for messages.
    what: &'static str,
    bytes: usize,
    /// Mappings and lists inside one another.
    depth: usize,
    /// Keys and values, aliases followed.
    nodes: usize,
    /// Whether a value may be named and used again.
    has_aliases: bool,
}

impl Bounds {
    /// Of a definition, whose writer is known.
    const DEFINITION: Self = Self { what: "definition", bytes: 1 << 20, depth: 24, nodes: 50_000, has_aliases: true };
    /// Of a request, which anybody may have written.
    pub(crate) const REQUEST: Self =
        Self { what: "request", bytes: super::request::REQUEST_BYTES_MAX, depth: 16, nodes: 2_500, has_aliases: false };
}

/// A value with the place it was read from.
#[derive(Debug, Clone)]
pub(crate) struct At<T> {
    pub(crate) value: T,
    pub(crate) place: Place,
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for At<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<T>::deserialize(deserializer)?;
        Ok(Self { value: spanned.value, place: place(spanned.referenced) })
    }
}

/// In the JSON Schema a place is not to be seen.
impl<T: JsonSchema> JsonSchema for At<T> {
    fn inline_schema() -> bool {
        T::inline_schema()
    }
    fn schema_name() -> std::borrow::Cow<'static, str> {
        T::schema_name()
    }
    fn schema_id() -> std::borrow::Cow<'static, str> {
        T::schema_id()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}

/// A key or value of the tree.
pub(crate) type Node = At<Tree>;

/// What a node holds.
#[derive(Debug, Clone)]
pub(crate) enum Tree {
    Null,
    Bool(bool),
    Int(i128),
    Float(f64),
    Text(String),
    List(Vec<Node>),
    Map(Vec<(Node, Node)>),
}

impl Tree {
    /// The value of a key of a mapping.
    pub(crate) fn get(&self, key: &str) -> Option<&Node> {
        let Self::Map(entries) = self else { return None };
        entries.iter().find(|(name, _)| name.value.text() == Some(key)).map(|(_, value)| value)
    }

    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// What stands there, for messages: `"text"`, `12`, `a list`.
    pub(crate) fn describe(&self) -> String {
        match self {
            Self::Null => "nothing".to_owned(),
            Self::Bool(value) => value.to_string(),
            Self::Int(value) => value.to_string(),
            Self::Float(value) => value.to_string(),
            Self::Text(text) => format!("{text:?}"),
            Self::List(_) => "a list".to_owned(),
            Self::Map(_) => "a mapping".to_owned(),
        }
    }
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TreeVisitor)
    }
}

struct TreeVisitor;

impl<'de> Visitor<'de> for TreeVisitor {
    type Value = Tree;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a YAML value")
    }
    fn visit_unit<E: de::Error>(self) -> Result<Tree, E> {
        Ok(Tree::Null)
    }
    fn visit_none<E: de::Error>(self) -> Result<Tree, E> {
        Ok(Tree::Null)
    }
    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Tree, D::Error> {
        Tree::deserialize(deserializer)
    }
    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Tree, E> {
        Ok(Tree::Bool(value))
    }
    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Tree, E> {
        Ok(Tree::Int(value.into()))
    }
    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Tree, E> {
        Ok(Tree::Int(value.into()))
    }
    fn visit_i128<E: de::Error>(self, value: i128) -> Result<Tree, E> {
        Ok(Tree::Int(value))
    }
    fn visit_u128<E: de::Error>(self, value: u128) -> Result<Tree, E> {
        Ok(Tree::Int(i128::try_from(value).unwrap_or(i128::MAX)))
    }
    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Tree, E> {
        Ok(Tree::Float(value))
    }
    fn visit_str<E: de::Error>(self, value: &str) -> Result<Tree, E> {
        Ok(Tree::Text(value.to_owned()))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Tree, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element()? {
            items.push(item);
        }
        Ok(Tree::List(items))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Tree, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(Tree::Map(entries))
    }
}

/// Documents of one file, at most.
const DOCUMENTS_MAX: usize = 100;

/// Each document of a text of several as a text of its own, in which it stands on the lines that it stands on. Those of
/// nothing but comments are left out.
pub(crate) fn documents(bytes: &[u8]) -> Result<Vec<Vec<u8>>, (Place, String)> {
    let most = Bounds::DEFINITION.bytes;
    if bytes.len() > most {
        return Err((Place::START, format!("file has {} bytes; a definition has at most {most}", bytes.len())));
    }
    let (mut documents, mut document): (Vec<Vec<u8>>, String) = (Vec::new(), String::new());
    let is_filled =
        |text: &str| text.lines().any(|line| !line.trim_start().is_empty() && !line.trim_start().starts_with('#'));
    for (number, line) in text(bytes)?.split_inclusive('\n').enumerate() {
        let rest = line.strip_prefix("---").or_else(|| line.strip_prefix("..."));
        let rest = rest.filter(|rest| rest.is_empty() || rest.starts_with(char::is_whitespace));
        match rest {
            // What is between the marks stands alone: no text in YAML may hold such a line.
            Some(rest) => {
                let earlier = std::mem::replace(&mut document, "\n".repeat(number));
                documents.extend(Some(earlier).filter(|text| is_filled(text)).map(String::into_bytes));
                document.push_str("   ");
                document.push_str(rest);
            }
            None => document.push_str(line),
        }
        if documents.len() == DOCUMENTS_MAX && is_filled(rest.unwrap_or(line)) {
            let message = format!("file holds more than {DOCUMENTS_MAX} documents; split it");
            return Err((place_at(number + 1, 1), message));
        }
    }
    documents.extend(Some(document).filter(|text| is_filled(text)).map(String::into_bytes));
    Ok(documents)
}

/// The tree of a file, or the one thing that keeps it from being read.
pub(crate) fn tree(bytes: &[u8]) -> Result<Node, (Place, String)> {
    tree_within(bytes, &Bounds::DEFINITION)
}

/// The same within other bounds.
pub(crate) fn tree_within(bytes: &[u8], bounds: &Bounds) -> Result<Node, (Place, String)> {
    let Bounds { what, bytes: most, .. } = bounds;
    if bytes.len() > *most {
        return Err((Place::START, format!("file has {} bytes; a {what} has at most {most}", bytes.len())));
    }
    let text = text(bytes)?;
    if text.lines().all(|line| line.trim_start().is_empty() || line.trim_start().starts_with('#')) {
        return Err((Place::START, format!("file is empty; write a {what} or remove the file")));
    }
    read(text, bounds)
}

/// Typed reading of a text whose tree has the right shape.
pub(crate) fn typed<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, (Place, String)> {
    read(text(bytes)?, &Bounds::DEFINITION)
}

fn text(bytes: &[u8]) -> Result<&str, (Place, String)> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let good = String::from_utf8_lossy(&bytes[..error.valid_up_to()]);
        let line = good.matches('\n').count() + 1;
        let column = good.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        (place_at(line, column), "file is not UTF-8 from here on; save it as UTF-8".to_owned())
    })?;
    Ok(text.strip_prefix('\u{feff}').unwrap_or(text))
}

fn read<T: DeserializeOwned>(text: &str, bounds: &Bounds) -> Result<T, (Place, String)> {
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_depth: bounds.depth,
            flow_nesting_limit: 2 * bounds.depth,
            max_nodes: bounds.nodes,
            max_events: 4 * bounds.nodes,
            max_documents: 2,
            max_anchors: if bounds.has_aliases { bounds.nodes } else { 0 },
            max_aliases: if bounds.has_aliases { bounds.nodes } else { 0 },
        },
        alias_limits: serde_saphyr::alias_limits! {
            max_total_replayed_events: bounds.nodes,
            max_replay_stack_depth: bounds.depth,
        },
        duplicate_keys: DuplicateKeyPolicy::Error,
        merge_keys: MergeKeyPolicy::Error,
        non_finite_float_policy: NonFiniteFloatPolicy::AsString,
        strict_booleans: true,
        reject_unsupported_tags: true,
        with_snippet: false,
    };
    serde_saphyr::from_str_with_options(text, options).map_err(|error| {
        let error = innermost(&error);
        (error.location().map_or(Place::START, place), unreadable(error, bounds))
    })
}

fn innermost(mut error: &Error) -> &Error {
    while let Error::AliasError { error: inner, .. } | Error::WithSnippet { error: inner, .. } = error {
        error = inner;
    }
    error
}

/// Why a text is no tree, in words that say what would be right.
fn unreadable(error: &Error, bounds: &Bounds) -> String {
    match error {
        Error::DuplicateMappingKey { key: Some(key), .. } => format!("key {key:?} stands here a second time; keep one"),
        Error::DuplicateMappingKey { key: None, .. } => "a key stands here a second time; keep one".to_owned(),
        Error::MultipleDocuments { .. } => {
            "file holds a second document; one file describes one thing, so split it".to_owned()
        }
        Error::Budget { .. }
        | Error::AliasReplayLimitExceeded { .. }
        | Error::AliasExpansionLimitExceeded { .. }
        | Error::AliasReplayStackDepthExceeded { .. } => too_large(bounds),
        Error::MergeKeyNotAllowed { .. } => "merge keys (<<) are not read; write the keys out".to_owned(),
        Error::UnsupportedTag { .. } => "tags (!…) are not read; write the plain value".to_owned(),
        Error::RecursiveReferencesRequireWeakTypes { .. } => {
            "alias stands inside its own anchor; write it out".to_owned()
        }
        other => {
            let said = DefaultMessageFormatter.format_message(other);
            // The scanner's own limit on nested brackets has no variant here, only these words.
            if said.contains("recursion limit") {
                return too_large(bounds);
            }
            let said: String = said.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
            format!("file is not readable as YAML: {said}")
        }
    }
}

fn too_large(bounds: &Bounds) -> String {
    let Bounds { what, depth, nodes, has_aliases, .. } = bounds;
    let aliases = if *has_aliases { ", aliases followed," } else { ", neither anchors nor aliases," };
    format!("file is too large or too deeply nested; a {what} has at most {nodes} values{aliases} and {depth} levels")
}

fn place(location: Location) -> Place {
    place_at(location.line() as usize, location.column() as usize)
}

fn place_at(line: usize, column: usize) -> Place {
    let from_1 = |number: usize| u32::try_from(number).unwrap_or(u32::MAX).max(1);
    Place { line: from_1(line), column: from_1(column) }
}
