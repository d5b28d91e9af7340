package learn_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"tripline/ipranges"
	"tripline/learn"
)

// figures compares points by what they say.
var figures = cmp.Options{compare, cmpopts.IgnoreUnexported(learn.Point{})}

func frontiers(t *testing.T, check func(t *testing.T, r *rand.Rand, ds []learn.Destination, o learn.FoldOptions)) {
	t.Helper()
	r := seedOf(t)
	for range 12 {
		check(t, r, anything(r), random(r))
		if t.Failed() {
			return
		}
	}
}

func TestFrontierRises(t *testing.T) {
	frontiers(t, func(t *testing.T, _ *rand.Rand, ds []learn.Destination, o learn.FoldOptions) {
		ps := learn.NewFrontier(ds, o).Points
		for i := 1; i < len(ps); i++ {
			if ps[i].Opens <= ps[i-1].Opens || ps[i].Alarms >= ps[i-1].Alarms {
				t.Errorf("point %d is %+v after %+v", i, ps[i], ps[i-1])
			}
		}
	})
}

func TestDefaultPointIsWhatFoldReturns(t *testing.T) {
	frontiers(t, func(t *testing.T, _ *rand.Rand, ds []learn.Destination, o learn.FoldOptions) {
		f := learn.NewFrontier(ds, o)
		pick, err := f.Pick(learn.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(learn.Fold(ds, o), f.Fold(pick.Point).To, compare); diff != "" {
			t.Errorf("rules (-Fold +Frontier):\n%s", diff)
		}
	})
}

func TestEveryPointAdmitsWhatWasLearned(t *testing.T) {
	frontiers(t, func(t *testing.T, _ *rand.Rand, ds []learn.Destination, o learn.FoldOptions) {
		f := learn.NewFrontier(ds, o)
		for i, p := range f.Points {
			rules := f.Fold(p).To
			if len(rules) != p.Rules {
				t.Errorf("point %d says %d rules and has %d", i, p.Rules, len(rules))
			}
			if e := learn.Exposure(rules, o.Space, learn.Never{}); e != p.Admits {
				t.Errorf("point %d says that it admits %v, its rules admit %v", i, p.Admits, e)
			}
			checkAdmitted(t, rules, ds, o)
		}
	})
}

func checkAdmitted(t *testing.T, rules []learn.Rule, ds []learn.Destination, o learn.FoldOptions) {
	t.Helper()
	for _, d := range ds {
		admitted := false
		for _, r := range rules {
			admitted = admitted || admits(t, r, d, o)
		}
		if !admitted {
			t.Errorf("%v %v %q is admitted by none of %v", d.Service, d.Addr, d.Name, words(rules))
		}
	}
}

func TestFrontierIgnoresOrder(t *testing.T) {
	frontiers(t, func(t *testing.T, r *rand.Rand, ds []learn.Destination, o learn.FoldOptions) {
		was := learn.NewFrontier(ds, o).Points
		r.Shuffle(len(ds), func(i, j int) { ds[i], ds[j] = ds[j], ds[i] })
		if diff := cmp.Diff(was, learn.NewFrontier(ds, o).Points, figures); diff != "" {
			t.Errorf("in another order (-was +is):\n%s", diff)
		}
	})
}

func TestPickKeepsItsLimits(t *testing.T) {
	frontiers(t, func(t *testing.T, r *rand.Rand, ds []learn.Destination, o learn.FoldOptions) {
		f := learn.NewFrontier(ds, o)
		p := f.Points[r.IntN(len(f.Points))]
		rules, most, alarms := p.Rules, p.Opens, p.Alarms
		for _, l := range []learn.Limits{
			{Rules: &rules}, {Exposure: &most}, {Alarms: &alarms}, {Rules: &rules, Exposure: &most, Alarms: &alarms},
		} {
			got, err := f.Pick(l)
			if err != nil {
				t.Errorf("a point that exists is not found: %v", err)
				continue
			}
			if l.Rules != nil && got.Rules > rules || l.Exposure != nil && got.Opens > most || l.Alarms != nil && got.Alarms > alarms {
				t.Errorf("picked %+v, want at most %+v", got.Point, p)
			}
		}
	})
}

func TestFewerRulesThanTheDefaultCanBePicked(t *testing.T) {
	ds := rotating(rand.New(rand.NewPCG(1, 1)), 20)
	for i := range 6 {
		ds = append(ds, seen(web, fmt.Sprintf("198.%d.100.9", 40*i), "", 1))
	}
	f := learn.NewFrontier(ds, learn.FoldOptions{Space: storage()})
	two := 2
	got, err := f.Pick(learn.Limits{Rules: &two})
	if err != nil || got.Rules > 2 || got.Default.Rules <= 2 {
		t.Errorf("got %d rules (%v), want 2 instead of the default's %d", got.Rules, err, f.Default.Rules)
	}
	want(t, f.Fold(got.Point).To, "aws/S3/us-east-1 [tcp/443]", "198.0.0.0/8 [tcp/443]")
}

func TestLimitsThatCannotBeKept(t *testing.T) {
	ds := []learn.Destination{seen(web, "192.168.1.1", "", 1), seen(web, "192.168.1.9", "", 1), seen(web, "192.0.2.1", "", 1), seen(web, "192.0.2.9", "", 1)}
	f := learn.NewFrontier(ds, learn.FoldOptions{})
	rules, most, alarms := 2, uint64(3), 0.0
	three, four := 3, uint64(4)
	for want, l := range map[string]learn.Limits{
		"at most 2 rules: cannot be kept, the least is 3 rules":                        {Rules: &rules},
		"at most 3 addresses: cannot be kept, the least is 4 addresses":                {Exposure: &most},
		"at most 0 alarms a week: cannot be kept, the least is ":                       {Alarms: &alarms},
		"at most 3 rules and at most 4 addresses: cannot be kept together, each alone": {Rules: &three, Exposure: &four},
	} {
		_, err := f.Pick(l)
		if !errors.Is(err, learn.ErrLimits) || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

func TestFrontierOfNothing(t *testing.T) {
	f := learn.NewFrontier(nil, learn.FoldOptions{})
	if len(f.Points) != 1 || f.Default.Rules != 0 || f.Default.Alarms != 0 {
		t.Errorf("got %+v, want one point without rules", f.Points)
	}
}

// Storage of two regions whose addresses rotate, and a ceiling below one.
func TestNothingCrossesTheCeilingWithoutLeave(t *testing.T) {
	ds := rotating(rand.New(rand.NewPCG(3, 3)), 25)
	s3 := ipranges.Label{Provider: "aws", Service: "S3", Region: "us-east-1"}
	o := learn.FoldOptions{Space: storage(), Ceiling: ipranges.Exposure{V4: 1 << 12}}
	f := learn.NewFrontier(ds, o)
	for _, p := range f.Points {
		for _, r := range f.Fold(p).To {
			if r.Admits.V4 > 1<<12 {
				t.Errorf("%v admits %v, above the ceiling", r.To, r.Admits)
			}
		}
	}
	held := f.Fold(f.Default).Held
	if len(held) != 1 || held[0].Label != s3 || held[0].Admits.V4 < 1<<17 || held[0].Alarms <= 0 {
		t.Errorf("held back %+v, want %v with what it opens and saves", held, s3)
	}
	o.AllowWide = []ipranges.Label{{Provider: "AWS", Service: "s3", Region: "US-east-1"}}
	want(t, learn.Fold(ds, o), "aws/S3/us-east-1 [tcp/443]")
}

// A week in which storage was met on the first day and nothing new came since.
func TestSharedSetsAreOpenedOnlyWhileNewOnesCome(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 5))
	ds := rotating(r, 20)
	for i := range ds {
		ds[i].First = monday
	}
	for _, rule := range learn.Fold(ds, learn.FoldOptions{Space: storage(), Lambda: 1e-12}) {
		if rule.To.Label != (ipranges.Label{}) {
			t.Errorf("%v was opened, where strangers rent and nothing new came", rule.To)
		}
	}
}

// Names that keep coming are expected to come again: what no wildcard admits
// would alarm, at every point.
func TestNamesCountInTheAlarmsOfEveryPoint(t *testing.T) {
	var ds []learn.Destination
	for i := range 12 {
		d := seen(web, fmt.Sprintf("203.0.113.%d", i), fmt.Sprintf("host%d.example%d.com", i, i), 14*i)
		d.Evidence = learn.SNI
		ds = append(ds, d)
	}
	f := learn.NewFrontier(ds, learn.FoldOptions{})
	if f.Default.Alarms < 5 || f.Fold(f.Default).News < f.Default.Alarms {
		t.Errorf("%.2f alarms of %.2f new a week, want about the six that came in the recent half, twice", f.Default.Alarms, f.Fold(f.Default).News)
	}
}
