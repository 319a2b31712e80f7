//! Limits that the operating system sets.

/// Raises the number of files that this process may hold open to what the system allows, since
/// every connection is one, and returns the number in force.
#[cfg(unix)]
pub fn raise_open_files() -> u64 {
    use rustix::process::{Resource, getrlimit, setrlimit};

    let mut limit = getrlimit(Resource::Nofile);
    if limit.current != limit.maximum {
        let before = limit.current;
        limit.current = limit.maximum;
        if setrlimit(Resource::Nofile, limit).is_err() {
            limit.current = before;
        }
    }
    // No limit at all is told as None.
    limit.current.unwrap_or(u64::MAX)
}

/// This system has no such limit.
#[cfg(not(unix))]
pub fn raise_open_files() -> u64 {
    u64::MAX
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn raising_twice_gives_the_same_limit() {
        let limit = raise_open_files();
        assert!(limit >= 64, "{limit}");
        assert_eq!(raise_open_files(), limit);
    }
}
