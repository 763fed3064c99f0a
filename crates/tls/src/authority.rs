//! An authority for a laboratory, a test, or a cluster that has none: it makes
//! certificates for those who are named and writes them to files, whole or not at all, keys
//! readable by their owner alone from the first byte on. No revocation: what it signs is
//! to be short-lived.

use std::{
    fs, io,
    io::Write,
    net::IpAddr,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, SanType,
};
use time::OffsetDateTime;

/// By how much a clock may be behind.
const CLOCKS_DIFFER: Duration = Duration::from_secs(5 * 60);

/// What went wrong.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// A file is there already.
    #[error("{} is there already; nothing was changed (--renew makes new certificates of the same authority, --force replaces everything)", .0.display())]
    Exists(PathBuf),
    /// A file cannot be read or written.
    #[error("cannot {what} {}: {error}", path.display())]
    File {
        /// What was to be done with it.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// Why not.
        error: io::Error,
    },
    /// A certificate cannot be made.
    #[error("cannot make the certificate of {name}: {error}")]
    Certificate {
        /// Whose it was to be.
        name: String,
        /// Why not.
        error: rcgen::Error,
    },
}

/// Who gets a certificate.
#[derive(Debug, Clone)]
pub struct Subject {
    /// What it is called, for people.
    pub name: String,
    /// Its DNS names.
    pub dns: Vec<String>,
    /// Its addresses.
    pub addresses: Vec<IpAddr>,
    /// Its SPIFFE ID.
    pub spiffe: Option<String>,
}

/// A certificate and its key, as PEM.
pub struct Pair {
    /// The certificate.
    pub cert: String,
    /// The key.
    pub key: String,
    /// When it ends.
    pub not_after: SystemTime,
}

/// What signs.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    not_after: SystemTime,
}

impl Authority {
    /// A new one, with its own certificate.
    ///
    /// # Errors
    ///
    /// When the cryptography fails.
    pub fn new(name: &str, valid_for: Duration) -> Result<(Self, Pair), Problem> {
        let wrong = |error| wrong(name, error);
        let key = KeyPair::generate().map_err(wrong)?;
        let mut params = named(name);
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let now = SystemTime::now();
        let not_after = now + valid_for;
        params.not_before = whole_seconds(now - CLOCKS_DIFFER);
        params.not_after = whole_seconds(not_after);
        let certificate = params.self_signed(&key).map_err(wrong)?;
        let pair = Pair {
            cert: certificate.pem(),
            key: key.serialize_pem(),
            not_after,
        };
        let issuer = Issuer::new(params, key);
        Ok((Authority { issuer, not_after }, pair))
    }

    /// One whose certificate and key are in files.
    ///
    /// # Errors
    ///
    /// When these are not there, or are no authority.
    pub fn read(cert: &Path, key: &Path) -> Result<Self, Problem> {
        let text =
            |path: &Path| fs::read_to_string(path).map_err(|error| failed("read", path, error));
        let (cert_text, key_text) = (text(cert)?, text(key)?);
        let shown = cert.display().to_string();
        let wrong = |error| wrong(&shown, error);
        let key = KeyPair::from_pem(&key_text).map_err(wrong)?;
        let issuer = Issuer::from_ca_cert_pem(&cert_text, key).map_err(wrong)?;
        use rustls_pki_types::{CertificateDer, pem::PemObject};
        let der = CertificateDer::from_pem_slice(cert_text.as_bytes());
        let leaf = der.ok().as_ref().and_then(crate::Leaf::read);
        let leaf = leaf.ok_or_else(|| wrong(rcgen::Error::CouldNotParseCertificate))?;
        Ok(Authority {
            issuer,
            not_after: leaf.not_after,
        })
    }

    /// When it ends, and with it everything that it has signed.
    #[must_use]
    pub fn not_after(&self) -> SystemTime {
        self.not_after
    }

    /// A certificate for `subject`, to serve and to call with, that ends no later than the
    /// authority itself.
    ///
    /// # Errors
    ///
    /// When a name is none.
    pub fn sign(&self, subject: &Subject, valid_for: Duration) -> Result<Pair, Problem> {
        self.sign_between(
            subject,
            SystemTime::now() - CLOCKS_DIFFER,
            SystemTime::now() + valid_for,
        )
    }

