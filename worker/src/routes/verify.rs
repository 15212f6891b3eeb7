//! `POST /v1/verify`: a decision for services that do not embed the core.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use wardkey::{Allow, Decision, HttpAnswer, Zone};
use wardkey_registry::{Call as RegistryCall, WireSecret};
use worker::Response;

use crate::admin_request::AdminRequest;
use crate::edge_verifier::{self, EdgeVerifier};
use crate::own_reports;
use crate::problem::ApiError;
use crate::routes::json;
use crate::{Call, body};

/// What is asked.
#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct VerifyRequest {
    /// The key to be judged.
    #[cfg_attr(test, schemars(with = "String"))]
    key: WireSecret,
    /// The scopes that the call needs.
    scopes: Vec<String>,
    /// `all` of them, the default, or `any`.
    #[serde(default)]
    r#match: Match,
    /// The audience's name, if the verifier's credential is for more than one.
    #[serde(default)]
    audience: Option<String>,
    /// Where the key is used from, for keys that may be used from some networks only.
    #[serde(default)]
    address: Option<String>,
    /// Whether the registry is to be asked whatever the scopes' risk levels say.
    #[serde(default)]
    strict: bool,
}

impl VerifyRequest {
    fn address(&self) -> Result<Option<IpAddr>, ApiError> {
        let parsed = self.address.as_deref().map(str::parse).transpose();
        parsed.map_err(|_| ApiError::invalid("address", "must be an IPv4 or IPv6 address"))
    }
}

#[derive(Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
enum Match {
    #[default]
    All,
    Any,
}

/// What is answered. A denial says its code and nothing more.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "decision", rename_all = "snake_case")]
pub(super) enum VerifyAnswer {
    Allow {
        status: u16,
        subject: String,
        key_id: String,
        /// Which of the key's generations it is.
        status_index: u32,
        tenant: u16,
        audience: u8,
        scopes: Vec<String>,
        expires_at: u32,
        /// When the key is retired, in Unix seconds: its successor was seen. Known where the registry was asked.
        #[serde(skip_serializing_if = "Option::is_none")]
        rotate_by: Option<u32>,
        narrowed: bool,
        list: ListAnswer,
    },
    Deny {
        status: u16,
        reason: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        retry_after_s: Option<u8>,
    },
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct ListAnswer {
    sequence: u64,
    age_ms: u64,
    zone: &'static str,
}

/// Decides a key.
///
/// 1. The verifier's credential: 401, 400 `invalid_request`.
/// 2. The body, whose faults are told once the registry has accepted the credential: 400 (an unknown or
///    empty requirement included), 408, 413, 415.
/// 3. The registry admits the verifier, which fixes tenant and audience: 401, 403, 503.
/// 4. The core decides with what the isolate holds; a refresh or the registry is asked where it says so.
/// 5. What was decided is counted for a verifier that may not report it itself, and told to the tenant's usage later.
/// 6. 200 with the decision, and in `status` what the caller's own answer should be.
pub(crate) async fn decide(mut call: Call) -> Result<Response, ApiError> {
    let admin = AdminRequest::of(&call)?;
    let tenant = admin.tenant;
    let said = body::json::<VerifyRequest>(&mut call.request).await;
    let said = said.and_then(|request| Ok((request.address()?, request)));
    let (registry, authority, (address, request)) = admin.accept(said).await?;
    let has = edge_verifier::held(tenant);
    let admission = RegistryCall::AdmitVerifier { authority, audience: request.audience, has };
    let material = edge_verifier::material(registry.ask(&admission).await?)?;
    let counted_as = material.counted_as.clone();
    let verifier = EdgeVerifier::new(tenant, material, &registry, &call)?;
    let requirement = verifier.requirement(&request.scopes, request.r#match == Match::Any)?;
    let requirement = if request.strict { requirement.strict() } else { requirement };
    let decided = verifier.decide(request.key.secret_str(), &requirement, address).await;
    if let (Some(name), Ok(decision)) = (&counted_as, &decided) {
        let (tenant, audience) = verifier.name();
        own_reports::count(&call, (tenant, audience.0), name, decision, &request.scopes);
    }
    let answer = match decided {
        Ok(Decision::Allow(allow)) => allowed(&verifier, &allow),
        Ok(Decision::Deny(denial)) => {
            let HttpAnswer { status, code, retry_after_s, .. } = denial.reason.answer();
            VerifyAnswer::Deny { status, reason: code, retry_after_s }
        }
        // What the key's holder is to be told, and not the verifier that asks about it.
        Err(error @ ApiError::TooManyStrictCalls) => VerifyAnswer::Deny {
            status: error.status(),
            reason: error.code(),
            retry_after_s: error.retry_after_s(),
        },
        Ok(Decision::Ask(_)) => {
            return Err(ApiError::Internal(
                "the verifier answered a question with a question".into(),
            ));
        }
        Err(error) => return Err(error),
    };
    json(200, &answer)
}

fn allowed(verifier: &EdgeVerifier<'_>, allow: &Allow) -> VerifyAnswer {
    VerifyAnswer::Allow {
        status: 200,
        subject: allow.subject.as_str().into(),
        key_id: allow.key_id.to_string(),
        status_index: allow.status_index.0,
        tenant: allow.signing_key.tenant.0,
        audience: allow.signing_key.audience.0,
        scopes: verifier.scope_names(&allow.scopes),
        expires_at: allow.expires_at.0,
        rotate_by: verifier.rotate_by().seconds(),
        narrowed: allow.narrowed,
        list: ListAnswer {
            sequence: allow.list.sequence,
            age_ms: allow.list.age_ms,
            zone: Zone::as_str(allow.list.zone),
        },
    }
}
