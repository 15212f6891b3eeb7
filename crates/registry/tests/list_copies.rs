//! Copies of the list's states in KV: of what heads name, no more than one a second, and none of a tenant that is gone.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use wardkey::{Head, State};
use wardkey_registry::{Call, DestroyRequest, RegistryError, Reply, RevokeRequest, StateCopy};
use wardkey_testkit::{Book, KvAct, ListReader, authority, key_request};

struct Tenant {
    book: Book,
    admin: String,
    reader: ListReader,
}

/// A tenant whose records are all in KV already.
fn tenant(seed: u64) -> Tenant {
    let book = Book::in_memory(seed).unwrap();
    let admin = book.bootstrap().unwrap();
    let reader = ListReader::new(&book, &admin).unwrap();
    book.alarm().unwrap();
    Tenant { book, admin, reader }
}

impl Tenant {
    /// Changes the list.
    fn kill_one(&self) {
        let call = Call::CreateKey {
            authority: authority(&self.admin, None),
            request: key_request(&["reports:read"]),
        };
        let key_id = self.book.ask_created(call).unwrap().view.key_id;
        let call = Call::RevokeKey {
            authority: authority(&self.admin, None),
            key_id,
            request: RevokeRequest::default(),
        };
        self.book.ask(call).unwrap();
    }

    fn head(&self) -> Head {
        self.reader.head(&self.book).unwrap()
    }

    /// What the alarm does about states.
    fn states(&self) -> Vec<KvAct> {
        let mut acts = self.book.alarm().unwrap();
        acts.retain(|act| !matches!(act, KvAct::Record(_)));
        acts
    }

    /// Sequences of the states that the alarm writes.
    fn written(&self) -> Vec<u64> {
        let written = self.states().into_iter().map(|act| match act {
            KvAct::State { sequence, .. } => sequence,
            other => panic!("{other:?}"),
        });
        written.collect()
    }

    fn destroy(&self) {
        let request = DestroyRequest { confirm: 1, reason: None };
        let authority = authority(&self.admin, None);
        let reply = self.book.ask(Call::DestroyTenant { authority, request }).unwrap();
        assert!(matches!(reply, Reply::Destroyed(_)));
    }
}

#[test]
fn what_a_head_names_is_written_once_and_is_the_state_itself() {
    let tenant = tenant(41);
    tenant.kill_one();
    // Nobody has been told of it.
    assert!(tenant.states().is_empty());
    let head = tenant.head();
    let states = tenant.states();
    let [KvAct::State { sequence, bytes }] = states.as_slice() else { panic!("{states:?}") };
    assert_eq!(*sequence, head.sequence());
    assert_eq!(State::parse(bytes).unwrap().digest(), head.state_digest());
    // Heads that follow name the same state, and it is there.
    for _ in 0..5 {
        tenant.book.pass(2_000);
        assert_eq!(tenant.head().sequence(), head.sequence());
        assert!(tenant.states().is_empty());
    }
}

#[test]
fn a_busy_tenants_states_are_a_second_apart_and_the_newest_goes_first() {
    let tenant = tenant(42);
    tenant.kill_one();
    let first = tenant.head().sequence();
    assert_eq!(tenant.written(), [first]);
    let mut newest = first;
    for _ in 0..9 {
        tenant.book.pass(100);
        tenant.kill_one();
        let head = tenant.head().sequence();
        assert!(head > newest);
        newest = head;
        assert!(tenant.written().is_empty());
    }
    tenant.book.pass(99);
    assert!(tenant.written().is_empty());
    tenant.book.pass(1);
    // Eight that were named in between are left out: the registry itself answers for them.
    assert_eq!(tenant.written(), [newest]);
    tenant.book.pass(10_000);
    assert!(tenant.written().is_empty());
}

#[test]
fn a_state_is_written_again_while_heads_name_it_and_not_otherwise() {
    let tenant = tenant(43);
    let first = tenant.head().sequence();
    assert_eq!(tenant.written(), [first]);
    let ttl_ms = StateCopy::TTL_S * 1_000;
    let mut written_at = tenant.book.now().0;
    let mut again = 0;
    for _ in 0..200 {
        tenant.book.pass(60_000);
        assert_eq!(tenant.head().sequence(), first);
        // Ten minutes after this head nobody may ask any more; until then KV has it.
        let written = tenant.written();
        if !written.is_empty() {
            assert_eq!(written, [first]);
            written_at = tenant.book.now().0;
            again += 1;
        }
        assert!(tenant.book.now().0 + 600_000 < written_at + ttl_ms);
    }
    assert!((10..25).contains(&again), "{again}");
    // Nobody asks for a head any more: it is let go.
    for _ in 0..10 {
        tenant.book.pass(ttl_ms / 2);
        assert!(tenant.states().is_empty());
    }
    tenant.head();
    assert_eq!(tenant.written(), [first]);
}

