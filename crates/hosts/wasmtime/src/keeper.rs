//! Keeps the list and the key set fresh: one refresh in flight for the whole process, ahead of time.

mod lists;
mod requests;

use std::cell::{Cell, RefCell};
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use hyper::header::HeaderValue;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep};
use zeroize::Zeroizing;

use crate::clock::now_ms;
use crate::component::Component;
use crate::decision::Required;
use crate::error::HostError;
use crate::instance::Instance;
use crate::knowledge::Knowledge;
use crate::log::{Outage, say};
use crate::registry_client::{RegistryClient, RegistryError, advice};

use requests::{Ended, Inbox};
pub(crate) use requests::{Requests, requests};

/// Brings what is new, has it judged by an instance of its own, and tells it to all threads. It lives on one thread.
pub(crate) struct Keeper {
    component: Component,
    registry: RegistryClient,
    knowledge: Arc<Knowledge>,
    max_state: usize,
    /// What calls need: the catalog must hold it.
    required: Vec<Required>,
    judge: RefCell<Option<Instance>>,
    key_set: RefCell<Option<Arc<Zeroizing<Vec<u8>>>>>,
    etag: RefCell<Option<HeaderValue>>,
    /// When the base was brought.
    base_at: Cell<Option<Instant>>,
    of_list: Outage,
    of_key_set: Outage,
    clock: fn() -> u64,
}

