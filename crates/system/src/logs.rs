//! What a role writes, line by line: forwarded, kept in a bounded ring, or
//! written to a file by the role itself.
//!
//! A pipe that nobody reads blocks its writer, so a pump reads always, whatever
//! becomes of the lines: when the reader of the channel is slow the pump counts
//! lines as lost instead of waiting, and a line beyond [`LINE_BYTES_MAX`] is cut.

use std::{
    collections::VecDeque,
    fs::{File, OpenOptions},
    io::{self, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
    process::Stdio,
    sync::{Arc, Mutex, PoisonError},
};

use contract::Role;
use tokio::{
    io::{AsyncRead, AsyncReadExt},
    sync::mpsc::{self, error::TrySendError},
};

/// Longest line kept; the rest of a longer one is dropped.
const LINE_BYTES_MAX: usize = 8 * 1024;
/// How many of the last lines are remembered.
const LAST_LINES_MAX: usize = 20;
/// Lines that wait in the channel for a slow reader before some are lost.
const WAITING_LINES_MAX: usize = 4096;

/// Where the lines of a role go.
#[derive(Debug, Clone)]
pub enum Output {
    /// Nowhere. The last lines of standard error are remembered all the same.
    Discard,
    /// Into a channel made by [`channel`].
    Lines(mpsc::Sender<Line>),
    /// Appended to `<role>.out.log` or `<role>.err.log` in this folder. The
    /// role writes the file itself, which costs the parent nothing.
    Folder(PathBuf),
}

/// The reading end of [`Output::Lines`].
pub type LogLines = mpsc::Receiver<Line>;

/// A channel for the lines of any number of roles, with bounded memory.
pub fn channel() -> (Output, LogLines) {
    let (sender, receiver) = mpsc::channel(WAITING_LINES_MAX);
    (Output::Lines(sender), receiver)
}

/// One line that a role wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Who wrote it.
    pub role: Role,
    /// On which of its outputs.
    pub source: Source,
    /// The line without its end; bytes that are not UTF-8 are replaced.
    pub text: String,
    /// Lines of the same output lost just before this one, because the
    /// channel's reader was too slow.
    pub lost_before: u64,
}

/// The output that a line came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// Standard output: the access log.
    Out,
    /// Standard error: the operational log.
    Err,
}

impl Output {
    /// What the child gets for this output, opened now, and whether a pump has
    /// to read it.
    pub(crate) fn stdio(&self, role: Role, source: Source) -> io::Result<(Stdio, Pumped)> {
        match (self, source) {
            (Output::Discard, Source::Out) => Ok((Stdio::null(), Pumped::No)),
            (Output::Discard, Source::Err) | (Output::Lines(_), _) => {
                Ok((Stdio::piped(), Pumped::Yes))
            }
            (Output::Folder(folder), _) => {
                let path = log_path(folder, role, source);
                let file = OpenOptions::new().create(true).append(true).open(path)?;
                Ok((file.into(), Pumped::No))
            }
        }
    }

    /// Where the last lines of this output will be found.
    pub(crate) fn tail(&self, role: Role, source: Source) -> Tail {
        match self {
            Output::Folder(folder) => Tail::File(log_path(folder, role, source)),
            Output::Discard | Output::Lines(_) => Tail::Ring(Arc::default()),
        }
    }

    fn sender(&self) -> Option<mpsc::Sender<Line>> {
        match self {
            Output::Lines(sender) => Some(sender.clone()),
            Output::Discard | Output::Folder(_) => None,
        }
    }
}

fn log_path(folder: &Path, role: Role, source: Source) -> PathBuf {
    let source = match source {
        Source::Out => "out",
        Source::Err => "err",
    };
    folder.join(format!("{role}.{source}.log"))
}

/// Whether the parent reads an output of the child.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pumped {
    Yes,
    No,
}

