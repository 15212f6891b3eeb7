//! What protects a tenant's secret and what uses it: key sets that are taken, the root's rotation, and the end.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};

use wardkey::{KeySet, Narrowing, Reason, TenantId, UnixMillis, UnixSeconds, UnverifiedKey};
use wardkey_provision::{KeyRequest, RootKeys, TenantSecret, key_text};
use wardkey_registry::{
    AuditEntry, BootstrapRequest, Call, DestroyRequest, Destroyed, Fault, FaultyStore, Registry,
    RegistryError, Reply, RevokeSelfRequest, RootWrap, RotateSigningKeysRequest, Store,
    StrictVerdict, Value, VerifierMaterial, WireBytes,
};
use wardkey_testkit::{
    Book, SqliteStore, api_policy, authority, bootstrap_call, fixed_root, key_request,
    key_set_policy, seeded_rng,
};

const HOUR_MS: u64 = 3_600_000;

fn a_book() -> (Book, String) {
    let book = Book::in_memory(7).unwrap();
    let admin = book.bootstrap_with(key_set_policy().unwrap()).unwrap();
    (book, admin)
}

fn create(book: &Book, credential: &str, request: KeyRequest) -> String {
    let call = Call::CreateKey { authority: authority(credential, None), request };
    book.ask_created(call).unwrap().key.unwrap().secret_str().to_owned()
}

fn admin_request(scopes: &[&str], for_audiences: &[&str]) -> KeyRequest {
    KeyRequest {
        subject: "svc:part".into(),
        audience: "wardkey".into(),
        for_audiences: for_audiences.iter().map(|name| (*name).into()).collect(),
        ..key_request(scopes)
    }
}

fn take(
    book: &Book,
    credential: &str,
    audience: Option<&str>,
    has: &[(u8, u32)],
) -> Result<VerifierMaterial, RegistryError> {
    let (authority, audience) = (authority(credential, None), audience.map(Into::into));
    match book.ask(Call::ReadKeySet { authority, audience, has: has.to_vec() })? {
        Reply::Verifier(material) => Ok(material),
        other => panic!("{other:?}"),
    }
}

fn entries(book: &Book, credential: &str) -> Vec<AuditEntry> {
    let call = Call::ReadAudit { authority: authority(credential, None), after: 0, limit: 200 };
    match book.ask(call).unwrap() {
        Reply::Audit(page) => page.entries,
        other => panic!("{other:?}"),
    }
}

fn destroy(book: &Book, credential: &str, confirm: u16) -> Result<Destroyed, RegistryError> {
    let authority = authority(credential, None);
    match book.ask(Call::DestroyTenant {
        authority,
        request: DestroyRequest { confirm, reason: Some("moved away".into()) },
    })? {
        Reply::Destroyed(destroyed) => Ok(destroyed),
        other => panic!("{other:?}"),
    }
}

fn wrapped(store: &dyn Store) -> Vec<u8> {
    match store.query("SELECT wrapped_secret FROM tenant", &[]).unwrap()[0].0[0].clone() {
        Value::Blob(bytes) => bytes,
        other => panic!("{other:?}"),
    }
}

fn base_of(key: &str) -> WireBytes {
    let parsed = UnverifiedKey::parse(key).unwrap();
    let mut base = [0; wardkey::MAX_BASE_LEN];
    let len = parsed.unproven_base().encode(&mut base).unwrap();
    WireBytes::new(&base[..len])
}

/// Every call that issue 4's second half adds, under a credential.
fn new_calls(credential: &str) -> Vec<Call> {
    let authority = || authority(credential, None);
    let rotation = |compromised| RotateSigningKeysRequest {
        compromised,
        mint_from_in_s: None,
        reason: None,
        force: true,
    };
    vec![
        Call::ReadKeySet { authority: authority(), audience: Some("api".into()), has: vec![] },
        Call::RotateSigningKeys {
            authority: authority(),
            audience: "api".into(),
            request: rotation(false),
        },
        Call::RotateSigningKeys {
            authority: authority(),
            audience: "wardkey".into(),
            request: rotation(true),
        },
        Call::ReadRoot { authority: authority() },
        Call::RewrapRoot { authority: authority() },
        Call::DestroyTenant {
            authority: authority(),
            request: DestroyRequest { confirm: 1, reason: None },
        },
    ]
}

