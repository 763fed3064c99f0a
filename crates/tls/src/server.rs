//! The side that serves. In: settings as they are typed; out: an [`Acceptor`] that makes
//! an encrypted stream of a socket, or says why not. Mutual where there is an authority
//! for clients: then a client without a certificate, or with one that does not pass, gets
//! no connection. A session is never resumed in that case, since what was checked when it
//! began may not hold any more.

use std::{
    fmt, io,
    path::PathBuf,
    sync::{Arc, Mutex},
    time::Duration,
};

use rustls::{
    DigitallySignedStruct, DistinguishedName, Error, ServerConfig, SignatureScheme,
    SupportedProtocolVersion,
    client::danger::HandshakeSignatureValid,
    server::{
        NoServerSessionStorage, ServerSessionMemoryCache, WebPkiClientVerifier,
        danger::{ClientCertVerified, ClientCertVerifier},
    },
    sign::SingleCertAndKey,
    version::{TLS12, TLS13},
};
use rustls_pki_types::{CertificateDer, UnixTime};
use tokio::{io::AsyncWriteExt, net::TcpStream, sync::Semaphore, time::timeout};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

use crate::{
    Identity, Leaf, Reason, Refusal,
    files::{self, Named, provider},
    live::{Live, Made, Registry},
    refusal::WrongIdentity,
};

/// Sessions that clients without a certificate may take up again.
const SESSIONS_MAX: usize = 4096;

/// Settings as they are typed; an absent file is `None`.
#[derive(Debug, Clone)]
pub struct RawServer {
    /// The chain that is shown to clients.
    pub cert: Option<PathBuf>,
    /// Its key.
    pub key: Option<PathBuf>,
    /// Authorities of clients' certificates, which are required with it.
    pub client_ca: Option<PathBuf>,
    /// Identities of clients; with none, all that those authorities vouch for.
    pub client_allow: Vec<Identity>,
    /// The oldest version.
    pub min_version: Version,
    /// How long a handshake may take.
    pub handshake_timeout: Duration,
    /// Handshakes at once; more have to wait within their time.
    pub handshakes_max: usize,
}

/// A version of TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// 1.2
    V12,
    /// 1.3
    V13,
}

impl Version {
    fn and_newer(self) -> &'static [&'static SupportedProtocolVersion] {
        static ALL: [&SupportedProtocolVersion; 2] = [&TLS13, &TLS12];
        match self {
            Version::V12 => &ALL,
            Version::V13 => &ALL[..1],
        }
    }
}

/// Checked settings of who serves.
#[derive(Debug, Clone, PartialEq)]
pub struct Server {
    cert: Named,
    key: Named,
    client_ca: Option<Named>,
    client_allow: Vec<Identity>,
    min_version: Version,
    handshake_timeout: Duration,
    handshakes_max: usize,
}

impl Server {
    /// Checks how settings go together; `prefix` is what their names begin with. `None`
    /// when there is to be no TLS.
    ///
    /// # Errors
    ///
    /// Every problem.
    pub fn checked(prefix: &str, raw: RawServer) -> Result<Option<Self>, Vec<String>> {
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
        if raw.client_ca.is_some() && raw.cert.is_none() {
            problems.push(format!(
                "{prefix}client-ca is for TLS, which needs {prefix}cert and {prefix}key; give them too"
            ));
        }
        if !raw.client_allow.is_empty() && raw.client_ca.is_none() {
            problems.push(format!(
                "{prefix}client-allow is for clients' certificates; give {prefix}client-ca, the \
                 authority that signs them"
            ));
        }
        match (problems.is_empty(), raw.cert, raw.key) {
            (false, ..) => Err(problems),
            (true, Some(cert), Some(key)) => Ok(Some(Server {
                cert: named("cert", cert),
                key: named("key", key),
                client_ca: raw.client_ca.map(|path| named("client-ca", path)),
                client_allow: raw.client_allow,
                min_version: raw.min_version,
                handshake_timeout: raw.handshake_timeout,
                handshakes_max: raw.handshakes_max,
            })),
            (true, ..) => Ok(None),
        }
    }
}

/// What is spoken inside, which clients are told (ALPN).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Speaks {
    /// HTTP/1.1.
    Http1,
    /// HTTP/2.
    Http2,
    /// Whichever the client likes better, HTTP/2 if it likes both.
    Either,
}

impl Speaks {
    pub(crate) fn names(self) -> Vec<Vec<u8>> {
        let (h1, h2) = (b"http/1.1".to_vec(), b"h2".to_vec());
        match self {
            Speaks::Http1 => vec![h1],
            Speaks::Http2 => vec![h2],
            Speaks::Either => vec![h2, h1],
        }
    }
}

