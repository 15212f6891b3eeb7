//! Who could have written a text that the verifier found authentic: by its bytes, not by how it was made.

use wardkey::TAG_LEN;

use super::pool::{GoodKey, Pool, unspelt};
use crate::issuer::tag_after;
use crate::model::{Left, Said};
use crate::spelling;

/// Where an authentic text comes from.
pub(super) enum Provenance {
    /// It is a good key itself.
    Good(Said),
    /// A holder of a good key appended blocks to it, as anybody may, each under its right tag.
    Narrowed(Said),
    /// None of these: nobody could have written it who does not hold the signing key, or it is spelled
    /// in a way in which nobody may write it.
    Forged,
}

impl Provenance {
    pub(super) fn of(text: &str, pool: &Pool) -> Self {
        match pool.own(text) {
            Some(key) => Self::Good(key.said.clone()),
            None => narrowed(text, pool).map_or(Self::Forged, Self::Narrowed),
        }
    }

    /// What it may still do, or the word for why not.
    pub(super) fn left(&self, pool: &Pool) -> Result<Left, &'static str> {
        match self {
            Self::Forged => Err("forged"),
            Self::Good(said) | Self::Narrowed(said) => {
                let asked = pool.asked();
                said.untimely(None, &asked).map_or_else(|| said.left(None, &asked), Err)
            }
        }
    }
}

/// What the text says, if it is a good key with known blocks appended and nothing else.
fn narrowed(text: &str, pool: &Pool) -> Option<Said> {
    let (prefix, payload) = unspelt(text)?;
    let (checked, _) = payload.split_last_chunk::<4>()?;
    let (signed, tag) = checked.split_last_chunk::<TAG_LEN>()?;
    // One spelling: what is written from those bytes again.
    let (mut again, mut text_again) = (checked.to_vec(), vec![]);
    spelling::push_checksum(&prefix, &mut again);
    spelling::write_text(&prefix, &again, &mut text_again);
    if text_again != text.as_bytes() || text.len() > MAX_LEN {
        return None;
    }
    let own = pool.keys.iter().take(pool.own).filter(|key| key.prefix == prefix);
    own.filter_map(|key| appended(key, signed, tag, pool)).next()
}

fn appended(key: &GoodKey, signed: &[u8], tag: &[u8; TAG_LEN], pool: &Pool) -> Option<Said> {
    let (before, chain) = key.payload.split_last_chunk::<TAG_LEN>()?;
    let mut chain = *chain;
    let mut rest = signed.strip_prefix(before)?;
    let mut said = key.said.clone();
    while let [_, len, ..] = rest {
        let (block, behind) = rest.split_at_checked(2 + usize::from(*len))?;
        let (_, parts) = pool.blocks.iter().find(|(known, _)| known == block)?;
        said.holders.push(parts.clone());
        chain = tag_after(&chain, block);
        rest = behind;
    }
    (rest.is_empty()
        && said.holders.len() <= MAX_BLOCKS
        && chain == *tag
        && said.holders.len() > key.said.holders.len())
    .then_some(said)
}

/// Of a key, in blocks and in characters (FORMAT.md sections 2 and 2.4).
const MAX_BLOCKS: usize = 4;
const MAX_LEN: usize = 512;
