//! From the command line of `pspd up` to a plan: which role listens where.
//! Everything that is wrong is said at once.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    io::{self, IsTerminal},
    net::IpAddr,
    path::PathBuf,
};

use anyhow::Context;
use clap::{Arg, ArgAction, ArgMatches, Command};
use contract::Role;
use system::{
    LogLines, Options, Output, Scheme, System,
    mutual::{Certificates, Front},
};

use crate::exit::Usage;

pub(crate) fn command() -> Command {
    Command::new("up")
        .about("Run the whole system on this machine, each role a process, until Ctrl-C")
        .arg(
            Arg::new("host")
                .long("host")
                .value_name("IP")
                .default_value("127.0.0.1")
                .help("Address that the roles listen on"),
        )
        .arg(
            Arg::new("port")
                .long("port")
                .value_name("ROLE=N")
                .action(ArgAction::Append)
                .help("Port of a role, for example b=6052; 0 takes a free one; repeatable"),
        )
        .arg(
            Arg::new("admin-port")
                .long("admin-port")
                .value_name("ROLE=N")
                .action(ArgAction::Append)
                .help("Port of a role's administration endpoint, likewise"),
        )
        .arg(
            Arg::new("free-ports")
                .long("free-ports")
                .action(ArgAction::SetTrue)
                .help("Take free ports wherever none is given, instead of the published ones"),
        )
        .arg(
            Arg::new("config")
                .long("config")
                .value_name("FILE")
                .value_parser(clap::value_parser!(PathBuf))
                .help(
                    "TOML file with a section a role, as for `pspd serve`; its ports are not used",
                ),
        )
        .arg(
            Arg::new("mtls")
                .long("mtls")
                .value_name("DIR")
                .num_args(0..=1)
                .value_parser(clap::value_parser!(PathBuf))
                .help(
                    "TLS on every port, mutual between gateways and services, with certificates \
                     made by `pspd certs DIR`; without DIR, with new ones that go with this run",
                ),
        )
        .arg(
            Arg::new("mtls-front")
                .long("mtls-front")
                .action(ArgAction::SetTrue)
                .requires("mtls")
                .help(
                    "Gateways require a certificate of their clients as well, which a browser \
                     needs then",
                ),
        )
        .arg(
            Arg::new("quiet")
                .long("quiet")
                .short('q')
                .action(ArgAction::SetTrue)
                .help("Print the addresses and what goes wrong, not the roles' log lines"),
        )
}

/// The command line as it was typed.
#[derive(Debug, Default)]
struct Typed {
    host: String,
    ports: Vec<String>,
    admin_ports: Vec<String>,
    free_ports: bool,
    config: Option<PathBuf>,
    mtls: Option<Mtls>,
    quiet: bool,
}

/// Certificates, and who needs them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mtls {
    /// Where they are; `None` for new ones.
    pub(crate) folder: Option<PathBuf>,
    pub(crate) front: Front,
}

/// What is to be started. A port of 0 is a free one.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    pub(crate) host: IpAddr,
    pub(crate) ports: BTreeMap<Role, u16>,
    pub(crate) admin_ports: BTreeMap<Role, u16>,
    pub(crate) config: Option<PathBuf>,
    pub(crate) mtls: Option<Mtls>,
    pub(crate) quiet: bool,
}

impl Plan {
    pub(crate) fn from_matches(matches: &ArgMatches) -> Result<Plan, Usage> {
        let one = |name| matches.get_one::<String>(name).cloned();
        let many = |name| matches.get_many::<String>(name).into_iter().flatten();
        let typed = Typed {
            host: one("host").unwrap_or_default(),
            ports: many("port").cloned().collect(),
            admin_ports: many("admin-port").cloned().collect(),
            free_ports: matches.get_flag("free-ports"),
            config: matches.get_one::<PathBuf>("config").cloned(),
            mtls: matches.contains_id("mtls").then(|| Mtls {
                folder: matches.get_one::<PathBuf>("mtls").cloned(),
                front: match matches.get_flag("mtls-front") {
                    true => Front::Mutual,
                    false => Front::Open,
                },
            }),
            quiet: matches.get_flag("quiet"),
        };
        typed
            .validate()
            .map_err(|problems| Usage::new(problems.join("\n       ")))
    }