/// What is made of the files, for each of what may be spoken.
pub(crate) struct Serving {
    leaf: Leaf,
    http1: Arc<ServerConfig>,
    http2: Arc<ServerConfig>,
    either: Arc<ServerConfig>,
}

impl Made for Serving {
    type Settings = Server;

    fn files(settings: &Server) -> Vec<&Named> {
        let Server {
            cert,
            key,
            client_ca,
            ..
        } = settings;
        [cert, key].into_iter().chain(client_ca).collect()
    }

    fn make(settings: &Server) -> Result<Self, Vec<String>> {
        let pair = files::pair(&settings.cert, &settings.key);
        let clients = settings
            .client_ca
            .as_ref()
            .map(|file| Clients::of(file, settings));
        let clients = clients.transpose();
        let ((certified, leaf), clients) = match (pair, clients) {
            (Ok(pair), Ok(clients)) => (pair, clients),
            (pair, clients) => {
                let mut problems = pair.err().unwrap_or_default();
                problems.extend(clients.err());
                return Err(problems);
            }
        };
        let versions = settings.min_version.and_newer();
        let builder = ServerConfig::builder_with_provider(provider())
            .with_protocol_versions(versions)
            .map_err(|error| vec![error.to_string()])?;
        let mutual = clients.is_some();
        let builder = match clients {
            Some(clients) => builder.with_client_cert_verifier(Arc::new(clients)),
            None => builder.with_no_client_auth(),
        };
        let mut config = builder.with_cert_resolver(Arc::new(SingleCertAndKey::from(certified)));
        if mutual {
            config.session_storage = Arc::new(NoServerSessionStorage {});
            config.send_tls13_tickets = 0;
        } else {
            config.session_storage = ServerSessionMemoryCache::new(SESSIONS_MAX);
        }
        let speaking = |speaks: Speaks| {
            let mut config = config.clone();
            config.alpn_protocols = speaks.names();
            Arc::new(config)
        };
        Ok(Serving {
            leaf,
            http1: speaking(Speaks::Http1),
            http2: speaking(Speaks::Http2),
            either: speaking(Speaks::Either),
        })
    }

    fn leaf(&self) -> Option<&Leaf> {
        Some(&self.leaf)
    }

    fn registry() -> &'static Registry<Self> {
        static REGISTRY: Registry<Serving> = Mutex::new(Vec::new());
        &REGISTRY
    }
}

/// Makes encrypted streams of sockets.
#[derive(Clone)]
pub struct Acceptor {
    live: Arc<Live<Serving>>,
    speaks: Speaks,
    places: Arc<Semaphore>,
}

/// A client that is let in.
pub struct Accepted {
    /// The stream.
    pub stream: Box<TlsStream<TcpStream>>,
    /// Who it is, if it has shown a certificate with a name.
    pub identity: Option<Arc<str>>,
    /// What it wants to speak, if it has said so.
    pub speaks: Option<Speaks>,
}

impl fmt::Debug for Acceptor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Acceptor")
            .field(&self.live.settings)
            .finish()
    }
}

impl Acceptor {
    /// Reads the files, and again when they change.
    ///
    /// # Errors
    ///
    /// Every problem with them.
    pub fn open(settings: &Server) -> Result<Self, Vec<String>> {
        Ok(Acceptor {
            live: Live::open(settings)?,
            speaks: Speaks::Either,
            places: Arc::new(Semaphore::new(settings.handshakes_max)),
        })
    }

    /// The same for another port, where something else may be spoken.
    #[must_use]
    pub fn speaking(&self, speaks: Speaks) -> Self {
        Acceptor {
            speaks,
            ..self.clone()
        }
    }

    /// Whether clients need a certificate.
    #[must_use]
    pub fn is_mutual(&self) -> bool {
        self.live.settings.client_ca.is_some()
    }

    /// Shakes hands with a client.
    ///
    /// # Errors
    ///
    /// Why there is no connection.
    pub async fn accept(&self, stream: TcpStream) -> Result<Accepted, Refusal> {
        let limit = self.live.settings.handshake_timeout;
        match timeout(limit, self.shake_hands(stream)).await {
            Ok(done) => done,
            Err(_) => Err(Refusal::timed_out(limit)),
        }
    }

