//! From what is due and what keeps it to one verdict a row.
//!
//! Rows for which the same holds are one group, and there are few groups. Only where dates tell — which of two minima lasts
//! longer, which of two rules was due earlier, since when and until when — is a row looked at by itself.

use arrow::buffer::BooleanBuffer;
use schemas::Disposition;

use super::age::{Ends, NEVER};
use super::tally::{Deed, Loss, Protection, Tally, Treatment, Verdicts, Winner};
use super::{Judge, Marked};

/// The verdicts over rows of these instants.
pub(super) fn verdicts(judge: &Judge, instants: &[i64], marked: &Marked) -> Verdicts {
    let due: Vec<usize> = marked.any.set_indices().collect();
    let mut settling = Settling::new(judge, instants);
    if let Some(first) = due.first() {
        let (of_row, firsts) = partition(&due, *first, marked);
        let mut groups: Vec<Group> = firsts.into_iter().map(|row| Group::new(judge, marked, row)).collect();
        for (row, group) in due.iter().zip(of_row) {
            settling.settle(*row, &mut groups[group]);
        }
        groups.into_iter().for_each(|group| settling.count(group));
    }
    settling.finish()
}

/// Splits rows into groups for which the same holds: the group of each, and a row of each group.
fn partition(rows: &[usize], first: usize, marked: &Marked) -> (Vec<usize>, Vec<usize>) {
    let marks = marked.due.iter().chain(&marked.guards).chain(&marked.cases).map(|(_, bits)| bits);
    let mut of_row = vec![0; rows.len()];
    let mut firsts = vec![first];
    for bits in marks.chain(&marked.never) {
        // Every row marked is one of `rows`, so this many are all of them.
        if bits.count_set_bits() == rows.len() {
            continue;
        }
        let mut renamed: Vec<[Option<usize>; 2]> = vec![[None; 2]; firsts.len()];
        firsts.clear();
        for (row, group) in rows.iter().zip(&mut of_row) {
            let name = &mut renamed[*group][usize::from(bits.value(*row))];
            *group = *name.get_or_insert_with(|| {
                firsts.push(*row);
                firsts.len() - 1
            });
        }
    }
    (of_row, firsts)
}

/// What keeps a row, by place in the judge. The order is that in which one is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Keeper {
    Case(usize),
    Never,
    Guard(usize),
}

/// What a demand loses to, by place in the judge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Against {
    Keeper(Keeper),
    Milder(usize),
    Earlier(usize),
}

/// Rows for which the same holds.
#[derive(Debug)]
struct Group {
    /// Demands that are due, by place in the judge.
    due: Vec<usize>,
    /// Minima that they are below.
    guards: Vec<usize>,
    /// Cases that hold them.
    cases: Vec<usize>,
    /// Whether they are never removed.
    is_never: bool,
    /// Whether the order in which anonymizations are due makes a difference.
    clashes: bool,
    /// The place of their treatment, where it is the same for all and nothing loses.
    plain: Option<usize>,
    rows: u64,
    kept: Vec<(Keeper, u64)>,
    lost: Vec<(usize, Against, Loss)>,
}

impl Group {
    fn new(judge: &Judge, marked: &Marked, row: usize) -> Self {
        let at = |marks: &[(usize, BooleanBuffer)]| -> Vec<usize> {
            marks.iter().filter(|(_, bits)| bits.value(row)).map(|(place, _)| *place).collect()
        };
        let due = at(&marked.due);
        Self {
            guards: at(&marked.guards),
            cases: at(&marked.cases),
            is_never: marked.never.as_ref().is_some_and(|bits| bits.value(row)),
            clashes: due.iter().any(|one| due.iter().any(|other| clash(judge, *one, *other))),
            due,
            plain: None,
            rows: 0,
            kept: Vec::new(),
            lost: Vec::new(),
        }
    }

    /// The only demand that is due, where nothing keeps it from being done.
    fn only_demand(&self, judge: &Judge) -> Option<usize> {
        let is_free = self.guards.is_empty() && self.cases.is_empty();
        match self.due.as_slice() {
            [only] if is_free && !(self.is_never && judge.demands[*only].deed().removes()) => Some(*only),
            _ => None,
        }
    }

    fn keep(&mut self, keeper: Keeper) {
        match self.kept.iter_mut().find(|(known, _)| *known == keeper) {
            Some((_, rows)) => *rows += 1,
            None => self.kept.push((keeper, 1)),
        }
    }

