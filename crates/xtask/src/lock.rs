//! One checkout runs one worker.
//!
//! The local state is SQLite that believes it has one writer. A second worker on it, on whichever port, would lose
//! what the first one wrote, or take back what it had answered.

use std::{
    fs::{File, OpenOptions, TryLockError},
    os::unix::fs::OpenOptionsExt,
    path::Path,
    process::Stdio,
};

use anyhow::{Context, Result, bail};

/// The right to run a worker on a checkout's state, until this and all that [`Lock::lend`] gave are closed.
///
/// The kernel keeps it: what a killed process held is free again, and the file itself may stay.
pub(crate) struct Lock(File);

impl Lock {
    /// Takes it, or says in one sentence why that cannot be.
    pub(crate) fn take(folder: &Path) -> Result<Self> {
        let path = folder.join("lock");
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).mode(0o600);
        let file =
            options.open(&path).with_context(|| format!("cannot open {}", path.display()))?;
        match file.try_lock() {
            Ok(()) => Ok(Self(file)),
            Err(TryLockError::WouldBlock) => bail!(
                "`cargo xtask dev` runs in this checkout already, and one checkout runs one worker, since its state \
                 has one writer: end the other one, or clone the repository a second time"
            ),
            Err(TryLockError::Error(error)) => {
                Err(error).with_context(|| format!("cannot lock {}", path.display()))
            }
        }
    }

    /// An empty standard input for a child, which shares the lock: if we are killed and the child is not, its state
    /// has a writer still.
    pub(crate) fn lend(&self) -> Result<Stdio> {
        Ok(self.0.try_clone()?.into())
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn a_checkout_is_locked_once_at_a_time() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let _lock = Lock::take(folder.path())?;
        let refusal = Lock::take(folder.path()).err().context("a second one was given")?;
        assert!(refusal.to_string().contains("one checkout runs one worker"));
        Ok(())
    }

    #[test]
    fn a_child_that_outlives_us_keeps_it_and_then_it_is_free() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let lock = Lock::take(folder.path())?;
        let mut child = Command::new("sleep").arg("60").stdin(lock.lend()?).spawn()?;
        drop(lock);
        let while_it_lives = Lock::take(folder.path()).is_err();
        child.kill()?;
        child.wait()?;
        assert!(while_it_lives);
        Lock::take(folder.path())?;
        Ok(())
    }
}
