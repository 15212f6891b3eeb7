//! The policy: read, tried, replaced, and what it says of keys that are asked for and of those that live.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::collections::BTreeMap;

use serde_json::{Value, json};
use wardkey_provision::{KeyConstraints, KeyRequest, Policy};
use wardkey_registry::{
    AuditEntry, Call, Conflict, Created, KeyView, PolicyTrial, PolicyView, RegistryError, Reply,
    RevokeRequest, RotateRequest, Store as _, UpdateRequest,
};
use wardkey_testkit::{Book, api_policy, authority, bootstrap_call, key_request};

struct Tenant {
    book: Book,
    admin: String,
}

impl Tenant {
    fn new() -> Self {
        let book = Book::in_memory(1).unwrap();
        let admin = book.bootstrap().unwrap();
        Self { book, admin }
    }

    /// A tenant whose second version of the policy is the usual one with these members.
    fn with(members: Value) -> Self {
        let tenant = Self::new();
        tenant.replace(1, &policy_with(members)).unwrap();
        tenant
    }

    fn read(&self, version: Option<u32>) -> Result<PolicyView, RegistryError> {
        self.read_as(&self.admin, version)
    }

    fn read_as(&self, who: &str, version: Option<u32>) -> Result<PolicyView, RegistryError> {
        policy_view(self.book.ask(Call::ReadPolicy { authority: authority(who, None), version })?)
    }

    fn replace(&self, version: u32, policy: &Policy) -> Result<PolicyView, RegistryError> {
        self.replace_as(&self.admin, None, version, policy)
    }

    fn replace_as(
        &self,
        who: &str,
        once: Option<&str>,
        version: u32,
        policy: &Policy,
    ) -> Result<PolicyView, RegistryError> {
        let (authority, policy) = (authority(who, once), policy.clone());
        policy_view(self.book.ask(Call::ReplacePolicy { authority, version, policy })?)
    }

    fn try_out(
        &self,
        version: u32,
        policy: &Policy,
        after: Option<&str>,
    ) -> Result<PolicyTrial, RegistryError> {
        let (authority, policy) = (authority(&self.admin, None), policy.clone());
        let after = after.map(Into::into);
        match self.book.ask(Call::TryPolicy { authority, version, policy, after })? {
            Reply::PolicyTrial(trial) => Ok(trial),
            other => panic!("{other:?}"),
        }
    }

    fn ask_as(&self, who: &str, request: KeyRequest) -> Result<Created, RegistryError> {
        self.book.ask_created(Call::CreateKey { authority: authority(who, None), request })
    }

    fn create(&self, request: KeyRequest) -> Result<Created, RegistryError> {
        self.ask_as(&self.admin, request)
    }

    /// The text of an administration key.
    fn administrator(&self, subject: &str, scopes: &[&str], audiences: &[&str]) -> String {
        let created = self.create(admin_request(subject, scopes, audiences)).unwrap();
        created.key.unwrap().secret_str().to_owned()
    }

    fn key(&self, key_id: &str) -> KeyView {
        let (authority, key_id) = (authority(&self.admin, None), key_id.into());
        let what = wardkey_registry::ReadKey::Record;
        match self.book.ask(Call::ReadKey { authority, key_id, what }).unwrap() {
            Reply::Key(view) => view,
            other => panic!("{other:?}"),
        }
    }

    fn rotate(&self, key_id: &str) -> Result<Created, RegistryError> {
        let (authority, key_id) = (authority(&self.admin, None), key_id.into());
        let request = RotateRequest { expires_in: Some(3600), ..RotateRequest::default() };
        self.book.ask_created(Call::RotateKey { authority, key_id, request })
    }

    fn update(&self, key_id: &str, change: Value) -> Result<Reply, RegistryError> {
        let request: UpdateRequest = serde_json::from_value(change).unwrap();
        let (authority, key_id) = (authority(&self.admin, None), key_id.into());
        self.book.ask(Call::UpdateKey { authority, key_id, request })
    }

    fn audit(&self, action: &str) -> Vec<AuditEntry> {
        let authority = authority(&self.admin, None);
        match self.book.ask(Call::ReadAudit { authority, after: 0, limit: 200 }).unwrap() {
            Reply::Audit(page) => {
                page.entries.into_iter().filter(|entry| entry.action == action).collect()
            }
            other => panic!("{other:?}"),
        }
    }

