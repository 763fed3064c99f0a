//! What is made again and what is not, at every moment at which a call can fail. The
//! arrivals are counted: a purchase that is made twice is worse than one that fails.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use contract::pspd::NumberReply;
use h2::Reason;
use testkit::{Process, http::Response, until};

use super::{NOBODY, Shop, buy, gateway, get, refuse, refuse_with, sell};
use crate::{
    grpc_peer::{Peer, framed},
    raw_peer::{
        DATA, END_HEADERS, END_STREAM, GO_AWAY, HEADERS, RST_STREAM, RawPeer, Script, Then, fields,
        frame,
    },
    rpc::call::{Caller, EMPTY},
};

const GET_ITEM: &str = "/shop.v1.Shop/GetItem";
const LIST_ITEMS: &str = "/shop.v1.Shop/ListItems";
/// With the first one.
const ATTEMPTS_MAX: usize = 3;

/// Repeats what its description allows, and all codes and methods.
const IDEMPOTENT: &str = "retry = { attempts = 3, back-off = \"1ms\" }";
const ALL: &str = "retry = { attempts = 3, back-off = \"1ms\", methods = [\"*\"] }";

fn head(stream: u32) -> Vec<u8> {
    let fields = fields(&[(":status", "200"), ("content-type", "application/grpc")]);
    frame(HEADERS, END_HEADERS, stream, &fields)
}

fn message(stream: u32) -> Vec<u8> {
    frame(DATA, 0, stream, &framed(&NumberReply { value: 1 }))
}

fn end(stream: u32, code: &str) -> Vec<u8> {
    let fields = fields(&[("grpc-status", code)]);
    frame(HEADERS, END_HEADERS | END_STREAM, stream, &fields)
}

fn only_head(stream: u32, code: &str) -> Vec<u8> {
    let fields = fields(&[
        (":status", "200"),
        ("content-type", "application/grpc"),
        ("grpc-status", code),
    ]);
    frame(HEADERS, END_HEADERS | END_STREAM, stream, &fields)
}

fn reset(stream: u32, code: u32) -> Vec<u8> {
    frame(RST_STREAM, 0, stream, &code.to_be_bytes())
}

fn go_away(last: u32, code: u32) -> Vec<u8> {
    let payload = [last.to_be_bytes(), code.to_be_bytes()].concat();
    frame(GO_AWAY, 0, 0, &payload)
}

fn whole(stream: u32) -> Vec<u8> {
    [head(stream), message(stream), end(stream, "0")].concat()
}

/// When a call that failed like this may be made again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Repeated {
    /// The service did not begin it.
    Always,
    /// It may have begun; the failure is one that a policy names.
    ByPolicy,
    Never,
}

