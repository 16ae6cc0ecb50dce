// fanout: one event for all watchers, by turns of the node and of the bare server, so that a slower minute of the machine
// affects both.

package bench

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"onsale/cmd/onsale/bench/load"
)

const fanoutWarmup = 2 // rounds of each that are not counted

func benchFanout(ctx context.Context, r *measurement) error {
	n, rounds := cmp.Or(r.Connections, 5_000), cmp.Or(r.Rounds, 20)
	r.report.condition("one seat of a schedule changes, %d watch it, medians of %d rounds by turns", n, rounds)
	r.report.condition("times count from when the command was sent, which for the node is decided, written and confirmed first; " +
		"delivery is from the first to the last watcher; one goroutine reads all of them, in both")
	if err := descriptorsFor(2 * n); err != nil {
		return err
	}
	source, err := load.NewSource(ctx, r.Target, 1, func(int) string { return "fanout" })
	if err != nil {
		return err
	}
	defer source.Close()
	nodePool, err := r.openPool(ctx, r.host, n, load.Reader{Schedule: source.Schedule})
	if err != nil {
		return err
	}
	defer nodePool.Close()
	child, err := startChild(ctx, []string{"bench", "streams", "bare-server"}, nil, r.stderr)
	if err != nil {
		return err
	}
	defer child.stop()
	bareURL, err := url.Parse(child.url)
	if err != nil {
		return err
	}
	barePool, err := r.openPool(ctx, bareURL.Host, n, load.Reader{})
	if err != nil {
		return err
	}
	defer barePool.Close()
	bareServer := load.NewBareServer(bareURL.Host)
	defer bareServer.Close()

	var nodeLatencies, bareLatencies fanoutLatencies
	var before map[string]float64
	for round := range fanoutWarmup + rounds {
		if round == fanoutWarmup {
			nodeLatencies, bareLatencies = fanoutLatencies{}, fanoutLatencies{}
			if before, err = r.scrapeMetrics(ctx, framesEncoded); err != nil {
				return err
			}
		}
		latencies, err := nodePool.Round(ctx, source.One(ctx))
		if err != nil {
			return err
		}
		nodeLatencies.add(latencies)
		if latencies, err = barePool.Round(ctx, bareServer.Publish); err != nil {
			return fmt.Errorf("the bare server: %w", err)
		}
		bareLatencies.add(latencies)
	}
	after, err := r.scrapeMetrics(ctx, framesEncoded)
	if err != nil {
		return err
	}
	nodeLatencies.report(r.report, "node")
	bareLatencies.report(r.report, "bare")
	r.report.addTarget(metric{Name: "delivery, node / bare", Value: median(nodeLatencies.delivery) / median(bareLatencies.delivery), AtMost: 1.2})
	r.report.add("last delivery since it was sent, node / bare", median(nodeLatencies.last)/median(bareLatencies.last), "")
	r.report.addTarget(metric{Name: "frames encoded a round (one audience)", Value: (after[framesEncoded] - before[framesEncoded]) / float64(rounds), AtMost: 1})
	return nil
}

const framesEncoded = "onsale_frames_encoded_total"

// openPool opens n streams of one reader.
func (r *measurement) openPool(ctx context.Context, host string, n int, reader load.Reader) (*load.StreamPool, error) {
	r.logf("opening %d streams at %s", n, host)
	c, err := load.NewStreamPool(host)
	if err != nil {
		return nil, err
	}
	if err := c.Connect(ctx, n, func(int) load.Reader { return reader }); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// fanoutLatencies are those of many rounds, in milliseconds.
type fanoutLatencies struct{ first, last, delivery []float64 }

func (s *fanoutLatencies) add(r load.Round) {
	s.first, s.last = append(s.first, ms(r.First)), append(s.last, ms(r.Last))
	s.delivery = append(s.delivery, ms(r.Last-r.First))
}

func (s *fanoutLatencies) report(m *measureReport, who string) {
	m.add(who+": first delivery", median(s.first), "ms")
	m.add(who+": last delivery", median(s.last), "ms")
	m.add(who+": delivery, from the first to the last", median(s.delivery), "ms")
	m.add(who+": delivery, the worst round", slices.Max(s.delivery), "ms")
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

func median(v []float64) float64 { return quantile(v, 0.5) }

// quantile is the value below which a part q of all values is.
func quantile(v []float64, q float64) float64 {
	sorted := slices.Sorted(slices.Values(v))
	return sorted[min(len(sorted)-1, int(q*float64(len(sorted))))]
}

// The bare server is the least that a server in Go can do: hijacked connections without a goroutine, one frame for all, and two
// goroutines that write it. What a stream costs beyond that is onsale's own.

// shard is half of the connections of the bare server.
type shard struct {
	mu    sync.Mutex
	conns []net.Conn
	frame chan []byte
}

func (s *shard) write() {
	for frame := range s.frame {
		s.mu.Lock()
		for _, c := range s.conns {
			_, _ = c.Write(frame)
		}
		s.mu.Unlock()
	}
}

// ServeBare serves streams without any logic until stdin ends: a POST is an event for all of them.
func ServeBare(stderr io.Writer) error {
	l, err := listenUntilStdinEnds(stderr)
	if err != nil {
		return err
	}
	_ = http.Serve(l, newBareServer()) // until the listener is closed
	return nil
}

const (
	bareHead  = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\nevent: connect\ndata: {}\nid: bare-0\n\n"
	bareFrame = `data: {"scheduleSeatId":1,"status":"HELD","timestamp":"2026-01-01T00:00:00.000Z","isHeartbeat":false}` + "\nid: %s\n\n"
)

func newBareServer() http.Handler {
	shards := [2]shard{{frame: make(chan []byte)}, {frame: make(chan []byte)}}
	for i := range shards {
		go shards[i].write()
	}
	var mu sync.Mutex // guards what follows
	connected, published := 0, 0
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if r.Method == http.MethodPost {
			published++
			id := fmt.Sprintf("bare-%d", published)
			frame := fmt.Appendf(nil, bareFrame, id)
			for i := range shards {
				shards[i].frame <- frame
			}
			fmt.Fprintf(w, `{"eventId":%q}`, id)
			return
		}
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		_, _ = io.WriteString(conn, bareHead)
		s := &shards[connected%len(shards)]
		connected++
		s.mu.Lock()
		defer s.mu.Unlock()
		s.conns = append(s.conns, conn)
	})
}
