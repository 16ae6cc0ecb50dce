// The list of open streams, and how far they are behind. A stream's loop stores its state after each Step.

package sse

import (
	"slices"
	"time"
)

// StreamInfo is an open stream at one moment.
type StreamInfo struct {
	Topic  Topic
	Cursor uint64        // everything up to this event is sent, or not of this stream
	Lag    uint64        // by how many events the topic's last delivered one is ahead of Cursor; 0: nothing is missing
	Age    time.Duration // since it was opened
	State  string        // one of stateNames
}

// streamState is what a stream does.
type streamState uint32

const (
	opening    streamState = iota // its start is not known yet
	live                          // it sleeps and has everything delivered
	sending                       // there is more than a batch for it
	blocked                       // its connection is full; one that stays so has a client that does not read
	queued                        // it waits for a catch-up slot
	catchingUp                    // it reads the journal
)

var stateNames = [...]string{"opening", "live", "behind", "full", "waiting for the log", "catching up"}

// observe stores the state of a started subscription, on its loop.
func (s *subscription) observe() {
	state := live
	switch {
	case s.Blocked():
		state = blocked
	case s.catchUp != nil && s.hub.catchUpSlots.isGranted(s.catchUp.waiter):
		state = catchingUp
	case s.catchUp != nil:
		state = queued
	case s.Requeued():
		state = sending
	}
	s.seen.Store(s.cursor.at.Seen())
	s.state.Store(uint32(state))
}

// isBehind reports whether events may be missing. A live stream is woken by whatever is delivered for it.
func (s *StreamInfo) isBehind() bool {
	return s.State != stateNames[opening] && s.State != stateNames[live]
}

// List returns all open streams, in no order.
func (h *Hub) List() []StreamInfo {
	now := h.Now()
	h.mu.RLock()
	head := h.ring.head
	list := make([]StreamInfo, 0, len(h.subscriptions))
	for s := range h.subscriptions {
		t := s.cursor.topic
		newest := t.newest
		switch {
		case t.feed != nil:
			newest = t.feed.at
		case t.filter != nil:
			newest = head
		}
		list = append(list, StreamInfo{
			Topic: t.key, Cursor: s.seen.Load(), Lag: newest,
			Age: max(0, now.Sub(time.Unix(int64(s.opened), 0))), State: stateNames[s.state.Load()],
		})
	}
	h.mu.RUnlock()
	for i := range list {
		s := &list[i]
		newest := s.Lag
		if s.Lag = 0; !s.isBehind() {
			continue
		}
		if newest == 0 && s.Topic.Kind < chainedKinds { // only the store knows; it may be an event that is not delivered yet
			newest = min(h.lastEvent(s.Topic), head)
		}
		s.Lag = max(newest, s.Cursor) - s.Cursor
	}
	return list
}

// Count is how many streams are open.
func (h *Hub) Count() int {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return len(h.subscriptions)
}

// lags is how far all open streams are behind.
type lags struct {
	behind   int    // streams that are full, sending, waiting for the log or reading it
	p99, max uint64 // of StreamInfo.Lag
}

// lags takes some twenty milliseconds for fifty thousand streams.
func (h *Hub) lags() lags {
	var behind []uint64
	all := h.List()
	for _, s := range all {
		if s.isBehind() {
			behind = append(behind, s.Lag)
		}
	}
	slices.Sort(behind)
	slices.Reverse(behind)
	l := lags{behind: len(behind)}
	if len(behind) > 0 {
		l.max = behind[0]
	}
	if worse := len(all) / 100; worse < len(behind) {
		l.p99 = behind[worse]
	}
	return l
}
