// The two streams: what they must be, and how they are found or made at every start. An existing stream is never changed in
// silence; only its size may grow, because that is how an operator makes room in a full log.

package streams

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const epochKey = "onsale_epoch"

// commandsConfig and eventsConfig are everything that we want of a stream, in the words in which the server gives it back.
func (l *Log) commandsConfig(epoch string) jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name:              commandsStream,
		Subjects:          []string{"cmd.*"},
		Retention:         jetstream.LimitsPolicy,
		Discard:           jetstream.DiscardNew, // a full log refuses, it never drops the oldest
		MaxBytes:          l.config.CommandsMaxBytes,
		MaxMsgSize:        1 << 20,
		MaxMsgs:           -1,
		MaxMsgsPerSubject: -1,
		MaxConsumers:      -1,
		Storage:           jetstream.FileStorage,
		Replicas:          max(1, l.config.Replicas),
		Duplicates:        100 * time.Millisecond, // the server's least; message ids are not used, the rules know a request for ever
		DenyDelete:        true,
		DenyPurge:         true,
		AllowDirect:       true,
		Metadata:          map[string]string{epochKey: epoch},
	}
}

func (l *Log) eventsConfig(epoch string) jetstream.StreamConfig {
	c := l.commandsConfig(epoch)
	c.Name = eventsStream
	c.Subjects = []string{"evt.>"}
	c.MaxBytes = l.config.EventsMaxBytes
	c.AllowAtomicPublish = true
	c.MaxConsumers = 20_000 // not set means 1,000 since nats-server 2.15
	return c
}

// ensureStreams repeats ensure until it comes to a verdict, or ctx ends: a cluster that starts has no leader at first.
func (l *Log) ensureStreams(ctx context.Context) error {
	for wait := 50 * time.Millisecond; ; wait = min(2*wait, 2*time.Second) {
		attemptCtx, cancel := context.WithTimeout(ctx, 5*time.Second)
		err := l.ensure(attemptCtx)
		cancel()
		if err == nil || !l.isTransient(err) {
			return err
		}
		l.logger.Warn("the streams are not there yet", "error", err)
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w, last: %w", context.Cause(ctx), err)
		case failed := <-l.failed:
			return failed
		case <-time.After(wait):
		}
	}
}

// isTransient says whether the same question may be answered otherwise in a moment.
func (l *Log) isTransient(err error) bool {
	if l.nc.IsClosed() {
		return false
	}
	if api, ok := errors.AsType[*jetstream.APIError](err); ok {
		switch api.ErrorCode {
		case 10005: // not enough peers, yet
			return true
		case 10074: // replicas on a server that is no cluster
			return false
		}
		return api.Code >= 500 // no leader, no quorum
	}
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, nats.ErrNoResponders) || errors.Is(err, nats.ErrTimeout) ||
		errors.Is(err, jetstream.ErrJetStreamNotEnabled) || errors.Is(err, nats.ErrReconnectBufExceeded) ||
		errors.Is(err, nats.ErrDisconnected) || errors.Is(err, errBeingCreated)
}

// ensure finds both streams or makes both. COMMANDS comes first and brings the epoch, so a crash in between leaves an empty
// COMMANDS alone, and the next start makes EVENTS beside it. Any other half is no half-made log, but a lost one.
func (l *Log) ensure(ctx context.Context) error {
	// A stream that the embedded server found on disk and couldn't read is missing from its answers like one that never was.
	if err := l.checkHealth(); err != nil {
		return err
	}
	// EVENTS is looked up first: it exists only if COMMANDS did, also when another node makes both just now.
	events, err := l.lookUpStream(ctx, eventsStream)
	if err != nil {
		return err
	}
	commands, err := l.lookUpStream(ctx, commandsStream)
	if err != nil {
		return err
	}
	if events == nil && commands != nil { // between our two questions another node may have made it and begun
		if events, err = l.lookUpStream(ctx, eventsStream); err != nil {
			return err
		}
	}
	switch {
	case l.config.ReadOnly && (commands == nil || events == nil):
		return errors.New("there is no log here: stream COMMANDS or EVENTS is missing, and it is opened for reading only")
	case commands == nil && events != nil && events.State.LastSeq > 0:
		return fmt.Errorf("stream COMMANDS is missing beside EVENTS with %d events: restore it from a backup, or take both away to begin anew", events.State.LastSeq)
	case events == nil && commands != nil && commands.State.LastSeq > 0:
		return fmt.Errorf("stream EVENTS is missing beside COMMANDS with %d messages: restore it from a backup, or take both away to begin anew", commands.State.LastSeq)
	}
	if commands == nil {
		epoch := newEpoch()
		if events != nil {
			epoch = events.Config.Metadata[epochKey]
		}
		if commands, err = l.create(ctx, l.commandsConfig(epoch)); err != nil {
			return err
		}
	}
	l.epoch = commands.Config.Metadata[epochKey]
	if events == nil {
		if events, err = l.create(ctx, l.eventsConfig(l.epoch)); err != nil {
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

// lookUpStream is nil when there is none.
func (l *Log) lookUpStream(ctx context.Context, name string) (*jetstream.StreamInfo, error) {
	info, err := l.info(ctx, name)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return nil, nil
	}
	return info, err
}

// errBeingCreated is a stream whose name is taken and which is not there yet: another node is just making it.
var errBeingCreated = errors.New("another node is making the streams")

// create makes a stream; when another node was faster, its stream is the one.
func (l *Log) create(ctx context.Context, c jetstream.StreamConfig) (*jetstream.StreamInfo, error) {
	s, err := l.js.CreateStream(ctx, c)
	if errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) {
		info, err := l.lookUpStream(ctx, c.Name)
		if info == nil && err == nil {
			err = errBeingCreated
		}
		return info, err
	}
	if err != nil {
		return nil, fmt.Errorf("couldn't make stream %s: %w", c.Name, err)
	}
	l.logger.Info("made stream", "stream", c.Name, "epoch", c.Metadata[epochKey], "max_bytes", c.MaxBytes)
	return s.CachedInfo(), nil
}

const epochLetters = "0123456789abcdefghijklmnopqrstuvwxyz"

func newEpoch() string {
	random := make([]byte, 8)
	rand.Read(random) // never fails
	for i, b := range random {
		random[i] = epochLetters[int(b)%len(epochLetters)] // 36 does not divide 256: a name, not a secret
	}
	return string(random)
}
