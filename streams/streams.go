// The two streams: their configuration, and how each start finds or creates them. An existing stream is never changed; only
// its size may grow, because that is how an operator makes room in a full log.

package streams

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const epochKey = "onsale_epoch"

// commandsConfig and eventsConfig are the complete configuration of a stream, spelled as the server returns it.
func (l *Log) commandsConfig(epoch string) jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name:              l.prefix.stream(commandsStream),
		Subjects:          []string{l.prefix.subject("cmd.*")},
		Retention:         jetstream.LimitsPolicy,
		Discard:           jetstream.DiscardNew, // a full log refuses, it never drops the oldest
		MaxBytes:          l.config.CommandsMaxBytes,
		MaxMsgSize:        1 << 20,
		MaxMsgs:           -1,
		MaxMsgsPerSubject: -1,
		MaxConsumers:      -1,
		Storage:           jetstream.FileStorage,
		Replicas:          max(1, l.config.Replicas),
		Duplicates:        100 * time.Millisecond, // the server's minimum; message ids are not used, idempotency is a domain rule
		DenyDelete:        true,
		DenyPurge:         true,
		AllowDirect:       true,
		Compression:       jetstream.S2Compression,
		Metadata:          map[string]string{epochKey: epoch},
	}
}

func (l *Log) eventsConfig(epoch string) jetstream.StreamConfig {
	c := l.commandsConfig(epoch)
	c.Name = l.prefix.stream(eventsStream)
	c.Subjects = []string{l.prefix.subject("evt.>")}
	c.MaxBytes = l.config.EventsMaxBytes
	c.AllowAtomicPublish = true
	c.MaxConsumers = 20_000 // unset means 1,000 since nats-server 2.15
	return c
}

// ensureStreams repeats ensure until it succeeds, fails permanently, or ctx ends: a starting cluster has no leader at first.
func (l *Log) ensureStreams(ctx context.Context) error {
	started := time.Now()
	var said struct { // what was logged last, and when: attempts go on for as long as it takes
		text string
		at   time.Time
	}
	said.at = started
	for wait := 50 * time.Millisecond; ; wait = min(2*wait, 2*time.Second) {
		attemptCtx, cancel := context.WithTimeout(ctx, 5*time.Second)
		err := l.ensure(attemptCtx)
		cancel()
		doubted := (errors.Is(err, errMissing) || errors.Is(err, ErrNoLog)) && !l.Embedded() && time.Since(started) < l.patience
		if err == nil || !doubted && !l.isTransient(err) && ctx.Err() == nil {
			return err
		}
		if fault := l.whyUnavailable(); fault != nil {
			err = fault
		}
		if fault := l.whyUnavailable(); l.config.ReadOnly && fault != nil && !passes(fault.Err) {
			return fault // a tool does not wait for a setting to change
		}
		text := err.Error()
		isNew, isDue := text != said.text, time.Since(said.at) > repeatAfter
		if isNew || isDue {
			said.text, said.at = text, time.Now()
		}
		if isDue || isNew && l.nc.IsConnected() { // else noteDisconnected has logged it
			l.logUnavailable(ctx, err)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", context.Cause(ctx), err)
		case failed := <-l.failed:
			return failed
		case <-time.After(wait):
		}
	}
}

// repeatAfter is how long the same reason is not logged again.
const repeatAfter = 30 * time.Second

func (l *Log) logUnavailable(ctx context.Context, err error) {
	level := slog.LevelWarn
	if l.config.ReadOnly {
		level = slog.LevelDebug // a tool says it at its end
	}
	hint := ""
	if fault, ok := errors.AsType[*Fault](err); ok {
		hint = fault.hint
	}
	l.logger.Log(ctx, level, "streams not available yet, retrying", "error", err, "hint", hint)
}

// whyUnavailable is what is known of the connection and of what was denied; nil if all is well.
func (l *Log) whyUnavailable() *Fault {
	if fault := l.fault.Load(); fault != nil {
		return fault
	}
	if !l.nc.IsConnected() {
		return l.config.connectionFault(l.nc.LastError())
	}
	return l.denial()
}

// isTransient reports whether a retry may succeed.
func (l *Log) isTransient(err error) bool {
	if l.nc.IsClosed() {
		return false
	}
	if api, ok := errors.AsType[*jetstream.APIError](err); ok {
		switch server.ErrorIdentifier(api.ErrorCode) {
		case server.JSClusterNoPeersErrF: // not enough peers yet
			return true
		case server.JSStreamReplicasNotSupportedErr: // replicas on a server that is not clustered
			return false
		}
		return api.Code >= 500 // no leader, no quorum
	}
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, nats.ErrNoResponders) || errors.Is(err, nats.ErrTimeout) ||
		errors.Is(err, jetstream.ErrJetStreamNotEnabled) || errors.Is(err, nats.ErrReconnectBufExceeded) ||
		errors.Is(err, nats.ErrDisconnected) || errors.Is(err, errBeingCreated) || errors.Is(err, errLimits)
}

