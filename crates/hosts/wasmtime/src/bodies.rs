//! Bodies on their way, each direction with its own longest silence.

use std::error::Error;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};
use tokio::time::{Instant, Sleep, sleep_until};

use crate::callers::Busy;

/// How far a request has come. Copies are the same.
#[derive(Clone, Debug)]
pub(crate) struct Progress(Arc<Moved>);

#[derive(Debug)]
struct Moved {
    last: Mutex<Instant>,
    is_callers_turn: AtomicBool,
    is_broken: AtomicBool,
}

impl Progress {
    pub(crate) fn new() -> Self {
        let last = Mutex::new(Instant::now());
        Self(Arc::new(Moved {
            last,
            is_callers_turn: AtomicBool::new(false),
            is_broken: AtomicBool::new(false),
        }))
    }

    /// When something of it last moved.
    pub(crate) fn last(&self) -> Instant {
        *self.0.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether more of it is awaited from the caller.
    pub(crate) fn is_callers_turn(&self) -> bool {
        self.0.is_callers_turn.load(Ordering::Relaxed)
    }

    /// Whether what the caller sent was no body.
    pub(crate) fn is_broken(&self) -> bool {
        self.0.is_broken.load(Ordering::Relaxed)
    }

    fn moved(&self) {
        *self.0.last.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }
}

/// A request's body, from the caller to the service behind.
#[derive(Debug)]
pub(crate) struct Upload {
    body: Incoming,
    progress: Progress,
}

impl Upload {
    pub(crate) const fn new(body: Incoming, progress: Progress) -> Self {
        Self { body, progress }
    }
}

impl Body for Upload {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        self.progress.0.is_callers_turn.store(polled.is_pending(), Ordering::Relaxed);
        match &polled {
            Poll::Pending => {}
            Poll::Ready(Some(Err(_))) => self.progress.0.is_broken.store(true, Ordering::Relaxed),
            Poll::Ready(_) => self.progress.moved(),
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// An answer's body, from the service behind to the caller.
pub(crate) struct Download {
    body: Incoming,
    longest_silence: Duration,
    /// The request may still be on its way.
    progress: Progress,
    until: Pin<Box<Sleep>>,
    _busy: Busy,
}

impl Download {
    pub(crate) fn new(
        body: Incoming,
        longest_silence: Duration,
        progress: Progress,
        busy: Busy,
    ) -> Self {
        progress.moved();
        let until = Box::pin(sleep_until(progress.last() + longest_silence));
        Self { body, longest_silence, progress, until, _busy: busy }
    }
}

impl Body for Download {
    type Data = Bytes;
    type Error = Box<dyn Error + Send + Sync>;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        if let Poll::Ready(frame) = polled {
            self.progress.moved();
            return Poll::Ready(frame.map(|frame| frame.map_err(Into::into)));
        }
        let until = self.progress.last() + self.longest_silence;
        if until != self.until.deadline() {
            self.until.as_mut().reset(until);
        }
        // Where it is over, something may have moved since it was set.
        while self.until.as_mut().poll(context).is_ready() {
            let until = self.progress.last() + self.longest_silence;
            if until <= Instant::now() {
                let silent = io::Error::from(io::ErrorKind::TimedOut);
                return Poll::Ready(Some(Err(silent.into())));
            }
            self.until.as_mut().reset(until);
        }
        Poll::Pending
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
