//! How a run starts its own roles. In: the plan; out: the arguments of each role
//! besides addresses and ports, which `run.json` records. Said as arguments and
//! not left to defaults, so that the limits fit the plan, and so that a record
//! of the run tells what was measured.

use std::collections::BTreeMap;

use contract::Role;

use crate::plan::Plan;

/// What the roles' limits allow beyond the users: the connections of the block
/// before are still being closed when a block begins.
const RESERVE: u32 = 10_000;

/// None when the plan starts no roles.
pub(crate) fn arguments(plan: &Plan) -> BTreeMap<Role, Vec<String>> {
    let roles = Role::ALL.into_iter().filter(|_| plan.needs_system());
    roles.map(|role| (role, of_role(role, plan))).collect()
}

fn of_role(role: Role, plan: &Plan) -> Vec<String> {
    let most = (plan.users_max() + RESERVE).to_string();
    let mut arguments = vec!["--connections-max", &most];
    if let Role::Gateway | Role::GatewayRest = role {
        // The log goes nowhere, but formatting it is part of what a gateway
        // costs in production, on both chains alike.
        arguments.extend(["--in-flight-max", &most, "--access-log", "json"]);
    }
    arguments.into_iter().map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Options;

    fn of(users: &str, chains: &str) -> BTreeMap<Role, Vec<String>> {
        let options = Options {
            users: Some(users.into()),
            chains: Some(chains.into()),
            against: vec!["o=http://localhost".into()],
            ..Options::default()
        };
        let plan = Plan::new(None, &options);
        arguments(&plan.expect("valid"))
    }

    #[test]
    fn the_limits_of_every_role_are_above_the_users() {
        let arguments = of("25,20000", "grpc,rest");
        assert_eq!(arguments.len(), Role::ALL.len());
        for role in [Role::A, Role::B, Role::ARest, Role::BRest] {
            assert_eq!(arguments[&role].join(" "), "--connections-max 30000");
        }
        for role in [Role::Gateway, Role::GatewayRest] {
            assert_eq!(
                arguments[&role].join(" "),
                "--connections-max 30000 --in-flight-max 30000 --access-log json"
            );
        }
    }

    #[test]
    fn without_a_chain_of_our_own_no_role_is_started() {
        assert!(of("25", "none").is_empty());
    }
}
