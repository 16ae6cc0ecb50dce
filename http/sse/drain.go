// Ending streams. A browser gives up permanently when a connection is refused or the status is not 200, so while the listener
// is open every stream is ended with a retry delay, each with another one.

package sse

import (
	"context"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"time"

	"onsale/http/view"
)

// drainSpacing is the longest time between two ends in a drain. A hundred reconnects a second are easy to serve.
const drainSpacing = 10 * time.Millisecond

const draining = "draining" // a closedReason

// Reject answers a stream with a retry delay and its end. There is no first frame and no id, so the client keeps the id it
// has. Its connection is closed too, since it would wait unused until then, unless it is shared (HTTP/2).
func (h *Hub) Reject(w http.ResponseWriter, r *http.Request) {
	h.mu.RLock()
	b := h.rejectFrame()
	h.mu.RUnlock()
	setHeaders(w)
	closeConnection(w, r)
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(h.WriteTimeout)) // not every writer has one
	_, _ = w.Write(b)
	h.logRejections()
}

// closeConnection makes the server close the connection after the response, unless it is shared.
func closeConnection(w http.ResponseWriter, r *http.Request) {
	if r.ProtoMajor == 1 {
		w.Header().Set("Connection", "close")
	}
}

// rejectFrame is the body of a rejected stream, under the hub's lock.
func (h *Hub) rejectFrame() []byte {
	h.rejected.Add(1)
	h.countDropped(1)
	return view.AppendRetry(nil, max(0, time.Until(h.drainUntil))+retryDelay())
}

// Halt ends all streams and rejects new ones, and nothing is delivered any more.
func (h *Hub) Halt(reason string) {
	h.mu.Lock()
	h.halted = true
	h.mu.Unlock()
	subs, _ := h.stopAccepting(reason, 0)
	for _, s := range subs {
		s.closeGracefully(retryDelay())
	}
}

// Suspend ends all streams and rejects new ones until Resume: this node may lack what others publish. What it learns meanwhile is
// delivered as always.
func (h *Hub) Suspend(reason string) {
	h.mu.Lock()
	if h.suspended || h.closedReason != "" {
		h.mu.Unlock()
		return
	}
	h.suspended = true
	h.Logger.Warn("streams end for now", "reason", reason, "streams", len(h.subscriptions))
	h.countDropped(len(h.subscriptions))
	subs := slices.Collect(maps.Keys(h.subscriptions))
	h.mu.Unlock()
	for _, s := range subs {
		s.closeGracefully(retryDelay())
	}
}

// Resume accepts streams again.
func (h *Hub) Resume() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.suspended {
		h.suspended = false
		h.Logger.Info("streams are accepted again")
	}
}

// Drain ends all streams within window, one after the other, and rejects new ones. A few streams need less than the window.
// Clients come back after all have ended, so that the next node does not meet them at once. Drain returns when all have
// ended, or with the error of ctx.
func (h *Hub) Drain(ctx context.Context, window time.Duration) error {
	subs, window := h.stopAccepting(draining, window)
	defer h.recordDrainEnd()
	rand.Shuffle(len(subs), func(i, j int) { subs[i], subs[j] = subs[j], subs[i] })
	began := time.Now()
	for i, s := range subs {
		offset := window * time.Duration(i) / time.Duration(len(subs))
		if wait := offset - time.Since(began); wait > 0 {
			select {
			case <-time.After(wait):
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		s.closeGracefully(window - offset + retryDelay())
	}
	select {
	case <-h.empty:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Close ends what is left: between two frames if that takes no longer than a second, else within a write. It returns when
// nothing of the hub runs any more.
func (h *Hub) Close() {
	h.Halt("closed")
	select {
	case <-h.empty:
	case <-time.After(time.Second):
		h.mu.RLock()
		for s := range h.subscriptions {
			s.Abort()
		}
		h.mu.RUnlock()
		<-h.empty
	}
	h.stopEngine()
	h.background.Wait()
}

// stopAccepting rejects streams from here on. It returns those that are open, and how much of the window they need. The first
// reason is kept.
func (h *Hub) stopAccepting(reason string, window time.Duration) ([]*subscription, time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	window = min(window, drainSpacing*time.Duration(len(h.subscriptions)))
	if h.closedReason == "" {
		h.closedReason = reason
		h.cancel()
		h.Logger.Info("streams end", "reason", reason, "streams", len(h.subscriptions))
		h.countDropped(len(h.subscriptions))
		if len(h.subscriptions) == 0 {
			close(h.empty)
		}
	}
	if reason == draining {
		h.lastDrain.began, h.lastDrain.ended = time.Now(), time.Time{}
		h.drainUntil = h.lastDrain.began.Add(window)
	}
	return slices.Collect(maps.Keys(h.subscriptions)), window
}

// countDropped counts streams that are ended or rejected because the hub is closed or suspended, under the hub's lock.
func (h *Hub) countDropped(streams int) {
	switch {
	case h.closedReason == draining:
		h.dropped.draining.Add(uint64(streams))
	case h.closedReason != "":
		h.dropped.halted.Add(uint64(streams))
	case h.suspended:
		h.dropped.isolated.Add(uint64(streams))
	}
}

func (h *Hub) recordDrainEnd() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.lastDrain.ended = time.Now()
}
