//! Texts onto types; each error says what is accepted.

use std::{num::NonZeroUsize, path::PathBuf, time::Duration};

use gateway::{
    Coding, Cors, access_log,
    guard::Rate,
    upstream::{grpc::Address, rest::BaseUrl},
};
use server::listener::Host;
use telemetry::traces::{Follow, Transport};

/// How the operational log looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LogFormat {
    Human,
    Json,
}

pub(super) fn port(text: &str) -> Result<u16, String> {
    text.parse()
        .map_err(|_| "not a port number; give a whole number from 0 to 65535".to_owned())
}

pub(super) fn host(text: &str) -> Result<Host, String> {
    if text == "all" {
        return Ok(Host::All);
    }
    text.parse()
        .map(Host::Address)
        .map_err(|_| "not an IP address; give one such as 127.0.0.1 or ::1, or `all`".to_owned())
}

/// A whole number from 1 to `max`.
pub(super) fn count(max: usize) -> impl Fn(&str) -> Result<usize, String> {
    between(1, max)
}

/// A whole number from `min` to `max`.
pub(super) fn between(min: usize, max: usize) -> impl Fn(&str) -> Result<usize, String> {
    move |text| match text.parse() {
        Ok(number) if (min..=max).contains(&number) => Ok(number),
        _ => Err(format!("give a whole number from {min} to {max}")),
    }
}

/// A number of `int32` range that is at least `min`.
pub(super) fn int32(min: i32) -> impl Fn(&str) -> Result<i32, String> {
    move |text| match text.parse() {
        Ok(number) if number >= min => Ok(number),
        _ => Err(format!("give a whole number from {min} to {}", i32::MAX)),
    }
}

/// `off`, or codings separated by commas.
pub(super) fn codings(text: &str) -> Result<Vec<Coding>, String> {
    if text == "off" {
        return Ok(Vec::new());
    }
    let coding = |name: &str| match name.trim() {
        "gzip" => Ok(Coding::Gzip),
        "zstd" => Ok(Coding::Zstd),
        _ => Err(format!(
            "{name:?} is no coding; give off, gzip, zstd, or both with a comma between them"
        )),
    };
    text.split(',').map(coding).collect()
}

/// A text, or none.
pub(super) fn optional(text: &str) -> Result<Option<String>, String> {
    Ok((!text.is_empty()).then(|| text.to_owned()))
}

/// Identities separated by commas, or none.
pub(super) fn identities(text: &str) -> Result<Vec<tls::Identity>, String> {
    let given = text.split(',').map(str::trim);
    given
        .filter(|text| !text.is_empty())
        .map(|text| text.parse().map_err(|error| format!("{text:?} is {error}")))
        .collect()
}

pub(super) fn tls_version(text: &str) -> Result<tls::Version, String> {
    match text {
        "1.2" => Ok(tls::Version::V12),
        "1.3" => Ok(tls::Version::V13),
        _ => Err("give 1.3 or 1.2; older versions are not safe".to_owned()),
    }
}

/// Addresses separated by commas, or none.
pub(super) fn addresses(text: &str) -> Result<Vec<Address>, String> {
    let given = text
        .split(',')
        .map(str::trim)
        .filter(|text| !text.is_empty());
    given
        .map(|text| text.parse().map_err(|error| format!("{text:?} is {error}")))
        .collect()
}

pub(super) fn workers(text: &str) -> Result<NonZeroUsize, String> {
    if text == "auto" {
        let one = NonZeroUsize::MIN;
        return Ok(std::thread::available_parallelism().unwrap_or(one));
    }
    match text.parse::<NonZeroUsize>() {
        Ok(workers) if workers.get() <= 1024 => Ok(workers),
        _ => Err("give a whole number from 1 to 1024, or `auto`".to_owned()),
    }
}

/// `auto`, which is nothing, or what else is accepted.
pub(super) fn auto_or<T>(
    parse: impl Fn(&str) -> Result<T, String>,
) -> impl Fn(&str) -> Result<Option<T>, String> {
    move |text| match text {
        "auto" => Ok(None),
        text => parse(text)
            .map(Some)
            .map_err(|reason| format!("{reason}, or `auto`")),
    }
}

/// Any text; nothing when it is empty.
pub(super) fn text(text: &str) -> Result<Option<String>, String> {
    Ok((!text.is_empty()).then(|| text.to_owned()))
}

/// `off`, which is nothing, or requests by time.
pub(super) fn rate(text: &str) -> Result<Option<Rate>, String> {
    match text {
        "off" => Ok(None),
        text => shown(text).map(Some),
    }
}

/// A time of no more than so many seconds, zero included.
pub(super) fn up_to_seconds(max: u64) -> impl Fn(&str) -> Result<Duration, String> {
    move |text| match humantime::parse_duration(text) {
        Ok(duration) if duration <= Duration::from_secs(max) => Ok(duration),
        Ok(_) => Err(format!("give a time up to {max}s")),
        Err(_) => Err("not a time; give one such as 30s".to_owned()),
    }
}

