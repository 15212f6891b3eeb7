//! `TenantRegistry`: the Durable Object that keeps one tenant's book.
//!
//! Guarantee: single writer; every mutation is one `transactionSync`, so that an error or a panic leaves
//! nothing behind and its caller gets an answer. Its storage is SQLite alone (STORAGE.md). Its messages are
//! [`Call`] in, `Result<Reply, RegistryError>` out, as JSON; only the deployment's own Worker can send them.
//! When too many calls wait, those that can wait longer are turned away, so that the others are answered.
//! Its alarm writes sealed records and states of the list to KV until nothing is due, and tells the directory what has
//! changed.

use std::cell::Cell;
use std::panic::RefUnwindSafe;
use std::time::Duration;

use getrandom::SysRng;
use wardkey::{Reason, UnixMillis};
use wardkey_registry::{
    ActingGeneration, Call, DirectoryCall, Registry, RegistryError, Reply, SightingVerdict, Store,
    StrictVerdict,
};
use worker::{
    Delay, DurableObject, Env, Request, Response, ScheduledTime, State, console_error,
    durable_object,
};
use zeroize::Zeroizing;

use crate::clock;
use crate::config::Config;
use crate::directory_client::DirectoryClient;
use crate::object_message::RETIRES_AT_HEADER;
use crate::object_store::ObjectStore;
use crate::problem::ApiError;
use crate::record_store::RecordStore;
use crate::state_store::StateStore;
use crate::waiting_calls::WaitingCalls;

/// Most records that one alarm writes.
const RECORDS_PER_ALARM: u32 = 50;
/// Most batches of a revocation that one alarm takes: other calls wait as long.
const BATCHES_PER_ALARM: u32 = 4;
/// When an alarm that did not come to its end is tried again, in milliseconds.
const ALARM_AGAIN_MS: u64 = 60_000;
/// Longest wait for the directory in an alarm.
const DIRECTORY_TIME: Duration = Duration::from_secs(4);

/// One tenant's registry.
#[durable_object]
pub struct TenantRegistry {
    state: State,
    env: Env,
    /// What the alarm has been armed for since this start; none before that is known.
    armed_for: Cell<Option<Option<UnixMillis>>>,
    waiting: WaitingCalls,
}

// A panic leaves nothing half done in these: the cell only saves work, and a call that is gone counts for some seconds.
impl RefUnwindSafe for TenantRegistry {}

impl DurableObject for TenantRegistry {
    fn new(state: State, env: Env) -> Self {
        Self { state, env, armed_for: Cell::new(None), waiting: WaitingCalls::default() }
    }

    async fn fetch(&self, mut request: Request) -> worker::Result<Response> {
        // All that have come stand here, at their first wait, while one of them is worked on.
        let _waiting = self.waiting.come(clock::now());
        let message = Zeroizing::new(request.bytes().await?);
        let call: Call = match serde_json::from_slice(&message) {
            Ok(call) => call,
            Err(_) => return refused(RegistryError::UnknownCall),
        };
        // Before anything is done for it, what is due included.
        if self.waiting.turn_away(&call, clock::now()) {
            return refused(RegistryError::Busy);
        }
        self.work_off_deadlines().await;
        let acting = call.acting_generation();
        let mut outcome = self.answer(&request, call);
        if is_never_issued(&outcome) {
            // Whoever can make a right tag holds a key set, or something that it is derived from. Which key it says it is, and
            // for which request, stands in the audit log.
            console_error!(
                "alarm: a key whose tag is right was never issued; see key.never_issued in the audit log"
            );
        }
        if let Ok(Reply::Swept(swept)) = &mut outcome {
            swept.rearmed = self.has_lost_its_alarm().await?;
            if swept.rearmed {
                self.armed_for.set(None);
            }
        }
        // What was done is committed by now: an alarm that cannot be armed is armed by the next call.
        if let Err(error) = self.arm().await {
            console_error!("the alarm was not armed: {error:?}");
        }
        #[cfg(feature = "plant-faults")]
        if request.headers().get(PLANT_HEADER)?.is_some_and(|fault| fault == LOSE_ALARM) {
            self.state.storage().delete_alarm().await?;
        }
        let mut response = Response::from_json(&outcome)?;
        if outcome.is_ok()
            && let Some(at) = acting.and_then(|acting| self.retires_at(acting))
        {
            response.headers_mut().set(RETIRES_AT_HEADER, &at.0.to_string())?;
        }
        Ok(response)
    }

