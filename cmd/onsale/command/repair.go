// Repair of the logs of stopped nodes: damage in a data directory, and what other programs have published into EVENTS.

package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"onsale/cmd/onsale/node"
	"onsale/config"
	"onsale/domain"
	"onsale/projections/store"
	"onsale/streams"
)

func repairCommand(environ []string) *cobra.Command {
	var acceptLost, cutForeign bool
	command := &cobra.Command{
		Use:   "repair [flags]",
		Short: "say what is wrong with the logs of stopped nodes, and heal EVENTS",
		Args:  noArguments,
		RunE: func(command *cobra.Command, _ []string) error {
			cfg, err := logConfig(command, environ)
			if err != nil {
				return err
			}
			if len(cfg.NATS.URL) > 0 {
				if acceptLost {
					return usageError{errors.New("--accept-lost-commands works on a data directory, and the log is in an external NATS"), "give --data"}
				}
				return runRepairNATS(command.Context(), cfg, cutForeign, command.OutOrStdout(), command.ErrOrStderr())
			}
			return runRepair(command.Context(), cfg, acceptLost, cutForeign, command.OutOrStdout())
		},
	}
	config.AddFlags(command.Flags(), append([]string{"data"}, natsFlags...)...)
	command.Flags().BoolVar(&cutForeign, "cut-foreign", false, "cut off what other programs have published at the end of EVENTS; a copy of all of it is kept")
	command.Flags().BoolVar(&acceptLost, "accept-lost-commands", false, "put no-ops in the place of commands that are lost; the events that they led to stay as facts")
	return command
}

const auditHint = "then \"onsale audit\" must accept the directory, and the node starts again"

const cutHint = "\"onsale repair --cut-foreign\" cuts them off and keeps a copy; the nodes then publish their own events at these numbers"

// runRepair reports every damage of both logs. EVENTS is written anew if the read store proves what it has lost, COMMANDS only with
// acceptLost: nothing else has its commands.
func runRepair(ctx context.Context, cfg config.Config, acceptLost, cutForeign bool, stdout io.Writer) (err error) {
	log, err := streams.OpenStored(cfg.Data, cfg.NATS.Prefix)
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
	if errors.Is(err, streams.ErrDamaged) && len(events) == 0 {
		return repairForeign(ctx, log, err, cutForeign, stdout)
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

// repairForeign cuts off what other programs have published at the end of EVENTS. wrong is what is wrong with it.
func repairForeign(ctx context.Context, log *streams.StoredLog, wrong error, cut bool, stdout io.Writer) error {
	foreign, err := log.FindForeign(ctx)
	switch {
	case err != nil || foreign.First == 0:
		return hintError{wrong, "this cannot be healed here: restore a backup"}
	case !cut:
		return hintError{errors.New(foreign.String()), cutHint}
	}
	kept, err := log.CutForeign(ctx, foreign)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(stdout, "%v: they are cut off; the old files are in %s\n%s\n", foreign, kept, auditHint)
	return err
}

// runRepairNATS does the same on an external NATS. Damage of its files is a matter of its servers.
func runRepairNATS(ctx context.Context, cfg config.Config, cut bool, stdout, stderr io.Writer) (err error) {
	log, err := openTool(ctx, cfg, true, stderr)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, log.Close()) }()
	foreign, err := log.FindForeign(ctx)
	if errors.Is(err, streams.ErrDamaged) {
		return hintError{err, "this cannot be healed here: restore a backup"}
	}
	switch {
	case err != nil:
		return err
	case foreign.First == 0:
		_, err = fmt.Fprintln(stdout, "nothing is foreign in EVENTS")
		return err
	case !cut:
		return hintError{errors.New(foreign.String()), cutHint}
	}
	kept, err := log.CutForeign(ctx, foreign)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(stdout, "%v: they are cut off; all of EVENTS as it was is in stream %s\n"+
		"then \"onsale audit\" must accept the log, and the nodes start again\n", foreign, kept)
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
