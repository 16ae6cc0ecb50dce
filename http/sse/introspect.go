// Who is there, and what each is doing. A cursor belongs to its goroutine or its loop: the goroutines of net/http leave word
// of theirs, and the loops are asked.

package sse

import (
	"slices"
	"sync/atomic"
	"time"
)

// StreamInfo is an open stream as it was seen.
type StreamInfo struct {
	Topic  Topic
	Cursor uint64        // everything up to this event is on its way to the reader, or is not for it
	Lag    uint64        // so far is its own last event that was told ahead of that, in numbers; 0: it lacks nothing
	Age    time.Duration // since it was let in
	State  string        // "live", "full", …: see doings; "unknown": cursor and lag are 0, since its loop did not answer
}

// String is how people call it.
func (k TopicKind) String() string {
	return [topicKinds]string{"user", "schedule", "order", "promotion"}[k]
}

// activity is what a stream does at a moment.
type activity uint32

const (
	opening    activity = iota // it is not clear yet where it begins
	live                       // it sleeps: it has all that was told
	sending                    // there is more than a batch for it
	writing                    // a goroutine writes to it; one that stays so has a reader that takes nothing
	blocked                    // its socket takes nothing at the moment
	queued                     // in line for the log
	catchingUp                 // it reads the log
	unknown                    // its loop did not answer
)

var activityNames = [...]string{"opening", "live", "behind", "writing", "full", "waiting for the log", "catching up", "unknown"}

// observed are what a goroutine leaves of its stream for others to see.
type observed struct {
	seen     atomic.Uint64 // event, every frame of which it has written
	activity atomic.Uint32
}

func (t *observed) set(d activity) { t.activity.Store(uint32(d)) }

// snapshot is a stream at a moment.
type snapshot struct {
	info     *subscriptionInfo
	seen     uint64
	activity activity
	lag      uint64
}

// loopTimeout is how long a loop may be about something else before its streams are given as unknown.
const loopTimeout = time.Second

// List gives all open streams, in no order.
func (h *Hub) List() []StreamInfo {
	now := h.Now()
	all := h.snapshots()
	list := make([]StreamInfo, len(all))
	for i, s := range all {
		age := max(0, now.Sub(time.Unix(s.info.opened, 0)))
		list[i] = StreamInfo{Topic: s.info.topic.key, Cursor: s.seen, Lag: s.lag, Age: age, State: activityNames[s.activity]}
	}
	return list
}

func (h *Hub) snapshots() []snapshot {
	h.mu.RLock()
	subs := make([]subscription, 0, len(h.subscriptions))
	for sub := range h.subscriptions {
		subs = append(subs, sub)
	}
	h.mu.RUnlock()
	all := make([]snapshot, 0, len(subs))
	byLoop := map[*loop][]*socket{}
	for _, sub := range subs {
		switch sub := sub.(type) {
		case *conn:
			all = append(all, snapshot{info: &sub.info, seen: sub.observed.seen.Load(), activity: activity(sub.observed.activity.Load())})
		case *socket:
			byLoop[sub.loop] = append(byLoop[sub.loop], sub)
		}
	}
	h.queryLoops(byLoop, &all)
	h.computeLag(all)
	return all
}

// queryLoops appends what the loops see of their sockets.
func (h *Hub) queryLoops(byLoop map[*loop][]*socket, all *[]snapshot) {
	type reply struct {
		loop      *loop
		snapshots []snapshot
	}
	replies := make(chan reply, len(byLoop)) // one that comes too late waits for nobody
	for l, sockets := range byLoop {
		l.post(func() {
			seen := make([]snapshot, 0, len(sockets))
			for _, s := range sockets {
				switch {
				case !s.attached: // its cursor still belongs to whoever opens it
					seen = append(seen, snapshot{info: &s.info, activity: opening})
				case !s.closed:
					seen = append(seen, snapshot{info: &s.info, seen: s.cursor.at.Seen(), activity: s.activity()})
				}
			}
			replies <- reply{l, seen}
		})
	}
	timer := time.NewTimer(loopTimeout)
	defer timer.Stop()
	for len(byLoop) > 0 {
		select {
		case a := <-replies:
			*all = append(*all, a.snapshots...)
			delete(byLoop, a.loop)
		case <-timer.C:
			for _, sockets := range byLoop {
				for _, s := range sockets {
					*all = append(*all, snapshot{info: &s.info, activity: unknown})
				}
			}
			return
		}
	}
}

