//! The tenant itself: its number, secret, policy and time.

use rand_core::TryCryptoRng;
use wardkey::{
    AudienceId, Cutoff, Epoch, SigningKeyEntry, SigningKeyId, TenantId, UnixMillis, UnixSeconds,
};
use wardkey_provision::{
    ADMIN_AUDIENCE_NAME, AudiencePolicy, LiveSigningKey, Policy, RootKeys, TenantSecret,
};

use crate::error::RegistryError;
use crate::policy_versions;
use crate::schema;
use crate::store::Store;

/// The tenant's row, unwrapped.
pub(crate) struct Tenant {
    pub(crate) secret: TenantSecret,
    pub(crate) policy: Policy,
    pub(crate) cutoff_for_all: Cutoff,
    /// The version of the root that wraps the secret.
    pub(crate) wrapped_by: u32,
    last_time: UnixMillis,
}

impl Tenant {
    /// Reads the tenant.
    pub(crate) fn load(store: &dyn Store, root: &RootKeys) -> Result<Self, RegistryError> {
        Self::find(store, root)?.ok_or(RegistryError::NoTenant)
    }

    pub(crate) fn find(store: &dyn Store, root: &RootKeys) -> Result<Option<Self>, RegistryError> {
        if !schema::exists(store)? {
            return Ok(None);
        }
        let sql =
            "SELECT number, wrapped_secret, policy, last_time, cutoff, destroyed_at FROM tenant";
        let rows = store.query(sql, &[])?;
        let Some(row) = rows.first() else {
            return Ok(None);
        };
        if row.optional_unsigned::<u64>(5)?.is_some() {
            return Err(RegistryError::TenantGone);
        }
        let number = TenantId(row.unsigned(0)?);
        let unwrapped = root.unwrap(number, row.blob(1)?);
        let secret = unwrapped.map_err(|error| RegistryError::internal(error.to_string()))?;
        let wrapped_by = RootKeys::version_of(row.blob(1)?)
            .map_err(|error| RegistryError::internal(error.to_string()))?;
        let policy = serde_json::from_str(row.text(2)?)
            .map_err(|error| RegistryError::internal(format!("the stored policy: {error}")))?;
        let last_time = UnixMillis(row.unsigned(3)?);
        let cutoff_for_all = Cutoff(UnixSeconds(row.unsigned(4)?));
        Ok(Some(Self { secret, policy, cutoff_for_all, wrapped_by, last_time }))
    }

    /// Writes a new tenant with a signing key for every audience, and its policy as version 1.
    pub(crate) fn create(
        store: &dyn Store,
        root: &RootKeys,
        number: TenantId,
        policy: &Policy,
        now: UnixMillis,
        rng: &mut impl TryCryptoRng,
    ) -> Result<(), RegistryError> {
        let secret = TenantSecret::new(number, random(rng)?);
        let wrapped = root
            .wrap(number, &secret, random(rng)?)
            .map_err(|error| RegistryError::internal(error.to_string()))?;
        let policy_text = serde_json::to_string(policy)
            .map_err(|error| RegistryError::internal(format!("the policy: {error}")))?;
        let first_index = u32::from_be_bytes(random(rng)?) >> 1 & !7;
        store.execute(
            "INSERT INTO tenant (id, schema_version, number, wrapped_secret, policy, created_at, last_time, next_index)
             VALUES (1, ?, ?, ?, ?, ?, ?, ?)",
            &[
                schema::VERSION.into(),
                u32::from(number.0).into(),
                wrapped.as_slice().into(),
                policy_text.into(),
                now.0.into(),
                now.0.into(),
                first_index.into(),
            ],
        )?;
        Self::found_audience(store, AudienceId::ADMINISTRATION, now)?;
        for audience in &policy.audiences {
            Self::found_audience(store, audience.id(), now)?;
        }
        policy_versions::insert(store, policy, None, now)
    }

