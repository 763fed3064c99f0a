//! Names that lead to other addresses from one moment to the next. Nobody's call fails,
//! and nothing is left of what is gone.

use std::{
    fs,
    net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener},
    path::PathBuf,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    thread,
};

use testkit::{Process, http, low_port, until};

use super::{Shop, gateway_of, get, refuse, sell};
use crate::grpc_peer::{Call, Peer, framed_bytes};

const CLIENTS: usize = 4;

/// A file of hosts, with the addresses 127.0.0.N of `shop.test`.
struct Hosts {
    _folder: tempfile::TempDir,
    path: PathBuf,
}

impl Hosts {
    fn of(numbers: &[u8]) -> Hosts {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("hosts");
        let hosts = Hosts {
            _folder: folder,
            path,
        };
        hosts.set(numbers);
        hosts
    }

    /// Replaces it at once, so that nobody reads half of it.
    fn set(&self, numbers: &[u8]) {
        let line = |number: &u8| format!("127.0.0.{number} shop.test\n");
        let text: String = numbers.iter().map(line).collect();
        let beside = self.path.with_extension("new");
        fs::write(&beside, text).expect("a file");
        fs::rename(&beside, &self.path).expect("replaced");
    }
}

/// A port that is free at all of these addresses.
fn port(numbers: &[u8]) -> u16 {
    until("a port that is free everywhere", || {
        let port = low_port();
        let free =
            |number: &u8| TcpListener::bind((Ipv4Addr::new(127, 0, 0, *number), port)).is_ok();
        numbers.iter().all(free).then_some(port)
    })
}

fn shop(number: u8, port: u16) -> Shop {
    let address = SocketAddr::from(([127, 0, 0, number], port));
    let peer = Peer::at(address, u32::MAX);
    Shop::with_health(
        peer,
        |call| refuse(call, "12"),
        |call| match call.request.uri.path() {
            "/shop.v1.Shop/ListItems" => {
                call.send_head();
                call.send_value(1);
                call.hold();
            }
            _ => sell(call),
        },
    )
}

fn start(hosts: &Hosts, port: u16) -> Process {
    let path = &hosts.path;
    let keys = format!(
        "address = \"shop.test:{port}\"\nhosts = {path:?}\nresolve-every = \"100ms\"\n\
         balance = \"round-robin\""
    );
    gateway_of(&keys, &[])
}

/// Waits until exactly those get calls.
#[track_caller]
fn wait_for(gateway: &Process, shops: &[Shop], expected: &[bool]) {
    until("only those to be called that the name leads to", || {
        let before: Vec<_> = shops.iter().map(Shop::calls).collect();
        for _ in 0..10 {
            assert_eq!(get(gateway).status(), 200);
        }
        let called = shops.iter().zip(before);
        let called: Vec<_> = called.map(|(shop, before)| shop.calls() > before).collect();
        (called == expected).then_some(())
    });
}

