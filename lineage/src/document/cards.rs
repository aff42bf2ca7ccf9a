//! A document as cards: a card per dataset with a row per column, or less where that would be too much to look at.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use schemas::Gap;

use super::Document;
use super::layout::{Layers, layers, tops};
use crate::graph::{Change, NumberedEdge};

/// More is not drawn.
const NODES_MAX: usize = 400;
/// More is not drawn.
const LINKS_MAX: usize = 1_500;
/// More edges are not in a page at all: a browser would not show them in time.
pub(super) const EDGES_MAX: usize = 20_000;

/// Measures of a card, in pixels.
pub(super) const WIDTH: i64 = 236;
pub(super) const HEAD: i64 = 42;
pub(super) const ROW: i64 = 22;
const GAP: i64 = 22;
const BETWEEN: i64 = 120;
const MARGIN: i64 = 24;
/// What a line that passes a layer takes up in it.
const LANE: i64 = 6;
/// With more lanes than this lines go straight, behind what stands in their way.
const LANES_MAX: usize = 3_000;

/// How much of each dataset is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Level {
    /// Its columns.
    Columns,
    /// A card without rows.
    Datasets,
    /// It is part of the card of its namespace.
    Namespaces,
    /// Nothing: the table has it.
    Nothing,
}

/// A dataset or a column of the page.
pub(super) struct PageDataset {
    pub(super) node: u32,
    /// Its columns by name.
    pub(super) columns: Vec<u32>,
    pub(super) is_focus: bool,
}

/// What a page has, however much of it is drawn.
pub(super) struct Page<'d, 'a> {
    pub(super) document: &'d Document<'a>,
    pub(super) datasets: Vec<PageDataset>,
    pub(super) edges: Vec<NumberedEdge>,
    /// Whether the document has more edges than the page.
    pub(super) is_cut: bool,
    pub(super) layers: Layers,
    /// The place of every column in its dataset.
    rows: HashMap<u32, usize>,
}

/// A drawn card.
pub(super) struct Card {
    /// Datasets in it: one, or those of a namespace.
    pub(super) datasets: Vec<usize>,
    pub(super) rows: Vec<u32>,
    pub(super) left: i64,
    pub(super) top: i64,
}

/// A drawn line: between rows, or the heads of cards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct End {
    pub(super) card: usize,
    pub(super) row: Option<usize>,
}

/// How a line looks.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Line {
    pub(super) is_direct: bool,
    pub(super) has_gap: bool,
    pub(super) change: Option<Change>,
}

/// Two cards, or a card and a lane.
type Link = (usize, usize);

/// A place in a layer where lines between two cards pass: its left side and its height.
pub(super) type Lane = (i64, i64);

/// What is drawn.
pub(super) struct Drawing {
    pub(super) level: Level,
    pub(super) cards: Vec<Card>,
    /// By the cards at both ends.
    pub(super) lanes: BTreeMap<(usize, usize), Vec<Lane>>,
    pub(super) lines: BTreeMap<(End, End), Line>,
    pub(super) width: i64,
    pub(super) height: i64,
}

impl<'d, 'a> Page<'d, 'a> {
    pub(super) fn new(document: &'d Document<'a>) -> Self {
        let nodes = document.graph().nodes();
        let mut edges: Vec<NumberedEdge> = document.edges().take(EDGES_MAX + 1).collect();
        let is_cut = edges.len() > EDGES_MAX;
        edges.truncate(EDGES_MAX);
        let mut on_page: BTreeSet<u32> = edges.iter().flat_map(|edge| [edge.source, edge.target]).collect();
        on_page.extend(&document.focus);
        // Of what has no edges as much as there is room for.
        let others = document.nodes().map(|(node, _)| node).filter(|node| !on_page.contains(node));
        let others: Vec<u32> = others.take(EDGES_MAX.saturating_sub(on_page.len())).collect();
        on_page.extend(others);
        let mut datasets: Vec<PageDataset> = Vec::new();
        for node in on_page {
            let head = nodes.dataset_of(node);
            if datasets.last().is_none_or(|last| last.node != head) {
                datasets.push(PageDataset { node: head, columns: Vec::new(), is_focus: false });
            }
            if let Some(dataset) = datasets.last_mut() {
                dataset.columns.extend((node != head).then_some(node));
                dataset.is_focus |= document.focus.contains(&node);
            }
        }
        for dataset in &mut datasets {
            dataset.columns.sort_by_key(|column| nodes.text(*column));
        }
        let rows = datasets.iter().flat_map(|dataset| dataset.columns.iter().copied().zip(0..)).collect();
        let mut page = Self { document, datasets, edges, is_cut, layers: layers(0, &[]), rows };
        let links: Vec<(usize, usize)> = page.edges.iter().map(|edge| page.link(*edge)).collect();
        page.layers = layers(page.datasets.len(), &links);
        page
    }

    /// The place of a node's dataset.
    pub(super) fn dataset_of(&self, node: u32) -> usize {
        let head = self.document.graph().nodes().dataset_of(node);
        self.datasets.partition_point(|dataset| dataset.node < head)
    }

    /// The place of a column in its dataset; none for the dataset itself.
    pub(super) fn row_of(&self, node: u32) -> Option<usize> {
        self.rows.get(&node).copied()
    }

    fn link(&self, edge: NumberedEdge) -> (usize, usize) {
        (self.dataset_of(edge.source), self.dataset_of(edge.target))
    }

    /// The most detailed drawing that can still be looked at.
    pub(super) fn drawing(&self) -> Drawing {
        let drawings = [Level::Columns, Level::Datasets, Level::Namespaces].into_iter().map(|level| self.at(level));
        let mut fitting = drawings.filter(Drawing::fits);
        fitting.next().unwrap_or_else(|| self.at(Level::Nothing))
    }

