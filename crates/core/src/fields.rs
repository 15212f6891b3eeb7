//! The fields of constraints and blocks: type u8 · length u8 · value, types ascending, none twice.

use crate::bytes::{Full, Reader, TooShort, Writer};
use crate::networks::NetworksView;
use crate::scope::ScopesView;
use crate::time::UnixSeconds;

/// What fields can say. Each takes something away, none gives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Fields<'b> {
    pub(crate) scopes: Option<ScopesView<'b>>,
    pub(crate) expires_at: Option<UnixSeconds>,
    pub(crate) not_before: Option<UnixSeconds>,
    pub(crate) networks: Option<NetworksView<'b>>,
}

impl<'b> Fields<'b> {
    /// Reads fields that fill `bytes` exactly; `None` for every spelling but the one, and for none at all.
    pub(crate) fn decode(bytes: &'b [u8]) -> Option<Self> {
        let mut fields = Self::default();
        let mut reader = Reader::new(bytes);
        let mut last = 0;
        while !reader.rest().is_empty() {
            let (number, value) = split(&mut reader).ok()?;
            if number <= last {
                return None;
            }
            last = number;
            match number {
                SCOPES => fields.scopes = Some(ScopesView::from_bytes(value).ok()?),
                EXPIRES_AT => fields.expires_at = Some(second(value)?),
                NOT_BEFORE => fields.not_before = Some(second(value)?),
                NETWORKS => fields.networks = Some(NetworksView::from_bytes(value)?),
                _ => return None,
            }
        }
        (last != 0).then_some(fields)
    }

    /// Writes what [`Fields::decode`] reads; nothing if they say nothing.
    pub(crate) fn encode(&self, writer: &mut Writer<'_>) -> Result<(), Full> {
        if let Some(scopes) = &self.scopes {
            writer.put(&[SCOPES])?;
            writer.put_with_len(scopes.as_bytes())?;
        }
        for (number, second) in [(EXPIRES_AT, self.expires_at), (NOT_BEFORE, self.not_before)] {
            if let Some(UnixSeconds(second)) = second {
                writer.put(&[number])?;
                writer.put_with_len(&second.to_be_bytes())?;
            }
        }
        if let Some(networks) = &self.networks {
            writer.put(&[NETWORKS])?;
            writer.put_with_len(networks.as_bytes())?;
        }
        Ok(())
    }
}

fn split<'a>(reader: &mut Reader<'a>) -> Result<(u8, &'a [u8]), TooShort> {
    let (number, len) = (reader.u8()?, reader.u8()?);
    Ok((number, reader.take(usize::from(len))?))
}

fn second(value: &[u8]) -> Option<UnixSeconds> {
    value.try_into().ok().map(|four| UnixSeconds(u32::from_be_bytes(four)))
}

const SCOPES: u8 = 1;
const EXPIRES_AT: u8 = 2;
const NOT_BEFORE: u8 = 3;
const NETWORKS: u8 = 4;

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(fields: &Fields<'_>) -> ([u8; 256], usize) {
        let mut buffer = [0; 256];
        let mut writer = Writer::new(&mut buffer);
        fields.encode(&mut writer).expect("room");
        let len = writer.len();
        (buffer, len)
    }

    #[test]
    fn fields_are_read_as_they_were_written() {
        let networks = crate::networks::Networks::new(["10.0.0.0/8".parse().expect("a network")])
            .expect("a set");
        let all = Fields {
            scopes: ScopesView::from_bytes(&[1, 2]).ok(),
            expires_at: Some(UnixSeconds(5)),
            not_before: Some(UnixSeconds(u32::MAX)),
            networks: Some(networks.view()),
        };
        let (buffer, len) = encoded(&all);
        let expected =
            [1, 2, 1, 2, 2, 4, 0, 0, 0, 5, 3, 4, 255, 255, 255, 255, 4, 6, 4, 8, 10, 0, 0, 0];
        assert_eq!(buffer[..len], expected);
        assert_eq!(Fields::decode(&expected), Some(all));
        for one in [
            Fields { scopes: all.scopes, ..Fields::default() },
            Fields { expires_at: all.expires_at, ..Fields::default() },
            Fields { not_before: all.not_before, ..Fields::default() },
            Fields { networks: all.networks, ..Fields::default() },
        ] {
            let (buffer, len) = encoded(&one);
            assert_eq!(Fields::decode(&buffer[..len]), Some(one));
        }
        assert_eq!(encoded(&Fields::default()).1, 0);
    }

    #[test]
    fn fields_of_another_spelling_are_none() {
        for bad in [
            &[][..],
            &[2],
            &[2, 4],
            &[2, 4, 0, 0, 0],
            &[2, 3, 0, 0, 0],
            &[2, 5, 0, 0, 0, 0, 0],
            &[0, 0],
            &[5, 0],
            &[0x80, 0],
            &[1, 0],
            &[1, 1, 0],
            &[1, 2, 1, 0],
            &[4, 0],
            &[3, 4, 0, 0, 0, 0, 2, 4, 0, 0, 0, 0],
            &[2, 4, 0, 0, 0, 0, 2, 4, 0, 0, 0, 0],
            &[2, 4, 0, 0, 0, 0, 0],
        ] {
            assert_eq!(Fields::decode(bad), None, "{bad:?}");
        }
        assert!(Fields::decode(&[2, 4, 0, 0, 0, 0, 3, 4, 0, 0, 0, 0]).is_some());
    }
}
