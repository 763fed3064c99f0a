use proptest::prelude::*;

use super::*;

fn rate(text: &str) -> Rate {
    text.parse().expect("a rate")
}

#[test]
fn rates_as_they_are_written() {
    let ten = Rate {
        every: Duration::from_millis(100),
        burst: 10,
        clients_max: Rate::CLIENTS_MAX,
    };
    assert_eq!("10/s".parse(), Ok(ten));
    let seldom: Rate = " 30 / m ".parse().expect("a rate");
    assert_eq!((seldom.every.as_secs(), seldom.burst), (2, 1));
    for text in [
        "",
        "10",
        "0/s",
        "10/d",
        "-1/s",
        "1.5/s",
        "4000000000/s",
        "s/10",
    ] {
        assert_eq!(text.parse::<Rate>(), Err(BadRate), "{text}");
    }
}

#[test]
fn a_burst_passes_and_then_one_at_a_time() {
    let (rates, rate, start) = (Rates::default(), rate("10/s"), Instant::now());
    let at = |millis| {
        let now = start + Duration::from_millis(millis);
        rates.admit_at(Client::V4(1), &rate, now)
    };
    for _ in 0..10 {
        assert_eq!(at(0), Ok(()));
    }
    assert_eq!(at(0), Err(Duration::from_millis(100)));
    assert_eq!(at(40), Err(Duration::from_millis(60)));
    assert_eq!(at(100), Ok(()));
    assert_eq!(at(100), Err(Duration::from_millis(100)));
    // Whoever was refused has lost nothing by asking.
    assert_eq!(at(200), Ok(()));
    for _ in 0..10 {
        assert_eq!(at(60_000), Ok(()));
    }
    assert!(at(60_000).is_err());
}

#[test]
fn clients_do_not_hold_back_each_other() {
    let (rates, rate) = (Rates::default(), rate("1/h"));
    for address in ["1.1.1.1", "1.1.1.2", "2001:db8::1", "2001:db8:0:1::1"] {
        let address = address.parse().expect("an address");
        assert_eq!(rates.admit(address, &rate), Ok(()), "{address}");
        assert!(rates.admit(address, &rate).is_err(), "{address}");
    }
    for same in ["::ffff:1.1.1.1", "2001:db8::ffff"] {
        let same = same.parse().expect("an address");
        assert!(rates.admit(same, &rate).is_err(), "{same}");
    }
}

#[test]
fn a_crowd_takes_no_more_memory_than_it_may() {
    let rates = Rates::default();
    let rate = Rate {
        clients_max: 160,
        ..rate("1/h")
    };
    let start = Instant::now();
    let known = || -> usize {
        let parts = rates.0.iter();
        parts
            .map(|part| part.lock().expect("no panic").due.len())
            .sum()
    };
    let admitted = (0..10_000)
        .filter(|client| rates.admit_at(Client::V4(*client), &rate, start).is_ok())
        .count();
    // One a client that is remembered, and one more a part for all the others.
    assert!((160..=160 + PARTS).contains(&admitted), "{admitted}");
    assert!(known() <= 160 + PARTS, "{}", known());
    // An hour later they are forgotten, and there is room again.
    let later = start + Duration::from_secs(3601);
    for client in 0..PARTS as u32 {
        assert_eq!(rates.admit_at(Client::V4(client), &rate, later), Ok(()));
    }
    assert!(known() <= 160 + PARTS, "{}", known());
}

proptest! {
    /// Over any time, no more pass than the burst and what the rate gives for that time.
    #[test]
    fn no_more_than_the_rate(
        pauses in prop::collection::vec(0..400_u64, 1..200),
        number in 1..50_u32,
    ) {
        let rates = Rates::default();
        let rate = rate(&format!("{number}/s"));
        let start = Instant::now();
        let (mut passed, mut elapsed) = (0_u64, 0);
        for pause in pauses {
            elapsed += pause;
            let now = start + Duration::from_millis(elapsed);
            let admitted = rates.admit_at(Client::V4(7), &rate, now);
            passed += u64::from(admitted.is_ok());
            let most = u64::from(rate.burst) + elapsed * u64::from(number) / 1000;
            prop_assert!(passed <= most, "{passed} of {most} after {elapsed} ms");
            if let Err(wait) = admitted {
                // After that wait, one passes.
                prop_assert!(wait <= rate.every);
            }
        }
    }
}
