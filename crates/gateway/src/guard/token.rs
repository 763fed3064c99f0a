//! Bearer tokens (RFC 6750) that are JSON Web Tokens (RFC 7519), checked with the keys of
//! a JSON Web Key Set (RFC 7517). In: the headers of a request; out: nothing, or why the
//! token is not accepted. Which algorithm is used is for the key to say and never for the
//! token alone (RFC 8725, section 3.1). Nobody is asked: the keys are a file.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use http::{HeaderMap, header};
use jsonwebtoken::{
    Algorithm, DecodingKey, Header, Validation, decode, decode_header,
    errors::ErrorKind,
    jwk::{AlgorithmParameters, EllipticCurve, Jwk, JwkSet, PublicKeyUse},
};
use ring::digest::{SHA256, digest};
use serde::Deserialize;

use super::verifier;

/// Keys of one set.
const KEYS_MAX: usize = 64;
/// Bytes of a key that is a shared secret, at least (RFC 7518, section 3.2).
const SECRET_BYTES_MIN: usize = 32;
/// Bytes of an RSA key's modulus, at least (RFC 7518, section 3.3).
const MODULUS_BYTES_MIN: usize = 256;
/// Tokens that are remembered as good, so that a signature is checked once and not with
/// every request.
const REMEMBERED_MAX: usize = 4096;

/// Which tokens are accepted.
#[derive(Debug)]
pub struct Tokens {
    /// As it was read, which tells one set from another.
    text: String,
    keys: Vec<Key>,
    issuer: Option<String>,
    audience: Option<String>,
    leeway: Duration,
    /// By their digests: until when.
    remembered: Mutex<HashMap<[u8; 32], u64>>,
}

#[derive(Debug)]
struct Key {
    id: Option<String>,
    decoding: DecodingKey,
    validation: Validation,
}

impl PartialEq for Tokens {
    fn eq(&self, other: &Self) -> bool {
        let of = |tokens: &Tokens| {
            let named = (tokens.issuer.clone(), tokens.audience.clone());
            (tokens.text.clone(), named, tokens.leeway)
        };
        of(self) == of(other)
    }
}

impl Eq for Tokens {}

/// Why a key set cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadKeys {
    /// It is no JSON, or other JSON.
    #[error("is no JSON Web Key Set, {{\"keys\": [...]}}: {0}")]
    Unreadable(String),
    /// A key is too weak, or is not what it says.
    #[error("keys[{index}]: {reason}")]
    BadKey {
        /// From 0.
        index: usize,
        /// And what to do.
        reason: String,
    },
    /// Nothing is left that signs tokens.
    #[error(
        "has no key that tokens can be checked with; give RSA, EC (P-256, P-384), Ed25519 or oct keys"
    )]
    NoKeys,
    /// There are too many.
    #[error("has more than {KEYS_MAX} keys; leave out those that are not used any more")]
    TooMany,
}

/// Why a request's token is not accepted. Nothing of the token is in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TokenProblem {
    #[error("no token came; send `authorization: Bearer TOKEN`")]
    Missing,
    #[error("the token {0}")]
    Refused(&'static str),
}

impl TokenProblem {
    /// What `www-authenticate` says (RFC 6750, section 3).
    pub(crate) fn challenge(&self) -> String {
        match self {
            // Whoever brought nothing is told no more than what is wanted.
            TokenProblem::Missing => "Bearer".to_owned(),
            refused => format!("Bearer error=\"invalid_token\", error_description=\"{refused}\""),
        }
    }
}

/// What is read of a token beside what the library checks.
#[derive(Deserialize)]
struct Claims {
    /// There, once all is checked.
    exp: Option<f64>,
}

