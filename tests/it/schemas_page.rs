//! `docs/guide/schemas.md` is made from the schemas; `UPDATE_EXPECT=1` writes it, and review reads what changed.

use std::fmt::Write;
use std::fs;

use schemas::{CONTROL_RESULT, DATASET_SCHEMAS, FINDING, HISTORY_ENDING, Presence, REJECTED, TableSchema};

use crate::tree;

const PAGE: &str = "docs/guide/schemas.md";

#[test]
fn the_guide_lists_every_schema_and_column() {
    let page = page();
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(tree::root().join(PAGE), &page).expect("the page is written");
    }
    assert!(tree::read(PAGE) == page, "{PAGE} is not what the schemas say; run this test with UPDATE_EXPECT=1");
}

fn page() -> String {
    let mut page = String::from(
        "# Schemas

`auditlake init` declares schema `x.v1` as dataset `x` in the folder `x/`. A dataset without files is empty and not an
error. Adding an optional column keeps a schema's version; anything else makes a new one.

| type | is |
|---|---|
| `str` | text in UTF-8 |
| `ts` | an instant: microseconds, UTC |
| `i16`, `i32`, `i64` | whole numbers with a sign |
| `f64` | a float: places, confidences, metrics and scores only |
| `dec(p,s)` | a decimal number of `p` digits, `s` of them after the point; a value that does not fit is refused |
| `bool`, `binary` | true or false; bytes |
| `hash` | SHA-256, 32 bytes; in JSON as hex digits |
| `list<…>`, `map<…>`, `struct<…>` | lists, keys with values, named fields |

A `required` column is never null. A `core` column is in every file and may be null, which means unknown. An `optional`
column may be left out; a control that needs it is not evaluated then.

Rows of a schema with the column `revision` are added and never changed: the highest revision of a key is in force. The
dataset shows what is in force. Its name with `",
    );
    page.push_str(HISTORY_ENDING);
    page.push_str("` shows every revision, for example `SELECT revision, state FROM dsr_history`.\n");
    for schema in DATASET_SCHEMAS {
        push(&mut page, schema);
    }
    page.push_str(
        "
# Tables of our own

`control_result.v1` and `finding.v1` are the tables `auditlake.control_results` and `auditlake.findings`. What an ingest
into dataset `x` refused is `rejected.v1`, in the folder `x_rejected/`.
",
    );
    for schema in [&CONTROL_RESULT, &FINDING, &REJECTED] {
        push(&mut page, schema);
    }
    page
}

fn push(page: &mut String, schema: &TableSchema) {
    let quoted = |names: &[&str]| names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    let mut facts = vec![format!("Key: {}.", quoted(schema.key))];
    facts.extend(schema.time.map(|time| format!("Time: `{time}`.")));
    if !schema.subjects.is_empty() {
        facts.push(format!("Persons: {}.", quoted(schema.subjects)));
    }
    if schema.partitioned {
        facts.push("Files lie in `tenant=…/date=…/`.".to_owned());
    }
    let mut section = format!("\n## {}\n\n{} {}\n\n", schema.name, schema.doc, facts.join(" "));
    section.push_str("| column | type | | meaning |\n|---|---|---|---|\n");
    for column in schema.columns {
        let presence = match column.presence {
            Presence::Required => "required",
            Presence::Core => "core",
            Presence::Optional => "optional",
        };
        writeln!(section, "| `{}` | `{}` | {presence} | {} |", column.name, column.kind.name(), column.doc)
            .expect("a text takes more text");
    }
    page.push_str(&section);
}
