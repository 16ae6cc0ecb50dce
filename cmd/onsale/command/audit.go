package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"onsale/cmd/onsale/node"
	"onsale/config"
	"onsale/domain"
	"onsale/domain/alarms"
	"onsale/domain/orders"
	"onsale/projections/audit"
	"onsale/projections/store"
)

// runAudit decides every command again and compares with EVENTS. Of a data directory it also compares the read store with one
// that it rebuilds from EVENTS.
func runAudit(ctx context.Context, cfg config.Config, trace string, stdout, stderr io.Writer) (err error) {
	log, err := readLog(ctx, cfg, stderr)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, log.Close()) }()
	t := tracer{target: trace, orders: map[string]bool{}, purchase: newPurchase(trace), printer: printer{out: stdout, epoch: log.Epoch()}}
	state, err := log.State(ctx)
	if err != nil {
		return err
	}
	bar := newProgressBar(stderr, "deciding again", state.Commands.Last)
	report, err := audit.Run(ctx, commandProgress{log, bar}, t.visit)
	bar.end()
	if errors.Is(err, audit.ErrDifference) {
		return hintError{err, "keep a copy of the logs; \"onsale replay\" prints the commands and events around it"}
	}
	if err != nil {
		return err
	}
	if err := t.end(ctx, log); err != nil {
		return err
	}
	report.Machine = nil // the rest needs its room
	if len(cfg.NATS.URL) == 0 {
		if err := auditStore(ctx, log, node.StorePath(cfg), report, stdout, stderr); err != nil {
			return err
		}
	}
	return printAuditSummary(stdout, log.Epoch(), report)
}

// auditStore compares the read store with a new one.
func auditStore(ctx context.Context, log readableLog, path string, report audit.Report, stdout, stderr io.Writer) error {
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		fmt.Fprintln(stdout, "read store: none; the next start rebuilds it from EVENTS")
		return nil
	}
	readStore, err := store.OpenRows(path, log.Epoch(), log)
	if errors.Is(err, store.ErrDamaged) || errors.Is(err, store.ErrLayout) {
		return hintError{err, "leave the file where it is: the next start rebuilds it from EVENTS, or says why it may be the last copy of events"}
	}
	if err != nil {
		return err
	}
	defer readStore.Close()
	dir, err := os.MkdirTemp(filepath.Dir(path), "audit-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	bar := newProgressBar(stderr, "rebuilding the read store", report.Events)
	rebuilt, _, err := store.Rebuild(ctx, filepath.Join(dir, "store.db"), log.Epoch(), eventProgress{log, bar}, report.Events)
	bar.end()
	if err != nil {
		return err
	}
	defer rebuilt.Close()
	behind, err := readStore.EventsBehind(rebuilt)
	if err != nil {
		return err
	}
	if behind != 0 {
		fmt.Fprintf(stdout, "read store: %+d events compared with EVENTS; the next start completes the one that is behind\n", -behind)
		return nil
	}
	equal, err := store.Equal(readStore, rebuilt)
	if err != nil {
		return err
	}
	if !equal {
		difference, err := store.Difference(readStore, rebuilt)
		if err != nil {
			return err
		}
		return hintError{fmt.Errorf("the read store differs from EVENTS\n%s", difference),
			"EVENTS has all its events: keep a copy and move the file away; the next start rebuilds it from EVENTS"}
	}
	fmt.Fprintln(stdout, "read store: equal to one rebuilt from EVENTS")
	return nil
}

func printAuditSummary(stdout io.Writer, epoch string, report audit.Report) error {
	fmt.Fprintf(stdout, "epoch %s: %d commands decided again, %d events equal\n", epoch, report.Commands, report.Events)
	for _, line := range report.Conservation.Lines() {
		fmt.Fprintln(stdout, line)
	}
	labels := slices.SortedFunc(maps.Keys(report.ByType), func(a, b audit.Label) int { return strings.Compare(a.String(), b.String()) })
	for _, label := range labels {
		fmt.Fprintf(stdout, "  %8d  %s\n", report.ByType[label], label)
	}
	if report.Undecided > 0 {
		fmt.Fprintf(stdout, "  %8d  commands whose events are not in EVENTS yet\n", report.Undecided)
	}
	if report.Noops > 0 {
		fmt.Fprintf(stdout, "  %8d  messages that are lost, in a power failure or by \"onsale repair\"; events that they had led to are accepted as facts\n", report.Noops)
	}
	_, err := fmt.Fprintln(stdout, "ok")
	return err
}

// tracer prints the commands and events that name its target: a request, a user, an entity (promotion, schedule, product, order), a
// seat ("demo:17"), or the id of a coupon, hold, reservation, waiting entry, payment or alarm. Without a target it prints nothing.
type tracer struct {
	target   string
	orders   map[string]bool // the product's, if target is a product
	found    bool
	purchase *purchase
	printer
}

func (t *tracer) visit(d audit.Decision) {
	if t.target == "" {
		return
	}
	for _, e := range d.Events {
		t.purchase.learn(e)
	}
	if t.matches(d.Command, d.Events) {
		t.found = true
		_ = t.text(d)
	}
}

// end prints the purchase that the target belongs to, if any, and separates the trace from what is printed about the whole log.
func (t *tracer) end(ctx context.Context, log audit.Log) error {
	if t.target == "" {
		return nil
	}
	if !t.found {
		fmt.Fprintf(t.out, "nothing names %s\n", t.target)
	}
	err := t.purchase.print(ctx, log, t.printer)
	fmt.Fprint(t.out, "\nwhole log:\n")
	return err
}

func (t *tracer) matches(c domain.Command, events []domain.Event) bool {
	found := c.Request.String() == t.target || t.named(c.Entity, c.User, c.IDs(), c.Seats())
	for _, e := range events {
		switch e.Body.(type) {
		case orders.Placed, orders.RejectedPaid:
			if slices.Contains(e.IDs(), t.target) {
				t.orders[e.Entity] = true // later events of an order do not all name the product
			}
		case alarms.Raised:
			found = found || alarms.ID(e.Number) == t.target
		}
		found = found || t.named(e.Entity, e.User, e.IDs(), e.Seats())
	}
	return found
}

func (t *tracer) named(entity, user string, ids []string, seats []int) bool {
	return entity == t.target || user == t.target || slices.Contains(ids, t.target) || t.orders[entity] || hasSeat(t.target, entity, seats)
}

func hasSeat(target, schedule string, seats []int) bool {
	id, ok := strings.CutPrefix(target, schedule+":")
	if !ok {
		return false
	}
	seat, err := strconv.Atoi(id)
	return err == nil && slices.Contains(seats, seat)
}
