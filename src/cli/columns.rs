//! Rows under each other, as a person reads them.

use unicode_width::UnicodeWidthStr as _;

/// A line for each row, each column as wide as its widest cell.
pub(super) fn columns<const N: usize>(rows: &[[String; N]]) -> String {
    let mut widths = [0; N];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.width().max(*width);
        }
    }
    let line = |row: &[String; N]| {
        let pad = |(cell, width): (&String, usize)| cell.clone() + &" ".repeat(width - cell.width());
        let cells: Vec<String> = row.iter().zip(widths).map(pad).collect();
        format!("{}\n", cells.join("  ").trim_end())
    };
    rows.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_column_is_as_wide_as_its_widest_cell() {
        let rows = [["#caf\u{e9}", "1"], ["#\u{4f1a}\u{8bae}", "20"], ["#x", ""]].map(|row| row.map(str::to_owned));
        assert_eq!(columns(&rows), "#caf\u{e9}  1\n#\u{4f1a}\u{8bae}  20\n#x\n");
    }
}
