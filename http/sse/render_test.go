package sse

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"onsale/domain"
	"onsale/domain/alarms"
	"onsale/domain/coupons"
	"onsale/domain/orders"
	"onsale/domain/seats"
)

func TestFrames_Script(t *testing.T) {
	audiences := map[string]audience{"owner": ownerKorean, "owner in English": ownerEnglish, "public": public, "public, named": publicNamed,
		"old public": publicOld, "alarms": alarmsKorean, "alarms in English": alarmsEnglish,
		"order": orderKorean, "order in English": orderEnglish, "order as text": orderTextKorean, "order as English text": orderTextEnglish}
	runScript(t, "frames.txt", func(command string) string {
		name, to, _ := strings.Cut(command, " for the ")
		e, ok := samples[name]
		if a, known := audiences[to]; ok && known {
			return string(render(epoch, &e, a).bytes)
		}
		return "no such sample"
	})
}

func TestFrames_DataScript(t *testing.T) {
	runScript(t, "data.txt", func(command string) string {
		data, err := strconv.Unquote(command)
		if err != nil {
			return err.Error()
		}
		out := string(appendData(nil, []byte(data))) + "\n"
		p := parse(out)
		if len(p.Events) != 1 || p.LastID != "" || p.Retries != 0 {
			t.Errorf("%s: a browser sees %+v", command, p)
		}
		if got, want := p.Events[0].Data, strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(data); got != want {
			t.Errorf("%s: a browser reads %q", command, got)
		}
		if strings.Contains(out, "\r") {
			t.Errorf("%s: a CR got through", command)
		}
		return out
	})
}

// Every frame of every sample is one event for a browser, is JSON, and has the id it should have.
func TestFrames_AreWellFormed(t *testing.T) {
	for name, e := range samples {
		for to := range audiences {
			f := render(epoch, &e, to)
			p := parse(string(f.bytes))
			if len(p.Events) != f.count() || p.event != "" || len(p.line) > 0 {
				t.Errorf("%s for %d: a browser sees %d events of %d frames", name, to, len(p.Events), f.count())
			}
			for i, got := range p.Events {
				want := Position{Number: e.Number}
				if i < f.count()-1 {
					want.Sub = uint32(i + 1)
				}
				if got.ID != want.ID(epoch) {
					t.Errorf("%s: frame %d has id %s, want %s", name, i, got.ID, want.ID(epoch))
				}
				if text := to == orderTextKorean || to == orderTextEnglish; json.Valid([]byte(got.Data)) == text {
					t.Errorf("%s: no JSON: %s", name, got.Data)
				}
			}
			if want := 1; to <= ownerEnglish && f.count() != want && !suppressed(&e) {
				t.Errorf("%s: %d frames for its user, want exactly %d", name, f.count(), want)
			}
			if _, alarm := e.Body.(alarms.Raised); (to == alarmsKorean || to == alarmsEnglish) && (f.count() == 1) != alarm {
				t.Errorf("%s: %d frames among the alarms", name, f.count())
			}
			if (to >= orderKorean && to < public) && (f.count() == 1) != (orderResult(&e) != "") {
				t.Errorf("%s: %d frames for who waits for the verdict", name, f.count())
			}
			for _, secret := range []string{"merchant", "currency", "paySeconds", "state"} {
				if domain.Kind(typeName(&e)) == "orders" && e.User != "" && strings.Contains(string(f.bytes), `"`+secret) {
					t.Errorf("%s: somebody is told the %s", name, secret)
				}
			}
			for _, secret := range []string{"request", "user", "hold", "reservation", "sequence"} {
				if to >= public && strings.Contains(strings.ToLower(string(f.bytes)), `"`+secret) {
					t.Errorf("%s: the public sees the %s", name, secret)
				}
			}
		}
	}
}

