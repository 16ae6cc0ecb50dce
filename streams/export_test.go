package streams

import (
	"maps"
	"slices"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"onsale/domain"
)

// The doors that tests open.

func (l *Log) SetAckWait(d time.Duration)          { l.ackWait = d }
func (l *Log) JetStream() jetstream.JetStream      { return l.js }
func DecodePayload(b []byte) (domain.Event, error) { return decodeEvent(b) }
func DecodeLine(b []byte) (domain.Command, error)  { return decodeCommand(b) }
func CommandTypes() []string                       { return slices.Sorted(maps.Keys(commandTypes)) }
func EventTypes() []string                         { return slices.Sorted(maps.Keys(eventTypes)) }

func (l *Log) Waiting() int {
	l.lane.mu.Lock()
	defer l.lane.mu.Unlock()
	return len(l.lane.waiting)
}

func (l *Log) Stopped() bool {
	l.lane.mu.Lock()
	defer l.lane.mu.Unlock()
	return l.lane.stopped
}

func (l *Log) SetAtomicFrom(n int)       { l.atomicFrom = n }
func (w *Work) SetTaken(d time.Duration) { w.taken = d }
