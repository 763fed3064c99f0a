//! The six roles, their names on the command line and their published ports.

use std::{fmt, str::FromStr};

/// The environment variables of the published system that its roles read. Every
/// other variable of this project begins with [`VARIABLE_PREFIX`].
pub const PUBLISHED_VARIABLES: [&str; 5] = ["PORT", "A_ADDR", "B_ADDR", "A_REST", "B_REST"];

/// What this project's own environment variables begin with.
pub const VARIABLE_PREFIX: &str = "PSPD_";

/// One process of the laboratory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Unary greeting over gRPC.
    A,
    /// The streams over gRPC: numbers, statistics and echo.
    B,
    /// The greeting over HTTP/1.1 JSON.
    ARest,
    /// The numbers over HTTP/1.1 JSON.
    BRest,
    /// Web page and HTTP to gRPC gateway.
    Gateway,
    /// Web page and HTTP to REST gateway.
    GatewayRest,
}

impl Role {
    /// Every role, services before the gateways that call them.
    pub const ALL: [Role; 6] = [
        Role::A,
        Role::B,
        Role::ARest,
        Role::BRest,
        Role::Gateway,
        Role::GatewayRest,
    ];

    /// The name used on the command line, in configuration files and in results.
    pub fn name(self) -> &'static str {
        match self {
            Role::A => "a",
            Role::B => "b",
            Role::ARest => "a-rest",
            Role::BRest => "b-rest",
            Role::Gateway => "gateway",
            Role::GatewayRest => "gateway-rest",
        }
    }

    /// The two services that a gateway calls; none for a service.
    pub fn services(self) -> Option<[Role; 2]> {
        match self {
            Role::Gateway => Some([Role::A, Role::B]),
            Role::GatewayRest => Some([Role::ARest, Role::BRest]),
            Role::A | Role::B | Role::ARest | Role::BRest => None,
        }
    }

    /// The published port of the role's own protocol.
    pub fn port(self) -> u16 {
        match self {
            Role::A => 50051,
            Role::B => 50052,
            Role::ARest => 50061,
            Role::BRest => 50062,
            Role::Gateway => 8080,
            Role::GatewayRest => 8081,
        }
    }

    /// The port of the role's administration endpoint (health).
    pub fn admin_port(self) -> u16 {
        match self {
            Role::A => 9101,
            Role::B => 9102,
            Role::ARest => 9111,
            Role::BRest => 9112,
            Role::Gateway => 9180,
            Role::GatewayRest => 9181,
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A role name that does not exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownRole(
    /// The name as given.
    pub String,
);

impl fmt::Display for UnknownRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = Role::ALL.iter().map(|role| role.name()).collect();
        write!(
            f,
            "no role is called {:?}; use one of {}",
            self.0,
            names.join(", ")
        )
    }
}

impl std::error::Error for UnknownRole {}

impl FromStr for Role {
    type Err = UnknownRole;

    fn from_str(name: &str) -> Result<Self, UnknownRole> {
        Role::ALL
            .into_iter()
            .find(|role| role.name() == name)
            .ok_or_else(|| UnknownRole(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_reads_back() {
        for role in Role::ALL {
            assert_eq!(role.name().parse(), Ok(role));
        }
    }

    #[test]
    fn an_unknown_name_lists_the_known_ones() {
        let error = "c".parse::<Role>().expect_err("there is no role c");
        assert_eq!(
            error.to_string(),
            "no role is called \"c\"; use one of a, b, a-rest, b-rest, gateway, gateway-rest"
        );
    }
}
