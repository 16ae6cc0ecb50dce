// A model of the state machine: the rules once more, written from their description and not from their code, as slow and as
// plain as can be. It has no heap and no index, and returns its decisions as text.

package machine_test

import (
	"fmt"
	"slices"
	"strings"

	"onsale/domain"
	"onsale/domain/alarms"
)

type model struct {
	now, deciding domain.Time // of the last event, and of this command
	requests      map[domain.RequestID]domain.Fingerprint
	promotions    map[string]*promotionModel
	schedules     map[string]*scheduleModel
	products      map[string]*productModel
	orders        map[string]*orderModel
	prepared      map[string]*preparationModel // by merchant_uid
	alarms        []alarmModel
	events        int
	sequence      uint64   // of this command
	lines         []string // of its events
}

func newModel() *model {
	return &model{requests: map[domain.RequestID]domain.Fingerprint{}, promotions: map[string]*promotionModel{}, schedules: map[string]*scheduleModel{},
		products: map[string]*productModel{}, orders: map[string]*orderModel{}, prepared: map[string]*preparationModel{}}
}

// decide executes command c and returns a line for each event: first what is due, then the outcome; offers follow each of them.
func (w *model) decide(c domain.Command) []string {
	now := max(w.now, c.At)
	w.deciding, w.sequence, w.lines = now, c.Sequence, nil
	offers := func() {
		for len(w.lines) < 700 {
			offer := w.nextOffer(now)
			if offer == "" {
				return
			}
			w.say(offer)
		}
	}
	offers()
	for len(w.lines) < 500 {
		first, found := w.nextDue(now)
		if !found {
			break
		}
		w.say(first.emit())
		offers()
	}
	if first, repeated := w.requests[c.Request]; repeated && first != c.Fingerprint {
		w.say("request_id_reused")
	} else if _, tick := c.Body.(domain.Tick); !repeated && !tick {
		if !c.Request.IsZero() {
			w.requests[c.Request] = c.Fingerprint
		}
		w.say(w.dispatch(c, now))
	}
	offers()
	if len(w.lines) > 0 {
		w.now = now
	}
	return w.lines
}

// say adds the lines of events that have been applied; none for "".
func (w *model) say(text string) {
	if text == "" {
		return
	}
	for line := range strings.SplitSeq(text, "\n") {
		w.record(line)
		w.lines = append(w.lines, line)
	}
	for _, s := range w.promotions {
		s.noteSoldOut(w.sequence)
	}
	w.noteSoldOut(w.sequence)
	w.noteFirstUIDs()
}

// dueModel is something that time changes by itself.
type dueModel struct {
	at       domain.Time
	sequence uint64        // of the command that set it
	emit     func() string // applies it and returns lines for its events, where it has not said them
}

// nextDue is the first by time, then by sequence.
func (w *model) nextDue(now domain.Time) (first dueModel, ok bool) {
	for _, d := range slices.Concat(w.holdDeadlines(now), w.cancellationDeadlines(), w.promotionDeadlines(), w.orderDeadlines(),
		w.preparationDeadlines()) {
		if d.at <= now && (!ok || d.at < first.at || d.at == first.at && d.sequence < first.sequence) {
			first, ok = d, true
		}
	}
	return first, ok
}

// nextOffer makes the next offer and returns its lines; "" when there is none.
func (w *model) nextOffer(now domain.Time) string {
	if offer := w.offerCoupons(now); offer != "" {
		return offer
	}
	return w.offerSeats(now)
}

func (w *model) dispatch(c domain.Command, now domain.Time) string {
	switch name, _ := c.Body.Type(); domain.Kind(name) {
	case "seats":
		return w.decideSeats(c, now)
	case "alarms":
		return w.decideAlarms(c)
	case "products":
		return w.decideProducts(c, now)
	case "orders":
		return w.decideOrders(c, now)
	}
	return w.decideCoupons(c, now)
}

// The model of alarms: a list.

type alarmModel struct {
	number int // of the event
	user   string
	read   bool
}

// record counts an event and keeps it if it is an alarm.
func (w *model) record(line string) {
	w.events++
	if text, ok := strings.CutPrefix(line, "alarm "); ok {
		_, user, _ := strings.Cut(text, " for ")
		w.alarms = append(w.alarms, alarmModel{w.events, user, false})
	}
}

func (w *model) decideAlarms(c domain.Command) string {
	switch b := c.Body.(type) {
	case alarms.Raise:
		if invalidID(b.Kind) || len(b.Kind) > 40 || b.Message == "" || len(b.Message) > 1000 {
			return "invalid_body"
		}
		return fmt.Sprintf("alarm %s for %s\nsent a%d", b.Kind, c.Entity, w.events+1)
	case alarms.MarkRead:
		for i, a := range w.alarms {
			if a.user == c.User && fmt.Sprint("a", a.number) == b.AlarmID {
				w.alarms[i].read = true
				return "read " + b.AlarmID
			}
		}
		return "alarm_not_found"
	case alarms.MarkAllRead:
		unread := 0
		for i, a := range w.alarms {
			if a.user == c.User && !a.read {
				w.alarms[i].read = true
				unread++
			}
		}
		return fmt.Sprint("read all ", unread)
	}
	return "unknown command"
}

// describeAlarm is the model's line for an event about alarms; "" for other events.
func describeAlarm(e domain.Event) string {
	switch b := e.Body.(type) {
	case alarms.Raised:
		return fmt.Sprintf("alarm %s for %s", b.Kind, e.User)
	case alarms.RaiseDone:
		return "sent " + b.AlarmID
	case alarms.MarkedRead:
		return "read " + b.AlarmID
	case alarms.AllMarkedRead:
		return fmt.Sprint("read all ", b.Count)
	}
	return ""
}
