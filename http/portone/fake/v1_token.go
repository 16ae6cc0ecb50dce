// V1's token: half an hour; who asks again gets the same one, which its last minute prolongs by five.
package fake

import (
	"crypto/rand"
	"net/http"
	"strings"
	"time"
)

const (
	tokenLife   = 30 * time.Minute
	lastMinute  = time.Minute
	prolongedBy = 5 * time.Minute
)

// token is the one that is good now; the zero token is none. before is the one that it replaced.
type token struct {
	access, before string
	until          time.Time
}

func (s *Server) getToken(q request) answer {
	given := q.parameters()
	key, secret := given["imp_key"], given["imp_secret"]
	if key == "" || secret == "" {
		s.violation("v1: getToken without its keys")
		return no(http.StatusBadRequest, -1, "imp_key, imp_secret 파라메터가 누락되었습니다.")
	}
	if key != s.Key || secret != s.Secret {
		return no(http.StatusUnauthorized, -1, "인증에 실패하였습니다. API키와 secret을 확인하세요.")
	}
	now, t := s.now(), &s.token
	switch left := t.until.Sub(now); {
	case t.access == "" || left <= 0:
		s.token = token{rand.Text(), t.access, now.Add(tokenLife)}
	case left <= lastMinute:
		t.until = t.until.Add(prolongedBy)
	}
	return yes(map[string]any{"access_token": t.access, "expired_at": t.until.Unix(), "now": now.Unix()})
}

// Revoke takes the token back; nobody is told.
func (s *Server) Revoke() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.token = token{}
}

// signedIn lets nobody in without the token, with or without "Bearer". One that is over is a violation: its end was known.
func (s *Server) signedIn(handle handler) handler {
	return func(q request) answer {
		access := strings.TrimPrefix(q.Header.Get("Authorization"), "Bearer ")
		over := !s.now().Before(s.token.until)
		if access != "" && (access == s.token.before || access == s.token.access && over) {
			s.violation("v1: %s %s with a token that is over", q.Method, q.URL.Path)
		}
		if access == "" {
			s.violation("v1: %s %s without a token", q.Method, q.URL.Path)
		}
		if access == "" || access != s.token.access || over {
			return no(http.StatusUnauthorized, -1, "Unauthorized")
		}
		return handle(q)
	}
}
