package domain

import "strings"

// PackedRequestID is a request id as 22 characters of 6 bits each; the other 4 bits are set, so that none is zero.
type PackedRequestID [17]byte

const idAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

// idDigits has the place of each character in idAlphabet, and 64 for all others.
var idDigits = func() (digits [256]byte) {
	for c := range digits {
		digits[c] = 64
		if place := strings.IndexByte(idAlphabet, byte(c)); place >= 0 {
			digits[c] = byte(place)
		}
	}
	return digits
}()

// Pack returns false for what is no request id, such as the zero id.
func (id RequestID) Pack() (p PackedRequestID, ok bool) {
	bits, count, next := uint32(0xf), 4, 0
	for _, c := range id {
		digit := idDigits[c]
		if digit == 64 {
			return p, false
		}
		bits, count = bits<<6|uint32(digit), count+6
		if count >= 8 {
			count -= 8
			p[next] = byte(bits >> count)
			next++
		}
	}
	return p, true
}

// Unpack is the reverse of Pack.
func (p PackedRequestID) Unpack() (id RequestID) {
	bits, count, next := uint32(p[0]&0xf), 4, 1
	for i := range id {
		if count < 6 {
			bits, count, next = bits<<8|uint32(p[next]), count+8, next+1
		}
		count -= 6
		id[i] = idAlphabet[bits>>count&63]
	}
	return id
}
