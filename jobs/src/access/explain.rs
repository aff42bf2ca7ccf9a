//! `auditlake access`: who sees what, and why, in words.

use std::fmt::Write;

use schemas::{Access, DatasetRule, Limit, Limits, MaskRule, Permission, Principal, Tenants};
use serde_json::{Value, json};

use crate::Answer;
use crate::error::JobError;
use crate::lake::OpenLake;

fn access(lake: &schemas::Lake) -> Result<&Access, JobError> {
    lake.access.as_ref().ok_or_else(|| {
        JobError::Usage(
            "there is no access.yaml: whoever reads the store sees all of it; the guide has an example".to_owned(),
        )
    })
}

/// Every principal in a line.
pub(crate) fn list(lake: &schemas::Lake) -> Result<Answer, JobError> {
    let access = access(lake)?;
    let mut text = String::new();
    for principal in access.principals.values() {
        let of = tenants(&principal.tenants);
        let datasets: Vec<&str> = principal.datasets.keys().map(String::as_str).collect();
        let sees = if datasets.is_empty() { "no dataset".to_owned() } else { datasets.join(", ") };
        let roles = principal.roles.join(", ");
        push(&mut text, format_args!("{:20} {of:24} {roles:32} sees {sees}\n", principal.name));
    }
    let principals: Vec<Value> = access.principals.values().map(brief).collect();
    Ok(Answer::done(text, json!({ "service_principal": access.service_principal, "principals": principals })))
}

/// What one principal sees, of one dataset or of all.
pub(crate) fn explain(lake: &OpenLake, name: &str, dataset: Option<&str>) -> Result<Answer, JobError> {
    let access = access(&lake.definitions)?;
    let principal = super::known(access, name)?;
    let rules: Vec<(&String, &DatasetRule)> = match dataset {
        None => principal.datasets.iter().collect(),
        Some(dataset) => {
            let exists = lake.definitions.datasets.iter().any(|known| {
                let id = known.id.as_str();
                dataset == id || dataset.strip_suffix(schemas::HISTORY_ENDING) == Some(id)
            });
            match principal.datasets.get_key_value(dataset) {
                Some(rule) => vec![rule],
                None if exists => return Ok(absent(principal, dataset)),
                None => lake.dataset(dataset).map(|_| Vec::new())?,
            }
        }
    };
    let mut text = String::new();
    head(&mut text, access, principal);
    for (name, rule) in &rules {
        told(&mut text, lake, principal, name, rule);
    }
    if rules.is_empty() {
        text.push_str("\nNo role names a dataset, so none exists for it.\n");
    }
    let json = json!({
        "principal": brief(principal),
        "attributes": principal.attributes,
        "permissions": principal.permissions.iter().map(|permission| permission.as_str()).collect::<Vec<_>>(),
        "limits": limits(&principal.limits).collect::<serde_json::Map<_, _>>(),
        "datasets": rules.iter().map(|(name, rule)| rule_json(lake, principal, name, rule)).collect::<Vec<_>>(),
    });
    Ok(Answer::done(text, json))
}

fn absent(principal: &Principal, dataset: &str) -> Answer {
    let name = &principal.name;
    let roles = principal.roles.join(", ");
    let text = format!(
        "{name} does not see dataset {dataset}: none of its roles ({roles}) names it, so it does not exist for {name}.\n\
         To let it in, add under one of its roles in access.yaml:\n  datasets:\n    {dataset}: {{rows: all}}\n"
    );
    Answer::done(text, json!({ "principal": brief(principal), "datasets": [], "absent": dataset }))
}

fn head(text: &mut String, access: &Access, principal: &Principal) {
    let kind = principal.kind();
    let is_service = access.service_principal.as_deref() == Some(principal.name.as_str());
    let also = if is_service { ", the service principal" } else { "" };
    push(text, format_args!("{} is a {kind}{also}, of {}.\n", principal.name, tenants(&principal.tenants)));
    push(text, format_args!("roles        {}\n", principal.roles.join(", ")));
    let doors: Vec<&str> = principal.channels.iter().map(|channel| channel.as_str()).collect();
    let doors = if doors.is_empty() { "none but --as on the command line".to_owned() } else { doors.join(", ") };
    push(text, format_args!("doors        {doors}\n"));
    for (name, value) in &principal.attributes {
        push(text, format_args!("attribute    {name} = {value}\n"));
    }
    let words: Vec<&str> = principal.permissions.iter().map(|permission| permission.as_str()).collect();
    push(text, format_args!("may          {}\n", words.join(", ")));
    let given: Vec<String> = limits(&principal.limits).map(|(name, value)| format!("{name} {value}")).collect();
    push(text, format_args!("limits       {}\n", given.join(", ")));
}

