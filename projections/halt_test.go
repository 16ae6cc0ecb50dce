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
	"onsale/projections/audit"
	"onsale/projections/store"
	"onsale/streams"
	"onsale/streams/streamtest"
)

// singleNode is a node on its own nats-server, with a connection for publishing what onsale never would.
func singleNode(t *testing.T) (*clusterNode, *nats.Conn) {
	t.Helper()
	servers := streamtest.Cluster(t, 1)
	cn := newClusterNode(t, "single", servers)
	cn.start()
	t.Cleanup(cn.shutdown)
	if err := cn.p.WaitCaughtUp(t.Context()); err != nil { // COMMANDS begins with the node's tick
		t.Fatal(err)
	}
	nc, err := nats.Connect(servers.URLs[0])
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	return cn, nc
}

// embeddedNode is a node with an embedded log, whose projector is not started.
func embeddedNode(t *testing.T) *clusterNode {
	t.Helper()
	cn := &clusterNode{tb: t, path: filepath.Join(t.TempDir(), "store.db"), halted: make(chan string, 8), resumed: make(chan struct{}, 8), config: streamtest.Config(t, t.TempDir())}
	cn.log = streamtest.Open(t, cn.config)
	return cn
}

// submit appends a command and waits for its outcome.
func (cn *clusterNode) submit(c domain.Command) (domain.Event, error) {
	cn.tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 15*time.Second)
	defer cancel()
	sequence, err := cn.log.Append(ctx, c)
	if err != nil {
		cn.tb.Fatal(err)
	}
	return cn.p.Await(ctx, c.Request, sequence)
}

func (cn *clusterNode) mustSubmit(c domain.Command) domain.Event {
	cn.tb.Helper()
	o, err := cn.submit(c)
	if err != nil {
		cn.tb.Fatal(err)
	}
	return o
}

// createPromotion creates demo, with 10 coupons.
func (cn *clusterNode) createPromotion() {
	cn.tb.Helper()
	cn.mustSubmit(command("admin", "sale", "demo", coupons.Create{Name: "demo", Stock: 10, PerUserLimit: 1}))
}

