//! The laboratory's machines as a TOML file says them: names, processors, memory, addresses.
//! In: TOML; out: a [`Topology`] whose values make sense together, or everything that is wrong
//! at once. Without a file, the published machines.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    str::FromStr,
};

use contract::Role;
use ipnet::Ipv4Net;
use serde::{Deserialize, Serialize};

const NAME_BYTES_MAX: usize = 24;
/// An interface's name has at most 15 bytes in Linux, and a tap's is the laboratory's, a
/// hyphen and a number of two digits.
const LABORATORY_NAME_BYTES_MAX: usize = 12;
/// More would need more memory than a host of a laboratory has.
const MACHINES_MAX: usize = 32;
/// Below it, kernel and program do not fit.
const MEMORY_MIN: Memory = Memory(128 * MEBIBYTE);
const MEMORY_MAX: Memory = Memory(1024 * 1024 * MEBIBYTE);
const MEBIBYTE: u64 = 1024 * 1024;
const VCPUS_MAX: u32 = 64;

/// A laboratory of virtual machines; written back, it holds every default explicitly.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Topology {
    /// Of the laboratory, and of its bridge; two that run side by side have different ones.
    pub name: Name,
    /// Addresses of the bridge; the host has the first.
    pub subnet: Ipv4Net,
    /// The virtual machines, in the order in which they start.
    #[serde(rename = "machine")]
    pub machines: Vec<Machine>,
}

/// One virtual machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Machine {
    /// What the others call it.
    pub name: Name,
    /// What it runs; absent for the client, which runs what it is told to.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "role_name")]
    pub role: Option<Role>,
    /// Virtual processors.
    pub vcpus: u32,
    /// Memory, as a whole number with a unit: `1024MiB`, `2GiB`.
    pub memory: Memory,
    /// Static, and inside the subnet.
    pub address: Ipv4Addr,
}

impl Default for Topology {
    /// The published four machines.
    fn default() -> Self {
        let subnet = Ipv4Net::new_assert(Ipv4Addr::new(10, 88, 0, 0), 24);
        let machine = |name: &str, role, vcpus, mebibytes, last| Machine {
            name: Name(name.to_owned()),
            role,
            vcpus,
            memory: Memory(mebibytes * MEBIBYTE),
            address: Ipv4Addr::new(10, 88, 0, last),
        };
        Topology {
            name: Name("pspd".to_owned()),
            subnet,
            machines: vec![
                machine("service-a", Some(Role::A), 1, 1024, 12),
                machine("service-b", Some(Role::B), 1, 1024, 13),
                machine("gateway-p", Some(Role::Gateway), 2, 2048, 11),
                machine("client", None, 1, 1024, 10),
            ],
        }
    }
}

impl Topology {
    /// The published machines and their REST twins.
    pub fn with_rest() -> Topology {
        let mut topology = Topology::default();
        let twins = [
            ("service-a-rest", Role::ARest, 1, 22),
            ("service-b-rest", Role::BRest, 1, 23),
            ("gateway-p-rest", Role::GatewayRest, 2, 21),
        ];
        for (name, role, vcpus, last) in twins {
            topology.machines.push(Machine {
                name: Name(name.to_owned()),
                role: Some(role),
                vcpus,
                memory: Memory(u64::from(vcpus) * 1024 * MEBIBYTE),
                address: Ipv4Addr::new(10, 88, 0, last),
            });
        }
        topology
    }

    /// Reads a file's text.
    pub fn parse(text: &str) -> Result<Topology, Problems> {
        let topology: Topology = toml::from_str(text)
            .map_err(|error| Problems(vec![Problem::Toml(error.to_string())]))?;
        topology.check()?;
        Ok(topology)
    }

    /// The file's text, with every default.
    pub fn to_toml(&self) -> String {
        toml::to_string(self).unwrap_or_default()
    }

    /// Everything that is wrong with it.
    pub fn check(&self) -> Result<(), Problems> {
        let mut problems = Vec::new();
        if self.name.0.len() > LABORATORY_NAME_BYTES_MAX {
            problems.push(Problem::Name(self.name.clone()));
        }
        if self.machines.is_empty() || self.machines.len() > MACHINES_MAX {
            problems.push(Problem::Count(self.machines.len()));
        }
        if self.subnet.prefix_len() > 29 || self.subnet.trunc() != self.subnet {
            problems.push(Problem::Subnet(self.subnet));
        }
        for (at, machine) in self.machines.iter().enumerate() {
            problems.extend(self.problems_of(machine));
            for other in self.machines.iter().take(at) {
                if other.name == machine.name {
                    problems.push(Problem::NameTwice(machine.name.clone()));
                }
                if other.address == machine.address {
                    let [first, second] = [other, machine].map(|machine| machine.name.clone());
                    problems.push(Problem::AddressTwice(machine.address, first, second));
                }
            }
        }
        match problems.is_empty() {
            true => Ok(()),
            false => Err(Problems(problems)),
        }
    }

