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
func TestLargestEvents(t *testing.T) {
	name := strings.Repeat("<", 6) + "xxxx" // 40 bytes of JSON
	create := func(sections int) Create {
		section := Section{Name: name, Price: MaxPrice, Rows: rows(3, Row{name, 1})}
		all := slices.Repeat([]Section{section}, sections)
		all[0].Rows = []Row{{name, MaxSeats - 3*sections}}
		return Create{Title: strings.Repeat("<", MaxTitle), HoldSeconds: MaxHold, MaxSeatsPerUser: MaxPerUser, Sections: all}
	}
	most := sort.Search(MaxSections, func(n int) bool { return create(n+1).Check() != nil })
	s, entity := New(), strings.Repeat("s", 64)
	created := s.Decide(domain.Command{Entity: entity, Body: create(most)}, 1)[0]
	s.Apply(created)
	var hold Hold
	for id := range MaxCommand {
		hold.ScheduleSeatIDs = append(hold.ScheduleSeatIDs, s.Schedule(entity).Layout.Total()-id)
	}
	held := s.Decide(domain.Command{Entity: entity, User: "kim", Sequence: 1<<63 - 1, Body: hold}, 1)[0]
	for _, body := range []domain.Body{created.Body, held.Body} {
		text, err := json.Marshal(body)
		if name, _ := body.Type(); err != nil || len(text) > 255<<10 || len(text) < 100<<10 {
			t.Errorf("%s has %d bytes, %v", name, len(text), err)
		}
	}
}
