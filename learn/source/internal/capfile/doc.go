// Package capfile reads packets from capture files: pcap, in microseconds and
// nanoseconds and both byte orders, and pcapng.
//
// # What it promises
//
// It never panics, whatever the bytes, and holds one packet at a time in a
// buffer that is no larger than the largest record it accepts. A record that has
// no end yet stays where it is: reading goes on when there is more. A record
// that cannot be one ends reading with a [DamagedError] that says where.
//
// # What it does not do
//
// It opens no file, decompresses nothing and knows nothing of what is in a
// packet.
package capfile
