package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	httpd "onsale/http"
)

// The chaos tests: many people at once at one node that is killed again and again, the way that a power switch or an
// operator in a hurry does it. Afterwards the logs are read with the tools that everybody has, and everything that
// anybody was ever told is compared with them.

// chaos is a node under people and under kill -9.
type chaos struct {
	t        *testing.T
	box      *box
	dice     *rand.Rand
	client   *http.Client
	admin    httpd.Client
	life     *life
	kills    int
	progress atomic.Int64 // answers that mean something
}

func newChaos(t *testing.T, args ...string) *chaos {
	// A small ring, short lives and quick heartbeats: watchers come back often, also from before the ring.
	b := newBox(t, append([]string{"--streams-ring-events", "1024", "--streams-heartbeat", "1s", "--streams-user-heartbeat", "1s",
		"--streams-max-life", "3s", "--streams-user-max-life", "3s", "--logging-level", "warn"}, args...)...)
	c := &chaos{t: t, box: b, dice: dice(t), client: wire(t, 64)}
	c.admin = httpd.Client{URL: b.url(), User: "admin", HTTP: c.client}
	c.life = b.start()
	return c
}

// sibling is dice for a goroutine of its own.
func (c *chaos) sibling() *rand.Rand { return rand.New(rand.NewPCG(c.dice.Uint64(), 1)) }

// create sends a command of the shop's own.
func (c *chaos) create(path string, body any) {
	c.t.Helper()
	a, err := c.admin.Command(c.t.Context(), path, body, httpd.Ask{})
	if err != nil || a.HTTPStatus != http.StatusCreated {
		c.t.Fatalf("%s: got %+v %v", path, a, err)
	}
}

// storm kills the node so many times while people are on their way to total answers, at moments that nobody chose.
func (c *chaos) storm(ctx context.Context, times, total int) {
	moments := make([]int64, times)
	for i := range moments {
		moments[i] = 1 + c.dice.Int64N(int64(total))
	}
	slices.Sort(moments)
	for _, moment := range moments {
		for c.progress.Load() < moment {
			if !pause(ctx, time.Millisecond) {
				return
			}
		}
		if !pause(ctx, some(c.dice, 20*time.Millisecond)) {
			return
		}
		c.life.kill()
		c.kills++
		c.t.Logf("killed after %d answers", c.progress.Load())
		for c.dice.IntN(3) == 0 { // and again, before it has come to itself
			l, err := c.box.begin()
			if err != nil {
				c.t.Error(err)
				return
			}
			pause(ctx, some(c.dice, 400*time.Millisecond))
			l.kill()
			c.kills++
		}
		c.life = c.box.start()
	}
}

// person asks under keys, and goes on asking until there is an outcome.
type person struct {
	*chaos
	httpd.Client
	dice  *rand.Rand
	asked []*asked
}

// asked is one wish: what its person was told of its place in line, and in the end.
type asked struct {
	path   string
	body   any
	key    string
	told   []uint64 // sequences
	status int
	answer httpd.Answer
}

func (c *chaos) person(name string) *person {
	return &person{c, httpd.Client{URL: c.box.url(), User: name, HTTP: c.client}, c.sibling(), nil}
}

// wish asks until it is decided. Whatever happens to the node meanwhile, the key stays the same.
func (p *person) wish(ctx context.Context, path string, body any) (*asked, bool) {
	a := &asked{path: path, body: body, key: fmt.Sprintf("wish-%d", len(p.asked))}
	p.asked = append(p.asked, a)
	for {
		ask := httpd.Ask{Key: a.key}
		if p.dice.IntN(2) == 0 {
			ask.Wait = new(5 * time.Second)
		}
		answer, err := p.Command(ctx, path, body, ask)
		if err == nil && answer.HTTPStatus == http.StatusAccepted {
			a.told = append(a.told, answer.Sequence)
			p.progress.Add(1)
			if p.dice.IntN(2) == 0 {
				answer, err = p.Request(ctx, answer.RequestID, answer.Sequence, 5*time.Second)
			} // or ask in the same words again
		}
		switch {
		case ctx.Err() != nil:
			p.t.Errorf("%s heard nothing of %s in the end: %+v %v", p.User, path, answer, err)
			return a, false
		case err != nil, answer.HTTPStatus == http.StatusServiceUnavailable, answer.HTTPStatus == http.StatusTooManyRequests:
		case answer.Status == "SUCCEEDED" || answer.Status == "REJECTED":
			a.told = append(a.told, answer.Sequence)
			a.status, a.answer = answer.HTTPStatus, answer
			p.progress.Add(1)
			return a, answer.Status == "SUCCEEDED"
		case answer.Status != "ACCEPTED" && answer.Status != "PENDING":
			p.t.Errorf("%s asked for %s and got %+v", p.User, path, answer)
			return a, false
		}
		if !pause(ctx, some(p.dice, 50*time.Millisecond)) {
			continue
		}
	}
}

