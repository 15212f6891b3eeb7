//! `TenantUsage`: the Durable Object that counts what one tenant's verifiers report.
//!
//! Guarantee: single writer; every report is one `transactionSync`, counted once however often it is sent. Whatever comes here
//! keeps nobody from the registry's word: it is an object of its own. It holds no secret and decides nothing. Its storage is
//! SQLite alone (STORAGE.md). Its messages are [`UsageCall`] in, `Result<UsageReply, RegistryError>` out, as JSON; only the
//! deployment's own Worker can send them, once the registry has judged who asks.
//! Its alarm tells the registry, in batches, which generations were seen, and takes out what is too old.

use wardkey_registry::{Call, RegistryError, Reply, Usage, UsageCall, UsageReply};
use worker::{
    DurableObject, Env, Request, Response, ScheduledTime, State, console_error, durable_object,
};

use crate::clock;
use crate::object_store::ObjectStore;
use crate::problem::ApiError;
use crate::registry_client::{RegistryClient, unexpected_reply};

/// When an alarm that did not come to its end is tried again, in milliseconds.
const ALARM_AGAIN_MS: u64 = 60_000;

/// One tenant's usage.
#[durable_object]
pub struct TenantUsage {
    state: State,
    env: Env,
}

impl DurableObject for TenantUsage {
    fn new(state: State, env: Env) -> Self {
        Self { state, env }
    }

    async fn fetch(&self, mut request: Request) -> worker::Result<Response> {
        let message = request.bytes().await?;
        let outcome = self.answer(&message);
        // What was counted is committed by now: an alarm that cannot be armed is armed by the next call.
        if let Err(error) = self.arm().await {
            console_error!("the alarm was not armed: {error:?}");
        }
        Response::from_json(&outcome)
    }

    async fn alarm(&self) -> worker::Result<Response> {
        // Armed again first: an alarm that fails is given up after a few tries.
        self.set_alarm(clock::now().0.saturating_add(ALARM_AGAIN_MS)).await?;
        // Each is tried, whatever became of the other; what is still due is due at the next alarm.
        if let Err(error) = self.tell().await {
            console_error!("the registry was not told what verifiers saw: {error:?}");
        }
        let store = ObjectStore::of(&self.state);
        if let Err(error) = Usage::new(&store).sweep_some(clock::now()) {
            console_error!("usage was not swept: {error:?}");
        }
        self.state.storage().delete_alarm().await?;
        if let Err(error) = self.arm().await {
            console_error!("the alarm was not armed: {error:?}");
        }
        Response::ok("")
    }
}

impl TenantUsage {
    fn answer(&self, message: &[u8]) -> Result<UsageReply, RegistryError> {
        let call: UsageCall =
            serde_json::from_slice(message).map_err(|_| RegistryError::UnknownCall)?;
        let store = ObjectStore::of(&self.state);
        Usage::new(&store).answer(&call, clock::now())
    }

    /// Tells the registry what it does not know yet. What it cannot be told now stays due.
    async fn tell(&self) -> Result<(), ApiError> {
        let store = ObjectStore::of(&self.state);
        let usage = Usage::new(&store);
        let now = clock::now();
        let (tenant, sightings) = match (usage.due_sightings(now)?, usage.due_sweep(now)?) {
            (Some(due), _) => due,
            // Whether the tenant is still there: what a destroyed one left goes.
            (None, Some(tenant)) => (tenant, Vec::new()),
            (None, None) => return Ok(()),
        };
        let call = Call::NoteSightings { sightings: sightings.clone() };
        let answer = match RegistryClient::of(&self.env, tenant) {
            Ok(registry) => registry.ask(&call).await,
            Err(error) => Err(error),
        };
        match answer {
            Ok(Reply::SightingsNoted(verdicts)) => {
                Ok(usage.sightings_told(&sightings, &verdicts, clock::now())?)
            }
            Err(ApiError::TenantGone) => Ok(usage.forget()?),
            other => {
                usage.telling_failed(clock::now())?;
                Err(other.err().unwrap_or_else(unexpected_reply))
            }
        }
    }

    /// Arms the alarm for what is next due, unless it comes as soon.
    async fn arm(&self) -> Result<(), ApiError> {
        let store = ObjectStore::of(&self.state);
        let Some(due) = Usage::new(&store).next_due(clock::now())? else {
            return Ok(());
        };
        let armed = self.state.storage().get_alarm().await?;
        let is_soon_enough =
            armed.and_then(|at| u64::try_from(at).ok()).is_some_and(|at| at <= due.0);
        if is_soon_enough { Ok(()) } else { Ok(self.set_alarm(due.0).await?) }
    }

    async fn set_alarm(&self, at_ms: u64) -> worker::Result<()> {
        let at = i64::try_from(at_ms).unwrap_or(i64::MAX);
        let at = js_sys::Date::new(&(at as f64).into());
        self.state.storage().set_alarm(ScheduledTime::new(at)).await
    }
}
