// Package eve reads the events that Suricata writes as JSON, one in a line: the
// keys that say which connection an event is about, and what it is called.
//
// # What it promises
//
// Nothing panics, whatever the bytes, and nothing recurses. Of valid JSON it
// reads what encoding/json reads: escapes, any order of keys, of two keys of the
// same name the last. What ends too early is an error. What is passed over is not
// checked for more than its strings and brackets.
//
// # What it does not do
//
// It does not know what was said before, or whose host is whose.
package eve
