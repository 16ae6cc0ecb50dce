// Ending all streams. A browser that meets a refused connection or a status other than 200 gives up for ever, so while
// the listener stands every stream is told when to come back, each another time.
package stream

import (
	"context"
	"math/rand/v2"
	"net/http"
	"time"
)

// gap is the longest between two ends in a drain: what comes back at a hundred a second is no crowd.
const gap = 10 * time.Millisecond

const draining = "draining" // why streams end

// Shed turns a stream away in the one way that its client survives: a time to come back, and the end. There is no first
// frame and no id, so the client keeps the one it has. Its connection, which would take up a place until it comes back, is
// closed as well, unless others of HTTP/2 share it.
func (h *Hub) Shed(w http.ResponseWriter, r *http.Request) {
	h.mu.RLock()
	b := h.sorry()
	h.mu.RUnlock()
	prepare(w)
	if r.ProtoMajor == 1 {
		w.Header().Set("Connection", "close")
	}
	_, _ = w.Write(b)
	h.complain()
}

// sorry is what a stream reads that is turned away, under the hub's lock.
func (h *Hub) sorry() []byte {
	h.shed.Add(1)
	h.drop(1)
	return append(appendRetry(nil, max(0, time.Until(h.until))+comeBack()), '\n')
}

// Halt ends all streams and sheds new ones: this node must not tell anybody anything any more, whatever it is told.
func (h *Hub) Halt(reason string) {
	h.mu.Lock()
	h.halted = true
	h.mu.Unlock()
	conns, _ := h.stop(reason, 0)
	for _, c := range conns {
		c.dismiss(farewell{comeBack()})
	}
}

// Drain ends all streams one after the other within window and sheds new ones, so that whoever comes next does not meet
// everybody at once. A few need less than the window. None is told to come back before it is over. It returns when all
// have ended, or with the error of ctx.
func (h *Hub) Drain(ctx context.Context, window time.Duration) error {
	conns, window := h.stop(draining, window)
	defer h.drained()
	rand.Shuffle(len(conns), func(i, j int) { conns[i], conns[j] = conns[j], conns[i] })
	began := time.Now()
	for i, c := range conns {
		due := window * time.Duration(i) / time.Duration(len(conns))
		if early := due - time.Since(began); early > 0 {
			select {
			case <-time.After(early):
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		c.dismiss(farewell{window - due + comeBack()})
	}
	select {
	case <-h.empty:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Close ends what is left: whole frames where it can be done within a second, in the middle of a write otherwise. It
// returns when nothing of the hub runs any more.
func (h *Hub) Close() {
	h.Halt("closed")
	select {
	case <-h.empty:
	case <-time.After(time.Second):
		h.mu.RLock()
		for c := range h.conns {
			c.tear()
		}
		h.mu.RUnlock()
		<-h.empty
	}
	h.engine.stop()
	h.remote.Wait()
}

// stop lets no more streams in and gives those that are there, and how much of the window they need. The first reason
// stays.
func (h *Hub) stop(reason string, window time.Duration) ([]guest, time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	window = min(window, gap*time.Duration(len(h.conns)))
	if h.shut == "" {
		h.shut = reason
		h.die()
		h.Log.Info("streams end", "reason", reason, "streams", len(h.conns))
		h.drop(len(h.conns))
		if len(h.conns) == 0 {
			close(h.empty)
		}
	}
	if reason == draining {
		h.drain.began, h.drain.ended = time.Now(), time.Time{}
		h.until = h.drain.began.Add(window)
	}
	conns := make([]guest, 0, len(h.conns))
	for c := range h.conns {
		conns = append(conns, c)
	}
	return conns, window
}

// drop counts streams that end, or never begin, because the hub is shut. It is called under the hub's lock.
func (h *Hub) drop(streams int) {
	switch h.shut {
	case "":
	case draining:
		h.dropped.draining.Add(uint64(streams))
	default:
		h.dropped.halted.Add(uint64(streams))
	}
}

func (h *Hub) drained() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.drain.ended = time.Now()
}
