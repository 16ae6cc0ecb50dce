package chaos

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

	"onsale/cmd/onsale/e2e/harness"
	api "onsale/http/client"
)

func TestMain(m *testing.M) { harness.Main(m) }

// chaosTest is a node under load that is killed again and again.
type chaosTest struct {
	t           *testing.T
	node        *harness.Node
	rng         *rand.Rand
	client      *http.Client
	admin       api.Client
	process     *harness.Process
	kills       int
	answerCount atomic.Int64 // responses with a sequence or an outcome
}

func newChaosTest(t *testing.T, args ...string) *chaosTest {
	// A small ring, short streams and quick heartbeats: watchers resume often, also from before the ring.
	node := harness.NewNode(t, append([]string{"--streams-ring-events", "1024", "--streams-heartbeat", "1s", "--streams-user-heartbeat", "1s",
		"--streams-max-age", "3s", "--streams-user-max-age", "3s", "--logging-level", "warn"}, args...)...)
	c := &chaosTest{t: t, node: node, rng: harness.NewRNG(t), client: harness.NewHTTPClient(t, 64)}
	c.admin = api.Client{URL: node.URL(), User: "admin", HTTP: c.client, Attempts: 1}
	c.process = node.Start()
	return c
}

// killRepeatedly kills the node so many times, at random moments, until the users have total answers.
func (c *chaosTest) killRepeatedly(ctx context.Context, times, total int) {
	moments := make([]int64, times)
	for i := range moments {
		moments[i] = 1 + c.rng.Int64N(int64(total))
	}
	slices.Sort(moments)
	for _, moment := range moments {
		for c.answerCount.Load() < moment {
			if !harness.Sleep(ctx, time.Millisecond) {
				return
			}
		}
		if !harness.Sleep(ctx, harness.RandomDuration(c.rng, 20*time.Millisecond)) {
			return
		}
		c.process.Kill()
		c.kills++
		c.t.Logf("killed after %d answers", c.answerCount.Load())
		for c.rng.IntN(3) == 0 { // and again, during recovery
			l, err := c.node.Launch()
			if err != nil {
				c.t.Error(err)
				return
			}
			harness.Sleep(ctx, harness.RandomDuration(c.rng, 400*time.Millisecond))
			l.Kill()
			c.kills++
		}
		c.process = c.node.Start()
	}
}

// chaosUser repeats each command with its key until there is an outcome.
type chaosUser struct {
	*chaosTest
	api.Client
	rng      *rand.Rand
	commands []*userCommand
}

// userCommand is one command and its responses.
type userCommand struct {
	path      string
	body      any
	key       string
	sequences []uint64 // of every response
	status    int
	response  api.Response // the outcome
}

func (c *chaosTest) newUser(name string) *chaosUser {
	return &chaosUser{c, api.Client{URL: c.node.URL(), User: name, HTTP: c.client, Attempts: 1}, harness.ForkRNG(c.rng), nil}
}

// execute sends a command, with one key, until it is decided; false: it was rejected.
func (p *chaosUser) execute(ctx context.Context, path string, body any) (*userCommand, bool) {
	a := &userCommand{path: path, body: body, key: fmt.Sprintf("command-%d", len(p.commands))}
	p.commands = append(p.commands, a)
	for {
		options := api.Options{Key: a.key}
		if p.rng.IntN(2) == 0 {
			options.Wait = new(5 * time.Second)
		}
		response, err := p.Command(ctx, path, body, options)
		if err == nil && response.HTTPStatus == http.StatusAccepted {
			a.sequences = append(a.sequences, response.Sequence)
			p.answerCount.Add(1)
			if p.rng.IntN(2) == 0 {
				response, err = p.RequestStatus(ctx, response.RequestID, response.Sequence, 5*time.Second)
			} // otherwise the POST is repeated
		}
		switch {
		case ctx.Err() != nil:
			p.t.Errorf("%s has no outcome of %s: %+v %v", p.User, path, response, err)
			return a, false
		case err != nil, response.HTTPStatus == http.StatusServiceUnavailable, response.HTTPStatus == http.StatusTooManyRequests:
		case response.Status == "SUCCEEDED" || response.Status == "REJECTED":
			a.sequences = append(a.sequences, response.Sequence)
			a.status, a.response = response.HTTPStatus, response
			p.answerCount.Add(1)
			return a, response.Status == "SUCCEEDED"
		case response.Status != "ACCEPTED" && response.Status != "PENDING":
			p.t.Errorf("%s sent %s and got %+v", p.User, path, response)
			return a, false
		}
		if !harness.Sleep(ctx, harness.RandomDuration(p.rng, 50*time.Millisecond)) {
			continue
		}
	}
}

