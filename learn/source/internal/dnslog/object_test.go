package dnslog

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"
)

var objects = []string{
	`{}`, ` { "a" : 1 , "b" : "x\"y\\" , "c" : [ 1 , "]" , { "d" : "}" } ] , "a" : null } `, `{"a":"\u0041"}`, `{"a":{"b":{"c":[]}}}`,
	`{"a":true}`, `{"a"`, `{"a":`, `{"a":1`, `{"a":1,`, `{"a":1}x`, `[]`, ``, `{"a":"`, `{"a":{"b":"`, `{"a":}`, `{,}`, `{"a":1,}`, `{"a":"\\"}`,
}

// What is JSON is read as encoding/json does, one level deep.
func FuzzObject(f *testing.F) {
	for _, s := range objects {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		got := map[string]string{}
		err := object(b, func(key, value []byte) { got[string(key)] = string(value) })
		var want map[string]json.RawMessage
		if json.Unmarshal(b, &want) != nil || want == nil {
			return
		}
		if err != nil {
			t.Fatalf("%q: %v", b, err)
		}
		for key, value := range want {
			if strings.ContainsAny(key, "\"\\\uFFFD<>&") {
				continue // written with an escape
			}
			if got[key] != string(value) && !bytes.ContainsRune(b, '\\') {
				t.Errorf("%q: %q is %q, want %q", b, key, got[key], value)
			}
			if !utf8.Valid(value) {
				continue // no name has such bytes, whatever becomes of them
			}
			var s string
			if plain, ok := text(value); json.Unmarshal(value, &s) == nil && string(value) != "null" && (!ok || string(plain) != s) {
				t.Errorf("text of %q is %q %v, want %q", value, plain, ok, s)
			}
		}
	})
}

func TestAnObjectThatIsCutIsToldFromNone(t *testing.T) {
	for s, want := range map[string]error{
		`{"a":1}`: nil, `{"a":"x`: errCut, `{"a":{"b":1}`: errCut, `{"a"`: errCut, `{`: errCut,
		`x`: errObject, ``: errObject, `{"a":1}}`: errObject, `{"a" 1}`: errObject, `{"a":1;"b":2}`: errObject,
	} {
		if err := object([]byte(s), func(_, _ []byte) {}); err != want { //nolint:errorlint // the sentinel itself
			t.Errorf("%s: got %v, want %v", s, err, want)
		}
	}
}
