//! `usage.v1`: one row per charge or metered quantity.
//!
//! Names in brackets are those of FOCUS 1.2. Quantities and money are decimals, exact to the last digit.
//! Absent: commitment discounts as columns of their own; a mapping keeps them in `attributes`.

use crate::table::{Column, ColumnType, ColumnType::*, TableSchema};

/// Quantities: real bills carry 15 decimals.
const QUANTITY: ColumnType = Dec { precision: 38, scale: 15 };
/// Prices and costs.
const MONEY: ColumnType = Dec { precision: 38, scale: 12 };

/// One row per charge or metered quantity.
pub static USAGE: TableSchema = TableSchema {
    name: "usage.v1",
    doc: "One row per charge or metered quantity.",
    time: Some("period_start"),
    tenant: "tenant_id",
    subjects: &[],
    key: &["period_start", "usage_id"],
    sort: &["period_start", "usage_id"],
    partitioned: true,
    columns: &[
        Column::required(
            "usage_id",
            Str,
            "id at the source, else hash of the object and line; the idempotency key with tenant and period_start",
        ),
        Column::required("tenant_id", Str, "whose part of the lake the row belongs to (BillingAccountId)"),
        Column::required("period_start", Ts, "first instant of the charge (ChargePeriodStart)"),
        Column::required("period_end", Ts, "end of the charge, exclusive (ChargePeriodEnd)"),
        Column::required(
            "meter",
            Str,
            "what is counted (SkuMeter): api_requests tokens_in storage_gb gpu_hours seats …",
        ),
        Column::required("unit", Str, "unit of quantity (ConsumedUnit)"),
        Column::core("quantity", QUANTITY, "how much (ConsumedQuantity); null for taxes and credits"),
        Column::required("billed_cost", MONEY, "what the invoice says (BilledCost)"),
        Column::required("currency", Str, "ISO 4217 (BillingCurrency)"),
        Column::required("charge_category", Str, "Usage Purchase Tax Credit Adjustment (ChargeCategory)"),
        Column::core("charge_class", Str, "Correction for a change after invoicing, else null (ChargeClass)"),
        Column::required("service", Str, "what was used or bought (ServiceName)"),
        Column::required("ingested_at", Ts, "instant of the ingest run that wrote the row"),
        Column::required("raw_ref", Str, "path#offset of the source record; path#row of a Parquet file"),
        Column::required("raw_hash", Hash, "SHA-256 of the source record's bytes"),
        Column::optional("tenant_name", Str, "name of the tenant (BillingAccountName)"),
        Column::optional("project_id", Str, "account or project below the tenant (SubAccountId)"),
        Column::optional("project_name", Str, "its name (SubAccountName)"),
        Column::optional("tier", Str, "tier of the tenant (x_Tier)"),
        Column::optional("billing_start", Ts, "first instant of the billing period (BillingPeriodStart)"),
        Column::optional("billing_end", Ts, "end of the billing period, exclusive (BillingPeriodEnd)"),
        Column::optional("pricing_quantity", QUANTITY, "how much was priced (PricingQuantity)"),
        Column::optional("pricing_unit", Str, "unit of pricing_quantity (PricingUnit)"),
        Column::optional("list_unit_price", MONEY, "published price of a unit (ListUnitPrice)"),
        Column::optional("contracted_unit_price", MONEY, "agreed price of a unit (ContractedUnitPrice)"),
        Column::optional("list_cost", MONEY, "cost at the published price (ListCost)"),
        Column::optional("contracted_cost", MONEY, "cost at the agreed price (ContractedCost)"),
        Column::optional(
            "effective_cost",
            MONEY,
            "cost after discounts, prepaid parts spread (EffectiveCost); it need not follow billed_cost",
        ),
        Column::optional("charge_description", Str, "what the charge is for (ChargeDescription)"),
        Column::optional("charge_frequency", Str, "One-Time Recurring Usage-Based (ChargeFrequency)"),
        Column::optional("invoice_id", Str, "the invoice (InvoiceId)"),
        Column::optional("resource_id", Str, "the thing that was used (ResourceId)"),
        Column::optional("resource_type", Str, "type of the thing that was used (ResourceType)"),
        Column::optional("region", Str, "cloud region (RegionId)"),
        Column::optional("sku_id", Str, "what is sold (SkuId)"),
        Column::optional("sku_price_id", Str, "the price of what is sold (SkuPriceId)"),
        Column::optional("service_category", Str, "kind of service (ServiceCategory)"),
        Column::optional("provider", Str, "who made the service available (ProviderName)"),
        Column::optional("publisher", Str, "who made the service (PublisherName)"),
        Column::optional("invoice_issuer", Str, "who sends the invoice (InvoiceIssuerName)"),
        Column::optional("quota", QUANTITY, "limit in force for meter and period (x_Quota); null is unlimited"),
        Column::optional("tags", StrMap, "tags of the resource (Tags)"),
        Column::optional("attributes", StrMap, "what the mapping keeps besides, under the source's names"),
    ],
};
