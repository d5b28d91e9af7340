// Package enforce says what a baseline does not explain.
//
// # Vocabulary
//
// A [Policy] is baselines compiled with the current ranges: the one matcher
// that watching, explaining, exporting and replaying share. A [Verdict] is what
// it says of a flow. An [Alert] is a verdict other than allowed with everything
// a person needs to act on it. [Watch] counts what repeats.
//
// # What it promises
//
// What is admitted is exactly the addresses and names of the rules, less the
// bounding set. [Policy.Check] and [Policy.Explain] cannot disagree: the second
// asks the first.
//
// # What it does not do
//
// It touches no network, opens no file and reads no clock.
package enforce