    /// How to start it, and the lines that the roles will write.
    pub(crate) fn options(
        &self,
        certificates: Option<&Certificates>,
    ) -> anyhow::Result<(Options, Option<LogLines>)> {
        let executable =
            std::env::current_exe().context("cannot find the file of this very program")?;
        let (output, lines) = if self.quiet {
            (Output::Discard, None)
        } else {
            let (output, lines) = system::channel();
            (output, Some(lines))
        };
        let args = Role::ALL.map(|role| (role, self.flags(role, certificates)));
        let options = Options {
            host: self.host,
            ports: self.ports.clone(),
            admin_ports: self.admin_ports.clone(),
            scheme: match certificates {
                Some(_) => Scheme::Tls,
                None => Scheme::Plain,
            },
            args: args.into(),
            stdout: output.clone(),
            stderr: output,
            ..Options::new(executable)
        };
        Ok((options, lines))
    }

    /// The configuration file, and the forms of the logs: a role writes into a
    /// pipe and cannot know whether a person reads it.
    fn flags(&self, role: Role, certificates: Option<&Certificates>) -> Vec<OsString> {
        let form = |is_terminal| if is_terminal { "human" } else { "json" };
        let mut flags = vec!["--log-format", form(io::stderr().is_terminal())];
        if matches!(role, Role::Gateway | Role::GatewayRest) {
            flags.push("--access-log");
            flags.push(match self.quiet {
                true => "off",
                false => form(io::stdout().is_terminal()),
            });
        }
        let mut flags: Vec<_> = flags.into_iter().map(OsString::from).collect();
        if let Some(file) = &self.config {
            flags.extend([OsString::from("--config"), file.into()]);
        }
        flags.extend(self.encrypted(role, certificates));
        flags
    }

    /// What makes a role use certificates.
    fn encrypted(&self, role: Role, certificates: Option<&Certificates>) -> Vec<OsString> {
        match certificates.zip(self.mtls.as_ref()) {
            Some((certificates, mtls)) => certificates.arguments(role, mtls.front),
            None => Vec::new(),
        }
    }

    /// The command that starts one role of the running system again.
    pub(crate) fn start_again(
        &self,
        system: &System,
        role: Role,
        certificates: Option<&Certificates>,
    ) -> String {
        let program = std::env::args().next().unwrap_or_else(|| "pspd".to_owned());
        let running = system.role(role);
        let mut words = vec![
            program,
            "serve".to_owned(),
            role.name().to_owned(),
            "--host".to_owned(),
            self.host.to_string(),
            "--port".to_owned(),
            running.address().port().to_string(),
        ];
        let admin_port = running.admin_address().port();
        if admin_port != role.admin_port() {
            words.extend(["--admin-port".to_owned(), admin_port.to_string()]);
        }
        let mut flags = system.upstream_flags(role);
        flags.extend(self.encrypted(role, certificates));
        words.extend(flags.iter().map(|flag| flag.to_string_lossy().into_owned()));
        words.join(" ")
    }
}

impl Typed {
    fn validate(&self) -> Result<Plan, Vec<String>> {
        let mut problems = Vec::new();
        let host = self.host.parse::<IpAddr>().map_err(|_| {
            problems.push(format!(
                "--host {}: not an IP address; give one of this machine, for example 127.0.0.1, \
                 or 0.0.0.0 for all",
                self.host
            ));
        });
        let mut ports = |flag, typed, published| {
            self.ports_of_roles(flag, typed, published)
                .unwrap_or_else(|found| {
                    problems.extend(found);
                    BTreeMap::new()
                })
        };
        let plan = (
            ports("--port", &self.ports, Role::port),
            ports("--admin-port", &self.admin_ports, Role::admin_port),
        );
        problems.extend(used_twice(&plan.0, &plan.1));
        match host {
            Ok(host) if problems.is_empty() => Ok(Plan {
                host,
                ports: plan.0,
                admin_ports: plan.1,
                config: self.config.clone(),
                mtls: self.mtls.clone(),
                quiet: self.quiet,
            }),
            _ => Err(problems),
        }
    }

