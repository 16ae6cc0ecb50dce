// The list of open streams, and how far they are behind. A cursor belongs to a goroutine or a loop: goroutines publish theirs
// as they go, loops are asked.

package sse

import (
	"slices"
	"sync/atomic"
	"time"

	"onsale/http/sse/evloop"
)

// StreamInfo is an open stream at one moment.
type StreamInfo struct {
	Topic  Topic
	Cursor uint64        // everything up to this event is sent, or not of this stream
	Lag    uint64        // by how many events the topic's last published one is ahead of Cursor; 0: nothing is missing
	Age    time.Duration // since it was opened
	State  string        // "live", "full", … (activityNames); "unknown": its loop did not answer, so Cursor and Lag are 0
}

// activity is what a stream does.
type activity uint32

const (
	opening    activity = iota // its start is not known yet
	live                       // it sleeps and has everything published
	sending                    // there is more than a batch for it
	writing                    // a goroutine writes; one that stays so has a client that does not read
	blocked                    // its socket is full
	queued                     // it waits for a catch-up slot
	catchingUp                 // it reads the log
	unknown                    // its loop did not answer
)

var activityNames = [...]string{"opening", "live", "behind", "writing", "full", "waiting for the log", "catching up", "unknown"}

// observed is what a goroutine publishes of its stream.
type observed struct {
	seen     atomic.Uint64 // the last event whose frames were all written
	activity atomic.Uint32
}

func (o *observed) set(a activity) { o.activity.Store(uint32(a)) }

// streamState is a stream at one moment.
type streamState struct {
	info     *subscriptionInfo
	seen     uint64
	activity activity
	lag      uint64
}

// loopTimeout is how long a loop may take to answer before its streams are unknown.
const loopTimeout = time.Second

// List returns all open streams, in no order.
func (h *Hub) List() []StreamInfo {
	now := h.Now()
	all := h.streamStates()
	list := make([]StreamInfo, len(all))
	for i, s := range all {
		age := max(0, now.Sub(time.Unix(s.info.opened, 0)))
		list[i] = StreamInfo{Topic: s.info.topic.key, Cursor: s.seen, Lag: s.lag, Age: age, State: activityNames[s.activity]}
	}
	return list
}

// Count is how many streams are open.
func (h *Hub) Count() int {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return len(h.subscriptions)
}

func (h *Hub) streamStates() []streamState {
	h.mu.RLock()
	subs := make([]subscription, 0, len(h.subscriptions))
	for sub := range h.subscriptions {
		subs = append(subs, sub)
	}
	h.mu.RUnlock()
	all := make([]streamState, 0, len(subs))
	byLoop := map[*evloop.Loop][]*socket{}
	for _, sub := range subs {
		switch sub := sub.(type) {
		case *conn:
			all = append(all, streamState{info: &sub.info, seen: sub.observed.seen.Load(), activity: activity(sub.observed.activity.Load())})
		case *socket:
			byLoop[sub.Loop()] = append(byLoop[sub.Loop()], sub)
		}
	}
	h.queryLoops(byLoop, &all)
	h.computeLag(all)
	return all
}

// queryLoops appends the states of sockets.
func (h *Hub) queryLoops(byLoop map[*evloop.Loop][]*socket, all *[]streamState) {
	type reply struct {
		loop   *evloop.Loop
		states []streamState
	}
	replies := make(chan reply, len(byLoop)) // so that a late reply does not block
	for l, sockets := range byLoop {
		l.Post(func() {
			states := make([]streamState, 0, len(sockets))
			for _, s := range sockets {
				switch {
				case !s.Started(): // its cursor still belongs to the goroutine that opens it
					states = append(states, streamState{info: &s.info, activity: opening})
				case !s.IsClosed():
					states = append(states, streamState{info: &s.info, seen: s.cursor.at.Seen(), activity: s.activity()})
				}
			}
			replies <- reply{l, states}
		})
	}
	timer := time.NewTimer(loopTimeout)
	defer timer.Stop()
	for len(byLoop) > 0 {
		select {
		case r := <-replies:
			*all = append(*all, r.states...)
			delete(byLoop, r.loop)
		case <-timer.C:
			for _, sockets := range byLoop {
				for _, s := range sockets {
					*all = append(*all, streamState{info: &s.info, activity: unknown})
				}
			}
			return
		}
	}
}

// activity may be called on the loop of a started socket.
func (s *socket) activity() activity {
	switch {
	case s.Blocked():
		return blocked
	case s.task != nil && s.hub.catchUpSlots.isGranted(s.task.waiter):
		return catchingUp
	case s.task != nil:
		return queued
	case s.Requeued():
		return sending
	}
	return live
}

// computeLag sets how far each stream is behind. Only the store knows the last event of a topic that has none in the ring; it
// may be one that is not published yet.
func (h *Hub) computeLag(all []streamState) {
	newest := make([]uint64, len(all))
	h.mu.RLock()
	head := h.ring.head
	for i, s := range all {
		newest[i] = s.info.topic.newest
		if feed := s.info.topic.feed; feed != nil {
			newest[i] = feed.at
		}
	}
	h.mu.RUnlock()
	for i := range all {
		s := &all[i]
		if s.activity == opening || s.activity == live || s.activity == unknown {
			continue // a live stream is woken by whatever is published for it
		}
		if newest[i] == 0 && s.info.topic.key.Kind < chainedKinds {
			newest[i] = min(h.lastEvent(s.info.topic.key), head)
		}
		s.lag = max(newest[i], s.seen) - s.seen
	}
}

// lags is how far all open streams are behind.
type lags struct {
	behind   int    // streams that are full, writing, waiting for the log or reading it
	p99, max uint64 // of StreamInfo.Lag
}

// lags takes some twenty milliseconds for fifty thousand streams, and holds up each of two loops for one to three. It is
// false if a loop did not answer.
func (h *Hub) lags() (lags, bool) {
	var behind []uint64
	all := h.streamStates()
	for _, s := range all {
		switch s.activity {
		case unknown:
			return lags{}, false
		case opening, live:
		default:
			behind = append(behind, s.lag)
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
	return l, true
}
