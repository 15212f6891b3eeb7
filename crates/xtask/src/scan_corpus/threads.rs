//! Work that is read by one and done by many.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, PoisonError, mpsc::sync_channel},
    thread,
};

use anyhow::{Context, Result, bail};

/// Hands what `read` sends to as many threads as there are cores, each of which does `work` on it.
///
/// # Errors
/// Of the work before those of reading: when nobody takes any more, reading fails for that reason alone.
pub(super) fn over<T: Send>(
    read: impl FnOnce(&(dyn Fn(T) -> Result<()> + Sync)) -> Result<()>,
    work: impl Fn(T) -> Result<()> + Sync,
) -> Result<()> {
    let (sender, receiver) = sync_channel::<T>(WAITING);
    // INVARIANT: only the threads hold it. When all have ended it is gone, and sending fails instead of waiting for ever.
    let receiver = Arc::new(Mutex::new(receiver));
    thread::scope(|scope| {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let threads: Vec<_> = (0..cores)
            .map(|_| {
                let (receiver, work) = (Arc::clone(&receiver), &work);
                scope.spawn(move || {
                    loop {
                        let next = receiver.lock().unwrap_or_else(PoisonError::into_inner).recv();
                        match next {
                            Ok(next) => work(next)?,
                            Err(_) => return Ok(()),
                        }
                    }
                })
            })
            .collect();
        drop(receiver);
        let read = read(&|next| sender.send(next).ok().context("nobody takes it any more"));
        drop(sender);
        // All of them before any is complained of: a panic that nobody joins would end this one, too.
        let ended: Vec<Result<()>> = threads
            .into_iter()
            .map(|thread| thread.join().unwrap_or_else(|_| bail!("a thread panicked")))
            .collect();
        ended.into_iter().collect::<Result<()>>()?;
        read
    })
}

/// A panic as an error, so that whoever called can say over what; its words are printed already.
pub(super) fn caught<T>(work: impl FnOnce() -> T) -> Result<T> {
    // What is half done is not looked at any more: the run fails.
    catch_unwind(AssertUnwindSafe(work)).ok().context("its words are above")
}

/// What may be read before it is taken.
const WAITING: usize = 64;

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    fn read_all(send: &(dyn Fn(u64) -> Result<()> + Sync)) -> Result<()> {
        (1..=1_000).try_for_each(send)
    }

    #[test]
    fn everything_that_is_read_is_worked_on() {
        let sum = AtomicU64::new(0);
        let work = |number| {
            sum.fetch_add(number, Ordering::Relaxed);
            Ok(())
        };
        over(read_all, work).unwrap();
        assert_eq!(sum.into_inner(), 500_500);
    }

    #[test]
    fn work_that_fails_or_panics_ends_it_with_an_error_and_does_not_hang() {
        let failing = over(read_all, |_| bail!("broken")).unwrap_err();
        assert_eq!(failing.to_string(), "broken");
        assert!(over(read_all, |_| panic!("on purpose")).is_err());
        let named = over(read_all, |number| {
            caught(|| assert_eq!(number, 0, "on purpose")).context("over one")
        });
        assert_eq!(named.unwrap_err().to_string(), "over one");
        let unread = over(|_| bail!("no disk"), |_: u64| Ok(())).unwrap_err();
        assert_eq!(unread.to_string(), "no disk");
    }
}
