//! A JSON value as tables that people read.
//!
//! What has the same members again and again becomes one table with a row for each; all other figures stand one below
//! the other, each behind the names that lead to it.

use std::fmt::Write as _;

use serde_json::{Map, Value};

/// Appends the tables of what one part found.
pub(super) fn write(text: &mut String, found: &Value) {
    let mut tables = Tables::default();
    tables.take("", found);
    tables.append_to(text);
}

#[derive(Default)]
struct Tables {
    /// Names and figures that have no table of their own.
    figures: Vec<[String; 2]>,
    /// Title and text.
    others: Vec<(String, String)>,
}

impl Tables {
    fn take(&mut self, path: &str, value: &Value) {
        let below = |name: &str| {
            if path.is_empty() { name.to_owned() } else { format!("{path} · {name}") }
        };
        if let Some(items) = named_items(value) {
            if let Some(grid) = grid(&items) {
                self.others.push((path.to_owned(), grid));
            } else if matches!(value, Value::Array(_)) {
                for (name, item) in items {
                    let mut tables = Self::default();
                    tables.take("", item);
                    let mut text = String::new();
                    tables.append_to(&mut text);
                    self.others.push((name, text));
                }
            } else {
                items.iter().for_each(|(name, item)| self.take(&below(name), item));
            }
            return;
        }
        match value {
            Value::Object(members) => {
                members.iter().for_each(|(name, member)| self.take(&below(name), member));
            }
            figure if cell(figure).is_empty() => {}
            figure => self.figures.push([path.to_owned(), cell(figure)]),
        }
    }

    fn append_to(self, text: &mut String) {
        if !self.figures.is_empty() {
            text.push_str("\n| | |\n|---|---:|\n");
            for [name, figure] in self.figures {
                let _ = writeln!(text, "| {name} | {figure} |");
            }
        }
        for (title, other) in self.others {
            let _ = write!(text, "\n**{title}**\n{other}");
        }
    }
}

/// The items of a list of objects, or of an object of objects, and what each is called.
fn named_items(value: &Value) -> Option<Vec<(String, &Value)>> {
    let items: Vec<_> = match value {
        Value::Object(members) => members.iter().map(|(name, item)| (name.clone(), item)).collect(),
        Value::Array(items) => {
            let name = |item: &Value| {
                NAMES.iter().find_map(|name| item.pointer(name)).map(cell).unwrap_or_default()
            };
            items.iter().map(|item| (name(item), item)).collect()
        }
        _ => return None,
    };
    (!items.is_empty() && items.iter().all(|(_, item)| item.is_object())).then_some(items)
}

/// One table with a row for each item, if all have the same members and none has members of its own.
fn grid(items: &[(String, &Value)]) -> Option<String> {
    let items: Vec<(&str, &Map<String, Value>)> = items
        .iter()
        .map(|(name, item)| Some((name.as_str(), item.as_object()?)))
        .collect::<Option<_>>()?;
    let (_, first) = items.first()?;
    let alike = items
        .iter()
        .all(|(_, item)| item.keys().eq(first.keys()) && !item.values().any(Value::is_object));
    if !alike || items.len() < 2 {
        return None;
    }
    let columns: Vec<&String> =
        first.keys().filter(|key| !NAMES.contains(&format!("/{key}").as_str())).collect();
    let named = items.iter().any(|(name, _)| !name.is_empty());
    let mut text = String::from(if named { "\n| |" } else { "\n|" });
    columns.iter().for_each(|column| {
        let _ = write!(text, " {column} |");
    });
    text.push_str(if named { "\n|---|" } else { "\n|" });
    columns.iter().for_each(|_| text.push_str("---:|"));
    text.push('\n');
    for (name, item) in items {
        text.push_str(&if named { format!("| {name} |") } else { "|".to_owned() });
        for column in &columns {
            let _ = write!(text, " {} |", item.get(*column).map(cell).unwrap_or_default());
        }
        text.push('\n');
    }
    Some(text)
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.replace('|', "\\|"),
        Value::Number(number) => number.as_u64().map_or_else(|| number.to_string(), grouped),
        Value::Array(items) => items.iter().map(cell).collect::<Vec<_>>().join(" → "),
        other => other.to_string(),
    }
}

/// A number with its thousands apart.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// By what an item of a list is called.
const NAMES: [&str; 5] = ["/report/suite", "/name", "/target", "/source", "/kind"];

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn items_of_the_same_members_are_rows_of_one_table_and_all_else_stands_by_itself() {
        let found = json!({
            "seed": 1234,
            "sources": [{"source": "a|b", "files": 1}, {"source": "c", "files": 2000}],
            "blocks": [{"n": 0, "steps": [1, 2]}, {"n": 1, "steps": [3]}],
            "reports": [{"report": {"suite": "s", "counts": {"x": 7}, "none": []}}],
        });
        let mut text = String::new();
        write(&mut text, &found);
        assert_eq!(
            text,
            "\n| | |\n|---|---:|\n| seed | 1,234 |\n\
             \n**sources**\n\n| | files |\n|---|---:|\n| a\\|b | 1 |\n| c | 2,000 |\n\
             \n**blocks**\n\n| n | steps |\n|---:|---:|\n| 0 | 1 → 2 |\n| 1 | 3 |\n\
             \n**s**\n\n| | |\n|---|---:|\n| report · suite | s |\n| report · counts · x | 7 |\n"
        );
    }
}
