//! The keys of an upstream that say where it is and how it is called there: as they
//! are typed, and from there to what is usable. Every problem is reported, each with its
//! key, its value and what would be right.

use std::{collections::HashSet, time::Duration};

use schemars::JsonSchema;
use serde::Deserialize;

use tls::{Client, Connector, RawClient};

use super::raw::{RawTls, RawUpstream, RawUse, TIME};
use crate::upstream::grpc::{
    ATTEMPTS_MAX, Address, BudgetLimits, Codes, Ejection, Hedge, Methods, Policy, Retry, Tls,
};

/// Addresses that one upstream may have.
const ADDRESSES_MAX: usize = 64;
/// Calls that may wait, at most.
const PENDING_MAX: u32 = 100_000;
/// The shortest time that they may be given.
const PENDING_TIME_MIN: Duration = Duration::from_millis(1);
/// The shortest time between two lookups, and between two pings.
const RESOLVE_EVERY_MIN: Duration = Duration::from_millis(100);
const KEEP_ALIVE_MIN: Duration = Duration::from_secs(1);

/// `[upstreams.ejection]`
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(super) struct RawEjection {
    /// Failures in a row that it takes.
    consecutive: Option<u32>,
    /// For how long the first time; doubled each time.
    #[serde(rename = "for")]
    #[schemars(regex(pattern = TIME))]
    first: Option<String>,
    /// The longest time.
    #[schemars(regex(pattern = TIME))]
    for_max: Option<String>,
    /// The share of all endpoints that may be put aside, in percent; 0 for none.
    share_max: Option<u32>,
}

/// `[upstreams.retry]`
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(super) struct RawRetry {
    /// Attempts, with the first one.
    attempts: Option<u32>,
    /// After which codes.
    codes: Option<Vec<String>>,
    /// Of which methods, beside those declared idempotent; `*` for all.
    methods: Option<Vec<String>>,
    /// The pause before the second attempt; doubled each time.
    #[schemars(regex(pattern = TIME))]
    back_off: Option<String>,
    /// The longest pause.
    #[schemars(regex(pattern = TIME))]
    back_off_max: Option<String>,
}

/// `[upstreams.hedge]`
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(super) struct RawHedge {
    /// How long each attempt waits for the one before.
    #[schemars(regex(pattern = TIME))]
    after: Option<String>,
    /// Attempts, with the first one.
    attempts: Option<u32>,
    /// Codes after which others may still go well.
    codes: Option<Vec<String>>,
    /// Of which unary methods, beside those declared idempotent; `*` for all.
    methods: Option<Vec<String>>,
}

/// `[upstreams.retry-budget]`
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(super) struct RawBudget {
    /// How many tokens there are at first, and at most.
    tokens: Option<u32>,
    /// What a call that goes well adds.
    ratio: Option<f64>,
}

/// Whether connections are encrypted; opens what is needed for that.
fn tls(raw: &RawTls, notes: &mut Notes<'_>) -> Tls {
    let RawTls {
        used,
        ca,
        cert,
        key,
        allow,
        server_name,
    } = raw.clone();
    let mut allowed = Vec::new();
    for text in allow.unwrap_or_default() {
        match text.parse() {
            Ok(identity) => allowed.push(identity),
            Err(error) => notes.say(format_args!("tls.allow: {text:?} is {error}")),
        }
    }
    let client = RawClient {
        ca,
        cert,
        key,
        allow: allowed,
        server_name,
    };
    let checked = Client::checked(&format!("{}: tls.", notes.place), client);
    let opened = checked.and_then(|checked| checked.as_ref().map(Connector::open).transpose());
    match (used, opened) {
        (_, Err(problems)) => notes.problems.extend(problems),
        (Some(RawUse::Off), Ok(None)) => return Tls::Off,
        (Some(RawUse::Off), Ok(Some(_))) => {
            notes.say("tls.use = \"off\" goes with no other key of tls; take one of them out");
        }
        (_, Ok(Some(connector))) => return Tls::Own(connector),
        (_, Ok(None)) => notes.say(
            "tls.ca is missing; give the authority that signs the server's certificates, or \
             use = \"off\"",
        ),
    }
    Tls::Off
}

/// Where problems are noted, and of what.
struct Notes<'n> {
    place: &'n str,
    problems: &'n mut Vec<String>,
}

