//! One export to objects, from what was asked for to the manifest.
//!
//! ```text
//! start.export.json           what was asked for, with the files that are read     (first: a place that refuses says so)
//! part-00001.csv …            each with a receipt, part-00001.csv.export.json
//! manifest.json               the export exists from here on; what was needed to go on goes away
//! ```

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use engine::{Fence, RowOrder};
use exporters::{Bundle, ExportProgress, Part, PartSink};
use tokio::runtime::Handle;

use super::asked::Planned;
use super::place::{ObjectPlace, pretty};
use super::records::{Beside, Manifest, ManifestPart, Receipt, RequestOf, RunOf, Start, sha256};
use super::rows;
use super::upload::Objects;
use crate::error::JobError;
use crate::progress::Progress;

/// An export to objects.
pub(crate) struct Work<'a> {
    pub(crate) place: &'a ObjectPlace,
    /// Whether the parts go into one archive.
    pub(crate) bundle: bool,
    /// Says before the manifest whether it is still ours to write.
    pub(crate) fence: Option<&'a dyn Fence>,
    pub(crate) run: Option<RunOf>,
    /// The request that it answers.
    pub(crate) request: Option<RequestOf>,
    pub(crate) progress: Progress,
    /// How far it is.
    pub(crate) counters: Arc<ExportProgress>,
}

impl<'a> Work<'a> {
    /// Into parts, for nobody but who is there.
    pub(crate) fn new(place: &'a ObjectPlace, progress: Progress) -> Self {
        Self { place, bundle: false, fence: None, run: None, request: None, progress, counters: Arc::default() }
    }
}

impl Work<'_> {
    /// Writes the parts that are not there yet, and then the manifest.
    pub(crate) async fn finish(&self, planned: Planned, done: Vec<Receipt>) -> Result<Manifest, JobError> {
        let (start, schema, options) = (planned.start.clone(), Arc::clone(&planned.schema), planned.options.clone());
        let resumed = done.len() as u64;
        let mut manifest = Manifest::new(&start, &schema, &options);
        manifest.run.clone_from(&self.run);
        manifest.request.clone_from(&self.request);
        if self.bundle {
            let parts = self.bundle(planned, &manifest).await?;
            manifest.format.bundle = Some("zip".to_owned());
            manifest.count(&parts.0);
            manifest.parts.push(parts.1);
            manifest.bytes = manifest.parts.iter().map(|part| part.bytes).sum();
        } else {
            manifest.beside = self.write_beside(&planned.options, &schema).await?;
            let paths: Vec<String> = done.iter().map(|receipt| receipt.path.clone()).collect();
            let done = done.into_iter().map(|receipt| receipt.part).collect();
            let sink = Objects { place: self.place.clone(), runtime: Handle::current(), number: resumed + 1 };
            let (parts, _) = rows::write(planned, done, sink, (self.progress, &self.counters)).await?;
            manifest.count(&parts);
            manifest.resumed_parts = resumed;
            for (number, part) in (1..).zip(&parts) {
                let path = paths.get(number as usize - 1).cloned().or_else(|| self.place.part(&part.name, number));
                manifest.parts.push(ManifestPart::of(part, path.unwrap_or_default()));
            }
        }
        self.publish(&manifest).await?;
        Ok(manifest)
    }

    /// What lies there is what was written, and the claim is ours, before anything says so.
    async fn publish(&self, manifest: &Manifest) -> Result<(), JobError> {
        let place = self.place;
        for part in &manifest.parts {
            if place.head(&part.path).await?.is_none_or(|meta| meta.size != part.bytes) {
                return Err(JobError::ExportChanged { place: place.shown(&part.path) });
            }
        }
        if let Some(fence) = self.fence {
            fence.check().await?;
        }
        place.create_json(&place.manifest(), manifest).await
    }

    /// Writes what stands beside the first part, such as a schema.
    async fn write_beside(
        &self,
        options: &exporters::ExportOptions,
        schema: &SchemaRef,
    ) -> Result<Option<Beside>, JobError> {
        let Some((name, text)) = exporters::exporter(options.format).beside(schema) else { return Ok(None) };
        let path = self.place.beside(name);
        let beside = Beside { path: path.clone(), bytes: text.len() as u64, sha256: sha256(&text) };
        self.place.replace(&path, text.into()).await?;
        Ok(Some(beside))
    }

    /// Every part in one archive, which is the only part that is seen.
    async fn bundle(&self, planned: Planned, manifest: &Manifest) -> Result<(Vec<Part>, ManifestPart), JobError> {
        let name = format!("part-00001.{}.zip", planned.options.ending());
        let mut objects = Objects { place: self.place.clone(), runtime: Handle::current(), number: 1 };
        let out = objects.begin(&name).map_err(super::write_error)?;
        let (parts, bundled) = bundled(planned, out, manifest.clone(), (self.progress, &self.counters)).await?;
        let path = self.place.part(&name, 1).unwrap_or_default();
        let whole = Part {
            name,
            rows: parts.iter().map(|part| part.rows).sum(),
            bytes: bundled.bytes,
            sha256: bundled.sha256.clone(),
            content_sha256: bundled.sha256,
            ..Part::default()
        };
        Ok((parts, ManifestPart::of(&whole, path)))
    }

    /// The parts that an interrupted export finished, when going on gives what it would have given.
    pub(crate) async fn adopted(&self, place: &ObjectPlace, planned: &Planned) -> Result<Vec<Receipt>, JobError> {
        let mut done = Vec::new();
        // Rows in another order could be in two parts, or in none.
        if planned.order == RowOrder::Engine || place.is_single() || self.bundle {
            return Ok(done);
        }
        while let Some(receipt) = receipt(place, &planned.options.part_name(done.len() as u64 + 1)).await? {
            let head = place.head(&receipt.path).await?;
            if head.is_none_or(|meta| meta.size != receipt.part.bytes || meta.e_tag != receipt.etag) {
                break;
            }
            done.push(receipt);
        }
        Ok(done)
    }

    /// Takes away what was needed to go on.
    pub(crate) async fn clear(&self, parts: &[ManifestPart]) -> Result<(), JobError> {
        if !self.place.is_single() && !self.bundle {
            for part in parts {
                let name = part.path.rsplit('/').next().unwrap_or_default();
                self.place.remove(&self.place.receipt(name)).await?;
            }
        }
        self.place.remove(&self.place.start()).await
    }
}

