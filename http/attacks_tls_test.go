// Attacks on TLS and HTTP/2: what each gets, and that others are served meanwhile.

package http

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"onsale/http/auth"
)

// frames is a client of HTTP/2 that sends what it is told, and answers nothing.
type frames struct {
	*http2.Framer
	net    net.Conn
	block  bytes.Buffer
	fields *hpack.Encoder
}

func dialFrames(t *testing.T, address string) *frames {
	t.Helper()
	c, err := tls.Dial("tcp", address, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if c.ConnectionState().NegotiatedProtocol != "h2" {
		t.Fatal("no HTTP/2")
	}
	f := &frames{Framer: http2.NewFramer(c, c), net: c}
	f.fields = hpack.NewEncoder(&f.block)
	_, _ = io.WriteString(c, http2.ClientPreface)
	_ = f.WriteSettings()
	return f
}

// head is a block of fields; header holds names and values by turns.
func (f *frames) head(method, path string, header ...string) []byte {
	f.block.Reset()
	for i, all := 0, append([]string{":method", method, ":scheme", "https", ":authority", "x", ":path", path}, header...); i < len(all); i += 2 {
		_ = f.fields.WriteField(hpack.HeaderField{Name: all[i], Value: all[i+1]})
	}
	return f.block.Bytes()
}

// request opens a stream.
func (f *frames) request(stream uint32, method, path string, header ...string) error {
	end := method == "GET" // otherwise a body follows
	return f.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: f.head(method, path, header...), EndHeaders: true, EndStream: end})
}

// end reads until the server closes the connection, or resets a stream, and returns the error that it names; "": none.
func (f *frames) end(t *testing.T) (code string) {
	t.Helper()
	_ = f.net.SetReadDeadline(time.Now().Add(20 * time.Second))
	for {
		frame, err := f.ReadFrame()
		if errors.Is(err, os.ErrDeadlineExceeded) {
			t.Error("the connection is open")
		}
		if err != nil {
			return code
		}
		switch frame := frame.(type) {
		case *http2.GoAwayFrame:
			code = "goaway " + frame.ErrCode.String()
		case *http2.RSTStreamFrame:
			return "reset " + frame.ErrCode.String()
		}
	}
}

// An attack is a function that uses up a connection. What it gets is the error that the server ends it with; "": any, or none,
// since the server cannot write.
var frameAttacks = map[string]struct {
	send func(f *frames) error
	want string
}{
	"a head without end, in small frames": {func(f *frames) error {
		err := f.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: f.head("GET", "/healthz"), EndStream: true})
		for err == nil {
			err = f.WriteContinuation(1, false, f.head("GET", "/healthz", "x-many", strings.Repeat("a", 1000))[4:])
		}
		return err
	}, "goaway PROTOCOL_ERROR"},
	"a body that stops": {func(f *frames) error {
		err := f.request(1, "POST", "/api/v1/schedules/s/seats/hold", "x-user-id", "mallory", "content-type", "application/json", "content-length", "1000")
		return errors.Join(err, f.WriteData(1, false, []byte("{")))
	}, "reset NO_ERROR"}, // after its 400
	"a response that may never be written": {func(f *frames) error {
		return errors.Join(f.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 100}), f.request(1, "GET", "/app.js"))
	}, "reset INTERNAL_ERROR"},
	"frames larger than agreed": {func(f *frames) error {
		return f.WriteRawFrame(http2.FrameData, 0, 1, make([]byte, 2<<20))
	}, "goaway FRAME_SIZE_ERROR"},
	"pings whose answers are never read": {func(f *frames) error {
		for {
			if err := f.WritePing(false, [8]byte{}); err != nil {
				return err
			}
		}
	}, ""},
}

// serveTLS serves f with a certificate and deadlines that leave time enough for a handshake.
func serveTLS(t *testing.T, f *fixture) (address string) {
	t.Helper()
	example := httptest.NewTLSServer(nil)
	f.TLS = &tls.Config{Certificates: example.TLS.Certificates}
	example.Close()
	return serveImpatiently(t, f, func() {
		const handshake, response = 3 * time.Second, 6 * time.Second
		f.http.ReadHeaderTimeout, f.http.ReadTimeout, f.http.WriteTimeout, f.http.HTTP2.WriteByteTimeout = handshake, handshake, response, response
	})
}

func TestAttacks_Frames(t *testing.T) {
	t.Parallel()
	f := newUnservedFixture(t)
	address := serveTLS(t, f)
	stop := serveOthers(t, f, address)
	var group sync.WaitGroup
	for name, attack := range frameAttacks {
		group.Go(func() {
			c := dialFrames(t, address)
			sent := make(chan struct{})
			go func() {
				defer close(sent)
				_ = attack.send(c)
			}()
			if attack.want == "" {
				<-sent // until the server closes the connection
			}
			if got := c.end(t); got != attack.want && attack.want != "" {
				t.Errorf("%s: got %q, want %q", name, got, attack.want)
			}
		})
	}
	for range 20 { // half of a handshake
		c := dial(t, address)
		_, _ = io.WriteString(c, "\x16\x03\x01\x02\x00\x01")
		group.Go(func() {
			if n, err := io.Copy(io.Discard, c); errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("half of a handshake: open after %d bytes", n)
			}
		})
	}
	group.Wait()
	stop()
}

// busyStreams have handlers that go on after their client is gone, as one does that waits for a lock.
type busyStreams struct {
	stubStreams
	running, most atomic.Int64
	released      chan struct{}
}

func (s *busyStreams) User(http.ResponseWriter, *http.Request, auth.Identity, string) {
	running := s.running.Add(1)
	defer s.running.Add(-1)
	for most := s.most.Load(); running > most && !s.most.CompareAndSwap(most, running); most = s.most.Load() {
	}
	<-s.released
}

// Streams that are reset at once count until their handlers return (CVE-2023-44487), and too many that wait end the connection.
func TestAttacks_RapidReset(t *testing.T) {
	t.Parallel()
	f := newUnservedFixture(t)
	streams := &busyStreams{released: make(chan struct{})}
	f.Streams = streams
	address := serveTLS(t, f)
	stop := serveOthers(t, f, address)
	c := dialFrames(t, address)
	go func() {
		for stream := uint32(1); ; stream += 2 {
			if c.request(stream, "GET", "/subscribe/mallory") != nil || c.WriteRSTStream(stream, http2.ErrCodeCancel) != nil {
				return // the connection is closed
			}
		}
	}()
	if got := c.end(t); got != "goaway ENHANCE_YOUR_CALM" {
		t.Errorf("got %q, want goaway ENHANCE_YOUR_CALM", got)
	}
	stop()
	close(streams.released)
	if most := streams.most.Load(); most == 0 || most > maxConcurrentStreams {
		t.Errorf("%d handlers ran at a time, want at most %d", most, maxConcurrentStreams)
	}
}
