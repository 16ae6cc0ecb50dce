// Backup, restore and repair of a data directory.

package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"onsale/cmd/onsale/node"
	"onsale/config"
	"onsale/domain"
	"onsale/projections/store"
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
			copied, err := streams.Backup(command.Context(), cfg.Data, args[0])
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(command.OutOrStdout(), "epoch %s: %d events and %d messages of commands are in %s\n", copied.Epoch, copied.Events, copied.Messages, args[0])
			return err
		},
	}
	config.AddFlags(command.Flags(), "data")
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
			copied, err := streams.Restore(command.Context(), args[0], cfg.Data, logger)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(command.OutOrStdout(), "epoch %s: %d events and %d messages of commands are in %s\n", copied.Epoch, copied.Events, copied.Messages, cfg.Data)
			return err
		},
	}
	config.AddFlags(command.Flags(), "data")
	return command
}

func repairCommand(environ []string) *cobra.Command {
	var acceptLost bool
	command := &cobra.Command{
		Use:   "repair [flags]",
		Short: "say what is damaged in the logs of a stopped node, and heal EVENTS from the read store",
		Args:  noArguments,
		RunE: func(command *cobra.Command, _ []string) error {
			cfg, err := dataConfig(command, environ)
			if err != nil {
				return err
			}
			return runRepair(command.Context(), cfg, acceptLost, command.OutOrStdout())
		},
	}
	config.AddFlags(command.Flags(), "data")
	command.Flags().BoolVar(&acceptLost, "accept-lost-commands", false, "put no-ops in the place of commands that are lost; the events that they led to stay as facts")
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

const auditHint = "then \"onsale audit\" must accept the directory, and the node starts again"

// runRepair reports every damage of both logs. EVENTS is written anew if the read store proves what it has lost, COMMANDS only with
// acceptLost: nothing else has its commands.
func runRepair(ctx context.Context, cfg config.Config, acceptLost bool, stdout io.Writer) (err error) {
	log, err := streams.OpenStored(cfg.Data)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, log.Close()) }()
	if err := removeLeftovers(cfg.Data, stdout); err != nil {
		return err
	}
	if err := finishRewrites(log, stdout); err != nil {
		return err
	}
	commands, events, err := log.Check(ctx)
	if errors.Is(err, fs.ErrPermission) {
		return hintError{err, "run this as the user of the node; nothing is known to be damaged"}
	}
	if errors.Is(err, streams.ErrMetaDamaged) {
		return hintError{err, metaHint}
	}
	if err != nil {
		return hintError{err, "this cannot be healed here: restore a backup"}
	}
	for _, damage := range append(commands, events...) {
		fmt.Fprintln(stdout, damage.Error())
	}
	if len(events) > 0 {
		source, err := openSource(cfg, log)
		if err != nil {
			return hintError{fmt.Errorf("EVENTS cannot be healed without the read store: %w", err), "nothing was changed; restore a backup"}
		}
		kept, last, err := log.RepairEvents(ctx, source.events)
		if err = errors.Join(err, source.Close()); err != nil {
			return hintError{fmt.Errorf("EVENTS cannot be healed from the read store: %w", err), "nothing was changed; restore a backup"}
		}
		fmt.Fprintf(stdout, "EVENTS: healed from the read store, %d events; the damaged files are in %s\n", last, kept)
	}
	lastCommand, err := log.LastCommand(ctx)
	if err != nil {
		return err
	}
	switch lost := len(commands) > 0 || lastCommand.InEvents > lastCommand.InCommands; {
	case lost && !acceptLost:
		return hintError{fmt.Errorf("COMMANDS ends at message %d or is damaged, and EVENTS has outcomes up to message %d: no other file has the commands", lastCommand.InCommands, lastCommand.InEvents),
			"restore a backup, or repeat with --accept-lost-commands: outcomes in EVENTS are kept, commands that were not decided yet are lost"}
	case lost:
		kept, last, err := log.PadCommands(ctx, lastCommand.InEvents)
		if err != nil {
			return err
		}
		fmt.Fprintf(stdout, "COMMANDS: no-ops replace what is lost, %d messages; the damaged files are in %s\n", last, kept)
	case len(events) == 0:
		_, err = fmt.Fprintln(stdout, "nothing is damaged")
		return err
	}
	_, err = fmt.Fprintln(stdout, auditHint)
	return err
}

const copyPrefix = "repair-" // of the directory with the copy of the read store

// removeLeftovers deletes the copies of the read store that earlier attempts have left when they were killed.
func removeLeftovers(data string, stdout io.Writer) error {
	left, err := filepath.Glob(filepath.Join(data, copyPrefix+"*"))
	for _, dir := range left {
		if err := os.RemoveAll(dir); err != nil {
			return err
		}
		fmt.Fprintf(stdout, "removed %s, which an earlier attempt had left\n", dir)
	}
	return err
}

func finishRewrites(log *streams.StoredLog, stdout io.Writer) error {
	finished, err := log.FinishRewrites()
	for _, stream := range finished {
		fmt.Fprintf(stdout, "%s: an earlier attempt had written it anew and was killed before the exchange, which is done now\n", stream)
	}
	return err
}

// eventSource is the read store as a source of events.
type eventSource struct {
	*store.Store
	checkpoint store.Checkpoint
	dir        string
}

// openSource opens a copy of the read store: the file itself may be the last witness, and is not touched.
func openSource(cfg config.Config, log *streams.StoredLog) (*eventSource, error) {
	epoch, err := log.Epoch()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(cfg.Data, copyPrefix)
	if err != nil {
		return nil, err
	}
	s := &eventSource{dir: dir}
	path := filepath.Join(dir, "store.db")
	if err = copyFile(node.StorePath(cfg), path); err == nil {
		s.Store, _, err = store.Open(path, epoch, &streams.Log{})
	}
	if err == nil {
		s.checkpoint, err = s.Checkpoint()
	}
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.Create(to)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}

func (s *eventSource) Close() (err error) {
	if s.Store != nil {
		err = s.Store.Close()
	}
	return errors.Join(err, os.RemoveAll(s.dir))
}

// events are those of the journal. The last one must have the hash of the checkpoint, or be proved by the event after it.
func (s *eventSource) events(first, last uint64, prev domain.Hash) (records []domain.Record, err error) {
	tail := last == 0
	if tail {
		if last = s.checkpoint.Events; last < first { // the store ends before the damage: the next start decides the rest again
			return nil, nil
		}
	}
	for n := first; n <= last; n++ {
		e, ok, err := s.Event(n)
		if err != nil || !ok {
			return nil, errors.Join(err, fmt.Errorf("the read store does not have event %d", n))
		}
		next, ok, err := s.Event(n + 1)
		if err != nil {
			return nil, err
		}
		// The journal does not keep which event is the last of its command: the next one is another command's then.
		e.Last = !ok || next.Sequence != e.Sequence
		record, err := streams.EncodeEvent(prev, e)
		if err != nil {
			return nil, err
		}
		records, prev = append(records, record), record.Hash
	}
	if tail && prev != s.checkpoint.Hash {
		return nil, fmt.Errorf("the read store has other events: after event %d its hash is %s, and EVENTS leads to %s", last, s.checkpoint.Hash, prev)
	}
	return records, nil
}
