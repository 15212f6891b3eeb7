//! Rows as people read them.

use serde_json::Value;

use super::goals::Goal;

/// One line a row, under the name of what it ran in.
pub(crate) fn table(title: &str, rows: &[Value]) -> String {
    let mut lines = vec![["row", "ratio", "median", "minimum", "goal", "what"].map(str::to_owned)];
    lines.extend(rows.iter().map(line));
    let widths: Vec<usize> = (0..5)
        .map(|column| {
            let cells = lines.iter().filter_map(|cells| cells.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        })
        .collect();
    let mut text = format!("\n{title}\n");
    for [row, ratio, median, minimum, goal, what] in lines {
        let [w0, w1, w2, w3, w4] = [0, 1, 2, 3, 4].map(|n| widths.get(n).copied().unwrap_or(0));
        let line =
            format!("  {row:w0$}  {ratio:>w1$}  {median:>w2$}  {minimum:>w3$}  {goal:w4$}  {what}");
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

fn line(row: &Value) -> [String; 6] {
    let text = |name: &str| row[name].as_str().unwrap_or_default().to_owned();
    let id = text("id");
    let unit = text("unit");
    let value = |name: &str| {
        row[name].as_f64().map_or_else(String::new, |value| format!("{} {unit}", figure(value)))
    };
    let goal = Goal::of(&id).map_or_else(String::new, |goal| goal.words(row));
    let version = row["peer_version"].as_str();
    let what = match version {
        Some(version) => format!("{} [{version}]", text("what")),
        None => text("what"),
    };
    let ratio = row["ratio"].as_f64().map_or_else(String::new, |ratio| format!("{ratio:.2}"));
    [id, ratio, value("median"), value("minimum"), goal, what]
}

/// Three digits that count, with the thousands apart.
fn figure(value: f64) -> String {
    if value < 10.0 {
        return format!("{value:.2}");
    }
    if value < 100.0 {
        return format!("{value:.1}");
    }
    let digits: Vec<char> = format!("{value:.0}").chars().collect();
    let parts: Vec<String> = digits.rchunks(3).rev().map(|part| part.iter().collect()).collect();
    parts.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_row_is_a_line_in_columns() {
        let rows = [
            json!({ "id": "native.verify", "what": "all", "ratio": 0.7, "median": 1234.5, "minimum": 99.96, "unit": "ns" }),
            json!({ "id": "peer.x", "what": "x", "median": 9.0, "minimum": 8.0, "unit": "ms", "peer_version": "x 1.0.0" }),
        ];
        let found = table("title", &rows);
        assert!(found.contains("native.verify   0.70  1,234 ns"), "{found}");
        assert!(found.contains("≤ 0.75: met  all\n"), "{found}");
        assert!(found.contains("9.00 ms") && found.contains("x [x 1.0.0]\n"), "{found}");
    }
}
