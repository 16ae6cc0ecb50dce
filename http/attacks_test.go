// Clients that are slow, large or wrong on purpose: what each gets, and that others are served meanwhile.

package http

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// An attack sends something on a connection of its own. What it gets is the status and the code of each response; then the
// connection is closed, if not before, as an idle one.
var slowAttacks = map[string]struct {
	send func(c net.Conn)
	want string
}{
	"nothing at all":                               {func(net.Conn) {}, ""},
	"half a head":                                  {sends("GET /healthz HTTP/1.1\r\nHost: x\r\n"), ""},
	"a head, a byte at a time":                     {trickles("GET /healthz HTTP/1.1\r\nHost: x\r\nX-Long: ", " "), ""},
	"a header line of 100 KB":                      {sends("GET /healthz HTTP/1.1\r\nHost: x\r\nX-Long: " + strings.Repeat("a", 100_000)), "431"},
	"10,000 header lines":                          {sends("GET /healthz HTTP/1.1\r\nHost: x\r\n" + strings.Repeat("X-Many: a\r\n", 10_000)), "431"},
	"a path of 100 KB":                             {sends("GET /" + strings.Repeat("a", 100_000) + " HTTP/1.1\r\nHost: x\r\n\r\n"), "431"},
	"a body that stops":                            {sends(holdHead + "Content-Length: 1000\r\n\r\n{"), "400 invalid_body"},
	"a body, a byte at a time":                     {trickles(holdHead+"Content-Length: 1000\r\n\r\n{", " "), "400 invalid_body"},
	"chunks, a byte at a time":                     {trickles(holdHead+"Transfer-Encoding: chunked\r\n\r\n", "1\r\n \r\n"), "400 invalid_body"},
	"a body that does not come after 100 Continue": {sends(holdHead + "Content-Length: 1000\r\nExpect: 100-continue\r\n\r\n"), "100, 400 invalid_body"},
	"a length of a terabyte":                       {sends(holdHead + "Content-Length: 1000000000000\r\n\r\n{"), "413 body_too_large"},
	"chunks without end":                           {floods(holdHead+"Transfer-Encoding: chunked\r\n\r\n", "1000\r\n"+strings.Repeat(" ", 4096)+"\r\n"), "413 body_too_large"},
	"chunks of extensions":                         {floods(holdHead+"Transfer-Encoding: chunked\r\n\r\n", "1;"+strings.Repeat("x", 1000)+"\r\n \r\n"), "400 invalid_body"},
	"gzip of 10 MB in 10 KB":                       {sends(holdHead + "Content-Encoding: gzip\r\n" + withLength(zeros(10<<20))), "415 unsupported_media_type"},
	"gzip as a transfer encoding":                  {sends(holdHead + "Transfer-Encoding: gzip, chunked\r\n\r\n"), "501"},
	"two lengths":                                  {sends(holdHead + "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}"), "400"},
	"a length with a sign":                         {sends(holdHead + "Content-Length: +2\r\n\r\n{}"), "400"},
	"a space before the colon":                     {sends("GET /healthz HTTP/1.1\r\nHost: x\r\nX-User-Id : kim\r\n\r\n"), "400"},
	"no host":                                      {sends("GET /healthz HTTP/1.1\r\n\r\n"), "400"},
	"1,000 requests at once":                       {sends(strings.Repeat("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", 1000)), "200, 1000 times"},
	"a request behind a length":                    {sends(holdHead + withLength("{}GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n") + "GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n"), "400 invalid_body, 404 not_found"},
}

const holdHead = "POST /api/v1/schedules/s/seats/hold HTTP/1.1\r\nHost: x\r\nX-User-Id: mallory\r\nContent-Type: application/json\r\n"

func sends(text string) func(net.Conn) {
	return func(c net.Conn) { _, _ = io.WriteString(c, text) }
}

// trickles sends piece again and again, with pauses.
func trickles(head, piece string) func(net.Conn) {
	return repeats(head, piece, 50*time.Millisecond)
}

// floods sends piece again and again, as fast as it can.
func floods(head, piece string) func(net.Conn) { return repeats(head, piece, 0) }

func repeats(head, piece string, pause time.Duration) func(net.Conn) {
	return func(c net.Conn) {
		_, err := io.WriteString(c, head)
		for ; err == nil; time.Sleep(pause) {
			_, err = io.WriteString(c, piece) // until the connection is closed
		}
	}
}

func zeros(n int) string {
	var compressed bytes.Buffer
	w := gzip.NewWriter(&compressed)
	_, _ = w.Write(make([]byte, n))
	_ = w.Close()
	return compressed.String()
}