    async fn shake_hands(&self, stream: TcpStream) -> Result<Accepted, Refusal> {
        // A client that says nothing must not take the place of one that does.
        let stream = beginning_with_tls(stream).await?;
        let _place = self.places.acquire().await;
        let now = self.live.now();
        let config = match self.speaks {
            Speaks::Http1 => &now.http1,
            Speaks::Http2 => &now.http2,
            Speaks::Either => &now.either,
        };
        let acceptor = TlsAcceptor::from(Arc::clone(config));
        let stream = acceptor.accept(stream).await;
        let stream = stream.map_err(|error| Refusal::of(&error))?;
        let (_, session) = stream.get_ref();
        let leaf = session
            .peer_certificates()
            .and_then(<[_]>::first)
            .and_then(Leaf::read);
        let identity = leaf.and_then(|leaf| leaf.identities.first().map(Arc::from));
        let speaks = session.alpn_protocol().map(|name| match name {
            b"h2" => Speaks::Http2,
            _ => Speaks::Http1,
        });
        Ok(Accepted {
            stream: Box::new(stream),
            identity,
            speaks,
        })
    }
}

/// The first byte of every TLS handshake.
const HANDSHAKE: u8 = 22;

/// Waits for the first byte and leaves it to be read. Plain HTTP is told what to do.
async fn beginning_with_tls(mut stream: TcpStream) -> Result<TcpStream, Refusal> {
    let mut first = [0];
    match stream.peek(&mut first).await {
        Ok(1) if first[0] == HANDSHAKE => Ok(stream),
        Ok(1) if first[0].is_ascii_alphabetic() => {
            // Whoever sends before it is read gets no answer, but a reset.
            let _ = stream.try_read(&mut [0; 8192]);
            let _ = stream.write_all(HINT).await;
            let _ = stream.shutdown().await;
            Err(Refusal::new(
                Reason::PlainHttp,
                "plain HTTP came, and TLS is spoken here",
            ))
        }
        Ok(1) => Err(Refusal::new(Reason::NotTls, "what came is no TLS")),
        Ok(_) => Err(Refusal::of(&io::ErrorKind::UnexpectedEof.into())),
        Err(error) => Err(Refusal::of(&error)),
    }
}

const HINT: &[u8] = b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\
    content-type: text/plain; charset=utf-8\r\ncontent-length: 39\r\n\r\n\
    this port speaks TLS; call it by https\n";

/// Checks clients' certificates: the chain, then the identity.
#[derive(Debug)]
struct Clients {
    chain: Arc<dyn ClientCertVerifier>,
    allowed: Vec<Identity>,
}

impl Clients {
    fn of(file: &Named, settings: &Server) -> Result<Self, String> {
        let roots = Arc::new(files::roots(file)?);
        let chain = WebPkiClientVerifier::builder_with_provider(roots, provider()).build();
        Ok(Clients {
            chain: chain.map_err(|error| file.problem(error))?,
            allowed: settings.client_allow.clone(),
        })
    }
}

impl ClientCertVerifier for Clients {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.chain.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let verified = self
            .chain
            .verify_client_cert(end_entity, intermediates, now)?;
        check_identity(end_entity, &self.allowed)?;
        Ok(verified)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.chain.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.chain.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.chain.supported_verify_schemes()
    }
}

/// Whether a verified certificate is of somebody allowed; with nobody named, everybody is.
pub(crate) fn check_identity(
    certificate: &CertificateDer<'_>,
    allowed: &[Identity],
) -> Result<(), Error> {
    if allowed.is_empty() {
        return Ok(());
    }
    let leaf = Leaf::read(certificate);
    let has = leaf
        .ok_or(rustls::CertificateError::BadEncoding)?
        .identities;
    match has.are_among(allowed) {
        true => Ok(()),
        false => {
            let allowed = allowed.to_vec();
            Err(WrongIdentity { has, allowed }.into_error())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw() -> RawServer {
        RawServer {
            cert: None,
            key: None,
            client_ca: None,
            client_allow: Vec::new(),
            min_version: Version::V13,
            handshake_timeout: Duration::from_secs(10),
            handshakes_max: 1,
        }
    }

    #[test]
    fn what_does_not_go_together_is_told_all_at_once() {
        assert_eq!(Server::checked("tls-", raw()), Ok(None));
        let one = RawServer {
            key: Some("k".into()),
            client_ca: Some("ca".into()),
            ..raw()
        };
        let problems = Server::checked("tls-", one).expect_err("no certificate");
        assert_eq!(problems.len(), 2, "{problems:?}");
        let allow = RawServer {
            client_allow: vec!["a".parse().expect("a name")],
            ..raw()
        };
        let problems = Server::checked("tls-", allow).expect_err("no authority");
        assert!(problems[0].starts_with("tls-client-allow"), "{problems:?}");
    }

    #[test]
    fn the_hint_says_how_long_it_is() {
        let text = std::str::from_utf8(HINT).expect("text");
        let (head, body) = text.split_once("\r\n\r\n").expect("a head");
        assert!(
            head.ends_with(&format!("content-length: {}", body.len())),
            "{}",
            body.len()
        );
    }
}
