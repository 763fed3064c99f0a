//! How often a client may come: the generic cell rate algorithm (ITU-T I.371, annex A,
//! virtual scheduling), which is a token bucket that needs one time a client. In: a
//! client's address and the time; out: whether it may, or how long it has to wait.
//! How many clients are remembered is limited; those beyond share one bucket.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    str::FromStr,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// Requests of each client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rate {
    /// From one request to the next, on average.
    pub every: Duration,
    /// Requests that may come at once.
    pub burst: u32,
    /// Clients that are remembered; those beyond share what one may.
    pub clients_max: usize,
}

/// A rate that is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a rate; give requests by time, such as 100/s, 600/m or 1000/h, or off")]
pub struct BadRate;

impl Rate {
    const BURST_MAX: u32 = 1_000_000;

    /// Such as `100/s`, with as many at once as a second has, but at least one.
    ///
    /// # Errors
    ///
    /// When the text is something else, or the rate is not from one an hour to a million
    /// a second.
    pub fn of(text: &str, clients_max: usize) -> Result<Self, BadRate> {
        let (number, unit) = text.split_once('/').ok_or(BadRate)?;
        let number: u32 = number.trim().parse().map_err(|_| BadRate)?;
        let seconds = match unit.trim() {
            "s" => 1,
            "m" => 60,
            "h" => 3600,
            _ => return Err(BadRate),
        };
        if number == 0 || number / seconds > Self::BURST_MAX {
            return Err(BadRate);
        }
        Ok(Rate {
            every: Duration::from_secs(seconds.into()) / number,
            burst: number.div_ceil(seconds),
            clients_max,
        })
    }

    /// When the client may come at the earliest if it comes now, or how long it has to
    /// wait; `due` is when it would come next at an even rate.
    fn admit(&self, due: Option<Instant>, now: Instant) -> Result<Instant, Duration> {
        let due = due.map_or(now, |due| due.max(now));
        let tolerance = self.every * (self.burst - 1);
        match due.duration_since(now).checked_sub(tolerance) {
            Some(wait) if !wait.is_zero() => Err(wait),
            _ => Ok(due + self.every),
        }
    }
}

impl FromStr for Rate {
    type Err = BadRate;

    fn from_str(text: &str) -> Result<Self, BadRate> {
        Rate::of(text, Self::CLIENTS_MAX)
    }
}

impl Rate {
    /// Clients that are remembered when nothing else is said.
    pub const CLIENTS_MAX: usize = 100_000;
}

/// Parts that are locked each for itself, so that workers seldom wait for each other.
const PARTS: usize = 16;
/// How often a part that is full looks for clients that it can forget.
const FORGET_EVERY: Duration = Duration::from_secs(1);

/// When each client is due, for all workers of a gateway.
#[derive(Debug, Default)]
pub(crate) struct Rates([Mutex<Part>; PARTS]);

#[derive(Debug, Default)]
struct Part {
    due: HashMap<Client, Instant>,
    forgot: Option<Instant>,
}

/// An IPv4 address, or the network of an IPv6 address: whoever has one of those has all
/// the addresses in it (RFC 6177).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Client {
    V4(u32),
    V6(u64),
    /// All those who are not remembered.
    Others,
}

impl Client {
    fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Client::V4(address.into()),
            IpAddr::V6(address) => Client::V6(network(address)),
        }
    }

    fn part(self) -> usize {
        let bits = match self {
            Client::V4(bits) => bits.into(),
            Client::V6(bits) => bits,
            Client::Others => 0,
        };
        // Fibonacci hashing (Knuth, volume 3, section 6.4): the top bits depend on all.
        (bits.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 60) as usize % PARTS
    }
}

fn network(address: Ipv6Addr) -> u64 {
    (address.to_bits() >> 64) as u64
}

impl Rates {
    /// Whether a request of this client may pass now, or how long it has to wait.
    pub(crate) fn admit(&self, client: IpAddr, rate: &Rate) -> Result<(), Duration> {
        self.admit_at(Client::of(client), rate, Instant::now())
    }

    fn admit_at(&self, client: Client, rate: &Rate, now: Instant) -> Result<(), Duration> {
        let part = &self.0[client.part()];
        let mut part = part.lock().unwrap_or_else(PoisonError::into_inner);
        let room = (rate.clients_max / PARTS).max(1);
        let client = match part.knows_or_has_room(client, room, now) {
            true => client,
            false => Client::Others,
        };
        let due = rate.admit(part.due.get(&client).copied(), now)?;
        part.due.insert(client, due);
        Ok(())
    }
}

impl Part {
    fn knows_or_has_room(&mut self, client: Client, room: usize, now: Instant) -> bool {
        if self.due.len() < room || self.due.contains_key(&client) {
            return true;
        }
        let rested = self
            .forgot
            .is_none_or(|forgot| now >= forgot + FORGET_EVERY);
        if rested {
            self.forgot = Some(now);
            // Who is due by now is treated like one who has never come.
            self.due.retain(|_, due| *due > now);
        }
        self.due.len() < room
    }
}

#[cfg(test)]
mod tests;