    /// Audience, present and least key set, as the head says: FORMAT.md, behind 63 bytes that are none of theirs.
    fn key_sets(&self) -> Vec<(u8, u32, u32)> {
        self.book.pass(1_000);
        let Reply::Bytes(head) = self.book.ask(Call::Head).unwrap() else { panic!("no head") };
        let (count, entries) = head.as_bytes()[63..].split_first().unwrap();
        let number = |four: &[u8]| u32::from_be_bytes(four.try_into().unwrap());
        let entries = entries.chunks(13).take((*count).into());
        entries.map(|entry| (entry[0], number(&entry[1..5]), number(&entry[5..9]))).collect()
    }

    fn sequence(&self) -> u64 {
        let Reply::Bytes(head) = self.book.ask(Call::Head).unwrap() else { panic!("no head") };
        u64::from_be_bytes(head.as_bytes()[3..11].try_into().unwrap())
    }
}

fn policy_view(reply: Reply) -> Result<PolicyView, RegistryError> {
    match reply {
        Reply::Policy(view) => Ok(view),
        other => panic!("{other:?}"),
    }
}

/// The usual policy with some members more, or others.
fn policy_with(members: Value) -> Policy {
    let mut policy = serde_json::to_value(api_policy().unwrap()).unwrap();
    for (member, value) in members.as_object().unwrap() {
        policy[member] = value.clone();
    }
    serde_json::from_value(policy).unwrap()
}

/// The usual policy, changed.
fn changed(change: impl FnOnce(&mut Policy)) -> Policy {
    let mut policy = api_policy().unwrap();
    change(&mut policy);
    policy
}

fn admin_request(subject: &str, scopes: &[&str], audiences: &[&str]) -> KeyRequest {
    KeyRequest {
        subject: subject.into(),
        audience: "wardkey".into(),
        for_audiences: audiences.iter().map(|name| (*name).into()).collect(),
        ..key_request(scopes)
    }
}

fn rule(outcome: Result<Created, RegistryError>) -> String {
    match outcome.unwrap_err() {
        RegistryError::Forbidden { rule, .. } => rule,
        other => panic!("{other:?}"),
    }
}

fn id_of(created: Result<Created, RegistryError>) -> String {
    created.unwrap().view.key_id
}

#[test]
fn old_content_comes_back_as_a_new_version_and_every_version_can_be_read() {
    let tenant = Tenant::new();
    let first = tenant.read(None).unwrap();
    assert_eq!((first.version, &first.policy, &first.actor), (1, &api_policy().unwrap(), &None));
    let other = policy_with(json!({"rotation": {"overlap_s": 60}}));
    let second = tenant.replace(1, &other).unwrap();
    assert_eq!((second.version, &second.policy), (2, &other));
    assert_eq!(second.actor.as_ref().unwrap().subject, "ops:ada");
    let third = tenant.replace(2, &first.policy).unwrap();
    assert_eq!((third.version, &third.policy), (3, &first.policy));
    let same = tenant.replace(3, &first.policy).unwrap();
    assert_eq!(same.version, 4, "the same content again is a version of its own");
    assert_eq!(tenant.read(None).unwrap(), same);
    for (version, view) in [(1, &first), (2, &second), (3, &third)] {
        assert_eq!(&tenant.read(Some(version)).unwrap(), view);
    }
    for none in [0, 5, u32::MAX] {
        assert_eq!(tenant.read(Some(none)), Err(RegistryError::NotFound));
    }
    let done = tenant.audit("policy.replace");
    let targets: Vec<_> = done.iter().map(|entry| entry.target.clone().unwrap()).collect();
    assert_eq!(targets, ["policy:2", "policy:3", "policy:4"]);
}

#[test]
fn who_has_not_seen_the_present_version_replaces_and_tries_nothing() {
    let tenant = Tenant::new();
    let policy = policy_with(json!({"rotation": {"overlap_s": 60}}));
    for wrong in [0, 2, u32::MAX] {
        let changed = RegistryError::PolicyChanged { version: 1 };
        assert_eq!(tenant.replace(wrong, &policy).unwrap_err(), changed);
        assert_eq!(tenant.try_out(wrong, &policy, None).unwrap_err(), changed);
    }
    tenant.replace(1, &policy).unwrap();
    let lost = tenant.replace(1, &policy).unwrap_err();
    assert_eq!(lost, RegistryError::PolicyChanged { version: 2 });
    assert_eq!(tenant.read(None).unwrap().version, 2);
}

