// The load itself: each connection sends one command after the other and notes what it was told.
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

// promise is a command that was accepted.
type promise struct {
	k        int
	sequence uint64
}

// shopper is one connection. Only its own goroutine touches it while the load runs.
type shopper struct {
	run        *Run
	connection connection
	request    []byte
	promises   []promise
	sent       int
	unanswered int
	failure    error // the last one
	refused    map[string]int
	answer     *hdrhistogram.Histogram
}

// newHistogram counts microseconds up to ten minutes, to three digits.
func newHistogram() *hdrhistogram.Histogram {
	return hdrhistogram.New(1, int64(10*time.Minute/time.Microsecond), 3)
}

func (r *Run) newShopper() *shopper {
	return &shopper{run: r, connection: connection{host: r.host}, refused: map[string]int{}, answer: newHistogram()}
}

var errGone = errors.New("the service does not answer any more")

// shop sends commands until there are no more turns. It gives up when the service is gone.
func (s *shopper) shop(ctx context.Context, c *pace) error {
	defer s.connection.close()
	for failed := 0; ; {
		t, ok := c.take(ctx)
		if !ok {
			return nil
		}
		if s.send(t); s.failure == nil {
			failed = 0
			continue
		}
		if failed++; failed == 10 {
			return fmt.Errorf("%w: %w", errGone, s.failure)
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
		}
	}
}

func (s *shopper) send(t turn) {
	user, key, id := s.run.of(t.k)
	watcher := s.run.watchers[t.k%s.run.Users]
	if watcher != nil {
		watcher.expect(id, t.due)
	}
	s.request = s.run.sale.appendRequest(s.request[:0], s.run.host, user, key, t.k)
	s.sent++
	status, body, err := s.connection.exchange(s.request)
	if s.failure = err; err != nil {
		s.unanswered++
		if watcher != nil {
			watcher.forget(id) // it may have an outcome, or none
		}
		return
	}
	_ = s.answer.RecordValue(int64(time.Since(t.due) / time.Microsecond))
	if sequence := sequenceOf(body); sequence != 0 && bytes.Contains(body, id[:]) {
		s.promises = append(s.promises, promise{t.k, sequence})
		return
	}
	if watcher != nil {
		watcher.forget(id)
	}
	if s.run.What == Nothing && status == http.StatusAccepted {
		return
	}
	code, ok := after(body, `"code":"`, '"')
	if !ok {
		code = []byte("status " + strconv.Itoa(status))
	}
	s.refused[string(code)]++
}

// sequenceOf is the place in line that an answer tells; 0: none, so it was not accepted.
func sequenceOf(body []byte) uint64 {
	text, ok := after(body, `"sequence":`, ',')
	if !ok {
		return 0
	}
	n, _ := strconv.ParseUint(string(bytes.TrimRight(text, "}")), 10, 64)
	return n
}
