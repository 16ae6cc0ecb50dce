package projections_test

import (
	"bytes"
	"context"
	"errors"
	"iter"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"onsale/domain"
	"onsale/domain/coupons"
	"onsale/projections"
	"onsale/streams"
	"onsale/streams/streamtest"
)

// What must not be is met, and the node stops: it says why, once, and to everybody who waits, and tells nothing more.

// lonely is a member on a nats-server of its own, to which the tests can say what no onsale says.
func lonely(t *testing.T) (*member, *nats.Conn) {
	t.Helper()
	servers := streamtest.Cluster(t, 1)
	m := newMember(t, "lonely", servers)
	m.start()
	t.Cleanup(m.end)
	nc, err := nats.Connect(servers.URLs[0])
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	return m, nc
}

// do appends a command and waits for its outcome.
func (m *member) do(c domain.Command) (projections.Outcome, error) {
	m.tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 15*time.Second)
	defer cancel()
	sequence, err := m.log.Append(ctx, c)
	if err != nil {
		m.tb.Fatal(err)
	}
	return m.p.Await(ctx, c.Request, sequence)
}

func (m *member) must(c domain.Command) projections.Outcome {
	m.tb.Helper()
	o, err := m.do(c)
	if err != nil {
		m.tb.Fatal(err)
	}
	return o
}

