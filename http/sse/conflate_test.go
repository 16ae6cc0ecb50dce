package sse

import (
	"encoding/json"
	"fmt"
	"maps"
	"onsale/http/view"
	"onsale/http/view/viewtest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"onsale/domain"
	"onsale/domain/seats"
)

const seatCount = 1500 // seats

// seatSaleEvents is how a hall sells out: all is held, half of it expires, is held again, and reserved. It ends with every third
// seat free.
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
		change(holds, func(id int) bool { return id > 1 }) // nobody wants the first
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

				// One that reads at once gets every step.
				var reading sync.WaitGroup
				reading.Go(func() {
					var every []viewtest.Event
					for n, to := 0, 0; ; n++ {
						e, err := fast.next()
						if every, to = f.frames(every, Topic{TopicSchedule, "s"}, audienceOf(path), to); err != nil || n >= len(every) || e != every[n] {
							t.Errorf("keen: frame %d is %+v %v", n, e, err)
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
				every, _ := f.frames(nil, Topic{TopicSchedule, "s"}, audienceOf(path), 0)

				// One that read nothing gets what was on its way, then the latest of each seat.
				got := stalled.readUntil(t, end)
				check := func(who string, got []viewtest.Event) {
					if truth, shown := seatStates(t, every), seatStates(t, got); !maps.Equal(truth, shown) || len(shown) != seatCount-1 || shown[3] != "AVAILABLE" || shown[4] != "RESERVED" {
						t.Errorf("%s sees something else than there is: %d seats, want %d", who, len(shown), len(truth))
					}
				}
				check("who stalled", got)
				before, conflated, after := splitAtConflation(got, epoch+"-0")
				if len(conflated) == 0 {
					t.Fatalf("there is no burst in %d frames", len(got))
				}
				from := epoch + "-0"
				if len(before) > 0 {
					from = before[len(before)-1].ID
				}
				if expected, missed := f.conflated("s", audienceOf(path), from, conflated[len(conflated)-1].ID); !slices.Equal(conflated, expected) || 5*byteSize(conflated) > missed {
					t.Errorf("the burst begins with %+v and ends with %+v; it has %d frames, want %d, for %d bytes", conflated[0], conflated[len(conflated)-1], len(conflated), len(expected), missed)
				}
				if n := len(every) - len(after); !slices.Equal(before, every[:len(before)]) || !slices.Equal(after, every[n:]) || len(after) > 4*50 {
					t.Errorf("%d steps before the burst and %d after it are not those there were", len(before), len(after))
				}

				// One that is cut in the middle of it comes back to where it began, and is told every step.
				seen := cut.readN(t, 1000)
				id := seen[len(seen)-1].ID
				if _, p, _ := view.ParsePosition(id); p.Number > 20 {
					t.Fatalf("after 1000 frames it stands at %s", id)
				}
				_ = cut.Close()
				again := s.mustOpen(t, path, id)
				again.expectConnect(t, "complete", id)
				rest := again.readUntil(t, end)
				n := 1 + slices.IndexFunc(every, func(e viewtest.Event) bool { return e.ID == id })
				if !slices.Equal(rest, every[n:]) {
					t.Errorf("who came back with %s got %d frames, want %d", id, len(rest), len(every)-n)
				}
				check("who was cut", append(seen, rest...))

				// A user's outcomes are told one by one, however late.
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

// While a burst is under way a heartbeat is a comment, and its reader has no place at the log, however slow it is.
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
			t.Errorf("a burst holds a place at the log: %+v", got)
		}
		var got []viewtest.Event
		for len(got) == 0 || got[len(got)-1].ID != end {
			got = append(got, slow.mustNext(t))
			if len(got)%300 == 0 {
				time.Sleep(11 * time.Second)
			}
		}
		before, conflated, _ := splitAtConflation(got, epoch+"-0")
		if len(before) > 50 || len(conflated) < seatCount/2 {
			t.Errorf("%d steps, then a burst of %d", len(before), len(conflated))
		}
		if usesEngine(t) && slow.Comments == 0 {
			t.Error("no heartbeat was due within the burst")
		}
	})
}

// Four bits a seat are read back as they were written, whatever their neighbour is.
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

// seatStates is what a page shows that took these frames.
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

// splitAtConflation divides what was told after from: the frames of the one burst bring no id of their own but the last.
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

// byteSize is about how many bytes that is.
func byteSize(all []viewtest.Event) (n int) {
	for _, e := range all {
		n += len(e.Event) + len(e.Data) + len(e.ID)
	}
	return n
}

// readUntil is everything up to and with the frame of this id, heartbeats aside.
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
