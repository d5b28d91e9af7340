package main

import (
	"strconv"
	"testing"
)

// A port is published as the help says, and nothing else is taken for one.
func TestParsePublish(t *testing.T) {
	for text, want := range map[string]string{
		"8080": "127.0.0.1:8080 to 8080", "8080:80": "127.0.0.1:8080 to 80", "0.0.0.0:8080": "0.0.0.0:8080 to 8080",
		"192.0.2.1:8080:80": "192.0.2.1:8080 to 80", "[::1]:8080": "[::1]:8080 to 8080", "[2001:db8::1]:8080:80": "[2001:db8::1]:8080 to 80",
		"": "", "0": "", "65536": "", "8080:": "", ":8080": "", "8080:80:70": "", "[::1]8080": "", "::1:8080": "", "host:8080": "", "1.2.3:80": "", "[]:80": "", "[::1]:": "", "192.0.2.1": "",
	} {
		p, err := parsePublish(text)
		got := ""
		if err == nil {
			got = p.Listen.String() + " to " + strconv.Itoa(int(p.Port))
		}
		if got != want {
			t.Errorf("%q: got %q, %v, want %q", text, got, err, want)
		}
	}
}