// wantHalt waits for the halt, and wants its reason to name what was met, everywhere the same.
func (m *member) wantHalt(words ...string) {
	m.tb.Helper()
	var reason string
	select {
	case reason = <-m.halted:
	case <-time.After(15 * time.Second):
		m.tb.Fatalf("the node has not halted: %+v", m.p.Status())
	}
	for _, word := range words {
		if !strings.Contains(reason, word) {
			m.tb.Errorf("halted: %q, which does not say %q", reason, word)
		}
	}
	if got := m.p.Status().Halted; got != reason {
		m.tb.Errorf("status says %q, halted was called with %q", got, reason)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	for name, err := range map[string]error{
		"Await":         second(m.p.Await(ctx, domain.NewRequestID("late", "k"), 1<<40)),
		"WaitDecided":   m.p.WaitDecided(ctx, 1<<40),
		"WaitConfirmed": m.p.WaitConfirmed(ctx, 1<<40),
		"Read":          m.p.Read("kim", func(*projections.View) error { return nil }),
	} {
		if !errors.Is(err, projections.ErrHalted) || !strings.Contains(err.Error(), reason) {
			m.tb.Errorf("%s: got %v, want it to say that the node has halted, and why", name, err)
		}
	}
	m.stop() // Run returns after a halt too
	m.stop = nil
	_ = m.log.Close()
	if len(m.halted) > 0 {
		m.tb.Errorf("halted again: %s", <-m.halted)
	}
}

func second[T any](_ T, err error) error { return err }

// lastRecord is what EVENTS ends with.
func lastRecord(t *testing.T, log *streams.Log) domain.Record {
	t.Helper()
	state, err := log.State(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	next, stop := iter.Pull2(log.Records(t.Context(), state.Events.Last, ""))
	defer stop()
	r, err, _ := next()
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// Somebody who can write to EVENTS gives mallory a coupon that the line did not. What the node decides itself is something
// else: it believes neither, and nobody hears of either.
func TestHalt_Divergence(t *testing.T) {
	m, _ := lonely(t)
	m.must(command("admin", "sale", "demo", coupons.Create{Name: "demo", Stock: 10, PerUserLimit: 1}))
	m.must(command("kim", "k", "demo", coupons.Issue{}))
	last := lastRecord(t, m.log)
	forged, err := streams.EncodeEvent(last.Hash, domain.Event{
		Number: last.Number + 1, Sequence: 3000, Now: domain.At(time.Now()), Entity: "demo", User: "mallory", Last: true,
		Request: domain.NewRequestID("mallory", "k"), Fingerprint: domain.NewFingerprint("k"),
		Body: coupons.Issued{PromotionID: "demo", CouponID: "demo-2", Number: 2},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := m.log.Emit(t.Context(), []domain.Record{forged}); err != nil {
		t.Fatal(err)
	}
	if _, err := m.do(command("lee", "k", "demo", coupons.Issue{})); !errors.Is(err, projections.ErrHalted) {
		t.Errorf("lee waited for an outcome and got %v, want ErrHalted", err)
	}
	if _, err := projections.RunAudit(t.Context(), m.log, nil); !errors.Is(err, projections.ErrDifference) {
		t.Errorf("the audit says %v, want a difference", err)
	}
	m.wantHalt("event 3 in EVENTS is not what this node has decided")
	if got := uint64(len(m.told.told)); got != last.Number {
		t.Errorf("%d events were told, want %d: neither the forged one nor what the node made in its place", got, last.Number)
	}

	// A new life meets the same, also without its store: what it makes of EVENTS is not what the rules say.
	m.start()
	m.wantHalt("event 3 in EVENTS is not what this node has decided")
}

// lyingLog is a log whose state is not as it was.
type lyingLog struct {
	*streams.Log
	lie atomic.Pointer[func(*domain.LogState)]
}

func (l *lyingLog) State(ctx context.Context) (domain.LogState, error) {
	state, err := l.Log.State(ctx)
	if lie := l.lie.Load(); lie != nil {
		(*lie)(&state)
	}
	return state, err
}

// nats-server calls a log healthy that has lost its end or its middle. The watchdog does not.
func TestHalt_Watchdog(t *testing.T) {
	for name, c := range map[string]struct {
		lie  func(*domain.LogState)
		want string
	}{
		"commands go backwards":   {func(s *domain.LogState) { s.Commands.Last--; s.Commands.Messages-- }, "COMMANDS has gone backwards"},
		"events go backwards":     {func(s *domain.LogState) { s.Events.Last--; s.Events.Messages-- }, "EVENTS has gone backwards"},
		"commands begin later":    {func(s *domain.LogState) { s.Commands.First++; s.Commands.Messages-- }, "COMMANDS is damaged"},
		"events have a hole":      {func(s *domain.LogState) { s.Events.Messages--; s.Events.Deleted++ }, "EVENTS is damaged"},
		"events have lost it all": {func(s *domain.LogState) { s.Events = domain.StreamState{} }, "EVENTS has gone backwards"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := &member{tb: t, path: filepath.Join(t.TempDir(), "store.db"), halted: make(chan string, 8)}
			m.config = streamtest.Config(t, t.TempDir())
			m.log = streamtest.Open(t, m.config)
			log := &lyingLog{Log: m.log}
			m.wrapped = log
			if err := m.project(nil); err != nil {
				t.Fatal(err)
			}
			m.must(command("admin", "sale", "demo", coupons.Create{Name: "demo", Stock: 10, PerUserLimit: 1}))
			m.must(command("kim", "k", "demo", coupons.Issue{}))
			log.lie.Store(&c.lie)
			m.wantHalt(c.want)
		})
	}
}

// say puts bytes into COMMANDS that are no append of ours.
func say(t *testing.T, nc *nats.Conn, payload []byte) {
	t.Helper()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := js.Publish(t.Context(), "cmd.stranger", payload); err != nil {
		t.Fatal(err)
	}
}

func line(t *testing.T, c domain.Command) []byte {
	t.Helper()
	b, err := streams.EncodeCommand(c)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// A newer onsale has written a command that this one does not know. It decides nothing that it does not understand, and
// nothing that comes after it.
func TestHalt_UnknownType(t *testing.T) {
	m, nc := lonely(t)
	m.must(command("admin", "sale", "demo", coupons.Create{Name: "demo", Stock: 10, PerUserLimit: 1}))
	newer := bytes.Replace(line(t, command("kim", "k", "demo", coupons.Issue{})), []byte("coupons.issue"), []byte("coupons.raffle"), 1)
	say(t, nc, newer)
	if _, err := m.do(command("lee", "k", "demo", coupons.Issue{})); !errors.Is(err, projections.ErrHalted) {
		t.Errorf("lee, who stands behind it, got %v, want ErrHalted", err)
	}
	m.wantHalt("needs a newer onsale", "coupons.raffle.v1", "command 2000")
	if len(m.told.told) != 1 {
		t.Errorf("told %+v, want the sale only", m.told.told)
	}
}

// Bytes that are no command at all are dead where they stand, are kept, and hold nobody up: neither who stands in the same
// message nor who comes after.
func TestHalt_NotForMalformedLines(t *testing.T) {
	m, nc := lonely(t)
	m.must(command("admin", "sale", "demo", coupons.Create{Name: "demo", Stock: 10, PerUserLimit: 1}))
	kim := command("kim", "k", "demo", coupons.Issue{})
	say(t, nc, bytes.Join([][]byte{[]byte("give me one"), line(t, kim), []byte("{\"type\":\"coupons.issue\"")}, []byte("\n")))
	say(t, nc, nil)
	if o := m.must(command("lee", "k", "demo", coupons.Issue{})); !strings.Contains(string(o.Data), `"number":2`) {
		t.Errorf("lee got %s, want coupon 2", o.Data)
	}
	if o, ok, err := m.p.Request(kim.Request); err != nil || !ok || o.Sequence != 2001 || !strings.Contains(string(o.Data), `"number":1`) {
		t.Errorf("kim got %+v %v %v, want coupon 1 at 2001", o, ok, err)
	}
	m.checkAlone()
	var dead []string
	for _, e := range m.told.told {
		if body, is := e.Body.(domain.Dead); is {
			dead = append(dead, body.Reason+" "+string(body.Bytes))
		}
	}
	want := []string{"malformed give me one", `malformed {"type":"coupons.issue"`, "malformed "}
	if strings.Join(dead, "|") != strings.Join(want, "|") {
		t.Errorf("dead are %q, want %q", dead, want)
	}
}

// checkAlone is the end of a test whose node goes on.
func (m *member) checkAlone() {
	m.tb.Helper()
	if reason := m.p.Status().Halted; reason != "" {
		m.tb.Errorf("halted: %s", reason)
	}
	m.stop()
	m.stop = nil
	verify(m.tb, m.log, m.path, m.log.Epoch())
	_ = m.log.Close()
}

// raffle is a command that no rule of today knows; the codec would never let it in.
type raffle struct{}

func (raffle) Type() (string, int) { return "raffle.draw", 1 }

// misread makes raffles of what doom asks for.
type misread struct {
	projections.Commands
	batches chan domain.Batch
}

func (m *misread) Batches() <-chan domain.Batch { return m.batches }

func misreading(log *streams.Log) func(context.Context, uint64) (projections.Commands, error) {
	return func(ctx context.Context, from uint64) (projections.Commands, error) {
		commands, err := log.Commands(ctx, from)
		m := &misread{commands, make(chan domain.Batch)}
		go func() {
			defer close(m.batches)
			for b := range commands.Batches() {
				for i := range b.Commands {
					if b.Commands[i].User == "doom" {
						b.Commands[i].Body = raffle{}
					}
				}
				select {
				case m.batches <- b:
				case <-ctx.Done():
					return
				}
			}
		}()
		return m, err
	}
}

// A rule that panics makes its command dead, with an outcome for who asked, and the line moves on. Later lives take it as a
// fact, and so does the audit, whatever today's rules would make of it.
func TestHalt_NotForARuleThatPanics(t *testing.T) {
	m := &member{tb: t, path: filepath.Join(t.TempDir(), "store.db"), halted: make(chan string, 8)}
	m.config = streamtest.Config(t, t.TempDir())
	m.log = streamtest.Open(t, m.config)
	m.wrapped = m.log
	if err := m.project(func(c *projections.Config) { c.Commands = misreading(m.log) }); err != nil {
		t.Fatal(err)
	}
	m.must(command("admin", "sale", "demo", coupons.Create{Name: "demo", Stock: 10, PerUserLimit: 1}))
	doomed := command("doom", "k", "demo", coupons.Issue{})
	o := m.must(doomed)
	if o.Type != "system.dead" || o.Request != doomed.Request || !strings.Contains(string(o.Data), domain.DeadPanicked) {
		t.Errorf("got %s %s, want a dead command that is doom's", o.Type, o.Data)
	}
	if again := m.must(doomed); again.Event != o.Event {
		t.Errorf("asked again, got event %d, want %d", again.Event, o.Event)
	}
	if o := m.must(command("kim", "k", "demo", coupons.Issue{})); !strings.Contains(string(o.Data), `"number":1`) {
		t.Errorf("kim got %s, want coupon 1", o.Data)
	}
	m.stop()
	if err := m.project(nil); err != nil { // with eyes that read well
		t.Fatal(err)
	}
	if again := m.must(doomed); again.Event != o.Event || again.Type != o.Type {
		t.Errorf("asked again in another life, got %+v, want %+v", again, o)
	}
	m.checkAlone()
}

// A store that knows another log is no witness of this one: somebody has mixed up two directories, and nothing is decided
// or overwritten.
func TestHalt_StoreOfAnotherLog(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	var epochs []string
	for range 2 {
		log := streamtest.Start(t)
		epochs = append(epochs, log.Epoch())
		p, _, err := projections.Open(t.Context(), projections.Config{
			Path: path, Log: log, Commands: commandsOf(log), Epoch: log.Epoch(), Logger: streamtest.Config(t, "").Log,
		})
		if len(epochs) == 1 {
			if err != nil {
				t.Fatal(err)
			}
			if err := p.Close(); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if !errors.Is(err, projections.ErrUnsound) || !strings.Contains(err.Error(), epochs[0]) || !strings.Contains(err.Error(), epochs[1]) {
			t.Errorf("got %v, want unsound, and both epochs", err)
		}
		if got := p.Status().Halted; got == "" || got != err.Error() {
			t.Errorf("status says %q, want %q", got, err)
		}
		if _, err := p.Await(t.Context(), domain.NewRequestID("kim", "k"), 1000); !errors.Is(err, projections.ErrHalted) {
			t.Errorf("got %v, want ErrHalted", err)
		}
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	}
	s, err := projections.OpenStore(path, epochs[0])
	if err != nil {
		t.Fatalf("the store was touched: %v", err)
	}
	s.Close()
}
