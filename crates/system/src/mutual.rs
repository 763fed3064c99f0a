//! Certificates for the whole system: an authority, one for each role, and one each for a
//! person and for the load generator. In: a folder; out: the files in it, and the
//! arguments by which each role uses them. Between gateways and services TLS is mutual: a
//! service lets its own gateway in and the person; the gateways' front asks clients for
//! none, since a browser has none, unless that is wanted.

use std::{
    ffi::OsString,
    fs,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use contract::Role;
use tls::authority::{Authority, Existing, Pair, Problem, Subject};

/// What the authority's files are called.
const AUTHORITY: &str = "ca";
/// Who is no role: a person with a browser or a command line, and the load generator.
const OTHERS: [&str; 2] = ["client", "load"];
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// How certificates are made.
#[derive(Debug, Clone)]
pub struct Making {
    /// How long those of the roles hold.
    pub valid_for: Duration,
    /// How long the authority itself holds.
    pub authority_valid_for: Duration,
    /// The SPIFFE trust domain.
    pub trust_domain: String,
    /// Further DNS names and addresses of every role.
    pub hosts: Vec<String>,
    /// What becomes of files that are there.
    pub existing: Keeping,
}

/// What becomes of files that are there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keeping {
    /// They stay; that there are any is a problem.
    Everything,
    /// The authority stays and signs anew.
    Authority,
    /// Nothing stays.
    Nothing,
}

impl Default for Making {
    fn default() -> Self {
        Making {
            valid_for: 7 * DAY,
            authority_valid_for: 30 * DAY,
            trust_domain: TRUST_DOMAIN.to_owned(),
            hosts: Vec::new(),
            existing: Keeping::Everything,
        }
    }
}

/// The trust domain unless another is wanted.
const TRUST_DOMAIN: &str = "pspd.local";

/// Whether the gateways ask their clients for certificates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Front {
    /// They do not.
    Open,
    /// They do, and let in the person and the load generator.
    Mutual,
}

/// A folder of certificates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificates {
    folder: PathBuf,
    trust_domain: String,
}

/// What was made of one name.
#[derive(Debug, Clone)]
pub struct Made {
    /// The name: its files are `NAME.crt` and `NAME.key`.
    pub name: String,
    /// Its SPIFFE ID; the authority has none.
    pub spiffe: Option<String>,
    /// When it ends.
    pub not_after: SystemTime,
}

impl Certificates {
    /// Makes them in `folder`, which is made readable by its owner alone if it is not there.
    ///
    /// # Errors
    ///
    /// When a file is there that is to stay, or cannot be written; what was written
    /// before stays.
    pub fn make(folder: &Path, making: &Making) -> Result<(Self, Vec<Made>), Problem> {
        make_folder(folder)?;
        let names = Role::ALL.map(Role::name).into_iter().chain(OTHERS);
        if making.existing == Keeping::Everything {
            // Looked at before anything is written, so that nothing is half made.
            let all = [AUTHORITY].into_iter().chain(names.clone());
            let files = all.flat_map(|name| ["key", "crt"].map(|end| format!("{name}.{end}")));
            let mut there = files
                .map(|file| folder.join(file))
                .filter(|path| path.exists());
            if let Some(path) = there.next() {
                return Err(Problem::Exists(path));
            }
        }
        let existing = match making.existing {
            Keeping::Everything => Existing::Keep,
            Keeping::Authority | Keeping::Nothing => Existing::Replace,
        };
        let authority = authority(folder, making, existing)?;
        let mut made = vec![Made {
            name: AUTHORITY.to_owned(),
            spiffe: None,
            not_after: authority.not_after(),
        }];
        for name in names {
            let subject = subject(name, making);
            let pair: Pair = authority.sign(&subject, making.valid_for)?;
            pair.write(folder, name, existing)?;
            made.push(Made {
                name: name.to_owned(),
                spiffe: subject.spiffe,
                not_after: pair.not_after,
            });
        }
        let trust_domain = making.trust_domain.clone();
        let folder = folder.to_owned();
        Ok((
            Certificates {
                folder,
                trust_domain,
            },
            made,
        ))
    }

    /// Those that are in `folder`, of the usual trust domain.
    #[must_use]
    pub fn at(folder: &Path) -> Self {
        Certificates {
            folder: folder.to_owned(),
            trust_domain: TRUST_DOMAIN.to_owned(),
        }
    }

    /// The authority's certificate.
    #[must_use]
    pub fn authority(&self) -> PathBuf {
        self.file(AUTHORITY, "crt")
    }

    /// A certificate and its key.
    #[must_use]
    pub fn pair(&self, name: &str) -> [PathBuf; 2] {
        [self.file(name, "crt"), self.file(name, "key")]
    }

    /// The arguments by which a role uses them.
    #[must_use]
    pub fn arguments(&self, role: Role, front: Front) -> Vec<OsString> {
        let [cert, key] = self.pair(role.name());
        let mut arguments: Vec<OsString> = Vec::new();
        let mut add = |flag: &str, value: OsString| arguments.extend([flag.into(), value]);
        add("--tls-cert", cert.clone().into());
        add("--tls-key", key.clone().into());
        let clients = match (role.services(), front) {
            (Some(_), Front::Open) => None,
            (Some(_), Front::Mutual) => Some(OTHERS.to_vec()),
            (None, _) => Some(vec![caller(role).name(), OTHERS[0]]),
        };
        if let Some(clients) = clients {
            add("--tls-client-ca", self.authority().into());
            add("--tls-client-allow", self.ids(&clients).into());
        }
        add("--admin-tls", "on".into());
        if let Some(services) = role.services() {
            add("--upstream-tls-ca", self.authority().into());
            add("--upstream-tls-cert", cert.into());
            add("--upstream-tls-key", key.into());
            add(
                "--upstream-tls-allow",
                self.ids(&services.map(Role::name)).into(),
            );
        }
        arguments
    }