// again asks a new life of the node for everything that was decided in an old one.
func (p *person) again(ctx context.Context) {
	for _, a := range p.asked {
		answer, err := p.Command(ctx, a.path, a.body, httpd.Ask{Key: a.key})
		if err != nil || !answer.Replayed || answer.Sequence != a.answer.Sequence || answer.EventID != a.answer.EventID ||
			answer.Code != a.answer.Code || string(answer.Result) != string(a.answer.Result) ||
			a.status != http.StatusOK && a.status != answer.HTTPStatus { // 200 was said of the request, not to it
			p.t.Errorf("%s asked again for %s: got\n%+v %v, want\n%+v", p.User, a.path, answer, err, a.answer)
		}
	}
}

// agree wants of the past that it is what a person was told.
func (p *person) agree(decided map[string]outcome) {
	for _, a := range p.asked {
		o, ok := decided[a.answer.RequestID.String()]
		if !ok || o.sequence != a.answer.Sequence || o.event.EventID != a.answer.EventID || o.event.Data.Code != a.answer.Code {
			p.t.Errorf("%s was told %+v, the log says %+v", p.User, a.answer, o)
		}
		if first := slices.Min(a.told); o.sequence > first {
			p.t.Errorf("%s was told place %d, and was decided at %d", p.User, first, o.sequence)
		}
	}
}

// crowd are the people, the watchers, and the way in which a run ends.
type crowd struct {
	*chaos
	ctx      context.Context
	people   []*person
	watchers []*watcher
	done     sync.WaitGroup
	leave    context.CancelFunc
}

func (c *chaos) crowd(ctx context.Context) *crowd {
	return &crowd{chaos: c, ctx: ctx, leave: func() {}}
}

// watch adds a watcher, who is there at once.
func (c *crowd) watch(path, fresh string) *watcher { return c.watchAt(c.box.url()+path, fresh) }

func (c *crowd) watchAt(url, fresh string) *watcher {
	w := &watcher{url: url, fresh: fresh, dice: c.sibling(), lives: 3 * time.Second, retries: 200 * time.Millisecond}
	c.watchers = append(c.watchers, w)
	watching, leave := context.WithCancel(c.ctx)
	before := c.leave
	c.leave = func() { leave(); before() }
	streams := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	c.done.Go(func() { w.run(watching, streams) })
	return w
}

// end waits until the watchers have seen everything, ends the node, and reads what happened.
func (c *crowd) end() []pastCommand {
	c.t.Helper()
	last := c.head()
	want, _ := numberOf(last)
	for _, w := range c.watchers {
		w.settle()
	}
	for _, w := range c.watchers {
		for !w.reached(want) {
			if !pause(c.ctx, 10*time.Millisecond) {
				c.t.Errorf("%s has come to %s, and not to %s", w.url, w.last, last)
				break
			}
		}
	}
	c.leave()
	c.done.Wait()
	c.client.CloseIdleConnections() // a server that ends waits 5 s for one on which nothing was ever asked
	c.life.end(c.t)
	c.box.audit()
	return c.box.replayed()
}

// head is the position of the node.
func (c *crowd) head() string {
	c.t.Helper()
	r, err := http.NewRequestWithContext(c.ctx, http.MethodGet, c.box.url()+"/api/v1/promotions", nil)
	if err != nil {
		c.t.Fatal(err)
	}
	response, err := c.client.Do(r)
	if err != nil {
		c.t.Fatal(err)
	}
	response.Body.Close()
	return response.Header.Get("Last-Event-ID")
}