    async fn alarm(&self) -> worker::Result<Response> {
        // Armed again first: an alarm that fails is given up after a few tries.
        let again = clock::now().plus(ALARM_AGAIN_MS);
        self.set_alarm(again).await?;
        self.work_off_deadlines().await;
        self.armed_for.set(Some(Some(again)));
        if let Err(error) = self.expand() {
            console_error!("a revocation did not go on: {error:?}");
        }
        // Each is tried, whatever became of the others; what is still due is due at the next alarm.
        if let Err(error) = self.report().await {
            console_error!("the directory was not told: {error:?}");
        }
        let published = [self.publish_records().await, self.publish_states().await];
        for error in published.iter().filter_map(|done| done.as_ref().err()) {
            console_error!("KV was not brought up to date: {error:?}");
        }
        if published.iter().any(Result::is_err) {
            return Response::ok("");
        }
        if let Err(error) = self.arm().await {
            console_error!("the alarm was not armed: {error:?}");
        }
        Response::ok("")
    }
}

/// The answer to a call for which nothing was done.
fn refused(error: RegistryError) -> worker::Result<Response> {
    Response::from_json(&Err::<Reply, _>(error))
}

/// Whether a key was judged whose tag was found right and which stands in no book: the credential, the key that was
/// asked about, or one that a verifier reports.
fn is_never_issued(outcome: &Result<Reply, RegistryError>) -> bool {
    let reason = match outcome {
        Ok(Reply::Checked(StrictVerdict::Dead { reason })) => Reason::named(reason),
        Ok(Reply::SightingsNoted(verdicts)) => {
            return verdicts.contains(&SightingVerdict::NeverIssued);
        }
        Ok(_) => None,
        Err(error) => error.reason(),
    };
    reason == Some(Reason::NeverIssued)
}

impl TenantRegistry {
    fn answer(&self, request: &Request, call: Call) -> Result<Reply, RegistryError> {
        let config = self.config()?;
        let store = ObjectStore::of(&self.state);
        #[cfg(feature = "plant-faults")]
        if let Some(faulty) = planted(request, &store)? {
            return Registry::new(&faulty, &config.root).answer(call, clock::now(), &mut SysRng);
        }
        let _ = request;
        Registry::new(&store as &dyn Store, &config.root).answer(call, clock::now(), &mut SysRng)
    }

    /// When the credential of a call that was answered is retired. What was done is done, whether or not this can be told.
    fn retires_at(&self, acting: ActingGeneration) -> Option<UnixMillis> {
        let config = self.config().ok()?;
        let store = ObjectStore::of(&self.state);
        Registry::new(&store, &config.root).retires_at(acting).ok().flatten()
    }

    /// When the alarm has something to do.
    fn due(&self) -> Result<Option<UnixMillis>, RegistryError> {
        let config = self.config()?;
        let store = ObjectStore::of(&self.state);
        let registry = Registry::new(&store, &config.root);
        let now = clock::now();
        let due = [registry.next_due(now)?, registry.next_report_due(now)?];
        Ok(due.into_iter().flatten().min())
    }

    /// Whether the alarm that should be set is not, or is one that should have come long ago.
    async fn has_lost_its_alarm(&self) -> worker::Result<bool> {
        let Ok(Some(due)) = self.due() else {
            return Ok(false);
        };
        let now = clock::now();
        let armed = self.state.storage().get_alarm().await?;
        // An alarm that is running has set the next one a little later.
        let soon_enough = due.max(now).plus(ALARM_AGAIN_MS);
        Ok(armed
            .and_then(|at| u64::try_from(at).ok())
            .is_none_or(|at| at > soon_enough.0 || now.since(UnixMillis(at)) > ALARM_AGAIN_MS))
    }

    /// Arms the alarm for what is next due, after every call that has put something off or on.
    async fn arm(&self) -> Result<(), ApiError> {
        let due = self.due()?;
        let armed_for = self.armed_for.get();
        if armed_for == Some(due) {
            return Ok(());
        }
        match due {
            Some(due) => self.set_alarm(due.max(clock::now())).await?,
            // One of an earlier start, if there is one, finds nothing to do.
            None if armed_for.is_none() => {}
            None => self.state.storage().delete_alarm().await?,
        }
        self.armed_for.set(Some(due));
        Ok(())
    }

    /// Works off the deadlines that have come, a transaction at a time, each of which is on disk before the next begins:
    /// what one turn of the object does is kept or lost as a whole, so that a backlog must not be one turn. What fails
    /// here is tried again, and told, by the call itself.
    async fn work_off_deadlines(&self) {
        while self.work_off_some_deadlines().unwrap_or(false) {
            Delay::from(Duration::ZERO).await;
        }
    }

    fn work_off_some_deadlines(&self) -> Result<bool, RegistryError> {
        let config = self.config()?;
        let store = ObjectStore::of(&self.state);
        Registry::new(&store, &config.root).work_off_some_deadlines(clock::now())
    }

