//! What the Worker asks of the registry, and what it is told. JSON between versions N and N−1.

use serde::{Deserialize, Serialize};
use wardkey::{KeyId, StatusIndex};
use wardkey_provision::{KeyRequest, Policy};

use crate::audit_log::AuditPage;
use crate::bootstrap::BootstrapRequest;
use crate::check::StrictVerdict;
use crate::create::Created;
use crate::destroy::{DestroyRequest, Destroyed};
use crate::key_list::{KeyPage, ListRequest};
use crate::key_view::KeyReply;
use crate::policy_versions::PolicyView;
use crate::read::{ReadKey, RecordPointer};
use crate::revocations::{RevocationRequest, RevocationView};
use crate::revoke::{RevokeRequest, Revoked};
use crate::revoke_self::RevokeSelfRequest;
use crate::rewrap::RootWrap;
use crate::rotate::RotateRequest;
use crate::rotate_signing_keys::{RotateSigningKeysRequest, SigningKeysRotated};
use crate::suspend::SuspendRequest;
use crate::sweep::Swept;
use crate::try_policy::PolicyTrial;
use crate::update::UpdateRequest;
use crate::usage::{Reporter, Sighting, SightingVerdict, UsedKey};
use crate::verifier::VerifierMaterial;
use crate::wire::{WireBytes, WireSecret};

/// By what right a call is made, and the request that it belongs to.
#[derive(Debug, Serialize, Deserialize)]
pub struct Authority {
    /// An administration key.
    pub credential: WireSecret,
    /// The caller's Idempotency-Key, for mutations.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<String>,
    /// The request's id, for the audit log.
    pub request_id: String,
}

impl Authority {
    /// The same authority for a second call of the same request.
    pub fn again(&self) -> Self {
        Self {
            credential: WireSecret::new(self.credential.secret_str()),
            idempotency_key: self.idempotency_key.clone(),
            request_id: self.request_id.clone(),
        }
    }
}

