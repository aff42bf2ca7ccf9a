//! Who appears: five tenants, their people and their services.
//!
//! Two rules here keep the background innocent: an address is shared by at most four people, so no address is ever
//! near ten failing accounts, and addresses of [`attacker`] belong to nobody.

/// A tenant and what is peculiar to it.
#[derive(Debug)]
pub(super) struct Tenant {
    /// Its id.
    pub(super) id: &'static str,
    /// Whether its sign-in says if a second factor was used.
    pub(super) records_mfa: bool,
    /// How many people have a privileged role: the first ones.
    pub(super) privileged: usize,
    /// Its people: `u-acme-001` is the first.
    pub(super) people: Vec<Actor>,
    /// Its service accounts.
    pub(super) services: Vec<Actor>,
}

/// Somebody or something that acts.
#[derive(Debug)]
pub(super) struct Actor {
    /// Pseudonymous id.
    pub(super) id: String,
    /// Value of `actor_type`.
    pub(super) kind: &'static str,
    /// Home tenant.
    pub(super) tenant: &'static str,
    /// Roles in force.
    pub(super) roles: &'static [&'static str],
    /// Address of the person; services have none.
    pub(super) address: Option<String>,
    /// Name of the service; people have none.
    pub(super) service: Option<&'static str>,
    /// User agent.
    pub(super) agent: &'static str,
}

/// Everybody.
#[derive(Debug)]
pub(super) struct Cast {
    /// The tenants, by name.
    pub(super) tenants: Vec<Tenant>,
    /// Whoever a source failed to name.
    pub(super) nobody: Actor,
    /// One person of each tenant who leaves; no background event is theirs.
    pub(super) leavers: Vec<Actor>,
    /// The account that everybody at a desk of cobalt shares; no background event is its.
    pub(super) desk: Actor,
    /// Addresses of attackers.
    attackers: Vec<String>,
}

/// Indices into [`Cast::tenants`].
pub(super) const ACME: usize = 0;
/// The second tenant.
pub(super) const BOREALIS: usize = 1;
/// The third tenant.
pub(super) const COBALT: usize = 2;
/// The fourth tenant: its sign-in does not record the second factor, so AL-AUTH-003 is not evaluated.
pub(super) const DUNE: usize = 3;
/// The fifth tenant: nobody there has a privileged role, so AL-AUTH-003 is not applicable.
pub(super) const EMBER: usize = 4;

/// Id, people, people with a privileged role, network of its people, first host in it.
const TENANTS: [(&str, usize, usize, &str, usize); 5] = [
    ("acme", 90, 4, "192.0.2", 1),
    ("borealis", 60, 3, "192.0.2", 101),
    ("cobalt", 40, 2, "198.51.100", 1),
    ("dune", 32, 3, "198.51.100", 101),
    ("ember", 26, 0, "198.51.100", 201),
];

/// Roles of privileged people, in turn; the words AL-AUTH-003 looks for.
const PRIVILEGED: [&[&str]; 3] = [&["admin", "member"], &["owner"], &["billing_admin", "member"]];

/// Roles of everybody else, in turn.
const PLAIN: [&[&str]; 4] = [&["member"], &["member", "analyst"], &["viewer"], &["member"]];

const AGENTS: [&str; 3] = ["Mozilla/5.0 (X11; Linux x86_64)", "Mozilla/5.0 (Windows NT 10.0; Win64; x64)", "cli/4.2"];

/// Services that every tenant runs.
const SERVICES: [&str; 3] = ["scheduler", "backup", "deploy"];

impl Cast {
    /// The same cast every time: chance decides what people do, not who they are.
    pub(super) fn assemble() -> Self {
        let nobody =
            Actor { id: "unknown".to_owned(), kind: "unknown", ..person("", 0, &[], "203.0.113.250".to_owned()) };
        let desk = Actor {
            id: "u-cobalt-desk".to_owned(),
            ..person(TENANTS[COBALT].0, 0, PLAIN[0], "198.51.100.60".to_owned())
        };
        let leavers = TENANTS.iter().map(|(tenant, _, _, network, first_host)| Actor {
            id: format!("u-{tenant}-leaver"),
            ..person(tenant, 0, PLAIN[0], format!("{network}.{first_host}"))
        });
        let leavers = leavers.collect();
        let attackers = (10..100).map(|host| format!("203.0.113.{host}")).collect();
        Self { tenants: (0..TENANTS.len()).map(tenant).collect(), nobody, leavers, desk, attackers }
    }

    /// The address of an attacker; nobody of the cast has it.
    pub(super) fn attacker(&self, number: usize) -> &str {
        &self.attackers[number % self.attackers.len()]
    }
}

fn tenant(index: usize) -> Tenant {
    let (id, people, privileged, network, first_host) = TENANTS[index];
    let people = (0..people).map(|number| {
        let roles =
            if number < privileged { PRIVILEGED[number % PRIVILEGED.len()] } else { PLAIN[number % PLAIN.len()] };
        // Every seventh person is on IPv6 and alone there; the others share an office in fours.
        let address = if number % 7 == 3 {
            format!("2001:db8:{:x}::{:x}", index + 1, number + 1)
        } else {
            format!("{network}.{}", first_host + number / 4)
        };
        person(id, number, roles, address)
    });
    let services = SERVICES.iter().map(|service| Actor {
        id: format!("s-{id}-{service}"),
        kind: "service",
        address: None,
        service: Some(service),
        ..person(id, 0, &["service"], String::new())
    });
    Tenant { id, records_mfa: index != DUNE, privileged, people: people.collect(), services: services.collect() }
}

fn person(tenant: &'static str, number: usize, roles: &'static [&'static str], address: String) -> Actor {
    Actor {
        id: format!("u-{tenant}-{:03}", number + 1),
        kind: "user",
        tenant,
        roles,
        address: Some(address),
        service: None,
        agent: AGENTS[number % AGENTS.len()],
    }
}
