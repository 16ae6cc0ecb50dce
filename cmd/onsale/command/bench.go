// The load tools' flags. The tools are in package bench.

package command

import (
	"strings"
	"time"

	"github.com/spf13/cobra"

	"onsale/cmd/onsale/bench"
	"onsale/cmd/onsale/bench/load"
)

func benchCommand(environ []string) *cobra.Command {
	var p bench.Plan
	command := &cobra.Command{
		Use:   "bench [flags] [-- flags of a node of its own]",
		Short: "load a node, and report what was lost, duplicated or late",
		Args:  cobra.ArbitraryArgs,
		RunE: func(command *cobra.Command, args []string) error {
			if dash := command.ArgsLenAtDash(); dash != 0 && len(args) > 0 {
				return noArguments(command, args)
			}
			p.Serve = args
			if err := p.Validate(command.Flags().Changed("streams")); err != nil {
				return invalidUsage(err)
			}
			return bench.Run(command.Context(), p, environ, command.OutOrStdout(), command.ErrOrStderr())
		},
	}
	flags := command.Flags()
	flags.StringVar(&p.Target, "target", "", "load the node at this `URL` (default: a new, empty node for this run)")
	flags.IntVar(&p.PID, "pid", 0, "process `id` of the target, to measure its CPU")
	flags.StringVar(&p.What, "what", load.Coupons, "coupons or seats")
	flags.IntVar(&p.Connections, "connections", 128, "maximum `number` of commands in flight")
	flags.Float64Var(&p.Rate, "rate", 0, "commands per second, sent whether or not earlier ones are answered; latencies count from when each was due (default: as fast as they are answered)")
	flags.IntVar(&p.Commands, "commands", 0, "`number` of commands to send (default 40000, or as many as --duration allows)")
	flags.DurationVar(&p.Duration, "duration", 0, "duration of sending, such as 10s")
	flags.IntVar(&p.Users, "users", 0, "`number` of users, who send in turn (default: one per command)")
	flags.IntVar(&p.Stock, "stock", 0, "`number` of units or seats on sale (default: one per command, so that all succeed)")
	flags.IntVar(&p.Streams, "streams", 200, "`number` of users that read their event stream")
	flags.BoolVar(&p.Scatter, "scatter", true, "user names in no order instead of ascending ones")
	flags.BoolVar(&p.Empty, "empty", false, "load an empty net/http handler in the same way first, for comparison")
	flags.Float64Var(&p.Storm, "storm", 0, "after a run without it, have one more client send this many requests per second, which the node limits")
	empty := hiddenServer("empty", "answer 202 to everything, until stdin ends")
	empty.RunE = func(command *cobra.Command, _ []string) error {
		return bench.ServeEmpty(command.Context(), command.ErrOrStderr())
	}
	command.AddCommand(empty, benchStreamsCommand(environ))
	return command
}

func benchStreamsCommand(environ []string) *cobra.Command {
	names := bench.StreamMeasures()
	var p bench.StreamsPlan
	command := &cobra.Command{
		Use:   "streams [flags] [-- flags of a node of its own]",
		Short: "measure what event streams cost, compared with a bare server",
		Args:  cobra.ArbitraryArgs,
		RunE: func(command *cobra.Command, args []string) error {
			if dash := command.ArgsLenAtDash(); dash != 0 && len(args) > 0 {
				return noArguments(command, args)
			}
			p.Serve = args
			if err := p.Validate(); err != nil {
				return invalidUsage(err)
			}
			return bench.RunStreams(command.Context(), p, environ, command.OutOrStdout(), command.ErrOrStderr())
		},
	}
	flags := command.Flags()
	flags.StringSliceVar(&p.What, "what", names, "measures to take: "+strings.Join(names, ", "))
	flags.StringVar(&p.Target, "target", "", "measure the node at this `URL` (default: a new node for each measure)")
	flags.IntVar(&p.PID, "pid", 0, "process `id` of the target, to measure its memory and CPU")
	flags.StringVar(&p.Format, "format", "text", "text or json")
	flags.IntVar(&p.Connections, "connections", 0, "`number` of open streams (default: idle 10000, fanout and stall 5000, latency 1000)")
	flags.StringVar(&p.Readers, "readers", "mixed", "what the idle ones read: schedule, user (each their own) or mixed")
	flags.DurationVar(&p.Duration, "duration", 0, "duration (default: idle 60s without and 60s with connections, latency 10s)")
	flags.IntVar(&p.Events, "events", 0, "`number` of other users' events in the log (default: replay 100000, resume 1000000), or of events during a stall (10000)")
	flags.IntVar(&p.Missed, "missed", 5000, "`number` of events to be replayed")
	flags.IntVar(&p.Rounds, "rounds", 0, "`number` of rounds of each kind (default: fanout 20, replay 5, resume 1000)")
	flags.IntVar(&p.Stalled, "stalled", 50, "`number` of readers that stall, half of them of schedules and half of users")
	flags.DurationVar(&p.Stall, "stall", time.Minute, "duration of the stall")
	flags.Float64Var(&p.Rate, "rate", 1000, "events per second, to measure latency")
	bareServer := hiddenServer("bare-server", "hold every GET, and write a frame to all of them at every POST, until stdin ends")
	bareServer.RunE = func(command *cobra.Command, _ []string) error { return bench.ServeBare(command.ErrOrStderr()) }
	command.AddCommand(bareServer)
	return command
}

// hiddenServer is a command that the load tool starts as a child process.
func hiddenServer(name, short string) *cobra.Command {
	return &cobra.Command{Use: name, Short: short, Hidden: true, Args: noArguments}
}
