//! `pspd k8s`: the system on a cluster that is there, by the kubectl that is installed.

use std::{fs, path::PathBuf, process::ExitCode, time::Duration};

use clap::{Arg, ArgAction, ArgMatches, Command};
use contract::Role;
use k8s::{Image, Kubectl, Loading, Secrets, Selection, System, Up};
use system::mutual::{Certificates, Making};

use crate::exit::Usage;

const TIMEOUT_MAX: Duration = Duration::from_secs(60 * 60);

pub(crate) fn command() -> Command {
    let context = || {
        Arg::new("context")
            .long("context")
            .value_name("NAME")
            .help("Context of kubectl [default: the current one]")
    };
    let with =
        |absent| {
            Arg::new("with").long("with").value_name("NAME,...").help(format!(
            "Components beside the base: minikube or gateway-api, mtls or mtls-cert-manager, \
             observability, scale [default: {absent}]"
        ))
        };
    let image = || {
        Arg::new("image")
            .long("image")
            .value_name("IMAGE")
            .help(concat!(
                "Image of all roles [default: pspd:",
                env!("CARGO_PKG_VERSION"),
                "]"
            ))
    };
    let timeout = |what| {
        Arg::new("timeout")
            .long("timeout")
            .value_name("TIME")
            .default_value("5m")
            .help(what)
    };
    let flag = |name, help| {
        Arg::new(name)
            .long(name)
            .action(ArgAction::SetTrue)
            .help(help)
    };
    Command::new("k8s")
        .about("Run the system on a Kubernetes cluster that is there, with kubectl")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(
            Command::new("render")
                .about("Print the manifests, without asking a cluster")
                .arg(with("minikube"))
                .arg(image()),
        )
        .subcommand(
            Command::new("up")
                .about("Load the image, apply the manifests, wait until all roles are ready")
                .arg(with("minikube if there is an IngressClass nginx, else none"))
                .arg(image())
                .arg(
                    Arg::new("archive")
                        .long("archive")
                        .value_name("FILE")
                        .value_parser(clap::value_parser!(PathBuf))
                        .help("Load the image from this file, of `cargo xtask image` or `docker save`"),
                )
                .arg(
                    flag("no-load", "Load no image: the nodes have it, or fetch it")
                        .conflicts_with("archive"),
                )
                .arg(flag("force-conflicts", "Take back fields that others have changed"))
                .arg(flag("dry-run", "Change nothing; say what would be done"))
                .arg(timeout("How long all roles may take to be ready"))
                .arg(context()),
        )
        .subcommand(
            Command::new("status")
                .about("Say how it stands; ends with 0 when all roles are ready, else with 1")
                .arg(context()),
        )
        .subcommand(
            Command::new("down")
                .about("Delete the namespaces of the system, with all that is in them")
                .arg(timeout("How long that may take"))
                .arg(context()),
        )
}

pub(crate) fn run(matches: &ArgMatches) -> anyhow::Result<ExitCode> {
    let Some((name, matches)) = matches.subcommand() else {
        return Err(Usage::new("no command given; see `pspd k8s --help`").into());
    };
    let context = matches.try_get_one::<String>("context").ok().flatten();
    let kubectl = Kubectl::new(context.cloned());
    let system = System::new(&kubectl, |line| println!("{line}"));
    match name {
        "render" => {
            let selection = selection(matches)?.map_or_else(|| "minikube".parse(), Ok)?;
            print!("{}", system.render(&selection, image(matches)?.as_ref())?);
        }
        "up" => system.up(&up(matches)?, &certificates)?,
        "status" => {
            return Ok(match system.status()? {
                true => ExitCode::SUCCESS,
                false => ExitCode::FAILURE,
            });
        }
        _ => system.down(timeout(matches)?)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn up(matches: &ArgMatches) -> Result<Up, Usage> {
    let archive = matches.get_one::<PathBuf>("archive").cloned();
    Ok(Up {
        selection: selection(matches)?,
        image: image(matches)?,
        loading: match (archive, matches.get_flag("no-load")) {
            (Some(archive), _) => Loading::Archive(archive),
            (None, true) => Loading::Never,
            (None, false) => Loading::Auto,
        },
        timeout: timeout(matches)?,
        force_conflicts: matches.get_flag("force-conflicts"),
        dry_run: matches.get_flag("dry-run"),
    })
}

fn selection(matches: &ArgMatches) -> Result<Option<Selection>, Usage> {
    let given = matches.get_one::<String>("with");
    let parsed = given.map(|names| names.parse()).transpose();
    parsed.map_err(|problem| Usage::new(format!("--with: {problem}")))
}

fn image(matches: &ArgMatches) -> Result<Option<Image>, Usage> {
    let given = matches.get_one::<String>("image");
    let parsed = given.map(|image| image.parse()).transpose();
    parsed.map_err(|problem| Usage::new(format!("--image: {problem}")))
}

fn timeout(matches: &ArgMatches) -> Result<Duration, Usage> {
    let given = matches
        .get_one::<String>("timeout")
        .cloned()
        .unwrap_or_default();
    let time = humantime::parse_duration(&given).ok();
    let time = time.filter(|time| time.as_secs() >= 1 && *time <= TIMEOUT_MAX);
    time.ok_or_else(|| {
        Usage::new(format!(
            "--timeout {given}: give a time such as 5m, from 1s to 1h"
        ))
    })
}

/// Certificates for all roles, as `pspd certs` makes them.
fn certificates() -> Result<Secrets, String> {
    let make = || -> anyhow::Result<Secrets> {
        let folder = tempfile::tempdir()?;
        let folder = folder.path().join("certs");
        let (made, _) = Certificates::make(&folder, &Making::default())?;
        let pair = |role: Role| -> anyhow::Result<_> {
            let [certificate, key] = made.pair(role.name());
            Ok((
                app(role).to_owned(),
                fs::read_to_string(certificate)?,
                fs::read_to_string(key)?,
            ))
        };
        Ok(Secrets {
            authority: fs::read_to_string(made.authority())?,
            pairs: Role::ALL.into_iter().map(pair).collect::<Result<_, _>>()?,
        })
    };
    make().map_err(|error| format!("cannot make certificates: {error:#}"))
}

/// What the manifests call a role.
fn app(role: Role) -> &'static str {
    match role {
        Role::Gateway => "p",
        Role::GatewayRest => "p-rest",
        service => service.name(),
    }
}
