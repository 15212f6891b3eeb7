//! Verification at the edge: the wasm core over key sets and lists that the isolate holds.
//!
//! A key set never leaves memory. The list is refreshed when the core asks for it, and no decision rests
//! on a refresh that failed beyond what the core allows.

mod refresh;

use std::cell::RefCell;
use std::collections::HashMap;
use std::net::IpAddr;

use wardkey::{
    Ask, AudienceId, Base, Catalog, Confirmation, Decision, Echo, KeySet, List, MAX_BASE_LEN,
    Query, Reason, Refresh, Registry, RegistryQuestion, RegistryVerdict, Requirement,
    RequirementError, ScopeName, TenantId, UnixMillis, verify,
};
use wardkey_registry::{Call, Reply, StrictVerdict, VerifierMaterial, WireBytes};

use crate::clock;
use crate::problem::ApiError;
use crate::registry_client::{RegistryClient, unexpected_reply};
use crate::rotate_by::RotateBy;

/// Most audiences that an isolate holds.
const MAX_AUDIENCES: usize = 256;

/// What an isolate holds of one audience.
struct Holding {
    key_set: KeySet,
    /// The key set's last bytes, which are no secret.
    catalog: Vec<u8>,
    list: Option<List<Vec<u8>>>,
    failed_at: Option<UnixMillis>,
    refreshing_since: Option<UnixMillis>,
}

impl Holding {
    fn catalog(&self) -> Result<Catalog<'_>, ApiError> {
        let (tenant, audience) = (self.key_set.tenant(), self.key_set.audience());
        Catalog::parse(tenant, audience, self.key_set.version(), &self.catalog)
            .map_err(|error| ApiError::Internal(error.to_string()))
    }
}

thread_local! {
    // INVARIANT: never borrowed across an await.
    static HOLDINGS: RefCell<HashMap<(TenantId, AudienceId), Holding>> = RefCell::default();
}

/// A verifier of one audience.
pub(crate) struct EdgeVerifier<'c> {
    name: (TenantId, AudienceId),
    registry: &'c RegistryClient,
    /// The request that it verifies for.
    request: &'c crate::Call,
    /// By when the key that was asked about is to be replaced, where the registry was asked.
    rotate_by: RotateBy,
}

/// Audience and edition of each key set of a tenant that the isolate holds.
pub(crate) fn held(tenant: TenantId) -> Vec<(u8, u32)> {
    HOLDINGS.with_borrow(|holdings| {
        let of_tenant = holdings.iter().filter(|((owner, _), _)| *owner == tenant);
        of_tenant.map(|((_, audience), holding)| (audience.0, holding.key_set.version())).collect()
    })
}

impl<'c> EdgeVerifier<'c> {
    /// The verifier of an audience, its key set brought up to date with what the registry gave.
    ///
    /// # Errors
    /// [`ApiError::Internal`] for a key set that the core refuses.
    pub(crate) fn new(
        tenant: TenantId,
        material: VerifierMaterial,
        registry: &'c RegistryClient,
        request: &'c crate::Call,
    ) -> Result<Self, ApiError> {
        let name = (tenant, AudienceId(material.audience));
        if let Some(bytes) = material.key_set {
            hold(name, &bytes)?;
        }
        Ok(Self { name, registry, request, rotate_by: RotateBy::default() })
    }

    /// The verifier of an audience with what the isolate holds of it; none where that is nothing.
    pub(crate) fn held(
        tenant: TenantId,
        audience: AudienceId,
        registry: &'c RegistryClient,
        request: &'c crate::Call,
    ) -> Option<Self> {
        let verifier =
            Self { name: (tenant, audience), registry, request, rotate_by: RotateBy::default() };
        verifier.with(|_| ())?;
        Some(verifier)
    }

    /// Tenant and audience.
    pub(crate) const fn name(&self) -> (TenantId, AudienceId) {
        self.name
    }

    /// By when the key is to be replaced that was decided last: known where the registry was asked about it.
    pub(crate) const fn rotate_by(&self) -> &RotateBy {
        &self.rotate_by
    }

