package peer

import (
	"fmt"
	"hash/maphash"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// outcome is what a user gets to know once the coupon is in the database.
type outcome struct {
	promotion, user, requestID string
	number                     int64
}

// A message of a channel has a line for each outcome.

func (o outcome) appendLine(b *strings.Builder) {
	if b.Len() > 0 {
		b.WriteByte('\n')
	}
	b.WriteString(o.promotion + "\t" + o.user + "\t" + o.requestID + "\t" + strconv.FormatInt(o.number, 10))
}

// deliver hands the outcomes of a message to the streams that are open here.
func (s *streams) deliver(message string) {
	now := time.Now()
	for line := range strings.SplitSeq(message, "\n") {
		fields := strings.Split(line, "\t")
		if len(fields) != 4 {
			continue
		}
		number, _ := strconv.ParseInt(fields[3], 10, 64)
		s.push(outcome{fields[0], fields[1], fields[2], number}, now)
	}
}

func (o outcome) frame(at time.Time) []byte {
	return fmt.Appendf(nil, "event: issue-complete\ndata: {\"requestId\":%q,\"promotionId\":%q,\"couponId\":\"%s-%d\",\"number\":%d,"+
		"\"message\":\"쿠폰 발급이 완료되었습니다. (프로모션 ID: %s)\",\"at\":%q}\n\n",
		o.requestID, o.promotion, o.promotion, o.number, o.number, o.promotion, at.UTC().Format("2006-01-02T15:04:05.000Z"))
}

const shards = 64

// streams maps each user to the open streams of this process.
type streams struct {
	seed   maphash.Seed
	shards [shards]struct {
		sync.RWMutex
		users map[string][]chan []byte
	}
}

func newStreams() *streams {
	s := &streams{seed: maphash.MakeSeed()}
	for i := range s.shards {
		s.shards[i].users = map[string][]chan []byte{}
	}
	return s
}

func (s *streams) push(o outcome, at time.Time) {
	shard := &s.shards[maphash.String(s.seed, o.user)%shards]
	shard.RLock()
	defer shard.RUnlock()
	readers := shard.users[o.user]
	if len(readers) == 0 {
		return // another process may have the stream
	}
	frame := o.frame(at)
	for _, reader := range readers {
		select {
		case reader <- frame:
		default: // a reader that is 16 frames behind loses this one, as in every map of emitters
		}
	}
}

func (s *streams) add(user string) (frames chan []byte, remove func()) {
	frames = make(chan []byte, 16)
	shard := &s.shards[maphash.String(s.seed, user)%shards]
	shard.Lock()
	defer shard.Unlock()
	shard.users[user] = append(shard.users[user], frames)
	return frames, func() {
		shard.Lock()
		defer shard.Unlock()
		var others []chan []byte
		for _, other := range shard.users[user] {
			if other != frames {
				others = append(others, other)
			}
		}
		if shard.users[user] = others; others == nil {
			delete(shard.users, user)
		}
	}
}

func (s *streams) serve(w http.ResponseWriter, r *http.Request) {
	user := r.PathValue("user")
	frames, remove := s.add(user)
	defer remove()
	header := w.Header()
	header.Set("Content-Type", "text/event-stream")
	header.Set("Cache-Control", "no-store, no-transform")
	header.Set("X-Accel-Buffering", "no")
	out := http.NewResponseController(w)
	frame := fmt.Appendf(nil, "event: connect\nretry: 3000\ndata: {\"status\":\"fresh\",\"message\":\"SSE connected. userId=%s\"}\n\n", user)
	heartbeat := time.NewTicker(30 * time.Second)
	defer heartbeat.Stop()
	for {
		if _, err := w.Write(frame); err != nil {
			return
		}
		if err := out.Flush(); err != nil {
			return
		}
		select {
		case frame = <-frames:
		case <-heartbeat.C:
			frame = []byte("event: heartbeat\ndata:\n\n")
		case <-r.Context().Done():
			return
		}
	}
}
