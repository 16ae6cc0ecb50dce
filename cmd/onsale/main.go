// Command onsale runs a node that sells what is first come, first served, and
// the tools that read its logs afterwards.
//
// This package is the only one that knows all the others. main does nothing but
// hand the process over to run, which the tests call with their own.
package main

import (
	"context"
	"errors"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr, os.Environ()))
}

// run carries out one command line and gives the exit code: 0 for done, 1 for a
// failure, 2 for wrong usage. What went wrong is written to stderr.
func run(ctx context.Context, args []string, stdout, stderr io.Writer, environ []string) int {
	root := rootCommand(environ)
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	printError(stderr, err)
	return exitCode(err)
}

// rootCommand gives the whole command line.
func rootCommand(environ []string) *cobra.Command {
	root := &cobra.Command{
		Use:           "onsale COMMAND",
		Short:         "first-come coupons, seat holds and orders on an event log",
		Args:          cobra.ArbitraryArgs, // or cobra would refuse in its own words
		SilenceErrors: true,
		SilenceUsage:  true,
		RunE: func(root *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usageError{errors.New("no command is given"), "\"onsale help\" lists them"}
			}
			return unknownCommand(root, args[0])
		},
	}
	root.CompletionOptions.DisableDefaultCmd = true
	root.SetFlagErrorFunc(flagError)
	root.SetUsageFunc(usage)
	root.SetHelpFunc(help)
	root.SetHelpCommand(helpCommand())
	root.AddCommand(
		serveCommand(environ),
		replayCommand(environ),
		auditCommand(environ),
		benchCommand(environ),
		fakepayCommand(),
		versionCommand(),
	)
	return root
}
