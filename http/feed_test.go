package http

import (
	"net/http"
	"strings"
	"testing"
)

// A filter that cannot be decoded is refused: leaving it out would send what was not asked for.
func TestFeed_RefusesUndecodableFilter(t *testing.T) {
	f := newFixture(t)
	for _, query := range []string{"type=%zz", "type=orders.succeeded;x", "entity=%"} {
		for _, accept := range []string{"application/x-ndjson", "text/event-stream"} {
			field, _, _ := strings.Cut(query, "=")
			a, body := f.send(t, "GET", "/api/v1/admin/events?"+query, "Accept", accept)
			if a.StatusCode != http.StatusBadRequest || !strings.Contains(body, `"code":"invalid_parameter"`) || !strings.Contains(body, `"field":"`+field) {
				t.Errorf("%s as %s: got %s %s", query, accept, a.Status, body)
			}
		}
	}
}
