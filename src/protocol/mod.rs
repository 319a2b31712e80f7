//! Placeholder, replaced as the house is built.
