#![doc = include_str!("../README.md")]

mod admin_request;
mod audience_names;
mod body;
mod caller_address;
mod clock;
mod compressed_state;
mod config;
mod content_coding;
mod credential;
mod directory_client;
mod edge_verifier;
mod forged_credentials;
mod gzip;
mod head_cache;
mod object_message;
mod object_store;
mod own_reports;
mod own_usage;
mod problem;
mod record_store;
mod registry_client;
mod request_id;
mod rotate_by;
mod routes;
mod state_store;
mod sweep;
mod tenant_directory;
mod tenant_registry;
mod tenant_usage;
mod underway;
mod usage_client;
mod waiting_calls;

use wardkey::{KeyId, TenantId};
use worker::{
    Context, Env, Request, Response, ScheduleContext, ScheduledEvent, console_error, event,
};

use crate::problem::ApiError;
use crate::registry_client::RegistryClient;
use crate::request_id::RequestId;
use crate::rotate_by::RotateBy;
use crate::routes::{
    audit, bootstrap, forward_auth, healthz, key_life, key_set, keys, list, openapi, policy,
    revocations, signing_keys, tenant, usage, verify,
};

/// One request with what every route needs of it.
pub(crate) struct Call {
    pub(crate) request: Request,
    pub(crate) url: url::Url,
    pub(crate) env: Env,
    pub(crate) context: Context,
    pub(crate) id: RequestId,
    /// By when the credential that the request is made by is to be replaced, once the registry has accepted it.
    pub(crate) rotate_by: RotateBy,
}

impl Call {
    /// The registry of a tenant.
    pub(crate) fn registry(&self, tenant: TenantId) -> Result<RegistryClient, ApiError> {
        let client = RegistryClient::of(&self.env, tenant)?.keeping(self.rotate_by.clone());
        #[cfg(feature = "plant-faults")]
        let client = client.planting(self.request.headers())?;
        Ok(client)
    }

    /// Counts a call that reaches an object without a credential that was judged, by its caller's address.
    pub(crate) async fn count_as_public(&self) -> Result<(), ApiError> {
        let address = caller_address::counted(self.request.headers())?;
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
        // Whether it is within the limit cannot be known then, and nobody is let through.
        let outcome = limiter.limit(counted).await.map_err(|error| {
            console_error!("{} {limit}: {error}", self.id.as_str());
            ApiError::RegistryUnavailable
        })?;
        Ok(outcome.success)
    }
}

/// Answers a request: whatever happens, with a response that has a request id.
#[event(fetch)]
async fn fetch(request: Request, env: Env, context: Context) -> worker::Result<Response> {
    let id = RequestId::new();
    let rotate_by = RotateBy::default();
    let outcome = match request.url() {
        Ok(url) => {
            head_cache::warn_where_there_is_none(&url);
            let (id, rotate_by) = (id.clone(), rotate_by.clone());
            route(Call { request, url, env, context, id, rotate_by }).await
        }
        Err(_) => Err(ApiError::invalid("url", "is not a URL")),
    };
    let mut response = outcome.or_else(|error| error.into_response(&id))?;
    response.headers_mut().set("Wardkey-Request-Id", id.as_str())?;
    response.headers_mut().set("X-Content-Type-Options", "nosniff")?;
    rotate_by.say(response.headers_mut())?;
    // RFC 9110 section 6.6.1: caches count an answer's age from it. Cloudflare sets its own.
    response.headers_mut().set("Date", &clock::http_date())?;
    Ok(response)
}

/// Looks at the next tenants, whenever cron says so.
#[event(scheduled)]
async fn scheduled(_event: ScheduledEvent, env: Env, _context: ScheduleContext) {
    if let Err(error) = sweep::sweep(&env).await {
        console_error!("sweep: {error:?}");
    }
}

