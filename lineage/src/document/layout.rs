//! Where the cards of a drawing stand: layers from left to right, an order in each, and heights in whole pixels.
//!
//! Everything is counted in integers and in a fixed order, so that the same graph is drawn as the same bytes. Absent:
//! how a card looks.

/// How often the order of all layers is improved, and how often their heights are.
const SWEEPS: usize = 12;
/// Parts that a place in a layer is counted in.
const PARTS: i64 = 1 << 20;

/// The layer of each card and its place in it, from the top.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Layers {
    pub(super) layer: Vec<usize>,
    pub(super) place: Vec<usize>,
    /// The cards of each layer, from the top.
    pub(super) cards: Vec<Vec<usize>>,
}

/// Neighbours of every card to both sides, each once.
struct Links {
    before: Vec<Vec<usize>>,
    after: Vec<Vec<usize>>,
}

impl Links {
    fn new(cards: usize, links: impl IntoIterator<Item = (usize, usize)>) -> Self {
        let mut all: Vec<(usize, usize)> = links.into_iter().filter(|(from, to)| from != to).collect();
        all.sort_unstable();
        all.dedup();
        let mut links = Self { before: vec![Vec::new(); cards], after: vec![Vec::new(); cards] };
        for (from, to) in all {
            links.after[from].push(to);
            links.before[to].push(from);
        }
        links
    }
}

/// Layers of `cards` cards: every link that is not part of a circle leads to the right.
pub(super) fn layers(cards: usize, links: &[(usize, usize)]) -> Layers {
    let order = order_of_leaving(&Links::new(cards, links.iter().copied()));
    // Links that lead back close a circle; the others have no circle among them.
    let forward = links.iter().copied().filter(|(from, to)| order[*from] < order[*to]);
    let links = Links::new(cards, forward);
    let mut sorted: Vec<usize> = (0..cards).collect();
    sorted.sort_unstable_by_key(|card| order[*card]);
    let mut layer = vec![0; cards];
    for card in &sorted {
        layer[*card] = links.before[*card].iter().map(|before| layer[*before] + 1).max().unwrap_or(0);
    }
    // What comes from nowhere stands next to what it leads to.
    for card in sorted.iter().rev().filter(|card| links.before[**card].is_empty()) {
        let next = links.after[*card].iter().map(|after| layer[*after]).min();
        layer[*card] = next.map_or(0, |next| next - 1);
    }
    let count = layer.iter().max().map_or(0, |last| last + 1);
    let mut layers = Layers { place: vec![0; cards], cards: vec![Vec::new(); count], layer };
    for card in 0..cards {
        layers.cards[layers.layer[card]].push(card);
    }
    improve(&mut layers, &links);
    layers
}

/// A number for every card so that only links within circles lead to a lower one: the reverse of the order in which a
/// search leaves the cards. What nothing leads to is entered first.
fn order_of_leaving(links: &Links) -> Vec<usize> {
    let cards = links.after.len();
    let mut starts: Vec<usize> = (0..cards).collect();
    starts.sort_by_key(|card| !links.before[*card].is_empty());
    let (mut order, mut left) = (vec![0; cards], cards);
    let mut is_entered = vec![false; cards];
    let mut stack = Vec::new();
    for start in starts {
        if !is_entered[start] {
            is_entered[start] = true;
            stack.push((start, 0));
        }
        while let Some((card, next)) = stack.last_mut() {
            if let Some(after) = links.after[*card].get(*next).copied() {
                *next += 1;
                if !is_entered[after] {
                    is_entered[after] = true;
                    stack.push((after, 0));
                }
            } else {
                left -= 1;
                order[*card] = left;
                stack.pop();
            }
        }
    }
    order
}

