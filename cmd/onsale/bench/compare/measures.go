package main

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"onsale/cmd/onsale/bench/compare/load"
)

// What is measured. A system is started afresh for all measures without always, and again for those with it.
const (
	win          = "win"         // all commands succeed
	lose         = "lose"        // 199 of 200 come too late
	loseAnswered = "answer"      // the same, and the promotion is set to keep no record of them
	open1000     = "1000"        // 1,000 commands a second
	open5000     = "5000"        // 5,000
	overload     = "overload"    // twice as many a second as the system decided in win
	always       = "always"      // win, with every commit on disk before its answer
	always1000   = "always-1000" // 1,000 commands a second, the same
)

var measures = []string{win, lose, loseAnswered, open1000, open5000, overload, always, always1000}

func isAlways(measure string) bool { return strings.HasPrefix(measure, always) }

// plan is the load of a run. saturation is what the system decided in win.
func (t *tool) plan(run string, saturation float64) load.Plan {
	p := load.Plan{
		Commands: t.count, Stock: t.count, Streams: 500, Connections: 128, MaxConnections: 1024,
		Limit: time.Minute, Drain: time.Minute,
	}
	openLoop := func(rate float64, duration time.Duration) {
		p.Rate = rate
		p.Commands = int(rate * duration.Seconds())
		p.Stock, p.Streams, p.Limit = p.Commands, 2000, duration+5*time.Second
	}
	switch run {
	case lose:
		p.Stock = max(1, t.count/200)
	case loseAnswered:
		p.Stock, p.SoldOut = max(1, t.count/200), "answer"
	case open1000, always1000:
		openLoop(1000, t.duration)
	case open5000:
		openLoop(5000, t.duration)
	case overload:
		openLoop(math.Round(2*saturation), t.duration*2/3)
		p.MaxConnections, p.FromSending = 4096, true
	}
	return p
}

// results are those of all systems, runs and rounds.
type results map[string]map[string][]*load.Result

// at returns the result of a measure in a round; nil: there is none.
func (r results) at(s system, measure string, round int) *load.Result {
	of := r[s.key][s.runs(measure)]
	if round >= len(of) {
		return nil
	}
	return of[round]
}

func (r results) all(do func(system, run string, result *load.Result)) {
	for key, runs := range r {
		for run, rounds := range runs {
			for _, result := range rounds {
				if result != nil {
					do(key, run, result)
				}
			}
		}
	}
}

func (r results) set(key, run string, round int, result *load.Result) {
	if r[key] == nil {
		r[key] = map[string][]*load.Result{}
	}
	for len(r[key][run]) <= round {
		r[key][run] = append(r[key][run], nil)
	}
	r[key][run][round] = result
}

// round runs everything once. Each round begins with another system, since a machine is seldom the same for long.
func (t *tool) round(ctx context.Context, n int, r results) error {
	chosen := t.chosenSystems()
	for i := range chosen {
		s := chosen[(i+n)%len(chosen)]
		for _, withAlways := range []bool{false, true} {
			if err := t.measureSystem(ctx, s, withAlways, n, r); err != nil {
				return fmt.Errorf("%s: %w", s.name, err)
			}
		}
	}
	return nil
}

// measureSystem starts a system with empty directories, and carries out its runs.
func (t *tool) measureSystem(ctx context.Context, s system, withAlways bool, round int, r results) error {
	runs := t.runsOf(s, withAlways)
	if len(runs) == 0 {
		return nil
	}
	dir, err := os.MkdirTemp(t.dir, s.key+"-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := os.Chmod(dir, 0o711); err != nil { // PostgreSQL may run as another user
		return err
	}
	i, err := s.start(ctx, t, dir, withAlways)
	if err != nil {
		return err
	}
	defer i.stop()
	saturation := 0.0
	for _, run := range runs {
		p := t.plan(run, saturation)
		p.Target, p.Processes = i.address, i.pids()
		if s.key == "empty" {
			p.Streams = 0
		}
		result, err := load.Run(ctx, p)
		if err != nil {
			return fmt.Errorf("%s: %w\n%s", run, err, i.processes[0].lastOutput())
		}
		if run == win {
			saturation = decidedPerSecond(result)
		}
		r.set(s.key, run, round, result)
		t.progress(s, run, round, result)
		select {
		case <-time.After(time.Second): // what is left of the load, such as ended connections
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// runsOf are the runs that measure what was chosen. An overload is twice what a system decides in win, so that comes first.
func (t *tool) runsOf(s system, withAlways bool) (runs []string) {
	for _, m := range measures {
		run := s.runs(m)
		if !slices.Contains(t.which, m) || run == "" || isAlways(run) != withAlways {
			continue
		}
		if run == overload && !slices.Contains(runs, win) {
			runs = append(runs, win)
		}
		if !slices.Contains(runs, run) {
			runs = append(runs, run)
		}
	}
	return runs
}

func (t *tool) progress(s system, run string, round int, r *load.Result) {
	fmt.Fprintf(os.Stderr, "round %d of %d, %s, %s: %.0f decided a second, %.0f µs of server CPU a command", round+1, t.rounds, s.name, run,
		decidedPerSecond(r), serverCPU(r))
	if r.Outcome.N > 0 {
		fmt.Fprintf(os.Stderr, ", outcome p50 %.1f p99 %.1f ms", milliseconds(r.Outcome.P50), milliseconds(r.Outcome.P99))
	}
	if r.Refused > 0 || r.Unavailable > 0 {
		fmt.Fprintf(os.Stderr, ", %d answered 429, %d answered 503", r.Refused, r.Unavailable)
	}
	if r.Wrong() > 0 {
		fmt.Fprintf(os.Stderr, ", %d lost, %d doubled, %d oversold", r.Lost, r.Doubled, r.Oversold)
	}
	if r.Failed > 0 || r.Unsent > 0 {
		fmt.Fprintf(os.Stderr, ", %d failed, %d not sent", r.Failed, r.Unsent)
	}
	if r.FirstFailure != "" {
		fmt.Fprintf(os.Stderr, " (%s)", r.FirstFailure)
	}
	fmt.Fprintln(os.Stderr)
}

func decidedPerSecond(r *load.Result) float64 { return float64(r.Decided()) / r.Elapsed.Seconds() }

// serverCPU is microseconds a decided command.
func serverCPU(r *load.Result) float64 {
	return float64(r.AllServerCPU().Microseconds()) / float64(max(1, r.Decided()))
}

func loadCPU(r *load.Result) float64 {
	return float64(r.LoadCPU.Microseconds()) / float64(max(1, r.Sent))
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// makeDir makes the folder for everything that the systems write.
func makeDir() (string, error) {
	dir, err := os.MkdirTemp("", "onsale-compare-")
	if err != nil {
		return "", err
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return "", err
	}
	return dir, os.Chmod(dir, 0o711)
}
