// Package vpcflow reads the flow logs of AWS VPCs, versions 2 to 8: lines of
// values in an order that a first line tells, or in that of version 2.
//
// # Vocabulary
//
// A line is what one network interface saw of one direction of a connection in
// some minutes.
//
// # What it promises
//
// Nothing panics, whatever the bytes. A line is read, or its error has a cause;
// a line that is read has two addresses of one family, without zone and
// unmapped, and a beginning. Strings are owned and printable. Reading allocates
// nothing but words not met before.
//
// # What it does not do
//
// It does not join directions, nor the lines of one connection.
package vpcflow