// afterwards is what everybody finds who comes again: the same, and nothing was decided anew.
func (c *crowd) afterwards(past []pastCommand) {
	c.t.Helper()
	decided := outcomes(c.t, past)
	for _, p := range c.people {
		p.agree(decided)
	}
	c.life = c.box.start()
	var last string
	for _, command := range past {
		for _, e := range command.Events {
			last = e.EventID
		}
	}
	for before(c.head(), last) { // the last batch is compared with the log first
		if !pause(c.ctx, 10*time.Millisecond) {
			c.t.Fatalf("the new life has come to %s, and not to %s", c.head(), last)
		}
	}
	var asking sync.WaitGroup
	for _, p := range c.people {
		asking.Go(func() { p.again(c.ctx) })
	}
	asking.Wait()
	c.client.CloseIdleConnections()
	c.life.end(c.t)
	if again := len(outcomes(c.t, c.box.replayed())); again != len(decided) {
		c.t.Errorf("asking again has added %d commands", again-len(decided))
	}
}

// Fifteen hundred people race for a hundred coupons. The line decides and nothing else: the hundred who stand first in it
// have numbers 1 to 100 in its order, everybody else is told that it is over, once and for good.
func TestChaos_Coupons(t *testing.T) {
	people, stock, kills := 1500, 100, 4
	opening, patience := 1500*time.Millisecond, 45*time.Second
	if long() {
		kills, opening, patience = 40, 20*time.Second, 100*time.Second
	}
	c := newChaos(t).crowd(within(t, patience))
	c.create("/api/v1/admin/promotions", map[string]any{"promotionId": "rush", "name": "rush", "stock": stock})
	for i := range people {
		p := c.person(fmt.Sprintf("u%d", i))
		c.people = append(c.people, p)
		if i%30 == 0 {
			c.watch("/subscribe/"+p.User, "")
		}
	}
	var racing sync.WaitGroup
	for _, p := range c.people {
		racing.Go(func() {
			pause(c.ctx, some(p.dice, opening))
			p.wish(c.ctx, "/api/v1/promotions/rush/coupons", nil)
		})
	}
	c.storm(c.ctx, kills, people)
	racing.Wait()
	past := c.end()

	numbers := map[int]uint64{} // where in the line each number was given
	var winners, losers []uint64
	for _, o := range outcomes(t, past) {
		switch {
		case o.event.Type == "coupons.issued":
			if at, twice := numbers[o.event.Data.Number]; twice {
				t.Errorf("number %d was given at %d and at %d", o.event.Data.Number, at, o.sequence)
			}
			numbers[o.event.Data.Number] = o.sequence
			winners = append(winners, o.sequence)
		case o.event.Data.Code == "sold_out":
			losers = append(losers, o.sequence)
		}
	}
	slices.Sort(winners)
	for i, at := range winners {
		if numbers[i+1] != at {
			t.Errorf("the winner at %d has not number %d, which was given at %d", at, i+1, numbers[i+1])
		}
	}
	if len(winners) != stock || len(losers) != people-stock {
		t.Fatalf("got %d winners and %d refused, want %d and %d", len(winners), len(losers), stock, people-stock)
	}
	if first, last := slices.Min(losers), winners[stock-1]; first < last {
		t.Errorf("sold out at %d, before the last winner at %d", first, last)
	}
	for _, w := range c.watchers {
		w.check(t, framesOfUser(past, userOf(w)))
	}
	c.afterwards(past)
	t.Logf("killed %d times, %d commands in line, %d connections of %d watchers", c.kills, len(past), connections(c.watchers), len(c.watchers))
}

