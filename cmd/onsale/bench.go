package main

import (
	"errors"

	"github.com/spf13/cobra"
)

func benchCommand(environ []string) *cobra.Command {
	return &cobra.Command{
		Use:   "bench [flags]",
		Short: "load a node, and tell what was lost, doubled or late",
		Args:  noArguments,
		RunE: func(command *cobra.Command, _ []string) error {
			return errors.New("bench is not built yet")
		},
	}
}
