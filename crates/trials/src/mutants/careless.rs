//! Verifiers that make one mistake each: the same mutants must get past every one of them, and the judge of
//! mutants must call each of those a forgery.

use base64::Engine as _;
use base64::engine::GeneralPurpose;
use wardkey::{Base, Reason, SigningKey, TAG_LEN};

use super::pool::Pool;
use crate::issuer::tag_after;
use crate::spelling::{self, LENIENT, prefix_len};

/// What a careless verifier forgets.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Mistake {
    AllButTheFirstByteOfTheTag,
    Blocks,
    Prefix,
    Checksum,
    OneSpelling,
    Epoch,
}

impl Mistake {
    pub(super) const ALL: [Self; 6] = [
        Self::AllButTheFirstByteOfTheTag,
        Self::Blocks,
        Self::Prefix,
        Self::Checksum,
        Self::OneSpelling,
        Self::Epoch,
    ];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::AllButTheFirstByteOfTheTag => {
                "a verifier compares the first byte of the tag only"
            }
            Self::Blocks => "a verifier leaves the blocks out of the tag",
            Self::Prefix => "a verifier forgets to compare the prefix",
            Self::Checksum => "a verifier forgets the checksum",
            Self::OneSpelling => "a verifier decodes leniently",
            Self::Epoch => "a verifier tries every signing key that it has",
        }
    }

    /// Those that might let pass what was refused for this reason.
    pub(super) const fn for_reason(reason: Reason) -> &'static [Self] {
        match reason {
            Reason::BadTag => &[Self::AllButTheFirstByteOfTheTag, Self::Blocks, Self::Epoch],
            Reason::PrefixMismatch => &[Self::Prefix],
            Reason::BadChecksum => &[Self::Checksum],
            Reason::Malformed => &[Self::OneSpelling],
            _ => &[],
        }
    }

    /// Whether a verifier with this mistake finds the text authentic.
    pub(super) fn accepts(self, text: &str, pool: &Pool) -> bool {
        self.accepted(text, pool).is_some()
    }

    fn accepted(self, text: &str, pool: &Pool) -> Option<()> {
        let lenient = self == Self::OneSpelling;
        let cleaned: String;
        let text = if lenient {
            cleaned = text.chars().filter(|character| !character.is_whitespace()).collect();
            &cleaned
        } else {
            text
        };
        let (prefix, encoded) = text.split_at_checked(prefix_len(text)?)?;
        let engine = if lenient { &LENIENT } else { &STRICT };
        let payload = if lenient {
            engine.decode(encoded.replace('+', "-").replace('/', "_").trim_end_matches('='))
        } else {
            engine.decode(encoded)
        };
        let payload = payload.ok()?;
        let (checked, checksum) = payload.split_last_chunk::<4>()?;
        let mut again = checked.to_vec();
        spelling::push_checksum(prefix.as_bytes(), &mut again);
        if self != Self::Checksum && !again.ends_with(checksum) {
            return None;
        }
        let (signed, tag) = checked.split_last_chunk::<TAG_LEN>()?;
        let (base, base_len) = Base::decode(signed).ok()?;
        let (base_bytes, blocks) = signed.split_at_checked(base_len)?;
        let issuer = &pool.world.issuer;
        let named = |signer| self == Self::Epoch || issuer.id(signer) == base.signing_key;
        issuer.signers.iter().filter(|signer| named(signer)).find_map(|signer| {
            let any_prefix = matches!(self, Self::Prefix | Self::Epoch);
            let right_prefix = any_prefix || signer.prefix.as_str() == prefix;
            let made = *SigningKey::new(&signer.secret).tag(base_bytes).secret_bytes();
            let made = if self == Self::Blocks { made } else { last_of_chain(made, blocks)? };
            let counted = if self == Self::AllButTheFirstByteOfTheTag { 1 } else { TAG_LEN };
            let same = made.iter().zip(tag).take(counted).all(|(made, given)| made == given);
            (right_prefix && same).then_some(())
        })
    }
}

fn last_of_chain(first: [u8; TAG_LEN], blocks: &[u8]) -> Option<[u8; TAG_LEN]> {
    let (mut tag, mut rest) = (first, blocks);
    while let [_, len, ..] = rest {
        let (block, behind) = rest.split_at_checked(2 + usize::from(*len))?;
        tag = tag_after(&tag, block);
        rest = behind;
    }
    rest.is_empty().then_some(tag)
}

const STRICT: GeneralPurpose = base64::engine::general_purpose::URL_SAFE_NO_PAD;
