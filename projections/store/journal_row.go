// A row of the journal: which fields it has; the sequence, the time, and how far back the linked rows are; then the fields that it has. The
// event's number is its key, and the body of a coupon that was issued follows from its number.

package store

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"

	"onsale/domain"
	"onsale/domain/coupons"
)

// Fields that a row may have, by bits.
const (
	hasRequest = 1 << iota
	hasFingerprint
	hasUser
	isIssued // it has the coupon's number instead of the body
)

// rowTypes are written as their places, from 1 on, and other types as text after a 0. A change needs another layout of the store.
var rowTypes = [...]string{
	"coupons.issued", "coupons.rejected", "coupons.used", "coupons.bound", "coupons.joined", "coupons.offered", "coupons.accepted",
	"seats.held", "seats.rejected", "seats.expiring", "seats.expired", "seats.released", "seats.reserved", "seats.ordered", "seats.cancelled",
	"products.prepared", "orders.placed", "orders.pending", "orders.succeeded", "orders.failed", "orders.rejected", "orders.confirmed", "alarms.raised",
}

// rowHeader is a row in bbolt's own bytes.
type rowHeader struct {
	sequence    uint64
	now         domain.Time
	links       Links
	hasRequest  bool
	request     domain.PackedRequestID
	fingerprint domain.Fingerprint

	name, user, entity []byte
	number             uint64 // of a coupon that was issued
	data               []byte // the body in JSON; nil if there is a number
}

func encodeRow(e domain.Event, name string, links Links, data []byte) []byte {
	fields := byte(0)
	request, answers := e.Request.Pack()
	if answers {
		fields |= hasRequest
	}
	if e.Fingerprint != 0 {
		fields |= hasFingerprint
	}
	if e.User != "" {
		fields |= hasUser
	}
	issued, ok := e.Body.(coupons.Issued)
	if ok && issued.Number > 0 && bytes.Equal(data, issuedData(e.Entity, uint64(issued.Number))) {
		fields |= isIssued
		data = binary.AppendUvarint(nil, uint64(issued.Number))
	}
	v := make([]byte, 0, 1+4*binary.MaxVarintLen64+len(request)+8+4+len(name)+len(e.User)+len(e.Entity)+len(data)+checksumSize)
	v = append(v, fields)
	for _, n := range []uint64{e.Sequence, uint64(e.Now), distance(e.Number, links.PrevOfUser), distance(e.Number, links.PrevOfEntity)} {
		v = binary.AppendUvarint(v, n)
	}
	place := slices.Index(rowTypes[:], name) + 1
	if v = append(v, byte(place)); place == 0 {
		v = appendText(v, name)
	}
	if answers {
		v = append(v, request[:]...)
	}
	if e.Fingerprint != 0 {
		v = binary.BigEndian.AppendUint64(v, uint64(e.Fingerprint))
	}
	if e.User != "" {
		v = appendText(v, e.User)
	}
	return append(appendText(v, e.Entity), data...)
}

// appendText appends an id or a type, which are never longer than 64.
func appendText(b []byte, text string) []byte { return append(append(b, byte(len(text))), text...) }

// distance is how far back a row is from row n; 0: there is none.
func distance(n, prev uint64) uint64 {
	if prev == 0 {
		return 0
	}
	return n - prev
}

// issuedData is the body of a coupon of this number, as EncodeEvent writes it.
func issuedData(promotion string, number uint64) []byte {
	return fmt.Appendf(nil, `{"promotionId":"%s","couponId":"%s","number":%d}`, promotion, coupons.CouponID(promotion, int(number)), number)
}

// rowReader reads the fields of a row. After an error, bad is true.
type rowReader struct {
	rest []byte
	bad  bool
}

func (r *rowReader) integer() uint64 {
	n, size := binary.Uvarint(r.rest)
	if size <= 0 {
		r.bad = true
		return 0
	}
	r.rest = r.rest[size:]
	return n
}

func (r *rowReader) bytes(size int) []byte {
	if r.bad || len(r.rest) < size {
		r.bad = true
		return make([]byte, size)
	}
	b := r.rest[:size:size]
	r.rest = r.rest[size:]
	return b
}

func (r *rowReader) text() []byte { return r.bytes(int(r.bytes(1)[0])) }

// link is the number of a row that is linked from row n.
func (r *rowReader) link(n uint64) uint64 {
	back := r.integer()
	if back == 0 {
		return 0
	}
	r.bad = r.bad || back >= n
	return n - back
}

func readRowHeader(k, v []byte) (rowHeader, error) {
	var h rowHeader
	if len(k) != 8 || len(v) == 0 {
		return h, fmt.Errorf("%w: a row of the journal is missing", ErrDamaged)
	}
	n, fields, r := number(k), v[0], rowReader{rest: v[1:]}
	h.sequence, h.now = r.integer(), domain.Time(r.integer())
	h.links = Links{r.link(n), r.link(n)}
	switch place := int(r.bytes(1)[0]); {
	case place == 0:
		h.name = r.text()
	case place <= len(rowTypes):
		h.name = rowTypeNames[place-1]
	default:
		r.bad = true
	}
	if h.hasRequest = fields&hasRequest != 0; h.hasRequest {
		h.request = domain.PackedRequestID(r.bytes(len(h.request)))
	}
	if fields&hasFingerprint != 0 {
		h.fingerprint = domain.Fingerprint(number(r.bytes(8)))
	}
	if fields&hasUser != 0 {
		h.user = r.text()
	}
	h.entity = r.text()
	if h.data = r.rest; fields&isIssued != 0 {
		h.number, h.data = r.integer(), nil
	}
	if r.bad {
		return h, fmt.Errorf("%w: row %d of the journal is malformed", ErrDamaged, n)
	}
	return h, nil
}

// rowTypeNames are the same as bytes, which nobody changes.
var rowTypeNames = func() (names [len(rowTypes)][]byte) {
	for i, name := range rowTypes {
		names[i] = []byte(name)
	}
	return names
}()

// rejectionCode is nil for all but rejections. It follows the type of the command, and neither has quotes in it.
func (h rowHeader) rejectionCode() []byte {
	if !bytes.HasSuffix(h.name, []byte(".rejected")) {
		return nil
	}
	_, code, _ := bytes.Cut(h.data, []byte(`,"code":"`))
	code, _, _ = bytes.Cut(code, []byte(`"`))
	return code
}

// journalRow is a row whose body is not decoded yet.
type journalRow struct {
	domain.Event // without Body and Last
	Links
	name string // the event's type
	data []byte // the body in JSON
}

func decodeRow(k, v []byte) (journalRow, error) {
	h, err := readRowHeader(k, v)
	if err != nil {
		return journalRow{}, err
	}
	r := journalRow{Links: h.links, name: string(h.name), data: bytes.Clone(h.data)} // bbolt's bytes end with the transaction
	r.Number, r.Sequence, r.Now, r.Fingerprint = number(k), h.sequence, h.now, h.fingerprint
	r.User, r.Entity = string(h.user), string(h.entity)
	if h.hasRequest {
		r.Request = h.request.Unpack()
	}
	if h.number > 0 {
		r.data = issuedData(r.Entity, h.number)
	}
	return r, nil
}
