//! Makes sure, before anything starts, that so many users fit into the limit on
//! open files: the soft limit is raised towards the hard one as far as needed,
//! and the roles inherit it. Finding out in the middle of a run would look like
//! a target that refuses connections.

use crate::{Error, plan::Plan};

/// For logs, runtimes, results and the roles' other connections.
const RESERVE: u64 = 256;

pub(crate) fn make_room(plan: &Plan) -> Result<(), Error> {
    let needed = needed(plan);
    let limit = rlimit::increase_nofile_limit(needed).unwrap_or(0);
    if limit >= needed {
        return Ok(());
    }
    Err(Error::Descriptors {
        connections: plan.connections_max(),
        needed,
        limit,
    })
}

/// Each process needs its own. The generator has one connection a user, or those
/// that all users share. So has a gateway, and in front of REST one to a service for each call in flight
/// besides: a user makes one call at a time, but the pool of the other service
/// still keeps what the user's last call there has left, which makes three.
fn needed(plan: &Plan) -> u64 {
    let connections_per_user = if plan.needs_system() { 3 } else { 1 };
    u64::from(plan.connections_max()) * connections_per_user + RESERVE
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Options;

    fn check(chains: &str, expected: u64) {
        let options = Options {
            users: Some("25,1000".into()),
            chains: Some(chains.into()),
            against: vec!["o=http://localhost".into()],
            ..Options::default()
        };
        let plan = Plan::new(None, &options);
        assert_eq!(needed(&plan.expect("valid")), expected, "{chains}");
    }

    #[test]
    fn a_gateway_of_our_own_may_hold_three_connections_a_user() {
        check("grpc,rest", 3_000 + RESERVE);
        check("rest", 3_000 + RESERVE);
        check("none", 1_000 + RESERVE);
    }
}
