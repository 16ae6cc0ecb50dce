// What delivery costs: six measures, each on a node of its own, and the order in which they are taken.

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"onsale/cmd/onsale/load"
)

// streamsPlan is what the command line asks for. A number that is 0 is the measure's own.
type streamsPlan struct {
	Target, Format, Readers string
	PID                     int
	What, Serve             []string
	Connections, Events     int
	Missed, Rounds, Stalled int
	Rate                    float64
	Duration, Stall         time.Duration
}

// streamMeasures stand in the order in which they are taken.
var streamMeasures = []struct {
	name string
	take func(context.Context, *streamsRun) error
	node []string // flags of its node; those after -- come later and win
}{
	{"idle", benchIdle, nil},
	{"fanout", benchFanout, nil},
	{"replay", benchReplay, smallRing},
	{"resume", benchResume, smallRing},
	{"stall", benchStall, smallRing},
	{"latency", benchLatency, nil},
}

// smallRing makes what is missed be soon older than what is kept ready: the log is to be read.
var smallRing = []string{"--streams-ring-events", "1024"}

func benchStreamsCommand(environ []string) *cobra.Command {
	var names []string
	for _, m := range streamMeasures {
		names = append(names, m.name)
	}
	var p streamsPlan
	command := &cobra.Command{
		Use:   "streams [flags] [-- flags of a node of its own]",
		Short: "measure what event streams cost, beside a bare server",
		Args:  cobra.ArbitraryArgs,
		RunE: func(command *cobra.Command, args []string) error {
			if dash := command.ArgsLenAtDash(); dash != 0 && len(args) > 0 {
				return noArguments(command, args)
			}
			p.Serve = args
			if err := p.check(names); err != nil {
				return err
			}
			return benchStreams(command.Context(), p, environ, command.OutOrStdout(), command.ErrOrStderr())
		},
	}
	flags := command.Flags()
	flags.StringSliceVar(&p.What, "what", names, "take these measures: "+strings.Join(names, ", "))
	flags.StringVar(&p.Target, "target", "", "measure the node at this `URL` (default: for each measure a node of its own)")
	flags.IntVar(&p.PID, "pid", 0, "process `id` of the target, to measure its memory and CPU")
	flags.StringVar(&p.Format, "format", "text", "text or json")
	flags.IntVar(&p.Connections, "connections", 0, "open streams (default: idle 10000, fanout and stall 5000, latency 1000)")
	flags.StringVar(&p.Readers, "readers", "mixed", "what the idle ones read: schedule, user (each their own) or mixed")
	flags.DurationVar(&p.Duration, "duration", 0, "so long (default: idle 60s without and 60s with connections, latency 10s)")
	flags.IntVar(&p.Events, "events", 0, "others' events in the log (default: replay 100000, resume 1000000), or those that pass a stall (10000)")
	flags.IntVar(&p.Missed, "missed", 5000, "events to be replayed")
	flags.IntVar(&p.Rounds, "rounds", 0, "of each kind (default: fanout 20, replay 5, resume 1000)")
	flags.IntVar(&p.Stalled, "stalled", 50, "readers that stall, half of them watchers and half users")
	flags.DurationVar(&p.Stall, "stall", time.Minute, "they stall for so long")
	flags.Float64Var(&p.Rate, "rate", 1000, "events a second, to measure latency")
	command.AddCommand(hijackReferenceCommand())
	return command
}

func benchStreams(ctx context.Context, p streamsPlan, environ []string, stdout, stderr io.Writer) error {
	r := newStreamsReport(p, stdout)
	for _, m := range streamMeasures {
		if !slices.Contains(p.What, m.name) {
			continue
		}
		fmt.Fprintf(stderr, "%s\n", m.name)
		of := &measureReport{What: m.name, Figures: []figure{}}
		err := (&streamsRun{streamsPlan: p, report: of, environ: environ, stderr: stderr}).run(ctx, m.node, m.take)
		if err != nil {
			of.Failed = err.Error()
		}
		r.add(of)
		if err != nil {
			return hintError{errors.Join(fmt.Errorf("%s: %w", m.name, err), r.end()), streamsHint(err)}
		}
	}
	return r.end()
}

// streamsHint is what somebody may do about a measure that failed.
func streamsHint(err error) string {
	if known, ok := errors.AsType[hintError](err); ok {
		return known.hint
	}
	switch {
	case errors.Is(err, load.ErrBroken):
		return "run it again with -- --data DIR to keep the logs, and \"onsale audit --data DIR\" decides everything anew"
	case errors.Is(err, load.ErrTurnedAway):
		return "a node takes four fifths of its descriptors as streams; raise \"ulimit -n\" for it, or ask for fewer --connections"
	case strings.Contains(err.Error(), "cannot assign requested address"):
		return "there are no more ports to connect from; ask for fewer --connections, or wait a minute"
	}
	return benchHint(err)
}
