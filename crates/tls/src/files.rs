//! PEM files. In: paths under the names of their settings; out: chains, keys and
//! authorities, or every problem with the file and what to do. A file may have anything
//! in it besides, so that a chain and its key can share one.

use std::{
    fs::File,
    hash::{DefaultHasher, Hash, Hasher},
    io::{self, Read},
    path::{Path, PathBuf},
    sync::Arc,
    time::SystemTime,
};

use rustls::{
    RootCertStore,
    crypto::{CryptoProvider, ring},
    sign::CertifiedKey,
};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};

use crate::{Leaf, leaf::shown};

/// Bytes of a file; bundles of all public authorities have some 200 KiB.
const FILE_BYTES_MAX: u64 = 4 << 20;

/// A file and the setting that names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Named {
    pub(crate) setting: String,
    pub(crate) path: PathBuf,
}

impl Named {
    pub(crate) fn problem(&self, what: impl std::fmt::Display) -> String {
        format!(
            "{} = {:?}: {what}",
            self.setting,
            self.path.display().to_string()
        )
    }

    fn read(&self) -> Result<Vec<u8>, String> {
        read(&self.path)
            .map_err(|error| self.problem(format!("cannot be read: {error}; give a readable file")))
    }
}

/// The cryptography that is used; see docs/decisions/0020-tls.md.
pub(crate) fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

/// Tells one state of files from another, whether they can be read or not.
pub(crate) fn digest<'f>(files: impl Iterator<Item = &'f Named>) -> u64 {
    let mut hasher = DefaultHasher::new();
    for file in files {
        read(&file.path)
            .map_err(|error| error.kind())
            .hash(&mut hasher);
    }
    hasher.finish()
}

/// A chain with the key of its first certificate.
pub(crate) fn pair(cert: &Named, key: &Named) -> Result<(CertifiedKey, Leaf), Vec<String>> {
    let mut problems = Vec::new();
    let mut take = |problem| problems.push(problem);
    let chain = chain(cert).map_err(&mut take).ok();
    let private = private_key(key).map_err(&mut take).ok();
    let (Some((chain, leaf)), Some(private)) = (chain, private) else {
        return Err(problems);
    };
    let certified = CertifiedKey::from_der(chain, private, &provider()).map_err(|error| {
        let (cert, why) = (
            cert.path.display(),
            match error {
                rustls::Error::InconsistentKeys(_) => {
                    "it is not the key of that certificate".to_owned()
                }
                other => other.to_string(),
            },
        );
        vec![key.problem(format!(
            "cannot be used with {cert}: {why}; give the key that belongs to it"
        ))]
    })?;
    Ok((certified, leaf))
}

/// The authorities that a file has.
pub(crate) fn roots(file: &Named) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(file)? {
        roots
            .add(certificate)
            .map_err(|error| file.problem(format!("is no authority: {error}")))?;
    }
    Ok(roots)
}

fn chain(file: &Named) -> Result<(Vec<CertificateDer<'static>>, Leaf), String> {
    let chain = certificates(file)?;
    let leaf = chain.first().and_then(Leaf::read);
    let leaf = leaf.ok_or_else(|| file.problem("the first certificate cannot be understood"))?;
    if leaf.not_after <= SystemTime::now() {
        let ended = shown(leaf.not_after);
        return Err(file.problem(format!("has expired at {ended}; renew it")));
    }
    Ok((chain, leaf))
}

fn certificates(file: &Named) -> Result<Vec<CertificateDer<'static>>, String> {
    let text = file.read()?;
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    let certificates = read.map_err(|error| file.problem(format!("is not PEM: {error}")))?;
    match certificates.is_empty() {
        true => Err(file.problem("has no certificate; give a PEM file with one")),
        false => Ok(certificates),
    }
}

fn private_key(file: &Named) -> Result<PrivateKeyDer<'static>, String> {
    let text = file.read()?;
    PrivateKeyDer::from_pem_slice(&text).map_err(|error| match error {
        rustls_pki_types::pem::Error::NoItemsFound => {
            file.problem("has no private key; give a PEM file with one")
        }
        error => file.problem(format!("is not PEM: {error}")),
    })
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let file = File::open(path)?;
    let mut bytes = Vec::new();
    file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes)?;
    match bytes.len() as u64 > FILE_BYTES_MAX {
        true => Err(io::Error::other(format!(
            "more than {FILE_BYTES_MAX} bytes"
        ))),
        false => Ok(bytes),
    }
}
