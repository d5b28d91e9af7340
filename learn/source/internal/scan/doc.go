// Package scan reads the parts that log lines are made of: fields, numbers,
// addresses, time stamps and words, from bytes that may be hostile.
//
// # What it promises
//
// Nothing panics, whatever the bytes. Reading what is well-formed allocates
// nothing, except the first time a word is met. Words are printable ASCII.
//
// # What it does not do
//
// It knows no log format and reads no clock.
package scan