#[test]
fn what_kv_refuses_is_tried_again_later_and_later() {
    let tenant = tenant(44);
    let first = tenant.head().sequence();
    let registry = tenant.book.registry();
    for wait in
        [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 64_000, 128_000, 256_000, 300_000, 300_000]
    {
        let copies = registry.due_state_copies(tenant.book.now()).unwrap();
        let [copy] = copies.as_slice() else { panic!("{copies:?}") };
        assert_eq!(copy.name().sequence, first);
        registry.state_copy_failed(copy, tenant.book.now()).unwrap();
        // Heads that name it meanwhile do not shorten the wait.
        tenant.book.pass(wait - 1);
        tenant.head();
        assert!(registry.due_state_copies(tenant.book.now()).unwrap().is_empty(), "{wait}");
        tenant.book.pass(1);
    }
    assert_eq!(tenant.written(), [first]);
}

#[test]
fn a_version_that_nobody_may_ask_for_any_more_is_not_written() {
    let tenant = tenant(45);
    let first = tenant.head().sequence();
    tenant.kill_one();
    tenant.book.pass(600_001);
    assert!(tenant.written().is_empty());
    let second = tenant.head().sequence();
    assert!(second > first);
    assert_eq!(tenant.written(), [second]);
}

#[test]
fn nothing_of_a_tenant_that_is_gone_is_left() {
    let tenant = tenant(46);
    let mut written = Vec::new();
    for _ in 0..130 {
        tenant.kill_one();
        tenant.head();
        written.extend(tenant.written());
        tenant.book.pass(1_000);
    }
    assert_eq!(written.len(), 130);
    // One that is named and not written, one that was let go long ago.
    tenant.kill_one();
    tenant.head();
    tenant.destroy();
    let mut deleted = Vec::new();
    for act in tenant.states() {
        match act {
            KvAct::StateDeleted { sequence } => deleted.push(sequence),
            other => panic!("{other:?}"),
        }
    }
    deleted.sort_unstable();
    assert_eq!(deleted, written);
    assert_eq!(tenant.book.next_due().unwrap(), None);
    assert!(tenant.book.ask(Call::Head).is_err());
}

#[test]
fn what_was_on_its_way_to_kv_when_the_tenant_was_destroyed_is_deleted_too() {
    for arrives in [true, false] {
        let tenant = tenant(47);
        let sequence = tenant.head().sequence();
        let registry = tenant.book.registry();
        let copies = registry.due_state_copies(tenant.book.now()).unwrap();
        let [copy @ StateCopy::Write { .. }] = copies.as_slice() else { panic!("{copies:?}") };
        tenant.destroy();
        if arrives {
            registry.state_copied(copy).unwrap();
        } else {
            registry.state_copy_failed(copy, tenant.book.now()).unwrap();
            tenant.book.pass(1_000);
        }
        assert_eq!(tenant.states(), [KvAct::StateDeleted { sequence }]);
        assert_eq!(tenant.book.next_due().unwrap(), None);
    }
}

#[test]
fn a_deletion_that_kv_refuses_is_tried_again() {
    let tenant = tenant(48);
    let sequence = tenant.head().sequence();
    assert_eq!(tenant.written(), [sequence]);
    tenant.destroy();
    let registry = tenant.book.registry();
    let copies = registry.due_state_copies(tenant.book.now()).unwrap();
    registry.state_copy_failed(copies.first().unwrap(), tenant.book.now()).unwrap();
    assert!(tenant.states().is_empty());
    assert_eq!(tenant.book.next_due().unwrap().map(|due| due.0), Some(tenant.book.now().0 + 1_000));
    tenant.book.pass(1_000);
    assert_eq!(tenant.states(), [KvAct::StateDeleted { sequence }]);
}

#[test]
fn a_clock_that_steps_back_holds_no_copy_up() {
    let tenant = tenant(49);
    tenant.kill_one();
    let head = tenant.head();
    tenant.book.set_now(tenant.book.now().0 - 3_600_000);
    let copies = tenant.book.registry().due_state_copies(tenant.book.now()).unwrap();
    assert_eq!(
        copies.iter().map(|copy| copy.name().sequence).collect::<Vec<_>>(),
        [head.sequence()]
    );
    let [StateCopy::Write { bytes, .. }] = copies.as_slice() else { panic!("{copies:?}") };
    assert_eq!(State::parse(bytes).unwrap().digest(), head.state_digest());
    let state: Result<_, RegistryError> = ListReader::state(&tenant.book, &head);
    assert_eq!(state.unwrap().digest(), head.state_digest());
}
