package stream

import (
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"onsale/domain"
)

// Whenever somebody comes while orders are placed, replaced and decided, whatever happens to their connection and to the
// node, and whatever id they bring:
//
//  1. a connection tells one verdict, as its last frame, or none;
//  2. it is that of the asker's own order, byte by byte;
//  3. who waits long enough hears it.
func TestOrder_oneVerdict(t *testing.T) { inManyWorlds(t, oneVerdict) }

func oneVerdict(t *testing.T, r *rand.Rand) {
	w := newWorld(t, Config{
		Ring: pick(r, 1, 3, 8, 64, 1024), CatchUps: pick(r, 1, 2, 64), MaxPerUser: -1,
		ScheduleLife: pick(r, time.Second, 20*time.Second, time.Hour), UserHeartbeat: pick(r, time.Second, 25*time.Second),
	})
	health := pick(r, 1, 20, 200)
	var dicing sync.Mutex
	dice := rand.New(rand.NewPCG(r.Uint64(), 2))
	w.sick = func() sickness {
		dicing.Lock()
		defer dicing.Unlock()
		if health == 1 || dice.IntN(health) > 0 {
			return well
		}
		return pick(dice, slow, dies, ends, hangs)
	}
	s := w.serve()
	s.size = func() int {
		dicing.Lock()
		defer dicing.Unlock()
		return pick(dice, 50, 500, 5000)
	}
	var waiting sync.WaitGroup
	for n := range 6 {
		impUID := fmt.Sprint("imp_", n)
		for _, asker := range []string{"", "1", "2"} {
			for range 2 {
				c := &buyer{t: t, w: w, s: s, r: rand.New(rand.NewPCG(r.Uint64(), 3)), impUID: impUID, asker: asker}
				waiting.Go(c.live)
			}
		}
	}
	sell(w, r)
	waiting.Wait()
}

// sell places and decides the orders of payments imp_0 to imp_5, in between one another. Each second payment is user 2's, and
// user 1 tried it first.
func sell(w *world, r *rand.Rand) {
	lives := make([][]domain.Event, 6)
	for n := range lives {
		id := fmt.Sprint("imp_", n)
		lives[n] = slices.Concat(
			[]domain.Event{placedBy("1", id), rechecked(id)},
			[][]domain.Event{
				{pendingOf("1", id), paid("1", id), refunded("1", id)},
				{failed("1", id), placedBy("2", id), rechecked(id), pick(r, paid, failed)("2", id), rechecked(id)},
			}[n%2])
	}
	for left := 6; left > 0; {
		for range r.IntN(8) {
			n := r.IntN(6)
			switch {
			case r.IntN(3) == 0:
				w.decide(anything(r))
			case len(lives[n]) > 0:
				w.decide(lives[n][0])
				if lives[n] = lives[n][1:]; len(lives[n]) == 0 {
					left--
				}
			}
		}
		w.append(r.IntN(6))
		time.Sleep(time.Duration(r.IntN(pick(r, 2, 1000, 5000))) * time.Millisecond)
		w.tell(r.IntN(6))
		if r.IntN(20) == 0 {
			w.restart()
		}
	}
	w.append(1000)
	w.tell(1000)
	w.happen(issued("nobody"))
}

// buyer waits for the verdict of one payment, and comes back after having heard it, or not, again and again.
type buyer struct {
	t             *testing.T
	w             *world
	s             *server
	r             *rand.Rand
	impUID, asker string
	id            string
}

// live ends when the payment is decided for good and the verdict was heard after that, or it is another's.
func (c *buyer) live() {
	began := time.Now()
	for !c.t.Failed() {
		time.Sleep(time.Duration(c.r.IntN(pick(c.r, 1+1, 100, 20_000))) * time.Millisecond)
		owner, final := c.w.owner(c.impUID)
		if final && c.asker != "" && c.asker != owner {
			return // the door says so
		}
		verdict := c.connect()
		if final && verdict != "" {
			return
		}
		if time.Since(began) > 5*time.Hour {
			c.t.Errorf("%q has not heard of %s", c.asker, c.impUID)
			return
		}
	}
}

// connect is one connection, which may be cut. It gives the verdict, or "".
func (c *buyer) connect() (verdict string) {
	path := fmt.Sprintf("/orders/%s?asker=%s", c.impUID, c.asker)
	st, err := c.s.open(path, pick(c.r, "", c.id, epoch+"-0", "garbage"))
	if err != nil {
		c.t.Errorf("opening %s: %v", path, err)
		return ""
	}
	defer st.Close()
	if c.r.IntN(3) == 0 {
		_ = st.SetReadDeadline(time.Now().Add(time.Duration(c.r.IntN(10_000)) * time.Millisecond))
	}
	var heard []received
	for {
		e, err := st.next()
		if err != nil {
			if c.id = st.LastID; err == io.EOF {
				time.Sleep(st.Retry)
			}
			break
		}
		if e.Event != "heartbeat" {
			heard = append(heard, e)
		}
		if verdict != "" && e.Event != "heartbeat" {
			c.t.Errorf("after the verdict comes %+v", e)
		}
		if e.Event == "success" || e.Event == "failure" {
			verdict = e.Event
			if !slices.Contains(c.w.verdicts(c.impUID, c.asker), e) {
				c.t.Errorf("%q is told of %s: %+v", c.asker, c.impUID, e)
			}
		}
	}
	for i, e := range heard {
		if (i == 0) != (e.Event == "connect") || i > 1 {
			c.t.Errorf("%q was told of %s: %+v", c.asker, c.impUID, heard)
		}
		if i == 0 && strings.Contains(e.Data, `"orderStatus"`) && c.asker != "" && !strings.Contains(e.Data, `"owner":"`+c.asker) {
			c.t.Errorf("%q is shown another's order: %+v", c.asker, e)
		}
	}
	return verdict
}

// owner is whose order of this payment the last is, and whether that has been told with its verdict.
func (w *world) owner(impUID string) (owner string, final bool) {
	v, _, _ := w.order(impUID)
	w.mu.Lock()
	defer w.mu.Unlock()
	second := strings.ContainsAny(impUID[4:], "135")
	return v.Owner, v.Verdict > 0 && v.Verdict <= uint64(w.told) && (v.Owner == "2") == second
}

// verdicts are those that were told of this payment and that the asker may hear.
func (w *world) verdicts(impUID, asker string) (all []received) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, e := range w.log[:w.told] {
		if e.Entity == impUID && (asker == "" || e.User == asker) {
			all = append(all, parse(string(render(epoch, &e.Event, orderKorean).bytes)).Events...)
		}
	}
	return all
}
