// Users who buy, a prober of each node, and the questions about every accepted request at every node.

package cluster

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"onsale/cmd/onsale/e2e/harness"
	api "onsale/http/client"
)

const (
	usersPerNode  = 8
	hallSeats     = 120
	rushStock     = 40
	clientTimeout = 10 * time.Second
)

// load is everything that clients do.
type load struct {
	t       *testing.T
	nodes   []*clusterNode
	running sync.WaitGroup // users and probers
	asking  sync.WaitGroup // about accepted requests
	streams sync.WaitGroup // of watchers
	paused  atomic.Bool
	busy    atomic.Int64 // users that are not paused
	rush    atomic.Int64 // number of the promotion that sells out

	answers  atomic.Int64                // to questions about accepted requests
	watchers map[*harness.Watcher]string // user, or "" for the watchers of the seats

	mu       sync.Mutex // guards what follows
	requests map[string]*request
	false404 []string
}

// request is an accepted command and what the nodes said about it.
type request struct {
	user       string
	id         string
	acceptedAt time.Time
	acceptedBy string
	outcomes   map[string]api.Response // by node
}

// buyer is a user, who prefers one of the nodes.
type buyer struct {
	*load
	name  string
	home  int
	rng   *rand.Rand
	count int
}

func newLoad(t *testing.T, nodes []*clusterNode) *load {
	return &load{t: t, nodes: nodes, requests: map[string]*request{}, watchers: map[*harness.Watcher]string{}}
}

// startRush creates the next promotion that sells out.
func (l *load) startRush(ctx context.Context) {
	id := l.rush.Load() + 1
	body := map[string]any{"promotionId": fmt.Sprint("rush-", id), "name": "rush", "stock": rushStock}
	admin := &buyer{load: l, name: fmt.Sprint("admin-", id), rng: rand.New(rand.NewPCG(uint64(id), 0))}
	admin.execute(ctx, "/api/v1/admin/promotions", body)
	l.rush.Store(id)
}

func (l *load) start(ctx context.Context, rng *rand.Rand) {
	for home := range l.nodes {
		for i := range usersPerNode {
			b := &buyer{load: l, name: fmt.Sprintf("u%d-%d", home+1, i), home: home, rng: harness.ForkRNG(rng)}
			l.running.Go(func() { b.run(ctx) })
		}
		l.watch(ctx, rng, home, "/api/v1/schedules/hall/seats/events", "")
		l.watch(ctx, rng, home, fmt.Sprintf("/subscribe/u%d-0", home+1), fmt.Sprintf("u%d-0", home+1))
		l.running.Go(func() { l.probe(ctx, home) })
	}
}

// watch reads a stream of a node until ctx ends.
func (l *load) watch(ctx context.Context, rng *rand.Rand, node int, path, user string) {
	w := &harness.Watcher{URL: l.nodes[node].URL() + path, RNG: harness.ForkRNG(rng), MaxAge: 10 * time.Second, MaxRetryDelay: time.Second}
	l.watchers[w] = user
	l.streams.Go(func() { w.Run(ctx, &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}) })
}

// waitStreams waits until all watchers have everything up to an event.
func (l *load) waitStreams(ctx context.Context, head string) {
	want, _ := harness.ParseEventID(head)
	for w := range l.watchers {
		w.ReconnectOnce()
	}
	for w := range l.watchers {
		for !w.Reached(want) {
			if !harness.Sleep(ctx, 10*time.Millisecond) {
				l.t.Errorf("%s is at %s, and not at %s", w.URL, w.LastID(), head)
				break
			}
		}
	}
}

// checkStreams requires that each watcher got every frame, once and in order.
func (l *load) checkStreams(history []harness.LogCommand) {
	for w, user := range l.watchers {
		if user == "" {
			w.Verify(l.t, harness.ScheduleFrames(history, "hall", "", false))
		} else {
			w.Verify(l.t, harness.UserFrames(history, user))
		}
	}
}

// pause waits until no user has a command on the way, or ctx ends.
func (l *load) pause(ctx context.Context) {
	l.paused.Store(true)
	for l.busy.Load() > 0 && harness.Sleep(ctx, 10*time.Millisecond) {
	}
}

func (l *load) resume() { l.paused.Store(false) }

// run buys until ctx ends.
func (b *buyer) run(ctx context.Context) {
	for ctx.Err() == nil {
		b.busy.Add(1)
		if !b.paused.Load() {
			b.buy(ctx)
		}
		b.busy.Add(-1)
		harness.Sleep(ctx, 50*time.Millisecond+harness.RandomDuration(b.rng, 150*time.Millisecond))
	}
}

func (b *buyer) buy(ctx context.Context) {
	switch b.rng.IntN(3) {
	case 0:
		b.execute(ctx, "/api/v1/promotions/open/coupons", nil)
	case 1:
		b.execute(ctx, fmt.Sprintf("/api/v1/promotions/rush-%d/coupons", b.rush.Load()), nil)
	case 2:
		b.bookSeats(ctx)
	}
}

