package sse

import (
	"bytes"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"onsale/http/view"
	"onsale/http/view/viewtest"
)

// A session of every kind of frame, from the connect frame through a heartbeat (and a warning) to the retry delay, is cut at every byte and
// resumed with the id that the client has by then: nothing is lost, nothing comes twice, and no event is empty. Eager clients
// lose a frame only if they are cut between its last two bytes, the end of the id's line and the blank line: no order of fields
// avoids that.
func TestStream_CutAtEveryByte(t *testing.T) {
	for _, path := range []string{"/users/1", "/schedules/s", "/schedules/s?events=named", "/feed", "/users/1?expires=30"} {
		t.Run(path[1:], func(t *testing.T) {
			for name, eager := range map[string]bool{"standard": false, "eager": true} {
				t.Run(name, func(t *testing.T) { onBothPaths(t, func(t *testing.T) { testCuts(t, path, eager) }) })
			}
		})
	}
}

func testCuts(t *testing.T, path string, eager bool) {
	f := newFixture(t, Config{
		UserMaxAge: 40 * time.Second, ScheduleMaxAge: 40 * time.Second, UserHeartbeat: 25 * time.Second, ScheduleHeartbeat: 25 * time.Second,
	})
	s := f.serve()
	f.emit(issued("1"), held("1", "s", 5, 3, 4), rejectedHold("1", "s"), held("1", "s", 7))
	client := &viewtest.Browser{Eager: eager}
	// read reads up to n bytes of a connection.
	read := func(n int) (text []byte) {
		st := s.mustOpen(t, path, client.LastID)
		defer st.Close()
		text, err := io.ReadAll(io.LimitReader(st.body, int64(n)))
		if err != nil {
			t.Fatal(err)
		}
		client.Resume(client.LastID)
		_, _ = client.Write(text)
		return text
	}
	// events are those of the session so far, without connect and heartbeat frames.
	events := func() []viewtest.Event {
		return slices.DeleteFunc(slices.Clone(client.Events), func(e viewtest.Event) bool {
			return e.Event == "connect" || e.Event == "heartbeat" || strings.HasPrefix(e.Event, "auth-") || strings.Contains(e.Data, `"isHeartbeat":true`)
		})
	}
	client.Resume(epoch + "-0")
	whole := read(1 << 20)
	want := events()
	others := 2 // connect and a heartbeat
	if strings.Contains(path, "expires") {
		others += 2
	}
	if len(want) != 4 || client.LastID != epoch+"-4" || client.Retries != 2 || len(client.Events) != 4+others {
		t.Fatalf("the session is\n%s\nof which a client reads %+v", whole, client.Events)
	}
	lost, failed := 0, 0
	for cut := range len(whole) + 1 {
		client.Resume(epoch + "-0")
		client.Events = nil
		read(cut)
		seen := len(events())
		read(1 << 20)
		got, expected := events(), want
		if eager && cut < len(whole) && bytes.HasSuffix(whole[:cut+1], frameEnd) && len(got) < len(want) {
			expected = slices.Delete(slices.Clone(want), seen, seen+1)
			lost++
		}
		if !slices.Equal(got, expected) {
			if failed++; failed == 1 {
				t.Errorf("cut after %q:\ngot %+v\nwant %+v", whole[:cut], got, expected)
			}
		}
	}
	if failed > 0 || eager && lost != len(want) {
		t.Errorf("after %d of %d cuts the events are wrong; %d frames are lost between id and blank line", failed, len(whole)+1, lost)
	}
}

// Wherever a socket was full, what was written and what is kept are whole frames and comments, and the position is theirs.
func TestSplitAtFrame_KeepsWholeFrames(t *testing.T) {
	const frames, ending = ":\n" + "data: x\nid: " + epoch + "-7.1\n\n" + "event: e\ndata: x\nid: " + epoch + "-7\n\n", ":\n"
	from := view.Position{Number: 6}
	for n := range len(frames + ending) {
		rest, at, count := splitAtFrame([]byte(frames+ending), n, from)
		whole := (frames + ending)[:n] + string(rest)
		b := &viewtest.Browser{}
		b.Resume(from.ID(epoch))
		_, _ = b.Write([]byte(whole))
		if !b.Complete() || at.ID(epoch) != b.LastID || count != len(b.Events) || !strings.HasPrefix(frames+ending, whole) {
			t.Errorf("after %d bytes: %q is kept, at %v with %d frames; a client has %+v", n, rest, at, count, b)
		}
	}
}
