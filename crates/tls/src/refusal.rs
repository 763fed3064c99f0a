//! Why a handshake came to nothing, in plain words. In: what the library says; out: a
//! [`Refusal`] for the log of the side that refused, or was refused. The other side is
//! told no more than TLS's alerts do.

use std::{fmt, io, time::Duration};

use rustls::{AlertDescription, CertificateError, Error, InvalidMessage, OtherError};

use crate::{Identities, Identity, leaf::shown};

/// Why there is no connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// What kind of reason it is.
    pub reason: Reason,
    /// It in words.
    pub words: String,
}

/// A kind of reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reason {
    /// A certificate was wanted and none given.
    NoCertificate,
    /// The certificate's time is over.
    Expired,
    /// The certificate's time has not come.
    NotYetValid,
    /// The certificate is of an authority that is not known here.
    UnknownAuthority,
    /// The certificate is good, and of somebody who is not allowed.
    WrongIdentity,
    /// The certificate cannot be used for another reason.
    BadCertificate,
    /// Plain HTTP came.
    PlainHttp,
    /// Something came that is no TLS.
    NotTls,
    /// No version, cipher or protocol is common to both.
    NothingInCommon,
    /// The handshake took too long.
    TimedOut,
    /// The other side refused.
    RefusedByPeer,
    /// The other side was gone before the handshake was done.
    Gone,
    /// Anything else.
    Other,
}

impl Reason {
    /// A word for it, such as a label of a metric.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Reason::NoCertificate => "no_certificate",
            Reason::Expired => "expired",
            Reason::NotYetValid => "not_yet_valid",
            Reason::UnknownAuthority => "unknown_authority",
            Reason::WrongIdentity => "wrong_identity",
            Reason::BadCertificate => "bad_certificate",
            Reason::PlainHttp => "plain_http",
            Reason::NotTls => "not_tls",
            Reason::NothingInCommon => "nothing_in_common",
            Reason::TimedOut => "timed_out",
            Reason::RefusedByPeer => "refused_by_peer",
            Reason::Gone => "gone",
            Reason::Other => "other",
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words)
    }
}

impl std::error::Error for Refusal {}

/// A good certificate of somebody who is not allowed.
#[derive(Debug)]
pub(crate) struct WrongIdentity {
    pub(crate) has: Identities,
    pub(crate) allowed: Vec<Identity>,
}

impl WrongIdentity {
    /// As the library carries it.
    pub(crate) fn into_error(self) -> Error {
        CertificateError::Other(OtherError(std::sync::Arc::new(self))).into()
    }
}

impl fmt::Display for WrongIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let allowed: Vec<_> = self.allowed.iter().map(ToString::to_string).collect();
        let (has, allowed) = (&self.has, allowed.join(", "));
        write!(
            f,
            "wrong identity: the certificate is of {has}; allowed: {allowed}"
        )
    }
}

impl std::error::Error for WrongIdentity {}

impl Refusal {
    pub(crate) fn new(reason: Reason, words: impl Into<String>) -> Self {
        let words = words.into();
        Refusal { reason, words }
    }

    pub(crate) fn timed_out(limit: Duration) -> Self {
        let words = format!("the handshake was not done within {limit:?}");
        Refusal::new(Reason::TimedOut, words)
    }

    /// What an error of a handshake means.
    pub(crate) fn of(error: &io::Error) -> Self {
        let inner = error
            .get_ref()
            .and_then(|inner| inner.downcast_ref::<Error>());
        match inner {
            Some(error) => Refusal::of_tls(error),
            None => match error.kind() {
                io::ErrorKind::UnexpectedEof
                | io::ErrorKind::ConnectionReset
                | io::ErrorKind::BrokenPipe => Refusal::new(
                    Reason::Gone,
                    "the other side was gone before the handshake was done",
                ),
                _ => Refusal::new(Reason::Other, error.to_string()),
            },
        }
    }

    fn of_tls(error: &Error) -> Self {
        match error {
            Error::NoCertificatesPresented => Refusal::new(
                Reason::NoCertificate,
                "no certificate was given, and one is required here",
            ),
            Error::InvalidCertificate(wrong) => Refusal::of_certificate(wrong),
            Error::InvalidMessage(InvalidMessage::InvalidContentType) => {
                Refusal::new(Reason::NotTls, "what came is no TLS")
            }
            Error::PeerIncompatible(_) | Error::NoApplicationProtocol => Refusal::new(
                Reason::NothingInCommon,
                format!("no version, cipher or protocol is common to both sides: {error}"),
            ),
            Error::AlertReceived(alert) => {
                Refusal::new(Reason::RefusedByPeer, refused_by_peer(*alert))
            }
            _ => Refusal::new(Reason::Other, error.to_string()),
        }
    }

    fn of_certificate(wrong: &CertificateError) -> Self {
        let since = |time: &rustls_pki_types::UnixTime| {
            shown(std::time::UNIX_EPOCH + Duration::from_secs(time.as_secs()))
        };
        match wrong {
            CertificateError::ExpiredContext { not_after, .. } => Refusal::new(
                Reason::Expired,
                format!("the certificate has expired at {}", since(not_after)),
            ),
            CertificateError::Expired => {
                Refusal::new(Reason::Expired, "the certificate has expired")
            }
            CertificateError::NotValidYetContext { not_before, .. } => Refusal::new(
                Reason::NotYetValid,
                format!("the certificate is not valid before {}", since(not_before)),
            ),
            CertificateError::NotValidYet => {
                Refusal::new(Reason::NotYetValid, "the certificate is not valid yet")
            }
            CertificateError::UnknownIssuer => Refusal::new(
                Reason::UnknownAuthority,
                "unknown authority: the certificate is not signed by one that is trusted here",
            ),
            CertificateError::Other(OtherError(inner)) if inner.is::<WrongIdentity>() => {
                Refusal::new(Reason::WrongIdentity, inner.to_string())
            }
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                Refusal::new(Reason::WrongIdentity, format!("wrong identity: {wrong}"))
            }
            _ => Refusal::new(
                Reason::BadCertificate,
                format!("the certificate cannot be used: {wrong}"),
            ),
        }
    }
}

/// What an alert of the other side says.
fn refused_by_peer(alert: AlertDescription) -> String {
    let why = match alert {
        AlertDescription::CertificateRequired => "it requires a certificate and got none",
        AlertDescription::CertificateExpired => "it holds the certificate for expired",
        AlertDescription::UnknownCA => "it does not know the authority of the certificate",
        AlertDescription::AccessDenied => "it does not allow this identity",
        AlertDescription::BadCertificate | AlertDescription::CertificateUnknown => {
            "it does not accept the certificate"
        }
        AlertDescription::ProtocolVersion => "it speaks no common version of TLS",
        AlertDescription::NoApplicationProtocol => "it speaks no common protocol",
        _ => return format!("refused by the other side: {alert:?}"),
    };
    format!("refused by the other side: {why} ({alert:?})")
}
