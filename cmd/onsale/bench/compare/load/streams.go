// The streams of some users. None is connected again when it ends: its outcome then counts as lost.

package load

import (
	"bytes"
	"context"
	"fmt"
	"syscall"
	"time"
)

type stream struct {
	fd   int
	k    int  // the command of its user
	open bool // the first frame has come
	frameParser
}

func (s *stream) close() { _ = syscall.Close(s.fd) }

// watch chooses who reads a stream: half of them are among those who can win where not all do, the others spread over the rest,
// and the last 50 always, since their outcomes show that everything is decided.
func (r *run) watch() (users []int) {
	n, all := min(r.Streams, r.Commands), r.Commands
	spread := func(from, to, count int) {
		for i := range count {
			if k := from + i*(to-from)/count; k < all && !r.commands[k].watched {
				r.commands[k].watched = true
				users = append(users, k)
			}
		}
	}
	last := min(50, n/10)
	rest := n - last
	if r.Stock < all {
		winners := min(rest/2, r.Stock)
		spread(0, r.Stock, winners)
		spread(r.Stock, all-last, rest-winners)
	} else {
		spread(0, all-last, rest)
	}
	spread(all-last, all, last)
	return users
}

// subscribe opens the streams, and returns when each has its first frame.
func (r *run) subscribe(ctx context.Context) error {
	users := r.watch()
	for i, k := range users {
		fd, err := r.address.dial()
		if err != nil {
			return err
		}
		r.streams[int32(fd)] = &stream{fd: fd, k: k}
		user := r.appendUser(nil, k)
		request := fmt.Sprintf("GET /subscribe/%s HTTP/1.1\r\nHost: %s\r\nX-User-Id: %s\r\nAccept: text/event-stream\r\n\r\n", user, r.Target, user)
		if _, err := syscall.Write(fd, []byte(request)); err != nil {
			return err
		}
		if err := r.poll.add(fd); err != nil {
			return err
		}
		if i%100 == 0 {
			if err := r.pollOnce(0); err != nil {
				return err
			}
		}
	}
	for end := time.Now().Add(30 * time.Second); ; {
		opening := len(users) - len(r.streams)
		for _, s := range r.streams {
			if !s.open {
				opening++
			}
		}
		if opening == 0 {
			return nil
		}
		if time.Now().After(end) || r.brokenStreams > 0 {
			return fmt.Errorf("%d of %d streams do not open: %s", opening, len(users), r.firstFailure)
		}
		if err := r.pollFor(ctx, 50*time.Millisecond); err != nil {
			return err
		}
	}
}

func (r *run) readStream(s *stream) {
	n, err := syscall.Read(s.fd, r.input)
	if err == syscall.EAGAIN || err == syscall.EINTR {
		return
	}
	if err == nil && n > 0 {
		if err = s.parse(r.input[:n], func(event, data []byte) { r.onFrame(s, event, data) }); err == nil {
			return
		}
	}
	if r.firstFailure == "" {
		r.firstFailure = fmt.Sprintf("a stream ended: %v", err)
	}
	r.brokenStreams++
	if c := &r.commands[s.k]; c.accepted() && c.frames == 0 {
		r.pending-- // nobody waits for it any more
	}
	s.close()
	delete(r.streams, int32(s.fd))
}

func (r *run) onFrame(s *stream, event, data []byte) {
	switch string(event) {
	case "connect":
		s.open = true
		return
	case "issue-complete", "issue-failed":
	default:
		return
	}
	if !bytes.Contains(data, []byte(r.promotion)) {
		return
	}
	c := &r.commands[s.k]
	if c.frames++; c.frames > 1 {
		return
	}
	c.delivered, c.won = r.now(), string(event) == "issue-complete"
	r.lastDelivery = c.delivered
	if c.accepted() {
		r.pending--
	}
}
