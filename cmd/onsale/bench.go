// The load tool: what it takes on the command line, and the order of a run.

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/url"
	"time"

	"github.com/spf13/cobra"

	"onsale/cmd/onsale/load"
)

// benchPlan is what the command line asks for. A node of its own is started when there is no target.
type benchPlan struct {
	load.Plan
	PID   int      // of the target, where it runs on this machine; 0: unknown
	Empty bool     // load an empty handler too
	Serve []string // flags of the node of its own
}

const (
	defaultCommands = 40_000  // unless told otherwise: some seconds
	defaultUsers    = 100_000 // where their number does not follow from that of the commands
)

func benchCommand(environ []string) *cobra.Command {
	var p benchPlan
	command := &cobra.Command{
		Use:   "bench [flags] [-- flags of a node of its own]",
		Short: "load a node, and tell what was lost, doubled or late",
		Args:  cobra.ArbitraryArgs,
		RunE: func(command *cobra.Command, args []string) error {
			if dash := command.ArgsLenAtDash(); dash != 0 && len(args) > 0 {
				return noArguments(command, args)
			}
			p.Serve = args
			if err := p.validate(); err != nil {
				return err
			}
			if !command.Flags().Changed("streams") {
				p.Streams = min(p.Streams, p.Users)
			}
			if p.Streams > p.Users {
				return usageError{fmt.Errorf("--streams is %d, and there are %d users", p.Streams, p.Users),
					"each stream is of another user; raise --users or --commands"}
			}
			return bench(command.Context(), p, environ, command.OutOrStdout(), command.ErrOrStderr())
		},
	}
	flags := command.Flags()
	flags.StringVar(&p.Target, "target", "", "load the node at this `URL` (default: a node of its own, with nothing in it, for as long as it takes)")
	flags.IntVar(&p.PID, "pid", 0, "process `id` of the target, to measure its CPU")
	flags.StringVar(&p.What, "what", load.Coupons, "coupons or seats")
	flags.IntVar(&p.Connections, "connections", 128, "at most so many commands under way")
	flags.Float64Var(&p.Rate, "rate", 0, "commands a second, answered in time or not; latencies count from when each was due (default: as fast as they are answered)")
	flags.IntVar(&p.Commands, "commands", 0, "send so many (default 40000, or what --duration has room for)")
	flags.DurationVar(&p.Duration, "duration", 0, "send for so long, such as 10s")
	flags.IntVar(&p.Users, "users", 0, "users, who ask in turn (default: one for each command)")
	flags.IntVar(&p.Stock, "stock", 0, "units or seats on sale (default: one for each command, so that everyone wins)")
	flags.IntVar(&p.Streams, "streams", 200, "so many of the users watch their event stream")
	flags.BoolVar(&p.Scatter, "scatter", true, "names of users come in no order")
	flags.BoolVar(&p.Empty, "empty", false, "load an empty net/http handler in the same way first, to compare")
	command.AddCommand(emptyCommand(), benchStreamsCommand(environ))
	return command
}

// validate finds what is wrong with the plan, and fills in what follows from the rest.
func (p *benchPlan) validate() error {
	maxStock := map[string]int{load.Coupons: load.MaxUnits, load.Seats: load.MaxSeats}[p.What]
	target, err := url.Parse(p.Target)
	switch {
	case maxStock == 0:
		return usageError{fmt.Errorf("--what is %q", p.What), "coupons or seats"}
	case err != nil || p.Target != "" && (target.Scheme != "http" || target.Port() == "" || target.Path != ""):
		return usageError{fmt.Errorf("--target is %q", p.Target), "http, a host and a port, such as http://127.0.0.1:8080; where there is TLS, go behind it"}
	case p.Target != "" && len(p.Serve) > 0:
		return usageError{errors.New("flags of a node are given beside --target"), "leave one of the two out"}
	case p.Target == "" && p.PID != 0:
		return usageError{errors.New("--pid is given without --target"), "the node of its own is measured anyway"}
	case p.Connections < 1 || p.Connections > 10_000:
		return usageError{fmt.Errorf("--connections is %d", p.Connections), "1 to 10000"}
	case p.Rate < 0 || p.Rate > 1_000_000 || math.IsNaN(p.Rate):
		return usageError{fmt.Errorf("--rate is %v", p.Rate), "commands a second, such as 2000; 0 for as fast as they are answered"}
	case p.Commands < 0 || p.Duration < 0 || p.Users < 0 || p.Stock < 0 || p.Streams < 0:
		return usageError{errors.New("a number is below 0"), "--commands, --duration, --users, --stock and --streams are 0 or more"}
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
		return usageError{fmt.Errorf("--stock is %d", p.Stock), fmt.Sprintf("1 to %d %s", maxStock, p.What)}
	}
	return nil
}

// errVerification is a node that did not keep its word.
var errVerification = errors.New("outcomes were lost, doubled or out of order")

func bench(ctx context.Context, p benchPlan, environ []string, stdout, stderr io.Writer) error {
	var empty *result
	if p.Empty {
		m, err := benchEmpty(ctx, p, stderr)
		if err != nil {
			return err
		}
		empty = &m
	}
	if p.Target == "" {
		node, err := startNode(ctx, p.Serve, environ, stderr)
		if err != nil {
			return err
		}
		defer node.stop()
		p.Target, p.PID = node.url, node.pid()
	}
	m, findings, err := benchRun(ctx, p, stderr)
	if err != nil {
		return hintError{err, benchHint(err)}
	}
	m.print(stdout, p, findings, empty)
	if findings.Failed() {
		return hintError{errVerification, "run it again with -- --data DIR to keep the logs, and \"onsale audit --data DIR\" decides everything anew"}
	}
	return nil
}

// benchRun loads the target once and checks it.
func benchRun(ctx context.Context, p benchPlan, stderr io.Writer) (result, load.Findings, error) {
	fmt.Fprintf(stderr, "opening the sale and %d streams at %s\n", p.Streams, p.Target)
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
	fmt.Fprintf(stderr, "asking what became of %d commands\n", m.Accepted)
	time.Sleep(100 * time.Millisecond) // for outcomes that come twice
	findings, err := run.Verify(ctx, m.Unanswered)
	return m, findings, err
}