    fn ids(&self, names: &[&str]) -> String {
        let ids = names.iter().map(|name| id(&self.trust_domain, name));
        ids.collect::<Vec<_>>().join(",")
    }

    fn file(&self, name: &str, end: &str) -> PathBuf {
        self.folder.join(format!("{name}.{end}"))
    }
}

fn authority(folder: &Path, making: &Making, existing: Existing) -> Result<Authority, Problem> {
    if making.existing == Keeping::Authority {
        let file = |end| folder.join(format!("{AUTHORITY}.{end}"));
        return Authority::read(&file("crt"), &file("key"));
    }
    let name = format!("{} authority", making.trust_domain);
    let (authority, pair) = Authority::new(&name, making.authority_valid_for)?;
    pair.write(folder, AUTHORITY, existing)?;
    Ok(authority)
}

/// The gateway that calls a service.
fn caller(service: Role) -> Role {
    match service {
        Role::A | Role::B | Role::Gateway => Role::Gateway,
        Role::ARest | Role::BRest | Role::GatewayRest => Role::GatewayRest,
    }
}

/// The name of a role's Service in Kubernetes, and of its host on an Ingress.
fn published_names(name: &str) -> (String, Option<&'static str>) {
    match name {
        "gateway" => ("p-svc".to_owned(), Some("pspd.local")),
        "gateway-rest" => ("p-rest-svc".to_owned(), Some("pspd-rest.local")),
        _ => (format!("{name}-svc"), None),
    }
}

fn subject(name: &str, making: &Making) -> Subject {
    let mut dns = vec![name.to_owned()];
    let mut addresses: Vec<IpAddr> = Vec::new();
    if !OTHERS.contains(&name) {
        dns.push("localhost".to_owned());
        let (service, host) = published_names(name);
        let below = ["", ".pspd", ".pspd.svc", ".pspd.svc.cluster.local"];
        for service in [service, format!("{name}-headless")] {
            dns.extend(below.map(|below| format!("{service}{below}")));
        }
        dns.extend(host.map(str::to_owned));
        addresses.extend::<[IpAddr; 2]>([Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()]);
        for host in &making.hosts {
            match host.parse() {
                Ok(address) => addresses.push(address),
                Err(_) => dns.push(host.clone()),
            }
        }
    }
    Subject {
        name: name.to_owned(),
        dns,
        addresses,
        spiffe: Some(id(&making.trust_domain, name)),
    }
}

fn id(trust_domain: &str, name: &str) -> String {
    format!("spiffe://{trust_domain}/{name}")
}

fn make_folder(folder: &Path) -> Result<(), Problem> {
    if folder.is_dir() {
        return Ok(());
    }
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder).map_err(|error| Problem::File {
        what: "make",
        path: folder.to_owned(),
        error,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_role_lets_in_who_calls_it() {
        let certificates = Certificates::at(Path::new("/c"));
        let of = |role, front| {
            let arguments = certificates.arguments(role, front);
            arguments.join(" ".as_ref()).to_string_lossy().into_owned()
        };
        let b = of(Role::BRest, Front::Open);
        assert!(
            b.contains(
                "--tls-client-allow spiffe://pspd.local/gateway-rest,spiffe://pspd.local/client"
            ),
            "{b}"
        );
        assert!(!b.contains("upstream"), "{b}");
        let gateway = of(Role::Gateway, Front::Open);
        assert!(!gateway.contains("client-ca"), "{gateway}");
        assert!(
            gateway.ends_with("--upstream-tls-allow spiffe://pspd.local/a,spiffe://pspd.local/b"),
            "{gateway}"
        );
        let strict = of(Role::Gateway, Front::Mutual);
        assert!(strict.contains("--tls-client-ca /c/ca.crt"), "{strict}");
    }

    #[test]
    fn nothing_is_replaced_unasked_and_the_authority_can_stay() {
        let folder = tempfile::tempdir().expect("a folder");
        let folder = folder.path().join("certs");
        let making = Making::default();
        let read = |name: &str| fs::read_to_string(folder.join(name)).expect("it is there");
        let (_, made) = Certificates::make(&folder, &making).expect("made");
        assert_eq!(made.len(), 9);
        let (ca, a) = (read("ca.crt"), read("a.crt"));
        let again = Certificates::make(&folder, &making);
        assert!(matches!(again, Err(Problem::Exists(_))));
        assert_eq!((read("ca.crt"), read("a.crt")), (ca.clone(), a.clone()));

        let renewing = Making {
            existing: Keeping::Authority,
            ..making.clone()
        };
        Certificates::make(&folder, &renewing).expect("renewed");
        assert_eq!(read("ca.crt"), ca);
        assert_ne!(read("a.crt"), a);

        let forcing = Making {
            existing: Keeping::Nothing,
            ..making
        };
        Certificates::make(&folder, &forcing).expect("replaced");
        assert_ne!(read("ca.crt"), ca);
    }

    #[cfg(unix)]
    #[test]
    fn keys_are_their_owners_alone() {
        use std::os::unix::fs::PermissionsExt;

        let folder = tempfile::tempdir().expect("a folder");
        Certificates::make(folder.path(), &Making::default()).expect("made");
        let mut keys = 0;
        for entry in fs::read_dir(folder.path()).expect("a folder") {
            let entry = entry.expect("an entry");
            if entry.path().extension().is_some_and(|end| end == "key") {
                keys += 1;
                let mode = entry.metadata().expect("it is there").permissions().mode();
                assert_eq!(mode & 0o777, 0o600, "{}", entry.path().display());
            }
        }
        assert_eq!(keys, 9);
    }
}