impl Notes<'_> {
    fn say(&mut self, problem: impl std::fmt::Display) {
        self.problems.push(format!("{}: {problem}", self.place));
    }

    /// The time that a key gives, at least `min`.
    fn time(
        &mut self,
        key: &str,
        text: Option<&String>,
        default: Duration,
        min: Duration,
    ) -> Duration {
        let Some(text) = text else { return default };
        match humantime::parse_duration(text) {
            Ok(time) if time >= min => time,
            Ok(_) => {
                self.say(format_args!("{key} = {text:?} is shorter than {min:?}"));
                default
            }
            Err(_) => {
                self.say(format_args!(
                    "{key} = {text:?} is no time; write it like \"500ms\" or \"5s\""
                ));
                default
            }
        }
    }

    fn attempts(&mut self, key: &str, attempts: Option<u32>, default: u32) -> u32 {
        match attempts {
            None => default,
            Some(attempts) if (2..=ATTEMPTS_MAX).contains(&attempts) => attempts,
            Some(attempts) => {
                self.say(format_args!(
                    "{key} = {attempts}; give a number from 2 to {ATTEMPTS_MAX}, the first attempt \
                     among them"
                ));
                default
            }
        }
    }

    fn codes(&mut self, key: &str, names: Option<&Vec<String>>) -> Codes {
        let Some(names) = names else {
            return Codes::unavailable();
        };
        Codes::of_names(names).unwrap_or_else(|name| {
            self.say(format_args!(
                "{key}: {name:?} is no code of an error; write it like \"UNAVAILABLE\""
            ));
            Codes::default()
        })
    }

    fn methods(&mut self, key: &str, names: Option<&Vec<String>>) -> Methods {
        let mut paths = HashSet::new();
        for name in names.into_iter().flatten() {
            let bare = name.trim_start_matches('/');
            if bare == "*" {
                return Methods::All;
            }
            let split = bare.rsplit_once(['/', '.']);
            match split.filter(|(service, method)| !service.is_empty() && !method.is_empty()) {
                Some((service, method)) => drop(paths.insert(format!("/{service}/{method}"))),
                None => self.say(format_args!(
                    "{key}: {name:?} is no method; write it like \"package.Service.Method\", or \
                     \"*\" for all"
                )),
            }
        }
        Methods::Named(paths)
    }
}

/// Where an upstream is and how it is called there; nothing when it is not said where.
pub(super) fn policy(
    place: &str,
    raw: &RawUpstream,
    built_in: Option<Address>,
    problems: &mut Vec<String>,
) -> Option<Policy> {
    let mut notes = Notes { place, problems };
    let default = Policy::of(addresses(raw, built_in, &mut notes)?);
    let resolve_every = raw.resolve_every.as_ref();
    Some(Policy {
        hosts: raw.hosts.clone(),
        resolve_every: notes.time(
            "resolve-every",
            resolve_every,
            default.resolve_every,
            RESOLVE_EVERY_MIN,
        ),
        balance: raw.balance.unwrap_or(default.balance),
        pending_max: match raw.pending_max {
            None => default.pending_max,
            Some(count) if count <= PENDING_MAX => count.try_into().unwrap_or(usize::MAX),
            Some(count) => {
                notes.say(format_args!("pending-max = {count} is above {PENDING_MAX}"));
                default.pending_max
            }
        },
        pending_time: notes.time(
            "pending-time",
            raw.pending_time.as_ref(),
            default.pending_time,
            PENDING_TIME_MIN,
        ),
        connection_calls_max: match raw.connection_calls_max {
            None => default.connection_calls_max,
            Some(0) => {
                notes.say("connection-calls-max = 0; give a number from 1");
                default.connection_calls_max
            }
            Some(count) => count.try_into().unwrap_or(usize::MAX),
        },
        keep_alive: match raw.keep_alive.as_deref() {
            None | Some("off") => None,
            Some(_) => {
                let time = raw.keep_alive.as_ref();
                Some(notes.time("keep-alive", time, KEEP_ALIVE_MIN, KEEP_ALIVE_MIN))
            }
        },
        health: raw.health.unwrap_or(default.health),
        ejection: match &raw.ejection {
            None => default.ejection,
            Some(raw) if raw.share_max == Some(0) => None,
            Some(raw) => ejection(raw, &mut notes),
        },
        retry: raw.retry.as_ref().map(|raw| retry(raw, &mut notes)),
        hedge: match (&raw.retry, &raw.hedge) {
            (Some(_), Some(_)) => {
                notes.say("give retry or hedge, not both");
                None
            }
            (_, hedged) => hedged.as_ref().and_then(|raw| hedge(raw, &mut notes)),
        },
        budget: budget(raw, &mut notes),
        tls: raw
            .tls
            .as_ref()
            .map_or(Tls::Inherited, |raw| tls(raw, &mut notes)),
        addresses: default.addresses,
    })
}

