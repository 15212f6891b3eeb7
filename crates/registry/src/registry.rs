//! The registry: one call, one answer.

use rand_core::TryCryptoRng;
use wardkey::{TenantId, UnixMillis};
use wardkey_provision::{RecordName, RootKeys};

use crate::bootstrap::{Token, bootstrap};
use crate::call::{ActingGeneration, Call, Reply};
use crate::deadlines;
use crate::dispatch::answer_for;
use crate::due::DueTime;
use crate::error::RegistryError;
use crate::generation::Generation;
use crate::list_copies::{self, StateCopy};
use crate::outbox::{self, Publication};
use crate::refusal;
use crate::revocations;
use crate::schema;
use crate::store::{Store, transaction};
use crate::sweep::sweep;
use crate::tag_index;
use crate::tenant::Tenant;
use crate::tenant_report::{self, TenantReport, TenantState};

/// A tenant's book over a store.
#[derive(Clone, Copy)]
pub struct Registry<'r> {
    store: &'r dyn Store,
    root: &'r RootKeys,
}

impl<'r> Registry<'r> {
    /// Opens the book. Nothing is read or written yet.
    pub const fn new(store: &'r dyn Store, root: &'r RootKeys) -> Self {
        Self { store, root }
    }

    /// Answers a call at a time. Effect, audit entry, status index and idempotency record commit together
    /// or not at all; of an act that was refused for its actor's rights an audit entry is kept alone.
    ///
    /// # Errors
    /// [`RegistryError`]; after it nothing of the call's effect is kept.
    pub fn answer(
        &self,
        call: Call,
        clock: UnixMillis,
        rng: &mut impl TryCryptoRng,
    ) -> Result<Reply, RegistryError> {
        let Self { store, root } = *self;
        schema::upgrade(store)?;
        if let Call::Bootstrap { tenant, token_hash, idempotency_key, request_id, request } = &call
        {
            let token = Token {
                tenant: TenantId(*tenant),
                hash: token_hash,
                idempotency_key: idempotency_key.as_deref(),
                request_id,
            };
            return transaction(store, || bootstrap(store, root, &token, request, clock, rng))
                .map(Reply::Created);
        }
        if matches!(call, Call::Sweep) {
            return sweep(store, clock).map(Reply::Swept);
        }
        let tenant = Tenant::load(store, root)
            .map_err(|error| refusal::by_one_that_is_gone(error, &call))?;
        let now = tenant.time(clock);
        deadlines::work_off(store, now)?;
        let outcome = transaction(store, || answer_for(store, root, &tenant, &call, now, rng));
        if let Err(error) = &outcome {
            refusal::note(store, &tenant, &call, error, now)?;
        }
        outcome
    }

    /// When the credential that a call is made by is retired, if its successor was seen: told to who holds it.
    ///
    /// # Errors
    /// [`RegistryError::Internal`].
    pub fn retires_at(&self, of: ActingGeneration) -> Result<Option<UnixMillis>, RegistryError> {
        let found = Generation::find(self.store, of.0)?;
        Ok(found.and_then(|(_, generation)| generation.retires_at()))
    }

    /// When something is next due by the clock: a record or a state for KV, or a deadline. What is due already does not
    /// wait for a clock that has stepped back.
    ///
    /// # Errors
    /// [`RegistryError::Internal`].
    pub fn next_due(&self, clock: UnixMillis) -> Result<Option<UnixMillis>, RegistryError> {
        if !schema::exists(self.store)? {
            return Ok(None);
        }
        schema::upgrade(self.store)?;
        // A tenant that is gone publishes nothing, and takes back what KV holds of it.
        let now = DueTime::now(self.store, clock)?;
        if Tenant::is_gone(self.store)? {
            return list_copies::next_due(self.store, now);
        }
        // A revocation that is under way goes on at once, and so does an index that is being filled.
        let is_under_way =
            revocations::is_pending(self.store)? || !tag_index::is_filled(self.store)?;
        let under_way = is_under_way.then_some(UnixMillis(0));
        let due = [
            under_way,
            outbox::next_due(self.store, now)?,
            list_copies::next_due(self.store, now)?,
            deadlines::next(self.store)?.map(|at| now.of_deadline(at)),
        ];
        Ok(due.into_iter().flatten().min())
    }

    /// Whether a revocation of many keys is under way.
    ///
    /// # Errors
    /// [`RegistryError::Internal`].
    pub fn is_revoking(&self) -> Result<bool, RegistryError> {
        if !schema::exists(self.store)? {
            return Ok(false);
        }
        schema::upgrade(self.store)?;
        Ok(!Tenant::is_gone(self.store)? && revocations::is_pending(self.store)?)
    }

    /// Takes the next batch of a revocation that is under way, if there is one: some hundred keys.
    ///
    /// # Errors
    /// [`RegistryError`].
    pub fn expand_revocations(&self, clock: UnixMillis) -> Result<(), RegistryError> {
        let Self { store, root } = *self;
        let tenant = Tenant::load(store, root)?;
        let now = tenant.time(clock);
        deadlines::work_off(store, now)?;
        transaction(store, || {
            deadlines::apply(store, now)?;
            revocations::one_batch(store, &tenant, now)
        })
    }

