//! The story of a fold: which files are within the bounds, which states are there, what is computed and kept, and what all of
//! it comes to.

use std::collections::{BTreeSet, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::RecordBatch;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use futures::future::BoxFuture;
use futures::stream::{self, StreamExt};
use futures::{FutureExt, future};
use schemas::Via;

use super::UseStates;
use super::bounds::{Stands, stands};
use super::eligible::{Grouping, Rule};
use super::folded::{Inputs, StatesUsed};
use super::measured::Measured;
use super::states::{FileOf, State, States};
use super::steps::Steps;
use super::sweep::{PLAN, objects_of};
use super::tree::{Inner, Leaf, Node, tree};
use crate::control::footers;
use crate::dataset::PinnedFile;
use crate::error::EngineError;
use crate::lake_session::LakeSession;
use crate::replace::files_of;
use crate::store::Lakefront;

/// States read side by side.
const READS_AT_ONCE: usize = 8;

/// States for the last step, and the memory that they take.
pub(super) type LastStates = (Vec<RecordBatch>, MemoryReservation);

/// Why a fold has no result.
pub(super) enum Stop {
    /// Its states are no smaller than the files.
    TooLarge(String),
    /// Something failed.
    Failed(Box<EngineError>),
}

impl From<EngineError> for Stop {
    fn from(error: EngineError) -> Self {
        Self::Failed(Box::new(error))
    }
}

/// One grouping being folded.
pub(super) struct Folding<'a> {
    lake: &'a Lakefront,
    session: &'a LakeSession,
    grouping: &'a Grouping,
    steps: Arc<Steps>,
    states: States<'a>,
    keeps: bool,
    /// Objects that states of pinned files have.
    keepable: HashSet<String>,
    /// Pinned files that can have rows within the bounds, by path.
    files: Vec<&'a PinnedFile>,
    /// How each of them stands to the bounds.
    stands: Vec<Stands>,
    /// Files that compute at once.
    at_once: usize,
    progress: Mutex<Progress>,
}

#[derive(Debug, Default)]
struct Progress {
    used: StatesUsed,
    measured: Measured,
    /// Objects that this fold kept or was about to keep, with the places of the files that went into each.
    created: Vec<(String, Vec<usize>)>,
    /// How files took part: place, rows and way.
    took_part: Vec<(usize, u64, Via)>,
}

impl<'a> Folding<'a> {
    /// Looks which states there are.
    ///
    /// # Errors
    /// When the store cannot be listed.
    pub(super) async fn begin(
        lake: &'a Lakefront,
        session: &'a LakeSession,
        grouping: &'a Grouping,
        using: UseStates,
    ) -> Result<Self, EngineError> {
        let pinned = session.files(&grouping.dataset).await?.unwrap_or_default();
        let steps = Arc::new(Steps::of(session, &grouping.unbounded).await?);
        let (schema, keeps) = (Arc::clone(&steps.schema), using == UseStates::Kept);
        let states = if keeps {
            let exact = grouping.judged.iter().all(|judged| judged.rule == Rule::Exact) && !grouping.has_distinct();
            States::listed(lake, &grouping.fingerprint, (schema, exact)).await?
        } else {
            States::none(lake, &grouping.fingerprint, schema)
        };
        let keepable = objects_of(pinned);
        let at_once = session.state.config().target_partitions().max(1);
        let (mut files, mut places) = (Vec::new(), Vec::new());
        for file in pinned {
            let place = stands(&grouping.bounds, file.date);
            if place != Stands::Outside {
                files.push(file);
                places.push(place);
            }
        }
        let progress = Mutex::default();
        let fold =
            Self { lake, session, grouping, steps, states, keeps, keepable, files, stands: places, at_once, progress };
        if keeps {
            fold.sweep().await?;
            let location = session.dataset(&grouping.dataset).map_or("", |dataset| &dataset.location);
            fold.states.describe((&grouping.dataset, location)).await?;
        }
        Ok(fold)
    }

    /// Deletes states of files that are not pinned: replaced, dropped or merged since.
    async fn sweep(&self) -> Result<(), EngineError> {
        for object in self.states.objects().filter(|object| *object != PLAN && !self.keepable.contains(*object)) {
            self.states.remove(object).await?;
        }
        Ok(())
    }

