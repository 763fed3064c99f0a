//! `pspd gateway check`, `explain` and `openapi`: what gateway P would serve with a
//! configuration, what it would make of one request, and all of it for tools. They take
//! the flags and the file of `pspd serve gateway`, and listen nowhere. `pspd gateway
//! schema` is what an editor wants to know of that file.

use std::{io::Write, process::ExitCode};

use ::gateway::{
    Catalog, GrpcOptions,
    explain::{Question, explain},
    services::Docs,
};
use anyhow::Context;
use clap::{Arg, ArgAction, ArgMatches, Command};
use contract::Role;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};
use telemetry::Telemetry;

use crate::{
    config::{self, Work},
    exit::Usage,
};

const REQUEST: &str = "request";
const HEADER: &str = "header";
const DATA: &str = "data";
const CALL: &str = "call";
const SCHEMA: &str = "schema";
const SETTINGS: &str = "settings";

pub(crate) fn command() -> Command {
    Command::new("gateway")
        .about("Check, explain and document what gateway P would serve")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(
            Command::new("check")
                .about("Validate a configuration and list its routes")
                .arg(
                    Arg::new(SETTINGS)
                        .long(SETTINGS)
                        .action(ArgAction::SetTrue)
                        .help("List every setting with where it comes from, and every file that was read"),
                )
                .args(config::args(Role::Gateway)),
        )
        .subcommand(
            Command::new(SCHEMA)
                .about("Print the JSON Schema of the configuration file, for editors"),
        )
        .subcommand(
            Command::new("openapi")
                .about("Print the OpenAPI 3.1 document of all routes")
                .args(config::args(Role::Gateway)),
        )
        .subcommand(
            Command::new("explain")
                .about("Show the rule, the bindings and the message of one request")
                .arg(
                    Arg::new(REQUEST)
                        .value_name("METHOD TARGET")
                        .required(true)
                        .help("Such as 'GET /b/numbers?count=3'"),
                )
                .arg(
                    Arg::new(HEADER)
                        .long(HEADER)
                        .short('H')
                        .value_name("NAME: VALUE")
                        .action(ArgAction::Append)
                        .help("A header of the request. Repeatable"),
                )
                .arg(
                    Arg::new(DATA)
                        .long(DATA)
                        .short('d')
                        .value_name("TEXT")
                        .help("The body of the request"),
                )
                .arg(
                    Arg::new(CALL)
                        .long(CALL)
                        .action(ArgAction::SetTrue)
                        .help("Make the call, and show the answer and where the time went"),
                )
                .args(config::args(Role::Gateway)),
        )
}

pub(crate) fn run(matches: &ArgMatches) -> anyhow::Result<ExitCode> {
    let (command, matches) = matches
        .subcommand()
        .ok_or_else(|| Usage::new("no command given; see `pspd gateway --help`"))?;
    if command == SCHEMA {
        println!("{:#}", config::schema::of_file());
        return Ok(ExitCode::SUCCESS);
    }
    let config = config::load(Role::Gateway, matches)?;
    let Work::Gateway(plan, _) = config.work else {
        return Err(Usage::new("only gateway P can be checked").into());
    };
    let (options, limits) = (plan.options.clone(), plan.settings.limits.clone());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    runtime.block_on(async {
        let mut plan = *plan;
        if command == "openapi" {
            // Whether it is served or not.
            plan.services.docs = Docs::Serve;
        }
        let catalog = Catalog::open(plan, Telemetry::off()).await;
        let catalog = catalog.map_err(|problems| Usage::new(problems.to_string()))?;
        match command {
            "check" => {
                if matches.get_flag(SETTINGS) {
                    let settings = config.told.iter().map(|told| format!("setting: {told}"));
                    let files = catalog.files().into_iter();
                    let files = files.map(|file| format!("read: {}", file.display()));
                    settings.chain(files).for_each(|line| println!("{line}"));
                }
                Ok(check(&catalog))
            }
            "openapi" => openapi(&catalog),
            _ => explained(&catalog, &options, limits.call_timeout, matches).await,
        }
    })
}

