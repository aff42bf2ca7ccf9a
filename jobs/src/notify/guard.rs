//! Which addresses of an endpoint are called: those of the public Internet, and those that the channel allows.
//!
//! A name is resolved once for a call, every address of it is checked, and the connection is made to one that was. So a name that
//! means another machine a moment later leads nowhere.

use std::net::{IpAddr, SocketAddr};

use async_trait::async_trait;
use schemas::{Webhook, why_not_public};
use url::Host;

use super::call::Fault;

/// Who tells the addresses of a name.
#[async_trait]
pub(super) trait Resolve: std::fmt::Debug + Send + Sync {
    /// Its addresses.
    async fn resolve(&self, name: &str) -> std::io::Result<Vec<IpAddr>>;
}

/// The resolver of the machine.
#[derive(Debug, Clone, Copy)]
pub(super) struct Machine;

#[async_trait]
impl Resolve for Machine {
    async fn resolve(&self, name: &str) -> std::io::Result<Vec<IpAddr>> {
        Ok(tokio::net::lookup_host((name, 0)).await?.map(|address| address.ip()).collect())
    }
}

/// The addresses that may be called for an endpoint.
///
/// # Errors
/// When the name has none, or one of them is not to be called: whoever mixes in a private one is not to be believed.
pub(super) async fn addresses(webhook: &Webhook, resolver: &dyn Resolve) -> Result<Vec<SocketAddr>, Fault> {
    let found = match webhook.url.host() {
        Some(Host::Ipv4(four)) => vec![four.into()],
        Some(Host::Ipv6(six)) => vec![six.into()],
        Some(Host::Domain(name)) => {
            resolver.resolve(name).await.map_err(|source| Fault::Resolve { name: name.to_owned(), source })?
        }
        None => Vec::new(),
    };
    if found.is_empty() {
        return Err(Fault::NoAddress);
    }
    let refused = found.iter().filter(|address| !webhook.allows(**address));
    if let Some((address, why)) = refused.filter_map(|address| Some((*address, why_not_public(*address)?))).next() {
        return Err(Fault::Refused { address, why });
    }
    let port = webhook.url.port_or_known_default().unwrap_or(443);
    Ok(found.into_iter().map(|address| SocketAddr::new(address, port)).collect())
}
