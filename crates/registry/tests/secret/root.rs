//! The root's rotation: the tenant's secret is wrapped anew, and no key notices.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};

use wardkey::UnixMillis;
use wardkey_provision::RootKeys;
use wardkey_registry::{
    Call, Fault, FaultyStore, Registry, RegistryError, Reply, RootWrap, Store as _, StrictVerdict,
    Value,
};
use wardkey_testkit::{
    SqliteStore, api_policy, authority, base_of, bootstrap_call, encoded, key_request, seeded_rng,
    text_of, wrapped_secret,
};

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
    let admin = text_of(&made);
    let make = |root: &RootKeys| {
        let call = Call::CreateKey {
            authority: authority(&admin, None),
            request: key_request(&["reports:read"]),
        };
        let Reply::Created(created) = deployment.ask(root, call).unwrap() else { panic!() };
        text_of(&created)
    };
    let alive = |root: &RootKeys, key: &str| {
        let call = Call::Check { base: encoded(&base_of(key)), request_id: "req_check".into() };
        matches!(deployment.ask(root, call), Ok(Reply::Checked(StrictVerdict::Alive { .. })))
    };
    let mut keys = vec![make(&old), make(&both)];
    let state = |wrapped_by, newest, done| RootWrap { tenant: 1, wrapped_by, newest, done };
    assert_eq!(deployment.wrap(&old, &admin, false), state(1, 1, true));
    assert_eq!(deployment.wrap(&both, &admin, false), state(1, 2, false));
    let text_of_old = wrapped_secret(&deployment.store);
    assert_eq!(deployment.wrap(&both, &admin, true), state(2, 2, true));
    let text_of_new = wrapped_secret(&deployment.store);
    assert_ne!(text_of_old, text_of_new);
    keys.push(make(&both));
    // Again: nothing changes, and the log says so.
    assert_eq!(deployment.wrap(&both, &admin, true), state(2, 2, true));
    assert_eq!(wrapped_secret(&deployment.store), text_of_new);
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
            let admin = text_of(&made);
            let before = wrapped_secret(&deployment.store);
            let faulty = FaultyStore::new(&deployment.store, fault, after);
            let call = Call::RewrapRoot { authority: authority(&admin, None) };
            let outcome = catch_unwind(AssertUnwindSafe(|| {
                Registry::new(&faulty, &both).answer(call, deployment.now, &mut seeded_rng(3))
            }));
            let failed = faulty.has_failed();
            assert_eq!(matches!(outcome, Ok(Ok(_))), !failed);
            let file = fs::read(&path).unwrap();
            let old_remains = file.windows(24).any(|window| window == &before[4..28]);
            assert_eq!(wrapped_secret(&deployment.store) == before, failed);
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
