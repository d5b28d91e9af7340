package source

import (
	"bytes"
	"errors"

	"tripline/learn"
)

// A kind of file that is given to us by mistake.
type mistake struct {
	begins string // its first bytes, lower case where they are letters
	what   string
	hint   string
}

var mistakes = []mistake{
	{"\x1f\x8b", "gzip data inside the compressed file", "decompress it once: gzip -d FILE"},
	{"bzh", "bzip2 data inside the compressed file", "decompress it once: bzip2 -d FILE"},
	{"\xfd7zxz", "xz data inside the compressed file", "decompress it once: xz -d FILE"},
	{"\x28\xb5\x2f\xfd", "zstd data inside the compressed file", "decompress it once: zstd -d FILE"},
	{"pk\x03\x04", "a zip archive", "unpack it first: unzip FILE"},
	{"<!doctype", "an HTML page", "the download was not the log; copy /var/log/filter.log with scp"},
	{"<html", "an HTML page", "the download was not the log; copy /var/log/filter.log with scp"},
	{"<?xml", "an XML file", "a configuration is no log; copy /var/log/filter.log with scp"},
	{"\xd4\xc3\xb2\xa1", "a packet capture", captureHint},
	{"\xa1\xb2\xc3\xd4", "a packet capture", captureHint},
	{"\x0a\x0d\x0d\x0a", "a packet capture", captureHint},
	{"par1", "a Parquet file", "let it be written as text: a flow log of AWS has its file format from when it is created"},
	{"sqlite format 3", "an SQLite database", `"tripline sources" lists what can be read`},
	{"\x7felf", "a program", "name the log: /var/log/filter.log"},
}

// captureHint is what reads captures.
const captureHint = "--from pcap reads it; --from netflow, if it is of what an exporter of flows sent"

// clogHint is what to do about the ring buffers of pfSense before 2.5.
const clogHint = "a log of pfSense before 2.5 is a ring buffer; on the firewall: clog /var/log/filter.log > filter.txt"

// sniffLog refuses what is no text log. An empty file is one.
func sniffLog(head []byte) error {
	start := bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf")), " \t\r\n")
	if bytes.HasPrefix(head, []byte("\n\r\r\n")) {
		start = head // a capture begins with what looks like empty lines
	}
	for _, m := range mistakes {
		if len(start) >= len(m.begins) && string(lower(start[:len(m.begins)])) == m.begins {
			return learn.WithHint(errors.New(m.what+", not a text log"), "%s", m.hint)
		}
	}
	if wide(head) {
		return learn.WithHint(errors.New("text in UTF-16, not in UTF-8"), "convert it: iconv -f UTF-16 -t UTF-8 FILE")
	}
	if bytes.IndexByte(head, 0) >= 0 {
		return learn.WithHint(errBinary, `"tripline sources" lists what can be read`)
	}
	return nil
}

// errBinary is returned for what is no text and nothing known.
var errBinary = errors.New("binary data, not a text log")

// sniffFilterlog does what sniffLog does, and knows how pfSense wrote its log.
func sniffFilterlog(head []byte) error {
	err := sniffLog(head)
	if errors.Is(err, errBinary) {
		return learn.WithHint(errBinary, clogHint)
	}
	return err
}

// wide says whether the text begins with the mark of UTF-16.
func wide(b []byte) bool {
	return bytes.HasPrefix(b, []byte("\xff\xfe")) || bytes.HasPrefix(b, []byte("\xfe\xff"))
}

// lower changes ASCII letters only: magic numbers are not text.
func lower(b []byte) []byte {
	out := make([]byte, len(b))
	for i, c := range b {
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		out[i] = c
	}
	return out
}