// checkReplay repeats all commands after a restart, and requires the same outcomes.
func (p *chaosUser) checkReplay(ctx context.Context) {
	for _, a := range p.commands {
		response, err := p.Command(ctx, a.path, a.body, api.Options{Key: a.key})
		if err != nil || !response.Replayed || response.Sequence != a.response.Sequence || response.EventID != a.response.EventID ||
			response.Code != a.response.Code || string(response.Result) != string(a.response.Result) ||
			a.status != http.StatusOK && a.status != response.HTTPStatus { // 200 was the status of GET /requests
			p.t.Errorf("%s repeated %s: got\n%+v %v, want\n%+v", p.User, a.path, response, err, a.response)
		}
	}
}

// checkHistory compares the log with the user's responses.
func (p *chaosUser) checkHistory(decided map[string]harness.Outcome) {
	for _, a := range p.commands {
		o, ok := decided[a.response.RequestID]
		if !ok || o.Sequence != a.response.Sequence || o.Event.EventID != a.response.EventID || o.Event.Data.Code != a.response.Code {
			p.t.Errorf("%s got %+v, the log has %+v", p.User, a.response, o)
		}
		if first := slices.Min(a.sequences); o.Sequence > first {
			p.t.Errorf("%s got sequence %d, and was decided at %d", p.User, first, o.Sequence)
		}
	}
}

// workload is the users and the watchers of a run.
type workload struct {
	*chaosTest
	ctx          context.Context
	users        []*chaosUser
	watchers     []*harness.Watcher
	watching     sync.WaitGroup
	stopWatchers context.CancelFunc
}

func (c *chaosTest) newWorkload(ctx context.Context) *workload {
	return &workload{chaosTest: c, ctx: ctx, stopWatchers: func() {}}
}

// watch starts a watcher of the node.
func (c *workload) watch(path, initialID string) *harness.Watcher {
	return c.watchAt(c.node.URL()+path, initialID)
}

func (c *workload) watchAt(url, initialID string) *harness.Watcher {
	w := &harness.Watcher{URL: url, InitialID: initialID, RNG: harness.ForkRNG(c.rng), MaxAge: 3 * time.Second, MaxRetryDelay: 200 * time.Millisecond}
	c.watchers = append(c.watchers, w)
	watchCtx, stop := context.WithCancel(c.ctx)
	previous := c.stopWatchers
	c.stopWatchers = func() { stop(); previous() }
	streams := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	c.watching.Go(func() { w.Run(watchCtx, streams) })
	return w
}

// stopAndReplay waits until the watchers have every event, shuts the node down, audits it, and returns the log.
func (c *workload) stopAndReplay() []harness.LogCommand {
	c.t.Helper()
	last := c.node.Head(c.ctx, c.client)
	want, _ := harness.ParseEventID(last)
	for _, w := range c.watchers {
		w.ReconnectOnce()
	}
	for _, w := range c.watchers {
		for !w.Reached(want) {
			if !harness.Sleep(c.ctx, 10*time.Millisecond) {
				c.t.Errorf("%s is at %s, and not at %s", w.URL, w.LastID(), last)
				break
			}
		}
	}
	c.stopWatchers()
	c.watching.Wait()
	c.client.CloseIdleConnections() // a shutdown waits 5 s for connections that sent nothing
	c.process.Terminate(c.t)
	c.node.MustAudit()
	return c.node.History()
}

