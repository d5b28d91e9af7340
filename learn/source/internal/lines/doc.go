// Package lines reads log files line by line, each line once, while others
// rotate, compress, truncate and delete them.
//
// # Vocabulary
//
// A [Reader] reads one log, named by the path of its live file. A log is a
// family of files: the live one, and its predecessors by name (filter.log.0,
// filter.log.1.bz2, filter.log-20260102.gz, filter_20260102.0001.log). What
// such a file holds is a content: it keeps its identity when it is renamed,
// copied or compressed. A [Cursor] says how far a content was read. It
// recognises it by a fingerprint of its beginning and of the bytes before the
// place.
//
// # What it promises
//
// With the cursor of the last line that was kept, a new Reader goes on with the
// line after it: none is lost, none is read twice, in whichever file it is now.
// Where that cannot be promised, because the file is gone, [Stats] says so.
// A file that was read under another name is not read again, if the places where
// reading stopped are kept and given as [Options.Known]: those of
// [Reader.Cursor] for each name that was read, and those of [Reader.Finished].
// A line that is still being written waits until it is complete. Memory is
// bounded by the longest line allowed, whatever the input is.
//
// # What it does not do
//
// It does not look into lines. A log that is copied and truncated loses what
// the writer appends between the two; no reader can see that. Files are told
// apart by their text, so where all lines are alike one may pass for another.
package lines
