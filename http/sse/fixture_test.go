package sse

import (
	"bytes"
	"context"
	"errors"
	"iter"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"onsale/domain"
	"onsale/domain/coupons"
	"onsale/domain/seats"
	"onsale/http/view"
	"onsale/http/view/viewtest"
	"onsale/projections"
	"onsale/projections/store"
)

const epoch = "k3v9x0ab"

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fixture is a log, a store and a projector in memory, and a hub that they deliver to.
type fixture struct {
	t   testing.TB
	hub *Hub

	mu        sync.Mutex
	log       []projections.ConfirmedEvent // event n at n-1: all events in the store
	logged    int                          // how many of them are in the log
	delivered int                          // how many were delivered
	last      map[Topic]uint64
	changed   chan struct{} // closed at the next change of logged

	// nextFault is the fault of the next read of the log; nil: none.
	nextFault func() fault
	readings  int // ever
	active    int // now
	maxActive int // active at once, ever
}

type fault int

const (
	noFault fault = iota
	readsSlowly
	readFails // with an error
	readEnds  // without one
	readHangs // until it is ended
)

func newFixture(t testing.TB, c Config) *fixture {
	f := &fixture{t: t, last: map[Topic]uint64{}, changed: make(chan struct{})}
	c.Epoch = epoch
	c.Source, c.snapshots = f, f
	c.EventLoop = !strings.Contains(t.Name(), "/handler") // also over real sockets
	if usesEngine(t) {
		c.newPoller = newMemoryPoller
	}
	f.hub = New(c)
	t.Cleanup(func() { f.current().Close() })
	return f
}

func (f *fixture) current() *Hub {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.hub
}

// restart closes the hub and opens another, preloaded with the newest events.
func (f *fixture) restart() {
	old := f.current()
	old.Close()
	c := old.Config
	f.mu.Lock()
	c.Head = uint64(f.delivered)
	newest := slices.Clone(f.log[max(0, f.delivered-c.Ring):f.delivered])
	f.mu.Unlock()
	hub := New(c)
	hub.Preload(newest)
	f.mu.Lock()
	f.hub = hub
	f.mu.Unlock()
}

// decide puts events into the store and sets their numbers, sequences and times.
func (f *fixture) decide(events ...domain.Event) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, e := range events {
		e.Number = uint64(len(f.log)) + 1
		e.Sequence = 1000 * e.Number
		if e.Now == 0 {
			e.Now = domain.At(time.Now())
		}
		confirmed := projections.ConfirmedEvent{Event: e}
		keys := topicIDs(&e)
		if id := keys[TopicUser]; id != "" {
			confirmed.PrevOfUser, f.last[Topic{TopicUser, id}] = f.last[Topic{TopicUser, id}], e.Number
		}
		// As in the store, entities of all kinds have a previous number; it must not be taken for a schedule's.
		kind, _ := e.Body.Type()
		topic := Topic{TopicSchedule, domain.Kind(kind) + "." + e.Entity}
		for _, kind := range []TopicKind{TopicSchedule, TopicOrder} {
			if keys[kind] != "" {
				topic = Topic{kind, keys[kind]}
			}
		}
		confirmed.PrevOfEntity, f.last[topic] = f.last[topic], e.Number
		f.log = append(f.log, confirmed)
	}
}

// append puts up to n events of the store into the log.
func (f *fixture) append(n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.logged = min(f.logged+n, len(f.log))
	close(f.changed)
	f.changed = make(chan struct{})
}

// deliver delivers up to n events of the log.
func (f *fixture) deliver(n int) {
	f.mu.Lock()
	from := f.delivered
	f.delivered = min(f.delivered+n, f.logged)
	events := slices.Clone(f.log[from:f.delivered])
	f.mu.Unlock()
	f.current().Deliver(events)
}

// emit decides, appends and delivers.
func (f *fixture) emit(events ...domain.Event) {
	f.decide(events...)
	f.append(len(events))
	f.deliver(len(events))
}

func (f *fixture) LastOfUser(user string) uint64 { return f.lastOf(Topic{TopicUser, user}) }

func (f *fixture) LastOfEntity(kind, entity string) uint64 {
	return f.lastOf(entityTopic(kind, entity))
}

func (f *fixture) EventsOfUser(ctx context.Context, user string, from uint64) iter.Seq2[domain.Event, error] {
	return f.events(ctx, from, Topic{TopicUser, user})
}

func (f *fixture) EventsOfEntity(ctx context.Context, kind, entity string, from uint64) iter.Seq2[domain.Event, error] {
	return f.events(ctx, from, entityTopic(kind, entity))
}

func (f *fixture) EventsFrom(ctx context.Context, from uint64) iter.Seq2[domain.Event, error] {
	return f.events(ctx, from, Topic{TopicFeed, ""})
}

func (f *fixture) Status() projections.Status { panic("the fixture has snapshots of its own") }

func (f *fixture) Read(string, func(*store.View) error) error {
	panic("the fixture has snapshots of its own")
}

func entityTopic(kind, entity string) Topic {
	return Topic{map[string]TopicKind{"seats": TopicSchedule, "orders": TopicOrder, "coupons": TopicPromotion}[kind], entity}
}

// emptySource is a log without events.
type emptySource struct{ Source }

func (emptySource) LastOfUser(string) uint64           { return 0 }
func (emptySource) LastOfEntity(string, string) uint64 { return 0 }

