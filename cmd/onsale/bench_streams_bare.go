// The least that a server in Go can do: connections that were taken over from net/http and have no goroutine, one frame for
// all, two goroutines that write it. What a stream costs on this machine beyond that is onsale's own.

package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"sync"

	"github.com/spf13/cobra"
)

// shard is half of the connections of the bare server.
type shard struct {
	mu    sync.Mutex
	conns []net.Conn
	frame chan []byte
}

func (s *shard) write() {
	for frame := range s.frame {
		s.mu.Lock()
		for _, c := range s.conns {
			_, _ = c.Write(frame)
		}
		s.mu.Unlock()
	}
}

// hijackReferenceCommand serves streams that do nothing else: a POST is an event for all of them.
func hijackReferenceCommand() *cobra.Command {
	return &cobra.Command{
		Use:    "hijack-reference",
		Short:  "hold every GET, and write a frame to all of them at every POST, until stdin ends",
		Hidden: true,
		Args:   noArguments,
		RunE: func(command *cobra.Command, _ []string) error {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				return err
			}
			fmt.Fprintf(command.ErrOrStderr(), "listening on http://%s\n", l.Addr())
			go func() {
				_, _ = io.Copy(io.Discard, os.Stdin)
				l.Close()
			}()
			_ = http.Serve(l, newBare()) // until the listener is closed
			return nil
		},
	}
}

const (
	bareHead  = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\nevent: connect\nid: bare-0\ndata: {}\n\n"
	bareFrame = "id: %s\n" + `data: {"scheduleSeatId":1,"status":"HELD","timestamp":"2026-01-01T00:00:00.000Z","isHeartbeat":false}` + "\n\n"
)

func newBare() http.Handler {
	shards := [2]shard{{frame: make(chan []byte)}, {frame: make(chan []byte)}}
	for i := range shards {
		go shards[i].write()
	}
	var mu sync.Mutex // guards what follows
	joined, told := 0, 0
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if r.Method == http.MethodPost {
			told++
			id := fmt.Sprintf("bare-%d", told)
			frame := fmt.Appendf(nil, bareFrame, id)
			for i := range shards {
				shards[i].frame <- frame
			}
			fmt.Fprintf(w, `{"eventId":%q}`, id)
			return
		}
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		_, _ = io.WriteString(conn, bareHead)
		s := &shards[joined%len(shards)]
		joined++
		s.mu.Lock()
		defer s.mu.Unlock()
		s.conns = append(s.conns, conn)
	})
}
