//! What is read of an object's `metadata`.

use super::protobuf::{Entry, Malformed, Message, Value};
use super::text::{Text, nullable};
use super::{Nameless, non_empty};
use crate::roster::{ObjectKey, ObjectKind};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, Visitor};
use std::fmt;
use std::time::SystemTime;

/// The namespace of an object that names none, as with `kubectl apply`.
const DEFAULT_NAMESPACE: &str = "default";

/// The controller has left addresses out for want of room: it writes `truncated`.
const OVER_CAPACITY: &str = "endpoints.kubernetes.io/over-capacity";

/// When the Pod or Service changed for which the controller wrote this.
const LAST_CHANGE_TRIGGER_TIME: &str = "endpoints.kubernetes.io/last-change-trigger-time";

/// `metadata`.
#[derive(Debug, Clone, Default, serde::Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(in crate::source) struct Metadata<'a> {
    #[serde(borrow)]
    pub(in crate::source) name: Option<Text<'a>>,
    pub(in crate::source) namespace: Option<Text<'a>>,
    pub(in crate::source) uid: Option<Text<'a>>,
    pub(in crate::source) resource_version: Option<Text<'a>>,
    #[serde(deserialize_with = "time")]
    pub(in crate::source) creation_timestamp: Seconds,
    pub(in crate::source) deletion_timestamp: Option<Text<'a>>,
    #[serde(deserialize_with = "nullable")]
    pub(in crate::source) labels: Labels<'a>,
    #[serde(deserialize_with = "nullable")]
    pub(in crate::source) annotations: Annotations<'a>,
}

/// A time that people are shown: Unix time in seconds, where it is one of 1970 to 2106.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::source) struct Seconds(Option<u32>);

impl Seconds {
    fn of(time: Option<jiff::Timestamp>) -> Seconds {
        Seconds(time.and_then(|time| u32::try_from(time.as_second()).ok()))
    }
}

/// `k8s.io.apimachinery.pkg.apis.meta.v1.Time`.
impl<'a> Message<'a> for Seconds {
    fn field(&mut self, number: u32, value: Value<'a>) -> Result<(), Malformed> {
        if number == 1 {
            self.0 = u32::try_from(value.int64()?).ok();
        }
        Ok(())
    }
}

/// A time as JSON has it: RFC 3339. One that is none is as good as none at all.
fn time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Seconds, D::Error> {
    let text = Option::<Text<'de>>::deserialize(deserializer)?;
    Ok(Seconds::of(text.and_then(|text| text.parse().ok())))
}

/// Labels, sorted by key, keys unique.
#[derive(Debug, Clone, Default)]
pub(in crate::source) struct Labels<'a>(pub(in crate::source) Vec<(Text<'a>, Text<'a>)>);

/// The annotations that say something here.
#[derive(Debug, Clone, Default)]
pub(in crate::source) struct Annotations<'a> {
    over_capacity: Option<Text<'a>>,
    last_change_trigger_time: Option<Text<'a>>,
}

impl Metadata<'_> {
    /// The object's key.
    pub(in crate::source) fn key(&mut self, kind: ObjectKind) -> Result<ObjectKey, Nameless> {
        let name = non_empty(self.name.take()).ok_or(Nameless)?;
        let namespace = non_empty(self.namespace.take()).unwrap_or_else(|| DEFAULT_NAMESPACE.into());
        Ok(ObjectKey { namespace, name, kind })
    }

    /// The object's labels.
    pub(in crate::source) fn take_labels(&mut self) -> Vec<(Box<str>, Box<str>)> {
        let labels = std::mem::take(&mut self.labels).0.into_iter();
        labels.map(|(key, value)| (key.into_boxed(), value.into_boxed())).collect()
    }

    /// Whether the controller left addresses out for want of room.
    pub(super) fn truncated(&self) -> bool {
        self.annotations.over_capacity.as_deref() == Some("truncated")
    }

    /// The revision, where it is a number: "an opaque value" to clients, but a decimal number wherever etcd stands
    /// behind it.
    pub(in crate::source) fn revision(&self) -> Option<u64> {
        let text = self.resource_version.as_deref()?;
        if !text.bytes().all(|octet| octet.is_ascii_digit()) {
            return None;
        }
        text.parse().ok()
    }

    /// When the object was made: Unix time in seconds.
    pub(in crate::source) fn created(&self) -> Option<u32> {
        self.creation_timestamp.0
    }

    /// When the change happened that the controller wrote this object for; RFC 3339 with nanoseconds.
    pub(in crate::source) fn triggered(&self) -> Option<SystemTime> {
        let text = self.annotations.last_change_trigger_time.as_deref()?;
        text.parse::<jiff::Timestamp>().ok().map(SystemTime::from)
    }
}