func withLength(body string) string {
	return fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(body), body)
}

func TestAttacks_SlowClients(t *testing.T) {
	t.Parallel()
	f := newUnservedFixture(t)
	address := serveImpatiently(t, f, func() { // with time enough for what is not slow
		f.http.ReadHeaderTimeout, f.http.ReadTimeout = 2*time.Second, 2*time.Second
	})
	stop := serveOthers(t, f, address)
	var group sync.WaitGroup
	for name, attack := range slowAttacks {
		for range 3 {
			group.Go(func() {
				got := lost
				for attempt := 0; got == lost && attempt < 10; attempt++ {
					c := dial(t, address)
					go attack.send(c)
					got = readOutcome(t, c)
				}
				if got != attack.want {
					t.Errorf("%s: got %q, want %q", name, got, attack.want)
				}
			})
		}
	}
	group.Wait()
	stop()
}

// lost is the outcome of a client that was still sending when the connection was closed, and had not read the response yet: the
// reset that its bytes cause overtakes it.
const lost = "lost"

// readOutcome reads responses until the connection is closed.
func readOutcome(t *testing.T, c net.Conn) string {
	var outcomes []string
	responses, last, same := bufio.NewReader(c), "", 0
	end := func() {
		if same > 1 {
			outcomes = append(outcomes, fmt.Sprintf("%d times", same))
		}
	}
	for {
		_ = c.SetReadDeadline(time.Now().Add(20 * time.Second))
		response, err := http.ReadResponse(responses, nil)
		if err != nil {
			if timeout, ok := err.(net.Error); ok && timeout.Timeout() {
				t.Errorf("it is open after %v", outcomes)
			}
			if errors.Is(err, syscall.ECONNRESET) && len(outcomes) == 0 {
				return lost
			}
			end()
			return strings.Join(outcomes, ", ")
		}
		body, _ := io.ReadAll(response.Body)
		outcome := fmt.Sprint(response.StatusCode)
		if _, code, ok := strings.Cut(string(body), `"code":"`); ok {
			outcome += " " + code[:strings.IndexByte(code, '"')]
		}
		if outcome == last {
			same++
			continue
		}
		end()
		outcomes, last, same = append(outcomes, outcome), outcome, 1
	}
}

// Clients that send requests and read nothing, or a byte now and then, are cut when a response could not be written for long.
func TestAttacks_SlowReaders(t *testing.T) {
	t.Parallel()
	f := newUnservedFixture(t)
	address := serveImpatiently(t, f, func() { f.http.WriteTimeout, f.http.ReadTimeout = time.Second, time.Minute })
	const slow = 10
	for i := range slow {
		c := dial(t, address)
		_ = c.(*net.TCPConn).SetReadBuffer(4096)
		if !mustGet(t, c) {
			t.Fatal("the connection is closed")
		}
		go func() { // 50 MB of responses, more than the server's socket holds
			_, _ = io.WriteString(c, strings.Repeat("GET /app.js HTTP/1.1\r\nHost: x\r\n\r\n", 10_000))
		}()
		if i%2 == 0 {
			go func() {
				for _, err := c.Read(make([]byte, 1)); err == nil; _, err = c.Read(make([]byte, 1)) {
					time.Sleep(20 * time.Millisecond)
				}
			}()
		}
	}
	if open, _ := f.connections.counts(); open == 0 { // on a busy machine the first may be closed by now
		t.Error("no connection is open")
	}
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		open, _ := f.connections.counts()
		if open == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d of %d connections are open", open, slow)
		}
	}
}

// serveOthers sends requests as other clients, all of which must be answered, until stop is called.
func serveOthers(t *testing.T, f *fixture, address string) (stop func()) {
	t.Helper()
	ended, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		client := &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{ // an idle connection may be closed
			TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, ForceAttemptHTTP2: true, DisableKeepAlives: true,
		}}
		for n := 0; ; n++ {
			select {
			case <-ended:
				if n < 5 {
					t.Errorf("others sent only %d requests", n)
				}
				return
			case <-time.After(30 * time.Millisecond):
			}
			scheme := "http://"
			if f.TLS != nil {
				scheme = "https://"
			}
			response, err := client.Get(scheme + address + "/api/v1/promotions")
			if err != nil {
				t.Error("another client:", err)
				return
			}
			_, _ = io.Copy(io.Discard, response.Body)
			response.Body.Close()
			if response.StatusCode != http.StatusOK {
				t.Error("another client got", response.Status)
			}
		}
	}()
	return func() {
		close(ended)
		<-done
	}
}
