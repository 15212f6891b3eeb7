//! Keeps one instance's verifier: brings its key set and its list, and what is newer in good time.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt;
use std::net::IpAddr;
use std::rc::Rc;

use wit_bindgen::spawn_local;

use crate::bindings::wardkey::verify::types::IpAddress;
use crate::bindings::wardkey::verify::verifier::{
    Decision, ListError, Refresh, Registry as Word, Requirement, Verifier,
};
use crate::clock::now_ms;
use crate::effort::Effort;
use crate::log::{Outage, say};
use crate::registry::{Registry, RegistryError};
use crate::settings::Settings;

/// What all calls of an instance share.
pub(crate) struct Keeper {
    pub(crate) settings: Settings,
    held: RefCell<Option<Held>>,
    list: Rc<Effort>,
    key_set: Rc<Effort>,
    of_list: Outage,
    of_key_set: Outage,
}

struct Held {
    verifier: Verifier,
    etag: Option<Vec<u8>>,
    /// What the rules need, as this key set's version has it.
    requirements: HashMap<Vec<String>, Requirement>,
}

/// Why nothing newer was brought.
enum Failure {
    Registry(RegistryError),
    KeySet,
    List(ListError),
    NoKeySet,
    NotFresh,
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Registry(error) => error.fmt(formatter),
            Self::KeySet => formatter.write_str("the key set is not taken"),
            Self::List(error) => write!(formatter, "the list is not taken: {error:?}"),
            Self::NoKeySet => formatter.write_str("there is no key set yet"),
            Self::NotFresh => formatter.write_str("the head is not fresh"),
        }
    }
}

/// Why there is no decision.
pub(crate) enum Undecided {
    /// Nothing can be judged yet.
    NoKeySet,
    /// The settings name a scope that the audience does not have.
    UnknownScope,
}

impl Keeper {
    pub(crate) fn new(settings: Settings) -> Self {
        Self {
            settings,
            held: RefCell::default(),
            list: Rc::default(),
            key_set: Rc::default(),
            of_list: Outage::default(),
            of_key_set: Outage::default(),
        }
    }

    pub(crate) fn has_key_set(&self) -> bool {
        self.held.borrow().is_some()
    }

    /// Asks the verifier.
    pub(crate) fn verify(
        &self,
        key: &str,
        scopes: &[String],
        caller: Option<IpAddr>,
        refresh: Refresh,
        word: Word,
    ) -> Result<Decision, Undecided> {
        let held = self.held.borrow();
        let Held { verifier, requirements, .. } = held.as_ref().ok_or(Undecided::NoKeySet)?;
        let required = requirements.get(scopes).ok_or(Undecided::UnknownScope)?;
        Ok(verifier.verify(key, required, now_ms(), caller.map(address), refresh, word))
    }

    /// Waits for a newer list, half a second at most, for a first one longer; answers whether it is fresh then.
    pub(crate) async fn refresh(self: &Rc<Self>) -> bool {
        self.begin_refresh();
        self.list.done(if self.age_and_bound().is_some() { WAIT_MS } else { FIRST_WAIT_MS }).await;
        self.age_and_bound().is_some_and(|(age, fresh_for)| age <= fresh_for)
    }

    /// Waits for a newer key set, half a second at most, for a first one longer.
    pub(crate) async fn renew(self: &Rc<Self>) {
        self.begin_renewal();
        self.key_set.done(if self.has_key_set() { WAIT_MS } else { FIRST_WAIT_MS }).await;
    }

    /// Begins what will be needed soon, beside the call that is at work: so no later one waits for it.
    pub(crate) fn look_ahead(self: &Rc<Self>) {
        if self.age_and_bound().is_some_and(|(age, fresh_for)| age > fresh_for / 2) {
            self.begin_refresh();
        }
        let is_outdated = self.held.borrow().as_ref().is_some_and(|held| {
            let list = held.verifier.list_in_force();
            list.is_some_and(|list| list.current_key_set > held.verifier.key_set().version)
        });
        if is_outdated {
            self.begin_renewal();
        }
    }

    fn begin_refresh(self: &Rc<Self>) {
        let Some(turn) = self.list.turn() else { return };
        let keeper = Rc::clone(self);
        spawn_local(async move {
            match keeper.fetch_list().await {
                Ok(()) => {
                    turn.succeeded(LIST_REST_MS);
                    if keeper.of_list.ended() {
                        say("the list is refreshed again");
                    }
                }
                Err(failure) => failed(&keeper.of_list, "the list is not refreshed", &failure),
            }
        });
    }

