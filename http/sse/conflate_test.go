package sse

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"onsale/domain"
	"onsale/domain/seats"
	"onsale/http/view"
	"onsale/http/view/viewtest"
)

const seatCount = 1500

// seatSaleEvents sells a schedule out: all seats are held, half of the holds expire and are held again, and most seats are
// reserved. Every third seat is available in the end.
func seatSaleEvents() (events []domain.Event) {
	change := func(body func(ids []int) domain.Body, only func(id int) bool) {
		var ids []int
		for id := 1; id <= seatCount; id++ {
			if only(id) {
				ids = append(ids, id)
			}
			if len(ids) == 50 || id == seatCount && len(ids) > 0 {
				events = append(events, domain.Event{Entity: "s", User: "1", Last: true, Body: body(ids)})
				ids = nil
			}
		}
	}
	holds := func(ids []int) domain.Body { return seats.Held{ScheduleID: "s", HoldID: "h1", ScheduleSeatIDs: ids} }
	expires := func(ids []int) domain.Body { return seats.Expired{ScheduleID: "s", HoldID: "h1", ScheduleSeatIDs: ids} }
	reserves := func(ids []int) domain.Body { return seats.Reserved{ScheduleID: "s", ScheduleSeatIDs: ids} }
	for range 3 {
		change(holds, func(id int) bool { return id > 1 }) // the first seat never changes
		change(expires, func(id int) bool { return id > 1 && id%2 == 0 })
		change(holds, func(id int) bool { return id > 1 && id%2 == 0 })
	}
	change(expires, func(id int) bool { return id > 1 && id%3 == 0 })
	change(reserves, func(id int) bool { return id > 1 && id%3 != 0 })
	return events
}

func TestConflation_ShowsLatestStatus(t *testing.T) {
	for name, path := range map[string]string{"unnamed": "/schedules/s", "named": "/schedules/s?events=named"} {
		t.Run(name, func(t *testing.T) {
			onBothPaths(t, func(t *testing.T) {
				f := newFixture(t, Config{Ring: 4, ScheduleHeartbeat: 10 * time.Second})
				s := f.serve()
				stalled, cut, fast, user := s.mustOpen(t, path, ""), s.mustOpen(t, path, ""), s.mustOpen(t, path, ""), s.mustOpen(t, "/users/1", "")
				for _, st := range []*stream{stalled, cut, fast, user} {
					st.expectConnect(t, "fresh", epoch+"-0")
				}
				synctest.Wait() // they are up to date
				events := seatSaleEvents()
				end := fmt.Sprintf("%s-%d", epoch, len(events))

				// A fast client gets every step.
				var reading sync.WaitGroup
				reading.Go(func() {
					var every []viewtest.Event
					for n, to := 0, 0; ; n++ {
						e, err := fast.next()
						if every, to = f.frames(every, Topic{TopicSchedule, "s"}, Filter{}, audienceOf(path), to); err != nil || n >= len(every) || e != every[n] {
							t.Errorf("fast: frame %d is %+v %v", n, e, err)
							return
						}
						if e.ID == end {
							return
						}
					}
				})
				for _, e := range events {
					f.emit(e)
					synctest.Wait()
				}
				reading.Wait()
				every, _ := f.frames(nil, Topic{TopicSchedule, "s"}, Filter{}, audienceOf(path), 0)

				// A client that did not read gets what was on its way, then the latest status of each seat.
				got := stalled.readUntil(t, end)
				check := func(who string, got []viewtest.Event) {
					if truth, shown := seatStates(t, every), seatStates(t, got); !maps.Equal(truth, shown) || len(shown) != seatCount-1 || shown[3] != "AVAILABLE" || shown[4] != "RESERVED" {
						t.Errorf("%s: wrong statuses, of %d seats, want %d", who, len(shown), len(truth))
					}
				}
				check("stalled", got)
				before, conflated, after := splitAtConflation(got, epoch+"-0")
				if len(conflated) == 0 {
					t.Fatalf("there is no conflation in %d frames", len(got))
				}
				from := epoch + "-0"
				if len(before) > 0 {
					from = before[len(before)-1].ID
				}
				if expected, missed := f.conflated("s", audienceOf(path), from, conflated[len(conflated)-1].ID); !slices.Equal(conflated, expected) || 5*byteSize(conflated) > missed {
					t.Errorf("the conflation begins with %+v and ends with %+v; it has %d frames, want %d, for %d bytes", conflated[0], conflated[len(conflated)-1], len(conflated), len(expected), missed)
				}
				if n := len(every) - len(after); !slices.Equal(before, every[:len(before)]) || !slices.Equal(after, every[n:]) || len(after) > 4*50 {
					t.Errorf("%d steps before the conflation and %d after it are not those of the log", len(before), len(after))
				}

				// A client that is cut within it resumes where it began, and gets every step.
				seen := cut.readN(t, 1000)
				id := seen[len(seen)-1].ID
				if _, p, _ := view.ParsePosition(id); p.Number > 20 {
					t.Fatalf("after 1000 frames the id is %s", id)
				}
				_ = cut.Close()
				again := s.mustOpen(t, path, id)
				again.expectConnect(t, "complete", id)
				rest := again.readUntil(t, end)
				n := 1 + slices.IndexFunc(every, func(e viewtest.Event) bool { return e.ID == id })
				if !slices.Equal(rest, every[n:]) {
					t.Errorf("resuming at %s got %d frames, want %d", id, len(rest), len(every)-n)
				}
				check("cut", append(seen, rest...))

				// A user's stream gets every event, however late.
				for n := range events {
					if e := user.mustNext(t); e.ID != fmt.Sprintf("%s-%d", epoch, n+1) {
						t.Fatalf("the user got %+v, want %d", e, n+1)
					}
				}
				for _, st := range []*stream{stalled, fast, again, user} {
					_ = st.Close()
				}
				synctest.Wait()
				if got := f.hub.stats(); got.conflations == 0 || got.conflated == 0 || got.catchUps != 0 {
					t.Errorf("stats %+v", got)
				}
			})
		})
	}
}