    /// The same for any time, such as one that is over.
    ///
    /// # Errors
    ///
    /// When a name is none.
    pub fn sign_between(
        &self,
        subject: &Subject,
        not_before: SystemTime,
        not_after: SystemTime,
    ) -> Result<Pair, Problem> {
        let wrong = |error| wrong(&subject.name, error);
        let mut params = named(&subject.name);
        for name in &subject.dns {
            let name = name.as_str().try_into().map_err(wrong)?;
            params.subject_alt_names.push(SanType::DnsName(name));
        }
        let addresses = subject.addresses.iter().copied();
        params
            .subject_alt_names
            .extend(addresses.map(SanType::IpAddress));
        if let Some(id) = &subject.spiffe {
            let id = id.as_str().try_into().map_err(wrong)?;
            params.subject_alt_names.push(SanType::URI(id));
        }
        params.is_ca = IsCa::ExplicitNoCa;
        params.use_authority_key_identifier_extension = true;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![
            ExtendedKeyUsagePurpose::ServerAuth,
            ExtendedKeyUsagePurpose::ClientAuth,
        ];
        let not_after = not_after.min(self.not_after);
        params.not_before = whole_seconds(not_before);
        params.not_after = whole_seconds(not_after);
        let key = KeyPair::generate().map_err(wrong)?;
        let certificate = params.signed_by(&key, &self.issuer).map_err(wrong)?;
        Ok(Pair {
            cert: certificate.pem(),
            key: key.serialize_pem(),
            not_after,
        })
    }
}

/// What becomes of a file that is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Existing {
    /// It stays, and that is a problem.
    Keep,
    /// Another takes its place.
    Replace,
}

impl Pair {
    /// Writes `NAME.crt` and `NAME.key`, the key first; who reads both at the wrong moment
    /// finds a key that does not fit, which [`Acceptor`](crate::Acceptor) waits out.
    ///
    /// # Errors
    ///
    /// When a file is there that must stay, or cannot be written.
    pub fn write(&self, folder: &Path, name: &str, existing: Existing) -> Result<(), Problem> {
        let path = |end| folder.join(format!("{name}.{end}"));
        write(&path("key"), &self.key, OWNER_ONLY, existing)?;
        write(&path("crt"), &self.cert, EVERYBODY, existing)
    }
}

const OWNER_ONLY: u32 = 0o600;
const EVERYBODY: u32 = 0o644;

fn write(path: &Path, text: &str, mode: u32, existing: Existing) -> Result<(), Problem> {
    let wrong = |error| failed("write", path, error);
    let folder = path.parent().unwrap_or(Path::new("."));
    // Beside it, readable by its owner alone until it is whole.
    let mut file = tempfile::Builder::new()
        .prefix(".unfinished-")
        .tempfile_in(folder)
        .map_err(wrong)?;
    file.write_all(text.as_bytes()).map_err(wrong)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;

        let permissions = fs::Permissions::from_mode(mode);
        file.as_file().set_permissions(permissions).map_err(wrong)?;
    }
    #[cfg(not(unix))]
    let _ = mode;
    file.as_file().sync_all().map_err(wrong)?;
    let kept = match existing {
        Existing::Replace => file.persist(path),
        Existing::Keep => file.persist_noclobber(path),
    };
    match kept {
        Ok(_) => Ok(()),
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => {
            Err(Problem::Exists(path.to_owned()))
        }
        Err(error) => Err(wrong(error.error)),
    }
}

fn named(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params
}

fn whole_seconds(time: SystemTime) -> OffsetDateTime {
    let time = OffsetDateTime::from(time);
    time.replace_nanosecond(0).unwrap_or(time)
}

fn wrong(name: &str, error: rcgen::Error) -> Problem {
    Problem::Certificate {
        name: name.to_owned(),
        error,
    }
}

fn failed(what: &'static str, path: &Path, error: io::Error) -> Problem {
    Problem::File {
        what,
        path: path.to_owned(),
        error,
    }
}
