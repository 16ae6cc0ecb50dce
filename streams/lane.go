// The lane: the only way into COMMANDS. One append is in flight; the commands that arrive meanwhile leave together in the
// next message. So a quiet node sends each command at once, a rush shares round trips and fsyncs, and no timer decides.
package streams

import (
	"slices"
	"sync"

	"onsale/domain"
)

// lane is what Append and its one sender share.
type lane struct {
	mu      sync.Mutex // guards waiting and stopped; never held while something is sent
	waiting []*passenger
	stopped bool
	wake    chan struct{} // holds one: there is something to look at
	ended   chan struct{}
}

// passenger is one command on its way. There are never more of them than goroutines that wait in Append.
type passenger struct {
	line    []byte
	arrived chan arrival // holds one
}

type arrival struct {
	sequence uint64
	err      error
}

func startLane(l *Log) *lane {
	n := &lane{wake: make(chan struct{}, 1), ended: make(chan struct{})}
	go n.run(l)
	return n
}

func (n *lane) put(p *passenger) bool {
	n.mu.Lock()
	if n.stopped {
		n.mu.Unlock()
		return false
	}
	n.waiting = append(n.waiting, p)
	n.mu.Unlock()
	n.ring()
	return true
}

func (n *lane) ring() {
	select {
	case n.wake <- struct{}{}:
	default:
	}
}

// takeBack is false when p has left.
func (n *lane) takeBack(p *passenger) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	i := slices.Index(n.waiting, p)
	if i < 0 {
		return false
	}
	n.waiting = slices.Delete(n.waiting, i, i+1)
	return true
}

// board takes as many as one message may hold, in the order in which they came.
func (n *lane) board(to []*passenger) (boarded []*passenger, stopped bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	bytes, count := 0, 0
	for _, p := range n.waiting {
		if bytes += len(p.line) + 1; count == maxLines || bytes > maxMessage+1 {
			break
		}
		count++
	}
	to = append(to[:0], n.waiting[:count]...)
	n.waiting = slices.Delete(n.waiting, 0, count)
	return to, n.stopped
}

func (n *lane) run(l *Log) {
	defer close(n.ended)
	var boarded []*passenger
	var payload []byte
	for {
		var stopped bool
		if boarded, stopped = n.board(boarded); stopped {
			for len(boarded) > 0 {
				arrive(boarded, 0, ErrClosed)
				boarded, _ = n.board(boarded)
			}
			return
		}
		if len(boarded) == 0 {
			<-n.wake
			continue
		}
		payload = payload[:0]
		for i, p := range boarded {
			if i > 0 {
				payload = append(payload, '\n')
			}
			payload = append(payload, p.line...)
		}
		message, err := l.appendMessage(payload)
		arrive(boarded, message, err)
		clear(boarded)
	}
}

func arrive(boarded []*passenger, message uint64, err error) {
	for i, p := range boarded {
		p.arrived <- arrival{message*domain.PlacesPerMessage + uint64(i), err}
	}
}

func (n *lane) stop() {
	n.mu.Lock()
	n.stopped = true
	n.mu.Unlock()
	n.ring()
	<-n.ended
}
