//! Values as the canonical ABI lays them out: its records are C's, its variants are C's with a byte in front.
#![expect(unsafe_code, reason = "lists are handed over as addresses and lengths")]

use core::slice;

/// A list or text that the host handed in, for as long as the call.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct Given<T> {
    start: *const T,
    len: usize,
}

impl<T> Given<T> {
    /// # Safety
    /// The host handed both in as one list of the call that is at work.
    pub(crate) const unsafe fn new(start: *const T, len: usize) -> Self {
        Self { start, len }
    }

    pub(crate) const fn get(&self) -> &[T] {
        if self.len == 0 {
            return &[];
        }
        // SAFETY: the host has written it there, by the list's type, before it made the call.
        unsafe { slice::from_raw_parts(self.start, self.len) }
    }
}

/// A list or text for the host, which reads it before the next call.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct Told<T> {
    start: *const T,
    len: usize,
}

impl<T> Told<T> {
    /// One in static memory: the host reads it after the borrow has ended.
    pub(crate) const fn new(items: &[T]) -> Self {
        Self { start: items.as_ptr(), len: items.len() }
    }
}

/// WIT's option.
#[cfg(any(feature = "verifying", feature = "holding"))]
#[repr(C, u8)]
#[derive(Clone, Copy)]
pub(crate) enum Maybe<T> {
    None,
    Some(T),
}

#[cfg(any(feature = "verifying", feature = "holding"))]
impl<T> From<Option<T>> for Maybe<T> {
    fn from(option: Option<T>) -> Self {
        option.map_or(Self::None, Self::Some)
    }
}

/// WIT's result.
#[repr(C, u8)]
pub(crate) enum Outcome<T, E> {
    Ok(T),
    Err(E),
}

impl<T, E> From<Result<T, E>> for Outcome<T, E> {
    fn from(result: Result<T, E>) -> Self {
        match result {
            Ok(done) => Self::Ok(done),
            Err(error) => Self::Err(error),
        }
    }
}
