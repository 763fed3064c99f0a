//! The flags of `pspd lab`, and what was typed for each.

use std::path::PathBuf;

use clap::{
    Arg, ArgAction, ArgMatches,
    builder::{NonEmptyStringValueParser, TypedValueParser},
    value_parser,
};
use lab::Options;

const LOAD: &str = "Load";
const TARGETS: &str = "Targets";
const DESIGN: &str = "Design";
const CONNECTIONS: &str = "Connections and generator";
const OUTPUT: &str = "Results";

pub(super) fn all() -> Vec<Arg> {
    let mut all = vec![
        Arg::new("FILE")
            .help("An experiment as a TOML file, such as experiments/published.toml; flags go before its keys")
            .value_parser(value_parser!(PathBuf)),
    ];
    all.extend(load());
    all.extend(targets());
    all.extend(design());
    all.extend(connections());
    all.extend(output());
    all
}

fn load() -> Vec<Arg> {
    let args = [
        switch(
            "full",
            "The whole published experiment: 25 to 3200 users, 30 s each",
        ),
        option(
            "users",
            "N,N,...",
            "Closed loop: numbers of virtual users [default: 25,100,400]",
        ),
        option(
            "pace",
            "TIME",
            "Closed loop: each user begins one iteration in this time [default: as soon as it can]",
        ),
        option(
            "rate",
            "R,R,...",
            "Open loop: iterations a second, whatever the target answers",
        ),
        option(
            "slo",
            "OBJECTIVE",
            "Search for the highest rate that meets an objective, such as 'p99<50ms'",
        ),
        option(
            "arrivals",
            "PATTERN",
            "Open loop: constant or poisson [default: poisson]",
        ),
        option(
            "in-flight-max",
            "N",
            "Open loop: iterations under way at most; later ones wait, and their latency with them [default: 256]",
        ),
    ];
    headed(LOAD, args)
}

fn targets() -> Vec<Arg> {
    let args = [
        option(
            "chains",
            "LIST",
            "Chains of our own: grpc, rest, or none [default: grpc,rest; none with --request or --call]",
        ),
        many(
            "against",
            "NAME=URL[,ROLE:PID]...",
            "A running system, such as mine=http://127.0.0.1:9000 or mine=grpc://127.0.0.1:9001; processes named as ROLE:PID are in the accounts. Repeatable",
        ),
        option(
            "tls-ca",
            "FILE",
            "PEM file with the authorities of running systems that are called over TLS (https://, grpcs://)",
        )
        .value_parser(value_parser!(PathBuf)),
        option("tls-cert", "FILE", "PEM file with the certificate to show to them")
            .value_parser(value_parser!(PathBuf)),
        option("tls-key", "FILE", "PEM file with the key of that certificate")
            .value_parser(value_parser!(PathBuf)),
        many(
            "request",
            "[NAME=]METHOD PATH",
            "An HTTP request that users repeat, such as 'GET /users/{{user}}'; {{iteration}}, {{request}}, {{random 1 9}}, {{pick a b}}, {{uuid}} and {{now_ms}} differ as well. Repeatable",
        ),
        many(
            "call",
            "[NAME=]SERVICE/METHOD [JSON]",
            "A gRPC call that users repeat, such as 'pspd.ServiceA/SayHello {\"name\": \"x\"}'. Repeatable",
        ),
        many(
            "header",
            "NAME: VALUE",
            "A header (metadata for gRPC) of every --request and --call. Repeatable",
        ),
        option("body", "TEXT", "The body of every --request"),
        many(
            "proto",
            "FILE",
            "A .proto file that describes the calls [default: the target's reflection]. Repeatable",
        )
        .value_parser(value_parser!(PathBuf)),
        many(
            "include",
            "DIR",
            "A folder with what the .proto files import. Repeatable",
        )
        .value_parser(value_parser!(PathBuf)),
        option(
            "descriptor-set",
            "FILE",
            "A descriptor set that describes the calls",
        )
        .value_parser(value_parser!(PathBuf)),
    ];
    headed(TARGETS, args)
}

fn design() -> Vec<Arg> {
    let args = [
        option(
            "duration",
            "TIME",
            "Measured window of each block [default: 2s]",
        ),
        option(
            "warm-up",
            "TIME",
            "Load before each window that is not counted [default: 1s]",
        ),
        option(
            "request-timeout",
            "TIME",
            "A request that takes longer has failed [default: 60s]",
        ),
        option(
            "repetitions",
            "N",
            "Blocks of each target at each load [default: 5]",
        ),
        option(
            "seed",
            "N",
            "Makes order, arrivals and random values the same again [default: drawn, and recorded]",
        ),
        switch(
            "dry-run",
            "Print the plan and how long it takes, and do nothing",
        ),
    ];
    headed(DESIGN, args)
}

