// A pump reads the log for a socket that the ring cannot serve, with a goroutine for as long as that takes. In line before
// the log it costs nothing; and one whose socket takes nothing for a while gives its place to the next in line.

package sse

import (
	"context"
	"errors"
	"time"
)

// stallLimit is how long a batch that does not go out keeps its reader's place at the log.
const stallLimit = time.Second

var (
	errClosed  = errors.New("the socket is closed")
	errYielded = errors.New("the socket is full")
)

type catchUpTask struct {
	socket  *socket
	catchUp catchUp
	waiter  *waiter
	cancel  context.CancelFunc
	done    chan error // one slot: what became of the batch

	// The loop's own: the batch under way, which goes on as the goroutine's when it is done.
	out               []byte
	sent              int
	nextCursor        cursor // when it is out
	writingConflation bool   // a burst: no place at the log is held
	yieldAt           uint32
}

// startCatchUp begins to read the log for s, up to event target.
func (s *socket) startCatchUp(target uint64) {
	h := s.loop.hub
	ctx, cancel := context.WithCancel(context.Background())
	p := &catchUpTask{socket: s, cancel: cancel, done: make(chan error, 1)}
	p.catchUp = catchUp{hub: h, ctx: ctx, cursor: s.cursor, write: p.write, fellBehind: s.fellBehind && s.cursor.wasCaughtUp}
	p.waiter = &waiter{ready: make(chan struct{}), onGranted: func() { h.background.Go(func() { p.run(target) }) }}
	s.catchUp = p
	h.catchUpSlots.enqueue(p.waiter)
}

func (p *catchUpTask) run(target uint64) {
	err := p.catchUp.run(p.waiter, target) // what is missing after it is found by the next turn
	p.socket.loop.post(func() {
		if p.socket.catchUp == p {
			if err == nil {
				// All is written; it may have found that there was nothing more, or never will be.
				p.socket.cursor.at, p.socket.cursor.endsAfter = p.catchUp.cursor.at, p.catchUp.cursor.endsAfter
			}
			p.stop(nil)
			p.socket.step()
			p.socket.schedule()
		}
	})
}

// write gives a batch to the loop, and returns when it is in the kernel.
func (p *catchUpTask) write(out []byte) error {
	if len(out) == 0 {
		return nil
	}
	s, nextCursor, writingConflation := p.socket, p.catchUp.cursor, p.catchUp.writingConflation
	p.catchUp.cursor.frameCount = 0
	s.loop.post(func() {
		if s.catchUp == p {
			p.out, p.sent, p.nextCursor, p.writingConflation, p.yieldAt = out, 0, nextCursor, writingConflation, s.loop.tickAfter(stallLimit)
			s.step()
			s.schedule()
		}
	})
	select {
	case err := <-p.done:
		return err
	case <-p.catchUp.ctx.Done():
		return p.catchUp.ctx.Err()
	}
}

// batchWritten is when a batch is done with.
func (p *catchUpTask) batchWritten(err error) {
	p.out = nil
	if err == nil {
		p.socket.cursor.at, p.socket.cursor.midConflation = p.nextCursor.at, p.nextCursor.midConflation
		p.socket.countWritten(p.nextCursor.frameCount)
	}
	p.done <- err
}

// blocksHistory says that a full socket holds a place at the log.
func (p *catchUpTask) blocksHistory() bool {
	return p != nil && p.out != nil && !p.writingConflation && p.socket.blocked
}

// releaseSlot gives up the place at the log. What is left of the frame under way is kept; the socket stands in line again when
// it can be written.
func (p *catchUpTask) releaseSlot() {
	s := p.socket
	if p.sent > 0 { // otherwise what fills the socket is the rest of something else
		frames := 0
		s.partial, s.cursor.at, frames = splitAtFrame(p.out, p.sent, s.cursor.at)
		s.cursor.endsAfter = p.nextCursor.endsAfter
		s.countWritten(frames)
	}
	p.stop(errYielded)
}

// stop lets go of the pump: its goroutine is told, or, if it never had its turn, its place in line given back.
func (p *catchUpTask) stop(err error) {
	p.socket.catchUp = nil
	if p.out != nil {
		p.batchWritten(err)
	}
	p.cancel()
	p.socket.loop.hub.catchUpSlots.cancel(p.waiter)
}
