//! What the registry is told of what verifiers saw, and what it makes of it.

use wardkey::UnixMillis;
use wardkey_provision::AdminScope;
use wardkey_registry::{
    AuditEntry, Call, DestroyRequest, RegistryError, Reply, Reporter, RevokeRequest, RotateRequest,
    Sighting, SightingVerdict, Store as _, UsageEntry, UsedKey,
};
use wardkey_testkit::{
    Acts, Tenant, admin_request, base_of, key_request, key_set_policy, rule, text_of,
};

use crate::{DAY_MS, KEY, Kept, NOW, entry, entry_at, report, report_at};

fn noted(tenant: &Tenant, sightings: &[Sighting]) -> Vec<SightingVerdict> {
    let call = Call::NoteSightings { sightings: sightings.to_vec() };
    match tenant.book.ask(call).unwrap() {
        Reply::SightingsNoted(verdicts) => verdicts,
        other => panic!("{other:?}"),
    }
}

/// Tells the registry all that is due, as the object's alarm does.
fn tell(kept: &Kept, tenant: &Tenant, mut now: UnixMillis) -> Vec<(Sighting, SightingVerdict)> {
    let mut all = Vec::new();
    while let Some((_, sightings)) = kept.usage().due_sightings(now).unwrap() {
        let verdicts = noted(tenant, &sightings);
        kept.usage().sightings_told(&sightings, &verdicts, now).unwrap();
        all.extend(sightings.into_iter().zip(verdicts));
        now = now.plus(1_000);
    }
    all
}

fn sighting(key: &str, denied_as: Option<&str>) -> Sighting {
    let base = base_of(key);
    Sighting {
        audience: 1,
        key_id: base.key_id.to_string(),
        status_index: base.status_index.0,
        day: u32::try_from(NOW.0 / DAY_MS).unwrap(),
        denied_as: denied_as.map(Into::into),
        denied_at: None,
        verifier: "gateway-1".into(),
        reporter: None,
        request_id: "req_report".into(),
    }
}

fn id_of(key: &str) -> String {
    base_of(key).key_id.to_string()
}

fn logged(tenant: &Tenant, action: &str) -> Vec<AuditEntry> {
    let call = Call::ReadAudit { authority: tenant.authority(), after: 0, limit: 200 };
    let Reply::Audit(page) = tenant.book.ask(call).unwrap() else { panic!("another reply") };
    page.entries.into_iter().filter(|entry| entry.action == action).collect()
}

#[test]
fn each_generation_is_told_once_and_again_when_it_is_shown_dead() {
    let (kept, tenant) = (Kept::new(), Tenant::new());
    let key = tenant.key(key_request(&["reports:read"]));
    let index = base_of(&key).status_index.0;
    let said = |outcome: &str| vec![entry(&id_of(&key), index, outcome, 1)];
    kept.send(1, report(1, said("allow"))).unwrap();
    let told = tell(&kept, &tenant, NOW);
    assert_eq!(told.len(), 1);
    assert_eq!((told[0].0.denied_as.as_deref(), told[0].1), (None, SightingVerdict::Alive));
    // Nothing of it is news, nor that it was refused while it lived.
    kept.send(1, report(2, said("allow"))).unwrap();
    kept.send(1, report(3, said("scope_missing"))).unwrap();
    assert_eq!(tell(&kept, &tenant, NOW.plus(2_000)), []);
    tenant.revoke(&id_of(&key), RevokeRequest::default()).unwrap();
    for id in 4..6 {
        kept.send(1, report(id, said("inactive"))).unwrap();
    }
    let told = tell(&kept, &tenant, NOW.plus(4_000));
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].0.denied_as.as_deref(), Some("inactive"));
    let late = logged(&tenant, "key.late_use");
    assert_eq!(late.len(), 1);
    assert_eq!(late[0].target, Some(id_of(&key)));
    assert_eq!(
        late[0].reason.as_deref(),
        Some("revoked: denied as inactive by gateway-1 (key_0000000000000001)")
    );
    assert_eq!((late[0].outcome.as_str(), late[0].audience), ("refused", 1));
    assert_eq!((late[0].request_id.as_str(), &late[0].actor), ("req_test", &None));
    // The next day it is news again.
    let next = NOW.plus(DAY_MS);
    tenant.book.pass(DAY_MS / 4);
    let entries = vec![entry_at(next, entry(&id_of(&key), index, "revoked", 1))];
    kept.send_at(1, report_at(9, next, entries), next).unwrap();
    assert_eq!(tell(&kept, &tenant, next).len(), 1);
    assert_eq!(logged(&tenant, "key.late_use").len(), 2);
}

