#![doc = include_str!("../README.md")]

mod admin_request;
mod audience_names;
mod body;
mod clock;
mod config;
mod credential;
mod directory_client;
mod edge_verifier;
mod head_cache;
mod object_message;
mod object_store;
mod problem;
mod record_store;
mod registry_client;
mod request_id;
mod routes;
mod state_store;
mod sweep;
mod tenant_directory;
mod tenant_registry;

use wardkey::{KeyId, TenantId};
use worker::{
    Context, Env, Method, Request, Response, ScheduleContext, ScheduledEvent, console_error, event,
};

use crate::problem::ApiError;
use crate::registry_client::RegistryClient;
use crate::request_id::RequestId;
use crate::routes::{
    audit, bootstrap, forward_auth, healthz, key_life, key_set, keys, list, policy, revocations,
    signing_keys, tenant, verify,
};

/// One request with what every route needs of it.
pub(crate) struct Call {
    pub(crate) request: Request,
    pub(crate) url: url::Url,
    pub(crate) env: Env,
    pub(crate) id: RequestId,
}

impl Call {
    /// The registry of a tenant.
    pub(crate) fn registry(&self, tenant: TenantId) -> Result<RegistryClient, ApiError> {
        let client = RegistryClient::of(&self.env, tenant)?;
        #[cfg(feature = "plant-faults")]
        let client = client.planting(self.request.headers())?;
        Ok(client)
    }

    /// Counts a call that reaches an object without a credential that was judged, by its caller's address.
    pub(crate) async fn count_as_public(&self) -> Result<(), ApiError> {
        let address = self.request.headers().get("CF-Connecting-IP")?.unwrap_or_default();
        if self.is_within("PUBLIC_LIMIT", address).await? {
            Ok(())
        } else {
            Err(ApiError::TooManyRequests)
        }
    }

    /// Counts a question to the registry about a key, by that key: before the object, which has head reads to answer,
    /// hears of it.
    ///
    /// INVARIANT: the key's tag was found right. Only its holder uses up what it may ask.
    pub(crate) async fn count_as_strict(
        &self,
        tenant: TenantId,
        key_id: KeyId,
    ) -> Result<(), ApiError> {
        if self.is_within("STRICT_LIMIT", format!("{}/{key_id}", tenant.0)).await? {
            Ok(())
        } else {
            Err(ApiError::TooManyStrictCalls)
        }
    }

    async fn is_within(&self, limit: &'static str, counted: String) -> Result<bool, ApiError> {
        let limiter = self.env.rate_limiter(limit).map_err(|_| ApiError::Misconfigured(limit))?;
        Ok(limiter.limit(counted).await?.success)
    }
}

/// Answers a request: whatever happens, with a response that has a request id.
#[event(fetch)]
async fn fetch(request: Request, env: Env, _context: Context) -> worker::Result<Response> {
    let id = RequestId::new();
    let outcome = match request.url() {
        Ok(url) => {
            head_cache::warn_where_there_is_none(&url);
            route(Call { request, url, env, id: id.clone() }).await
        }
        Err(_) => Err(ApiError::invalid("url", "is not a URL")),
    };
    let mut response = outcome.or_else(|error| error.into_response(&id))?;
    response.headers_mut().set("Wardkey-Request-Id", id.as_str())?;
    response.headers_mut().set("X-Content-Type-Options", "nosniff")?;
    Ok(response)
}

/// Looks at the next tenants, whenever cron says so.
#[event(scheduled)]
async fn scheduled(_event: ScheduledEvent, env: Env, _context: ScheduleContext) {
    if let Err(error) = sweep::sweep(&env).await {
        console_error!("sweep: {error:?}");
    }
}

