//! What is asked for, by a command line or by a job, and the plan of its rows.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use chrono::{DateTime, Utc};
use engine::{AnswerKind, ExportPlan, LakeSession, RowOrder, export_plan, export_sql};
use exporters::{Compression, ExportOptions, Format};
use schemas::{
    ColumnSource, CsvStyle, Delimiter, ExportColumn, ExportRows, ExportShape, Interval, LineEnd, Permission,
};

use super::records::{Input, Inputs, SeenBy, Start, sha256};
use crate::access::Asker;
use crate::args::ExportArgs;
use crate::error::JobError;
use crate::lake::{OpenLake, names};

/// Rows, and how they are written.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) rows: ExportRows,
    pub(crate) shape: ExportShape,
    /// The interval of a job.
    pub(crate) interval: Option<Interval>,
}

/// Rows that can be written.
pub(crate) struct Planned {
    pub(crate) session: LakeSession,
    pub(crate) plan: engine::LogicalPlan,
    pub(crate) schema: SchemaRef,
    pub(crate) order: RowOrder,
    pub(crate) options: ExportOptions,
    pub(crate) start: Start,
    pub(crate) datasets: BTreeSet<String>,
}

impl Asked {
    /// As a command line asks.
    pub(crate) fn of(args: &ExportArgs) -> Result<Self, JobError> {
        let to = args.to.as_deref().unwrap_or_default();
        let named = Named::of(to);
        let word =
            args.format.as_deref().or(named.format).ok_or_else(|| {
                JobError::Usage("say which format with --format, for example --format csv".to_owned())
            })?;
        let format = Format::parse(word).ok_or_else(|| {
            JobError::Usage(format!("\"{word}\" is no format; formats are: {}", names(Format::ALL.iter())))
        })?;
        let shape = ExportShape {
            compression: args.compress.as_deref().and_then(Compression::parse),
            split_rows: args.split_rows,
            split_bytes: args.split_bytes,
            bundle: args.bundle.is_some() || named.is_zip,
            guard: args.guard,
            strict: args.strict,
            timezone: args.timezone,
            int64_as_text: args.int64.as_deref() == Some("string"),
            csv: CsvStyle {
                delimiter: args.delimiter.as_deref().and_then(Delimiter::parse).unwrap_or_default(),
                line_end: if args.line_end.as_deref() == Some("lf") { LineEnd::Lf } else { LineEnd::Crlf },
                null: args.null_text.clone().unwrap_or_default(),
                bom: args.bom,
            },
            ..ExportShape::new(format)
        };
        shape.check().map_err(JobError::Usage)?;
        let rows = match (&args.dataset, &args.sql) {
            (Some(dataset), _) => ExportRows::Dataset {
                dataset: dataset.clone(),
                columns: args.columns.iter().map(|column| renamed(column)).collect(),
                filter: args.filter.clone(),
                order_by: args.order_by.clone(),
            },
            (None, Some(sql)) => ExportRows::Sql(sql.clone()),
            (None, None) => {
                return Err(JobError::Usage("say what to export: --dataset NAME, or --sql \"SELECT …\"".to_owned()));
            }
        };
        Ok(Self { rows, shape, interval: None })
    }

    /// Plans the rows, pins the files they come from, and checks that the format can hold them.
    pub(crate) async fn plan(
        &self,
        lake: &OpenLake,
        asker: &Asker,
        instant: DateTime<Utc>,
    ) -> Result<Planned, JobError> {
        asker.needs(Permission::ExportRequest, "an export needs")?;
        if matches!(self.rows, ExportRows::Sql(_)) {
            asker.needs(Permission::SqlQuery, "an export of a statement needs")?;
        }
        let session = asker.session(lake, instant, AnswerKind::Export)?;
        self.check_names(&session).await?;
        let ExportPlan { plan, order, datasets } = export_plan(&session, &self.rows, self.interval).await?;
        let schema: SchemaRef = Arc::new(plan.schema().as_arrow().clone());
        let options = self.options(lake, instant);
        exporters::check(&schema, &options)?;
        let mut list = Vec::new();
        for dataset in &datasets {
            for file in session.files(dataset).await?.unwrap_or_default() {
                list.push(Input {
                    dataset: dataset.clone(),
                    path: file.path().to_owned(),
                    etag: file.etag().to_owned(),
                    bytes: file.meta.size,
                });
            }
        }
        let start = Start {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            instant,
            interval: self.interval,
            query_sha256: self.query_sha256(lake),
            options_sha256: sha256(&format!("{options:?} {}", self.shape.bundle)),
            order: order.as_str().to_owned(),
            inputs: match asker.principal() {
                Some(_) => Inputs::hidden(&list, &lake.pseudonym_key()?),
                None => Inputs::new(list),
            },
            seen_by: asker.principal().map(|principal| SeenBy {
                principal: principal.name.clone(),
                access_sha256: lake.definitions.access.as_ref().map(|access| access.sha256.clone()).unwrap_or_default(),
            }),
            left_out_sha256: asker.left_out_sha256(),
        };
        Ok(Planned { session, plan, schema, order, options, start, datasets })
    }

    /// Its text, for records.
    pub(crate) fn sql(&self, lake: &OpenLake) -> String {
        export_sql(&self.rows, self.dataset().and_then(|name| lake.dataset(name).ok()))
    }

    fn query_sha256(&self, lake: &OpenLake) -> String {
        sha256(&self.sql(lake))
    }

