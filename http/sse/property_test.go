package sse

import (
	"flag"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"path"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"onsale/domain"
	"onsale/domain/coupons"
	"onsale/domain/seats"
	"onsale/http/view"
	"onsale/http/view/viewtest"
)

var (
	seed         = flag.Uint64("seed", 0, "repeat the run of a property test with this seed")
	propertyRuns = flag.Int("runs", 60, "runs of each property test")
)

// Whatever happens to connections, to readings of the log and to the node, every client gets every frame of its stream, once
// and in order:
//
//  1. what it has got is a prefix of its stream's frames, byte by byte; for a slow stream of seats more than a batch of them
//     may be one conflation, which shows the statuses that these frames lead to;
//  2. at a heartbeat, everything up to its id has been received, and it comes between two events;
//  3. a connection begins where the last one was cut, and says so;
//  4. when nothing happens any more, the client gets the rest.
func TestStream_DeliversEveryFrameOnce(t *testing.T) { runWithSeeds(t, testEveryFrameOnce) }

// runWithSeeds runs a test on both paths, each time with another seed.
func runWithSeeds(t *testing.T, test func(*testing.T, *rand.Rand)) {
	for i := range *propertyRuns {
		s := *seed + uint64(i)
		if *seed == 0 {
			s = rand.Uint64N(1 << 40)
		} else if i > 0 {
			break
		}
		t.Run(fmt.Sprint("seed=", s), func(t *testing.T) {
			onBothPaths(t, func(t *testing.T) { test(t, rand.New(rand.NewPCG(s, 1))) })
		})
		if t.Failed() {
			break
		}
	}
}

func testEveryFrameOnce(t *testing.T, r *rand.Rand) {
	f := newFixture(t, Config{
		Ring: pick(r, 1, 2, 3, 8, 64, 1024), MaxCatchUps: pick(r, 1, 2, 64),
		UserMaxAge: pick(r, time.Second, 20*time.Second, time.Hour), ScheduleMaxAge: pick(r, time.Second, 20*time.Second, time.Hour),
		UserHeartbeat: pick(r, time.Second, 25*time.Second), ScheduleHeartbeat: pick(r, 3*time.Second, 30*time.Second),
	})
	health := pick(r, 1, 20, 200)
	var rngMu sync.Mutex
	rng := rand.New(rand.NewPCG(r.Uint64(), 2))
	f.nextFault = func() fault {
		rngMu.Lock()
		defer rngMu.Unlock()
		if rng.IntN(20) > 0 && rng.IntN(health) > 0 || health == 1 {
			return noFault
		}
		return pick(rng, readsSlowly, readFails, readEnds, readHangs)
	}
	s := f.serve()
	var sizesMu sync.Mutex
	sizes := rand.New(rand.NewPCG(r.Uint64(), 4))
	s.bufferSize = func() int {
		sizesMu.Lock()
		defer sizesMu.Unlock()
		return pick(sizes, 50, 500, 5000, 50_000)
	}
	var clients sync.WaitGroup
	finished := make(chan struct{})
	for range 8 {
		c := &client{t: t, f: f, s: s, r: rand.New(rand.NewPCG(r.Uint64(), 3)), finished: finished}
		switch r.IntN(3) {
		case 0:
			c.filter = randomFilter(r)
			c.topic, c.audience = c.filter.topic(), feedAudience(r.IntN(2) == 0)
		case 1:
			c.topic, c.audience = Topic{TopicUser, fmt.Sprint(r.IntN(4))}, pick(r, view.Audience{}, view.Audience{English: true})
		case 2:
			c.topic, c.audience = Topic{TopicSchedule, fmt.Sprint(r.IntN(3))}, pick(r, view.Audience{Content: view.Seats}, view.Audience{Content: view.Seats, Named: true})
		}
		c.id = epoch + "-0"
		clients.Go(c.run)
	}
	runNode(f, r)
	close(finished)
	clients.Wait()
	synctest.Wait() // the last connections are closed
	if c := f.hub.MaxCatchUps; f.maxActive > c || f.active > 0 {
		t.Errorf("%d readings at once, want at most %d; %d are left", f.maxActive, c, f.active)
	}
}

// runNode decides, appends and delivers events at different paces; now and then the node restarts, or some events are not
// delivered.
func runNode(f *fixture, r *rand.Rand) {
	maxPause := pick(r, 0, 50, 500)
	rest := func() {
		if maxPause > 0 {
			time.Sleep(time.Duration(r.IntN(maxPause)) * time.Millisecond)
		}
	}
	for decided := 0; decided < 300; {
		for range r.IntN(20) {
			f.decide(randomEvent(r))
			decided++
		}
		rest()
		f.append(r.IntN(25))
		rest()
		f.deliver(r.IntN(25))
		if r.IntN(50) == 0 {
			f.restart()
		}
		if r.IntN(50) == 0 {
			f.mu.Lock()
			f.delivered = min(f.delivered+r.IntN(3), f.logged) // a gap
			f.mu.Unlock()
		}
	}
	f.append(1000)
	f.deliver(1000)
	f.emit(issued("last"))
}

