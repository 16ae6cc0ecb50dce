package main

import (
	"errors"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// The scripts run this test binary as onsale, so they see what a terminal sees; and as http, which is curl where there is
// none.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"onsale": main, "http": httpMain})
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			address := freeAddress(t)
			env.Setenv("ADDR", address) // nobody else's
			env.Setenv("URL", "http://"+address)
			env.Setenv("ONSALE_NODE", "box-1") // not the name of whatever host this is
			return nil
		},
		Condition: func(what string) (bool, error) {
			return what == "root" && os.Geteuid() == 0, nil // to whom no directory is closed
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"exits": exits, "term": term, "keep": keep},
	})
}

// exits runs a command that must end with an exit code: exits 2 onsale serve x.
func exits(script *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[0])
	script.Check(err)
	got := 0
	err = script.Exec(args[1], args[2:]...)
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		got = exit.ExitCode()
	} else {
		script.Check(err)
	}
	if got != want {
		script.Fatalf("%v: got exit code %d, want %d", args[1:], got, want)
	}
}

// keep puts what a file says into a variable: keep ID stdout '^id: (.*)$'.
func keep(script *testscript.TestScript, _ bool, args []string) {
	found := regexp.MustCompile("(?m)" + args[2]).FindStringSubmatch(script.ReadFile(args[1]))
	if found == nil {
		script.Fatalf("%s does not say %s", args[1], args[2])
	}
	script.Setenv(args[0], found[1])
}

// term sends SIGTERM to whatever runs in the background; then wait wants it to end well.
func term(script *testscript.TestScript, _ bool, _ []string) {
	for _, cmd := range script.BackgroundCmds() {
		script.Check(cmd.Process.Signal(syscall.SIGTERM))
	}
}