/// Sorts each layer by where the neighbours of its cards stand, to the right and back, and keeps the order with the
/// fewest crossings.
fn improve(layers: &mut Layers, links: &Links) {
    set_places(layers);
    let mut best = (crossings(layers, links), layers.cards.clone());
    for sweep in 0..SWEEPS {
        let to_the_right = sweep % 2 == 0;
        let count = layers.cards.len();
        for step in 0..count {
            let at = if to_the_right { step } else { count - 1 - step };
            let neighbours = if to_the_right { &links.before } else { &links.after };
            let mut cards = std::mem::take(&mut layers.cards[at]);
            let middle = |card: &usize| middle(layers, &cards, &neighbours[*card], *card);
            let middles: Vec<i64> = cards.iter().map(middle).collect();
            let mut sorted: Vec<(i64, usize)> = middles.into_iter().zip(cards.iter().copied()).collect();
            sorted.sort_by_key(|(middle, _)| *middle);
            cards = sorted.into_iter().map(|(_, card)| card).collect();
            for (place, card) in cards.iter().enumerate() {
                layers.place[*card] = place;
            }
            layers.cards[at] = cards;
        }
        let found = crossings(layers, links);
        if found < best.0 {
            best = (found, layers.cards.clone());
        }
    }
    layers.cards = best.1;
    set_places(layers);
}

fn set_places(layers: &mut Layers) {
    for cards in &layers.cards {
        for (place, card) in cards.iter().enumerate() {
            layers.place[*card] = place;
        }
    }
}

/// Where the neighbours of a card stand on average; where it stands itself if it has none. `own` is its layer.
fn middle(layers: &Layers, own: &[usize], neighbours: &[usize], card: usize) -> i64 {
    let part = |place: usize, len: usize| (2 * count(place) + 1) * PARTS / (2 * count(len.max(1)));
    let of = |card: &usize| part(layers.place[*card], layers.cards[layers.layer[*card]].len());
    match neighbours {
        [] => part(layers.place[card], own.len()),
        _ => neighbours.iter().map(of).sum::<i64>() / count(neighbours.len()),
    }
}

fn count(len: usize) -> i64 {
    i64::try_from(len).unwrap_or(i64::MAX)
}

/// How often links between the same two layers cross.
fn crossings(layers: &Layers, links: &Links) -> usize {
    let mut spans: Vec<(usize, usize, usize, usize)> = Vec::new();
    for (from, after) in links.after.iter().enumerate() {
        let span = |to: &usize| (layers.layer[from], layers.layer[*to], layers.place[from], layers.place[*to]);
        spans.extend(after.iter().map(span));
    }
    spans.sort_unstable();
    let mut found = 0;
    for group in spans.chunk_by(|one, other| (one.0, one.1) == (other.0, other.1)) {
        found += inversions(group.iter().map(|span| span.3).collect());
    }
    found
}

/// How many pairs are not in order, by merging.
fn inversions(mut numbers: Vec<usize>) -> usize {
    let (mut found, mut width, len) = (0, 1, numbers.len());
    while width < len {
        for start in (0..len).step_by(2 * width) {
            let (middle, end) = ((start + width).min(len), (start + 2 * width).min(len));
            let mut merged = Vec::with_capacity(end - start);
            let (mut left, mut right) = (start, middle);
            while left < middle || right < end {
                if right == end || (left < middle && numbers[left] <= numbers[right]) {
                    merged.push(numbers[left]);
                    left += 1;
                } else {
                    found += middle - left;
                    merged.push(numbers[right]);
                    right += 1;
                }
            }
            numbers[start..end].copy_from_slice(&merged);
        }
        width *= 2;
    }
    found
}