func randomEvent(r *rand.Rand) domain.Event {
	user, schedule := fmt.Sprint(r.IntN(5)), fmt.Sprint(r.IntN(4))
	ids := make([]int, pick(r, 0, 1, 1, 2, 3, 40, 200))
	if r.IntN(60) == 0 {
		ids = make([]int, 600)
	}
	for i := range ids {
		ids[i] = r.IntN(1000)
	}
	switch r.IntN(9) {
	case 0:
		return held(user, schedule, ids...)
	case 1:
		return domain.Event{Entity: schedule, User: user, Body: seats.Released{ScheduleID: schedule, ScheduleSeatIDs: ids, ReleasedCount: len(ids)}}
	case 2:
		return domain.Event{Entity: schedule, User: user, Body: seats.Reserved{ScheduleID: schedule, ScheduleSeatIDs: ids}}
	case 3:
		return domain.Event{Entity: schedule, User: user, Body: seats.Expired{ScheduleID: schedule, ScheduleSeatIDs: ids}}
	case 4:
		return rejectedHold(user, schedule)
	case 5:
		return domain.Event{Entity: schedule, User: user, Body: domain.DeadLetter{Reason: domain.DeadLetterPanicked}} // of the same entity, but not about seats
	case 6:
		return domain.Event{Entity: domain.SystemEntity, Body: domain.DeadLetter{Reason: domain.DeadLetterMalformed}}
	case 7:
		return domain.Event{Entity: schedule, User: user, Body: coupons.Created{PromotionID: schedule}}
	}
	return issued(user)
}

func randomFilter(r *rand.Rand) Filter {
	return Filter{
		Types:    pick(r, "", "", "*", "seats.*", "coupons.issued", "seats.held,coupons.*", "seats.rejected,seats.held,system.dead-letter", "orders.*"),
		Entities: pick(r, "", "", "1", "1,3", "~"),
	}
}

// passes is what Filter means, in other words.
func (f Filter) passes(e *domain.Event) bool {
	name, _ := e.Body.Type()
	some := func(patterns, text string) bool {
		return patterns == "" || slices.ContainsFunc(strings.Split(patterns, ","), func(pattern string) bool {
			matched, err := path.Match(pattern, text)
			return matched && err == nil
		})
	}
	return some(f.Types, name) && some(f.Entities, e.Entity)
}

func pick[T any](r *rand.Rand, from ...T) T { return from[r.IntN(len(from))] }

// client is a browser that keeps losing its connection.
type client struct {
	t         *testing.T
	f         *fixture
	s         *server
	r         *rand.Rand
	finished  chan struct{} // closed when nothing happens any more
	topic     Topic
	filter    Filter // of a feed
	audience  view.Audience
	id        string           // its Last-Event-ID
	conflated []viewtest.Event // the conflation under way
	got       []viewtest.Event
	want      []viewtest.Event // the stream's frames up to event number to
	to        int
}

func (c *client) expected() []viewtest.Event {
	c.want, c.to = c.f.frames(c.want, c.topic, c.filter, c.audience, c.to)
	return c.want
}

func (c *client) run() {
	var ended time.Time
	for {
		select {
		case <-c.finished:
			if ended.IsZero() {
				ended = time.Now()
			}
			want := c.expected()
			if len(c.got) == len(want) && time.Since(ended) > time.Minute {
				return // and nothing more has come
			}
			if time.Since(ended) > 30*time.Minute {
				c.t.Errorf("%v has %d of %d frames after half an hour; it is at %s", c.topic, len(c.got), len(want), c.id)
				return
			}
		default:
		}
		if !c.connect() || c.t.Failed() {
			return
		}
	}
}

// connect is one connection, cut after some bytes or some time. It is false after an error.
func (c *client) connect() bool {
	path, header := c.path()
	st, err := c.s.open(path, header)
	if err != nil {
		c.t.Errorf("opening %s: %v", path, err)
		return false
	}
	defer st.Close()
	bytes := pick(c.r, c.r.IntN(300), c.r.IntN(5000), 1<<20)
	reading := time.Duration(1+c.r.IntN(pick(c.r, 100, 10_000, 100_000))) * time.Millisecond
	_ = st.SetReadDeadline(time.Now().Add(reading))
	c.conflated = nil
	st.Resume(c.id)
	b := make([]byte, pick(c.r, 1, 100, 10_000))
	for first := true; bytes > 0; {
		n, err := st.body.Read(b[:min(len(b), bytes)])
		bytes -= n
		_, _ = st.feed(b[:n])
		for _, e := range st.Events {
			if !c.check(e, first) {
				return false
			}
			first = false
		}
		st.Events = st.Events[:0]
		if err == io.EOF {
			time.Sleep(st.Retry)
		}
		if err != nil {
			break
		}
		if len(b) == 100 {
			time.Sleep(10 * time.Millisecond) // slow
		}
	}
	return true
}