    /// Gives an audience its row and its first signing key.
    pub(crate) fn found_audience(
        store: &dyn Store,
        audience: AudienceId,
        now: UnixMillis,
    ) -> Result<(), RegistryError> {
        let second = second_of(now)?;
        // The first epoch signs without end until the next one is planned.
        store.execute(
            "INSERT INTO signing_key (audience, epoch, mint_from, mint_until, verify_until) VALUES (?, ?, ?, ?, ?)",
            &[audience.0.into(), Epoch::FIRST.number().into(), second.0.into(), u32::MAX.into(), u32::MAX.into()],
        )?;
        store.execute(
            "INSERT INTO audience (number, current_key_set, least_key_set) VALUES (?, 1, 1)",
            &[audience.0.into()],
        )?;
        Ok(())
    }

    /// The tenant's number.
    pub(crate) const fn number(&self) -> TenantId {
        self.secret.tenant()
    }

    /// Whether the tenant's secret was destroyed.
    pub(crate) fn is_gone(store: &dyn Store) -> Result<bool, RegistryError> {
        let rows = store.query("SELECT 1 FROM tenant WHERE destroyed_at IS NOT NULL", &[])?;
        Ok(!rows.is_empty())
    }

    /// The number of an audience, that of the administration included.
    pub(crate) fn audience_named(&self, name: &str) -> Option<AudienceId> {
        if name == ADMIN_AUDIENCE_NAME {
            return Some(AudienceId::ADMINISTRATION);
        }
        self.policy.audience(name).map(AudiencePolicy::id)
    }

    /// Registry time: the clock, unless that has stepped back behind what was stored.
    pub(crate) fn time(&self, clock: UnixMillis) -> UnixMillis {
        clock.max(self.last_time)
    }

    /// What was issued to an audience at or before this is dead.
    pub(crate) fn cutoff(
        &self,
        store: &dyn Store,
        audience: AudienceId,
    ) -> Result<Cutoff, RegistryError> {
        Ok(self.cutoff_for_all.max(Self::cutoff_of(store, audience)?))
    }

    /// The same, with what the transaction under way has done.
    pub(crate) fn present_cutoff(
        store: &dyn Store,
        audience: AudienceId,
    ) -> Result<Cutoff, RegistryError> {
        let rows = store.query("SELECT cutoff FROM tenant", &[])?;
        let row = rows.first().ok_or(RegistryError::NoTenant)?;
        Ok(Cutoff(UnixSeconds(row.unsigned(0)?)).max(Self::cutoff_of(store, audience)?))
    }

    fn cutoff_of(store: &dyn Store, audience: AudienceId) -> Result<Cutoff, RegistryError> {
        let sql = "SELECT cutoff FROM audience WHERE number = ?";
        let rows = store.query(sql, &[audience.0.into()])?;
        let row = rows.first().ok_or_else(|| RegistryError::internal("the audience has no row"))?;
        Ok(Cutoff(UnixSeconds(row.unsigned(0)?)))
    }

    /// Kills what was issued to an audience, or to all, at or before a second. A cut-off is never lowered.
    pub(crate) fn raise_cutoff(
        store: &dyn Store,
        audience: Option<AudienceId>,
        until: UnixSeconds,
    ) -> Result<(), RegistryError> {
        match audience {
            Some(audience) => store.execute(
                "UPDATE audience SET cutoff = max(cutoff, ?) WHERE number = ?",
                &[until.0.into(), audience.0.into()],
            )?,
            None => {
                store.execute("UPDATE tenant SET cutoff = max(cutoff, ?)", &[until.0.into()])?
            }
        }
        Ok(())
    }

