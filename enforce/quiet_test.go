package enforce_test

import (
	"testing"
	"time"

	"tripline/enforce"
	"tripline/learn"
)

func TestMatch(t *testing.T) {
	p := compile(t, rule("203.0.113.8", https))
	verdict := p.Explain(flow("192.0.2.9", https, "paste.example.net"))
	verdict.Owner = enforce.Owner{Labels: []string{"aws/S3"}, ASN: 64500}
	silent := *enforce.Finding("sensor_silent", enforce.Medium, dawn, "", "/var/log/filter.log", "")
	for text, want := range map[string][2]bool{
		"bot":                          {true, false},
		"agent=bot,unexpected":         {true, false},
		"agent=web":                    {false, false},
		"forbidden":                    {false, false},
		"kind=sensor_silent":           {false, true},
		"kind=destination":             {true, false},
		"severity=medium":              {false, true},
		"severity=critical":            {true, true},
		"192.0.2.9":                    {true, false},
		"192.0.2.0/24,tcp/443":         {true, false},
		"192.0.2.0/24,port=tcp/22":     {false, false},
		"198.51.100.0/24":              {false, false},
		"paste.example.net":            {true, false},
		"*.example.net":                {true, false},
		"*.net.example":                {false, false},
		"to=AS64500":                   {true, false},
		"to=aws/S3":                    {true, false},
		"to=aws/EC2":                   {false, false},
		"subject=/var/log/filter.log":  {false, true},
		"subject=/var/log/another.log": {false, false},
	} {
		m, err := enforce.ParseMatch(text)
		if got := [2]bool{m.Selects(&verdict), m.Selects(&silent)}; err != nil || got != want || m.String() != text {
			t.Errorf("%s selects %v, want %v (%v)", text, got, want, err)
		}
	}
	for _, text := range []string{"", ",", "bot,", "agent=", "severity=loud", "verdict=allowed", "to=no", "port=http", "color=red"} {
		if m, err := enforce.ParseMatch(text); err == nil {
			t.Errorf("%q is read as %+v", text, m)
		}
	}
}

func TestQuiet(t *testing.T) {
	l := enforce.NewLedger(enforce.Service())
	refused := found("x", dawn)
	refused.Action = learn.Refused.String()
	first := l.Note(refused)
	q, err := enforce.NewQuiet(
		[]enforce.Ack{{ID: first.ID, Severity: first.Severity, Action: first.Action}},
		[]enforce.Mute{{Selector: "subject=y", At: dawn, Until: dawn.Add(time.Hour)}})
	if err != nil {
		t.Fatal(err)
	}
	over := *first
	over.Status = enforce.StatusResolved
	persists := l.Note(found("x", dawn.Add(2*time.Hour)))
	passes := *persists
	passes.Action = learn.Pass.String()
	graver := *persists
	graver.Severity = enforce.High
	muted, early := *found("y", dawn), *found("y", dawn.Add(-time.Hour))
	mutedOver, earlyOver := muted, early
	mutedOver.Status, earlyOver.Status = enforce.StatusResolved, enforce.StatusResolved
	for name, tt := range map[string]struct {
		a    *enforce.Alert
		at   time.Duration
		want string
	}{
		"it is acknowledged":         {first, 0, enforce.Acknowledged},
		"it only repeats":            {persists, 0, enforce.Acknowledged},
		"it is let through":          {&passes, 0, ""},
		"it matters more":            {&graver, 0, ""},
		"that it is over is told":    {&over, 0, ""},
		"it is muted":                {&muted, 0, enforce.Muted},
		"the mute has ended":         {&muted, time.Hour, ""},
		"it began muted and is over": {&mutedOver, 0, enforce.Muted},
		"it was told and is over":    {&earlyOver, 0, ""},
		"another":                    {found("z", dawn), 0, ""},
	} {
		if got := q.Of(tt.a, dawn.Add(tt.at)); got != tt.want {
			t.Errorf("%s: got %q, want %q", name, got, tt.want)
		}
	}
	if n := len(q.Mutes(dawn.Add(time.Hour))); n != 0 {
		t.Errorf("%d mutes hold after their time", n)
	}
	if got := (&enforce.Quiet{}).Of(first, dawn); got != "" {
		t.Errorf("nothing was said, and it is %q", got)
	}
}

// FuzzMatch holds that what is read selects, and writes itself.
func FuzzMatch(f *testing.F) {
	for _, seed := range []string{"bot,drift", "to=*.example.net", "severity=low,port=udp/53", "kind=x,subject=y", "AS64500", "a=b=c", "to=[2001:db8::]/32"} {
		f.Add(seed)
	}
	a := found("x", dawn)
	f.Fuzz(func(t *testing.T, text string) {
		m, err := enforce.ParseMatch(text)
		if err != nil {
			return
		}
		again, err := enforce.ParseMatch(m.String())
		if err != nil || again.Selects(a) != m.Selects(a) {
			t.Errorf("%q is not read back: %v", text, err)
		}
	})
}