    fn problems_of(&self, machine: &Machine) -> Vec<Problem> {
        let name = || machine.name.clone();
        let mut problems = Vec::new();
        if !(1..=VCPUS_MAX).contains(&machine.vcpus) {
            problems.push(Problem::Vcpus(name(), machine.vcpus));
        }
        if !(MEMORY_MIN..=MEMORY_MAX).contains(&machine.memory) {
            problems.push(Problem::Memory(name(), machine.memory));
        }
        let address = machine.address;
        let special = [
            self.subnet.network(),
            self.subnet.broadcast(),
            self.host_address(),
        ];
        if !self.subnet.contains(&address) || special.contains(&address) {
            problems.push(Problem::Address(name(), address, self.subnet));
        }
        for needed in machine.role.and_then(Role::services).into_iter().flatten() {
            if self.with_role(needed).is_none() {
                problems.push(Problem::RoleMissing(name(), needed));
            }
        }
        problems
    }

    /// The host's address on the bridge: the first of the subnet.
    pub fn host_address(&self) -> Ipv4Addr {
        self.subnet.hosts().next().unwrap_or(self.subnet.network())
    }

    /// The first machine with this role.
    pub fn with_role(&self, role: Role) -> Option<&Machine> {
        self.machines
            .iter()
            .find(|machine| machine.role == Some(role))
    }

    /// The machine of this name.
    pub fn machine(&self, name: &str) -> Option<&Machine> {
        self.machines.iter().find(|machine| machine.name.0 == name)
    }

    /// The machine's hardware address: one that is locally administered, made of its address.
    pub fn hardware_address(&self, machine: &Machine) -> String {
        let [a, b, c, d] = machine.address.octets();
        format!("52:54:{a:02x}:{b:02x}:{c:02x}:{d:02x}")
    }

    /// What `pspd` is called with in the machine, the program's name aside; nothing for the
    /// client.
    pub fn arguments(&self, machine: &Machine) -> Vec<String> {
        let Some(role) = machine.role else {
            return Vec::new();
        };
        let words = ["serve", role.name(), "--host", "0.0.0.0"];
        let mut arguments: Vec<String> = words.map(str::to_owned).into();
        arguments.extend(["--admin-host".to_owned(), "0.0.0.0".to_owned()]);
        let upstream = |role: Role| {
            let address = self
                .with_role(role)
                .map(|machine| IpAddr::V4(machine.address))?;
            Some(SocketAddr::new(address, role.port()))
        };
        if let Some([a, b]) = role.services()
            && let (Some(a), Some(b)) = (upstream(a), upstream(b))
        {
            let flags = system::upstream_flags(role, a, b);
            arguments.extend(
                flags
                    .into_iter()
                    .map(|flag| flag.to_string_lossy().into_owned()),
            );
        }
        arguments
    }
}

/// A laboratory's or a machine's name: a short label of DNS in lower case.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Name(String);

impl Name {
    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl FromStr for Name {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let ok = (1..=NAME_BYTES_MAX).contains(&text.len())
            && text.bytes().all(allowed)
            && !text.starts_with('-')
            && !text.ends_with('-');
        match ok {
            true => Ok(Name(text.to_owned())),
            false => Err(format!(
                "{text:?} is no name: 1 to {NAME_BYTES_MAX} of a-z, 0-9 and -, which is not \
                 first or last"
            )),
        }
    }
}

impl TryFrom<String> for Name {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Name> for String {
    fn from(name: Name) -> Self {
        name.0
    }
}

/// An amount of memory: a whole number of `MiB` or `GiB`, as text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Memory(u64);

impl Memory {
    /// In mebibytes, which QEMU and libvirt are told.
    pub fn mebibytes(self) -> u64 {
        self.0 / MEBIBYTE
    }
}

impl fmt::Display for Memory {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 % (1024 * MEBIBYTE) {
            0 => write!(formatter, "{}GiB", self.0 / (1024 * MEBIBYTE)),
            _ => write!(formatter, "{}MiB", self.mebibytes()),
        }
    }
}

impl FromStr for Memory {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let units = [("MiB", MEBIBYTE), ("GiB", 1024 * MEBIBYTE)];
        let read = units.iter().find_map(|(unit, bytes)| {
            let digits = text.strip_suffix(unit)?;
            // No sign, and nothing that is written in two ways.
            let plain = digits.bytes().all(|digit| digit.is_ascii_digit());
            let number: u64 = digits.parse().ok().filter(|_| plain)?;
            number.checked_mul(*bytes)
        });
        read.map(Memory)
            .ok_or_else(|| format!("{text:?} is no amount of memory such as 1024MiB or 2GiB"))
    }
}

