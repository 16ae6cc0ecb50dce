// Ending all streams. A browser that meets a refused connection or a status other than 200 gives up for ever, so while
// the listener stands every stream is told when to come back, each another time.

package sse

import (
	"context"
	"math/rand/v2"
	"net/http"
	"onsale/http/view"
	"time"
)

// drainSpacing is the longest between two ends in a drain: what comes back at a hundred a second is no crowd.
const drainSpacing = 10 * time.Millisecond

const draining = "draining" // why streams end

// Reject turns a stream away in the one way that its client survives: a time to come back, and the end. There is no first
// frame and no id, so the client keeps the one it has. Its connection, which would take up a place until it comes back, is
// closed as well, unless others of HTTP/2 share it.
func (h *Hub) Reject(w http.ResponseWriter, r *http.Request) {
	h.mu.RLock()
	b := h.rejectFrame()
	h.mu.RUnlock()
	setHeaders(w)
	if r.ProtoMajor == 1 {
		w.Header().Set("Connection", "close")
	}
	_, _ = w.Write(b)
	h.logRejections()
}

// rejectFrame is what a stream reads that is turned away, under the hub's lock.
func (h *Hub) rejectFrame() []byte {
	h.rejected.Add(1)
	h.countDropped(1)
	return append(view.AppendRetry(nil, max(0, time.Until(h.drainUntil))+retryDelay()), '\n')
}

// Halt ends all streams and sheds new ones: this node must not tell anybody anything any more, whatever it is told.
func (h *Hub) Halt(reason string) {
	h.mu.Lock()
	h.halted = true
	h.mu.Unlock()
	subs, _ := h.stopAccepting(reason, 0)
	for _, c := range subs {
		c.closeGracefully(closeNotice{retryDelay()})
	}
}

// Drain ends all streams one after the other within window and sheds new ones, so that whoever comes next does not meet
// everybody at once. A few need less than the window. None is told to come back before it is over. It returns when all
// have ended, or with the error of ctx.
func (h *Hub) Drain(ctx context.Context, window time.Duration) error {
	subs, window := h.stopAccepting(draining, window)
	defer h.recordDrainEnd()
	rand.Shuffle(len(subs), func(i, j int) { subs[i], subs[j] = subs[j], subs[i] })
	began := time.Now()
	for i, c := range subs {
		offset := window * time.Duration(i) / time.Duration(len(subs))
		if wait := offset - time.Since(began); wait > 0 {
			select {
			case <-time.After(wait):
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		c.closeGracefully(closeNotice{window - offset + retryDelay()})
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
		for c := range h.subscriptions {
			c.abort()
		}
		h.mu.RUnlock()
		<-h.empty
	}
	h.engine.stop()
	h.background.Wait()
}

// stopAccepting lets no more streams in and gives those that are there, and how much of the window they need. The first reason
// stays.
func (h *Hub) stopAccepting(reason string, window time.Duration) ([]subscription, time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	window = min(window, drainSpacing*time.Duration(len(h.subscriptions)))
	if h.closedReason == "" {
		h.closedReason = reason
		h.cancel()
		h.Log.Info("streams end", "reason", reason, "streams", len(h.subscriptions))
		h.countDropped(len(h.subscriptions))
		if len(h.subscriptions) == 0 {
			close(h.empty)
		}
	}
	if reason == draining {
		h.lastDrain.began, h.lastDrain.ended = time.Now(), time.Time{}
		h.drainUntil = h.lastDrain.began.Add(window)
	}
	subs := make([]subscription, 0, len(h.subscriptions))
	for c := range h.subscriptions {
		subs = append(subs, c)
	}
	return subs, window
}

// countDropped counts streams that end, or never begin, because the hub is shut. It is called under the hub's lock.
func (h *Hub) countDropped(streams int) {
	switch h.closedReason {
	case "":
	case draining:
		h.dropped.draining.Add(uint64(streams))
	default:
		h.dropped.halted.Add(uint64(streams))
	}
}

func (h *Hub) recordDrainEnd() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.lastDrain.ended = time.Now()
}
