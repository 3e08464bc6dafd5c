//! Lines become records, and their receipts a count.

use std::collections::{HashMap, VecDeque};
use std::future::Future as _;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;
use std::time::Duration;

use hydra_logger::{AsyncHydraLogger, AsyncLayer, ErrorKind, LAYER_NAMES_MAX, Level, Receipt, Value};
use hydra_os::clock::Deadline;

use super::input::{Input, LINE_BYTES_MAX};
use super::line::{Parsed, Syntax, parse};
use super::progress::Progress;
use super::stop::Stop;
use super::tell;

/// Lines that were refused and are named one by one; the others are only counted.
const TOLD_MAX: u64 = 20;
/// How many lines may go by before the receipts are looked at again.
const LOOK_LINES: u64 = 64;
/// How often a line that waits for room in the journal looks whether a signal has come.
const ROOM_LOOK: Duration = Duration::from_millis(50);

/// What happened to lines, each counted once under every heading it belongs to.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tally {
    /// Lines the logger did not take: too long.
    pub(crate) refused: u64,
    /// Lines logged whose guarantee was not reached.
    pub(crate) unproven: u64,
    /// Lines that no destination wants.
    pub(crate) below: u64,
    /// Lines that were not in the syntax asked for.
    pub(crate) unparsed: u64,
    /// Lines with bytes that are no UTF-8.
    pub(crate) invalid: u64,
    /// Lines that the run before had logged.
    pub(crate) repeated: u64,
    /// Something else went wrong, and was told.
    pub(crate) spoilt: bool,
}

/// Where lines go in.
#[derive(Debug)]
pub(crate) struct Intake {
    log: AsyncHydraLogger,
    layer: AsyncLayer,
    /// The layers that lines have named.
    layers: HashMap<String, AsyncLayer>,
    level: Level,
    syntax: Syntax,
    progress: Option<Progress>,
    /// Lines on the way to their guarantee, by number.
    waiting: VecDeque<(u64, Receipt)>,
    /// Wakes this thread when a guarantee is reached.
    waker: Waker,
    /// Lines taken.
    lines: u64,
    tally: Tally,
    /// No line is taken and none counted any more.
    is_broken: bool,
}

impl Intake {
    pub(crate) fn new(
        log: &AsyncHydraLogger,
        layer: String,
        level: Level,
        syntax: Syntax,
        progress: Option<Progress>,
    ) -> Intake {
        Intake {
            layer: log.layer(&layer),
            log: log.clone(),
            layers: HashMap::new(),
            level,
            syntax,
            progress,
            waiting: VecDeque::new(),
            waker: Waker::from(Arc::new(Unpark(std::thread::current()))),
            lines: 0,
            tally: Tally::default(),
            is_broken: false,
        }
    }

    pub(crate) fn has_progress(&self) -> bool {
        self.progress.is_some()
    }

    /// Says whether every line taken is settled, or will never be.
    pub(crate) fn is_settled(&self) -> bool {
        self.waiting.is_empty() || self.is_broken
    }

    pub(crate) fn is_broken(&self) -> bool {
        self.is_broken
    }

    /// Notes that something went wrong that was told already.
    pub(crate) fn spoil(&mut self) {
        self.tally.spoilt = true;
    }

    /// Takes all whole lines. When a signal comes while they have to wait, those left are not taken.
    pub(crate) fn take_all(&mut self, input: &mut Input<'_>, stop: &Stop) {
        let (block, mut is_over) = input.lines();
        // One check for all lines; only a block that fails is checked line by line.
        let text = std::str::from_utf8(block).ok();
        let mut from = 0;
        for end in memchr::memchr_iter(b'\n', block) {
            let line = block.get(from..end).unwrap_or_default();
            let text = text.and_then(|text| text.get(from..end));
            from = end + 1;
            if !self.make_room(stop) {
                return;
            }
            match std::mem::take(&mut is_over) {
                true => self.refuse_long(),
                false => self.take(line, text, stop),
            }
        }
    }