func (c *client) path() (path, header string) {
	path = "/schedules/" + c.topic.ID + "?"
	switch c.topic.Kind {
	case TopicUser:
		path = "/users/" + c.topic.ID + "?"
	case TopicFeed:
		path = "/feed?type=" + c.filter.Types + "&entity=" + c.filter.Entities + "&"
	}
	switch c.audience {
	case view.Audience{Content: view.FeedCloudEvents}:
		path += "format=cloudevents&"
	case view.Audience{English: true}:
		path += "lang=en&"
	case view.Audience{Content: view.Seats, Named: true}:
		path += "events=named&"
	}
	switch c.r.IntN(3) {
	case 0:
		return path + "lastEventId=" + c.id, ""
	case 1:
		return path + "lastEventId=" + epoch + "-0", c.id // the page was opened with this one
	}
	return path, c.id
}

// check checks one event.
func (c *client) check(e viewtest.Event, first bool) bool {
	want := c.expected()
	switch {
	case first:
		if e.Event != "connect" || e.ID != c.id || !strings.HasPrefix(e.Data, `{"status":"complete"`) || !strings.Contains(e.Data, `"from":"`+c.id+`"`) {
			c.t.Errorf("%v resumed at %s and got %+v first", c.topic, c.id, e)
			return false
		}
	case e.Event == "heartbeat" || strings.Contains(e.Data, `"isHeartbeat":true`):
		_, at, _ := view.ParsePosition(e.ID)
		index := slices.IndexFunc(want, func(f viewtest.Event) bool {
			_, p, _ := view.ParsePosition(f.ID)
			return p.Number > at.Number
		})
		if index < 0 {
			index = len(want)
		}
		if at.Sub != 0 || len(c.got) != index || len(c.conflated) > 0 {
			c.t.Errorf("%v: a heartbeat has id %s when %d of %d frames up to there were received", c.topic, e.ID, len(c.got), index)
			return false
		}
	case len(c.conflated) == 0 && len(c.got) < len(want) && e == want[len(c.got)]:
		c.got = append(c.got, e)
	default:
		c.conflated = append(c.conflated, e)
		if e.ID == c.id && c.topic.Kind == TopicSchedule {
			break // there is more of it
		}
		instead, missed := c.f.conflated(c.topic.ID, c.audience, c.id, e.ID)
		if c.topic.Kind != TopicSchedule || missed < batchSize || !slices.Equal(c.conflated, instead) {
			c.t.Errorf("%v: frame %d is %+v", c.topic, len(c.got), e)
			if len(c.got) < len(want) {
				c.t.Errorf("want %+v", want[len(c.got)])
			}
			c.t.Errorf("or, for %d bytes, the conflation %+v; got %+v", missed, instead, c.conflated)
			return false
		}
		_, at, _ := view.ParsePosition(e.ID)
		for len(c.got) < len(want) {
			if _, p, _ := view.ParsePosition(want[len(c.got)].ID); p.Number > at.Number {
				break
			}
			c.got = append(c.got, want[len(c.got)])
		}
		c.conflated = nil
	}
	c.id = e.ID
	return true
}

// conflated is the conflation of the frames between two positions, and how many bytes these are.
func (f *fixture) conflated(schedule string, to view.Audience, from, until string) (frames []viewtest.Event, bytes int) {
	_, start, _ := view.ParsePosition(from)
	_, end, _ := view.ParsePosition(until)
	f.mu.Lock()
	defer f.mu.Unlock()
	statuses := map[int]seats.Status{}
	var now domain.Time
	for _, e := range f.log[start.Seen():end.Number] {
		if topicIDs(&e.Event)[TopicSchedule] != schedule {
			continue
		}
		rendered := view.Render(epoch, &e.Event, to)
		if bytes += len(rendered.Bytes); e.Number == start.Number {
			bytes -= rendered.Ends[start.Sub-1]
		}
		for id, status := range view.SeatChanges(&e.Event) {
			statuses[id] = to.SeatStatus(status)
		}
		now = e.Now
	}
	for _, id := range slices.Sorted(maps.Keys(statuses)) {
		e := viewtest.Event{ID: from, Data: fmt.Sprintf(`{"scheduleSeatId":%d,"status":"%s","timestamp":"%s","isHeartbeat":false}`, id, statuses[id], now)}
		if to.Named {
			e.Event = "seatStatusChange"
		}
		frames = append(frames, e)
	}
	if len(frames) > 0 {
		frames[len(frames)-1].ID = until
	}
	return frames, bytes
}
