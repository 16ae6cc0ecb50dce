// What streams need of the log and its read store, by topic.

package sse

import (
	"context"
	"iter"
	"time"

	"onsale/domain"
	"onsale/http/view"
	"onsale/projections"
	"onsale/projections/store"
)

// Source is the log and its read store. *projections.Projector has it. Its methods agree with each other, and with the
// numbers in projections.ConfirmedEvent, about which events belong to a user or an entity.
type Source interface {
	// LastOfUser and LastOfEntity are the number of the last event in the store, 0 if there is none. They may be ahead of what
	// was delivered, never behind.
	LastOfUser(user string) uint64
	LastOfEntity(kind, entity string) uint64
	// EventNumberAt is the number of the first event at or after t; 0, or one that is not delivered yet, if there is none.
	EventNumberAt(t domain.Time) (uint64, error)
	// EventsOfUser and EventsOfEntity read events from the journal in order, from a number on, and then wait for more. They end
	// soon after ctx.
	EventsOfUser(ctx context.Context, user string, from uint64) iter.Seq2[domain.Event, error]
	EventsOfEntity(ctx context.Context, kind, entity string, from uint64) iter.Seq2[domain.Event, error]
	// EventsFrom does the same with all events.
	EventsFrom(ctx context.Context, from uint64) iter.Seq2[domain.Event, error]
	// Status and Read show the store.
	Status() projections.Status
	Read(user string, read func(*store.View) error) error
}

// Topic is whose events a stream carries: a user's, a schedule's, an order's, by its imp_uid, a promotion's, or everybody's that pass
// a filter.
type Topic struct {
	Kind TopicKind
	ID   string
}

// TopicKind is one of the five.
type TopicKind uint8

const (
	TopicUser TopicKind = iota
	TopicSchedule
	TopicOrder
	TopicPromotion
	TopicFeed
	topicKinds
	chainedKinds = TopicPromotion // the kinds before it are chained in the ring; promotions show states, and the feed is every event
)

// String is the name that operators see.
func (k TopicKind) String() string {
	return [topicKinds]string{"user", "schedule", "order", "promotion", "feed"}[k]
}

// isPrivate reports whether streams of a kind show what not everybody may see.
func (k TopicKind) isPrivate() bool { return k != TopicSchedule && k != TopicPromotion }

// entityKind is the log's kind of the entities of a topic.
func (k TopicKind) entityKind() string {
	return [topicKinds]string{"", "seats", "orders", "coupons", ""}[k]
}

// topicIDs are the topics of e, by kind; "" where it has none. Its feeds are those whose filter it passes.
func topicIDs(e *domain.Event) (ids [topicKinds]string) {
	ids[TopicUser] = e.User
	if e.Entity == domain.SystemEntity {
		return ids
	}
	name, _ := e.Body.Type()
	switch domain.Kind(name) {
	case "seats":
		ids[TopicSchedule] = e.Entity
	case "orders":
		ids[TopicOrder] = e.Entity
	case "coupons":
		ids[TopicPromotion] = e.Entity
	}
	return ids
}

// lastEvent is the number of the topic's last event in the store. Feeds, which have everything, do not need it.
func (h *Hub) lastEvent(t Topic) uint64 {
	if t.Kind == TopicUser {
		return h.Source.LastOfUser(t.ID)
	}
	return h.Source.LastOfEntity(t.Kind.entityKind(), t.ID)
}

// eventsOf reads the topic's events from the journal; for a feed those that its filter excludes too.
func (h *Hub) eventsOf(ctx context.Context, t Topic, from uint64) iter.Seq2[domain.Event, error] {
	switch t.Kind {
	case TopicUser:
		return h.Source.EventsOfUser(ctx, t.ID, from)
	case TopicFeed:
		return h.Source.EventsFrom(ctx, from)
	}
	return h.Source.EventsOfEntity(ctx, t.Kind.entityKind(), t.ID, from)
}

// snapshots are the states that streams show beside events; false: there is no such order or promotion.
type snapshots interface {
	order(impUID string) (orderSnapshot, bool, error)
	promotion(id string) (promotionSnapshot, bool, error)
}

// orderSnapshot is an order at one moment.
type orderSnapshot struct {
	user        string
	resultEvent uint64 // number of the event with its result; 0: none yet
	fields      any    // what the first frame shows, as JSON
}

// promotionSnapshot is a promotion at one moment.
type promotionSnapshot struct {
	issued, remaining int         // units
	issuedEver        int         // units ever issued, returned ones too; for the rate
	status            string      // as reads have it
	until             domain.Time // status changes then by itself; 0: never
	decidedSequence   uint64      // all commands up to this one are counted
	eventNumber       uint64      // all events up to this one are counted
}

type storeSnapshots struct{ Source }

func (s storeSnapshots) order(impUID string) (o orderSnapshot, found bool, err error) {
	err = s.Read("", func(v *store.View) (err error) {
		order, ok, err := v.Order(impUID)
		o, found = orderSnapshot{order.User, order.ResultEvent, view.NewOrder(order, false)}, ok
		return err
	})
	return o, found, err
}

// promotion asks for the decided sequence before it reads: it must not promise more than the snapshot has.
func (s storeSnapshots) promotion(id string) (p promotionSnapshot, found bool, err error) {
	p.decidedSequence = s.Status().DecidedSequence
	err = s.Read("", func(v *store.View) (err error) {
		promotion, ok, err := v.Promotion(id)
		found = ok
		p.issued, p.remaining, p.issuedEver, p.eventNumber = promotion.Issued(), promotion.Remaining(), promotion.IssuedEver, v.EventNumber()
		status, until := promotion.Status(max(v.Now(), domain.At(time.Now())))
		p.status, p.until = string(status), until
		return err
	})
	return p, found, err
}
