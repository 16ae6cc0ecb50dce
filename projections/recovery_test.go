package projections_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"onsale/domain"
	"onsale/domain/coupons"
	"onsale/domain/orders"
	"onsale/domain/seats"
	"onsale/projections"
	"onsale/streams"
)

// Each test below is a row of DESIGN.md's table of crash points, with the write done and not done. Every one ends with the audit and
// the comparison of the store and its rebuild, see testNode.check.

// failOn fails the log's calls at one point, this many times.
func failOn(stream string, at streams.HookPoint, times int, err error) streams.Hook {
	var left atomic.Int64
	left.Store(int64(times))
	return func(s string, p streams.HookPoint) error {
		if s == stream && p == at && left.Add(-1) >= 0 {
			return err
		}
		return nil
	}
}

var errInjected = errors.New("injected")

// failOnce fails the first transaction after all its work.
func failOnce() func() error {
	failed := false
	return func() error {
		if failed {
			return nil
		}
		failed = true
		return errInjected
	}
}

// A client that got no response retries with the same key, and there is one outcome, whether or not the first attempt was stored.
func TestRecovery_DeduplicatesUnacknowledgedAppend(t *testing.T) {
	for name, at := range map[string]streams.HookPoint{"not stored": streams.BeforeSend, "stored": streams.AfterStore} {
		t.Run(name, func(t *testing.T) {
			tn := newTestNode(t)
			tn.createPromotion("demo", 10)
			tn.log.SetHook(failOn("COMMANDS", at, 1, errInjected))
			c := command("kim", "k", "demo", coupons.Issue{})
			if _, err := tn.log.Append(t.Context(), c); !errors.Is(err, domain.ErrNoAck) && (at == streams.AfterStore || err == nil) {
				t.Fatalf("got %v, want outcome unknown", err)
			}
			o := tn.submit(c)
			if o.Body != issued(1) {
				t.Errorf("got %+v, want coupon 1", o.Body)
			}
			if again := tn.submit(c); again.Number != o.Number {
				t.Errorf("third attempt: event %d, want %d", again.Number, o.Number)
			}
		})
	}
}

// A transaction that was not committed leaves the checkpoint unmoved: its commands are decided again, by the same run and by the next.
func TestRecovery_RedecidesUncommitted(t *testing.T) {
	t.Run("same run", func(t *testing.T) {
		tn := newTestNode(t)
		tn.createPromotion("demo", 10)
		tn.close()
		tn.beforeCommit = failOnce()
		tn.start()
		tn.issueConcurrently(30, "demo")
		tn.waitConfirmed()
	})
	t.Run("next run", func(t *testing.T) {
		tn := newTestNode(t)
		tn.createPromotion("demo", 10)
		tn.close()
		tn.beforeCommit = func() error { return errInjected }
		tn.start()
		tn.issueConcurrently(30, "demo")
		tn.close()
		tn.beforeCommit = nil
		tn.start()
		tn.waitConfirmed()
	})
}

// The outbox is ahead of EVENTS by all or a part of a batch, or EVENTS has it and the ack is lost.
func TestRecovery_PublishesOutbox(t *testing.T) {
	for name, hook := range map[string]func() streams.Hook{
		"nothing appended":        func() streams.Hook { return failOn("EVENTS", streams.BeforeSend, 1_000_000, errInjected) },
		"some of it appended":     func() streams.Hook { return failOn("EVENTS", streams.BeforeSend, 1, streams.PartialError(2)) },
		"appended, ack lost":      func() streams.Hook { return failOn("EVENTS", streams.AfterStore, 1, errInjected) },
		"appended, no ack at all": func() streams.Hook { return failOn("EVENTS", streams.AfterStore, 1_000_000, errInjected) },
	} {
		for _, restart := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, restart %v", name, restart), func(t *testing.T) {
				tn := newTestNode(t)
				tn.createPromotion("demo", 10)
				tn.log.SetHook(hook())
				tn.issueConcurrently(30, "demo")
				if restart {
					tn.waitCommitted()
					tn.close()
					tn.start()
				} else {
					log := tn.log
					time.AfterFunc(300*time.Millisecond, func() { log.SetHook(nil) })
				}
				tn.waitConfirmed()
			})
		}
	}
}

