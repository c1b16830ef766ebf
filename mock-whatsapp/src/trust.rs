//! Whom receivers of webhooks over HTTPS must be vouched for by: public authorities, this server's own and those of a file.
//! Or by nobody, where a tenant says so: its receiver's certificate is then not looked at.

use crate::net::{BoxedLink, Link};
use std::fmt;
use std::io;
use std::sync::{Arc, OnceLock};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use tokio_rustls::rustls::client::{WebPkiServerVerifier, verify_server_name};
use tokio_rustls::rustls::crypto::{CryptoProvider, ring};
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::server::ParsedCertificate;
use tokio_rustls::rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
};

/// The authorities, and what is made of them when the first receiver wants HTTPS: most servers never see one.
/// Shared, since every webhook on its way has them, and a machine's own file has more than a hundred.
#[derive(Clone, Default)]
pub struct Trust {
    further: Arc<[CertificateDer<'static>]>,
    made: Arc<OnceLock<Result<[TlsConnector; 2], String>>>,
}

impl fmt::Debug for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Trust(the public authorities and {} more)", self.further.len())
    }
}

impl Trust {
    /// The same and the authorities of some PEM.
    ///
    /// # Errors
    /// If it has no certificate, or one that cannot be read; as a sentence.
    pub fn with(self, pem: &str) -> Result<Self, String> {
        let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
        let found = found.map_err(|_| "it is no PEM that can be read")?;
        let mut roots = RootCertStore::empty();
        for certificate in &found {
            roots.add(certificate.clone()).map_err(|error| format!("a certificate in it is none: {error}"))?;
        }
        if found.is_empty() {
            return Err("it has no certificate: `-----BEGIN CERTIFICATE-----` begins one".to_owned());
        }
        let further = self.further.iter().cloned().chain(found).collect();
        Ok(Self { further, made: Arc::default() })
    }

    fn make(&self) -> Result<[TlsConnector; 2], Error> {
        let provider = Arc::new(ring::default_provider());
        let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        for certificate in self.further.iter() {
            roots.add(certificate.clone())?;
        }
        let verifying = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider.clone()).build();
        let verifying = verifying.map_err(|error| Error::General(error.to_string()))?;
        let verifying: Arc<dyn ServerCertVerifier> = Arc::new(Vouched { verifying, further: self.further.clone() });
        let verifiers = [verifying, Arc::new(Anybody(provider.clone()))];
        let connector = |verifier| {
            let config = ClientConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions()?;
            let mut config = config.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth();
            config.alpn_protocols = vec![b"http/1.1".to_vec()];
            Ok::<_, Error>(TlsConnector::from(Arc::new(config)))
        };
        let [verifying, trusting] = verifiers.map(connector);
        Ok([verifying?, trusting?])
    }

    /// Greets a server by the name that it must have, or takes any.
    ///
    /// # Errors
    /// If it speaks no TLS, or nobody vouches for it.
    pub async fn greet(&self, link: BoxedLink, host: &str, insecure: bool) -> io::Result<BoxedLink> {
        let made = self.made.get_or_init(|| self.make().map_err(|error| error.to_string()));
        let [verifying, trusting] = made.as_ref().map_err(|why| io::Error::other(why.clone()))?;
        let name = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let name = ServerName::try_from(name).map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
        let connector = if insecure { trusting } else { verifying };
        Ok(BoxedLink::new(connector.connect(name, link).await?))
    }
}

/// Whether a greeting failed for a certificate that nobody trusted vouches for.
pub fn is_untrusted(error: &io::Error) -> bool {
    let cause = error.get_ref().and_then(|cause| cause.downcast_ref::<Error>());
    matches!(cause, Some(Error::InvalidCertificate(_)))
}

impl Link for TlsStream<BoxedLink> {
    fn reset_on_close(&self) {
        self.get_ref().0.reset_on_close();
    }
}

/// Takes whom an authority vouches for, and an authority of a file that is the receiver itself: `openssl req -x509` makes a
/// certificate that is an authority's and a server's at once, which other libraries take from whoever was told to trust it.
#[derive(Debug)]
struct Vouched {
    verifying: Arc<WebPkiServerVerifier>,
    further: Arc<[CertificateDer<'static>]>,
}

impl ServerCertVerifier for Vouched {
    fn verify_server_cert(
        &self,
        shown: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        status: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        match self.verifying.verify_server_cert(shown, between, name, status, now) {
            // That it is an authority's is found out when it is not too old; its name is not looked at any more.
            Err(Error::InvalidCertificate(CertificateError::Other(_))) if self.further.contains(shown) => {
                verify_server_name(&ParsedCertificate::try_from(shown)?, name)?;
                Ok(ServerCertVerified::assertion())
            }
            verified => verified,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        shown: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verifying.verify_tls12_signature(message, shown, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        shown: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verifying.verify_tls13_signature(message, shown, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.verifying.supported_verify_schemes()
    }
}

/// Takes everybody for whom he says he is.
#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_certificate_is_told() {
        let why = |pem: &str| Trust::default().with(pem).unwrap_err();
        assert!(why("").starts_with("it has no certificate"));
        assert!(why("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").contains("is none"));
        assert!(why("-----BEGIN CERTIFICATE-----\n***\n-----END CERTIFICATE-----\n").starts_with("it is no PEM"));
    }
}