    /// Applies every deadline that has come, and goes on with what an upgrade has left to be done later.
    ///
    /// # Errors
    /// [`RegistryError::Internal`].
    pub fn apply_deadlines(&self, clock: UnixMillis) -> Result<(), RegistryError> {
        let Self { store, root } = *self;
        let now = Tenant::load(store, root)?.time(clock);
        deadlines::work_off(store, now)?;
        transaction(store, || deadlines::apply(store, now))?;
        tag_index::fill_some(store)
    }

    /// Retires some generations whose deadline has come, if there are any, in one transaction; answers whether there
    /// were. Every call does so by itself: this is for whoever can let each transaction reach the disk before the next.
    ///
    /// # Errors
    /// [`RegistryError::Internal`].
    pub fn work_off_some_deadlines(&self, clock: UnixMillis) -> Result<bool, RegistryError> {
        if !schema::exists(self.store)? {
            return Ok(false);
        }
        schema::upgrade(self.store)?;
        match tenant_report::of(self.store, clock) {
            Ok(report) if report.state == TenantState::Live => {
                deadlines::work_off_some(self.store, UnixMillis(report.at_ms))
            }
            Ok(_) | Err(RegistryError::NoTenant) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Whether the tenant was destroyed: then only copies of its states are due, to be deleted.
    ///
    /// # Errors
    /// [`RegistryError::Internal`].
    pub fn is_gone(&self) -> Result<bool, RegistryError> {
        Ok(schema::exists(self.store)? && Tenant::is_gone(self.store)?)
    }

    /// Some records that are due to be written to KV, sealed. None of a tenant that is gone.
    ///
    /// # Errors
    /// [`RegistryError::Internal`].
    pub fn due_publications(
        &self,
        clock: UnixMillis,
        limit: u32,
        rng: &mut impl TryCryptoRng,
    ) -> Result<Vec<Publication>, RegistryError> {
        let tenant = Tenant::load(self.store, self.root)?;
        let now = DueTime::now(self.store, clock)?;
        outbox::due(self.store, &tenant, now, limit, rng)
    }

    /// A record was written.
    ///
    /// # Errors
    /// [`RegistryError::Internal`].
    pub fn published(&self, name: RecordName) -> Result<(), RegistryError> {
        outbox::done(self.store, name)
    }

    /// A record could not be written: it is tried again later.
    ///
    /// # Errors
    /// [`RegistryError::Internal`].
    pub fn publication_failed(
        &self,
        name: RecordName,
        clock: UnixMillis,
    ) -> Result<(), RegistryError> {
        outbox::failed(self.store, name, clock)
    }

    /// When, by the clock, the directory is next to be told of the tenant, also of one that is gone; none while it knows
    /// all.
    ///
    /// # Errors
    /// [`RegistryError::Internal`].
    pub fn next_report_due(&self, clock: UnixMillis) -> Result<Option<UnixMillis>, RegistryError> {
        if !schema::exists(self.store)? {
            return Ok(None);
        }
        schema::upgrade(self.store)?;
        tenant_report::next_due(self.store, DueTime::now(self.store, clock)?)
    }

    /// What the directory is to be told now, if anything is due.
    ///
    /// # Errors
    /// [`RegistryError::Internal`].
    pub fn due_report(&self, clock: UnixMillis) -> Result<Option<TenantReport>, RegistryError> {
        match self.next_report_due(clock)? {
            Some(due) if due <= clock => tenant_report::of(self.store, clock).map(Some),
            _ => Ok(None),
        }
    }

    /// The directory has a report.
    ///
    /// # Errors
    /// [`RegistryError::Internal`].
    pub fn reported(&self, report: TenantReport) -> Result<(), RegistryError> {
        tenant_report::told(self.store, report)
    }

    /// The directory could not be told: it is tried again later.
    ///
    /// # Errors
    /// [`RegistryError::Internal`].
    pub fn report_failed(&self, clock: UnixMillis) -> Result<(), RegistryError> {
        tenant_report::failed(self.store, clock)
    }

    /// What is due to be done about the list's states in KV.
    ///
    /// # Errors
    /// [`RegistryError::Internal`].
    pub fn due_state_copies(&self, clock: UnixMillis) -> Result<Vec<StateCopy>, RegistryError> {
        transaction(self.store, || list_copies::due(self.store, clock))
    }

    /// A copy was written or deleted.
    ///
    /// # Errors
    /// [`RegistryError::Internal`].
    pub fn state_copied(&self, copy: &StateCopy) -> Result<(), RegistryError> {
        list_copies::done(self.store, copy)
    }

    /// A copy could not be written or deleted: it is tried again later.
    ///
    /// # Errors
    /// [`RegistryError::Internal`].
    pub fn state_copy_failed(
        &self,
        copy: &StateCopy,
        clock: UnixMillis,
    ) -> Result<(), RegistryError> {
        list_copies::failed(self.store, copy.name(), clock)
    }
}

impl std::fmt::Debug for Registry<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Registry")
    }
}
