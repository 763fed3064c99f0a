//! What is measured: the targets of an experiment, and whether their requests fit
//! them. In: an experiment; out: its targets, understood, and what is wrong.

use std::{collections::BTreeSet, time::Duration};

use load::MESSAGES_MAX;
use results::{Experiment, Request, Schema, Target};

use super::{Planned, Problems, Scheme, Subject, against};

const TARGETS_MAX: usize = 16;
const REQUESTS_MAX: usize = 100;

pub(super) fn read_targets(experiment: &Experiment, problems: &mut Problems) -> Vec<Planned> {
    let mut targets: Vec<Planned> = Vec::new();
    for target in &experiment.targets {
        let planned = match read_target(target) {
            Ok(planned) => planned,
            Err(wrong) => {
                problems.add("targets (--against)", &target.name, wrong.reason, wrong.fix);
                continue;
            }
        };
        if targets.iter().any(|known| known.name == planned.name) {
            problems.add(
                "targets (--against)",
                &target.name,
                "the name is taken",
                "choose another",
            );
            continue;
        }
        check_requests(experiment, target, &planned, problems);
        targets.push(planned);
    }
    if experiment.targets.is_empty() {
        problems.add(
            "targets",
            "",
            "nothing is left to measure",
            "name a running system with --against NAME=URL",
        );
    }
    if targets.len() > TARGETS_MAX {
        let count = targets.len().to_string();
        problems.add(
            "targets",
            &count,
            "so many are too many",
            format!("give at most {TARGETS_MAX}"),
        );
    }
    targets
}

fn read_target(target: &Target) -> Result<Planned, against::Wrong> {
    against::check_name("name", &target.name)?;
    against::check_processes(&target.processes)?;
    let subject = match (target.chain, &target.url) {
        (Some(chain), None) => Subject::Own(chain),
        (None, Some(url)) => Subject::Running(against::read_url(url)?),
        (Some(_), Some(_)) => {
            return Err(against::Wrong::new(
                "it has a chain and a url",
                "give one of the two",
            ));
        }
        (None, None) => {
            return Err(against::Wrong::new(
                "it has neither chain nor url",
                "give chain = \"grpc\" or \"rest\" for a chain of our own, or the url of a running system",
            ));
        }
    };
    let is_encrypted = match &subject {
        Subject::Running(endpoint) => endpoint.scheme.is_encrypted(),
        Subject::Own(_) => false,
    };
    match (is_encrypted, &target.tls) {
        (true, None) => {
            return Err(against::Wrong::new(
                "it is called over TLS, and whom to trust is not said",
                "give the authority's file: --tls-ca FILE, or tls = { ca = \"FILE\" }",
            ));
        }
        (false, Some(_)) => {
            return Err(against::Wrong::new(
                "it has files of TLS, and is not called over it",
                "give an https:// or grpcs:// URL, or leave tls out",
            ));
        }
        (true, Some(_)) | (false, None) => {}
    }
    if !target.processes.is_empty() && target.chain.is_some() {
        return Err(against::Wrong::new(
            "the processes of a chain of our own are known",
            "leave processes out",
        ));
    }
    if let Some(Schema::Proto { files, .. }) = &target.schema
        && files.is_empty()
    {
        return Err(against::Wrong::new(
            "its schema names no .proto file",
            "name one",
        ));
    }
    Ok(Planned {
        name: target.name.clone(),
        subject,
    })
}

fn check_requests(
    experiment: &Experiment,
    target: &Target,
    planned: &Planned,
    problems: &mut Problems,
) {
    let requests = experiment.requests_of(target);
    let scheme = match &planned.subject {
        Subject::Own(_) => Scheme::Http,
        Subject::Running(endpoint) => endpoint.scheme,
    };
    if requests.is_empty() || requests.len() > REQUESTS_MAX {
        let reason = format!("{} has {} requests", target.name, requests.len());
        problems.add("requests", "", reason, format!("give 1 to {REQUESTS_MAX}"));
    }
    let mut names = BTreeSet::new();
    for request in requests {
        let checked = check_request(request, scheme)
            .and_then(|()| check_messages(request, experiment.request_timeout));
        if let Err(wrong) = checked {
            let reason = format!("{} (for target {})", wrong.reason, target.name);
            problems.add(
                "requests (--request, --call)",
                &request.name,
                reason,
                wrong.fix,
            );
        }
        if !names.insert(&request.name) {
            let fix = "name them, for example first=GET /a";
            problems.add(
                "requests (--request, --call)",
                &request.name,
                "the name is there twice",
                fix,
            );
        }
    }
}

fn check_request(request: &Request, scheme: Scheme) -> Result<(), against::Wrong> {
    against::check_name("name", &request.name)?;
    match (scheme.inside(), &request.http, &request.grpc) {
        (Scheme::Http, Some(http), None) => {
            // What the load generator would refuse is a problem now.
            crate::target::http_request(request, http, "localhost", "")
                .map(drop)
                .map_err(|reason| {
                    against::Wrong::new(
                        reason,
                        "the form is METHOD /PATH, for example GET /a/hello?name=pspd",
                    )
                })
        }
        (Scheme::Grpc, None, Some(_)) => Ok(()),
        (_, Some(_), Some(_)) | (_, None, None) => Err(against::Wrong::new(
            "it has not exactly one of http and grpc",
            "give one of the two",
        )),
        (_, Some(_), None) => Err(against::Wrong::new(
            "a grpc:// target takes no HTTP request",
            "give the target calls of its own: --call SERVICE/METHOD, or grpc = \"SERVICE/METHOD\"",
        )),
        (_, None, Some(_)) => Err(against::Wrong::new(
            "an http:// target takes no gRPC call",
            "give the target requests of its own: --request 'GET /PATH', or http = \"GET /PATH\"",
        )),
    }
}

/// Whether the messages of a call can be sent within its time.
fn check_messages(request: &Request, timeout: Duration) -> Result<(), against::Wrong> {
    let (messages, every) = (request.messages, request.every);
    if request.http.is_some() && (messages.is_some() || every.is_some()) {
        return Err(against::Wrong::new(
            "an HTTP request sends one body",
            "leave messages and every out",
        ));
    }
    let messages = messages.unwrap_or(1);
    if messages == 0 || messages > MESSAGES_MAX {
        return Err(against::Wrong::new(
            format!("{messages} messages a call"),
            format!("give 1 to {MESSAGES_MAX}"),
        ));
    }
    let last = every.unwrap_or_default().saturating_mul(messages - 1);
    if last >= timeout {
        return Err(against::Wrong::new(
            format!(
                "its last message is due {last:?} after the first, and calls end after {timeout:?}"
            ),
            "send fewer or faster, or raise request-timeout",
        ));
    }
    Ok(())
}