    pub(super) fn steps(&self) -> Arc<Steps> {
        Arc::clone(&self.steps)
    }

    /// Folds everything up to the last step; the states that it takes, and what they are made of.
    ///
    /// # Errors
    /// When a file or the store fails, or states are too large.
    pub(super) async fn all(&self, inputs: &mut Inputs) -> Result<(LastStates, StatesUsed), Stop> {
        let folded = self.months_and_years().await;
        // Also where it failed: what was kept by then is as any other.
        let withdrawn = self.withdraw().await;
        let folded = folded?;
        withdrawn?;
        let progress = std::mem::take(&mut *self.progress());
        let dataset = &self.grouping.dataset;
        for (at, rows, via) in progress.took_part {
            inputs.took_part(dataset, self.files[at].path(), (rows, via));
        }
        let fingerprints = vec![self.grouping.fingerprint.to_string()];
        Ok((folded, StatesUsed { fingerprints, ..progress.used }))
    }

    /// What the last step takes.
    async fn months_and_years(&self) -> Result<LastStates, Stop> {
        let held = MemoryConsumer::new("states").register(self.session.memory_pool());
        let mut rows = Vec::new();
        for inner in &tree(&self.files) {
            let state = self.inner(inner).await?;
            let bytes = state.rows.get_array_memory_size();
            held.try_grow(bytes).map_err(|source| EngineError::sql("run", source))?;
            rows.push(state.rows);
        }
        if rows.is_empty() {
            // Of no rows a grouping may have one all the same, such as the grand total of a rollup.
            rows.push(self.steps.of_no_file().await?);
        }
        Ok((rows, held))
    }

    fn progress(&self) -> std::sync::MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The state of a day, a month or a year.
    fn inner<'s>(&'s self, inner: &'s Inner) -> BoxFuture<'s, Result<State, Stop>> {
        async move {
            let mut leaves = Vec::new();
            inner.leaves(&mut |leaf| leaves.push(leaf));
            let is_whole = leaves.iter().all(|leaf| self.stands[leaf.at] == Stands::Inside);
            let object = (self.keeps && inner.keepable && is_whole).then(|| inner.object());
            // Part of a month or year, however whole, is another one tomorrow.
            let object = object.filter(|object| self.keepable.contains(object));
            if let Some(object) = &object {
                let names: Vec<&str> = leaves.iter().map(|leaf| leaf.name.as_str()).collect();
                if let Some(state) = self.states.read(object, &names).await? {
                    self.reused(&leaves, &state, Some(&inner.bucket));
                    return Ok(state);
                }
            }
            let children = self.children(inner).await?;
            let rows: Vec<RecordBatch> = children.iter().map(|child| child.rows.clone()).collect();
            let files = children.into_iter().flat_map(|child| child.files).collect();
            let mut state = State { rows: self.steps.reduced(&rows).await?, files, bytes: 0 };
            if let Some(object) = object {
                // First: what fails or is given up on its way may have arrived.
                self.progress().created.push((object.clone(), leaves.iter().map(|leaf| leaf.at).collect()));
                self.states.keep(&object, &mut state).await?;
            }
            let too_large = self.progress().measured.too_large();
            too_large.map_or(Ok(state), |why| Err(Stop::TooLarge(why)))
        }
        .boxed()
    }

    /// The states of what is folded into one, in order. Where one fails no other is begun, and those under way come to their
    /// end: a state that arrives after it was looked for would stay.
    async fn children(&self, inner: &Inner) -> Result<Vec<State>, Stop> {
        let is_there = |node: &Node| matches!(node, Node::Leaf(leaf) if self.states.has(&leaf.object()));
        let at_once = if inner.children.iter().all(is_there) { READS_AT_ONCE } else { self.at_once };
        let failed = AtomicBool::new(false);
        let children: Vec<BoxFuture<'_, Option<Result<State, Stop>>>> = inner
            .children
            .iter()
            .map(|child| {
                let child = match child {
                    Node::Leaf(leaf) => self.leaf(leaf).boxed(),
                    Node::Inner(inner) => self.inner(inner),
                };
                let failed = &failed;
                async move {
                    if failed.load(Ordering::Relaxed) {
                        return None;
                    }
                    let state = child.await;
                    failed.fetch_or(state.is_err(), Ordering::Relaxed);
                    Some(state)
                }
                .boxed()
            })
            .collect();
        let is_of_leaves = matches!(inner.children.first(), Some(Node::Leaf(_)));
        let states = stream::iter(children).buffered(if is_of_leaves { at_once } else { 1 });
        let states: Vec<Option<Result<State, Stop>>> = states.collect().await;
        states.into_iter().flatten().collect()
    }

