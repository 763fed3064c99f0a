use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use http::HeaderValue;
use proptest::prelude::*;
use ring::{
    hmac,
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair},
};
use serde_json::{Value, json};

use super::*;

const SECRET: &[u8] = b"a secret of more than thirty-two bytes";

fn base64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// An hour from now, or `seconds` later.
fn at(seconds: i64) -> i64 {
    i64::try_from(seconds_now()).expect("a time") + seconds
}

/// What is signed, and its signature.
fn signed(header: &Value, claims: &Value, sign: impl Fn(&[u8]) -> Vec<u8>) -> String {
    let text = format!(
        "{}.{}",
        base64(header.to_string()),
        base64(claims.to_string())
    );
    let signature = base64(sign(text.as_bytes()));
    format!("{text}.{signature}")
}

/// Signed with [`SECRET`].
fn token(claims: &Value) -> String {
    let header = json!({"alg": "HS256", "typ": "JWT", "kid": "s"});
    signed(&header, claims, |text| by_secret(SECRET, text))
}

fn by_secret(secret: &[u8], text: &[u8]) -> Vec<u8> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
    hmac::sign(&key, text).as_ref().to_vec()
}

fn set(keys: &[Value]) -> String {
    json!({ "keys": keys }).to_string()
}

fn secret_key() -> Value {
    json!({"kty": "oct", "kid": "s", "k": base64(SECRET)})
}

fn tokens() -> Tokens {
    let leeway = Duration::from_secs(30);
    let named = |text: &str| Some(text.to_owned());
    Tokens::of(
        &set(&[secret_key()]),
        named("https://issuer"),
        named("pspd"),
        leeway,
    )
    .expect("a key")
}

fn claims() -> Value {
    json!({"exp": at(60), "iss": "https://issuer", "aud": "pspd", "sub": "someone"})
}

fn check(tokens: &Tokens, authorization: &str) -> Result<(), String> {
    let mut headers = HeaderMap::new();
    let value = HeaderValue::from_str(authorization).expect("a value");
    headers.insert(header::AUTHORIZATION, value);
    tokens
        .check(&headers)
        .map_err(|problem| problem.to_string())
}

#[test]
fn a_good_token_passes_again_and_again() {
    let tokens = tokens();
    let good = token(&claims());
    for authorization in [format!("Bearer {good}"), format!("bearer  {good}")] {
        assert_eq!(check(&tokens, &authorization), Ok(()));
        assert_eq!(check(&tokens, &authorization), Ok(()));
    }
    assert_eq!(tokens.remembered().len(), 1);
}

#[test]
fn what_is_wrong_with_a_token_is_told() {
    let tokens = tokens();
    let with = |name: &str, value: Value| {
        let mut claims = claims();
        match value {
            Value::Null => drop(claims.as_object_mut().expect("an object").remove(name)),
            value => claims[name] = value,
        }
        format!("Bearer {}", token(&claims))
    };
    let other_key = signed(
        &json!({"alg": "HS256", "kid": "other"}),
        &claims(),
        |text| by_secret(SECRET, text),
    );
    let forged = signed(&json!({"alg": "HS256"}), &claims(), |text| {
        by_secret(b"guess", text)
    });
    let unsigned = signed(&json!({"alg": "none"}), &claims(), |_| Vec::new());
    for (authorization, expected) in [
        ("Basic eDp5".to_owned(), "no token came"),
        ("Bearer".to_owned(), "no token came"),
        ("Bearer ".to_owned(), "no token came"),
        ("Bearer x".to_owned(), "is no signed JSON Web Token"),
        (
            format!("Bearer {other_key}"),
            "is signed with a key that is not known",
        ),
        (format!("Bearer {forged}"), "has a signature that is wrong"),
        (format!("Bearer {unsigned}"), "is no signed JSON Web Token"),
        (with("exp", json!(at(-31))), "has expired"),
        (with("exp", Value::Null), "has no end (exp)"),
        (with("exp", json!("soon")), "is no signed"),
        (with("nbf", json!(at(40))), "is not valid yet"),
        (with("iss", json!("https://other")), "is of another issuer"),
        (with("iss", Value::Null), "names no issuer (iss)"),
        (
            with("aud", json!(["x", "y"])),
            "is meant for another audience",
        ),
        (with("aud", Value::Null), "names no audience (aud)"),
    ] {
        let told = check(&tokens, &authorization).expect_err(&authorization);
        assert!(told.contains(expected), "{told} for {authorization}");
    }
    // Clocks that differ a little are not the client's fault.
    for good in [with("exp", json!(at(-20))), with("nbf", json!(at(20)))] {
        assert_eq!(check(&tokens, &good), Ok(()));
    }
    assert_eq!(check(&tokens, &with("aud", json!(["x", "pspd"]))), Ok(()));
    assert_eq!(
        check(&tokens, &with("exp", json!(at(60) as f64 + 0.5))),
        Ok(())
    );
}

#[test]
fn a_remembered_token_ends_when_it_says() {
    let tokens = tokens();
    let good = token(&claims());
    assert_eq!(check(&tokens, &format!("Bearer {good}")), Ok(()));
    for until in tokens.remembered().values_mut() {
        *until = seconds_now() - 1;
    }
    // It is looked at again, which here shows that it is good still.
    assert_eq!(check(&tokens, &format!("Bearer {good}")), Ok(()));
    assert!(
        tokens
            .remembered()
            .values()
            .all(|until| *until > seconds_now())
    );
}