// waitCommitted waits until everything is committed; EVENTS may not have it.
func (tn *testNode) waitCommitted() {
	tn.tb.Helper()
	state, err := tn.log.State(context.Background())
	if err != nil {
		tn.tb.Fatal(err)
	}
	for tn.p.Status().DecidedSequence < state.Commands.Last*domain.SequencesPerMessage {
		time.Sleep(time.Millisecond)
	}
}

// The store is lost while EVENTS has one of a command's two events: the rebuild ends before the command, which is decided again, and
// the event in EVENTS is compared.
func TestRecovery_RebuildsWithinCommand(t *testing.T) {
	tn := newTestNode(t)
	tn.createSchedule("demo", 1)
	tn.submit(command("kim", "hold", "demo", seats.Hold{ScheduleSeatIDs: []int{1, 2}}))
	tn.close()
	time.Sleep(1100 * time.Millisecond) // the hold is due, and the next command expires it first
	tn.openLog()
	tn.log.SetHook(failOn("EVENTS", streams.BeforeSend, 1_000_000, streams.PartialError(1)))
	tn.append(command("lee", "hold", "demo", seats.Hold{ScheduleSeatIDs: []int{2, 3}}))
	tn.openProjector()
	tn.waitCommitted()
	tn.close()
	tn.deleteStore()
	tn.start()
	tn.waitConfirmed()
	o, ok, err := tn.p.OutcomeOf(domain.NewRequestID("lee", "hold"))
	if err != nil || !ok || typeOf(o) != "seats.held" {
		t.Errorf("got %+v %v %v, want lee's hold", o, ok, err)
	}
}

func (tn *testNode) createSchedule(id string, holdSeconds int) {
	tn.tb.Helper()
	tn.submit(command("admin", "create "+id, id, seats.Create{Title: id, HoldSeconds: holdSeconds, MaxSeatsPerUser: 4,
		Sections: []seats.Section{{Name: "A", Price: 1000, Rows: []seats.Row{{Name: "1", Seats: 50}}}}}))
}

// A damaged store is moved away and rebuilt, with the reason.
func TestRecovery_RebuildsDamagedStore(t *testing.T) {
	for name, damage := range map[string]func(path string) error{
		"overwritten": func(path string) error { return os.WriteFile(path, []byte(strings.Repeat("garbage ", 4096)), 0o600) },
		"cut short":   func(path string) error { return os.Truncate(path, 5000) },
		"a page in the middle": func(path string) error {
			f, err := os.OpenFile(path, os.O_RDWR, 0)
			if err != nil {
				return err
			}
			defer f.Close()
			junk := []byte(strings.Repeat("\xff", 4096))
			for page := int64(4); page < 12; page++ {
				if _, err := f.WriteAt(junk, page*4096); err != nil {
					return err
				}
			}
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			tn := newTestNode(t)
			tn.createPromotion("demo", 100)
			tn.issueConcurrently(50, "demo")
			tn.waitConfirmed()
			tn.close()
			if err := damage(tn.path()); err != nil {
				t.Fatal(err)
			}
			tn.start()
			if tn.recovery.RebuildReason == "" {
				t.Error("the damage was not noticed")
			}
			if quarantined, _ := filepath.Glob(tn.path() + ".damaged-*"); len(quarantined) != 1 {
				t.Errorf("got %v, want the damaged file moved away", quarantined)
			}
			tn.waitConfirmed()
		})
	}
}