// activity is for the loop of a socket that has begun.
func (s *socket) activity() activity {
	switch {
	case s.blocked:
		return blocked
	case s.catchUp != nil && s.loop.hub.catchUpSlots.isGranted(s.catchUp.waiter):
		return catchingUp
	case s.catchUp != nil:
		return queued
	case s.requeued:
		return sending
	}
	return live
}

// isGranted says whether t had its turn.
func (l *fifoSemaphore) isGranted(w *waiter) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return w.granted
}

// computeLag finds how far each is behind. Only the store knows the last event of a reader that has none in the ring; of what
// it knows, some may not be told yet.
func (h *Hub) computeLag(all []snapshot) {
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
			continue
		}
		if newest[i] == 0 && s.info.topic.key.Kind < chainedKinds {
			newest[i] = min(h.Last(s.info.topic.key), head)
		}
		s.lag = max(newest[i], s.seen) - s.seen
	}
}

// Lags say how far open streams are behind. One that sleeps is not, as whatever is told for it wakes it.
type Lags struct {
	Behind   int    // streams that are: full, or writing, or in line for the log, or reading it
	P99, Max uint64 // events: 99 per cent of all streams, and all, are at most so far behind; see Listed
}

// Lags is for a scrape now and then: fifty thousand streams cost some twenty milliseconds, and hold up each of two loops for
// one to three of them. It is false when some loop did not answer.
func (h *Hub) Lags() (Lags, bool) {
	var lags []uint64
	all := h.snapshots()
	for _, s := range all {
		switch s.activity {
		case unknown:
			return Lags{}, false
		case opening, live:
		default:
			lags = append(lags, s.lag)
		}
	}
	slices.Sort(lags)
	slices.Reverse(lags)
	l := Lags{Behind: len(lags)}
	if len(lags) > 0 {
		l.Max = lags[0]
	}
	if worse := len(all) / 100; worse < len(lags) {
		l.P99 = lags[worse]
	}
	return l, true
}

// What can be counted of the hub, for a scrape now and then.

// Stats are the figures of the hub at one moment.
type Stats struct {
	Users, Schedules       int           // open streams
	Orders, Promotions     int           // and those of orders, and of promotions
	Fresh, Complete, Reset uint64        // streams ever, by the verdict on where they begin
	Rejected               uint64        // turned away with a time to come back,
	RejectedFull           uint64        // of these for the limit in all,
	RejectedUser           uint64        // for that of their user,
	RejectedAddress        uint64        // for that of their address
	Slow                   uint64        // ended because a write did not finish
	Draining, Halted       uint64        // ended or turned away because the node ended, or had stopped telling
	Drain                  time.Duration // what the last drain took, or the present one so far; 0: there was none
	Demoted                uint64        // slow ones that fell out of the ring and were sent to the log
	CatchUps, Waiting      int           // readers of the log, and those in line to be one
	Replayed               uint64        // events that they read
	Conflations, Conflated uint64        // bursts told; the steps that they stood for, less their frames
	Encoded, Written       uint64        // frames made, frames sent
	Bytes                  uint64        // sent
	Tail, Head             uint64        // the ring holds these events and all between; empty: tail is head+1
}

// Stats is for a scrape now and then.
func (h *Hub) Stats() Stats {
	s := Stats{
		Fresh: h.fresh.Load(), Complete: h.complete.Load(), Reset: h.reset.Load(), Rejected: h.rejected.Load(), Slow: h.slow.Load(),
		RejectedFull: h.rejections.all.Load(), RejectedUser: h.rejections.user.Load(), RejectedAddress: h.rejections.address.Load(),
		Draining: h.dropped.draining.Load(), Halted: h.dropped.halted.Load(),
		Demoted: h.demoted.Load(), Replayed: h.replayed.Load(), Conflations: h.conflations.Load(), Conflated: h.conflated.Load(),
		Encoded: h.encoded.Load(), Written: h.written.Load(), Bytes: h.bytes.Load(),
	}
	s.CatchUps, s.Waiting = h.catchUpSlots.counts()
	h.mu.RLock()
	defer h.mu.RUnlock()
	s.Tail, s.Head = h.ring.tail, h.ring.head
	if d := h.lastDrain; !d.began.IsZero() {
		if d.ended.IsZero() {
			d.ended = time.Now()
		}
		s.Drain = d.ended.Sub(d.began)
	}
	s.Users, s.Schedules, s.Orders, s.Promotions = h.open[TopicUser], h.open[TopicSchedule], h.open[TopicOrder], h.open[TopicPromotion]
	return s
}
