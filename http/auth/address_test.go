package auth

import (
	"net/netip"
	"strings"
	"testing"
)

var trusted = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8"), netip.MustParsePrefix("203.0.113.7/32")}

// Each row is a request from a peer, and whose it is.
func TestClientAddress_Spoofing(t *testing.T) {
	const proxy = "10.0.0.1:9"
	for name, test := range map[string]struct {
		peer    string
		headers []string
		want    string
	}{
		"no proxy":                             {"192.0.2.1:9", nil, "192.0.2.1"},
		"a peer that is not trusted":           {"192.0.2.1:9", []string{"X-Forwarded-For: 198.51.100.1", "Forwarded: for=198.51.100.1"}, "192.0.2.1"},
		"a proxy without headers":              {proxy, nil, "10.0.0.1"},
		"one hop":                              {proxy, []string{"X-Forwarded-For: 198.51.100.1"}, "198.51.100.1"},
		"what the client wrote is on the left": {proxy, []string{"X-Forwarded-For: 1.1.1.1, 10.9.9.9, 198.51.100.1"}, "198.51.100.1"},
		"two proxies":                          {proxy, []string{"X-Forwarded-For: 1.1.1.1, 198.51.100.1, 203.0.113.7, 10.2.2.2"}, "198.51.100.1"},
		"in two headers":                       {proxy, []string{"X-Forwarded-For: 1.1.1.1", "X-Forwarded-For: 198.51.100.1"}, "198.51.100.1"},
		"all are proxies":                      {proxy, []string{"X-Forwarded-For: 10.3.3.3, 10.2.2.2"}, "10.3.3.3"},
		"with a port":                          {proxy, []string{"X-Forwarded-For: 198.51.100.1:4711"}, "198.51.100.1"},
		"IPv6":                                 {proxy, []string{"X-Forwarded-For: 2001:db8::1"}, "2001:db8::1"},
		"IPv6 in brackets, with a port":        {proxy, []string{"X-Forwarded-For: [2001:db8::1]:4711"}, "2001:db8::1"},
		"IPv4 in IPv6":                         {proxy, []string{"X-Forwarded-For: ::ffff:198.51.100.1"}, "198.51.100.1"},
		"a proxy in IPv6 form":                 {"[::ffff:10.0.0.1]:9", []string{"X-Forwarded-For: 198.51.100.1"}, "198.51.100.1"},
		"with a zone":                          {proxy, []string{"X-Forwarded-For: fe80::1%eth0"}, "fe80::1"},
		"a word":                               {proxy, []string{"X-Forwarded-For: 198.51.100.1, unknown"}, "10.0.0.1"},
		"a word behind a client":               {proxy, []string{"X-Forwarded-For: \u202e, 198.51.100.1"}, "198.51.100.1"},
		"empty":                                {proxy, []string{"X-Forwarded-For: "}, "10.0.0.1"},
		"a comma at the end":                   {proxy, []string{"X-Forwarded-For: 198.51.100.1,"}, "10.0.0.1"},
		"octal":                                {proxy, []string{"X-Forwarded-For: 010.0.0.1"}, "10.0.0.1"},
		"a number":                             {proxy, []string{"X-Forwarded-For: 3325256705"}, "10.0.0.1"},
		"a thousand proxies":                   {proxy, []string{"X-Forwarded-For: 198.51.100.1" + strings.Repeat(",10.0.0.1", 1000)}, "10.0.0.1"},

		"Forwarded":                 {proxy, []string{"Forwarded: for=198.51.100.1;proto=https;by=10.0.0.1"}, "198.51.100.1"},
		"Forwarded, quoted":         {proxy, []string{`Forwarded: For="[2001:db8::1]:4711"; Proto=https`}, "2001:db8::1"},
		"Forwarded, two hops":       {proxy, []string{"Forwarded: for=1.1.1.1, for=198.51.100.1, for=10.2.2.2"}, "198.51.100.1"},
		"Forwarded, a hidden one":   {proxy, []string{"Forwarded: for=198.51.100.1, for=_gazonk"}, "10.0.0.1"},
		"Forwarded, hidden, left":   {proxy, []string{"Forwarded: for=unknown, for=198.51.100.1"}, "198.51.100.1"},
		"Forwarded, no for":         {proxy, []string{"Forwarded: proto=https"}, "10.0.0.1"},
		"Forwarded, for twice":      {proxy, []string{"Forwarded: for=1.1.1.1;for=198.51.100.1"}, "10.0.0.1"},
		"Forwarded, a comma quoted": {proxy, []string{`Forwarded: host="a,for=1.1.1.1";for=198.51.100.1`}, "198.51.100.1"},
		"Forwarded, an open quote":  {proxy, []string{`Forwarded: host="a`, "Forwarded: for=198.51.100.1"}, "10.0.0.1"},
		"Forwarded, escaped":        {proxy, []string{`Forwarded: for="198.51.100\.1"`}, "198.51.100.1"},
		"Forwarded, no pair":        {proxy, []string{"Forwarded: 198.51.100.1"}, "10.0.0.1"},
		"Forwarded, a stray quote":  {proxy, []string{`Forwarded: for=198.51.100.1"`}, "10.0.0.1"},
		"Forwarded, no separator":   {proxy, []string{`Forwarded: for="198.51.100.1" for=1.1.1.1`}, "10.0.0.1"},

		"both agree":                            {proxy, []string{"Forwarded: for=198.51.100.1", "X-Forwarded-For: 198.51.100.1"}, "198.51.100.1"},
		"the client wrote Forwarded":            {proxy, []string{"Forwarded: for=1.1.1.1", "X-Forwarded-For: 198.51.100.1"}, "198.51.100.1"},
		"the client wrote an invalid Forwarded": {proxy, []string{"Forwarded: x", "X-Forwarded-For: 198.51.100.1"}, "198.51.100.1"},
		"the proxy passes X-Forwarded-For on":   {proxy, []string{"Forwarded: for=198.51.100.1", "X-Forwarded-For: 1.1.1.1"}, "1.1.1.1"}, // OPERATING.md forbids it
		"behind a translator":                   {proxy, []string{"X-Forwarded-For: 64:ff9b::198.51.100.1"}, "198.51.100.1"},
		"a peer behind a translator":            {"[64:ff9b::10.0.0.1]:9", []string{"X-Forwarded-For: 1.1.1.1"}, "10.0.0.1"}, // and no proxy
		"other headers mean nothing":            {proxy, []string{"X-Real-Ip: 1.1.1.1", "True-Client-Ip: 1.1.1.1", "X-Client-Ip: 1.1.1.1"}, "10.0.0.1"},
	} {
		r := ask("/", test.headers...)
		r.RemoteAddr = test.peer
		if got := ClientAddress(r, trusted).String(); got != test.want {
			t.Errorf("%s: got %s, want %s", name, got, test.want)
		}
	}
	for peer, want := range map[string]bool{"127.0.0.1:9": true, "[::1]:9": true, "10.0.0.1:9": false, "192.0.2.1:9": false} {
		r := ask("/", "X-Forwarded-For: 127.0.0.1")
		r.RemoteAddr = peer
		if got := FromThisMachine(r, trusted); got != want {
			t.Errorf("%s: from this machine: %v", peer, got)
		}
	}
	r := ask("/", "X-Forwarded-For: 1.1.1.1")
	r.RemoteAddr = "@"
	if got := ClientAddress(r, trusted); got.IsValid() {
		t.Errorf("a peer without an address: got %v", got)
	}
}
