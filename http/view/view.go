// Package view is what clients see of the domain: the frames of an event for each audience, and the messages in Korean
// and English. It knows the domain's types and the text format of Server-Sent Events, and nothing of connections.
package view

import (
	"encoding/json"
	"iter"
	"strconv"

	"onsale/domain"
	"onsale/domain/alarms"
	"onsale/domain/coupons"
	"onsale/domain/orders"
	"onsale/domain/seats"
)

// Audience is a group of readers who get the same bytes.
type Audience struct {
	Content Content
	English bool // messages are in English, else in Korean
	Named   bool // frames of seats have the event name seatStatusChange, else none
	Lines   bool // events of the feed are lines of JSON, else frames
}

// Content is what an audience sees of an event.
type Content uint8

const (
	UserEvents      Content = iota // a user's own events: one frame each
	UserAlarms                     // of these only the alarms
	OrderResult                    // the result of an order
	OrderResultText                // only its message, as plain text
	Seats                          // the new status of each seat; never whose it is
	LegacySeats                    // the same for clients of the older system, which know no BLOCKED
	Feed                           // every event, whole, for the sale's own servers
	FeedCloudEvents                // the same as CloudEvents
	contents
)

// Audiences is the number of audiences that differ.
const Audiences = 2 * int(contents)

// Index numbers the audiences from 0.
func (a Audience) Index() int {
	second := a.English
	switch a.Content {
	case Seats, LegacySeats:
		second = a.Named
	case Feed, FeedCloudEvents:
		second = a.Lines
	}
	if second {
		return 2*int(a.Content) + 1
	}
	return 2 * int(a.Content)
}

// Render makes the frames of e for one audience.
func Render(epoch string, e *domain.Event, a Audience) *Frames {
	f := &Frames{}
	switch a.Content {
	case Seats, LegacySeats:
		f.addSeats(epoch, e, a)
	case OrderResult, OrderResultText:
		f.addOrderResult(epoch, e, a)
	case Feed, FeedCloudEvents:
		f.addFeedEvent(epoch, e, a)
	case UserAlarms:
		if _, alarm := e.Body.(alarms.Raised); alarm {
			f.addNotification(epoch, e, a)
		}
	case UserEvents:
		if !suppressed(e) {
			f.addNotification(epoch, e, a)
		}
	}
	return f
}

// suppressed reports whether e has no frame for its user, because the alarm that follows says the same, or because it is the part
// of a hold or a coupon in what became of an order.
func suppressed(e *domain.Event) bool {
	switch body := e.Body.(type) {
	case seats.Expiring, seats.PaymentPrepared, seats.Ordered, seats.OrderFailed, coupons.Bound, coupons.GivenBack:
		return true
	case seats.Reserved:
		return body.PaymentID != ""
	case coupons.Used:
		return body.PaymentID != ""
	}
	return false
}

func (f *Frames) addNotification(epoch string, e *domain.Event, a Audience) {
	n := notificationFor(e)
	f.addOnly(epoch, e, n.name, n.data(epoch, e, a.English))
}

func (f *Frames) addOrderResult(epoch string, e *domain.Event, a Audience) {
	name, n := ResultName(e), notificationFor(e)
	switch {
	case name == "":
	case a.Content == OrderResultText:
		f.addOnly(epoch, e, name, appendMessage(nil, n, a.English))
	default:
		f.addOnly(epoch, e, name, n.data(epoch, e, a.English))
	}
}

// ResultName is the frame's name of an order's result, "success" or "failure"; "" when e is no result.
func ResultName(e *domain.Event) string {
	switch e.Body.(type) {
	case orders.Succeeded:
		return "success"
	case orders.Failed:
		return "failure"
	}
	return ""
}

// addOnly adds the only frame of e.
func (f *Frames) addOnly(epoch string, e *domain.Event, name string, data []byte) {
	f.Bytes = make([]byte, 0, len(data)+128)
	f.Bytes = AppendField(f.Bytes, "event", name)
	f.Bytes = AppendData(f.Bytes, data)
	f.end(epoch, Position{Number: e.Number})
}

// data is n as JSON.
func (n notification) data(epoch string, e *domain.Event, english bool) []byte {
	fields := marshal(n.fields)
	data := append(make([]byte, 0, len(fields)+512), '{')
	if !e.Request.IsZero() {
		data = append(data, `"requestId":"`...)
		data = append(data, e.Request[:]...)
		data = append(data, `",`...)
	}
	data = append(data, `"sequence":`...)
	data = strconv.AppendUint(data, e.Sequence, 10)
	data = append(data, `,"eventId":"`...)
	data = Position{Number: e.Number}.append(data, epoch)
	data = append(data, `",`...)
	if len(fields) > len(`{}`) {
		data = append(data, fields[1:len(fields)-1]...)
		data = append(data, ',')
	}
	data = append(data, `"message":"`...)
	data = appendMessage(data, n, english)
	data = append(data, `","at":"`...)
	data = append(data, e.Now.String()...)
	return append(data, `"}`...)
}

// marshal is for bodies of events: they were decoded from JSON, so they can be encoded.
func marshal(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic("view: body cannot be encoded: " + err.Error())
	}
	return b
}

func (f *Frames) addSeats(epoch string, e *domain.Event, a Audience) {
	count := 0
	for range SeatChanges(e) {
		count++
	}
	if count == 0 {
		return
	}
	at := e.Now.String()
	f.Bytes, f.Ends = make([]byte, 0, 160*count), make([]int, 0, count)
	for id, status := range SeatChanges(e) {
		p := Position{Number: e.Number}
		if k := len(f.Ends) + 1; k < count {
			p.Sub = uint32(k)
		}
		f.Bytes = AppendSeat(f.Bytes, a, id, status, at)
		f.end(epoch, p)
	}
}

// AppendSeat writes the frame of one seat, but not its end.
func AppendSeat(b []byte, a Audience, seat int, status seats.Status, at string) []byte {
	if a.Named {
		b = AppendField(b, "event", "seatStatusChange")
	}
	b = append(b, `data: {"scheduleSeatId":`...)
	b = strconv.AppendInt(b, int64(seat), 10)
	b = append(b, `,"status":"`...)
	b = append(b, a.SeatStatus(status)...)
	b = append(b, `","timestamp":"`...)
	b = append(b, at...)
	return append(b, "\",\"isHeartbeat\":false}\n"...)
}

// SeatStatus is the audience's name of a status.
func (a Audience) SeatStatus(status seats.Status) seats.Status {
	if status == seats.StatusBlocked && a.Content == LegacySeats {
		return seats.StatusReserved
	}
	return status
}

// ChangesSeats reports whether e changed the status of a seat.
func ChangesSeats(e *domain.Event) bool {
	for range SeatChanges(e) {
		return true
	}
	return false
}

// SeatChanges are the seats whose status e changed, with the new one.
func SeatChanges(e *domain.Event) iter.Seq2[int, seats.Status] {
	if c, ok := e.Body.(seats.Changer); ok {
		return c.SeatChanges()
	}
	return func(func(int, seats.Status) bool) {}
}
