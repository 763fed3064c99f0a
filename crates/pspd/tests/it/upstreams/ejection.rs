//! An endpoint whose calls fail gets none for a while, and then some again.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use testkit::until;

use super::{Shop, buy, gateway, refuse, sell};

/// A shop that can be told to fail.
fn moody() -> (Shop, Arc<AtomicBool>) {
    let fails = Arc::new(AtomicBool::new(true));
    let told = Arc::clone(&fails);
    let shop = Shop::start(move |call| match told.load(Ordering::SeqCst) {
        true => refuse(call, "14"),
        false => sell(call),
    });
    (shop, fails)
}

/// Puts aside after three failures, for this long. Health is not watched, so that an
/// endpoint is well as soon as it is connected.
fn keys(time: &str) -> String {
    format!(
        "balance = \"round-robin\"\nhealth = \"off\"\n\
         ejection = {{ consecutive = 3, for = \"{time}\", for-max = \"{time}\" }}"
    )
}

#[test]
fn an_endpoint_whose_calls_fail_is_put_aside() {
    let (bad, _) = moody();
    let good = Shop::start(sell);
    let gateway = gateway(&[bad.address, good.address], &keys("1h"), &[]);
    // Until the other one is there as well, it is asked whatever it has done.
    until("the failures that it takes", || {
        buy(&gateway);
        (bad.calls() >= 3 && good.calls() > 0).then_some(())
    });
    let (before, failed) = (good.calls(), bad.calls());
    for _ in 0..20 {
        assert_eq!(buy(&gateway).status(), 200);
    }
    assert_eq!((good.calls() - before, bad.calls()), (20, failed));
}

#[test]
fn an_endpoint_that_was_put_aside_comes_back() {
    let (bad, fails) = moody();
    let good = Shop::start(sell);
    let gateway = gateway(&[bad.address, good.address], &keys("300ms"), &[]);
    until("the log to say that it was put aside", || {
        buy(&gateway);
        let log = gateway.last_lines().join("\n");
        log.contains("its calls fail; put aside").then_some(())
    });
    fails.store(false, Ordering::SeqCst);
    let failed = bad.calls();
    until("it to get calls again", || {
        assert_eq!(buy(&gateway).status(), 200);
        (bad.calls() > failed).then_some(())
    });
    until("the log to say so", || {
        let log = gateway.last_lines().join("\n");
        log.contains("gets calls again").then_some(())
    });
}

/// With nobody else to ask, it is asked all the same.
#[test]
fn never_more_than_their_share_are_put_aside() {
    let (first, second) = (moody().0, moody().0);
    let gateway = gateway(&[first.address, second.address], &keys("1h"), &[]);
    until("both to have failed", || {
        buy(&gateway);
        (first.calls() >= 3 && second.calls() >= 3).then_some(())
    });
    let before = first.calls() + second.calls();
    for _ in 0..10 {
        assert_eq!(buy(&gateway).status(), 503);
    }
    assert_eq!(first.calls() + second.calls() - before, 10);
}

/// What is the caller's fault is not the endpoint's.
#[test]
fn other_failures_do_not_count() {
    let refusing = Shop::start(|call| refuse(call, "5"));
    let good = Shop::start(sell);
    let gateway = gateway(&[refusing.address, good.address], &keys("1h"), &[]);
    until("both to be asked", || {
        buy(&gateway);
        (refusing.calls() > 0 && good.calls() > 0).then_some(())
    });
    let before = refusing.calls();
    for _ in 0..20 {
        buy(&gateway);
    }
    assert_eq!(refusing.calls() - before, 10);
}