/// The route table.
async fn route(call: Call) -> Result<Response, ApiError> {
    credential::refuse_in_url(&call.url)?;
    refuse_plain_http(&call.url)?;
    let path = call.url.path().to_owned();
    let segments: Vec<&str> = path.strip_prefix('/').unwrap_or(&path).split('/').collect();
    // A HEAD is a GET whose body the runtime drops.
    let method = match call.request.method() {
        Method::Head => Method::Get,
        method => method,
    };
    match (segments.as_slice(), method) {
        (["healthz"], Method::Get) => healthz::read(&call),
        (["healthz"], _) => Err(ApiError::method("GET")),
        (["v1", "bootstrap"], Method::Post) => bootstrap::create(call).await,
        (["v1", "bootstrap"], _) => Err(ApiError::method("POST")),
        (["v1", "keys"], Method::Post) => keys::create(call).await,
        (["v1", "keys"], Method::Get) => keys::list(call).await,
        (["v1", "keys"], _) => Err(ApiError::method("GET, POST")),
        (["v1", "keys", id], Method::Get) => keys::read(call, id).await,
        (["v1", "keys", id], Method::Patch) => keys::update(call, id).await,
        (["v1", "keys", _], _) => Err(ApiError::method("GET, PATCH")),
        (["v1", "keys", id, act], method) => match (*act, method) {
            ("rotate", Method::Post) => key_life::rotate(call, id).await,
            ("confirm", Method::Post) => key_life::confirm(call, id).await,
            ("suspend", Method::Post) => key_life::suspend(call, id, true).await,
            ("resume", Method::Post) => key_life::suspend(call, id, false).await,
            ("revoke", Method::Post) => key_life::revoke(call, id).await,
            ("rotate" | "confirm" | "suspend" | "resume" | "revoke", _) => {
                Err(ApiError::method("POST"))
            }
            _ => Err(ApiError::NoRoute),
        },
        (["v1", "revoke-self"], Method::Post) => key_life::revoke_self(call).await,
        (["v1", "revoke-self"], _) => Err(ApiError::method("POST")),
        (["v1", "revocations"], Method::Post) => revocations::start(call).await,
        (["v1", "revocations"], _) => Err(ApiError::method("POST")),
        (["v1", "revocations", id], Method::Get) => revocations::read(call, id).await,
        (["v1", "revocations", _], _) => Err(ApiError::method("GET")),
        (["v1", "verify"], Method::Post) => verify::decide(call).await,
        (["v1", "verify"], _) => Err(ApiError::method("POST")),
        // Whatever the method: some proxies ask with the one that their caller used.
        (["v1", "forward-auth", tenant, audience], _) => {
            forward_auth::decide(call, tenant, audience).await
        }
        (["v1", "list", tenant, "head"], Method::Get) => list::head(call, tenant).await,
        (["v1", "list", _, "head"], _) => Err(ApiError::method("GET")),
        (["v1", "list", tenant, "state", name], Method::Get) => {
            list::state(call, tenant, name).await
        }
        (["v1", "list", _, "state", _], _) => Err(ApiError::method("GET")),
        (["v1", "key-set"], Method::Get) => key_set::take(call).await,
        (["v1", "key-set"], _) => Err(ApiError::method("GET")),
        (["v1", "signing-keys", audience, "rotate"], Method::Post) => {
            signing_keys::rotate(call, audience).await
        }
        (["v1", "signing-keys", _, "rotate"], _) => Err(ApiError::method("POST")),
        (["v1", "root", "rewrap"], Method::Get) => tenant::root(call).await,
        (["v1", "root", "rewrap"], Method::Post) => tenant::rewrap(call).await,
        (["v1", "root", "rewrap"], _) => Err(ApiError::method("GET, POST")),
        (["v1", "tenant", "destroy"], Method::Post) => tenant::destroy(call).await,
        (["v1", "tenant", "destroy"], _) => Err(ApiError::method("POST")),
        (["v1", "policy"], Method::Get) => policy::read(call).await,
        (["v1", "policy"], Method::Put) => policy::replace(call).await,
        (["v1", "policy"], _) => Err(ApiError::method("GET, PUT")),
        (["v1", "policy", "schema"], Method::Get) => policy::schema(),
        (["v1", "policy", "schema"], _) => Err(ApiError::method("GET")),
        (["v1", "audit"], Method::Get) => audit::read(call).await,
        (["v1", "audit"], _) => Err(ApiError::method("GET")),
        _ => Err(ApiError::NoRoute),
    }
}

/// Keys travel over TLS only, except on the machine itself.
fn refuse_plain_http(url: &url::Url) -> Result<(), ApiError> {
    let loopback = match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    if url.scheme() == "https" || loopback { Ok(()) } else { Err(ApiError::PlainHttp) }
}
