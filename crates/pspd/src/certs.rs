//! `pspd certs DIR`: an authority and a certificate for every role, a person and the load
//! generator, for a laboratory or a cluster that has no authority of its own. Nothing that
//! is there is replaced unasked.

use std::{path::PathBuf, process::ExitCode, time::Duration};

use clap::{Arg, ArgAction, ArgMatches, Command};
use system::mutual::{Certificates, Keeping, Made, Making};

use crate::exit::Usage;

const VALID_FOR_MAX: Duration = Duration::from_secs(825 * 24 * 60 * 60);

pub(crate) fn command() -> Command {
    let time = |name, default, help| {
        Arg::new(name)
            .long(name)
            .value_name("TIME")
            .default_value(default)
            .help(help)
    };
    let flag = |name, help| {
        Arg::new(name)
            .long(name)
            .action(ArgAction::SetTrue)
            .help(help)
    };
    Command::new("certs")
        .about("Make an authority and certificates for every role, for mutual TLS")
        .arg(
            Arg::new("dir")
                .value_name("DIR")
                .required(true)
                .value_parser(clap::value_parser!(PathBuf))
                .help("Folder for the files: NAME.crt and NAME.key, PEM"),
        )
        .arg(time("valid-for", "7days", "How long certificates hold"))
        .arg(time(
            "authority-valid-for",
            "30days",
            "How long the authority holds; no certificate outlives it",
        ))
        .arg(
            Arg::new("trust-domain")
                .long("trust-domain")
                .value_name("NAME")
                .default_value("pspd.local")
                .help("SPIFFE trust domain: identities are spiffe://NAME/ROLE"),
        )
        .arg(
            Arg::new("host")
                .long("host")
                .value_name("HOST")
                .action(ArgAction::Append)
                .help("Further DNS name or IP address of every role; repeatable"),
        )
        .arg(flag(
            "renew",
            "Make new certificates of the authority that is in the folder",
        ))
        .arg(flag("force", "Replace everything, the authority as well").conflicts_with("renew"))
}

pub(crate) fn run(matches: &ArgMatches) -> anyhow::Result<ExitCode> {
    let making = making(matches)?;
    let folder = matches
        .get_one::<PathBuf>("dir")
        .cloned()
        .unwrap_or_default();
    let (_, made) = Certificates::make(&folder, &making)?;
    let folder = folder.display().to_string();
    for line in told(&made) {
        println!("{line}");
    }
    println!();
    println!("Run everything with them:      pspd up --mtls {folder}");
    println!(
        "Call a gateway:                curl --cacert {folder}/ca.crt https://localhost:8080/a/hello"
    );
    println!(
        "Make new ones before they end: pspd certs {folder} --renew   (taken up while running)"
    );
    println!("Keep {folder}/ca.key away from machines that need no certificates made.");
    Ok(ExitCode::SUCCESS)
}

fn making(matches: &ArgMatches) -> Result<Making, Usage> {
    let text = |name: &str| {
        let given = matches.get_one::<String>(name);
        given.cloned().unwrap_or_default()
    };
    let mut problems = Vec::new();
    let mut time = |name: &str| match humantime::parse_duration(&text(name)) {
        Ok(time) if !time.is_zero() && time <= VALID_FOR_MAX => time,
        _ => {
            let given = text(name);
            problems.push(format!(
                "--{name} {given}: give a time such as 12h or 7days, at most 825days"
            ));
            Duration::ZERO
        }
    };
    let (valid_for, authority_valid_for) = (time("valid-for"), time("authority-valid-for"));
    let trust_domain = text("trust-domain");
    if let Err(error) = format!("spiffe://{trust_domain}").parse::<tls::Identity>() {
        problems.push(format!("--trust-domain {trust_domain}: {error}"));
    }
    let hosts: Vec<_> = matches
        .get_many("host")
        .into_iter()
        .flatten()
        .cloned()
        .collect();
    for host in &hosts {
        let host: &String = host;
        let is_address = host.parse::<std::net::IpAddr>().is_ok();
        if !is_address && host.parse::<tls::Identity>().is_err() {
            problems.push(format!("--host {host}: not a DNS name or an IP address"));
        }
    }
    match problems.is_empty() {
        true => Ok(Making {
            valid_for,
            authority_valid_for,
            trust_domain,
            hosts,
            existing: match (matches.get_flag("renew"), matches.get_flag("force")) {
                (true, _) => Keeping::Authority,
                (_, true) => Keeping::Nothing,
                _ => Keeping::Everything,
            },
        }),
        false => Err(Usage::problems(problems)),
    }
}

/// What was made, a line each.
fn told(made: &[Made]) -> impl Iterator<Item = String> + '_ {
    made.iter().map(|made| {
        let until = humantime::format_rfc3339_seconds(made.not_after);
        let who = made.spiffe.as_deref().unwrap_or("signs the others");
        format!("{:<13} until {until}  {who}", made.name)
    })
}
