//! A key's base, in the words of `wit/` and back.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use wardkey::{
    AudienceId, Base, Constraints, Epoch, Networks, ScopeSet, SigningKeyId, StatusIndex, Subject,
    TenantId, UnixSeconds,
};

use crate::bindings::exports::wardkey::verify::keys::{Claims, EchoError, Network};

impl From<&Base> for Claims {
    fn from(base: &Base) -> Self {
        let SigningKeyId { tenant, audience, epoch } = base.signing_key;
        Self {
            tenant: tenant.0,
            audience: audience.0,
            epoch: epoch.number(),
            key_id: base.key_id.to_string(),
            status_index: base.status_index.0,
            issued_at_s: base.issued_at.0,
            expires_at_s: base.expires_at.0,
            subject: String::from(base.subject.as_str()),
            scopes: base.scopes.iter().collect(),
            not_before_s: base.constraints.not_before.map(|second| second.0),
            networks: base
                .constraints
                .networks
                .iter()
                .flat_map(Networks::iter)
                .map(Network::from)
                .collect(),
        }
    }
}

impl TryFrom<&Claims> for Base {
    type Error = EchoError;

    /// What the registry repeats, as the core compares it.
    fn try_from(claims: &Claims) -> Result<Self, EchoError> {
        Ok(Self {
            signing_key: SigningKeyId {
                tenant: TenantId(claims.tenant),
                audience: AudienceId(claims.audience),
                epoch: Epoch::new(claims.epoch).ok_or(EchoError::Malformed)?,
            },
            key_id: claims.key_id.parse().map_err(|_| EchoError::Malformed)?,
            status_index: StatusIndex(claims.status_index),
            issued_at: UnixSeconds(claims.issued_at_s),
            expires_at: UnixSeconds(claims.expires_at_s),
            subject: Subject::new(&claims.subject).map_err(|_| EchoError::Malformed)?,
            scopes: ScopeSet::from_iter(claims.scopes.iter().copied()),
            constraints: Constraints {
                not_before: claims.not_before_s.map(UnixSeconds),
                networks: networks(&claims.networks)?,
            },
        })
    }
}

fn networks(named: &[Network]) -> Result<Option<Networks>, EchoError> {
    let networks = named.iter().map(wardkey::Network::try_from).collect::<Result<Vec<_>, _>>();
    match networks.map_err(|_| EchoError::Malformed)? {
        none if none.is_empty() => Ok(None),
        some => Networks::new(some).map(Some).map_err(|_| EchoError::Malformed),
    }
}
