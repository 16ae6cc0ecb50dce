// Streams of promotions: how a promotion sells. They show states, not events, so there is no catching up: the present
// state comes first and includes all that was missed. A promotion with subscribers has a feed with its newest frames, encoded once for
// all. A cursor remembers which of them it took; a slow stream skips to the newest.

package sse

import (
	"bytes"
	"math"
	"net/http"
	"time"

	"onsale/domain"
	"onsale/domain/coupons"
	"onsale/http/auth"
	"onsale/http/view"
)

const (
	refreshInterval = 250 * time.Millisecond // a feed is refreshed at most this often
	rateWindow      = 5 * time.Second        // the rate is its mean
	refreshRetry    = time.Second            // after a promotion that could not be read
	maxStatusWait   = time.Minute            // for a change of status: the clock may be set meanwhile
)

type progressData struct {
	Issued          int     `json:"issued"`
	Remaining       int     `json:"remaining"`
	DecidedSequence uint64  `json:"decidedSequence"`
	Rate            float64 `json:"rate"`
}

type statusData struct {
	Status string `json:"status"`
}

// promotionFeed is what the subscribers of a promotion see, under the hub's lock; samples are the refresher's own.
type promotionFeed struct {
	topic       *topicState
	frames      [2]snapshotFrame // progress, status
	at          uint64           // they show everything up to this event
	awaited     bool             // a stream resumes after at, and waits
	nextRefresh time.Time        // the zero value: none is due
	lastRefresh time.Time
	samples     []sample
}

// snapshotFrame is a frame. Its version counts the changes of its data; 0: there is none yet.
type snapshotFrame struct {
	version     uint32
	data, bytes []byte
}

// sample is how much was issued at a time.
type sample struct {
	at     time.Time
	issued int
}

// Promotion serves the stream of a promotion's progress. The caller has checked that the promotion exists.
func (h *Hub) Promotion(w http.ResponseWriter, r *http.Request, _ auth.Identity, promotion string) {
	h.serve(w, r, Topic{TopicPromotion, promotion}, cursor{}, never)
}

// nextSnapshot appends a frame that the cursor has not taken. It is one at a time: if a socket takes a part of it, the rest
// goes out first whatever follows, and the cursor is right to be behind it. A cursor never goes back to before its start.
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

// currentPosition is where a stream begins that does not resume: at the ring's head, or at what the feed shows.
func (h *Hub) currentPosition(t *topicState) view.Position {
	h.mu.RLock()
	defer h.mu.RUnlock()
	if t.feed != nil {
		return view.Position{Number: min(t.feed.at, h.ring.head)}
	}
	return view.Position{Number: h.ring.head}
}

// ensureShown makes the feed show everything up to p, for a stream that resumes there.
func (h *Hub) ensureShown(t *topicState, p view.Position) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if feed := t.feed; feed != nil && feed.at < p.Number {
		feed.awaited = true
		h.scheduleRefresh(feed)
	}
}

// attachFeed makes the feed for the first subscriber of a promotion, under the hub's lock.
func (h *Hub) attachFeed(t *topicState) {
	if t.key.Kind == TopicPromotion && t.feed == nil {
		t.feed = &promotionFeed{topic: t, at: h.ring.head}
		h.promotionFeeds[t.key.ID] = t.feed
		h.scheduleRefresh(t.feed)
	}
}

// detachFeed removes it with the last subscriber, and the timer with the last feed.
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

// The refresher keeps the feeds up to date: each at most four times a second, and only while it has a reason. It is a timer,
// not a goroutine; while there are no subscribers, or nothing happens, there is none.

// refresher is the timer of all feeds, under the hub's lock.
type refresher struct {
	timer      *time.Timer
	fireAt     time.Time // the zero value: the timer is not set
	refreshing bool      // it has fired, and feeds are being refreshed
}

// scheduleRefresh schedules a refresh of a feed as soon as may be, under the hub's lock.
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

// armTimer makes the refresher run at that time at the latest. One that has fired finds by itself what else is due. Close
// waits for it, and without subscribers there is none.
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

// refreshDue refreshes the feeds that are due, one after the other.
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

// refresh encodes the frames of a feed again, and wakes its subscribers if they changed.
func (h *Hub) refresh(feed *promotionFeed, now time.Time) {
	promotion := feed.topic.key.ID
	p, found, err := h.snapshots.promotion(promotion)
	if err != nil {
		h.Logger.Warn("cannot read the progress of a promotion", "promotion", promotion, "error", err)
		h.mu.Lock()
		defer h.mu.Unlock()
		h.scheduleRefreshAt(feed, now.Add(refreshRetry))
		return
	}
	if !found {
		return // its creation will be delivered
	}
	if feed.samples == nil {
		units, period := h.recentIssues(promotion)
		feed.samples = []sample{{now.Add(-period), p.issuedEver - units}}
	}
	rate := feed.rate(now, p.issuedEver)
	frames := [...]snapshotFrame{
		h.renderSnapshot("progress", p.eventNumber, marshal(progressData{p.issued, p.remaining, p.decidedSequence, rate})),
		h.renderSnapshot("status", p.eventNumber, marshal(statusData{p.status})),
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
	feed.at, feed.awaited = p.eventNumber, false
	if rate != 0 {
		h.scheduleRefresh(feed) // until it is 0
	}
	if p.until != 0 {
		clock := domain.At(h.Now())
		h.scheduleRefreshAt(feed, now.Add(min(p.until, clock.Add(maxStatusWait)).Sub(clock)))
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
	b := view.AppendData(view.AppendField(nil, "event", name), data)
	return snapshotFrame{data: data, bytes: view.AppendEnd(b, h.Epoch, view.Position{Number: at})}
}

// rate is how many units were issued per second: the mean of the last five seconds, or of as many as are known, with one
// decimal. It is 0 only if there were none.
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

// recentIssues counts in the ring the units of a promotion that were issued within the rate's window, and how much of the
// window the ring holds.
func (h *Hub) recentIssues(promotion string) (units int, period time.Duration) {
	now := domain.At(h.Now())
	h.mu.RLock()
	defer h.mu.RUnlock()
	for n := h.ring.head; n >= h.ring.tail; n-- {
		e := &h.ring.at(n).event
		if period = now.Sub(e.Now); period >= rateWindow {
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
	if h.ring.tail == 1 { // the ring holds the whole log
		return units, rateWindow
	}
	return units, max(0, period)
}
