// Requests from one node to another, by name: for what only that node knows, and only now. On core NATS, since nobody needs the
// answer later.

package streams

import (
	"context"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
)

const (
	askTimeout  = 2 * time.Second
	maxQuestion = 1 << 10
)

// askSubject is below the subject of the node's name, so that the same permissions allow both.
func (l *Log) askSubject(node string) string { return l.nameSubject(node) + ".ask" }

// AnswerNodes answers the questions of other nodes until the log is closed. A nil answer says that there is none.
func (l *Log) AnswerNodes(answer func(question []byte) []byte) error {
	if l.Embedded() {
		return nil // there are no others
	}
	_, err := l.nc.Subscribe(l.askSubject(l.config.Node), func(m *nats.Msg) {
		if m.Reply == "" || len(m.Data) > maxQuestion {
			return
		}
		_ = m.Respond(answer(m.Data)) // who gets no answer asks again, or not
	})
	if err != nil {
		return fmt.Errorf("answering other nodes: %w", err)
	}
	return nil
}

// AskNode asks another node, and waits two seconds at most. An empty answer says that it has none.
func (l *Log) AskNode(ctx context.Context, node string, question []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	m, err := l.nc.RequestWithContext(ctx, l.askSubject(node), question)
	if err != nil {
		return nil, err
	}
	return m.Data, nil
}
