//! The network's seams: where connections come from and go to. TCP and TLS in production, pipes in a simulation.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

/// One connection.
#[derive(Debug)]
pub enum Stream {
    /// Plain.
    Tcp(TcpStream),
    /// Encrypted.
    Tls(Box<TlsStream<TcpStream>>),
    /// Inside the process.
    Memory(DuplexStream),
}

/// Where a connection goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// Name or address.
    pub host: String,
    /// Port.
    pub port: u16,
    /// Whether it is encrypted.
    pub tls: bool,
}

/// A call for a connection inside the process. Whoever holds the other end of the channel answers it, when and how it
/// likes: late, with an error, or with one end of a pipe.
#[derive(Debug)]
pub struct Dial {
    /// The host that is called.
    pub host: String,
    /// The port that is called.
    pub port: u16,
    /// The answer; dropped without one, the connection is refused.
    pub answer: oneshot::Sender<io::Result<DuplexStream>>,
}

/// Makes connections.
#[derive(Clone)]
pub enum Connector {
    /// Over the network.
    Tcp(TlsConnector),
    /// Inside the process.
    Memory(mpsc::Sender<Dial>),
}

/// Takes connections.
#[derive(Debug)]
pub enum Listener {
    /// Over the network.
    Tcp(TcpListener),
    /// Inside the process.
    Memory(mpsc::Receiver<DuplexStream>),
}

impl Connector {
    /// Over the network, with the certificates that browsers trust.
    pub fn tcp() -> Self {
        let mut roots = RootCertStore::empty();
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        let provider = Arc::new(ring::default_provider());
        let versions = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        // The ring provider has cipher suites for both of the versions that are on by default.
        let config = versions.expect("the provider knows the default TLS versions");
        Self::Tcp(TlsConnector::from(Arc::new(config.with_root_certificates(roots).with_no_client_auth())))
    }

    /// Makes one connection.
    pub async fn connect(&self, endpoint: &Endpoint) -> io::Result<Stream> {
        match self {
            Self::Tcp(tls) => {
                let stream = TcpStream::connect((endpoint.host.as_str(), endpoint.port)).await?;
                stream.set_nodelay(true)?;
                if !endpoint.tls {
                    return Ok(Stream::Tcp(stream));
                }
                let name = ServerName::try_from(endpoint.host.clone()).map_err(io::Error::other)?;
                Ok(Stream::Tls(Box::new(tls.connect(name, stream).await?)))
            }
            Self::Memory(_) if endpoint.tls => {
                Err(io::Error::new(io::ErrorKind::Unsupported, "no https inside one process: use an http base URL"))
            }
            Self::Memory(dials) => {
                let (answer, answered) = oneshot::channel();
                let dial = Dial { host: endpoint.host.clone(), port: endpoint.port, answer };
                let refused = || io::Error::from(io::ErrorKind::ConnectionRefused);
                dials.send(dial).await.map_err(|_| refused())?;
                answered.await.map_err(|_| refused())?.map(Stream::Memory)
            }
        }
    }
}

impl Listener {
    /// The next connection.
    pub async fn accept(&mut self) -> io::Result<Stream> {
        match self {
            Self::Tcp(listener) => {
                let (stream, _) = listener.accept().await?;
                stream.set_nodelay(true)?;
                Ok(Stream::Tcp(stream))
            }
            Self::Memory(incoming) => match incoming.recv().await {
                Some(stream) => Ok(Stream::Memory(stream)),
                // Nobody can call any more; that is no error.
                None => std::future::pending().await,
            },
        }
    }

    /// The address, if it has one.
    pub fn address(&self) -> Option<std::net::SocketAddr> {
        match self {
            Self::Tcp(listener) => listener.local_addr().ok(),
            Self::Memory(_) => None,
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_read(cx, buf),
            Self::Tls(stream) => Pin::new(stream).poll_read(cx, buf),
            Self::Memory(stream) => Pin::new(stream).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_write(cx, data),
            Self::Tls(stream) => Pin::new(stream).poll_write(cx, data),
            Self::Memory(stream) => Pin::new(stream).poll_write(cx, data),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_flush(cx),
            Self::Tls(stream) => Pin::new(stream).poll_flush(cx),
            Self::Memory(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Memory(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}