    /// The easiest requirement that there is: for finding out whether a key is one at all.
    ///
    /// # Errors
    /// [`ApiError`] when the isolate has lost its key set.
    pub(crate) fn easiest_requirement(&self) -> Result<Requirement, ApiError> {
        let easiest = self.with(|holding| {
            let catalog = holding.catalog()?;
            let entry = catalog.entries().min_by_key(|entry| entry.risk.number());
            let name = entry.map(|entry| entry.name.as_str());
            Requirement::all_of(&catalog, name)
                .map_err(|error| ApiError::Internal(error.to_string()))
        });
        easiest.unwrap_or_else(|| Err(no_key_set()))
    }

    /// Builds what is required from scope names.
    ///
    /// # Errors
    /// [`ApiError::Invalid`]: a requirement that is empty or names an unknown scope is the caller's error.
    pub(crate) fn requirement(
        &self,
        scopes: &[String],
        any: bool,
    ) -> Result<Requirement, ApiError> {
        let build = |catalog: &Catalog<'_>| {
            let names = scopes.iter().map(String::as_str);
            if any {
                Requirement::any_of(catalog, names)
            } else {
                Requirement::all_of(catalog, names)
            }
        };
        let requirement = self.with(|holding| {
            let catalog = holding.catalog()?;
            build(&catalog).map_err(|error| match error {
                RequirementError::Empty => {
                    ApiError::invalid("scopes", "must name at least one scope")
                }
                _ => ApiError::invalid("scopes", not_in(&catalog, scopes)),
            })
        });
        requirement.unwrap_or_else(|| Err(no_key_set()))
    }

    /// The names of scope numbers.
    pub(crate) fn scope_names(&self, scopes: &wardkey::ScopeSet) -> Vec<String> {
        let named = self.with(|holding| {
            let known = holding.catalog().map(|catalog| {
                let known = catalog.entries().filter(|entry| scopes.contains(entry.number));
                known.map(|entry| entry.name.as_str().to_owned()).collect()
            });
            known.unwrap_or_default()
        });
        named.unwrap_or_default()
    }

    /// Decides a key: what the core asks for is done, at most once each.
    ///
    /// # Errors
    /// [`ApiError::TooManyStrictCalls`] for an authentic key; [`ApiError`] when the isolate has lost its key set.
    pub(crate) async fn decide(
        &self,
        key: &str,
        required: &Requirement,
        caller: Option<IpAddr>,
    ) -> Result<Decision, ApiError> {
        let mut refresh = None;
        let mut answer = None;
        loop {
            let query = Query {
                required,
                now: clock::now(),
                caller,
                refresh: if refresh == Some(false) { Refresh::Failed } else { Refresh::NotTried },
                registry: match &answer {
                    None => Registry::NotAsked,
                    Some(Ok(answer)) => Registry::Answered(answer),
                    Some(Err(Unanswered)) => Registry::Failed,
                },
            };
            let decision = self
                .with(|holding| verify(&holding.key_set, holding.list.as_ref(), key, query))
                .ok_or_else(no_key_set)?;
            match decision {
                // A list that was just brought and is not fresh any more counts as not brought.
                Decision::Ask(Ask::Refresh) => {
                    refresh = Some(refresh.is_none() && self.refresh().await?);
                }
                Decision::Ask(Ask::Registry(question)) if answer.is_none() => {
                    let Base { signing_key, key_id, .. } = *question.base();
                    self.request.count_as_strict(signing_key.tenant, key_id).await?;
                    answer = Some(self.ask_registry(question).await);
                }
                Decision::Ask(Ask::Registry(_)) => answer = Some(Err(Unanswered)),
                decided => return Ok(decided),
            }
        }
    }

    async fn ask_registry(&self, question: RegistryQuestion) -> Result<Confirmation, Unanswered> {
        let base = *question.base();
        let mut bytes = [0; MAX_BASE_LEN];
        let len = base.encode(&mut bytes).map_err(|_| Unanswered)?;
        let call = Call::Check {
            base: WireBytes::new(bytes.get(..len).unwrap_or_default()),
            request_id: self.request.id.as_str().into(),
        };
        let verdict = match self.registry.ask(&call).await {
            Ok(Reply::Checked(verdict)) => {
                if let StrictVerdict::Alive { retires_at_ms: Some(at), .. } = verdict {
                    self.rotate_by.set(UnixMillis(at));
                }
                registry_verdict(&verdict)?
            }
            Err(ApiError::TenantGone | ApiError::Denied(Reason::TenantGone)) => {
                RegistryVerdict::TenantGone
            }
            Ok(_) | Err(_) => return Err(Unanswered),
        };
        // One question, one answer, on one connection: the echo is the question's own base.
        let echo = Echo(base);
        question.answered(&echo, verdict).map_err(|_| Unanswered)
    }

    fn with<T>(&self, read: impl FnOnce(&Holding) -> T) -> Option<T> {
        HOLDINGS.with_borrow(|holdings| holdings.get(&self.name).map(read))
    }

    fn with_mut<T>(&self, change: impl FnOnce(&mut Holding) -> T) -> Option<T> {
        HOLDINGS.with_borrow_mut(|holdings| holdings.get_mut(&self.name).map(change))
    }
}