    fn lose(&mut self, demand: usize, against: Against, due_us: i64, until_us: i64) {
        let known = self.lost.iter().position(|(loser, winner, _)| *loser == demand && *winner == against);
        let place = known.unwrap_or_else(|| {
            self.lost.push((demand, against, Loss::default()));
            self.lost.len() - 1
        });
        self.lost[place].2.take(due_us, until_us);
    }
}

/// Whether two demands do different things to one column.
fn clash(judge: &Judge, one: usize, other: usize) -> bool {
    match (&judge.demands[one].disposition, &judge.demands[other].disposition) {
        (Disposition::Anonymize(ours), Disposition::Anonymize(theirs)) => {
            ours.iter().any(|(column, method)| theirs.get(column).is_some_and(|another| another != method))
        }
        _ => false,
    }
}

/// Verdicts in the making.
#[derive(Debug)]
struct Settling<'a> {
    judge: &'a Judge,
    instants: &'a [i64],
    /// Of demands, by place in the judge.
    due_ends: Vec<Ends>,
    /// Of minima, by place in the judge.
    guard_ends: Vec<Ends>,
    by_row: Vec<u32>,
    /// Treatments as the demands they follow from, with their rows.
    treated: Vec<(Vec<usize>, u64)>,
    tally: Tally,
    /// Demands that nothing keeps from a row, with the instant since when they are due; empty between rows.
    free: Vec<(usize, i64)>,
}

impl<'a> Settling<'a> {
    fn new(judge: &'a Judge, instants: &'a [i64]) -> Self {
        Self {
            judge,
            instants,
            due_ends: judge.demands.iter().map(|demand| demand.term.ends()).collect(),
            guard_ends: judge.guards.iter().map(|guard| guard.age.ends()).collect(),
            by_row: vec![0; instants.len()],
            treated: Vec::new(),
            tally: Tally::default(),
            free: Vec::new(),
        }
    }

    /// Settles one row of a group.
    fn settle(&mut self, row: usize, group: &mut Group) {
        if group.rows == 0 {
            group.plain = group.only_demand(self.judge).map(|only| self.place_of(&[(only, NEVER)]));
        }
        group.rows += 1;
        match group.plain {
            Some(place) => self.by_row[row] = mark(place),
            None => self.settle_by_dates(row, group),
        }
    }

    fn settle_by_dates(&mut self, row: usize, group: &mut Group) {
        let begin_us = self.instants[row];
        let case = group.cases.first().map(|case| (Keeper::Case(*case), NEVER));
        let keeper = case.or_else(|| self.latest(&group.guards, begin_us));
        let mut reason: Option<Keeper> = None;
        for at in 0..group.due.len() {
            let demand = group.due[at];
            let due_us = self.due_ends[demand].of(begin_us);
            let is_never = case.is_none() && group.is_never && self.judge.demands[demand].deed().removes();
            match if is_never { Some((Keeper::Never, NEVER)) } else { keeper } {
                Some((keeper, until_us)) => {
                    group.lose(demand, Against::Keeper(keeper), due_us, until_us);
                    reason = Some(reason.map_or(keeper, |reason| reason.min(keeper)));
                }
                None => self.free.push((demand, due_us)),
            }
        }
        match reason {
            Some(reason) if self.free.is_empty() => group.keep(reason),
            _ => self.treat(row, group),
        }
    }

    /// Of some minima, the one that ends last, and its end; of several, the first.
    fn latest(&mut self, guards: &[usize], begin_us: i64) -> Option<(Keeper, i64)> {
        let mut latest: Option<(Keeper, i64)> = None;
        for guard in guards {
            let until_us = self.guard_ends[*guard].of(begin_us);
            if latest.is_none_or(|(_, latest_us)| until_us > latest_us) {
                latest = Some((Keeper::Guard(*guard), until_us));
            }
        }
        latest
    }

    /// Does to a row what destroys least of what is free to be done.
    fn treat(&mut self, row: usize, group: &mut Group) {
        let mut free = std::mem::take(&mut self.free);
        let demands = &self.judge.demands;
        if let Some(mildest) = free.iter().map(|(demand, _)| demands[*demand].deed()).min() {
            // Places go by name, so what is due at the same instant stays in that order.
            let by_date = mildest != Deed::Anonymize || group.clashes;
            free.sort_by_key(|(demand, due_us)| (demands[*demand].deed(), if by_date { *due_us } else { 0 }));
            let same = free.iter().take_while(|(demand, _)| demands[*demand].deed() == mildest).count();
            let done = if mildest == Deed::Anonymize { same } else { 1 };
            for (place, (demand, due_us)) in free.iter().enumerate() {
                if let Some(against) = self.loses(&free[..same], place, *demand) {
                    group.lose(*demand, against, *due_us, NEVER);
                }
            }
            let place = self.place_of(&free[..done]);
            self.treated[place].1 += 1;
            self.by_row[row] = mark(place);
        }
        free.clear();
        self.free = free;
    }

