//! The side that calls. In: settings as they are typed; out: a [`Connector`] that makes an
//! encrypted stream of a socket when the other side is who it should be: of a given
//! authority, and by the name it was called by, or among the identities that are allowed,
//! if any are given. The system's own authorities are not asked: a service is of one.

use std::{
    fmt, io,
    path::PathBuf,
    sync::{Arc, Mutex},
};

use rustls::{
    ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
    client::{
        Resumption,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
        verify_server_cert_signed_by_trust_anchor, verify_server_name,
    },
    crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature},
    server::ParsedCertificate,
    sign::SingleCertAndKey,
    version::{TLS12, TLS13},
};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::{
    Identity, Leaf, Refusal, Speaks, Stream,
    files::{self, Named, provider},
    live::{Live, Made, Registry},
    server::check_identity,
};

/// Settings as they are typed; an absent file is `None`.
#[derive(Debug, Clone, Default)]
pub struct RawClient {
    /// Authorities of the services' certificates.
    pub ca: Option<PathBuf>,
    /// The chain that is shown to services that want one.
    pub cert: Option<PathBuf>,
    /// Its key.
    pub key: Option<PathBuf>,
    /// Identities of the services; with none, they must have the name they are called by.
    pub allow: Vec<Identity>,
    /// The name that they must have in place of the one they are called by.
    pub server_name: Option<String>,
}

/// Checked settings of who calls.
#[derive(Debug, Clone, PartialEq)]
pub struct Client {
    ca: Named,
    pair: Option<(Named, Named)>,
    allow: Vec<Identity>,
    server_name: Option<ServerName<'static>>,
}

impl Client {
    /// Checks how settings go together; `prefix` is what their names begin with. `None`
    /// when there is to be no TLS.
    ///
    /// # Errors
    ///
    /// Every problem.
    pub fn checked(prefix: &str, raw: RawClient) -> Result<Option<Self>, Vec<String>> {
        let named = |key: &str, path| Named {
            setting: format!("{prefix}{key}"),
            path,
        };
        let mut problems = Vec::new();
        if raw.cert.is_some() != raw.key.is_some() {
            problems.push(format!(
                "{prefix}cert and {prefix}key belong together; give both or none"
            ));
        }
        let others = raw.cert.is_some() || !raw.allow.is_empty() || raw.server_name.is_some();
        if raw.ca.is_none() && others {
            problems.push(format!(
                "{prefix}ca is missing, without which there is no TLS; give the authority that \
                 signs the services' certificates"
            ));
        }
        if raw.server_name.is_some() && !raw.allow.is_empty() {
            problems.push(format!(
                "{prefix}server-name and {prefix}allow both say who a service may be; give one"
            ));
        }
        let server_name = raw.server_name.map(|name| {
            ServerName::try_from(name.clone()).map_err(|_| {
                format!("{prefix}server-name = {name:?}: not a DNS name or an IP address")
            })
        });
        let server_name = match server_name.transpose() {
            Ok(name) => name,
            Err(problem) => {
                problems.push(problem);
                None
            }
        };
        if !problems.is_empty() {
            return Err(problems);
        }
        Ok(raw.ca.map(|ca| Client {
            ca: named("ca", ca),
            pair: raw
                .cert
                .zip(raw.key)
                .map(|(cert, key)| (named("cert", cert), named("key", key))),
            allow: raw.allow,
            server_name,
        }))
    }
}

/// What is made of the files, for each of what may be spoken.
pub(crate) struct Calling {
    leaf: Option<Leaf>,
    http1: Arc<ClientConfig>,
    http2: Arc<ClientConfig>,
}

impl Made for Calling {
    type Settings = Client;

    fn files(settings: &Client) -> Vec<&Named> {
        let pair = settings.pair.iter().flat_map(|(cert, key)| [cert, key]);
        [&settings.ca].into_iter().chain(pair).collect()
    }

