//! What a person sees and types: screens for the chat client.
//!
//! Everything that somebody else wrote is made safe for the terminal here, at the last moment.

mod editor;
mod render;
mod stdio;
mod terminal;
mod wrap;

pub use render::Renderer;
pub use stdio::{Stdio, read_lines};
pub use terminal::Terminal;
