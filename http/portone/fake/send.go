// Webhooks on their way: each is sent once, and whether anybody listens is not the fake's business.
package fake

import (
	"net/http"
	"strings"
	"time"
)

var sender = &http.Client{Timeout: 10 * time.Second}

// take gives what is to be sent. sendAfter sends it while the caller goes on; deliver does so before.
func (s *Server) take() []message {
	s.mu.Lock()
	defer s.mu.Unlock()
	messages := s.waiting
	s.waiting = nil
	return messages
}

func (s *Server) sendAfter() {
	if messages := s.take(); len(messages) > 0 {
		go s.deliver(messages)
	}
}

func (s *Server) deliver(messages []message) {
	for _, m := range messages {
		for range max(m.to.Copies, 1) {
			send(m)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.unsent -= len(messages)
	s.sent.Broadcast()
}

func send(m message) {
	r, err := http.NewRequest(http.MethodPost, m.to.URL, strings.NewReader(m.body))
	if err != nil {
		return
	}
	r.Header = m.header.Clone()
	response, err := sender.Do(r)
	if err == nil {
		response.Body.Close()
	}
}
