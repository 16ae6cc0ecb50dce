package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"onsale/config"
	"onsale/streams"
)

func nodesCommand(environ []string) *cobra.Command {
	var remove string
	command := &cobra.Command{
		Use:   "nodes [flags]",
		Short: "list the nodes on an external NATS, or remove one that is gone",
		Args:  noArguments,
		RunE: func(command *cobra.Command, _ []string) error {
			cfg, err := logConfig(command, environ)
			if err != nil {
				return err
			}
			if len(cfg.NATS.URL) == 0 {
				return usageError{errors.New("nodes needs an external NATS"), "name its servers with --nats-url"}
			}
			return runNodes(command.Context(), cfg, remove, command.OutOrStdout(), command.ErrOrStderr())
		},
	}
	config.AddFlags(command.Flags(), natsFlags...)
	command.Flags().StringVar(&remove, "remove", "", "delete the consumer of this `NODE`, which must not be running")
	return command
}

func runNodes(ctx context.Context, cfg config.Config, remove string, stdout, stderr io.Writer) (err error) {
	log, err := openTool(ctx, cfg, false, stderr)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, log.Close()) }()
	if remove != "" {
		if err := log.RemoveNode(ctx, remove); err != nil {
			return hintError{err, nodeHint(err)}
		}
		fmt.Fprintf(stdout, "removed %s\n", remove)
		return nil
	}
	nodes, err := log.Nodes(ctx)
	if err != nil {
		return err
	}
	table := tabwriter.NewWriter(stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "node\talive\tlast ack\tlag")
	for _, n := range nodes {
		alive, lastAck := "no", "never"
		if n.Alive != "" {
			alive = n.Alive
		}
		if !n.LastAck.IsZero() {
			lastAck = n.LastAck.UTC().Format(time.RFC3339)
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%d\n", n.Name, alive, lastAck, n.Lag)
	}
	return table.Flush()
}

func nodeHint(err error) string {
	if errors.Is(err, streams.ErrNameInUse) {
		return "stop it first"
	}
	return "\"onsale nodes\" lists them"
}
