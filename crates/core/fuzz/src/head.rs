//! A head of the revocation list, from its bytes to what it makes of a key.

use wardkey::{Adoption, HeadError, List, State, UnixMillis, UnverifiedHead};

use crate::head_form::HeadForm;
use crate::input::Input;
use crate::judgement;
use crate::world::{AUDIENCE, STATE, TENANT, list_key, signed, world};

/// Judges one input: bytes that nobody is known to have signed, or a body with the tags that its
/// registry would give it. Tells how far it got.
///
/// # Panics
/// On a head that is read and has another spelling, one that is taken though it is forged, or one that
/// does not do what it says.
pub fn run(data: &[u8]) -> &'static str {
    let mut input = Input::new(data);
    match input.u8() % 2 {
        0 => unsigned(input.rest()),
        _ => {
            // So that a head which names a state is one step and not a search for a digest.
            let names_the_state = input.u8() & 1 == 1;
            let mut body = input.rest().to_vec();
            if let (true, Some(digest)) = (names_the_state, body.get_mut(11..43)) {
                digest.copy_from_slice(&STATE.digest());
            }
            of_the_registry(&body)
        }
    }
}

fn unsigned(bytes: &[u8]) -> &'static str {
    let head = UnverifiedHead::parse(bytes);
    let sound = words_of(bytes);
    assert_eq!(head.is_ok(), sound.is_some(), "{:?}", head.err());
    let (Ok(head), Some((form, body))) = (head, sound) else { return "no_head" };
    assert!(head.authenticate(&world().stranger).is_err(), "forged");
    match head.authenticate(&world().key_set) {
        Ok(_) => {
            // It may be a head that this world did sign: a seed is. Then its tag shows that.
            let place = form.audiences.iter().position(|entry| entry.number == AUDIENCE);
            let tag = &bytes[body.len() + 16 * place.expect("it is named")..][..16];
            assert_eq!(tag, list_key(AUDIENCE).tag(body).secret_bytes());
            "authentic"
        }
        Err(HeadError::Tenant) => {
            assert_ne!(form.tenant, TENANT);
            "tenant"
        }
        Err(HeadError::Audience) => {
            assert!(form.audiences.iter().all(|entry| entry.number != AUDIENCE));
            "audience"
        }
        Err(error) => {
            assert_eq!(error, HeadError::Tag);
            "tag"
        }
    }
}

/// The words of a head and its body, if it keeps every rule: also that, written again, it is the same
/// bytes.
pub(crate) fn words_of(bytes: &[u8]) -> Option<(HeadForm, &[u8])> {
    let (form, body_len) = HeadForm::read(bytes);
    let (body, tags) = bytes.split_at(body_len);
    let fits = tags.len() == form.audiences.len() * 16 && bytes.len() <= 4096;
    (fits && form.is_sound() && form.write() == body).then_some((form, body))
}

fn of_the_registry(body: &[u8]) -> &'static str {
    let bytes = signed(body);
    let head = UnverifiedHead::parse(&bytes);
    let sound = words_of(&bytes);
    assert_eq!(head.is_ok(), sound.is_some(), "{:?}", head.err());
    let (Ok(head), Some((form, read))) = (head, sound) else { return "no_head" };
    assert_eq!(read, body);
    let ours = form.audiences.iter().find(|entry| entry.number == AUDIENCE);
    let Ok(head) = head.authenticate(&world().key_set) else {
        assert!(form.tenant != TENANT || ours.is_none(), "the tag is right");
        return "not_ours";
    };
    let ours = ours.expect("it is named");
    let said = head.head();
    assert_eq!((said.sequence(), said.state_digest()), (form.sequence, form.digest));
    assert_eq!((said.issued_at().0, said.not_after().0), (form.issued_at, form.not_after));
    assert_eq!((said.current_key_set(), said.least_key_set()), (ours.current, ours.least));
    no_bit_is_spare(&bytes, read.len(), &form);

    let now = UnixMillis(form.issued_at);
    let bounds = world().key_set.bounds();
    let mut list = None;
    let adopted = List::adopt(&mut list, &head, State::parse(&STATE.write()).ok(), now, bounds);
    if form.digest != STATE.digest() {
        assert!(adopted.is_err() && list.is_none());
        return "other_state";
    }
    assert_eq!(adopted, Ok(Adoption::Adopted));
    judgement::holds(list.as_ref(), &form, STATE, &[799, 800, 801, 802, 809, 815, 816])
}

/// Turns a few bits over: none of them, and none of the tag's, goes unnoticed.
fn no_bit_is_spare(bytes: &[u8], body_len: usize, form: &HeadForm) {
    let place = form.audiences.iter().position(|entry| entry.number == AUDIENCE);
    let tag = body_len + 16 * place.expect("it is named");
    // Which bits, the sequence says: it is the fuzzer's to choose.
    let chosen = usize::try_from(form.sequence % (body_len as u64 * 8)).expect("64 bits");
    for bit in [chosen, tag * 8 + chosen % 128] {
        let mut changed = bytes.to_vec();
        changed[bit / 8] ^= 1 << (bit % 8);
        let taken =
            UnverifiedHead::parse(&changed).and_then(|head| head.authenticate(&world().key_set));
        assert!(taken.is_err(), "bit {bit}");
    }
}
