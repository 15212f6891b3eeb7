use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::sync::Mutex;

use serde_json::Value;
use wardkey_vectors::artefact;

use super::lists::{BASE_FOR, mark_of};
use super::*;
use crate::knowledge::Mark;
use crate::limits::Limits;

/// A registry that gives what it is told to.
struct Fake {
    url: String,
    given: Arc<Mutex<Given>>,
}

#[derive(Default)]
struct Given {
    key_set: Vec<u8>,
    head: Vec<u8>,
    state: Vec<u8>,
    /// How often a state was asked for.
    states: usize,
}

impl Fake {
    fn of(key_set: Vec<u8>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let given = Arc::new(Mutex::new(Given { key_set, ..Given::default() }));
        let kept = Arc::clone(&given);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let lines = BufReader::new(&stream).lines().map_while(Result::ok);
                let request: Vec<_> = lines.take_while(|line| !line.is_empty()).collect();
                let mut given = kept.lock().unwrap();
                let body = if request[0].contains("/head ") {
                    given.head.clone()
                } else if request[0].contains("/state/") {
                    given.states += 1;
                    given.state.clone()
                } else {
                    given.key_set.clone()
                };
                let length = body.len();
                let front = "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length";
                write!(stream, "{front}: {length}\r\n\r\n").unwrap();
                stream.write_all(&body).unwrap();
            }
        });
        Self { url, given }
    }

    /// Gives the same key set with another version, or of another audience.
    fn change(&self, place: usize, byte: u8) {
        self.given.lock().unwrap().key_set[place] = byte;
    }

    fn give(&self, head: &[u8], state: &[u8]) {
        let mut given = self.given.lock().unwrap();
        (given.head, given.state) = (head.to_vec(), state.to_vec());
    }

    fn states(&self) -> usize {
        self.given.lock().unwrap().states
    }

    /// A keeper that asks it, in the vectors' time.
    fn keeper(&self) -> (Keeper, Arc<Knowledge>) {
        let bytes = artefact("wardkey.verifying.component.wasm", "component");
        let component = Component::compile(&bytes, Limits::DEFAULT).unwrap();
        let client = RegistryClient::new(&self.url, "wkadmin", None).unwrap();
        let knowledge = Arc::new(Knowledge::default());
        let mut keeper =
            Keeper::new(component, client, Arc::clone(&knowledge), 1 << 20, Vec::new());
        keeper.clock = || 1_800_000_000_001;
        (keeper, knowledge)
    }
}

/// The list in force of a case, and its first head, each with a state.
fn lists_of(name: &str) -> (Value, [Vec<u8>; 2], [Vec<u8>; 2]) {
    let all = wardkey_vectors::cases("adopt");
    let case = all.into_iter().find(|each| each.name == name).unwrap().case;
    let list = |stated: &Value| {
        ["head", "state"].map(|part| {
            let given = &stated[part];
            if given.is_null() { Vec::new() } else { wardkey_vectors::bytes(given) }
        })
    };
    let (first, second) = (list(&case["in_force"]), list(&case["heads"][0]));
    (case, first, second)
}

fn spend(keeper: &Keeper) {
    let cut = keeper.judged(|judge| {
        judge.set_limits(Limits { call: 10, byte: 0, ..Limits::DEFAULT });
        judge.key_set()
    });
    assert!(cut.is_err() && keeper.judge.borrow().is_none());
}