#[test]
fn a_repeated_replacement_happens_once() {
    let tenant = Tenant::new();
    let policy = policy_with(json!({"rotation": {"overlap_s": 60}}));
    let replace = |policy: &Policy| tenant.replace_as(&tenant.admin, Some("once"), 1, policy);
    let first = replace(&policy).unwrap();
    tenant.replace(2, &api_policy().unwrap()).unwrap();
    assert_eq!(replace(&policy).unwrap(), first, "also after another has followed");
    assert_eq!(replace(&api_policy().unwrap()).unwrap_err(), RegistryError::IdempotencyKeyReused);
    assert_eq!(tenant.read(None).unwrap().version, 3);
}

#[test]
fn reading_and_writing_the_policy_are_rights_of_their_own_and_refusals_are_in_the_log() {
    let tenant = Tenant::new();
    let reader = tenant.administrator("ops:reader", &["policy:read"], &["wardkey"]);
    let none = tenant.administrator("ops:none", &["keys:create", "keys:read"], &["wardkey", "api"]);
    let policy = api_policy().unwrap();
    assert_eq!(tenant.read_as(&reader, None).unwrap().policy, policy);
    let missing = |scope: &str| RegistryError::MissingScope { scope: scope.into() };
    assert_eq!(tenant.read_as(&none, None).unwrap_err(), missing("policy:read"));
    let refused = tenant.replace_as(&reader, None, 1, &policy).unwrap_err();
    assert_eq!(refused, missing("policy:write"));
    let call = Call::TryPolicy {
        authority: authority(&reader, None),
        version: 1,
        policy: policy.clone(),
        after: None,
    };
    assert_eq!(tenant.book.ask(call).unwrap_err(), missing("policy:write"));
    let writer = tenant.administrator("ops:writer", &["policy:write"], &["wardkey"]);
    assert_eq!(tenant.replace_as(&writer, None, 1, &policy).unwrap().version, 2);
    for (action, outcomes) in [
        ("policy.read", &["refused"][..]),
        ("policy.replace", &["refused", "done"]),
        ("policy.try", &["refused"]),
    ] {
        let entries = tenant.audit(action);
        let told: Vec<_> = entries.iter().map(|entry| entry.outcome.as_str()).collect();
        assert_eq!(told, outcomes, "{action}");
    }
}

#[test]
fn what_may_not_follow_is_refused_by_its_path_also_after_it_was_dropped() {
    let tenant = Tenant::new();
    let refused = |version, policy: &Policy| match tenant.replace(version, policy).unwrap_err() {
        RegistryError::Invalid { field, .. } => {
            assert!(tenant.try_out(version, policy, None).is_err(), "a trial says so, too");
            field
        }
        other => panic!("{other:?}"),
    };
    let unknown = changed(|policy| policy.audiences[0].scopes[0].risk = "none".into());
    assert_eq!(refused(1, &unknown), "policy.audiences[0].scopes[0].risk");
    let brand = changed(|policy| policy.brand = "acme".into());
    assert_eq!(refused(1, &brand), "policy.brand");
    let renamed = changed(|policy| policy.audiences[1].name = "tasks".into());
    assert_eq!(refused(1, &renamed), "policy.audiences[1].number");
    let scope = changed(|policy| policy.audiences[0].scopes[3].name = "status:write".into());
    assert_eq!(refused(1, &scope), "policy.audiences[0].scopes[3].number");
    // Two versions later the number is still its own, and comes back as what it was.
    let less = changed(|policy| {
        policy.audiences[0].scopes.pop();
    });
    tenant.replace(1, &less).unwrap();
    tenant.replace(2, &less).unwrap();
    assert_eq!(refused(3, &scope), "policy.audiences[0].scopes[3].number");
    assert_eq!(tenant.replace(3, &api_policy().unwrap()).unwrap().version, 4);
}