    /// Takes the last line, if it has no end.
    pub(crate) fn take_last(&mut self, input: &Input<'_>, stop: &Stop) {
        let (line, is_over) = input.rest();
        match (is_over, self.is_broken) {
            (_, true) => {}
            (true, _) => self.refuse_long(),
            (false, _) if line.is_empty() => {}
            (false, _) => self.take(line, None, stop),
        }
    }

    #[inline]
    fn take(&mut self, line: &[u8], text: Option<&str>, stop: &Stop) {
        self.lines += 1;
        if let Some(progress) = &mut self.progress
            && progress.begin_line(line)
        {
            self.tally.repeated += 1;
            return self.count(self.lines);
        }
        let text = text.or_else(|| std::str::from_utf8(line).ok());
        let receipt = match text {
            Some(text) => self.log(text),
            None => {
                self.tally.invalid += 1;
                self.log(&String::from_utf8_lossy(line))
            }
        };
        self.enter(receipt, stop);
    }

    #[inline]
    fn log(&mut self, line: &str) -> Receipt {
        let line = line.strip_suffix('\r').unwrap_or(line);
        match self.syntax {
            Syntax::Text => self.layer.record(self.level, line, &[]),
            syntax => self.log_parsed(line, syntax),
        }
    }

    fn log_parsed(&mut self, line: &str, syntax: Syntax) -> Receipt {
        let Some(parsed) = parse(line, syntax) else {
            self.tally.unparsed += 1;
            return self.layer.record(self.level, line, &[]);
        };
        let Parsed {
            level,
            layer,
            message,
            fields,
        } = &parsed;
        let fields: Vec<(&str, Value<'_>)> = fields.iter().map(|(name, datum)| (&**name, datum.value())).collect();
        let level = level.unwrap_or(self.level);
        // Without a message the line itself is the best one.
        let message = message.as_deref().unwrap_or(line);
        match layer {
            Some(name) => self.layer_of(name).record(level, message, &fields),
            None => self.layer.record(level, message, &fields),
        }
    }

    fn layer_of(&mut self, name: &str) -> &AsyncLayer {
        if !self.layers.contains_key(name) {
            if self.layers.len() >= LAYER_NAMES_MAX {
                self.layers.clear();
            }
            self.layers.insert(name.to_owned(), self.log.layer(name));
        }
        self.layers.get(name).unwrap_or(&self.layer)
    }

    /// Sees what became of the line taken last.
    #[inline]
    fn enter(&mut self, receipt: Receipt, stop: &Stop) {
        let position = receipt.sequence();
        if position.is_some() && self.progress.is_none() {
            return;
        }
        if position.is_some() && self.waiting.is_empty() && receipt.is_reached() {
            if let Some(progress) = &mut self.progress {
                progress.end_line(position);
            }
            return self.count(self.lines);
        }
        self.enter_slowly(receipt, stop);
    }

    fn enter_slowly(&mut self, receipt: Receipt, stop: &Stop) {
        // Without a place yet the record waits for room in the journal, and so do all that come after it.
        while receipt.sequence().is_none() {
            match receipt.wait_timeout(ROOM_LOOK) {
                Ok(()) if receipt.sequence().is_some() => break,
                Ok(()) => {
                    self.tally.below += 1;
                    break;
                }
                Err(error) if error.kind() == ErrorKind::TooLarge => {
                    self.refuse(&error.to_string());
                    break;
                }
                Err(error) if error.kind() == ErrorKind::Timeout => {
                    self.settle();
                    if stop.is_asked() {
                        break;
                    }
                }
                Err(error) => return self.fail(&error.to_string()),
            }
        }
        if let Some(progress) = &mut self.progress {
            progress.end_line(receipt.sequence());
            self.waiting.push_back((self.lines, receipt));
            self.settle();
        }
    }

    fn refuse_long(&mut self) {
        self.lines += 1;
        self.refuse(&format!("the line is longer than {LINE_BYTES_MAX} bytes"));
        if let Some(progress) = &mut self.progress {
            // Compared with nothing: the run before has not logged it either.
            progress.begin_line(&[]);
            progress.end_line(None);
        }
        // It is settled: there is nothing to wait for but those before it.
        if self.progress.is_some() {
            self.waiting.push_back((self.lines, Receipt::disabled()));
            self.settle();
        }
    }

    fn refuse(&mut self, cause: &str) {
        self.tally.refused += 1;
        if self.tally.refused <= TOLD_MAX {
            tell(format_args!("line {} was left out: {cause}", self.lines));
        }
    }

    /// Gives up: what comes now would be refused as well, and must not be counted.
    #[cold]
    fn fail(&mut self, cause: &str) {
        tell(format_args!("line {} could not be logged: {cause}", self.lines));
        self.tally.refused += 1;
        self.is_broken = true;
    }

    /// Waits until one more line may be under way; false when a signal has come before that or all is broken.
    #[inline]
    fn make_room(&mut self, stop: &Stop) -> bool {
        if self.is_broken {
            return false;
        }
        if self.waiting.is_empty() {
            return true;
        }
        if self.lines.is_multiple_of(LOOK_LINES) {
            self.settle();
        }
        while self.progress.as_ref().is_some_and(Progress::is_full) && !self.is_broken {
            self.settle_for(Duration::from_millis(50));
            if stop.is_asked() {
                return false;
            }
        }
        !self.is_broken
    }

    /// Waits for the oldest line under way, at most `timeout`, and counts what is settled.
    pub(crate) fn settle_for(&mut self, timeout: Duration) {
        let end = Deadline::after(timeout);
        while let Some((_, receipt)) = self.waiting.front_mut()
            && poll(receipt, &self.waker).is_none()
            && !end.is_over()
        {
            std::thread::park_timeout(end.left());
        }
        self.settle();
    }

    /// Counts the lines that have reached their guarantee, as far as all before them have.
    fn settle(&mut self) {
        let mut last = None;
        while let Some((number, receipt)) = self.waiting.front_mut() {
            match poll(receipt, &self.waker) {
                None => break,
                Some(Err(error)) if error.kind() != ErrorKind::TooLarge => {
                    // From here on the count would be a lie.
                    tell(format_args!("line {number} is logged without its guarantee: {error}"));
                    self.tally.unproven += self.waiting.len() as u64;
                    self.is_broken = true;
                    break;
                }
                Some(_) => last = Some(*number),
            }
            self.waiting.pop_front();
        }
        if let Some(number) = last {
            self.count(number);
        }
    }

    #[inline]
    fn count(&mut self, number: u64) {
        if let Some(progress) = &mut self.progress
            && let Err(error) = progress.count(number)
        {
            self.fail(&format!("the progress cannot be kept: {error}"));
        }
    }

    /// Returns the counts. Lines still under way are lines without their guarantee.
    pub(crate) fn finish(mut self) -> Tally {
        self.settle();
        if !self.is_broken {
            self.tally.unproven += self.waiting.len() as u64;
        }
        if let Some(progress) = self.progress
            && let Err(error) = progress.finish()
        {
            tell(format_args!("what the next run would need cannot be removed: {error}"));
        }
        self.tally.spoilt |= self.is_broken;
        self.tally
    }
}

/// Looks whether the guarantee is reached, or never will be; otherwise `waker` is woken when it is.
fn poll(receipt: &mut Receipt, waker: &Waker) -> Option<Result<(), hydra_logger::Error>> {
    match Pin::new(receipt).poll(&mut Context::from_waker(waker)) {
        Poll::Ready(result) => Some(result),
        Poll::Pending => None,
    }
}

/// Wakes a thread.
#[derive(Debug)]
struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}
