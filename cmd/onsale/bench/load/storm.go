// One client that sends far more than it may: it comes through a proxy, for which its address stands in a header.

package load

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// StormProxy is the address that a storm's requests come from. The node has to trust it, and counts them by StormAddress.
const (
	StormProxy   = "127.0.0.2"
	StormAddress = "203.0.113.66"
)

// Storm is what came of the requests of a storm.
type Storm struct {
	Elapsed       time.Duration
	Sent, Refused int // with 429
}

// StartStorm sends rate commands a second to target as one user, until stop is called.
func StartStorm(ctx context.Context, target string, rate float64) (stop func() (Storm, error), err error) {
	targetURL, err := url.Parse(target)
	if err != nil {
		return nil, err
	}
	const connections = 8
	ctx, cancel := context.WithCancelCause(ctx)
	s := &storm{host: targetURL.Host, rate: rate / connections, start: time.Now()}
	var group sync.WaitGroup
	for range connections {
		group.Go(func() {
			if err := s.send(ctx); err != nil {
				cancel(err)
			}
		})
	}
	return func() (Storm, error) {
		result := Storm{time.Since(s.start), int(s.sent.Load()), int(s.refused.Load())}
		err := context.Cause(ctx)
		cancel(nil)
		group.Wait()
		return result, err
	}, nil
}

type storm struct {
	host          string
	rate          float64 // of one connection
	start         time.Time
	sent, refused atomic.Int64
}

// send sends what is due, several requests at once, and waits for no response.
func (s *storm) send(ctx context.Context) error {
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(StormProxy)}}
	conn, err := dialer.DialContext(ctx, "tcp", s.host)
	if err != nil {
		return err
	}
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	defer conn.Close()
	go s.read(conn)
	request := fmt.Sprintf("POST /api/v1/promotions/storm/coupons HTTP/1.1\r\nHost: %s\r\nX-User-Id: storm\r\nX-Forwarded-For: %s\r\n"+
		"Prefer: respond-async\r\nContent-Length: 0\r\n\r\n", s.host, StormAddress)
	for sent := 0; ; time.Sleep(10 * time.Millisecond) {
		due := int(time.Since(s.start).Seconds()*s.rate) - sent
		_, err := io.WriteString(conn, strings.Repeat(request, max(0, due)))
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		sent += due
		s.sent.Add(int64(due))
	}
}

// read counts what was refused, until the connection is closed.
func (s *storm) read(conn net.Conn) {
	for responses := bufio.NewReader(conn); ; {
		response, err := http.ReadResponse(responses, nil)
		if err != nil {
			return
		}
		if response.StatusCode == http.StatusTooManyRequests {
			s.refused.Add(1)
		}
		if _, err := io.Copy(io.Discard, response.Body); err != nil {
			return
		}
	}
}