#[tokio::test]
async fn a_thread_that_cannot_reach_the_newest_list_has_its_state_brought() {
    let (case, [head, state], [head2, state2]) = lists_of("a newer head and its state");
    let registry = Fake::of(wardkey_vectors::bytes(&case["key_set"]));
    let (keeper, knowledge) = registry.keeper();
    keeper.renew().await.unwrap();
    registry.give(&head, &state);
    keeper.refresh().await.unwrap();
    assert_eq!(registry.states(), 1);
    keeper.refresh().await.unwrap();
    assert_eq!(registry.states(), 1, "nobody wants it");
    registry.give(&head2, &state2);
    keeper.refresh().await.unwrap();
    assert_eq!(registry.states(), 2);
    // A state that does not belong to the head helps nobody.
    registry.give(&head2, &state);
    knowledge.want_state();
    assert!(matches!(keeper.refresh().await, Err(RefreshError::NoBase)));
    assert!(knowledge.wants_state());
    assert_eq!(*knowledge.newest().base.unwrap(), (head2.clone(), state2.clone()));
    registry.give(&head2, &state2);
    keeper.refresh().await.unwrap();
    assert!(!knowledge.wants_state());
    assert_eq!(registry.states(), 4);
    // An older list is told to nobody, even where the judge has just been made.
    spend(&keeper);
    registry.give(&head, &state);
    assert!(keeper.refresh().await.is_err());
    assert_eq!(knowledge.newest().newest_list, mark_of(&head2));
    assert!(matches!(keeper.tell(&head, None, mark_of(&head2).unwrap()), Err(RefreshError::Older)));
}

#[tokio::test]
async fn whoever_wants_a_state_does_not_wait_for_the_next_refresh() {
    let (case, [head, state], _) = lists_of("a newer head and its state");
    let registry = Fake::of(wardkey_vectors::bytes(&case["key_set"]));
    let (keeper, knowledge) = registry.keeper();
    registry.give(&head, &state);
    keeper.begin().await.unwrap();
    let (asks, inbox) = requests();
    knowledge.want_state();
    asks.list_soon();
    tokio::select! {
        () = Rc::new(keeper).run(inbox) => {}
        () = sleep(Duration::from_secs(1)) => {}
    }
    assert_eq!((registry.states(), knowledge.wants_state()), (2, false));
}

#[tokio::test]
async fn a_judge_that_is_made_anew_has_the_newest_list_and_a_base_is_never_old() {
    let (case, [head, state], [head2, _]) = lists_of("the sequence in force: above");
    let registry = Fake::of(wardkey_vectors::bytes(&case["key_set"]));
    let (keeper, knowledge) = registry.keeper();
    keeper.renew().await.unwrap();
    registry.give(&head, &state);
    keeper.refresh().await.unwrap();
    registry.give(&head2, &state);
    keeper.refresh().await.unwrap();
    assert_eq!(registry.states(), 1, "it is the state in force");
    spend(&keeper);
    let in_force = keeper.judged(Instance::list).unwrap().map(Mark::from);
    assert_eq!(in_force, mark_of(&head2));
    keeper.base_at.set(Instant::now().checked_sub(BASE_FOR));
    keeper.refresh().await.unwrap();
    assert_eq!((registry.states(), &knowledge.newest().base.unwrap().0), (2, &head2));
}

#[tokio::test]
async fn a_judge_that_is_made_anew_takes_no_key_set_that_is_older_or_anothers() {
    let usual = wardkey_vectors::bytes(&wardkey_vectors::usual()["key_set"]);
    let (version, audience) = (usual[VERSION], usual[AUDIENCE]);
    let registry = Fake::of(usual);
    let (keeper, knowledge) = registry.keeper();
    let known = || knowledge.newest().key_set.map(|bytes| (bytes[VERSION], bytes[AUDIENCE]));
    registry.change(VERSION, version + 2);
    keeper.renew().await.unwrap();
    for (place, byte) in [(VERSION, version + 1), (AUDIENCE, audience + 1)] {
        spend(&keeper);
        registry.change(place, byte);
        assert!(keeper.renew().await.is_err(), "{byte} at {place}");
        assert_eq!(known(), Some((version + 2, audience)));
    }
    registry.change(AUDIENCE, audience);
    registry.change(VERSION, version + 3);
    spend(&keeper);
    keeper.renew().await.unwrap();
    assert_eq!(known(), Some((version + 3, audience)));
}

/// Where they stand in a key set (FORMAT.md, section 3).
const AUDIENCE: usize = 3;
const VERSION: usize = 7;
