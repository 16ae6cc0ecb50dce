package harness

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"regexp"
	"strconv"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"onsale/cmd/onsale/command"
)

// Main runs a package's tests. The test binary is onsale when it is started as that, and a small curl when it is started as
// http. Tests of processes mostly wait, so four run in parallel, whatever the number of cores.
func Main(m testscript.TestingM) {
	_ = flag.Set("test.parallel", "4") // a flag of the command line overrides it, since it is parsed later
	testscript.Main(m, map[string]func(){"onsale": onsaleMain, "http": httpMain})
}

func onsaleMain() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	os.Exit(command.Run(ctx, os.Args[1:], os.Stdout, os.Stderr, os.Environ()))
}

// RunScripts runs testdata/script.
func RunScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			address := FreeAddress(t)
			env.Setenv("ADDR", address)
			env.Setenv("URL", "http://"+address)
			env.Setenv("ONSALE_NODE", "box-1") // not this host's name
			return nil
		},
		Condition: func(what string) (bool, error) {
			return what == "root" && os.Geteuid() == 0, nil // root may read any directory
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

// keep sets a variable to what a pattern matches in a file: keep ID stdout '^id: (.*)$'.
func keep(script *testscript.TestScript, _ bool, args []string) {
	found := regexp.MustCompile("(?m)" + args[2]).FindStringSubmatch(script.ReadFile(args[1]))
	if found == nil {
		script.Fatalf("%s does not match %s", args[1], args[2])
	}
	script.Setenv(args[0], found[1])
}

// term sends SIGTERM to the background commands.
func term(script *testscript.TestScript, _ bool, _ []string) {
	for _, cmd := range script.BackgroundCmds() {
		script.Check(cmd.Process.Signal(syscall.SIGTERM))
	}
}

func httpMain() {
	if err := httpRun(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "http:", err)
		os.Exit(1)
	}
}