    /// What the demand at a place loses to, when `same` are those with the mildest disposition in order.
    fn loses(&self, same: &[(usize, i64)], place: usize, demand: usize) -> Option<Against> {
        let (first, _) = *same.first()?;
        let demands = &self.judge.demands;
        if place >= same.len() {
            return Some(Against::Milder(first));
        }
        let mut earlier = same[..place].iter().map(|(earlier, _)| *earlier);
        match demands[demand].deed() {
            Deed::Anonymize => earlier.find(|earlier| clash(self.judge, *earlier, demand)).map(Against::Earlier),
            Deed::Archive | Deed::Delete => {
                (demands[demand].disposition != demands[first].disposition).then_some(Against::Earlier(first))
            }
        }
    }

    /// The place in `treated` of the treatment that follows from demands.
    fn place_of(&mut self, demands: &[(usize, i64)]) -> usize {
        let is_same = |known: &[usize]| known.iter().eq(demands.iter().map(|(demand, _)| demand));
        match self.treated.iter().position(|(known, _)| is_same(known)) {
            Some(place) => place,
            None => {
                self.treated.push((demands.iter().map(|(demand, _)| *demand).collect(), 0));
                self.treated.len() - 1
            }
        }
    }

    /// Counts what became of a group.
    fn count(&mut self, group: Group) {
        if let Some(place) = group.plain {
            self.treated[place].1 += group.rows;
        }
        for (keeper, rows) in group.kept {
            *self.tally.past_maximum.entry(self.protection(keeper)).or_default() += rows;
        }
        for case in group.cases {
            let case = self.judge.cases[case].open.case.clone();
            *self.tally.waiting.entry(case).or_default() += group.rows;
        }
        for (demand, against, mut loss) in group.lost {
            if let Against::Keeper(Keeper::Guard(guard)) = against {
                loss.keeps = Some(self.judge.guards[guard].age.span());
            }
            let loser = &self.judge.demands[demand];
            self.tally.lose((loser.rule.clone(), loser.deed(), self.winner(against)), loss);
        }
    }

    fn protection(&self, keeper: Keeper) -> Protection {
        match keeper {
            Keeper::Case(case) => Protection::Hold { case: self.judge.cases[case].open.case.clone() },
            Keeper::Never => Protection::NeverDelete,
            Keeper::Guard(guard) => self.judge.guards[guard].protection.clone(),
        }
    }

    fn winner(&self, against: Against) -> Winner {
        let demands = &self.judge.demands;
        match against {
            Against::Keeper(keeper) => Winner::Protection { protection: self.protection(keeper) },
            Against::Milder(place) => Winner::Milder { rule: demands[place].rule.clone(), deed: demands[place].deed() },
            Against::Earlier(place) => Winner::Earlier { rule: demands[place].rule.clone() },
        }
    }

    fn finish(mut self) -> Verdicts {
        let rule = |demand: usize| self.judge.demands[demand].rule.clone();
        let treatment = |demands: &[usize]| match self.judge.demands[demands[0]].deed() {
            Deed::Archive => Treatment::Archive { rule: rule(demands[0]) },
            Deed::Anonymize => Treatment::Anonymize { rules: demands.iter().map(|demand| rule(*demand)).collect() },
            Deed::Delete => Treatment::Delete { rule: rule(demands[0]) },
        };
        let treatments: Vec<Treatment> = self.treated.iter().map(|(demands, _)| treatment(demands)).collect();
        let counts = self.treated.iter().map(|(_, rows)| *rows);
        self.tally.treated = treatments.iter().cloned().zip(counts).collect();
        self.tally.rows = count(self.instants.len());
        self.tally.kept = self.tally.rows - self.tally.gone();
        self.tally.without_time = count(self.instants.iter().filter(|at_us| **at_us == NEVER).count());
        Verdicts::new(treatments, self.by_row, self.tally)
    }
}

/// How a place stands in the verdict of a row, in which 0 is none.
fn mark(place: usize) -> u32 {
    u32::try_from(place + 1).unwrap_or(u32::MAX)
}

fn count(rows: usize) -> u64 {
    u64::try_from(rows).unwrap_or(u64::MAX)
}
