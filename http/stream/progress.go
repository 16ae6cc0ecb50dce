// How a promotion stands, for whoever watches it sell. Nothing of it is in the ring, and nobody catches up: the present
// state comes first, and says all that was missed. Each promotion that is watched has a board with its newest frames, made
// once for all its watchers. A cursor remembers which of them it took; who is slow or late takes the newest only.
package stream

import (
	"net/http"
	"time"

	"onsale/domain"
)

// Progress is how a promotion stands at one moment.
type Progress struct {
	Issued, Remaining int         // units
	Given             int         // units that were ever issued, those that came back too: for the rate
	Decided           uint64      // place of a command in line: it and all before it are in these figures
	Status            string      // as reads have it: SCHEDULED, OPEN, PAUSED, SOLD_OUT, CLOSED
	Until             domain.Time // Status changes then by itself; 0: never
	Position          uint64      // number of an event: it and all before it are in these figures
}

type progressData struct {
	Issued    int     `json:"issued"`
	Remaining int     `json:"remaining"`
	Decided   uint64  `json:"decidedSequence"`
	Rate      float64 `json:"rate"`
}

type statusData struct {
	Status string `json:"status"`
}

// board is what the watchers of a promotion see, under the hub's lock; only past is the painter's own.
type board struct {
	topic   *topic
	sheets  [2]sheet  // progress, status
	at      uint64    // they show everything up to this event
	awaited bool      // somebody came from a later one, and waits
	due     time.Time // for painting; the zero value: not
	painted time.Time
	past    []sample
}

// sheet is a frame. Its number counts the changes of its data; 0: there is none yet.
type sheet struct {
	number      uint32
	data, bytes []byte
}

// Promotion serves the stream of how a promotion stands. Whether there is one the caller knows.
func (h *Hub) Promotion(w http.ResponseWriter, r *http.Request, promotion string) {
	h.serve(w, r, Key{OfPromotion, promotion}, cursor{audience: public})
}

// read appends a sheet that the cursor has not taken. It is one at a time: when a socket takes a part of it, the rest goes
// out first whatever comes, and the cursor is right to be behind it. A cursor never goes back to before where it began.
func (h *Hub) read(c *cursor, out []byte) ([]byte, step) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	b := c.topic.board
	if b.at < c.at.Number {
		return out, step{state: idle}
	}
	c.at = Position{Number: b.at}
	for i, s := range b.sheets {
		if s.number != c.shown[i] {
			c.shown[i] = s.number
			c.taken++
			return append(out, s.bytes...), step{state: more}
		}
	}
	return out, step{state: idle}
}

// present is where a stream begins that does not go on from anywhere: at the head, or at what the board shows.
func (h *Hub) present(t *topic) Position {
	h.mu.RLock()
	defer h.mu.RUnlock()
	if t.board != nil {
		return Position{Number: min(t.board.at, h.ring.head)}
	}
	return Position{Number: h.ring.head}
}

// require makes the board show what is told up to p, for somebody who was told so much elsewhere.
func (h *Hub) require(t *topic, p Position) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if b := t.board; b != nil && b.at < p.Number {
		b.awaited = true
		h.mark(b)
	}
}

// hang puts up a board for the first guest of a promotion, under the hub's lock.
func (h *Hub) hang(t *topic) {
	if t.key.Kind == OfPromotion && t.board == nil {
		t.board = &board{topic: t, at: h.ring.head}
		h.boards[t.key.ID] = t.board
		h.mark(t.board)
	}
}

// unhang takes it down with the last one. The alarm for the last board is no use to anybody.
func (h *Hub) unhang(t *topic) {
	if t.board == nil || t.guests > 0 {
		return
	}
	delete(h.boards, t.key.ID)
	if p := &h.painter; len(h.boards) == 0 && !p.at.IsZero() && p.timer.Stop() {
		p.at = time.Time{}
		h.remote.Done()
	}
}