impl Tokens {
    /// Tokens that one of the keys of `set` has signed; with this issuer and for this
    /// audience, where those are given. Clocks may differ by `leeway`.
    ///
    /// # Errors
    ///
    /// When there is no usable key, or one that is too weak.
    pub fn of(
        set: &str,
        issuer: Option<String>,
        audience: Option<String>,
        leeway: Duration,
    ) -> Result<Self, BadKeys> {
        verifier::install();
        let read: JwkSet =
            serde_json::from_str(set).map_err(|error| BadKeys::Unreadable(error.to_string()))?;
        if read.keys.len() > KEYS_MAX {
            return Err(BadKeys::TooMany);
        }
        let mut keys = Vec::new();
        for (index, jwk) in read.keys.iter().enumerate() {
            let key = Key::of(jwk, issuer.as_deref(), audience.as_deref(), leeway);
            let key = key.map_err(|reason| BadKeys::BadKey { index, reason })?;
            keys.extend(key);
        }
        if keys.is_empty() {
            return Err(BadKeys::NoKeys);
        }
        Ok(Tokens {
            text: set.to_owned(),
            keys,
            issuer,
            audience,
            leeway,
            remembered: Mutex::default(),
        })
    }

    /// Whether a request brings a token that is good now.
    pub(crate) fn check(&self, headers: &HeaderMap) -> Result<(), TokenProblem> {
        let token = bearer(headers)?;
        let mut mark = [0; 32];
        mark.copy_from_slice(digest(&SHA256, token).as_ref());
        let now = seconds_now();
        if self
            .remembered()
            .get(&mark)
            .is_some_and(|until| now <= *until)
        {
            return Ok(());
        }
        let expires = self.verify(token)?;
        let until = expires.saturating_add(self.leeway.as_secs());
        self.remember(mark, until, now);
        Ok(())
    }

    /// When the token expires, if everything is right with it.
    fn verify(&self, token: &[u8]) -> Result<u64, TokenProblem> {
        let header = decode_header(token).map_err(|_| UNREADABLE)?;
        let mut fitting = self.keys.iter().filter(|key| key.fits(&header)).peekable();
        if fitting.peek().is_none() {
            return Err(TokenProblem::Refused(
                "is signed with a key that is not known here; get a new one",
            ));
        }
        let mut problem = UNREADABLE;
        for key in fitting {
            match decode::<Claims>(token, &key.decoding, &key.validation) {
                // A time with a fraction is one (RFC 7519, section 2).
                Ok(good) => return Ok(good.claims.exp.unwrap_or_default() as u64),
                Err(error) => problem = TokenProblem::Refused(in_words(error.kind())),
            }
        }
        Err(problem)
    }

    fn remember(&self, mark: [u8; 32], until: u64, now: u64) {
        let mut remembered = self.remembered();
        if remembered.len() >= REMEMBERED_MAX {
            remembered.retain(|_, until| *until >= now);
        }
        if remembered.len() >= REMEMBERED_MAX {
            remembered.clear();
        }
        remembered.insert(mark, until);
    }

    fn remembered(&self) -> MutexGuard<'_, HashMap<[u8; 32], u64>> {
        self.remembered
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

const UNREADABLE: TokenProblem =
    TokenProblem::Refused("is no signed JSON Web Token; get one from the issuer");

/// The token of `authorization: Bearer TOKEN`.
fn bearer(headers: &HeaderMap) -> Result<&[u8], TokenProblem> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let value = values.next().ok_or(TokenProblem::Missing)?.as_bytes();
    if values.next().is_some() {
        return Err(TokenProblem::Refused("came more than once; send one"));
    }
    match value.split_at_checked(7) {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case(b"bearer ") && !token.is_empty() => {
            Ok(token.trim_ascii())
        }
        _ => Err(TokenProblem::Missing),
    }
}

fn seconds_now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.unwrap_or_default().as_secs()
}