/// What a holder narrowed to an earlier expiry is denied as expired while its key lives.
#[test]
fn an_expired_narrowing_does_not_hide_that_its_key_is_shown_dead_later_that_day() {
    let (kept, tenant) = (Kept::new(), Tenant::new());
    let key = tenant.key(key_request(&["reports:read"]));
    let index = base_of(&key).status_index.0;
    let mut now = NOW;
    let mut words = Vec::new();
    for (id, outcome) in
        (0..).zip(["expired", "expired", "inactive", "expired", "revoked", "inactive"])
    {
        if id == 2 {
            assert!(logged(&tenant, "key.late_use").is_empty());
            tenant.revoke(&id_of(&key), RevokeRequest::default()).unwrap();
        }
        kept.send(1, report(id, vec![entry(&id_of(&key), index, outcome, 1)])).unwrap();
        words
            .extend(tell(&kept, &tenant, now).into_iter().map(|(told, _)| told.denied_as.unwrap()));
        now = now.plus(5_000);
    }
    assert_eq!(words, ["expired", "inactive"]);
    assert_eq!(logged(&tenant, "key.late_use").len(), 1);
}

/// Nor is it a late use that a narrowing had expired before its key was revoked, however late that is told.
#[test]
fn what_expired_before_its_key_was_dead_is_no_late_use_of_it() {
    let (kept, tenant) = (Kept::new(), Tenant::new());
    let (early, late) =
        (tenant.key(key_request(&["reports:read"])), tenant.key(key_request(&["reports:read"])));
    for key in [&early, &late] {
        tenant.revoke(&id_of(key), RevokeRequest::default()).unwrap();
    }
    let dead_at = u32::try_from(
        tenant.number("SELECT min(ended_at) / 1000 FROM generation WHERE ended_at IS NOT NULL"),
    )
    .unwrap();
    let at = |key: &str, second: u32| {
        let said = entry(&id_of(key), base_of(key).status_index.0, "expired", 1);
        UsageEntry { first: second, last: second, ..said }
    };
    let now = UnixMillis(u64::from(dead_at + 5) * 1_000);
    let entries = vec![at(&early, dead_at - 1), at(&late, dead_at + 1)];
    kept.send_at(1, report_at(1, now, entries), now).unwrap();
    assert_eq!(tell(&kept, &tenant, now).len(), 2);
    let logged_of = |key: &str| {
        logged(&tenant, "key.late_use")
            .iter()
            .filter(|entry| entry.target == Some(id_of(key)))
            .count()
    };
    assert_eq!((logged_of(&early), logged_of(&late)), (0, 1));
    // That it is shown later all the same is one.
    let said = entry_at(now, entry(&id_of(&early), base_of(&early).status_index.0, "inactive", 1));
    kept.send_at(1, report_at(2, now, vec![said]), now).unwrap();
    tell(&kept, &tenant, now.plus(5_000));
    assert_eq!(logged_of(&early), 1);
}

/// A key that was suspended and lives again when the registry is told of it may be revoked the same day.
#[test]
fn a_suspension_that_has_ended_does_not_hide_that_its_key_is_shown_dead_later_that_day() {
    let (kept, tenant) = (Kept::new(), Tenant::new());
    let key = tenant.key(key_request(&["reports:read"]));
    let said = || vec![entry(&id_of(&key), base_of(&key).status_index.0, "inactive", 1)];
    kept.send(1, report(1, said())).unwrap();
    assert_eq!(tell(&kept, &tenant, NOW)[0].1, SightingVerdict::Alive);
    assert!(logged(&tenant, "key.late_use").is_empty());
    tenant.revoke(&id_of(&key), RevokeRequest::default()).unwrap();
    kept.send(1, report(2, said())).unwrap();
    assert_eq!(tell(&kept, &tenant, NOW.plus(5_000)).len(), 1);
    assert_eq!(logged(&tenant, "key.late_use").len(), 1);
}

