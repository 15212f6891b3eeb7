//! `POST /v1/bootstrap`: the first administrator of a tenant.

use std::time::Duration;

use wardkey::TenantId;
use wardkey_provision::{BootstrapError, BootstrapToken};
use wardkey_registry::{BootstrapRequest, Call as RegistryCall, DirectoryCall, WireBytes};
use worker::{Response, console_error};

use crate::admin_request::idempotency_key;
use crate::config::Config;
use crate::directory_client::DirectoryClient;
use crate::problem::ApiError;
use crate::routes::keys::{Form, created};
use crate::{Call, body, clock, credential};

/// Makes a tenant or recovers it.
///
/// 1. The token from the headers: 401 `credential_missing`, 400 `invalid_request`.
/// 2. Its SHA-256 against the deployment's, before any object is asked: 401 `bootstrap_refused`, `bootstrap_expired`.
/// 3. The body: 400, 408, 413, 415.
/// 4. The directory, unless it is away: 410 `tenant_gone`.
/// 5. The registry: 409 `bootstrap_used`, `tenant_exists`; 410 `tenant_gone`; 400 `invalid_field`; 503.
/// 6. 201 with the administrator's key; 200 for a repeated request.
pub(crate) async fn create(mut call: Call) -> Result<Response, ApiError> {
    let text = credential::bearer(call.request.headers())?;
    let config = Config::of(&call.env)?;
    let expected = config.bootstrap.as_ref().ok_or(ApiError::BootstrapRefused)?;
    let token =
        BootstrapToken::check(text.secret_str(), expected, clock::now()).map_err(|error| {
            match error {
                BootstrapError::Expired => ApiError::BootstrapExpired,
                _ => ApiError::BootstrapRefused,
            }
        })?;
    let idempotency_key = idempotency_key(call.request.headers())?;
    let form = Form::wanted(call.request.headers())?;
    let request: BootstrapRequest = body::json(&mut call.request).await?;
    allot(&call, token.tenant()).await?;
    let registry = call.registry(token.tenant())?;
    let reply = registry
        .ask(&RegistryCall::Bootstrap {
            tenant: token.tenant().0,
            token_hash: WireBytes::new(*token.hash().as_bytes()),
            idempotency_key,
            request_id: call.id.as_str().into(),
            request,
        })
        .await?;
    created(reply, form)
}

/// Longest wait for the directory.
const DIRECTORY_TIME: Duration = Duration::from_secs(1);

/// Has the directory write the tenant's number down before the tenant is made, so that cron looks for it whatever
/// happens from here on.
///
/// WHY a directory that is away stops nothing: a destroyed tenant's own book refuses, too, and a new one tells the
/// directory of itself until that knows.
async fn allot(call: &Call, tenant: TenantId) -> Result<(), ApiError> {
    let asked = match DirectoryClient::of(&call.env) {
        Ok(directory) => {
            directory.ask(&DirectoryCall::Allot { tenant: tenant.0 }, DIRECTORY_TIME).await
        }
        Err(error) => Err(error),
    };
    match asked {
        Err(ApiError::TenantGone) => Err(ApiError::TenantGone),
        Err(error) => {
            console_error!("{} the directory was not told: {error:?}", call.id.as_str());
            Ok(())
        }
        Ok(_) => Ok(()),
    }
}
