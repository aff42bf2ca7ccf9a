//! Revisions of a result, as statements of usage and of support show them: in a page, as CSV, in a workbook.

use maud::{Markup, html};
use schemas::ResultRevision;

use crate::error::ExportError;
use crate::report::csv::{CsvTable, Table, instant, number};
use crate::report::xlsx::sheet::{self, Column, Sheet, count, long, moment, short};

/// Columns of the sheet.
pub(crate) const COLUMNS: &[Column] =
    &[count("Revision"), short("State", 14), sheet::instant("Computed (UTC)"), long("Figures", 70), long("Cause", 48)];

/// A section of a page.
pub(crate) fn section(revisions: &[ResultRevision]) -> Markup {
    html! {
        section {
            h2 id="revisions" { "Revisions" }
            div.scroll { table {
                thead { tr { th.num { "Revision" } th { "State" } th { "Computed" } th { "Figures" } th { "Cause" } } }
                tbody { @for one in revisions {
                    tr {
                        td.num { (one.revision) } td { (one.state) } td.when { (schemas::rfc3339(one.at)) }
                        td.value { (one.figures) } td.value { (one.cause.as_deref().unwrap_or("")) }
                    }
                } }
            } }
        }
    }
}

/// A table of CSV.
pub(crate) fn table(revisions: &[ResultRevision]) -> CsvTable {
    let mut table = Table::new("revisions", &["revision", "state", "computed_at", "run", "figures", "cause"]);
    for one in revisions {
        table.row([
            number(one.revision),
            (&one.state).into(),
            instant(one.at),
            (&one.run).into(),
            (&one.figures).into(),
            one.cause.as_ref().into(),
        ]);
    }
    table.done()
}

/// Rows of a sheet.
pub(crate) fn rows(revisions: &[ResultRevision], sheet: &mut Sheet<'_>) -> Result<(), ExportError> {
    for one in revisions {
        sheet.row([
            u64::from(one.revision).into(),
            (&one.state).into(),
            moment!(one.at),
            (&one.figures).into(),
            one.cause.as_ref().into(),
        ])?;
    }
    Ok(())
}