    /// Goes on with revocations that are under way.
    fn expand(&self) -> Result<(), ApiError> {
        let config = self.config()?;
        let store = ObjectStore::of(&self.state);
        let registry = Registry::new(&store, &config.root);
        for _ in 0..BATCHES_PER_ALARM {
            if !registry.is_revoking()? {
                break;
            }
            registry.expand_revocations(clock::now())?;
        }
        Ok(())
    }

    /// Tells the directory what it does not know of this tenant yet. What it cannot be told now stays due.
    async fn report(&self) -> Result<(), ApiError> {
        let config = self.config()?;
        let store = ObjectStore::of(&self.state);
        let registry = Registry::new(&store, &config.root);
        let Some(report) = registry.due_report(clock::now())? else {
            return Ok(());
        };
        let told = match DirectoryClient::of(&self.env) {
            Ok(directory) => {
                let call = DirectoryCall::Report { reports: vec![report] };
                directory.ask(&call, DIRECTORY_TIME).await.map(drop)
            }
            Err(error) => Err(error),
        };
        match told {
            Ok(()) => Ok(registry.reported(report)?),
            Err(error) => {
                registry.report_failed(clock::now())?;
                Err(error)
            }
        }
    }

    /// Writes the records that are due to KV. One that KV refuses stays in the outbox.
    async fn publish_records(&self) -> Result<(), ApiError> {
        let config = self.config()?;
        let records = RecordStore::of(&self.env)?;
        let store = ObjectStore::of(&self.state);
        let registry = Registry::new(&store, &config.root);
        if registry.next_due(clock::now())?.is_none() || registry.is_gone()? {
            return Ok(());
        }
        // The alarm may have stood in a call of KV or of the directory for long.
        self.work_off_deadlines().await;
        registry.apply_deadlines(clock::now())?;
        for publication in
            registry.due_publications(clock::now(), RECORDS_PER_ALARM, &mut SysRng)?
        {
            match records.put(publication.name, &publication.sealed).await {
                Ok(()) => registry.published(publication.name)?,
                Err(error) => {
                    console_error!("record {} was not written: {error:?}", publication.name.key_id);
                    registry.publication_failed(publication.name, clock::now())?;
                }
            }
        }
        Ok(())
    }

    /// Writes the newest state that a head named to KV, or takes out those of a tenant that is gone.
    async fn publish_states(&self) -> Result<(), ApiError> {
        let config = self.config()?;
        let states = StateStore::of(&self.env)?;
        let store = ObjectStore::of(&self.state);
        let registry = Registry::new(&store, &config.root);
        if registry.next_due(clock::now())?.is_none() {
            return Ok(());
        }
        for copy in registry.due_state_copies(clock::now())? {
            match states.bring_about(&copy).await {
                Ok(()) => registry.state_copied(&copy)?,
                Err(error) => {
                    console_error!("state {} in KV: {error:?}", copy.name().sequence);
                    registry.state_copy_failed(&copy, clock::now())?;
                }
            }
        }
        Ok(())
    }

    fn config(&self) -> Result<std::rc::Rc<Config>, RegistryError> {
        Config::of(&self.env)
            .map_err(|error| RegistryError::Internal { message: format!("{error:?}") })
    }

    async fn set_alarm(&self, at: UnixMillis) -> worker::Result<()> {
        let at = i64::try_from(at.0).unwrap_or(i64::MAX);
        let at = js_sys::Date::new(&(at as f64).into());
        self.state.storage().set_alarm(ScheduledTime::new(at)).await
    }
}

/// The header that a test plants a fault with: `error@3` or `panic@3`, after the third write.
#[cfg(feature = "plant-faults")]
pub(crate) const PLANT_HEADER: &str = "Wardkey-Plant-Fault";
/// The fault that the platform loses the alarm behind the object's back.
#[cfg(feature = "plant-faults")]
const LOSE_ALARM: &str = "lose-alarm";

#[cfg(feature = "plant-faults")]
fn planted<'s>(
    request: &Request,
    store: &'s ObjectStore,
) -> Result<Option<wardkey_registry::FaultyStore<'s, ObjectStore>>, RegistryError> {
    use wardkey_registry::{Fault, FaultyStore};
    let refused = || RegistryError::Internal { message: "a fault is error@N or panic@N".into() };
    let Some(text) = request.headers().get(PLANT_HEADER).map_err(|_| refused())? else {
        return Ok(None);
    };
    if text == LOSE_ALARM {
        return Ok(None);
    }
    let (kind, after) = text.split_once('@').ok_or_else(refused)?;
    let fault = match kind {
        "error" => Fault::Error,
        "panic" => Fault::Panic,
        _ => return Err(refused()),
    };
    let after = after.parse().map_err(|_| refused())?;
    Ok(Some(FaultyStore::new(store, fault, after)))
}
