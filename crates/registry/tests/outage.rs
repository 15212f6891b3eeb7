//! What verifiers answer while the registry is away, as the README's table says.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use wardkey::{
    Adoption, Bounds, Decision, KeySet, List, Query, Reason, Refresh, Registry, Requirement, State,
    UnixMillis, UnverifiedHead, verify,
};
use wardkey_registry::{Call, Reply, WireBytes};
use wardkey_testkit::{Book, authority, key_request};

/// What a verifier held when the registry went away.
struct Verifier {
    key_set: KeySet,
    catalog: Vec<u8>,
    list: List<Vec<u8>>,
    key: String,
}

impl Verifier {
    fn new() -> Self {
        let book = Book::in_memory(9).unwrap();
        let admin = book.bootstrap().unwrap();
        let authority = || authority(&admin, None);
        let mut request = key_request(&LEVELS.map(|(_, scope)| scope));
        request.expires_in = 24 * 3600;
        let made = book.ask_created(Call::CreateKey { authority: authority(), request }).unwrap();
        let call = Call::AdmitVerifier {
            authority: authority(),
            audience: Some("api".into()),
            has: Vec::new(),
        };
        let Reply::Verifier(material) = book.ask(call).unwrap() else { panic!("no key set") };
        let bytes = material.key_set.unwrap();
        let (key_set, _) = KeySet::parse(bytes.as_bytes()).unwrap();
        let Reply::Bytes(head) = book.ask(Call::Head).unwrap() else { panic!("no head") };
        let head = UnverifiedHead::parse(head.as_bytes()).unwrap().authenticate(&key_set).unwrap();
        let digest = WireBytes::new(head.head().state_digest());
        let call = Call::State { sequence: head.head().sequence(), digest };
        let Reply::Bytes(state) = book.ask(call).unwrap() else { panic!("no state") };
        let state = State::parse(state.as_bytes()).unwrap();
        let mut list = None;
        let adopted =
            List::adopt(&mut list, &head, Some(state), book.now(), &Bounds::DEFAULT).unwrap();
        assert_eq!(adopted, Adoption::Adopted);
        let key = made.key.unwrap().secret_str().to_owned();
        Self { catalog: bytes.as_bytes().to_vec(), key_set, list: list.unwrap(), key }
    }

    /// What it says of a scope so long after its list was made, when a refresh has just failed.
    fn says(&self, scope: &str, age_ms: u64) -> &'static str {
        let (_, catalog) = KeySet::parse(&self.catalog).unwrap();
        let required = Requirement::all_of(&catalog, [scope]).unwrap();
        let query = Query {
            required: &required,
            now: self.list.head().issued_at().plus(age_ms),
            caller: None,
            refresh: Refresh::Failed,
            registry: Registry::NotAsked,
        };
        match verify(&self.key_set, Some(&self.list), &self.key, query) {
            Decision::Allow(_) => "as before",
            // The registry, which is away: over HTTP that is 503 registry_unavailable.
            Decision::Ask(wardkey::Ask::Registry(_)) => "503",
            Decision::Deny(denial) if denial.reason == Reason::ListStale => "503",
            Decision::Deny(denial) => denial.reason.as_str(),
            Decision::Ask(_) => "asks again",
        }
    }
}

#[test]
fn the_readmes_table_of_outages_is_what_the_core_does() {
    let verifier = Verifier::new();
    let readme = include_str!("../../../README.md");
    let (_, section) = readme.split_once("\n## When the registry is away\n").unwrap();
    let (section, _) = section.split_once("\n## ").unwrap();
    // However old the list was when the registry went away: it was fresh, or a refresh was owed.
    let fresh_ms = u64::from(Bounds::DEFAULT.figures()[0]);
    let ages = [10_000, 300_000, 3_600_000].map(|away: u64| [away + 1, away + fresh_ms]);
    for (level, scope) in LEVELS {
        let row = section.lines().find(|line| line.starts_with(&format!("| `{level}` |")));
        let cells: Vec<_> = row.unwrap().split('|').map(str::trim).collect();
        for (cell, ages) in cells[2..5].iter().zip(ages) {
            for age in ages {
                assert_eq!(verifier.says(scope, age), *cell, "{level}, a list of {age} ms");
            }
        }
        let longest = match cells[5] {
            "1 h" => 3_600_000,
            "5 min" => 300_000,
            "30 s" => 30_000,
            "–" => continue,
            other => panic!("{other}"),
        };
        assert_eq!(verifier.says(scope, longest), "as before", "{level}");
        assert_eq!(verifier.says(scope, longest + 1), "503", "{level}");
    }
}

#[test]
fn a_clock_that_is_set_back_prolongs_the_bound_by_its_skew_and_no_more() {
    let verifier = Verifier::new();
    let skew_ms = u64::from(Bounds::DEFAULT.figures()[4]);
    let (_, catalog) = KeySet::parse(&verifier.catalog).unwrap();
    let required = Requirement::all_of(&catalog, ["status:read"]).unwrap();
    let issued_at = verifier.list.head().issued_at();
    let at = |now: UnixMillis| {
        let query = Query {
            required: &required,
            now,
            caller: None,
            refresh: Refresh::Failed,
            registry: Registry::NotAsked,
        };
        match verify(&verifier.key_set, Some(&verifier.list), &verifier.key, query) {
            Decision::Allow(allow) => format!("allow, {} ms", allow.list.age_ms),
            Decision::Deny(denial) => denial.reason.as_str().into(),
            Decision::Ask(_) => "ask".into(),
        }
    };
    assert_eq!(at(issued_at), "allow, 0 ms");
    assert_eq!(at(UnixMillis(issued_at.0 - skew_ms)), "allow, 0 ms");
    assert_eq!(at(UnixMillis(issued_at.0 - skew_ms - 1)), "clock_behind");
    assert_eq!(at(UnixMillis(0)), "clock_behind");
}

/// Each risk level, and a scope of it.
const LEVELS: [(&str, &str); 4] = [
    ("low", "status:read"),
    ("standard", "reports:read"),
    ("high", "reports:write"),
    ("strict", "payouts:create"),
];
