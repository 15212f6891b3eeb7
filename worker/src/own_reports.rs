//! Telling a tenant's usage what the isolate decided itself: some seconds after the first decision that is not told yet, beside
//! the answers and never in their way.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use wardkey::{Decision, TenantId, UnixMillis};
use wardkey_registry::{Reporter, UsageCall, UsageReply, UsageReport};
use worker::{Delay, Env, console_warn};

use crate::Call;
use crate::clock;
use crate::own_usage::{Counted, OwnUsage, Pass};
use crate::problem::ApiError;
use crate::request_id::RequestId;
use crate::usage_client::UsageClient;

thread_local! {
    // INVARIANT: never borrowed across an await.
    static OWN: RefCell<OwnUsage> = RefCell::default();
    /// When a request took it upon itself to tell, and has not begun yet.
    static ABOUT_TO_TELL: Cell<Option<UnixMillis>> = const { Cell::new(None) };
}

/// Counts a decision under a name, and sees to it that it is told.
pub(crate) fn count(
    call: &Call,
    (tenant, audience): (TenantId, u8),
    name: &str,
    decision: &Decision,
    scopes: &[String],
) {
    let now = clock::now();
    let of = (tenant, audience, name.to_owned());
    OWN.with_borrow_mut(|own| own.count(&of, decision, scopes, call.id.as_str(), now));
    // WHY by the clock, too: what a request began may end with it, and nobody is told.
    let is_seen_to = ABOUT_TO_TELL.get().is_some_and(|at| now.0.abs_diff(at.0) < GIVEN_UP_MS);
    if !is_seen_to && OWN.with_borrow(|own| !own.is_empty()) {
        ABOUT_TO_TELL.set(Some(now));
        call.context.wait_until(tell(call.env.clone()));
    }
}

async fn tell(env: Env) {
    Delay::from(AFTER).await;
    ABOUT_TO_TELL.set(None);
    if !tell_all(&env).await {
        // What is not told then waits for a later decision.
        Delay::from(AGAIN_AFTER).await;
        tell_all(&env).await;
    }
}

/// Tells what there is by now, once; answers whether all of it was told.
async fn tell_all(env: &Env) -> bool {
    let began = clock::now();
    let mut pass = OWN.with_borrow_mut(Pass::begin);
    while clock::now().0.abs_diff(began.0) < PASS_MS {
        let report_id = RequestId::new();
        let next = OWN.with_borrow_mut(|own| pass.next(own, report_id.as_str(), clock::now()));
        let Some((of, request_id, report)) = next else { break };
        if !tell_one(env, &of, request_id, report).await {
            pass.failed(of.0);
        }
    }
    pass.is_whole()
}

/// Sends a report; answers whether there was an answer to it.
async fn tell_one(env: &Env, of: &Counted, request_id: String, report: UsageReport) -> bool {
    let id = report.report_id.clone();
    let (tenant, audience, _) = *of;
    let reporter = Reporter::worker(audience, request_id);
    let asked = UsageCall::Report { tenant: tenant.0, reporter, report };
    let answer = match UsageClient::of(env, tenant) {
        Ok(usage) => usage.ask(&asked).await,
        Err(error) => Err(error),
    };
    match answer {
        Ok(UsageReply::Counted(_)) => OWN.with_borrow_mut(|own| own.taken(of, &id)),
        Err(ApiError::Invalid { .. }) => {
            console_warn!("what was decided here is not counted: its report is refused");
            OWN.with_borrow_mut(|own| own.refused(of, &id));
        }
        other => {
            console_warn!("what was decided here is not counted yet: {:?}", other.err());
            return false;
        }
    }
    true
}

/// How long decisions are counted before they are told.
const AFTER: Duration = Duration::from_secs(10);
/// After how many milliseconds no further report is begun: whoever waits longest is first the next time.
const PASS_MS: u64 = 8_000;
/// When what was not told is told again.
const AGAIN_AFTER: Duration = Duration::from_secs(5);
/// After how many milliseconds a request that was to tell has ended without.
const GIVEN_UP_MS: u64 = 20_000;