// wantHalt waits for the halt, and checks that its reason has these words and is the same everywhere.
func (cn *clusterNode) wantHalt(words ...string) {
	cn.tb.Helper()
	var reason string
	select {
	case reason = <-cn.halted:
	case <-time.After(15 * time.Second):
		cn.tb.Fatalf("the node has not halted: %+v", cn.p.Status())
	}
	for _, word := range words {
		if !strings.Contains(reason, word) {
			cn.tb.Errorf("halted: %q, want it to contain %q", reason, word)
		}
	}
	if got := cn.p.Status().Halted; got != reason {
		cn.tb.Errorf("the status has %q, OnHalt was called with %q", got, reason)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	for name, err := range map[string]error{
		"Await":         second(cn.p.Await(ctx, domain.NewRequestID("late", "k"), 1<<40)),
		"WaitDecided":   cn.p.WaitDecided(ctx, 1<<40),
		"WaitConfirmed": cn.p.WaitConfirmed(ctx, 1<<40),
		"Read":          cn.p.Read("kim", func(*store.View) error { return nil }),
	} {
		if !errors.Is(err, projections.ErrHalted) || !strings.Contains(err.Error(), reason) {
			cn.tb.Errorf("%s: got %v, want ErrHalted with the reason", name, err)
		}
	}
	cn.stop() // Run returns after a halt too
	cn.stop = nil
	_ = cn.log.Close()
	if len(cn.halted) > 0 {
		cn.tb.Errorf("halted again: %s", <-cn.halted)
	}
}

func second[T any](_ T, err error) error { return err }

// lastRecord is the last record of EVENTS.
func lastRecord(t *testing.T, log *streams.Log) domain.Record {
	t.Helper()
	state, err := log.State(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	next, stop := iter.Pull2(log.Events(t.Context(), state.Events.Last, ""))
	defer stop()
	r, err, _ := next()
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// An event forged in EVENTS differs from what the node decides. The node halts and confirms neither of them.
func TestHalt_StopsOnDivergence(t *testing.T) {
	cn, _ := singleNode(t)
	cn.createPromotion()
	cn.mustSubmit(command("kim", "k", "demo", coupons.Issue{}))
	last := lastRecord(t, cn.log)
	forged, err := streams.EncodeEvent(last.Hash, domain.Event{
		Number: last.Number + 1, Sequence: 3000, Now: domain.At(time.Now()), Entity: "demo", User: "mallory", Last: true,
		Request: domain.NewRequestID("mallory", "k"), Fingerprint: domain.NewFingerprint("k"),
		Body: coupons.Issued{PromotionID: "demo", CouponID: "demo-2", Number: 2},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := cn.log.AppendEvents(t.Context(), []domain.Record{forged}); err != nil {
		t.Fatal(err)
	}
	if _, err := cn.submit(command("lee", "k", "demo", coupons.Issue{})); !errors.Is(err, projections.ErrHalted) {
		t.Errorf("lee: got %v, want ErrHalted", err)
	}
	if _, err := audit.Run(t.Context(), cn.log, nil); !errors.Is(err, audit.ErrDifference) {
		t.Errorf("audit: got %v, want ErrDifference", err)
	}
	cn.wantHalt("event 3 in EVENTS is not what this node has decided")
	if got := uint64(len(cn.recorder.events)); got != last.Number {
		t.Errorf("%d events were confirmed, want %d: neither the forged one nor the one decided in its place", got, last.Number)
	}

	// The next run is halted from the start, for the same reason.
	cn.log = streamtest.Open(t, cn.config)
	cn.projectorLog = cn.log
	err = cn.startProjector(nil)
	if !errors.Is(err, projections.ErrInconsistent) || !strings.Contains(err.Error(), "event 3 in EVENTS is not what this node has decided") {
		t.Errorf("got %v, want a halt", err)
	}
}

// alteredStateLog reports an altered state.
type alteredStateLog struct {
	*streams.Log
	alter atomic.Pointer[func(*domain.LogState)]
}

func (l *alteredStateLog) State(ctx context.Context) (domain.LogState, error) {
	state, err := l.Log.State(ctx)
	if alter := l.alter.Load(); alter != nil {
		(*alter)(&state)
	}
	return state, err
}

// nats-server reports a log as healthy that has lost its end or its middle. The watchdog notices.
func TestHalt_StopsOnLogLoss(t *testing.T) {
	for name, c := range map[string]struct {
		alter func(*domain.LogState)
		want  string
	}{
		"commands go backwards": {func(s *domain.LogState) { s.Commands.Last--; s.Commands.Messages-- }, "COMMANDS has gone backwards"},
		"events go backwards":   {func(s *domain.LogState) { s.Events.Last--; s.Events.Messages-- }, "EVENTS has gone backwards"},
		"commands begin later":  {func(s *domain.LogState) { s.Commands.First++; s.Commands.Messages-- }, "COMMANDS is damaged"},
		"events have a gap":     {func(s *domain.LogState) { s.Events.Messages--; s.Events.Deleted++ }, "EVENTS is damaged"},
		"all events are lost":   {func(s *domain.LogState) { s.Events = domain.StreamState{} }, "EVENTS has gone backwards"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cn := embeddedNode(t)
			log := &alteredStateLog{Log: cn.log}
			cn.projectorLog = log
			if err := cn.startProjector(nil); err != nil {
				t.Fatal(err)
			}
			cn.createPromotion()
			cn.mustSubmit(command("kim", "k", "demo", coupons.Issue{}))
			log.alter.Store(&c.alter)
			cn.wantHalt(c.want)
		})
	}
}

// publishRaw publishes bytes to COMMANDS that no onsale encoded.
func publishRaw(t *testing.T, nc *nats.Conn, payload []byte) {
	t.Helper()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := js.Publish(t.Context(), "cmd.stranger", payload); err != nil {
		t.Fatal(err)
	}
}

func encodeCommand(t *testing.T, c domain.Command) []byte {
	t.Helper()
	b, err := streams.EncodeCommand(c)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// A command of an unknown type, from a newer onsale, halts the node: it decides neither that command nor any after it.
func TestHalt_StopsOnUnknownType(t *testing.T) {
	cn, nc := singleNode(t)
	cn.createPromotion()
	newer := bytes.Replace(encodeCommand(t, command("kim", "k", "demo", coupons.Issue{})), []byte("coupons.issue"), []byte("coupons.raffle"), 1)
	publishRaw(t, nc, newer)
	if _, err := cn.submit(command("lee", "k", "demo", coupons.Issue{})); !errors.Is(err, projections.ErrHalted) {
		t.Errorf("lee, whose command is later: got %v, want ErrHalted", err)
	}
	cn.wantHalt("needs a newer onsale", "coupons.raffle.v1", "command 3000")
	if len(cn.recorder.events) != 1 {
		t.Errorf("confirmed %+v, want only the promotion", cn.recorder.events)
	}
}

// Malformed commands become dead letters that keep their bytes, and block neither the commands of the same message nor later ones.
func TestHalt_SkipsMalformedCommands(t *testing.T) {
	cn, nc := singleNode(t)
	cn.createPromotion()
	kim := command("kim", "k", "demo", coupons.Issue{})
	publishRaw(t, nc, bytes.Join([][]byte{[]byte("give me one"), encodeCommand(t, kim), []byte("{\"type\":\"coupons.issue\"")}, []byte("\n")))
	publishRaw(t, nc, nil)
	if o := cn.mustSubmit(command("lee", "k", "demo", coupons.Issue{})); o.Body != issued(2) {
		t.Errorf("lee got %+v, want coupon 2", o.Body)
	}
	if o, ok, err := cn.p.OutcomeOf(kim.Request); err != nil || !ok || o.Sequence != 3001 || o.Body != issued(1) {
		t.Errorf("kim got %+v %v %v, want coupon 1 at 3001", o, ok, err)
	}
	cn.checkHealthy()
	var dead []string
	for _, e := range cn.recorder.events {
		if body, is := e.Body.(domain.DeadLetter); is {
			dead = append(dead, body.Reason+" "+string(body.Bytes))
		}
	}
	want := []string{"malformed give me one", `malformed {"type":"coupons.issue"`, "malformed "}
	if strings.Join(dead, "|") != strings.Join(want, "|") {
		t.Errorf("dead letters are %q, want %q", dead, want)
	}
}

// checkHealthy checks that the node has not halted, stops it and verifies its store.
func (cn *clusterNode) checkHealthy() {
	cn.tb.Helper()
	if reason := cn.p.Status().Halted; reason != "" {
		cn.tb.Errorf("halted: %s", reason)
	}
	cn.stop()
	cn.stop = nil
	verify(cn.tb, cn.log, cn.path, cn.log.Epoch())
	_ = cn.log.Close()
}

// unknownCommand has no rule. The codec would refuse it.
type unknownCommand struct{}

func (unknownCommand) Type() (string, int) { return "raffle.draw", 1 }

// alteredConsumer replaces the commands of user doom with unknownCommand.
type alteredConsumer struct {
	projections.CommandConsumer
	batches chan domain.Batch
}

func (m *alteredConsumer) Batches() <-chan domain.Batch { return m.batches }

func consumeAltered(log *streams.Log) func(context.Context, uint64) (projections.CommandConsumer, error) {
	return func(ctx context.Context, from uint64) (projections.CommandConsumer, error) {
		commands, err := log.ConsumeCommands(ctx, from)
		m := &alteredConsumer{commands, make(chan domain.Batch)}
		go func() {
			defer close(m.batches)
			for b := range commands.Batches() {
				for i := range b.Commands {
					if b.Commands[i].User == "doom" {
						b.Commands[i].Body = unknownCommand{}
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

// A command whose rule panics becomes a dead letter, which is its outcome, and later commands are decided. Later runs and the audit
// take the dead letter as a fact, whatever the rules decide then.
func TestHalt_SkipsPanickingRule(t *testing.T) {
	cn := embeddedNode(t)
	cn.projectorLog = cn.log
	if err := cn.startProjector(func(c *projections.Config) { c.ConsumeCommands = consumeAltered(cn.log) }); err != nil {
		t.Fatal(err)
	}
	cn.createPromotion()
	doomed := command("doom", "k", "demo", coupons.Issue{})
	o := cn.mustSubmit(doomed)
	if dead, ok := o.Body.(domain.DeadLetter); !ok || dead.Reason != domain.DeadLetterPanicked || o.Request != doomed.Request {
		t.Errorf("got %+v, want a dead letter for doom's request", o)
	}
	if again := cn.mustSubmit(doomed); again.Number != o.Number {
		t.Errorf("repeated, got event %d, want %d", again.Number, o.Number)
	}
	if o := cn.mustSubmit(command("kim", "k", "demo", coupons.Issue{})); o.Body != issued(1) {
		t.Errorf("kim got %+v, want coupon 1", o.Body)
	}
	cn.stop()
	if err := cn.startProjector(nil); err != nil { // now with the unaltered consumer
		t.Fatal(err)
	}
	if again := cn.mustSubmit(doomed); again.Number != o.Number || typeOf(again) != typeOf(o) {
		t.Errorf("repeated in the next run: got %+v, want %+v", again, o)
	}
	cn.checkHealthy()
}

// A store of another log, as when data directories are mixed up, is refused: nothing is decided or overwritten.
func TestHalt_RefusesStoreOfAnotherLog(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	var epochs []string
	for range 2 {
		log := streamtest.Start(t)
		epochs = append(epochs, log.Epoch())
		p, _, err := projections.Open(t.Context(), projections.Config{
			Path: path, Log: log, ConsumeCommands: commandsOf(log), Epoch: log.Epoch(), Logger: streamtest.Config(t, "").Logger,
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
		if !errors.Is(err, projections.ErrInconsistent) || !strings.Contains(err.Error(), epochs[0]) || !strings.Contains(err.Error(), epochs[1]) {
			t.Errorf("got %v, want ErrInconsistent with both epochs", err)
		}
		if got := p.Status().Halted; got == "" || got != err.Error() {
			t.Errorf("the status has %q, want %q", got, err)
		}
		if _, err := p.Await(t.Context(), domain.NewRequestID("kim", "k"), 1000); !errors.Is(err, projections.ErrHalted) {
			t.Errorf("got %v, want ErrHalted", err)
		}
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	}
	s, _, err := store.Open(path, epochs[0], nil)
	if err != nil {
		t.Fatalf("the store was changed: %v", err)
	}
	s.Close()
}
