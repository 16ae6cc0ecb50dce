// A watcher is a reader of a stream that behaves as browsers do: it takes over the id of each frame that came whole, comes
// back with it whenever the stream ends, and knows nothing else. It is only more impatient than a browser.

package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// seenFrame is what a watcher keeps of a frame.
type seenFrame struct {
	id, event, data string
}

type watcher struct {
	url     string // with its query, or without
	fresh   string // ?lastEventId= of the first connection, if any
	dice    *rand.Rand
	retries time.Duration // waits at most so long before it comes back

	mu       sync.Mutex    // guards what follows
	lives    time.Duration // hangs up by itself after at most so long; 0: never
	hangUp   context.CancelFunc
	from     string // where the first connection began
	last     string // as EventSource has it
	frames   []seenFrame
	connects int
	faults   []string
}

func (w *watcher) fault(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.faults = append(w.faults, fmt.Sprintf(format, args...))
}

// run watches until ctx ends.
func (w *watcher) run(ctx context.Context, client *http.Client) {
	for ctx.Err() == nil {
		one, hangUp := context.WithCancel(ctx)
		w.mu.Lock()
		if w.lives > 0 {
			time.AfterFunc(some(w.dice, w.lives), hangUp)
		}
		w.hangUp = hangUp
		w.mu.Unlock()
		w.connect(one, client)
		hangUp()
		pause(ctx, some(w.dice, w.retries))
	}
}

// settle makes a watcher come back once more, and then stay.
func (w *watcher) settle() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lives = 0
	if w.hangUp != nil {
		w.hangUp()
	}
}

// connect watches until the stream ends, whoever ends it.
func (w *watcher) connect(ctx context.Context, client *http.Client) {
	url := w.url
	w.mu.Lock()
	last := w.last
	w.mu.Unlock()
	if last == "" && w.fresh != "" {
		separator := "?"
		if strings.Contains(url, "?") {
			separator = "&"
		}
		url += separator + "lastEventId=" + w.fresh
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		w.fault("%v", err)
		return
	}
	if last != "" {
		r.Header.Set("Last-Event-ID", last)
	}
	response, err := client.Do(r)
	if err != nil {
		return // there is nobody at the moment
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK || response.Header.Get("Content-Type") != "text/event-stream" {
		w.fault("got %s %s, after which EventSource never comes back", response.Status, response.Header.Get("Content-Type"))
		return
	}
	readFrames(bufio.NewReader(response.Body), w.take)
}

// readFrames takes frames as the standard says: what ends without an empty line never was.
func readFrames(body *bufio.Reader, take func(f seenFrame, first bool)) {
	var id, event string
	var data []string
	first := true
	for {
		line, err := body.ReadString('\n')
		if err != nil {
			return
		}
		line = strings.TrimSuffix(line, "\n")
		if line != "" {
			name, value, _ := strings.Cut(line, ":")
			value = strings.TrimPrefix(value, " ")
			switch name {
			case "id":
				id = value
			case "event":
				event = value
			case "data":
				data = append(data, value)
			}
			continue
		}
		if data != nil { // a time to come back is nothing that is seen
			take(seenFrame{id, event, strings.Join(data, "\n")}, first)
			first = false
		}
		event, data = "", nil
	}
}

func (w *watcher) take(f seenFrame, first bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	defer func() { w.last = f.id }()
	switch {
	case first:
		var greeting struct{ Status, From string }
		if err := json.Unmarshal([]byte(f.data), &greeting); err != nil || f.event != "connect" || greeting.From != f.id {
			w.faults = append(w.faults, fmt.Sprintf("the first frame is %+v: %v", f, err))
		}
		if w.connects++; w.from == "" {
			w.from = f.id
		}
		want := "complete"
		if w.last == "" && w.fresh == "" {
			want = "fresh"
		}
		if greeting.Status != want || w.last != "" && f.id != w.last {
			w.faults = append(w.faults, fmt.Sprintf("came with %q and was greeted with %+v, want %s from there", w.last, f, want))
		}
	case f.event == "heartbeat" || strings.Contains(f.data, `"isHeartbeat":true`):
		if before(f.id, w.last) {
			w.faults = append(w.faults, fmt.Sprintf("a heartbeat says %s after %s", f.id, w.last))
		}
	default:
		if w.last != "" && !before(w.last, f.id) {
			w.faults = append(w.faults, fmt.Sprintf("%s came after %s", f.id, w.last))
		}
		w.frames = append(w.frames, f)
	}
}

// reached says that everything up to event n was seen.
func (w *watcher) reached(n uint64) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	at, sub := numberOf(w.last)
	return at > n || at == n && sub == 0
}

// numberOf takes an id apart: event and, when it is not the whole event, the frame of it.
func numberOf(id string) (number, sub uint64) {
	_, place, _ := strings.Cut(id, "-")
	n, k, _ := strings.Cut(place, ".")
	number, _ = strconv.ParseUint(n, 10, 64)
	sub, _ = strconv.ParseUint(k, 10, 64)
	return number, sub
}

// before says that id a stands before id b in a stream.
func before(a, b string) bool {
	an, ak := numberOf(a)
	bn, bk := numberOf(b)
	if an != bn {
		return an < bn
	}
	return ak != 0 && (bk == 0 || ak < bk) // the whole event is its last frame
}

// check compares with what the log says this watcher had to see.
func (w *watcher) check(tb testing.TB, all []seenFrame) {
	tb.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, fault := range w.faults {
		tb.Errorf("%s: %s", w.url, fault)
	}
	var want []seenFrame
	for _, f := range all {
		if before(w.from, f.id) {
			want = append(want, f)
		}
	}
	for i := range max(len(want), len(w.frames)) {
		switch {
		case i >= len(w.frames):
			tb.Errorf("%s: %d of %d frames are missing, the first is %+v (%d connections from %s to %s)",
				w.url, len(want)-i, len(want), want[i], w.connects, w.from, w.last)
			return
		case i >= len(want):
			tb.Errorf("%s: frame %d is %+v, which the log does not have", w.url, i, w.frames[i])
			return
		case w.frames[i].id != want[i].id || w.frames[i].event != want[i].event || !strings.HasPrefix(w.frames[i].data, want[i].data):
			tb.Errorf("%s: frame %d is\n%+v, want\n%+v", w.url, i, w.frames[i], want[i])
			return
		}
	}
}
