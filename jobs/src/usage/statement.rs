//! A result as a statement for people.

use std::collections::BTreeMap;

use chrono::{DateTime, Days, NaiveDate, Utc};
use schemas::{
    CivilZone, QuotaLimit, Quotas, ResultRevision, SlaPeriod, TierPrice, UsageCharge, UsageContract, UsageDay,
    UsagePart, UsagePrice, UsageProvenance, UsageQuota, UsageStatement, rfc3339,
};

use super::judged::{ChargeSum, JudgedMonth, JudgedPart, JudgedQuota, QuotaStatus};
use super::records::{Sequence, TenantResult};
use super::rows::{limit_of, share_of};
use crate::sla::{files_of_tenant, in_currency};

/// What a statement needs beside its result.
pub(super) struct Context<'a> {
    pub(super) lake: &'a str,
    pub(super) usage: &'a UsageContract,
    pub(super) period: SlaPeriod,
    pub(super) sequence: &'a Sequence,
    pub(super) provenance: &'a UsageProvenance,
    /// Files with what proves it, by tenant.
    pub(super) evidence: &'a BTreeMap<String, String>,
}

impl Context<'_> {
    /// The statement of a tenant's result in force; none of a tenant without one.
    pub(super) fn of(&self, tenant: &str) -> Option<UsageStatement> {
        let revisions: Vec<&TenantResult> = self.sequence.of_tenant(tenant).collect();
        let result = *revisions.last()?;
        let (usage, figures) = (self.usage, &result.figures);
        let quotas = usage.quotas_on(self.period.first())?;
        let zone = usage.zone_of(tenant);
        let shown = Shown { zone: CivilZone::from(zone), until: figures.until, usage };
        Some(UsageStatement {
            lake: self.lake.to_owned(),
            usage: usage.id.to_string(),
            service: usage.service.clone(),
            tenant: tenant.to_owned(),
            period: self.period.name(),
            interval: figures.interval,
            until: figures.until,
            timezone: zone.to_string(),
            state: result.state.as_str().to_owned(),
            revision: result.revision,
            parts: figures.judged.parts.iter().map(|part| shown.part(part)).collect(),
            price: price(&figures.judged, (quotas, self.period)),
            charges: figures.judged.charges.iter().map(charge).collect(),
            revisions: revisions.iter().map(|one| revision(one)).collect(),
            provenance: UsageProvenance {
                quotas: format!("{}, version {}", quotas.id, figures.quotas_version),
                spec_sha256: figures.spec_sha256.clone(),
                evidence_sha256: figures.evidence_sha256.clone(),
                evidence: self.evidence.get(tenant).cloned().into_iter().collect(),
                inputs: files_of_tenant(&self.provenance.inputs, tenant),
                ..self.provenance.clone()
            },
        })
    }
}

/// What days are shown with.
struct Shown<'a> {
    zone: CivilZone,
    until: DateTime<Utc>,
    usage: &'a UsageContract,
}