// Within a conflation a heartbeat is a comment, and its stream holds no catch-up slot, however slow it is.
func TestConflation_HoldsNoCatchUpSlot(t *testing.T) {
	onBothPaths(t, func(t *testing.T) {
		f := newFixture(t, Config{Ring: 4, MaxCatchUps: 1, ScheduleHeartbeat: 10 * time.Second, WriteTimeout: time.Minute})
		s := f.serve()
		slow := s.mustOpen(t, "/schedules/s", "")
		defer slow.Close()
		slow.expectConnect(t, "fresh", epoch+"-0")
		synctest.Wait()
		events := seatSaleEvents()
		f.emit(events...)
		end := fmt.Sprintf("%s-%d", epoch, len(events))
		time.Sleep(5 * time.Second)
		if got := f.hub.stats(); got.catchUps != 0 {
			t.Errorf("a conflation holds a slot: %+v", got)
		}
		var got []viewtest.Event
		for len(got) == 0 || got[len(got)-1].ID != end {
			got = append(got, slow.mustNext(t))
			if len(got)%300 == 0 {
				time.Sleep(11 * time.Second)
			}
		}
		before, conflated, _ := splitAtConflation(got, epoch+"-0")
		if byteSize(before) > batchSize || len(conflated) < seatCount/2 { // one batch was taken before it was full
			t.Errorf("%d steps, then a conflation of %d", len(before), len(conflated))
		}
		if usesEngine(t) && slow.Comments == 0 {
			t.Error("no heartbeat was due within the conflation")
		}
	})
}

// The four bits of a seat do not depend on its neighbour's.
func TestConflation_PacksStatuses(t *testing.T) {
	b := &conflation{}
	for _, e := range seatSaleEvents() {
		b.add(&e)
	}
	for id := 1; id <= seatCount; id++ {
		want := seats.StatusReserved
		switch {
		case id == 1:
			want = ""
		case id%3 == 0:
			want = seats.StatusAvailable
		}
		if got := b.status(id); got != want {
			t.Errorf("seat %d is %q, want %q", id, got, want)
		}
	}
	if len(b.seats) != seatCount/2+1 || b.maxID != seatCount {
		t.Errorf("%d bytes for %d seats", len(b.seats), b.maxID)
	}
}

func audienceOf(path string) view.Audience {
	if strings.HasSuffix(path, "named") {
		return view.Audience{Content: view.Seats, Named: true}
	}
	return view.Audience{Content: view.Seats}
}

// seatStates are the statuses that a page shows after these frames.
func seatStates(t *testing.T, all []viewtest.Event) map[int]string {
	is := map[int]string{}
	for _, e := range all {
		var seat struct {
			ScheduleSeatID int
			Status         string
			IsHeartbeat    bool
		}
		if err := json.Unmarshal([]byte(e.Data), &seat); err != nil || seat.IsHeartbeat {
			t.Fatalf("%+v %v", e, err)
		}
		is[seat.ScheduleSeatID] = seat.Status
	}
	return is
}

// splitAtConflation splits the frames after from: those of the one conflation have no id of their own but the last.
func splitAtConflation(all []viewtest.Event, from string) (before, conflated, after []viewtest.Event) {
	id, first := from, -1
	for i, e := range all {
		if e.ID == id && first < 0 {
			first = i
		}
		if e.ID != id && first >= 0 {
			return all[:first], all[first : i+1], all[i+1:]
		}
		id = e.ID
	}
	return all, nil, nil
}

// byteSize is roughly the size of the frames.
func byteSize(all []viewtest.Event) (n int) {
	for _, e := range all {
		n += len(e.Event) + len(e.Data) + len(e.ID)
	}
	return n
}

// readUntil reads up to and with the frame of this id, without heartbeats.
func (s *stream) readUntil(t *testing.T, id string) (all []viewtest.Event) {
	t.Helper()
	for len(all) == 0 || all[len(all)-1].ID != id {
		all = append(all, s.readN(t, 1)...)
	}
	return all
}

func (s *stream) readN(t *testing.T, n int) (all []viewtest.Event) {
	t.Helper()
	for len(all) < n {
		e, err := s.next()
		if err != nil {
			t.Fatalf("after %+v: %v", all[max(0, len(all)-1):], err)
		}
		if !strings.Contains(e.Data, `"isHeartbeat":true`) {
			all = append(all, e)
		}
	}
	return all
}
