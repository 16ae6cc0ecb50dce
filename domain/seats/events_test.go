package seats

import (
	"encoding/json"
	"slices"
	"sort"
	"strings"
	"testing"

	"onsale/domain"
)

// The largest events that the rules can make fit into 256 KiB, the envelope included: there is no schedule that can be
// created, and no hold on it that can be had, whose event the log would refuse.
func TestEvents_LargestFit(t *testing.T) {
	name := strings.Repeat("<", 6) + "xxxx" // 40 bytes of JSON
	create := func(sections int) Create {
		section := Section{Name: name, Price: MaxPrice, Rows: rows(3, Row{name, 1})}
		all := slices.Repeat([]Section{section}, sections)
		all[0].Rows = []Row{{name, MaxSeats - 3*sections}}
		return Create{Title: strings.Repeat("<", MaxTitle), HoldSeconds: MaxHoldSeconds, MaxSeatsPerUser: MaxPerUser, Sections: all}
	}
	maxSections := sort.Search(MaxSections, func(n int) bool { return create(n+1).Check() != nil })
	s, entity := New(), strings.Repeat("s", 40)
	sequence := uint64(1 << 62)
	execute := func(user string, body domain.Body) domain.Body {
		sequence++
		e := s.Decide(domain.Command{Entity: entity, User: user, Sequence: sequence, Body: body}, 1)[0]
		e.Sequence = sequence
		s.Apply(e)
		return e.Body
	}
	bodies := []domain.Body{execute("admin", create(maxSections))}
	named := func(from int) (ids []int) { // the highest numbers are the longest
		for id := range MaxSeatsPerCommand {
			ids = append(ids, s.Schedule(entity).Layout.Total()-from-id)
		}
		return ids
	}
	held := execute("kim", Hold{ScheduleSeatIDs: named(0)}).(Held)
	swap := Swap{HoldID: held.HoldID, Release: named(0)[:MaxSeatsPerCommand/2], Take: named(MaxSeatsPerCommand)[:MaxSeatsPerCommand/2]}
	bodies = append(bodies, held, execute("kim", swap))
	execute("lee", Join{Quantity: MaxPerUser})
	offer, _ := s.NextOffer(1)
	s.Apply(offer)
	bodies = append(bodies, offer.Body, execute("lee", Accept{WaitingID: offer.Body.(Offered).WaitingID}))
	for _, body := range bodies {
		text, err := json.Marshal(body)
		if name, _ := body.Type(); err != nil || len(text) > 255<<10 || len(text) < 100<<10 {
			t.Errorf("%s has %d bytes, %v", name, len(text), err)
		}
	}
}