impl Shown<'_> {
    fn part(&self, part: &JudgedPart) -> UsagePart {
        UsagePart {
            tier: part.tier.clone(),
            from: part.first,
            days: part.days,
            quotas: part.quotas.iter().map(|quota| self.quota(part, quota)).collect(),
        }
    }

    fn quota(&self, part: &JudgedPart, quota: &JudgedQuota) -> UsageQuota {
        let limit = limit_of(quota);
        let percent = quota.used.zip(limit).and_then(|(used, limit)| share_of(used, limit, 10_000));
        let worst = quota.by_day.iter().max_by_key(|(day, used)| (**used, std::cmp::Reverse(**day)));
        UsageQuota {
            quota: quota.quota.clone(),
            meter: quota.meter.clone(),
            measure: quota.measure.as_str().to_owned(),
            is_daily: quota.is_daily,
            unit: quota.unit.clone(),
            used: quota.used.map(|used| used.to_string()),
            limit: limit.map(|limit| limit.to_string()),
            percent: percent.map(|bp| format!("{}.{:02}", bp / 100, bp % 100)),
            status: quota.status.as_str().to_owned(),
            note: quota.note.clone(),
            peak_at: worst.map(|(day, _)| day.to_string()).or_else(|| quota.peak_at.map(rfc3339)),
            rows: quota.rows,
            days_over: quota.days_over,
            days: if quota.is_daily && quota.used.is_some() { self.days(part, quota) } else { Vec::new() },
        }
    }

    /// Every day of a part that has begun, with or without use.
    fn days(&self, part: &JudgedPart, quota: &JudgedQuota) -> Vec<UsageDay> {
        let first = part.first;
        let all = (0..part.days).filter_map(|day| first.checked_add_days(Days::new(u64::from(day))));
        let has_begun = |day: &NaiveDate| self.zone.start_of(*day).is_some_and(|start| start < self.until);
        let limit = limit_of(quota);
        let of = |day: NaiveDate| {
            let used = quota.by_day.get(&day).copied().unwrap_or_default();
            let permille =
                limit.and_then(|limit| share_of(used, limit, 1_000)).map(|share| u64::try_from(share).unwrap_or(0));
            let status = QuotaStatus::of(used, quota.limit.unwrap_or(QuotaLimit::Unlimited), self.usage.warn);
            UsageDay { day, used: used.to_string(), permille, status: status.as_str().to_owned() }
        };
        all.filter(has_begun).map(of).collect()
    }
}

/// What the tiers cost; none where no tier has a price.
fn price(judged: &JudgedMonth, (quotas, period): (&Quotas, SlaPeriod)) -> Option<UsagePrice> {
    if judged.parts.iter().all(|part| part.price == TierPrice::None) {
        return None;
    }
    let shown = |amount: i64| in_currency(amount, quotas.decimals);
    let formula = judged.parts.iter().map(|part| {
        let share = match judged.parts.len() {
            1 if part.days == period.days() => String::new(),
            _ => format!(" × {}/{} days", part.days, period.days()),
        };
        match (part.price, part.amount) {
            (TierPrice::Of(price), Some(amount)) => {
                format!("{}{share} = {} (tier {})", shown(price), shown(amount), part.tier)
            }
            (TierPrice::Contract, _) => format!("as the contract says{share} (tier {})", part.tier),
            (TierPrice::Of(_) | TierPrice::None, _) => format!("not told{share} (tier {})", part.tier),
        }
    });
    let amounts: Option<Vec<i64>> = judged.parts.iter().map(|part| part.amount).collect();
    let sum = amounts.and_then(|amounts| amounts.iter().try_fold(0i64, |sum, part| sum.checked_add(*part)));
    Some(UsagePrice { currency: judged.currency.clone(), formula: formula.collect(), amount: sum.map(shown) })
}

fn charge(sum: &ChargeSum) -> UsageCharge {
    UsageCharge {
        category: sum.category.clone(),
        class: sum.class.clone(),
        service: sum.service.clone(),
        currency: sum.currency.clone(),
        rows: sum.rows,
        billed_cost: sum.billed_cost.to_string(),
    }
}

fn revision(result: &TenantResult) -> ResultRevision {
    ResultRevision {
        revision: result.revision,
        state: result.state.as_str().to_owned(),
        at: result.at,
        run: result.run.clone(),
        figures: in_a_line(&result.figures.judged),
        cause: result.cause.clone(),
    }
}

/// What is limited, and how it was kept.
pub(super) fn in_a_line(judged: &JudgedMonth) -> String {
    let all = judged.parts.iter().flat_map(|part| &part.quotas).filter(|quota| quota.limit.is_some());
    let each = all.map(|quota| match (quota.used, limit_of(quota)) {
        (Some(used), Some(limit)) => format!("{} {used} of {limit} {}", quota.quota, quota.status.as_str()),
        (Some(used), None) => format!("{} {used} {}", quota.quota, quota.status.as_str()),
        (None, _) => format!("{} {}", quota.quota, quota.status.as_str()),
    });
    each.collect::<Vec<_>>().join(", ")
}