    fn dataset(&self) -> Option<&str> {
        match &self.rows {
            ExportRows::Dataset { dataset, .. } => Some(dataset),
            ExportRows::Sql(_) => None,
        }
    }

    /// With what the file says of itself.
    fn options(&self, lake: &OpenLake, instant: DateTime<Utc>) -> ExportOptions {
        let mut options = ExportOptions::of(&self.shape);
        options.created = instant.timestamp();
        let mut about = vec![("lake", lake.definitions.id.to_string())];
        about.push(match self.dataset() {
            Some(dataset) => ("dataset", dataset.to_owned()),
            None => ("SHA-256 of the statement", self.query_sha256(lake)),
        });
        if let Some(interval) = self.interval {
            about.push(("interval from", schemas::rfc3339(interval.start)));
            about.push(("interval to", schemas::rfc3339(interval.end)));
        }
        about.push(("as of", schemas::rfc3339(instant)));
        about.push(("time zone", self.shape.timezone.map_or_else(|| "UTC".to_owned(), |zone| zone.to_string())));
        options.about = about.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        options.subjects = self.subjects(lake);
        options
    }

    /// Columns of the file that name a natural person.
    fn subjects(&self, lake: &OpenLake) -> Vec<String> {
        let ExportRows::Dataset { dataset, columns, .. } = &self.rows else { return Vec::new() };
        let declared = lake.dataset(dataset).map(|dataset| dataset.subjects.clone()).unwrap_or_default();
        if columns.is_empty() {
            return declared;
        }
        let names_a_person = |column: &&ExportColumn| match &column.from {
            ColumnSource::Column(from) => declared.contains(from),
            ColumnSource::Expr(_) => false,
        };
        columns.iter().filter(names_a_person).map(|column| column.name.clone()).collect()
    }

    /// Says which dataset or column there is none of, and what is near.
    async fn check_names(&self, session: &LakeSession) -> Result<(), JobError> {
        let ExportRows::Dataset { dataset, columns, order_by, .. } = &self.rows else { return Ok(()) };
        if session.dataset(dataset).is_none() {
            let known = session.table_names();
            let known = known.iter().map(String::as_str).filter(|name| session.dataset(name).is_some());
            return Err(unknown("dataset", dataset, known));
        }
        let Some(there) = session.columns(&format!("\"{dataset}\"")).await? else { return Ok(()) };
        let missing = columns.iter().find_map(|column| match &column.from {
            ColumnSource::Column(from) => there.column_with_name(from).is_none().then_some(from.as_str()),
            ColumnSource::Expr(_) => None,
        });
        if let Some((first, second)) = twice(columns) {
            let name = &columns[second].name;
            return Err(JobError::Usage(format!(
                "columns {} and {} are both named \"{name}\"; give one another name, for example --columns COLUMN:{name}_2",
                first + 1,
                second + 1
            )));
        }
        let sorted = order_by.iter().map(|given| engine::sort_column(given));
        let mut unsorted = sorted
            .filter(|name| there.column_with_name(name).is_none() && columns.iter().all(|column| column.name != *name));
        match missing.or_else(|| unsorted.next()) {
            None => Ok(()),
            Some(name) => Err(unknown("column", name, there.fields().iter().map(|field| field.name().as_str()))),
        }
    }
}

fn unknown<'a>(what: &'static str, name: &str, known: impl Iterator<Item = &'a str> + Clone) -> JobError {
    let remedy = match schemas::nearest(name, known.clone()) {
        Some(near) => format!("did you mean \"{near}\"?"),
        None => format!("there are: {}", names(known)),
    };
    JobError::Unknown { what, name: name.to_owned(), remedy }
}

/// The first two columns of one name.
fn twice(columns: &[ExportColumn]) -> Option<(usize, usize)> {
    columns.iter().enumerate().find_map(|(second, column)| {
        let first = columns[..second].iter().position(|other| other.name == column.name)?;
        Some((first, second))
    })
}

/// `source:name`, or a name that stays.
fn renamed(column: &str) -> ExportColumn {
    let (source, name) = column.split_once(':').unwrap_or((column, column));
    ExportColumn { name: name.trim().to_owned(), from: ColumnSource::Column(source.trim().to_owned()) }
}

/// What the name of a file says of it.
#[derive(Debug, PartialEq, Eq)]
struct Named<'a> {
    format: Option<&'a str>,
    is_zip: bool,
}

impl<'a> Named<'a> {
    fn of(to: &'a str) -> Self {
        let name = to.rsplit('/').next().unwrap_or_default();
        let (name, is_zip) = name.strip_suffix(".zip").map_or((name, false), |name| (name, true));
        let name = [".gz", ".zst"].iter().find_map(|packed| name.strip_suffix(packed)).unwrap_or(name);
        let ending = name.rsplit_once('.').map(|(_, ending)| ending);
        Self { format: ending.filter(|ending| Format::parse(ending).is_some()), is_zip }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_file_says_its_format() {
        for (to, format, is_zip) in [
            ("march.csv", Some("csv"), false),
            ("s3://bucket/a.b/march.json.gz", Some("json"), false),
            ("march.xml.zst", Some("xml"), false),
            ("march.csv.zip", Some("csv"), true),
            ("march.zip", None, true),
            ("march/", None, false),
            ("march.txt", None, false),
            ("-", None, false),
        ] {
            assert_eq!(Named::of(to), Named { format, is_zip }, "{to}");
        }
    }
}
