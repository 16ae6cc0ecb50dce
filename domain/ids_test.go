package domain

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
)

func TestCheckID_Validates(t *testing.T) {
	for _, id := range []string{"1", "a", "Z", "-", "_", "demo-1", strings.Repeat("x", 64)} {
		if err := CheckID(id); err != nil {
			t.Errorf("%q: %v", id, err)
		}
	}
	for _, id := range []string{"", ".", "*", ">", "~", "a b", "a.b", "a\x00", "é", "쿠폰", "a\n", "/", "@", "[", "`", "{", ":", strings.Repeat("x", 65)} {
		if CheckID(id) == nil {
			t.Errorf("%q: got no error", id)
		}
	}
}

// The vectors are written down: a client computes the same from the contract.
func TestRequestID_MatchesVectors(t *testing.T) {
	sum := sha256.Sum256([]byte("kim\x00key-1"))
	want := base64.RawURLEncoding.EncodeToString(sum[:])[:22]
	if got := NewRequestID("kim", "key-1").String(); got != want || got != "vEK8l6x7MqtbfG45NCfMeu" {
		t.Errorf("got %s, want %s", got, want)
	}
	if NewRequestID("ki", "mkey") == NewRequestID("kim", "key") {
		t.Error("user and key are not separated")
	}
	var none RequestID
	if text, err := json.Marshal(none); err != nil || string(text) != `""` || !none.IsZero() {
		t.Errorf("zero id: got %s, %v", text, err)
	}
}

func TestFingerprint_SeparatesParts(t *testing.T) {
	got := NewFingerprint("POST", "/api/v1/promotions/demo/coupons", "")
	if got == NewFingerprint("POST", "/api/v1/promotions/demo/coupons") || got == NewFingerprint("POST", "/api/v1/promotions/demo", "/coupons", "") {
		t.Error("parts are not separated")
	}
	if text, err := Fingerprint(0x0a).MarshalText(); err != nil || string(text) != "000000000000000a" {
		t.Errorf("got %s, %v", text, err)
	}
	for _, text := range []string{"", "x", "-1", "10000000000000000"} {
		if f := new(Fingerprint); f.UnmarshalText([]byte(text)) == nil {
			t.Errorf("%q: got %x, want an error", text, *f)
		}
	}
}

func TestHash_CoversEveryPart(t *testing.T) {
	var start Hash
	one := start.Next("evt.coupons.demo.kim", []byte(`{"n":1}`))
	for what, other := range map[string]Hash{
		"previous hash":       one.Next("evt.coupons.demo.kim", []byte(`{"n":1}`)),
		"subject":             start.Next("evt.coupons.demo.lee", []byte(`{"n":1}`)),
		"payload":             start.Next("evt.coupons.demo.kim", []byte(`{"n":2}`)),
		"border between them": start.Next("evt.coupons.demo.kim{", []byte(`"n":1}`)),
	} {
		if one == other {
			t.Errorf("the hash does not cover the %s", what)
		}
	}
	want := sha256.Sum256(append(make([]byte, 32), "evt.coupons.demo.kim\x00{\"n\":1}"...))
	if one != want {
		t.Errorf("got %s, want %s", one, Hash(want))
	}
	for _, text := range []string{"", "00", strings.Repeat("g", 64), one.String() + "0", one.String() + "00"} {
		if _, err := ParseHash(text); err == nil {
			t.Errorf("%q: got no error", text)
		}
	}
}

// FuzzIDs: what is taken comes back as it was, and nothing that is taken can be a separator or a wildcard in a subject.
func FuzzIDs(f *testing.F) {
	f.Add("kim", uint64(7))
	f.Add("vEK8l6x7MqtbfG45NCfMeu", uint64(1)<<63)
	f.Add(strings.Repeat("0", 64), uint64(0))
	f.Fuzz(func(t *testing.T, text string, n uint64) {
		if CheckID(text) == nil && (strings.ContainsAny(text, ".*> \t\r\n~/\x00\"") || len(text) > 64) {
			t.Errorf("%q is accepted as an id", text)
		}
		if id, err := ParseRequestID(text); err == nil {
			var reparsed RequestID
			written, _ := id.MarshalText()
			if err := reparsed.UnmarshalText(written); err != nil || reparsed != id || id.String() != text || id.IsZero() {
				t.Errorf("got %s, %v, want %s", reparsed, err, text)
			}
		}
		var fingerprint Fingerprint
		written, _ := Fingerprint(n).MarshalText()
		if err := fingerprint.UnmarshalText(written); err != nil || uint64(fingerprint) != n || len(written) != 16 {
			t.Errorf("got %x, %v, want %x", fingerprint, err, n)
		}
		want := Hash{}.Next(text, written)
		if got, err := ParseHash(want.String()); err != nil || got != want {
			t.Errorf("got %s, %v, want %s", got, err, want)
		}
		if id, err := ParseRequestID(NewRequestID(text, text).String()); err != nil || id != NewRequestID(text, text) {
			t.Errorf("got %s, %v", id, err)
		}
	})
}
