package view

import (
	"bytes"
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"onsale/domain"
	"onsale/domain/alarms"
	"onsale/domain/coupons"
	"onsale/domain/orders"
	"onsale/domain/seats"
	"onsale/http/view/viewtest"
)

// audiences are all that differ.
func audiences() (all []Audience) {
	for content := range contents {
		switch content {
		case Seats, LegacySeats:
			all = append(all, Audience{Content: content}, Audience{Content: content, Named: true})
		case Feed, FeedCloudEvents:
			all = append(all, Audience{Content: content}, Audience{Content: content, Lines: true})
		default:
			all = append(all, Audience{Content: content}, Audience{Content: content, English: true})
		}
	}
	return all
}

func TestAudience_IndexesAreDistinct(t *testing.T) {
	for i, a := range audiences() {
		if a.Index() != i || i >= Audiences {
			t.Errorf("%+v has index %d, want %d of %d", a, a.Index(), i, Audiences)
		}
	}
}

func TestRender_Transcript(t *testing.T) {
	named := map[string]Audience{"owner": {}, "owner in English": {English: true}, "public": {Content: Seats}, "public, named": {Content: Seats, Named: true},
		"old public": {Content: LegacySeats}, "alarms": {Content: UserAlarms}, "alarms in English": {Content: UserAlarms, English: true},
		"order": {Content: OrderResult}, "order in English": {Content: OrderResult, English: true},
		"order as text": {Content: OrderResultText}, "order as English text": {Content: OrderResultText, English: true},
		"feed": {Content: Feed}, "feed as lines": {Content: Feed, Lines: true},
		"feed as CloudEvents": {Content: FeedCloudEvents}, "feed as lines of CloudEvents": {Content: FeedCloudEvents, Lines: true}}
	viewtest.Transcript(t, "frames.txt", func(command string) string {
		name, audience, _ := strings.Cut(command, " for the ")
		e, ok := samples[name]
		if a, known := named[audience]; ok && known {
			return string(Render(epoch, &e, a).Bytes)
		}
		return "no such sample"
	})
}

func TestAppendData_Transcript(t *testing.T) {
	viewtest.Transcript(t, "data.txt", func(command string) string {
		data, err := strconv.Unquote(command)
		if err != nil {
			return err.Error()
		}
		out := string(AppendData(nil, []byte(data))) + "\n"
		b := viewtest.Parse(out)
		if len(b.Events) != 1 || b.LastID != "" || b.Retries != 0 {
			t.Errorf("%s: a browser reads %+v", command, b)
		}
		if got, want := b.Events[0].Data, strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(data); got != want {
			t.Errorf("%s: a browser reads %q", command, got)
		}
		if strings.Contains(out, "\r") {
			t.Errorf("%s: a CR got through", command)
		}
		return out
	})
}

// Every frame of every sample is one event for a browser, is JSON, has the right id, and contains no secrets.
func TestRender_FramesAreWellFormed(t *testing.T) {
	for name, e := range samples {
		for _, a := range audiences() {
			if a.Lines {
				continue
			}
			f := Render(epoch, &e, a)
			b := viewtest.Parse(string(f.Bytes))
			if len(b.Events) != len(f.Ends) || !b.Complete() {
				t.Errorf("%s for %+v: a browser reads %d events of %d frames", name, a, len(b.Events), len(f.Ends))
			}
			for i, got := range b.Events {
				want := Position{Number: e.Number}
				if i < len(f.Ends)-1 {
					want.Sub = uint32(i + 1)
				}
				if got.ID != want.ID(epoch) || !bytes.HasSuffix(f.Frame(i), []byte("\nid: "+got.ID+"\n\n")) {
					t.Errorf("%s: frame %d is %q, want id %s as its last field", name, i, f.Frame(i), want.ID(epoch))
				}
				if json.Valid([]byte(got.Data)) == (a.Content == OrderResultText) {
					t.Errorf("%s for %+v: data is %s", name, a, got.Data)
				}
			}
			checkFrameCount(t, name, &e, a, len(f.Ends))
			checkSecrets(t, name, &e, a, string(f.Bytes))
		}
	}
}

