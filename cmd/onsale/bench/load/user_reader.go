// A user's stream, read as a browser reads it: after a disconnect it resumes from the id of the last frame. Every outcome is
// timed as it is read.

package load

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"onsale/domain"
)

// userReader reads the stream of one user.
type userReader struct {
	host, user string
	pending    *atomic.Int64
	ready      chan struct{} // closed by the first frame

	mu        sync.Mutex
	expected  map[domain.RequestID]time.Time // when the command was due
	delivered map[domain.RequestID][]deliveredOutcome
	last      time.Time
	connects  int
	err       error
}

// deliveredOutcome is an outcome, and when it was read.
type deliveredOutcome struct {
	outcome
	at time.Time
}

func newUserReader(host, user string, pending *atomic.Int64) *userReader {
	return &userReader{
		host: host, user: user, pending: pending, ready: make(chan struct{}),
		expected: map[domain.RequestID]time.Time{}, delivered: map[domain.RequestID][]deliveredOutcome{},
	}
}

func (w *userReader) expect(id domain.RequestID, due time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.expected[id] = due
	w.pending.Add(1)
}

// forget undoes expect for a command that was not accepted.
func (w *userReader) forget(id domain.RequestID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if delete(w.expected, id); len(w.delivered[id]) == 0 {
		w.pending.Add(-1)
	}
}

func (w *userReader) record(o outcome) {
	now := time.Now()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.last = now
	if w.delivered[o.RequestID] = append(w.delivered[o.RequestID], deliveredOutcome{o, now}); len(w.delivered[o.RequestID]) == 1 {
		w.pending.Add(-1)
	}
}

func (w *userReader) outcomes(id domain.RequestID) []deliveredOutcome {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.delivered[id]
}

func (w *userReader) lastDelivery() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.last
}

func (w *userReader) lastErr() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.err
}

func (w *userReader) addTo(r *Result) {
	w.mu.Lock()
	defer w.mu.Unlock()
	r.Reconnected += max(0, w.connects-1)
	for id, due := range w.expected {
		if all := w.delivered[id]; len(all) > 0 {
			took := all[0].at.Sub(due)
			_ = r.OutcomeLatency.RecordValue(int64(took / time.Microsecond))
			r.Delivered++
			if took > LateAfter {
				r.Late++
			}
		}
	}
}

// run reads until ctx ends.
func (w *userReader) run(ctx context.Context) {
	last := ""
	for ctx.Err() == nil {
		err := w.read(ctx, &last)
		w.mu.Lock()
		w.err = err
		w.mu.Unlock()
		select {
		case <-time.After(500 * time.Millisecond): // sooner than a browser, so that the run ends soon
		case <-ctx.Done():
		}
	}
}

// read reads one connection, from the frame after last.
func (w *userReader) read(ctx context.Context, last *string) error {
	conn, err := net.Dial("tcp", w.host)
	if err != nil {
		return err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	head := "GET /api/v1/me/events HTTP/1.1\r\nHost: " + w.host + "\r\nX-User-Id: " + w.user + "\r\nAccept: text/event-stream\r\n"
	if *last != "" {
		head += "Last-Event-ID: " + *last + "\r\n"
	}
	if _, err := io.WriteString(conn, head+"\r\n"); err != nil {
		return err
	}
	response, err := http.ReadResponse(bufio.NewReaderSize(conn, 1024), nil)
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("the stream is answered %s", response.Status)
	}
	lines := bufio.NewReaderSize(response.Body, 2048)
	var id string
	var data []byte
	for {
		line, err := lines.ReadSlice('\n')
		if err != nil {
			return errors.Join(errors.New("the stream ended"), err)
		}
		if line = bytes.TrimSuffix(line, []byte("\n")); len(line) == 0 {
			if err := w.handleFrame(data); err != nil {
				return err
			}
			*last, data = id, nil
		} else if text, ok := bytes.CutPrefix(line, []byte("id: ")); ok {
			id = string(text)
		} else if text, ok := bytes.CutPrefix(line, []byte("data: ")); ok {
			data = append(data, text...)
		}
	}
}

// handleFrame records an outcome. The first frame, which has none, opens the stream.
func (w *userReader) handleFrame(data []byte) error {
	if len(data) == 0 {
		return nil
	}
	var o outcome
	if err := json.Unmarshal(data, &o); err != nil {
		return fmt.Errorf("a frame's data is %q: %w", data, err)
	}
	if !o.RequestID.IsZero() {
		w.record(o)
		return nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.connects++; w.connects == 1 {
		close(w.ready)
	}
	return nil
}
