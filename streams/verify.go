// The comparison of an existing stream with what it should be, and the one thing that is changed: a size that is to grow.

package streams

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/nats-io/nats.go/jetstream"
)

// verify names every difference of both streams at once.
func verify(commands *jetstream.StreamInfo, wantCommands jetstream.StreamConfig, events *jetstream.StreamInfo, wantEvents jetstream.StreamConfig) error {
	faults := differences(commands.Config, wantCommands)
	faults = append(faults, differences(events.Config, wantEvents)...)
	if len(faults) > 0 {
		return fmt.Errorf("the streams are not as they should be, and onsale changes none: %s", strings.Join(faults, "; "))
	}
	return sameEpoch(commands, events)
}

func sameEpoch(commands, events *jetstream.StreamInfo) error {
	epoch := commands.Config.Metadata[epochKey]
	if len(epoch) != 8 || strings.Trim(epoch, epochLetters) != "" {
		return fmt.Errorf("stream COMMANDS has no epoch in its metadata, but %q: it was not made by onsale", epoch)
	}
	if other := events.Config.Metadata[epochKey]; other != epoch {
		return fmt.Errorf("streams COMMANDS and EVENTS are of two lives: epoch %q and %q", epoch, other)
	}
	return nil
}

// differences compares all fields, also those that a newer nats-server adds. Where the stream lies and how it is described
// is the operator's affair; the size is grow's, and the epoch is sameEpoch's.
func differences(have, want jetstream.StreamConfig) (faults []string) {
	have.Description, have.Placement, have.MaxBytes = "", nil, want.MaxBytes
	have.Metadata, want.Metadata = nil, nil
	h, w := fields(have), fields(want)
	for _, name := range slices.Sorted(maps.Keys(h)) {
		if string(h[name]) != string(w[name]) {
			faults = append(faults, fmt.Sprintf("%s: %s is %s, not %s", have.Name, name, h[name], w[name]))
		}
		delete(w, name)
	}
	for _, name := range slices.Sorted(maps.Keys(w)) {
		faults = append(faults, fmt.Sprintf("%s: %s is not set, not %s", have.Name, name, w[name]))
	}
	return faults
}

func fields(c jetstream.StreamConfig) map[string]json.RawMessage {
	text, _ := json.Marshal(c) // a struct of plain fields
	var m map[string]json.RawMessage
	json.Unmarshal(text, &m)
	return m
}

// increaseMaxBytes gives a stream the configured size if that is the larger one.
func (l *Log) increaseMaxBytes(ctx context.Context, info *jetstream.StreamInfo, maxBytes int64) error {
	c := info.Config
	switch {
	case maxBytes < c.MaxBytes:
		l.logger.Warn("a stream is not made smaller", "stream", c.Name, "max_bytes", c.MaxBytes, "configured", maxBytes)
	case maxBytes > c.MaxBytes && c.MaxBytes > 0:
		oldMaxBytes := c.MaxBytes
		c.MaxBytes = maxBytes
		if _, err := l.js.UpdateStream(ctx, c); err != nil {
			return fmt.Errorf("couldn't make stream %s larger: %w", c.Name, err)
		}
		l.logger.Info("made a stream larger", "stream", c.Name, "max_bytes", maxBytes, "was", oldMaxBytes)
	}
	return nil
}
