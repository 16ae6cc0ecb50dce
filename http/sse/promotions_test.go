package sse

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"onsale/domain"
	"onsale/domain/coupons"
	"onsale/http/view"
	"onsale/http/view/viewtest"
)

// promotion counts over the whole log.
func (f *fixture) promotion(promotion string) (p promotionSnapshot, found bool, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var made coupons.Created
	for _, e := range f.log {
		switch body := e.Body.(type) {
		case coupons.Created:
			if body.PromotionID == promotion {
				made, found = body, true
			}
		case coupons.Issued:
			if body.PromotionID == promotion {
				p.issued++
				p.issuedEver++
			}
		}
	}
	p.remaining, p.decidedSequence, p.eventNumber = made.Stock-p.issued, 1000*uint64(len(f.log)), uint64(f.delivered)
	switch now := domain.At(time.Now()); {
	case now < made.OpensAt:
		p.status, p.until = "SCHEDULED", made.OpensAt
	case made.ClosesAt != 0 && now >= made.ClosesAt:
		p.status = "CLOSED"
	case p.remaining == 0:
		p.status, p.until = "SOLD_OUT", made.ClosesAt
	default:
		p.status, p.until = "OPEN", made.ClosesAt
	}
	return p, found, nil
}

// promotionReader replaces the reading of promotions.
type promotionReader struct {
	*fixture
	read func(promotion string) (promotionSnapshot, bool, error)
}

func (r promotionReader) promotion(promotion string) (promotionSnapshot, bool, error) {
	return r.read(promotion)
}

func created(promotion string, units int, opens, closes domain.Time) domain.Event {
	return domain.Event{Entity: promotion, Body: coupons.Created{
		PromotionID: promotion, Name: "n", Stock: units, PerUserLimit: 1, OpensAt: opens, ClosesAt: closes,
	}}
}

func issuedUnit(promotion string) domain.Event {
	return domain.Event{Entity: promotion, User: "u", Body: coupons.Issued{PromotionID: promotion}}
}

func rejectedUnit(promotion string) domain.Event {
	return domain.Event{Entity: promotion, User: "u", Body: domain.Rejection{Command: "coupons.issue", Code: domain.SoldOut}}
}

func TestPromotion_Transcript(t *testing.T) {
	onBothPaths(t, func(t *testing.T) {
		f := newFixture(t, Config{})
		s := f.serve()
		began := time.Now()
		var mu sync.Mutex
		var seen []string
		open := map[string]*stream{}
		defer func() {
			for _, st := range open {
				_ = st.Close()
			}
		}()
		watch := func(name, promotion, id string) {
			st := s.mustOpen(t, "/promotions/"+promotion, id)
			open[name] = st
			go func() {
				for {
					e, err := st.next()
					if err != nil {
						return
					}
					mu.Lock()
					seen = append(seen, strings.TrimSpace(fmt.Sprintf("%.2f %s %s %s %s", time.Since(began).Seconds(), name, e.Event, e.ID, e.Data)))
					mu.Unlock()
				}
			}()
		}
		viewtest.Transcript(t, "promotions.txt", func(command string) string {
			words := append(strings.Fields(command), "", "", "", "")
			what, promotion := words[0], words[1]
			switch what {
			case "create":
				units, _ := strconv.Atoi(words[3])
				f.emit(created(promotion, units, fromNow(words[5]), fromNow(words[7])))
			case "issue":
				f.emit(issuedUnit(promotion))
			case "refuse":
				f.emit(rejectedUnit(promotion))
			case "hold":
				f.emit(held("u", "s", 1))
			case "watch":
				watch(words[1], words[2], words[3])
			case "leave":
				_ = open[words[1]].Close()
			case "wait":
				time.Sleep(fromNow(words[1]).Sub(fromNow("0s")))
			default:
				t.Fatal("unknown command " + command)
			}
			synctest.Wait()
			mu.Lock()
			defer mu.Unlock()
			slices.SortStableFunc(seen, func(a, b string) int { // the order at one time does not matter
				return slices.Compare(strings.Fields(a)[:2], strings.Fields(b)[:2])
			})
			out := strings.Join(seen, "\n")
			seen = nil
			return out
		})
	})
}