/// The top of each card, if cards have these heights and stand `gap` apart: near its neighbours, in the order of its
/// layer.
pub(super) fn tops(layers: &Layers, links: &[(usize, usize)], heights: &[i64], gap: i64) -> Vec<i64> {
    let links = Links::new(heights.len(), links.iter().copied());
    let mut tops = vec![0; heights.len()];
    for cards in &layers.cards {
        let mut top = 0;
        for card in cards {
            tops[*card] = top;
            top += heights[*card] + gap;
        }
    }
    let count_of_layers = layers.cards.len();
    for sweep in 0..SWEEPS {
        let to_the_right = sweep % 2 == 0;
        for step in 0..count_of_layers {
            let at = if to_the_right { step } else { count_of_layers - 1 - step };
            settle(&layers.cards[at], &links, heights, gap, &mut tops, to_the_right);
        }
    }
    let highest = tops.iter().copied().min().unwrap_or(0);
    tops.iter().map(|top| top - highest).collect()
}

/// Moves the cards of one layer to the middle of their neighbours as far as their order leaves room.
fn settle(cards: &[usize], links: &Links, heights: &[i64], gap: i64, tops: &mut [i64], to_the_right: bool) {
    let wish = |card: usize| {
        let sides = if to_the_right { [&links.before, &links.after] } else { [&links.after, &links.before] };
        let neighbours = if sides[0][card].is_empty() { &sides[1][card] } else { &sides[0][card] };
        let middles = neighbours.iter().map(|other| tops[*other] + heights[*other] / 2);
        match neighbours.len() {
            0 => tops[card],
            len => middles.sum::<i64>() / count(len) - heights[card] / 2,
        }
    };
    let wishes: Vec<i64> = cards.iter().map(|card| wish(*card)).collect();
    // Neighbours in the layer that push one another stand as a block at the average of their wishes.
    let mut blocks: Vec<(i64, i64, usize)> = Vec::new();
    for (at, card) in cards.iter().enumerate() {
        let (mut sum, mut len, mut cards_in) = (wishes[at], heights[*card] + gap, 1);
        while let Some((before, before_len, before_cards)) = blocks.last().copied() {
            if before / count(before_cards) + before_len <= sum / count(cards_in) {
                break;
            }
            blocks.pop();
            sum = before + sum - before_len * count(cards_in);
            len += before_len;
            cards_in += before_cards;
        }
        blocks.push((sum, len, cards_in));
    }
    let mut cards = cards.iter();
    for (sum, _, cards_in) in blocks {
        let mut top = sum / count(cards_in);
        for card in cards.by_ref().take(cards_in) {
            tops[*card] = top;
            top += heights[*card] + gap;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_lead_to_the_right_and_circles_end() {
        let links = [(0, 1), (1, 2), (2, 3), (3, 1), (0, 3), (4, 3), (2, 2)];
        let layers = layers(5, &links);
        assert_eq!(layers.layer, [0, 1, 2, 3, 2]);
        let tops = tops(&layers, &links, &[30, 30, 30, 30, 30], 10);
        assert!(tops.iter().all(|top| *top >= 0) && (tops[2] - tops[4]).abs() >= 40);
    }

    #[test]
    fn two_links_that_need_not_cross_do_not() {
        let layers = layers(4, &[(0, 3), (1, 2)]);
        assert_eq!(layers.place[0] < layers.place[1], layers.place[3] < layers.place[2]);
    }

    #[test]
    fn pairs_out_of_order_are_counted() {
        assert_eq!(inversions(vec![3, 1, 2, 2, 0]), 7);
        assert_eq!(inversions(vec![]), 0);
    }

    #[test]
    fn a_long_chain_and_a_large_layer_are_placed() {
        let chain: Vec<_> = (0..20_000).map(|at| (at, at + 1)).collect();
        assert_eq!(layers(20_001, &chain).layer[20_000], 20_000);
        let star: Vec<_> = (1..5_000).map(|at| (0, at)).collect();
        let layers = layers(5_000, &star);
        let tops = tops(&layers, &star, &vec![20; 5_000], 4);
        let of_layer: Vec<i64> = layers.cards[1].iter().map(|card| tops[*card]).collect();
        assert!(of_layer.windows(2).all(|pair| pair[1] - pair[0] >= 24));
    }
}