/// The receipt of a part of this name.
pub(crate) async fn receipt(place: &ObjectPlace, name: &str) -> Result<Option<Receipt>, JobError> {
    place.read_json(&place.receipt(name)).await
}

/// Writes an archive of the parts, what belongs to them, and a manifest of their own.
pub(crate) async fn bundled(
    planned: Planned,
    out: Box<dyn exporters::PartOut>,
    mut manifest: Manifest,
    progress: (Progress, &Arc<ExportProgress>),
) -> Result<(Vec<Part>, exporters::Bundled), JobError> {
    let (schema, options) = (Arc::clone(&planned.schema), planned.options.clone());
    let bundle = Bundle::start(out, &options);
    let (parts, mut bundle) = rows::write(planned, Vec::new(), bundle, progress).await?;
    manifest.count(&parts);
    manifest.parts = parts.iter().map(|part| ManifestPart::of(part, part.name.clone())).collect();
    let written = rows::blocking(move || {
        if let Some((name, text)) = exporters::exporter(options.format).beside(&schema) {
            bundle.add(name, text.as_bytes()).map_err(super::write_error)?;
            let (path, sha256) = (name.to_owned(), sha256(&text));
            manifest.beside = Some(Beside { path, bytes: text.len() as u64, sha256 });
        }
        bundle.add("manifest.json", &pretty(&manifest)?).map_err(super::write_error)?;
        bundle.finish().map_err(super::write_error)
    });
    Ok((parts, written.await??))
}

/// Whether a start record is of the same export.
pub(crate) fn same(place: &ObjectPlace, start: &Start, planned: &Planned) -> Result<(), JobError> {
    if *start == planned.start {
        return Ok(());
    }
    let what = start.difference(&planned.start);
    Err(JobError::ExportOther { place: place.shown(&place.start()), what })
}
