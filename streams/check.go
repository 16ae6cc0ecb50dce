// Checking the files of both logs: before nats-server opens them, when it has closed them, and slowly while it uses them.

package streams

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// checkBlocks reads both logs of a data directory before nats-server does, and returns the first damage of each. The end of a log
// may be torn by a power loss: unless the node was closed in order, nats-server may cut off there what the outbox has, which is
// what was written within two sync intervals of the end. closed says that the node was closed in order.
func (l *Log) checkBlocks(ctx context.Context, closed bool) error {
	started := time.Now()
	streams := [...]string{commandsStream, eventsStream}
	var faults, failures [len(streams)]error
	var group sync.WaitGroup
	for i, stream := range streams {
		group.Go(func() { faults[i], failures[i] = l.checkStream(ctx, stream, closed) })
	}
	group.Wait()
	l.logger.Debug("checked the files of the logs", "took", time.Since(started))
	return cmp.Or(failures[0], failures[1], errors.Join(faults[:]...))
}

// checkStream returns the first fault of one log, or why it could not be checked.
func (l *Log) checkStream(ctx context.Context, stream string, closed bool) (fault, err error) {
	r := newBlockReader(l.config.Dir, l.prefix, stream)
	if r.dir == "" || isEncrypted(r.dir) {
		return nil, nil // a new log, or an encrypted one
	}
	if err := checkMeta(r.stream, r.dir); errors.Is(err, ErrMetaDamaged) {
		return err, nil
	} else if err != nil {
		return nil, err
	}
	whole, err := r.intact(ctx)
	if err == nil && !whole {
		err = r.read(ctx, func(*storedMessage) error { return nil })
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if len(r.damage) > 0 {
		damage := r.damage[0]
		torn := !damage.sealed && (damage.Last == 0 || damage.before > r.last.at-powerLossSyncs*int64(l.config.Sync))
		if closed || !torn || l.config.ReadOnly {
			return damage, nil
		}
		l.logger.Warn("the end of a log was torn, as by a power loss; what the outbox has is published again", "damage", damage.Error())
		// Without its index nats-server reads the blocks, and cuts them where they are torn.
		if err := removeIndex(r.dir); err != nil {
			return nil, err
		}
	}
	if l.config.ReadOnly {
		return nil, nil
	}
	return nil, r.prepareBlocks()
}

func removeIndex(dir string) error {
	if err := os.Remove(filepath.Join(dir, "msgs", "index.db")); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// isWhole says that the newest block of each log can be read to its end.
func isWhole(dir string, p prefix) bool {
	for _, stream := range []string{commandsStream, eventsStream} {
		path := streamPath(dir, p.stream(stream))
		blocks, err := blockFiles(path)
		if err != nil || len(blocks) == 0 {
			continue
		}
		newest := blocks[len(blocks)-1]
		content, err := os.ReadFile(blockPath(path, newest))
		if err != nil {
			return false
		}
		block := new(decompressor).open(newest, content)
		if block.damaged {
			return false
		}
		for checksum := newChecksum(p.stream(stream), newest); len(block.content) > 0; {
			_, size := parseRecord(block.content, checksum)
			if size == 0 {
				return false
			}
			block.content = block.content[size:]
		}
	}
	return true
}

// Scrub reads the files of both logs of an embedded server slowly, and compares the hashes of EVENTS. The error is a Damage
// or ctx's. Of an external NATS it reads nothing: its servers have the files.
func (l *Log) Scrub(ctx context.Context) error {
	if l.server == nil {
		return nil
	}
	for _, stream := range []string{commandsStream, eventsStream} {
		r := newBlockReader(l.config.Dir, l.prefix, stream)
		if r.dir == "" || isEncrypted(r.dir) {
			continue
		}
		r.pause = scrubPause
		// Messages that are written while it reads may be cut off at the end: they count only up to the present end.
		state, err := l.streamState(ctx, stream)
		if err != nil {
			return err
		}
		var chain hashChain
		err = r.read(ctx, func(m *storedMessage) error {
			if stream != eventsStream || len(r.damage) > 0 {
				return nil
			}
			return chain.check(m)
		})
		if err != nil {
			return err
		}
		if len(r.damage) > 0 && r.damage[0].First <= state.Last {
			return r.damage[0]
		}
		if r.last.number < state.Last {
			return Damage{Stream: r.stream, First: r.last.number + 1, File: filepath.Join(r.dir, "msgs")}
		}
	}
	return nil
}
