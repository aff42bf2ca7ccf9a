//! Small tables, and statements planned over them.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, RecordBatch, new_empty_array};
use datafusion::arrow::datatypes::{DataType, Field, Fields, Schema, SchemaRef, TimeUnit};
use datafusion::common::config::Dialect;
use datafusion::datasource::MemTable;
use datafusion::error::Result;
use datafusion::logical_expr::LogicalPlan;
use datafusion::prelude::{SessionConfig, SessionContext};
use lineage::{FunctionClasses, Names, Traced, trace};

/// A session over `t`, `u`, `v` and `s`.
pub(crate) fn context() -> SessionContext {
    let context = empty();
    for (name, schema) in tables() {
        let columns: Vec<ArrayRef> = schema.fields().iter().map(|field| new_empty_array(field.data_type())).collect();
        let rows = RecordBatch::try_new(Arc::clone(&schema), columns).expect("columns of the schema");
        let table = MemTable::try_new(schema, vec![vec![rows]]).expect("rows of the schema");
        context.register_table(name, Arc::new(table)).expect("a name that is free");
    }
    context
}

/// A session over no table.
#[expect(clippy::disallowed_methods, reason = "plans are made here, and the engine is a sibling of this crate")]
pub(crate) fn empty() -> SessionContext {
    SessionContext::new_with_config(SessionConfig::new().with_target_partitions(1).with_information_schema(true))
}

fn tables() -> [(&'static str, SchemaRef); 4] {
    let field = |name: &str, data_type: DataType| Field::new(name, data_type, true);
    let list = |of: DataType| DataType::List(Arc::new(Field::new_list_field(of, true)));
    let actor = DataType::Struct(Fields::from(vec![
        field("id", DataType::Utf8),
        field("name", DataType::Utf8),
        field("home", DataType::Struct(Fields::from(vec![field("city", DataType::Utf8)]))),
    ]));
    let event = DataType::Struct(Fields::from(vec![field("k", DataType::Utf8), field("v", DataType::Int64)]));
    let entries =
        DataType::Struct(Fields::from(vec![Field::new("key", DataType::Utf8, false), field("value", DataType::Utf8)]));
    let map = DataType::Map(Arc::new(Field::new("entries", entries, false)), false);
    let numbers = |names: &[&str]| names.iter().map(|name| field(name, DataType::Int64)).collect::<Vec<_>>();
    let mut t = numbers(&["a", "b", "c"]);
    t.push(field("d", DataType::Utf8));
    t.push(field("small", DataType::Int32));
    t.push(field("at", DataType::Timestamp(TimeUnit::Microsecond, None)));
    let s = vec![
        field("id", DataType::Int64),
        field("actor", actor),
        field("tags", list(DataType::Utf8)),
        field("nums", list(DataType::Int64)),
        field("grid", list(list(DataType::Int64))),
        field("events", list(event)),
        field("labels", map),
    ];
    let of = |fields: Vec<Field>| Arc::new(Schema::new(fields));
    [("t", of(t)), ("u", of(numbers(&["a", "x", "y"]))), ("v", of(numbers(&["v", "a", "x"]))), ("s", of(s))]
}

/// The plan of a statement after analysis and before optimisation.
pub(crate) fn analysed(context: &SessionContext, sql: &str) -> Result<LogicalPlan> {
    let state = context.state();
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let plan = runtime.block_on(state.create_logical_plan(sql))?;
    state.analyzer().execute_and_check(plan, state.config_options(), |_, _| {})
}

/// What the columns of a statement over those tables come from.
#[track_caller]
pub(crate) fn traced(sql: &str) -> Traced {
    let context = context();
    if sql.contains("->") {
        // Lambdas are no part of the default dialect.
        context.state_ref().write().config_mut().options_mut().sql_parser.dialect = Dialect::DuckDB;
    }
    let plan = analysed(&context, sql);
    assert!(plan.is_ok(), "{sql}\n{plan:?}");
    trace(&plan.expect("it is planned"), &names(), &FunctionClasses::default())
}

/// Every table is a dataset under its own name.
pub(crate) fn names() -> Names {
    Names::new("")
}
