// A pump reads the log for a socket that the ring cannot serve, with a goroutine for as long as that takes. In line before
// the log it costs nothing; and one whose socket takes nothing for a while gives its place to the next in line.
package stream

import (
	"context"
	"errors"
	"time"
)

// yield is how long a full socket keeps its place at the log.
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
	behind   Position // the batch
	frames   int      // in it
	patience uint32
}

// pumpUp begins to read the log for s, up to event target.
func (s *socket) pumpUp(target uint64) {
	h := s.loop.hub
	if s.behind {
		h.demoted.Add(1)
	}
	ctx, stop := context.WithCancel(context.Background())
	p := &pump{socket: s, stop: stop, done: make(chan error, 1)}
	p.chase = chase{hub: h, ctx: ctx, cursor: s.cursor, write: p.write, behind: s.behind}
	p.ticket = &ticket{turn: make(chan struct{}), called: func() { h.remote.Go(func() { p.run(target) }) }}
	s.pump = p
	h.line.join(p.ticket)
}

func (p *pump) run(target uint64) {
	err := p.chase.run(p.ticket, target) // what is missing after it is found by the next turn
	p.socket.loop.post(func() {
		if p.socket.pump == p {
			if err == nil {
				p.socket.cursor.at = p.chase.cursor.at // all is written; it may have found that there was nothing more
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
	s, behind, frames := p.socket, p.chase.cursor.at, p.chase.cursor.taken
	p.chase.cursor.taken = 0
	s.loop.post(func() {
		if s.pump == p {
			p.out, p.sent, p.behind, p.frames = out, 0, behind, frames
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
		p.socket.cursor.at = p.behind
		p.socket.count(p.frames)
	}
	p.done <- err
}

// yield gives up the place at the log. What is left of the frame under way is kept; the socket stands in line again when
// it can be written.
func (p *pump) yield() {
	s := p.socket
	if p.sent > 0 { // otherwise what fills the socket is the rest of something else
		whole := 0
		s.rest, s.cursor.at, whole = cut(p.out, p.sent, s.cursor.at)
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