#[test]
fn a_new_audience_has_a_key_set_and_its_founder_the_rights_that_it_held_for_all() {
    let tenant = Tenant::new();
    let part = tenant.administrator(
        "ops:part",
        &["policy:write", "keys:create", "keys:read"],
        &["wardkey", "api"],
    );
    let with_audience = |number: u8, name: &str, base: &Policy| {
        let mut policy = base.clone();
        policy.audiences.push(wardkey_provision::AudiencePolicy {
            number,
            name: name.into(),
            ..policy.audiences[0].clone()
        });
        policy
    };
    let three = with_audience(3, "mail", &api_policy().unwrap());
    let sequence = tenant.sequence();
    tenant.replace(1, &three).unwrap();
    assert!(tenant.sequence() > sequence, "verifiers learn of it");
    assert_eq!(tenant.key_sets(), [(1, 1, 1), (2, 1, 1), (3, 1, 1)]);
    let mail = || KeyRequest { audience: "mail".into(), ..key_request(&["reports:read"]) };
    let made = tenant.create(mail()).unwrap();
    assert_eq!(tenant.key(&made.view.key_id).audience, "mail");
    let set = admin_request("svc:gateway", &["verifier:verify"], &["mail"]);
    assert!(tenant.create(set).is_ok());
    assert_eq!(rule(tenant.ask_as(&part, mail())), "actor_scope");
    // Who holds rights for some audiences founds one without.
    tenant.replace_as(&part, None, 2, &with_audience(4, "news", &three)).unwrap();
    let news = KeyRequest { audience: "news".into(), ..mail() };
    assert_eq!(rule(tenant.ask_as(&part, news.clone())), "actor_scope");
    assert_eq!(rule(tenant.create(news)), "actor_scope", "nor does anybody else");
    // A new bootstrap recovers it.
    let recovered = tenant.book.ask_created(bootstrap_call(1, [2; 32], None, None)).unwrap();
    let recovered = recovered.key.unwrap().secret_str().to_owned();
    let news = KeyRequest { audience: "news".into(), ..mail() };
    assert!(tenant.ask_as(&recovered, news).is_ok());
}

#[test]
fn an_audience_is_dropped_when_none_of_its_keys_lives_and_comes_back_as_itself() {
    let tenant = Tenant::new();
    let jobs = |scope: &str| KeyRequest { audience: "jobs".into(), ..key_request(&[scope]) };
    let made = tenant.create(jobs("reports:read")).unwrap();
    let verifier = tenant.administrator("svc:gateway", &["verifier:verify"], &["jobs"]);
    let one = changed(|policy| {
        policy.audiences.pop();
    });
    match tenant.replace(1, &one).unwrap_err() {
        RegistryError::Conflict { conflict, .. } => assert_eq!(conflict, Conflict::AudienceInUse),
        other => panic!("{other:?}"),
    }
    let trial = tenant.try_out(1, &one, None).unwrap();
    assert_eq!(trial.broken_count, 1);
    assert_eq!(trial.broken_keys[0].rule, "audience_in_use");
    let revocation = Call::RevokeKey {
        authority: authority(&tenant.admin, None),
        key_id: made.view.key_id.clone(),
        request: RevokeRequest::default(),
    };
    tenant.book.ask(revocation).unwrap();
    tenant.replace(1, &one).unwrap();
    assert_eq!(tenant.key_sets(), [(1, 1, 1)], "heads name it no more");
    let refused = tenant.create(jobs("reports:read")).unwrap_err();
    assert!(matches!(refused, RegistryError::Invalid { field, .. } if field == "audience"));
    let admit = |audience: Option<&str>| {
        tenant.book.ask(Call::AdmitVerifier {
            authority: authority(&verifier, None),
            audience: audience.map(Into::into),
            has: Vec::new(),
        })
    };
    for audience in [None, Some("jobs")] {
        let refused = admit(audience).unwrap_err();
        assert!(matches!(refused, RegistryError::MissingScope { .. }), "{refused:?}");
    }
    // An administrator with rights for it still rotates.
    let admin = tenant.key_ids_of("ops:ada").pop().unwrap();
    assert!(tenant.rotate(&admin).is_ok());
    tenant.replace(2, &api_policy().unwrap()).unwrap();
    assert_eq!(tenant.key_sets(), [(1, 1, 1), (2, 2, 2)], "its old key sets are too old");
    assert!(admit(None).is_ok());
    assert!(tenant.create(jobs("reports:read")).is_ok());
}