#[test]
fn a_key_set_is_given_for_exactly_one_audience_and_its_taking_is_in_the_log() {
    let (book, admin) = a_book();
    let of = |names: &[&str]| create(&book, &admin, admin_request(&["verifier:key-set"], names));
    let (api, jobs) = (of(&["api"]), of(&["jobs"]));
    let none = create(&book, &admin, admin_request(&["verifier:verify"], &["api"]));
    for (credential, name, number) in [(&api, "api", 1), (&jobs, "jobs", 2)] {
        let left_out = take(&book, credential, None, &[]).unwrap();
        let named = take(&book, credential, Some(name), &[]).unwrap();
        assert_eq!((left_out.audience, left_out.key_set_version), (number, 1));
        let bytes = named.key_set.unwrap();
        assert_eq!(bytes.as_bytes(), left_out.key_set.unwrap().as_bytes(), "one edition, one text");
        let (key_set, _) = KeySet::parse(bytes.as_bytes()).unwrap();
        assert_eq!((key_set.tenant(), key_set.audience().0), (TenantId(1), number));
        assert_eq!(key_set.version(), 1);
    }
    // An audience that is not there and another's are one; several are too many, the bootstrap's included.
    let rule = |outcome: Result<VerifierMaterial, RegistryError>| match outcome {
        Err(RegistryError::Forbidden { rule, detail }) => (rule, detail),
        other => panic!("{other:?}"),
    };
    let other = rule(take(&book, &api, Some("jobs"), &[]));
    assert_eq!(other.0, "key_set_audience");
    for name in ["nothing", "wardkey", ""] {
        assert_eq!(rule(take(&book, &api, Some(name), &[])), other, "{name}");
    }
    for name in [None, Some("api")] {
        assert_eq!(rule(take(&book, &admin, name, &[])).0, "key_set_audience");
    }
    let lacking = take(&book, &none, Some("api"), &[]).unwrap_err();
    assert!(
        matches!(lacking, RegistryError::MissingScope { scope } if scope == "verifier:key-set")
    );
    // What the verifier has already is not given, and so not taken; another edition or audience is.
    assert!(take(&book, &api, None, &[(2, 1), (1, 1)]).unwrap().key_set.is_none());
    assert!(take(&book, &api, None, &[(2, 1), (1, 2)]).unwrap().key_set.is_some());
    let log = entries(&book, &admin);
    let taken: Vec<_> = log.iter().filter(|entry| entry.action == "key_set.read").collect();
    let done = taken.iter().filter(|entry| entry.outcome == "done");
    let done: Vec<_> = done.map(|entry| (entry.audience, entry.target.as_deref())).collect();
    let edition = Some("key set 1");
    assert_eq!(done, [(1, edition), (1, edition), (2, edition), (2, edition), (1, edition)]);
    assert!(taken.iter().all(|entry| entry.actor.as_ref().unwrap().subject.contains(':')));
    assert_eq!(taken.iter().filter(|entry| entry.outcome == "refused").count(), 7);
}

#[test]
fn no_byte_of_a_key_set_is_written_anywhere() {
    let (book, admin) = a_book();
    let verifier = create(&book, &admin, admin_request(&["verifier:key-set"], &["api"]));
    let bytes = take(&book, &verifier, None, &[]).unwrap().key_set.unwrap();
    book.ask(Call::Head).unwrap();
    let dump = book.store.dump().unwrap();
    // List key and signing key, as the dump shows bytes.
    for secret in [&bytes.as_bytes()[28..60], &bytes.as_bytes()[62..94]] {
        let shown = format!("{secret:?}");
        assert!(!dump.contains(shown.trim_matches(['[', ']'])), "a secret of the key set");
    }
    // The control: the dump shows bytes in that way.
    let shown = format!("{:?}", wrapped(&book.store));
    assert!(dump.contains(shown.trim_matches(['[', ']'])));
}

#[test]
fn a_narrowed_key_acts_on_none_of_the_new_paths() {
    let (book, admin) = a_book();
    let narrowing = Narrowing {
        expires_at: Some(UnixSeconds(book.now().second().unwrap().0 + 3600)),
        ..Narrowing::default()
    };
    let narrowed = wardkey::narrow(&admin, &narrowing).unwrap();
    let count = new_calls("").len();
    for call in new_calls(narrowed.secret_str()) {
        let before = book.store.query("SELECT * FROM tenant", &[]).unwrap();
        let named = format!("{call:?}");
        assert_eq!(book.ask(call).unwrap_err(), RegistryError::NarrowedKey, "{named}");
        assert_eq!(book.store.query("SELECT * FROM tenant", &[]).unwrap(), before, "{named}");
    }
    let log = entries(&book, &admin);
    let refused = log.iter().filter(|entry| entry.reason.as_deref() == Some("narrowed_key"));
    assert_eq!(refused.count(), count);
}

