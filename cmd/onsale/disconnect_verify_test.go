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

// expectedStream is what a stream has from the beginning of the log on.
type expectedStream struct {
	frames []sseFrame // of the data only the beginning,
	data   []string   // and all of it, as the first one saw it
}

// minConflated is how many frames of seats are more than a batch, however long they are; fewer are never told as a burst.
const minConflated = 32 << 10 / 200

// socketBuffer is what the system takes from the node for whoever reads nothing at all: nobody is slow who has not filled it.
const socketBuffer = 16 << 10

// checkConnections holds everybody's visits against the past. What happened after the head, holds that ran out, nobody need have seen.
func (c *disconnectTest) checkConnections(history []historyCommand, head string) {
	c.t.Helper()
	streams := map[string]*expectedStream{}
	for _, l := range c.clients {
		key := l.path
		if !strings.Contains(key, "/schedules/") {
			key += " of " + l.user
		}
		o := streams[key]
		if o == nil {
			o = &expectedStream{frames: l.expectedFrames(history)}
			o.data = make([]string, len(o.frames))
			streams[key] = o
		}
		failures := 0
		for i, v := range l.conns {
			if !l.isPromotion() && v.startID != "" {
				if err := o.checkConnection(l, v); err != nil {
					v.fault("%v", err)
				}
			}
			if len(v.faults) > 0 && failures < 3 {
				failures++
				c.t.Errorf("visit %d to %s, greeted with %s, %d bytes, %d frames, %+v:\n%s",
					i, key, v.startID, v.bytesRead, len(v.frames), v.plan, strings.Join(v.faults, "\n"))
			}
		}
		if l.isPromotion() {
			continue // settle saw to it
		}
		want := map[string]string{}
		for _, f := range o.frames[:o.indexAfter(l.lastID)] {
			if seat, status := parseSeat(f.data); seat != "" {
				want[seat] = status
			}
		}
		if precedes(l.lastID, head) || !maps.Equal(l.state, want) {
			c.t.Errorf("%s has come to %s of %s and shows %v, want %v", key, l.lastID, head, l.state, want)
		}
	}
}

// expectedFrames is what the log has for a listener.
func (l *flakyClient) expectedFrames(history []historyCommand) (frames []sseFrame) {
	_, schedule, ofSchedule := strings.Cut(l.path, "/schedules/")
	schedule, _, _ = strings.Cut(schedule, "/")
	for _, c := range history {
		for _, e := range c.Events {
			switch {
			case !ofSchedule && e.User == l.user:
				frames = append(frames, userFrames(c, e, strings.Contains(l.path, "/alarm/"))...)
			case ofSchedule && e.Entity == schedule:
				frames = append(frames, seatFrames(e, strings.Contains(l.path, "named"), strings.HasPrefix(l.path, "/api/schedules"))...)
			}
		}
	}
	return frames
}

// userFrames is what a user is told of an event.
func userFrames(c historyCommand, e historyEvent, alarms bool) []sseFrame {
	frame := userFrame(c, e)
	if alarms && frame.event != "alarm" {
		return nil
	}
	return []sseFrame{frame}
}

// seatFrames is what the watchers of a schedule are told of an event.
func seatFrames(e historyEvent, named, legacy bool) (frames []sseFrame) {
	status := map[string]string{"seats.blocked": "BLOCKED", "seats.unblocked": "AVAILABLE", "seats.cancelled": "AVAILABLE"}[e.Type]
	switch {
	case status == "":
		status = seatStatuses[e.Type]
	case status == "BLOCKED" && legacy:
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
		frames = append(frames, sseFrame{id, name, fmt.Sprintf(`{"scheduleSeatId":%d,"status":%q,`, seat, status)})
	}
	return frames
}

// indexAfter is the first frame that is behind a position.
func (o *expectedStream) indexAfter(id string) int {
	return sort.Search(len(o.frames), func(i int) bool { return precedes(id, o.frames[i].id) })
}

// matches says whether f is frame i, to the byte what others saw.
func (o *expectedStream) matches(i int, f sseFrame) bool {
	if i >= len(o.frames) || f.id != o.frames[i].id || f.event != o.frames[i].event || !strings.HasPrefix(f.data, o.frames[i].data) {
		return false
	}
	if o.data[i] == "" {
		o.data[i] = f.data
	}
	return o.data[i] == f.data
}

func (o *expectedStream) checkConnection(l *flakyClient, v *streamConn) error {
	next, lastID := o.indexAfter(v.startID), v.startID
	var conflated []sseFrame
	for n, handle := range v.frames {
		f := handle.Value()
		switch {
		case f.event == "heartbeat":
			if _, sub := parseEventID(f.id); sub != 0 || len(conflated) > 0 || o.indexAfter(f.id) != next {
				return fmt.Errorf("frame %d, a heartbeat, says %s; what came was up to %s", n, f.id, lastID)
			}
		case len(conflated) == 0 && o.matches(next, f):
			next++
		case f.id == "":
			conflated = append(conflated, f)
			continue
		default:
			conflated = append(conflated, f)
			to := o.indexAfter(f.id)
			if err := o.checkConflated(next, to, conflated); err != nil || v.bytesRead < socketBuffer {
				want := "nothing"
				if next < len(o.frames) {
					want = fmt.Sprintf("%+v", o.frames[next])
				}
				return fmt.Errorf("frame %d after %s is %+v, want %s; and it is no burst: %v", n, lastID, f, want, err)
			}
			l.observe("bursts seen whole")
			next, conflated = to, nil
		}
		lastID = f.id
	}
	for _, f := range conflated { // the rest of it was cut off
		seat, status := parseSeat(f.data)
		if f.id != "" || !slices.ContainsFunc(o.frames[next:], func(w sseFrame) bool {
			s, is := parseSeat(w.data)
			return s == seat && is == status && w.event == f.event
		}) {
			return fmt.Errorf("%+v came after %s, which no burst can say", f, lastID)
		}
	}
	return nil
}

// checkConflated wants the latest status of each seat that the frames from..to have touched, in the order of the seats. It knows
// whole events only: of the first one also what was told before is told again.
func (o *expectedStream) checkConflated(from, to int, frames []sseFrame) error {
	if to-from < minConflated {
		return fmt.Errorf("only %d frames lie between", to-from)
	}
	for first, _ := parseEventID(o.frames[from].id); from > 0; from-- {
		if n, _ := parseEventID(o.frames[from-1].id); n != first {
			break
		}
	}
	latest := map[string]string{}
	for _, f := range o.frames[from:to] {
		seat, status := parseSeat(f.data)
		latest[seat] = status
	}
	if len(frames) != len(latest) {
		return fmt.Errorf("%d seats, want %d", len(frames), len(latest))
	}
	lastSeat, now := 0, ""
	for _, f := range frames {
		var seat struct {
			ScheduleSeatID    int
			Status, Timestamp string
		}
		if err := json.Unmarshal([]byte(f.data), &seat); err != nil {
			return err
		}
		if now == "" {
			now = seat.Timestamp
		}
		if seat.ScheduleSeatID <= lastSeat || seat.Status != latest[fmt.Sprint(seat.ScheduleSeatID)] || seat.Timestamp != now ||
			f.event != o.frames[from].event {
			return fmt.Errorf("after seat %d, at %s, %+v is no latest status", lastSeat, now, f)
		}
		lastSeat = seat.ScheduleSeatID
	}
	return nil
}