// checkReplays repeats every command after a restart: all outcomes are the same, and the log does not grow.
func (c *workload) checkReplays(history []harness.LogCommand) {
	c.t.Helper()
	decided := harness.OutcomesByRequest(c.t, history)
	for _, p := range c.users {
		p.checkHistory(decided)
	}
	c.process = c.node.Start()
	var last string
	for _, command := range history {
		for _, e := range command.Events {
			last = e.EventID
		}
	}
	for harness.Precedes(c.node.Head(c.ctx, c.client), last) { // it compares the last batch with the log first
		if !harness.Sleep(c.ctx, 10*time.Millisecond) {
			c.t.Fatalf("after the restart the node is at %s, and not at %s", c.node.Head(c.ctx, c.client), last)
		}
	}
	var group sync.WaitGroup
	for _, p := range c.users {
		group.Go(func() { p.checkReplay(c.ctx) })
	}
	group.Wait()
	c.client.CloseIdleConnections()
	c.process.Terminate(c.t)
	if replayed := len(harness.OutcomesByRequest(c.t, c.node.History())); replayed != len(decided) {
		c.t.Errorf("repeating has added %d commands", replayed-len(decided))
	}
}

// 1,500 users compete for 100 coupons. Only the command order decides: the first hundred have numbers 1 to 100 in its order,
// all others are rejected, each once and finally.
func TestCoupons_SurviveKills(t *testing.T) {
	users, stock, kills := 1500, 100, 4
	opening, timeout := 1500*time.Millisecond, 45*time.Second
	if harness.Long() {
		kills, opening, timeout = 40, 20*time.Second, 100*time.Second
	}
	c := newChaosTest(t).newWorkload(harness.TimeoutContext(t, timeout))
	c.node.MustCreate(c.ctx, c.client, "/api/v1/admin/promotions", map[string]any{"promotionId": "rush", "name": "rush", "stock": stock})
	for i := range users {
		p := c.newUser(fmt.Sprintf("u%d", i))
		c.users = append(c.users, p)
		if i%30 == 0 {
			c.watch("/subscribe/"+p.User, "")
		}
	}
	var working sync.WaitGroup
	for _, p := range c.users {
		working.Go(func() {
			harness.Sleep(c.ctx, harness.RandomDuration(p.rng, opening))
			p.execute(c.ctx, "/api/v1/promotions/rush/coupons", nil)
		})
	}
	c.killRepeatedly(c.ctx, kills, users)
	working.Wait()
	history := c.stopAndReplay()

	numbers := map[int]uint64{} // the sequence that got a number
	var issued, rejected []uint64
	for _, o := range harness.OutcomesByRequest(t, history) {
		switch {
		case o.Event.Type == "coupons.issued":
			if at, twice := numbers[o.Event.Data.Number]; twice {
				t.Errorf("number %d was given at %d and at %d", o.Event.Data.Number, at, o.Sequence)
			}
			numbers[o.Event.Data.Number] = o.Sequence
			issued = append(issued, o.Sequence)
		case o.Event.Data.Code == "sold_out":
			rejected = append(rejected, o.Sequence)
		}
	}
	slices.Sort(issued)
	for i, at := range issued {
		if numbers[i+1] != at {
			t.Errorf("the coupon at %d has not number %d, which was given at %d", at, i+1, numbers[i+1])
		}
	}
	if len(issued) != stock || len(rejected) != users-stock {
		t.Fatalf("got %d coupons and %d rejections, want %d and %d", len(issued), len(rejected), stock, users-stock)
	}
	if first, last := slices.Min(rejected), issued[stock-1]; first < last {
		t.Errorf("sold out at %d, before the last coupon at %d", first, last)
	}
	for _, w := range c.watchers {
		w.Verify(t, harness.UserFrames(history, userOf(w)))
	}
	c.checkReplays(history)
	t.Logf("killed %d times, %d commands, %d connections of %d watchers", c.kills, len(history), totalConnects(c.watchers), len(c.watchers))
}