    fn ports_of_roles(
        &self,
        flag: &str,
        typed: &[String],
        published: fn(Role) -> u16,
    ) -> Result<BTreeMap<Role, u16>, Vec<String>> {
        let mut given = BTreeMap::new();
        let mut problems = Vec::new();
        for text in typed {
            match role_and_port(text) {
                Ok((role, port)) => {
                    if given.insert(role, port).is_some() {
                        problems.push(format!(
                            "{flag} {text}: role {role} was given a port before"
                        ));
                    }
                }
                Err(reason) => problems.push(format!("{flag} {text}: {reason}")),
            }
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        let otherwise = |role| if self.free_ports { 0 } else { published(role) };
        Ok(Role::ALL
            .map(|role| {
                (
                    role,
                    given.get(&role).copied().unwrap_or_else(|| otherwise(role)),
                )
            })
            .into())
    }
}

fn role_and_port(text: &str) -> Result<(Role, u16), String> {
    let Some((role, port)) = text.split_once('=') else {
        return Err("expected ROLE=N, for example b=6052".to_owned());
    };
    let role = role.parse::<Role>().map_err(|error| error.to_string())?;
    let port = port
        .parse()
        .map_err(|_| format!("{port:?} is no port; give 1 to 65535, or 0 for a free one"))?;
    Ok((role, port))
}

/// Two listeners on one port number would be confusing even on two addresses.
fn used_twice(ports: &BTreeMap<Role, u16>, admin_ports: &BTreeMap<Role, u16>) -> Vec<String> {
    let own = ports
        .iter()
        .map(|(role, port)| (*port, format!("role {role}")));
    let admin = admin_ports
        .iter()
        .map(|(role, port)| (*port, format!("the administration of role {role}")));
    let mut users = BTreeMap::<u16, Vec<String>>::new();
    for (port, user) in own.chain(admin).filter(|(port, _)| *port != 0) {
        users.entry(port).or_default().push(user);
    }
    users
        .into_iter()
        .filter(|(_, users)| users.len() > 1)
        .map(|(port, users)| {
            format!(
                "port {port} is given to {}; choose another with --port or --admin-port",
                users.join(" and ")
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(ports: &[&str]) -> Typed {
        Typed {
            host: "127.0.0.1".to_owned(),
            ports: ports.iter().map(ToString::to_string).collect(),
            ..Typed::default()
        }
    }

    #[test]
    fn published_ports_unless_others_are_chosen() {
        let plan = typed(&["b=6052", "gateway=0"]).validate().expect("valid");
        let ports: Vec<_> = plan.ports.into_values().collect();
        assert_eq!(ports, [50051, 6052, 50061, 50062, 0, 8081]);
        let admin_ports: Vec<_> = plan.admin_ports.into_values().collect();
        assert_eq!(admin_ports, [9101, 9102, 9111, 9112, 9180, 9181]);
    }

    #[test]
    fn free_ports_leave_what_was_chosen() {
        let typed = Typed {
            free_ports: true,
            ..typed(&["b=6052"])
        };
        let plan = typed.validate().expect("valid");
        let ports: Vec<_> = plan.ports.into_values().collect();
        assert_eq!(ports, [0, 6052, 0, 0, 0, 0]);
        assert!(plan.admin_ports.into_values().all(|port| port == 0));
    }

    #[test]
    fn all_that_is_wrong_is_said_at_once() {
        let typed = Typed {
            host: "localhost".to_owned(),
            admin_ports: vec!["a".to_owned()],
            ..typed(&["c=1", "b=70000", "a=5", "a=6"])
        };
        let problems = typed.validate().expect_err("five mistakes");
        assert_eq!(
            problems,
            [
                "--host localhost: not an IP address; give one of this machine, for example \
                 127.0.0.1, or 0.0.0.0 for all",
                "--port c=1: no role is called \"c\"; use one of a, b, a-rest, b-rest, gateway, \
                 gateway-rest",
                "--port b=70000: \"70000\" is no port; give 1 to 65535, or 0 for a free one",
                "--port a=6: role a was given a port before",
                "--admin-port a: expected ROLE=N, for example b=6052",
            ]
        );
    }

    #[test]
    fn one_port_for_two_is_refused() {
        let problems = typed(&["a=9180"]).validate().expect_err("used twice");
        assert_eq!(
            problems,
            [
                "port 9180 is given to role a and the administration of role gateway; \
              choose another with --port or --admin-port"
            ]
        );
    }
}
