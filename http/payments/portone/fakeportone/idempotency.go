// Keys of V2: for three hours, the same key is the same request, and is answered as the first time.

package fakeportone

import (
	"net/http"
	"strings"
	"time"
)

const (
	keyTTL  = 3 * time.Hour
	maxKeys = 100_000
)

// keyedRequest is a request with a key. answer is nil while it is under way.
type keyedRequest struct {
	fingerprint string // method, path and body
	response    *response
	at          time.Time
}

// beginKey notes the key of a request that is to do something. Where there is an answer already, that is given.
func (s *Server) beginKey(q request) (key string, early *response) {
	if q.Method == http.MethodGet {
		return "", nil
	}
	quoted := q.Header.Get("Idempotency-Key")
	if quoted == "" {
		s.recordViolation("v2: %s %s without an idempotency key", q.Method, q.URL.Path)
		return "", nil
	}
	key = strings.Trim(quoted, `"`)
	if quoted != `"`+key+`"` || len(key) < 16 || len(key) > 256 {
		s.recordViolation("v2: the idempotency key %s is not quoted, or not of 16 to 256 bytes", quoted)
		bad := problem(http.StatusBadRequest, "INVALID_REQUEST", "Idempotency-Key")
		return "", &bad
	}
	fingerprint := q.Method + " " + q.URL.Path + " " + string(q.body)
	first := s.keys[key]
	switch {
	case first == nil || first.response != nil && s.now().Sub(first.at) > keyTTL:
		if len(s.keys) >= maxKeys {
			clear(s.keys) // a fake may forget
		}
		s.keys[key] = &keyedRequest{fingerprint: fingerprint, at: s.now()}
		return key, nil
	case first.fingerprint != fingerprint:
		s.recordViolation("v2: the idempotency key %s is used for two requests", key)
		bad := problem(http.StatusBadRequest, "INVALID_REQUEST", "Idempotency-Key")
		return "", &bad
	case first.response == nil:
		busy := problem(http.StatusConflict, "IDEMPOTENCY_OUTSTANDING_REQUEST", "처리 중인 요청입니다.")
		return "", &busy
	}
	return "", first.response
}

// finishKey remembers the answer to the request with this key; nil forgets the key, for nothing was
// done, and nor was anything for whoever is not known.
func (s *Server) finishKey(key string, a *response) {
	first := s.keys[key]
	switch {
	case key == "" || first == nil:
	case a == nil || a.status == http.StatusUnauthorized:
		delete(s.keys, key)
	default:
		first.response = a
	}
}
