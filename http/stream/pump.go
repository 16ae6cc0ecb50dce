// A pump reads the log for a socket that the ring cannot serve, with a goroutine for as long as that takes. In line before
// the log it costs nothing; and one whose socket takes nothing for a while gives its place to the next in line.
package stream

import (
	"context"
	"errors"
	"time"
)

// yield is how long a batch that does not go out keeps its reader's place at the log.
const yield = time.Second

var (
	errClosed  = errors.New("the socket is closed")
	errYielded = errors.New("the socket is full")
)

type pump struct {
	socket *socket
	chase  chase
	ticket *ticket
	stop   context.CancelFunc
	done   chan error // one slot: what became of the batch

	// The loop's own: the batch under way, which goes on as the goroutine's when it is done.
	out      []byte
	sent     int
	then     cursor // when it is out
	telling  bool   // a burst: no place at the log is held
	patience uint32
}

// pumpUp begins to read the log for s, up to event target.
func (s *socket) pumpUp(target uint64) {
	h := s.loop.hub
	ctx, stop := context.WithCancel(context.Background())
	p := &pump{socket: s, stop: stop, done: make(chan error, 1)}
	p.chase = chase{hub: h, ctx: ctx, cursor: s.cursor, write: p.write, behind: s.behind && s.cursor.live}
	p.ticket = &ticket{turn: make(chan struct{}), called: func() { h.remote.Go(func() { p.run(target) }) }}
	s.pump = p
	h.line.join(p.ticket)
}

func (p *pump) run(target uint64) {
	err := p.chase.run(p.ticket, target) // what is missing after it is found by the next turn
	p.socket.loop.post(func() {
		if p.socket.pump == p {
			if err == nil {
				// All is written; it may have found that there was nothing more, or never will be.
				p.socket.cursor.at, p.socket.cursor.last = p.chase.cursor.at, p.chase.cursor.last
			}
			p.end(nil)
			p.socket.turn()
			p.socket.arm()
		}
	})
}

// write gives a batch to the loop, and returns when it is in the kernel.
func (p *pump) write(out []byte) error {
	if len(out) == 0 {
		return nil
	}
	s, then, telling := p.socket, p.chase.cursor, p.chase.telling
	p.chase.cursor.taken = 0
	s.loop.post(func() {
		if s.pump == p {
			p.out, p.sent, p.then, p.telling, p.patience = out, 0, then, telling, s.loop.in(yield)
			s.turn()
			s.arm()
		}
	})
	select {
	case err := <-p.done:
		return err
	case <-p.chase.ctx.Done():
		return p.chase.ctx.Err()
	}
}

// taken is when a batch is done with.
func (p *pump) taken(err error) {
	p.out = nil
	if err == nil {
		p.socket.cursor.at, p.socket.cursor.within = p.then.at, p.then.within
		p.socket.count(p.then.taken)
	}
	p.done <- err
}

// keeps says that a full socket holds a place at the log.
func (p *pump) keeps() bool { return p != nil && p.out != nil && !p.telling && p.socket.full }

// yield gives up the place at the log. What is left of the frame under way is kept; the socket stands in line again when
// it can be written.
func (p *pump) yield() {
	s := p.socket
	if p.sent > 0 { // otherwise what fills the socket is the rest of something else
		whole := 0
		s.rest, s.cursor.at, whole = cut(p.out, p.sent, s.cursor.at)
		s.cursor.last = p.then.last
		s.count(whole)
	}
	p.end(errYielded)
}

// end lets go of the pump: its goroutine is told, or, if it never had its turn, its place in line given back.
func (p *pump) end(err error) {
	p.socket.pump = nil
	if p.out != nil {
		p.taken(err)
	}
	p.stop()
	p.socket.loop.hub.line.quit(p.ticket)
}
