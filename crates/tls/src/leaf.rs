//! What of a certificate matters here: its names and how long it holds. In: DER, which
//! may be anybody's; out: a [`Leaf`], or nothing. Says nothing of who signed it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustls_pki_types::CertificateDer;
use x509_parser::{
    extensions::GeneralName,
    prelude::{FromDer, X509Certificate},
    time::ASN1Time,
};

use crate::Identities;

/// A certificate, as far as it matters here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leaf {
    /// Its names.
    pub identities: Identities,
    /// When it begins to hold.
    pub not_before: SystemTime,
    /// When it ends.
    pub not_after: SystemTime,
}

impl Leaf {
    /// Reads a certificate; `None` when it is none.
    #[must_use]
    pub fn read(der: &CertificateDer<'_>) -> Option<Self> {
        let (_, certificate) = X509Certificate::from_der(der).ok()?;
        let mut identities = Identities::default();
        let names = certificate.subject_alternative_name().ok()?;
        for name in names.iter().flat_map(|names| &names.value.general_names) {
            match name {
                GeneralName::DNSName(name) => identities.dns.push((*name).to_owned()),
                GeneralName::URI(uri) => identities.uris.push((*uri).to_owned()),
                _ => {}
            }
        }
        let validity = certificate.validity();
        Some(Leaf {
            identities,
            not_before: time(validity.not_before),
            not_after: time(validity.not_after),
        })
    }
}

fn time(time: ASN1Time) -> SystemTime {
    let seconds = time.timestamp();
    match u64::try_from(seconds) {
        Ok(seconds) => UNIX_EPOCH + Duration::from_secs(seconds),
        Err(_) => UNIX_EPOCH,
    }
}

/// A moment, for people.
pub(crate) fn shown(time: SystemTime) -> String {
    humantime::format_rfc3339_seconds(time).to_string()
}
