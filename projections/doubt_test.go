package projections_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"onsale/domain"
	"onsale/domain/coupons"
	"onsale/projections"
	"onsale/projections/store"
	"onsale/streams"
)

// staleLog is the log of a cluster whose servers answer what a test says.
type staleLog struct {
	alteredStateLog
	unavailable atomic.Bool
	asked       atomic.Int64
}

func (l *staleLog) Embedded() bool { return false }

func (l *staleLog) State(ctx context.Context) (domain.LogState, error) {
	l.asked.Add(1)
	if l.unavailable.Load() {
		return domain.LogState{}, errors.New("no leader")
	}
	return l.alteredStateLog.State(ctx)
}

// answer makes the servers answer with an altered state; nil: with the truth.
func (l *staleLog) answer(alter func(*domain.LogState)) {
	if alter == nil {
		l.alter.Store(nil)
		return
	}
	l.alter.Store(&alter)
}

// waitAsked waits until the node has had n more answers.
func (l *staleLog) waitAsked(n int64) {
	for until := l.asked.Load() + n + 1; l.asked.Load() < until; time.Sleep(time.Millisecond) {
	}
}

const askEvery = 20 * time.Millisecond

// staleNode is a node on a staleLog with a promotion.
func staleNode(t *testing.T, patience time.Duration) (*clusterNode, *staleLog) {
	t.Helper()
	cn := embeddedNode(t)
	log := &staleLog{alteredStateLog: alteredStateLog{Log: cn.log}}
	cn.projectorLog = log
	if err := cn.startProjector(func(c *projections.Config) { c.SetDoubt(askEvery, patience) }); err != nil {
		t.Fatal(err)
	}
	cn.createPromotion()
	cn.mustSubmit(command("kim", "k", "demo", coupons.Issue{}))
	return cn, log
}

var staleAnswers = map[string]func(*domain.LogState){
	"commands go backwards": func(s *domain.LogState) { s.Commands.Last--; s.Commands.Messages-- },
	"events go backwards":   func(s *domain.LogState) { s.Events.Last--; s.Events.Messages-- },
	"commands begin later":  func(s *domain.LogState) { s.Commands.First++; s.Commands.Messages-- },
	"events have a gap":     func(s *domain.LogState) { s.Events.Messages--; s.Events.Deleted++ },
	"all events are lost":   func(s *domain.LogState) { s.Events = domain.StreamState{} },
	"all is lost":           func(s *domain.LogState) { *s = domain.LogState{} },
}

// On a cluster a bad answer is doubted: the node goes on deciding, says so, and halts only when it stays so. The halt ends when the
// log has proven whole, and nothing is lost or decided twice.
func TestDoubt_PrecedesHalt(t *testing.T) {
	for name, alter := range staleAnswers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cn, log := staleNode(t, time.Second)
			log.answer(alter)
			log.waitAsked(5)
			if s := cn.p.Status(); s.Halted != "" || s.Doubt == "" {
				t.Errorf("after some bad answers: %+v, want a doubt and no halt", s)
			}
			cn.mustSubmit(command("lee", "k", "demo", coupons.Issue{}))
			log.answer(nil)
			log.waitAsked(5)
			if s := cn.p.Status(); s.Halted != "" || s.Doubt != "" {
				t.Errorf("after good answers: %+v, want no doubt", s)
			}

			log.answer(alter)
			reason := <-cn.halted
			if s := cn.p.Status(); s.Halted != reason || !strings.Contains(reason, "looks damaged") {
				t.Errorf("after a second of bad answers: %+v, want a halt", s)
			}
			if err := cn.p.Read("kim", func(*store.View) error { return nil }); !errors.Is(err, projections.ErrHalted) {
				t.Errorf("a read while halted: got %v", err)
			}
			sequence, err := cn.log.Append(t.Context(), command("may", "k", "demo", coupons.Issue{}))
			if err != nil {
				t.Fatal(err)
			}
			log.answer(nil)
			<-cn.resumed
			if o, err := cn.p.Await(t.Context(), domain.NewRequestID("may", "k"), sequence); err != nil || o.Body != issued(3) {
				t.Errorf("what was accepted during the halt: got %+v %v, want coupon 3", o.Body, err)
			}
			if err := cn.p.WaitCaughtUp(t.Context()); err != nil {
				t.Error(err)
			}
			if s := cn.p.Status(); !s.CaughtUp || s.Doubt != "" {
				t.Errorf("after the halt: %+v", s)
			}
			cn.checkHealthy()
		})
	}
}