/// A destroyed tenant's usage is gone within a day, of whatever nothing more was to be told.
#[test]
fn whoever_sweeps_asks_first_whether_the_tenant_is_still_there() {
    let (kept, tenant) = (Kept::new(), Tenant::new());
    assert_eq!(kept.usage().due_sweep(NOW.plus(2 * DAY_MS)).unwrap(), None);
    kept.send(1, report(1, vec![])).unwrap();
    assert_eq!(kept.usage().due_sweep(NOW).unwrap(), None);
    let due = kept.usage().next_due(NOW).unwrap().unwrap();
    assert!(due.since(NOW) <= DAY_MS);
    assert_eq!(kept.usage().due_sweep(due).unwrap(), Some(wardkey::TenantId(1)));
    assert_eq!(noted(&tenant, &[]), []);
    let request = DestroyRequest { confirm: 1, reason: None };
    tenant.book.ask(Call::DestroyTenant { authority: tenant.authority(), request }).unwrap();
    let gone = tenant.book.ask(Call::NoteSightings { sightings: Vec::new() });
    assert!(matches!(gone, Err(RegistryError::TenantGone)), "{gone:?}");
}

#[test]
fn a_key_that_was_never_issued_is_an_alarm_once_a_day() {
    let (kept, tenant) = (Kept::new(), Tenant::new());
    let key = tenant.key(key_request(&["reports:read"]));
    let mut request = key_request(&["reports:read"]);
    request.audience = "jobs".into();
    let of_jobs = tenant.key(request);
    let unknown = base_of(&key).status_index.0 + 4_000;
    let other = tenant.key(key_request(&["reports:read"]));
    // No such index; that of another key than there is, or than it is; and a key of an audience that is not the verifier's.
    let shown = [
        (id_of(&key), unknown),
        (KEY.to_owned(), base_of(&key).status_index.0),
        (id_of(&other), base_of(&key).status_index.0),
        (id_of(&of_jobs), base_of(&of_jobs).status_index.0),
    ];
    let entries =
        || shown.iter().map(|(key_id, index)| entry(key_id, *index, "allow", 1)).collect();
    for id in 0..3 {
        kept.send(1, report(id, entries())).unwrap();
        tell(&kept, &tenant, NOW.plus(u64::from(id) * 10_000));
    }
    let alarms = logged(&tenant, "key.never_issued");
    assert_eq!(alarms.len(), shown.len());
    for (alarm, (key_id, _)) in alarms.iter().zip(&shown) {
        assert_eq!((&alarm.target, alarm.audience), (&Some(key_id.clone()), 1));
        assert_eq!(alarm.reason.as_deref(), Some("reported by gateway-1 (key_0000000000000001)"));
        assert_eq!(alarm.outcome, "alarm");
    }
    // What was shown is none of ours: nobody has been seen with those.
    let seen = format!(
        "SELECT count(*) FROM generation WHERE seen_at IS NOT NULL AND key_id IN ('{}', '{}')",
        id_of(&key),
        id_of(&of_jobs)
    );
    assert_eq!(tenant.number(&seen), 0);
    let next = NOW.plus(DAY_MS);
    let again = shown.iter().map(|(id, index)| entry_at(next, entry(id, *index, "allow", 1)));
    kept.send_at(1, report_at(7, next, again.collect()), next).unwrap();
    tell(&kept, &tenant, next);
    assert_eq!(logged(&tenant, "key.never_issued").len(), 2 * shown.len());
}

#[test]
fn an_answer_that_was_lost_leaves_no_second_entry() {
    let tenant = Tenant::new();
    let key = tenant.key(key_request(&["reports:read"]));
    tenant.revoke(&id_of(&key), RevokeRequest::default()).unwrap();
    for _ in 0..3 {
        assert_eq!(noted(&tenant, &[sighting(&key, Some("inactive"))]), [SightingVerdict::Dead]);
    }
    assert_eq!(logged(&tenant, "key.late_use").len(), 1);
    // That a dead key was allowed within the bound is no late use.
    assert_eq!(noted(&tenant, &[sighting(&key, None)]), [SightingVerdict::Dead]);
    assert_eq!(logged(&tenant, "key.late_use").len(), 1);
}