/// A moment at which a call fails: what the service sends, and what happens then.
type Moment = (&'static str, Repeated, fn(u32) -> Vec<u8>, Then);

fn moments() -> Vec<Moment> {
    use Repeated::{Always, ByPolicy, Never};
    let mut moments: Vec<Moment> = vec![
        ("refused", Always, |s| reset(s, 7), Then::Stay),
        ("goodbye before it", Always, |_| go_away(0, 0), Then::Close),
        ("goodbye after it", ByPolicy, |s| go_away(s, 0), Then::Close),
        (
            "gone after the request",
            ByPolicy,
            |_| Vec::new(),
            Then::Close,
        ),
        ("reset by TCP", ByPolicy, |_| Vec::new(), Then::Reset),
        (
            "unavailable at once",
            ByPolicy,
            |s| only_head(s, "14"),
            Then::Stay,
        ),
        ("another status", Never, |s| only_head(s, "13"), Then::Stay),
        ("gone after the head", Never, head, Then::Close),
        (
            "unavailable after the head",
            Never,
            |s| [head(s), end(s, "14")].concat(),
            Then::Stay,
        ),
        (
            "refused after the head",
            Never,
            |s| [head(s), reset(s, 7)].concat(),
            Then::Stay,
        ),
        (
            "gone after a message",
            Never,
            |s| [head(s), message(s)].concat(),
            Then::Close,
        ),
        (
            "without trailers",
            Never,
            |s| [head(s), message(s), frame(DATA, END_STREAM, s, &[])].concat(),
            Then::Stay,
        ),
    ];
    // NO_ERROR to INADEQUATE_SECURITY: whatever the reason, it may have begun.
    let resets: [fn(u32) -> Vec<u8>; 8] = [
        |s| reset(s, 0),
        |s| reset(s, 1),
        |s| reset(s, 2),
        |s| reset(s, 3),
        |s| reset(s, 5),
        |s| reset(s, 8),
        |s| reset(s, 11),
        |s| reset(s, 12),
    ];
    moments.extend(resets.map(|frames| ("reset", Never, frames, Then::Stay)));
    moments
}

/// Makes a call; what was answered, unless it went well.
type Ask = fn(&Process) -> Result<(), String>;

const GET: Ask = |gateway| well(&get(gateway));
const BUY: Ask = |gateway| well(&buy(gateway));
/// gRPC, passed through.
const PASS: Ask = |gateway| {
    let caller = Caller::connect(gateway.address());
    let answer = caller.answer(caller.ask(GET_ITEM, &[]));
    match answer.status() {
        "0" => Ok(()),
        _ => Err(format!("{answer:?}")),
    }
};

fn well(answer: &Response) -> Result<(), String> {
    match answer.status() {
        200 => Ok(()),
        _ => Err(answer.text()),
    }
}

#[test]
fn nothing_is_repeated_that_may_not_be() {
    for (keys, idempotent, others) in [
        ("", false, false),
        (IDEMPOTENT, true, false),
        (ALL, true, true),
    ] {
        // What is passed through is not repeated by any policy.
        let asks: [(&str, Ask, bool); 3] = [
            ("get", GET, idempotent),
            ("buy", BUY, others),
            ("pass", PASS, false),
        ];
        let peer = RawPeer::start(Script::new(whole, Then::Stay));
        let gateway = gateway(&[peer.address()], keys, &["--upstream-connections", "8"]);
        for (name, ask, by_policy) in asks {
            for (moment, repeated, frames, then) in moments() {
                let what = format!("{keys:?}, {name}, {moment}");
                let first = peer.calls() + 1;
                let then = then.clone();
                peer.follow(Script::by_call(move |call, stream| match call == first {
                    true => (frames(stream), then.clone()),
                    false => (whole(stream), Then::Stay),
                }));
                let answer = ask(&gateway);
                let again = match repeated {
                    Repeated::Always => true,
                    Repeated::ByPolicy => by_policy,
                    Repeated::Never => false,
                };
                let calls = peer.calls() + 1 - first;
                // The gateway may find only now that the connection before was closed,
                // and such a call never came here.
                assert_eq!(calls, if again { 2 } else { 1 }, "{what}");
                assert_eq!(answer.is_ok(), again, "{what}: {answer:?}");
            }
        }
    }
}

#[test]
fn what_is_always_refused_is_given_up() {
    let peer = RawPeer::start(Script::new(|stream| reset(stream, 7), Then::Stay));
    let gateway = gateway(&[peer.address()], "", &[]);
    for (name, ask) in [("get", GET), ("buy", BUY), ("pass", PASS)] {
        let before = peer.calls();
        ask(&gateway).expect_err(name);
        assert_eq!(peer.calls() - before, ATTEMPTS_MAX, "{name}");
    }
}

/// Nothing speaks for the one that takes calls but that the other has refused.
#[test]
fn what_is_refused_is_begun_elsewhere() {
    let refusing = RawPeer::start(Script::new(|stream| reset(stream, 7), Then::Stay));
    let taking = Shop::start(|call| match call.request.uri.path() {
        LIST_ITEMS => {
            call.send_head();
            call.send_value(1);
            call.hold();
        }
        _ => sell(call),
    });
    let keys = "balance = \"least-loaded\"\nhealth = \"off\"";
    let gateway = gateway(&[refusing.address(), taking.address], keys, &[]);
    until("both to be connected", || {
        let before = (refusing.calls(), taking.calls());
        GET(&gateway).ok()?;
        (before.0 < refusing.calls() && before.1 < taking.calls()).then_some(())
    });
    // It is the busier one from here on.
    let caller = Caller::connect(gateway.address());
    let list = caller.head(caller.ask(LIST_ITEMS, &[]));
    for (name, ask) in [("get", GET), ("buy", BUY), ("pass", PASS)] {
        let before = (refusing.calls(), taking.calls());
        for _ in 0..20 {
            ask(&gateway).expect(name);
        }
        let made = (refusing.calls() - before.0, taking.calls() - before.1);
        assert_eq!(made, (20, 20), "{name}");
    }
    drop(list);
}

/// What of it was sent cannot be sent again.
#[test]
fn a_call_of_which_more_follows_is_not_begun_again() {
    let peer = Peer::start();
    let gateway = gateway(&[peer.address()], "", &[]);
    let caller = Caller::connect(gateway.address());
    for begun in [
        caller.begin(GET_ITEM, &[]),
        caller.say(GET_ITEM, &[], EMPTY),
    ] {
        peer.next_call().reset(Reason::REFUSED_STREAM);
        assert_eq!(caller.answer(begun).status(), "14");
    }
    assert!(!peer.has_call(), "one came again");
}

/// The same where the service is elsewhere as well.
#[test]
fn another_endpoint_is_asked_when_there_is_one() {
    let bad = Shop::start(|call| refuse(call, "14"));
    let good = Shop::start(sell);
    let keys = format!("{ALL}\nhealth = \"off\"\nejection = {{ share-max = 0 }}");
    let gateway = gateway(&[bad.address, NOBODY, good.address], &keys, &[]);
    until("both to be connected", || {
        buy(&gateway);
        (good.calls() > 0 && bad.calls() > 0).then_some(())
    });
    let before = [good.calls(), bad.calls()];
    for _ in 0..20 {
        assert_eq!(buy(&gateway).status(), 200);
    }
    assert_eq!(good.calls() - before[0], 20);
    assert!(
        (1..=20).contains(&(bad.calls() - before[1])),
        "{}",
        bad.calls()
    );
}

#[test]
fn attempts_are_counted_and_told() {
    let seen = Arc::<Mutex<Vec<Option<String>>>>::default();
    let noted = Arc::clone(&seen);
    let shop = Shop::start(move |call| {
        let previous = call.request.headers.get("grpc-previous-rpc-attempts");
        let previous = previous.map(|value| value.to_str().expect("text").to_owned());
        noted
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(previous);
        refuse(call, "14");
    });
    let gateway = gateway(&[shop.address], ALL, &[]);
    let answer = buy(&gateway);
    assert_eq!(answer.status(), 503, "{}", answer.text());
    assert_eq!(answer.json()["code"], 14);
    let seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
    assert_eq!(*seen, [None, Some("1".to_owned()), Some("2".to_owned())]);
}

#[test]
fn a_service_says_when_it_may_be_asked_again() {
    let shop = Shop::start(|call| {
        let previous = call.request.headers.get("grpc-previous-rpc-attempts");
        match (call.request.uri.path(), previous) {
            (_, Some(_)) => sell(call),
            ("/shop.v1.Shop/GetItem", None) => refuse_with(
                call,
                &[("grpc-status", "14"), ("grpc-retry-pushback-ms", "300")],
            ),
            _ => refuse_with(
                call,
                &[("grpc-status", "14"), ("grpc-retry-pushback-ms", "-1")],
            ),
        }
    });
    let gateway = gateway(&[shop.address], ALL, &[]);
    let asked = Instant::now();
    assert_eq!(get(&gateway).status(), 200);
    assert!(asked.elapsed() >= Duration::from_millis(300), "too soon");
    assert_eq!(shop.calls(), 2);
    assert_eq!(buy(&gateway).status(), 503);
    assert_eq!(shop.calls(), 3);
}

/// Retries end when most calls fail, so that they do not make it worse.
#[test]
fn the_budget_ends() {
    const CALLS: usize = 30;
    let shop = Shop::start(|call| refuse(call, "14"));
    let keys = format!("{ALL}\nretry-budget = {{ tokens = 10, ratio = 0.1 }}");
    let gateway = gateway(&[shop.address], &keys, &[]);
    for _ in 0..CALLS {
        assert_eq!(buy(&gateway).status(), 503);
    }
    let repeated = shop.calls() - CALLS;
    assert!(
        (1..=5).contains(&repeated),
        "{repeated} calls were repeated"
    );
}

/// A pause that would not end within the call's time is not begun.
#[test]
fn no_pause_is_longer_than_the_call() {
    let shop = Shop::start(|call| {
        refuse_with(
            call,
            &[("grpc-status", "14"), ("grpc-retry-pushback-ms", "3600000")],
        );
    });
    let gateway = gateway(&[shop.address], ALL, &[]);
    assert_eq!(buy(&gateway).status(), 503);
    assert_eq!(shop.calls(), 1);
}
