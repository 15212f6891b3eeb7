//! What cron does: it looks at each tenant that the directory knows, so that an alarm that was lost is set again, and
//! tells the deployment's owner how many tenants there are and which root wraps them.

use std::time::Duration;

use futures_util::future::join_all;
use wardkey::{Reason, TenantId};
use wardkey_registry::{
    Call, DirectoryCall, DirectoryPage, DirectoryReply, DirectoryTotals, Reply, Swept,
};
use worker::{Env, console_error, console_log};

use crate::directory_client::DirectoryClient;
use crate::problem::ApiError;
use crate::registry_client::{RegistryClient, unexpected_reply};

/// Most tenants that one tick looks at: with the directory's own calls fewer than the 50 requests that the smallest
/// plan allows an invocation.
const TENANTS_PER_TICK: u32 = 40;
/// How many are looked at at once: as many connections as an invocation may have open.
const AT_ONCE: usize = 6;
/// Longest wait for the directory.
const DIRECTORY_TIME: Duration = Duration::from_secs(4);

/// Looks at the next tenants.
///
/// # Errors
/// Those of the directory; a tenant that does not answer is logged, counted, and looked at again in the next round.
pub(crate) async fn sweep(env: &Env) -> Result<(), ApiError> {
    let directory = DirectoryClient::of(env)?;
    let call = DirectoryCall::NextPage { limit: TENANTS_PER_TICK };
    let DirectoryReply::Page(DirectoryPage { tenants, ends_round }) =
        directory.ask(&call, DIRECTORY_TIME).await?
    else {
        return Err(unexpected_reply());
    };
    let mut found = Vec::new();
    for some in tenants.chunks(AT_ONCE) {
        let looks = some.iter().map(|tenant| look_at(env, TenantId(*tenant)));
        found.extend(join_all(looks).await);
    }
    let silent = found.iter().filter(|look| matches!(look, Look::Silent)).count();
    let seen = found.iter().filter_map(|look| match look {
        Look::Found(swept) => Some(swept),
        Look::NotMade(_) | Look::Silent => None,
    });
    let not_made: Vec<u16> = found
        .iter()
        .filter_map(|look| if let Look::NotMade(tenant) = look { Some(*tenant) } else { None })
        .collect();
    let rearmed = seen.clone().filter(|swept| swept.rearmed).count();
    let reports: Vec<_> = seen.map(|swept| swept.report).collect();
    if !reports.is_empty() {
        directory.ask(&DirectoryCall::Report { reports }, DIRECTORY_TIME).await?;
    }
    // A directory of the version before does not know this; the next round tells it again.
    if !not_made.is_empty()
        && let Err(error) =
            directory.ask(&DirectoryCall::NotMade { tenants: not_made }, DIRECTORY_TIME).await
    {
        console_error!("sweep: numbers that nobody made a tenant of were not taken out: {error:?}");
    }
    console_log!(
        "sweep: looked at {} tenants, {silent} of them silent, {rearmed} alarms set again",
        tenants.len()
    );
    if ends_round {
        let DirectoryReply::Totals(totals) =
            directory.ask(&DirectoryCall::Totals, DIRECTORY_TIME).await?
        else {
            return Err(unexpected_reply());
        };
        console_log!("{}", told(&totals));
    }
    Ok(())
}

/// What a look at a tenant has found.
enum Look {
    Found(Swept),
    /// A bootstrap has asked for this number, and was refused or is under way.
    NotMade(u16),
    Silent,
}

async fn look_at(env: &Env, tenant: TenantId) -> Look {
    let asked = match RegistryClient::of(env, tenant) {
        Ok(registry) => registry.ask(&Call::Sweep).await,
        Err(error) => Err(error),
    };
    match asked {
        Ok(Reply::Swept(swept)) if swept.report.tenant == tenant.0 => Look::Found(swept),
        Ok(_) => {
            console_error!("sweep: tenant {} gave another answer", tenant.0);
            Look::Silent
        }
        Err(ApiError::Denied(Reason::TenantGone)) => Look::NotMade(tenant.0),
        Err(error) => {
            console_error!("sweep: tenant {}: {error:?}", tenant.0);
            Look::Silent
        }
    }
}

/// The line that the deployment's owner reads in `wrangler tail`.
fn told(totals: &DirectoryTotals) -> String {
    let DirectoryTotals { allotted, live, destroyed, wrapped_by } = totals;
    let roots: Vec<String> = wrapped_by
        .iter()
        .map(|(version, tenants)| format!("version {version} wraps {tenants}"))
        .collect();
    let roots = if roots.is_empty() { "none".to_owned() } else { roots.join(", ") };
    format!("tenants: {live} live, {destroyed} destroyed, {allotted} allotted; root: {roots}")
}
