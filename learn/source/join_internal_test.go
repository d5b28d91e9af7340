package source

import (
	"reflect"
	"testing"
)

// What one stream lost must not be silent where it is read together with others.
func TestSumOfStatsHasAllOfThem(t *testing.T) {
	var some Stats
	for _, f := range reflect.ValueOf(&some).Elem().Fields() {
		if f.CanInt() {
			f.SetInt(3)
		} else {
			f.SetUint(3)
		}
	}
	for _, got := range []Stats{sum(some, Stats{}), sum(Stats{}, some)} {
		if got != some {
			t.Errorf("got %+v, want %+v", got, some)
		}
	}
}
