// V1's token: half an hour; who asks again gets the same one, which its last minute prolongs by five.

package fakeportone

import (
	"crypto/rand"
	"net/http"
	"strings"
	"time"
)

const (
	tokenTTL   = 30 * time.Minute
	lastMinute = time.Minute
	extension  = 5 * time.Minute
)

// token is the one that is good now; the zero token is none. before is the one that it replaced.
type token struct {
	access, previous string
	expiresAt        time.Time
}

func (s *Server) getToken(q request) response {
	params := q.params()
	key, secret := params["imp_key"], params["imp_secret"]
	if key == "" || secret == "" {
		s.recordViolation("v1: getToken without its keys")
		return v1Error(http.StatusBadRequest, -1, "imp_key, imp_secret 파라메터가 누락되었습니다.")
	}
	if key != s.Key || secret != s.Secret {
		return v1Error(http.StatusUnauthorized, -1, "인증에 실패하였습니다. API키와 secret을 확인하세요.")
	}
	now, t := s.now(), &s.token
	switch left := t.expiresAt.Sub(now); {
	case t.access == "" || left <= 0:
		s.token = token{rand.Text(), t.access, now.Add(tokenTTL)}
	case left <= lastMinute:
		t.expiresAt = t.expiresAt.Add(extension)
	}
	return v1OK(map[string]any{"access_token": t.access, "expired_at": t.expiresAt.Unix(), "now": now.Unix()})
}

// Revoke takes the token back; nobody is told.
func (s *Server) Revoke() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.token = token{}
}

// requireToken lets nobody in without the token, with or without "Bearer". One that is over is a violation: its end was known.
func (s *Server) requireToken(handle handler) handler {
	return func(q request) response {
		access := strings.TrimPrefix(q.Header.Get("Authorization"), "Bearer ")
		expired := !s.now().Before(s.token.expiresAt)
		if access != "" && (access == s.token.previous || access == s.token.access && expired) {
			s.recordViolation("v1: %s %s with a token that is over", q.Method, q.URL.Path)
		}
		if access == "" {
			s.recordViolation("v1: %s %s without a token", q.Method, q.URL.Path)
		}
		if access == "" || access != s.token.access || expired {
			return v1Error(http.StatusUnauthorized, -1, "Unauthorized")
		}
		return handle(q)
	}
}