func checkFrameCount(t *testing.T, name string, e *domain.Event, a Audience, count int) {
	t.Helper()
	_, alarm := e.Body.(alarms.Raised)
	want := map[bool]int{true: 1}
	switch a.Content {
	case UserEvents:
		if !e.Request.IsZero() && count != 1 {
			t.Errorf("%s: %d frames for the command of its user", name, count)
		}
		if count != want[!suppressed(e)] {
			t.Errorf("%s: %d frames for its user, want one unless it is suppressed", name, count)
		}
	case UserAlarms:
		if count != want[alarm] {
			t.Errorf("%s: %d frames among the alarms", name, count)
		}
	case Feed, FeedCloudEvents:
		if count != 1 {
			t.Errorf("%s: %d frames in the feed", name, count)
		}
	case OrderResult, OrderResultText:
		if count != want[ResultName(e) != ""] {
			t.Errorf("%s: %d frames in an order's stream", name, count)
		}
	}
}

func checkSecrets(t *testing.T, name string, e *domain.Event, a Audience, frames string) {
	t.Helper()
	if a.Content == Feed || a.Content == FeedCloudEvents {
		return // it shows everything
	}
	if a.Content == Feed || a.Content == FeedCloudEvents {
		return // it shows everything
	}
	eventType, _ := e.Body.Type()
	for _, secret := range []string{"merchant", "currency", "paySeconds", "state"} {
		if domain.Kind(eventType) == "orders" && e.User != "" && strings.Contains(frames, `"`+secret) {
			t.Errorf("%s for %+v: %s is shown", name, a, secret)
		}
	}
	for _, secret := range []string{"request", "user", "hold", "reservation", "sequence"} {
		if a.Content >= Seats && strings.Contains(strings.ToLower(frames), `"`+secret) {
			t.Errorf("%s for %+v: %s is shown", name, a, secret)
		}
	}
}

// Ids that were not validated can break neither the JSON nor the stream.
func TestRender_EscapesHostileIDs(t *testing.T) {
	const bad = "x\"\\\r\n\ndata: y"
	for name, e := range samples {
		e.Entity = bad
		switch body := e.Body.(type) {
		case coupons.Issued:
			body.PromotionID = bad
			e.Body = body
		case seats.Reserved:
			body.ReservationID = bad
			e.Body = body
		case domain.Rejection:
			body.CouponID, body.Code = bad, bad
			e.Body = body
		case orders.Succeeded:
			body.PaymentID = bad
			e.Body = body
		case orders.Failed:
			body.PaymentID, body.Reason = bad, bad
			e.Body = body
		}
		b := viewtest.Parse(string(Render(epoch, &e, Audience{}).Bytes))
		if suppressed(&e) {
			continue
		}
		if len(b.Events) != 1 || !json.Valid([]byte(b.Events[0].Data)) || b.LastID != epoch+"-42" {
			t.Errorf("%s: %+v", name, b.Events)
		}
	}
}

// Every type of event in the domain has a sample, so that none can be added without deciding what clients see of it.
func TestSamples_CoverAllEvents(t *testing.T) {
	commands := []string{"coupons.create", "coupons.issue", "coupons.use", "coupons.pause", "coupons.resume", "coupons.close", "coupons.change-stock",
		"coupons.revoke", "coupons.join", "coupons.leave", "coupons.accept", "coupons.decline", "seats.create", "seats.hold", "seats.extend", "seats.swap",
		"seats.release", "seats.reserve", "seats.cancel", "seats.block", "seats.unblock", "seats.reclaim", "seats.close", "seats.cancel-schedule", "seats.join", "seats.leave",
		"seats.accept", "seats.decline", "alarms.raise", "alarms.mark-read", "alarms.mark-all-read", "products.create", "products.change-stock", "products.close", "products.prepare",
		"orders.place", "orders.place-prepared", "orders.record-payment", "orders.cancel", "system.tick", "system.noop", "system.malformed"}
	adminCommands := []string{"coupons.create", "coupons.pause", "coupons.resume", "coupons.close", "coupons.change-stock", "coupons.revoke", "seats.create",
		"seats.block", "seats.unblock", "seats.reclaim", "seats.close", "seats.cancel-schedule", "products.create", "products.change-stock", "products.close", "products.prepare",
		"orders.place-prepared", "orders.record-payment", "orders.cancel"} // rejections of these are named command-failed
	seen := map[string]bool{}
	for _, e := range samples {
		name, _ := e.Body.Type()
		seen[name] = true
	}
	for _, name := range typeNames(t) {
		if !seen[name] && !slices.Contains(commands, name) {
			t.Errorf("no sample of %s: add its notification and its seat changes, and a sample in samples_test.go", name)
		}
	}
	for _, c := range commands {
		e := rejectionOf(c, "x", domain.Internal, domain.Details{})
		userFacing := domain.Kind(c) != "alarms" && domain.Kind(c) != "system"
		if n := notificationFor(&e); userFacing && (n.name == "command-failed") != slices.Contains(adminCommands, c) {
			t.Errorf("a rejected %s is named %s", c, n.name)
		}
	}
}

