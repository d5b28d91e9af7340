package ipranges_test

import (
	"net/netip"
	"testing"

	"tripline/ipranges"
)

func TestExposureInWords(t *testing.T) {
	for want, e := range map[string]ipranges.Exposure{
		"0": {}, "999": {V4: 999}, "1,524,736": {V4: 1524736}, "3 /64": {V6: 3},
		"1,000 + 18,446,744,073,709,551,615 /64": {V4: 1000, V6: 1<<64 - 1},
	} {
		if got := e.String(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestExposureSaturates(t *testing.T) {
	full := ipranges.Exposure{V4: 1 << 32, V6: 1<<64 - 1}
	if got := full.Plus(ipranges.Exposure{V4: 1, V6: 1}); got.V6 != full.V6 || got.V4 != 1<<32+1 || got.Total() != 1<<64-1 {
		t.Errorf("got %+v, total %d", got, got.Total())
	}
	if !(ipranges.Exposure{}).IsZero() || full.IsZero() {
		t.Error("IsZero is wrong")
	}
}

func TestLabelsCoverWhatIsBelowThem(t *testing.T) {
	tests := []struct {
		wide, narrow string
		want         bool
	}{
		{"aws", "aws/S3/us-east-1", true},
		{"aws/S3", "aws/S3/us-east-1", true},
		{"AWS/s3/US-EAST-1", "aws/S3/us-east-1", true},
		{"aws/S3/us-east-1", "aws/S3", false},
		{"aws/S3", "aws/S3X/us-east-1", false},
		{"aws", "azure/Storage", false},
	}
	for _, tt := range tests {
		if got := label(t, tt.wide).Covers(label(t, tt.narrow)); got != tt.want {
			t.Errorf("%s covers %s: got %v, want %v", tt.wide, tt.narrow, got, tt.want)
		}
	}
}

func TestASpaceWithoutDataKnowsNothing(t *testing.T) {
	if as, ok := (ipranges.Space{}).AS(netip.MustParseAddr("192.0.2.1")); ok {
		t.Errorf("got %v", as)
	}
}