fn in_words(kind: &ErrorKind) -> &'static str {
    match kind {
        ErrorKind::ExpiredSignature => "has expired; get a new one",
        ErrorKind::ImmatureSignature => "is not valid yet; try again later",
        ErrorKind::InvalidIssuer => "is of another issuer; get one from the right one",
        ErrorKind::InvalidAudience => "is meant for another audience; get one for this one",
        ErrorKind::MissingRequiredClaim(claim) => match claim.as_str() {
            "exp" => "has no end (exp); get one that has",
            "iss" => "names no issuer (iss); get one that does",
            _ => "names no audience (aud); get one that does",
        },
        ErrorKind::InvalidSignature | ErrorKind::InvalidAlgorithm => {
            "has a signature that is wrong; get a new one"
        }
        _ => "is no signed JSON Web Token; get one from the issuer",
    }
}

impl Key {
    /// What checks tokens; nothing when the key is for something else, or of a kind that
    /// is not known (RFC 7517, section 5).
    fn of(
        jwk: &Jwk,
        issuer: Option<&str>,
        audience: Option<&str>,
        leeway: Duration,
    ) -> Result<Option<Self>, String> {
        let (algorithms, strong_enough) = match &jwk.algorithm {
            AlgorithmParameters::RSA(_) => (
                vec![
                    Algorithm::RS256,
                    Algorithm::RS384,
                    Algorithm::RS512,
                    Algorithm::PS256,
                    Algorithm::PS384,
                    Algorithm::PS512,
                ],
                MODULUS_BYTES_MIN,
            ),
            AlgorithmParameters::EllipticCurve(key) => match key.curve {
                EllipticCurve::P256 => (vec![Algorithm::ES256], 0),
                EllipticCurve::P384 => (vec![Algorithm::ES384], 0),
                _ => return Ok(None),
            },
            AlgorithmParameters::OctetKeyPair(key) if key.curve == EllipticCurve::Ed25519 => {
                (vec![Algorithm::EdDSA], 0)
            }
            AlgorithmParameters::OctetKey(_) => (
                vec![Algorithm::HS256, Algorithm::HS384, Algorithm::HS512],
                SECRET_BYTES_MIN,
            ),
            _ => return Ok(None),
        };
        let signs = jwk.common.public_key_use.as_ref();
        if signs.is_some_and(|signs| *signs != PublicKeyUse::Signature) {
            return Ok(None);
        }
        let decoding = DecodingKey::from_jwk(jwk).map_err(|error| {
            format!("cannot be read: {error}; its numbers are base64url without padding")
        })?;
        let bytes = verifier::strength_bytes(&decoding);
        if bytes < strong_enough {
            return Err(format!(
                "is too short with {bytes} bytes; make one of at least {strong_enough}"
            ));
        }
        let named = jwk.common.key_algorithm;
        let named = named.map(|named| format!("{named:?}"));
        let algorithms: Vec<_> = algorithms
            .into_iter()
            .filter(|algorithm| {
                named
                    .as_ref()
                    .is_none_or(|n| *n == format!("{algorithm:?}"))
            })
            .collect();
        let Some(first) = algorithms.first() else {
            // It encrypts, or says of itself what it cannot be.
            return Ok(None);
        };
        let mut validation = Validation::new(*first);
        validation.algorithms = algorithms;
        validation.leeway = leeway.as_secs();
        validation.validate_nbf = true;
        validation.validate_aud = audience.is_some();
        let mut required = vec!["exp"];
        if let Some(issuer) = issuer {
            validation.set_issuer(&[issuer]);
            required.push("iss");
        }
        if let Some(audience) = audience {
            validation.set_audience(&[audience]);
            required.push("aud");
        }
        validation.set_required_spec_claims(&required);
        Ok(Some(Key {
            id: jwk.common.key_id.clone(),
            decoding,
            validation,
        }))
    }

    /// Whether a token with this header may have been signed with it.
    fn fits(&self, header: &Header) -> bool {
        let named = match (&header.kid, &self.id) {
            (Some(wanted), Some(id)) => wanted == id,
            _ => true,
        };
        named && self.validation.algorithms.contains(&header.alg)
    }
}

#[cfg(test)]
mod tests;
