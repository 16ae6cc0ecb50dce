// What cannot be measured, and what to ask for instead.

package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"onsale/cmd/onsale/load"
)

// check finds what is wrong with the plan.
func (p *streamsPlan) check(names []string) error {
	for _, what := range p.What {
		if !slices.Contains(names, what) {
			return usageError{fmt.Errorf("--what is %q", what), "some of " + strings.Join(names, ", ")}
		}
	}
	node := benchPlan{Plan: load.Plan{Target: p.Target, What: load.Coupons, Connections: 1}, PID: p.PID, Serve: p.Serve}
	if err := node.complete(); err != nil {
		return err
	}
	switch {
	case len(p.What) == 0:
		return usageError{errors.New("--what is empty"), "some of " + strings.Join(names, ", ")}
	case p.Format != "text" && p.Format != "json":
		return usageError{fmt.Errorf("--format is %q", p.Format), "text or json"}
	case !slices.Contains([]string{"mixed", "schedule", "user"}, p.Readers):
		return usageError{fmt.Errorf("--readers is %q", p.Readers), "schedule, user or mixed"}
	case p.Connections < 0 || p.Connections > 25_000:
		return usageError{fmt.Errorf("--connections is %d", p.Connections), "at most 25000: this machine has about 28000 ports to connect from"}
	case p.Events < 0 || p.Rounds < 0 || p.Duration < 0:
		return usageError{errors.New("a number is below 0"), "--events, --rounds and --duration are 0 or more"}
	case p.Missed < 1 || p.Missed > 1_000_000:
		return usageError{fmt.Errorf("--missed is %d", p.Missed), "1 to 1000000"}
	case p.Stalled < 2 || p.Stalled > 200:
		return usageError{fmt.Errorf("--stalled is %d", p.Stalled), "2 to 200, for a user may have 100 streams"}
	case p.Stall < time.Second || p.Stall > 10*time.Minute:
		return usageError{fmt.Errorf("--stall is %v", p.Stall), "1s to 10m"}
	case !(p.Rate > 0 && p.Rate <= 100_000):
		return usageError{fmt.Errorf("--rate is %v", p.Rate), "events a second, such as 1000"}
	}
	return nil
}

// descriptorsFor says whether this process may have so many connections. Go has raised the soft limit to the hard one by now.
func descriptorsFor(connections int) error {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil || limit.Cur >= uint64(connections+100) {
		return nil
	}
	return hintError{fmt.Errorf("%d connections want too many open files, for this process may have %d", connections, limit.Cur),
		fmt.Sprintf("raise the limit with \"ulimit -n %d\", or ask for fewer --connections", 2*connections+1000)}
}