    /// Every audience, the administration included.
    pub(crate) fn audiences(&self) -> impl Iterator<Item = AudienceId> + '_ {
        let audiences = self.policy.audiences.iter().map(AudiencePolicy::id);
        [AudienceId::ADMINISTRATION].into_iter().chain(audiences)
    }

    /// Stores the time of a mutation, so that no later one is before it.
    pub(crate) fn keep_time(store: &dyn Store, now: UnixMillis) -> Result<(), RegistryError> {
        Ok(store.execute("UPDATE tenant SET last_time = max(last_time, ?)", &[now.0.into()])?)
    }

    /// Takes the next status index; none is ever given twice.
    pub(crate) fn take_index(store: &dyn Store) -> Result<u32, RegistryError> {
        let rows = store.query("SELECT next_index FROM tenant", &[])?;
        let row = rows.first().ok_or(RegistryError::NoTenant)?;
        // The last number of all has no bit in any state: FORMAT.md 4.3.
        let index = row.unsigned::<u32>(0).ok().filter(|index| *index != u32::MAX);
        let index = index.ok_or_else(|| {
            RegistryError::internal("all status indexes of the tenant are used up")
        })?;
        store.execute("UPDATE tenant SET next_index = next_index + 1", &[])?;
        Ok(index)
    }

    /// The signing keys of an audience that verifiers shall know, ascending.
    pub(crate) fn signing_keys(
        store: &dyn Store,
        audience: AudienceId,
    ) -> Result<Vec<LiveSigningKey>, RegistryError> {
        let sql = "SELECT epoch, mint_from, mint_until, verify_until FROM signing_key
                   WHERE audience = ? AND dead_at IS NULL AND retired_at IS NULL ORDER BY epoch";
        let rows = store.query(sql, &[audience.0.into()])?;
        rows.iter()
            .map(|row| {
                let epoch = Epoch::new(row.unsigned(0)?)
                    .ok_or_else(|| RegistryError::internal("a signing key has epoch 0"))?;
                Ok(LiveSigningKey {
                    epoch,
                    mint_from: UnixSeconds(row.unsigned(1)?),
                    mint_until: UnixSeconds(row.unsigned(2)?),
                    verify_until: UnixSeconds(row.unsigned(3)?),
                })
            })
            .collect()
    }

    /// The signing key that makes an audience's keys now.
    pub(crate) fn minting_key(
        store: &dyn Store,
        audience: AudienceId,
        at: UnixSeconds,
    ) -> Result<LiveSigningKey, RegistryError> {
        let keys = Self::signing_keys(store, audience)?;
        let current =
            keys.into_iter().rev().find(|key| key.mint_from <= at && at <= key.mint_until);
        current.ok_or_else(|| {
            RegistryError::internal("the audience has no signing key that may mint now")
        })
    }

    /// A signing key of this tenant as the core's stages take it.
    pub(crate) fn signing_key_entry(
        &self,
        store: &dyn Store,
        id: SigningKeyId,
    ) -> Result<Option<SigningKeyEntry>, RegistryError> {
        let keys = Self::signing_keys(store, id.audience)?;
        let Some(key) = keys.into_iter().find(|key| key.epoch == id.epoch) else {
            return Ok(None);
        };
        Ok(Some(SigningKeyEntry {
            id,
            prefix: self.prefix(id.audience)?,
            mint_from: key.mint_from,
            mint_until: key.mint_until,
            verify_until: key.verify_until,
            key: self.secret.signing_key(id),
        }))
    }

    /// A signing key of this tenant whether or not it ever was or still is one, with the window of none: to know its tags by,
    /// and nothing else.
    pub(crate) fn signing_key_of_any_time(
        &self,
        id: SigningKeyId,
    ) -> Result<SigningKeyEntry, RegistryError> {
        let never = UnixSeconds(0);
        Ok(SigningKeyEntry {
            id,
            prefix: self.prefix(id.audience)?,
            mint_from: never,
            mint_until: never,
            verify_until: never,
            key: self.secret.signing_key(id),
        })
    }

    /// The prefix of an audience's keys.
    pub(crate) fn prefix(&self, audience: AudienceId) -> Result<wardkey::Prefix, RegistryError> {
        let prefix = if audience == AudienceId::ADMINISTRATION {
            self.policy.admin_prefix()
        } else {
            self.policy.key_prefix()
        };
        prefix.ok_or_else(|| RegistryError::internal("the stored policy has no prefix"))
    }
}

/// Random bytes, or an error: a registry without randomness mints nothing.
pub(crate) fn random<const N: usize>(
    rng: &mut impl TryCryptoRng,
) -> Result<[u8; N], RegistryError> {
    let mut bytes = [0; N];
    rng.try_fill_bytes(&mut bytes)
        .map_err(|_| RegistryError::internal("no randomness is to be had"))?;
    Ok(bytes)
}

/// The second of an instant, which ends in 2106.
pub(crate) fn second_of(now: UnixMillis) -> Result<UnixSeconds, RegistryError> {
    now.second().ok_or_else(|| RegistryError::internal("the clock is beyond the year 2106"))
}