#[test]
fn no_more_tokens_are_remembered_than_may_be() {
    let tokens = tokens();
    for number in 0..REMEMBERED_MAX + 10 {
        let mut mark = [0; 32];
        mark[..8].copy_from_slice(&number.to_ne_bytes());
        tokens.remember(mark, u64::MAX, 0);
    }
    assert!(tokens.remembered().len() <= REMEMBERED_MAX);
}

#[test]
fn every_kind_of_key_checks_its_own_signatures_only() {
    let random = SystemRandom::new();
    let ed = Ed25519KeyPair::generate_pkcs8(&random).expect("a key");
    let ed = Ed25519KeyPair::from_pkcs8(ed.as_ref()).expect("a key");
    let signing = &ECDSA_P256_SHA256_FIXED_SIGNING;
    let ec = EcdsaKeyPair::generate_pkcs8(signing, &random).expect("a key");
    let ec = EcdsaKeyPair::from_pkcs8(signing, ec.as_ref(), &random).expect("a key");
    let point = ec.public_key().as_ref();
    let keys = set(&[
        json!({"kty": "OKP", "crv": "Ed25519", "x": base64(ed.public_key())}),
        json!({"kty": "EC", "crv": "P-256", "alg": "ES256",
               "x": base64(&point[1..33]), "y": base64(&point[33..])}),
        json!({"kty": "new", "kid": "unknown kinds are left out"}),
        json!({"kty": "oct", "use": "enc", "k": base64(SECRET)}),
    ]);
    let tokens = Tokens::of(&keys, None, None, Duration::ZERO).expect("keys");
    let claims = json!({"exp": at(60)});
    let by_ed = |text: &[u8]| ed.sign(text).as_ref().to_vec();
    let by_ec = |text: &[u8]| ec.sign(&random, text).expect("signed").as_ref().to_vec();
    let (eddsa, es256) = (json!({"alg": "EdDSA"}), json!({"alg": "ES256"}));
    for good in [
        signed(&eddsa, &claims, by_ed),
        signed(&es256, &claims, by_ec),
    ] {
        assert_eq!(check(&tokens, &format!("Bearer {good}")), Ok(()));
    }
    // The public key is no secret, and neither is the one that is for something else.
    let confused = json!({"alg": "HS256"});
    for bad in [
        signed(&eddsa, &claims, by_ec),
        signed(&es256, &claims, by_ed),
        signed(&confused, &claims, |text| by_secret(point, text)),
        signed(&confused, &claims, |text| by_secret(SECRET, text)),
    ] {
        assert!(check(&tokens, &format!("Bearer {bad}")).is_err(), "{bad}");
    }
}

#[test]
fn sets_that_cannot_be_used() {
    let short = json!({"kty": "oct", "k": base64(b"short")});
    let weak = json!({"kty": "RSA", "e": "AQAB", "n": base64([255; 128])});
    let broken = json!({"kty": "RSA", "e": "AQAB", "n": "!"});
    for (text, expected) in [
        ("".to_owned(), "is no JSON Web Key Set"),
        ("[]".to_owned(), "is no JSON Web Key Set"),
        (set(&[]), "has no key"),
        (set(&[json!({"kty": "new"})]), "has no key"),
        (
            set(&[secret_key(), short]),
            "keys[1]: is too short with 5 bytes; make one of at least 32",
        ),
        (
            set(&[weak]),
            "keys[0]: is too short with 128 bytes; make one of at least 256",
        ),
        (set(&[broken]), "keys[0]: cannot be read"),
        (
            set(&vec![secret_key(); KEYS_MAX + 1]),
            "has more than 64 keys",
        ),
    ] {
        let told = Tokens::of(&text, None, None, Duration::ZERO).expect_err(&text);
        assert!(told.to_string().contains(expected), "{told}");
    }
}

proptest! {
    /// Whatever a client sends is told apart from a good token, and nothing else happens.
    #[test]
    fn no_text_is_a_token(text in "[!-~ ]{0,200}", parts in prop::collection::vec(any::<[u8; 9]>(), 0..5)) {
        let tokens = tokens();
        let parts: Vec<_> = parts.iter().map(base64).collect();
        for text in [text, format!("Bearer {}", parts.join("."))] {
            prop_assert!(check(&tokens, &text).is_err());
        }
    }

    /// No part of a good token can be changed.
    #[test]
    fn a_changed_token_is_refused(index in any::<prop::sample::Index>(), to in "[A-Za-z0-9_-]") {
        let tokens = tokens();
        let good = token(&claims());
        let index = index.index(good.len());
        let mut bad = good.clone();
        bad.replace_range(index..=index, &to);
        // The last digit has two bits that mean nothing.
        prop_assume!(bad != good && index + 1 < good.len());
        let bad = format!("Bearer {bad}");
        prop_assert!(check(&tokens, &bad).is_err());
    }

    /// No text is a set, or makes anything but an error.
    #[test]
    fn no_text_is_a_surprise(text in "\\PC{0,80}", key in "[a-zA-Z]{0,4}", value in "[ -~]{0,8}") {
        let _ = Tokens::of(&text, None, None, Duration::ZERO);
        let keys = set(&[json!({"kty": "RSA", "n": value, "e": "AQAB", key: 1})]);
        let _ = Tokens::of(&keys, None, None, Duration::ZERO);
    }
}
