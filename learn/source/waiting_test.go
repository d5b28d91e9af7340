package source_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"testing"

	"tripline/learn/source"
)

func TestWaitingOnlyUntilAllThatWasReadIsReturned(t *testing.T) {
	dir, text := t.TempDir(), ""
	for i := range 10 {
		text += fmt.Sprintf(atFirewall, 2*i, 40000+i)
	}
	first := appended(t, filepath.Join(dir, "filter.log"), text)
	second := appended(t, filepath.Join(dir, "kern.log"), fmt.Sprintf(onHost, 1, 40001))
	inputs := []source.Input{{Source: found(t, "filterlog"), Path: first}, {Source: found(t, "netfilter"), Path: second}}
	_, at := more(t, inputs, nil, 3, false)
	if got, want := source.Waiting(inputs[0], at), []string{"filterlog=" + first, "netfilter=" + second}; !slices.Equal(got, want) {
		t.Errorf("in the middle: got %v, want %v", got, want)
	}
	if got := source.Waiting(source.Input{Source: inputs[0].Source, Path: second}, at); got != nil {
		t.Errorf("another input: got %v, want none", got)
	}
	if _, at = more(t, inputs, at, 20, false); source.Waiting(inputs[0], at) != nil {
		t.Error("at the end it still waits")
	}
}
