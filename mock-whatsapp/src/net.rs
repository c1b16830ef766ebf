//! The two seams to the network: where connections come from, and how they are made. A simulator puts links of its own
//! behind both; everything above runs the same lines.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};

/// One connection, from either side.
pub trait Link: AsyncRead + AsyncWrite + Unpin + Send {
    /// Makes the end of the connection a reset instead of an orderly close, where there is a difference.
    fn reset_on_close(&self) {}
}

impl Link for TcpStream {
    fn reset_on_close(&self) {
        if let Err(error) = self.set_zero_linger() {
            tracing::debug!(%error, "the connection closes in order instead of being reset");
        }
    }
}

impl Link for DuplexStream {}

/// Where connections come from.
#[derive(Debug)]
pub enum Listener {
    /// A socket.
    Tcp(TcpListener),
    /// A socket behind which TLS is spoken.
    #[cfg(feature = "tls")]
    Tls(TcpListener, crate::tls::Tls),
    /// Whatever is sent here.
    Links(mpsc::Receiver<BoxedLink>),
}

/// A connection that was accepted, and may have to greet before it can be used.
#[derive(Debug)]
pub enum Arrival {
    /// It can be used.
    Ready(BoxedLink),
    /// It begins with a greeting.
    #[cfg(feature = "tls")]
    Greeting(TcpStream, crate::tls::Tls),
}

impl Arrival {
    /// The connection, once it can be used.
    ///
    /// # Errors
    /// If the greeting fails.
    pub async fn greeted(self) -> io::Result<BoxedLink> {
        match self {
            Self::Ready(link) => Ok(link),
            #[cfg(feature = "tls")]
            Self::Greeting(stream, tls) => tls.accept(stream).await,
        }
    }
}

impl Listener {
    /// The next connection; `None` when there will never be one again.
    pub async fn accept(&mut self) -> Option<io::Result<Arrival>> {
        let swift = |stream: TcpStream| stream.set_nodelay(true).map(|()| stream);
        match self {
            Self::Tcp(listener) => {
                let accepted = listener.accept().await.and_then(|(stream, _)| swift(stream));
                Some(accepted.map(|stream| Arrival::Ready(BoxedLink::new(stream))))
            }
            #[cfg(feature = "tls")]
            Self::Tls(listener, tls) => {
                let accepted = listener.accept().await.and_then(|(stream, _)| swift(stream));
                Some(accepted.map(|stream| Arrival::Greeting(stream, tls.clone())))
            }
            Self::Links(links) => Some(Ok(Arrival::Ready(links.recv().await?))),
        }
    }

    /// How a URL of this server begins.
    pub fn scheme(&self) -> &'static str {
        match self {
            #[cfg(feature = "tls")]
            Self::Tls(..) => "https",
            Self::Tcp(_) | Self::Links(_) => "http",
        }
    }
}

/// How connections are made.
#[derive(Clone, Debug)]
pub struct Connector {
    way: Way,
    #[cfg(feature = "tls")]
    trust: crate::trust::Trust,
}

#[derive(Clone, Debug)]
enum Way {
    Tcp,
    Links(mpsc::Sender<Dial>),
}

/// A wish to be connected.
#[derive(Debug)]
pub struct Dial {
    /// `host:port`.
    pub authority: String,
    /// Where the connection goes.
    pub answer: oneshot::Sender<io::Result<BoxedLink>>,
}

impl Connector {
    /// By TCP.
    pub fn tcp() -> Self {
        Self::by(Way::Tcp)
    }

    /// By asking for them here.
    pub fn links(dials: mpsc::Sender<Dial>) -> Self {
        Self::by(Way::Links(dials))
    }

    fn by(way: Way) -> Self {
        Self {
            way,
            #[cfg(feature = "tls")]
            trust: crate::trust::Trust::default(),
        }
    }

    /// The same, with others to vouch for receivers than only the public authorities.
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn trusting(self, trust: crate::trust::Trust) -> Self {
        Self { trust, ..self }
    }

    /// Whom it trusts.
    #[cfg(feature = "tls")]
    pub fn trust(&self) -> &crate::trust::Trust {
        &self.trust
    }

    /// Connects to `host:port`.
    ///
    /// # Errors
    /// As the network has them.
    pub async fn connect(&self, authority: &str) -> io::Result<BoxedLink> {
        match &self.way {
            Way::Tcp => {
                let stream = TcpStream::connect(authority).await?;
                stream.set_nodelay(true)?;
                Ok(BoxedLink::new(stream))
            }
            Way::Links(dials) => {
                let gone = || io::Error::from(io::ErrorKind::ConnectionRefused);
                let (answer, link) = oneshot::channel();
                dials.send(Dial { authority: authority.to_owned(), answer }).await.map_err(|_| gone())?;
                link.await.map_err(|_| gone())?
            }
        }
    }
}

/// A link of any kind.
pub struct BoxedLink {
    link: Box<dyn Link>,
}

impl BoxedLink {
    /// Boxes a link.
    pub fn new(link: impl Link + 'static) -> Self {
        Self { link: Box::new(link) }
    }

    /// See [`Link::reset_on_close`].
    pub fn reset_on_close(&self) {
        self.link.reset_on_close();
    }
}

impl fmt::Debug for BoxedLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BoxedLink")
    }
}

impl AsyncRead for BoxedLink {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.link).poll_read(cx, buf)
    }
}

impl AsyncWrite for BoxedLink {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut *self.link).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.link).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.link).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut *self.link).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.link.is_write_vectored()
    }
}
