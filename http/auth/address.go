// The address of a client behind proxies. Each proxy appends the address that it was called from, so only the part that
// trusted proxies appended is true, and the client may have written all that is left of it.

package auth

import (
	"net/http"
	"net/netip"
	"strings"
)

// maxHops is how many addresses are looked at; more are taken for an attack.
const maxHops = 32

// ClientAddress returns the address of the client: that of the peer, unless the peer is a trusted proxy. Then it is the last
// address in X-Forwarded-For that is not a trusted proxy's, or without that header in Forwarded (RFC 7239). What cannot be read
// leaves the peer's. Nearly every proxy writes X-Forwarded-For and passes on a Forwarded that its client wrote; if a difference
// of the two left the peer's, each client could use up what the proxy may send.
func ClientAddress(r *http.Request, trusted []netip.Prefix) netip.Addr {
	from := peer(r)
	if !contains(trusted, from) {
		return embeddedIPv4(from)
	}
	client := from
	if each := r.Header["X-Forwarded-For"]; len(each) > 0 {
		client = lastUntrusted(strings.Split(strings.Join(each, ","), ","), trusted, from)
	} else if forwarded := r.Header["Forwarded"]; len(forwarded) > 0 {
		client = lastUntrusted(forwardedFor(strings.Join(forwarded, ",")), trusted, from)
	}
	return embeddedIPv4(client)
}

// FromThisMachine says that no proxy sent the request, and that it came over loopback. What a header says does not matter.
func FromThisMachine(r *http.Request, trusted []netip.Prefix) bool {
	from := peer(r)
	return from.IsLoopback() && !contains(trusted, from)
}

// nat64 is how translators show clients of IPv4 to servers of IPv6 (RFC 6052).
var nat64 = netip.MustParsePrefix("64:ff9b::/96")

// embeddedIPv4 is the address of IPv4 behind a translator: all of them have the same network of IPv6.
func embeddedIPv4(address netip.Addr) netip.Addr {
	if !nat64.Contains(address) {
		return address
	}
	b := address.As16()
	return netip.AddrFrom4([4]byte(b[12:]))
}

// lastUntrusted returns the last of the nodes that is not trusted, the first if all are, and the peer if one on the way there
// is no address.
func lastUntrusted(nodes []string, trusted []netip.Prefix, peer netip.Addr) netip.Addr {
	client := peer
	for i := len(nodes) - 1; i >= 0; i-- {
		address, ok := nodeAddress(nodes[i])
		if !ok || len(nodes)-i > maxHops {
			return peer
		}
		client = address
		if !contains(trusted, address) {
			break
		}
	}
	return client
}

// nodeAddress reads 192.0.2.43, 192.0.2.43:47011, 2001:db8::17, [2001:db8::17] and [2001:db8::17]:4711.
func nodeAddress(node string) (netip.Addr, bool) {
	node = strings.Trim(node, " \t")
	address, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(node, "["), "]"))
	if err != nil {
		withPort, err := netip.ParseAddrPort(node)
		if err != nil {
			return netip.Addr{}, false
		}
		address = withPort.Addr()
	}
	return address.Unmap().WithZone(""), true
}

// forwardedFor returns the for parameter of each element of a Forwarded header, "" where there is none. A header that is not
// as RFC 7239 has it gives one element that is no address.
func forwardedFor(header string) (nodes []string) {
	malformed := []string{""}
	for {
		node, rest, ok := forwardedElement(header)
		if !ok {
			return malformed
		}
		nodes = append(nodes, node)
		if rest == "" {
			return nodes
		}
		header = rest[1:] // behind the comma
	}
}

// forwardedElement reads pairs up to a comma or the end, and returns the value of for.
func forwardedElement(text string) (node, rest string, ok bool) {
	seen := false
	for {
		text = strings.TrimLeft(text, " \t")
		if text == "" || text[0] == ',' {
			return node, text, true
		}
		if text[0] == ';' {
			text = text[1:]
			continue
		}
		name, after, found := strings.Cut(text, "=")
		if !found || name == "" || strings.ContainsAny(name, " \t,;\"") {
			return "", "", false
		}
		value, left, ok := forwardedValue(after)
		if !ok {
			return "", "", false
		}
		if strings.EqualFold(name, "for") {
			if seen {
				return "", "", false
			}
			node, seen = value, true
		}
		text = strings.TrimLeft(left, " \t")
		if text != "" && text[0] != ',' && text[0] != ';' {
			return "", "", false
		}
	}
}

// forwardedValue reads a token or a quoted string.
func forwardedValue(text string) (value, rest string, ok bool) {
	if !strings.HasPrefix(text, `"`) {
		end := strings.IndexAny(text, ",; \t")
		if end < 0 {
			end = len(text)
		}
		return text[:end], text[end:], !strings.Contains(text[:end], `"`)
	}
	var unquoted strings.Builder
	for i := 1; i < len(text); i++ {
		switch text[i] {
		case '"':
			return unquoted.String(), text[i+1:], true
		case '\\':
			i++
			if i == len(text) {
				return "", "", false
			}
		}
		unquoted.WriteByte(text[i])
	}
	return "", "", false
}
