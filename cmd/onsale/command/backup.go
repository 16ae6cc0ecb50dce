// Backup and restore of a data directory.

package command

import (
	"errors"
	"fmt"
	"log/slog"

	"github.com/spf13/cobra"

	"onsale/config"
	"onsale/streams"
)

func backupCommand(environ []string) *cobra.Command {
	command := &cobra.Command{
		Use:   "backup DIR [flags]",
		Short: "copy the logs of a data directory, also while a node uses it",
		Args:  oneArgument,
		RunE: func(command *cobra.Command, args []string) error {
			cfg, err := dataConfig(command, environ)
			if err != nil {
				return err
			}
			copied, err := streams.Backup(command.Context(), cfg.Data, cfg.NATS.Prefix, args[0])
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(command.OutOrStdout(), "epoch %s: %d events and %d messages of commands are in %s\n", copied.Epoch, copied.Events, copied.Messages, args[0])
			return err
		},
	}
	config.AddFlags(command.Flags(), "data", "nats.prefix")
	return command
}

func restoreCommand(environ []string) *cobra.Command {
	command := &cobra.Command{
		Use:   "restore DIR [flags]",
		Short: "make a new data directory from a backup, as a new epoch",
		Args:  oneArgument,
		RunE: func(command *cobra.Command, args []string) error {
			cfg, err := dataConfig(command, environ)
			if err != nil {
				return err
			}
			logger := newLogger("text", slog.LevelWarn, command.ErrOrStderr())
			copied, err := streams.Restore(command.Context(), args[0], cfg.Data, cfg.NATS.Prefix, logger)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(command.OutOrStdout(), "epoch %s: %d events and %d messages of commands are in %s\n", copied.Epoch, copied.Events, copied.Messages, cfg.Data)
			return err
		},
	}
	config.AddFlags(command.Flags(), "data", "nats.prefix")
	return command
}

// dataConfig is the configuration of a tool that works on a data directory.
func dataConfig(command *cobra.Command, environ []string) (config.Config, error) {
	cfg, _, faults := config.Load(command.Flags(), environ)
	if faults != nil {
		return cfg, usageError{faults, "\"onsale serve --check\" shows every setting and its origin"}
	}
	if len(cfg.NATS.URL) > 0 && !command.Flags().Changed("data") {
		return cfg, usageError{errors.New("this works on a data directory, and the log is in an external NATS"), "give --data, or use \"nats stream backup\" and \"nats stream restore\""}
	}
	cfg.NATS.URL = nil
	return cfg, nil
}

func oneArgument(command *cobra.Command, args []string) error {
	if len(args) == 1 {
		return nil
	}
	return usageError{fmt.Errorf("%s takes one directory", command.Name()), fmt.Sprintf("\"%s --help\" shows its usage", command.CommandPath())}
}