// 200 users compete for the same seats: they hold, and then reserve, release, or let expire. At no event has a seat two owners,
// and every watcher gets each change of each seat, once and in order.
func TestSeats_SurviveKills(t *testing.T) {
	users, rounds, kills := 200, 3, 4
	timeout := 45 * time.Second
	if harness.Long() {
		rounds, kills, timeout = 30, 40, 100*time.Second
	}
	const seats = 90
	c := newChaosTest(t).newWorkload(harness.TimeoutContext(t, timeout))
	c.node.MustCreate(c.ctx, c.client, "/api/v1/admin/schedules", map[string]any{
		"scheduleId": "hall", "title": "hall", "holdSeconds": 1, "maxSeatsPerUser": 4,
		"sections": []any{map[string]any{"name": "A", "price": 1000, "rows": []any{map[string]any{"name": "1", "seats": seats}}}},
	})
	epoch, _, _ := strings.Cut(c.node.Head(c.ctx, c.client), "-")
	const events = "/api/v1/schedules/hall/seats/events"
	named := map[*harness.Watcher]bool{}
	c.watch(events, "")
	c.watch(events, epoch+"-0")
	c.watch("/api/schedules/hall/seats/events", "")
	named[c.watch(events+"?events=named", epoch+"-0")] = true
	for i := range users {
		p := c.newUser(fmt.Sprintf("u%d", i))
		c.users = append(c.users, p)
		if i%8 == 0 {
			c.watch("/subscribe/"+p.User, "")
		}
	}
	var working sync.WaitGroup
	for _, p := range c.users {
		working.Go(func() {
			for range rounds {
				harness.Sleep(c.ctx, harness.RandomDuration(p.rng, 500*time.Millisecond))
				p.bookSeats(c.ctx, seats)
			}
		})
	}
	c.killRepeatedly(c.ctx, kills, users*rounds)
	c.watch(events, epoch+"-0") // late watchers that read everything
	named[c.watch(events+"?events=named&lang=en", epoch+"-0")] = true
	working.Wait()
	for { // the remaining holds expire
		var left struct{ Held int }
		if err := c.admin.Get(c.ctx, "/api/v1/schedules/hall/seats/summary", &left); err != nil {
			t.Fatal(err)
		}
		if left.Held == 0 {
			break
		}
		harness.Sleep(c.ctx, 50*time.Millisecond)
	}
	history := c.stopAndReplay()

	if got := harness.CheckSeatOwners(t, history); got < seats {
		t.Errorf("%d holds in all are too few", got)
	}
	for _, w := range c.watchers {
		switch {
		case strings.Contains(w.URL, "/subscribe/"):
			w.Verify(t, harness.UserFrames(history, userOf(w)))
		case named[w]:
			w.Verify(t, harness.ScheduleFrames(history, "hall", "seatStatusChange", false))
		default:
			w.Verify(t, harness.ScheduleFrames(history, "hall", "", false))
		}
	}
	c.checkReplays(history)
	count := map[string]int{}
	for _, command := range history {
		for _, e := range command.Events {
			count[strings.TrimSpace(e.Type+" "+e.Data.Code)]++
		}
	}
	t.Logf("killed %d times, %d commands, %d connections of %d watchers", c.kills, len(history), totalConnects(c.watchers), len(c.watchers))
	for _, name := range slices.Sorted(maps.Keys(count)) {
		t.Logf("%6d %s", count[name], name)
	}
}

// bookSeats holds some neighbouring seats, and then reserves them, releases them, or lets the hold expire.
func (p *chaosUser) bookSeats(ctx context.Context, seats int) {
	var wanted []int
	first := 1 + p.rng.IntN(seats-3)
	for i := range 1 + p.rng.IntN(3) {
		wanted = append(wanted, first+i)
	}
	const path = "/api/v1/schedules/hall/seats/"
	held, ok := p.execute(ctx, path+"hold", map[string]any{"scheduleSeatIds": wanted})
	if !ok {
		return
	}
	var hold struct{ HoldID string }
	if err := json.Unmarshal(held.response.Result, &hold); err != nil {
		p.t.Errorf("%s: %v", held.response.Result, err)
		return
	}
	switch p.rng.IntN(4) {
	case 0:
		p.execute(ctx, path+"reserve", map[string]any{"holdId": hold.HoldID})
	case 1:
		p.execute(ctx, path+"release", map[string]any{"holdId": hold.HoldID})
	case 2:
		p.execute(ctx, path+"release", map[string]any{"scheduleSeatIds": wanted[:1]})
	}
}

func userOf(w *harness.Watcher) string { return w.URL[strings.LastIndex(w.URL, "/")+1:] }

func totalConnects(watchers []*harness.Watcher) (n int) {
	for _, w := range watchers {
		n += w.Connects()
	}
	return n
}
