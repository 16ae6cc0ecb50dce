// How a promotion stands, for whoever watches it sell. Nothing of it is in the ring, and nobody catches up: the present
// state comes first, and says all that was missed. Each promotion that is watched has a board with its newest frames, made
// once for all its watchers. A cursor remembers which of them it took; who is slow or late takes the newest only.

package sse

import (
	"bytes"
	"math"
	"net/http"
	"onsale/http/view"
	"time"

	"onsale/domain"
	"onsale/domain/coupons"
)

// Progress is how a promotion stands at one moment.
type Progress struct {
	Issued, Remaining int         // units
	IssuedEver        int         // units that were ever issued, those that came back too: for the rate
	DecidedSequence   uint64      // place of a command in line: it and all before it are in these figures
	Status            string      // as reads have it: SCHEDULED, OPEN, PAUSED, SOLD_OUT, CLOSED
	Until             domain.Time // Status changes then by itself; 0: never
	Position          uint64      // number of an event: it and all before it are in these figures
}

type progressData struct {
	Issued          int     `json:"issued"`
	Remaining       int     `json:"remaining"`
	DecidedSequence uint64  `json:"decidedSequence"`
	Rate            float64 `json:"rate"`
}

type statusData struct {
	Status string `json:"status"`
}

// promotionFeed is what the watchers of a promotion see, under the hub's lock; only past is the painter's own.
type promotionFeed struct {
	topic       *topicState
	frames      [2]snapshotFrame // progress, status
	at          uint64           // they show everything up to this event
	awaited     bool             // somebody came from a later one, and waits
	nextRefresh time.Time        // for painting; the zero value: not
	lastRefresh time.Time
	samples     []sample
}

// snapshotFrame is a frame. Its number counts the changes of its data; 0: there is none yet.
type snapshotFrame struct {
	version     uint32
	data, bytes []byte
}

// Promotion serves the stream of how a promotion stands. Whether there is one the caller knows.
func (h *Hub) Promotion(w http.ResponseWriter, r *http.Request, promotion string) {
	h.serve(w, r, Topic{TopicPromotion, promotion}, cursor{})
}

// nextSnapshot appends a sheet that the cursor has not taken. It is one at a time: when a socket takes a part of it, the rest goes
// out first whatever comes, and the cursor is right to be behind it. A cursor never goes back to before where it began.
func (h *Hub) nextSnapshot(c *cursor, out []byte) ([]byte, batchResult) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	feed := c.topic.feed
	if feed.at < c.at.Number {
		return out, batchResult{state: caughtUp}
	}
	c.at = view.Position{Number: feed.at}
	for i, s := range feed.frames {
		if s.version != c.shownVersions[i] {
			c.shownVersions[i] = s.version
			c.frameCount++
			return append(out, s.bytes...), batchResult{state: hasMore}
		}
	}
	return out, batchResult{state: caughtUp}
}

// currentPosition is where a stream begins that does not go on from anywhere: at the head, or at what the board shows.
func (h *Hub) currentPosition(t *topicState) view.Position {
	h.mu.RLock()
	defer h.mu.RUnlock()
	if t.feed != nil {
		return view.Position{Number: min(t.feed.at, h.ring.head)}
	}
	return view.Position{Number: h.ring.head}
}

// ensureShown makes the board show what is told up to p, for somebody who was told so much elsewhere.
func (h *Hub) ensureShown(t *topicState, p view.Position) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if feed := t.feed; feed != nil && feed.at < p.Number {
		feed.awaited = true
		h.scheduleRefresh(feed)
	}
}

// attachFeed puts up a board for the first guest of a promotion, under the hub's lock.
func (h *Hub) attachFeed(t *topicState) {
	if t.key.Kind == TopicPromotion && t.feed == nil {
		t.feed = &promotionFeed{topic: t, at: h.ring.head}
		h.promotionFeeds[t.key.ID] = t.feed
		h.scheduleRefresh(t.feed)
	}
}

// detachFeed takes it down with the last one. The alarm for the last board is no use to anybody.
func (h *Hub) detachFeed(t *topicState) {
	if t.feed == nil || t.subscribers > 0 {
		return
	}
	delete(h.promotionFeeds, t.key.ID)
	if r := &h.refresher; len(h.promotionFeeds) == 0 && !r.fireAt.IsZero() && r.timer.Stop() {
		r.fireAt = time.Time{}
		h.background.Done()
	}
}

// The painter keeps the boards up to date: each at most four times a second, and only while it has a reason to be painted
// again. It is a timer and no goroutine; when nobody watches or nothing happens there is neither.

const (
	refreshInterval = 250 * time.Millisecond // between two paintings of a board
	rateWindow      = 5 * time.Second        // what a rate is the mean of
	refreshRetry    = time.Second            // after a promotion that could not be read
	maxStatusWait   = time.Minute            // for a change of status: the clock may be set meanwhile
)

// refresher is the timer of all boards, under the hub's lock.
type refresher struct {
	timer      *time.Timer
	fireAt     time.Time // it strikes; the zero value: never
	refreshing bool      // it has struck, and boards are being painted
}

// sample is how much was issued at a time.
type sample struct {
	at     time.Time
	issued int
}

