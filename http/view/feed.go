// The feed shows every event whole, with whom it concerns. It is for the sale's own servers, never for buyers. The body of an event
// is what the log has: the fields of its type.

package view

import (
	"onsale/domain"
)

// feedEvent is an event in the feed.
type feedEvent struct {
	EventID   string           `json:"eventId"`
	Type      string           `json:"type"`               // "seats.held"
	Entity    string           `json:"entity,omitempty"`   // the promotion, the schedule, the product, the payment or the user; "": the node itself
	UserID    string           `json:"userId,omitempty"`   // whom it concerns
	RequestID domain.RequestID `json:"requestId,omitzero"` // of the request that it is the outcome of
	Sequence  uint64           `json:"sequence"`           // of the command that caused it
	At        domain.Time      `json:"at"`
	Data      domain.Body      `json:"data"`
}

// cloudEvent is the same as CloudEvents 1.0 has it. Extension attributes are in lower case, and integers beyond 32 bits are strings.
type cloudEvent struct {
	SpecVersion     string           `json:"specversion"`
	ID              string           `json:"id"`
	Source          string           `json:"source"`
	Type            string           `json:"type"`
	Subject         string           `json:"subject,omitempty"`
	Time            domain.Time      `json:"time"`
	DataContentType string           `json:"datacontenttype"`
	UserID          string           `json:"userid,omitempty"`
	RequestID       domain.RequestID `json:"requestid,omitzero"`
	CommandSequence uint64           `json:"commandsequence,string"`
	Data            domain.Body      `json:"data"`
}

// addFeedEvent adds the only frame of e, or its line. Frames have no event name, so that one listener gets them all.
func (f *Frames) addFeedEvent(epoch string, e *domain.Event, a Audience) {
	data := marshal(newFeedEvent(epoch, e))
	if a.Content == FeedCloudEvents {
		data = marshal(newCloudEvent(epoch, e))
	}
	if a.Lines {
		f.Bytes = append(data, '\n')
		f.Ends = []int{len(f.Bytes)}
		return
	}
	f.Bytes = AppendData(make([]byte, 0, len(data)+64), data)
	f.end(epoch, Position{Number: e.Number})
}

func newFeedEvent(epoch string, e *domain.Event) feedEvent {
	name, _ := e.Body.Type()
	return feedEvent{
		EventID: Position{Number: e.Number}.ID(epoch), Type: name, Entity: entityOf(e), UserID: e.User, RequestID: e.Request,
		Sequence: e.Sequence, At: e.Now, Data: e.Body,
	}
}

func newCloudEvent(epoch string, e *domain.Event) cloudEvent {
	v := newFeedEvent(epoch, e)
	return cloudEvent{
		SpecVersion: "1.0", ID: v.EventID, Source: "urn:onsale:" + epoch, Type: "onsale." + v.Type, Subject: v.Entity, Time: v.At,
		DataContentType: "application/json", UserID: v.UserID, RequestID: v.RequestID, CommandSequence: v.Sequence, Data: v.Data,
	}
}

// entityOf is the entity of e; "" for the system's own events.
func entityOf(e *domain.Event) string {
	if e.Entity == domain.SystemEntity {
		return ""
	}
	return e.Entity
}