fn addresses(
    raw: &RawUpstream,
    built_in: Option<Address>,
    notes: &mut Notes<'_>,
) -> Option<Vec<Address>> {
    let (key, texts) = match (&raw.address, &raw.addresses, built_in) {
        (None, None, Some(address)) => return Some(vec![address]),
        (None, None, None) => {
            notes.say("address is missing; write address = \"host:port\"");
            return None;
        }
        (Some(_), Some(_), _) => {
            notes.say("give address or addresses, not both");
            return None;
        }
        (Some(text), None, _) => ("address", std::slice::from_ref(text)),
        (None, Some(texts), _) => ("addresses", &texts[..]),
    };
    if texts.is_empty() || texts.len() > ADDRESSES_MAX {
        let count = texts.len();
        notes.say(format_args!(
            "addresses has {count} of them; give from 1 to {ADDRESSES_MAX}"
        ));
        return None;
    }
    let mut addresses: Vec<Address> = Vec::new();
    for text in texts {
        match text.parse() {
            Ok(address) if addresses.contains(&address) => {
                notes.say(format_args!("{key} has {text:?} twice; leave one out"));
            }
            Ok(address) => addresses.push(address),
            Err(error) => notes.say(format_args!("{key} = {text:?} is {error}")),
        }
    }
    (!addresses.is_empty()).then_some(addresses)
}

fn ejection(raw: &RawEjection, notes: &mut Notes<'_>) -> Option<Ejection> {
    let seconds = Duration::from_secs;
    let first = notes.time(
        "ejection.for",
        raw.first.as_ref(),
        seconds(10),
        Duration::ZERO,
    );
    let most = seconds(300).max(first);
    let most = notes.time(
        "ejection.for-max",
        raw.for_max.as_ref(),
        most,
        Duration::ZERO,
    );
    let consecutive = raw.consecutive.unwrap_or(5);
    let made = Ejection::try_new(consecutive, first, most, raw.share_max.unwrap_or(50));
    made.map_err(|error| notes.say(format_args!("ejection: {error}")))
        .ok()
}

fn retry(raw: &RawRetry, notes: &mut Notes<'_>) -> Retry {
    let millis = Duration::from_millis;
    let first = raw.back_off.as_ref();
    let back_off = notes.time("retry.back-off", first, millis(50), millis(1));
    let most = raw.back_off_max.as_ref();
    let most = notes.time(
        "retry.back-off-max",
        most,
        millis(1000).max(back_off),
        back_off,
    );
    Retry {
        attempts: notes.attempts("retry.attempts", raw.attempts, 3),
        codes: notes.codes("retry.codes", raw.codes.as_ref()),
        methods: notes.methods("retry.methods", raw.methods.as_ref()),
        back_off,
        back_off_max: most,
    }
}

fn hedge(raw: &RawHedge, notes: &mut Notes<'_>) -> Option<Hedge> {
    let Some(after) = &raw.after else {
        notes.say("hedge.after is missing; write after = \"50ms\"");
        return None;
    };
    let millis = Duration::from_millis;
    Some(Hedge {
        after: notes.time("hedge.after", Some(after), millis(50), millis(1)),
        attempts: notes.attempts("hedge.attempts", raw.attempts, 2),
        codes: notes.codes("hedge.codes", raw.codes.as_ref()),
        methods: notes.methods("hedge.methods", raw.methods.as_ref()),
    })
}

fn budget(raw: &RawUpstream, notes: &mut Notes<'_>) -> BudgetLimits {
    let default = BudgetLimits::default();
    let Some(budget) = &raw.retry_budget else {
        return default;
    };
    if raw.retry.is_none() && raw.hedge.is_none() {
        notes.say("retry-budget is for retry or hedge, of which there is none");
    }
    let tokens = budget.tokens.unwrap_or(default.tokens);
    if !(1..=1000).contains(&tokens) {
        notes.say(format_args!(
            "retry-budget.tokens = {tokens}; give a number from 1 to 1000"
        ));
    }
    let ratio = budget.ratio.unwrap_or(0.1);
    if !(0.001..=1.0).contains(&ratio) {
        notes.say(format_args!(
            "retry-budget.ratio = {ratio}; give a number from 0.001 to 1"
        ));
        return default;
    }
    BudgetLimits {
        tokens,
        // Checked above: at most a thousand.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        ratio_thousandths: (ratio * 1000.0).round() as u32,
    }
}