    fn begin_renewal(self: &Rc<Self>) {
        let Some(turn) = self.key_set.turn() else { return };
        let keeper = Rc::clone(self);
        spawn_local(async move {
            match keeper.fetch_key_set().await {
                Ok(()) => {
                    turn.succeeded(KEY_SET_REST_MS);
                    if keeper.of_key_set.ended() {
                        say("the key set is renewed again");
                    }
                }
                Err(failure) => failed(&keeper.of_key_set, "there is no new key set", &failure),
            }
        });
    }

    async fn fetch_key_set(&self) -> Result<(), Failure> {
        let etag = self.held.borrow().as_ref().and_then(|held| held.etag.clone());
        let fetched = Registry(&self.settings).key_set(etag.as_deref()).await;
        let Some(fetched) = fetched.map_err(Failure::Registry)? else { return Ok(()) };
        let mut held = self.held.borrow_mut();
        match held.as_mut() {
            Some(held) => {
                held.verifier.renew(&fetched.bytes).map_err(|_| Failure::KeySet)?;
                held.requirements = self.requirements(&held.verifier);
                held.etag = fetched.etag;
            }
            None => {
                let verifier = Verifier::new(&fetched.bytes).map_err(|_| Failure::KeySet)?;
                let requirements = self.requirements(&verifier);
                *held = Some(Held { verifier, etag: fetched.etag, requirements });
            }
        }
        Ok(())
    }

    /// Builds what the rules need. One that cannot be built is said here, once a key set and not at every call, which is denied.
    fn requirements(&self, verifier: &Verifier) -> HashMap<Vec<String>, Requirement> {
        let all = self.settings.rules.all().filter_map(|scopes| {
            let Ok(made) = verifier.all_of(scopes) else {
                let scopes = scopes.join(" ");
                say(&format!(
                    "one of WARDKEY_SCOPES names a scope that the audience does not have: {scopes}"
                ));
                return None;
            };
            Some((scopes.to_vec(), made))
        });
        all.collect()
    }

    /// Brings a head into force whose age is at most fresh-for.
    async fn fetch_list(&self) -> Result<(), Failure> {
        let tenant = self.held(|verifier| verifier.key_set().tenant)?;
        let registry = Registry(&self.settings);
        let head = registry.head(tenant).await.map_err(Failure::Registry)?;
        match self.held(|verifier| verifier.apply_list(&head, None, now_ms()))? {
            Err(ListError::StateNeeded(name)) => {
                let state = registry.state(tenant, &name).await.map_err(Failure::Registry)?;
                self.held(|verifier| verifier.apply_list(&head, Some(&state), now_ms()))?
                    .map_err(Failure::List)?;
            }
            applied => applied.map_err(Failure::List)?,
        }
        match self.age_and_bound() {
            Some((age, fresh_for)) if age <= fresh_for => Ok(()),
            _ => Err(Failure::NotFresh),
        }
    }

    fn held<T>(&self, ask: impl FnOnce(&Verifier) -> T) -> Result<T, Failure> {
        self.held.borrow().as_ref().map(|held| ask(&held.verifier)).ok_or(Failure::NoKeySet)
    }

    /// How old the list in force is, and up to which age it is fresh.
    fn age_and_bound(&self) -> Option<(u64, u64)> {
        let held = self.held.borrow();
        let verifier = &held.as_ref()?.verifier;
        let list = verifier.list_in_force()?;
        Some((now_ms().saturating_sub(list.issued_at_ms), verifier.key_set().fresh_for_ms))
    }
}

fn failed(outage: &Outage, what: &str, failure: &Failure) {
    let line = format!("{what}: {failure}");
    if outage.has_news(&line, now_ms()) {
        say(&line);
    }
}

fn address(address: IpAddr) -> IpAddress {
    match address {
        IpAddr::V4(v4) => IpAddress::Ipv4(v4.octets().into()),
        IpAddr::V6(v6) => IpAddress::Ipv6(v6.segments().into()),
    }
}

/// Longest that a caller waits for a list, or for a key set.
const WAIT_MS: u64 = 500;
/// Without one nothing can be allowed, and it takes two calls.
const FIRST_WAIT_MS: u64 = 2_000;
const LIST_REST_MS: u64 = 100;
const KEY_SET_REST_MS: u64 = 2_000;
