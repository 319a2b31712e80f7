//! The process itself, under the names that Prometheus has for every program.

use crate::{platform::process, server::observe::text::Families};

pub(super) fn tell(families: &mut Families) {
    let version = env!("CARGO_PKG_VERSION");
    families.gauges(("conclave_build_info", "version"), "Which Conclave this is.", [(version, Some(1.0))]);
    families.gauge("process_start_time_seconds", "When the process began, since 1970.", process::started_s());
    if let Some(seconds) = process::cpu_seconds() {
        families.counter_of("process_cpu_seconds_total", "Processor time of all threads.", seconds);
    }
    let gauges = [
        ("process_resident_memory_bytes", "Memory in use.", process::resident_bytes()),
        ("process_open_fds", "Files that are open, connections included.", process::open_files()),
        ("process_max_fds", "Files that may be open.", process::most_files()),
    ];
    for (name, help, value) in gauges {
        if let Some(value) = value {
            families.gauge(name, help, value as f64);
        }
    }
}