    fn at(&self, level: Level) -> Drawing {
        let groups = self.groups(level);
        let mut card_of = vec![usize::MAX; self.datasets.len()];
        for (card, group) in groups.iter().enumerate() {
            for dataset in group {
                card_of[*dataset] = card;
            }
        }
        let mut lines: BTreeMap<(End, End), Line> = BTreeMap::new();
        for edge in self.edges.iter().filter(|_| level != Level::Nothing) {
            let row = |node| if level == Level::Columns { self.row_of(node) } else { None };
            let end = |node| End { card: card_of[self.dataset_of(node)], row: row(node) };
            let ends = (end(edge.source), end(edge.target));
            // Lines within a collapsed card would say nothing.
            if level == Level::Columns || ends.0 != ends.1 {
                let attribute = self.document.attribute(*edge);
                let line = lines.entry(ends).or_default();
                line.is_direct |= attribute.may_carry();
                line.has_gap |= attribute.gap.is_some();
                line.change = line.change.or_else(|| self.document.changes.get(edge).copied());
            }
        }
        self.placed(level, groups, lines)
    }

    /// Datasets by card.
    fn groups(&self, level: Level) -> Vec<Vec<usize>> {
        let nodes = self.document.graph().nodes();
        match level {
            Level::Nothing => Vec::new(),
            Level::Columns | Level::Datasets => (0..self.datasets.len()).map(|dataset| vec![dataset]).collect(),
            Level::Namespaces => {
                let mut groups: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
                for (place, dataset) in self.datasets.iter().enumerate() {
                    groups.entry(nodes.namespace(dataset.node)).or_default().push(place);
                }
                groups.into_values().collect()
            }
        }
    }

    fn placed(&self, level: Level, groups: Vec<Vec<usize>>, lines: BTreeMap<(End, End), Line>) -> Drawing {
        let rows = |group: &[usize]| match (level, group) {
            (Level::Columns, [dataset]) => self.datasets[*dataset].columns.clone(),
            _ => Vec::new(),
        };
        let rows: Vec<Vec<u32>> = groups.iter().map(|group| rows(group)).collect();
        let mut heights: Vec<i64> = rows.iter().map(|rows| HEAD + ROW * pixels(rows.len())).collect();
        let drawable = groups.len() + rows.iter().map(Vec::len).sum::<usize>() <= NODES_MAX && lines.len() <= LINKS_MAX;
        if !drawable {
            return Drawing { level, cards: Vec::new(), lanes: BTreeMap::new(), lines, width: 0, height: 0 };
        }
        let (links, lanes) = with_lanes(groups.len(), lines.keys().map(|(from, to)| (from.card, to.card)));
        heights.resize(groups.len() + lanes.values().map(Vec::len).sum::<usize>(), LANE);
        let layers = layers(heights.len(), &links);
        let tops = tops(&layers, &links, &heights, GAP);
        let left = |at: usize| MARGIN + pixels(layers.layer[at]) * (WIDTH + BETWEEN);
        let card = |(at, (datasets, rows))| Card { datasets, rows, left: left(at), top: MARGIN + tops[at] };
        let cards: Vec<Card> = groups.into_iter().zip(rows).enumerate().map(card).collect();
        let lane = |at: &usize| (left(*at), MARGIN + tops[*at] + LANE / 2);
        let lanes = lanes.into_iter().map(|(ends, along)| (ends, along.iter().map(lane).collect())).collect();
        let bottoms = tops.iter().zip(&heights).map(|(top, height)| MARGIN + top + height);
        let height = bottoms.max().unwrap_or(0) + MARGIN;
        let width = cards.iter().map(|card| card.left + WIDTH).max().unwrap_or(0) + BETWEEN / 2;
        Drawing { level, cards, lanes, lines, width, height }
    }
}

fn pixels(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// Links cut where they pass a layer: the pieces, and the numbers of the lanes of every link that has any. Lanes are
/// counted after the cards.
fn with_lanes(cards: usize, links: impl Iterator<Item = Link>) -> (Vec<Link>, BTreeMap<Link, Vec<usize>>) {
    let links: BTreeSet<Link> = links.collect();
    let whole: Vec<Link> = links.iter().copied().collect();
    let layer = layers(cards, &whole).layer;
    let passed = |(from, to): &Link| layer[*to].saturating_sub(layer[*from] + 1);
    if whole.iter().map(passed).sum::<usize>() > LANES_MAX {
        return (whole, BTreeMap::new());
    }
    let (mut pieces, mut lanes, mut next) = (Vec::new(), BTreeMap::new(), cards);
    for link in links {
        let along: Vec<usize> = (next..next + passed(&link)).collect();
        next += along.len();
        let points: Vec<usize> = [link.0].into_iter().chain(along.iter().copied()).chain([link.1]).collect();
        pieces.extend(points.windows(2).map(|pair| (pair[0], pair[1])));
        if !along.is_empty() {
            lanes.insert(link, along);
        }
    }
    (pieces, lanes)
}

impl Drawing {
    fn fits(&self) -> bool {
        self.width > 0
    }
}

/// A gap in words.
pub(super) fn gap_words(gap: Gap) -> &'static str {
    match gap {
        Gap::ExtensionNode => "a step of the plan that no rule knows",
        Gap::NotTraced => "a step without a plan that did not declare its columns",
        Gap::PlanTooLarge => "the plan was too large to follow",
        Gap::JobLevel => "the event names datasets and no columns",
        Gap::ProducerSilent => "the event does not say how columns depend on one another",
        Gap::UnknownLocation => "nobody knows to which dataset this place belongs",
        Gap::Execute => "the prepared plan was not at hand",
    }
}