#[test]
fn a_key_that_was_never_issued_is_alarmed_at_every_path_that_finds_its_tag_right() {
    let (book, admin) = a_book();
    let key = create(&book, &admin, key_request(&["reports:read"]));
    let secret: TenantSecret =
        fixed_root().unwrap().unwrap(TenantId(1), &wrapped(&book.store)).unwrap();
    let forge = |key: &str, admin: bool| {
        let policy = api_policy().unwrap();
        let prefix = if admin { policy.admin_prefix() } else { policy.key_prefix() };
        let mut base = *UnverifiedKey::parse(key).unwrap().unproven_base();
        base.status_index.0 += 1000;
        key_text(&secret, &prefix.unwrap(), &base).unwrap().secret_str().to_owned()
    };
    let (forged_admin, forged) = (forge(&admin, true), forge(&key, false));
    let mut calls = new_calls(&forged_admin);
    let judged = |credential: &str, possession| Call::Admit {
        authority: authority(credential, None),
        possession,
    };
    calls.extend([
        Call::CreateKey {
            authority: authority(&forged_admin, None),
            request: key_request(&["reports:read"]),
        },
        Call::AdmitVerifier {
            authority: authority(&forged_admin, None),
            audience: None,
            has: vec![],
        },
        judged(&forged_admin, false),
        judged(&forged_admin, true),
        judged(&forged, true),
        Call::RevokeSelf {
            authority: authority(&forged, None),
            request: RevokeSelfRequest::default(),
        },
    ]);
    let count = calls.len();
    for call in calls {
        let named = format!("{call:?}");
        let refused = book.ask(call).unwrap_err();
        assert_eq!(refused.reason(), Some(Reason::NeverIssued), "{named}");
    }
    let call = Call::Check { base: base_of(&forged), request_id: "req_check".into() };
    match book.ask(call).unwrap() {
        Reply::Checked(StrictVerdict::Dead { reason }) => assert_eq!(reason, "never_issued"),
        other => panic!("{other:?}"),
    }
    let log = entries(&book, &admin);
    let alarms: Vec<_> = log.iter().filter(|entry| entry.outcome == "alarm").collect();
    assert_eq!(alarms.len(), count + 1);
    assert_eq!(alarms.iter().filter(|entry| entry.audience == 1).count(), 3);
    assert!(
        alarms.iter().all(|alarm| alarm.action == "key.never_issued" && alarm.target.is_some())
    );
}

/// A registry over one store under changing roots, as deployments bring them.
struct Deployment {
    store: SqliteStore,
    now: UnixMillis,
}

impl Deployment {
    fn ask(&self, root: &RootKeys, call: Call) -> Result<Reply, RegistryError> {
        // Randomness of its own each time would repeat key ids.
        let rows = self.store.query("SELECT count(*) FROM sqlite_master", &[]).unwrap();
        let made = match rows[0].0[0] {
            Value::Integer(0) => 0,
            _ => match self.store.query("SELECT count(*) FROM key", &[]).unwrap()[0].0[0] {
                Value::Integer(made) => made + 1,
                _ => 0,
            },
        };
        let mut rng = seeded_rng(1_000 + u64::try_from(made).unwrap());
        Registry::new(&self.store, root).answer(call, self.now, &mut rng)
    }

    fn wrap(&self, root: &RootKeys, admin: &str, write: bool) -> RootWrap {
        let authority = authority(admin, None);
        let call =
            if write { Call::RewrapRoot { authority } } else { Call::ReadRoot { authority } };
        match self.ask(root, call).unwrap() {
            Reply::Root(wrap) => wrap,
            other => panic!("{other:?}"),
        }
    }
}

fn root(versions: &[(u32, char)]) -> RootKeys {
    let parts: Vec<String> = versions
        .iter()
        .map(|(version, letter)| format!("{version}:{}A", letter.to_string().repeat(42)))
        .collect();
    RootKeys::parse(&parts.join(",")).unwrap()
}

