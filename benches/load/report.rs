//! What was measured: a line for people, and one of JSON for programs.

use serde_json::{Map, Value};

use crate::workloads::Ground;

/// The figures of one workload on one server.
#[derive(Clone, Debug)]
pub(crate) struct Report {
    pub(crate) workload: String,
    pub(crate) server: &'static str,
    figures: Vec<Figure>,
}

#[derive(Clone, Debug)]
struct Figure {
    name: &'static str,
    value: f64,
    shown: Option<String>,
}

impl Report {
    pub(crate) fn new(workload: String, ground: &Ground<'_>) -> Self {
        let server = ground.kind.name();
        let caps = if ground.options.caps.is_empty() { "" } else { ", with capabilities" };
        Self { workload: workload + caps, server, figures: Vec::new() }
    }

    /// A figure that is shown, too.
    pub(crate) fn show(&mut self, name: &'static str, value: f64, shown: String) {
        self.figures.push(Figure { name, value, shown: Some(shown) });
    }

    /// A figure for programs.
    pub(crate) fn add(&mut self, name: &'static str, value: f64) {
        self.figures.push(Figure { name, value, shown: None });
    }

    /// A figure again.
    pub(crate) fn figure(&self, name: &str) -> f64 {
        self.figures.iter().find(|figure| figure.name == name).map_or(f64::NAN, |figure| figure.value)
    }

    /// What should not happen.
    pub(crate) fn faults(&mut self, lost: u64, reordered: u64) {
        self.show("lost", lost as f64, format!("lost {lost}"));
        self.show("reordered", reordered as f64, format!("reordered {reordered}"));
    }

    pub(crate) fn print(&self, json: bool) {
        if json {
            let mut line = Map::new();
            line.insert("workload".into(), self.workload.clone().into());
            line.insert("server".into(), self.server.into());
            for figure in &self.figures {
                let rounded = (figure.value * 1e4).round() / 1e4;
                line.insert(figure.name.into(), Value::from(rounded));
            }
            println!("{}", Value::Object(line));
        } else {
            let shown: Vec<&str> = self.figures.iter().filter_map(|figure| figure.shown.as_deref()).collect();
            println!("{:<44} {:<16} {}", self.workload, self.server, shown.join(", "));
        }
    }
}
