// What all commands share: whose request it is, under which key, how long its sender wants to wait, and that every answer
// says so again.
package http

import (
	"cmp"
	"crypto/rand"
	"net/http"
	"strings"
	"time"

	"onsale/domain"
)

// wish is what the path and the body of a command ask for.
type wish struct {
	entity  string
	body    domain.Body
	decoded string // the body as it was understood, for the fingerprint
	admin   bool   // goes in where users are kept out for want of room
	refusal error  // why it is not taken, unless it was taken before; nil: it is
}

// wishReader takes the wish out of a request. Its errors are about shape.
type wishReader func(w http.ResponseWriter, r *http.Request) (wish, error)

const maxKey = 255

// command is the handler of one kind of command. It waits so long for the outcome unless asked otherwise; who does not say
// who they are is taken for nobody, or sent away when that is "".
func (s *Server) command(usual time.Duration, nobody string, read wishReader) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		e, err := introduce(w, r, nobody)
		if err != nil {
			return err
		}
		wait := preferredWait(r.Header["Prefer"], usual)
		wish, err := read(w, r)
		if err == nil {
			e.fingerprint = domain.NewFingerprint(r.Method, canonicalPath(r.URL.Path), wish.decoded)
			err = s.carryOut(w, r, e, wish, wait)
		}
		if err != nil {
			return e.refused(err)
		}
		return nil
	}
}

// refused is why the request was, under its name.
func (e *entry) refused(err error) *problem {
	p := *problemOf(err) // a copy: those who joined one append share its error
	p.RequestID = e.request
	return &p
}

// introduce says whose request this is and names it. From here on every answer echoes the key; without one of the
// client's, a key is made, with which the client can ask again.
func introduce(w http.ResponseWriter, r *http.Request, nobody string) (*entry, error) {
	key, keyed := r.Header["Idempotency-Key"]
	if !keyed {
		key = []string{rand.Text()}
	} else if len(key) != 1 || !isKey(key[0]) {
		return nil, refuseField(invalidIdempotencyKey, "Idempotency-Key", "is not 1 to %d visible ASCII characters", maxKey)
	}
	w.Header()["Idempotency-Key"] = key
	user, err := whoAsks(r)
	if err != nil {
		return nil, err
	}
	if user = cmp.Or(user, nobody); user == "" {
		return nil, refuse(unauthenticated, "")
	}
	e := &entry{request: domain.NewRequestID(user, key[0]), user: user, keyed: keyed}
	if keyed {
		e.appended = make(chan struct{})
	}
	return e, nil
}

func isKey(key string) bool {
	for i := range len(key) {
		if key[i] <= ' ' || key[i] > '~' {
			return false
		}
	}
	return key != "" && len(key) <= maxKey
}

// canonicalPath is the path under which old and new clients mean the same.
func canonicalPath(path string) string {
	if rest, old := strings.CutPrefix(path, "/api/schedules/"); old {
		return "/api/v1/schedules/" + rest
	}
	return path
}
