//! Which tenants there are: the directory, and what each tenant's own book tells it.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod numbers;
mod reports;
mod rounds;

use std::panic::{AssertUnwindSafe, catch_unwind};

use wardkey::UnixMillis;
use wardkey_provision::RootKeys;
use wardkey_registry::{
    Call, DestroyRequest, Directory, DirectoryCall, DirectoryPage, DirectoryReply, DirectoryTotals,
    Fault, FaultyStore, Registry, RegistryError, Reply, RotateRequest, Store, TenantReport,
    TenantState,
};
use wardkey_testkit::{
    Book, SqliteStore, api_policy, authority, bootstrap_call, fixed_root, key_request, seeded_rng,
};

const NOW: UnixMillis = UnixMillis(1_800_000_000_000);

const HOUR_MS: u64 = 3_600_000;

fn asked(store: &dyn Store, call: DirectoryCall) -> Result<DirectoryReply, RegistryError> {
    asked_at(store, call, NOW)
}

fn asked_at(
    store: &dyn Store,
    call: DirectoryCall,
    at: UnixMillis,
) -> Result<DirectoryReply, RegistryError> {
    Directory::new(store).answer(&call, at)
}

/// As cron tells it once the books of these numbers have said that nobody made them.
fn not_made(store: &dyn Store, tenants: &[u16], after_ms: u64) {
    let call = DirectoryCall::NotMade { tenants: tenants.to_vec() };
    asked_at(store, call, NOW.plus(after_ms)).unwrap();
}

fn listed(store: &dyn Store) -> Vec<u16> {
    next_page(store, 100).tenants
}

fn allot(store: &dyn Store, tenant: u16) -> Result<(), RegistryError> {
    asked(store, DirectoryCall::Allot { tenant }).map(drop)
}

fn tell(store: &dyn Store, reports: &[TenantReport]) {
    asked(store, DirectoryCall::Report { reports: reports.to_vec() }).unwrap();
}

fn next_page(store: &dyn Store, limit: u32) -> DirectoryPage {
    match asked(store, DirectoryCall::NextPage { limit }).unwrap() {
        DirectoryReply::Page(page) => page,
        other => panic!("{other:?}"),
    }
}

fn totals(store: &dyn Store) -> DirectoryTotals {
    match asked(store, DirectoryCall::Totals).unwrap() {
        DirectoryReply::Totals(totals) => totals,
        other => panic!("{other:?}"),
    }
}

fn live(tenant: u16, wrapped_by: u32, at_ms: u64, revision: u64) -> TenantReport {
    let wrapped_by = Some(wrapped_by);
    TenantReport { tenant, state: TenantState::Live, wrapped_by, at_ms, revision }
}

fn destroyed(tenant: u16, at_ms: u64, revision: u64) -> TenantReport {
    let state = TenantState::Destroyed;
    TenantReport { tenant, state, wrapped_by: None, at_ms, revision }
}

fn swept(book: &Book) -> TenantReport {
    match book.ask(Call::Sweep).unwrap() {
        Reply::Swept(swept) => swept.report,
        other => panic!("{other:?}"),
    }
}

fn destroy(book: &Book, admin: &str) {
    let request = DestroyRequest { confirm: 1, reason: None };
    book.ask(Call::DestroyTenant { authority: authority(admin, None), request }).unwrap();
}
