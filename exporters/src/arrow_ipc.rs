//! The file format of Arrow IPC, with buffers compressed by LZ4.
//!
//! Every type as it is, but for dictionaries, runs and list views, which are unpacked: the format holds one dictionary a
//! column, runs end where batches do, and half of the readers know no list views. Absent: the streaming format.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow_ipc::CompressionType;
use arrow_ipc::writer::{FileWriter, IpcWriteOptions};

use crate::error::ExportError;
use crate::export::PartBytes;
use crate::export::{Exporter, PartWriter};
use crate::format::{ExportOptions, Format};
use crate::losses::CellCounts;
use crate::repack::{Repack, repacked_as};
use crate::rows::{at, check_batch};
use crate::settled::settled;

/// The exporter.
#[derive(Debug)]
pub(crate) struct Arrow;

impl Exporter for Arrow {
    fn format(&self) -> Format {
        Format::Arrow
    }

    fn written_as(&self, field: &Field) -> String {
        repacked_as(field, &AsItIs).data_type().to_string()
    }

    fn start<'a>(
        &self,
        schema: &SchemaRef,
        _options: &ExportOptions,
        out: &'a mut dyn PartBytes,
    ) -> Result<Box<dyn PartWriter + 'a>, ExportError> {
        let fields: Vec<Field> = schema.fields().iter().map(|field| repacked_as(field, &AsItIs)).collect();
        let target = Arc::new(Schema::new(fields));
        let options = IpcWriteOptions::default().try_with_compression(Some(CompressionType::LZ4_FRAME));
        let writer = options.and_then(|options| FileWriter::try_new_with_options(out, &target, options));
        Ok(Box::new(ArrowPart { target, writer: writer.map_err(failed)? }))
    }
}

/// What depends on how rows came is unpacked; the rest stays as it is.
struct AsItIs;

impl Repack for AsItIs {
    fn leaf(&self, data_type: &DataType) -> DataType {
        data_type.clone()
    }

    fn keeps_lists(&self) -> bool {
        true
    }
}

struct ArrowPart<'a> {
    target: SchemaRef,
    writer: FileWriter<&'a mut dyn PartBytes>,
}

impl PartWriter for ArrowPart<'_> {
    fn write(&mut self, chunk: &RecordBatch, first_row: u64, _cells: &mut CellCounts) -> Result<(), ExportError> {
        check_batch(chunk, self.target.fields().len())?;
        let columns = chunk.schema_ref().fields().iter().zip(chunk.columns());
        let columns = columns
            .map(|(field, column)| {
                let column = AsItIs.repack(field, column).map_err(|fault| at(fault, field, first_row))?;
                settled(&column).map_err(failed)
            })
            .collect::<Result<Vec<ArrayRef>, ExportError>>()?;
        let options = arrow::array::RecordBatchOptions::new().with_row_count(Some(chunk.num_rows()));
        let batch = RecordBatch::try_new_with_options(Arc::clone(&self.target), columns, &options).map_err(failed)?;
        self.writer.write(&batch).map_err(failed)
    }

    fn finish(mut self: Box<Self>) -> Result<(), ExportError> {
        self.writer.finish().map_err(failed)
    }
}

fn failed(error: arrow::error::ArrowError) -> ExportError {
    match error {
        arrow::error::ArrowError::IoError(_, source) => ExportError::Write(source),
        other => ExportError::Encode { format: Format::Arrow, source: Box::new(other) },
    }
}