/// What is asked.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "call", rename_all = "snake_case")]
pub enum Call {
    /// Make or recover the tenant. The Worker has compared the token's hash before.
    Bootstrap {
        /// The tenant that the token names.
        tenant: u16,
        /// SHA-256 of the token.
        token_hash: WireBytes,
        /// The caller's Idempotency-Key.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        idempotency_key: Option<String>,
        /// The request's id.
        request_id: String,
        /// What is asked for.
        request: BootstrapRequest,
    },
    /// Create a key.
    CreateKey {
        /// By what right.
        authority: Authority,
        /// What is asked for.
        request: KeyRequest,
    },
    /// Read a key.
    ReadKey {
        /// By what right.
        authority: Authority,
        /// Which.
        key_id: String,
        /// What the reader is to be given.
        what: ReadKey,
    },
    /// Revoke a key.
    RevokeKey {
        /// By what right.
        authority: Authority,
        /// Which.
        key_id: String,
        /// Why.
        request: RevokeRequest,
    },
    /// Some keys.
    ListKeys {
        /// By what right.
        authority: Authority,
        /// Which.
        request: ListRequest,
    },
    /// Change what people noted down of a key.
    UpdateKey {
        /// By what right.
        authority: Authority,
        /// Which.
        key_id: String,
        /// What is to be changed.
        request: UpdateRequest,
    },
    /// Make a key's next generation.
    RotateKey {
        /// By what right.
        authority: Authority,
        /// Which.
        key_id: String,
        /// What it shall be.
        request: RotateRequest,
    },
    /// Retire all generations of a key but the newest.
    ConfirmKey {
        /// By what right.
        authority: Authority,
        /// Which.
        key_id: String,
    },
    /// Suspend a key, or resume it.
    SuspendKey {
        /// By what right.
        authority: Authority,
        /// Which.
        key_id: String,
        /// Whether it is to be suspended.
        suspended: bool,
        /// Why.
        request: SuspendRequest,
    },
    /// Revoke the generation of the credential itself, which may be a key of any audience.
    RevokeSelf {
        /// By what right: the key that is to be revoked.
        authority: Authority,
        /// Why.
        request: RevokeSelfRequest,
    },
    /// Revoke many keys.
    Revoke {
        /// By what right.
        authority: Authority,
        /// Which, and why.
        request: RevocationRequest,
    },
    /// How far a revocation of many keys is.
    ReadRevocation {
        /// By what right.
        authority: Authority,
        /// Which.
        id: String,
    },
    /// Read the audit log.
    ReadAudit {
        /// By what right.
        authority: Authority,
        /// Entries after this one.
        after: u64,
        /// At most so many, 1 to 200.
        limit: u32,
    },
    /// Read the policy.
    ReadPolicy {
        /// By what right.
        authority: Authority,
        /// Which version; the present one if none is named.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        version: Option<u32>,
    },
    /// Replace the policy.
    ReplacePolicy {
        /// By what right.
        authority: Authority,
        /// The version that is to be replaced.
        version: u32,
        /// By which.
        policy: Policy,
    },
    /// What replacing the policy would change and break.
    TryPolicy {
        /// By what right.
        authority: Authority,
        /// The version that would be replaced.
        version: u32,
        /// By which.
        policy: Policy,
        /// Only keys after this one are judged.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        after: Option<String>,
    },
    /// Judge a credential and do nothing: for a request whose other parts are not acceptable, so that
    /// nobody learns about those who may not ask.
    Admit {
        /// By what right.
        authority: Authority,
        /// Whether a key of any audience will do, since it acts by being shown.
        #[serde(default)]
        possession: bool,
    },
    /// Admit a verifier and give it what it works with.
    AdmitVerifier {
        /// By what right.
        authority: Authority,
        /// The audience's name, if the credential is for more than one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        audience: Option<String>,
        /// Audience and edition of each key set of the tenant that the verifier has already.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        has: Vec<(u8, u32)>,
    },
    /// Take the key set of the audience that the credential is for.
    ReadKeySet {
        /// By what right.
        authority: Authority,
        /// The audience's name, which may be left out.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        audience: Option<String>,
        /// Audience and edition of what the verifier has already.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        has: Vec<(u8, u32)>,
    },
    /// Admit a verifier that reports usage: whoever may take the key set of one audience.
    AdmitReporter {
        /// By what right.
        authority: Authority,
        /// The audience's name, which may be left out.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        audience: Option<String>,
    },
    /// What the tenant's usage is to be asked about a key.
    ReadUsedKey {
        /// By what right.
        authority: Authority,
        /// Which.
        key_id: String,
    },
    /// What verifiers have seen, as the tenant's usage was told: the deployment's own object asks, and nobody else.
    NoteSightings {
        /// Each generation once.
        sightings: Vec<Sighting>,
    },
    /// Make the next signing key of an audience.
    RotateSigningKeys {
        /// By what right.
        authority: Authority,
        /// The audience's name.
        audience: String,
        /// Why and how.
        request: RotateSigningKeysRequest,
    },
    /// Say which version of the root wraps the tenant's secret.
    ReadRoot {
        /// By what right.
        authority: Authority,
    },
    /// Wrap the tenant's secret with the newest version of the root.
    RewrapRoot {
        /// By what right.
        authority: Authority,
    },
    /// Destroy the tenant's secret.
    DestroyTenant {
        /// By what right.
        authority: Authority,
        /// What must be said for it.
        request: DestroyRequest,
    },
    /// What a verifier works with, for the deployment's own Worker: it judges callers' keys for proxies that
    /// hold no credential, and lets no key set out.
    Material {
        /// The audience's name.
        audience: String,
        /// Audience and edition of each key set of the tenant that the Worker has already.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        has: Vec<(u8, u32)>,
    },
    /// The registry's word on a key whose tag is right.
    Check {
        /// The key's base, as it stands in the key.
        base: WireBytes,
        /// The request's id.
        request_id: String,
    },
    /// The list's head.
    Head,
    /// A state that a head named.
    State {
        /// The head's sequence.
        sequence: u64,
        /// The state's digest.
        digest: WireBytes,
    },
    /// Apply the deadlines that have come, and say what the directory should know: cron asks each tenant.
    Sweep,
}

/// The generation that a call's credential says that it is.
#[derive(Clone, Copy, Debug)]
pub struct ActingGeneration(pub(crate) StatusIndex);

impl Call {
    /// The generation that the call's credential says that it is. It is proven once the call has been answered.
    pub fn acting_generation(&self) -> Option<ActingGeneration> {
        let text = self.authority()?.credential.secret_str();
        wardkey::inspect(text).ok().map(|key| ActingGeneration(key.base().status_index))
    }

    /// By what right the call is made; for one that asks for a credential.
    pub(crate) const fn authority(&self) -> Option<&Authority> {
        match self {
            Self::CreateKey { authority, .. }
            | Self::ReadKey { authority, .. }
            | Self::RevokeKey { authority, .. }
            | Self::ListKeys { authority, .. }
            | Self::UpdateKey { authority, .. }
            | Self::RotateKey { authority, .. }
            | Self::ConfirmKey { authority, .. }
            | Self::SuspendKey { authority, .. }
            | Self::RevokeSelf { authority, .. }
            | Self::Revoke { authority, .. }
            | Self::ReadRevocation { authority, .. }
            | Self::ReadAudit { authority, .. }
            | Self::ReadPolicy { authority, .. }
            | Self::ReplacePolicy { authority, .. }
            | Self::TryPolicy { authority, .. }
            | Self::Admit { authority, .. }
            | Self::AdmitVerifier { authority, .. }
            | Self::ReadKeySet { authority, .. }
            | Self::AdmitReporter { authority, .. }
            | Self::ReadUsedKey { authority, .. }
            | Self::RotateSigningKeys { authority, .. }
            | Self::ReadRoot { authority }
            | Self::RewrapRoot { authority }
            | Self::DestroyTenant { authority, .. } => Some(authority),
            Self::Bootstrap { .. }
            | Self::Material { .. }
            | Self::Check { .. }
            | Self::NoteSightings { .. }
            | Self::Head
            | Self::State { .. }
            | Self::Sweep => None,
        }
    }

