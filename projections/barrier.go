// Barriers: what a node must do before it may say that something was never accepted. The end of COMMANDS as one server reports it
// proves nothing: the server may have been a leader that does not know of its successor.

package projections

import (
	"context"
	"fmt"
	"sync"
	"time"

	"onsale/domain"
)

const (
	// barrierInterval bounds how many ticks questions can add to COMMANDS: ten a second, however many ask.
	barrierInterval = 100 * time.Millisecond
	barrierTimeout  = 5 * time.Second
)

// barriers are at most one tick that is being appended and one that waits for it. A question joins only the one that waits: the
// append of the other has begun before the question came.
type barriers struct {
	mu      sync.Mutex
	running bool
	waiting *barrier
}

// barrier is a tick that several questions share.
type barrier struct {
	appended chan struct{} // closed when sequence and err are set
	sequence uint64
	err      error
}

// Barrier returns once every command that had been accepted by any node when Barrier was called is decided and confirmed here.
// It appends a tick to COMMANDS and waits until that is decided: the log has one order, in which the tick is later than all of them.
// An error means that nothing is known.
func (p *Projector) Barrier(ctx context.Context) error {
	if err := p.haltedError(); err != nil {
		return err
	}
	b, err := p.appendedBarrier(ctx)
	if err != nil {
		return err
	}
	return p.WaitDecided(ctx, b.sequence)
}

// Accepted says whether COMMANDS had the command at sequence when Accepted was called. It appends a tick only if this node has not heard
// of a message so late: the log may have ended earlier than where a client's sequence comes from, as after a power loss.
func (p *Projector) Accepted(ctx context.Context, sequence uint64) (bool, error) {
	if sequence/domain.SequencesPerMessage <= p.commandsEnd.Load() || sequence <= p.Status().DecidedSequence {
		return true, nil
	}
	if err := p.haltedError(); err != nil {
		return false, err
	}
	b, err := p.appendedBarrier(ctx)
	if err != nil {
		return false, err
	}
	return sequence <= b.sequence, nil
}

// appendedBarrier is a tick whose append began after the call.
func (p *Projector) appendedBarrier(ctx context.Context) (*barrier, error) {
	b := p.joinBarrier()
	select {
	case <-b.appended:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if b.err != nil {
		return nil, fmt.Errorf("appending a tick: %w", b.err)
	}
	return b, nil
}

func (p *Projector) joinBarrier() *barrier {
	p.barriers.mu.Lock()
	defer p.barriers.mu.Unlock()
	if p.barriers.waiting == nil {
		p.barriers.waiting = &barrier{appended: make(chan struct{})}
	}
	if !p.barriers.running {
		p.barriers.running = true
		go p.appendBarriers()
	}
	return p.barriers.waiting
}

// appendBarriers appends the waiting barrier, and the next one, until none waits.
func (p *Projector) appendBarriers() {
	for {
		p.barriers.mu.Lock()
		b := p.barriers.waiting
		p.barriers.waiting, p.barriers.running = nil, b != nil
		p.barriers.mu.Unlock()
		if b == nil {
			return
		}
		began := time.Now()
		ctx, cancel := context.WithTimeout(context.Background(), barrierTimeout)
		b.sequence, b.err = p.Log.Append(ctx, domain.Command{Entity: domain.SystemEntity, Body: domain.Tick{}})
		cancel()
		p.raiseCommandsEnd(b.sequence / domain.SequencesPerMessage)
		close(b.appended)
		time.Sleep(barrierInterval - time.Since(began))
	}
}

// raiseCommandsEnd notes that COMMANDS has a message.
func (p *Projector) raiseCommandsEnd(message uint64) {
	for {
		end := p.commandsEnd.Load()
		if message <= end || p.commandsEnd.CompareAndSwap(end, message) {
			return
		}
	}
}
