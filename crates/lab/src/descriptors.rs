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
        users: plan.users_max(),
        needed,
        limit,
    })
}

/// Each process needs its own: the generator one connection a user, a gateway
/// one from each user and at worst one to a service for each.
fn needed(plan: &Plan) -> u64 {
    let connections_per_user = if plan.needs_system() { 2 } else { 1 };
    u64::from(plan.users_max()) * connections_per_user + RESERVE
}