// bookSeats holds neighbouring seats, and then reserves them, releases them, or lets the hold expire.
func (b *buyer) bookSeats(ctx context.Context) {
	const path = "/api/v1/schedules/hall/seats/"
	first := 1 + b.rng.IntN(hallSeats-1)
	held := b.execute(ctx, path+"hold", map[string]any{"scheduleSeatIds": []int{first, first + 1}})
	var hold struct{ HoldID string }
	if held.Status != "SUCCEEDED" || json.Unmarshal(held.Result, &hold) != nil {
		return
	}
	switch b.rng.IntN(8) {
	case 0:
		b.execute(ctx, path+"reserve", map[string]any{"holdId": hold.HoldID})
	case 1, 2, 3, 4, 5:
		b.execute(ctx, path+"release", map[string]any{"holdId": hold.HoldID})
	}
}

// execute sends a command with one key until a node accepts it, and returns its first outcome; zero when ctx ended before.
func (b *buyer) execute(ctx context.Context, path string, body any) api.Response {
	b.count++
	key := fmt.Sprint("k", b.count)
	for node := b.home; ; node = b.rng.IntN(len(b.nodes)) {
		if r := b.send(ctx, b.nodes[node], b.name, path, body, key); r != nil {
			return b.firstOutcome(ctx, r)
		}
		if !harness.Sleep(ctx, harness.RandomDuration(b.rng, 200*time.Millisecond)) {
			return api.Response{}
		}
	}
}

// send sends a command once. If it was accepted, all nodes are asked about it; otherwise send returns nil.
func (l *load) send(ctx context.Context, n *clusterNode, user, path string, body any, key string) *request {
	client := api.Client{URL: n.URL(), User: user, HTTP: n.client, Attempts: 1}
	// The test is only about what the node said before ctx ended, so a response that is on its way then is still waited for.
	sendCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), clientTimeout)
	defer cancel()
	response, err := client.Command(sendCtx, path, body, api.Options{Key: key, Wait: new(time.Duration)})
	if err != nil || response.Sequence == 0 {
		return nil
	}
	n.accepted.Store(time.Now().UnixNano())
	r := &request{user: user, id: response.RequestID, acceptedAt: time.Now(), acceptedBy: n.name, outcomes: map[string]api.Response{}}
	l.mu.Lock()
	if earlier, known := l.requests[r.id]; known {
		r = earlier
	}
	l.requests[r.id] = r
	l.mu.Unlock()
	for _, asked := range l.nodes {
		l.asking.Go(func() { l.ask(ctx, asked, r) })
	}
	return r
}

// ask asks a node about a request until it has an outcome. That the request was never accepted is false, whenever it is said.
func (l *load) ask(ctx context.Context, n *clusterNode, r *request) {
	client := api.Client{URL: n.URL(), User: r.user, HTTP: n.asking, Attempts: 1}
	for {
		response, err := client.RequestStatus(ctx, r.id, 0, 0)
		if err == nil {
			l.answers.Add(1)
		}
		if err == nil && response.HTTPStatus == http.StatusNotFound {
			l.mu.Lock()
			l.false404 = append(l.false404, fmt.Sprintf("request %s of %s, accepted by %s %s before, at %s: %s",
				r.id, r.user, r.acceptedBy, time.Since(r.acceptedAt).Round(time.Millisecond), n.name, response.Code))
			l.mu.Unlock()
		}
		if err == nil && (response.Status == "SUCCEEDED" || response.Status == "REJECTED") {
			l.mu.Lock()
			r.outcomes[n.name] = response
			l.mu.Unlock()
			return
		}
		if !harness.Sleep(ctx, 100*time.Millisecond) {
			return
		}
	}
}

// firstOutcome is what the first node says.
func (l *load) firstOutcome(ctx context.Context, r *request) (first api.Response) {
	for harness.Sleep(ctx, 5*time.Millisecond) {
		l.mu.Lock()
		for _, response := range r.outcomes {
			first = response
		}
		l.mu.Unlock()
		if first.Status != "" {
			break
		}
	}
	return first
}

// probe sends a command to one node twice a second, also while the users pause and while earlier ones have no response: whether
// the node accepts commands is what its readiness is compared with.
func (l *load) probe(ctx context.Context, node int) {
	user := fmt.Sprint("probe-", node+1)
	for i := 0; harness.Sleep(ctx, 500*time.Millisecond); i++ {
		l.running.Go(func() {
			l.send(ctx, l.nodes[node], user, "/api/v1/promotions/probe/coupons", nil, fmt.Sprint("k", i))
		})
	}
}

// waitAnswered waits until every node has reported the outcome of every accepted request, and returns how many are missing.
func (l *load) waitAnswered(ctx context.Context) (missing []string) {
	for {
		missing = nil
		l.mu.Lock()
		for _, r := range l.requests {
			if time.Since(r.acceptedAt) < 2*time.Second { // of a probe
				continue
			}
			for _, n := range l.nodes {
				if _, ok := r.outcomes[n.name]; !ok {
					missing = append(missing, fmt.Sprintf("%s of %s at %s", r.id, r.user, n.name))
				}
			}
		}
		l.mu.Unlock()
		if len(missing) == 0 || !harness.Sleep(ctx, 50*time.Millisecond) {
			return missing
		}
	}
}

// false404Count is how often an accepted request was said to be unknown.
func (l *load) false404Count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.false404)
}
