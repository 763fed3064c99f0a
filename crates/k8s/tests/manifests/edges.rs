//! Who may talk to whom, as the policies say it, and as docs/kubernetes.md does. Of policies
//! only what ours use is understood; anything else fails the test.

use std::collections::BTreeSet;

use serde_json::{Value, json};

/// A client, a server and a port.
pub(crate) type Edge = (String, String, String);

const PAGE: &str = include_str!("../../../../docs/kubernetes.md");

/// The rows of the page's table that hold with these components.
pub(crate) fn documented(names: &str) -> BTreeSet<Edge> {
    let rows = PAGE
        .split_once("| from | to | port | with |")
        .expect("the table")
        .1;
    let rows = rows
        .lines()
        .skip(2)
        .take_while(|line| line.starts_with('|'));
    let rows = rows.map(|row| {
        let cells: Vec<_> = row.trim_matches('|').split('|').map(str::trim).collect();
        let [from, to, port, with] = cells[..] else {
            unreachable!("four cells: {row}");
        };
        (edge(from, to, port), with.to_owned())
    });
    let has = |name: &str| names.split(',').any(|chosen| chosen == name);
    rows.filter(|(_, with)| match with.split_once(" without ") {
        Some((with, without)) => has(with) && !has(without),
        None => with == "always" || has(with),
    })
    .map(|(edge, _)| edge)
    .collect()
}

fn edge(from: &str, to: &str, port: &str) -> Edge {
    (from.to_owned(), to.to_owned(), port.to_owned())
}

/// What the policies allow, on both sides: an edge within the namespace counts if the client
/// may go out and the server may be reached.
pub(crate) fn allowed(documents: &[Value]) -> BTreeSet<Edge> {
    let policies = || {
        documents
            .iter()
            .filter(|one| one["kind"] == "NetworkPolicy")
    };
    let (mut incoming, mut outgoing) = (BTreeSet::new(), BTreeSet::new());
    for policy in policies() {
        let spec = &policy["spec"];
        for own in names(&spec["podSelector"]) {
            for rule in list(&spec["ingress"]) {
                for (peer, port) in peers(&rule["from"], &rule["ports"]) {
                    incoming.insert(edge(&peer, &own, &port));
                }
            }
            for rule in list(&spec["egress"]) {
                for (peer, port) in peers(&rule["to"], &rule["ports"]) {
                    outgoing.insert(edge(&own, &peer, &port));
                }
            }
        }
    }
    let outside = |name: &str| name.starts_with("namespaces ") || name.starts_with("address ");
    let mut edges = BTreeSet::new();
    for one in &incoming {
        if outside(&one.0) || outgoing.contains(one) {
            edges.insert(one.clone());
        }
    }
    edges.extend(outgoing.into_iter().filter(|one| outside(&one.1)));
    edges
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn peers(peers: &Value, ports: &Value) -> Vec<(String, String)> {
    // No list at all is everybody, and no ports are all of them.
    let everybody = vec!["namespaces all".to_owned()];
    let peers = match peers.as_array() {
        None => everybody,
        Some(peers) => peers.iter().flat_map(peer).collect(),
    };
    let every = [Value::Null];
    let ports = ports.as_array().map_or(&every[..], Vec::as_slice);
    let pairs = peers.iter().flat_map(|peer| {
        let port = |port: &Value| {
            only(port, &["port", "protocol"]);
            let protocol = port["protocol"].as_str().filter(|name| *name != "TCP");
            let number = port["port"].to_string().replace('"', "");
            protocol.map_or(number.clone(), |name| format!("{number}/{name}"))
        };
        ports.iter().map(move |one| (peer.clone(), port(one)))
    });
    pairs.collect()
}

/// Fails when there is more than is understood.
#[track_caller]
fn only(value: &Value, known: &[&str]) {
    let keys = value
        .as_object()
        .into_iter()
        .flat_map(serde_json::Map::keys);
    for key in keys {
        assert!(
            known.contains(&key.as_str()),
            "{key} is not understood: {value}"
        );
    }
}

fn peer(peer: &Value) -> Vec<String> {
    let kinds = peer.as_object().map_or(0, serde_json::Map::len);
    assert_eq!(kinds, 1, "one kind of selector is understood: {peer}");
    only(peer, &["ipBlock", "namespaceSelector", "podSelector"]);
    only(&peer["ipBlock"], &["cidr"]);
    only(&peer["namespaceSelector"], &["matchLabels"]);
    if let Some(block) = peer["ipBlock"]["cidr"].as_str() {
        return vec![format!("address {block}")];
    }
    match peer["namespaceSelector"]["matchLabels"].as_object() {
        Some(labels) => labels
            .iter()
            .map(|(key, value)| format!("namespaces {key}={}", value.as_str().unwrap_or("-")))
            .collect(),
        None => names(&peer["podSelector"]),
    }
}

/// The pods that a selector means, by their label `app`; `every pod` is all of them.
fn names(selector: &Value) -> Vec<String> {
    only(selector, &["matchLabels", "matchExpressions"]);
    let kinds = selector.as_object().map_or(0, serde_json::Map::len);
    assert!(kinds <= 1, "one kind of selector is understood: {selector}");
    if let Some(app) = selector["matchLabels"]["app"].as_str() {
        return vec![app.to_owned()];
    }
    if let [expression] = list(&selector["matchExpressions"]) {
        assert_eq!(expression["operator"], "In", "{selector}");
        assert_eq!(expression["key"], "app", "{selector}");
        let values = list(&expression["values"]).iter();
        return values
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect();
    }
    let everybody = [
        Value::Null,
        json!({}),
        json!({ "matchLabels": { "app.kubernetes.io/part-of": "pspd" } }),
    ];
    assert!(everybody.contains(selector), "not understood: {selector}");
    vec!["every pod".to_owned()]
}
