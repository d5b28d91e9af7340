package ipranges_test

import (
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"tripline/ipranges"
)

func TestDiffCountsAddressesNotPrefixes(t *testing.T) {
	before := table(t, "192.0.2.0/24 aws/S3/x", "198.51.100.0/24 aws/EC2/x", "203.0.113.0/25 gone", "2001:db8::/48 aws/S3/x")
	after := table(t, "192.0.2.0/25 aws/S3/x", "192.0.2.128/25 aws/s3/X", "198.51.100.0/25 aws/EC2/x", "198.51.100.0/26 aws/EC2/y", "203.0.113.0/30 new", "2001:db8::/47 aws/S3/x")
	var got []string
	for _, c := range ipranges.Diff(before, after) {
		got = append(got, c.Label.String()+" +"+c.Added.String()+" -"+c.Removed.String()+" "+c.Before.String()+" to "+c.After.String())
	}
	want := []string{
		"aws +65,536 /64 -128 512 + 65,536 /64 to 384 + 131,072 /64",
		"aws/EC2 +0 -128 256 to 128", "aws/EC2/x +0 -128 256 to 128", "aws/EC2/y +64 -0 0 to 64",
		"aws/S3 +65,536 /64 -0 256 + 65,536 /64 to 256 + 131,072 /64", "aws/S3/x +65,536 /64 -0 256 + 65,536 /64 to 256 + 131,072 /64",
		"gone +0 -128 128 to 0", "new +4 -0 0 to 4",
	}
	if d := gocmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if got := ipranges.Diff(before, before); got != nil {
		t.Errorf("a table differs from itself: %v", got)
	}
	if got := ipranges.Diff(table(t, "192.0.2.0/24 aws/s3/x"), table(t, "192.0.2.0/25 aws/S3/X")); len(got) != 3 || got[2].Label.String() != "aws/S3/X" {
		t.Errorf("got %v, want one change for each spelling there is now", got)
	}
	if got := ipranges.Diff(nil, nil); got != nil {
		t.Errorf("nothing differs from nothing: %v", got)
	}
	if got := ipranges.Diff(nil, before); len(got) != 6 {
		t.Errorf("got %d changes from nothing, want 6: %v", len(got), got)
	}
}
