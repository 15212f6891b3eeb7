//! Keeps the list and the key set fresh: one refresh in flight for the whole process, ahead of time.

use std::cell::{Cell, RefCell};
use std::path::PathBuf;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use hyper::header::HeaderValue;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep, timeout};
use zeroize::Zeroizing;

use crate::bindings::exports::wardkey::verify::types::{KeySetInfo, StateName};
use crate::bindings::exports::wardkey::verify::verifier::ListError;
use crate::clock::now_ms;
use crate::component::Component;
use crate::decision::Required;
use crate::error::HostError;
use crate::instance::Instance;
use crate::knowledge::{Knowledge, Mark};
use crate::log::{Outage, say};
use crate::registry_client::{RegistryClient, RegistryError, advice};

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
}

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
    list: mpsc::Receiver<()>,
    list_done: watch::Sender<Ended>,
    key_set: mpsc::Receiver<()>,
    key_set_done: watch::Sender<Ended>,
}

/// How many ended, and when the last one that failed did, in Unix milliseconds.
#[derive(Clone, Copy, Debug, Default)]
struct Ended {
    count: u64,
    failed_at_ms: Option<u64>,
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
        if let Err(error) = self.refresh().await {
            failed(&self.of_list, "no list", &error);
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

    async fn lists(
        &self,
        mut asked: mpsc::Receiver<()>,
        done: watch::Sender<Ended>,
        outdated: mpsc::Sender<()>,
    ) {
        loop {
            tokio::select! {
                () = sleep(self.until_next()) => {}
                Some(()) = asked.recv() => {
                    // It was asked for while the last one was under way, which has brought it.
                    if self.is_half_fresh() && !self.knowledge.wants_state() {
                        done.send_modify(|ended| ended.count += 1);
                        continue;
                    }
                }
            }
            let refreshed = self.refresh_beside().await;
            let failed_at_ms = refreshed.as_ref().err().map(|_| now_ms());
            match &refreshed {
                Ok(()) if self.of_list.ended() => say("the list is refreshed again"),
                Ok(()) => {}
                Err(error) => failed(&self.of_list, "the list is not refreshed", error),
            }
            if self.is_key_set_outdated() {
                let _already_told = outdated.try_send(());
            }
            done.send_modify(|ended| *ended = Ended { count: ended.count + 1, failed_at_ms });
            if failed_at_ms.is_some() {
                sleep(Duration::from_millis(FAILED_FOR_MS)).await;
                while asked.try_recv().is_ok() {}
            }
        }
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

    /// Refreshes; beside one that takes long another begins, so that a request that hangs holds up nobody.
    async fn refresh_beside(&self) -> Result<(), RefreshError> {
        let mut first = pin!(self.refresh());
        if let Ok(ended) = timeout(SUPERSEDED_AFTER, &mut first).await {
            return ended;
        }
        let mut second = pin!(self.refresh());
        tokio::select! {
            Ok(()) = &mut first => Ok(()),
            ended = &mut second => ended,
        }
    }

    /// Brings a head into force whose age is at most fresh-for.
    async fn refresh(&self) -> Result<(), RefreshError> {
        let KeySetInfo { tenant, fresh_for_ms, .. } = self.judged(Instance::key_set)?;
        let head = self.registry.head(tenant).await?;
        let adopted = self.judged(|judge| judge.apply_list(&head, None, now_ms()));
        let needed = match adopted {
            Err(RefreshError::Host(HostError::List(ListError::StateNeeded(name)))) => Some(name),
            Err(error) => return Err(error),
            Ok(()) => None,
        };
        let mut state = None;
        if let Some(name) = needed {
            let bytes = self.registry.state(tenant, &name, self.max_state).await?;
            self.judged(|judge| judge.apply_list(&head, Some(&bytes), now_ms()))?;
            state = Some(bytes);
        }
        let list = self.judged(Instance::list)?.ok_or(RefreshError::NotFresh)?;
        let issued_at_ms = list.issued_at_ms;
        // Another refresh may have brought a newer one meanwhile.
        self.tell(&head, state, Mark::from(list))?;
        if self.wants_base(&head) {
            self.bring_base(tenant, head).await?;
        }
        if now_ms().saturating_sub(issued_at_ms) <= fresh_for_ms {
            Ok(())
        } else {
            Err(RefreshError::NotFresh)
        }
    }

    /// Tells all threads of a head that is in force here, unless that is an older list than they have heard of.
    fn tell(&self, head: &[u8], state: Option<Vec<u8>>, mark: Mark) -> Result<(), RefreshError> {
        let has_state = state.is_some();
        let is_this = mark_of(head) == Some(mark);
        if !is_this || !self.knowledge.tell_list(head.to_vec(), state, mark) {
            return Err(RefreshError::Older);
        }
        if has_state {
            self.base_at.set(Some(Instant::now()));
        }
        Ok(())
    }

    /// Whether an instance has nothing to begin with that leads to this head, or may soon have nothing: heads say the last changes only.
    fn wants_base(&self, head: &[u8]) -> bool {
        let base = self.knowledge.newest().base;
        let is_same = base.is_some_and(|base| base.0.get(STATE_NAME) == head.get(STATE_NAME));
        let is_old = self.base_at.get().is_none_or(|at| at.elapsed() >= BASE_FOR);
        self.knowledge.wants_state() || (is_old && !is_same)
    }

    async fn bring_base(&self, tenant: u16, head: Vec<u8>) -> Result<(), RefreshError> {
        let Some(name) = state_name(&head) else { return Ok(()) };
        let brought = self.registry.state(tenant, &name, self.max_state).await;
        let brought = brought.map_err(RefreshError::from).and_then(|state| {
            // The judge has this head already and looks at no state for it.
            let key_set = self.key_set.borrow().clone().ok_or(RefreshError::NoKeySet)?;
            let mut fresh = self.component.instance(&key_set)?;
            fresh.apply_list(&head, Some(&state), now_ms()).map_err(|_| RefreshError::NoBase)?;
            Ok(state)
        });
        match brought {
            Ok(state) => {
                self.base_at.set(Some(Instant::now()));
                self.knowledge.tell_base(head, state);
                Ok(())
            }
            // Only where an instance waits for it is that a failure; otherwise the next refresh tries again.
            Err(error) if self.knowledge.wants_state() => Err(error),
            Err(_) => Ok(()),
        }
    }

    async fn renew(&self) -> Result<(), RefreshError> {
        let etag = self.etag.borrow().clone();
        let Some(fetched) = self.registry.key_set(etag.as_ref()).await? else { return Ok(()) };
        let bytes = Arc::new(fetched.bytes);
        let has_judge = self.judge.borrow().is_some();
        if has_judge {
            self.judged(|judge| judge.renew(&bytes))?;
        } else {
            let judge = self.component.instance(&bytes)?;
            *self.judge.borrow_mut() = Some(judge);
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
                let _refused = made.apply_list(&base.0, Some(&base.1), now_ms());
            }
            if let Some(head) = known.head {
                let _refused = made.apply_list(&head, None, now_ms());
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

    /// Half to four fifths of fresh-for after the head was made, drawn anew each time, so that many hosts do not ask at once.
    fn until_next(&self) -> Duration {
        let Some((issued_at_ms, fresh_for_ms)) = self.in_force() else { return RETRY };
        let due = issued_at_ms + (fresh_for_ms as f64 * (0.5 + 0.3 * fastrand::f64())) as u64;
        Duration::from_millis(due.saturating_sub(now_ms()).clamp(LEAST_PAUSE_MS, MOST_PAUSE_MS))
    }

    fn is_half_fresh(&self) -> bool {
        let in_force = self.in_force();
        in_force.is_some_and(|(issued_at_ms, fresh_for_ms)| {
            now_ms().saturating_sub(issued_at_ms) <= fresh_for_ms / 2
        })
    }

    /// When the head in force was made, and how long it is fresh.
    fn in_force(&self) -> Option<(u64, u64)> {
        let list = self.judged(Instance::list).ok()??;
        let key_set = self.judged(Instance::key_set).ok()?;
        Some((list.issued_at_ms, key_set.fresh_for_ms))
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

/// Which list a head is of (FORMAT.md, section 4.2).
fn mark_of(head: &[u8]) -> Option<Mark> {
    let number =
        |place: std::ops::Range<usize>| Some(u64::from_be_bytes(head.get(place)?.try_into().ok()?));
    Some(Mark { sequence: number(3..11)?, issued_at_ms: number(43..51)? })
}

/// Where a head says which state it names.
const STATE_NAME: std::ops::Range<usize> = 3..43;

/// Which state belongs to a head that the component has already judged (FORMAT.md, section 4.2).
fn state_name(head: &[u8]) -> Option<StateName> {
    let sequence = head.get(3..11)?.try_into().ok()?;
    let digest = head.get(11..43)?.to_vec();
    Some(StateName { sequence: u64::from_be_bytes(sequence), digest })
}

/// Longest that a caller waits for a list, and for a key set.
const LIST_WAIT: Duration = Duration::from_millis(500);
const KEY_SET_WAIT: Duration = Duration::from_millis(500);
/// From then on another refresh may begin beside it.
const SUPERSEDED_AFTER: Duration = Duration::from_millis(1_500);
/// How old a base may be while the list changes.
const BASE_FOR: Duration = Duration::from_secs(60);
const CREDENTIAL_EVERY: Duration = Duration::from_secs(3);
const KEY_SET_PAUSE: Duration = Duration::from_secs(2);
/// A refresh that failed counts as failed for so long.
const FAILED_FOR_MS: u64 = 1_000;
const RETRY: Duration = Duration::from_secs(1);
/// Between two refreshes, whatever the clock does.
const LEAST_PAUSE_MS: u64 = 100;
const MOST_PAUSE_MS: u64 = 5_000;