/// The last lines of an output, wherever it goes.
#[derive(Debug, Clone)]
pub(crate) enum Tail {
    Ring(Arc<Mutex<VecDeque<String>>>),
    File(PathBuf),
}

impl Tail {
    fn push(&self, line: &str) {
        if let Tail::Ring(ring) = self {
            let mut ring = ring.lock().unwrap_or_else(PoisonError::into_inner);
            if ring.len() == LAST_LINES_MAX {
                ring.pop_front();
            }
            ring.push_back(line.to_owned());
        }
    }

    /// The remembered lines, oldest first.
    pub(crate) fn lines(&self) -> Vec<String> {
        match self {
            Tail::Ring(ring) => {
                let ring = ring.lock().unwrap_or_else(PoisonError::into_inner);
                ring.iter().cloned().collect()
            }
            // A log that cannot be read has no last lines to show.
            Tail::File(path) => end_of_file(path).unwrap_or_default(),
        }
    }
}

fn end_of_file(path: &Path) -> io::Result<Vec<String>> {
    let window = LINE_BYTES_MAX as u64;
    let mut file = File::open(path)?;
    let start = file.metadata()?.len().saturating_sub(window);
    file.seek(SeekFrom::Start(start))?;
    let mut bytes = Vec::new();
    file.take(window).read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes);
    let partial_first = usize::from(start > 0);
    let lines: Vec<_> = text.lines().skip(partial_first).collect();
    let skip = lines.len().saturating_sub(LAST_LINES_MAX);
    Ok(lines[skip..].iter().map(ToString::to_string).collect())
}

/// Reads one output of a child to its end.
pub(crate) struct Pump {
    pub(crate) role: Role,
    pub(crate) source: Source,
    pub(crate) output: Output,
    pub(crate) tail: Tail,
}

impl Pump {
    /// Returns at the end of the output, or when reading fails.
    pub(crate) async fn run(self, mut from: impl AsyncRead + Unpin) {
        let sender = self.output.sender();
        let mut lines = LineSplitter::default();
        let mut lost = 0;
        let mut chunk = vec![0; LINE_BYTES_MAX];
        loop {
            let read = from.read(&mut chunk).await.unwrap_or(0);
            let mut deliver = |text: String| {
                self.tail.push(&text);
                if let Some(sender) = &sender {
                    self.offer(sender, text, &mut lost);
                }
            };
            if read == 0 {
                lines.finish(&mut deliver);
                return;
            }
            lines.push(&chunk[..read], &mut deliver);
        }
    }

    /// Hands a line over without ever waiting; counts it when there is no room.
    fn offer(&self, sender: &mpsc::Sender<Line>, text: String, lost: &mut u64) {
        let line = Line {
            role: self.role,
            source: self.source,
            text,
            lost_before: *lost,
        };
        match sender.try_send(line) {
            Ok(()) => *lost = 0,
            Err(TrySendError::Full(_)) => *lost += 1,
            // Nobody listens any more; the pump goes on draining.
            Err(TrySendError::Closed(_)) => {}
        }
    }
}

/// Cuts a stream of bytes into lines of bounded length.
#[derive(Debug, Default)]
struct LineSplitter {
    line: Vec<u8>,
}

