// Package harness runs the real onsale process for tests: it starts, kills and restarts nodes, sends requests like curl,
// reads streams frame by frame, and compares everything with the logs at the end.
//
// A test binary that calls Main is onsale itself when it is started under that name, so that nothing needs to be built.
package harness

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"onsale/cmd/onsale/command"
)

var seedFlag = flag.Uint64("seed", 0, "seed of random tests; 0 draws one, which a failed test prints")

// NewRNG returns a test's random numbers. A failed test prints their seed.
func NewRNG(tb testing.TB) *rand.Rand {
	seed := *seedFlag
	if seed == 0 {
		seed = rand.Uint64N(1 << 32)
	}
	tb.Cleanup(func() {
		if tb.Failed() {
			tb.Logf("to repeat with the same random numbers: -seed %d", seed)
		}
	})
	return rand.New(rand.NewPCG(seed, 0))
}

// ForkRNG returns random numbers for another goroutine.
func ForkRNG(rng *rand.Rand) *rand.Rand { return rand.New(rand.NewPCG(rng.Uint64(), 1)) }

// Pick returns one of the values.
func Pick[T any](rng *rand.Rand, from ...T) T { return from[rng.IntN(len(from))] }

// RandomDuration is below d.
func RandomDuration(rng *rand.Rand, d time.Duration) time.Duration {
	return time.Duration(rng.Int64N(int64(d)))
}

// Long says that tests may take minutes (ONSALE_TEST_LONG).
func Long() bool { return os.Getenv("ONSALE_TEST_LONG") != "" }

// TimeoutContext ends after d, or when the test ends.
func TimeoutContext(tb testing.TB, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	tb.Cleanup(cancel)
	return ctx
}

// Sleep waits for d; false: ctx ended before.
func Sleep(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

// FreeAddress is on a port outside of the range for outgoing connections, so that no client connects to itself. The port is
// reserved until the test ends, also while no node listens: other tests, of other packages too, see that its UDP port is taken.
func FreeAddress(tb testing.TB) string {
	tb.Helper()
	for range 100 {
		address := fmt.Sprintf("127.0.0.1:%d", 20_000+rand.IntN(12_000))
		reservation, err := net.ListenPacket("udp", address)
		if err != nil {
			continue
		}
		l, err := net.Listen("tcp", address)
		if err != nil {
			reservation.Close()
			continue
		}
		l.Close()
		tb.Cleanup(func() { reservation.Close() })
		return address
	}
	tb.Fatal("no port is free")
	return ""
}

// NewHTTPClient has at most so many connections of its own; 0 is no limit.
func NewHTTPClient(tb testing.TB, connections int) *http.Client {
	t := &http.Transport{MaxConnsPerHost: connections, MaxIdleConnsPerHost: connections, DisableCompression: true}
	tb.Cleanup(t.CloseIdleConnections)
	return &http.Client{Transport: t}
}

// Main runs a package's tests. The test binary is onsale when it is started as that, and a small curl when it is started as
// http. Tests of processes mostly wait, so four run in parallel, whatever the number of cores.
func Main(m testscript.TestingM) {
	_ = flag.Set("test.parallel", "4") // a flag of the command line overrides it, since it is parsed later
	testscript.Main(m, map[string]func(){"onsale": onsaleMain, "http": httpMain})
}

func onsaleMain() {
	os.Exit(command.Run(command.SignalContext(), os.Args[1:], os.Stdout, os.Stderr, os.Environ()))
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
