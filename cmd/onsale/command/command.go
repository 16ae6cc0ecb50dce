// Package command is the command line of onsale: its flags, its tools, and how errors are shown at a terminal.
package command

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"
)

// Run executes one command line and returns the exit code: 0 for success, 1 for a failure, 2 for wrong usage. Errors are
// written to stderr.
func Run(ctx context.Context, args []string, stdout, stderr io.Writer, environ []string) int {
	root := rootCommand(environ)
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	printError(stderr, err)
	return exitCode(err)
}

func rootCommand(environ []string) *cobra.Command {
	var showVersion bool
	root := &cobra.Command{
		Use:           "onsale COMMAND",
		Short:         "first-come coupons, seat holds and orders on an event log",
		Args:          cobra.ArbitraryArgs, // cobra's own error for these is worded differently
		SilenceErrors: true,
		SilenceUsage:  true,
		RunE: func(root *cobra.Command, args []string) error {
			if showVersion && len(args) == 0 {
				return version(root.OutOrStdout())
			}
			if len(args) == 0 {
				return usageError{errors.New("no command is given"), "\"onsale help\" lists them"}
			}
			return unknownCommand(root, args[0])
		},
	}
	root.Flags().BoolVar(&showVersion, "version", false, "print the version, as \"onsale version\" does")
	_ = root.Flags().MarkHidden("version") // help lists the command
	root.CompletionOptions.DisableDefaultCmd = true
	root.SetFlagErrorFunc(flagError)
	root.SetUsageFunc(usage)
	root.SetHelpFunc(help)
	root.SetHelpCommand(helpCommand())
	root.AddCommand(
		serveCommand(environ),
		tailCommand(environ),
		replayCommand(environ),
		auditCommand(environ),
		backupCommand(environ),
		restoreCommand(environ),
		repairCommand(environ),
		nodesCommand(environ),
		benchCommand(environ),
		fakepayCommand(),
		tokenCommand(environ),
		versionCommand(),
	)
	return root
}

func helpCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND]",
		Short: "show how a command is used",
		RunE: func(command *cobra.Command, args []string) error {
			target, rest, err := command.Root().Find(args)
			if err != nil || len(rest) > 0 {
				return unknownCommand(target, rest[0])
			}
			return target.Help()
		},
	}
}

// help prints to stdout: --help is no failure.
func help(command *cobra.Command, _ []string) {
	fmt.Fprintf(command.OutOrStdout(), "%s: %s\n\n", command.CommandPath(), command.Short)
	_ = usage(command)
}

func usage(command *cobra.Command) error {
	out := command.OutOrStdout()
	fmt.Fprintf(out, "usage: %s\n", command.UseLine())
	if command.HasAvailableSubCommands() {
		fmt.Fprint(out, "\ncommands:\n")
		for _, sub := range command.Commands() {
			if sub.Hidden {
				continue
			}
			fmt.Fprintf(out, "  %-10s %s\n", sub.Name(), sub.Short)
		}
	}
	if helpFlag := command.Flags().Lookup("help"); helpFlag != nil {
		helpFlag.Hidden = true
	}
	if command.HasAvailableFlags() {
		fmt.Fprintf(out, "\nflags:\n%s", command.Flags().FlagUsages())
	}
	return nil
}
