//! HTTPS for clients that insist on it: a certificate authority made anew at every start, and a certificate of it for this
//! machine's own names. The authority's key is forgotten at once; its certificate is for clients to trust.

use crate::net::{BoxedLink, Link};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair};
use rcgen::{DistinguishedName, KeyUsagePurpose};
use std::fmt;
use std::io;
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::server::TlsStream;

/// For whom the certificate is.
const NAMES: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// Why there can be no HTTPS.
#[derive(Debug)]
pub struct Error(String);

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no certificate can be made: {}", self.0)
    }
}

impl std::error::Error for Error {}

impl From<rcgen::Error> for Error {
    fn from(error: rcgen::Error) -> Self {
        Self(error.to_string())
    }
}

impl From<tokio_rustls::rustls::Error> for Error {
    fn from(error: tokio_rustls::rustls::Error) -> Self {
        Self(error.to_string())
    }
}

/// What it takes to serve HTTPS.
#[derive(Clone)]
pub struct Tls {
    acceptor: TlsAcceptor,
    authority: String,
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tls")
    }
}

impl Tls {
    /// A certificate for localhost, 127.0.0.1, ::1 and `names`, of an authority of its own.
    ///
    /// # Errors
    /// If one of `names` is no name or address, or there is no randomness to be had.
    pub fn new(names: &[String]) -> Result<Self, Error> {
        let mut of_authority = CertificateParams::new(Vec::new())?;
        of_authority.distinguished_name = named("mock-whatsapp: for tests, made at its start");
        of_authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        of_authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let authority = CertifiedIssuer::self_signed(of_authority, KeyPair::generate()?)?;
        let names: Vec<String> = NAMES.iter().map(|name| (*name).to_owned()).chain(names.iter().cloned()).collect();
        let mut of_server = CertificateParams::new(names)?;
        of_server.distinguished_name = named("mock-whatsapp");
        of_server.use_authority_key_identifier_extension = true;
        of_server.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        of_server.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let key = KeyPair::generate()?;
        let certificate = of_server.signed_by(&key, &authority)?;
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self { acceptor: TlsAcceptor::from(Arc::new(config)), authority: authority.pem() })
    }

    /// The authority's certificate, for clients to trust, in PEM.
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// Greets a client.
    ///
    /// # Errors
    /// If it speaks no TLS, or does not trust the certificate.
    pub async fn accept(&self, stream: TcpStream) -> io::Result<BoxedLink> {
        Ok(BoxedLink::new(self.acceptor.accept(stream).await?))
    }
}

fn named(name: &str) -> DistinguishedName {
    let mut distinguished = DistinguishedName::new();
    distinguished.push(DnType::CommonName, name);
    distinguished
}

impl Link for TlsStream<TcpStream> {
    fn reset_on_close(&self) {
        self.get_ref().0.reset_on_close();
    }
}