#[test]
fn addresses_change_under_load_and_no_call_fails() {
    let port = port(&[1, 2, 3]);
    let shops = [1, 2, 3].map(|number| shop(number, port));
    let hosts = Hosts::of(&[1, 2]);
    let gateway = start(&hosts, port);
    let (over, asked) = (AtomicBool::new(false), AtomicUsize::new(0));
    thread::scope(|scope| {
        for _ in 0..CLIENTS {
            scope.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    assert_eq!(get(&gateway).status(), 200);
                    asked.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        let _over = Over(&over);
        for (numbers, open) in [
            (&[2, 3][..], [false, true, true]),
            (&[3], [false, false, true]),
            (&[1], [true, false, false]),
            (&[1, 2, 3], [true, true, true]),
            (&[2], [false, true, false]),
        ] {
            hosts.set(numbers);
            until(
                "connections to those that the name leads to, and no others",
                || {
                    let seen = shops
                        .each_ref()
                        .map(|shop| shop.service.open_connections() > 0);
                    (seen == open).then_some(())
                },
            );
        }
    });
    let asked = asked.load(Ordering::Relaxed);
    println!("{asked} calls");
    assert!(shops.iter().all(|shop| shop.calls() > 0));
    // A name that leads nowhere, or a file that is gone, changes nothing.
    hosts.set(&[]);
    wait_for(&gateway, &shops, &[false, true, false]);
    fs::remove_file(&hosts.path).expect("removed");
    wait_for(&gateway, &shops, &[false, true, false]);
}

/// Says at the end of a scope, also when a test fails in it, that it is over.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// A call that an address had when it vanished goes on to its end, and so does its
/// connection.
#[test]
fn calls_go_on_where_they_are() {
    let port = port(&[1, 2]);
    let first = Peer::at(SocketAddr::from(([127, 0, 0, 1], port)), u32::MAX);
    let second = shop(2, port);
    let hosts = Hosts::of(&[1]);
    let path = &hosts.path;
    let gateway = gateway_of(
        &format!(
            "address = \"shop.test:{port}\"\nhosts = {path:?}\nresolve-every = \"100ms\"\n\
             health = \"off\""
        ),
        &[],
    );
    let headers = [("Accept", "application/x-ndjson")];
    let mut client = http::Connection::open(gateway.address()).expect("a connection");
    client
        .send_request("GET", "/items", &headers, b"")
        .expect("sent");
    let call = first.next_call();
    call.send_head();
    call.send_value(1);
    hosts.set(&[2]);
    until("the other one to be called", || {
        // One that has not been told yet is answered by the first one's test.
        let answered = second.calls();
        let asked = thread::scope(|scope| {
            let asked = scope.spawn(|| get(&gateway).status());
            until("an answer", || {
                if let Some(call) = first.try_call() {
                    sell(&call);
                }
                asked.is_finished().then_some(())
            });
            asked.join().expect("an answer")
        });
        assert_eq!(asked, 200);
        (second.calls() > answered).then_some(())
    });
    call.send_value(2);
    call.end();
    let answer = client.read_response("GET").expect("an answer");
    assert_eq!(answer.text(), "{\"number\":1}\n{\"number\":2}\n");
    until("its connections to be closed", || {
        (first.open_connections() == 0).then_some(())
    });
}

/// An endpoint that vanishes with nothing but its watched health is let go.
#[test]
fn nobody_stays_connected_to_what_is_gone() {
    let port = port(&[1, 2]);
    let watched = [1, 2].map(|number| {
        let address = SocketAddr::from(([127, 0, 0, number], port));
        let serving = |call: &Call| {
            call.send_head();
            call.send_bytes(framed_bytes(&[8, 1]));
            call.hold();
        };
        Shop::with_health(Peer::at(address, u32::MAX), serving, sell)
    });
    let hosts = Hosts::of(&[1, 2]);
    let gateway = start(&hosts, port);
    wait_for(&gateway, &watched, &[true, true]);
    hosts.set(&[2]);
    until("its connections to be closed", || {
        (watched[0].service.open_connections() == 0).then_some(())
    });
    wait_for(&gateway, &watched, &[false, true]);
}

/// One that was put aside and has vanished since makes room for another: two of them are
/// half of two endpoints, and no more than half may be put aside.
#[test]
fn what_is_gone_is_not_put_aside() {
    let port = port(&[1, 2, 3]);
    let failing = |number: u8| {
        let address = SocketAddr::from(([127, 0, 0, number], port));
        let unimplemented = |call: &Call| refuse(call, "12");
        let unavailable = |call: &Call| refuse(call, "14");
        Shop::with_health(Peer::at(address, u32::MAX), unimplemented, unavailable)
    };
    let (first, well, second) = (failing(1), shop(2, port), failing(3));
    let hosts = Hosts::of(&[1, 2]);
    let path = &hosts.path;
    let gateway = gateway_of(
        &format!(
            "address = \"shop.test:{port}\"\nhosts = {path:?}\nresolve-every = \"100ms\"\n\
             balance = \"round-robin\"\nhealth = \"off\"\n\
             ejection = {{ consecutive = 3, for = \"1h\", for-max = \"1h\" }}"
        ),
        &[],
    );
    wait_for_ejection(&gateway, 1);
    hosts.set(&[2, 3]);
    wait_for_ejection(&gateway, 3);
    let before = [first.calls(), second.calls(), well.calls()];
    for _ in 0..20 {
        assert_eq!(get(&gateway).status(), 200);
    }
    let after = [first.calls(), second.calls(), well.calls()];
    assert_eq!(after, [before[0], before[1], before[2] + 20]);
}

#[track_caller]
fn wait_for_ejection(gateway: &Process, number: u8) {
    until("the log to say that it was put aside", || {
        get(gateway);
        let address = format!("127.0.0.{number}:");
        let lines = gateway.last_lines();
        let mut put_aside = lines.iter().filter(|line| line.contains("put aside"));
        put_aside.any(|line| line.contains(&address)).then_some(())
    });
}

/// A name that the system knows by its own file of hosts, wherever that leads to on
/// this machine.
#[test]
fn the_system_is_asked_for_names() {
    let hosts = fs::read_to_string("/etc/hosts").unwrap_or_default();
    let known = hosts.lines().find_map(|line| {
        let mut words = line.split_whitespace();
        let ip: IpAddr = words.next()?.parse().ok()?;
        let name = words.find(|name| !name.starts_with("localhost"))?;
        let here = TcpListener::bind((ip, low_port()))
            .ok()?
            .local_addr()
            .ok()?;
        Some((name.to_owned(), here))
    });
    let Some((name, here)) = known else {
        println!("not run: /etc/hosts has no name but localhost");
        return;
    };
    let peer = Peer::at(here, u32::MAX);
    let _shop = Shop::with_health(peer, |call| refuse(call, "12"), sell);
    let gateway = gateway_of(&format!("address = \"{name}:{}\"", here.port()), &[]);
    for _ in 0..10 {
        assert_eq!(get(&gateway).status(), 200);
    }
}

#[test]
fn a_name_that_leads_nowhere_is_told() {
    let hosts = Hosts::of(&[]);
    let gateway = start(&hosts, 1);
    let answer = get(&gateway);
    assert_eq!(answer.status(), 503, "{}", answer.text());
    until("the log to say why", || {
        let log = gateway.last_lines().join("\n");
        log.contains("cannot look up shop.test:1").then_some(())
    });
}
