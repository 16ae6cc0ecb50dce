// The painter keeps the boards up to date: each at most four times a second, and only while it has a reason to be painted
// again. It is a timer and no goroutine; when nobody watches or nothing happens there is neither.
package stream

import (
	"bytes"
	"math"
	"time"

	"onsale/domain"
	"onsale/domain/coupons"
)

const (
	pace      = 250 * time.Millisecond // between two paintings of a board
	lately    = 5 * time.Second        // what a rate is the mean of
	lookAgain = time.Second            // after a promotion that could not be read
	lookAhead = time.Minute            // for a change of status: the clock may be set meanwhile
)

// painter is the timer of all boards, under the hub's lock.
type painter struct {
	timer *time.Timer
	at    time.Time // it strikes; the zero value: never
	busy  bool      // it has struck, and boards are being painted
}

// sample is how much was issued at a time.
type sample struct {
	at     time.Time
	issued int
}

// mark makes a board be painted as soon as may be, under the hub's lock.
func (h *Hub) mark(b *board) { h.markFor(b, time.Now()) }

func (h *Hub) markFor(b *board, at time.Time) {
	if soonest := b.painted.Add(pace); at.Before(soonest) {
		at = soonest
	}
	if b.due.IsZero() || at.Before(b.due) {
		b.due = at
		h.alarm(at)
	}
}

// alarm makes the painter come at that time at the latest. One that is on its way or at work finds by itself what else is
// due. Close waits for it, and there is none without a guest.
func (h *Hub) alarm(at time.Time) {
	p := &h.painter
	switch {
	case p.busy || !p.at.IsZero() && (!at.Before(p.at) || !p.timer.Stop()):
		return
	case p.at.IsZero():
		h.remote.Add(1)
	}
	p.at, p.timer = at, time.AfterFunc(time.Until(at), h.paintDue)
}

// paintDue paints the boards that are due, one after the other.
func (h *Hub) paintDue() {
	defer h.remote.Done()
	now := time.Now()
	var due []*board
	h.mu.Lock()
	h.painter = painter{busy: true}
	for _, b := range h.boards {
		if !b.due.IsZero() && !b.due.After(now) {
			b.due, b.painted = time.Time{}, now
			due = append(due, b)
		}
	}
	h.mu.Unlock()
	for _, b := range due {
		h.paint(b, now)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.painter.busy = false
	for _, b := range h.boards {
		if !b.due.IsZero() {
			h.alarm(b.due)
		}
	}
}

// paint makes the sheets of a board anew, and wakes its watchers when they say something else.
func (h *Hub) paint(b *board, now time.Time) {
	promotion := b.topic.key.ID
	p, found, err := h.Progress(promotion)
	if err != nil {
		h.Log.Warn("a promotion's progress could not be read", "promotion", promotion, "error", err)
		h.mu.Lock()
		defer h.mu.Unlock()
		h.markFor(b, now.Add(lookAgain))
		return
	}
	if !found {
		return // what makes it will be told
	}
	if b.past == nil {
		units, back := h.recall(promotion)
		b.past = []sample{{now.Add(-back), p.Given - units}}
	}
	rate := b.rate(now, p.Given)
	sheets := [...]sheet{
		h.sheet("progress", p.Position, marshal(progressData{p.Issued, p.Remaining, p.Decided, rate})),
		h.sheet("status", p.Position, marshal(statusData{p.Status})),
	}

	h.mu.Lock()
	changed := b.awaited
	for i, s := range sheets {
		s.number = b.sheets[i].number
		if !bytes.Equal(s.data, b.sheets[i].data) {
			s.number++
			changed = true
		}
		b.sheets[i] = s
	}
	b.at, b.awaited = p.Position, false
	if rate != 0 {
		h.mark(b) // until it is
	}
	if p.Until != 0 {
		wall := domain.At(h.Now())
		h.markFor(b, now.Add(min(p.Until, wall.Add(lookAhead)).Sub(wall)))
	}
	h.mu.Unlock()
	if changed {
		h.mu.RLock()
		defer h.mu.RUnlock()
		b.topic.wake()
	}
}

func (h *Hub) sheet(name string, at uint64, data []byte) sheet {
	h.encoded.Add(1)
	b := appendID(appendField(nil, "event", name), h.Epoch, Position{Number: at})
	return sheet{data: data, bytes: append(appendData(b, data), '\n')}
}

// rate is how many units were issued in a second, lately: the mean of the last five, or of as many as are known. It is 0
// exactly when there were none, and has one decimal.
func (b *board) rate(now time.Time, issued int) float64 {
	b.past = append(b.past, sample{now, issued})
	for len(b.past) > 1 && !b.past[1].at.After(now.Add(-lately)) {
		b.past = b.past[1:]
	}
	units, over := issued-b.past[0].issued, min(lately, now.Sub(b.past[0].at))
	if units <= 0 || over <= 0 {
		return 0
	}
	return math.Round(10*float64(units)/over.Seconds()) / 10
}

// recall finds in the ring how many units of a promotion were issued lately, and how far back that was to be seen.
func (h *Hub) recall(promotion string) (units int, back time.Duration) {
	now := domain.At(h.Now())
	h.mu.RLock()
	defer h.mu.RUnlock()
	for n := h.ring.head; n >= h.ring.tail; n-- {
		e := &h.ring.at(n).event
		if back = now.Sub(e.Now); back >= lately {
			return units, lately
		}
		switch body := e.Body.(type) {
		case coupons.Issued:
			if body.PromotionID == promotion {
				units++
			}
		case coupons.Accepted:
			if body.PromotionID == promotion {
				units += body.Quantity
			}
		}
	}
	if h.ring.tail == 1 { // there was nothing before
		return units, lately
	}
	return units, max(0, back)
}
