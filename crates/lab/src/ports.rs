//! Makes sure, before anything starts, that so many users find local ports: each
//! connection to one address takes a port of this machine for itself. A user
//! holds one towards its gateway, and the gateway in front of REST up to one for
//! each user towards each of its services, which are other addresses and so
//! share the same range. Running out in the middle of a run would look like a
//! target that cannot be reached. Known on Linux; elsewhere nothing is refused.

use std::ops::RangeInclusive;

use crate::{Error, plan::Plan};

/// One port in so many is left to other programs and to connections that were
/// just closed, whose ports stay taken for a while.
const RESERVED_ONE_IN: u32 = 10;

pub(crate) fn look_first(plan: &Plan) -> Result<(), Error> {
    range().map_or(Ok(()), |range| check(plan.connections_max(), &range))
}

fn check(connections: u32, range: &RangeInclusive<u32>) -> Result<(), Error> {
    let (first, last) = (*range.start(), *range.end());
    let all = (last + 1).saturating_sub(first);
    let available = all - all / RESERVED_ONE_IN;
    if connections <= available {
        return Ok(());
    }
    Err(Error::Ports {
        connections,
        available,
        first,
        last,
    })
}

/// The ports that the system gives to connections that leave it.
fn range() -> Option<RangeInclusive<u32>> {
    if !cfg!(target_os = "linux") {
        return None;
    }
    // IPv6 uses the same one.
    parse(&std::fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").ok()?)
}

fn parse(text: &str) -> Option<RangeInclusive<u32>> {
    let mut ports = text.split_whitespace().map(str::parse::<u16>);
    let (first, last) = (ports.next()?.ok()?, ports.next()?.ok()?);
    Some(first.into()..=last.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_beyond_the_range_are_refused_with_the_figures() {
        let range = parse("32768\t60999\n").expect("as the kernel writes it");
        assert!(check(25_409, &range).is_ok());
        let error = check(25_410, &range).expect_err("one too many");
        assert!(error.is_usage());
        let text = error.to_string();
        for part in ["25410 connections", "25409", "32768 to 60999", "--users"] {
            assert!(text.contains(part), "{part}: {text}");
        }
    }

    #[test]
    fn a_range_of_one_port_or_none_is_no_panic() {
        assert!(check(1, &(7..=7)).is_ok());
        assert!(check(1, &parse("9 7").expect("as given")).is_err());
        assert_eq!(parse("what?"), None);
        assert_eq!(parse("1024"), None);
    }
}
