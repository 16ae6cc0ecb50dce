// What the log owes to each stream, and whether each visit got it: from where it was greeted on, frame by frame, as far as
// it went.

package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"sort"
	"strings"
)

// owed is what a stream has from the beginning of the log on.
type owed struct {
	frames []seenFrame // of the data only the beginning,
	whole  []string    // and all of it, as the first one saw it
}

// atLeast is how many frames of seats are more than a batch, however long they are; fewer are never told as a burst.
const atLeast = 32 << 10 / 200

// alwaysFits is what the system takes from the node for whoever reads nothing at all: nobody is slow who has not filled it.
const alwaysFits = 16 << 10

// judge holds everybody's visits against the past. What happened after the head, holds that ran out, nobody need have seen.
func (c *cutting) judge(past []pastCommand, head string) {
	c.t.Helper()
	streams := map[string]*owed{}
	for _, l := range c.listeners {
		key := l.path
		if !strings.Contains(key, "/schedules/") {
			key += " of " + l.user
		}
		o := streams[key]
		if o == nil {
			o = &owed{frames: l.owed(past)}
			o.whole = make([]string, len(o.frames))
			streams[key] = o
		}
		wrong := 0
		for i, v := range l.visits {
			if !l.ofPromotion() && v.from != "" {
				if err := o.judge(l, v); err != nil {
					v.fault("%v", err)
				}
			}
			if len(v.faults) > 0 && wrong < 3 {
				wrong++
				c.t.Errorf("visit %d to %s, greeted with %s, %d bytes, %d frames, %+v:\n%s",
					i, key, v.from, v.seen, len(v.frames), v.plan, strings.Join(v.faults, "\n"))
			}
		}
		if l.ofPromotion() {
			continue // settle saw to it
		}
		truth := map[string]string{}
		for _, f := range o.frames[:o.after(l.last)] {
			if seat, status := seatIn(f.data); seat != "" {
				truth[seat] = status
			}
		}
		if before(l.last, head) || !maps.Equal(l.screen, truth) {
			c.t.Errorf("%s has come to %s of %s and shows %v, want %v", key, l.last, head, l.screen, truth)
		}
	}
}

// owed is what the log has for a listener.
func (l *listener) owed(past []pastCommand) (frames []seenFrame) {
	_, schedule, ofSchedule := strings.Cut(l.path, "/schedules/")
	schedule, _, _ = strings.Cut(schedule, "/")
	for _, c := range past {
		for _, e := range c.Events {
			switch {
			case !ofSchedule && e.User == l.user:
				frames = append(frames, ofUser(c, e, strings.Contains(l.path, "/alarm/"))...)
			case ofSchedule && e.Entity == schedule:
				frames = append(frames, ofSeats(e, strings.Contains(l.path, "named"), strings.HasPrefix(l.path, "/api/schedules"))...)
			}
		}
	}
	return frames
}

// ofUser is what a user is told of an event.
func ofUser(c pastCommand, e pastEvent, alarms bool) []seenFrame {
	told := toldUser(c, e)
	if alarms && told.event != "alarm" {
		return nil
	}
	return []seenFrame{told}
}

// ofSeats is what the watchers of a schedule are told of an event.
func ofSeats(e pastEvent, named, old bool) (frames []seenFrame) {
	status := map[string]string{"seats.blocked": "BLOCKED", "seats.unblocked": "AVAILABLE", "seats.cancelled": "AVAILABLE"}[e.Type]
	switch {
	case status == "":
		status = statuses[e.Type]
	case status == "BLOCKED" && old:
		status = "RESERVED"
	}
	if status == "" {
		return nil
	}
	name := ""
	if named {
		name = "seatStatusChange"
	}
	for i, seat := range e.Data.ScheduleSeatIDs {
		id := e.EventID
		if i < len(e.Data.ScheduleSeatIDs)-1 {
			id = fmt.Sprintf("%s.%d", id, i+1)
		}
		frames = append(frames, seenFrame{id, name, fmt.Sprintf(`{"scheduleSeatId":%d,"status":%q,`, seat, status)})
	}
	return frames
}

// after is the first frame that is behind a position.
func (o *owed) after(id string) int {
	return sort.Search(len(o.frames), func(i int) bool { return before(id, o.frames[i].id) })
}

// is says whether f is frame i, to the byte what others saw.
func (o *owed) is(i int, f seenFrame) bool {
	if i >= len(o.frames) || f.id != o.frames[i].id || f.event != o.frames[i].event || !strings.HasPrefix(f.data, o.frames[i].data) {
		return false
	}
	if o.whole[i] == "" {
		o.whole[i] = f.data
	}
	return o.whole[i] == f.data
}

func (o *owed) judge(l *listener, v *visit) error {
	next, at := o.after(v.from), v.from
	var burst []seenFrame
	for n, handle := range v.frames {
		f := handle.Value()
		switch {
		case f.event == "heartbeat":
			if _, sub := numberOf(f.id); sub != 0 || len(burst) > 0 || o.after(f.id) != next {
				return fmt.Errorf("frame %d, a heartbeat, says %s; what came was up to %s", n, f.id, at)
			}
		case len(burst) == 0 && o.is(next, f):
			next++
		case f.id == "":
			burst = append(burst, f)
			continue
		default:
			burst = append(burst, f)
			to := o.after(f.id)
			if err := o.burst(next, to, burst); err != nil || v.seen < alwaysFits {
				want := "nothing"
				if next < len(o.frames) {
					want = fmt.Sprintf("%+v", o.frames[next])
				}
				return fmt.Errorf("frame %d after %s is %+v, want %s; and it is no burst: %v", n, at, f, want, err)
			}
			l.saw("bursts seen whole")
			next, burst = to, nil
		}
		at = f.id
	}
	for _, f := range burst { // the rest of it was cut off
		seat, status := seatIn(f.data)
		if f.id != "" || !slices.ContainsFunc(o.frames[next:], func(w seenFrame) bool {
			s, is := seatIn(w.data)
			return s == seat && is == status && w.event == f.event
		}) {
			return fmt.Errorf("%+v came after %s, which no burst can say", f, at)
		}
	}
	return nil
}

// burst wants the latest status of each seat that the frames from..to have touched, in the order of the seats. It knows
// whole events only: of the first one also what was told before is told again.
func (o *owed) burst(from, to int, frames []seenFrame) error {
	if to-from < atLeast {
		return fmt.Errorf("only %d frames lie between", to-from)
	}
	for first, _ := numberOf(o.frames[from].id); from > 0; from-- {
		if n, _ := numberOf(o.frames[from-1].id); n != first {
			break
		}
	}
	latest := map[string]string{}
	for _, f := range o.frames[from:to] {
		seat, status := seatIn(f.data)
		latest[seat] = status
	}
	if len(frames) != len(latest) {
		return fmt.Errorf("%d seats, want %d", len(frames), len(latest))
	}
	before, now := 0, ""
	for _, f := range frames {
		var told struct {
			ScheduleSeatID    int
			Status, Timestamp string
		}
		if err := json.Unmarshal([]byte(f.data), &told); err != nil {
			return err
		}
		if now == "" {
			now = told.Timestamp
		}
		if told.ScheduleSeatID <= before || told.Status != latest[fmt.Sprint(told.ScheduleSeatID)] || told.Timestamp != now ||
			f.event != o.frames[from].event {
			return fmt.Errorf("after seat %d, at %s, %+v is no latest status", before, now, f)
		}
		before = told.ScheduleSeatID
	}
	return nil
}
