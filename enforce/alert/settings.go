package alert

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"tripline/learn"
)

// Settings are what one sink is told by the configuration.
type Settings struct {
	conf   learn.Sink
	kind   Kind
	rest   string // behind "to: KIND+"
	stdout io.Writer
	warn   func(string)
}

// check refuses what this kind does not take, and wants what it must have.
func (s *Settings) check() error {
	for key := range s.conf.Settings {
		if err := s.known(key); err != nil {
			return s.conf.Wrong(key, err)
		}
	}
	for _, k := range s.kind.Keys {
		if k.Required && !s.given(k) && !(s.rest != "" && k.Name == "url") {
			want := k.Name
			if k.Secret {
				want = k.Name + "_file"
			}
			return s.conf.Wrong("", learn.WithHint(fmt.Errorf("%s is missing: %s", want, k.Short), "add \"%s: ...\" to alerts: %s", want, s.conf.Name))
		}
	}
	return nil
}

func (s *Settings) given(k Key) bool {
	if !k.Secret {
		return s.conf.Settings[k.Name] != ""
	}
	return s.conf.Settings[k.Name+"_file"] != "" || s.conf.Settings[k.Name+"_env"] != ""
}

// Common are the settings that every kind takes.
var Common = []Key{
	{Name: "to", Short: "the kind", Required: true},
	{Name: "min", Short: "least severity: info, low, medium, high or critical"},
	{Name: "kinds", Short: "list of kinds of alerts, such as destination"},
	{Name: "agents", Short: "list of agents"},
	{Name: "statuses", Short: "list of new, active, persistent, resolved, more"},
	{Name: "after", Short: "only what comes so often: {count: 3, within: 5m}"},
	{Name: "quiet", Short: "hours in which only critical ones are sent: {from: \"22:00\", to: \"07:00\", tz: Europe/Berlin}"},
	{Name: "window", Short: "after a message, what comes is collected for so long: 30s; 0s to send each at once"},
	{Name: "rate", Short: "messages in a time: 20/m"},
	{Name: "batch", Short: "alerts in one message"},
	{Name: "timeout", Short: "time for one try"},
	{Name: "trouble", Short: "failing for so long is told to the other sinks (default 5m)"},
	{Name: "queue", Short: "alerts that may wait (default 10000)"},
}

func (s *Settings) known(key string) error {
	var names []string
	for _, k := range Common {
		names = append(names, k.Name)
	}
	for _, k := range s.kind.Keys {
		switch {
		case !k.Secret && k.Name == key, k.Secret && (key == k.Name+"_file" || key == k.Name+"_env"):
			return nil
		case k.Secret && k.Name == key:
			return learn.WithHint(errors.New("a secret does not belong into the configuration"),
				"put it into a file of its own (mode 0600) and say \"%s_file: FILE\", or \"%s_env: VARIABLE\"", key, key)
		case k.Secret:
			names = append(names, k.Name+"_file", k.Name+"_env")
		default:
			names = append(names, k.Name)
		}
	}
	err := fmt.Errorf("a sink of kind %s has no such setting", s.kind.Name)
	if near, ok := nearest(key, names); ok {
		return learn.WithHint(err, "did you mean %q?", near)
	}
	return learn.WithHint(err, `"tripline alert kinds %s" lists the settings`, s.kind.Name)
}

// text returns a setting, or what holds without it.
func (s *Settings) text(key, without string) string {
	if v := s.conf.Settings[key]; v != "" {
		return v
	}
	return without
}

// wrong is an error with the place of a setting.
func (s *Settings) wrong(key, format string, args ...any) error {
	return s.conf.Wrong(key, fmt.Errorf(format, args...))
}

// format returns the format that a sink writes.
func (s *Settings) format(without string) (Format, error) {
	f, err := FindFormat(s.text("format", without))
	return f, s.conf.Wrong("format", err)
}

// secret returns a secret from where the configuration says it is, "" where it says
// nothing.
func (s *Settings) secret(key string) (string, error) {
	file, env := s.conf.Settings[key+"_file"], s.conf.Settings[key+"_env"]
	switch {
	case file != "" && env != "":
		return "", s.wrong(key+"_env", "%s_file says where it is, too; want one of them", key)
	case file != "":
		v, err := s.secretFile(key, file)
		return v, s.conf.Wrong(key+"_file", err)
	case env != "":
		if v := strings.TrimSpace(os.Getenv(env)); v != "" {
			return v, nil
		}
		return "", s.conf.Wrong(key+"_env", learn.WithHint(fmt.Errorf("the environment variable %s is not set", learn.Printable(env)), "export %s=...", learn.Printable(env)))
	}
	return "", nil
}

// secretFile reads a secret that stands alone in a file. That all users of the
// machine can read it is worth a warning.
func (s *Settings) secretFile(key, file string) (string, error) {
	st, err := os.Stat(file)
	if err != nil {
		return "", err //nolint:wrapcheck // it says the path
	}
	if !st.Mode().IsRegular() || st.Size() > 64<<10 {
		return "", fmt.Errorf("%s: want a file that holds the secret and nothing else", learn.Printable(file))
	}
	if st.Mode().Perm()&0o004 != 0 {
		s.warn(fmt.Sprintf("alerts: %s: every user of this machine can read %s (mode %04o): chmod 600 %s", s.conf.Name, learn.Printable(file), st.Mode().Perm(), learn.Printable(file)))
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return "", err //nolint:wrapcheck // it says the path
	}
	v := strings.TrimSpace(string(text))
	if v == "" {
		return "", fmt.Errorf("%s is empty; it should hold the %s", learn.Printable(file), key)
	}
	return v, nil
}