/// Finds the route.
async fn route(call: Call) -> Result<Response, ApiError> {
    credential::refuse_in_url(&call.url)?;
    refuse_plain_http(&call.url)?;
    let path = call.url.path().to_owned();
    let segments: Vec<&str> = path.strip_prefix('/').unwrap_or(&path).split('/').collect();
    // By its own word: what the library does not know it takes for GET.
    let method = call.request.inner().method();
    // A HEAD is a GET whose body the runtime drops.
    let method = if method == "HEAD" { "GET" } else { method.as_str() };
    answer(call, &segments, method).await
}

/// Makes the route table: what is answered, and in tests the same as data, to which the published description is held.
macro_rules! routes {
    ($call:ident; $(
        [$($segment:pat),+]
        $({ $first:literal => $first_answer:expr $(, $method:literal => $answer:expr)* $(,)? })?
        $($any:ident => $any_answer:expr;)?
    )+) => {
        async fn answer($call: Call, segments: &[&str], method: &str) -> Result<Response, ApiError> {
            match segments {
                $([$($segment),+] => match method {
                    $(
                        $first => $first_answer,
                        $($method => $answer,)*
                        _ => Err(ApiError::method(concat!($first $(, ", ", $method)*))),
                    )?
                    $(_ => $any_answer,)?
                },)+
                _ => Err(ApiError::NoRoute),
            }
        }

        /// Each route's segments, parameters by their names, and its methods.
        #[cfg(test)]
        const ROUTES: &[(&[&str], &[&str])] = &[$((
            &[$(stringify!($segment)),+],
            &[$($first $(, $method)*)? $(stringify!($any))?],
        )),+];
    };
}

// The route table.
routes! { call;
    ["healthz"] { "GET" => healthz::read(&call) }
    ["openapi.json"] { "GET" => openapi::read() }
    ["v1", "bootstrap"] { "POST" => bootstrap::create(call).await }
    ["v1", "keys"] { "GET" => keys::list(call).await, "POST" => keys::create(call).await }
    ["v1", "keys", id] { "GET" => keys::read(call, id).await, "PATCH" => keys::update(call, id).await }
    ["v1", "keys", id, "rotate"] { "POST" => key_life::rotate(call, id).await }
    ["v1", "keys", id, "confirm"] { "POST" => key_life::confirm(call, id).await }
    ["v1", "keys", id, "suspend"] { "POST" => key_life::suspend(call, id, true).await }
    ["v1", "keys", id, "resume"] { "POST" => key_life::suspend(call, id, false).await }
    ["v1", "keys", id, "revoke"] { "POST" => key_life::revoke(call, id).await }
    ["v1", "keys", id, "usage"] { "GET" => usage::read(call, id).await }
    ["v1", "usage"] { "POST" => usage::report(call).await }
    ["v1", "revoke-self"] { "POST" => key_life::revoke_self(call).await }
    ["v1", "revocations"] { "POST" => revocations::start(call).await }
    ["v1", "revocations", id] { "GET" => revocations::read(call, id).await }
    ["v1", "verify"] { "POST" => verify::decide(call).await }
    // Whatever the method: some proxies ask with the one that their caller used.
    ["v1", "forward-auth", tenant, audience] ANY => forward_auth::decide(call, tenant, audience).await;
    ["v1", "list", tenant, "head"] { "GET" => list::head(call, tenant).await }
    ["v1", "list", tenant, "state", name] { "GET" => list::state(call, tenant, name).await }
    ["v1", "key-set"] { "GET" => key_set::take(call).await }
    ["v1", "signing-keys", audience, "rotate"] { "POST" => signing_keys::rotate(call, audience).await }
    ["v1", "root", "rewrap"] { "GET" => tenant::root(call).await, "POST" => tenant::rewrap(call).await }
    ["v1", "tenant", "destroy"] { "POST" => tenant::destroy(call).await }
    ["v1", "policy"] { "GET" => policy::read(call).await, "PUT" => policy::replace(call).await }
    ["v1", "policy", "schema"] { "GET" => policy::schema() }
    ["v1", "audit"] { "GET" => audit::read(call).await }
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
