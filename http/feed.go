// The feed: every event, for the sale's own servers, as a stream or as lines of JSON.

package http

import (
	"errors"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"onsale/domain"
	"onsale/http/auth"
	"onsale/http/sse"
)

// feed is GET /api/v1/admin/events. A response of lines ends, so it gets the problems of a read where a stream would be told to come
// back.
func (s *Server) feed(w http.ResponseWriter, r *http.Request, who auth.Identity) error {
	if err := checkQuery(r.URL.RawQuery); err != nil {
		return err
	}
	query := r.URL.Query()
	filter, err := s.feedFilter(query)
	if err != nil {
		return err
	}
	wait, err := waitQuery(query)
	if err != nil {
		return err
	}
	lines, cloudEvents := feedFormat(r.Header["Accept"])
	switch {
	case !lines:
		s.Streams.Feed(w, r, who, filter, cloudEvents)
		return nil
	case s.Projector.Status().Halted != "":
		return problemf(halted, "")
	case s.isolated():
		return s.notCaughtUpProblem()
	}
	err = s.Streams.FeedLines(w, r, filter, cloudEvents, wait)
	if errors.Is(err, sse.ErrClosed) {
		return s.notCaughtUpProblem()
	}
	return err
}

// wantsLines says that the client reads the feed as lines, which no browser does.
func wantsLines(r *http.Request) bool {
	lines, _ := feedFormat(r.Header["Accept"])
	return lines
}

// feedFormat is what a client accepts: lines, if it names them or CloudEvents and not streams; else a stream.
func feedFormat(accept []string) (lines, cloudEvents bool) {
	stream := false
	for _, header := range accept {
		for part := range strings.SplitSeq(header, ",") {
			name, params, err := mime.ParseMediaType(part)
			if err != nil || strings.Trim(params["q"], "0.") == "" && params["q"] != "" {
				continue
			}
			switch name {
			case "text/event-stream":
				stream = true
			case "application/x-ndjson":
				lines = true
			case "application/cloudevents+json":
				lines, cloudEvents = true, true
			}
		}
	}
	return lines && !stream, cloudEvents
}

// feedFilter reads ?type= and ?entity=, each a list with commas, or repeated. A type that does not exist is refused: its client
// would wait for it in vain.
func (s *Server) feedFilter(query url.Values) (filter sse.Filter, err error) {
	types, err := filterList(query, "type", func(name string) error {
		kind, whole := strings.CutSuffix(name, ".*")
		exists := func(known string) bool { return known == name || whole && domain.Kind(known) == kind }
		if !slices.ContainsFunc(s.EventTypes, exists) {
			return fieldProblem(invalidParameter, "type", "there is no event of type %q; like orders.succeeded, or seats.* for all of a kind", name)
		}
		return nil
	})
	if err != nil {
		return filter, err
	}
	entities, err := filterList(query, "entity", func(id string) error {
		if domain.CheckID(id) != nil {
			return fieldProblem(invalidParameter, "entity", "is not an id: letters, digits, - and _, at most 64")
		}
		return nil
	})
	return sse.Filter{Types: types, Entities: entities}, err
}

// maxFilterItems bounds what each event is compared with.
const maxFilterItems = 100

// filterList is a list in a query, each item once, with commas; "" if it is not given, or has the item "*".
func filterList(query url.Values, param string, check func(item string) error) (string, error) {
	if !query.Has(param) {
		return "", nil
	}
	items := strings.Split(strings.Join(query[param], ","), ",")
	for _, item := range items {
		if err := check(item); err != nil && item != "*" {
			return "", err
		}
	}
	slices.Sort(items)
	items = slices.Compact(items)
	switch {
	case slices.Contains(items, "*"):
		return "", nil
	case len(items) > maxFilterItems:
		return "", fieldProblem(invalidParameter, param, "has more than %d items", maxFilterItems)
	}
	return strings.Join(items, ","), nil
}
