// The audit trail: what the shop has done, who, when, and why.
package projections

import (
	"encoding/json"
	"iter"

	bolt "go.etcd.io/bbolt"

	"onsale/domain"
)

// Deed is a command of the shop's and its outcome.
type Deed struct {
	Event    uint64
	Sequence uint64 // of the command
	At       domain.Time
	User     string
	Type     string // of the event: "coupons.paused"; of the command where that was refused: "coupons.pause"
	Entity   string // the promotion, schedule, product or order, or the user who was told something
	Code     string // "" when it was done
	Reason   string // the shop's
	Request  domain.RequestID
}

// deeds are the outcomes of commands that only the shop sends, and those commands.
var deeds = set(
	"coupons.created", "coupons.restocked", "coupons.paused", "coupons.resumed", "coupons.closed", "coupons.withdrawn",
	"seats.created", "seats.blocked", "seats.unblocked", "seats.freed", "seats.closed", "alarms.sent",
	"products.created", "products.restocked", "products.closed", "orders.cancelled",

	"coupons.create", "coupons.stock", "coupons.pause", "coupons.resume", "coupons.close", "coupons.revoke",
	"seats.create", "seats.block", "seats.unblock", "seats.free", "seats.close", "alarms.raise",
	"products.create", "products.stock", "products.close", "orders.cancel",
)

func set(names ...string) map[string]bool {
	s := map[string]bool{}
	for _, name := range names {
		s[name] = true
	}
	return s
}

// ExportTrail is everything that the shop has done or tried, in order, as far as it may be told. A reason that was refused
// with its command stands in COMMANDS only.
func (p *Projector) ExportTrail() iter.Seq2[Deed, error] {
	confirmed := p.Confirmed()
	return exported(p, in(bucketJournal), func(_ *bolt.Tx, k, v []byte) ([]Deed, error) {
		peeked, err := peekRow(k, v)
		if err != nil || number(k) > confirmed || len(peeked.request) == 0 {
			return nil, err
		}
		refused := peeked.code() != nil
		if !refused && !deeds[string(peeked.name)] {
			return nil, nil
		}
		r, err := decodeRow(k, v)
		if err != nil {
			return nil, err
		}
		var said struct{ Command, Code, Reason string }
		if err := json.Unmarshal(r.Data, &said); err != nil {
			return nil, err
		}
		d := Deed{r.Event, r.Sequence, r.At, r.User, r.Type, r.Entity, said.Code, said.Reason, r.Request}
		if refused {
			d.Type = said.Command
		}
		if !deeds[d.Type] {
			return nil, nil
		}
		return []Deed{d}, nil
	})
}
