package projections_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"onsale/domain"
	"onsale/domain/coupons"
	"onsale/streams"
)

// gatedLog lets a test hold back the appends of commands.
type gatedLog struct {
	*streams.Log
	began chan struct{} // receives when an append begins
	let   chan struct{} // an append goes on when it receives
	fail  error
}

func (l *gatedLog) Append(ctx context.Context, c domain.Command) (uint64, error) {
	l.began <- struct{}{}
	<-l.let
	if l.fail != nil {
		return 0, l.fail
	}
	return l.Log.Append(ctx, c)
}

// Questions share ticks, but a question never uses a tick whose append began before it.
func TestBarrier_IsShared(t *testing.T) {
	cn := embeddedNode(t)
	log := &gatedLog{Log: cn.log, began: make(chan struct{}), let: make(chan struct{})}
	cn.projectorLog = log
	if err := cn.startProjector(nil); err != nil {
		t.Fatal(err)
	}
	answers := make(chan error, 100)
	ask := func() { go func() { answers <- cn.p.Barrier(t.Context()) }() }
	ask()
	<-log.began
	for range 50 { // during the first append: they share the second
		ask()
	}
	time.Sleep(100 * time.Millisecond)
	if len(answers) != 0 {
		t.Fatalf("%d questions were answered before any append", len(answers))
	}
	log.let <- struct{}{}
	if err := <-answers; err != nil {
		t.Error(err)
	}
	<-log.began
	if len(answers) != 0 {
		t.Errorf("%d questions that came during the first append used it", len(answers))
	}
	log.let <- struct{}{}
	for range 50 {
		if err := <-answers; err != nil {
			t.Error(err)
		}
	}
	state, err := cn.log.State(t.Context())
	if err != nil || state.Commands.Last != 2 {
		t.Errorf("COMMANDS ends at %d, want 2: %v", state.Commands.Last, err)
	}

	log.fail = domain.ErrNoAck
	ask()
	<-log.began
	log.let <- struct{}{}
	if err := <-answers; !errors.Is(err, domain.ErrNoAck) {
		t.Errorf("an append without an acknowledgement: got %v", err)
	}
	cn.checkHealthy()
}

// What another node had accepted before the question is decided when Barrier returns.
func TestBarrier_CoversOtherNodes(t *testing.T) {
	tn := newTestNode(t)
	tn.createPromotion("demo", 1000)
	var group sync.WaitGroup
	for range 20 {
		group.Go(func() {
			for range 10 {
				sequence := tn.append(command("kim", "k", "demo", coupons.Issue{}))
				if err := tn.p.Barrier(t.Context()); err != nil {
					t.Error(err)
				}
				if got := tn.p.Status().DecidedSequence; got < sequence {
					t.Errorf("command %d is not decided, only %d", sequence, got)
				}
			}
		})
	}
	group.Wait()
}

// A sequence behind the end of the log was never accepted. One that is in flight costs a tick only until this node has heard of it.
func TestAccepted_KnowsTheEndOfTheLog(t *testing.T) {
	tn := newTestNode(t)
	tn.createPromotion("demo", 1000)
	last := func() uint64 {
		state, err := tn.log.State(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return state.Commands.Last
	}
	accepted := func(sequence uint64, want bool) {
		t.Helper()
		got, err := tn.p.Accepted(t.Context(), sequence)
		if err != nil || got != want {
			t.Errorf("command %d: got %t, want %t: %v", sequence, got, want, err)
		}
	}
	sequence := tn.append(command("kim", "k", "demo", coupons.Issue{}))
	accepted(sequence, true)
	accepted((last()+1_000)*domain.SequencesPerMessage, false)
	before := last()
	for range 10 {
		accepted(sequence, true)
	}
	accepted((before-1)*domain.SequencesPerMessage, true)
	if end := last(); end != before {
		t.Errorf("%d ticks were appended for commands that this node knew of", end-before)
	}
}