/// `k8s.io.apimachinery.pkg.apis.meta.v1.ObjectMeta`.
impl<'a> Message<'a> for Metadata<'a> {
    fn field(&mut self, number: u32, value: Value<'a>) -> Result<(), Malformed> {
        match number {
            1 => self.name = Some(value.text()?),
            3 => self.namespace = Some(value.text()?),
            5 => self.uid = Some(value.text()?),
            6 => self.resource_version = Some(value.text()?),
            8 => value.merge_into(&mut self.creation_timestamp)?,
            // Read for its presence alone.
            9 => self.deletion_timestamp = Some(Text::default()),
            11 => self.labels.put(value.message()?),
            12 => self.annotations.put(value.message()?),
            _ => {}
        }
        Ok(())
    }
}

impl<'a> Labels<'a> {
    /// Of two with one key, "the last key seen is used".
    fn put(&mut self, Entry { key, value }: Entry<'a>) {
        let at = self.0.partition_point(|(one, _)| *one < key);
        match self.0.get_mut(at) {
            Some(label) if label.0 == key => label.1 = value,
            _ => self.0.insert(at, (key, value)),
        }
    }
}

impl<'a> Annotations<'a> {
    fn put(&mut self, Entry { key, value }: Entry<'a>) {
        match &*key {
            OVER_CAPACITY => self.over_capacity = Some(value),
            LAST_CHANGE_TRIGGER_TIME => self.last_change_trigger_time = Some(value),
            _ => {}
        }
    }
}

impl<'a> From<&'a ObjectMeta> for Metadata<'a> {
    fn from(from: &'a ObjectMeta) -> Metadata<'a> {
        let labels = from.labels.iter().flatten();
        let annotation = |key| from.annotations.as_ref().and_then(|all| all.get(key)).map(Text::from);
        Metadata {
            name: from.name.as_ref().map(Text::from),
            namespace: from.namespace.as_ref().map(Text::from),
            uid: from.uid.as_ref().map(Text::from),
            resource_version: from.resource_version.as_ref().map(Text::from),
            creation_timestamp: Seconds::of(from.creation_timestamp.as_ref().map(|time| time.0)),
            // Read for its presence alone.
            deletion_timestamp: from.deletion_timestamp.as_ref().map(|_| Text::default()),
            labels: Labels(labels.map(|(key, value)| (key.into(), value.into())).collect()),
            annotations: Annotations {
                over_capacity: annotation(OVER_CAPACITY),
                last_change_trigger_time: annotation(LAST_CHANGE_TRIGGER_TIME),
            },
        }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Labels<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Labels<'a>, D::Error> {
        deserializer.deserialize_map(LabelsVisitor)
    }
}

struct LabelsVisitor;

impl<'de> Visitor<'de> for LabelsVisitor {
    type Value = Labels<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object of strings")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Labels<'de>, A::Error> {
        let mut labels: Vec<(Text<'de>, Text<'de>)> = Vec::new();
        while let Some(label) = map.next_entry()? {
            labels.push(label);
        }
        labels.sort_unstable();
        // As with a field that stands twice: what the one means who wrote it, nobody can say.
        if labels.windows(2).any(|pair| matches!(pair, [(one, _), (other, _)] if one == other)) {
            return Err(A::Error::custom("a label stands twice"));
        }
        Ok(Labels(labels))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Annotations<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Annotations<'a>, D::Error> {
        deserializer.deserialize_map(AnnotationsVisitor)
    }
}

struct AnnotationsVisitor;

impl<'de> Visitor<'de> for AnnotationsVisitor {
    type Value = Annotations<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object of strings")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Annotations<'de>, A::Error> {
        let mut annotations = Annotations::default();
        while let Some(key) = map.next_key::<Text<'de>>()? {
            let annotation = match &*key {
                OVER_CAPACITY => &mut annotations.over_capacity,
                LAST_CHANGE_TRIGGER_TIME => &mut annotations.last_change_trigger_time,
                // Others hold whole objects, as `kubectl apply` leaves them.
                _ => {
                    map.next_value::<IgnoredAny>()?;
                    continue;
                }
            };
            if annotation.replace(map.next_value()?).is_some() {
                return Err(A::Error::custom("an annotation stands twice"));
            }
        }
        Ok(annotations)
    }
}
