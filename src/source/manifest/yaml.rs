//! YAML streams, composed into nodes one document, or one item of a document's `items`, at a time.
//!
//! A list of a whole cluster is one document: its items are handed on as they end, so that memory follows the largest
//! item and not the list. Nesting and the expansion of aliases are bounded here; nothing recurses over input.

use super::error::{Fault, Format, ParseCause, Position};
use super::node::{Node, Scalar, Value};
use granit_parser::{Event, Parser, ScalarStyle, ScanError, Tag};
use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

/// Levels of sequences and mappings. A Pod, the deepest of our kinds, has 14.
pub(super) const DEPTH_MAX: usize = 64;

/// What all anchors and aliases of one text may copy, in bytes of text and [`NODE_COST`] for each node.
pub(super) const ALIAS_MAX: usize = 16 * 1024 * 1024;

/// What a node costs beside its text: about its size.
const NODE_COST: usize = 64;

/// Where composed parts go.
pub(super) trait Receiver<'a> {
    /// One item of the `items` of the document that is being read.
    fn item(&mut self, item: Node<'a>);
    /// The rest of a document, without the items handed on before. Documents of nothing are left out.
    fn document(&mut self, root: &Node<'a>) -> Result<(), Fault>;
}

/// Reads all documents of a text.
pub(super) fn read<'a>(text: &'a str, receiver: &mut impl Receiver<'a>) -> Result<(), Fault> {
    let mut options = granit_parser::Options::default();
    options.set_emit_comments(false);
    options.flow_nesting_limit = DEPTH_MAX + 1;
    options.block_nesting_limit = DEPTH_MAX + 1;
    let mut composer = Composer::default();
    for event in Parser::new_from_str_with_options(text, options) {
        let (event, span) = event.map_err(|error| syntax(&error))?;
        let position = Position { line: span.start.line(), column: span.start.col() + 1 };
        composer.take(event, position, receiver)?;
    }
    Ok(())
}

fn syntax(error: &ScanError) -> Fault {
    let position = Position { line: error.marker().line(), column: error.marker().col() + 1 };
    Fault {
        position: Some(position),
        cause: ParseCause::Syntax { format: Format::Yaml, message: error.info() },
    }
}

/// A collection that has begun.
struct Open<'a> {
    node: Node<'a>,
    /// In a mapping, the key whose value comes next.
    key: Option<Scalar<'a>>,
    anchor: usize,
    /// Levels below it, so far.
    height: usize,
    /// The `items` of the document's root, whose children are handed on.
    streamed: bool,
}

/// What an alias stands for.
struct Anchored<'a> {
    node: Node<'a>,
    cost: usize,
    height: usize,
}

#[derive(Default)]
struct Composer<'a> {
    open: Vec<Open<'a>>,
    anchors: HashMap<usize, Anchored<'a>>,
    /// Levels of a node that is skipped.
    skipped: usize,
    /// Spent of [`ALIAS_MAX`].
    copied: usize,
}

impl<'a> Composer<'a> {
    fn take(
        &mut self,
        event: Event<'a>,
        position: Position,
        receiver: &mut impl Receiver<'a>,
    ) -> Result<(), Fault> {
        if self.skipped > 0 {
            return self.skip(&event, position, receiver);
        }
        match event {
            Event::DocumentStart(..) | Event::DocumentEnd => {
                self.anchors.clear();
                Ok(())
            }
            Event::Scalar(text, style, anchor, tag) => {
                let plain = style == ScalarStyle::Plain && !is_string(tag.as_deref());
                let node = Node { position, value: Value::Scalar(Scalar { text, plain }) };
                self.complete(node, anchor, 0, receiver)
            }
            Event::SequenceStart(_, anchor, _) => self.begin(Value::Sequence(Vec::new()), anchor, position),
            Event::MappingStart(_, anchor, _) => self.begin(Value::Mapping(Vec::new()), anchor, position),
            Event::SequenceEnd | Event::MappingEnd => self.end(receiver),
            Event::Alias(anchor) => self.alias(anchor, position, receiver),
            _ => Ok(()),
        }
    }

    fn begin(&mut self, value: Value<'a>, anchor: usize, position: Position) -> Result<(), Fault> {
        if self.open.len() >= DEPTH_MAX {
            return Err(too_deep(position));
        }
        if anchor == 0 && self.in_managed_fields() {
            self.skipped = 1;
            return Ok(());
        }
        let under_items = matches!(self.open.as_slice(),
            [Open { key: Some(key), .. }] if key.text == "items");
        let streamed = under_items && anchor == 0 && matches!(value, Value::Sequence(_));
        self.open.push(Open { node: Node { position, value }, key: None, anchor, height: 0, streamed });
        Ok(())
    }

    /// `metadata.managedFields`, who wrote which field: a third of what `kubectl` prints, and no peer in it.
    fn in_managed_fields(&self) -> bool {
        let key = |open: &Open<'_>, name: &str| open.key.as_ref().is_some_and(|key| key.text == name);
        matches!(self.open.as_slice(), [.., outer, inner] if key(inner, "managedFields") && key(outer, "metadata"))
    }

    fn skip(
        &mut self,
        event: &Event<'a>,
        position: Position,
        receiver: &mut impl Receiver<'a>,
    ) -> Result<(), Fault> {
        match event {
            Event::SequenceStart(..) | Event::MappingStart(..) => {
                self.skipped += 1;
                if self.open.len() + self.skipped > DEPTH_MAX {
                    return Err(too_deep(position));
                }
            }
            Event::SequenceEnd | Event::MappingEnd => self.skipped -= 1,
            _ => {}
        }
        if self.skipped > 0 {
            return Ok(());
        }
        let nothing = Value::Scalar(Scalar { text: Cow::Borrowed(""), plain: true });
        self.complete(Node { position, value: nothing }, 0, 0, receiver)
    }

