//! `auditlake usage focus`: rows of `usage.v1` under the names of FOCUS 1.2.
//!
//! It is a statement like any other, so that whoever asks sees no more than with `sql`, and an export job can run it. What
//! FOCUS has and `usage.v1` has not is taken from `attributes`, where a bill that was read keeps it; what `usage.v1` has
//! and FOCUS has not stands in columns that begin with `x_`, as FOCUS asks for. An ingest of the output gives the same rows.
//!
//! Source: FOCUS 1.2, FinOps Open Cost and Usage Specification, section 2 (columns).

use std::collections::BTreeSet;

use engine::LakeSession;
use exporters::RowFormat;
use schemas::{CivilZone, rfc3339};

use super::PERIOD;
use crate::access::Asker;
use crate::args::{Cli, FocusArgs, OutputForm};
use crate::error::JobError;
use crate::lake::OpenLake;
use crate::progress::Progress;
use crate::row_columns::literal;
use crate::sql::{Door, RowForm, sql};
use crate::world::World;

/// Schema of the rows.
const SCHEMA: &str = "usage.v1";

/// Columns of FOCUS 1.2 by name, with the column of `usage.v1`; the others are looked up in `attributes`.
const COLUMNS: [(&str, Option<&str>); 57] = [
    ("AvailabilityZone", None),
    ("BilledCost", Some("billed_cost")),
    ("BillingAccountId", Some("tenant_id")),
    ("BillingAccountName", Some("tenant_name")),
    ("BillingAccountType", None),
    ("BillingCurrency", Some("currency")),
    ("BillingPeriodEnd", Some("billing_end")),
    ("BillingPeriodStart", Some("billing_start")),
    ("CapacityReservationId", None),
    ("CapacityReservationStatus", None),
    ("ChargeCategory", Some("charge_category")),
    ("ChargeClass", Some("charge_class")),
    ("ChargeDescription", Some("charge_description")),
    ("ChargeFrequency", Some("charge_frequency")),
    ("ChargePeriodEnd", Some("period_end")),
    ("ChargePeriodStart", Some("period_start")),
    ("CommitmentDiscountCategory", None),
    ("CommitmentDiscountId", None),
    ("CommitmentDiscountName", None),
    ("CommitmentDiscountQuantity", None),
    ("CommitmentDiscountStatus", None),
    ("CommitmentDiscountType", None),
    ("CommitmentDiscountUnit", None),
    ("ConsumedQuantity", Some("quantity")),
    ("ConsumedUnit", Some("unit")),
    ("ContractedCost", Some("contracted_cost")),
    ("ContractedUnitPrice", Some("contracted_unit_price")),
    ("EffectiveCost", Some("effective_cost")),
    ("InvoiceId", Some("invoice_id")),
    ("InvoiceIssuerName", Some("invoice_issuer")),
    ("ListCost", Some("list_cost")),
    ("ListUnitPrice", Some("list_unit_price")),
    ("PricingCategory", None),
    ("PricingCurrency", None),
    ("PricingCurrencyContractedUnitPrice", None),
    ("PricingCurrencyEffectiveCost", None),
    ("PricingCurrencyListUnitPrice", None),
    ("PricingQuantity", Some("pricing_quantity")),
    ("PricingUnit", Some("pricing_unit")),
    ("ProviderName", Some("provider")),
    ("PublisherName", Some("publisher")),
    ("RegionId", Some("region")),
    ("RegionName", None),
    ("ResourceId", Some("resource_id")),
    ("ResourceName", None),
    ("ResourceType", Some("resource_type")),
    ("ServiceCategory", Some("service_category")),
    ("ServiceName", Some("service")),
    ("ServiceSubcategory", None),
    ("SkuId", Some("sku_id")),
    ("SkuMeter", Some("meter")),
    ("SkuPriceDetails", None),
    ("SkuPriceId", Some("sku_price_id")),
    ("SubAccountId", Some("project_id")),
    ("SubAccountName", Some("project_name")),
    ("SubAccountType", None),
    ("Tags", Some("tags")),
];

