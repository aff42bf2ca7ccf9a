//! FOCUS 1.0 to 1.2, as CSV or Parquet, to `usage.v1`.
//!
//! `NULL` and an empty field are null; times without a zone are UTC; `Usage-based` is `Usage-Based`. FOCUS has no id of
//! a line: unless a column `x_UsageId` gives one, a row is named after its object and line, so that equal lines stay
//! separate charges. Columns of FOCUS and of providers without a column here go to `attributes` under their own names.
//! Absent: any correction of figures; `effective_cost` is what the source says, whatever `billed_cost` is.

use arrow::array::{Array, ArrayRef, StringArray};

use super::built_in::{Built, Ids, column, none_of, or};
use super::given::{Given, maps};
use crate::error::EngineError;
use crate::ingest::json_text::Entries;

/// Columns without which an object is no FOCUS.
pub(super) const NEEDED: &[&str] =
    &["BilledCost", "BillingCurrency", "ChargeCategory", "ChargePeriodEnd", "ChargePeriodStart", "ServiceName"];

/// Columns that are taken as they are.
const TAKEN: &[(&str, &str)] = &[
    ("tenant_name", "BillingAccountName"),
    ("project_id", "SubAccountId"),
    ("project_name", "SubAccountName"),
    ("tier", "x_Tier"),
    ("quantity", "ConsumedQuantity"),
    ("pricing_quantity", "PricingQuantity"),
    ("list_unit_price", "ListUnitPrice"),
    ("contracted_unit_price", "ContractedUnitPrice"),
    ("list_cost", "ListCost"),
    ("contracted_cost", "ContractedCost"),
    ("effective_cost", "EffectiveCost"),
    ("billed_cost", "BilledCost"),
    ("currency", "BillingCurrency"),
    ("charge_description", "ChargeDescription"),
    ("invoice_id", "InvoiceId"),
    ("resource_id", "ResourceId"),
    ("resource_type", "ResourceType"),
    ("region", "RegionId"),
    ("sku_price_id", "SkuPriceId"),
    ("service_category", "ServiceCategory"),
    ("provider", "ProviderName"),
    ("publisher", "PublisherName"),
    ("invoice_issuer", "InvoiceIssuerName"),
    ("quota", "x_Quota"),
];

/// Columns of instants.
const TIMES: &[(&str, &str)] = &[
    ("period_start", "ChargePeriodStart"),
    ("period_end", "ChargePeriodEnd"),
    ("billing_start", "BillingPeriodStart"),
    ("billing_end", "BillingPeriodEnd"),
];

const CATEGORIES: &[&str] = &["Usage", "Purchase", "Tax", "Credit", "Adjustment"];
const FREQUENCIES: &[&str] = &["One-Time", "Recurring", "Usage-Based"];
/// What our own output keeps besides, a JSON object.
const OWN_ATTRIBUTES: &str = "x_Attributes";
/// Unit of a charge that has none, such as a tax.
pub(super) const NO_UNIT: &str = "charge";

pub(super) fn map(mut given: Given<'_>, ids: &Ids<'_>, tenant: Option<&str>) -> Result<Built, EngineError> {
    let own = given.text("x_UsageId")?;
    let id = |row: usize| if own.is_valid(row) { Some(own.value(row).to_owned()) } else { ids(row) };
    let ids: StringArray = (0..given.rows()).map(id).collect();
    let mut columns: Vec<(&'static str, ArrayRef)> = vec![
        ("usage_id", column(ids)),
        ("tenant_id", or(&given.text("BillingAccountId")?, tenant)),
        // FOCUS 1.0 has no meter; what is sold comes nearest to it, and every charge is of a service.
        ("meter", column(given.first(&["SkuMeter", "SkuId", "ServiceName"])?)),
        ("unit", or(&given.first(&["ConsumedUnit", "PricingUnit"])?, Some(NO_UNIT))),
        ("pricing_unit", given.value("PricingUnit")),
        ("sku_id", given.value("SkuId")),
        ("service", given.value("ServiceName")),
    ];
    columns.extend(TAKEN.iter().map(|(to, from)| (*to, given.value(from))));
    columns.extend(TIMES.iter().map(|(to, from)| (*to, given.time(from))));

    let (category, class) = (given.text("ChargeCategory")?, given.text("ChargeClass")?);
    let mut refused = Vec::new();
    let mut refuse = |rows: Vec<usize>, why| refused.extend(rows.into_iter().map(|row| (row, why)));
    refuse(
        none_of(&category, CATEGORIES),
        "column \"ChargeCategory\" is none of Usage, Purchase, Tax, Credit and Adjustment",
    );
    refuse(none_of(&class, &["Correction"]), "column \"ChargeClass\" is neither null nor Correction");
    let (tags, bad) = given.map("Tags")?;
    refuse(bad, "column \"Tags\" does not hold a JSON object");
    let frequency = given.text("ChargeFrequency")?;
    // What is left is what nothing above has taken.
    let (own, bad) = given.entries(OWN_ATTRIBUTES)?;
    refuse(bad, "column \"x_Attributes\" does not hold a JSON object");
    let attributes = maps(with_own(given.left("")?, own.unwrap_or_default()));
    columns.extend([
        ("charge_category", column(category)),
        ("charge_class", column(class)),
        ("charge_frequency", column(frequency.iter().map(|text| text.map(frequency_word)).collect())),
        ("tags", tags),
        ("attributes", attributes),
    ]);
    refused.sort_unstable();
    refused.dedup_by_key(|(row, _)| *row);
    Ok(Built { columns, refused })
}

/// Entries of columns, and those of `x_Attributes` that no column has.
fn with_own(mut rows: Vec<Entries>, own: Vec<Option<Entries>>) -> Vec<Entries> {
    for (row, own) in rows.iter_mut().zip(own) {
        let more = own.unwrap_or_default().into_iter().filter(|(key, _)| !row.iter().any(|(there, _)| there == key));
        let more: Entries = more.collect();
        row.extend(more);
    }
    rows
}

/// Providers differ in capitals.
fn frequency_word(given: &str) -> &str {
    FREQUENCIES.iter().find(|word| word.eq_ignore_ascii_case(given)).copied().unwrap_or(given)
}
