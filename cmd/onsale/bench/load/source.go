// Commands that make events: seats are held and released, again and again. Each command is one event and one frame, for its
// user and for the watchers of the schedule, and the response has its id.

package load

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Source is a schedule with a seat for each of its senders, which send one command after the other.
type Source struct {
	Schedule string
	host     string
	senders  []*sender
}

type sender struct {
	connection     connection
	user, schedule string
	seat, sent     int // every second command releases what the one before it held
	request        []byte
}

// Event is the event of one command.
type Event struct {
	ID            string // <epoch>-<n>
	Number        uint64
	Seat          int
	Held          bool      // otherwise released
	Due, Answered time.Time // when it was to be sent, and when its response came
	Now           time.Time // the log's time; only responses to holds have it
}

// PreviousID is the id of the event before.
func (e Event) PreviousID() string {
	return e.ID[:strings.LastIndexByte(e.ID, '-')+1] + strconv.FormatUint(e.Number-1, 10)
}

// NewRunID returns an id that no other run has.
func NewRunID() string { return "bench-" + strings.ToLower(rand.Text()[:8]) }

// NewSource creates a schedule at target. Sender i sends as user(i).
func NewSource(ctx context.Context, target string, n int, user func(i int) string) (*Source, error) {
	targetURL, err := url.Parse(target)
	if err != nil {
		return nil, err
	}
	s := &Source{Schedule: NewRunID(), host: targetURL.Host}
	seatSale := sale{what: Seats, id: s.Schedule, stock: n, target: target}
	if err := seatSale.create(ctx, Plan{}); err != nil {
		return nil, err
	}
	for i := range n {
		s.senders = append(s.senders, &sender{connection: connection{host: targetURL.Host}, user: user(i), schedule: s.Schedule, seat: i + 1})
	}
	return s, nil
}

// Close closes the connections.
func (s *Source) Close() {
	for _, l := range s.senders {
		l.connection.close()
	}
}

// Generate sends n commands, rate of them a second (0: as fast as they are decided), and returns their events by number.
func (s *Source) Generate(ctx context.Context, n int, rate float64) ([]Event, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	p := startPacer(ctx, Plan{Commands: n, Rate: rate})
	var mu sync.Mutex // guards events
	events := make([]Event, 0, n)
	var group sync.WaitGroup
	for _, l := range s.senders[:min(n, len(s.senders))] {
		group.Go(func() {
			for t, ok := p.nextSlot(ctx); ok; t, ok = p.nextSlot(ctx) {
				e, err := l.send(ctx, t.due)
				if err != nil {
					cancel(err)
					return
				}
				mu.Lock()
				events = append(events, e)
				mu.Unlock()
			}
		})
	}
	group.Wait()
	slices.SortFunc(events, func(a, b Event) int { return cmp.Compare(a.Number, b.Number) })
	return events, context.Cause(ctx)
}

// send sends the next command and repeats it until it is decided, which its key makes safe.
func (l *sender) send(ctx context.Context, due time.Time) (Event, error) {
	e := Event{Seat: l.seat, Held: l.sent%2 == 0, Due: due}
	l.sent++
	l.buildRequest(e.Held)
	for {
		status, body, err := l.connection.exchange(l.request)
		if err != nil {
			return e, err
		}
		e.Answered = time.Now()
		if status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable {
			if time.Since(due) > requestTimeout {
				return e, fmt.Errorf("a command is refused for %v: %s", requestTimeout, body)
			}
			select {
			case <-time.After(100 * time.Millisecond):
			case <-ctx.Done():
				return e, context.Cause(ctx)
			}
			continue
		}
		id, decided := between(body, `"eventId":"`, '"')
		_, released := between(body, `"releasedCount":1`, '}')
		if !decided || status >= http.StatusBadRequest || !e.Held && !released {
			return e, fmt.Errorf("a command that must succeed is answered %d %s", status, body)
		}
		e.ID, e.Number = string(id), eventNumber(id)
		if now, ok := between(body, `"now":"`, '"'); ok {
			e.Now, _ = time.Parse(time.RFC3339, string(now))
		}
		return e, nil
	}
}

func (l *sender) buildRequest(hold bool) {
	verb := "release"
	if hold {
		verb = "hold"
	}
	body := `{"scheduleSeatIds":[` + strconv.Itoa(l.seat) + `]}`
	l.request = fmt.Appendf(l.request[:0], "POST /api/v1/schedules/%s/seats/%s HTTP/1.1\r\n"+
		"Host: %s\r\nX-User-Id: %s\r\nIdempotency-Key: %s-%d-%d\r\n"+
		"Prefer: wait=30\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
		l.schedule, verb, l.connection.host, l.user, l.schedule, l.seat, l.sent, len(body), body)
}

// One returns a function that makes a single event.
func (s *Source) One(ctx context.Context) func() (Event, error) {
	return func() (Event, error) { return s.senders[0].send(ctx, time.Now()) }
}

// BareServer is a client of the bare server that a node is compared with. That server publishes an event at every POST.
type BareServer struct{ connection connection }

// NewBareServer returns a client of the server at host.
func NewBareServer(host string) *BareServer { return &BareServer{connection{host: host}} }

// Close closes the connection.
func (b *BareServer) Close() { b.connection.close() }

// Publish makes one event.
func (b *BareServer) Publish() (Event, error) {
	e := Event{Due: time.Now()}
	request := "POST / HTTP/1.1\r\nHost: " + b.connection.host + "\r\nContent-Length: 0\r\n\r\n"
	status, body, err := b.connection.exchange([]byte(request))
	if err != nil {
		return e, err
	}
	id, ok := between(body, `"eventId":"`, '"')
	if status != http.StatusOK || !ok {
		return e, fmt.Errorf("the bare server answers %d %s", status, body)
	}
	e.ID, e.Number, e.Answered = string(id), eventNumber(id), time.Now()
	return e, nil
}
