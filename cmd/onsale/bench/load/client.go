// The load itself: each connection sends one command after the other and keeps the responses.

package load

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// acceptedCommand is a command that was accepted.
type acceptedCommand struct {
	k        int
	sequence uint64
}

// client is one connection. Only its own goroutine uses it while the load runs.
type client struct {
	run        *Run
	connection connection
	request    []byte
	accepted   []acceptedCommand
	sent       int
	unanswered int
	lastErr    error
	refused    map[string]int
	latency    *hdrhistogram.Histogram
}

// newHistogram counts microseconds up to ten minutes, to three digits.
func newHistogram() *hdrhistogram.Histogram {
	return hdrhistogram.New(1, int64(10*time.Minute/time.Microsecond), 3)
}

func (r *Run) newClient() *client {
	return &client{run: r, connection: connection{host: r.host}, refused: map[string]int{}, latency: newHistogram()}
}

var errUnreachable = errors.New("the node does not answer any more")

// sendAll sends commands until there are no more slots. It gives up after ten failures in a row.
func (s *client) sendAll(ctx context.Context, p *pacer) error {
	defer s.connection.close()
	for failed := 0; ; {
		t, ok := p.nextSlot(ctx)
		if !ok {
			return nil
		}
		if s.send(t); s.lastErr == nil {
			failed = 0
			continue
		}
		if failed++; failed == 10 {
			return fmt.Errorf("%w: %w", errUnreachable, s.lastErr)
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
		}
	}
}

func (s *client) send(t slot) {
	user, key, id := s.run.identity(t.k)
	watcher := s.run.watchers[t.k%s.run.Users]
	if watcher != nil {
		watcher.expect(id, t.due)
	}
	s.request = s.run.sale.appendRequest(s.request[:0], s.run.host, user, key, t.k)
	s.sent++
	status, body, err := s.connection.exchange(s.request)
	if s.lastErr = err; err != nil {
		s.unanswered++
		if watcher != nil {
			watcher.forget(id) // whether it was accepted is unknown
		}
		return
	}
	_ = s.latency.RecordValue(int64(time.Since(t.due) / time.Microsecond))
	if sequence := parseSequence(body); sequence != 0 && bytes.Contains(body, id[:]) {
		s.accepted = append(s.accepted, acceptedCommand{t.k, sequence})
		return
	}
	if watcher != nil {
		watcher.forget(id)
	}
	if s.run.What == Nothing && status == http.StatusAccepted {
		return
	}
	code, ok := between(body, `"code":"`, '"')
	if !ok {
		code = []byte("status " + strconv.Itoa(status))
	}
	s.refused[string(code)]++
}

// parseSequence is the sequence in a response; 0: the command was not accepted.
func parseSequence(body []byte) uint64 {
	text, ok := between(body, `"sequence":`, ',')
	if !ok {
		return 0
	}
	n, _ := strconv.ParseUint(string(bytes.TrimRight(text, "}")), 10, 64)
	return n
}
