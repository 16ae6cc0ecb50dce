// Package bench loads a node and measures it: throughput and latency of commands (Run), and what event streams cost
// (RunStreams). Every run also verifies the node's answers.
package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/url"
	"time"

	"onsale/cmd/onsale/bench/load"
)

// Plan is one run of the load tool. Without a Target a new node is started for it.
type Plan struct {
	load.Plan
	PID   int      // of the target, where it runs on this machine; 0: unknown
	Empty bool     // load an empty handler first, to compare
	Storm float64  // requests a second that one more client sends, after a run without it; 0: none
	Serve []string // flags of the node, where one is started
}

const (
	defaultCommands = 40_000  // some seconds
	defaultUsers    = 100_000 // where the number of commands is not known before
)

// Validate rejects a plan that cannot be carried out, and fills in the defaults. streamsGiven says that Streams is no default.
func (p *Plan) Validate(streamsGiven bool) error {
	if err := p.validate(); err != nil {
		return err
	}
	if !streamsGiven {
		p.Streams = min(p.Streams, p.Users)
	}
	if p.Streams > p.Users {
		return hintError{fmt.Errorf("--streams is %d, and there are %d users", p.Streams, p.Users),
			"each stream belongs to a user of its own; raise --users or --commands"}
	}
	return nil
}

func (p *Plan) validate() error {
	maxStock := map[string]int{load.Coupons: load.MaxUnits, load.Seats: load.MaxSeats}[p.What]
	target, err := url.Parse(p.Target)
	switch {
	case maxStock == 0:
		return hintError{fmt.Errorf("--what is %q", p.What), "coupons or seats"}
	case err != nil || p.Target != "" && (target.Scheme != "http" || target.Port() == "" || target.Path != ""):
		return hintError{fmt.Errorf("--target is %q", p.Target), "http, a host and a port, such as http://127.0.0.1:8080; behind a TLS proxy, if there is one"}
	case p.Target != "" && len(p.Serve) > 0:
		return hintError{errors.New("flags of a node are given beside --target"), "leave one of the two out"}
	case p.Target == "" && p.PID != 0:
		return hintError{errors.New("--pid is given without --target"), "a node that is started for the run is measured anyway"}
	case p.Connections < 1 || p.Connections > 10_000:
		return hintError{fmt.Errorf("--connections is %d", p.Connections), "1 to 10000"}
	case p.Rate < 0 || p.Rate > 1_000_000 || math.IsNaN(p.Rate):
		return hintError{fmt.Errorf("--rate is %v", p.Rate), "commands a second, such as 2000; 0 for as fast as they are answered"}
	case p.Storm < 0 || p.Storm > 1_000_000 || math.IsNaN(p.Storm):
		return hintError{fmt.Errorf("--storm is %v", p.Storm), "requests a second, such as 10000"}
	case p.Storm > 0 && p.Target != "":
		return hintError{errors.New("--storm is given with --target"), "it needs a node of its own, with limits and a trusted proxy"}
	case p.Commands < 0 || p.Duration < 0 || p.Users < 0 || p.Stock < 0 || p.Streams < 0:
		return hintError{errors.New("a number is below 0"), "--commands, --duration, --users, --stock and --streams are 0 or more"}
	}
	if p.Commands == 0 && p.Duration == 0 {
		p.Commands = defaultCommands
	}
	if p.Commands == 0 && p.Rate > 0 {
		p.Commands = int(p.Rate * p.Duration.Seconds())
	}
	if p.Users == 0 {
		p.Users = max(p.Commands, 1)
		if p.Commands == 0 {
			p.Users = defaultUsers
		}
	}
	if p.Stock == 0 {
		p.Stock = min(p.Commands, maxStock)
		if p.Commands == 0 {
			p.Stock = maxStock
		}
	}
	if p.Stock < 1 || p.Stock > maxStock {
		return hintError{fmt.Errorf("--stock is %d", p.Stock), fmt.Sprintf("1 to %d %s", maxStock, p.What)}
	}
	return nil
}

// hintError is an error with advice. Of a plan it means wrong usage.
type hintError struct {
	error
	hint string
}

func (e hintError) Unwrap() error { return e.error }

// Hint is what to do about the error.
func (e hintError) Hint() string { return e.hint }

// errVerification is a node that broke a guarantee.
var errVerification = errors.New("outcomes were lost, doubled or out of order")

// Run executes a valid plan and prints its result.
func Run(ctx context.Context, p Plan, environ []string, stdout, stderr io.Writer) error {
	var empty *result
	if p.Empty {
		m, err := benchEmpty(ctx, p, stderr)
		if err != nil {
			return err
		}
		empty = &m
	}
	if p.Target == "" {
		if p.Storm > 0 {
			p.Serve = append([]string{"--trusted-proxies", load.StormProxy, "--limits-per-user", "20"}, p.Serve...)
		}
		node, err := startNode(ctx, p.Serve, environ, stderr)
		if err != nil {
			return err
		}
		defer node.stop()
		p.Target, p.PID = node.url, node.pid()
	}
	var storm *stormResult
	if p.Storm > 0 {
		calm, _, err := benchRun(ctx, p, stderr)
		if err != nil {
			return hintError{err, benchHint(err)}
		}
		storm = &stormResult{calm: calm}
		fmt.Fprintf(stderr, "one client sends %.0f requests a second\n", p.Storm)
		stop, err := load.StartStorm(ctx, p.Target, p.Storm)
		if err != nil {
			return err
		}
		defer func() { _, _ = stop() }()
		storm.stop = stop
	}
	m, findings, err := benchRun(ctx, p, stderr)
	if storm != nil && err == nil {
		storm.Storm, err = storm.stop()
	}
	if err != nil {
		return hintError{err, benchHint(err)}
	}
	m.print(stdout, p, findings, empty, storm)
	if findings.Failed() {
		return hintError{errVerification, "run it again with -- --data DIR to keep the logs; \"onsale audit --data DIR\" decides everything again"}
	}
	return nil
}

// benchRun loads the target once and verifies the outcomes.
func benchRun(ctx context.Context, p Plan, stderr io.Writer) (result, load.Findings, error) {
	fmt.Fprintf(stderr, "creating the sale and opening %d streams at %s\n", p.Streams, p.Target)
	run, err := load.Prepare(ctx, p.Plan)
	if err != nil {
		return result{}, load.Findings{}, err
	}
	defer run.Close()
	fmt.Fprintln(stderr, "loading")
	m, err := measure(ctx, run, p.PID)
	if err != nil {
		return m, load.Findings{}, err
	}
	fmt.Fprintf(stderr, "verifying %d commands\n", m.Accepted)
	time.Sleep(100 * time.Millisecond) // outcomes may come twice
	findings, err := run.Verify(ctx, m.Unanswered)
	return m, findings, err
}
