package command

import (
	"bytes"
	"encoding/pem"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestEventPrinter_PrintsForPeople(t *testing.T) {
	const event = `{"eventId":"k3v9x0ab-7","type":"seats.held","entity":"demo","userId":"kim","sequence":4000,"at":"2026-11-22T12:00:00.123Z","data":{"holdId":"h4000"}}`
	for _, tc := range []struct {
		printer     eventPrinter
		event, want string
	}{
		{eventPrinter{}, event, "2026-11-22T12:00:00.123Z  k3v9x0ab-7  seats.held            demo  kim  {\"holdId\":\"h4000\"}\n"},
		{eventPrinter{coloured: true}, event, "\x1b[2m2026-11-22T12:00:00.123Z\x1b[0m  k3v9x0ab-7  \x1b[32mseats.held          \x1b[0m  demo  kim  {\"holdId\":\"h4000\"}\n"},
		{eventPrinter{coloured: true}, strings.Replace(event, "held", "rejected", 1), "\x1b[2m2026-11-22T12:00:00.123Z\x1b[0m  k3v9x0ab-7  \x1b[31mseats.rejected      \x1b[0m  demo  kim  {\"holdId\":\"h4000\"}\n"},
		{eventPrinter{json: true}, event, event + "\n"},
		// Control characters in a name do not reach the terminal.
		{eventPrinter{}, `{"eventId":"k3v9x0ab-7","type":"x","at":"2026-11-22T12:00:00.123Z","data":{"name":"` + "\u009b2J" + `\u001b[2J"}}`,
			"2026-11-22T12:00:00.123Z  k3v9x0ab-7  x                     -  -  {\"name\":\"\ufffd2J\\u001b[2J\"}\n"},
	} {
		var out bytes.Buffer
		tc.printer.out = &out
		if err := tc.printer.print([]byte(tc.event)); err != nil || out.String() != tc.want {
			t.Errorf("got %q %v, want %q", out.String(), err, tc.want)
		}
	}
	if err := (&eventPrinter{}).print([]byte("<html>")); err == nil {
		t.Error("a page was printed")
	}
}

// What stands in the way of TLS is said as it is, with what to do.
func TestTail_ExplainsTLS(t *testing.T) {
	page := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "<h1>not onsale</h1>", http.StatusTeapot) })
	plain, secure := httptest.NewServer(page), httptest.NewUnstartedServer(page)
	secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	secure.StartTLS()
	t.Cleanup(plain.Close)
	t.Cleanup(secure.Close)
	ca, empty := filepath.Join(t.TempDir(), "ca.pem"), filepath.Join(t.TempDir(), "empty.pem")
	for path, text := range map[string][]byte{empty: nil, ca: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: secure.Certificate().Raw})} {
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, tc := range []struct{ target, ca, want, hint string }{
		{strings.Replace(secure.URL, "https", "http", 1), "", "400 Bad Request: Client sent an HTTP request to an HTTPS server.", "this port is HTTPS"},
		{strings.Replace(plain.URL, "http", "https", 1), "", "tls: first record does not look like a TLS handshake", "this port is plain HTTP"},
		{secure.URL, "", "tls: failed to verify certificate: x509: certificate signed by unknown authority", "--ca FILE"},
		{strings.Replace(secure.URL, "127.0.0.1", "localhost", 1), ca, "tls: failed to verify certificate: x509: certificate is valid for", "a name that the certificate has"},
		{secure.URL, ca, "418 I'm a teapot: <h1>not onsale</h1>", "a node of onsale"},
		{secure.URL, empty, "has no certificate", "a PEM file"},
		{secure.URL, "none.pem", "--ca: open none.pem:", "a PEM file"},
	} {
		err := runTail(t.Context(), tailQuery{Target: tc.target, CA: tc.ca}, &eventPrinter{out: io.Discard}, io.Discard)
		hint, ok := err.(hinter)
		if !ok || !strings.Contains(err.Error(), tc.want) || !strings.Contains(hint.Hint(), tc.hint) {
			t.Errorf("%s with CA %q: got %v, want %q and the hint %q", tc.target, tc.ca, err, tc.want, tc.hint)
		}
	}
}
