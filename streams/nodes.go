// Nodes: a name belongs to one node. Two nodes of one name would share a durable consumer, each would take the other's commands, and
// both would find a gap. So a node asks, before it touches the consumer, whether one of its name lives; a node answers for as long as
// it runs. On core NATS, since an answer is worth something only now.

package streams

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	consumerPrefix = "projector-"

	// nameWait is how long a node asks for others of its name: many round trips, since they may be busy. It asks again every
	// nameInterval, since the servers of a cluster learn of a new subscription one after the other.
	nameWait     = 500 * time.Millisecond
	nameInterval = 100 * time.Millisecond
)

// ErrNameInUse: another node of the same name is running.
var ErrNameInUse = errors.New("a node of this name is running")

// presence is what a node says of itself.
type presence struct {
	Instance string    `json:"instance"` // random, of this run
	Host     string    `json:"host"`
	PID      int       `json:"pid"`
	Started  time.Time `json:"started"`
	Claimed  bool      `json:"claimed"` // the name is its own; otherwise it is still asking
}

func (p presence) String() string {
	return fmt.Sprintf("process %d on %s, started %s", p.PID, p.Host, p.Started.UTC().Format(time.RFC3339))
}

// yieldsTo: one that has the name wins against one that asks. Two that ask at the same time, or that meet after a while apart, agree
// on one of them without comparing clocks.
func (p presence) yieldsTo(other presence) bool {
	if p.Claimed != other.Claimed {
		return other.Claimed
	}
	return other.Instance < p.Instance
}

func (l *Log) nameSubject(node string) string {
	return l.prefix.subject("onsale." + l.epoch + ".node." + node)
}

// claimName makes this node the one of its name, or returns ErrNameInUse.
func (l *Log) claimName(ctx context.Context) error {
	if l.config.ReadOnly || l.Embedded() {
		return nil // nobody else can use the log
	}
	host, _ := os.Hostname()
	self := presence{Instance: rand.Text(), Host: host, PID: os.Getpid(), Started: time.Now()}
	l.presence.Store(&self)
	// It answers before it asks: of two that start at the same time, at least one hears of the other.
	if _, err := l.nc.Subscribe(l.nameSubject(l.config.Node), l.answerName); err != nil {
		return fmt.Errorf("asking for the node's name: %w", err)
	}
	for {
		err := l.checkName(ctx)
		if err == nil {
			break
		}
		if errors.Is(err, ErrNameInUse) || ctx.Err() != nil {
			return err
		}
		l.logger.Warn("cannot ask for the node's name, retrying", "error", err)
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
		}
	}
	claimed := self
	claimed.Claimed = true
	l.presence.Store(&claimed)
	return nil
}

// checkName asks whether another node has the name, or takes it.
func (l *Log) checkName(ctx context.Context) error {
	self := *l.presence.Load()
	others, err := l.askName(ctx, l.config.Node, self)
	if err != nil {
		return err
	}
	for _, other := range others {
		if self.yieldsTo(other) {
			return l.nameInUse(self, other)
		}
	}
	return nil
}

func (l *Log) nameInUse(self, other presence) error {
	err := fmt.Errorf("%w: %q is %s, and this is %s", ErrNameInUse, l.config.Node, other, self)
	l.logger.Error(err.Error())
	return err
}

// checkNameAgain is called after a reconnect: another may have taken the name while this node was cut off or stopped.
func (l *Log) checkNameAgain() {
	if self := l.presence.Load(); self == nil || !self.Claimed {
		return
	}
	if err := l.checkName(l.ctx); errors.Is(err, ErrNameInUse) {
		fail(l.failed, err)
	}
}

