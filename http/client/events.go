// Event streams: reading one, and resuming it after every break.

package client

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Event is one frame of an event stream. The frames "connect" and "heartbeat" are events too: a "connect" whose data has the
// status "reset" says that events were missed and that its snapshot should be read.
type Event struct {
	Name string // "message" for a frame without a name
	ID   string // the position that the stream resumes from
	Data []byte // JSON, or empty
}

// Decode reads the data into v.
func (e Event) Decode(v any) error { return json.Unmarshal(e.Data, v) }

// defaultSilence is more than two of the heartbeats that a node sends by default.
const defaultSilence = 75 * time.Second

const (
	minRetry      = 20 * time.Millisecond // whatever a server asks for
	maxFrameBytes = 1 << 20
)

// Events reads the stream at path ("/api/v1/me/events"), behind the event lastEventID; "" is a fresh start. It reconnects when
// the stream breaks or is closed, and goes on where it was. It ends when the loop breaks, after a stream that is complete (an
// order's result), or with an error: that of ctx, or a *Problem such as 401, 403 or 404.
//
// A program that must not miss events over its own restart stores the ID of each event that it has processed.
func (c *Client) Events(ctx context.Context, path, lastEventID string) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		s := &stream{client: c, path: path, lastID: lastEventID}
		for failed := 1; ; failed++ {
			before := s.frames
			if stop, err := s.connect(ctx, yield); stop {
				if err != nil {
					yield(Event{}, err)
				}
				return
			}
			if s.frames > before {
				failed = 1
			}
			select {
			case <-time.After(s.delay(failed)):
			case <-ctx.Done():
				yield(Event{}, ctx.Err())
				return
			}
		}
	}
}

// stream is a stream over all its connections.
type stream struct {
	client *Client
	path   string
	lastID string
	retry  time.Duration // what the server asks for before the next connection
	frames int
	// expired: the last connection ended with its token. The next one asks for a new token, and so need not wait.
	expired bool
}

// delay is the time before the next connection, after so many in a row that got nothing: what the server has asked for, since
// all its clients reconnect at once, and longer when it does not help.
func (s *stream) delay(failed int) time.Duration {
	switch {
	case s.retry == 0 || s.expired:
		return backoff(failed)
	case failed == 1:
		return s.retry
	}
	return max(s.retry, backoff(failed))
}

// connect reads one connection. stop: there is nothing to reconnect for; with an error: the reason.
func (s *stream) connect(ctx context.Context, yield func(Event, error) bool) (stop bool, err error) {
	connection, cancel := context.WithCancel(ctx)
	defer cancel()
	silence := cmp.Or(s.client.Silence, defaultSilence)
	watchdog := time.AfterFunc(silence, cancel)
	defer watchdog.Stop()
	header := http.Header{"Accept": {"text/event-stream"}}
	path := s.path
	if s.lastID != "" {
		header.Set("Last-Event-ID", s.lastID)
		path = withoutStart(path)
	}
	response, err := s.client.do(connection, http.MethodGet, path, header, nil)
	if err != nil {
		return ctx.Err() != nil, contextError(ctx, err)
	}
	defer response.Body.Close()
	switch {
	case response.StatusCode == http.StatusNoContent:
		return true, nil
	case response.StatusCode != http.StatusOK:
		body, _ := io.ReadAll(io.LimitReader(response.Body, maxFrameBytes))
		problem := &Problem{Response{HTTPStatus: response.StatusCode, Body: body}}
		_ = json.Unmarshal(body, &problem.Response) // a proxy's page is not JSON
		return !retryable(response.StatusCode), problem
	case !strings.HasPrefix(response.Header.Get("Content-Type"), "text/event-stream"):
		return true, fmt.Errorf("%s is no event stream but %s", s.path, response.Header.Get("Content-Type"))
	}
	lines := bufio.NewScanner(response.Body)
	lines.Buffer(nil, maxFrameBytes)
	lines.Split(scanLines())
	var frame frame
	for lines.Scan() {
		watchdog.Reset(silence)
		if retry, ok := frame.add(lines.Bytes()); ok {
			s.retry = min(max(retry, minRetry), maxDelay)
		}
		if len(frame.data) > maxFrameBytes {
			return true, fmt.Errorf("%s: a frame is larger than %d bytes", s.path, maxFrameBytes)
		}
		if len(lines.Bytes()) > 0 {
			continue
		}
		if event, ok := frame.dispatch(&s.lastID); ok {
			if s.expired = event.Name == "auth-expired" && s.client.Token != nil; !s.expired {
				s.frames++
			}
			if !yield(event, nil) {
				return true, nil
			}
		}
	}
	if errors.Is(lines.Err(), bufio.ErrTooLong) {
		return true, lines.Err()
	}
	return ctx.Err() != nil, contextError(ctx, lines.Err())
}

// contextError prefers the error of ctx, which says why a request failed.
func contextError(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// withoutStart removes lastEventId from a path: the header says it from the second connection on.
func withoutStart(path string) string {
	u, err := url.Parse(path)
	if err != nil || u.RawQuery == "" {
		return path
	}
	query := u.Query()
	query.Del("lastEventId")
	u.RawQuery = query.Encode()
	return u.String()
}

// frame collects the fields of a frame, as the HTML standard says (9.2.6, interpreting an event stream): an id counts only
// once its frame is complete.
type frame struct {
	name, id string
	hasID    bool
	data     []byte
	hasData  bool
}

// add adds a line. ok: it was a valid retry delay, which counts at once.
func (f *frame) add(line []byte) (retry time.Duration, ok bool) {
	name, value, _ := bytes.Cut(line, []byte(":"))
	value = bytes.TrimPrefix(value, []byte(" "))
	switch string(name) {
	case "event":
		f.name = string(value)
	case "data":
		if f.hasData {
			f.data = append(f.data, '\n')
		}
		f.data, f.hasData = append(f.data, value...), true
	case "id":
		if !bytes.Contains(value, []byte{0}) {
			f.id, f.hasID = string(value), true
		}
	case "retry":
		if ms, err := strconv.ParseUint(string(value), 10, 31); err == nil {
			return time.Duration(ms) * time.Millisecond, true
		}
	}
	return 0, false
}

// dispatch ends a frame: its id becomes the last one, and with data it is an event.
func (f *frame) dispatch(lastID *string) (e Event, ok bool) {
	if f.hasID {
		*lastID = f.id
	}
	if ok = f.hasData; ok {
		e = Event{Name: "message", ID: *lastID, Data: f.data}
		if f.name != "" {
			e.Name = f.name
		}
	}
	*f = frame{}
	return e, ok
}

// scanLines splits at LF, CR or CRLF. A line without an end is no line.
func scanLines() bufio.SplitFunc {
	afterCR := false
	return func(data []byte, atEOF bool) (advance int, token []byte, err error) {
		skip := 0
		if afterCR && len(data) > 0 {
			if data[0] == '\n' {
				skip = 1
			}
			afterCR = false
		}
		i := bytes.IndexAny(data[skip:], "\r\n")
		if i < 0 {
			if atEOF {
				return len(data), nil, nil
			}
			return skip, nil, nil
		}
		afterCR = data[skip+i] == '\r'
		return skip + i + 1, data[skip : skip+i], nil
	}
}