#[test]
fn the_root_rotates_while_keys_are_made_and_judged_and_none_of_them_notices() {
    let deployment =
        Deployment { store: SqliteStore::in_memory().unwrap(), now: UnixMillis(1_800_000_000_000) };
    let (old, both, new) =
        (root(&[(1, 'A')]), root(&[(1, 'A'), (2, 'B')]), root(&[(2, 'B'), (3, 'C')]));
    let made = deployment.ask(&old, bootstrap_call(1, [1; 32], Some(api_policy().unwrap()), None));
    let Reply::Created(made) = made.unwrap() else { panic!() };
    let admin = made.key.unwrap().secret_str().to_owned();
    let make = |root: &RootKeys| {
        let call = Call::CreateKey {
            authority: authority(&admin, None),
            request: key_request(&["reports:read"]),
        };
        let Reply::Created(created) = deployment.ask(root, call).unwrap() else { panic!() };
        created.key.unwrap().secret_str().to_owned()
    };
    let alive = |root: &RootKeys, key: &str| {
        let call = Call::Check { base: base_of(key), request_id: "req_check".into() };
        matches!(deployment.ask(root, call), Ok(Reply::Checked(StrictVerdict::Alive { .. })))
    };
    let mut keys = vec![make(&old), make(&both)];
    let state = |wrapped_by, newest, done| RootWrap { tenant: 1, wrapped_by, newest, done };
    assert_eq!(deployment.wrap(&old, &admin, false), state(1, 1, true));
    assert_eq!(deployment.wrap(&both, &admin, false), state(1, 2, false));
    let text_of_old = wrapped(&deployment.store);
    assert_eq!(deployment.wrap(&both, &admin, true), state(2, 2, true));
    let text_of_new = wrapped(&deployment.store);
    assert_ne!(text_of_old, text_of_new);
    keys.push(make(&both));
    // Again: nothing changes, and the log says so.
    assert_eq!(deployment.wrap(&both, &admin, true), state(2, 2, true));
    assert_eq!(wrapped(&deployment.store), text_of_new);
    // The old version is retired: all goes on, and the next rotation begins.
    keys.push(make(&new));
    assert!(keys.iter().all(|key| alive(&new, key)));
    assert_eq!(deployment.wrap(&new, &admin, false), state(2, 3, false));
    // A version that is retired too early is named, for the operator alone.
    for too_early in [&old, &root(&[(3, 'C')])] {
        let call = Call::ReadRoot { authority: authority(&admin, None) };
        match deployment.ask(too_early, call).unwrap_err() {
            RegistryError::Internal { message } => assert_eq!(
                message,
                "root version 2 wrapped the tenant secret and is not in the deployment's root"
            ),
            other => panic!("{other:?}"),
        }
    }
    // Another secret under the same number opens nothing.
    let call = Call::ReadRoot { authority: authority(&admin, None) };
    assert!(matches!(
        deployment.ask(&root(&[(2, 'D')]), call),
        Err(RegistryError::Internal { .. })
    ));
    assert!(keys.iter().all(|key| alive(&new, key)), "nothing was lost by trying");
    let call = Call::ReadAudit { authority: authority(&admin, None), after: 0, limit: 200 };
    let Reply::Audit(page) = deployment.ask(&new, call).unwrap() else { panic!() };
    let told: Vec<_> = page
        .entries
        .iter()
        .filter(|entry| entry.action == "root.rewrap")
        .map(|entry| (entry.outcome.as_str(), entry.reason.as_deref().unwrap()))
        .collect();
    assert_eq!(told, [("done", "root version 1 to 2"), ("unchanged", "root version 2 to 2")]);
}