    fn end(&mut self, receiver: &mut impl Receiver<'a>) -> Result<(), Fault> {
        let Some(mut open) = self.open.pop() else { return Ok(()) };
        if let Value::Mapping(entries) = &mut open.node.value {
            merge(entries);
            if let Some(key) = duplicate(entries) {
                let message = format!("the key `{}` stands twice in one mapping", key.escape_debug());
                let cause = ParseCause::Syntax { format: Format::Yaml, message };
                return Err(Fault { position: Some(open.node.position), cause });
            }
        }
        self.complete(open.node, open.anchor, open.height + 1, receiver)
    }

    fn alias(
        &mut self,
        anchor: usize,
        position: Position,
        receiver: &mut impl Receiver<'a>,
    ) -> Result<(), Fault> {
        let Some(anchored) = self.anchors.get(&anchor) else {
            let message = "an alias to a node that has not ended, or stands in managedFields".to_owned();
            let cause = ParseCause::Syntax { format: Format::Yaml, message };
            return Err(Fault { position: Some(position), cause });
        };
        let (cost, height) = (anchored.cost, anchored.height);
        if self.open.len() + height > DEPTH_MAX {
            return Err(too_deep(position));
        }
        charge(&mut self.copied, cost, position)?;
        let node = anchored.node.clone();
        self.complete(node, 0, height, receiver)
    }

    /// Puts a node that has ended where it belongs.
    fn complete(
        &mut self,
        node: Node<'a>,
        anchor: usize,
        height: usize,
        receiver: &mut impl Receiver<'a>,
    ) -> Result<(), Fault> {
        if anchor != 0 {
            let cost = cost(&node);
            charge(&mut self.copied, cost, node.position)?;
            self.anchors.insert(anchor, Anchored { node: node.clone(), cost, height });
        }
        let Some(parent) = self.open.last_mut() else {
            return if node.is_null() { Ok(()) } else { receiver.document(&node) };
        };
        parent.height = parent.height.max(height);
        if parent.streamed {
            receiver.item(node);
            return Ok(());
        }
        match (&mut parent.node.value, parent.key.take(), node.value) {
            (Value::Mapping(entries), Some(key), value) => {
                entries.push((key, Node { position: node.position, value }));
            }
            (Value::Mapping(_), None, Value::Scalar(key)) => parent.key = Some(key),
            (Value::Mapping(_), None, _) => {
                let message = "a key that is not a single value".to_owned();
                let cause = ParseCause::Syntax { format: Format::Yaml, message };
                return Err(Fault { position: Some(node.position), cause });
            }
            (Value::Sequence(items), _, value) => items.push(Node { position: node.position, value }),
            // A scalar never opens.
            (Value::Scalar(_), ..) => {}
        }
        Ok(())
    }
}

fn too_deep(position: Position) -> Fault {
    Fault { position: Some(position), cause: ParseCause::TooDeep { limit: DEPTH_MAX } }
}

fn charge(copied: &mut usize, cost: usize, position: Position) -> Result<(), Fault> {
    *copied = copied.saturating_add(cost);
    if *copied <= ALIAS_MAX {
        return Ok(());
    }
    Err(Fault { position: Some(position), cause: ParseCause::Aliases { limit: ALIAS_MAX } })
}

fn cost(node: &Node<'_>) -> usize {
    let inner = match &node.value {
        Value::Scalar(scalar) => scalar.text.len(),
        Value::Sequence(items) => items.iter().map(cost).sum(),
        Value::Mapping(entries) => entries.iter().map(|(key, value)| key.text.len() + cost(value)).sum(),
    };
    inner.saturating_add(NODE_COST)
}

/// Whether a tag makes a plain scalar a string: `!!str`, and `!` (YAML 1.2 6.9.1).
fn is_string(tag: Option<&Tag>) -> bool {
    tag.is_some_and(|tag| {
        tag.core_suffix() == Some("str") || tag.parts() == ("", "!") || tag.parts() == ("!", "")
    })
}

/// Puts the entries of `<<` into the mapping, those that it does not have itself (YAML 1.1 merge keys).
fn merge<'a>(entries: &mut Vec<(Scalar<'a>, Node<'a>)>) {
    let is_merge = |(key, value): &(Scalar<'a>, Node<'a>)| {
        key.plain && key.text == "<<" && !matches!(value.value, Value::Scalar(_))
    };
    let Some(index) = entries.iter().position(is_merge) else { return };
    let (_, merged) = entries.remove(index);
    let sources = match merged.value {
        Value::Sequence(items) => items,
        _ => vec![merged],
    };
    let mut seen: HashSet<Cow<'a, str>> = entries.iter().map(|(key, _)| key.text.clone()).collect();
    for source in sources {
        if let Value::Mapping(source) = source.value {
            entries.extend(source.into_iter().filter(|(key, _)| seen.insert(key.text.clone())));
        }
    }
}

/// A key that stands twice (YAML 1.2 3.2.1.1: "mapping keys must be unique").
fn duplicate<'n>(entries: &'n [(Scalar<'_>, Node<'_>)]) -> Option<&'n str> {
    /// Below this, comparing each with each is faster than a table.
    const FEW: usize = 12;
    if entries.len() <= FEW {
        let keys = entries.iter().enumerate().map(|(index, (key, _))| (index, &*key.text));
        return keys
            .into_iter()
            .find(|(index, key)| entries.iter().take(*index).any(|(other, _)| other.text == *key))
            .map(|(_, key)| key);
    }
    let mut seen = HashSet::with_capacity(entries.len());
    entries.iter().map(|(key, _)| &*key.text).find(|key| !seen.insert(*key))
}