    fn make(settings: &Client) -> Result<Self, Vec<String>> {
        let roots = files::roots(&settings.ca);
        let pair = settings
            .pair
            .as_ref()
            .map(|(cert, key)| files::pair(cert, key));
        let (roots, pair) = match (roots, pair.transpose()) {
            (Ok(roots), Ok(pair)) => (roots, pair),
            (roots, pair) => {
                let mut problems = Vec::from_iter(roots.err());
                problems.extend(pair.err().into_iter().flatten());
                return Err(problems);
            }
        };
        let services = Services {
            roots,
            algorithms: provider().signature_verification_algorithms,
            allowed: settings.allow.clone(),
        };
        let builder = ClientConfig::builder_with_provider(provider())
            .with_protocol_versions(&[&TLS13, &TLS12])
            .map_err(|error| vec![error.to_string()])?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(services));
        let (leaf, mut config) = match pair {
            Some((certified, leaf)) => {
                let resolver = Arc::new(SingleCertAndKey::from(certified));
                (Some(leaf), builder.with_client_cert_resolver(resolver))
            }
            None => (None, builder.with_no_client_auth()),
        };
        // A session that is taken up again is not checked again.
        config.resumption = Resumption::disabled();
        let speaking = |speaks: Speaks| {
            let mut config = config.clone();
            config.alpn_protocols = speaks.names();
            Arc::new(config)
        };
        Ok(Calling {
            leaf,
            http1: speaking(Speaks::Http1),
            http2: speaking(Speaks::Http2),
        })
    }

    fn leaf(&self) -> Option<&Leaf> {
        self.leaf.as_ref()
    }

    fn registry() -> &'static Registry<Self> {
        static REGISTRY: Registry<Calling> = Mutex::new(Vec::new());
        &REGISTRY
    }
}

/// Makes encrypted streams of sockets. Two are equal when their settings are.
#[derive(Clone)]
pub struct Connector(Arc<Live<Calling>>);

impl PartialEq for Connector {
    fn eq(&self, other: &Self) -> bool {
        self.0.settings == other.0.settings
    }
}

impl Eq for Connector {}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Connector").field(&self.0.settings).finish()
    }
}

impl Connector {
    /// Reads the files, and again when they change.
    ///
    /// # Errors
    ///
    /// Every problem with them.
    pub fn open(settings: &Client) -> Result<Self, Vec<String>> {
        Live::open(settings).map(Connector)
    }

    /// Shakes hands with a service that was called by `host`, a name or an address without
    /// brackets. How long that may take is for the caller to say.
    ///
    /// # Errors
    ///
    /// Why there is no connection, with a [`Refusal`] inside.
    pub async fn connect(
        &self,
        host: &str,
        stream: TcpStream,
        speaks: Speaks,
    ) -> io::Result<Stream> {
        let name = match &self.0.settings.server_name {
            Some(name) => name.clone(),
            None => ServerName::try_from(host.to_owned()).map_err(io::Error::other)?,
        };
        let now = self.0.now();
        let config = match speaks {
            Speaks::Http1 => &now.http1,
            Speaks::Http2 | Speaks::Either => &now.http2,
        };
        let connector = TlsConnector::from(Arc::clone(config));
        match connector.connect(name, stream).await {
            Ok(stream) => Ok(Stream::Tls(Box::new(stream))),
            Err(error) => {
                let kind = error.kind();
                Err(io::Error::new(kind, Refusal::of(&error)))
            }
        }
    }
}

/// Checks services' certificates: the chain, then who it is.
#[derive(Debug)]
struct Services {
    roots: RootCertStore,
    algorithms: WebPkiSupportedAlgorithms,
    allowed: Vec<Identity>,
}

impl ServerCertVerifier for Services {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let certificate = ParsedCertificate::try_from(end_entity)?;
        let algorithms = self.algorithms.all;
        verify_server_cert_signed_by_trust_anchor(
            &certificate,
            &self.roots,
            intermediates,
            now,
            algorithms,
        )?;
        match self.allowed.is_empty() {
            true => verify_server_name(&certificate, server_name)?,
            false => check_identity(end_entity, &self.allowed)?,
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