// answerName answers a question for this node's name.
func (l *Log) answerName(m *nats.Msg) {
	self := *l.presence.Load()
	var asking presence
	if json.Unmarshal(m.Data, &asking) == nil && asking.Instance == self.Instance {
		return
	}
	switch {
	case asking.Instance == "" || !self.Claimed: // a tool that lists nodes, or both ask
	case self.yieldsTo(asking):
		fail(l.failed, l.nameInUse(self, asking))
	default:
		l.logger.Error("another node asks for the name of this one, and is refused", "node", l.config.Node, "other", asking.String())
	}
	answer, _ := json.Marshal(self) // of plain fields
	_ = m.Respond(answer)
}

// askName returns the others that answer to a name.
func (l *Log) askName(ctx context.Context, node string, self presence) ([]presence, error) {
	question, _ := json.Marshal(self)
	inbox := l.nc.NewInbox()
	answers, err := l.nc.SubscribeSync(inbox)
	if err != nil {
		return nil, err
	}
	defer answers.Unsubscribe()
	ctx, cancel := context.WithTimeout(ctx, nameWait)
	defer cancel()
	var others []presence
	for {
		if err := l.nc.PublishRequest(l.nameSubject(node), inbox, question); err != nil {
			return nil, err
		}
		interval, cancelInterval := context.WithTimeout(ctx, nameInterval)
		for interval.Err() == nil {
			m, err := answers.NextMsgWithContext(interval)
			var other presence
			switch {
			case err == nil && json.Unmarshal(m.Data, &other) == nil && other.Instance != "":
				others = append(others, other)
			case errors.Is(err, nats.ErrNoResponders): // yet
				<-interval.Done()
			case err != nil && interval.Err() == nil:
				cancelInterval()
				return nil, err
			}
		}
		cancelInterval()
		if ctx.Err() != nil {
			if !l.nc.IsConnected() {
				return nil, nats.ErrDisconnected
			}
			return others, nil
		}
	}
}

// NodeInfo is a node that has, or had, a consumer of COMMANDS.
type NodeInfo struct {
	Name    string
	Alive   string    // what it says of itself; "": it does not answer
	LastAck time.Time // zero: never
	Lag     uint64    // messages of COMMANDS that it has not acknowledged
}

// Nodes lists the nodes of this log by name.
func (l *Log) Nodes(ctx context.Context) ([]NodeInfo, error) {
	stream, err := l.js.Stream(ctx, l.prefix.stream(commandsStream))
	if err != nil {
		return nil, err
	}
	var nodes []NodeInfo
	consumers := stream.ListConsumers(ctx)
	for info := range consumers.Info() {
		name, ok := strings.CutPrefix(info.Name, consumerPrefix)
		if !ok {
			continue
		}
		n := NodeInfo{Name: name, Lag: info.NumPending + uint64(info.NumAckPending)}
		if info.AckFloor.Last != nil {
			n.LastAck = *info.AckFloor.Last
		}
		if n.Alive, err = l.alive(ctx, name); err != nil {
			return nil, err
		}
		nodes = append(nodes, n)
	}
	slices.SortFunc(nodes, func(a, b NodeInfo) int { return cmp.Compare(a.Name, b.Name) })
	return nodes, consumers.Err()
}

func (l *Log) alive(ctx context.Context, node string) (string, error) {
	others, err := l.askName(ctx, node, presence{})
	if err != nil || len(others) == 0 {
		return "", err
	}
	return others[0].String(), nil
}

// RemoveNode deletes the consumer of a node that is not running. A node that starts again under the name creates it anew.
func (l *Log) RemoveNode(ctx context.Context, node string) error {
	alive, err := l.alive(ctx, node)
	if err != nil {
		return err
	}
	if alive != "" {
		return fmt.Errorf("%w: %q is %s", ErrNameInUse, node, alive)
	}
	err = l.js.DeleteConsumer(ctx, l.prefix.stream(commandsStream), consumerPrefix+node)
	if errors.Is(err, jetstream.ErrConsumerNotFound) {
		return fmt.Errorf("no node %q: COMMANDS has no consumer of this name", node)
	}
	return err
}