    /// What the audit log calls it.
    pub(crate) const fn action(&self) -> &'static str {
        match self {
            Self::Bootstrap { .. } => "tenant.create",
            Self::CreateKey { .. } => "key.create",
            Self::ReadKey { .. } => "key.read",
            Self::RevokeKey { .. } => "key.revoke",
            Self::ListKeys { .. } => "key.list",
            Self::UpdateKey { .. } => "key.update",
            Self::RotateKey { .. } => "key.rotate",
            Self::ConfirmKey { .. } => "key.confirm",
            Self::SuspendKey { suspended: true, .. } => "key.suspend",
            Self::SuspendKey { suspended: false, .. } => "key.resume",
            Self::RevokeSelf { .. } => "key.revoke_self",
            Self::Revoke { .. } => "revocation.start",
            Self::ReadRevocation { .. } => "revocation.read",
            Self::ReadAudit { .. } => "audit.read",
            Self::ReadPolicy { .. } => "policy.read",
            Self::ReplacePolicy { .. } => "policy.replace",
            Self::TryPolicy { .. } => "policy.try",
            Self::Admit { .. } => "credential.judge",
            Self::AdmitVerifier { .. } => "verifier.admit",
            Self::ReadKeySet { .. } => "key_set.read",
            Self::AdmitReporter { .. } => "usage.report",
            Self::ReadUsedKey { .. } => "usage.read",
            Self::NoteSightings { .. } => "usage.note",
            Self::RotateSigningKeys { request, .. } if request.compromised => {
                "signing_key.compromise"
            }
            Self::RotateSigningKeys { .. } => "signing_key.rotate",
            Self::ReadRoot { .. } => "root.read",
            Self::RewrapRoot { .. } => "root.rewrap",
            Self::DestroyTenant { .. } => "tenant.destroy",
            Self::Material { .. } => "verifier.material",
            Self::Check { .. } => "key.check",
            Self::Head => "list.head",
            Self::State { .. } => "list.state",
            Self::Sweep => "tenant.sweep",
        }
    }

    /// The key that it names, if that is a key's name: anything else may be anything, a key included,
    /// and is kept nowhere.
    pub(crate) fn target(&self) -> Option<KeyId> {
        match self {
            Self::ReadKey { key_id, .. }
            | Self::ReadUsedKey { key_id, .. }
            | Self::RevokeKey { key_id, .. }
            | Self::UpdateKey { key_id, .. }
            | Self::RotateKey { key_id, .. }
            | Self::ConfirmKey { key_id, .. }
            | Self::SuspendKey { key_id, .. } => key_id.parse().ok(),
            _ => None,
        }
    }
}

/// What is answered.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "reply", content = "value", rename_all = "snake_case")]
pub enum Reply {
    /// To [`Call::Bootstrap`], [`Call::CreateKey`] and [`Call::RotateKey`].
    Created(Created),
    /// To [`Call::ReadKey`] with [`ReadKey::Pointer`].
    Pointer(RecordPointer),
    /// To [`Call::ReadKey`] with [`ReadKey::Record`], [`Call::UpdateKey`] and [`Call::ConfirmKey`].
    Key(KeyReply),
    /// To [`Call::ListKeys`].
    Keys(KeyPage),
    /// To [`Call::RevokeKey`], [`Call::SuspendKey`] and [`Call::RevokeSelf`].
    Revoked(Revoked),
    /// To [`Call::Revoke`] and [`Call::ReadRevocation`].
    Revocation(RevocationView),
    /// To [`Call::ReadAudit`].
    Audit(AuditPage),
    /// To [`Call::ReadPolicy`] and [`Call::ReplacePolicy`].
    Policy(PolicyView),
    /// To [`Call::TryPolicy`].
    PolicyTrial(PolicyTrial),
    /// To [`Call::Admit`].
    Admitted,
    /// To [`Call::AdmitVerifier`], [`Call::ReadKeySet`] and [`Call::Material`].
    Verifier(VerifierMaterial),
    /// To [`Call::AdmitReporter`].
    Reporter(Reporter),
    /// To [`Call::ReadUsedKey`].
    UsedKey(UsedKey),
    /// To [`Call::NoteSightings`]: of each what it is.
    SightingsNoted(Vec<SightingVerdict>),
    /// To [`Call::RotateSigningKeys`].
    SigningKeys(SigningKeysRotated),
    /// To [`Call::ReadRoot`] and [`Call::RewrapRoot`].
    Root(RootWrap),
    /// To [`Call::DestroyTenant`].
    Destroyed(Destroyed),
    /// To [`Call::Check`].
    Checked(StrictVerdict),
    /// To [`Call::Head`] and [`Call::State`].
    Bytes(WireBytes),
    /// To [`Call::Sweep`].
    Swept(Swept),
}
