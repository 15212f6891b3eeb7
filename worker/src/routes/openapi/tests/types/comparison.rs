//! Compares a schema of the document with the one that a type makes.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::routes::openapi::tests::found;

/// Members that a type takes only to say, in its refusal, what to do: the document has them in words.
const REFUSED_WITH_ADVICE: [(&str, &str); 4] = [
    ("UpdateRequest", "scopes"),
    ("UpdateRequest", "expires_in"),
    ("UpdateRequest", "expires_at"),
    ("UpdateRequest", "constraints"),
];

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    /// What callers send: the document asks for exactly what the type asks for.
    Request,
    /// What callers get: the document may promise less than the type always writes.
    Answer,
}

/// One comparison under way.
pub(super) struct Comparison<'d> {
    name: &'d str,
    side: Side,
    document: &'d Value,
    made: &'d Value,
    complaints: Vec<String>,
}

/// One of the things that a value may be.
#[derive(Clone, Copy)]
enum One<'s> {
    Word(&'s str),
    /// `string`, `integer`, `boolean` or `null`.
    Plain(&'s str),
    List(&'s Value),
    Object(&'s Value),
    Any,
}

impl<'d> Comparison<'d> {
    /// Whatever differs between the document's schema of this name and the one that a type makes.
    pub(super) fn of(name: &str, side: Side, document: &Value, made: &Value) -> Vec<String> {
        let told = &document["components"]["schemas"][name];
        let mut comparison = Comparison { name, side, document, made, complaints: vec![] };
        comparison.compare(name, told, made);
        comparison.complaints
    }

    fn complain(&mut self, path: &str, what: &str) {
        self.complaints.push(format!("{path}: {what}"));
    }

    fn compare(&mut self, path: &str, told: &'d Value, made: &'d Value) {
        let told = alternatives(self.document, told);
        let made = alternatives(self.made, made);
        for one in &told {
            self.match_one(path, *one, &made);
        }
        for one in made {
            let is_told = told.iter().any(|other| match (one, *other) {
                (One::Plain("string"), One::Word(_))
                | (One::List(_), One::List(_))
                | (One::Object(_), One::Object(_))
                | (One::Any, _) => true,
                (One::Word(one), One::Word(other)) | (One::Plain(one), One::Plain(other)) => {
                    one == other
                }
                _ => false,
            });
            // What is left out of an answer where there is none is never null in it.
            let is_left_out = self.side == Side::Answer && matches!(one, One::Plain("null"));
            if !is_told && !is_left_out {
                self.complain(path, "the document does not tell all that it may be");
            }
        }
    }

    fn match_one(&mut self, path: &str, told: One<'d>, made: &[One<'d>]) {
        let fits = match told {
            One::List(items) => {
                let others = made.iter().find_map(|one| match one {
                    One::List(items) => Some(*items),
                    _ => None,
                });
                if let Some(others) = others {
                    self.compare(&format!("{path}[]"), items, others);
                }
                others.is_some()
            }
            One::Object(object) => {
                let others = made.iter().filter_map(|one| match one {
                    One::Object(object) => Some(*object),
                    _ => None,
                });
                // Of several, the one with most names in common.
                let told = names(object);
                let closest = others.max_by_key(|other| names(other).intersection(&told).count());
                if let Some(closest) = closest {
                    self.members(path, object, closest);
                }
                closest.is_some()
            }
            One::Word(word) => made.iter().any(|one| match one {
                One::Word(other) => *other == word,
                One::Plain(plain) => *plain == "string",
                _ => false,
            }),
            One::Plain(plain) => {
                made.iter().any(|one| matches!(one, One::Plain(other) if *other == plain))
            }
            One::Any => made.iter().any(|one| matches!(one, One::Any)),
        };
        if !fits {
            self.complain(path, "the document tells of what it never is");
        }
    }

    fn members(&mut self, path: &str, told: &'d Value, made: &'d Value) {
        let (names_told, names_made) = (names(told), names(made));
        for name in &names_told {
            let here = format!("{path}.{name}");
            if names_made.contains(name) {
                self.compare(&here, &told["properties"][*name], &made["properties"][*name]);
            } else {
                self.complain(&here, "is not there");
            }
        }
        for name in names_made.difference(&names_told) {
            if !REFUSED_WITH_ADVICE.contains(&(self.name, *name)) {
                self.complain(&format!("{path}.{name}"), "is not told");
            }
        }
        let (asked, asked_by_type) = (required(told), required(made));
        let fits = match self.side {
            Side::Request => asked == asked_by_type,
            Side::Answer => asked.is_subset(&asked_by_type),
        };
        if !fits {
            self.complain(path, &format!("{asked:?} are required, not {asked_by_type:?}"));
        }
        if is_closed(made) && !is_closed(told) {
            self.complain(path, "takes no other members");
        }
        let (others, others_made) = (&told["additionalProperties"], &made["additionalProperties"]);
        match (others.is_object(), others_made.is_object()) {
            (true, true) => self.compare(&format!("{path}.*"), others, others_made),
            (false, false) => {}
            _ => self.complain(path, "its other members differ"),
        }
    }
}

/// All things that a value may be by a schema.
fn alternatives<'s>(root: &'s Value, schema: &'s Value) -> Vec<One<'s>> {
    if let Some(reference) = schema["$ref"].as_str() {
        return alternatives(root, found(root, reference));
    }
    for several in ["oneOf", "anyOf"] {
        if let Some(list) = schema[several].as_array() {
            return list.iter().flat_map(|one| alternatives(root, one)).collect();
        }
    }
    if let Some(word) = schema["const"].as_str() {
        return vec![One::Word(word)];
    }
    if let Some(words) = schema["enum"].as_array() {
        return words.iter().filter_map(Value::as_str).map(One::Word).collect();
    }
    let types: Vec<&str> = match &schema["type"] {
        Value::String(one) => vec![one],
        Value::Array(list) => list.iter().filter_map(Value::as_str).collect(),
        _ => return vec![One::Any],
    };
    let one = |name| match name {
        "array" => One::List(&schema["items"]),
        "object" => One::Object(schema),
        plain => One::Plain(plain),
    };
    types.into_iter().map(one).collect()
}

fn names(object: &Value) -> BTreeSet<&str> {
    object["properties"].as_object().into_iter().flatten().map(|(name, _)| name.as_str()).collect()
}

fn required(object: &Value) -> BTreeSet<&str> {
    object["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

fn is_closed(object: &Value) -> bool {
    ["additionalProperties", "unevaluatedProperties"].iter().any(|name| object[*name] == false)
}