// scheduleRefresh makes a board be painted as soon as may be, under the hub's lock.
func (h *Hub) scheduleRefresh(feed *promotionFeed) { h.scheduleRefreshAt(feed, time.Now()) }

func (h *Hub) scheduleRefreshAt(feed *promotionFeed, at time.Time) {
	if soonest := feed.lastRefresh.Add(refreshInterval); at.Before(soonest) {
		at = soonest
	}
	if feed.nextRefresh.IsZero() || at.Before(feed.nextRefresh) {
		feed.nextRefresh = at
		h.armTimer(at)
	}
}

// armTimer makes the painter come at that time at the latest. One that is on its way or at work finds by itself what else is
// due. Close waits for it, and there is none without a guest.
func (h *Hub) armTimer(at time.Time) {
	r := &h.refresher
	switch {
	case r.refreshing || !r.fireAt.IsZero() && (!at.Before(r.fireAt) || !r.timer.Stop()):
		return
	case r.fireAt.IsZero():
		h.background.Add(1)
	}
	r.fireAt, r.timer = at, time.AfterFunc(time.Until(at), h.refreshDue)
}

// refreshDue paints the boards that are due, one after the other.
func (h *Hub) refreshDue() {
	defer h.background.Done()
	now := time.Now()
	var due []*promotionFeed
	h.mu.Lock()
	h.refresher = refresher{refreshing: true}
	for _, feed := range h.promotionFeeds {
		if !feed.nextRefresh.IsZero() && !feed.nextRefresh.After(now) {
			feed.nextRefresh, feed.lastRefresh = time.Time{}, now
			due = append(due, feed)
		}
	}
	h.mu.Unlock()
	for _, feed := range due {
		h.refresh(feed, now)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.refresher.refreshing = false
	for _, feed := range h.promotionFeeds {
		if !feed.nextRefresh.IsZero() {
			h.armTimer(feed.nextRefresh)
		}
	}
}

// refresh makes the sheets of a board anew, and wakes its watchers when they say something else.
func (h *Hub) refresh(feed *promotionFeed, now time.Time) {
	promotion := feed.topic.key.ID
	p, found, err := h.Progress(promotion)
	if err != nil {
		h.Log.Warn("a promotion's progress could not be read", "promotion", promotion, "error", err)
		h.mu.Lock()
		defer h.mu.Unlock()
		h.scheduleRefreshAt(feed, now.Add(refreshRetry))
		return
	}
	if !found {
		return // what makes it will be told
	}
	if feed.samples == nil {
		units, seenFor := h.recentIssues(promotion)
		feed.samples = []sample{{now.Add(-seenFor), p.IssuedEver - units}}
	}
	rate := feed.rate(now, p.IssuedEver)
	frames := [...]snapshotFrame{
		h.renderSnapshot("progress", p.Position, marshal(progressData{p.Issued, p.Remaining, p.DecidedSequence, rate})),
		h.renderSnapshot("status", p.Position, marshal(statusData{p.Status})),
	}

	h.mu.Lock()
	changed := feed.awaited
	for i, s := range frames {
		s.version = feed.frames[i].version
		if !bytes.Equal(s.data, feed.frames[i].data) {
			s.version++
			changed = true
		}
		feed.frames[i] = s
	}
	feed.at, feed.awaited = p.Position, false
	if rate != 0 {
		h.scheduleRefresh(feed) // until it is
	}
	if p.Until != 0 {
		wall := domain.At(h.Now())
		h.scheduleRefreshAt(feed, now.Add(min(p.Until, wall.Add(maxStatusWait)).Sub(wall)))
	}
	h.mu.Unlock()
	if changed {
		h.mu.RLock()
		defer h.mu.RUnlock()
		feed.topic.wake()
	}
}

func (h *Hub) renderSnapshot(name string, at uint64, data []byte) snapshotFrame {
	h.encoded.Add(1)
	b := view.AppendID(view.AppendField(nil, "event", name), h.Epoch, view.Position{Number: at})
	return snapshotFrame{data: data, bytes: append(view.AppendData(b, data), '\n')}
}

// rate is how many units were issued in a second, lately: the mean of the last five, or of as many as are known. It is 0
// exactly when there were none, and has one decimal.
func (f *promotionFeed) rate(now time.Time, issued int) float64 {
	f.samples = append(f.samples, sample{now, issued})
	for len(f.samples) > 1 && !f.samples[1].at.After(now.Add(-rateWindow)) {
		f.samples = f.samples[1:]
	}
	units, period := issued-f.samples[0].issued, min(rateWindow, now.Sub(f.samples[0].at))
	if units <= 0 || period <= 0 {
		return 0
	}
	return math.Round(10*float64(units)/period.Seconds()) / 10
}

// recentIssues finds in the ring how many units of a promotion were issued lately, and how far back that was to be seen.
func (h *Hub) recentIssues(promotion string) (units int, seenFor time.Duration) {
	now := domain.At(h.Now())
	h.mu.RLock()
	defer h.mu.RUnlock()
	for n := h.ring.head; n >= h.ring.tail; n-- {
		e := &h.ring.at(n).event
		if seenFor = now.Sub(e.Now); seenFor >= rateWindow {
			return units, rateWindow
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
		return units, rateWindow
	}
	return units, max(0, seenFor)
}