// ensure finds or creates both streams. COMMANDS is created first and carries the epoch, so a crash in between leaves an empty
// COMMANDS alone, and the next start creates EVENTS. Any other single stream means that the other one was lost.
func (l *Log) ensure(ctx context.Context) error {
	// A stream on disk that the embedded server could not read looks as if it did not exist; only the health check shows it.
	if err := l.checkHealth(); err != nil {
		return err
	}
	if err := l.checkLimits(ctx); err != nil {
		return err
	}
	// EVENTS is looked up first: if it exists, so does COMMANDS, even while another node is creating both.
	events, err := l.lookUpStream(ctx, eventsStream)
	if err != nil {
		return err
	}
	commands, err := l.lookUpStream(ctx, commandsStream)
	if err != nil {
		return err
	}
	if events == nil && commands != nil { // another node may have created it since, and appended already
		if events, err = l.lookUpStream(ctx, eventsStream); err != nil {
			return err
		}
	}
	switch {
	case l.config.Repair && commands != nil && events == nil:
		l.epoch = commands.Config.Metadata[epochKey]
		return nil
	case l.config.ReadOnly && (commands == nil || events == nil):
		return noStreamFault(l.prefix)
	case l.config.HasStore && commands == nil && events == nil:
		return fmt.Errorf("%w: NATS has no stream %s and no stream %s", ErrNoLog, l.prefix.stream(commandsStream), l.prefix.stream(eventsStream))
	case commands == nil && events != nil && events.State.LastSeq > 0:
		return fmt.Errorf("stream COMMANDS %w beside EVENTS with %d events: restore it from a backup, or delete both to start a new log", errMissing, events.State.LastSeq)
	case events == nil && commands != nil && commands.State.LastSeq > 0:
		return fmt.Errorf("stream EVENTS %w beside COMMANDS with %d messages: restore it from a backup, or delete both to start a new log", errMissing, commands.State.LastSeq)
	}
	if commands == nil {
		epoch := newEpoch()
		if events != nil {
			epoch = events.Config.Metadata[epochKey]
		}
		if commands, err = l.create(ctx, commandsStream, l.commandsConfig(epoch)); err != nil {
			return err
		}
	}
	l.epoch = commands.Config.Metadata[epochKey]
	if events == nil {
		if events, err = l.create(ctx, eventsStream, l.eventsConfig(l.epoch)); err != nil {
			return err
		}
	}
	if l.config.ReadOnly {
		return sameEpoch(commands, events)
	}
	if err := verify(commands, l.commandsConfig(l.epoch), events, l.eventsConfig(l.epoch)); err != nil {
		return err
	}
	return errors.Join(l.increaseMaxBytes(ctx, commands, l.config.CommandsMaxBytes), l.increaseMaxBytes(ctx, events, l.config.EventsMaxBytes))
}

// noStreamFault says that a tool has not found both streams.
func noStreamFault(p prefix) error {
	return &Fault{fmt.Sprintf("no log: stream %s or %s is missing, and a tool creates none", p.stream(commandsStream), p.stream(eventsStream)),
		"a node creates it; check nats.url, the account, and nats.prefix", nil}
}

// errMissing: one stream is there without the other, by what the servers say: on a cluster that is doubted.
var errMissing = errors.New("is missing")

// lookUpStream returns nil if the stream does not exist.
func (l *Log) lookUpStream(ctx context.Context, name string) (*jetstream.StreamInfo, error) {
	info, err := l.info(ctx, name)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return nil, nil
	}
	return info, err
}

// errBeingCreated: the stream's name is taken, but the stream is not there yet.
var errBeingCreated = errors.New("another node is creating the streams")

// create creates a stream, or returns the one that another node has created meanwhile.
func (l *Log) create(ctx context.Context, stream string, c jetstream.StreamConfig) (*jetstream.StreamInfo, error) {
	s, err := l.js.CreateStream(ctx, c)
	if errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) {
		info, err := l.lookUpStream(ctx, stream)
		if info == nil && err == nil {
			err = errBeingCreated
		}
		return info, err
	}
	if err != nil {
		return nil, fmt.Errorf("creating the log: %w", l.streamFault(err, c))
	}
	l.logger.Info("created stream", "stream", c.Name, "epoch", c.Metadata[epochKey], "max_bytes", c.MaxBytes)
	return s.CachedInfo(), nil
}

const epochLetters = "0123456789abcdefghijklmnopqrstuvwxyz"

func newEpoch() string {
	random := make([]byte, 8)
	rand.Read(random) // never fails
	for i, b := range random {
		random[i] = epochLetters[int(b)%len(epochLetters)] // 36 does not divide 256, but an epoch need not be uniform
	}
	return string(random)
}