fn told(text: &mut String, lake: &OpenLake, principal: &Principal, name: &str, rule: &DatasetRule) {
    push(text, format_args!("\n{name}\n"));
    if !principal.may(Permission::DatasetRead) {
        text.push_str("  rows     none: it may know of the dataset and not read it (no role has dataset.read)\n");
        return;
    }
    if let Some(why) = tenant_words(lake, principal, name) {
        push(text, format_args!("  rows     {why}\n"));
    }
    match rule.all_rows_by() {
        Some(role) => push(text, format_args!("  rows     all of these, by role {role}\n")),
        None => {
            for one in &rule.rows {
                let filter = one.filter.as_deref().unwrap_or_default();
                push(text, format_args!("  rows     where {filter}, by role {}\n", one.role));
            }
        }
    }
    for restrict in &rule.restrict {
        push(text, format_args!("  and only where {restrict}, by restrict, whatever the role\n"));
    }
    for (column, mask) in &rule.masks {
        push(text, format_args!("  column   {column}: {}, {}\n", mask_words(mask), by(mask)));
    }
    for (column, role) in &rule.hidden {
        push(text, format_args!("  column   {column}: does not exist, by role {role}\n"));
    }
    if rule.masks.is_empty() && rule.hidden.is_empty() {
        text.push_str("  columns  all as they are\n");
    }
}

/// Which rows its tenants leave.
fn tenant_words(lake: &OpenLake, principal: &Principal, name: &str) -> Option<String> {
    let Tenants::Some(_) = &principal.tenants else { return None };
    let of = name.strip_suffix(schemas::HISTORY_ENDING).unwrap_or(name);
    let dataset = lake.definitions.datasets.iter().find(|dataset| dataset.id.as_str() == of)?;
    if dataset.tenant.is_empty() {
        return Some("of everybody: the dataset has no column that tells tenants apart".to_owned());
    }
    let of = tenants(&principal.tenants);
    let folders = match dataset.map.is_none() {
        true => "files in folders of others are not opened",
        false => "the map decides, so every file is opened",
    };
    Some(format!("of {of} only, by {} ({folders})", dataset.tenant))
}

fn mask_words(rule: &MaskRule) -> String {
    use schemas::Mask;
    match &rule.mask {
        Mask::Null => "always null".to_owned(),
        Mask::Constant(value) => format!("always {value:?}, or the zero of its type"),
        Mask::Partial { first, last } => format!("its first {first} and last {last} letters"),
        Mask::TruncateIp => "the network of the address (24 bits of IPv4, 48 of IPv6)".to_owned(),
        Mask::Floor(unit) => format!("the beginning of its {}", unit.as_str()),
        Mask::Bucket(width) => format!("rounded down to a multiple of {width}"),
        Mask::Pseudonym(key) => format!("a pseudonym under key {}, the same for the same person and tenant", key.id),
    }
}

fn by(rule: &MaskRule) -> String {
    match &rule.role {
        Some(role) => format!("by role {role}"),
        None => "by its class, because no role masks it and none has dataset.unmasked".to_owned(),
    }
}

fn tenants(tenants: &Tenants) -> String {
    match tenants {
        Tenants::All => "all tenants".to_owned(),
        Tenants::Some(some) if some.len() == 1 => format!("tenant {}", some.iter().cloned().collect::<String>()),
        Tenants::Some(some) => format!("tenants {}", some.iter().cloned().collect::<Vec<_>>().join(", ")),
    }
}

fn limits(limits: &Limits) -> impl Iterator<Item = (String, Value)> + '_ {
    Limit::ALL.into_iter().map(|(limit, name, _)| (name.to_owned(), limits.of(limit).into()))
}

fn brief(principal: &Principal) -> Value {
    json!({
        "name": principal.name,
        "type": principal.kind(),
        "tenants": match &principal.tenants {
            Tenants::All => json!("all"),
            Tenants::Some(some) => json!(some),
        },
        "roles": principal.roles,
        "channels": principal.channels.iter().map(|channel| channel.as_str()).collect::<Vec<_>>(),
        "datasets": principal.datasets.keys().collect::<Vec<_>>(),
    })
}

fn rule_json(lake: &OpenLake, principal: &Principal, name: &str, rule: &DatasetRule) -> Value {
    let rows = rule.rows.iter().map(|row| json!({ "role": row.role, "filter": row.filter }));
    let masks = rule.masks.iter().map(|(column, mask)| {
        json!({ "column": column, "mask": mask.mask.as_str(), "role": mask.role, "shows": mask_words(mask) })
    });
    json!({
        "dataset": name,
        "tenants": tenant_words(lake, principal, name),
        "rows": rows.collect::<Vec<_>>(),
        "restrict": rule.restrict,
        "masks": masks.collect::<Vec<_>>(),
        "hidden": rule.hidden,
    })
}

/// A `String` never refuses.
fn push(text: &mut String, line: std::fmt::Arguments<'_>) {
    text.write_fmt(line).unwrap_or_default();
}