// Two hundred people race for seats that they all want: they hold, and then reserve, or give back, or forget about it. At no
// event has a seat two owners, and every watcher sees each change of each seat, once and in order.
func TestChaos_Seats(t *testing.T) {
	people, rounds, kills := 200, 3, 4
	patience := 45 * time.Second
	if long() {
		rounds, kills, patience = 30, 40, 100*time.Second
	}
	const seats = 90
	c := newChaos(t).crowd(within(t, patience))
	c.create("/api/v1/admin/schedules", map[string]any{
		"scheduleId": "hall", "title": "hall", "holdSeconds": 1, "maxSeatsPerUser": 4,
		"sections": []any{map[string]any{"name": "A", "price": 1000, "rows": []any{map[string]any{"name": "1", "seats": seats}}}},
	})
	epoch, _, _ := strings.Cut(c.head(), "-")
	const events = "/api/v1/schedules/hall/seats/events"
	named := map[*watcher]bool{}
	c.watch(events, "")
	c.watch(events, epoch+"-0")
	c.watch("/api/schedules/hall/seats/events", "")
	named[c.watch(events+"?events=named", epoch+"-0")] = true
	for i := range people {
		p := c.person(fmt.Sprintf("u%d", i))
		c.people = append(c.people, p)
		if i%8 == 0 {
			c.watch("/subscribe/"+p.User, "")
		}
	}
	var racing sync.WaitGroup
	for _, p := range c.people {
		racing.Go(func() {
			for range rounds {
				pause(c.ctx, some(p.dice, 500*time.Millisecond))
				p.booking(c.ctx, seats)
			}
		})
	}
	c.storm(c.ctx, kills, people*rounds)
	c.watch(events, epoch+"-0") // and some who come late and want it all
	named[c.watch(events+"?events=named&lang=en", epoch+"-0")] = true
	racing.Wait()
	for { // what nobody gave back is free by itself
		var left struct{ Held int }
		if err := c.admin.Get(c.ctx, "/api/v1/schedules/hall/seats/summary", &left); err != nil {
			t.Fatal(err)
		}
		if left.Held == 0 {
			break
		}
		pause(c.ctx, 50*time.Millisecond)
	}
	past := c.end()

	if got := oneOwner(t, past); got < seats {
		t.Errorf("%d seats were taken in all, which is no race", got)
	}
	for _, w := range c.watchers {
		switch {
		case strings.Contains(w.url, "/subscribe/"):
			w.check(t, framesOfUser(past, userOf(w)))
		case named[w]:
			w.check(t, framesOfSchedule(past, "hall", "seatStatusChange"))
		default:
			w.check(t, framesOfSchedule(past, "hall", ""))
		}
	}
	c.afterwards(past)
	count := map[string]int{}
	for _, command := range past {
		for _, e := range command.Events {
			count[strings.TrimSpace(e.Type+" "+e.Data.Code)]++
		}
	}
	t.Logf("killed %d times, %d commands in line, %d connections of %d watchers", c.kills, len(past), connections(c.watchers), len(c.watchers))
	for _, name := range slices.Sorted(maps.Keys(count)) {
		t.Logf("%6d %s", count[name], name)
	}
}

// booking is one visit: some neighbouring seats, and what becomes of them.
func (p *person) booking(ctx context.Context, seats int) {
	var wanted []int
	first := 1 + p.dice.IntN(seats-3)
	for i := range 1 + p.dice.IntN(3) {
		wanted = append(wanted, first+i)
	}
	const path = "/api/v1/schedules/hall/seats/"
	held, ok := p.wish(ctx, path+"hold", map[string]any{"scheduleSeatIds": wanted})
	if !ok {
		return
	}
	var hold struct{ HoldID string }
	if err := json.Unmarshal(held.answer.Result, &hold); err != nil {
		p.t.Errorf("%s: %v", held.answer.Result, err)
		return
	}
	switch p.dice.IntN(4) {
	case 0:
		p.wish(ctx, path+"reserve", map[string]any{"holdId": hold.HoldID})
	case 1:
		p.wish(ctx, path+"release", map[string]any{"holdId": hold.HoldID})
	case 2:
		p.wish(ctx, path+"release", map[string]any{"scheduleSeatIds": wanted[:1]})
	}
}

func userOf(w *watcher) string { return w.url[strings.LastIndex(w.url, "/")+1:] }

func connections(watchers []*watcher) (n int) {
	for _, w := range watchers {
		n += w.connects
	}
	return n
}
