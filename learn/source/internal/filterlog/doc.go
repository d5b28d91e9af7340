// Package filterlog reads the lines that the filterlog program of pfSense and
// OPNsense writes: a syslog header in one of nine forms, then comma-separated
// values.
//
//	Mar 28 12:00:00 fw filterlog[64952]: 5,,,1000000103,em1,match,pass,in,4,0x0,,64,1234,0,DF,6,tcp,60,192.0.2.10,198.51.100.7,51000,443,0,S,1960648610,,64240,,mss
//
// The two programs differ in details, releases of each as well; a line says by
// itself which it is. Documentation of the format:
// https://docs.netgate.com/pfsense/en/latest/monitoring/logs/raw-filter-format.html
// (which is wrong about CARP, where advskew comes before advbase, and about the
// order of TCP flags, which is FSRPAUEC).
//
// # What it promises
//
// Any bytes give either a line with valid addresses, unmapped and without zone,
// or a [scan.Error]. A line that was cut gives an error rather than half a
// number or address.
package filterlog
