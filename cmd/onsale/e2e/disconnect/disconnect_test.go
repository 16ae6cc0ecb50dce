package disconnect

import (
	"context"
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

// A hundred clients on connections that are cut at any byte, in all ways in which connections break, under load and with a restart
// of the node in the middle. Afterwards every frame of every connection is compared with the log.
func TestDisconnect_LosesNothing(t *testing.T) {
	if !harness.Long() {
		runDisconnects(t, 2_500)
		return
	}
	left := 100_000
	for start := time.Now(); left > 0 && time.Since(start) < 5*time.Minute && !t.Failed(); {
		t.Run(fmt.Sprint("left=", left), func(t *testing.T) { left -= runDisconnects(t, 20_000) })
	}
}

const closedAtShutdown = "closed at shutdown"

// disconnectTest is one node with traffic and with clients that are cut.
type disconnectTest struct {
	t            *testing.T
	ctx          context.Context
	node         *harness.Node
	process      *harness.Process
	rng          *rand.Rand
	client       *http.Client
	admin        api.Client
	clients      []*flakyClient
	cutCount     atomic.Int64
	shuttingDown atomic.Bool     // from SIGTERM until the restart
	trafficCtx   context.Context // ends the traffic and the cuts
	issued       int             // coupons, after the traffic

	mu    sync.Mutex // guards what follows
	count map[string]int
}

// observe counts what happened, for the test's log.
func (c *disconnectTest) observe(what string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.count[what]++
}

// runDisconnects is one run; it returns the number of cuts.
func runDisconnects(t *testing.T, wanted int64) int {
	timeout := time.Minute
	if harness.Long() {
		timeout = 4 * time.Minute
	}
	c := &disconnectTest{t: t, rng: harness.NewRNG(t), client: harness.NewHTTPClient(t, 64), ctx: harness.TimeoutContext(t, timeout), count: map[string]int{}}
	// A small ring, few concurrent catch-ups, short streams, and fewer streams than clients.
	c.node = harness.NewNode(t, "--streams-ring-events", "1024", "--streams-max-catch-ups", "24", "--streams-max-connections", "95",
		"--streams-heartbeat", "1s", "--streams-user-heartbeat", "1s", "--streams-max-age", "3s", "--streams-user-max-age", "3s",
		"--streams-drain-window", "1s", "--logging-level", "warn")
	c.admin = api.Client{URL: c.node.URL(), User: "admin", HTTP: c.client, Attempts: 1}
	c.process = c.node.Start()
	c.createSales()
	c.createClients()
	idle := c.idleResources()

	var group sync.WaitGroup
	var stopTraffic context.CancelFunc
	c.trafficCtx, stopTraffic = context.WithCancel(c.ctx)
	defer stopTraffic()
	for _, l := range c.clients {
		group.Go(l.run)
	}
	c.startTraffic(&group)
	start := time.Now()
	c.waitForCuts(wanted / 3)
	c.addNodeCounters()
	c.shuttingDown.Store(true)
	c.process.Terminate(t)
	c.process = c.node.Start()
	c.shuttingDown.Store(false)
	c.waitForCuts(wanted)
	t.Logf("%d cuts in %s", c.cutCount.Load(), time.Since(start).Round(time.Millisecond))
	stopTraffic()
	group.Wait()

	if a, err := c.sendAlarm("u0"); err != nil || a.Status != "SUCCEEDED" { // it is the last command
		t.Fatalf("the last command got %+v %v", a, err)
	}
	head := c.node.Head(c.ctx, c.client)
	if err := c.admin.Get(c.ctx, "/api/v1/promotions/rush", &struct{ Issued *int }{&c.issued}); err != nil {
		t.Fatal(err)
	}
	for _, l := range c.clients {
		group.Go(func() { l.catchUp(head) })
	}
	group.Wait()
	c.checkNoLeaks(idle)
	c.addNodeCounters()
	c.client.CloseIdleConnections()
	c.process.Terminate(t)
	c.node.MustAudit()
	history := c.node.History()
	c.checkConnections(history, head)
	if c.count[closedAtShutdown] == 0 {
		t.Error("no stream was closed by the shutdown")
	}
	t.Logf("%d commands in line", len(history))
	for _, what := range slices.Sorted(maps.Keys(c.count)) {
		t.Logf("%7d %s", c.count[what], what)
	}
	return int(c.cutCount.Load())
}

// waitForCuts waits for so many cuts.
func (c *disconnectTest) waitForCuts(wanted int64) {
	c.t.Helper()
	for c.cutCount.Load() < wanted {
		if !harness.Sleep(c.ctx, time.Millisecond) {
			c.t.Fatalf("there were only %d cuts", c.cutCount.Load())
		}
	}
}

// createClients creates the clients, which read from the beginning of the log.
func (c *disconnectTest) createClients() {
	epoch, _, _ := strings.Cut(c.node.Head(c.ctx, c.client), "-")
	for i := range 100 {
		user, path := fmt.Sprint("u", i%buyerCount), ""
		switch {
		case i < 30:
			path = "/subscribe/" + user
		case i < 40:
			path = "/api/v1/me/events?lang=en"
		case i < 50:
			path = "/api/v1/users/alarm/subscribe"
		case i < 56:
			path = "/api/v1/schedules/lobby/seats/events"
		case i < 90:
			path = []string{"/api/v1", "/api"}[i%2] + "/schedules/hall/seats/events" + []string{"", "?events=named"}[i/2%2]
		default:
			path = "/api/v1/promotions/rush/events"
		}
		c.clients = append(c.clients, &flakyClient{
			disconnectTest: c, path: path, user: user, rng: harness.ForkRNG(c.rng), epoch: epoch, lastID: epoch + "-0", state: map[string]string{},
		})
	}
}

// In schedule "hall" users hold the first seats. An admin blocks and unblocks the others all at once, which is more frames of one
// event than fit into one write.
const (
	userSeats  = 200
	hallSeats  = 900
	buyerCount = 20
)

func (c *disconnectTest) createSales() {
	c.t.Helper()
	c.node.MustCreate(c.ctx, c.client, "/api/v1/admin/promotions", map[string]any{
		"promotionId": "rush", "name": "rush", "stock": 1_000_000, "perUserLimit": 1000,
	})
	for schedule, seats := range map[string]int{"hall": hallSeats, "lobby": 10} {
		c.node.MustCreate(c.ctx, c.client, "/api/v1/admin/schedules", map[string]any{
			"scheduleId": schedule, "title": schedule, "holdSeconds": 1, "maxSeatsPerUser": 100,
			"sections": []any{map[string]any{"name": "A", "price": 1000, "rows": []any{map[string]any{"name": "1", "seats": seats}}}},
		})
	}
}

// startTraffic sends commands until trafficCtx ends. Their outcomes are in the log.
func (c *disconnectTest) startTraffic(group *sync.WaitGroup) {
	const hall = "/api/v1/schedules/hall/seats/"
	for i := range 6 {
		rng := harness.ForkRNG(c.rng)
		group.Go(func() {
			for harness.Sleep(c.trafficCtx, harness.RandomDuration(rng, 4*time.Millisecond)) {
				p := api.Client{URL: c.node.URL(), User: fmt.Sprint("u", rng.IntN(buyerCount)), HTTP: c.client, Attempts: 1}
				for range rng.IntN(3) {
					_, _ = p.Issue(c.ctx, "rush", api.Options{})
				}
				if i == 0 && rng.IntN(10) == 0 {
					_, _ = p.Hold(c.ctx, "lobby", []int{1 + rng.IntN(10)}, api.Options{})
				}
				_, _ = p.Hold(c.ctx, "hall", seatRange(1+rng.IntN(userSeats-5), 1+rng.IntN(5)), api.Options{})
				switch rng.IntN(4) {
				case 0:
					_, _ = p.Command(c.ctx, hall+"reserve", map[string]any{"scheduleSeatIds": seatRange(1+rng.IntN(userSeats), 1)}, api.Options{})
				case 1:
					_, _ = p.Command(c.ctx, hall+"release", map[string]any{"scheduleSeatIds": seatRange(1, userSeats)}, api.Options{})
				}
			}
		})
	}
	overflowRNG, rng := harness.ForkRNG(c.rng), harness.ForkRNG(c.rng)
	group.Go(func() {
		for harness.Sleep(c.trafficCtx, harness.RandomDuration(overflowRNG, 1500*time.Millisecond)) {
			c.overflowRing()
		}
	})
	group.Go(func() {
		for verb := "block"; harness.Sleep(c.trafficCtx, harness.RandomDuration(rng, 400*time.Millisecond)); {
			_, _ = c.sendAlarm(fmt.Sprint("u", rng.IntN(buyerCount)))
			const hall = "/api/v1/admin/schedules/hall/"
			releaseBody := map[string]any{"scheduleSeatIds": seatRange(1+rng.IntN(100), 100), "reason": "x"}
			_, _ = c.admin.Command(c.ctx, hall+"release", releaseBody, api.Options{})
			blockBody := map[string]any{"scheduleSeatIds": seatRange(userSeats+1, hallSeats-userSeats), "reason": "x"}
			response, err := c.admin.Command(c.ctx, hall+verb, blockBody, api.Options{})
			if err == nil && response.HTTPStatus == http.StatusOK {
				verb = map[string]string{"block": "unblock", "unblock": "block"}[verb]
			}
		}
	})
}

// sendAlarm sends a user an alarm, and waits until it is decided.
func (c *disconnectTest) sendAlarm(user string) (api.Response, error) {
	body := map[string]any{"userId": user, "message": "hello"}
	return c.admin.Command(c.ctx, "/api/v1/admin/alarms", body, api.Options{Wait: new(30 * time.Second)})
}

// overflowRing makes more events than the ring holds, mostly of users without a stream.
func (c *disconnectTest) overflowRing() {
	var group sync.WaitGroup
	for i := range 50 {
		group.Go(func() {
			p := api.Client{URL: c.node.URL(), User: fmt.Sprint("u", i), HTTP: c.client, Attempts: 1}
			for range 25 {
				_, _ = p.Issue(c.ctx, "rush", api.Options{})
			}
		})
	}
	group.Wait()
}

// seatRange is count consecutive seats.
func seatRange(from, count int) (seats []int) {
	for i := range count {
		seats = append(seats, from+i)
	}
	return seats
}
