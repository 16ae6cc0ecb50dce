// Verification: each connection has exactly the frames of its stream in the log, from its connect frame until it was cut.

package disconnect

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"sort"
	"strings"

	"onsale/cmd/onsale/e2e/harness"
)

// expectedStream is a stream from the beginning of the log.
type expectedStream struct {
	frames []harness.Frame // with the beginning of their data
	data   []string        // the whole data, as the first client got it
}

// minConflated is a number of seat frames that exceeds a batch at any length; fewer are never conflated.
const minConflated = 32 << 10 / 200

// socketBuffer is what the kernel takes for a client that reads nothing: a client that did not fill it is not slow.
const socketBuffer = 16 << 10

// checkConnections compares all connections with the log. Clients need not have the events after the head, which are expired holds.
func (c *disconnectTest) checkConnections(history []harness.LogCommand, head string) {
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
				c.t.Errorf("connection %d to %s, from %s, %d bytes, %d frames, %+v:\n%s",
					i, key, v.startID, v.bytesRead, len(v.frames), v.plan, strings.Join(v.faults, "\n"))
			}
		}
		if l.isPromotion() {
			continue // checked by catchUp
		}
		want := map[string]string{}
		for _, f := range o.frames[:o.indexAfter(l.lastID)] {
			if seat, status := parseSeat(f.Data); seat != "" {
				want[seat] = status
			}
		}
		if harness.Precedes(l.lastID, head) || !maps.Equal(l.state, want) {
			c.t.Errorf("%s is at %s of %s and shows %v, want %v", key, l.lastID, head, l.state, want)
		}
	}
}

// expectedFrames are a client's frames from the beginning of the log.
func (l *flakyClient) expectedFrames(history []harness.LogCommand) []harness.Frame {
	if _, path, ok := strings.Cut(l.path, "/schedules/"); ok {
		schedule, _, _ := strings.Cut(path, "/")
		name := ""
		if strings.Contains(path, "events=named") {
			name = "seatStatusChange"
		}
		return harness.ScheduleFrames(history, schedule, name, strings.HasPrefix(l.path, "/api/schedules"))
	}
	frames := harness.UserFrames(history, l.user)
	if strings.Contains(l.path, "/alarm/") {
		frames = slices.DeleteFunc(frames, func(f harness.Frame) bool { return f.Event != "alarm" })
	}
	return frames
}

// indexAfter is the first frame after an id.
func (o *expectedStream) indexAfter(id string) int {
	return sort.Search(len(o.frames), func(i int) bool { return harness.Precedes(id, o.frames[i].ID) })
}

// matches says that f is frame i, and byte for byte what other clients got.
func (o *expectedStream) matches(i int, f harness.Frame) bool {
	if i >= len(o.frames) || f.ID != o.frames[i].ID || f.Event != o.frames[i].Event || !strings.HasPrefix(f.Data, o.frames[i].Data) {
		return false
	}
	if o.data[i] == "" {
		o.data[i] = f.Data
	}
	return o.data[i] == f.Data
}

func (o *expectedStream) checkConnection(l *flakyClient, v *streamConn) error {
	next, lastID := o.indexAfter(v.startID), v.startID
	var conflated []harness.Frame
	for n, handle := range v.frames {
		f := handle.Value()
		switch {
		case f.Event == "heartbeat":
			if _, sub := harness.ParseEventID(f.ID); sub != 0 || len(conflated) > 0 || o.indexAfter(f.ID) != next {
				return fmt.Errorf("frame %d, a heartbeat, has %s after %s", n, f.ID, lastID)
			}
		case len(conflated) == 0 && o.matches(next, f):
			next++
		case f.ID == "":
			conflated = append(conflated, f)
			continue
		default:
			conflated = append(conflated, f)
			to := o.indexAfter(f.ID)
			if err := o.checkConflated(next, to, conflated); err != nil || v.bytesRead < socketBuffer {
				want := "nothing"
				if next < len(o.frames) {
					want = fmt.Sprintf("%+v", o.frames[next])
				}
				return fmt.Errorf("frame %d after %s is %+v, want %s; and it is no conflated update: %v", n, lastID, f, want, err)
			}
			l.observe("complete conflated updates")
			next, conflated = to, nil
		}
		lastID = f.ID
	}
	for _, f := range conflated { // the rest was cut off
		seat, status := parseSeat(f.Data)
		if f.ID != "" || !slices.ContainsFunc(o.frames[next:], func(w harness.Frame) bool {
			s, is := parseSeat(w.Data)
			return s == seat && is == status && w.Event == f.Event
		}) {
			return fmt.Errorf("%+v came after %s, and is in no conflated update", f, lastID)
		}
	}
	return nil
}

// checkConflated requires the latest status of each seat in frames from..to, in the order of the seats. Updates cover whole events:
// frames of the first event that came before come again.
func (o *expectedStream) checkConflated(from, to int, frames []harness.Frame) error {
	if to-from < minConflated {
		return fmt.Errorf("only %d frames are conflated", to-from)
	}
	for first, _ := harness.ParseEventID(o.frames[from].ID); from > 0; from-- {
		if n, _ := harness.ParseEventID(o.frames[from-1].ID); n != first {
			break
		}
	}
	latest := map[string]string{}
	for _, f := range o.frames[from:to] {
		seat, status := parseSeat(f.Data)
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
		if err := json.Unmarshal([]byte(f.Data), &seat); err != nil {
			return err
		}
		if now == "" {
			now = seat.Timestamp
		}
		if seat.ScheduleSeatID <= lastSeat || seat.Status != latest[fmt.Sprint(seat.ScheduleSeatID)] || seat.Timestamp != now ||
			f.Event != o.frames[from].Event {
			return fmt.Errorf("after seat %d, at %s, %+v is not the latest status", lastSeat, now, f)
		}
		lastSeat = seat.ScheduleSeatID
	}
	return nil
}