/// Columns of ours that FOCUS has not.
const OWN: [(&str, &str); 4] =
    [("x_UsageId", "usage_id"), ("x_Tier", "tier"), ("x_Quota", "quota"), ("x_Attributes", ATTRIBUTES)];
const ATTRIBUTES: &str = "attributes";

/// Carries out the command; returns the exit code.
pub(crate) async fn command(cli: &Cli, world: &World, args: &FocusArgs) -> Result<u8, JobError> {
    let format = match (cli.output, RowFormat::parse(&args.format)) {
        (OutputForm::Json, _) => RowFormat::Json,
        (OutputForm::Human, format) => format.unwrap_or(RowFormat::Csv),
    };
    let lake = cli.open()?;
    let asker = Asker::named(&lake, args.principal.as_deref()).await?;
    let door = Door { lake: &lake, world, asker: &asker };
    let statement = statement(&lake, &door.session()?, args).await?;
    let mut out = std::io::stdout().lock();
    if args.sql {
        use std::io::Write;
        writeln!(out, "{statement}")?;
    } else {
        sql(door, &statement, RowForm::of(format), Progress::on_terminal(), &mut out).await?;
    }
    Ok(0)
}

/// The statement that gives the charges.
async fn statement(lake: &OpenLake, session: &LakeSession, args: &FocusArgs) -> Result<String, JobError> {
    let dataset = lake.dataset(&args.dataset)?;
    if dataset.schema.name != SCHEMA {
        return Err(JobError::Usage(format!(
            "dataset \"{}\" has schema {}, and charges are rows of {SCHEMA}; name another one with --dataset",
            dataset.id, dataset.schema.name
        )));
    }
    // Optional columns are there when the dataset declares them, or a file has them.
    let plan = session.plan(&format!("SELECT * FROM \"{}\"", dataset.id)).await?;
    let there: BTreeSet<&str> = plan.schema().fields().iter().map(|field| field.name().as_str()).collect();
    let focus = COLUMNS.iter().map(|(name, own)| (*name, focus_value(name, *own, &there)));
    let own = OWN.iter().map(|(name, own)| (*name, own_value(own, &there)));
    let selected: Vec<String> = focus.chain(own).map(|(name, value)| format!("  {value} AS \"{name}\"")).collect();
    Ok(format!(
        "SELECT\n{}\nFROM \"{}\"{}\nORDER BY tenant_id, period_start, usage_id",
        selected.join(",\n"),
        dataset.id,
        condition(lake, args)?
    ))
}

fn focus_value(name: &str, own: Option<&str>, there: &BTreeSet<&str>) -> String {
    match own {
        // What is no figure of use has no unit in FOCUS, and one in `usage.v1`.
        Some("unit") if there.contains("pricing_unit") => {
            "CASE WHEN unit = 'charge' AND pricing_unit IS NULL THEN NULL ELSE unit END".to_owned()
        }
        Some("unit") => "NULLIF(unit, 'charge')".to_owned(),
        Some(own) => own_value(own, there),
        None if there.contains(ATTRIBUTES) => format!("{ATTRIBUTES}['{name}']"),
        None => "CAST(NULL AS varchar)".to_owned(),
    }
}

fn own_value(own: &str, there: &BTreeSet<&str>) -> String {
    if there.contains(own) { own.to_owned() } else { "CAST(NULL AS varchar)".to_owned() }
}

fn condition(lake: &OpenLake, args: &FocusArgs) -> Result<String, JobError> {
    let mut all = Vec::new();
    if let Some(tenant) = &args.tenant {
        all.push(format!("tenant_id = {}", literal(tenant)));
    }
    if let Some(named) = &args.period {
        let period = PERIOD.parse(named).map_err(JobError::Usage)?;
        let zone = CivilZone::from(lake.definitions.timezone);
        let beyond = || JobError::Usage(format!("period {named} lies outside of the calendar"));
        let interval = period.interval(zone).ok_or_else(beyond)?;
        let (start, end) = (rfc3339(interval.start), rfc3339(interval.end));
        all.push(format!("period_start >= TIMESTAMP '{start}' AND period_start < TIMESTAMP '{end}'"));
    }
    Ok(if all.is_empty() { String::new() } else { format!("\nWHERE {}", all.join(" AND ")) })
}
