package learn_test

import (
	"strings"
	"testing"

	"tripline/learn"
)

func TestConfigIsOneDocument(t *testing.T) {
	for text, want := range map[string]string{
		"never: [203.0.113.0/24]\n---\nnever: [198.51.100.0/24]\n": "line 3: a second document",
		"never: [203.0.113.0/24]\n---\n{\n":                        "line",
		"---\nnever: [203.0.113.0/24]\n":                           "",
		"":                                                         "",
	} {
		_, err := learn.DecodeConfig("tripline.yaml", []byte(text))
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %q", text, err, want)
		}
	}
}
