package command

import (
	"fmt"

	"github.com/spf13/cobra"
)

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
