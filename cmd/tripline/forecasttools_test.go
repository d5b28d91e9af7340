package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// cmdHourly adds to a log a connection for every so many hours:
// hourly FILE 2026-03-02T00 HOURS EVERY DESTINATION...; with more destinations
// each takes its turn.
func cmdHourly(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 5 {
		ts.Fatalf("usage: hourly FILE FROM HOURS EVERY DESTINATION...")
	}
	at, err := time.Parse("2006-01-02T15", args[1])
	ts.Check(err)
	hours, err := strconv.Atoi(args[2])
	ts.Check(err)
	every, err := strconv.Atoi(args[3])
	ts.Check(err)
	var log strings.Builder
	for h, n := 0, 0; h < hours; h, n = h+every, n+1 {
		fmt.Fprintf(&log, "<134>1 %s fw.example.com filterlog 64952 - - 5,,,1700000001,em1,match,pass,in,4,0x0,,64,1234,0,DF,6,tcp,60,192.0.2.50,%s,%d,443,0,S,1,,64240,,mss\n",
			at.Add(time.Duration(h)*time.Hour).Format("2006-01-02T15:04:05+00:00"), args[4+n%(len(args)-4)], 40000+h%20000)
	}
	f, err := os.OpenFile(ts.MkAbs(args[0]), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	ts.Check(err)
	_, err = f.WriteString(log.String())
	ts.Check(err)
	ts.Check(f.Close())
}