// typeNames are the names that the domain's Type methods return.
func typeNames(t *testing.T) []string {
	var names []string
	walkDomain(t, func(n ast.Node) {
		f, ok := n.(*ast.FuncDecl)
		if !ok || f.Name.Name != "Type" || f.Recv == nil {
			return
		}
		ast.Inspect(f.Body, func(n ast.Node) bool {
			if r, ok := n.(*ast.ReturnStmt); ok {
				if lit, ok := r.Results[0].(*ast.BasicLit); ok {
					name, _ := strconv.Unquote(lit.Value)
					names = append(names, name)
				}
			}
			return true
		})
	})
	if len(names) < 10 {
		t.Fatalf("found only %v", names)
	}
	return names
}

func walkDomain(t *testing.T, visit func(ast.Node)) {
	t.Helper()
	err := filepath.WalkDir("../../domain", func(path string, d os.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool { visit(n); return true })
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// Every name of a frame is in API.md and among those that onsale.js receives by default.
func TestSamples_NamesAreDocumented(t *testing.T) {
	document, err := os.ReadFile("../API.md")
	if err != nil {
		t.Fatal(err)
	}
	script, err := os.ReadFile("../web/onsale.js")
	if err != nil {
		t.Fatal(err)
	}
	_, list, _ := strings.Cut(string(script), "const NAMES = `")
	list, _, _ = strings.Cut(list, "`")
	received := strings.Fields(list)
	names := slices.Clone(received)
	for _, e := range samples {
		names = append(names, notificationFor(&e).name)
	}
	for _, name := range names {
		if !strings.Contains(string(document), "`"+name+"`") || !slices.Contains(received, name) {
			t.Errorf("%s is not in both", name)
		}
	}
}

// Every reason of an order has a message.
func TestMessages_CoverReasons(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "../../domain/orders/payment.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	reasons := []string{ // of orders.RejectedPaid
		domain.SoldOut, domain.ProductClosed, domain.AmountMismatch, domain.UserLimitExceeded, domain.HoldNotFound, domain.NotOwner,
		domain.HoldExpired, domain.HoldInOrder, domain.PaymentNotRequired, domain.CouponNotFound, domain.NotApplicable, domain.CouponInOrder,
		domain.AlreadyUsed, domain.Revoked,
	}
	ast.Inspect(file, func(n ast.Node) bool {
		if spec, ok := n.(*ast.ValueSpec); ok && strings.HasPrefix(spec.Names[0].Name, "Reason") {
			reason, _ := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
			reasons = append(reasons, reason)
		}
		return true
	})
	if len(reasons) < 15 {
		t.Fatalf("found only %v", reasons)
	}
	for _, r := range reasons {
		if reasonKey(r) == "reason/other" && r != orders.ReasonDiscrepant { // hidden from its user
			t.Errorf("no message for %s", r)
		}
	}
}

// Every code of the domain has a message in both languages.
func TestMessages_CoverCodes(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "../../domain/codes.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	codes := 0
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || len(spec.Values) != 1 {
			return true
		}
		lit, ok := spec.Values[0].(*ast.BasicLit)
		if !ok || lit.Kind != token.STRING {
			return true
		}
		codes++
		code, _ := strconv.Unquote(lit.Value)
		if m := messages[code]; m.ko == "" || m.en == "" {
			t.Errorf("no message for %s", code)
		}
		return true
	})
	if codes < 15 {
		t.Fatalf("found only %d codes", codes)
	}
	for key, m := range messages {
		for _, english := range []bool{false, true} {
			_ = appendMessage(nil, notification{text: key}, english) // panics at an unknown placeholder
		}
		for _, s := range []string{m.ko, m.en} {
			if s == "" || strings.ContainsAny(s, "\r\n\"\\") || strings.Count(s, "{") != strings.Count(s, "}") {
				t.Errorf("%s: %q", key, s)
			}
		}
	}
	for name, e := range samples {
		n := notificationFor(&e)
		if _, known := messages[n.text]; !known && name != "unknown" {
			t.Errorf("%s: no message for %s", name, n.text)
		}
		for _, english := range []bool{false, true} {
			if s := string(appendMessage(nil, n, english)); strings.ContainsAny(s, "{}") || strings.Contains(s, "()") || strings.Contains(s, ": )") {
				t.Errorf("%s: a placeholder is left in %q", name, s)
			}
		}
	}
}