/// A time from a millisecond, the least that timers keep, up to a day.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    const DAY: Duration = Duration::from_secs(24 * 60 * 60);
    match humantime::parse_duration(text) {
        Ok(duration) if (Duration::from_millis(1)..=DAY).contains(&duration) => Ok(duration),
        Ok(_) => Err("give a time from 1ms to 1day".to_owned()),
        Err(_) => Err("not a time; give one such as 500ms, 30s or 5m".to_owned()),
    }
}

/// Whether something is done.
pub(super) fn switch(text: &str) -> Result<bool, String> {
    match text {
        "on" => Ok(true),
        "off" => Ok(false),
        _ => Err("give on or off".to_owned()),
    }
}

/// The same, or none at all.
pub(super) fn pause(text: &str) -> Result<Duration, String> {
    match text {
        "0" | "0s" => Ok(Duration::ZERO),
        text => duration(text),
    }
}

/// The same as [`duration`], or `off`.
pub(super) fn duration_or_off(text: &str) -> Result<Option<Duration>, String> {
    match text {
        "off" => Ok(None),
        text => duration(text)
            .map(Some)
            .map_err(|error| format!("{error}; or off")),
    }
}

/// Base URLs separated by commas, at least one.
pub(super) fn base_urls(text: &str) -> Result<Vec<BaseUrl>, String> {
    let given = text.split(',').map(str::trim);
    given
        .map(|text| text.parse().map_err(|error| format!("{text:?} is {error}")))
        .collect()
}

pub(super) fn path(text: &str) -> Result<Option<PathBuf>, String> {
    Ok((!text.is_empty()).then(|| PathBuf::from(text)))
}

/// `off`, which is nothing, or how spans travel.
pub(super) fn transport(text: &str) -> Result<Option<Transport>, String> {
    match text {
        "off" => Ok(None),
        "grpc" => Ok(Some(Transport::Grpc)),
        "http" => Ok(Some(Transport::Http)),
        _ => Err("give off, grpc or http".to_owned()),
    }
}

/// A part of a whole.
pub(super) fn ratio(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(ratio) if (0.0..=1.0).contains(&ratio) => Ok(ratio),
        _ => Err("give a number from 0 to 1, such as 0.01".to_owned()),
    }
}

/// What holds of a caller's trace context.
pub(super) fn follow(text: &str) -> Result<Follow, String> {
    match text {
        "obey" => Ok(Follow::Decision),
        "join" => Ok(Follow::Trace),
        "ignore" => Ok(Follow::Nothing),
        _ => Err("give obey, join or ignore".to_owned()),
    }
}

pub(super) fn level(text: &str) -> Result<tracing::Level, String> {
    text.parse()
        .map_err(|_| "not a level; give error, warn, info, debug or trace".to_owned())
}

/// `terminal`: whether the log goes to one, which decides what `auto` means.
pub(super) fn log_format(terminal: bool) -> impl Fn(&str) -> Result<LogFormat, String> {
    move |text| match text {
        "auto" if terminal => Ok(LogFormat::Human),
        "human" => Ok(LogFormat::Human),
        "auto" | "json" => Ok(LogFormat::Json),
        _ => Err("give human, json or auto".to_owned()),
    }
}

/// `terminal`: whether the log goes to one, which decides what `auto` means.
pub(super) fn access_log(terminal: bool) -> impl Fn(&str) -> Result<access_log::Format, String> {
    move |text| match (text, log_format(terminal)(text)) {
        ("off", _) => Ok(access_log::Format::Off),
        (_, Ok(LogFormat::Human)) => Ok(access_log::Format::Human),
        (_, Ok(LogFormat::Json)) => Ok(access_log::Format::Json),
        (_, Err(_)) => Err("give human, json, off or auto".to_owned()),
    }
}

pub(super) fn cors(text: &str) -> Result<Cors, String> {
    match text {
        "any" => return Ok(Cors::Any),
        "off" => return Ok(Cors::Off),
        _ => {}
    }
    let origins: Vec<_> = text
        .split(',')
        .map(|origin| origin.trim().to_owned())
        .collect();
    let bad = origins.iter().find(|origin| {
        let host = origin
            .strip_prefix("http://")
            .or_else(|| origin.strip_prefix("https://"));
        !host.is_some_and(|host| {
            !host.is_empty() && !host.contains('/') && host.bytes().all(|b| b.is_ascii_graphic())
        })
    });
    match bad {
        None => Ok(Cors::Origins(origins)),
        Some(bad) => Err(format!(
            "{bad:?} is not an origin; give any, off, or origins such as https://example.org"
        )),
    }
}

/// What implements `FromStr` and says itself what it accepts.
pub(super) fn shown<T: std::str::FromStr<Err: std::fmt::Display>>(text: &str) -> Result<T, String> {
    text.parse().map_err(|error: T::Err| error.to_string())
}
