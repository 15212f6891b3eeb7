//! How threads ask the keeper for what is new, and how long they wait for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::time::timeout;

use super::FAILED_FOR_MS;
use crate::clock::now_ms;

/// How threads ask for what is new, and hear that it is there.
#[derive(Clone)]
pub(crate) struct Requests {
    list: mpsc::Sender<()>,
    list_done: watch::Receiver<Ended>,
    key_set: mpsc::Sender<()>,
    key_set_done: watch::Receiver<Ended>,
    /// When a wait for either was last in vain, in Unix milliseconds.
    list_late: Arc<AtomicU64>,
    key_set_late: Arc<AtomicU64>,
}

/// The other end of [`Requests`].
pub(crate) struct Inbox {
    pub(super) list: mpsc::Receiver<()>,
    pub(super) list_done: watch::Sender<Ended>,
    pub(super) key_set: mpsc::Receiver<()>,
    pub(super) key_set_done: watch::Sender<Ended>,
}

/// How many ended, and when the last one that failed did, in Unix milliseconds.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Ended {
    pub(super) count: u64,
    pub(super) failed_at_ms: Option<u64>,
}

/// Both ends.
pub(crate) fn requests() -> (Requests, Inbox) {
    // Room for one: whoever asks while one is asked for waits for the same.
    let (list, list_asked) = mpsc::channel(1);
    let (key_set, key_set_asked) = mpsc::channel(1);
    let (list_ended, list_done) = watch::channel(Ended::default());
    let (key_set_ended, key_set_done) = watch::channel(Ended::default());
    let inbox = Inbox {
        list: list_asked,
        list_done: list_ended,
        key_set: key_set_asked,
        key_set_done: key_set_ended,
    };
    let [list_late, key_set_late] = [(); 2].map(|()| Arc::new(AtomicU64::new(0)));
    (Requests { list, list_done, key_set, key_set_done, list_late, key_set_late }, inbox)
}

impl Requests {
    /// Waits for one refresh of the list, half a second at most. Whether it helped is seen from the list.
    pub(crate) async fn list(&self) {
        ended(&self.list, &self.list_done, &self.list_late, LIST_WAIT).await;
    }

    /// Asks for one and waits for nothing.
    pub(crate) fn list_soon(&self) {
        let _already_asked = self.list.try_send(());
    }

    /// Waits for one renewal of the key set, half a second at most.
    pub(crate) async fn key_set(&self) {
        ended(&self.key_set, &self.key_set_done, &self.key_set_late, KEY_SET_WAIT).await;
    }
}

async fn ended(
    ask: &mpsc::Sender<()>,
    done: &watch::Receiver<Ended>,
    late: &AtomicU64,
    wait: Duration,
) {
    let mut done = done.clone();
    let failed_at = done.borrow_and_update().failed_at_ms;
    let late_at = Some(late.load(Ordering::Relaxed));
    if failed_at.max(late_at).is_some_and(|at| now_ms().saturating_sub(at) < FAILED_FOR_MS) {
        return;
    }
    let _already_asked = ask.try_send(());
    // WHY: what takes so long counts as failed, or a registry that hangs costs every call its wait.
    if timeout(wait, done.changed()).await.is_err() {
        late.store(now_ms(), Ordering::Relaxed);
    }
}

/// Longest that a caller waits for a list, and for a key set.
const LIST_WAIT: Duration = Duration::from_millis(500);
const KEY_SET_WAIT: Duration = Duration::from_millis(500);
