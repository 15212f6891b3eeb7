use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::sync::Mutex;

use wardkey_vectors::artefact;

use super::*;
use crate::limits::Limits;

/// A registry that gives a key set and nothing else.
struct KeySets {
    url: String,
    given: Arc<Mutex<Vec<u8>>>,
}

impl KeySets {
    fn of(key_set: Vec<u8>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let given = Arc::new(Mutex::new(key_set));
        let kept = Arc::clone(&given);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let lines = BufReader::new(&stream).lines().map_while(Result::ok);
                let _request = lines.take_while(|line| !line.is_empty()).count();
                let body = kept.lock().unwrap().clone();
                let length = body.len();
                write!(
                    stream,
                    "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n"
                )
                .unwrap();
                stream.write_all(&body).unwrap();
            }
        });
        Self { url, given }
    }

    /// Gives the same key set with another version, or of another audience.
    fn change(&self, place: usize, byte: u8) {
        self.given.lock().unwrap()[place] = byte;
    }
}

#[tokio::test]
async fn a_judge_that_is_made_anew_takes_no_key_set_that_is_older_or_anothers() {
    let bytes = artefact("wardkey.verifying.component.wasm", "component");
    let component = Component::compile(&bytes, Limits::DEFAULT).unwrap();
    let usual = wardkey_vectors::bytes(&wardkey_vectors::usual()["key_set"]);
    let (version, audience) = (usual[VERSION], usual[AUDIENCE]);
    let registry = KeySets::of(usual);
    let client = RegistryClient::new(&registry.url, "wkadmin", None).unwrap();
    let knowledge = Arc::new(Knowledge::default());
    let keeper = Keeper::new(component, client, Arc::clone(&knowledge), 1 << 20, Vec::new());
    let spend = || {
        let cut = keeper.judged(|judge| {
            judge.set_limits(Limits { call: 10, byte: 0, ..Limits::DEFAULT });
            judge.key_set()
        });
        assert!(cut.is_err() && keeper.judge.borrow().is_none());
    };
    let known = || knowledge.newest().key_set.map(|bytes| (bytes[VERSION], bytes[AUDIENCE]));
    registry.change(VERSION, version + 2);
    keeper.renew().await.unwrap();
    for (place, byte) in [(VERSION, version + 1), (AUDIENCE, audience + 1)] {
        spend();
        registry.change(place, byte);
        assert!(keeper.renew().await.is_err(), "{byte} at {place}");
        assert_eq!(known(), Some((version + 2, audience)));
    }
    registry.change(AUDIENCE, audience);
    registry.change(VERSION, version + 3);
    spend();
    keeper.renew().await.unwrap();
    assert_eq!(known(), Some((version + 3, audience)));
}

/// Where they stand in a key set (FORMAT.md, section 3).
const AUDIENCE: usize = 3;
const VERSION: usize = 7;
