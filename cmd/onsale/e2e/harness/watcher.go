package harness

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// Watcher reads a stream as a browser does: it keeps the id of each complete frame and resumes from it when the stream ends. It
// only reconnects sooner.
type Watcher struct {
	URL           string // with its query, or without
	InitialID     string // ?lastEventId= of the first connection, if any
	RNG           *rand.Rand
	MaxRetryDelay time.Duration

	mu         sync.Mutex    // guards what follows
	MaxAge     time.Duration // disconnects after at most so long; 0: never
	disconnect context.CancelFunc
	startID    string // of the first connection
	lastID     string // as EventSource has it
	frames     []Frame
	connects   int
	faults     []string
}

func (w *Watcher) fault(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.faults = append(w.faults, fmt.Sprintf(format, args...))
}

// Run watches until ctx ends.
func (w *Watcher) Run(ctx context.Context, client *http.Client) {
	for ctx.Err() == nil {
		connCtx, disconnect := context.WithCancel(ctx)
		w.mu.Lock()
		if w.MaxAge > 0 {
			time.AfterFunc(RandomDuration(w.RNG, w.MaxAge), disconnect)
		}
		w.disconnect = disconnect
		w.mu.Unlock()
		w.connect(connCtx, client)
		disconnect()
		Sleep(ctx, RandomDuration(w.RNG, w.MaxRetryDelay))
	}
}

// ReconnectOnce makes a watcher reconnect once more, and then stay.
func (w *Watcher) ReconnectOnce() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.MaxAge = 0
	if w.disconnect != nil {
		w.disconnect()
	}
}

// connect reads until the stream ends.
func (w *Watcher) connect(ctx context.Context, client *http.Client) {
	url := w.URL
	w.mu.Lock()
	last := w.lastID
	w.mu.Unlock()
	if last == "" && w.InitialID != "" {
		separator := "?"
		if strings.Contains(url, "?") {
			separator = "&"
		}
		url += separator + "lastEventId=" + w.InitialID
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
		return // the node is down
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK || response.Header.Get("Content-Type") != "text/event-stream" {
		w.fault("got %s %s, after which EventSource does not reconnect", response.Status, response.Header.Get("Content-Type"))
		return
	}
	ReadFrames(bufio.NewReader(response.Body), w.handleFrame)
}

func (w *Watcher) handleFrame(f Frame, first bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	defer func() { w.lastID = f.ID }()
	switch {
	case first:
		var connectData struct{ Status, From string }
		if err := json.Unmarshal([]byte(f.Data), &connectData); err != nil || f.Event != "connect" || connectData.From != f.ID {
			w.faults = append(w.faults, fmt.Sprintf("the first frame is %+v: %v", f, err))
		}
		if w.connects++; w.startID == "" {
			w.startID = f.ID
		}
		want := "complete"
		if w.lastID == "" && w.InitialID == "" {
			want = "fresh"
		}
		if connectData.Status != want || w.lastID != "" && f.ID != w.lastID {
			w.faults = append(w.faults, fmt.Sprintf("resumed from %q and got %+v, want %s from there", w.lastID, f, want))
		}
	case f.Event == "heartbeat" || strings.Contains(f.Data, `"isHeartbeat":true`):
		if Precedes(f.ID, w.lastID) {
			w.faults = append(w.faults, fmt.Sprintf("a heartbeat has %s after %s", f.ID, w.lastID))
		}
	default:
		if w.lastID != "" && !Precedes(w.lastID, f.ID) {
			w.faults = append(w.faults, fmt.Sprintf("%s came after %s", f.ID, w.lastID))
		}
		w.frames = append(w.frames, f)
	}
}

// Reached says that everything up to event n came.
func (w *Watcher) Reached(n uint64) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	at, sub := ParseEventID(w.lastID)
	return at > n || at == n && sub == 0
}

// LastID is the id of the last complete frame.
func (w *Watcher) LastID() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.lastID
}

// Connects is how often it connected.
func (w *Watcher) Connects() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.connects
}

// Verify compares the watcher's frames with all frames of its stream in the log.
func (w *Watcher) Verify(tb testing.TB, all []Frame) {
	tb.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, fault := range w.faults {
		tb.Errorf("%s: %s", w.URL, fault)
	}
	var want []Frame
	for _, f := range all {
		if Precedes(w.startID, f.ID) {
			want = append(want, f)
		}
	}
	for i := range max(len(want), len(w.frames)) {
		switch {
		case i >= len(w.frames):
			tb.Errorf("%s: %d of %d frames are missing, the first is %+v (%d connections from %s to %s)",
				w.URL, len(want)-i, len(want), want[i], w.connects, w.startID, w.lastID)
			return
		case i >= len(want):
			tb.Errorf("%s: frame %d is %+v, which is not in the log", w.URL, i, w.frames[i])
			return
		case w.frames[i].ID != want[i].ID || w.frames[i].Event != want[i].Event || !strings.HasPrefix(w.frames[i].Data, want[i].Data):
			tb.Errorf("%s: frame %d is\n%+v, want\n%+v", w.URL, i, w.frames[i], want[i])
			return
		}
	}
}
