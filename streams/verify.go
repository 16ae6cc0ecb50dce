// Verification of existing streams. The only change that is made is a larger size.

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

// verify reports all differences of both streams at once.
func verify(commands *jetstream.StreamInfo, wantCommands jetstream.StreamConfig, events *jetstream.StreamInfo, wantEvents jetstream.StreamConfig) error {
	faults := differences(commands.Config, wantCommands)
	faults = append(faults, differences(events.Config, wantEvents)...)
	if len(faults) > 0 {
		return fmt.Errorf("the configuration of the streams differs, and onsale does not change it: %s", strings.Join(faults, "; "))
	}
	return sameEpoch(commands, events)
}

func sameEpoch(commands, events *jetstream.StreamInfo) error {
	epoch := commands.Config.Metadata[epochKey]
	if len(epoch) != 8 || strings.Trim(epoch, epochLetters) != "" {
		return fmt.Errorf("stream COMMANDS has epoch %q in its metadata, which is not valid: it was not created by onsale", epoch)
	}
	if other := events.Config.Metadata[epochKey]; other != epoch {
		return fmt.Errorf("streams COMMANDS and EVENTS belong to different logs: epochs %q and %q", epoch, other)
	}
	return nil
}

// differences compares all fields, also those that a newer nats-server adds. Placement and description are left to the
// operator; increaseMaxBytes handles the size, sameEpoch the epoch.
func differences(have, want jetstream.StreamConfig) (faults []string) {
	have.Description, have.Placement, have.MaxBytes = "", nil, want.MaxBytes
	have.Metadata, want.Metadata = nil, nil
	h, w := fields(have), fields(want)
	for _, name := range slices.Sorted(maps.Keys(h)) {
		if string(h[name]) != string(w[name]) {
			faults = append(faults, fmt.Sprintf("%s: %s is %s, want %s", have.Name, name, h[name], w[name]))
		}
		delete(w, name)
	}
	for _, name := range slices.Sorted(maps.Keys(w)) {
		faults = append(faults, fmt.Sprintf("%s: %s is unset, want %s", have.Name, name, w[name]))
	}
	return faults
}

func fields(c jetstream.StreamConfig) map[string]json.RawMessage {
	text, _ := json.Marshal(c) // a struct of plain fields
	var m map[string]json.RawMessage
	json.Unmarshal(text, &m)
	return m
}

// increaseMaxBytes applies the configured size if it is larger than the stream's.
func (l *Log) increaseMaxBytes(ctx context.Context, info *jetstream.StreamInfo, maxBytes int64) error {
	c := info.Config
	switch {
	case maxBytes < c.MaxBytes:
		l.logger.Warn("stream size not reduced", "stream", c.Name, "max_bytes", c.MaxBytes, "configured", maxBytes)
	case maxBytes > c.MaxBytes && c.MaxBytes > 0:
		oldMaxBytes := c.MaxBytes
		c.MaxBytes = maxBytes
		if _, err := l.js.UpdateStream(ctx, c); err != nil {
			return fmt.Errorf("increasing the size of stream %s: %w", c.Name, err)
		}
		l.logger.Info("increased stream size", "stream", c.Name, "max_bytes", maxBytes, "was", oldMaxBytes)
	}
	return nil
}