/// Prints every route; fails when a server could not be asked.
fn check(catalog: &Catalog) -> ExitCode {
    let routes = catalog.routes();
    let width = |text: fn(&::gateway::Listed) -> usize| {
        routes
            .iter()
            .map(|route| text(route))
            .max()
            .unwrap_or_default()
    };
    let verb_width = width(|route| route.verb.len());
    let path_width = width(|route| route.path.len());
    for route in &routes {
        let stream = match route.kind.answers_many() {
            true => "stream of ",
            false => "",
        };
        let takes = match route.kind.takes_many() {
            true => " (takes a stream)",
            false => "",
        };
        println!(
            "{:verb_width$} {:path_width$}  {stream}{}{takes} at {} ({})",
            route.verb, route.path, route.rpc, route.upstream, route.origin
        );
    }
    for left_out in catalog.left_out() {
        println!("left out: {left_out}");
    }
    for name in catalog.undescribed() {
        println!("unknown: upstream {name} could not be asked for its services");
    }
    println!("{} routes", routes.len());
    match catalog.undescribed().is_empty() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}

/// Prints the document; nothing when a server could not be asked, since what uses it
/// would take it for all there is.
fn openapi(catalog: &Catalog) -> anyhow::Result<ExitCode> {
    if !catalog.undescribed().is_empty() {
        for name in catalog.undescribed() {
            eprintln!(
                "upstream {name} could not be asked for its services; start it, or describe it by files"
            );
        }
        return Ok(ExitCode::FAILURE);
    }
    let document: serde_json::Value = serde_json::from_slice(&catalog.openapi())?;
    let mut out = std::io::stdout().lock();
    serde_json::to_writer_pretty(&mut out, &document)?;
    writeln!(out)?;
    Ok(ExitCode::SUCCESS)
}

async fn explained(
    catalog: &Catalog,
    options: &GrpcOptions,
    limit: std::time::Duration,
    matches: &ArgMatches,
) -> anyhow::Result<ExitCode> {
    let question = question(matches)?;
    let explanation = match explain(catalog, &question) {
        Ok(explanation) => explanation,
        Err(why) => {
            println!("{why}");
            return Ok(ExitCode::FAILURE);
        }
    };
    println!("{explanation}");
    if matches.get_flag(CALL) {
        let timing = explanation
            .call(catalog, options.connection.clone(), limit)
            .await;
        println!("{timing}");
        if timing.has_failed() {
            return Ok(ExitCode::FAILURE);
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn question(matches: &ArgMatches) -> Result<Question, Usage> {
    let text = matches
        .get_one::<String>(REQUEST)
        .map_or("", String::as_str);
    let wrong = || {
        Usage::new(format!(
            "{text:?} is no request; write it like 'GET /a/hello?name=x'"
        ))
    };
    let (method, target) = text.trim().split_once(' ').ok_or_else(wrong)?;
    let target: Uri = target.trim().parse().map_err(|_| wrong())?;
    if !target.path().starts_with('/') {
        return Err(wrong());
    }
    let mut headers = HeaderMap::new();
    for header in matches.get_many::<String>(HEADER).into_iter().flatten() {
        let wrong = || {
            Usage::new(format!(
                "{header:?} is no header; write it like 'name: value'"
            ))
        };
        let (name, value) = header.split_once(':').ok_or_else(wrong)?;
        let name: HeaderName = name.trim().parse().map_err(|_| wrong())?;
        headers.append(
            name,
            HeaderValue::from_str(value.trim()).map_err(|_| wrong())?,
        );
    }
    let body = matches.get_one::<String>(DATA).cloned().unwrap_or_default();
    Ok(Question {
        method: Method::from_bytes(method.as_bytes()).map_err(|_| wrong())?,
        target,
        headers,
        body: body.into(),
    })
}
