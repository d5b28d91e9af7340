package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"syscall"
	"time"

	"tripline/learn"
)

// configure reads the configuration file before any command runs.
func (a *app) configure() error {
	if err := a.checkColor(); err != nil {
		return err
	}
	path, text, err := a.configText()
	if err != nil {
		return fmt.Errorf("read configuration: %w", err)
	}
	if path == "" {
		a.config.Never = learn.NewNever(nil, nil)
		return nil
	}
	a.config, err = learn.DecodeConfig(path, text)
	return err
}

func (a *app) checkColor() error {
	if a.color != "auto" && a.color != "always" && a.color != "never" {
		return fmt.Errorf("--color %q: want auto, always or never", a.color)
	}
	return nil
}

// configText returns the configuration that holds: the one that was named, or
// the first there is. What is never to be admitted stands there, so a service
// must find it whatever directory it is started in. Without any the path is "".
func (a *app) configText() (path string, text []byte, err error) {
	if a.configPath != "" {
		text, err = os.ReadFile(a.configPath)
		return a.configPath, text, err
	}
	for _, path := range a.configPaths() {
		text, err := os.ReadFile(path)
		if !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ENOTDIR) {
			return path, text, err
		}
	}
	return "", nil, nil
}

const configName = "tripline.yaml"

// systemConfig is where the system keeps the configuration of programs.
func systemConfig() string {
	if runtime.GOOS == "freebsd" {
		return "/usr/local/etc/tripline/" + configName
	}
	return "/etc/tripline/" + configName
}

// zone returns the zone for time stamps that carry none: the flag, then the
// configuration, then UTC.
func (a *app) zone(flag string) (*time.Location, error) {
	name := flag
	if name == "" {
		name = a.config.Zone
	}
	if name == "" {
		return time.UTC, nil
	}
	loc, err := time.LoadLocation(name)
	if err != nil {
		return nil, learn.WithHint(fmt.Errorf("unknown time zone %q", learn.Printable(name)), "--tz takes an IANA name such as Europe/Berlin, or Local")
	}
	return loc, nil
}