impl LineSplitter {
    fn push(&mut self, mut bytes: &[u8], deliver: &mut impl FnMut(String)) {
        while let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
            self.keep(&bytes[..end]);
            self.deliver(deliver);
            bytes = &bytes[end + 1..];
        }
        self.keep(bytes);
    }

    fn finish(&mut self, deliver: &mut impl FnMut(String)) {
        if !self.line.is_empty() {
            self.deliver(deliver);
        }
    }

    fn keep(&mut self, bytes: &[u8]) {
        let room = LINE_BYTES_MAX - self.line.len();
        self.line.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    fn deliver(&mut self, deliver: &mut impl FnMut(String)) {
        let line = self.line.strip_suffix(b"\r").unwrap_or(&self.line);
        deliver(String::from_utf8_lossy(line).into_owned());
        self.line.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(chunks: &[&[u8]]) -> Vec<String> {
        let mut got = Vec::new();
        let mut splitter = LineSplitter::default();
        let mut deliver = |line| got.push(line);
        for chunk in chunks {
            splitter.push(chunk, &mut deliver);
        }
        splitter.finish(&mut deliver);
        got
    }

    #[test]
    fn lines_are_whole_however_the_bytes_arrive() {
        let text = b"one\ntwo\r\n\nlast";
        let expected = ["one", "two", "", "last"];
        assert_eq!(split(&[text]), expected);
        let bytes: Vec<&[u8]> = text.chunks(1).collect();
        assert_eq!(split(&bytes), expected);
    }

    #[test]
    fn a_line_without_end_takes_bounded_memory() {
        let chunk = [b'x'; 1000];
        let mut splitter = LineSplitter::default();
        for _ in 0..100 {
            splitter.push(&chunk, &mut |_| unreachable!("there is no line end"));
            assert!(splitter.line.len() <= LINE_BYTES_MAX);
        }
        let mut got = Vec::new();
        splitter.push(b"\nnext\n", &mut |line| got.push(line.len()));
        assert_eq!(got, [LINE_BYTES_MAX, 4]);
    }

    #[test]
    fn bytes_that_are_no_text_are_replaced() {
        assert_eq!(split(&[b"a\xffb\n"]), ["a\u{fffd}b"]);
    }

    fn pump(output: Output, tail: Tail) -> Pump {
        Pump {
            role: Role::A,
            source: Source::Err,
            output,
            tail,
        }
    }

    #[tokio::test]
    async fn a_reader_that_sleeps_loses_lines_and_is_told_how_many() {
        let (sender, mut lines) = mpsc::channel(2);
        let tail = Tail::Ring(Arc::default());
        let pump = pump(Output::Lines(sender.clone()), tail.clone());
        // The pump comes to the end although nobody reads.
        pump.run(&b"1\n2\n3\n4\n5\n"[..]).await;
        assert_eq!(tail.lines(), ["1", "2", "3", "4", "5"]);
        let texts = [lines.recv().await, lines.recv().await].map(|line| line.map(|l| l.text));
        assert_eq!(texts, [Some("1".to_owned()), Some("2".to_owned())]);
    }

    #[test]
    fn the_line_after_lost_ones_carries_their_number() {
        let (sender, mut lines) = mpsc::channel(1);
        let pump = pump(Output::Discard, Tail::Ring(Arc::default()));
        let mut lost = 0;
        for text in ["1", "2", "3"] {
            pump.offer(&sender, text.to_owned(), &mut lost);
        }
        assert_eq!(lines.try_recv().map(|line| line.lost_before), Ok(0));
        pump.offer(&sender, "4".to_owned(), &mut lost);
        let line = lines.try_recv().expect("there is room again");
        assert_eq!((line.text.as_str(), line.lost_before), ("4", 2));
        assert_eq!(lost, 0);
    }

    #[test]
    fn the_ring_keeps_the_last_lines_only() {
        let tail = Tail::Ring(Arc::default());
        for number in 0..100 {
            tail.push(&number.to_string());
        }
        let kept = tail.lines();
        assert_eq!(kept.len(), LAST_LINES_MAX);
        assert_eq!(kept.last().map(String::as_str), Some("99"));
    }

    #[test]
    fn the_end_of_a_long_file_begins_with_a_whole_line() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("log");
        let text: String = (0..10_000).map(|n| format!("line {n}\n")).collect();
        std::fs::write(&path, text).expect("written");
        let lines = Tail::File(path).lines();
        assert_eq!(lines.len(), LAST_LINES_MAX);
        assert_eq!(lines.first().map(String::as_str), Some("line 9980"));
        assert_eq!(lines.last().map(String::as_str), Some("line 9999"));
    }
}