/// What is wrapped stays openable by what the deployment holds, whichever write fails; what the old root wrapped
/// remains nowhere.
#[test]
fn a_rewrapping_that_fails_leaves_the_old_wrap_and_one_that_succeeds_the_new_alone() {
    for fault in [Fault::Error, Fault::Panic] {
        for after in 1.. {
            let path = std::env::temp_dir()
                .join(format!("wardkey-rewrap-{}-{fault:?}-{after}.sqlite", std::process::id()));
            let _ = fs::remove_file(&path);
            let store = SqliteStore::open(&path).unwrap();
            let deployment = Deployment { store, now: UnixMillis(1_800_000_000_000) };
            let (old, both) = (root(&[(1, 'A')]), root(&[(1, 'A'), (2, 'B')]));
            let call = bootstrap_call(1, [1; 32], Some(api_policy().unwrap()), None);
            let Reply::Created(made) = deployment.ask(&old, call).unwrap() else { panic!() };
            let admin = made.key.unwrap().secret_str().to_owned();
            let before = wrapped(&deployment.store);
            let faulty = FaultyStore::new(&deployment.store, fault, after);
            let call = Call::RewrapRoot { authority: authority(&admin, None) };
            let outcome = catch_unwind(AssertUnwindSafe(|| {
                Registry::new(&faulty, &both).answer(call, deployment.now, &mut seeded_rng(3))
            }));
            let failed = faulty.has_failed();
            assert_eq!(matches!(outcome, Ok(Ok(_))), !failed);
            let file = fs::read(&path).unwrap();
            let old_remains = file.windows(24).any(|window| window == &before[4..28]);
            assert_eq!(wrapped(&deployment.store) == before, failed);
            assert_eq!(old_remains, failed);
            assert_eq!(
                deployment.wrap(&both, &admin, false).wrapped_by,
                if failed { 1 } else { 2 }
            );
            fs::remove_file(&path).unwrap();
            if !failed {
                assert!(after > 3, "{after}");
                break;
            }
        }
    }
}

#[test]
fn only_who_may_manage_the_tenant_rewraps_or_destroys_and_never_by_mistake() {
    let (book, admin) = a_book();
    let scopes = ["keys:create", "keys:read", "keys:revoke", "signing-keys:rotate", "policy:write"];
    let part = create(&book, &admin, admin_request(&scopes, &["wardkey", "api"]));
    let before = wrapped(&book.store);
    for call in new_calls(&part) {
        if matches!(call, Call::RotateSigningKeys { .. } | Call::ReadKeySet { .. }) {
            continue;
        }
        let refused = book.ask(call).unwrap_err();
        assert!(
            matches!(refused, RegistryError::MissingScope { scope } if scope == "tenant:manage")
        );
    }
    for wrong in [0, 2, 65_535] {
        match destroy(&book, &admin, wrong).unwrap_err() {
            RegistryError::Invalid { field, .. } => assert_eq!(field, "confirm"),
            other => panic!("{other:?}"),
        }
    }
    for text in ["{}", r#"{"confirm":"1"}"#, r#"{"confirm":1,"force":true}"#, r#"{"confirm":-1}"#] {
        assert!(serde_json::from_str::<DestroyRequest>(text).is_err(), "{text}");
    }
    assert_eq!(wrapped(&book.store), before);
    let manager = create(&book, &admin, admin_request(&["tenant:manage"], &["wardkey"]));
    assert!(destroy(&book, &manager, 1).is_ok());
}