// fromNow is the time after a duration; "": never.
func fromNow(pause string) domain.Time {
	d, err := time.ParseDuration(pause)
	if err != nil {
		return 0
	}
	return domain.At(time.Now().Add(d))
}

// A client that did not read gets the newest state when it reads again, after what was on its way and one frame that was begun,
// wherever the connection became full.
func TestPromotion_SlowReaderGetsNewest(t *testing.T) {
	onBothPaths(t, func(t *testing.T) {
		for size := 50; size < 300; size++ {
			testPromotionSlowReader(t, size)
		}
	})
}

func testPromotionSlowReader(t *testing.T, size int) {
	f := newFixture(t, Config{})
	s := f.serve()
	f.emit(created("p", 1000, 0, 0))
	s.bufferSize = func() int { return size }
	st := s.mustOpen(t, "/promotions/p", "")
	defer st.Close()
	st.expectConnect(t, "fresh", epoch+"-1")
	for range 100 {
		time.Sleep(100 * time.Millisecond)
		f.emit(issuedUnit("p"))
	}
	time.Sleep(10 * time.Second)
	frames := 0
	for newest, status := false, false; !newest || !status; frames++ {
		e := st.mustNext(t)
		newest = newest || e.Data == `{"issued":100,"remaining":900,"decidedSequence":101000,"rate":0}`
		status = status || e.Data == `{"status":"OPEN"}`
		if e.Event == "heartbeat" {
			t.Fatalf("%d bytes fit: a frame is missing", size)
		}
	}
	if frames > 6 {
		t.Errorf("%d bytes fit: %d frames were kept", size, frames)
	}
}

// The store is read only while there are subscribers, and something happens.
func TestPromotion_IdleReadsNothing(t *testing.T) {
	onBothPaths(t, func(t *testing.T) {
		var reads atomic.Int32
		var fails atomic.Bool
		f := newFixture(t, Config{})
		f.hub.snapshots = promotionReader{f, func(promotion string) (promotionSnapshot, bool, error) {
			reads.Add(1)
			if fails.Swap(false) {
				return promotionSnapshot{}, false, errors.New("no memory")
			}
			return f.promotion(promotion)
		}}
		count := func(what string, pause time.Duration, want int32) {
			t.Helper()
			time.Sleep(pause)
			synctest.Wait()
			if got := reads.Swap(0); got != want {
				t.Errorf("%s: read %d times, want %d", what, got, want)
			}
		}
		s := f.serve()
		f.emit(created("p", 1000, 0, 0), created("other", 10, 0, 0), created("later", 10, fromNow("240h"), 0))
		count("no subscribers", time.Hour, 0)
		watch := func(path string) *stream {
			st := s.mustOpen(t, path, "")
			go func() { _, _ = io.Copy(io.Discard, st.body) }()
			return st
		}
		st := watch("/promotions/p")
		count("the first subscriber", 0, 1)
		more := watch("/promotions/p")
		count("another subscriber", 10*time.Minute, 0)
		f.emit(issuedUnit("other"), held("u", "s", 1))
		count("events of other topics", time.Minute, 0)
		for range 100 {
			f.emit(rejectedUnit("p"))
			time.Sleep(10 * time.Millisecond)
		}
		count("a hundred rejections in a second", time.Minute, 5)
		fails.Store(true)
		f.emit(rejectedUnit("p"))
		count("a failed read", 900*time.Millisecond, 1)
		count("its retry", time.Minute, 1)
		f.emit(issuedUnit("p"))
		count("a unit is issued, until the rate is 0 again", time.Minute, 21)
		_, _ = st.Close(), more.Close()
		synctest.Wait()
		f.emit(issuedUnit("p"))
		count("no subscribers any more", time.Minute, 0)
		later := watch("/promotions/later")
		count("a promotion that opens much later", 59*time.Second, 1)
		if st := f.hub.stats(); st.promotions != 1 {
			t.Errorf("stats: %+v", st)
		}
		_ = later.Close()
		synctest.Wait()
		if len(f.hub.promotionFeeds) > 0 || !f.hub.refresher.fireAt.IsZero() {
			t.Errorf("a timer is left")
		}
	})
}