// Ids that passed by the door can break neither the JSON nor the stream.
func TestFrames_EscapeHostileIDs(t *testing.T) {
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
		p := parse(string(render(epoch, &e, ownerKorean).bytes))
		if suppressed(&e) {
			continue
		}
		if len(p.Events) != 1 || !json.Valid([]byte(p.Events[0].Data)) || p.LastID != epoch+"-42" {
			t.Errorf("%s: %+v", name, p.Events)
		}
	}
}

// Every type of event in the domain has a sample above, so that none can be added without saying how it is told.
func TestSamples_CoverAllEvents(t *testing.T) {
	commands := []string{"coupons.create", "coupons.issue", "coupons.use", "coupons.pause", "coupons.resume", "coupons.close", "coupons.change-stock",
		"coupons.revoke", "coupons.join", "coupons.leave", "coupons.accept", "coupons.decline", "seats.create", "seats.hold", "seats.extend", "seats.swap",
		"seats.release", "seats.reserve", "seats.cancel", "seats.block", "seats.unblock", "seats.reclaim", "seats.close", "seats.join", "seats.leave",
		"seats.accept", "seats.decline", "alarms.raise", "alarms.mark-read", "alarms.mark-all-read", "products.create", "products.change-stock", "products.close", "products.prepare",
		"orders.place", "orders.record-payment", "orders.cancel", "system.tick", "system.noop", "system.malformed"}
	adminCommands := []string{"coupons.create", "coupons.pause", "coupons.resume", "coupons.close", "coupons.change-stock", "coupons.revoke", "seats.create",
		"seats.block", "seats.unblock", "seats.reclaim", "seats.close", "products.create", "products.change-stock", "products.close", "products.prepare",
		"orders.record-payment", "orders.cancel"} // refused, they are told as command-failed
	seen := map[string]bool{}
	for _, e := range samples {
		name, _ := e.Body.Type()
		seen[name] = true
	}
	for _, name := range typeNames(t) {
		if !seen[name] && !slices.Contains(commands, name) {
			t.Errorf("no sample of %s: say in noticeOf and changed how it is told, and show it in samples_test.go", name)
		}
	}
	for _, c := range commands {
		e := rejectionOf(c, "x", domain.Internal, domain.Details{})
		userFacing := domain.Kind(c) != "alarms" && domain.Kind(c) != "system"
		if n := notificationFor(&e); userFacing && (n.name == "command-failed") != slices.Contains(adminCommands, c) {
			t.Errorf("a refused %s is told as %s", c, n.name)
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

func typeName(e *domain.Event) string {
	name, _ := e.Body.Type()
	return name
}

// Every reason for which something can become of an order has its words.
func TestMessages_CoverReasons(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "../../domain/orders/payment.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	reasons := []string{domain.SoldOut, domain.ProductClosed, domain.AmountMismatch} // why one is kept
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
		if reasonKey(r) == "reason/other" && r != orders.ReasonDiscrepant { // which its user is not told
			t.Errorf("no words for %s", r)
		}
	}
}

// Every code of the domain has its words, in both languages.
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
			t.Errorf("no words for %s", code)
		}
		return true
	})
	if codes < 15 {
		t.Fatalf("found only %d codes", codes)
	}
	for key, m := range messages {
		for to := range public {
			_ = appendMessage(nil, notification{text: key}, to) // no placeholder that nobody knows
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
			t.Errorf("%s: no words for %s", name, n.text)
		}
		for to := range public {
			if s := string(appendMessage(nil, n, to)); strings.ContainsAny(s, "{}") || strings.Contains(s, "()") || strings.Contains(s, ": )") {
				t.Errorf("%s: a placeholder is left in %q", name, s)
			}
		}
	}
}

// Each code that can refuse each command fills the placeholders of its message.
func TestMessages_FillPlaceholders(t *testing.T) {
	facts := domain.Details{CouponID: "1-3", Limit: 4}
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
		e := rejectionOf(command, "x", code, facts)
		for to := range public {
			if s := string(appendMessage(nil, notificationFor(&e), to)); strings.ContainsAny(s, "{}") || strings.Contains(s, ": )") {
				t.Errorf("%s: %q", code, s)
			}
		}
	}
}
