// The cost of delivery: six measures, each of a node of its own.

package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"onsale/cmd/onsale/bench/load"
)

// StreamsPlan says what is measured. A number that is 0 stands for the measure's default.
type StreamsPlan struct {
	Target, Format, Readers string
	PID                     int
	What, Serve             []string
	Connections, Events     int
	Missed, Rounds, Stalled int
	Rate                    float64
	Duration, Stall         time.Duration
}

// streamMeasures are in the order in which they are taken.
var streamMeasures = []struct {
	name    string
	measure func(context.Context, *measurement) error
	node    []string // flags of its node; flags after -- override them
}{
	{"idle", benchIdle, nil},
	{"fanout", benchFanout, nil},
	{"replay", benchReplay, smallRing},
	{"resume", benchResume, smallRing},
	{"stall", benchStall, smallRing},
	{"latency", benchLatency, nil},
}

// smallRing makes missed events soon older than the ring, so that they are read from the journal.
var smallRing = []string{"--streams-ring-events", "1024"}

// StreamMeasures are the names of all measures, in the order in which they are taken.
func StreamMeasures() (names []string) {
	for _, m := range streamMeasures {
		names = append(names, m.name)
	}
	return names
}

// RunStreams takes the measures of a valid plan, each on a new node unless there is a target, and prints the results.
func RunStreams(ctx context.Context, p StreamsPlan, environ []string, stdout, stderr io.Writer) error {
	r := newStreamsReport(p, stdout)
	for _, m := range streamMeasures {
		if !slices.Contains(p.What, m.name) {
			continue
		}
		fmt.Fprintf(stderr, "%s\n", m.name)
		report := &measureReport{What: m.name, Metrics: []metric{}}
		err := (&measurement{StreamsPlan: p, report: report, environ: environ, stderr: stderr}).run(ctx, m.node, m.measure)
		if err != nil {
			report.Failed = err.Error()
		}
		r.add(report)
		if err != nil {
			return hintError{errors.Join(fmt.Errorf("%s: %w", m.name, err), r.finish()), streamsHint(err)}
		}
	}
	return r.finish()
}

// streamsHint is advice for a measure that failed.
func streamsHint(err error) string {
	if known, ok := errors.AsType[hintError](err); ok {
		return known.hint
	}
	switch {
	case errors.Is(err, load.ErrVerification):
		return "run it again with -- --data DIR to keep the logs; \"onsale audit --data DIR\" decides everything again"
	case errors.Is(err, load.ErrRejected):
		return "a node allows four fifths of its descriptors as streams; raise \"ulimit -n\" for it, or use fewer --connections"
	case strings.Contains(err.Error(), "cannot assign requested address"):
		return "there are no more ports to connect from; use fewer --connections, or wait a minute"
	}
	return benchHint(err)
}

// Validate rejects a plan that cannot be carried out.
func (p *StreamsPlan) Validate() error {
	names := StreamMeasures()
	for _, what := range p.What {
		if !slices.Contains(names, what) {
			return hintError{fmt.Errorf("--what is %q", what), "some of " + strings.Join(names, ", ")}
		}
	}
	node := Plan{Plan: load.Plan{Target: p.Target, What: load.Coupons, Connections: 1}, PID: p.PID, Serve: p.Serve}
	if err := node.validate(); err != nil {
		return err
	}
	switch {
	case len(p.What) == 0:
		return hintError{errors.New("--what is empty"), "some of " + strings.Join(names, ", ")}
	case p.Format != "text" && p.Format != "json":
		return hintError{fmt.Errorf("--format is %q", p.Format), "text or json"}
	case !slices.Contains([]string{"mixed", "schedule", "user"}, p.Readers):
		return hintError{fmt.Errorf("--readers is %q", p.Readers), "schedule, user or mixed"}
	case p.Connections < 0 || p.Connections > 25_000:
		return hintError{fmt.Errorf("--connections is %d", p.Connections), "at most 25000: this machine has about 28000 ports to connect from"}
	case p.Events < 0 || p.Rounds < 0 || p.Duration < 0:
		return hintError{errors.New("a number is below 0"), "--events, --rounds and --duration are 0 or more"}
	case p.Missed < 1 || p.Missed > 1_000_000:
		return hintError{fmt.Errorf("--missed is %d", p.Missed), "1 to 1000000"}
	case p.Stalled < 2 || p.Stalled > 200:
		return hintError{fmt.Errorf("--stalled is %d", p.Stalled), "2 to 200, for a user may have 100 streams"}
	case p.Stall < time.Second || p.Stall > 10*time.Minute:
		return hintError{fmt.Errorf("--stall is %v", p.Stall), "1s to 10m"}
	case !(p.Rate > 0 && p.Rate <= 100_000):
		return hintError{fmt.Errorf("--rate is %v", p.Rate), "events a second, such as 1000"}
	}
	return nil
}

// descriptorsFor requires that this process may have so many connections.
func descriptorsFor(connections int) error {
	limit := maxDescriptors()
	if limit == 0 || limit >= uint64(connections+100) {
		return nil
	}
	return hintError{fmt.Errorf("%d connections need more open files than this process may have, which is %d", connections, limit),
		fmt.Sprintf("raise the limit with \"ulimit -n %d\", or use fewer --connections", 2*connections+1000)}
}
