// Package harness runs the real onsale process for tests: it starts, kills and restarts nodes, sends requests like curl,
// reads streams frame by frame, and compares everything with the logs at the end.
//
// A test binary that calls Main is onsale itself when it is started under that name, so that nothing needs to be built.
package harness

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"testing"
	"time"
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

// FreeAddress is on a port outside of the range for outgoing connections: between two processes of a node nothing else takes
// its port, and none of its clients connects to itself.
func FreeAddress(tb testing.TB) string {
	tb.Helper()
	for range 100 {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", 20_000+rand.IntN(12_000)))
		if err == nil {
			defer l.Close()
			return l.Addr().String()
		}
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
