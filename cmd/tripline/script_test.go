package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"tripline": main,
		"holddb":   holdMain,
	})
}

// TestScript runs the scripts: what a user types, and what they must get.
func TestScript(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 filepath.Join("..", "..", "testdata", "script"),
		Setup:               setupScript,
		Condition:           condition,
		Cmds:                scriptCommands,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		UpdateScripts:       os.Getenv("TRIPLINE_UPDATE") != "",
	})
}

// setupScript gives a script a database and the logs of its own.
func setupScript(env *testscript.Env) error {
	data, err := filepath.Abs(filepath.Join("..", "..", "testdata"))
	if err != nil {
		return err
	}
	env.Setenv("DATA", data)
	env.Setenv("TRIPLINE_DB", filepath.Join(env.WorkDir, "tripline.db"))
	env.Setenv("HOME", env.WorkDir)
	env.Setenv("SUDO_USER", "admin") // who approves
	logs := filepath.Join(data, "script", "log")
	entries, err := os.ReadDir(logs)
	if err != nil {
		return err
	}
	for _, e := range entries {
		text, err := os.ReadFile(filepath.Join(logs, e.Name()))
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(env.WorkDir, e.Name()), text, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// condition tells scripts what the machine can do.
func condition(name string) (bool, error) {
	switch name {
	case "root":
		return os.Geteuid() == 0, nil
	case "mount": // a file system of one's own
		return exec.Command("unshare", "-rm", "mount", "-t", "tmpfs", "none", "/mnt").Run() == nil, nil
	case "full":
		_, err := os.Stat("/dev/full")
		return err == nil, nil
	}
	return false, errors.New("no such condition")
}

// scriptCommands are what scripts can do beside running programs.
var scriptCommands = map[string]func(*testscript.TestScript, bool, []string){
	"engine":   cmdEngine,
	"code":     cmdCode,
	"digest":   cmdDigest,
	"edit":     cmdEdit,
	"fill":     cmdFill,
	"cut":      cmdCut,
	"compress": cmdCompress,
	"await":    cmdAwait,
	"eventual": cmdEventual,
	"append":   cmdAppend,
	"sleep":    cmdSleep,
	"hourly":   cmdHourly,
	"port":     cmdPort,
	"send":     cmdSend,
}

// cmdCode runs a program and wants an exit status: code 1 tripline explain ...
func cmdCode(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: code STATUS PROGRAM ARGUMENT...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got, err := 0, ts.Exec(args[1], args[2:]...)
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("exit status %d, want %d", got, want)
	}
}

var digestText = regexp.MustCompile(`"?[Dd]igest"?:\s+"?([0-9a-f]{12,64})`)

// cmdDigest sets a variable to the digest that the last command showed.
func cmdDigest(ts *testscript.TestScript, _ bool, args []string) {
	found := digestText.FindStringSubmatch(ts.ReadFile("stdout"))
	if len(args) != 1 || found == nil {
		ts.Fatalf("usage: digest VARIABLE, after a review")
	}
	ts.Setenv(args[0], found[1])
}