#[test]
fn however_many_are_shown_a_day_has_a_hundred_entries_and_one_that_says_so() {
    let tenant = Tenant::new();
    let key = tenant.key(key_request(&["reports:read"]));
    let many =
        (0..150).map(|n| Sighting { key_id: format!("key_{n:016x}"), ..sighting(&key, None) });
    noted(&tenant, &many.collect::<Vec<_>>());
    assert_eq!(logged(&tenant, "key.never_issued").len(), 100);
    let withheld = logged(&tenant, "usage.withheld");
    assert_eq!((withheld.len(), &withheld[0].target), (1, &None));
    // Neither another day nor another audience is withheld for it.
    let other = Sighting { key_id: KEY.into(), day: 20_834, ..sighting(&key, None) };
    noted(&tenant, &[other.clone(), Sighting { audience: 2, ..other }]);
    assert_eq!(tenant.number("SELECT count(*) FROM audit WHERE action = 'key.never_issued'"), 102);
}

/// A book that a Worker of before made has the table with the first call of this one.
#[test]
fn a_book_of_before_takes_sightings() {
    let tenant = Tenant::new();
    let key = tenant.key(key_request(&["reports:read"]));
    for statement in ["DROP TABLE sighting_entry", "UPDATE tenant SET schema_version = 8"] {
        tenant.book.store.execute(statement, &[]).unwrap();
    }
    tenant.revoke(&id_of(&key), RevokeRequest::default()).unwrap();
    assert_eq!(noted(&tenant, &[sighting(&key, Some("revoked"))]), [SightingVerdict::Dead]);
    assert_eq!(logged(&tenant, "key.late_use").len(), 1);
}

#[test]
fn a_key_that_a_verifier_has_seen_is_not_given_again() {
    let tenant = Tenant::new();
    let request = || key_request(&["reports:read"]);
    for (name, is_seen) in [("kept", false), ("seen", true), ("suspended", true)] {
        let made = tenant.once(name).create(request()).unwrap();
        let key = text_of(&made);
        if name == "suspended" {
            tenant.suspend(&id_of(&key), true).unwrap();
        }
        if is_seen {
            noted(&tenant, &[sighting(&key, None)]);
        }
        if name == "suspended" {
            tenant.suspend(&id_of(&key), false).unwrap();
        }
        let again = tenant.once(name).create(request()).unwrap();
        assert_eq!((again.repeated, again.key.is_some()), (true, !is_seen), "{name}");
    }
    // As with every first use the overlap begins, and no earlier generation is cut short by a second report.
    let first = tenant.key(request());
    let next = text_of(&tenant.rotate(&id_of(&first), RotateRequest::default()).unwrap());
    let deadline = "SELECT coalesce(max(retire_at), 0) FROM generation";
    assert_eq!(tenant.number(deadline), 0);
    noted(&tenant, &[sighting(&next, None)]);
    let until = tenant.number(deadline);
    assert!(until > NOW.0);
    tenant.book.pass(60_000);
    noted(&tenant, &[sighting(&next, None)]);
    assert_eq!(tenant.number(deadline), until);
}