/// Why a refresh brought nothing.
#[derive(Debug, thiserror::Error)]
enum RefreshError {
    #[error(transparent)]
    Registry(#[from] RegistryError),
    #[error(transparent)]
    Host(#[from] HostError),
    #[error("there is no key set yet")]
    NoKeySet,
    #[error("the head is not fresh")]
    NotFresh,
    #[error("the head is older than the one in force before")]
    Older,
    #[error("the state does not belong to its head")]
    NoBase,
}

impl Keeper {
    pub(crate) fn new(
        component: Component,
        registry: RegistryClient,
        knowledge: Arc<Knowledge>,
        max_state: usize,
        required: Vec<Required>,
    ) -> Self {
        Self {
            component,
            required,
            registry,
            knowledge,
            max_state,
            judge: RefCell::new(None),
            key_set: RefCell::new(None),
            etag: RefCell::new(None),
            base_at: Cell::new(None),
            of_list: Outage::default(),
            of_key_set: Outage::default(),
            clock: now_ms,
        }
    }

    /// Fetches the first key set and the first list. A registry that is away is tried again for as long as it takes.
    ///
    /// # Errors
    /// What no waiting helps against: a credential or a key set that is refused, or a scope that there is none of.
    pub(crate) async fn begin(&self) -> Result<(), String> {
        loop {
            match self.renew().await {
                Ok(()) => break,
                Err(RefreshError::Registry(RegistryError::Refused(status)))
                    if status.is_client_error() && status.as_u16() != 429 =>
                {
                    let advice = advice(status);
                    return Err(format!(
                        "the registry gives no key set: it answers {status}{advice}"
                    ));
                }
                Err(RefreshError::Host(error)) => return Err(error.to_string()),
                Err(error) => failed(&self.of_key_set, "no key set", &error),
            }
            sleep(Duration::from_millis(FAILED_FOR_MS)).await;
        }
        if self.of_key_set.ended() {
            say("there is a key set");
        }
        for required in &self.required {
            let built = self.judged(|judge| judge.require(required));
            if let Err(RefreshError::Host(error @ HostError::Requirement(_))) = built {
                return Err(format!("{}: {error}", required.scopes.join(", ")));
            }
        }
        match self.refresh().await {
            Ok(()) => say("ready: there are a key set and a list"),
            Err(error) => failed(&self.of_list, "no list", &error),
        }
        Ok(())
    }

    /// Looks every few seconds whether the file holds another credential: one that is rotated before it expires is taken
    /// without a restart. A file that cannot be read, or holds none, changes nothing.
    pub(crate) async fn read_credentials(&self, file: Option<PathBuf>) {
        let Some(file) = file else { return };
        loop {
            sleep(CREDENTIAL_EVERY).await;
            if let Ok(text) = std::fs::read_to_string(&file).map(Zeroizing::new)
                && self.registry.take_credential(text.trim())
            {
                say("another credential is in its file, and is taken");
            }
        }
    }

    /// Refreshes for as long as the process lives. Runs on a thread of its own or beside others, in a local set.
    pub(crate) async fn run(self: Rc<Self>, inbox: Inbox) {
        let Inbox { list, list_done, key_set, key_set_done } = inbox;
        let (outdated, told) = mpsc::channel(1);
        tokio::join!(
            self.lists(list, list_done, outdated),
            self.key_sets(key_set, told, key_set_done)
        );
    }

    async fn key_sets(
        &self,
        mut asked: mpsc::Receiver<()>,
        mut told: mpsc::Receiver<()>,
        done: watch::Sender<Ended>,
    ) {
        loop {
            tokio::select! {
                Some(()) = asked.recv() => {}
                Some(()) = told.recv() => {}
            }
            let renewed = self.renew().await;
            match &renewed {
                Ok(()) if self.of_key_set.ended() => say("the key set is renewed again"),
                Ok(()) => {}
                Err(error) => failed(&self.of_key_set, "the key set is not renewed", error),
            }
            let failed_at_ms = renewed.err().map(|_| now_ms());
            done.send_modify(|ended| *ended = Ended { count: ended.count + 1, failed_at_ms });
            // Whoever asks meanwhile finds what has just come.
            sleep(KEY_SET_PAUSE).await;
        }
    }

    async fn renew(&self) -> Result<(), RefreshError> {
        let etag = self.etag.borrow().clone();
        let Some(fetched) = self.registry.key_set(etag.as_ref()).await? else { return Ok(()) };
        let bytes = Arc::new(fetched.bytes);
        // WHY not whether there is a judge: one that is made anew begins with what was in force, and so never steps back.
        let is_first = self.key_set.borrow().is_none();
        if is_first {
            let judge = self.component.instance(&bytes)?;
            *self.judge.borrow_mut() = Some(judge);
        } else {
            self.judged(|judge| judge.renew(&bytes))?;
        }
        *self.key_set.borrow_mut() = Some(Arc::clone(&bytes));
        *self.etag.borrow_mut() = fetched.etag;
        self.knowledge.tell_key_set(bytes);
        Ok(())
    }

    /// Asks the judge. One that does not come back is made anew, with the list that all threads have.
    fn judged<T>(
        &self,
        ask: impl FnOnce(&mut Instance) -> Result<T, HostError>,
    ) -> Result<T, RefreshError> {
        let mut judge = self.judge.borrow_mut();
        if judge.is_none() {
            let key_set = self.key_set.borrow().clone().ok_or(RefreshError::NoKeySet)?;
            let mut made = self.component.instance(&key_set)?;
            let known = self.knowledge.newest();
            // Where these are refused, the next refresh brings what is needed, and nobody is told of an older one.
            if let Some(base) = known.base {
                let _refused = made.apply_list(&base.0, Some(&base.1), (self.clock)());
            }
            if let Some(head) = known.head {
                let _refused = made.apply_list(&head, None, (self.clock)());
            }
            *judge = Some(made);
        }
        let instance = judge.as_mut().ok_or(RefreshError::NoKeySet)?;
        let answer = ask(instance);
        if instance.is_spent() {
            *judge = None;
        }
        Ok(answer?)
    }

    fn is_key_set_outdated(&self) -> bool {
        let outdated = || {
            let list = self.judged(Instance::list).ok()??;
            let key_set = self.judged(Instance::key_set).ok()?;
            Some(list.current_key_set > key_set.version)
        };
        outdated().unwrap_or(false)
    }
}

fn failed(outage: &Outage, what: &str, error: &RefreshError) {
    if let Some(line) = outage.failed(format!("{what}: {error}"), Instant::now()) {
        say(&line);
    }
}

const CREDENTIAL_EVERY: Duration = Duration::from_secs(3);
const KEY_SET_PAUSE: Duration = Duration::from_secs(2);
/// A refresh that failed counts as failed for so long.
const FAILED_FOR_MS: u64 = 1_000;

#[cfg(test)]
mod tests;
