// The catch-up task of a socket: a goroutine that reads the log and hands its batches to the loop. While it waits for a slot
// it has no goroutine; and if its socket takes nothing for a while, it gives its slot to the next.

package sse

import (
	"context"
	"errors"
)

var (
	errClosed  = errors.New("socket is closed")
	errYielded = errors.New("socket is full")
)

type catchUpTask struct {
	socket  *socket
	catchUp catchUp // the goroutine's
	waiter  *waiter
	cancel  context.CancelFunc
	done    chan error // one slot: the result of the batch under way

	// The loop's own: the batch under way.
	out       []byte
	sent      int
	next      cursor // when out is written
	conflated bool   // out is part of a conflation, which holds no slot
}

// startCatchUp begins to read the log up to event target.
func (s *socket) startCatchUp(target uint64) {
	h := s.hub
	ctx, cancel := context.WithCancel(context.Background())
	t := &catchUpTask{socket: s, cancel: cancel, done: make(chan error, 1)}
	t.catchUp = catchUp{hub: h, ctx: ctx, cursor: s.cursor, write: t.write, fellBehind: s.fellBehind && s.cursor.wasCaughtUp}
	t.waiter = &waiter{ready: make(chan struct{}), onGranted: func() { h.background.Go(func() { t.run(target) }) }}
	s.task = t
	h.catchUpSlots.enqueue(t.waiter)
}

func (t *catchUpTask) run(target uint64) {
	err := t.catchUp.run(t.waiter, target) // what is missing then is found by the next step
	s := t.socket
	s.Loop().Post(func() {
		if s.task != t {
			return
		}
		if err == nil {
			// All is written; the reading may have found that there is nothing more.
			s.cursor.at, s.cursor.endsAfter = t.catchUp.cursor.at, t.catchUp.cursor.endsAfter
		}
		t.stop(nil)
		s.Poke()
	})
}

// write hands a batch to the loop and returns when the socket has taken it.
func (t *catchUpTask) write(out []byte) error {
	if len(out) == 0 {
		return nil
	}
	s, next, conflated := t.socket, t.catchUp.cursor, t.catchUp.writingConflation
	t.catchUp.cursor.frameCount = 0
	s.Loop().Post(func() {
		if s.task != t {
			return
		}
		t.out, t.sent, t.next, t.conflated = out, 0, next, conflated
		if !conflated {
			s.SetTimer(stallLimit)
		}
		s.Poke()
	})
	select {
	case err := <-t.done:
		return err
	case <-t.catchUp.ctx.Done():
		return t.catchUp.ctx.Err()
	}
}

// flushTask writes the batch of the catch-up task. It is false unless all of it went out.
func (s *socket) flushTask() bool {
	t := s.task
	if t == nil || t.out == nil {
		return true
	}
	t.sent += s.write(t.out[t.sent:])
	if s.IsClosed() || t.sent < len(t.out) {
		return false
	}
	t.finishBatch(nil)
	return true
}

// finishBatch reports the result of the batch to the goroutine.
func (t *catchUpTask) finishBatch(err error) {
	t.out = nil
	t.socket.StopTimer()
	if err == nil {
		t.socket.cursor.at, t.socket.cursor.midConflation = t.next.at, t.next.midConflation
		t.socket.countWritten(t.next.frameCount)
	}
	t.done <- err
}

// OnTimer gives up the slot of a batch that did not go out in time. The rest of the frame under way is kept; the socket
// waits for a slot again when there is room in it.
func (s *socket) OnTimer() {
	t := s.task
	if t == nil || t.out == nil || !s.Blocked() {
		return
	}
	if t.sent > 0 { // otherwise the socket is full of something else
		rest, at, frames := splitAtFrame(t.out, t.sent, s.cursor.at)
		s.Keep(rest)
		s.cursor.at, s.cursor.endsAfter = at, t.next.endsAfter
		s.countWritten(frames)
	}
	t.stop(errYielded)
}

// stop ends the task: its goroutine is cancelled, or its place in the queue given up.
func (t *catchUpTask) stop(err error) {
	t.socket.task = nil
	if t.out != nil {
		t.finishBatch(err)
	}
	t.cancel()
	t.socket.hub.catchUpSlots.cancel(t.waiter)
}
