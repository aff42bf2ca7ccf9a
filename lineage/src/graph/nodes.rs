//! The nodes of a graph: datasets in order of their ids, each followed by its columns in order of theirs.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use datafusion_common::arrow::array::{Array, FixedSizeBinaryArray, StringArray};
use datafusion_common::arrow::buffer::{Buffer, ScalarBuffer};

use super::about::NodeAbout;
use super::error::GraphError;
use super::heads::Heads;
use super::key::{Key, column_key, dataset_key, node_key};
use super::relatives::Fields;
use crate::facts::{ColumnFact, DatasetFact, DatasetName, Node};

/// The nodes of a graph.
#[derive(Debug, Clone)]
pub struct Nodes {
    keys: FixedSizeBinaryArray,
    /// The name of a dataset, the path of a column.
    texts: StringArray,
    about: ScalarBuffer<u32>,
    abouts: Vec<NodeAbout>,
    heads: Heads,
    fields: Fields,
}

impl Nodes {
    /// Nodes from their parts. `None` where the parts do not fit: a column before any dataset, a key out of order.
    pub(crate) fn from_parts(
        keys: FixedSizeBinaryArray,
        texts: StringArray,
        about: ScalarBuffer<u32>,
        abouts: Vec<NodeAbout>,
    ) -> Option<Self> {
        let nodes = keys.len();
        let fits = texts.len() == nodes && about.len() == nodes && keys.value_length() == 16;
        if !fits || u32::try_from(nodes).is_err() {
            return None;
        }
        let is_head = |node: &u32| Some(matches!(abouts.get(*node as usize)?, NodeAbout::Dataset { .. }));
        let is_head = about.iter().map(is_head).collect::<Option<Vec<bool>>>()?;
        if is_head.first() == Some(&false) {
            return None;
        }
        let heads = Heads::new(&is_head);
        let fields = Fields::new(&heads, &texts);
        let nodes = Self { keys, texts, about, abouts, heads, fields };
        nodes.is_sorted().then_some(nodes)
    }

    /// How many nodes there are.
    pub fn len(&self) -> u32 {
        self.about.len() as u32
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.about.is_empty()
    }

    /// The numbers of the datasets, ascending.
    pub fn datasets(&self) -> &[u32] {
        self.heads.starts()
    }

    /// The numbers of a dataset's columns.
    pub fn columns(&self, dataset: u32) -> Range<u32> {
        self.heads.columns(dataset)
    }

    /// Whether a node is a dataset.
    pub fn is_dataset(&self, node: u32) -> bool {
        self.heads.is_head(node)
    }

    /// The dataset of a node, or the node itself.
    pub fn dataset_of(&self, node: u32) -> u32 {
        self.heads.head_of(node)
    }

    /// What a node is called: the name of a dataset, the path of a column.
    pub fn text(&self, node: u32) -> &str {
        self.texts.value(node as usize)
    }

    /// What is known of a node.
    pub fn about(&self, node: u32) -> &NodeAbout {
        &self.abouts[self.about[node as usize] as usize]
    }

    /// The namespace of a node's dataset.
    pub fn namespace(&self, node: u32) -> &str {
        match self.about(self.dataset_of(node)) {
            NodeAbout::Dataset { namespace, .. } => namespace,
            NodeAbout::Column { .. } => "",
        }
    }

    /// The whole name of a node.
    pub fn name(&self, node: u32) -> Node {
        let head = self.dataset_of(node);
        let dataset = DatasetName { namespace: self.namespace(head).to_owned(), name: self.text(head).to_owned() };
        if head == node { Node::Dataset(dataset) } else { Node::Column(dataset, self.text(node).to_owned()) }
    }

    /// The number of a node.
    pub fn find(&self, node: &Node) -> Option<u32> {
        let (Node::Dataset(dataset) | Node::Column(dataset, _)) = node;
        let key = dataset_key(dataset);
        let starts = self.heads.starts();
        let head = starts[starts.binary_search_by(|start| self.key(*start).cmp(&key)).ok()?];
        if matches!(node, Node::Dataset(_)) {
            return Some(head);
        }
        let (key, columns) = (node_key(node), self.columns(head));
        let (first, keys) = (columns.start, &self.keys()[columns.start as usize..columns.end as usize]);
        Some(first + u32::try_from(keys.binary_search(&key).ok()?).ok()?)
    }

    /// Ids in the order of the nodes.
    pub fn keys(&self) -> &[Key] {
        self.keys.value_data().as_chunks::<16>().0
    }

    /// The id of a node.
    pub fn key(&self, node: u32) -> &Key {
        &self.keys()[node as usize]
    }

    /// The columns that a node holds or that hold it: `actor` and `actor.id`.
    pub(crate) fn fields(&self, node: u32) -> &[u32] {
        self.fields.of(node)
    }