// Answers of an old leader, of the new one, and none at all, in every order: as long as a good one comes now and then, nothing halts.
func TestDoubt_SurvivesMixedAnswers(t *testing.T) {
	t.Parallel()
	cn, log := staleNode(t, 500*time.Millisecond)
	var alters []func(*domain.LogState)
	for _, alter := range staleAnswers {
		alters = append(alters, alter)
	}
	for i := range 60 {
		switch rand.IntN(4) {
		case 0:
			log.unavailable.Store(true)
			time.Sleep(rand.N(100 * time.Millisecond))
			log.unavailable.Store(false)
		case 1:
			log.answer(nil)
			log.waitAsked(1)
		default:
			log.answer(alters[rand.IntN(len(alters))])
			time.Sleep(rand.N(60 * time.Millisecond))
			log.answer(nil)
			log.waitAsked(1)
		}
		cn.mustSubmit(command(fmt.Sprint("u", i), "k", "demo", coupons.Issue{}))
	}
	cn.checkHealthy()
}

// A log that once was denied and then does not answer is not damaged.
func TestDoubt_NeedsAnswers(t *testing.T) {
	t.Parallel()
	cn, log := staleNode(t, 100*time.Millisecond)
	log.answer(staleAnswers["all is lost"])
	log.waitAsked(2)
	log.unavailable.Store(true)
	time.Sleep(300 * time.Millisecond)
	log.answer(nil)
	log.unavailable.Store(false)
	log.waitAsked(5)
	if s := cn.p.Status(); s.Doubt != "" {
		t.Errorf("got %+v", s)
	}
	cn.checkHealthy()
}

// At open a bad answer is doubted too.
func TestDoubt_PrecedesHaltAtOpen(t *testing.T) {
	t.Parallel()
	cn, log := staleNode(t, time.Second)
	cn.stop()
	restart := func() error {
		return cn.startProjector(func(c *projections.Config) { c.SetDoubt(askEvery, 500*time.Millisecond); c.OutboxRetention = 1 })
	}
	lost := staleAnswers["commands go backwards"]
	log.answer(lost)
	time.AfterFunc(200*time.Millisecond, func() { log.answer(nil) })
	if err := restart(); err != nil {
		t.Fatalf("a server that is wrong for a moment: %v", err)
	}
	cn.mustSubmit(command("lee", "k", "demo", coupons.Issue{}))
	cn.stop()
	log.answer(lost)
	if err := restart(); !errors.Is(err, projections.ErrInconsistent) {
		t.Errorf("a log that stays backwards: got %v", err)
	}
	log.answer(nil)
	_ = cn.log.Close()
}

// brokenConsumer ends with an error, as a reader of a cluster does that was denied a message for long.
type brokenConsumer struct{ err error }

func (c brokenConsumer) Batches() <-chan domain.Batch {
	closed := make(chan domain.Batch)
	close(closed)
	return closed
}
func (c brokenConsumer) Err() error { return c.err }
func (c brokenConsumer) Ack(uint64) {}

// A halt because a reader was denied a message ends once the message is there; one because of an unknown type does not.
func TestDoubt_EndsWhenReadable(t *testing.T) {
	t.Parallel()
	cn := embeddedNode(t)
	cn.projectorLog = &staleLog{alteredStateLog: alteredStateLog{Log: cn.log}}
	var broken atomic.Pointer[error]
	gap := fmt.Errorf("message 2: %w", streams.ErrGap)
	broken.Store(&gap)
	if err := cn.startProjector(func(c *projections.Config) {
		c.SetDoubt(askEvery, time.Second)
		consume := c.ConsumeCommands
		c.ConsumeCommands = func(ctx context.Context, from uint64) (projections.CommandConsumer, error) {
			if err := broken.Load(); err != nil {
				return brokenConsumer{*err}, nil
			}
			return consume(ctx, from)
		}
	}); err != nil {
		t.Fatal(err)
	}
	<-cn.halted
	if _, err := cn.log.Append(t.Context(), command("admin", "sale", "demo", coupons.Create{Name: "demo", Stock: 10, PerUserLimit: 1})); err != nil {
		t.Fatal(err)
	}
	time.Sleep(20 * askEvery)
	if len(cn.resumed) != 0 {
		t.Fatal("resumed while COMMANDS cannot be read")
	}
	broken.Store(nil)
	<-cn.resumed
	cn.mustSubmit(command("kim", "k", "demo", coupons.Issue{}))
	cn.stop()

	unknown := fmt.Errorf("command 9000: %w", domain.ErrUnknownType)
	broken.Store(&unknown)
	if err := cn.startProjector(func(c *projections.Config) {
		c.SetDoubt(askEvery, time.Second)
		c.ConsumeCommands = func(context.Context, uint64) (projections.CommandConsumer, error) {
			return brokenConsumer{unknown}, nil
		}
	}); err != nil {
		t.Fatal(err)
	}
	<-cn.halted
	time.Sleep(20 * askEvery)
	if len(cn.resumed) != 0 || cn.p.Status().Halted == "" {
		t.Error("resumed after an unknown type")
	}
	cn.stop()
	_ = cn.log.Close()
}
