package main

import (
	"slices"
	"strings"
	"testing"
	"time"

	"onsale/cmd/onsale/bench/compare/load"
)

// decided is a result with so many commands decided in a second, and one millisecond and a multiple as its latencies.
func decided(n int, latency time.Duration) *load.Result {
	return &load.Result{
		Sent: n, Accepted: n, Elapsed: time.Second, Measured: time.Second,
		Answer: load.Latency{N: n, P50: latency, P99: 10 * latency}, Outcome: load.Latency{N: n, P50: 2 * latency, P99: 20 * latency},
	}
}

func TestTable_ComparesWithBestPeerOfTheRound(t *testing.T) {
	tool := &tool{rounds: 3, count: 1000, which: []string{win, open1000}, systems: []string{"onsale", "redis", "postgres"}}
	r := results{}
	for n, figures := range [][3]int{{800, 1000, 500}, {900, 500, 1000}, {2000, 1000, 500}} {
		for i, key := range tool.systems {
			r.set(key, win, n, decided(figures[i], 0))
		}
		r.set("onsale", open1000, n, decided(1000, time.Millisecond))
		r.set("redis", open1000, n, decided(1000, 2*time.Millisecond))
	}
	var out strings.Builder
	tool.printTable(&out, r)
	for _, want := range []string{
		"| | onsale | Redis and PostgreSQL | PostgreSQL alone | onsale : best peer |\n|---|---|---|---|---|\n",
		"| everyone wins: decided and delivered a second | 900 (800–2,000) | 1,000 (500–1,000) | 500 (500–1,000) | **0.90** (0.80–2.00) |\n",
		"| – p99 ms | 20.0 | 40.0 | – | 0.50 |\n",
		"| lost, doubled, oversold | 0, 0, 0 | 0, 0, 0 | 0, 0, 0 | |\n",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the table has no %q:\n%s", want, &out)
		}
	}
	if strings.Contains(out.String(), "5,000 a second") {
		t.Errorf("the table has a measure that was not chosen:\n%s", &out)
	}
}

func TestRunsOf_MeasureOnce(t *testing.T) {
	all := &tool{which: measures}
	for key, want := range map[string]string{
		"onsale":   "win lose answer 1000 5000 overload; always always-1000",
		"redis":    "win lose 1000 5000 overload; always always-1000",
		"postgres": "win lose 1000 5000 overload; ",
		"empty":    "win; ",
	} {
		i := slices.IndexFunc(systems, func(s system) bool { return s.key == key })
		got := strings.Join(all.runsOf(systems[i], false), " ") + "; " + strings.Join(all.runsOf(systems[i], true), " ")
		if got != want {
			t.Errorf("%s: got %q, want %q", key, got, want)
		}
	}
	one := &tool{which: []string{overload}}
	if got := one.runsOf(systems[0], false); !slices.Equal(got, []string{win, overload}) {
		t.Errorf("an overload alone: %q", got)
	}
}