// Each code of a rejection fills the placeholders of its message.
func TestMessages_FillPlaceholders(t *testing.T) {
	details := domain.Details{CouponID: "1-3", Limit: 4}
	for code, m := range messages {
		command := "coupons.issue"
		if strings.Contains(m.ko, "{scheduleId}") {
			command = "seats.hold"
		}
		if strings.Contains(m.ko, "{salePostId}") {
			command = "products.create"
		}
		if strings.Contains(m.ko, "{count}") || strings.ContainsAny(code, "-/") || code == "waiting" {
			continue
		}
		e := rejectionOf(command, "x", code, details)
		for _, english := range []bool{false, true} {
			if s := string(appendMessage(nil, notificationFor(&e), english)); strings.ContainsAny(s, "{}") || strings.Contains(s, ": )") {
				t.Errorf("%s: %q", code, s)
			}
		}
	}
}

func BenchmarkRender(b *testing.B) {
	for _, name := range []string{"issued", "held", "sold out"} {
		b.Run(name, func(b *testing.B) {
			e := samples[name]
			b.ReportAllocs()
			for b.Loop() {
				Render(epoch, &e, Audience{})
			}
		})
	}
	b.Run("seats of held", func(b *testing.B) {
		e := samples["held"]
		b.ReportAllocs()
		for b.Loop() {
			Render(epoch, &e, Audience{Content: Seats})
		}
	})
}

func TestPosition_Parse(t *testing.T) {
	good := map[string]Position{
		"k3v9x0ab-0":                    {},
		"k3v9x0ab-42":                   {Number: 42},
		"k3v9x0ab-042":                  {Number: 42},
		"k3v9x0ab-42.1":                 {Number: 42, Sub: 1},
		"k3v9x0ab-18446744073709551615": {Number: math.MaxUint64},
		"k3v9x0ab-1.4294967295":         {Number: 1, Sub: math.MaxUint32},
	}
	for id, want := range good {
		if e, p, ok := ParsePosition(id); !ok || p != want || e != epoch {
			t.Errorf("%s: got %v %v %v, want %v", id, e, p, ok, want)
		}
	}
	for _, id := range []string{
		"", "0", "id", "k3v9x0ab", "k3v9x0ab-", "k3v9x0a-42", "k3v9x0abc-42", "K3V9X0AB-42", "k3v9x0ab_42", "k3v9x0ab-x", "k3v9x0ab--1",
		"k3v9x0ab-+1", "k3v9x0ab- 1", "k3v9x0ab-1 ", "k3v9x0ab-1.", "k3v9x0ab-1.0", "k3v9x0ab-0.1", "k3v9x0ab-1.2.3", "k3v9x0ab-1.-2",
		"k3v9x0ab-.1", "k3v9x0ab-18446744073709551616", "k3v9x0ab-1.4294967296", "k3v9x0ab-1e3", "k3v9x0ab-0x10", "k3v9x0ab-1_000",
		"k3v9x0ab-١", "k3v9x0äb-1", "k3v9x0ab-1\n", "\x00k3v9x0a-1",
	} {
		if _, p, ok := ParsePosition(id); ok {
			t.Errorf("%q is valid: %v", id, p)
		}
	}
}

func FuzzPosition_Parse(f *testing.F) {
	for _, s := range []string{"k3v9x0ab-42", "k3v9x0ab-42.7", "k3v9x0ab-0", "k3v9x0ab-18446744073709551616", "x"} {
		f.Add(s)
	}
	shape, allowed := regexp.MustCompile(`^[0-9a-z]{8}-[0-9]+(\.[0-9]+)?$`), regexp.MustCompile(`^[0-9A-Za-z.-]+$`)
	f.Fuzz(func(t *testing.T, id string) {
		epoch, p, ok := ParsePosition(id)
		if !ok {
			return
		}
		if !shape.MatchString(id) {
			t.Errorf("%q does not look like an id", id)
		}
		again := p.ID(epoch)
		if e, q, ok := ParsePosition(again); !ok || q != p || e != epoch || !allowed.MatchString(again) {
			t.Errorf("%q became %q and %v %v", id, again, q, ok)
		}
		if p.Sub != 0 && p.Seen() != p.Number-1 || p.Sub == 0 && p.Seen() != p.Number {
			t.Errorf("%v: seen is %d", p, p.Seen())
		}
	})
}
