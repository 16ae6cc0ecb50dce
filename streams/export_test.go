package streams

import (
	"errors"
	"maps"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"onsale/domain"
)

// Internals that the tests in package streams_test use.

func (l *Log) SetAckWait(d time.Duration)          { l.ackWait = d }
func (l *Log) SetPatience(d time.Duration)         { l.patience = d }
func (l *Log) JetStream() jetstream.JetStream      { return l.js }
func DecodePayload(b []byte) (domain.Event, error) { return decodeEvent(b) }
func DecodeLine(b []byte) (domain.Command, error)  { return decodeCommand(b) }
func CommandTypes() []string                       { return slices.Sorted(maps.Keys(commandTypes)) }
func EventVersions() []string                      { return slices.Sorted(maps.Keys(eventTypes)) }

func SetToolPatience(tb testing.TB, d time.Duration) {
	before := toolPatience
	toolPatience = d
	tb.Cleanup(func() { toolPatience = before })
}

func HearsMajority(c *jetstream.ClusterInfo) bool { return hearsMajority(c) }

func (l *Log) PendingAppends() int {
	l.batcher.mu.Lock()
	defer l.batcher.mu.Unlock()
	return len(l.batcher.pending)
}

func (l *Log) BatcherStopped() bool {
	l.batcher.mu.Lock()
	defer l.batcher.mu.Unlock()
	return l.batcher.stopped
}

func (l *Log) SetMinAtomicBatch(n int)               { l.minAtomicBatch = n }
func (l *Log) SetHexHashes()                         { l.hexHashes = true }
func (c *ConsumerConfig) SetAckWait(d time.Duration) { c.ackWait = d }

// IsCompressed says that a block of a data directory is compressed.
func IsCompressed(dir, stream string, block int) bool {
	return isCompressed(blockPath(streamPath(dir, stream), block))
}

// UncompressBlock is what nats-server leaves when it is killed while it compresses a block: the block as it was, and a part of another file.
func UncompressBlock(dir, stream string, block int) error {
	path := blockPath(streamPath(dir, stream), block)
	file, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	records := new(decompressor).open(block, file).content
	return errors.Join(os.WriteFile(path, records, 0o600), os.WriteFile(path+".tmp", file[:len(file)/2], 0o600))
}
