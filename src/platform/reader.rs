//! Whether anybody still reads what this process prints.

use std::io;

/// The reader of the standard output, where that is a pipe or the like.
#[derive(Debug)]
pub struct Reader {
    #[cfg(unix)]
    pipe: Option<tokio::net::unix::pipe::Sender>,
}

impl Reader {
    /// Watches who reads the standard output. Must be called within a tokio runtime.
    #[cfg(unix)]
    pub fn of_stdout() -> io::Result<Self> {
        use std::os::fd::AsFd;

        use tokio::net::unix::pipe::Sender;

        let output = io::stdout().as_fd().try_clone_to_owned()?;
        // Unchecked: a terminal or a socket will do, and the output must not become non-blocking. A
        // file cannot be watched, and has no reader that could leave.
        Ok(Self { pipe: Sender::from_owned_fd_unchecked(output).ok() })
    }

    /// Waits until nobody reads any more. Safe to drop and call again.
    #[cfg(unix)]
    pub async fn gone(&self) {
        let gone = match &self.pipe {
            Some(pipe) => pipe.ready(tokio::io::Interest::ERROR).await.is_ok(),
            None => false,
        };
        if !gone {
            std::future::pending::<()>().await;
        }
    }

    /// This system does not tell: the next line that is printed will.
    #[cfg(not(unix))]
    pub fn of_stdout() -> io::Result<Self> {
        Ok(Self {})
    }

    /// Waits for ever.
    #[cfg(not(unix))]
    pub async fn gone(&self) {
        std::future::pending::<()>().await;
    }
}
