//! Which columns are fields of which: a reader of `actor` is reached from `actor.id`, and back.

use std::collections::HashMap;

use datafusion_common::arrow::array::StringArray;

use super::heads::Heads;

/// Pairs of a column and a field of it, both ways. Most graphs have few.
#[derive(Debug, Clone, Default)]
pub(crate) struct Fields {
    /// Nodes that have such relatives, ascending.
    nodes: Vec<u32>,
    /// Where the relatives of each begin, and at last where the last ones end.
    starts: Vec<usize>,
    relatives: Vec<u32>,
}

impl Fields {
    pub(crate) fn new(heads: &Heads, texts: &StringArray) -> Self {
        let mut pairs = Vec::new();
        for head in heads.starts() {
            let columns = heads.columns(*head);
            // Most names hold neither, and are looked at byte by byte only once.
            let may_be_held = |text: &str| text.bytes().any(|byte| byte == b'.' || byte == b'[');
            let is_field = |node: &u32| {
                let text = texts.value(*node as usize);
                may_be_held(text) && holders(text).next().is_some()
            };
            if !columns.clone().any(|node| is_field(&node)) {
                continue;
            }
            let by_path: HashMap<&str, u32> = columns.clone().map(|node| (texts.value(node as usize), node)).collect();
            for field in columns {
                for holder in holders(texts.value(field as usize)).filter_map(|path| by_path.get(path)) {
                    pairs.extend([(field, *holder), (*holder, field)]);
                }
            }
        }
        pairs.sort_unstable();
        let mut fields = Self::default();
        for (node, relative) in pairs {
            if fields.nodes.last() != Some(&node) {
                fields.nodes.push(node);
                fields.starts.push(fields.relatives.len());
            }
            fields.relatives.push(relative);
        }
        fields.starts.push(fields.relatives.len());
        fields
    }

    /// The columns that a node holds or that hold it, ascending.
    pub(crate) fn of(&self, node: u32) -> &[u32] {
        match self.nodes.binary_search(&node) {
            Ok(at) => &self.relatives[self.starts[at]..self.starts[at + 1]],
            Err(_) => &[],
        }
    }
}

/// The paths that hold a path: `a`, `a[]` and `a[].b` hold `a[].b.c`.
fn holders(path: &str) -> impl Iterator<Item = &str> {
    let ends = path.char_indices().filter(|(at, char)| *char == '.' || (*char == '[' && path[*at..].starts_with("[]")));
    ends.filter(|(at, _)| *at > 0).map(|(at, _)| &path[..at])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_held_by_what_it_begins_with() {
        assert_eq!(holders("a[].b.c").collect::<Vec<_>>(), ["a", "a[]", "a[].b"]);
        assert_eq!(holders("tags[]").collect::<Vec<_>>(), ["tags"]);
        assert!(holders("actor_id").next().is_none() && holders(".").next().is_none());
    }
}