impl Tenant {
    fn key_ids_of(&self, subject: &str) -> Vec<String> {
        let request = wardkey_registry::ListRequest {
            subject: Some(subject.into()),
            limit: 200,
            ..Default::default()
        };
        let authority = authority(&self.admin, None);
        match self.book.ask(Call::ListKeys { authority, request }).unwrap() {
            Reply::Keys(page) => page.keys.into_iter().map(|key| key.key_id).collect(),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_key_for_the_key_set_of_one_audience_does_not_get_another_by_founding_it() {
    let tenant = Tenant::new();
    let one = changed(|policy| {
        policy.audiences.pop();
        let rule = json!([{"name": "r", "actors": ["*"], "audiences": ["wardkey"], "subjects": ["*"],
                           "scopes": ["*", "verifier:key-set"]}]);
        policy.rules = serde_json::from_value(rule).unwrap();
    });
    tenant.replace(1, &one).unwrap();
    let scopes = ["policy:write", "verifier:key-set", "verifier:verify"];
    let made = tenant.create(admin_request("svc:edge", &scopes, &["wardkey", "api"])).unwrap();
    let text = made.key.unwrap().secret_str().to_owned();
    tenant
        .replace_as(&text, None, 2, &{
            let mut two = one.clone();
            let mail = wardkey_provision::AudiencePolicy {
                number: 3,
                name: "mail".into(),
                ..one.audiences[0].clone()
            };
            two.audiences.push(mail);
            two
        })
        .unwrap();
    let sql = "SELECT scope FROM binding WHERE audience = 3 AND key_id = ?";
    let rows = tenant.book.store.query(sql, &[made.view.key_id.as_str().into()]).unwrap();
    let verify = wardkey_provision::AdminScope::VerifierVerify.number();
    assert_eq!(rows.len(), 1, "{rows:?}");
    assert_eq!(rows[0].0[0], wardkey_registry::Value::from(verify));
}

#[test]
fn a_changed_catalog_is_a_new_key_set_and_a_stricter_one_at_once() {
    let tenant = Tenant::new();
    let sequence = tenant.sequence();
    let with_risk = |risk: &str| changed(|policy| policy.audiences[0].scopes[0].risk = risk.into());
    tenant.replace(1, &policy_with(json!({"rotation": {"overlap_s": 60}}))).unwrap();
    assert_eq!(tenant.key_sets(), [(1, 1, 1), (2, 1, 1)], "what verifiers need not know");
    assert_eq!(tenant.sequence(), sequence);
    tenant.replace(2, &with_risk("low")).unwrap();
    assert_eq!(tenant.key_sets(), [(1, 2, 1), (2, 1, 1)], "lowered: whenever they come to it");
    assert!(tenant.sequence() > sequence);
    tenant.replace(3, &with_risk("high")).unwrap();
    assert_eq!(tenant.key_sets(), [(1, 3, 3), (2, 1, 1)], "raised: not before they have it");
    let more = changed(|policy| {
        policy.audiences[0].scopes[0].risk = "high".into();
        let scope =
            wardkey_provision::ScopePolicy { number: 9, name: "a:b".into(), risk: "low".into() };
        policy.audiences[0].scopes.push(scope);
    });
    tenant.replace(4, &more).unwrap();
    assert_eq!(tenant.key_sets(), [(1, 4, 3), (2, 1, 1)], "one more");
    let trial = tenant.try_out(5, &with_risk("high"), None).unwrap();
    assert!(trial.key_sets.len() == 1 && trial.key_sets[0].at_once, "{trial:?}");
    tenant.replace(5, &with_risk("high")).unwrap();
    assert_eq!(tenant.key_sets(), [(1, 5, 5), (2, 1, 1)], "one less");
}

#[test]
fn a_role_expands_to_scopes_and_the_key_keeps_them_when_the_role_changes() {
    let mut policy = api_policy().unwrap();
    policy.audiences[0].roles = vec![wardkey_provision::RolePolicy {
        name: "reporter".into(),
        scopes: vec!["reports:read".into(), "reports:write".into()],
    }];
    let tenant = Tenant::new();
    tenant.replace(1, &policy).unwrap();
    let request = KeyRequest { roles: vec!["reporter".into()], ..key_request(&["status:read"]) };
    let key_id = id_of(tenant.create(request));
    let scopes = ["reports:read", "reports:write", "status:read"];
    assert_eq!(tenant.key(&key_id).scopes, scopes);
    policy.audiences[0].roles.clear();
    tenant.replace(2, &policy).unwrap();
    assert_eq!(tenant.key(&key_id).scopes, scopes);
    assert_eq!(tenant.rotate(&key_id).unwrap().view.scopes, scopes);
}

fn rules() -> Value {
    json!([
        {"name": "ops", "actors": ["ops:*"], "audiences": ["wardkey", "api", "jobs"], "scopes": ["*"], "subjects": ["*"]},
        {"name": "ci", "actors": ["svc:ci"], "audiences": ["api"], "scopes": ["reports:*"], "subjects": ["svc:ci-*"],
         "max_lifetime_s": 3600},
        {"name": "sets", "actors": ["ops:*"], "audiences": ["wardkey"], "scopes": ["verifier:key-set"], "subjects": ["svc:*"]},
    ])
}

#[test]
fn rules_hold_when_a_key_is_made_and_when_it_is_rotated_and_refusals_are_in_the_log() {
    let tenant = Tenant::with(json!({"rules": rules()}));
    let ci = tenant.administrator("svc:ci", &["keys:create", "keys:rotate"], &["api"]);
    // keys:create for api is not keys:create for wardkey.
    let job = |scopes: &[&str]| KeyRequest { subject: "svc:ci-1".into(), ..key_request(scopes) };
    let made = tenant.ask_as(&ci, job(&["reports:read"])).unwrap();
    assert_eq!(rule(tenant.ask_as(&ci, job(&["status:read"]))), "no_rule");
    assert_eq!(rule(tenant.ask_as(&ci, key_request(&["reports:read"]))), "no_rule");
    let refused: Vec<_> =
        tenant.audit("key.create").into_iter().filter(|e| e.outcome == "refused").collect();
    assert_eq!(refused.len(), 2);
    assert_eq!(refused[0].reason.as_deref(), Some("no_rule"));
    let rotate = |who: &str, key_id: &str| {
        let (authority, key_id) = (authority(who, None), key_id.into());
        let request = RotateRequest::default();
        tenant.book.ask_created(Call::RotateKey { authority, key_id, request })
    };
    let other = id_of(tenant.create(job(&["status:read"])));
    assert_eq!(rule(rotate(&ci, &other)), "no_rule");
    assert!(rotate(&ci, &made.view.key_id).is_ok());
    let set = |audiences: &[&str]| admin_request("svc:edge", &["verifier:key-set"], audiences);
    assert!(tenant.create(set(&["api"])).is_ok());
    assert_eq!(rule(tenant.create(set(&["api", "jobs"]))), "key_set_one_audience");
    assert_eq!(rule(Tenant::new().create(set(&["api"]))), "key_set_needs_rule");
}

#[test]
fn what_a_level_demands_is_not_noted_away_again() {
    let demands = json!({"high": {"require": ["name", "owner", "tags", "meta.ticket"]}});
    let tenant = Tenant::with(json!({"levels": demands}));
    let whole = KeyRequest {
        name: Some("n".into()),
        owner: Some("ada".into()),
        tags: vec!["t".into()],
        meta: BTreeMap::from([("ticket".into(), "1".into())]),
        ..key_request(&["reports:write"])
    };
    assert_eq!(rule(tenant.create(key_request(&["reports:write"]))), "level.high.name");
    let key_id = id_of(tenant.create(whole));
    for (change, refused) in [
        (json!({"name": null}), "level.high.name"),
        (json!({"owner": "svc:billing"}), "level.high.owner"),
        (json!({"tags": []}), "level.high.tags"),
        (json!({"meta": {}}), "level.high.meta.ticket"),
    ] {
        match tenant.update(&key_id, change).unwrap_err() {
            RegistryError::Forbidden { rule, .. } => assert_eq!(rule, refused),
            other => panic!("{other:?}"),
        }
    }
    assert!(tenant.update(&key_id, json!({"name": "m", "owner": "eve"})).is_ok());
    assert!(tenant.rotate(&key_id).is_ok());
    // What has never been given can stay away: a key of before the demand is noted down as before.
    let free = id_of(tenant.create(key_request(&["status:read"])));
    assert!(tenant.update(&free, json!({"owner": "bob"})).is_ok());
}

#[test]
fn a_rotation_that_names_no_overlap_takes_the_policys() {
    let tenant = Tenant::with(json!({"rotation": {"overlap_s": 120}}));
    let key_id = id_of(tenant.create(key_request(&["reports:read"])));
    tenant.rotate(&key_id).unwrap();
    let rows = tenant.book.store.query("SELECT max(overlap_s) FROM generation", &[]).unwrap();
    assert!(matches!(rows[0].0[0], wardkey_registry::Value::Integer(120)));
}

#[test]
fn a_trial_says_what_would_change_and_which_living_keys_would_break_it_and_changes_nothing() {
    let tenant = Tenant::new();
    let near = KeyConstraints { networks: vec!["10.0.0.0/8".into()], ..KeyConstraints::default() };
    let owned = KeyRequest { owner: Some("ada".into()), ..key_request(&["reports:write"]) };
    let good = id_of(tenant.create(KeyRequest { constraints: near, ..owned.clone() }));
    let everywhere = id_of(tenant.create(owned));
    let nobodys = id_of(tenant.create(key_request(&["reports:write"])));
    let long =
        id_of(tenant.create(KeyRequest { expires_in: 7200, ..key_request(&["status:read"]) }));
    let low = id_of(tenant.create(key_request(&["status:read"])));
    let ci = tenant.administrator("svc:ci", &["keys:create"], &["api"]);
    let by_ci = id_of(tenant.ask_as(&ci, key_request(&["status:read"])));
    let scopeless = id_of(tenant.create(key_request(&["payouts:create"])));
    let dead =
        id_of(tenant.create(KeyRequest { expires_in: 60, ..key_request(&["reports:write"]) }));
    tenant.book.pass(60_000);
    let mut policy = policy_with(json!({
        "levels": {"high": {"require": ["owner", "constraints.networks"]}, "low": {"max_lifetime_s": 3600}},
        "rules": [{"name": "ops", "actors": ["ops:*"], "audiences": ["wardkey", "api", "jobs"], "scopes": ["*"], "subjects": ["*"]}],
    }));
    policy.audiences[0].scopes.remove(2);
    let before = tenant.book.store.dump().unwrap();
    let trial = tenant.try_out(1, &policy, None).unwrap();
    assert_eq!(tenant.book.store.dump().unwrap(), before, "nothing is written");
    let broken: BTreeMap<_, _> =
        trial.broken_keys.iter().map(|key| (key.key_id.as_str(), key.rule.as_str())).collect();
    let expected = BTreeMap::from([
        (everywhere.as_str(), "level.high.constraints.networks"),
        (nobodys.as_str(), "level.high.owner"),
        (long.as_str(), "level.low.max_lifetime_s"),
        (by_ci.as_str(), "no_rule"),
        (scopeless.as_str(), "scopes"),
    ]);
    assert_eq!(broken, expected);
    for fine in [&good, &low, &dead] {
        assert!(!broken.contains_key(fine.as_str()));
    }
    // Seven of api, the administrator of the bootstrap, which no rule refuses, and ci's.
    assert_eq!((trial.checked_keys, trial.broken_count), (9, 5));
    assert!(trial.complete && trial.would_change);
    let paths: Vec<_> = trial.changes.iter().map(|change| change.path.as_str()).collect();
    assert_eq!(paths, ["audiences[api].scopes[payouts:create]", "levels", "rules"]);
    // What a cut-off has killed does not live, whatever its row says.
    let cutoff =
        format!("UPDATE audience SET cutoff = {} WHERE number = 1", tenant.book.now().0 / 1000);
    tenant.book.store.execute(&cutoff, &[]).unwrap();
    let after_cutoff = tenant.try_out(1, &policy, None).unwrap();
    assert_eq!((after_cutoff.checked_keys, after_cutoff.broken_count), (2, 0));
    tenant.book.store.execute("UPDATE audience SET cutoff = 0", &[]).unwrap();
    // The policy in force changes and breaks nothing.
    let same = tenant.try_out(1, &api_policy().unwrap(), None).unwrap();
    assert!(!same.would_change && same.changes.is_empty() && same.broken_keys.is_empty());
    // No key dies of the replacement itself.
    tenant.replace(1, &policy).unwrap();
    let alive = tenant.key(&nobodys).generations[0].state;
    assert_eq!(alive, wardkey_registry::GenerationState::Pending);
    assert_eq!(rule(tenant.rotate(&nobodys)), "level.high.owner");
}

#[test]
fn a_trial_looks_at_ten_thousand_keys_and_says_where_to_go_on() {
    let tenant = Tenant::new();
    tenant.create(key_request(&["reports:read"])).unwrap();
    // Copies of that key's rows: 10,200 of them.
    let copies = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10200) ";
    for (table, columns) in [
        ("key", "subject, audience, owner, issuer, created_at, record_version"),
        ("generation", "number, epoch, issued_at, expires_at, scopes, state"),
    ] {
        let (id, own, from) = match table {
            "key" => (
                "id",
                "",
                "id = (SELECT key_id FROM generation ORDER BY status_index DESC LIMIT 1)",
            ),
            _ => (
                "key_id",
                "status_index, ",
                "status_index = (SELECT max(status_index) FROM generation)",
            ),
        };
        let index = if own.is_empty() { "" } else { "status_index + i, " };
        let sql = format!(
            "{copies} INSERT INTO {table} ({id}, {own}{columns})
             SELECT printf('key_%016x', i), {index}{columns} FROM n, (SELECT * FROM {table} WHERE {from})"
        );
        tenant.book.store.execute(&sql, &[]).unwrap();
    }
    let none = policy_with(json!({"rules": []}));
    let first = tenant.try_out(1, &none, None).unwrap();
    assert_eq!((first.checked_keys, first.broken_count), (10_000, 10_000));
    assert_eq!((first.broken_keys.len(), first.complete), (100, false));
    let next = first.next_after.unwrap();
    assert_eq!(next, format!("key_{:016x}", 10_000));
    let second = tenant.try_out(1, &none, Some(&next)).unwrap();
    // The rest, the original, and the administrator, which no rule refuses.
    assert_eq!((second.checked_keys, second.broken_count), (202, 201));
    assert!(second.complete && second.next_after.is_none());
    let refused = tenant.try_out(1, &none, Some("key_1")).unwrap_err();
    assert!(matches!(refused, RegistryError::Invalid { field, .. } if field == "after"));
}

#[test]
fn a_tenant_of_an_earlier_schema_has_its_policy_as_version_1_and_its_numbers_as_given() {
    let tenant = Tenant::new();
    // As an earlier Worker left it.
    for statement in [
        "DROP TABLE policy_version",
        "DROP TABLE given_audience",
        "DROP TABLE given_scope",
        "ALTER TABLE audience DROP COLUMN dropped_at",
        "UPDATE tenant SET schema_version = 3",
    ] {
        tenant.book.store.execute(statement, &[]).unwrap();
    }
    let view = tenant.read(None).unwrap();
    assert_eq!((view.version, view.policy), (1, api_policy().unwrap()));
    let swapped = changed(|policy| {
        policy.audiences[0].name = "jobs".into();
        policy.audiences[1].name = "api".into();
    });
    assert!(matches!(tenant.replace(1, &swapped), Err(RegistryError::Invalid { .. })));
    let scope = changed(|policy| policy.audiences[1].scopes[0].name = "a:b".into());
    assert!(matches!(tenant.replace(1, &scope), Err(RegistryError::Invalid { .. })));
    assert_eq!(tenant.replace(1, &api_policy().unwrap()).unwrap().version, 2);
}

#[test]
fn the_tenant_of_cargo_xtask_dev_allows_what_demo_and_readme_ask_for() {
    let book = Book::in_memory(1).unwrap();
    let body: Value = serde_json::from_str(include_str!("../../xtask/dev-tenant.json")).unwrap();
    let mut call = bootstrap_call(1, [1; 32], None, None);
    if let Call::Bootstrap { request, .. } = &mut call {
        *request = serde_json::from_value(body).unwrap();
    }
    let admin = book.ask_created(call).unwrap().key.unwrap().secret_str().to_owned();
    let tenant = Tenant { book, admin };
    for wanted in [
        json!({"subject": "svc:gateway", "audience": "wardkey", "scopes": ["verifier:verify"],
               "for_audiences": ["api"], "expires_in": 3600, "name": "demo gateway"}),
        json!({"subject": "svc:billing", "audience": "api", "scopes": ["reports:read", "payouts:create"],
               "expires_in": 3600, "name": "demo billing"}),
        json!({"subject": "svc:leaky", "audience": "api", "scopes": ["reports:read", "payouts:create"],
               "expires_in": 3600}),
        json!({"subject": "svc:billing", "audience": "api", "scopes": ["reports:read"], "expires_in": 3600}),
        json!({"subject": "svc:billing", "audience": "api", "roles": ["reporter"], "expires_in": 3600}),
        json!({"subject": "svc:gateway", "audience": "wardkey", "scopes": ["verifier:verify"],
               "for_audiences": ["api"], "expires_in": 86400}),
        json!({"subject": "svc:edge", "audience": "wardkey", "scopes": ["verifier:key-set"],
               "for_audiences": ["api"], "expires_in": 86400}),
    ] {
        let outcome = tenant.create(serde_json::from_value(wanted.clone()).unwrap());
        assert!(outcome.is_ok(), "{wanted}: {outcome:?}");
    }
    let long = KeyRequest { expires_in: 2_592_001, ..key_request(&["reports:write"]) };
    assert_eq!(rule(tenant.create(long)), "level.high.max_lifetime_s");
}