impl TryFrom<String> for Memory {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Memory> for String {
    fn from(memory: Memory) -> Self {
        memory.to_string()
    }
}

/// A role by the name that `pspd serve` knows it by.
mod role_name {
    use contract::Role;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(role: &Option<Role>, to: S) -> Result<S::Ok, S::Error> {
        match role {
            Some(role) => to.serialize_str(role.name()),
            None => to.serialize_none(),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Option<Role>, D::Error> {
        let name = String::deserialize(from)?;
        name.parse().map(Some).map_err(D::Error::custom)
    }
}

/// What is wrong with a topology.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// Not TOML, an unknown key, a value of another type.
    #[error("{0}")]
    Toml(String),
    /// A laboratory's name that its interfaces cannot bear.
    #[error("{0} is too long: a laboratory's name has at most {LABORATORY_NAME_BYTES_MAX} bytes")]
    Name(Name),
    /// No machine, or too many.
    #[error("{0} machines; a laboratory has 1 to {MACHINES_MAX}")]
    Count(usize),
    /// A subnet with no room, or with an address of a host.
    #[error(
        "subnet {0}: write the network's own address with a prefix of at most 29, such as 10.88.0.0/24"
    )]
    Subnet(Ipv4Net),
    /// Two machines of one name.
    #[error("two machines are called {0}")]
    NameTwice(Name),
    /// Two machines at one address.
    #[error("{1} and {2} have the same address {0}")]
    AddressTwice(Ipv4Addr, Name, Name),
    /// An address that no machine can have.
    #[error(
        "{0}: address {1} is not in {2}, or is that of the network, its broadcast or the host, which has the first"
    )]
    Address(Name, Ipv4Addr, Ipv4Net),
    /// No processor, or too many.
    #[error("{0}: {1} vcpus; a machine has 1 to {VCPUS_MAX}")]
    Vcpus(Name, u32),
    /// Too little memory, or far too much.
    #[error("{0}: memory {1}; a machine has {MEMORY_MIN} to {MEMORY_MAX}")]
    Memory(Name, Memory),
    /// A gateway without what it calls.
    #[error("{0} calls role {1}, which no machine has; add a machine with role = \"{1}\"")]
    RoleMissing(Name, Role),
}

/// Everything that is wrong with a topology.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problems(pub Vec<Problem>);

impl fmt::Display for Problems {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, problem) in self.0.iter().enumerate() {
            let line = if at == 0 { "" } else { "\n" };
            write!(formatter, "{line}{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_published_machines_make_sense_and_survive_the_file() {
        for topology in [Topology::default(), Topology::with_rest()] {
            assert_eq!(topology.check(), Ok(()));
            let text = topology.to_toml();
            assert_eq!(Topology::parse(&text), Ok(topology));
        }
        insta::assert_snapshot!("with_rest", Topology::with_rest().to_toml());
    }

    #[test]
    fn everything_that_is_wrong_is_said_at_once() {
        let text = "
            subnet = \"10.88.0.0/24\"
            [[machine]]
            name = \"one\"
            role = \"gateway\"
            vcpus = 0
            memory = \"1MiB\"
            address = \"10.88.0.1\"
            [[machine]]
            name = \"one\"
            vcpus = 1
            memory = \"128MiB\"
            address = \"10.88.0.1\"
        ";
        let problems = Topology::parse(text).expect_err("it is all wrong");
        insta::assert_snapshot!(problems.to_string());
        for (text, said) in [
            ("machines = 3", "unknown field"),
            ("name = \"Too-Long-And-Upper\"", "is no name"),
            (
                "subnet = \"10.88.0.1/24\"",
                "write the network's own address",
            ),
            ("subnet = \"10.88.0.0/30\"", "at most 29"),
            ("machine = []", "a laboratory has 1"),
        ] {
            let problems = Topology::parse(text).expect_err(text).to_string();
            assert!(problems.contains(said), "{text}: {problems}");
        }
    }

    #[test]
    fn a_gateway_is_told_where_its_services_are() {
        let topology = Topology::with_rest();
        let said: Vec<_> = topology
            .machines
            .iter()
            .map(|machine| topology.arguments(machine).join(" "))
            .collect();
        insta::assert_snapshot!(said.join("\n"));
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,80}") {
            let _ = Topology::parse(&text);
            let _ = text.parse::<Name>();
            if let Ok(memory) = text.parse::<Memory>() {
                prop_assert_eq!(memory.to_string().parse(), Ok(memory));
            }
        }

        #[test]
        fn memory_survives_its_text(mebibytes in 0_u64..1 << 40) {
            let memory = Memory(mebibytes * MEBIBYTE);
            prop_assert_eq!(memory.to_string().parse(), Ok(memory));
        }
    }
}
