// The dumb twin: the rules once more, from their description and not from their code, as slow and as plain as can be.
// It knows nothing of sequences that are not told to it, has no heap and no index, and says in words what it decided.
package shop_test

import (
	"slices"
	"strings"

	"onsale/domain"
)

type (
	twin struct {
		now, deciding domain.Time // of the last event, and of this command
		asked         map[domain.RequestID]domain.Fingerprint
		sales         map[string]*twinSale
		halls         map[string]*twinHall
		products      map[string]*twinProduct
		orders        map[string]*twinOrder
		prepared      map[string]string // merchant_uids, and for whom
		alarms        []twinAlarm
		events        int
	}
)

func newTwin() *twin {
	return &twin{asked: map[domain.RequestID]domain.Fingerprint{}, sales: map[string]*twinSale{}, halls: map[string]*twinHall{},
		products: map[string]*twinProduct{}, orders: map[string]*twinOrder{}, prepared: map[string]string{}}
}

// decide says what command c led to, and makes it so: what is due comes first, and after everything what it lets be offered.
func (w *twin) decide(c domain.Command) (told []string) {
	now := max(w.now, c.At)
	w.deciding = now
	tell := func(lines string) {
		for line := range strings.SplitSeq(lines, "\n") {
			w.hear(line)
			told = append(told, line)
		}
		for _, s := range w.sales {
			s.note(c.Sequence)
		}
		w.noteProducts(c.Sequence)
	}
	offers := func() {
		for len(told) < 700 {
			offer := w.offer(now)
			if offer == "" {
				return
			}
			tell(offer)
		}
	}
	offers()
	for len(told) < 500 {
		first, found := w.due(now)
		if !found {
			break
		}
		tell(first.tell())
		offers()
	}
	if first, again := w.asked[c.Request]; again && first != c.Fingerprint {
		tell("request_id_reused")
	} else if _, clock := c.Body.(domain.Clock); !again && !clock {
		if !c.Request.IsZero() {
			w.asked[c.Request] = c.Fingerprint
		}
		if outcome := w.outcome(c, now); outcome != "" {
			tell(outcome)
		}
	}
	offers()
	if len(told) > 0 {
		w.now = now
	}
	return told
}

// twinDue is something that time changes by itself.
type twinDue struct {
	at       domain.Time
	sequence uint64        // of the command that set it
	tell     func() string // makes it so: a line for each event
}

// due is the first by its time, then by its place in line.
func (w *twin) due(now domain.Time) (first twinDue, found bool) {
	for _, d := range slices.Concat(w.duesOfHolds(now), w.duesOfSales(), w.duesOfOrders()) {
		if d.at <= now && (!found || d.at < first.at || d.at == first.at && d.sequence < first.sequence) {
			first, found = d, true
		}
	}
	return first, found
}

// offer makes the next offer; "" when there is none.
func (w *twin) offer(now domain.Time) string {
	if offer := w.offerCoupons(now); offer != "" {
		return offer
	}
	return w.offerSeats(now)
}

func (w *twin) outcome(c domain.Command, now domain.Time) string {
	switch name, _ := c.Body.Type(); domain.Kind(name) {
	case "seats":
		return w.ofSeats(c, now)
	case "alarms":
		return w.ofAlarms(c)
	case "products":
		return w.ofProducts(c)
	case "orders":
		return w.ofOrders(c, now)
	}
	return w.ofCoupons(c, now)
}