#[test]
fn what_the_registry_cannot_be_told_stays_due_and_waits_longer_each_time() {
    let (kept, tenant) = (Kept::new(), Tenant::new());
    assert_eq!(kept.usage().next_due(NOW).unwrap(), None);
    kept.send(1, report(1, vec![entry(KEY, 8, "allow", 1)])).unwrap();
    let mut now = NOW;
    let mut waits = Vec::new();
    for _ in 0..12 {
        assert!(kept.usage().due_sightings(now).unwrap().is_some());
        kept.usage().telling_failed(now).unwrap();
        let next = kept.usage().next_due(now).unwrap().unwrap();
        assert!(kept.usage().due_sightings(UnixMillis(next.0 - 1)).unwrap().is_none());
        waits.push(next.since(now));
        now = next;
    }
    assert!(waits.is_sorted() && waits[0] <= 2_000 && waits[11] == 300_000, "{waits:?}");
    assert_eq!(tell(&kept, &tenant, now).len(), 1);
    // What becomes news while the registry is being told stays due.
    kept.send(1, report(2, vec![entry(KEY, 9, "allow", 1)])).unwrap();
    now = now.plus(5_000);
    let (_, sightings) = kept.usage().due_sightings(now).unwrap().unwrap();
    kept.send(1, report(3, vec![entry(KEY, 9, "expired", 1)])).unwrap();
    kept.usage().sightings_told(&sightings, &noted(&tenant, &sightings), now).unwrap();
    let told = tell(&kept, &tenant, now.plus(5_000));
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].0.denied_as.as_deref(), Some("expired"));
    kept.usage().forget().unwrap();
    assert_eq!(
        (kept.usage().next_due(now).unwrap(), kept.store.dump().unwrap()),
        (None, String::new())
    );
}

#[test]
fn whoever_may_take_one_key_set_may_report_for_that_audience() {
    let tenant = Tenant::with(key_set_policy().unwrap());
    let report_as = |credential: &str, audience: Option<&str>| -> Result<Reporter, RegistryError> {
        let authority = tenant.by(credential).authority();
        let call = Call::AdmitReporter { authority, audience: audience.map(Into::into) };
        match tenant.book.ask(call)? {
            Reply::Reporter(reporter) => Ok(reporter),
            other => panic!("{other:?}"),
        }
    };
    let scope = AdminScope::VerifierKeySet.as_str();
    let jobs = tenant.key(admin_request("svc:gateway", &[scope], &["jobs"]));
    let verify = tenant.key(admin_request("svc:gateway", &["verifier:verify"], &["jobs"]));
    for audience in [None, Some("jobs")] {
        let reporter = report_as(&jobs, audience).unwrap();
        assert_eq!((reporter.audience, reporter.key_id), (2, id_of(&jobs)));
    }
    for audience in ["api", "wardkey", "nowhere"] {
        assert_eq!(rule(report_as(&jobs, Some(audience))), "key_set_audience", "{audience}");
    }
    assert_eq!(rule(report_as(&tenant.admin, None)), "key_set_audience");
    assert!(matches!(report_as(&verify, None), Err(RegistryError::MissingScope { .. })));
    assert!(matches!(
        report_as(&tenant.key(key_request(&["reports:read"])), None),
        Err(RegistryError::Denied { .. })
    ));
    tenant.revoke(&id_of(&jobs), RevokeRequest::default()).unwrap();
    assert!(matches!(report_as(&jobs, None), Err(RegistryError::Denied { .. })));
}

#[test]
fn only_who_may_read_a_key_is_told_what_to_ask_about_it() {
    let tenant = Tenant::new();
    let key = tenant.key(key_request(&["reports:read", "status:read"]));
    let next = text_of(&tenant.rotate(&id_of(&key), RotateRequest::default()).unwrap());
    let used = |credential: &str, key_id: &str| -> Result<UsedKey, RegistryError> {
        let authority = tenant.by(credential).authority();
        match tenant.book.ask(Call::ReadUsedKey { authority, key_id: key_id.into() })? {
            Reply::UsedKey(key) => Ok(key),
            other => panic!("{other:?}"),
        }
    };
    let found = used(&tenant.admin, &id_of(&key)).unwrap();
    assert_eq!((found.audience, found.audience_name.as_str()), (1, "api"));
    assert_eq!(found.scopes, ["reports:read", "status:read"]);
    let index = |key: &str| base_of(key).status_index.0;
    assert_eq!(found.generations, [(1, index(&key)), (2, index(&next))]);
    let reader = tenant.key(admin_request("ops:reader", &["keys:read"], &["jobs"]));
    let stranger = tenant.key(admin_request("ops:stranger", &["keys:update"], &["api"]));
    assert_eq!(used(&reader, &id_of(&key)).unwrap_err(), RegistryError::NotFound);
    assert_eq!(used(&tenant.admin, KEY).unwrap_err(), RegistryError::NotFound);
    assert!(matches!(used(&stranger, &id_of(&key)), Err(RegistryError::MissingScope { .. })));
}
