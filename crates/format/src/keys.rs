//! The keys that a record may have besides time, level, logger and message.

use hydra_record::{Record, Value};

/// Which optional keys a machine format writes. None by default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Keys {
    /// `level_no`: the level's number, 5 to 50.
    pub level_no: bool,
    /// `layer`: the layer's name, as in `logger`.
    pub layer: bool,
    /// `file`, `function`, `line`: the place of the call, where it is known. `function` is the path of the module that
    /// holds the call; the compiler tells no more.
    pub location: bool,
    /// `thread`: the thread's name, or its id as text if it has none.
    pub thread: bool,
    /// `process`: the process id.
    pub process: bool,
    /// `sequence`: the record's number, greater than those of all earlier records of the same run.
    pub sequence: bool,
}

impl Keys {
    /// Says whether any is asked for.
    #[inline]
    pub(crate) fn any(&self) -> bool {
        *self != Keys::default()
    }

    /// Hands each key that is asked for and present to `put`, in their fixed order.
    #[inline]
    pub(crate) fn each(&self, record: &Record<'_>, mut put: impl FnMut(&'static str, Value<'_>)) {
        if !self.any() {
            return;
        }
        if self.level_no {
            put("level_no", Value::U64(record.level.number().into()));
        }
        if self.layer {
            put("layer", Value::Str(record.layer()));
        }
        if self.location
            && let Some(location) = record.location()
        {
            put("file", Value::Str(location.file));
            if !location.module.is_empty() {
                put("function", Value::Str(location.module));
            }
            put("line", Value::U64(location.line.into()));
        }
        if self.thread {
            match record.thread_name() {
                "" => put("thread", Value::Str(&record.thread_id().to_string())),
                name => put("thread", Value::Str(name)),
            }
        }
        if self.process {
            put("process", Value::U64(record.origin().process.into()));
        }
        if self.sequence {
            put("sequence", Value::U64(record.sequence));
        }
    }
}