/// Takes a key set into the isolate, unless another request has brought a newer one meanwhile.
fn hold(name: (TenantId, AudienceId), bytes: &WireBytes) -> Result<(), ApiError> {
    let (key_set, catalog) =
        KeySet::parse(bytes.as_bytes()).map_err(|error| ApiError::Internal(error.to_string()))?;
    let catalog = catalog.as_bytes().to_vec();
    HOLDINGS.with_borrow_mut(|holdings| {
        let held = holdings.remove(&name);
        let newest = match held {
            Some(held) if held.key_set.version() > key_set.version() => held,
            // The list in force stays: it is never stepped back behind.
            held => {
                let list = held.and_then(|held| held.list);
                Holding { key_set, catalog, list, failed_at: None, refreshing_since: None }
            }
        };
        if holdings.len() >= MAX_AUDIENCES {
            // Those who lose theirs ask for it again.
            holdings.clear();
        }
        holdings.insert(name, newest);
    });
    Ok(())
}

/// The registry was asked and gave no usable answer.
#[derive(Debug)]
struct Unanswered;

fn registry_verdict(verdict: &StrictVerdict) -> Result<RegistryVerdict, Unanswered> {
    match verdict {
        StrictVerdict::Alive { sequence, .. } => Ok(RegistryVerdict::Alive { sequence: *sequence }),
        StrictVerdict::Dead { reason } => match Reason::named(reason) {
            Some(Reason::Revoked) => Ok(RegistryVerdict::Revoked),
            Some(Reason::Suspended) => Ok(RegistryVerdict::Suspended),
            Some(Reason::Retired) => Ok(RegistryVerdict::Retired),
            Some(Reason::Expired) => Ok(RegistryVerdict::Expired),
            Some(Reason::NeverIssued) => Ok(RegistryVerdict::NeverIssued),
            _ => Err(Unanswered),
        },
    }
}

/// Which scope is not in the catalog, and what is. Only what reads as a scope is repeated.
fn not_in(catalog: &Catalog<'_>, scopes: &[String]) -> String {
    let unknown = scopes.iter().find(|name| catalog.scope(name).is_none());
    let unknown = unknown.and_then(|name| ScopeName::new(name));
    let must = "must be of the audience's catalog";
    let names: Vec<&str> = catalog.entries().take(20).map(|entry| entry.name.as_str()).collect();
    let catalog = names.join(", ");
    match unknown {
        Some(name) => format!("{} {must}: {catalog}", name.as_str()),
        None => format!("{must}: {catalog}"),
    }
}

fn no_key_set() -> ApiError {
    ApiError::Denied(Reason::NoKeySet)
}

/// The material of a reply.
///
/// # Errors
/// [`ApiError::Internal`] for another kind of reply.
pub(crate) fn material(reply: Reply) -> Result<VerifierMaterial, ApiError> {
    match reply {
        Reply::Verifier(material) => Ok(material),
        _ => Err(unexpected_reply()),
    }
}
