//! A reader that takes fields off the front of a byte string, and a writer that puts them into a
//! buffer. Neither ever panics.

/// What is left of the input.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reader<'a>(&'a [u8]);

/// The input ended inside a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooShort;

/// No number in its one spelling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum VarError {
    /// The input ended inside it.
    TooShort,
    /// It starts with an empty group, or is above u64.
    Spelling,
}

impl<'a> Reader<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(crate) const fn rest(&self) -> &'a [u8] {
        self.0
    }

    pub(crate) fn take(&mut self, len: usize) -> Result<&'a [u8], TooShort> {
        let (front, rest) = self.0.split_at_checked(len).ok_or(TooShort)?;
        self.0 = rest;
        Ok(front)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], TooShort> {
        let (front, rest) = self.0.split_first_chunk::<N>().ok_or(TooShort)?;
        self.0 = rest;
        Ok(*front)
    }

    pub(crate) fn u8(&mut self) -> Result<u8, TooShort> {
        Ok(u8::from_be_bytes(self.array()?))
    }

    pub(crate) fn u16(&mut self) -> Result<u16, TooShort> {
        Ok(u16::from_be_bytes(self.array()?))
    }

    pub(crate) fn u32(&mut self) -> Result<u32, TooShort> {
        Ok(u32::from_be_bytes(self.array()?))
    }

    pub(crate) fn u64(&mut self) -> Result<u64, TooShort> {
        Ok(u64::from_be_bytes(self.array()?))
    }

    /// A number in groups of 7 bits, most significant first, bit 7 set in all bytes but the last.
    pub(crate) fn var(&mut self) -> Result<u64, VarError> {
        let mut value = 0_u64;
        loop {
            let byte = self.u8().map_err(|TooShort| VarError::TooShort)?;
            if value > u64::MAX >> 7 || (value == 0 && byte == 0x80) {
                return Err(VarError::Spelling);
            }
            value = value << 7 | u64::from(byte & 0x7f);
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
    }
}

/// A buffer that is filled from the front.
pub(crate) struct Writer<'a> {
    buffer: &'a mut [u8],
    len: usize,
}

/// The buffer is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Full;

impl<'a> Writer<'a> {
    pub(crate) const fn new(buffer: &'a mut [u8]) -> Self {
        Self { buffer, len: 0 }
    }

    /// How many bytes were written.
    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn put(&mut self, bytes: &[u8]) -> Result<(), Full> {
        let end = self.len + bytes.len();
        self.buffer.get_mut(self.len..end).ok_or(Full)?.copy_from_slice(bytes);
        self.len = end;
        Ok(())
    }

    /// Writes bytes behind their own length, as a u8.
    pub(crate) fn put_with_len(&mut self, bytes: &[u8]) -> Result<(), Full> {
        self.put(&[u8::try_from(bytes.len()).map_err(|_| Full)?])?;
        self.put(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_in_groups_has_one_spelling() {
        let cases: [(&[u8], Result<u64, VarError>); 12] = [
            (&[0], Ok(0)),
            (&[0x7f], Ok(127)),
            (&[0x81, 0], Ok(128)),
            (&[0xff, 0x7f], Ok(16_383)),
            (&[0x81, 0x80, 0], Ok(16_384)),
            (&[0x81, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f], Ok(u64::MAX)),
            (&[0x82, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0], Err(VarError::Spelling)),
            (&[0x80, 0], Err(VarError::Spelling)),
            (&[0x80], Err(VarError::Spelling)),
            (&[], Err(VarError::TooShort)),
            (&[0x81], Err(VarError::TooShort)),
            (&[0x81, 0x80], Err(VarError::TooShort)),
        ];
        for (bytes, expected) in cases {
            assert_eq!(Reader::new(bytes).var(), expected, "{bytes:x?}");
        }
        let mut reader = Reader::new(&[0x81, 0, 5]);
        assert_eq!((reader.var(), reader.var(), reader.rest()), (Ok(128), Ok(5), [].as_slice()));
    }

    #[test]
    fn a_writer_writes_no_further_than_its_buffer() {
        let mut buffer = [0; 4];
        let mut writer = Writer::new(&mut buffer);
        assert_eq!(writer.put_with_len(&[7, 8]), Ok(()));
        assert_eq!(writer.put(&[1, 2]), Err(Full));
        assert_eq!(writer.put(&[1]), Ok(()));
        assert_eq!(writer.len(), 4);
        assert_eq!(buffer, [2, 7, 8, 1]);
        assert_eq!(Writer::new(&mut [0; 300]).put_with_len(&[0; 256]), Err(Full));
        assert_eq!(Writer::new(&mut [0; 300]).put_with_len(&[0; 255]), Ok(()));
    }
}
