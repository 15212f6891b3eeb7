//! FORMAT.md's worked examples are what the core reads and writes, byte for byte.

use wardkey::{
    Adoption, AudienceId, Base, Bounds, Constraints, Decision, Epoch, KeyId, KeySet, KeyText, List,
    ListKey, Narrowing, Network, Networks, Prefix, Query, Refresh, Registry, Requirement, ScopeSet,
    SigningKey, SigningKeyId, State, StatusIndex, Subject, TenantId, UnixMillis, UnixSeconds,
    UnverifiedHead, narrow,
};

use crate::tenant::word;

const FORMAT: &str = include_str!("../../FORMAT.md");

/// The lines that are set in by four spaces below a text, up to the next paragraph.
fn example(below: &str) -> String {
    let examples = &FORMAT[FORMAT.find("## 7.").expect("section 7")..];
    let after = &examples[examples.find(below).expect("the example")..];
    let lines = after.lines().skip_while(|line| !line.starts_with("    "));
    lines.take_while(|line| line.starts_with("    ")).map(|line| format!("{line}\n")).collect()
}

/// The bytes of the hex digits in `text`, from the word `from` on, up to one of the words `until`.
fn hex(text: &str, from: &str, until: &[&str]) -> Vec<u8> {
    let after = &text[text.find(from).expect("named") + from.len()..];
    let end = until.iter().filter_map(|word| after.find(word)).min().unwrap_or(after.len());
    let digits: Vec<u8> = after[..end].bytes().filter(u8::is_ascii_hexdigit).collect();
    digits
        .chunks(2)
        .map(|two| u8::from_str_radix(std::str::from_utf8(two).expect("ASCII"), 16).expect("hex"))
        .collect()
}

fn counted(from: u8) -> [u8; 32] {
    std::array::from_fn(|n| from + u8::try_from(n).expect("below 32"))
}

fn base() -> Base {
    Base {
        signing_key: SigningKeyId {
            tenant: TenantId(7),
            audience: AudienceId(2),
            epoch: Epoch::FIRST,
        },
        key_id: KeyId(0x0011_2233_4455_6677_u64.to_be_bytes()),
        status_index: StatusIndex(808),
        issued_at: UnixSeconds(1_800_000_000),
        expires_at: UnixSeconds(1_800_007_200),
        subject: Subject::new("svc:billing").expect("a subject"),
        scopes: ScopeSet::from_iter([0, 1, 2, 9]),
        constraints: Constraints::default(),
    }
}

fn text_of(base: &Base) -> String {
    let prefix = Prefix::new("example", wardkey::Environment::Test).expect("a prefix");
    let text = KeyText::sign(&prefix, base, &SigningKey::new(&counted(0))).expect("a key");
    text.secret_str().to_owned()
}

fn encoded(base: &Base) -> Vec<u8> {
    crate::tenant::encoded(base)
}

fn told(example: &str) -> &str {
    example.split_once("text").expect("a text").1.trim()
}

#[test]
fn the_example_keys_are_what_the_core_writes() {
    let plain = example("**A key.**");
    assert_eq!(hex(&plain, "base", &["tag"]), encoded(&base()));
    assert_eq!(told(&plain), text_of(&base()));

    let narrowed = example("**The same, narrowed**");
    let narrowing = Narrowing {
        scopes: Some(ScopeSet::from_iter([0, 1])),
        expires_at: Some(UnixSeconds(1_800_000_600)),
        ..Narrowing::default()
    };
    let text = narrow(told(&plain), &narrowing).expect("narrowed");
    assert_eq!(told(&narrowed), text.secret_str());

    let constrained = example("**With constraints**");
    let networks =
        ["10.0.0.0/8", "2001:db8::/32"].map(|text| text.parse::<Network>().expect("a network"));
    let constraints = Constraints {
        not_before: Some(UnixSeconds(1_800_000_060)),
        networks: Some(Networks::new(networks).expect("a set")),
    };
    let bound = Base { constraints, ..base() };
    assert_eq!(hex(&constrained, "base", &["tag"]), encoded(&bound));
    assert_eq!(told(&constrained), text_of(&bound));
}

#[test]
fn the_example_key_set_and_list_allow_the_example_keys() {
    let bytes = hex(&example("**Its key set**"), "", &[]);
    let (key_set, catalog) = KeySet::parse(&bytes).expect("a key set");
    let state = example("**A state**");
    let (state, digest) = state.trim_end().rsplit_once('\n').expect("two lines");
    let state = State::parse(&hex(state, "", &[])).expect("a state");
    assert_eq!(state.digest().to_vec(), hex(digest, "", &[]));

    let written = example("**A head**");
    let body = hex(&written, "body", &["tag"]);
    let tag = hex(&written, "tag", &[]);
    assert_eq!(ListKey::new(&counted(0x20)).tag(&body).secret_bytes().to_vec(), tag);
    let head = [body, tag].concat();
    let head = UnverifiedHead::parse(&head).expect("a head").authenticate(&key_set);
    let head = head.expect("authentic");

    // From the state before, by the head's own change.
    let before = State::parse(&[1, 0, 0, 3, 0x20, 0, 0, 0, 2, 2]).expect("a state");
    let told = FORMAT.split("with the digest `").nth(1).expect("told");
    assert_eq!(before.digest().to_vec(), hex(told.split('`').next().expect("a digest"), "", &[]));
    assert_eq!(state.digest(), head.head().state_digest());
    let now = UnixMillis(1_800_000_060_000);
    let mut list = None;
    assert_eq!(
        List::adopt(&mut list, &head, Some(state), now, &Bounds::DEFAULT),
        Ok(Adoption::Adopted)
    );

    let required = Requirement::all_of(&catalog, ["invoice:list"]).expect("known");
    for (title, expected) in [
        ("**A key.**", "ask refresh"),
        ("**The same, narrowed**", "ask refresh"),
        ("**With constraints**", "ask refresh"),
    ] {
        for (refresh, expected) in
            [(Refresh::NotTried, expected), (Refresh::Failed, "allow must_ask")]
        {
            let query = Query {
                required: &required,
                now,
                caller: Some([10, 1, 1, 1].into()),
                refresh,
                registry: Registry::NotAsked,
            };
            let key = example(title);
            let decision = wardkey::verify(&key_set, list.as_ref(), self::told(&key), query);
            assert_eq!(word(&decision), expected, "{title}");
            if let Decision::Allow(allow) = decision {
                assert_eq!(allow.subject.as_str(), "svc:billing");
            }
        }
    }
}