// A store that another version of the program wrote may lack buckets.
func TestRecovery_RebuildsOtherLayout(t *testing.T) {
	tn := newTestNode(t)
	tn.createPromotion("demo", 100)
	tn.issueConcurrently(50, "demo")
	tn.waitConfirmed()
	tn.close()
	db, err := bolt.Open(tn.path(), 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(func(tx *bolt.Tx) error {
		meta := tx.Bucket([]byte("meta"))
		_, epoch, _ := strings.Cut(string(meta.Get([]byte("epoch"))), " ")
		return errors.Join(meta.Put([]byte("epoch"), []byte("2 "+epoch)), tx.DeleteBucket([]byte("orders")))
	})
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	tn.start()
	if !strings.Contains(tn.recovery.RebuildReason, `layout "2"`) {
		t.Errorf("rebuilt because %q, want because of its layout", tn.recovery.RebuildReason)
	}
}

// After a power loss the logs lack their last second while the store, which is synced, is ahead. Confirmed outcomes are kept.
func TestRecovery_CompletesLogsAfterPowerLoss(t *testing.T) {
	tn := newTestNode(t)
	tn.createPromotion("demo", 100)
	tn.issueConcurrently(20, "demo")
	tn.waitConfirmed()
	tn.close()
	loseLog := tn.copyLog()

	tn.start()
	o := tn.submit(command("kim", "k", "demo", coupons.Issue{}))
	tn.submit(command("lee", "k", "demo", coupons.Issue{}))
	tn.close()
	loseLog()
	tn.start()
	tn.waitConfirmed()
	if tn.recovery.Noops != 2 {
		t.Errorf("got %d no-op messages, want 2", tn.recovery.Noops)
	}
	got, ok, err := tn.p.OutcomeOf(domain.NewRequestID("kim", "k"))
	if err != nil || !ok || got.Number != o.Number || got.Body != o.Body {
		t.Errorf("got %+v %v %v, want the confirmed outcome %+v", got, ok, err, o)
	}
	if o := tn.submit(command("park", "k", "demo", coupons.Issue{})); o.Body != issued(23) {
		t.Errorf("got %+v, want coupon 23", o.Body)
	}
}

// The same with more lost than the outbox holds: EVENTS cannot be completed, so nothing is decided.
func TestRecovery_RefusesIncompleteLog(t *testing.T) {
	tn := newTestNode(t)
	tn.outboxRetention = 0
	tn.close()
	tn.start()
	tn.createPromotion("demo", 100)
	tn.issueConcurrently(20, "demo")
	tn.waitConfirmed()
	tn.close()
	loseLog := tn.copyLog()

	tn.start()
	for i := range 5 {
		tn.submit(command(fmt.Sprint("kim", i), "k", "demo", coupons.Issue{}))
	}
	tn.close()
	restoreLog := tn.copyLog()
	loseLog()
	tn.openLog()
	if err := tn.tryProjector(); !errors.Is(err, projections.ErrInconsistent) || !strings.Contains(err.Error(), "backwards") {
		t.Errorf("got %v, want a log that has gone backwards", err)
	}
	tn.close()

	// With the right log restored the node starts.
	restoreLog()
	tn.start()
	tn.waitConfirmed()
}

// copyLog copies the log of a stopped node. restore replaces the log with the copy.
func (tn *testNode) copyLog() (restore func()) {
	tn.tb.Helper()
	log, saved := filepath.Join(tn.dir, "jetstream"), filepath.Join(tn.tb.TempDir(), "jetstream")
	replace := func(from, to string) {
		tn.tb.Helper()
		if err := errors.Join(os.RemoveAll(to), os.CopyFS(to, os.DirFS(from))); err != nil {
			tn.tb.Fatal(err)
		}
	}
	replace(log, saved)
	return func() { replace(saved, log) }
}

// A payment result that is not new, or stale, leads to no event. Recovery accepts such commands, also at the end of the log.
func TestRecovery_IgnoresStaleResults(t *testing.T) {
	for name, crash := range map[string]func(*testNode){
		"next run":   func(tn *testNode) { tn.close() },
		"store lost": func(tn *testNode) { tn.close(); tn.deleteStore() },
		"not committed": func(tn *testNode) {
			tn.close()
			tn.beforeCommit = func() error { return errInjected }
			tn.start()
			tn.appendStaleResults()
			tn.close()
			tn.beforeCommit = nil
		},
		"power loss": func(tn *testNode) {
			tn.close()
			loseLog := tn.copyLog()
			tn.start()
			tn.appendStaleResults()
			tn.waitConfirmed()
			tn.close()
			loseLog()
		},
	} {
		t.Run(name, func(t *testing.T) {
			tn := newTestNode(t)
			tn.submitExpect("admin", "tee", orders.Create{Name: "t", Price: 1000, Stock: 5}, "products.created")
			tn.submitExpect("kim", "imp_kim", placeOrder("tee", 1, 1000), "orders.placed")
			tn.recordPayment("imp_kim", orders.Payment{State: orders.PaymentMissing})
			tn.appendStaleResults()
			tn.waitConfirmed()
			crash(tn)
			tn.start()
			tn.waitConfirmed()
			tn.expectView("kim", myOrders, "[imp_kim 1 1000 PENDING_PAYMENT]")
			tn.recordPayment("imp_kim", paidPayment(1000))
			tn.expectView("kim", myOrders, "[imp_kim 1 1000 PAID]")
			tn.appendStaleResults()
		})
	}
}

// appendStaleResults appends payment results of kim's order that are not new or stale, and one of an order that does not exist.
func (tn *testNode) appendStaleResults() {
	tn.tb.Helper()
	for _, impUID := range []string{"imp_kim", "imp_nobody"} {
		for after := range tn.p.LastOfEntity("orders", "imp_kim") + 1 {
			missing := orders.Payment{State: orders.PaymentMissing}
			tn.append(domain.Command{Entity: impUID, Body: orders.RecordPayment{LastEvent: after, Payment: missing}})
		}
	}
}

func (tn *testNode) deleteStore() {
	tn.tb.Helper()
	if err := os.Remove(tn.path()); err != nil {
		tn.tb.Fatal(err)
	}
}

// A rejected order whose payment must be refunded is kept, in an event before the rejection. EVENTS has the first of the two when the
// store is lost: the second is decided again, and the order exists once.
func TestRecovery_RebuildsWithinRejection(t *testing.T) {
	tn := newTestNode(t)
	tn.submitExpect("admin", "tee", orders.Create{Name: "t", Price: 1000}, "products.created")
	tn.log.SetHook(failOn("EVENTS", streams.BeforeSend, 1_000_000, streams.PartialError(1)))
	c := command("kim", "k", "imp_kim", placeOrder("tee", 1, 1000))
	tn.append(c)
	tn.waitCommitted()
	tn.close()
	tn.deleteStore()
	tn.start()
	if tn.recovery.Events != 1 {
		t.Errorf("the rebuild has %d events, want 1: the product", tn.recovery.Events)
	}
	tn.waitConfirmed()
	o, ok, err := tn.p.OutcomeOf(c.Request)
	if rejected, _ := o.Body.(domain.Rejection); err != nil || !ok || rejected.Code != domain.SoldOut || typeOf(o) != "orders.rejected" {
		t.Errorf("got %+v %v %v, want sold_out", o, ok, err)
	}
	tn.expectView("kim", myOrders, "[imp_kim 1 1000 REFUNDING sold_out]")
}

// Orders that were decided and not committed reserve no stock.
func TestRecovery_RedecidesOrders(t *testing.T) {
	tn := newTestNode(t)
	tn.submitExpect("admin", "tee", orders.Create{Name: "t", Price: 1000, Stock: 3}, "products.created")
	tn.close()
	tn.beforeCommit = failOnce()
	tn.openLog()
	for i := range 5 {
		id := fmt.Sprint("u", i)
		tn.append(command(id, "k", "imp_"+id, placeOrder("tee", 1, 1000)))
	}
	tn.openProjector()
	tn.waitConfirmed()
	tn.expectView("", productStock, "[tee 0 of 3 false]")
	var refunding int
	for o, err := range tn.p.ExportOrders() {
		if err != nil {
			t.Fatal(err)
		}
		if o.Status == orders.StatusRefunding {
			refunding++
		}
	}
	if refunding != 2 {
		t.Errorf("%d orders are refunding, want 2", refunding)
	}
}