#[test]
fn a_destroyed_tenant_judges_publishes_and_becomes_nothing_ever_again() {
    let (book, admin) = a_book();
    let other = Book::in_memory(8).unwrap();
    let other_admin = other.bootstrap().unwrap();
    let key = create(&book, &admin, key_request(&["reports:read"]));
    let rotated = Call::RotateKey {
        authority: authority(&admin, None),
        key_id: UnverifiedKey::parse(&key).unwrap().unproven_base().key_id.to_string(),
        request: serde_json::from_str("{}").unwrap(),
    };
    let second = book.ask_created(rotated).unwrap().key.unwrap().secret_str().to_owned();
    // An overlap that would end later, a dead signing key, and records to be written.
    let check =
        |key: &str| book.ask(Call::Check { base: base_of(key), request_id: "req_check".into() });
    check(&second).unwrap();
    let Reply::Bytes(head) = book.ask(Call::Head).unwrap() else { panic!() };
    let (sequence, digest) = (&head.as_bytes()[3..11], &head.as_bytes()[11..43]);
    let sequence = u64::from_be_bytes(sequence.try_into().unwrap());
    let state = || Call::State { sequence, digest: WireBytes::new(digest) };
    assert!(book.ask(state()).is_ok());
    assert!(book.registry().next_due().unwrap().is_some());

    // A revocation that is under way when the tenant ends is under way no more.
    let sql = "INSERT INTO revocation (id, selector, actor_subject, actor_key, request_id, started_at, state, keys,
               sequence, cursor) VALUES ('rev_0000000000000000', '{\"everything\":{}}', 'ops:ada', 'key_0000000000000000',
               'req', 1, 'settling', 0, 0, '')";
    book.store.execute(sql, &[]).unwrap();
    assert!(book.registry().is_revoking().unwrap());
    let destroyed = destroy(&book, &admin, 1).unwrap();
    assert_eq!((destroyed.tenant, destroyed.destroyed_at_ms), (1, book.now().0));
    assert_eq!(destroyed.verifies_until_ms, book.now().0 + HOUR_MS + 5_000);
    // A clock that steps back brings nothing back, and time brings nothing.
    for at in [0, HOUR_MS, 400 * 24 * HOUR_MS] {
        book.set_now(destroyed.destroyed_at_ms - HOUR_MS + at);
        let mut calls = new_calls(&admin);
        calls.push(Call::Admit { authority: authority(&key, None), possession: true });
        calls.push(Call::ReadAudit { authority: authority(&admin, None), after: 0, limit: 1 });
        // A forged one is told no different from the administrator's own.
        calls.extend(new_calls("wkadmin_live_none"));
        for call in calls {
            let named = format!("{call:?}");
            let refused = book.ask(call).unwrap_err();
            assert_eq!(refused.reason(), Some(Reason::TenantGone), "{named}");
        }
        assert_eq!(check(&key).unwrap_err().reason(), Some(Reason::TenantGone));
        for call in [Call::Head, state()] {
            assert_eq!(book.ask(call).unwrap_err(), RegistryError::TenantGone);
        }
        for (hash, policy) in [
            (1, Some(api_policy().unwrap())),
            (1, None),
            (2, Some(api_policy().unwrap())),
            (3, None),
        ] {
            let outcome = book.ask(bootstrap_call(1, [hash; 32], policy, Some("boot")));
            assert_eq!(outcome.unwrap_err(), RegistryError::TenantGone);
        }
        assert_eq!(book.registry().next_due().unwrap(), None);
        assert!(!book.registry().is_revoking().unwrap());
        assert!(book.registry().due_publications(book.now(), 9, &mut seeded_rng(1)).is_err());
        assert!(book.registry().apply_deadlines(book.now()).is_err());
    }
    // What was done and by whom stays, for the operator; another tenant notices nothing.
    let dump = book.store.dump().unwrap();
    assert!(dump.contains("tenant.destroy") && dump.contains("moved away"));
    create(&other, &other_admin, key_request(&["reports:read"]));
    assert_eq!(Reason::TenantGone.answer(), Reason::UnknownSigningKey.answer());
}

#[test]
fn no_byte_of_the_secret_remains_where_it_was_kept() {
    let path = std::env::temp_dir().join(format!("wardkey-destroy-{}.sqlite", std::process::id()));
    let _ = fs::remove_file(&path);
    let book = Book::over(SqliteStore::open(&path).unwrap(), 5).unwrap();
    let admin = book.bootstrap().unwrap();
    for _ in 0..50 {
        create(&book, &admin, key_request(&["reports:read"]));
    }
    let wrapped_before = wrapped(&book.store);
    // Version, nonce and sealed secret: what remains must not hold nonce or seal, in whole or in half.
    let parts: Vec<&[u8]> =
        vec![&wrapped_before[4..28], &wrapped_before[28..52], &wrapped_before[52..]];
    let holds = |parts: &[&[u8]]| {
        let dump = book.store.dump().unwrap();
        let file = fs::read(&path).unwrap();
        parts
            .iter()
            .map(|part| {
                let shown = format!("{part:?}");
                let in_dump = dump.contains(shown.trim_matches(['[', ']']));
                (in_dump, file.windows(part.len()).any(|window| window == *part))
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(holds(&parts), [(true, true); 3], "the control: it is found while it is there");
    destroy(&book, &admin, 1).unwrap();
    assert_eq!(wrapped(&book.store), vec![0; wrapped_before.len()]);
    assert_eq!(holds(&parts), [(false, false); 3]);
    fs::remove_file(&path).unwrap();
}

#[test]
fn a_tenant_that_nobody_made_is_not_one_that_is_gone() {
    let book = Book::in_memory(1).unwrap();
    assert_eq!(book.ask(Call::Head).unwrap_err(), RegistryError::NoTenant);
    let request = BootstrapRequest { subject: "ops:ada".into(), policy: None, expires_in: 3600 };
    assert_eq!(request.policy, None);
    assert!(book.bootstrap().is_ok());
}
