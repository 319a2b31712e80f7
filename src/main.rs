//! The `conclave` program: one binary for certificates, server and clients.

fn main() -> std::process::ExitCode {
    conclave::cli::main()
}
