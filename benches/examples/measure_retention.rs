//! What it takes to let rows leave Parquet files: one subject of one file, copies, masks, and a hundred subjects of many
//! files. Prints a line for each; `tests/interop/measure_retention.py` runs it beside others.
//!
//! ```text
//! measure_retention one FILE OUT VALUE [unchecked]   find, cut, check and write, as one process
//! measure_retention copy FILE                        gigabytes a second when nothing is touched
//! measure_retention mask FILE COLUMN                 one column masked, against all of the file written anew
//! measure_retention erase FOLDER OUT SUBJECTS [unchecked]   all files of a folder, a thread for each core
//! ```

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, Result, bail};
use criterion::measurement::{Measurement, WallTime};
use engine::retention::{Anew, Change, Constant, Mask, Options, RowSet, Sought, Source, check, find_in, transform};

/// Columns that name a subject.
const COLUMNS: [&str; 2] = ["actor_id", "data_subject_id"];
const RUNS: usize = 5;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["one", file, out, value] => one(file, out, value, true),
        ["one", file, out, value, "unchecked"] => one(file, out, value, false),
        ["copy", file] => copy(file),
        ["mask", file, column] => mask(file, column),
        ["erase", folder, out, subjects] => erase((folder, out), subjects.parse()?, true),
        ["erase", folder, out, subjects, "unchecked"] => erase((folder, out), subjects.parse()?, false),
        _ => bail!("one, copy, mask or erase, as the first lines of this file say"),
    }
}

fn sought(values: Vec<String>) -> Sought {
    Sought::new(COLUMNS.map(Into::into), values)
}

/// Writes `file` to `out` without the rows that are sought; says how many left, and how many chunks were decoded for it.
fn without(file: &Path, out: &Path, sought: &Sought, checked: bool) -> Result<(u64, usize)> {
    let bytes = std::fs::read(file).with_context(|| file.display().to_string())?.into();
    let found = find_in(&bytes, sought)?;
    if found.rows.is_empty() {
        return Ok((0, found.chunks_decoded));
    }
    let source = Source::open(bytes)?;
    let change = Change::Delete(found.rows);
    let done = transform(&source, &change, &Options::default())?;
    if checked {
        check(&source, &change, &done)?;
    }
    std::fs::write(out, &done.bytes)?;
    Ok((done.rows_changed, found.chunks_decoded))
}

fn one(file: &str, out: &str, value: &str, checked: bool) -> Result<()> {
    let (rows, chunks) = without(file.as_ref(), out.as_ref(), &sought(vec![value.to_owned()]), checked)?;
    println!("{rows} rows left, {chunks} column chunks decoded to find them");
    Ok(())
}

/// The shortest of several runs, in seconds, and what the last one made.
fn shortest<T>(mut work: impl FnMut() -> Result<T>) -> Result<(f64, T)> {
    let mut best: Option<(f64, T)> = None;
    for _ in 0..RUNS {
        let start = WallTime.start();
        let done = work()?;
        let seconds = WallTime.end(start).as_secs_f64();
        best = Some((best.map_or(seconds, |(best, _)| best.min(seconds)), done));
    }
    best.context("at least one run")
}

fn copy(file: &str) -> Result<()> {
    let source = Source::open(std::fs::read(file)?.into())?;
    let change = Change::Delete(RowSet::new());
    let (seconds, done) = shortest(|| Ok(transform(&source, &change, &Options::default())?))?;
    let (checking, ()) = shortest(|| Ok(check(&source, &change, &done)?))?;
    let bytes = done.bytes.len() as f64 / 1e9;
    println!(
        "copy: {seconds:.3} s, {:.2} GB/s; its check: {checking:.3} s, {:.2} GB/s",
        bytes / seconds,
        bytes / checking
    );
    Ok(())
}

fn mask(file: &str, column: &str) -> Result<()> {
    let source = Source::open(std::fs::read(file)?.into())?;
    let rows = RowSet::all(&source.group_rows());
    let columns = vec![(column.into(), Mask::Constant(Constant::Bytes(b"erased".to_vec())))];
    let change = Change::Mask { rows, columns };
    let (masked, done) = shortest(|| Ok(transform(&source, &change, &Options::default())?))?;
    let (checking, ()) = shortest(|| Ok(check(&source, &change, &done)?))?;
    println!("mask of {column}: {masked:.3} s, {} rows changed; its check: {checking:.3} s", done.rows_changed);
    let nothing = Change::Delete(RowSet::new());
    for anew in [Anew::All, Anew::AllByLibrary] {
        let options = Options { anew, ..Options::default() };
        let (seconds, _) = shortest(|| Ok(transform(&source, &nothing, &options)?))?;
        println!("all anew ({anew:?}): {seconds:.3} s, {:.1} times the mask", seconds / masked);
    }
    Ok(())
}

fn erase((folder, out): (&str, &str), subjects: usize, checked: bool) -> Result<()> {
    let files: Vec<PathBuf> = std::fs::read_dir(folder)?
        .map(|entry| Ok(entry?.path()))
        .filter(|path: &Result<PathBuf>| {
            path.as_ref().is_ok_and(|path| path.extension().is_some_and(|of| of == "parquet"))
        })
        .collect::<Result<_>>()?;
    let sought = sought((0..subjects).map(|number| format!("user-{:06}", number * 97 % 50_000)).collect());
    let (next, rows, failed) = (AtomicUsize::new(0), AtomicUsize::new(0), Mutex::new(None));
    let run = || {
        while let Some(file) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
            let to = Path::new(out).join(file.file_name().unwrap_or_default());
            match without(file, &to, &sought, checked) {
                Ok((left, _)) => drop(rows.fetch_add(left as usize, Ordering::Relaxed)),
                Err(error) => *failed.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(error),
            }
        }
    };
    let start = WallTime.start();
    std::thread::scope(|scope| {
        for _ in 1..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(run);
        }
        run();
    });
    if let Some(error) = failed.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner) {
        return Err(error);
    }
    let seconds = WallTime.end(start).as_secs_f64();
    println!("{seconds:.2} s: {} rows left {} files", rows.into_inner(), files.len());
    Ok(())
}
