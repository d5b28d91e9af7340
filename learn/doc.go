// Package learn turns traffic that was seen into traffic that is expected.
//
// # Vocabulary
//
// A [Flow] is one outbound connection as one source saw it. An [Agent] is a
// named workload, found by selectors. A [Destination] is what an agent talked
// to and when. A [Rule] admits destinations. A [Proposal] is the rules that
// folding yields now; a [Baseline] is a set of rules a person approved.
//
// # What folding promises
//
// Every destination that was folded in is admitted by the result, unless it is
// in [Never]. The order of the flows does not matter. Folding the same flows
// again changes nothing. Equal evidence gives equal rules.
//
// # What it does not do
//
// It opens no file, reads no clock and logs nothing. Time comes from flows or
// from a parameter.
package learn