    /// The nodes whose edges are edges of `node`, too: itself; for a dataset its columns; for a column its dataset
    /// and the fields that it holds or that hold it.
    pub(crate) fn kin(&self, node: u32) -> impl Iterator<Item = u32> + Clone + '_ {
        let is_dataset = self.is_dataset(node);
        let columns = if is_dataset { self.columns(node) } else { 0..0 };
        let head = (!is_dataset).then(|| self.dataset_of(node));
        std::iter::once(node).chain(head).chain(columns).chain(self.fields(node).iter().copied())
    }

    pub(crate) fn parts(&self) -> (&FixedSizeBinaryArray, &StringArray, &ScalarBuffer<u32>, &[NodeAbout]) {
        (&self.keys, &self.texts, &self.about, &self.abouts)
    }

    /// Bytes in memory that numbers need, without names.
    pub(crate) fn bytes(&self) -> usize {
        self.heads.bytes()
    }

    fn is_sorted(&self) -> bool {
        let (starts, keys) = (self.heads.starts(), self.keys());
        let columns = |head: &u32| {
            let columns = self.columns(*head);
            keys[columns.start as usize..columns.end as usize].is_sorted_by(|one, other| one < other)
        };
        starts.is_sorted_by(|one, other| self.key(*one) < self.key(*other)) && starts.iter().all(columns)
    }
}

impl PartialEq for Nodes {
    fn eq(&self, other: &Self) -> bool {
        self.parts() == other.parts()
    }
}

/// Takes datasets in any order and numbers them.
#[derive(Debug, Default)]
pub struct NodesBuilder {
    datasets: Vec<(Key, Range<usize>)>,
    keys: Vec<Key>,
    texts: Vec<Range<usize>>,
    text: String,
    about: Vec<u32>,
    abouts: BTreeMap<NodeAbout, u32>,
    /// The last column's facts and their place: neighbours are often alike.
    last: Option<(ColumnFact, u32)>,
}

impl NodesBuilder {
    /// A dataset with the columns of its facts, and others that only edges name.
    pub fn add<'a>(&mut self, name: &DatasetName, fact: &DatasetFact, others: impl IntoIterator<Item = &'a str>) {
        let first = self.about.len();
        let key = dataset_key(name);
        let about = self.intern(NodeAbout::dataset(&name.namespace, fact));
        self.push(key, &name.name, about);
        let unknown = ColumnFact::default();
        let mut columns: Vec<(Key, &str, &ColumnFact)> = Vec::with_capacity(fact.columns.len());
        columns.extend(fact.columns.iter().map(|(path, fact)| (column_key(name, path), path.as_str(), fact)));
        let others: BTreeSet<&str> = others.into_iter().filter(|path| !fact.columns.contains_key(*path)).collect();
        columns.extend(others.into_iter().map(|path| (column_key(name, path), path, &unknown)));
        columns.sort_unstable_by_key(|(key, ..)| *key);
        for (key, path, fact) in columns {
            let about = match &self.last {
                Some((last, about)) if last == fact => *about,
                _ => self.intern(NodeAbout::column(fact)),
            };
            if self.last.as_ref().is_none_or(|(_, last)| *last != about) {
                self.last = Some((fact.clone(), about));
            }
            self.push(key, path, about);
        }
        self.datasets.push((key, first..self.about.len()));
    }

    /// The nodes, numbered.
    pub fn finish(mut self) -> Result<Nodes, GraphError> {
        if u32::try_from(self.about.len()).is_err() {
            return Err(GraphError::TooLarge { what: "nodes" });
        }
        if i32::try_from(self.text.len()).is_err() {
            return Err(GraphError::TooLarge { what: "bytes of names" });
        }
        self.datasets.sort_unstable_by_key(|(key, _)| *key);
        if let Some(twice) = self.datasets.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            let name = &self.text[self.texts[twice[0].1.start].clone()];
            return Err(GraphError::Twice { dataset: name.to_owned() });
        }
        let order = || self.datasets.iter().flat_map(|(_, nodes)| nodes.clone());
        let texts: StringArray = order().map(|node| Some(&self.text[self.texts[node].clone()])).collect();
        let keys: Vec<u8> = order().flat_map(|node| self.keys[node]).collect();
        let keys = FixedSizeBinaryArray::new(16, Buffer::from_vec(keys), None);
        // Places of the dictionary in its own order, whatever order the datasets came in.
        let mut places = vec![0_u32; self.abouts.len()];
        for (place, old) in (0..).zip(self.abouts.values()) {
            places[*old as usize] = place;
        }
        let about = order().map(|node| places[self.about[node] as usize]).collect::<Vec<u32>>();
        let abouts = self.abouts.into_keys().collect();
        Nodes::from_parts(keys, texts, about.into(), abouts).ok_or(GraphError::TooLarge { what: "nodes" })
    }

    fn push(&mut self, key: Key, text: &str, about: u32) {
        let start = self.text.len();
        self.text.push_str(text);
        self.keys.push(key);
        self.texts.push(start..self.text.len());
        self.about.push(about);
    }

    fn intern(&mut self, about: NodeAbout) -> u32 {
        let next = u32::try_from(self.abouts.len()).unwrap_or(u32::MAX);
        *self.abouts.entry(about).or_insert(next)
    }
}