func (emptySource) EventsOfEntity(ctx context.Context, _, _ string, _ uint64) iter.Seq2[domain.Event, error] {
	return func(func(domain.Event, error) bool) { <-ctx.Done() }
}

func (f *fixture) lastOf(topic Topic) uint64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.last[topic]
}

func (f *fixture) EventNumberAt(at domain.Time) (uint64, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, e := range f.log {
		if e.Now >= at {
			return e.Number, nil
		}
	}
	return uint64(len(f.log)) + 1, nil
}

var errFault = errors.New("read failed")

func (f *fixture) events(ctx context.Context, from uint64, topic Topic) iter.Seq2[domain.Event, error] {
	return func(yield func(domain.Event, error) bool) {
		f.mu.Lock()
		f.readings++
		f.active++
		f.maxActive = max(f.maxActive, f.active)
		f.mu.Unlock()
		defer func() {
			f.mu.Lock()
			f.active--
			f.mu.Unlock()
		}()
		for n := from; ; n++ {
			e, err := f.read(ctx, n)
			if err == nil && topicIDs(&e)[topic.Kind] != topic.ID {
				continue
			}
			fault := noFault
			if f.nextFault != nil {
				fault = f.nextFault()
			}
			switch fault {
			case readsSlowly:
				sleep(ctx, time.Duration(rand.IntN(7000))*time.Millisecond)
			case readFails:
				err = errFault
			case readEnds:
				return
			case readHangs:
				<-ctx.Done()
			}
			if ctx.Err() != nil || !yield(e, err) || err != nil {
				return
			}
		}
	}
}

func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

// read waits for event n of the log.
func (f *fixture) read(ctx context.Context, n uint64) (domain.Event, error) {
	for {
		f.mu.Lock()
		logged, changed := f.logged, f.changed
		var e domain.Event
		if n <= uint64(logged) {
			e = f.log[n-1].Event
		}
		f.mu.Unlock()
		if n <= uint64(logged) {
			return e, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return e, ctx.Err()
		}
	}
}

// frames appends the frames of a topic after event from, and returns the last event's number. A feed has a filter.
func (f *fixture) frames(all []viewtest.Event, topic Topic, filter Filter, to view.Audience, from int) ([]viewtest.Event, int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, e := range f.log[from:] {
		if topic.Kind == TopicFeed && filter.passes(&e.Event) || topic.Kind != TopicFeed && topicIDs(&e.Event)[topic.Kind] == topic.ID {
			all = append(all, viewtest.Parse(string(view.Render(epoch, &e.Event, to).Bytes)).Events...)
		}
	}
	return all, len(f.log)
}

func issued(user string) domain.Event {
	return domain.Event{Entity: "1", User: user, Request: domain.NewRequestID(user, "k"), Last: true, Body: coupons.Issued{PromotionID: "1", CouponID: "1-1", Number: 1}}
}

func held(user, schedule string, ids ...int) domain.Event {
	return domain.Event{Entity: schedule, User: user, Last: true, Body: seats.Held{ScheduleID: schedule, HoldID: "h1", ScheduleSeatIDs: ids, ExpiresAt: 1, Now: 1}}
}

func rejectedHold(user, schedule string) domain.Event {
	return domain.Event{Entity: schedule, User: user, Last: true, Body: domain.Rejection{Command: "seats.hold", Code: domain.SeatUnavailable}}
}

// logBuffer holds log lines.
type logBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *logBuffer) Write(b []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(b)
}

func (j *logBuffer) count(line string) int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return strings.Count(j.text.String(), line)
}

// waitFor waits until the hub's stats fulfil a condition.
func (f *fixture) waitFor(t *testing.T, what string, is func(stats) bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !is(f.hub.stats()); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: %+v", what, f.hub.stats())
		}
	}
}

// stats are the numbers of a hub at one moment.
type stats struct {
	users, schedules, orders, promotions, feeds int // open streams
	fresh, complete, reset                      uint64
	rejected                                    uint64
	rejectedFull, rejectedUser, rejectedAddress uint64
	slow, draining, halted, isolated            uint64
	drain                                       time.Duration
	catchUps, waiting                           int
	conflations, conflated                      uint64
	encoded                                     uint64
	tail, head                                  uint64
}

func (h *Hub) stats() stats {
	s := stats{
		fresh: h.fresh.Load(), complete: h.complete.Load(), reset: h.reset.Load(), rejected: h.rejected.Load(),
		rejectedFull: h.rejections.all.Load(), rejectedUser: h.rejections.user.Load(), rejectedAddress: h.rejections.address.Load(),
		slow: h.slow.Load(), draining: h.dropped.draining.Load(), halted: h.dropped.halted.Load(), isolated: h.dropped.isolated.Load(),
		conflations: h.conflations.Load(), conflated: h.conflated.Load(), encoded: h.encoded.Load(),
	}
	s.catchUps, s.waiting = h.catchUpSlots.counts()
	h.mu.RLock()
	defer h.mu.RUnlock()
	s.users, s.schedules, s.orders, s.promotions = h.open[TopicUser], h.open[TopicSchedule], h.open[TopicOrder], h.open[TopicPromotion]
	s.feeds = h.open[TopicFeed]
	s.drain, s.tail, s.head = h.drainDuration(), h.ring.tail, h.ring.head
	return s
}
