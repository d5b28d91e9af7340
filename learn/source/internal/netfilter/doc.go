// Package netfilter reads what the Linux kernel logs of a packet when a rule
// says so: the LOG target of iptables, the log statement of nftables, ufw and
// everything else that is made of them.
//
// # Vocabulary
//
// A prefix is what the rule's author chose to be written before the packet: the
// only hint at which rule it was, and at what became of the packet.
//
// # What it promises
//
// Nothing panics, whatever the bytes. A line is read, or its error has a cause;
// a line that is read has two addresses, without zone and unmapped. Strings are
// owned and printable. Reading allocates nothing but words not met before.
//
// # What it does not do
//
// It does not decide whether a packet is of interest. Of the packet that an
// ICMP error quotes it reads nothing.
package netfilter