fn connections() -> Vec<Arg> {
    let args = [
        option(
            "connections",
            "N",
            "Connections that all users share, or per-user [default: per-user]",
        ),
        option(
            "streams-max",
            "N",
            "HTTP/2: requests on one connection at a time [default: 100]",
        ),
        switch(
            "new-connections",
            "Each request opens a connection of its own",
        ),
        option(
            "generator-threads",
            "N",
            "Threads of the load generator [default: 1]",
        ),
        option(
            "generator-cpus",
            "N,N,...",
            "Processors that its threads are pinned to [default: any]",
        ),
        option(
            "system-cpus",
            "N,N,...",
            "Processors of the roles that the run starts [default: any]",
        ),
    ];
    headed(CONNECTIONS, args)
}

fn output() -> Vec<Arg> {
    let args = [
        option(
            "out",
            "DIR",
            "Folder that gets a folder for this run [default: results]",
        )
        .value_parser(NonEmptyStringValueParser::new().map(PathBuf::from)),
        option("resume", "DIR", "Go on with a run that was stopped")
            .value_parser(value_parser!(PathBuf)),
        many(
            "fail-if",
            "CONDITION",
            "End with exit code 2 when this holds, such as 'grpc.p99 > 20ms'. Repeatable",
        ),
        switch("quiet", "Print nothing but the folder of the results"),
        switch("json", "Print the summary as JSON").conflicts_with("quiet"),
    ];
    headed(OUTPUT, args)
}

fn headed<const N: usize>(heading: &'static str, args: [Arg; N]) -> Vec<Arg> {
    let args = args.into_iter().map(|arg| {
        let resumes = ["resume", "quiet", "json"].contains(&arg.get_id().as_str());
        let arg = arg.help_heading(heading);
        // What is resumed has its experiment already.
        match resumes {
            true => arg,
            false => arg.conflicts_with("resume"),
        }
    });
    args.collect()
}

fn switch(name: &'static str, help: &'static str) -> Arg {
    Arg::new(name)
        .long(name)
        .help(help)
        .action(ArgAction::SetTrue)
}

fn option(name: &'static str, value: &'static str, help: &'static str) -> Arg {
    Arg::new(name).long(name).value_name(value).help(help)
}

fn many(name: &'static str, value: &'static str, help: &'static str) -> Arg {
    option(name, value, help).action(ArgAction::Append)
}

pub(super) fn options(matches: &ArgMatches) -> Options {
    let text = |name| matches.get_one::<String>(name).cloned();
    let texts = |name| -> Vec<String> {
        let values = matches.get_many::<String>(name);
        values
            .map(|values| values.cloned().collect())
            .unwrap_or_default()
    };
    let paths = |name| -> Vec<PathBuf> {
        let values = matches.get_many::<PathBuf>(name);
        values
            .map(|values| values.cloned().collect())
            .unwrap_or_default()
    };
    Options {
        full: matches.get_flag("full"),
        users: text("users"),
        pace: text("pace"),
        rate: text("rate"),
        slo: text("slo"),
        arrivals: text("arrivals"),
        in_flight_max: text("in-flight-max"),
        duration: text("duration"),
        warm_up: text("warm-up"),
        request_timeout: text("request-timeout"),
        repetitions: text("repetitions"),
        seed: text("seed"),
        connections: text("connections"),
        streams_max: text("streams-max"),
        new_connections: matches.get_flag("new-connections"),
        generator_threads: text("generator-threads"),
        generator_cpus: text("generator-cpus"),
        system_cpus: text("system-cpus"),
        chains: text("chains"),
        against: texts("against"),
        tls_ca: matches.get_one::<PathBuf>("tls-ca").cloned(),
        tls_cert: matches.get_one::<PathBuf>("tls-cert").cloned(),
        tls_key: matches.get_one::<PathBuf>("tls-key").cloned(),
        requests: texts("request"),
        calls: texts("call"),
        headers: texts("header"),
        body: text("body"),
        proto: paths("proto"),
        include: paths("include"),
        descriptor_set: matches.get_one::<PathBuf>("descriptor-set").cloned(),
        fail_if: texts("fail-if"),
    }
}