// However connections are cut, a client never gets an older state than before, or one that never was, and in the end all have
// the present one.
func TestPromotion_ReconnectNeverGoesBack(t *testing.T) {
	for range 10 {
		seed := rand.Uint64N(1 << 40)
		t.Run(fmt.Sprint("seed=", seed), func(t *testing.T) {
			onBothPaths(t, func(t *testing.T) { testPromotionReconnects(t, rand.New(rand.NewPCG(seed, 1))) })
		})
	}
}

func testPromotionReconnects(t *testing.T, r *rand.Rand) {
	f := newFixture(t, Config{Ring: pick(r, 1, 8, 1024), ScheduleMaxAge: pick(r, time.Second, time.Hour), ScheduleHeartbeat: time.Second})
	s := f.serve()
	sizes := rand.New(rand.NewPCG(r.Uint64(), 2))
	var sizesMu, checkMu sync.Mutex
	s.bufferSize = func() int {
		sizesMu.Lock()
		defer sizesMu.Unlock()
		return pick(sizes, 10, 50, 500)
	}
	const units = 300
	f.emit(created("p", units, 0, 0))
	finished := make(chan struct{})
	var clients sync.WaitGroup
	for range 4 {
		rng := rand.New(rand.NewPCG(r.Uint64(), 3))
		clients.Go(func() {
			id, last := epoch+"-0", ""
			for caught := false; !caught && !t.Failed(); {
				st := s.mustOpen(t, "/promotions/p", id)
				_ = st.SetReadDeadline(time.Now().Add(time.Duration(1+rng.IntN(pick(rng, 100, 20_000))) * time.Millisecond))
				at := eventNumber(id)
				for {
					e, err := st.next()
					if err == io.EOF {
						time.Sleep(st.Retry)
					}
					if err != nil {
						break
					}
					if eventNumber(e.ID) < at {
						t.Errorf("%+v came after %d", e, at)
					}
					at, id = eventNumber(e.ID), e.ID
					if e.Event == "connect" && !strings.Contains(e.Data, `"complete"`) {
						t.Errorf("got %+v", e)
					}
					if e.Event != "progress" {
						continue
					}
					last = e.Data
					checkMu.Lock()
					checkProgress(t, f, e, units)
					checkMu.Unlock()
				}
				_ = st.Close()
				select {
				case <-finished:
					caught = strings.HasPrefix(last, `{"issued":300,"remaining":0,`) && strings.HasSuffix(last, `"rate":0}`)
				default:
				}
			}
		})
	}
	for issued := 0; issued < units; {
		if r.IntN(3) == 0 {
			f.emit(held("u", "s", 1))
		} else {
			f.decide(issuedUnit("p"))
			issued++
		}
		f.append(r.IntN(4))
		f.deliver(r.IntN(4))
		if r.IntN(40) == 0 {
			time.Sleep(time.Duration(r.IntN(3000)) * time.Millisecond)
		}
		if r.IntN(100) == 0 {
			f.restart()
		}
	}
	f.append(units)
	f.deliver(units)
	close(finished)
	clients.Wait()
}

// checkProgress checks that what a frame shows was so at its position or later, and adds up.
func checkProgress(t *testing.T, f *fixture, e viewtest.Event, units int) {
	var p progressData
	if err := json.Unmarshal([]byte(e.Data), &p); err != nil {
		t.Error(err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	then, now := 0, 0
	for _, confirmed := range f.log {
		if _, is := confirmed.Body.(coupons.Issued); is {
			now++
			if confirmed.Number <= eventNumber(e.ID) {
				then++
			}
		}
	}
	if p.Issued < then || p.Issued > now || p.Issued+p.Remaining != units || p.Rate < 0 {
		t.Errorf("%+v, when %d to %d were issued", e, then, now)
	}
}

func eventNumber(id string) uint64 {
	_, p, _ := view.ParsePosition(id)
	return p.Number
}