    /// The state of one file: read, or computed and kept.
    async fn leaf(&self, leaf: &Leaf) -> Result<State, Stop> {
        let is_inside = self.stands[leaf.at] == Stands::Inside;
        if self.keeps
            && is_inside
            && let Some(state) = self.states.read(&leaf.object(), &[&leaf.name]).await?
        {
            self.reused(&[leaf], &state, None);
            return Ok(state);
        }
        let file = self.files[leaf.at];
        let plan = if is_inside { &self.grouping.unbounded } else { &self.grouping.aggregate };
        let footers = footers(self.session, &self.grouping.dataset, std::slice::from_ref(file));
        let (made, footers) = future::try_join(self.steps.of_file(plan, file), footers).await?;
        let rows = footers.first().map_or(0, |footer| footer.rows);
        let mut state = State { rows: made.rows, files: vec![FileOf { leaf: leaf.name.clone(), rows }], bytes: 0 };
        let mut measured = Ok(());
        if self.keeps && is_inside {
            self.progress().created.push((leaf.object(), vec![leaf.at]));
            self.states.keep(&leaf.object(), &mut state).await?;
            let mut progress = self.progress();
            let (state_rows, file_bytes) = (state.rows.num_rows() as u64, file.meta.size);
            if progress.measured.add((state_rows, state.bytes), (rows, file_bytes)) {
                measured = progress.measured.too_large().map_or(Ok(()), |why| Err(Stop::TooLarge(why)));
            }
        }
        let mut progress = self.progress();
        progress.used.computed(is_inside, (state.bytes, made.ran_short));
        progress.took_part.push((leaf.at, rows, if is_inside { Via::Read } else { Via::Border }));
        drop(progress);
        measured.map(|()| state)
    }

    /// Counts files whose state was read.
    fn reused(&self, leaves: &[&Leaf], state: &State, node: Option<&str>) {
        let mut progress = self.progress();
        let file_bytes = leaves.iter().map(|leaf| self.files[leaf.at].meta.size).sum();
        progress.used.reused(leaves.len() as u64, (state.bytes, file_bytes), node);
        let parts = leaves.iter().zip(&state.files).map(|(leaf, file)| (leaf.at, file.rows, Via::State));
        progress.took_part.extend(parts);
    }

    /// Deletes what was kept of files that count no more. Whoever replaces or drops a file deletes its states *after* that;
    /// so either it sees what was created here, or this listing sees that the file is another one (INC-7).
    async fn withdraw(&self) -> Result<(), EngineError> {
        let created = self.progress().created.clone();
        let (false, Some(dataset)) = (created.is_empty(), self.session.dataset(&self.grouping.dataset)) else {
            return Ok(());
        };
        let listed = files_of(self.lake, dataset).await?;
        let in_force: BTreeSet<(&str, &str, u64)> =
            listed.iter().map(|file| (file.path(), file.etag(), file.meta.size)).collect();
        for (object, files) in &created {
            let files = files.iter().map(|at| self.files[*at]);
            if !files.map(|file| (file.path(), file.etag(), file.meta.size)).all(|file| in_force.contains(&file)) {
                self.states.remove(object).await?;
            }
        }
        Ok(())
    }

    /// Deletes everything that was kept.
    ///
    /// # Errors
    /// When the store fails.
    pub(super) async fn give_up(&self) -> Result<(), EngineError> {
        let created = std::mem::take(&mut self.progress().created);
        for (object, _) in created {
            self.states.remove(&object).await?;
        }
        Ok(())
    }
}
