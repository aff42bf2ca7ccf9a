//! The AWS Cost and Usage Report, CSV with headers such as `lineItem/UsageType`, to `usage.v1`.
//!
//! A line is named by `identity/LineItemId` and `identity/TimeInterval`: the first alone repeats. An empty field is
//! null. What has no column here goes to `attributes` under its own name, tags to `tags` without `resourceTags/`.
//! Absent: reserved instances and savings plans, whose lines are refused by type: what they cost is spread over lines
//! that must be read together. Absent, too: `effective_cost`, for which the report has no column.

use arrow::array::{Array, ArrayRef, StringArray};

use super::built_in::{Built, column, or};
use super::focus::NO_UNIT;
use super::given::{Given, maps};
use crate::error::EngineError;

/// Columns without which an object is no such report.
pub(super) const NEEDED: &[&str] = &[
    "identity/LineItemId",
    "identity/TimeInterval",
    "lineItem/LineItemType",
    "lineItem/UsageStartDate",
    "lineItem/UsageEndDate",
    "lineItem/CurrencyCode",
    "lineItem/UnblendedCost",
    "lineItem/ProductCode",
];

/// Columns that are taken as they are.
const TAKEN: &[(&str, &str)] = &[
    ("project_id", "lineItem/UsageAccountId"),
    ("project_name", "lineItem/UsageAccountName"),
    ("pricing_unit", "pricing/unit"),
    ("list_unit_price", "pricing/publicOnDemandRate"),
    ("contracted_unit_price", "lineItem/UnblendedRate"),
    ("list_cost", "pricing/publicOnDemandCost"),
    ("billed_cost", "lineItem/UnblendedCost"),
    ("currency", "lineItem/CurrencyCode"),
    ("charge_description", "lineItem/LineItemDescription"),
    ("invoice_id", "bill/InvoiceId"),
    ("resource_id", "lineItem/ResourceId"),
    ("sku_id", "product/sku"),
    ("sku_price_id", "pricing/RateCode"),
    ("publisher", "lineItem/LegalEntity"),
    ("invoice_issuer", "bill/InvoicingEntity"),
];

/// Columns of instants.
const TIMES: &[(&str, &str)] = &[
    ("period_start", "lineItem/UsageStartDate"),
    ("period_end", "lineItem/UsageEndDate"),
    ("billing_start", "bill/BillingPeriodStartDate"),
    ("billing_end", "bill/BillingPeriodEndDate"),
];

pub(super) fn map(mut given: Given<'_>, tenant: Option<&str>) -> Result<Built, EngineError> {
    let (item, interval) = (given.text("identity/LineItemId")?, given.text("identity/TimeInterval")?);
    let ids = item.iter().zip(interval.iter()).map(|(item, interval)| Some(format!("{}:{}", item?, interval?)));
    let kind = given.peek("lineItem/LineItemType")?;
    let categories: StringArray = kind.iter().map(|kind| kind.and_then(category)).collect();
    let amount = given.text("lineItem/UsageAmount")?;
    // Taxes and credits count no units, though the report says 1.
    let counts = |row: usize| amount.is_valid(row) && matches!(kind.value(row), "Usage" | "Fee");
    let quantity = (0..given.rows()).map(|row| counts(row).then(|| amount.value(row)));
    let frequency = kind.iter().map(|kind| kind.filter(|kind| *kind == "Usage").map(|_| "Usage-Based"));
    let nothing = StringArray::new_null(given.rows());

    let mut columns: Vec<(&'static str, ArrayRef)> = vec![
        ("usage_id", column(ids.collect())),
        ("tenant_id", or(&given.text("bill/PayerAccountId")?, tenant)),
        ("tenant_name", given.value("bill/PayerAccountName")),
        ("meter", column(given.first(&["lineItem/UsageType", "lineItem/TaxType", "lineItem/LineItemType"])?)),
        ("unit", or(&given.text("pricing/unit")?, Some(NO_UNIT))),
        ("quantity", column(quantity.collect())),
        ("charge_class", column(nothing.clone())),
        ("charge_frequency", column(frequency.collect())),
        ("region", column(given.first(&["product/regionCode", "product/region"])?)),
        ("provider", or(&nothing, Some("AWS"))),
    ];
    columns.extend(TAKEN.iter().map(|(to, from)| (*to, given.value(from))));
    columns.extend(TIMES.iter().map(|(to, from)| (*to, given.time(from))));
    let service = given.text("product/ProductName")?;
    let product = given.peek("lineItem/ProductCode")?;
    let service = service.iter().zip(product.iter()).map(|(name, code)| name.or(code));
    let refused = (0..kind.len()).filter(|row| kind.is_valid(*row) && categories.is_null(*row));
    let why = "column \"lineItem/LineItemType\" is none of Usage, Tax, Credit, Refund and Fee";
    let refused = refused.map(|row| (row, why)).collect();
    columns.extend([
        ("service", column(service.collect())),
        ("charge_category", column(categories)),
        ("tags", maps(given.left("resourceTags/")?)),
        ("attributes", maps(given.left("")?)),
    ]);
    Ok(Built { columns, refused })
}

fn category(kind: &str) -> Option<&'static str> {
    match kind {
        "Usage" => Some("Usage"),
        "Tax" => Some("Tax"),
        "Credit" | "Refund" => Some("Credit"),
        "Fee" => Some("Purchase"),
        _ => None,
    }
}
