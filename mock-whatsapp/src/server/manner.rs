//! Answers that are given in an unusual manner: bit by bit, half, or with the connection closed behind them. The head is as
//! always, with the length of the whole.

use super::line::{Line, Turn};
use super::stream::{Flow, Stream};
use bytes::Bytes;
use http_body_util::Full;
use hyper::Response;
use hyper::body::{Body, Frame, SizeHint};
use mock_whatsapp_model::output::Manner;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::time::{Sleep, sleep};

/// In how many pieces an answer drips at most.
const PIECES: usize = 64;

/// The body of an answer.
#[derive(Debug)]
pub(super) struct Spoken {
    whole: Full<Bytes>,
    manner: Option<Box<Unusual>>,
    /// What comes in place of the whole, where an answer goes on.
    flow: Option<Box<Flow>>,
    /// Ends with it.
    _turn: Turn,
}

#[derive(Debug)]
struct Unusual {
    left: Bytes,
    /// How much comes at a time, and after how long.
    piece: usize,
    pause: Duration,
    pausing: Option<Pin<Box<Sleep>>>,
    /// How much never comes.
    kept: usize,
    /// Whether what came was let out before it breaks off.
    is_out: bool,
    /// The line that ends with it.
    closes: Option<Arc<Line>>,
}

/// Makes an answer's body one that is given as it is to be.
pub(super) fn speak(answer: Response<Full<Bytes>>, turn: Turn) -> Response<Spoken> {
    let manner = answer.extensions().get::<Manner>().copied();
    let flow = answer.extensions().get::<Stream>().and_then(Stream::flow).map(Box::new);
    answer.map(|whole| {
        let Some(manner) = manner else { return Spoken { whole, manner: None, flow, _turn: turn } };
        let left = bytes_of(&whole);
        let length = left.len();
        let unusual = Unusual {
            left,
            piece: usize::MAX,
            pause: Duration::ZERO,
            pausing: None,
            kept: 0,
            is_out: false,
            closes: None,
        };
        let unusual = match manner {
            Manner::Drip(span) => {
                let piece = length.div_ceil(PIECES).max(1);
                let pieces = u32::try_from(length.div_ceil(piece)).unwrap_or(u32::MAX).max(1);
                Unusual { piece, pause: span.to_std() / pieces, ..unusual }
            }
            Manner::CloseMiddle => Unusual { kept: length - length / 2, ..unusual },
            Manner::CloseAfter => Unusual { closes: Some(turn.line().clone()), ..unusual },
            Manner::CloseBefore { .. } | Manner::Lost(_) => {
                return Spoken { whole, manner: None, flow: None, _turn: turn };
            }
        };
        Spoken { whole, manner: Some(Box::new(unusual)), flow: None, _turn: turn }
    })
}

/// What a body that nobody read yet holds.
fn bytes_of(whole: &Full<Bytes>) -> Bytes {
    let mut copy = whole.clone();
    let mut context = Context::from_waker(std::task::Waker::noop());
    match Pin::new(&mut copy).poll_frame(&mut context) {
        Poll::Ready(Some(Ok(frame))) => frame.into_data().unwrap_or_default(),
        Poll::Ready(_) | Poll::Pending => Bytes::new(),
    }
}

/// The connection ends in the middle of an answer, as it was meant to.
#[derive(Clone, Copy, Debug)]
pub(super) struct BreaksOff;

impl std::fmt::Display for BreaksOff {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the answer breaks off, as it was meant to")
    }
}

impl std::error::Error for BreaksOff {}

impl Body for Spoken {
    type Data = Bytes;
    type Error = BreaksOff;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BreaksOff>>> {
        let this = &mut *self;
        if let Some(flow) = &mut this.flow {
            return flow.poll(cx).map(|piece| piece.map(|piece| Ok(Frame::data(piece))));
        }
        let Some(unusual) = &mut this.manner else {
            return Pin::new(&mut this.whole).poll_frame(cx).map_err(|never| match never {});
        };
        if unusual.left.len() <= unusual.kept {
            if unusual.kept > 0 && !std::mem::replace(&mut unusual.is_out, true) {
                // What waits is only written once there is nothing more for now.
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            return Poll::Ready((unusual.kept > 0).then_some(Err(BreaksOff)));
        }
        if unusual.pause > Duration::ZERO {
            let pause = unusual.pause;
            ready!(unusual.pausing.get_or_insert_with(|| Box::pin(sleep(pause))).as_mut().poll(cx));
            unusual.pausing = None;
        }
        let now = unusual.piece.min(unusual.left.len() - unusual.kept);
        let piece = unusual.left.split_to(now);
        if unusual.left.is_empty()
            && let Some(line) = unusual.closes.take()
        {
            line.close();
        }
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        match &self.manner {
            None if self.flow.is_some() => false,
            None => self.whole.is_end_stream(),
            Some(unusual) => unusual.left.is_empty(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.manner {
            None if self.flow.is_some() => SizeHint::default(),
            None => self.whole.size_hint(),
            Some(unusual) => SizeHint::with_exact(unusual.left.len() as u64),
        }
    }
}
